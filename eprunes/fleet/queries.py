"""Reads on vehicles, drivers and assignments.

`visible_*` are for people: organisation and fleet right in one predicate. The others answer "who held this
vehicle then?" for other rooms, which have checked their own right.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select

from eprunes.accounts.models import User
from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.audit import AuditEntry
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession
from eprunes.fleet.models import Assignment, DistinctDrivers, Driver, DueDate, Vehicle, VehicleAbsence


@dataclass(frozen=True)
class Holders:
    """The assignment that holds at an instant, the last one over by then and the next one after it."""

    current: Assignment | None
    before: Assignment | None
    after: Assignment | None


def visible_vehicles(actor: Actor) -> Select[tuple[Vehicle]]:
    """The vehicles that the actor may see, departed ones included."""
    return _for(actor, select(Vehicle).where(Vehicle.organisation_id == actor.organisation_id))


def visible_drivers(actor: Actor) -> Select[tuple[Driver]]:
    """The drivers that the actor may see, departed ones included."""
    return _for(actor, select(Driver).where(Driver.organisation_id == actor.organisation_id))


def visible_assignments(actor: Actor) -> Select[tuple[Assignment]]:
    """The assignments that the actor may see: past, current and future."""
    return _for(actor, select(Assignment).where(Assignment.organisation_id == actor.organisation_id))


def visible_due_dates(actor: Actor) -> Select[tuple[DueDate]]:
    """The due dates that the actor may see, done ones included."""
    return _for(actor, select(DueDate).where(DueDate.organisation_id == actor.organisation_id))


def visible_distinct_drivers(actor: Actor) -> Select[tuple[DistinctDrivers]]:
    """The pairs of files said to be of two persons that the actor may see."""
    return _for(actor, select(DistinctDrivers).where(DistinctDrivers.organisation_id == actor.organisation_id))


def visible_journal(actor: Actor, subject_kind: str, subject_id: UUID) -> Select[tuple[AuditEntry]]:
    """What was done on one vehicle or driver, newest first."""
    query = select(AuditEntry).where(
        AuditEntry.organisation_id == actor.organisation_id,
        AuditEntry.subject_kind == subject_kind,
        AuditEntry.subject_id == subject_id,
    )
    return _for(actor, query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()))


def find_vehicle(session: TenantSession, actor: Actor, vehicle_id: UUID) -> Vehicle | None:
    """One vehicle that the actor may see, or None."""
    return session.scalar(visible_vehicles(actor).where(Vehicle.id == vehicle_id))


def find_driver(session: TenantSession, actor: Actor, driver_id: UUID) -> Driver | None:
    """One driver that the actor may see, or None."""
    return session.scalar(visible_drivers(actor).where(Driver.id == driver_id))


def find_assignment(session: TenantSession, actor: Actor, assignment_id: UUID) -> Assignment | None:
    """One assignment that the actor may see, or None."""
    return session.scalar(visible_assignments(actor).where(Assignment.id == assignment_id))


def find_distinct_drivers(session: TenantSession, actor: Actor, pair_id: UUID) -> DistinctDrivers | None:
    """One pair of files said to be of two persons that the actor may see, or None."""
    return session.scalar(visible_distinct_drivers(actor).where(DistinctDrivers.id == pair_id))


def author_names(session: TenantSession, user_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of the organisation's users by id, those who did something on a page."""
    query = select(User.id, User.display_name).where(
        User.organisation_id == session.organisation_id, User.id.in_({one for one in user_ids if one})
    )
    return dict(session.execute(query).all())


def running_at(instant: datetime) -> ColumnElement[bool]:
    """True for assignments that hold at an instant: `starts_at` included, `ends_at` excluded."""
    return and_(Assignment.starts_at <= instant, or_(Assignment.ends_at.is_(None), Assignment.ends_at > instant))


def holding_at(instant: datetime) -> ColumnElement[bool]:
    """What joins a vehicle to the assignment that holds it at an instant: one, or none."""
    return and_(
        Assignment.organisation_id == Vehicle.organisation_id,
        Assignment.vehicle_id == Vehicle.id,
        running_at(instant),
    )


def in_fleet_at(instant: datetime) -> ColumnElement[bool]:
    """True for vehicles that have not left by an instant (those still to come included)."""
    return or_(Vehicle.left_at.is_(None), Vehicle.left_at > instant)


def assignments_of(organisation_id: UUID, vehicle_id: UUID) -> Select[tuple[Assignment]]:
    """Every assignment of one vehicle, in no order."""
    return select(Assignment).where(Assignment.organisation_id == organisation_id, Assignment.vehicle_id == vehicle_id)


_HELD_BETWEEN = select(Assignment).where(
    Assignment.organisation_id == bindparam("own"),
    Assignment.vehicle_id.in_(bindparam("ids")),
    Assignment.starts_at <= bindparam("last"),
    or_(Assignment.ends_at.is_(None), Assignment.ends_at > bindparam("first")),
)
_ABSENCES = (
    select(VehicleAbsence)
    .where(VehicleAbsence.organisation_id == bindparam("own"), VehicleAbsence.vehicle_id.in_(bindparam("ids")))
    .order_by(VehicleAbsence.left_at)
)


def holder_at(organisation_id: UUID, vehicle_id: UUID, instant: datetime) -> Select[tuple[Assignment]]:
    """The assignment that holds a vehicle at an instant: one row, or none when nobody does."""
    return assignments_of(organisation_id, vehicle_id).where(running_at(instant))


def holders_around(session: TenantSession, organisation_id: UUID, vehicle_id: UUID, instant: datetime) -> Holders:
    """Who holds a vehicle at an instant, who did just before and who does just after."""
    every = assignments_of(organisation_id, vehicle_id)
    begun = every.where(Assignment.starts_at <= instant).order_by(Assignment.starts_at.desc())
    to_come = every.where(Assignment.starts_at > instant).order_by(Assignment.starts_at)
    latest = list(session.scalars(begun.limit(2)))
    current = next(iter(latest), None)
    if current is not None and current.ends_at is not None and current.ends_at <= instant:
        current = None
    before = latest[1:] if current else latest
    return Holders(current, next(iter(before), None), session.scalar(to_come.limit(1)))


def holders_at_many(
    session: TenantSession, organisation_id: UUID, moments: Iterable[tuple[UUID, datetime]]
) -> dict[tuple[UUID, datetime], Assignment]:
    """The assignment that holds at each (vehicle id, instant); moments without a holder are absent.

    One query per five hundred vehicles, whatever the number of moments.
    """
    wanted = set(moments)
    instants = [instant for _, instant in wanted]
    by_vehicle: dict[UUID, list[Assignment]] = defaultdict(list)
    for chunk in chunks({vehicle_id for vehicle_id, _ in wanted}):
        these = {"own": organisation_id, "ids": chunk, "first": min(instants), "last": max(instants)}
        for row in session.scalars(_HELD_BETWEEN, these):
            by_vehicle[row.vehicle_id].append(row)
    return {
        (vehicle_id, instant): row
        for vehicle_id, instant in wanted
        for row in by_vehicle[vehicle_id]
        if row.starts_at <= instant and (row.ends_at is None or row.ends_at > instant)
    }


def absences_of(session: TenantSession, vehicle_ids: Iterable[UUID]) -> dict[UUID, list[VehicleAbsence]]:
    """When each of these vehicles was out of the fleet and came back, oldest first; only those that were."""
    found: dict[UUID, list[VehicleAbsence]] = {}
    for chunk in chunks(vehicle_ids):
        for row in session.scalars(_ABSENCES, {"own": session.organisation_id, "ids": chunk}):
            found.setdefault(row.vehicle_id, []).append(row)
    return found


def open_assignment_of(organisation_id: UUID, vehicle_ids: Iterable[UUID]) -> Select[tuple[Assignment]]:
    """The assignments without an end of these vehicles: at most one each."""
    return select(Assignment).where(
        Assignment.organisation_id == organisation_id,
        Assignment.vehicle_id.in_(list(vehicle_ids)),
        Assignment.ends_at.is_(None),
    )


def _for(actor: Actor, query: Select) -> Select:
    return query if actor.may(Permission.VIEW_FLEET) else query.where(false())
