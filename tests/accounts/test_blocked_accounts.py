"""What stays of a blocked account, and who is told of it (C3.3-d): its holder, its administrator, the operators."""

import pytest
from sqlalchemy import select, update

from eprunes.accounts import passwords
from eprunes.accounts.models import Identity
from eprunes.accounts.services import blocking, resets, signing_in, users
from eprunes.core.database import platform_session
from eprunes.core.refusals import Refused
from tests.support import letters
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password

NEW = "agrafe cheval bougie nuage"
DECOMPOSED, COMPOSED = "cafe\u0301 tortue violon brouette", "café tortue violon brouette"
OPERATOR, COLLEAGUE = "exploitant@exploitation.example", "collegue@exploitation.example"
CONTACT = "assistance@e-prunes.example"


@pytest.fixture
def operator(app):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return actor(OPERATOR)


@pytest.fixture
def reachable(app, monkeypatch):
    """The installation says how to reach the support."""
    monkeypatch.setitem(app.jinja_env.globals, "support", f" ({CONTACT})")


def account(email: str) -> Identity:
    with platform_session("tests") as session:
        return session.scalars(select(Identity).where(Identity.email == email)).one()


def sign_in(email: str, device: str = "Firefox/1", password: str = PASSWORD) -> str:
    return signing_in.sign_in(email=email, password=password, address="192.0.2.1", device=device, as_of=AS_OF)


def choose(email: str, password: str) -> None:
    """« Mot de passe oublié ? », to its end."""
    resets.ask(email=email, address="192.0.2.7", as_of=AS_OF)
    token = letters.queued("reset")[-1].token
    resets.choose_password(token=token, password=password, address="192.0.2.7", as_of=AS_OF)


def not_me_path(email: str) -> str:
    """The link in the mail of a sign-in that its owner did not expect."""
    give_password(email)
    for device in ("Firefox/1", "Chrome/1"):
        sign_in(email, device)
    return letters.queued("new_sign_in")[-1].path


def block_and_unblock(world, email: str) -> None:
    boss, user_id = actor(world.admin), account(email).user_id
    blocking.block_user(boss, user_id, AS_OF)
    blocking.unblock_user(boss, user_id, AS_OF)


def test_the_password_of_a_blocked_account_opens_nothing_even_when_the_block_is_gone(world):
    give_password(world.fleet)
    stored = account(world.fleet).password_hash
    block_and_unblock(world, world.fleet)
    kept = account(world.fleet).password_hash
    assert kept != stored
    assert not passwords.verify(kept, PASSWORD)
    with pytest.raises(Refused, match="incorrect"):
        sign_in(world.fleet)


def test_blocking_twice_still_knows_the_password(world, operator):
    give_password(world.fleet)
    blocking.block_user(actor(world.admin), account(world.fleet).user_id, AS_OF)
    blocking.block_account(operator, account(world.fleet).id, AS_OF)
    blocking.unblock_account(operator, account(world.fleet).id, AS_OF)
    with pytest.raises(Refused, match="différent de celui qui a été bloqué"):
        choose(world.fleet, PASSWORD)


def test_the_page_refuses_the_blocked_password_and_takes_another_by_the_same_link(client, world, frozen):
    give_password(world.fleet)
    block_and_unblock(world, world.fleet)
    resets.ask(email=world.fleet, address="192.0.2.7", as_of=AS_OF)
    link = letters.queued("reset")[-1].path
    answer = client.post(link, data={"password": PASSWORD})
    assert answer.status_code == 422
    assert "Choisissez un mot de passe différent de celui qui a été bloqué." in answer.text
    assert client.post(link, data={"password": NEW}).status_code == 302
    assert sign_in(world.fleet, password=NEW)


def test_the_blocked_password_is_known_from_every_keyboard(world):
    users.set_password(email=world.fleet, password=COMPOSED, as_of=AS_OF)
    block_and_unblock(world, world.fleet)
    with pytest.raises(Refused, match="différent de celui"):
        choose(world.fleet, DECOMPOSED)


def test_who_only_forgot_may_choose_the_same_password(world):
    give_password(world.fleet)
    choose(world.fleet, PASSWORD)
    assert sign_in(world.fleet)


def test_an_account_that_had_no_password_when_it_was_blocked_takes_any(world):
    block_and_unblock(world, world.fleet)
    choose(world.fleet, PASSWORD)
    assert sign_in(world.fleet)


@pytest.mark.parametrize("stored", [None, "", "!", "!!", "!pas-une-empreinte"])
def test_what_is_no_usable_password_opens_nothing(app, stored):
    assert not passwords.verify(stored, "")
    assert not passwords.verify(stored, PASSWORD)
    assert not passwords.may_open(stored)
    assert not passwords.is_the_locked_one(stored, PASSWORD)


def test_a_locked_password_takes_as_long_as_a_wrong_one(app, monkeypatch):
    """Enumeration by time: each of them costs one verification."""
    verified = []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return True

    hashed = passwords.hash_password(PASSWORD)
    monkeypatch.setattr(passwords, "_hasher", Counting())
    for stored in (hashed, passwords.locked(hashed), None):
        passwords.verify(stored, PASSWORD)
    assert len(verified) == 3
    assert not any(one.startswith("!") for one in verified)


def test_a_user_blocked_by_somebody_else_is_told_and_told_again_when_it_is_over(world):
    boss, user_id = actor(world.admin), account(world.fleet).user_id
    blocking.block_user(boss, user_id, AS_OF)
    [told] = letters.queued("account_blocked")
    assert told.to == world.fleet
    assert "par votre administrateur" in told.text
    assert "Adressez-vous à votre administrateur" in told.text
    blocking.unblock_user(boss, user_id, AS_OF)
    [told] = letters.queued("account_unblocked")
    assert told.to == world.fleet
    assert told.path == "/mot-de-passe-oublie"
    assert letters.queued("privileged_account_blocked") == []


def test_a_user_blocked_by_the_provider_is_sent_to_the_support(world, operator, reachable):
    blocking.block_account(operator, account(world.fleet).id, AS_OF)
    [told] = letters.queued("account_blocked")
    assert "par l’exploitant" in told.text
    assert f"assistance d’e-Prunes ({CONTACT})" in told.text
    assert CONTACT in told.html


def test_blocking_again_tells_nobody_again(world):
    boss, user_id = actor(world.admin), account(world.fleet).user_id
    for _ in range(2):
        blocking.block_user(boss, user_id, AS_OF)
    assert len(letters.queued("account_blocked")) == 1


def test_who_blocked_their_own_account_reads_it_on_the_page_alone(client, world, frozen):
    client.post(not_me_path(world.fleet))
    assert letters.queued("account_blocked") == []
    assert [one.to for one in letters.queued("blocked")] == [world.admin]


def test_nothing_is_mailed_of_a_suspension_or_a_deletion(world):
    boss, user_id = actor(world.admin), account(world.fleet).user_id
    for act in (users.suspend_user, users.reactivate_user, users.delete_user, users.restore_user):
        act(boss, user_id, AS_OF)
    assert letters.queued() == []


def test_who_stays_suspended_is_not_told_to_choose_a_password(world):
    boss, user_id = actor(world.admin), account(world.fleet).user_id
    blocking.block_user(boss, user_id, AS_OF)
    users.suspend_user(boss, user_id, AS_OF)
    blocking.unblock_user(boss, user_id, AS_OF)
    assert letters.queued("account_unblocked") == []


def test_a_deleted_user_is_told_nothing(world, operator):
    users.delete_user(actor(world.admin), account(world.fleet).user_id, AS_OF)
    blocking.block_account(operator, account(world.fleet).id, AS_OF)
    assert letters.queued("account_blocked") == []


@pytest.mark.parametrize("by_operator", [False, True])
def test_when_an_administrators_account_is_blocked_every_operator_is_told(client, world, operator, frozen, by_operator):
    """Nobody else opens it again."""
    for email in (COLLEAGUE, "ancien@exploitation.example"):
        users.create_operator(email=email, as_of=AS_OF)
    with platform_session("tests", write=True) as session:
        gone = update(Identity).where(Identity.email == "ancien@exploitation.example")
        session.execute(gone.values(blocked_at=AS_OF, blocked_by="exploitant"))
    if by_operator:
        blocking.block_account(operator, account(world.admin).id, AS_OF)
    else:
        client.post(not_me_path(world.admin))
    told = letters.queued("privileged_account_blocked")
    assert [one.to for one in told] == [COLLEAGUE, OPERATOR]
    assert {one.path for one in told} == {f"/exploitation/comptes/{account(world.admin).id}"}
    assert all(world.admin in one.text for one in told)
    [own] = letters.queued("account_blocked")
    assert own.to == world.admin
    assert "Seule l’assistance" in own.text
    assert letters.queued("blocked") == []


def test_when_an_operators_account_is_blocked_the_others_are_told(client, operator, frozen):
    users.create_operator(email=COLLEAGUE, as_of=AS_OF)
    client.post(not_me_path(OPERATOR))
    assert [one.to for one in letters.queued("privileged_account_blocked")] == [COLLEAGUE]


@pytest.mark.parametrize(("who", "by_provider"), [("fleet", False), ("admin", True)])
def test_the_page_says_before_and_after_who_opens_the_account_again(client, world, frozen, reachable, who, by_provider):
    path = not_me_path(getattr(world, who))
    before, after = client.get(path).text, client.post(path).text
    for page, asks_the_administrator in ((before, "votre administrateur est prévenu"), (after, "Votre administrateur")):
        assert (asks_the_administrator in page) is not by_provider
        assert ("seule l’assistance d’e-Prunes" in page) is by_provider
    assert f"l’assistance d’e-Prunes ({CONTACT})" in before
    assert (CONTACT in after) is by_provider


def test_without_a_contact_the_sentences_stay_whole(client, world, frozen):
    page = client.get(not_me_path(world.admin)).text
    assert "seule l’assistance d’e-Prunes peut ensuite le débloquer" in page
