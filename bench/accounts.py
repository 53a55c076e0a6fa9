"""Signing in: the form sent, the password checked, the session opened, the answer made."""

import re
from collections.abc import Callable, Iterator

from bench.measures import Figure, median_ms
from bench.setting import Setting
from tests.support.worlds import PASSWORD, give_password

SIGN_IN_MS = 150
_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


def measure(setting: Setting) -> Iterator[Figure]:
    """The figure of the sign-in, most of it spent on purpose on the password's fingerprint."""
    give_password(setting.world.fleet, setting.as_of)
    yield Figure("se connecter", median_ms(_sign_in(setting), runs=setting.size.runs), SIGN_IN_MS)


def _sign_in(setting: Setting) -> Callable[[], None]:
    """Send the form again and again; the browser forgets its session each time. Raises RuntimeError unless let in."""
    browser = setting.app.test_client()
    cookie = setting.app.config["EPRUNES_SESSION_COOKIE"]
    with setting.app.app_context():
        token = _TOKEN.search(browser.get("/connexion").text)[1]
    form = {"email": setting.world.fleet, "password": PASSWORD, "csrf_token": token}

    def send() -> None:
        with setting.app.app_context():
            answer = browser.post("/connexion", data=form)
        if answer.status_code != 302 or browser.get_cookie(cookie) is None:
            raise RuntimeError(f"/connexion: {answer.status}")
        browser.delete_cookie(cookie)

    return send
