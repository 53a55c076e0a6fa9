"""Step-up: after a quarter of an hour some acts ask again who one is, by the password or by a code."""

import re
from datetime import timedelta
from html import unescape

import pytest

from eprunes.accounts import sessions
from eprunes.core.web import XLSX
from tests.accounts.factors import browser_with, code_at, give_factor, open_by_password, token_in
from tests.support.worlds import AS_OF, PASSWORD, give_password, open_session

WANTED = "/mon-compte/double-authentification"
LATER = AS_OF + timedelta(minutes=15)
LONG_AFTER = AS_OF + timedelta(minutes=30)


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
    frozen.move_to(LONG_AFTER)
    form = "http://localhost/mon-compte/codes-de-secours?x=1"
    asked = browser.post("/mon-compte/codes-de-secours", headers={"Referer": form}).headers["Location"]
    done = browser.post(asked, data={"password": PASSWORD})
    assert done.headers["Location"] == "/mon-compte/codes-de-secours?x=1"


def test_a_post_from_elsewhere_lands_on_the_home_page(app, late, frozen):
    frozen.move_to(LONG_AFTER)
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


@pytest.mark.parametrize(("short_of", "passes"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_a_form_opened_in_time_can_be_sent_until_half_an_hour_after_the_proof(app, late, frozen, short_of, passes):
    """What was typed is not lost; the page itself asks again from a quarter of an hour on."""
    frozen.move_to(LONG_AFTER - short_of)
    answer = late.post(WANTED, data={"code": "000000"})
    assert answer.status_code == (422 if passes else 302)
    assert late.get(WANTED).status_code == 302


def test_an_act_without_a_form_of_its_own_asks_from_a_quarter_of_an_hour_on(app, late):
    """Its page never asked who one is: there is no form that was opened in time."""
    assert late.post("/passation/annuler").headers["Location"].startswith("/confirmation")


@pytest.mark.parametrize("by_code", [False, True])
def test_before_a_file_a_page_says_that_it_comes_and_leads_back(app, world, frozen, by_code):
    """A file leaves the browser on the page that led to it: never on the password field."""
    secret, _ = give_factor(world.fleet)
    give_password(world.fleet)
    browser = browser_with(app, open_session(world.fleet))
    frozen.move_to(LATER)
    came_from = {"Referer": "http://localhost/vehicules?q=a&amp=b"}
    asked = browser.get("/vehicules/export.xlsx?q=a&site=b", headers=came_from).headers["Location"]
    if by_code:
        [asked] = re.findall(r'href="(/confirmation/code[^"]*)"', browser.get(asked).text)
    done = browser.post(unescape(asked), data={"password": PASSWORD, "code": code_at(secret, LATER)})
    assert done.status_code == 200
    assert "C’est confirmé\u00a0: votre fichier se télécharge" in done.text.replace(" :", "\u00a0:")
    assert 'type="password"' not in done.text
    assert "<script" not in done.text.partition("<main")[2]
    [file] = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', done.text)
    assert unescape(file) == "/vehicules/export.xlsx?q=a&site=b"
    assert f'<a href="{file}">' in done.text
    assert 'href="/vehicules?q=a&amp;amp=b"' in done.text
    sent = browser.get(unescape(file))
    assert (sent.status_code, sent.mimetype) == (200, XLSX)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_way_back_from_a_file_never_leads_to_another_site(app, late, target):
    where = {"suite": "/parc/export.xlsx", "retour": target}
    page = late.post("/confirmation", query_string=where, data={"password": PASSWORD}).text
    assert "evil" not in page
    assert '<a class="btn btn-primary" href="/">' in page


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
