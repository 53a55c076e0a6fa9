"""What the operations on a client's people share; nothing here commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts import tokens
from eprunes.accounts.models import Handover, Identity, Organisation, User, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.sessions import end_sessions_of
from eprunes.core import audit, mail
from eprunes.core.database import TenantSession
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.texts import tidy_line

NAME_LENGTH = 120


def lock(session: TenantSession) -> Organisation:
    """The session's client, locked: whatever changes its people waits for its turn."""
    query = select(Organisation).where(Organisation.id == session.organisation_id)
    return session.scalars(query.with_for_update(key_share=True)).one()


def lock_for(session: TenantSession, actor: Actor) -> Organisation:
    """As `lock`, for the administrator. Raises NotVisible when the account went to somebody else meanwhile."""
    organisation = lock(session)
    if not find(session, actor.user_id).is_administrator:
        raise NotVisible
    return organisation


def find(session: TenantSession, user_id: UUID) -> User:
    """A user of the client, as they are once the client is locked. Raises NotVisible when there is none."""
    query = select(User).where(User.organisation_id == session.organisation_id, User.id == user_id)
    user = session.scalar(query.execution_options(populate_existing=True))
    if user is None:
        raise NotVisible
    return user


def holder(session: TenantSession) -> User:
    """Whoever holds the client's administrator account."""
    query = select(User).where(User.organisation_id == session.organisation_id, User.is_administrator)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def identity_of(session: TenantSession, user_id: UUID) -> Identity | None:
    """A user's account; None while they are only invited."""
    mine = Identity.organisation_id == session.organisation_id, Identity.user_id == user_id
    return session.scalar(select(Identity).where(*mine))


def end_sessions(session: TenantSession, user_id: UUID, as_of: datetime) -> None:
    """A user's open sessions are worthless from now on."""
    identity = identity_of(session, user_id)
    if identity is not None:
        end_sessions_of(session, identity.id, as_of)


def shut_out(session: TenantSession, user_id: UUID, as_of: datetime) -> None:
    """A user's sessions and links are worthless from now on, and no hand-over goes to them."""
    end_sessions(session, user_id, as_of)
    tokens.void(session, None, as_of=as_of, organisation_id=session.organisation_id, user_id=user_id)
    identity = identity_of(session, user_id)
    if identity is not None:
        tokens.void(session, None, as_of=as_of, identity_id=identity.id)
    handover = open_handover(session)
    if handover is not None and handover.to_user_id == user_id:
        close(handover, "caduque", as_of)


def may_hold(session: TenantSession, user: User) -> bool:
    """True for a user to whom the administrator account may go: active, and not blocked."""
    identity = identity_of(session, user.id)
    return user.state == UserState.ACTIVE and identity is not None and identity.blocked_at is None


def open_handover(session: TenantSession) -> Handover | None:
    """The client's hand-over under way."""
    query = select(Handover).where(Handover.organisation_id == session.organisation_id, Handover.closed_at.is_(None))
    return session.scalar(query.execution_options(populate_existing=True))


def close(handover: Handover, outcome: str, as_of: datetime) -> None:
    """The hand-over is over."""
    handover.closed_at = as_of
    handover.outcome = outcome


def trace(
    session: TenantSession, action: str, by: UUID | None, user_id: UUID, as_of: datetime, **details: object
) -> None:
    """Leave in the journal what a user, or the platform itself, did to a user."""
    audit.record(session, action, as_of=as_of, actor_id=by, subject=("utilisateur", user_id), details=details)


def checked_name(display_name: str) -> str:
    """A person's name, tidy. Raises Refused when it is empty or too long."""
    name = tidy_line(display_name)
    if not name:
        raise Refused("Indiquez le nom de la personne.", "display_name")
    if len(name) > NAME_LENGTH:
        raise Refused(f"Le nom tient en {NAME_LENGTH} caractères.", "display_name")
    return name


def check_rights(fleet: bool, fines: bool) -> None:
    """Raises Refused unless there is at least one right."""
    if not (fleet or fines):
        raise Refused("Donnez au moins un droit\u00a0: parc, contraventions ou les deux.", "fleet")


def tell(session: TenantSession, user: User, template: str, as_of: datetime, **context: object) -> None:
    """Queue a mail to a user of the client."""
    mail.queue(session, template, to=user.email, as_of=as_of, organisation_id=user.organisation_id, **context)
