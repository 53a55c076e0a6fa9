"""Step-up: after a quarter of an hour some acts ask again who one is, by the password or by a code."""

from datetime import timedelta

import pytest

from eprunes.accounts import sessions
from tests.accounts.factors import browser_with, code_at, give_factor, open_by_password, token_in
from tests.support.worlds import AS_OF, PASSWORD, give_password, open_session

WANTED = "/mon-compte/double-authentification"
LATER = AS_OF + timedelta(minutes=15)


@pytest.fixture
def late(app, world, frozen):
    """A browser of the fleet user whose proof has just become too old."""
    give_password(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    frozen.move_to(LATER)
    return browser


def test_by_the_password_one_lands_on_the_wanted_page_with_a_new_token(app, late):
    """A confirmed session keeps its place and loses its old token."""
    asked = late.get(f"{WANTED}?x=1").headers["Location"]
    assert asked.startswith("/confirmation?suite=")
    before = token_in(app, late)
    page = late.get(asked).text
    assert 'autocomplete="current-password"' in page
    assert "code de mon application" not in page
    done = late.post(asked, data={"password": PASSWORD})
    assert done.headers["Location"] == f"{WANTED}?x=1"
    assert token_in(app, late) != before
    assert sessions.actor_for(before, LATER) is None
    assert late.get(done.headers["Location"]).status_code == 200


def test_a_post_that_needed_it_lands_back_on_its_form(app, world, frozen):
    give_factor(world.fleet)
    give_password(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    frozen.move_to(LATER)
    form = "http://localhost/mon-compte/codes-de-secours?x=1"
    asked = browser.post("/mon-compte/codes-de-secours", headers={"Referer": form}).headers["Location"]
    done = browser.post(asked, data={"password": PASSWORD})
    assert done.headers["Location"] == "/mon-compte/codes-de-secours?x=1"


def test_a_post_from_elsewhere_lands_on_the_home_page(app, late):
    asked = late.post(WANTED, headers={"Referer": "https://evil.example/mon-compte"}).headers["Location"]
    assert "evil" not in asked
    assert late.post(asked, data={"password": PASSWORD}).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/confirmation", "/confirmation/code"])
@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\x01"])
def test_the_way_on_never_leads_to_another_site(app, world, frozen, path, target):
    secret, _ = give_factor(world.fleet)
    give_password(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    answer = browser.post(path, query_string={"suite": target}, data={"password": PASSWORD, "code": code_at(secret)})
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_confirms_nothing_and_guessing_is_slowed_down(app, late, frozen):
    for number in range(6):
        answer = late.post("/confirmation", data={"password": f"essai numéro {number}"})
        assert answer.status_code == 422
    assert "Trop d’essais" in answer.text
    assert late.post("/confirmation", data={"password": PASSWORD}).status_code == 422
    assert late.get(WANTED).status_code == 302
    frozen.move_to(LATER + timedelta(minutes=16))
    assert late.post("/confirmation", data={"password": PASSWORD}).status_code == 302
    assert late.get(WANTED).status_code == 200


def test_by_a_code_where_a_second_factor_is_set_each_code_once(app, world, frozen):
    secret, _ = give_factor(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    frozen.move_to(LATER)
    assert f"/confirmation/code?suite={WANTED}" in browser.get(f"/confirmation?suite={WANTED}").text
    before, code = token_in(app, browser), code_at(secret, LATER)
    done = browser.post(f"/confirmation/code?suite={WANTED}", data={"code": code})
    assert done.headers["Location"] == WANTED
    assert sessions.actor_for(before, LATER) is None
    assert browser.get(WANTED).status_code == 200
    assert browser.post("/confirmation/code", data={"code": code}).status_code == 422


def test_without_a_second_factor_no_code_confirms(app, late):
    for method in ("GET", "POST"):
        answer = late.open("/confirmation/code?suite=/vehicules", method=method, data={"code": "000000"})
        assert answer.headers["Location"] == "/confirmation?suite=/vehicules"
    assert late.get(WANTED).status_code == 302


def test_a_sign_in_under_way_cannot_be_confirmed_instead(app, world, frozen):
    """Second factor skipped: the password once more is no second factor."""
    give_factor(world.fleet)
    give_password(world.fleet)
    browser = browser_with(app, open_by_password(world.fleet))
    answer = browser.post("/confirmation", data={"password": PASSWORD})
    assert answer.headers["Location"].startswith("/connexion/code")
    assert browser.get("/").status_code == 302
