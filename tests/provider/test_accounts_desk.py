"""The operator's desk: an account is found by its whole address; each look and each act stands in the journal."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts import sessions
from eprunes.accounts.models import Handover, Identity
from eprunes.accounts.services import clients, users
from eprunes.core.audit import ActorKind, AuditEntry
from eprunes.core.database import platform_session, tenant_session
from tests.support.operators import OPERATOR
from tests.support.routes import MISSING, calls
from tests.support.worlds import AS_OF, actor, give_password, open_session

ACTS = ("bloquer", "debloquer", "double-authentification")


def identity(email: str) -> Identity:
    with platform_session("tests") as session:
        return session.scalars(select(Identity).where(Identity.email == email)).one()


def path_of(email: str, act: str = "") -> str:
    return f"/exploitation/comptes/{identity(email).id}{'/' if act else ''}{act}"


def journal(world) -> list[AuditEntry]:
    """What operators left in the client's journal, oldest first."""
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id, AuditEntry.actor_kind == ActorKind.OPERATOR
        return list(session.scalars(select(AuditEntry).where(*own).order_by(AuditEntry.at, AuditEntry.id)))


def open_handover(world) -> Handover | None:
    with tenant_session(world.organisation_id) as session:
        own = Handover.organisation_id == world.organisation_id
        return session.scalar(select(Handover).where(own, Handover.closed_at.is_(None)))


@pytest.fixture
def succession_path(world):
    return f"/exploitation/clients/{world.organisation_id}/passation"


def announce(browser, world, path, email=None, proof="Extrait Kbis du 2 mars, CNI vue par visio"):
    chosen = identity(email or world.both).user_id
    return browser.post(path, data={"to_user_id": str(chosen), "proof": proof})


@pytest.mark.parametrize("typed", ["deux@client0.example", " DEUX@client0.example "])
def test_an_account_is_found_by_its_whole_address(operator, world, typed):
    answer = operator.post("/exploitation/comptes", data={"email": typed})
    assert answer.headers["Location"] == path_of(world.both)


@pytest.mark.parametrize(
    "typed", ["deux", "deux@", "@client0.example", "deux@client0.exampl", "%", "deux@client0.example%"]
)
def test_a_piece_of_an_address_finds_nobody(operator, world, typed):
    answer = operator.post("/exploitation/comptes", data={"email": typed})
    assert answer.status_code == 422
    assert "deux@client0.example" not in answer.text.replace(typed, "")
    assert journal(world) == []


def test_the_page_of_an_account_says_what_the_provider_may_know(operator, world):
    open_session(world.admin)
    page = operator.get(path_of(world.admin)).text.replace("\u00a0", " ")
    for part in ("Client 0", "732829320", "Administrateur", "Oui, depuis le", world.admin):
        assert part in page
    assert "<dt>Sessions ouvertes</dt><dd>1</dd>" in page
    assert "<dt>Dernière connexion</dt><dd>mar. 3 mars 2026, 10:00</dd>" in page
    page = operator.get(path_of(world.fleet)).text
    assert "<dt>Double authentification</dt><dd>Non</dd>" in page
    assert "<dt>Sessions ouvertes</dt><dd>0</dd>" in page
    assert "<dt>Dernière connexion</dt><dd>Jamais</dd>" in page


@pytest.mark.parametrize(("minutes", "count"), [(59, 1), (60, 0)])
def test_a_session_that_idled_out_is_not_counted(operator, world, frozen, minutes, count):
    open_session(world.fleet, AS_OF - timedelta(minutes=minutes))
    assert f"<dt>Sessions ouvertes</dt><dd>{count}</dd>" in operator.get(path_of(world.fleet)).text


def test_the_client_sees_each_look_at_an_account(operator, world):
    operator.get(path_of(world.both))
    operator.get(f"/exploitation/clients/{world.organisation_id}/passation")
    assert [(one.action, one.subject_kind) for one in journal(world)] == [
        ("compte.consulte", "utilisateur"),
        ("passation.consultee", "client"),
    ]


def test_the_operator_is_told_apart_from_a_client_and_every_page_says_who_is_signed_in(operator, signed_in, world):
    page = operator.get("/mon-compte").text
    assert '<span class="who-organisation">Exploitant de la plateforme</span>' in page
    assert f'<span class="who-person">{OPERATOR}</span>' in page
    assert "<dt>Client</dt>" not in page
    assert "Exploitation" not in page
    page = signed_in(world.fleet).get("/mon-compte").text
    assert '<span class="who-organisation">Client 0</span><span class="who-person">parc</span>' in page
    assert "<dt>Client</dt>" in page


def test_an_operator_blocks_an_account_at_once_on_a_report(operator, signed_in, world):
    """C3.3-d: loss, theft or misuse; the next request of the blocked account enters nothing."""
    thief = signed_in(world.both)
    assert thief.get("/").status_code == 200
    assert operator.post(path_of(world.both, "bloquer"), data={"reason": "vol"}).status_code == 302
    assert thief.get("/").status_code == 302
    assert "Bloqué" in operator.get(path_of(world.both)).text
    [act] = [one for one in journal(world) if one.action == "compte.bloque"]
    assert act.details["motif"] == "vol"
    assert act.subject_id == identity(world.both).user_id


@pytest.mark.parametrize("reason", ["", "autre", "perte\n"])
def test_no_account_is_blocked_without_a_known_report(operator, world, reason):
    assert operator.post(path_of(world.both, "bloquer"), data={"reason": reason}).status_code == 422
    assert identity(world.both).blocked_at is None


def test_an_operator_does_not_block_their_own_account(operator):
    answer = operator.post(path_of("exploitant@exploitation.example", "bloquer"), data={"reason": "vol"})
    assert answer.status_code == 422
    assert operator.get("/exploitation/clients").status_code == 200


def test_an_operator_unblocks_an_account_and_says_what_was_checked(operator, world):
    operator.post(path_of(world.both, "bloquer"), data={"reason": "perte"})
    assert operator.post(path_of(world.both, "debloquer"), data={"reason": "ab"}).status_code == 422
    assert operator.post(path_of(world.both, "debloquer"), data={"reason": "Identité vérifiée"}).status_code == 302
    assert identity(world.both).blocked_at is None
    assert journal(world)[-1].details["motif"] == "Identité vérifiée"


def test_an_account_that_is_not_blocked_is_not_unblocked(operator, world):
    answer = operator.post(path_of(world.both, "debloquer"), data={"reason": "Identité vérifiée"})
    assert answer.status_code == 422
    assert "Ce compte n’est pas bloqué." in answer.text
    assert "compte.debloque" not in {one.action for one in journal(world)}


def test_the_page_says_suspended_and_blocked_and_then_without_a_password(operator, world):
    give_password(world.both)
    users.suspend_user(actor(world.admin), identity(world.both).user_id, AS_OF)
    operator.post(path_of(world.both, "bloquer"), data={"reason": "vol"})
    assert "Suspendu par l’administrateur, bloqué" in operator.get(path_of(world.both)).text
    operator.post(path_of(world.both, "debloquer"), data={"reason": "Identité vérifiée"})
    users.reactivate_user(actor(world.admin), identity(world.both).user_id, AS_OF)
    assert "Sans mot de passe" in operator.get(path_of(world.both)).text


def test_the_lost_second_factor_of_an_administrator_is_lifted(operator, signed_in, world):
    boss = signed_in(world.admin)
    assert "Retirer la double" in operator.get(path_of(world.admin)).text
    assert operator.post(path_of(world.admin, "double-authentification")).status_code == 302
    assert identity(world.admin).totp_confirmed_at is None
    assert boss.get("/").status_code == 302
    assert "second_facteur.leve" in {one.action for one in journal(world)}


def test_the_second_factor_of_a_user_is_their_administrators_affair(operator, world):
    assert "Retirer la double" not in operator.get(path_of(world.both)).text
    assert operator.post(path_of(world.both, "double-authentification")).status_code == 404


def test_a_hand_over_on_proof_is_announced_for_seventy_two_hours_later(operator, world, succession_path):
    """Decision 6."""
    page = operator.get(succession_path).text
    assert "72 heures" in page
    assert world.both in page
    assert announce(operator, world, succession_path).status_code == 302
    assert open_handover(world).due_at == AS_OF + timedelta(hours=72)
    assert actor(world.admin).is_administrator, "nothing has moved yet"
    assert "Annuler la passation" in operator.get(succession_path).text
    assert "passation.annoncee" in {one.action for one in journal(world)}
    assert operator.post(f"{succession_path}/annuler").status_code == 302
    assert open_handover(world) is None


@pytest.mark.parametrize("proof", ["", "   ", "x" * 501])
def test_a_hand_over_needs_its_proof(operator, world, succession_path, proof):
    assert announce(operator, world, succession_path, proof=proof).status_code == 422
    assert open_handover(world) is None


def test_what_is_wrong_is_said_in_our_own_words(operator, world, succession_path):
    """Not in the words of the library that reads the forms."""
    answer = operator.post(succession_path, data={"to_user_id": "x", "proof": "x" * 501})
    assert "Choisissez dans la liste." in answer.text
    assert answer.text.count("500 caractères au plus.") == 3, "in the hint, in the summary, at the field"
    assert "Choisissez dans la liste." in operator.post(path_of(world.both, "bloquer"), data={"reason": "x"}).text
    assert "Adresse trop longue." in operator.post("/exploitation/comptes", data={"email": "x" * 255}).text


def test_nobody_but_an_active_user_of_the_client_takes_over(operator, world, other_world, succession_path):
    """Ids of others inside a form."""
    blocked = world.fines
    operator.post(path_of(blocked, "bloquer"), data={"reason": "perte"})
    for email in (world.admin, other_world.both, blocked):
        assert announce(operator, world, succession_path, email=email).status_code == 422, email
    for chosen in ("", MISSING, "x"):
        answer = operator.post(succession_path, data={"to_user_id": chosen, "proof": "Extrait Kbis"})
        assert answer.status_code == 422
    assert open_handover(world) is None


def test_an_ended_contract_has_nobody_to_take_over(operator, world, frozen, succession_path):
    yesterday = AS_OF - timedelta(days=1)
    clients.end_contract(organisation_id=world.organisation_id, on=yesterday.date(), as_of=yesterday)
    assert operator.get(succession_path).status_code == 404
    assert announce(operator, world, succession_path).status_code == 404
    assert succession_path not in operator.get("/exploitation/clients").text


def test_every_act_asks_again_who_one_is(operator, world, frozen, succession_path):
    """Step-up: fifteen minutes after the last proof, and thirty for a form that was opened in time."""
    for minutes in (15, 30):
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        assert operator.get(succession_path).headers["Location"].startswith("/confirmation")
    paths = [path_of(world.admin, act) for act in ACTS] + [succession_path, f"{succession_path}/annuler"]
    for path in paths:
        answer = operator.post(path, data={"reason": "vol"})
        assert "/confirmation" in answer.headers["Location"], path
    assert identity(world.admin).blocked_at is None
    assert operator.get(path_of(world.admin)).status_code == 200


def test_the_desk_is_for_operators_alone(app, world, signed_in, other_world):
    """404 for each of its routes, own and foreign ids, whatever the role."""
    ids = {"identity_id": str(identity(world.both).id), "organisation_id": str(world.organisation_id)}
    for email in (world.admin, world.fleet, world.fines, world.both, other_world.admin):
        browser = signed_in(email)
        for endpoint, method, path in calls(app, ids):
            if endpoint.startswith("provider."):
                assert browser.open(path, method=method).status_code == 404, (email, endpoint)


def test_an_operators_account_has_neither_client_nor_hand_over(operator, world):
    users.create_operator(email="autre@exploitation.example", as_of=AS_OF)
    page = operator.get(path_of("autre@exploitation.example")).text
    assert "Exploitant" in page
    assert "Passation" not in page
    assert operator.post(path_of("autre@exploitation.example", "bloquer"), data={"reason": "vol"}).status_code == 302
    token = open_session("autre@exploitation.example")
    assert sessions.actor_for(token, AS_OF) is None


def test_an_account_that_is_not_there_is_not_found(operator):
    for act in ("", *(f"/{one}" for one in ACTS)):
        assert operator.get(f"/exploitation/comptes/{MISSING}{act}").status_code == 404
