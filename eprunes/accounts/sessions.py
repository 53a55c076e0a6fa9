"""Open sessions, kept in the database and checked at every request."""

import hashlib
import secrets
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, bindparam, select, update
from sqlalchemy.orm import load_only

from eprunes.accounts.models import (
    Identity,
    IdentityKind,
    OperatorVisit,
    OrderForm,
    Organisation,
    OrganisationState,
    User,
    UserSession,
    UserState,
)
from eprunes.accounts.permissions import Actor, Pending, Right, effective_rights
from eprunes.accounts.tools import Tools, tools_on
from eprunes.core.calendar import PARIS, paris_day
from eprunes.core.database import (
    PlatformSession,
    TenantSession,
    open_tenant_session,
    platform_session,
    tenant_session,
)

IDLE_LIMIT = timedelta(minutes=60)
IDLE_LIMIT_PRIVILEGED = timedelta(minutes=20)
ABSOLUTE_LIMIT = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)


def open_session(identity: Identity, *, address: str, device: str, as_of: datetime) -> str:
    """Open a session for an account whose holder has just been recognised; returns the secret token."""
    token = new_token(identity.organisation_id)
    row = UserSession(
        token_hash=hash_of(token),
        identity_id=identity.id,
        created_at=as_of,
        last_seen_at=as_of,
        confirmed_at=as_of,
        address=address[:45],
        device=device[:200],
    )
    with platform_session("connexion", write=True) as session:
        session.add(row)
    return token


def renew(actor: Actor, as_of: datetime, *, second_factor: bool = False) -> str:
    """Give an open session a new token, once its holder has proved again who they are; the old one is worthless."""
    values = {"confirmed_at": as_of}
    if second_factor:
        values["second_factor_at"] = as_of
    with platform_session("nouvel identifiant de session", write=True) as session:
        return change_token(session, actor, **values)


def change_token(session: PlatformSession | TenantSession, actor: Actor, **values: object) -> str:
    """Within a transaction: give the actor's session a new token, and these values; the old token is worthless."""
    token = new_token(None if actor.is_operator else actor.organisation_id)
    still_open = UserSession.token_hash == actor.session_hash, UserSession.ended_at.is_(None)
    session.execute(update(UserSession).where(*still_open).values(token_hash=hash_of(token), **values))
    return token


def end_session(token_hash: bytes, as_of: datetime) -> None:
    """Sign out: the token is worthless from now on. Harmless when repeated."""
    with platform_session("déconnexion", write=True) as session:
        still_open = UserSession.token_hash == token_hash, UserSession.ended_at.is_(None)
        session.execute(update(UserSession).where(*still_open).values(ended_at=as_of))


def end_sessions_of(
    session: PlatformSession | TenantSession, identity_id: UUID, as_of: datetime, *, but: UUID | None = None
) -> int:
    """Within a transaction: end every open session of an account, except the one with id `but`; says how many."""
    statement = update(UserSession).where(UserSession.identity_id == identity_id, UserSession.ended_at.is_(None))
    if but is not None:
        statement = statement.where(UserSession.id != but)
    return session.execute(statement.values(ended_at=as_of)).rowcount


def idle_limit(*, privileged: bool) -> timedelta:
    """How long a session may rest; administrators and operators are privileged."""
    return IDLE_LIMIT_PRIVILEGED if privileged else IDLE_LIMIT


def still_open(identity_id: UUID, as_of: datetime, *, privileged: bool) -> tuple[ColumnElement[bool], ...]:
    """The criteria of an account's sessions that still open something."""
    return (
        UserSession.identity_id == identity_id,
        UserSession.ended_at.is_(None),
        UserSession.created_at > as_of - ABSOLUTE_LIMIT,
        UserSession.last_seen_at > as_of - idle_limit(privileged=privileged),
    )


def actor_for(token: str, as_of: datetime, *, demo: bool = False, within: TenantSession | None = None) -> Actor | None:
    """Whoever holds this token now, with the rights of this moment; None when it opens nothing.

    Checked at every request: the session's limits, the account's state, the contract's end (C3.4) and the order
    form in force. A demo asks nobody for a second factor that was not set up. `within` is a session that
    `open_for` gave for this token; without it one is opened and closed here.
    """
    token_hash, organisation_id = hash_of(token), organisation_in(token)
    if organisation_id is None:
        found = _of_operator(token_hash, as_of)
    else:
        with nullcontext(within) if within else closing(open_for(token)) as session:
            found = _of_user(session, token_hash, as_of)
    if found is None:
        return None
    user_session, identity, actor = found
    if identity.blocked_at is not None or _has_lapsed(user_session, actor, as_of):
        return None
    if as_of - user_session.last_seen_at >= SEEN_EVERY:
        _note_seen(token_hash, as_of)
    return replace(
        actor,
        session_hash=token_hash,
        session_id=user_session.id,
        confirmed_at=user_session.confirmed_at,
        pending=_pending(user_session, identity, actor, demo),
    )


def open_for(token: str) -> TenantSession | None:
    """A reading session of the client that a token names, in which its holder can be recognised; None for operators."""
    organisation_id = organisation_in(token)
    return organisation_id and open_tenant_session(organisation_id, platform_reason="session d’un utilisateur")


def hash_of(token: str) -> bytes:
    """What the database keeps of a secret token."""
    return hashlib.sha256(token.encode()).digest()


def new_token(organisation_id: UUID | None) -> str:
    """256 random bits, then the client's id, so that one statement of that client finds all a request needs."""
    return f"{secrets.token_urlsafe(32)}.{organisation_id.hex if organisation_id else ''}"


def organisation_in(token: str) -> UUID | None:
    """The client that a token names; None for an operator's, and for what is no token."""
    try:
        return UUID(token.partition(".")[2])
    except ValueError:
        return None


def _pending(user_session: UserSession, identity: Identity, actor: Actor, demo: bool) -> Pending | None:
    if identity.totp_confirmed_at is not None:
        return None if user_session.second_factor_at else Pending.CODE
    is_required = (actor.is_administrator or actor.is_operator) and not demo
    return Pending.SET_UP if is_required else None


def _of_operator(token_hash: bytes, as_of: datetime) -> tuple[UserSession, Identity, Actor] | None:
    now_visiting = and_(
        OperatorVisit.id == UserSession.visit_id, OperatorVisit.ended_at.is_(None), OperatorVisit.ends_at > as_of
    )
    query = (
        select(UserSession, Identity, OperatorVisit, Organisation)
        .join(Identity, Identity.id == UserSession.identity_id)
        .outerjoin(OperatorVisit, now_visiting)
        .outerjoin(Organisation, Organisation.id == OperatorVisit.organisation_id)
        .where(UserSession.token_hash == token_hash, UserSession.ended_at.is_(None))
        .where(Identity.kind == IdentityKind.OPERATOR)
    )
    with platform_session("session d’un exploitant") as session:
        row = session.execute(query).first()
    if row is None:
        return None
    user_session, identity, visit, organisation = row
    actor = _operator(identity)
    if visit is not None and may_be_visited(organisation, as_of):
        actor = _visiting(actor, visit, organisation, as_of)
    return user_session, identity, actor


def may_be_visited(organisation: Organisation, as_of: datetime) -> bool:
    """An ended contract leaves nothing to visit; a suspended one leaves its data to the administrator alone."""
    return organisation.state == OrganisationState.ACTIVE and not organisation.is_over(as_of)


def _visiting(actor: Actor, visit: OperatorVisit, organisation: Organisation, as_of: datetime) -> Actor:
    """The operator as a reader of one client's data; nothing more is open during the visit than to leave it."""
    with tenant_session(organisation.id) as session:
        forms = session.scalars(select(OrderForm).where(OrderForm.organisation_id == organisation.id)).all()
    tools = tools_on(forms, paris_day(as_of))
    rights = {Right.OPERATOR}
    if tools.fleet:
        rights.add(Right.FLEET_VISIT)
    if tools.live_notices:
        rights.add(Right.FINES_VISIT)
    return replace(
        actor,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        rights=frozenset(rights),
        zone=ZoneInfo(organisation.zone),
        visit_id=visit.id,
    )


_OWN = bindparam("organisation_id")
_OF_SESSION = (
    UserSession.id,
    UserSession.created_at,
    UserSession.last_seen_at,
    UserSession.confirmed_at,
    UserSession.second_factor_at,
)
_USER_BEHIND = (
    select(UserSession, Identity, Organisation, User, OrderForm)
    .join(Identity, Identity.id == UserSession.identity_id)
    .join(Organisation, Organisation.id == Identity.organisation_id)
    .join(User, and_(User.organisation_id == _OWN, User.id == Identity.user_id))
    .outerjoin(OrderForm, OrderForm.organisation_id == _OWN)
    .where(UserSession.token_hash == bindparam("token_hash"), UserSession.ended_at.is_(None))
    .where(Identity.organisation_id == _OWN, User.state == UserState.ACTIVE)
    .options(
        load_only(*_OF_SESSION, raiseload=True),
        load_only(Identity.blocked_at, Identity.totp_confirmed_at, raiseload=True),
    )
)
"""Who holds a token, with what a request must know of them and no more; built once, for it runs at every request."""


def _of_user(session: TenantSession, token_hash: bytes, as_of: datetime) -> tuple[UserSession, Identity, Actor] | None:
    own = {"token_hash": token_hash, "organisation_id": session.organisation_id}
    rows = session.execute(_USER_BEHIND, own).all()
    if not rows:
        return None
    user_session, identity, organisation, user, _ = rows[0]
    if organisation.is_over(as_of):
        return None
    tools = tools_on([row.OrderForm for row in rows if row.OrderForm], paris_day(as_of))
    actor = actor_of_user(identity, organisation, user, tools)
    return (user_session, identity, actor) if actor else None


def actor_of_user(identity: Identity, organisation: Organisation, user: User, tools: Tools) -> Actor | None:
    """A user with the rights of these tools, None when none are left; the caller looks at account and contract."""
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
        organisation_name="Exploitant de la plateforme",
        rights=frozenset({Right.OPERATOR}),
        zone=PARIS,
    )


def _has_lapsed(session: UserSession, actor: Actor, as_of: datetime) -> bool:
    idle = idle_limit(privileged=actor.is_administrator or actor.is_operator)
    return as_of - session.last_seen_at >= idle or as_of - session.created_at >= ABSOLUTE_LIMIT


def _note_seen(token_hash: bytes, as_of: datetime) -> None:
    with platform_session("session vue", write=True) as session:
        seen = update(UserSession).where(UserSession.token_hash == token_hash).values(last_seen_at=as_of)
        session.execute(seen)
