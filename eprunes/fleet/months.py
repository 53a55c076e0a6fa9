"""What the page of a vehicle's month shows: who held it at which hours, and when nobody did."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from babel.dates import format_date
from sqlalchemy import Select, or_

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import add_months, local_day, start_of_day
from eprunes.core.database import TenantSession
from eprunes.core.wording import LOCALE
from eprunes.fleet import queries
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.fleet.names import DriverName, names_by_id
from eprunes.fleet.timeline import YEARS, Gap, Held, MonthDay, Stretch, gaps, month_days


@dataclass(frozen=True)
class MonthPage:
    """A vehicle's month: its days, the drivers of its assignments, the gaps that touch it, whole."""

    vehicle: Vehicle
    first: date
    days: list[MonthDay]
    drivers: dict[UUID, DriverName]
    gaps: list[Gap]
    previous: str
    next: str

    @property
    def title(self) -> str:
        """`Mars 2026`."""
        return format_date(self.first, "LLLL y", locale=LOCALE).capitalize()


def read_month(text: str, today: date) -> date | None:
    """The first day of a month written `2026-03`, of this month for an empty text; None for anything else."""
    if not text:
        return today.replace(day=1)
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if first.year in YEARS and month_name(first) == text else None


def month_name(first: date) -> str:
    """`2026-03`, as in an address."""
    return f"{first:%Y-%m}"


def read_month_page(
    session: TenantSession, actor: Actor, vehicle_id: UUID, text: str, as_of: datetime
) -> MonthPage | None:
    """The month of a vehicle that the actor may see, or None, also when the text is no month."""
    vehicle = queries.find_vehicle(session, actor, vehicle_id)
    first = read_month(text, local_day(as_of, actor.zone))
    if vehicle is None or first is None:
        return None
    after, zone = add_months(first, 1), actor.zone
    start, end = start_of_day(first, zone), start_of_day(after, zone)
    periods = _periods(session, actor, vehicle_id, start, end)
    found = gaps(periods, *_bounds(session, actor, vehicle, start, end))
    touching = [one for one in found if one.starts_at < end and (one.ends_at is None or one.ends_at > start)]
    names = names_by_id(session, actor, (one.driver_id for one in periods))
    stretches = _stretches(vehicle, periods, touching, (start, end))
    days = list(month_days(stretches, first, after, zone))
    around = month_name(add_months(first, -1)), month_name(after)
    return MonthPage(vehicle, first, days, names, touching, *around)


def _periods(
    session: TenantSession, actor: Actor, vehicle_id: UUID, start: datetime, end: datetime
) -> list[Assignment]:
    """The assignments that touch a month, oldest first."""
    open_then = or_(Assignment.ends_at.is_(None), Assignment.ends_at > start)
    query = _own(actor, vehicle_id).where(Assignment.starts_at < end, open_then)
    return list(session.scalars(query.order_by(Assignment.starts_at)))


def _bounds(
    session: TenantSession, actor: Actor, vehicle: Vehicle, start: datetime, end: datetime
) -> tuple[datetime, datetime | None]:
    """Between what comes before the month and what comes after it: where its gaps begin and end for good."""
    own = _own(actor, vehicle.id)
    before = session.scalar(own.where(Assignment.ends_at <= start).order_by(Assignment.starts_at.desc()).limit(1))
    after = session.scalar(own.where(Assignment.starts_at >= end).order_by(Assignment.starts_at).limit(1))
    return (before.ends_at if before else vehicle.entered_at), (after.starts_at if after else vehicle.left_at)


def _stretches(
    vehicle: Vehicle, periods: list[Assignment], found: list[Gap], month: tuple[datetime, datetime]
) -> list[Stretch]:
    """All that a month is made of, in order."""
    every = [Stretch(Held.BY_DRIVER, one.starts_at, one.ends_at, one) for one in periods]
    every += [Stretch(Held.BY_NOBODY, one.starts_at, one.ends_at) for one in found]
    if vehicle.entered_at > month[0]:
        every.append(Stretch(Held.NOT_IN_FLEET, month[0], vehicle.entered_at))
    if vehicle.left_at is not None and vehicle.left_at < month[1]:
        every.append(Stretch(Held.NOT_IN_FLEET, vehicle.left_at, month[1]))
    return sorted(every, key=lambda one: one.starts_at)


def _own(actor: Actor, vehicle_id: UUID) -> Select[tuple[Assignment]]:
    return queries.visible_assignments(actor).where(Assignment.vehicle_id == vehicle_id)
