"""Forged forms, forged hosts and forged destinations: none of them moves the site or its readers."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest

from eprunes import create_app
from eprunes.accounts.services import users
from eprunes.accounts.sessions import actor_for
from eprunes.core import web
from eprunes.core.config import SettingsRefused, read_settings
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from tests.support.routes import calls
from tests.support.worlds import AS_OF, give_password, open_session

OPERATOR = "exploitant@exploitation.example"
BODIES = ({"data": {}}, {"data": {"csrf_token": "made-up"}}, {"json": {"csrf_token": "made-up"}})
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "evil.example",
    "Forwarded": "host=evil.example;proto=gopher",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-Http-Method-Override": "DELETE",
}


@pytest.fixture
def tokens(world, frozen):
    """The session of one person of each kind."""
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return {email: open_session(email) for email in (world.admin, world.fleet, world.fines, OPERATOR)}


@pytest.fixture
def browser_of(app, tokens):
    def open_browser(email):
        browser = app.test_client()
        if email:
            browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], tokens[email], domain="localhost")
        return browser

    return open_browser


def test_no_unsafe_route_acts_without_the_forms_token(app, tokens, browser_of):
    """CSRF: for whoever is let in; forms and JSON, with no token and with a made-up one, once for each route."""
    app.config["WTF_CSRF_ENABLED"] = True
    refused = set()
    for email in (None, *tokens):
        browser = browser_of(email)
        who = actor_for(tokens[email], AS_OF) if email else None
        for endpoint, method, path in calls(app):
            permission = app.view_functions[endpoint].required_permission
            if method not in UNSAFE or not (permission is None or (who and who.may(permission))):
                continue
            for body in BODIES[:1] if endpoint in refused else BODIES:
                answer = browser.open(path, method=method, **body)
                assert (answer.status_code, "Page expirée" in answer.text) == (400, True), (email, endpoint)
            refused.add(endpoint)
        assert email is None or browser.get("/").status_code == 200, "nobody was signed out"
    assert refused == {endpoint for endpoint, method, _ in calls(app) if method in UNSAFE}
    assert not web.csrf._exempt_views
    assert not web.csrf._exempt_blueprints


def test_the_token_of_one_browser_is_worth_nothing_in_another(app, world, browser_of):
    app.config["WTF_CSRF_ENABLED"] = True
    mine, theirs = browser_of(world.fleet), browser_of(world.admin)
    page = mine.get("/").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    theirs.get("/")
    assert theirs.post("/deconnexion", data={"csrf_token": token}).status_code == 400
    assert mine.post("/deconnexion", data={"csrf_token": token}).status_code == 302


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [
        (None, True),
        ("null", True),
        ("http://localhost", True),
        ("http://localhost:80", True),
        ("http://localhost:6666", False),
        ("https://localhost", False),
        ("http://localhost.evil.example", False),
        ("https://evil.example", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_form_sent_from_another_site_is_refused_whatever_its_token(app, world, browser_of, origin, is_taken):
    """CSRF: the browser says where a form comes from."""
    app.config["WTF_CSRF_ENABLED"] = True
    browser = browser_of(world.fleet)
    form = {"csrf_token": browser.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]}
    headers = {} if origin is None else {"Origin": origin}
    assert browser.get("/", headers=headers).status_code == 200
    answer = browser.post("/deconnexion", data=form, headers=headers)
    assert answer.status_code == (302 if is_taken else 400)
    assert ("Page expirée" in answer.text) is not is_taken
    assert (browser.get("/").status_code == 200) is not is_taken


def test_in_production_both_cookies_are_locked_to_the_site(environ, world, frozen):
    """Ours, and the one that holds the forms' secret."""
    site = create_app({**environ, "EPRUNES_BASE_URL": "https://localhost", "EPRUNES_SECRET_KEY": "s" * 40})
    with site.app_context():
        give_password(world.fleet)
        browser = site.test_client()
        https = {"base_url": "https://localhost"}
        page = browser.get("/connexion", **https)
        form = {"csrf_token": page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]}
        form |= {"email": world.fleet, "password": "quatre prunes mures"}
        referred = {"Referer": "https://localhost/connexion", "Origin": "https://localhost"}
        answer = browser.post("/connexion", data=form, headers=referred, **https)
        cookies = [*page.headers.getlist("Set-Cookie"), *answer.headers.getlist("Set-Cookie")]
        db.engine.dispose()
        key_store()._engine.dispose()
    assert answer.status_code == 302
    assert {one.partition("=")[0] for one in cookies} == {"__Host-eprunes", "__Host-eprunes-form"}
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_forged_headers_change_no_page_no_link_and_no_redirect(environ, app, world, tokens, proxies):
    """Host and X-Forwarded-*: whatever they say, with and without a proxy announced."""
    site = create_app({**environ, "EPRUNES_TRUSTED_PROXIES": proxies})
    forged = FORGED | ({"X-Forwarded-Proto": "http"} if proxies == "1" else {})
    for email in (None, world.admin, OPERATOR):
        browser = site.test_client()
        if email:
            browser.set_cookie(site.config["EPRUNES_SESSION_COOKIE"], tokens[email], domain="localhost")
        who = actor_for(tokens[email], AS_OF) if email else None
        for endpoint, method, path in calls(site):
            permission = app.view_functions[endpoint].required_permission
            if method != "GET" or not (permission is None or (who and who.may(permission))):
                continue
            answer = browser.get(path, headers=forged)
            shown = f"{answer.headers}{answer.get_data().decode('utf-8', 'replace')}"
            assert answer.status_code < 400 or answer.status_code == 404, endpoint
            assert not any(one in shown for one in ("evil", ":6666", "gopher")), endpoint
            assert answer.headers.get("Location", "/").startswith("/"), endpoint
            if proxies == "1":
                continue
            elsewhere = browser.get(path, headers={"Host": "localhost:6666"})
            shown = f"{elsewhere.headers}{elsewhere.get_data().decode('utf-8', 'replace')}"
            assert "localhost:6666" not in shown, endpoint
    with site.app_context():
        db.engine.dispose()
        key_store()._engine.dispose()


@pytest.mark.parametrize("path", ["//connexion", "//evil.example/..", "/exploitation//clients", "/connexion/"])
def test_no_address_is_put_right_by_a_redirect_built_from_the_host(client, path):
    answer = client.get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code in (200, 404)
    assert "Location" not in answer.headers


EVIL = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nLocation: //evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\x00/evil.example",
    "/\x0b/evil.example",
    "/\x7f",
    "/\x85//evil.example",
    "/\u2028//evil.example",
    "/\u202eevil",
    "/%2f%2fevil.example",
    "/%2F/evil.example",
    "/%5cevil.example",
    "/%5C%5Cevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:%20a=b",
    "/%00",
    "//user@evil.example",
    "//localhost@evil.example",
    "//localhost:80@evil.example/",
    "https://evil.example",
    "https://localhost@evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http://localhost",
    "@evil.example",
    "evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
    "?suite=//evil.example",
    "#evil",
    "",
]


@pytest.mark.parametrize("wanted", EVIL)
def test_a_destination_outside_the_site_leads_home(app, world, signed_in, wanted):
    """Open redirects: where one was going before signing in or confirming who one is."""
    browser = signed_in(world.fleet)
    assert browser.get(f"/connexion?{urlencode({'suite': wanted})}").headers["Location"] == "/"


@pytest.mark.parametrize(
    "wanted",
    ["/", "/vehicules", "/vehicules?q=a%2Fb&page=2", "/contraventions?vue=a-traiter#haut", "/a//b", "/@evil.example",
     "/vehicules?q=%C3%A9t%C3%A9"],
)  # fmt: skip
def test_a_destination_on_the_site_is_kept(app, world, signed_in, wanted):
    browser = signed_in(world.fleet)
    assert browser.get(f"/connexion?{urlencode({'suite': wanted})}").headers["Location"] == wanted


def test_signing_in_never_leaves_the_site(app, client, world, frozen):
    give_password(world.fleet)
    form = {"email": world.fleet, "password": "quatre prunes mures"}
    answer = client.post("/connexion?suite=//evil.example", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_a_header_cannot_be_split_by_what_is_asked(app, world, signed_in, caplog):
    """Header and log injection: line breaks in an address stay encoded, in headers and in logs."""
    browser = signed_in(world.fleet)
    for path in ("/vehicules?q=%0d%0aSet-Cookie:%20a=b", "/%0d%0aSet-Cookie:%20a=b", "/connexion?suite=/%0d%0aX:y"):
        answer = browser.get(path)
        assert "a=b" not in str(answer.headers.get("Set-Cookie"))
        assert "X" not in answer.headers
    assert "\nSet-Cookie" not in caplog.text


def test_security_txt_says_whom_to_tell_and_until_when(client, frozen):
    """RFC 9116: contact, language, the file's own address, and an end within a year."""
    answer = client.get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:securite@eprunes.example"
    assert fields["Preferred-Languages"] == "fr"
    assert fields["Canonical"] == "http://localhost/.well-known/security.txt"
    ends = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%S%z")
    assert timedelta(days=90) < ends - AS_OF < timedelta(days=365)
    frozen.move_to(AS_OF + timedelta(days=400))
    assert fields["Expires"] not in client.get("/.well-known/security.txt").text


def test_without_a_contact_there_is_no_security_txt(environ):
    site = create_app({**environ, "EPRUNES_SECURITY_CONTACT": ""})
    assert site.test_client().get("/.well-known/security.txt").status_code == 404
    with site.app_context():
        db.engine.dispose()
        key_store()._engine.dispose()


@pytest.mark.parametrize(
    ("contact", "is_taken"),
    [
        ("mailto:securite@eprunes.example", True),
        ("https://eprunes.example/securite", True),
        ("securite@eprunes.example", False),
        ("http://eprunes.example/securite", False),
        ("mailto:", False),
        ("mailto:a@b\nContact: mailto:evil@example", False),
    ],
)
def test_a_contact_is_an_address_that_the_standard_knows(contact, is_taken):
    if is_taken:
        assert read_settings({"EPRUNES_SECURITY_CONTACT": contact}).security_contact == contact
        return
    with pytest.raises(SettingsRefused, match="EPRUNES_SECURITY_CONTACT"):
        read_settings({"EPRUNES_SECURITY_CONTACT": contact})
