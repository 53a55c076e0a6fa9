"""Who tries the routes: a browser for each role of a client, for an operator, for a visitor, for nobody."""

from datetime import datetime

from flask import Flask
from flask.testing import FlaskClient

from eprunes.accounts import sessions
from eprunes.accounts.services import users, visits
from tests.support.worlds import AS_OF, World, actor, open_session

FLEET, FINES, BOTH, ADMIN, OPERATOR = "parc", "contraventions", "deux", "admin", "exploitant"
ANONYMOUS = None
OF_A_CLIENT = (FLEET, FINES, BOTH, ADMIN)
SIGNED_IN = (*OF_A_CLIENT, OPERATOR)
THE_OPERATOR = "exploitant@exploitation.example"


def emails(world: World) -> dict[str, str]:
    """The address behind each role."""
    return {FLEET: world.fleet, FINES: world.fines, BOTH: world.both, ADMIN: world.admin, OPERATOR: THE_OPERATOR}


def browser_of(app: Flask, token: str) -> FlaskClient:
    """A browser that holds this session."""
    browser = app.test_client()
    browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
    return browser


def browsers(app: Flask, world: World, as_of: datetime = AS_OF) -> dict[str | None, FlaskClient]:
    """A browser signed in for each role of a client and for the operator, and one that is not signed in."""
    signed_in = {role: browser_of(app, open_session(email, as_of)) for role, email in emails(world).items()}
    return {ANONYMOUS: app.test_client(), **signed_in}


def visitor(app: Flask, world: World, reason: str = "Le client nous appelle.") -> FlaskClient:
    """The operator's browser during a visit to a client's data."""
    return browser_of(app, visits.start_visit(actor(THE_OPERATOR), world.organisation_id, reason, AS_OF))


def add_operator() -> None:
    """The provider's operator, once."""
    users.create_operator(email=THE_OPERATOR, as_of=AS_OF)


def is_signed_in(app: Flask, browser: FlaskClient, as_of: datetime = AS_OF) -> bool:
    """True while the session that a browser holds opens something."""
    cookie = browser.get_cookie(app.config["EPRUNES_SESSION_COOKIE"], domain="localhost")
    return cookie is not None and sessions.actor_for(cookie.value, as_of) is not None
