"""What is destroyed once it has served: accounts deleted for 30 days, links that open nothing any more."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from eprunes.accounts.models import Handover, Identity, OneTimeToken, User, UserState
from eprunes.accounts.services import user_steps
from eprunes.accounts.services.users import RESTORABLE_FOR
from eprunes.core import audit
from eprunes.core.database import TenantSession, platform_session, tenant_session

SPENT_KEPT_FOR = timedelta(days=7)
EMPTIED = ""


def purge_deleted_users(organisation_id: UUID, as_of: datetime) -> int:
    """Destroy a client's accounts that were deleted 30 days ago: their addresses are free again. Says how many.

    A user whom a hand-over names keeps an empty row, for the proof recorded there names them.
    """
    with tenant_session(organisation_id) as session:
        if not _gone(session, as_of):
            return 0
    with tenant_session(organisation_id, write=True, platform_reason="comptes supprimés depuis 30 jours") as session:
        user_steps.lock(session)
        gone = _gone(session, as_of)
        if not gone:
            return 0
        session.execute(delete(Identity).where(Identity.organisation_id == organisation_id, Identity.user_id.in_(gone)))
        session.execute(
            delete(OneTimeToken).where(OneTimeToken.organisation_id == organisation_id, OneTimeToken.user_id.in_(gone))
        )
        _destroy(session, gone)
        audit.record(session, "utilisateurs.purges", as_of=as_of, details={"comptes": len(gone)})
    return len(gone)


def purge_spent_links(as_of: datetime) -> int:
    """Destroy links whose time was over a week ago, used or not. Says how many."""
    with platform_session("liens à usage unique périmés", write=True) as session:
        old = OneTimeToken.ends_at <= as_of - SPENT_KEPT_FOR
        return session.execute(delete(OneTimeToken).where(old)).rowcount


def _gone(session: TenantSession, as_of: datetime) -> list[UUID]:
    query = select(User.id).where(
        User.organisation_id == session.organisation_id,
        User.state == UserState.DELETED,
        User.deleted_at <= as_of - RESTORABLE_FOR,
        User.email != EMPTIED,
    )
    return list(session.scalars(query))


def _destroy(session: TenantSession, gone: list[UUID]) -> None:
    named = set()
    mine = Handover.organisation_id == session.organisation_id
    query = select(Handover.from_user_id, Handover.to_user_id)
    for pair in session.execute(query.where(mine, or_(Handover.from_user_id.in_(gone), Handover.to_user_id.in_(gone)))):
        named |= set(pair)
    own = User.organisation_id == session.organisation_id
    kept = [one for one in gone if one in named]
    session.execute(update(User).where(own, User.id.in_(kept)).values(email=EMPTIED, display_name=EMPTIED))
    session.execute(delete(User).where(own, User.id.in_([one for one in gone if one not in named])))
