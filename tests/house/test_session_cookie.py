"""The session’s cookie, as the pages that give it and take it back send it: for this host, out of reach of scripts."""

import pytest

from eprunes import create_app
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from tests.support.worlds import PASSWORD, give_password

SITES = [("https://eprunes.example", "__Host-eprunes", True), ("http://localhost", "eprunes", False)]


@pytest.fixture
def site(environ, world, frozen, request):
    """A browser on an installation at an address: (browser, address, the cookie's name, whether it is secure)."""
    address, name, is_secure = request.param
    app = create_app({**environ, "EPRUNES_BASE_URL": address, "EPRUNES_SECRET_KEY": "s" * 32})
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client(), address, name, is_secure
    with app.app_context():
        db.engine.dispose()
        key_store()._engine.dispose()


def session_cookie(answer, name: str) -> list[str]:
    """The attributes of the one session cookie that an answer sets, its value first."""
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{name}=")]
    return cookie.split("; ")


@pytest.mark.parametrize("site", SITES, indirect=True)
def test_the_session_is_in_a_cookie_that_only_this_host_receives(site, world):
    """C3.3-b: given at sign-in, given anew at each proof, taken back at sign-out; it ends with the browser."""
    browser, address, name, is_secure = site
    give_password(world.fleet)
    typed = {"email": world.fleet, "password": PASSWORD}
    given = [browser.post("/connexion", base_url=address, data=typed)]
    given.append(browser.post("/confirmation", base_url=address, data=typed))
    taken = browser.post("/deconnexion", base_url=address)
    for answer in (*given, taken):
        value, *attributes = session_cookie(answer, name)
        assert {"HttpOnly", "Path=/"} <= set(attributes)
        assert ("Secure" in attributes) is is_secure
        assert not [one for one in attributes if one.startswith("Domain")]
        if answer is taken:
            assert value == f"{name}="
            continue
        assert "SameSite=Lax" in attributes
        assert not [one for one in attributes if one.startswith(("Expires", "Max-Age"))]
