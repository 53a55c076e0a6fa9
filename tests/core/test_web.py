"""What every answer carries, whatever it answers: headers, error pages, cookies, and links that stay on the site."""

import pytest
from flask import Flask, g

from eprunes import create_app
from eprunes.accounts.permissions import public
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from eprunes.core.web import MAX_UPLOAD_BYTES, XLSX, download, safe_path
from tests.support.worlds import open_session

STATIC = ("/static/eprunes.css", "/bootstrap/static/css/bootstrap.min.css")
PAGES = ("/", "/connexion", "/healthz", "/readyz", "/introuvable", "/static/introuvable", *STATIC)


@pytest.fixture
def installations(environ):
    """A function that builds the application again, with other settings on the same stores."""
    built = []

    def build(**settings: str) -> Flask:
        app = create_app({**environ, **{f"EPRUNES_{name}": value for name, value in settings.items()}})
        built.append(app)
        return app

    yield build
    for app in built:
        with app.app_context():
            db.engine.dispose()
            key_store()._engine.dispose()


@pytest.fixture
def broken_page(app, monkeypatch):
    """A page that fails: the health page, for the time of a test."""

    @public
    def fail():
        raise RuntimeError("secret details")

    monkeypatch.setitem(app.view_functions, "health.alive", fail)
    return "/healthz"


def assert_protected(answer):
    headers = answer.headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("email", [None, "fleet"])
def test_every_answer_carries_the_protecting_headers(app, world, signed_in, path, email):
    browser = signed_in(getattr(world, email)) if email else app.test_client()
    assert_protected(browser.get(path, buffered=True))
    assert_protected(browser.delete(path, buffered=True))


@pytest.mark.parametrize("path", PAGES)
def test_nothing_but_static_files_is_kept_by_browsers_or_proxies(client, path):
    kept = client.get(path, buffered=True).headers["Cache-Control"]
    assert ("no-store" in kept) is (path not in STATIC)


def test_a_failing_page_tells_no_detail(client, broken_page):
    answer = client.get(broken_page)
    assert answer.status_code == 500
    assert_protected(answer)
    assert "Une erreur est survenue" in answer.text
    assert "secret details" not in answer.text


def test_the_secret_of_a_link_never_stands_in_the_log(app, client, monkeypatch, caplog):
    @public
    def fail(token: str):
        raise RuntimeError("broken")

    monkeypatch.setitem(app.view_functions, "fines.driver_request", fail)
    assert client.get("/conducteur/le-secret-du-lien").status_code == 500
    assert "GET /conducteur/<token> failed" in caplog.text
    assert "le-secret-du-lien" not in caplog.text


def test_a_file_that_is_too_heavy_is_refused_in_french(client):
    answer = client.post("/connexion", data={"email": "x" * (MAX_UPLOAD_BYTES + 1)})
    assert answer.status_code == 413
    assert "Fichier trop lourd" in answer.text
    assert_protected(answer)


@pytest.mark.parametrize("path", ["/", "/connexion", "/introuvable", *STATIC])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "xlocalhost", "localhost@evil.example"])
def test_a_request_for_another_host_is_refused(client, path, host):
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert_protected(answer)
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("https://eprunes.example", "eprunes.example"),
        ("https://eprunes.example/", "eprunes.example:443"),
    ],
)
def test_requests_for_the_configured_host_are_answered(installations, base_url, host):
    app = installations(BASE_URL=base_url, SECRET_KEY="s" * 32)
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_over_https_cookies_are_bound_to_the_host_and_hsts_is_sent(installations, world):
    app = installations(BASE_URL="https://eprunes.example", SECRET_KEY="s" * 32)
    answer = app.test_client().get("/connexion", base_url="https://eprunes.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-eprunes-form=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie.split("; ")
    assert app.config["EPRUNES_SESSION_COOKIE"] == "__Host-eprunes"


def test_over_plain_http_no_hsts_is_sent(client):
    assert "Strict-Transport-Security" not in client.get("/connexion").headers


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_forwarded_addresses_are_believed_only_from_the_proxies_that_were_announced(installations, world):
    for hops, address in (("0", "127.0.0.1"), ("1", "203.0.113.9")):
        app = installations(TRUSTED_PROXIES=hops)
        seen = {}

        @public
        def look(seen=seen):
            from flask import request

            seen["address"] = request.remote_addr
            seen["host"] = request.host
            return ""

        app.view_functions["health.alive"] = look
        forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Host": "evil.example"}
        assert app.test_client().get("/healthz", headers=forwarded).status_code == 200
        assert seen == {"address": address, "host": "localhost"}


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/", True),
        ("/contraventions?vue=archives#haut", True),
        ("/a//b", True),
        ("", False),
        (None, False),
        ("contraventions", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example", False),
        ("javascript:alert(1)", False),
        ("/\x01", False),
        ("/\r\nLocation: //evil.example", False),
        ("/\x7f", False),
    ],
)
def test_a_redirect_stays_on_the_site(path, safe):
    assert safe_path(path, "/accueil") == (path if safe else "/accueil")


def test_a_download_is_saved_and_never_interpreted(app):
    with app.test_request_context():
        answer = download(b"content", "vehicules.xlsx", XLSX)
    assert answer.headers["Content-Disposition"] == "attachment; filename=vehicules.xlsx"
    assert answer.mimetype == XLSX


def test_a_page_that_declares_no_permission_is_never_shown(app, world, signed_in, monkeypatch):
    monkeypatch.setitem(app.view_functions, "health.alive", lambda: "unguarded")
    answer = signed_in(world.admin).get("/healthz")
    assert answer.status_code == 500
    assert "unguarded" not in answer.text


def test_the_read_session_of_a_request_is_closed_with_it(app, world, frozen):
    token = open_session(world.fleet)
    with app.test_client() as browser:
        browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
        browser.get("/")
        assert "reading" not in g
    assert db.engine.pool.checkedout() == 0


@pytest.mark.parametrize(
    ("contact", "shown"), [("", ""), ("01 02 03 04 05", " (01 02 03 04 05)"), ("<b>x", " (&lt;b&gt;x)")]
)
def test_how_to_reach_the_support_stands_wherever_it_is_named(environ, contact, shown):
    site = create_app({**environ, "EPRUNES_SUPPORT_CONTACT": contact})
    page = site.jinja_env.get_template("error_alone.html")
    site.jinja_env.globals.update(asset_version="1", nonce=lambda: "1")
    with site.test_request_context():
        text = page.render(title="Erreur", sentence="Prévenez l’assistance.")
    assert f"<p>Prévenez l’assistance{shown}.</p>" in text
