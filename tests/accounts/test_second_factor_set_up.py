"""The second factor set up, replaced, renewed, removed; a lost one taken away by who may."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from eprunes.accounts import factor_boxes, one_time_codes, sessions
from eprunes.accounts.models import RecoveryCode, User, UserState
from eprunes.accounts.permissions import Pending
from eprunes.accounts.services import second_factors, users
from eprunes.core.crypto import PLATFORM, key_store
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from tests.accounts.factors import (
    EARLIER,
    acts,
    at_once,
    browser_with,
    code_at,
    give_factor,
    identity_of,
    open_by_password,
    token_in,
)
from tests.support.letters import purposes, queued
from tests.support.worlds import AS_OF, actor, open_session

SET_UP, CHANGE = "/connexion/double-authentification", "/mon-compte/double-authentification"
OPERATOR = "exploitant@exploitation.example"
LATER = AS_OF + timedelta(minutes=1)


@pytest.fixture
def operator(app):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return actor(OPERATOR)


def secret_on(page: str) -> str:
    return re.search(r'id="cle"[^>]*>([A-Z2-7 ]+)<', page)[1].replace(" ", "")


def codes_on(page: str) -> list[str]:
    return re.findall(r'<li class="code">([A-Z0-9-]{14})</li>', page)


def keys_of_factors() -> set:
    return set(key_store().all_keys(PLATFORM, factor_boxes.KEY_PURPOSE))


def test_the_first_sign_in_of_an_administrator_leads_to_the_set_up_and_on(app, world, frozen):
    """C3.2-a: required of administrators; nothing else opens before it is done."""
    browser = browser_with(app, open_by_password(world.admin))
    answer = browser.get("/vehicules")
    assert answer.headers["Location"] == f"{SET_UP}?suite=/vehicules"
    page = browser.get(f"{SET_UP}?suite=/vehicules").text
    secret = secret_on(page)
    assert one_time_codes.qr_code(secret, world.admin) in page
    assert secret_on(browser.get(SET_UP).text) == secret, "the same for the whole session"
    done = browser.post(f"{SET_UP}?suite=/vehicules", data={"code": code_at(secret)})
    assert done.status_code == 200
    assert len(codes_on(done.text)) == 10
    assert 'href="/vehicules"' in done.text
    assert browser.get("/vehicules").status_code == 200
    assert "second_facteur.pose" in acts(world)
    assert purposes(world.admin) == ["second_factor_set"]


@pytest.mark.parametrize("page", [SET_UP, CHANGE])
def test_the_page_holds_nothing_that_the_content_policy_forbids(app, world, frozen, page):
    email = world.admin if page == SET_UP else world.fleet
    answer = browser_with(app, open_by_password(email)).get(page)
    drawing = re.search(r'<svg[^>]*class="qr-code".*?</svg>', answer.text, re.DOTALL)[0]
    assert drawing.count("<path") == 2
    assert "style" not in drawing
    assert "script" not in drawing
    assert answer.headers["Cache-Control"] == "no-store"


def test_recovery_codes_are_shown_once_and_saved_without_being_kept(app, world, frozen):
    browser = browser_with(app, open_by_password(world.admin))
    secret = secret_on(browser.get(SET_UP).text)
    page = browser.post(SET_UP, data={"code": code_at(secret)}).text
    codes = codes_on(page)
    assert all(page.count(code) == 2 for code in codes), "once to read, once in the file"
    assert 'href="data:text/plain' in page
    assert 'download="codes-de-secours-e-prunes.txt"' in page
    again = browser.post(SET_UP, data={"code": code_at(secret)})
    assert again.headers["Location"] == "/mon-compte"
    everything = [browser.get(path).text for path in ("/mon-compte", CHANGE, "/mon-compte/codes-de-secours")]
    assert not any(code in text for code in codes for text in everything)


@pytest.mark.parametrize("path", [SET_UP, CHANGE])
def test_the_page_of_the_codes_loaded_again_says_that_they_were_shown_and_changes_nothing(app, world, frozen, path):
    """F5 sends the form again: no other secret is proposed, and the way to new codes is told."""
    email = world.admin if path == SET_UP else world.fleet
    browser = browser_with(app, open_by_password(email))
    form = {"code": code_at(secret_on(browser.get(path).text))}
    browser.post(path, data=form)
    before = identity_of(email).totp_box
    for _ in range(8):
        answer = browser.post(path, data=form)
        assert answer.headers["Location"] == "/mon-compte"
    page = browser.get("/mon-compte").text
    assert "Les codes de secours ne sont montrés qu’une fois" in page
    assert "/mon-compte/codes-de-secours" in page
    assert identity_of(email).totp_box == before


def test_a_wrong_first_code_puts_nothing_in_force(app, world, frozen):
    browser = browser_with(app, open_by_password(world.admin))
    secret = secret_on(browser.get(SET_UP).text)
    answer = browser.post(SET_UP, data={"code": code_at(secret, AS_OF + timedelta(hours=1))})
    assert answer.status_code == 422
    assert secret_on(answer.text) == secret
    assert identity_of(world.admin).totp_confirmed_at is None
    assert browser.get("/").status_code == 302


def test_whoever_read_the_set_up_in_another_session_knows_nothing_of_the_secret(app, world, frozen):
    """A thief of the password who opened the page first does not share the secret that is then confirmed."""
    thief, owner = (browser_with(app, open_by_password(world.admin)) for _ in range(2))
    stolen = secret_on(thief.get(SET_UP).text)
    secret = secret_on(owner.get(SET_UP).text)
    assert stolen != secret
    assert thief.post(SET_UP, data={"code": code_at(stolen)}).status_code == 422
    secret = secret_on(owner.get(SET_UP).text)
    assert owner.post(SET_UP, data={"code": code_at(secret)}).status_code == 200
    assert thief.get(SET_UP).headers["Location"].startswith("/connexion?"), "other sessions have ended"


def test_a_factor_in_force_is_not_replaced_without_confirmation(app, world, frozen):
    """Set-up overwritten by a second set-up: only by whoever proves again who they are."""
    secret, _ = give_factor(world.admin)
    browser = browser_with(app, open_session(world.admin))
    before = identity_of(world.admin).totp_box
    for method, minutes, onwards in (("GET", 15, CHANGE), ("POST", 30, "/mon-compte")):
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        answer = browser.open(SET_UP, method=method, data={"code": code_at(secret)})
        assert answer.headers["Location"] == onwards
        answer = browser.open(CHANGE, method=method, data={"code": code_at(secret)})
        assert answer.headers["Location"].startswith("/confirmation")
    assert identity_of(world.admin).totp_box == before


def test_a_replaced_factor_and_its_recovery_codes_are_worth_nothing(app, world, frozen):
    old, old_codes = give_factor(world.fleet)
    browser, other = (browser_with(app, open_session(world.fleet)) for _ in range(2))
    fresh = secret_on(browser.get(CHANGE).text)
    assert factor_boxes.secrets_of(identity_of(world.fleet)).in_force == old, "it works until the new one is confirmed"
    before = token_in(app, browser)
    assert browser.post(CHANGE, data={"code": code_at(fresh)}).status_code == 200
    assert sessions.actor_for(before, AS_OF) is None
    assert other.get("/").headers["Location"].startswith("/connexion")
    pending = sessions.actor_for(open_by_password(world.fleet), LATER)
    with pytest.raises(Refused):
        second_factors.give_code(actor=pending, code=code_at(old, LATER), as_of=LATER)
    with pytest.raises(Refused):
        second_factors.give_recovery_code(actor=pending, code=old_codes[0], as_of=LATER)
    assert second_factors.give_code(actor=pending, code=code_at(fresh, LATER), as_of=LATER)
    assert keys_of_factors() == {identity_of(world.fleet).totp_key_id}, "keys of boxes that are gone are destroyed"


def test_two_set_ups_at_once_leave_one_factor(app, world):
    actors = [sessions.actor_for(open_by_password(world.fleet), AS_OF) for _ in range(3)]

    def set_up(number):
        secret = second_factors.propose(actors[number], AS_OF)
        _, codes = second_factors.confirm(actor=actors[number], code=code_at(secret), as_of=AS_OF)
        return secret, codes

    outcomes = [one for one in at_once(app, set_up, 3) if not isinstance(one, Refused)]
    held = factor_boxes.secrets_of(identity_of(world.fleet))
    assert held.in_force in [secret for secret, _ in outcomes]
    with platform_session("tests") as session:
        hashes = set(session.scalars(select(RecoveryCode.code_hash)))
    identity = identity_of(world.fleet)
    last = next(codes for secret, codes in outcomes if secret == held.in_force)
    assert hashes == {one_time_codes.hash_of_recovery_code(identity.id, code) for code in last}
    assert keys_of_factors() == {identity.totp_key_id}


def test_new_recovery_codes_kill_the_old_ones_and_the_owner_is_told(app, world, frozen):
    _, old = give_factor(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    assert "10 codes" in browser.get("/mon-compte/codes-de-secours").text
    page = browser.post("/mon-compte/codes-de-secours").text
    fresh = codes_on(page)
    assert len(fresh) == 10
    assert not set(fresh) & set(old)
    pending = sessions.actor_for(open_by_password(world.fleet), AS_OF)
    with pytest.raises(Refused):
        second_factors.give_recovery_code(actor=pending, code=old[0], as_of=AS_OF)
    assert second_factors.give_recovery_code(actor=pending, code=fresh[0], as_of=AS_OF)[1] == 9
    assert "recovery_codes_renewed" in purposes(world.fleet)
    assert "codes_de_secours.renouveles" in acts(world)


@pytest.mark.parametrize(
    "path", [CHANGE, "/mon-compte/codes-de-secours", "/mon-compte/double-authentification/retirer"]
)
def test_what_changes_the_factor_asks_who_one_is_after_a_quarter_of_an_hour(app, world, frozen, path):
    give_factor(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    frozen.move_to(AS_OF + timedelta(minutes=15, seconds=-1))
    assert browser.get(path).status_code == 200
    for method, minutes in (("GET", 15), ("POST", 30)):
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        answer = browser.open(path, method=method)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/confirmation")


def test_a_plain_user_may_take_the_own_factor_away(app, world, frozen):
    give_factor(world.fleet)
    browser, other = (browser_with(app, open_session(world.fleet)) for _ in range(2))
    before = token_in(app, browser)
    answer = browser.post("/mon-compte/double-authentification/retirer")
    assert answer.headers["Location"] == "/mon-compte"
    assert sessions.actor_for(before, AS_OF) is None
    assert browser.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert sessions.actor_for(open_by_password(world.fleet), AS_OF).pending is None
    assert keys_of_factors() == set()
    assert purposes(world.fleet)[-1] == "second_factor_removed"
    assert "second_facteur.retire" in acts(world)


@pytest.mark.parametrize("email", ["admin@client0.example", OPERATOR])
def test_administrators_and_operators_never_go_without(app, world, operator, frozen, email):
    give_factor(email)
    browser = browser_with(app, open_session(email))
    for method in ("GET", "POST"):
        answer = browser.open("/mon-compte/double-authentification/retirer", method=method)
        assert answer.headers["Location"] == "/mon-compte"
    with pytest.raises(Refused):
        second_factors.remove_own(actor=actor(email), as_of=AS_OF)
    assert identity_of(email).totp_confirmed_at == EARLIER
    assert "Retirer" not in browser.get("/mon-compte").text


def user_id_of(email):
    return identity_of(email).user_id


def test_the_administrator_takes_away_the_lost_factor_of_a_user(app, world, frozen):
    _, codes = give_factor(world.fleet)
    token = open_session(world.fleet)
    second_factors.remove_for_user(actor(world.admin), user_id_of(world.fleet), AS_OF)
    assert sessions.actor_for(token, AS_OF) is None, "the sessions of that person have ended"
    assert sessions.actor_for(open_by_password(world.fleet), AS_OF).pending is None
    letter = queued(to=world.fleet)[-1]
    assert letter.purpose == "second_factor_removed"
    assert "administrateur" in letter.text
    assert acts(world)[-1] == "second_facteur.leve"
    assert keys_of_factors() == set()
    with pytest.raises(Refused):
        second_factors.remove_for_user(actor(world.admin), user_id_of(world.fleet), AS_OF)


def test_nobody_takes_the_factor_of_others_away_but_the_own_administrator(world, other_world, operator):
    """Self-service by the administrator, by another user, across organisations, by an operator: all as if absent."""
    give_factor(world.fleet)
    give_factor(world.admin)
    for who, whose in (
        (actor(world.both), world.fleet),
        (actor(world.fleet), world.fleet),
        (actor(other_world.admin), world.fleet),
        (actor(world.admin), world.admin),
        (operator, world.fleet),
    ):
        with pytest.raises(NotVisible):
            second_factors.remove_for_user(who, user_id_of(whose), AS_OF)
    assert identity_of(world.fleet).totp_confirmed_at
    assert identity_of(world.admin).totp_confirmed_at


@pytest.mark.parametrize(("state", "is_found"), [(UserState.SUSPENDED, True), (UserState.DELETED, False)])
def test_a_suspended_user_can_be_helped_and_a_deleted_one_is_gone(world, state, is_found):
    give_factor(world.fleet)
    with tenant_session(world.organisation_id, write=True) as session:
        mine = User.organisation_id == world.organisation_id, User.id == user_id_of(world.fleet)
        session.execute(update(User).where(*mine).values(state=state))
    if is_found:
        second_factors.remove_for_user(actor(world.admin), user_id_of(world.fleet), AS_OF)
    else:
        with pytest.raises(NotVisible):
            second_factors.remove_for_user(actor(world.admin), user_id_of(world.fleet), AS_OF)
    assert (identity_of(world.fleet).totp_confirmed_at is None) is is_found


def test_the_operator_takes_away_the_lost_factor_of_an_administrator(world, operator):
    give_factor(world.admin)
    token = open_session(world.admin)
    second_factors.remove_for_account(operator, identity_of(world.admin).id, AS_OF)
    assert sessions.actor_for(token, AS_OF) is None
    assert sessions.actor_for(open_by_password(world.admin), AS_OF).pending is Pending.SET_UP
    assert acts(world)[-1] == "second_facteur.leve"
    assert purposes(world.admin)[-1] == "second_factor_removed"


def test_the_operator_helps_administrators_alone_and_nobody_else_helps_them(world, operator):
    give_factor(world.admin)
    give_factor(world.fleet)
    for who, whose in (
        (operator, world.fleet),
        (operator, OPERATOR),
        (actor(world.admin), world.admin),
        (actor(world.fleet), world.admin),
    ):
        with pytest.raises(NotVisible):
            second_factors.remove_for_account(who, identity_of(whose).id, AS_OF)
    with pytest.raises(NotVisible):
        second_factors.remove_for_account(operator, world.organisation_id, AS_OF)
    assert identity_of(world.admin).totp_confirmed_at


def test_in_the_demo_no_factor_is_required_but_one_that_was_set_up_is_asked_for(world):
    token = open_by_password(world.admin)
    assert sessions.actor_for(token, AS_OF, demo=True).pending is None
    give_factor(world.admin)
    assert sessions.actor_for(open_by_password(world.admin), AS_OF, demo=True).pending is Pending.CODE
