"""Blocking on report of loss, theft or misuse (C3.3-d): by the person, the administrator, the operator; at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts import sessions, tokens
from eprunes.accounts.models import Identity, TokenPurpose
from eprunes.accounts.services import blocking, resets, signing_in, users
from eprunes.core import audit
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from tests.support import letters
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password, open_session

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
STRANGER = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
NEW = "agrafe cheval bougie nuage"
OPERATOR, COLLEAGUE = "exploitant@exploitation.example", "collegue@exploitation.example"


@pytest.fixture
def operator(app):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return actor(OPERATOR)


def account(email: str) -> Identity:
    with platform_session("tests") as session:
        return session.scalars(select(Identity).where(Identity.email == email)).one()


def sign_in(email: str, device: str = FIREFOX, address: str = "192.0.2.1", as_of=AS_OF, password=PASSWORD) -> str:
    return signing_in.sign_in(email=email, password=password, address=address, device=device, as_of=as_of)


def not_me_link(email: str) -> letters.Letter:
    """The mail of a sign-in that its owner did not expect."""
    give_password(email)
    sign_in(email)
    sign_in(email, STRANGER, "198.51.100.9")
    return letters.queued("new_sign_in")[-1]


def journal(world, *actions: str) -> list[tuple]:
    with tenant_session(world.organisation_id) as session:
        query = select(audit.AuditEntry).where(audit.AuditEntry.organisation_id == world.organisation_id)
        entries = session.scalars(query.where(audit.AuditEntry.action.in_(actions)).order_by(audit.AuditEntry.id))
        return [(entry.action, entry.actor_kind, entry.actor_id, entry.subject_id, entry.details) for entry in entries]


def enters_nowhere(email: str, open_before: str) -> bool:
    """No session on any worker, no sign-in, no reset; and another account of the same client is left alone."""
    with pytest.raises(Refused, match="incorrect"):
        sign_in(email)
    resets.ask(email=email, address="192.0.2.1", as_of=AS_OF)
    letter = letters.queued("reset")[-1]
    return sessions.actor_for(open_before, AS_OF) is None and not letter.is_delivered


def test_from_the_mail_of_a_new_sign_in_to_a_blocked_account(client, world, frozen):
    """C3.3-d: « Ce n’est pas moi » ends the stranger's session, wherever it is open, and tells the administrator."""
    letter = not_me_link(world.fleet)
    stranger = open_session(world.fleet)
    assert world.fleet in client.get(letter.path).text
    assert sessions.actor_for(stranger, AS_OF) is not None
    answer = client.post(letter.path)
    assert answer.status_code == 200
    assert "Votre administrateur vient d’être prévenu" in answer.text
    assert enters_nowhere(world.fleet, stranger)
    [told] = letters.queued("blocked")
    assert told.to == world.admin
    assert world.fleet in told.text
    assert account(world.fleet).blocked_by == "titulaire"
    user_id = account(world.fleet).user_id
    expected = ("compte.bloque", "utilisateur", user_id, user_id, {"par": "titulaire"})
    assert journal(world, "compte.bloque") == [expected]


def test_reading_the_page_blocks_nobody(client, world, frozen):
    """Programs that open links of mails to look at them must not shut anybody out."""
    letter = not_me_link(world.fleet)
    for method in ("GET", "HEAD", "GET"):
        assert client.open(letter.path, method=method).status_code == 200
    assert account(world.fleet).blocked_at is None
    assert client.post(letter.path).status_code == 200


def test_the_administrators_own_account_is_opened_by_the_provider(client, world, frozen):
    letter = not_me_link(world.admin)
    answer = client.post(letter.path)
    assert "seule l’assistance d’e-Prunes peut le débloquer" in answer.text
    assert letters.queued("blocked") == []
    assert account(world.admin).blocked_at is not None


def test_an_operator_says_not_me_too(client, operator, frozen):
    letter = not_me_link(OPERATOR)
    assert "seule l’assistance" in client.post(letter.path).text
    assert account(OPERATOR).blocked_by == "titulaire"


@pytest.mark.parametrize(("days", "works"), [(6.99, True), (7, False)])
def test_the_link_lasts_seven_days_whatever_the_password_became(client, world, frozen, days, works):
    """A stranger who changes the password keeps nobody from saying « Ce n’est pas moi »."""
    letter = not_me_link(world.fleet)
    resets.ask(email=world.fleet, address="198.51.100.9", as_of=AS_OF)
    choice = {"token": letters.queued("reset")[-1].token, "password": "agrafe cheval bougie", "address": "198.51.100.9"}
    resets.choose_password(**choice, as_of=AS_OF)
    frozen.move_to(AS_OF + timedelta(days=days))
    answer = client.post(letter.path)
    assert ("Le compte est bloqué" in answer.text) is works
    assert (account(world.fleet).blocked_at is not None) is works


def test_a_link_blocks_once(client, world, frozen):
    """Whoever finds the old mail later shuts nobody out again."""
    letter = not_me_link(world.fleet)
    client.post(letter.path)
    blocking.unblock_user(actor(world.admin), account(world.fleet).user_id, AS_OF)
    assert "ne fonctionne plus" in client.get(letter.path).text
    assert "ne fonctionne plus" in client.post(letter.path).text
    assert account(world.fleet).blocked_at is None


def test_a_link_used_twice_at_once_tells_the_administrator_once(app, world):
    token = not_me_link(world.fleet).token

    def say(_: int) -> bool:
        with app.app_context():
            try:
                blocking.not_me(token, AS_OF)
            except Refused:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(say, range(4))).count(True) == 1
    assert len(letters.queued("blocked")) == 1
    assert len(journal(world, "compte.bloque")) == 1


def test_a_link_for_a_password_blocks_nobody(client, world, frozen):
    resets.ask(email=world.fleet, address="192.0.2.1", as_of=AS_OF)
    assert "ne fonctionne plus" in client.post(f"/ce-n-est-pas-moi/{letters.queued('reset')[-1].token}").text
    assert account(world.fleet).blocked_at is None


def test_the_administrator_blocks_and_unblocks_a_user(world):
    """C3.3-d: at once; then the person chooses a new password, for the device that was lost may know the old one."""
    give_password(world.fleet)
    opened, user_id, boss = sign_in(world.fleet), account(world.fleet).user_id, actor(world.admin)
    colleague = open_session(world.both)
    blocking.block_user(boss, user_id, AS_OF)
    assert enters_nowhere(world.fleet, opened)
    assert sessions.actor_for(colleague, AS_OF) is not None
    blocking.unblock_user(boss, user_id, AS_OF)
    assert sessions.actor_for(opened, AS_OF) is None
    with pytest.raises(Refused):
        sign_in(world.fleet, as_of=AS_OF + timedelta(hours=1))
    resets.ask(email=world.fleet, address="192.0.2.7", as_of=AS_OF)
    token = letters.queued("reset")[-1].token
    with pytest.raises(Refused, match="différent de celui qui a été bloqué"):
        resets.choose_password(token=token, password=PASSWORD, address="192.0.2.7", as_of=AS_OF)
    resets.choose_password(token=token, password=NEW, address="192.0.2.7", as_of=AS_OF)
    assert sign_in(world.fleet, as_of=AS_OF + timedelta(hours=1), password=NEW)
    assert journal(world, "compte.bloque", "compte.debloque") == [
        ("compte.bloque", "utilisateur", boss.user_id, user_id, {"par": "administrateur"}),
        ("compte.debloque", "utilisateur", boss.user_id, user_id, {"par": "administrateur"}),
    ]


def test_blocking_again_leaves_one_trace_and_unblocking_again_none(world):
    boss, user_id = actor(world.admin), account(world.fleet).user_id
    for _ in range(2):
        blocking.block_user(boss, user_id, AS_OF)
    blocking.unblock_user(boss, user_id, AS_OF)
    with pytest.raises(Refused, match="n’est pas bloqué"):
        blocking.unblock_user(boss, user_id, AS_OF)
    assert [action for action, *_ in journal(world, "compte.bloque", "compte.debloque")] == [
        "compte.bloque",
        "compte.debloque",
    ]


@pytest.mark.parametrize("act", [blocking.block_user, blocking.unblock_user])
def test_users_of_others_are_not_there(world, other_world, act):
    theirs = account(other_world.fleet).user_id
    for user_id in (theirs, new_id()):
        with pytest.raises(NotVisible):
            act(actor(world.admin), user_id, AS_OF)
    assert account(other_world.fleet).blocked_at is None


@pytest.mark.parametrize("act", [blocking.block_user, blocking.unblock_user])
def test_only_the_administrator_of_the_moment_blocks(world, act):
    """Self-promotion: the service itself looks, whoever calls it."""
    with pytest.raises(NotVisible):
        act(actor(world.both), account(world.fleet).user_id, AS_OF)
    assert account(world.fleet).blocked_at is None


def test_the_administrator_does_not_block_the_own_account(world):
    boss = actor(world.admin)
    with pytest.raises(Refused):
        blocking.block_user(boss, boss.user_id, AS_OF)
    assert account(world.admin).blocked_at is None


def test_the_operator_blocks_any_account(world, operator):
    """C3.3-d: the provider blocks at once, the administrator's account too; only the provider opens it again."""
    boss, opened = actor(world.admin), open_session(world.fleet)
    for email in (world.fleet, world.admin):
        blocking.block_account(operator, account(email).id, AS_OF)
        assert account(email).blocked_by == "exploitant"
    assert sessions.actor_for(opened, AS_OF) is None
    with pytest.raises(Refused, match="par l’exploitant"):
        blocking.unblock_user(boss, account(world.fleet).user_id, AS_OF)
    assert account(world.fleet).blocked_at is not None
    blocking.unblock_account(operator, account(world.fleet).id, AS_OF)
    assert account(world.fleet).blocked_at is None
    [first, *_] = journal(world, "compte.bloque")
    assert first == ("compte.bloque", "exploitant", operator.identity_id, account(world.fleet).user_id, first[4])


def test_what_the_provider_adds_to_a_block_holds(world, operator):
    boss, fleet = actor(world.admin), account(world.fleet)
    blocking.block_user(boss, fleet.user_id, AS_OF)
    blocking.block_account(operator, fleet.id, AS_OF + timedelta(hours=1))
    with pytest.raises(Refused, match="par l’exploitant"):
        blocking.unblock_user(boss, fleet.user_id, AS_OF)
    blocking.block_user(boss, fleet.user_id, AS_OF)
    assert account(world.fleet).blocked_by == "exploitant"
    assert account(world.fleet).blocked_at == AS_OF


def test_operators_block_each_other_but_not_themselves(operator):
    users.create_operator(email=COLLEAGUE, as_of=AS_OF)
    opened = open_session(COLLEAGUE)
    blocking.block_account(operator, account(COLLEAGUE).id, AS_OF)
    assert sessions.actor_for(opened, AS_OF) is None
    blocking.unblock_account(operator, account(COLLEAGUE).id, AS_OF)
    assert account(COLLEAGUE).blocked_at is None
    assert sessions.actor_for(opened, AS_OF) is None
    with pytest.raises(Refused):
        blocking.block_account(operator, operator.identity_id, AS_OF)
    for act in (blocking.block_account, blocking.unblock_account):
        with pytest.raises(NotVisible):
            act(operator, new_id(), AS_OF)


def test_every_link_of_a_blocked_account_is_void(world):
    with platform_session("tests", write=True) as session:
        issued = {
            purpose: tokens.issue(session, purpose, as_of=AS_OF, identity_id=account(world.fleet).id)
            for purpose in (TokenPurpose.RESET, TokenPurpose.NOT_ME)
        }
    blocking.block_user(actor(world.admin), account(world.fleet).user_id, AS_OF)
    assert [tokens.find(token, purpose, AS_OF) for purpose, token in issued.items()] == [None, None]


def test_blocking_asks_for_its_token(app, client, world, frozen):
    app.config["WTF_CSRF_ENABLED"] = True
    letter = not_me_link(world.fleet)
    assert client.post(letter.path).status_code == 400
    assert account(world.fleet).blocked_at is None
