"""What the page of one vehicle or of one driver shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.paging import count_of
from eprunes.fleet import queries
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation, open_details
from eprunes.fleet.journal import Line, read_journal
from eprunes.fleet.models import Assignment, Driver, Vehicle, VehicleAbsence
from eprunes.fleet.names import DriverName, names_by_id
from eprunes.fleet.timeline import Gap, between
from eprunes.fleet.vehicle_search import Holder, holder_now

SHOWN = 100


@dataclass(frozen=True)
class VehiclePage:
    """A vehicle, who holds it now, its latest assignments (of `found`) with their drivers, and its journal.

    `between`: when nobody held it or it was out of the fleet, newest first, by the id of the assignment that this
    follows; None before the first one. A shared vehicle has none: it stands free between two uses. `absences`:
    when it was out of the fleet and came back, oldest first.
    """

    vehicle: Vehicle
    holder: Holder | None
    assignments: list[tuple[Assignment, DriverName]]
    between: dict[UUID | None, list[Gap | VehicleAbsence]]
    absences: list[VehicleAbsence]
    found: int
    journal: list[Line]

    def planned(self, as_of: datetime) -> list[tuple[Assignment, DriverName]]:
        """What starts after an instant, the next first: an exit before is refused."""
        return [pair for pair in reversed(self.assignments) if pair[0].starts_at > as_of]


class DriverHead(NamedTuple):
    """What stands above every page of a driver: who it is (None once erased), what a designation lacks."""

    driver: Driver
    details: DriverDetails | None
    missing: list[str]


@dataclass(frozen=True)
class DriverPage:
    """A driver's head, and the vehicles held, newest first."""

    head: DriverHead
    assignments: list[tuple[Assignment, Vehicle]]
    found: int
    journal: list[Line]


def read_vehicle(session: TenantSession, actor: Actor, vehicle_id: UUID, as_of: datetime) -> VehiclePage | None:
    """The page of a vehicle that the actor may see, or None."""
    vehicle = queries.find_vehicle(session, actor, vehicle_id)
    if vehicle is None:
        return None
    query = queries.visible_assignments(actor).where(Assignment.vehicle_id == vehicle_id)
    rows = list(session.scalars(query.order_by(Assignment.starts_at.desc()).limit(SHOWN)))
    names = names_by_id(session, actor, (row.driver_id for row in rows))
    count = len(rows) if len(rows) < SHOWN else count_of(session, query)
    entered_at = vehicle.entered_at if count == len(rows) else None
    absences = queries.absences_of(session, [vehicle_id]).get(vehicle_id, [])
    return VehiclePage(
        vehicle,
        holder_now(session, actor, vehicle_id, as_of),
        [(row, names[row.driver_id]) for row in rows],
        {} if vehicle.is_pool else between(rows, entered_at, vehicle.left_at, absences),
        absences,
        count,
        read_journal(session, actor, "vehicule", vehicle_id),
    )


def read_driver_head(session: TenantSession, actor: Actor, driver_id: UUID) -> DriverHead | None:
    """The head of a driver that the actor may see, or None."""
    driver = queries.find_driver(session, actor, driver_id)
    if driver is None:
        return None
    details = details_of(driver)
    return DriverHead(driver, details, missing_for_designation(details) if details else [])


def read_driver(session: TenantSession, actor: Actor, driver_id: UUID) -> DriverPage | None:
    """The page of a driver that the actor may see, or None."""
    head = read_driver_head(session, actor, driver_id)
    if head is None:
        return None
    held = _held(session, actor, driver_id)
    query = queries.visible_assignments(actor).where(Assignment.driver_id == driver_id)
    count = len(held) if len(held) < SHOWN else count_of(session, query)
    return DriverPage(head, held, count, read_journal(session, actor, "conducteur", driver_id))


def details_of(driver: Driver) -> DriverDetails | None:
    """Who a driver is, or None when the key is destroyed."""
    return open_details(key_store(), [driver]).get(driver.id)


def driver_name(session: TenantSession, actor: Actor, assignment: Assignment) -> DriverName:
    """The driver of an assignment that the actor sees."""
    return names_by_id(session, actor, [assignment.driver_id])[assignment.driver_id]


def assignments_beyond(
    session: TenantSession, actor: Actor, driver_id: UUID, as_of: datetime
) -> list[tuple[Assignment, Vehicle]]:
    """What a driver holds now or later: what a departure ends."""
    return [pair for pair in _held(session, actor, driver_id) if pair[0].ends_at is None or pair[0].ends_at > as_of]


def _held(session: TenantSession, actor: Actor, driver_id: UUID) -> list[tuple[Assignment, Vehicle]]:
    query = (
        queries.visible_assignments(actor)
        .with_only_columns(Assignment, Vehicle)
        .join(
            Vehicle,
            and_(Vehicle.organisation_id == Assignment.organisation_id, Vehicle.id == Assignment.vehicle_id),
        )
        .where(Assignment.driver_id == driver_id)
        .order_by(Assignment.starts_at.desc())
        .limit(SHOWN)
    )
    return [(assignment, vehicle) for assignment, vehicle in session.execute(query)]
