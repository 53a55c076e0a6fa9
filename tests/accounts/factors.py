"""A second factor for an account, set up through the services as its holder would; codes, browsers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pyotp
from flask.testing import FlaskClient
from sqlalchemy import select

from eprunes.accounts import sessions
from eprunes.accounts.models import Identity
from eprunes.accounts.services import second_factors
from eprunes.core.audit import AuditEntry
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused
from tests.support.worlds import AS_OF, open_session

EARLIER = AS_OF - timedelta(minutes=10)


def code_at(secret: str, instant: datetime = AS_OF) -> str:
    """What an application with this secret shows at an instant."""
    return pyotp.TOTP(secret).at(instant)


def give_factor(email: str, as_of: datetime = EARLIER) -> tuple[str, list[str]]:
    """Set a factor up for an account, a while ago: (secret, recovery codes)."""
    actor = sessions.actor_for(open_session(email, as_of), as_of)
    secret = second_factors.propose(actor, as_of)
    token, codes = second_factors.confirm(actor=actor, code=code_at(secret, as_of), as_of=as_of)
    sessions.end_session(sessions.hash_of(token), as_of)
    return secret, codes


def identity_of(email: str) -> Identity:
    with platform_session("tests") as session:
        return session.scalars(select(Identity).where(Identity.email == email)).one()


def open_by_password(email: str, as_of: datetime = AS_OF, device: str = "tests") -> str:
    """The token of a session that has the password behind it, and no second factor yet."""
    return sessions.open_session(identity_of(email), address="192.0.2.7", device=device, as_of=as_of)


def browser_with(app, token: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(app.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
    return browser


def token_in(app, browser: FlaskClient) -> str:
    return browser.get_cookie(app.config["EPRUNES_SESSION_COOKIE"], domain="localhost").value


def acts(world) -> list[str]:
    """The actions in the client's journal, in order."""
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id
        return list(session.scalars(select(AuditEntry.action).where(own).order_by(AuditEntry.id)))


def at_once(app, work: Callable[[int], object], count: int) -> list[object]:
    """What `work(0)`, `work(1)`… give when they start at the same moment; refusals are given back, not raised."""
    together = Barrier(count)

    def one(number: int) -> object:
        with app.app_context():
            together.wait(timeout=20)
            try:
                return work(number)
            except Refused as refusal:
                return refusal

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
