"""Whoever asked for long work: their rights at the moment at which it is done, without an open session."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select

from eprunes.accounts.models import Identity, Organisation, User, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import order_forms
from eprunes.accounts.sessions import actor_of_user
from eprunes.accounts.tools import tools_on
from eprunes.core.calendar import paris_day
from eprunes.core.database import tenant_session


def author(organisation_id: UUID, user_id: UUID | None, as_of: datetime) -> Actor | None:
    """The user as an actor, or None once the account is blocked or gone, or the contract over."""
    query = (
        select(Identity, Organisation, User)
        .join(Organisation, Organisation.id == Identity.organisation_id)
        .join(User, and_(User.organisation_id == organisation_id, User.id == Identity.user_id))
        .where(Identity.organisation_id == organisation_id, Identity.blocked_at.is_(None))
        .where(User.id == user_id, User.state == UserState.ACTIVE)
    )
    with tenant_session(organisation_id, platform_reason="travail demandé par un utilisateur") as session:
        found = session.execute(query).first()
        if found is None or found.Organisation.is_over(as_of):
            return None
        tools = tools_on(list(session.scalars(order_forms(organisation_id))), paris_day(as_of))
    return actor_of_user(found.Identity, found.Organisation, found.User, tools)
