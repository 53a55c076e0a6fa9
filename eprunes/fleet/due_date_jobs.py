"""Daily jobs of what falls due: the computed dates, and the mail that tells of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select

from eprunes.accounts.models import Identity, Organisation, OrganisationState, User, UserState
from eprunes.accounts.permissions import Right, effective_rights
from eprunes.accounts.queries import living_organisations, order_forms
from eprunes.accounts.services.user_steps import lock
from eprunes.accounts.tools import Tools, tools_on
from eprunes.core import audit, jobs, mail
from eprunes.core.calendar import local_day, paris_day, start_of_day
from eprunes.core.database import TenantSession, tenant_session
from eprunes.fleet.due_date_lists import of_same_driver, of_same_vehicle, still_matters
from eprunes.fleet.due_dates import KINDS, SOON, is_reminded
from eprunes.fleet.models import Driver, DueDate, DueKind, Vehicle
from eprunes.fleet.services.due_dates import refresh_computed

DIGEST = "fleet_digest"
_REASON = "rappel des échéances"
_BANDS = (("Dépassées", -1), ("Aujourd’hui", 0), ("Dans les 7 jours", 7), ("Dans les 30 jours", SOON.days))
"""(title, days left at most)."""


@dataclass(frozen=True)
class Band:
    """Due dates that are about as near: a title, and how many of each kind."""

    title: str
    kinds: list[tuple[str, int]]


def compute_due_dates(as_of: datetime) -> Mapping[str, int]:
    """Bring the computed due dates of every fleet to what the rules say. Harmless when repeated."""
    zones = _zones(one for one in living_organisations() if not one.is_over(as_of))
    return jobs.per_organisation(zones, lambda own: _compute(own, zones[own], as_of))


def send_digests(as_of: datetime) -> Mapping[str, int]:
    """Tell by mail what comes near, one mail a day at most to each person concerned. Harmless when repeated.

    It says kinds and counts, never a name, a plate or a label.
    """
    served = (one for one in living_organisations() if one.state == OrganisationState.ACTIVE)
    zones = _zones(one for one in served if not one.is_over(as_of))
    return jobs.per_organisation(zones, lambda own: _tell(own, zones[own], as_of))


def _zones(organisations: Iterable[Organisation]) -> dict[UUID, ZoneInfo]:
    return {one.id: ZoneInfo(one.zone) for one in organisations}


def _compute(organisation_id: UUID, zone: ZoneInfo, as_of: datetime) -> Counter:
    with tenant_session(organisation_id, write=True) as session:
        counts = refresh_computed(session, None, as_of, zone)
        if counts:
            audit.record(session, "echeances.calculees", as_of=as_of, details=dict(counts))
    return counts


def _tell(organisation_id: UUID, zone: ZoneInfo, as_of: datetime) -> Counter:
    today = local_day(as_of, zone)
    with tenant_session(organisation_id) as session:
        counts = _counts(session, today, as_of)
    if not any(is_reminded(due_on, today) for due_on, _ in counts):
        return Counter()
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        lock(session)  # of two processes one tells; the other then sees that it did
        people = [] if _was_told(session, today, zone) else _people(session, as_of)
        told = {"bands": _bands(counts, today), "url": mail.link_to("/echeances")}
        for address in people:
            mail.queue(session, DIGEST, to=address, as_of=as_of, organisation_id=organisation_id, **told)
    return Counter(reminders=len(people))


def _counts(session: TenantSession, today: date, as_of: datetime) -> Counter:
    """How many are due within thirty days, or were, by (day, kind)."""
    own = DueDate.organisation_id == session.organisation_id
    query = (
        select(DueDate.due_on, DueDate.kind, func.count())
        .select_from(DueDate)
        .outerjoin(Vehicle, of_same_vehicle())
        .outerjoin(Driver, of_same_driver())
        .where(own, DueDate.done_on.is_(None), DueDate.due_on <= today + SOON, still_matters(today, as_of))
        .group_by(DueDate.due_on, DueDate.kind)
    )
    return Counter({(due_on, DueKind(kind)): count for due_on, kind, count in session.execute(query)})


def _bands(counts: Counter, today: date) -> list[Band]:
    """The same by nearness, the most pressing first; empty ones left out."""
    numbers: dict[str, Counter] = {title: Counter() for title, _ in _BANDS}
    for (due_on, kind), count in counts.items():
        title = next(title for title, within in _BANDS if (due_on - today).days <= within)
        numbers[title][kind] += count
    return [
        Band(title, [(KINDS[kind], by_kind[kind]) for kind in KINDS if by_kind[kind]])
        for title, by_kind in numbers.items()
        if by_kind
    ]


def _was_told(session: TenantSession, today: date, zone: ZoneInfo) -> bool:
    told = select(mail.OutgoingMail.id).where(
        mail.OutgoingMail.organisation_id == session.organisation_id,
        mail.OutgoingMail.purpose == DIGEST,
        mail.OutgoingMail.created_at >= start_of_day(today, zone),
    )
    return session.scalar(told.limit(1)) is not None


def _people(session: TenantSession, as_of: datetime) -> list[str]:
    """The addresses of the active users who hold the fleet right, and whose account is not blocked."""
    tools = tools_on(list(session.scalars(order_forms(session.organisation_id))), paris_day(as_of))
    same_person = and_(Identity.organisation_id == User.organisation_id, Identity.user_id == User.id)
    query = select(User).join(Identity, same_person)
    query = query.where(
        User.organisation_id == session.organisation_id,
        User.state == UserState.ACTIVE,
        Identity.blocked_at.is_(None),
    )
    return [user.email for user in session.scalars(query.order_by(User.id)) if _holds_fleet(user, tools)]


def _holds_fleet(user: User, tools: Tools) -> bool:
    mine = {"fleet": user.fleet_right, "fines": user.fines_right, "administrator": user.is_administrator}
    return Right.FLEET in effective_rights(**mine, tools=tools, suspended=False)
