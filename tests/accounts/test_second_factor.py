"""The second factor in force: codes at sign-in, each once; recovery codes; nothing opens without them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts import factor_boxes, one_time_codes, sessions
from eprunes.accounts.models import RecoveryCode
from eprunes.accounts.services import second_factors, users
from eprunes.core.crypto import PLATFORM, key_store
from eprunes.core.database import platform_session
from eprunes.core.refusals import NotVisible, Refused
from tests.accounts.factors import (
    acts,
    at_once,
    browser_with,
    code_at,
    give_factor,
    identity_of,
    open_by_password,
    token_in,
)
from tests.support.letters import queued
from tests.support.worlds import AS_OF, open_session

STEP = timedelta(seconds=30)
OPERATOR = "exploitant@exploitation.example"


def pending_actor(email):
    return sessions.actor_for(open_by_password(email), AS_OF)


def test_the_password_alone_opens_nothing_to_whoever_has_a_factor(app, world, frozen):
    secret, _ = give_factor(world.fleet)
    browser = browser_with(app, open_by_password(world.fleet))
    answer = browser.get("/vehicules?q=x")
    assert answer.headers["Location"] == "/connexion/code?suite=/vehicules?q%3Dx"
    entered = browser.post("/connexion/code?suite=/vehicules", data={"code": code_at(secret)})
    assert entered.headers["Location"] == "/vehicules"
    assert browser.get("/vehicules").status_code == 200
    assert "code.donne" in acts(world)


def test_what_is_open_to_a_sign_in_under_way_leads_nowhere_else(app, world, frozen):
    """A session that owes a code cannot replace the factor that would be asked of it, by any post."""
    give_factor(world.admin)
    before = identity_of(world.admin)
    browser = browser_with(app, open_by_password(world.admin))
    while_pending = {endpoint for endpoint, view in app.view_functions.items() if getattr(view, "while_pending", False)}
    assert while_pending == {
        "accounts.sign_out",
        "accounts.give_code",
        "accounts.give_recovery_code",
        "accounts.set_up_second_factor",
    }
    for method in ("GET", "POST"):
        answer = browser.open("/connexion/double-authentification", method=method, data={"code": "123456"})
        assert answer.status_code == 302
        assert browser.get(answer.headers["Location"]).headers["Location"].startswith("/connexion/code")
    page = browser.get("/connexion/code").text
    assert "Mon compte" not in page
    assert 'href="/contraventions"' not in page
    assert identity_of(world.admin).totp_box == before.totp_box


def test_who_owes_a_code_changes_nothing_of_the_factor_even_past_the_door(world):
    """The services refuse by themselves, should a page ever forget to."""
    secret, _ = give_factor(world.fleet)
    owing = pending_actor(world.fleet)
    for act in (
        lambda: second_factors.propose(owing, AS_OF),
        lambda: second_factors.confirm(actor=owing, code=code_at(secret), as_of=AS_OF),
        lambda: second_factors.renew_recovery_codes(actor=owing, as_of=AS_OF),
        lambda: second_factors.remove_own(actor=owing, as_of=AS_OF),
    ):
        with pytest.raises(NotVisible):
            act()


def test_a_pending_session_can_sign_out(app, world, frozen):
    give_factor(world.fleet)
    browser = browser_with(app, open_by_password(world.fleet))
    assert browser.post("/deconnexion").headers["Location"] == "/connexion"


@pytest.mark.parametrize(("steps", "is_admitted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(world, steps, is_admitted):
    secret, _ = give_factor(world.fleet)
    actor = pending_actor(world.fleet)
    code = code_at(secret, AS_OF + steps * STEP)
    if is_admitted:
        assert sessions.actor_for(second_factors.give_code(actor=actor, code=code, as_of=AS_OF), AS_OF).pending is None
    else:
        with pytest.raises(Refused):
            second_factors.give_code(actor=actor, code=code, as_of=AS_OF)


@pytest.mark.parametrize("typed", ["{} ", "{:.3} {}", "\u00a0{}"])
def test_a_code_may_be_typed_in_groups(app, world, frozen, typed):
    secret, _ = give_factor(world.fleet)
    code = code_at(secret)
    shown = f"{code[:3]} {code[3:]}" if ":.3" in typed else typed.format(code)
    browser = browser_with(app, open_by_password(world.fleet))
    assert browser.post("/connexion/code", data={"code": shown}).status_code == 302


@pytest.mark.parametrize("typed", ["", "000000", "12345", "1234567", "abcdef", "１２３４５６", "é" * 6, "9" * 500])
def test_anything_else_is_refused_in_words(app, world, frozen, typed):
    secret, _ = give_factor(world.fleet)
    assert typed != code_at(secret)
    answer = browser_with(app, open_by_password(world.fleet)).post("/connexion/code", data={"code": typed})
    assert answer.status_code == 422


def test_each_code_enters_once(app, world, frozen):
    """Code replay: neither a second session nor the moment before or after takes a code that has served."""
    secret, _ = give_factor(world.fleet)
    first, second = (browser_with(app, open_by_password(world.fleet)) for _ in range(2))
    code = code_at(secret)
    assert first.post("/connexion/code", data={"code": code}).status_code == 302
    answer = second.post("/connexion/code", data={"code": code})
    assert answer.status_code == 422
    assert "déjà servi" in answer.text
    earlier = second.post("/connexion/code", data={"code": code_at(secret, AS_OF - STEP)})
    assert earlier.status_code == 422, "an older code than the last used is worth nothing either"
    assert second.post("/connexion/code", data={"code": code_at(secret, AS_OF + STEP)}).status_code == 302


def test_the_code_that_set_the_factor_up_does_not_sign_in(world):
    secret, _ = give_factor(world.fleet, AS_OF)
    with pytest.raises(Refused):
        second_factors.give_code(actor=pending_actor(world.fleet), code=code_at(secret), as_of=AS_OF)


def test_the_same_code_brought_twice_at_once_enters_once(app, world):
    secret, _ = give_factor(world.fleet)
    actors, code = [pending_actor(world.fleet) for _ in range(4)], code_at(secret)

    def bring(number):
        return second_factors.give_code(actor=actors[number], code=code, as_of=AS_OF)

    outcomes = at_once(app, bring, 4)
    assert [type(one) for one in outcomes].count(str) == 1, outcomes
    assert all(isinstance(one, str | Refused) for one in outcomes), outcomes


def test_the_code_of_another_account_is_worth_nothing(world, other_world):
    give_factor(world.fleet)
    theirs, codes = give_factor(other_world.fleet)
    actor = pending_actor(world.fleet)
    with pytest.raises(Refused):
        second_factors.give_code(actor=actor, code=code_at(theirs), as_of=AS_OF)
    with pytest.raises(Refused):
        second_factors.give_recovery_code(actor=actor, code=codes[0], as_of=AS_OF)
    other = pending_actor(other_world.fleet)
    assert second_factors.give_recovery_code(actor=other, code=codes[0], as_of=AS_OF)


def test_guessing_codes_is_slowed_down_whichever_session_guesses(app, world, frozen):
    """The brake holds for the right code too, and lets go after a while: never a lock for good."""
    secret, codes = give_factor(world.fleet)
    for number in range(6):
        browser = browser_with(app, open_by_password(world.fleet))
        answer = browser.post("/connexion/code", data={"code": f"00000{number}"})
    assert "Trop d’essais" in answer.text
    browser = browser_with(app, open_by_password(world.fleet))
    assert browser.post("/connexion/code", data={"code": code_at(secret)}).status_code == 422
    assert browser.post("/connexion/code-de-secours", data={"code": codes[0]}).status_code == 422
    frozen.move_to(AS_OF + timedelta(minutes=16))
    later = code_at(secret, AS_OF + timedelta(minutes=16))
    assert browser.post("/connexion/code", data={"code": later}).status_code == 302


def test_giving_the_code_changes_the_token_and_the_old_one_is_dead(app, world, frozen):
    """Session fixation: the token of before the second factor opens nothing after it."""
    secret, _ = give_factor(world.fleet)
    before = open_by_password(world.fleet)
    browser = browser_with(app, before)
    browser.post("/connexion/code", data={"code": code_at(secret)})
    assert token_in(app, browser) != before
    assert sessions.actor_for(before, AS_OF) is None
    assert sessions.actor_for(token_in(app, browser), AS_OF).pending is None


def test_the_way_on_stays_on_this_site(app, world, frozen):
    secret, _ = give_factor(world.fleet)
    browser = browser_with(app, open_by_password(world.fleet))
    answer = browser.post("/connexion/code?suite=//evil.example/", data={"code": code_at(secret)})
    assert answer.headers["Location"] == "/"


def test_a_recovery_code_enters_once_and_its_owner_is_told(app, world, frozen):
    _, codes = give_factor(world.fleet)
    browser = browser_with(app, open_by_password(world.fleet))
    typed = codes[3].lower().replace("-", " ")
    answer = browser.post("/connexion/code-de-secours?suite=/mon-compte", data={"code": typed})
    assert answer.headers["Location"] == "/mon-compte"
    assert "il vous en reste 9" in browser.get("/mon-compte").text
    again = browser_with(app, open_by_password(world.fleet))
    assert again.post("/connexion/code-de-secours", data={"code": codes[3]}).status_code == 422
    letter = queued(to=world.fleet)[-1]
    assert letter.purpose == "recovery_code_used"
    assert "9" in letter.text
    assert codes[3] not in letter.text
    assert "code_de_secours.donne" in acts(world)


def test_the_same_recovery_code_brought_twice_at_once_enters_once(app, world):
    _, codes = give_factor(world.fleet)
    actors = [pending_actor(world.fleet) for _ in range(4)]

    def bring(number):
        return second_factors.give_recovery_code(actor=actors[number], code=codes[0], as_of=AS_OF)

    outcomes = at_once(app, bring, 4)
    assert [type(one) for one in outcomes].count(tuple) == 1, outcomes
    assert all(isinstance(one, tuple | Refused) for one in outcomes), outcomes


@pytest.mark.parametrize(("used", "is_warned"), [(6, False), (7, True)])
def test_at_two_codes_left_one_is_warned(app, world, frozen, used, is_warned):
    _, codes = give_factor(world.fleet)
    for code in codes[:used]:
        second_factors.give_recovery_code(actor=pending_actor(world.fleet), code=code, as_of=AS_OF)
    token, left = second_factors.give_recovery_code(actor=pending_actor(world.fleet), code=codes[-1], as_of=AS_OF)
    assert left == 9 - used
    page = browser_with(app, token).get("/mon-compte").text
    assert f"<strong>{left}</strong>" in page
    assert ("presque plus de codes" in page) is is_warned


def test_recovery_codes_are_kept_as_hashes_and_the_secret_is_sealed(world):
    """A stolen database alone gives neither the secret of the codes nor a recovery code."""
    secret, codes = give_factor(world.fleet)
    identity = identity_of(world.fleet)
    assert secret.encode() not in identity.totp_box
    assert factor_boxes.secrets_of(identity).in_force == secret
    with platform_session("tests") as session:
        hashes = set(session.scalars(select(RecoveryCode.code_hash)))
    assert hashes == {one_time_codes.hash_of_recovery_code(identity.id, code) for code in codes}
    key_store().destroy_keys(PLATFORM, [identity.totp_key_id])
    assert factor_boxes.secrets_of(identity).in_force is None
    with pytest.raises(Refused):
        second_factors.give_code(actor=pending_actor(world.fleet), code=code_at(secret), as_of=AS_OF)


def test_recovery_codes_are_ten_and_hard_to_guess():
    codes = one_time_codes.new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 14 and code.count("-") == 2 for code in codes)
    assert len(one_time_codes._ALPHABET) ** 12 >= 2**50


def test_keys_without_an_account_are_destroyed_after_a_day(world):
    give_factor(world.fleet, AS_OF)
    [(orphan, _)] = key_store().create_keys(PLATFORM, factor_boxes.KEY_PURPOSE, AS_OF)
    assert second_factors.destroy_orphan_keys(AS_OF + timedelta(days=1)) == 0
    assert second_factors.destroy_orphan_keys(AS_OF + timedelta(days=1, seconds=1)) == 1
    kept = key_store().all_keys(PLATFORM, factor_boxes.KEY_PURPOSE)
    assert set(kept) == {identity_of(world.fleet).totp_key_id}
    assert orphan not in kept


def test_an_operators_lost_factor_is_taken_away_from_the_command_line(app, world, frozen):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    give_factor(OPERATOR)
    browser = app.test_client()
    browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], open_session(OPERATOR), domain="localhost")
    run = app.test_cli_runner().invoke(args=["operator", "forget-second-factor", "Exploitant@exploitation.example"])
    assert run.exit_code == 0, run.output
    assert identity_of(OPERATOR).totp_box is None
    assert browser.get("/exploitation/clients").status_code == 302
    again = app.test_cli_runner().invoke(args=["operator", "forget-second-factor", OPERATOR])
    assert again.exit_code != 0
    assert app.test_cli_runner().invoke(args=["operator", "forget-second-factor", world.admin]).exit_code != 0
