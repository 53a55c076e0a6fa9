"""Sign-in and sign-out in the browser, on sessions in the database."""

from datetime import timedelta

import pytest

from eprunes.accounts import sessions
from eprunes.accounts.services import clients
from tests.support.worlds import AS_OF, PASSWORD, actor, give_password, open_session


def sign_in_form(client, email, password=PASSWORD, path="/connexion"):
    return client.post(path, data={"email": email, "password": password})


def test_a_user_signs_in_and_sees_the_home_page(client, world, frozen):
    give_password(world.fleet)
    answer = sign_in_form(client, f" {world.fleet.upper()} ")
    assert answer.status_code == 302
    assert "À faire aujourd’hui" in client.get("/").text


def test_a_wrong_password_and_an_unknown_address_read_the_same(client, world, frozen):
    give_password(world.fleet)
    wrong = sign_in_form(client, world.fleet, "pas le bon mot de passe")
    unknown = sign_in_form(client, "personne@client0.example", "pas le bon mot de passe")
    assert wrong.status_code == unknown.status_code == 422
    assert "incorrect" in wrong.text
    assert wrong.text.replace(world.fleet, "") == unknown.text.replace("personne@client0.example", "")


def test_after_sign_out_the_old_cookie_opens_nothing(app, signed_in, world):
    browser = signed_in(world.fleet)
    cookie = browser.get_cookie(app.config["EPRUNES_SESSION_COOKIE"], domain="localhost").value
    assert browser.get("/").status_code == 200
    assert browser.post("/deconnexion").status_code == 302
    browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], cookie, domain="localhost")
    assert browser.get("/").status_code == 302


def test_a_post_without_its_token_is_refused(app, signed_in, world):
    app.config["WTF_CSRF_ENABLED"] = True
    assert signed_in(world.fleet).post("/deconnexion").status_code == 400


@pytest.mark.parametrize(("minutes", "is_open"), [(59, True), (60, False)])
def test_a_user_is_signed_out_after_an_idle_hour(world, minutes, is_open):
    token = open_session(world.fleet)
    assert (sessions.actor_for(token, AS_OF + timedelta(minutes=minutes)) is not None) is is_open


@pytest.mark.parametrize(("minutes", "is_open"), [(19, True), (20, False)])
def test_an_administrator_is_signed_out_after_twenty_idle_minutes(world, minutes, is_open):
    token = open_session(world.admin)
    assert (sessions.actor_for(token, AS_OF + timedelta(minutes=minutes)) is not None) is is_open


def test_nobody_stays_signed_in_beyond_twelve_hours(world):
    token = open_session(world.fleet)
    last = AS_OF
    while last < AS_OF + timedelta(hours=11, minutes=50):
        last += timedelta(minutes=50)
        if last < AS_OF + timedelta(hours=12):
            assert sessions.actor_for(token, last) is not None
    assert sessions.actor_for(token, AS_OF + timedelta(hours=12)) is None


def test_at_the_end_of_the_contract_every_account_is_closed(world):
    """C3.4, C12.3-a, decision 9: at 24:00 Europe/Paris of the end date."""
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    last_second = AS_OF.replace(hour=22, minute=59, second=59)
    token = open_session(world.fleet, last_second)
    assert sessions.actor_for(token, last_second) is not None
    assert sessions.actor_for(token, last_second + timedelta(seconds=1)) is None


def test_a_new_password_ends_the_open_sessions(world):
    token = open_session(world.fleet)
    give_password(world.fleet)
    assert sessions.actor_for(token, AS_OF) is None


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\x01"])
def test_sign_in_never_leads_to_another_site(client, world, frozen, target):
    give_password(world.fleet)
    answer = client.post(
        "/connexion", query_string={"suite": target}, data={"email": world.fleet, "password": PASSWORD}
    )
    assert answer.headers["Location"] == "/"


def test_rights_are_those_of_the_account(world):
    """C3.2-c: fleet tool, fines tool, or both; C3.2-a: the administrator holds every tool."""
    rights = {email: {str(right) for right in actor(email).rights} for email in (world.fleet, world.fines, world.both)}
    assert rights == {
        world.fleet: {"parc"},
        world.fines: {"contraventions"},
        world.both: {"parc", "contraventions"},
    }
    assert {str(right) for right in actor(world.admin).rights} == {"parc", "contraventions", "administrateur"}
