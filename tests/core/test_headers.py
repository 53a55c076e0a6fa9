"""The headers of every answer of every route, and the error pages: French, without detail, protected like the rest."""

import re
import secrets

import pytest

from eprunes.accounts.permissions import public
from eprunes.accounts.services import users
from eprunes.core import headers
from eprunes.core.web import MAX_UPLOAD_BYTES
from tests.support.routes import calls
from tests.support.worlds import AS_OF

OPERATOR = "exploitant@exploitation.example"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOADED = re.compile(r"<script\b[^>]*>|<link\b[^>]*stylesheet[^>]*>")
STATIC = ("/static/eprunes.css", "/static/eprunes.js", "/bootstrap/static/css/bootstrap.min.css")


def assert_protected(answer, place=None):
    """The whole policy, and every script and stylesheet of the page carries its nonce."""
    for name, value in ALWAYS.items():
        assert answer.headers.get(name) == value, (place, name)
    policy = dict(one.partition(" ")[::2] for one in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", place
    assert "unsafe" not in str(policy), place
    assert answer.headers["Cache-Control"] == "no-store", place
    if answer.mimetype != "text/html":
        assert ("sandbox" in policy) == ("Content-Disposition" in answer.headers), place
        policy.pop("sandbox", None)
        assert set(policy.values()) == {"'none'"}, place
        return
    assert policy["script-src"] == policy["style-src"]
    nonce = re.fullmatch(r"'nonce-([\w-]+)'", policy["script-src"])[1]
    for tag in LOADED.findall(answer.text):
        assert f'nonce="{nonce}"' in tag, (place, tag)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text), place


def assert_tells_nothing(answer):
    for detail in ("Traceback", "werkzeug", "flask", "eprunes/", "site-packages", "secret details", "Not Found"):
        assert detail not in answer.text
    if answer.mimetype == "text/html":
        assert 'lang="fr"' in answer.text


@pytest.fixture
def browsers(app, world, signed_in):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    visiting = signed_in(OPERATOR)
    visiting.post(f"/exploitation/clients/{world.organisation_id}/visite", data={"reason": "Demande 1024"})
    return {
        "nobody": app.test_client(),
        "administrator": signed_in(world.admin),
        "operator": signed_in(OPERATOR),
        "visitor": visiting,
    }


@pytest.fixture
def as_in_production(app, monkeypatch):
    """A fault answers a page instead of failing the test."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)


def test_every_answer_of_every_route_carries_the_headers(app, browsers):
    """Each route, whoever asks; of somebody by every method too. Signing out comes last."""
    for who, browser in browsers.items():
        for endpoint, method, path in sorted(calls(app), key=lambda call: call[0] == "accounts.sign_out"):
            by_all = who == "administrator" and method == "GET"
            for asked in (method, "HEAD", "OPTIONS", "PUT") if by_all else (method,):
                if endpoint == "accounts.sign_out" and asked != "POST":
                    continue
                answer = browser.open(path, method=asked, buffered=True)
                assert_protected(answer, (who, asked, endpoint))
                assert answer.status_code < 500, (who, asked, endpoint)


def test_the_nonce_is_another_at_every_answer(app, client, monkeypatch):
    monkeypatch.setattr(headers, "token_urlsafe", secrets.token_urlsafe)
    found = {client.get("/connexion").headers["Content-Security-Policy"] for _ in range(20)}
    assert len(found) == 20
    assert_protected(client.get("/connexion"))
    assert_protected(client.get("/introuvable"))


@pytest.mark.parametrize("path", STATIC)
@pytest.mark.parametrize("email", [None, "fleet"])
def test_static_files_are_kept_for_good_signed_in_or_not(app, world, signed_in, path, email):
    browser = signed_in(getattr(world, email)) if email else app.test_client()
    answer = browser.get(f"{path}?v=1", buffered=True)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer.headers
    again = browser.get(path, headers={"If-None-Match": answer.headers["ETag"]}, buffered=True)
    assert (again.status_code, again.headers["Cache-Control"]) == (304, answer.headers["Cache-Control"])
    assert browser.get(f"{path}.map.absent").headers["Cache-Control"] == "no-store"


def test_the_address_of_static_files_changes_with_their_content(client):
    for page in (client.get("/connexion").text, client.get("/introuvable").text):
        for address in re.findall(r'(?:href|src)="([^"]*/static/[^"]*)"', page):
            assert re.search(r"\?v=[0-9a-f]{12}$", address)


@pytest.mark.parametrize("email", [None, "both"])
def test_error_pages_are_french_protected_and_without_detail(app, world, signed_in, email):
    """400, 404, 405, 413, 422."""
    browser = signed_in(getattr(world, email)) if email else app.test_client()
    form = {"email": world.both, "password": "faux"}
    answers = {
        404: browser.get("/introuvable"),
        405: browser.delete("/connexion"),
        413: browser.post("/connexion", data={"email": "x" * (MAX_UPLOAD_BYTES + 1)}),
        422: browser.post("/vehicules/nouveau", data={}) if email else browser.post("/connexion", data=form),
    }
    app.config["WTF_CSRF_ENABLED"] = True
    answers[400] = browser.post("/connexion", data=form)
    for status, answer in answers.items():
        if status == 413 and email:
            continue  # who is signed in is sent home before the form is read
        assert answer.status_code == status
        assert_protected(answer, status)
        assert_tells_nothing(answer)
    assert set(answers[405].headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("email", [None, "both"])
def test_a_failing_page_tells_no_detail(app, world, signed_in, monkeypatch, email):
    @public
    def fail():
        raise RuntimeError("secret details")

    monkeypatch.setitem(app.view_functions, "health.alive", fail)
    answer = (signed_in(getattr(world, email)) if email else app.test_client()).get("/healthz")
    assert answer.status_code == 500
    assert "Une erreur est survenue" in answer.text
    assert_protected(answer)
    assert_tells_nothing(answer)


def test_while_nobody_can_be_recognised_every_page_fails_in_french(app, world, signed_in, monkeypatch):
    """The database is gone: a page that knows no reader still stands."""

    def fail(*arguments, **named):
        raise OSError("secret details")

    browser = signed_in(world.both)
    monkeypatch.setattr("eprunes.accounts.guard.actor_for", fail)
    for endpoint, method, path in calls(app):
        answer = browser.open(path, method=method)
        assert answer.status_code == 500, endpoint
        assert_protected(answer, endpoint)
        assert_tells_nothing(answer)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1", "", "local host", "localhost@x"]
)
def test_a_bad_host_answers_a_plain_page(app, client, host):
    for _, method, path in calls(app):
        answer = client.open(path, method=method, headers={"Host": host})
        assert answer.status_code == 400
        assert answer.mimetype == "text/plain"
        assert_protected(answer, path)
        assert_tells_nothing(answer)
        assert "evil" not in answer.text
