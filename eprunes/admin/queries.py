"""What the client's administrator reads: users, contract, journal."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, false, select

from eprunes.accounts import quota
from eprunes.accounts.models import User
from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.queries import order_forms, organisation, visible_users
from eprunes.accounts.tools import Tools, tools_on
from eprunes.core.audit import AuditEntry
from eprunes.core.calendar import paris_day
from eprunes.core.database import TenantSession
from eprunes.core.texts import folded


@dataclass(frozen=True)
class Account:
    """The client's contract as its administrator sees it."""

    users: list[User]
    used: int
    allowed: int
    tools: Tools
    ends_on: date | None


def read_account(actor: Actor, session: TenantSession, as_of: datetime) -> Account:
    """Users, quota, tools and end of the contract."""
    used, allowed = quota.usage(session, as_of)
    users = session.scalars(visible_users(actor).order_by(User.id))
    forms = session.scalars(order_forms(actor.organisation_id)).all()
    return Account(
        users=sorted(users, key=lambda one: (not one.is_administrator, folded(one.display_name))),
        used=used,
        allowed=allowed,
        tools=tools_on(forms, paris_day(as_of)),
        ends_on=organisation(actor.organisation_id).contract_ends_on,
    )


def visible_journal(actor: Actor) -> Select[tuple[AuditEntry]]:
    """The journal of the actor's organisation; its administrator alone sees it."""
    query = select(AuditEntry).where(AuditEntry.organisation_id == actor.organisation_id)
    return query if actor.may(Permission.ADMINISTER) else query.where(false())
