"""The administrator's pages on users in a browser, and the pages of a hand-over."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import Handover, Identity, User, UserSession, UserState
from eprunes.accounts.services import handovers, invitations, users
from eprunes.core.database import platform_session, tenant_session
from tests.support import fleet
from tests.support.letters import purposes
from tests.support.people import user_row
from tests.support.worlds import AS_OF, actor, give_password, open_session

NEW = "camille@ailleurs.example"
ACTS = ("suspendre", "reactiver", "supprimer", "restaurer", "renvoyer", "annuler", "bloquer", "debloquer")
PAGES = (*ACTS, "second-facteur-perdu", "droits")
MISSING = "00000000-0000-7000-8000-000000000000"
OPERATOR = "exploitant@exploitation.example"


@pytest.fixture
def boss(signed_in, world):
    return signed_in(world.admin)


def page_of(world, email, act=""):
    return f"/administration/utilisateurs/{user_row(world, email).id}{act and '/' + act}"


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def row_in(listing, email):
    [row] = [one for one in re.findall(r"<tr>.*?</tr>", listing.text, re.DOTALL) if email in one]
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def test_the_list_says_of_everybody_what_they_are(boss, world):
    """C3.2-a"""
    admin = actor(world.admin)
    invitations.invite(admin, NEW, "Camille Dumas", True, False, AS_OF)
    users.suspend_user(admin, user_row(world, world.fines).id, AS_OF)
    users.delete_user(admin, user_row(world, world.both).id, AS_OF)
    open_session(world.fleet)
    listing = boss.get("/administration")
    assert "Administrateur" in row_in(listing, world.admin)
    assert "Oui" in row_in(listing, world.admin)
    assert "Invitation envoyée jusqu’au jeu. 5 mars 2026, 10:00 Jamais Non" in row_in(listing, NEW)
    assert "4 utilisateurs" in text_of(listing)
    assert "Suspendu" in row_in(listing, world.fines)
    assert "Supprimé restaurable jusqu’au jeu. 2 avr. 2026, 11:00" in row_in(listing, world.both)
    assert "Parc Actif mar. 3 mars 2026, 10:00 Non" in row_in(listing, world.fleet)


def test_somebody_is_invited_from_the_page(boss, world):
    assert "Inviter" in boss.get("/administration").text
    path = "/administration/utilisateurs/inviter"
    assert boss.get(path).status_code == 200
    answer = boss.post(path, data={"email": NEW, "display_name": "Camille Dumas", "fleet": "y"})
    assert answer.headers["Location"] == "/administration"
    assert "Invitation envoyée." in boss.get("/administration").text
    assert purposes(NEW) == ["invitation"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"email": ""}, "Indiquez l’adresse"),
        ({"email": "sans arobase"}, "n’est pas une adresse"),
        ({"email": "parc@client0.example"}, "déjà celle d’un de vos utilisateurs"),
        ({"display_name": ""}, "Indiquez le nom"),
        ({"fleet": ""}, "au moins un droit"),
    ],
)
def test_a_refusal_stands_on_its_field(boss, world, changed, words):
    data = {"email": NEW, "display_name": "Camille", "fleet": "y", **changed}
    data = {name: value for name, value in data.items() if value or name != "fleet"}
    answer = boss.post("/administration/utilisateurs/inviter", data=data)
    assert answer.status_code == 422
    assert words in answer.text
    assert purposes(NEW) == []


@pytest.mark.parametrize(
    ("path", "state", "after"),
    [
        ("suspendre", UserState.ACTIVE, UserState.SUSPENDED),
        ("reactiver", UserState.SUSPENDED, UserState.ACTIVE),
        ("supprimer", UserState.ACTIVE, UserState.DELETED),
        ("restaurer", UserState.DELETED, UserState.ACTIVE),
    ],
)
def test_an_act_is_told_in_words_then_done(boss, world, path, state, after):
    """C3.2-a"""
    with tenant_session(world.organisation_id, write=True) as session:
        mine = User.organisation_id == world.organisation_id, User.email == world.fleet
        session.execute(update(User).where(*mine).values(state=state, deleted_at=AS_OF))
    url = page_of(world, world.fleet, path)
    assert url in boss.get(page_of(world, world.fleet)).text, "offered in this state"
    assert "Ce qui va se passer" in boss.get(url).text
    assert user_row(world, world.fleet).state == state, "reading changes nothing"
    assert boss.post(url).headers["Location"] == "/administration"
    assert user_row(world, world.fleet).state == after


def test_blocking_and_a_lost_second_factor_are_asked_for_here(boss, world):
    """C3.3-d"""
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == world.fleet).values(totp_confirmed_at=AS_OF))
    assert boss.post(page_of(world, world.fleet, "second-facteur-perdu")).status_code == 302
    assert boss.post(page_of(world, world.fleet, "bloquer")).status_code == 302
    assert "Bloqué" in row_in(boss.get("/administration"), world.fleet)
    assert "debloquer" in boss.get(page_of(world, world.fleet)).text
    assert boss.post(page_of(world, world.fleet, "debloquer")).status_code == 302
    assert "Actif" in row_in(boss.get("/administration"), world.fleet)
    assert "Non" in row_in(boss.get("/administration"), world.fleet)


@pytest.mark.parametrize(
    ("shut", "back", "both"),
    [("suspendre", "reactiver", "Suspendu, bloqué"), ("supprimer", "restaurer", "Supprimé, bloqué")],
)
def test_who_is_blocked_too_stays_blocked_and_the_pages_say_so(boss, world, shut, back, both):
    """C3.2-a, C3.3-d: coming back from one does not lift the other."""
    give_password(world.fleet)
    for act in ("bloquer", shut):
        boss.post(page_of(world, world.fleet, act))
    assert both in row_in(boss.get("/administration"), world.fleet)
    assert both in text_of(boss.get(page_of(world, world.fleet)))
    page = text_of(boss.get(page_of(world, world.fleet, back)))
    assert "Son compte reste bloqué" in page
    assert "peut de nouveau se connecter" not in page
    boss.post(page_of(world, world.fleet, back))
    listing = boss.get("/administration")
    assert "son compte reste bloqué." in listing.text
    assert "Bloqué" in row_in(listing, world.fleet)


@pytest.mark.parametrize("was_blocked", [False, True])
def test_who_comes_back_reads_true_words_on_the_password(boss, world, was_blocked):
    give_password(world.fleet)
    for act in ("bloquer", "suspendre", "debloquer") if was_blocked else ("suspendre",):
        boss.post(page_of(world, world.fleet, act))
    listing = row_in(boss.get("/administration"), world.fleet)
    assert "Suspendu" in listing
    assert "bloqué" not in listing
    page = text_of(boss.get(page_of(world, world.fleet, "reactiver")))
    assert ("avec son mot de passe" in page) is not was_blocked
    assert ("Mot de passe oublié" in page) is was_blocked


def test_who_is_not_blocked_is_not_unblocked(boss, world):
    answer = boss.post(page_of(world, world.fleet, "debloquer"))
    assert answer.status_code == 422
    assert "Ce compte n’est pas bloqué." in answer.text


@pytest.mark.parametrize("act", PAGES)
def test_nothing_is_done_to_the_administrators_own_account(boss, world, act):
    before = user_row(world, world.admin)
    answer = boss.post(page_of(world, world.admin, act), data={"fleet": "y"})
    assert answer.status_code in (404, 422)
    after = user_row(world, world.admin)
    assert (after.state, after.is_administrator, after.fines_right) == (before.state, True, True)
    assert boss.get("/administration").status_code == 200
    assert "Suspendre" not in boss.get(page_of(world, world.admin)).text


@pytest.mark.parametrize("act", ["", *PAGES])
def test_a_foreign_id_and_a_missing_one_read_the_same(boss, world, other_world, act):
    foreign = page_of(other_world, other_world.fleet, act)
    missing = f"/administration/utilisateurs/{MISSING}{act and '/' + act}"
    for method in ("GET", "POST") if act else ("GET",):
        answers = [boss.open(path, method=method, data={"fleet": "y"}) for path in (foreign, missing)]
        assert [one.status_code for one in answers] == [404, 404]
    row = user_row(other_world, other_world.fleet)
    assert (row.state, row.fines_right) == (UserState.ACTIVE, False)


@pytest.mark.parametrize("act", PAGES)
@pytest.mark.parametrize("who", ["fleet", "fines", "both"])
def test_nobody_else_enters(signed_in, world, act, who):
    """Self-promotion by address."""
    browser, own = signed_in(getattr(world, who)), getattr(world, who)
    for email in (own, world.admin):
        for method in ("GET", "POST"):
            assert browser.open(page_of(world, email, act), method=method, data={"fines": "y"}).status_code == 404
    assert browser.get("/administration/passation").status_code == 404
    assert browser.post("/administration/utilisateurs/inviter", data={"email": NEW}).status_code == 404


def test_rights_are_changed_and_nothing_else_whatever_is_sent(boss, world):
    """Mass assignment: every column of the tables of people."""
    poison = {}
    for model in (User, Identity, UserSession):
        poison |= {column.name: "1" for column in model.__table__.columns}
    poison |= {"is_administrator": "y", "state": "supprime", "email": "x@evil.example", "kind": "exploitant"}
    before = user_row(world, world.fleet)
    answer = boss.post(page_of(world, world.fleet, "droits"), data={**poison, "fines": "y"})
    assert answer.status_code == 302
    after = user_row(world, world.fleet)
    assert (after.fleet_right, after.fines_right) == (False, True)
    for column in User.__table__.columns:
        if column.name not in ("fleet_right", "fines_right"):
            assert getattr(after, column.name) == getattr(before, column.name), column.name
    answer = boss.post(
        "/administration/utilisateurs/inviter", data={**poison, "email": NEW, "display_name": "C", "fleet": "y"}
    )
    assert answer.status_code == 302
    invited = user_row(world, NEW)
    assert (invited.is_administrator, invited.fines_right, invited.state) == (False, False, UserState.INVITED)
    assert invited.organisation_id == world.organisation_id


@pytest.mark.parametrize("path", ["inviter", *[f"id/{act}" for act in PAGES], "../passation"])
def test_acts_on_rights_ask_who_one_is_again(boss, world, frozen, path):
    """Step-up: after a quarter of an hour the password is asked for first."""
    url = f"/administration/utilisateurs/{path.replace('id', str(user_row(world, world.fleet).id), 1)}"
    url = url.replace("/utilisateurs/..", "") if ".." in path else url.replace("/" + path, "/" + path)
    for method, minutes in (("GET", 15), ("POST", 30)):
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        answer = boss.open(url, method=method)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/confirmation")
    assert user_row(world, world.fleet).state == UserState.ACTIVE


def test_a_hand_over_from_the_page_to_the_new_administrator(signed_in, boss, world):
    """Decision 6: told in words, confirmed by both; the archive follows the account (C4.3-f)."""
    posted = AS_OF - timedelta(days=60)
    notice = f"/contraventions/{fleet.receive_notice(world.organisation_id, posted_at=posted)}"
    assert boss.get(notice).status_code == 200
    successor = signed_in(world.both)
    assert successor.get(notice).status_code == 404
    assert "Voir la passation" not in successor.get("/").text
    page = boss.get("/administration/passation")
    assert "sept jours" in page.text
    assert world.admin not in page.text.split('<form method="post" novalidate')[1]
    answer = boss.post("/administration/passation", data={"to_user_id": str(user_row(world, world.both).id)})
    assert answer.headers["Location"] == "/passation"
    assert "Annuler la proposition" in boss.get("/passation").text
    pending = boss.get("/administration/passation").text
    assert "Voir la passation" in pending
    assert "Proposer le compte administrateur" not in pending
    assert "Voir la passation en cours" in boss.get("/administration").text
    assert "Voir la passation" in successor.get("/").text
    assert "Voir la passation" not in signed_in(world.fleet).get("/").text
    assert "Accepter le compte administrateur" in successor.get("/passation").text
    assert successor.post("/passation/accepter").headers["Location"] == "/connexion"
    assert boss.get("/").status_code == successor.get("/").status_code == 302
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == world.both).values(totp_confirmed_at=AS_OF))
    new, former = signed_in(world.both), signed_in(world.admin)
    assert new.get("/administration").status_code == 200
    assert new.get(notice).status_code == 200
    assert former.get("/administration").status_code == 404
    assert former.get(notice).status_code == 404


def test_people_are_listed_by_name_whatever_its_accents_and_case(boss, world):
    """É stands with E, not after Z; the administrator comes first."""
    with tenant_session(world.organisation_id, write=True) as session:
        for email, name in ((world.fleet, "Simon Zola"), (world.fines, "Élodie Roux"), (world.both, "anna Roux")):
            mine = User.organisation_id == world.organisation_id, User.email == email
            session.execute(update(User).where(*mine).values(display_name=name))
    people = boss.get("/administration").text.partition("<tbody>")[2]
    assert sorted(("Simon Zola", "Élodie Roux", "anna Roux"), key=people.index) == [
        "anna Roux",
        "Élodie Roux",
        "Simon Zola",
    ]
    choices = boss.get("/administration/journal").text.partition('name="par"')[2]
    assert choices.index("anna Roux") < choices.index("Élodie Roux") < choices.index("Simon Zola")


def test_a_hand_over_may_be_declined_or_taken_back(signed_in, boss, world):
    chosen = {"to_user_id": str(user_row(world, world.both).id)}
    successor = signed_in(world.both)
    boss.post("/administration/passation", data=chosen)
    assert successor.post("/passation/refuser").status_code == 302
    assert successor.get("/passation").headers["Location"] == "/"
    boss.post("/administration/passation", data=chosen)
    assert boss.post("/passation/annuler").status_code == 302
    assert successor.post("/passation/accepter").status_code == 404
    assert actor(world.admin).is_administrator


@pytest.mark.parametrize(
    ("chosen", "status"),
    [({}, 422), ({"to_user_id": "x"}, 404), ({"to_user_id": MISSING}, 404), ("foreign", 404), ("own", 422)],
)
def test_a_hand_over_to_nobody_in_the_list_is_refused(boss, world, other_world, chosen, status):
    ids = {"foreign": user_row(other_world, other_world.fleet).id, "own": user_row(world, world.admin).id}
    data = chosen if isinstance(chosen, dict) else {"to_user_id": str(ids[chosen])}
    assert boss.post("/administration/passation", data=data).status_code == status
    with tenant_session(world.organisation_id) as session:
        assert session.scalar(select(Handover).where(Handover.organisation_id == world.organisation_id)) is None


def test_accepting_asks_who_one_is_again(signed_in, boss, world, frozen):
    boss.post("/administration/passation", data={"to_user_id": str(user_row(world, world.both).id)})
    successor = signed_in(world.both)
    frozen.move_to(AS_OF + timedelta(minutes=15))
    assert successor.post("/passation/accepter").headers["Location"].startswith("/confirmation")
    assert boss.post("/passation/annuler").headers["Location"].startswith("/confirmation")
    assert not actor(world.both).is_administrator


def test_an_announced_one_shows_its_holder_how_to_object(signed_in, boss, world):
    """Decision 6; also to a holder of a suspended contract, whom the administration is closed to."""
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    successor = user_row(world, world.both).id
    handovers.start_proven(actor(OPERATOR), world.organisation_id, successor, "Kbis vu", AS_OF)
    assert "vous y opposer" in text_of(boss.get("/"))
    assert "M’opposer" in boss.get("/passation").text
    theirs = signed_in(world.both).get("/passation")
    assert "Accepter" not in theirs.text
    assert "Kbis" not in theirs.text
    assert boss.post("/passation/annuler").status_code == 302
    assert "Voir la passation" not in boss.get("/").text


def test_home_shows_a_fleet_user_no_count_of_notices(signed_in, world):
    """C3.2-c: not even a number."""
    fleet.receive_notice(world.organisation_id, posted_at=AS_OF - timedelta(days=41))
    assert "contraventions" in signed_in(world.fines).get("/").text
    page = signed_in(world.fleet).get("/").text
    assert "contraventions" not in page
    assert "urgent" not in page
