"""Sign-in and open sessions, kept in the database and checked at every request."""

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select, update

from eprunes.accounts import passwords
from eprunes.accounts.models import (
    Identity,
    IdentityKind,
    OrderForm,
    Organisation,
    OrganisationState,
    User,
    UserSession,
    UserState,
)
from eprunes.accounts.permissions import Actor, Right, effective_rights
from eprunes.accounts.retention import has_ended
from eprunes.accounts.tools import Tools, tools_on
from eprunes.core import audit
from eprunes.core.calendar import PARIS, paris_day
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import Refused

IDLE_LIMIT = timedelta(minutes=60)
IDLE_LIMIT_PRIVILEGED = timedelta(minutes=20)
ABSOLUTE_LIMIT = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)

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
        end_session(_hash(token), as_of)
        raise Refused(_REFUSAL)
    _trace_sign_in(actor, as_of)
    return token


def open_session(identity: Identity, *, address: str, device: str, as_of: datetime) -> str:
    """Open a session for an account whose holder has just been recognised; returns the secret token.

    The token also names the client, so that one statement of that client finds all that a request needs.
    """
    token = f"{secrets.token_urlsafe(32)}.{identity.organisation_id.hex if identity.organisation_id else ''}"
    row = UserSession(
        token_hash=_hash(token),
        identity_id=identity.id,
        created_at=as_of,
        last_seen_at=as_of,
        address=address[:45],
        device=device[:200],
    )
    with platform_session("connexion", write=True) as session:
        session.add(row)
    return token


def end_session(token_hash: bytes, as_of: datetime) -> None:
    """Sign out: the token is worthless from now on. Harmless when repeated."""
    with platform_session("déconnexion", write=True) as session:
        still_open = UserSession.token_hash == token_hash, UserSession.ended_at.is_(None)
        session.execute(update(UserSession).where(*still_open).values(ended_at=as_of))


def actor_for(token: str, as_of: datetime) -> Actor | None:
    """Whoever holds this token now, with the rights of this moment; None when it opens nothing.

    Checked at every request: the session's limits, the account's state, the contract's end (C3.4) and the
    order form in force.
    """
    token_hash, organisation_id = _hash(token), _organisation_in(token)
    found = _of_user(token_hash, organisation_id, as_of) if organisation_id else _of_operator(token_hash)
    if found is None:
        return None
    user_session, actor = found
    if _has_lapsed(user_session, actor, as_of):
        return None
    if as_of - user_session.last_seen_at >= SEEN_EVERY:
        _note_seen(token_hash, as_of)
    return replace(actor, session_hash=token_hash)


def _organisation_in(token: str) -> UUID | None:
    try:
        return UUID(token.partition(".")[2])
    except ValueError:
        return None


def _of_operator(token_hash: bytes) -> tuple[UserSession, Actor] | None:
    is_open = UserSession.token_hash == token_hash, UserSession.ended_at.is_(None)
    query = select(UserSession, Identity).join(Identity, Identity.id == UserSession.identity_id)
    with platform_session("session d’un exploitant") as session:
        row = session.execute(query.where(*is_open, Identity.kind == IdentityKind.OPERATOR)).first()
    return (row.UserSession, _operator(row.Identity)) if row else None


def _of_user(token_hash: bytes, organisation_id: UUID, as_of: datetime) -> tuple[UserSession, Actor] | None:
    query = (
        select(UserSession, Identity, Organisation, User, OrderForm)
        .join(Identity, Identity.id == UserSession.identity_id)
        .join(Organisation, Organisation.id == Identity.organisation_id)
        .join(User, and_(User.organisation_id == organisation_id, User.id == Identity.user_id))
        .outerjoin(OrderForm, OrderForm.organisation_id == organisation_id)
        .where(UserSession.token_hash == token_hash, UserSession.ended_at.is_(None))
        .where(Identity.organisation_id == organisation_id, User.state == UserState.ACTIVE)
    )
    with tenant_session(organisation_id, platform_reason="session d’un utilisateur") as session:
        rows = session.execute(query).all()
    if not rows:
        return None
    user_session, identity, organisation, user, _ = rows[0]
    if organisation.purged_at or has_ended(organisation.contract_ends_on, as_of):
        return None
    tools = tools_on([row.OrderForm for row in rows if row.OrderForm], paris_day(as_of))
    actor = _actor_of(identity, organisation, user, tools)
    return (user_session, actor) if actor else None


def _actor_of(identity: Identity, organisation: Organisation, user: User, tools: Tools) -> Actor | None:
    suspended = organisation.state == OrganisationState.SUSPENDED
    rights = effective_rights(
        fleet=user.fleet_right,
        fines=user.fines_right,
        administrator=user.is_administrator,
        tools=tools,
        suspended=suspended,
    )
    if suspended and not rights:
        return None
    return Actor(
        identity_id=identity.id,
        organisation_id=organisation.id,
        user_id=user.id,
        display_name=user.display_name,
        email=user.email,
        organisation_name=organisation.name,
        rights=rights,
        zone=ZoneInfo(organisation.zone),
        suspended=suspended,
    )


def _operator(identity: Identity) -> Actor:
    return Actor(
        identity_id=identity.id,
        organisation_id=None,
        user_id=None,
        display_name=identity.email,
        email=identity.email,
        organisation_name="Exploitation",
        rights=frozenset({Right.OPERATOR}),
        zone=PARIS,
    )


def _has_lapsed(session: UserSession, actor: Actor, as_of: datetime) -> bool:
    privileged = actor.is_administrator or actor.is_operator
    idle = IDLE_LIMIT_PRIVILEGED if privileged else IDLE_LIMIT
    return as_of - session.last_seen_at >= idle or as_of - session.created_at >= ABSOLUTE_LIMIT


def _note_seen(token_hash: bytes, as_of: datetime) -> None:
    with platform_session("session vue", write=True) as session:
        seen = update(UserSession).where(UserSession.token_hash == token_hash).values(last_seen_at=as_of)
        session.execute(seen)


def _trace_sign_in(actor: Actor, as_of: datetime) -> None:
    if actor.organisation_id is None:
        return
    with tenant_session(actor.organisation_id, write=True) as session:
        audit.record(session, "connexion", as_of=as_of, actor_id=actor.user_id)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
