"""Pages as the server makes them: whole requests through WSGI, without a network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from eprunes.accounts import guard
from eprunes.accounts.permissions import Actor


def page(app: Flask, token: str, path: str) -> Callable[[], bytes]:
    """A signed-in request to be made again and again; each call gives the body. Raises RuntimeError unless 200."""
    cookie = f"{app.config['EPRUNES_SESSION_COOKIE']}={token}"
    environ = create_environ(path, "http://localhost", headers={"Cookie": cookie})

    def ask() -> bytes:
        with app.app_context():  # or the request would borrow the caller's, and whom it remembers as signed in
            chunks, status, _ = run_wsgi_app(app, dict(environ))
            body = b"".join(chunks)
        if status != "200 OK":
            raise RuntimeError(f"{path}: {status}")
        return body

    return ask


@contextmanager
def without_session_check(actor: Actor) -> Iterator[None]:
    """Requests come from this actor, whom nobody looks up."""
    with patch.object(guard, "actor_for", lambda token, as_of, demo, within: actor):
        yield
