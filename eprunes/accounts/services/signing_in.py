"""Signing in with an address and a password."""

from datetime import datetime

from sqlalchemy import select

from eprunes.accounts import passwords
from eprunes.accounts.models import Identity
from eprunes.accounts.permissions import Actor
from eprunes.accounts.sessions import actor_for, end_session, hash_of, open_session
from eprunes.core import audit
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused

_REFUSAL = "Adresse e-mail ou mot de passe incorrect."


def sign_in(*, email: str, password: str, address: str, device: str, as_of: datetime) -> str:
    """Open a session and return its secret token. Raises Refused, with one same sentence, otherwise."""
    normalised = email.strip().lower()
    with platform_session("connexion") as session:
        identity = session.scalar(select(Identity).where(Identity.email == normalised))
    if not passwords.verify(identity.password_hash if identity else None, password):
        raise Refused(_REFUSAL)
    token = open_session(identity, address=address, device=device, as_of=as_of)
    actor = actor_for(token, as_of)
    if actor is None:
        end_session(hash_of(token), as_of)
        raise Refused(_REFUSAL)
    _trace_sign_in(actor, as_of)
    return token


def prove(*, actor: Actor, password: str, as_of: datetime) -> None:
    """Check that whoever holds a session is its person. Raises Refused when the password is wrong."""
    with platform_session("confirmation d’identité") as session:
        identity = session.scalars(select(Identity).where(Identity.id == actor.identity_id)).one()
    if not passwords.verify(identity.password_hash, password):
        raise Refused("Mot de passe incorrect.", "password")


def _trace_sign_in(actor: Actor, as_of: datetime) -> None:
    if actor.organisation_id is None:
        return
    with tenant_session(actor.organisation_id, write=True) as session:
        audit.record(session, "connexion", as_of=as_of, actor_id=actor.user_id)
