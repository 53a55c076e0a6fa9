"""Sign-in and sign-out in the browser, on sessions in the database."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from eprunes.accounts import passwords, sessions
from eprunes.accounts.models import Identity, Organisation, UserSession
from eprunes.accounts.services import blocking, clients, signing_in, users
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused
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


def token_of(client) -> str:
    return client.get_cookie(client.application.config["EPRUNES_SESSION_COOKIE"], domain="localhost").value


def opens(client, token: str) -> bool:
    """Whether this token, put into a browser of its own, opens a page."""
    browser = client.application.test_client()
    browser.set_cookie(client.application.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
    return browser.get("/").status_code == 200


def test_a_password_manager_finds_its_fields(client, app):
    """C3.3-b: a person's device may save the credentials."""
    page = client.get("/connexion").text
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert 'autocomplete="off"' not in page


def test_a_token_planted_before_the_sign_in_is_worth_nothing_after_it(client, world, frozen):
    """Session fixation: the token is new at each sign-in, and never one that came with the request."""
    give_password(world.fleet)
    planted = "x" * 43 + "." + world.organisation_id.hex
    client.set_cookie(client.application.config["EPRUNES_SESSION_COOKIE"], planted, domain="localhost")
    assert sign_in_form(client, world.fleet).status_code == 302
    first = token_of(client)
    assert first != planted
    assert not opens(client, planted)
    client.post("/deconnexion")
    sign_in_form(client, world.fleet)
    assert token_of(client) not in (planted, first)
    assert not opens(client, first)


def _sign_out(client, world) -> None:
    client.post("/deconnexion")


def _change_password(client, world) -> None:
    client.post("/mon-compte/mot-de-passe", data={"current": PASSWORD, "new": "agrafe cheval bougie nuage"})


def _suspend(client, world) -> None:
    users.suspend_user(actor(world.admin), actor(world.fleet).user_id, AS_OF)


def _block(client, world) -> None:
    blocking.block_user(actor(world.admin), actor(world.fleet).user_id, AS_OF)


def _end_contract(client, world) -> None:
    with tenant_session(world.organisation_id, write=True, platform_reason="tests") as session:
        ended = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(ended.values(contract_ends_on=AS_OF.date() - timedelta(days=1)))


@pytest.mark.parametrize("act", [_sign_out, _change_password, _suspend, _block, _end_contract])
def test_a_token_copied_before_is_worth_nothing_after(client, world, frozen, act):
    """Replay after sign-out, password change, suspension, blocking (C3.3-d), end of the contract (C3.4)."""
    give_password(world.fleet)
    sign_in_form(client, world.fleet)
    copied = token_of(client)
    assert opens(client, copied)
    act(client, world)
    assert not opens(client, copied)


@pytest.mark.parametrize("act", [_suspend, _block, _end_contract])
def test_who_is_shut_out_reads_what_a_stranger_reads(client, world, frozen, act):
    """With the right password: the same refusal as for a wrong one."""
    give_password(world.fleet)
    act(client, world)
    refused = sign_in_form(client, world.fleet)
    stranger = sign_in_form(client, "personne@client0.example")
    assert refused.status_code == stranger.status_code == 422
    assert refused.text.replace(world.fleet, "") == stranger.text.replace("personne@client0.example", "")
    assert client.get_cookie(client.application.config["EPRUNES_SESSION_COOKIE"], domain="localhost") is None


def test_a_password_changed_while_it_is_verified_opens_nothing(world, monkeypatch):
    """Whoever knows the old password and is quick gets no session that outlives it."""
    give_password(world.fleet)
    verify = passwords.verify

    def verify_while_it_changes(password_hash, password):
        found = verify(password_hash, password)
        users.set_password(email=world.fleet, password="agrafe cheval bougie nuage", as_of=AS_OF)
        return found

    monkeypatch.setattr(passwords, "verify", verify_while_it_changes)
    with pytest.raises(Refused):
        signing_in.sign_in(email=world.fleet, password=PASSWORD, address="", device="", as_of=AS_OF)
    with platform_session("tests") as session:
        assert session.scalars(select(UserSession).where(UserSession.ended_at.is_(None))).all() == []


def test_a_password_kept_in_an_older_way_is_kept_anew_at_sign_in(client, world, frozen):
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == world.fleet).values(password_hash=older))
    assert sign_in_form(client, world.fleet).status_code == 302
    with platform_session("tests") as session:
        kept = session.scalar(select(Identity.password_hash).where(Identity.email == world.fleet))
    assert kept != older
    assert passwords.verify(kept, PASSWORD)
    assert passwords.renewed_hash(kept, PASSWORD) is None


def test_what_is_sent_without_a_session_is_not_lost_in_silence(client, world, frozen):
    """The person reads that nothing was sent, and is led back to the page of the form."""
    give_password(world.fleet)
    answer = client.post("/conducteurs/nouveau", headers={"Referer": "http://localhost/conducteurs/nouveau?x=1"})
    assert answer.status_code == 302
    where = answer.headers["Location"]
    page = client.get(where)
    assert "Votre session avait pris fin\u00a0: rien n’a été envoyé." in page.text
    signed_in = sign_in_form(client, world.fleet, path=where)
    assert signed_in.headers["Location"] == "/conducteurs/nouveau?x=1"


def test_credentials_sent_from_an_open_session_sign_their_person_in_and_end_the_other(app, world, frozen):
    """A second person at the same browser never lands in the first one's account."""
    give_password(world.fleet)
    give_password(world.fines)
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    form = {"csrf_token": token_on(browser.get("/connexion"))}
    browser.post("/connexion", data={**form, "email": world.fleet, "password": PASSWORD})
    first = token_of(browser)
    assert browser.get("/connexion").headers["Location"] == "/"
    wrong = browser.post("/connexion", data={**form, "email": world.fines, "password": "pas le bon"})
    assert (wrong.status_code, token_of(browser)) == (422, first)
    answer = browser.post("/connexion", data={**form, "email": world.fines, "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    assert sessions.actor_for(token_of(browser), AS_OF).email == world.fines
    assert sessions.actor_for(first, AS_OF) is None


def test_forms_of_before_are_worth_nothing_after_another_person_signed_in(app, world, frozen):
    """CSRF: what one person was shown acts for nobody who comes next in the same browser."""
    give_password(world.fleet)
    give_password(world.fines)
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    form = {"csrf_token": token_on(browser.get("/connexion"))}
    for email in (world.fleet, world.fines):
        assert browser.post("/connexion", data={**form, "email": email, "password": PASSWORD}).status_code == 302
    assert browser.post("/deconnexion", data=form).status_code == 400
    assert browser.post("/deconnexion", data={"csrf_token": token_on(browser.get("/"))}).status_code == 302


def test_forms_of_before_are_worth_nothing_after_a_sign_out(app, world, frozen):
    give_password(world.fleet)
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    form = {"csrf_token": token_on(browser.get("/connexion")), "email": world.fleet, "password": PASSWORD}
    assert browser.post("/connexion", data=form).status_code == 302
    assert browser.post("/deconnexion", data=form).status_code == 302
    assert browser.post("/connexion", data=form).status_code == 400
    fresh = token_on(browser.get("/connexion"))
    assert browser.post("/connexion", data={**form, "csrf_token": fresh}).status_code == 302


def token_on(page) -> str:
    return page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


@pytest.mark.parametrize(
    "referrer", ["https://evil.example/x", "http://localhost//evil.example", "http://localhost.evil/"]
)
def test_the_page_before_is_never_another_sites(client, world, frozen, referrer):
    """Open redirect by the page that the form came from."""
    give_password(world.fleet)
    where = client.post("/conducteurs/nouveau", headers={"Referer": referrer}).headers["Location"]
    assert where.startswith("/connexion")
    assert sign_in_form(client, world.fleet, path=where).headers["Location"] == "/"


def test_signing_out_twice_says_nothing_of_lost_forms(client, app):
    where = client.post("/deconnexion").headers["Location"]
    assert "rien n’a été envoyé" not in client.get(where).text
