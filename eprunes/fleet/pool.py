"""What the pages of shared vehicles show: who has which, what is promised next, and whom to give one to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.fleet.driver_search import DriverSearch, searched_drivers
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import DriverName, named, names_by_id, words_of
from eprunes.fleet.queries import in_fleet_at, running_at, visible_assignments, visible_vehicles
from eprunes.fleet.services.pool import UNDONE_WITHIN

ANNOUNCED = timedelta(days=7)
MOST_SUGGESTED = 1_000
SHOWN = 20


@dataclass(frozen=True)
class Use:
    """Who has a vehicle, or takes it next, by which assignment."""

    driver: DriverName
    assignment_id: UUID
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class Pool:
    """One page of the shared vehicles, who has those that are out, and to whom they are promised within a week.

    An end after `shown_until` is no expected return: the vehicle is promised to somebody, or leaves, one day.
    """

    page: Page
    found: int
    taken: dict[UUID, Use]
    promised: dict[UUID, Use]
    shown_until: datetime


@dataclass(frozen=True)
class Takers:
    """Whom to give a vehicle to: its last users first; `more` when a search would find others."""

    drivers: list[DriverName]
    last_users: int
    more: bool


def read_pool(session: TenantSession, actor: Actor, cursor: str, as_of: datetime) -> Pool:
    """The shared vehicles of the fleet at an instant, by plate."""
    query = visible_vehicles(actor).where(Vehicle.is_pool.is_(True), in_fleet_at(as_of), Vehicle.entered_at <= as_of)
    page = read_page(session, query, Vehicle, ("plate_key",), cursor=cursor)
    ids = [one.id for one in page.rows]
    found = count_of(session, query) if page.previous or page.next else len(ids)
    soon = and_(Assignment.starts_at > as_of, Assignment.starts_at <= as_of + ANNOUNCED)
    taken, promised = _uses(session, actor, ids, running_at(as_of)), _uses(session, actor, ids, soon)
    return Pool(page, found, taken, promised, as_of + ANNOUNCED)


def who_has(session: TenantSession, actor: Actor, vehicle_id: UUID, as_of: datetime) -> tuple[Use | None, Use | None]:
    """Who has a vehicle, and who has it next."""
    pair = (running_at(as_of), Assignment.starts_at > as_of)
    return tuple(_uses(session, actor, [vehicle_id], then).get(vehicle_id) for then in pair)


def undoable(session: TenantSession, actor: Actor, given_back: str, as_of: datetime) -> Vehicle | None:
    """The vehicle whose return, named by its assignment's id, may be taken back; None when it is too late."""
    try:
        mine = Assignment.id == UUID(given_back)
    except ValueError:
        return None
    row = session.scalar(visible_assignments(actor).where(mine, Assignment.ends_at <= as_of))
    since = row and visible_assignments(actor).where(
        Assignment.vehicle_id == row.vehicle_id, Assignment.starts_at >= row.ends_at, Assignment.starts_at <= as_of
    )
    if row is None or row.ends_at < as_of - UNDONE_WITHIN or session.scalar(since.limit(1)):
        return None
    return session.scalar(visible_vehicles(actor).where(Vehicle.id == row.vehicle_id, Vehicle.is_pool.is_(True)))


def takers(session: TenantSession, actor: Actor, vehicle_id: UUID, text: str, as_of: datetime) -> Takers:
    """The drivers that a search finds; without one, the vehicle's last users, then the others by name."""
    present = searched_drivers(actor, DriverSearch(), local_day(as_of, actor.zone))
    words = words_of(text)
    last = [] if words else _last_users(session, actor, vehicle_id, present, as_of)
    is_short = words or count_of(session, present) <= MOST_SUGGESTED
    everyone = sorted(named(session, actor, present, words), key=lambda one: one.folded) if is_short else []
    used = {one.id for one in last}
    rest = [one for one in everyone if one.id not in used]
    found = [*last, *rest]
    return Takers(found[:SHOWN], len(last), len(found) > SHOWN or not is_short)


def _last_users(
    session: TenantSession, actor: Actor, vehicle_id: UUID, present: Select, as_of: datetime
) -> list[DriverName]:
    latest = func.max(Assignment.starts_at)
    query = (
        visible_assignments(actor)
        .with_only_columns(Assignment.driver_id)
        .where(
            Assignment.vehicle_id == vehicle_id,
            Assignment.starts_at <= as_of,
            Assignment.driver_id.in_(present.with_only_columns(Driver.id)),
        )
        .group_by(Assignment.driver_id)
        .order_by(latest.desc())
        .limit(SHOWN // 2)
    )
    ids = list(session.scalars(query))
    names = names_by_id(session, actor, ids)
    return [names[one] for one in ids]


def _uses(
    session: TenantSession, actor: Actor, vehicle_ids: Iterable[UUID], then: ColumnElement[bool]
) -> dict[UUID, Use]:
    """The first assignment of each vehicle that meets a condition."""
    query = visible_assignments(actor).where(Assignment.vehicle_id.in_(list(vehicle_ids)), then)
    rows = list(session.scalars(query.order_by(Assignment.starts_at.desc())))
    names = names_by_id(session, actor, (row.driver_id for row in rows))
    return {row.vehicle_id: Use(names[row.driver_id], row.id, row.starts_at, row.ends_at) for row in rows}
