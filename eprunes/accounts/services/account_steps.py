"""What the operations on one account share; nothing here commits by itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.models import Identity
from eprunes.accounts.permissions import Actor
from eprunes.core import audit, mail
from eprunes.core.audit import ActorKind
from eprunes.core.calendar import PARIS
from eprunes.core.database import PlatformSession, TenantSession, platform_session, tenant_session
from eprunes.core.wording import instant


@contextmanager
def at_account(organisation_id: UUID | None, reason: str) -> Iterator[PlatformSession | TenantSession]:
    """A writing session for an account: of its client, or of the platform for an operator's, which has none."""
    if organisation_id is None:
        with platform_session(reason, write=True) as session:
            yield session
    else:
        with tenant_session(organisation_id, write=True, platform_reason=reason) as session:
            yield session


def changing(actor: Actor, reason: str) -> AbstractContextManager[PlatformSession | TenantSession]:
    """As `at_account`, for the actor's own."""
    return at_account(None if actor.is_operator else actor.organisation_id, reason)


def identity_of(actor: Actor, reason: str) -> Identity:
    """The account as it stands, read in a session of its own."""
    with platform_session(reason) as session:
        return session.scalars(select(Identity).where(Identity.id == actor.identity_id)).one()


def trace(
    session: PlatformSession | TenantSession, actor: Actor, action: str, as_of: datetime, details: dict | None = None
) -> None:
    """Leave what somebody did to their own account in the client's journal; operators have no client."""
    if isinstance(session, TenantSession):
        who = {"actor_id": actor.user_id, "subject": ("utilisateur", actor.user_id)}
        audit.record(session, action, as_of=as_of, actor_kind=ActorKind.USER, details=details, **who)


def tell_owner(
    session: PlatformSession | TenantSession, identity: Identity, template: str, as_of: datetime, **context: object
) -> None:
    """Queue a mail that tells the holder of an account what has just happened to it."""
    mail.queue(
        session,
        template,
        to=identity.email,
        as_of=as_of,
        organisation_id=identity.organisation_id,
        when=instant(as_of, PARIS),
        **context,
    )
