"""The pages of a month: who held a vehicle at which hours and when nobody did; which vehicles a driver held."""

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
from eprunes.fleet.models import Assignment, Vehicle, VehicleAbsence
from eprunes.fleet.names import DriverName, names_by_id
from eprunes.fleet.timeline import YEARS, Gap, Held, MonthDay, Stretch, gaps, month_days


@dataclass(frozen=True)
class Month:
    """The days of a month, and the months before and after it as addresses name them."""

    first: date
    days: list[MonthDay]
    previous: str
    next: str

    @property
    def title(self) -> str:
        """`Mars 2026`."""
        return format_date(self.first, "LLLL y", locale=LOCALE).capitalize()


@dataclass(frozen=True)
class MonthPage(Month):
    """A vehicle's month: the drivers of its assignments, the gaps that touch it, whole."""

    vehicle: Vehicle
    drivers: dict[UUID, DriverName]
    gaps: list[Gap]


@dataclass(frozen=True)
class DriverMonth(Month):
    """A driver's month, and the vehicles of its assignments."""

    vehicles: dict[UUID, Vehicle]


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
    start, end = month = _instants(first, actor)
    periods = _periods(session, _own(actor, vehicle_id), month)
    absences = queries.absences_of(session, [vehicle_id]).get(vehicle_id, [])
    away = [one for one in absences if one.left_at < end and one.back_at > start]
    found = gaps(periods, *_bounds(session, actor, vehicle, absences, month), away)
    touching = [one for one in found if one.starts_at < end and (one.ends_at is None or one.ends_at > start)]
    names = names_by_id(session, actor, (one.driver_id for one in periods))
    days = _days(_stretches(vehicle, periods, touching, away, month), first, actor)
    return MonthPage(*days, vehicle, names, touching)


def read_driver_month(
    session: TenantSession, actor: Actor, driver_id: UUID, text: str, as_of: datetime
) -> DriverMonth | None:
    """The month of a driver whom the actor sees, or None when the text is no month. Two vehicles at once are both
    told."""
    first = read_month(text, local_day(as_of, actor.zone))
    if first is None:
        return None
    own = queries.visible_assignments(actor).where(Assignment.driver_id == driver_id)
    periods = _periods(session, own, _instants(first, actor))
    ids = {one.vehicle_id for one in periods}
    vehicles = session.scalars(queries.visible_vehicles(actor).where(Vehicle.id.in_(ids))) if ids else ()
    stretches = [Stretch(Held.BY_DRIVER, one.starts_at, one.ends_at, one) for one in periods]
    return DriverMonth(*_days(stretches, first, actor), {one.id: one for one in vehicles})


def _instants(first: date, actor: Actor) -> tuple[datetime, datetime]:
    """Between which instants a month lies."""
    return start_of_day(first, actor.zone), start_of_day(add_months(first, 1), actor.zone)


def _days(stretches: list[Stretch], first: date, actor: Actor) -> tuple[date, list[MonthDay], str, str]:
    """What a `Month` is made of."""
    after = add_months(first, 1)
    days = list(month_days(stretches, first, after, actor.zone))
    return first, days, month_name(add_months(first, -1)), month_name(after)


def _periods(
    session: TenantSession, assignments: Select[tuple[Assignment]], month: tuple[datetime, datetime]
) -> list[Assignment]:
    """Those of these assignments that touch a month, oldest first."""
    open_then = or_(Assignment.ends_at.is_(None), Assignment.ends_at > month[0])
    query = assignments.where(Assignment.starts_at < month[1], open_then)
    return list(session.scalars(query.order_by(Assignment.starts_at, Assignment.id)))


def _bounds(
    session: TenantSession,
    actor: Actor,
    vehicle: Vehicle,
    absences: list[VehicleAbsence],
    month: tuple[datetime, datetime],
) -> tuple[datetime, datetime | None]:
    """Between what comes before the month and what comes after it: where its gaps begin and end for good."""
    own, (start, end) = _own(actor, vehicle.id), month
    before = session.scalar(own.where(Assignment.ends_at <= start).order_by(Assignment.starts_at.desc()).limit(1))
    after = session.scalar(own.where(Assignment.starts_at >= end).order_by(Assignment.starts_at).limit(1))
    begins = [vehicle.entered_at, *(one.back_at for one in absences if one.back_at <= start)]
    ends = [after.starts_at if after else vehicle.left_at, *(one.left_at for one in absences if one.left_at >= end)]
    return max([*begins, before.ends_at] if before else begins), min((one for one in ends if one), default=None)


def _stretches(
    vehicle: Vehicle,
    periods: list[Assignment],
    found: list[Gap],
    away: list[VehicleAbsence],
    month: tuple[datetime, datetime],
) -> list[Stretch]:
    """All that a month is made of, in order."""
    every = [Stretch(Held.BY_DRIVER, one.starts_at, one.ends_at, one) for one in periods]
    every += [Stretch(Held.BY_NOBODY, one.starts_at, one.ends_at) for one in found]
    every += [Stretch(Held.NOT_IN_FLEET, one.left_at, one.back_at) for one in away]
    if vehicle.entered_at > month[0]:
        every.append(Stretch(Held.NOT_IN_FLEET, month[0], vehicle.entered_at))
    if vehicle.left_at is not None and vehicle.left_at < month[1]:
        every.append(Stretch(Held.NOT_IN_FLEET, vehicle.left_at, month[1]))
    return sorted(every, key=lambda one: one.starts_at)


def _own(actor: Actor, vehicle_id: UUID) -> Select[tuple[Assignment]]:
    return queries.visible_assignments(actor).where(Assignment.vehicle_id == vehicle_id)
