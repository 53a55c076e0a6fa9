"""Steps that several operations share, inside a transaction of the caller: load and lock, check, record."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.database import TenantSession, new_id
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.local_times import end_text
from eprunes.fleet.models import Assignment, AssignmentSource, Driver, Vehicle, VehicleAbsence
from eprunes.fleet.services import overlaps, presence
from eprunes.fleet.services.presence import Period


def locked_vehicle(session: TenantSession, actor: Actor, vehicle_id: UUID) -> Vehicle:
    """The vehicle, locked so that its assignments change one after the other. Raises Refused."""
    query = queries.visible_vehicles(actor).where(Vehicle.id == vehicle_id).with_for_update()
    vehicle = session.scalar(query)
    if vehicle is None:
        raise Refused("Ce véhicule n’est pas dans votre parc.")
    return vehicle


def locked_assignment(session: TenantSession, actor: Actor, assignment_id: UUID) -> tuple[Assignment, Vehicle]:
    """An assignment and its vehicle, both as they are once the vehicle is locked. Raises Refused."""
    assignment = queries.find_assignment(session, actor, assignment_id)
    if assignment is not None:
        vehicle = locked_vehicle(session, actor, assignment.vehicle_id)
        session.expire(assignment)
        assignment = queries.find_assignment(session, actor, assignment_id)
    if assignment is None:
        raise Refused("Cette attribution n’existe plus\u00a0: elle vient d’être supprimée.")
    return assignment, vehicle


def driver_of_fleet(session: TenantSession, actor: Actor, driver_id: UUID) -> Driver:
    """The driver to be given a vehicle. Raises Refused."""
    driver = queries.find_driver(session, actor, driver_id)
    if driver is None:
        raise Refused("Choisissez un conducteur de votre parc.", "driver")
    return driver


def add_assignment(
    session: TenantSession,
    vehicle: Vehicle,
    driver_id: UUID,
    period: Period,
    actor: Actor,
    as_of: datetime,
    *,
    source: AssignmentSource = AssignmentSource.TYPED,
) -> UUID:
    """Let a driver hold a locked vehicle for a period; the assignment's id. Raises Refused and Overlap."""
    driver = driver_of_fleet(session, actor, driver_id)
    presence.check_period(vehicle, driver, period, actor, presence.absences_of(session, vehicle))
    overlaps.check_free(session, vehicle.id, period)
    return new_assignment(session, vehicle, driver, period, actor, as_of, source=source)


def new_assignment(
    session: TenantSession,
    vehicle: Vehicle,
    driver: Driver,
    period: Period,
    actor: Actor,
    as_of: datetime,
    *,
    source: AssignmentSource = AssignmentSource.TYPED,
) -> UUID:
    """As `add_assignment`, for a period that was checked."""
    row = Assignment(
        organisation_id=actor.organisation_id,
        id=new_id(),
        vehicle_id=vehicle.id,
        driver_id=driver.id,
        starts_at=period[0],
        ends_at=period[1],
        source=source,
        created_by=actor.user_id,
        created_at=as_of,
    )
    session.add(row)
    record_assignment(session, "attribution.creee", row, actor, as_of)
    return row.id


def lasting_until(organisation_id: UUID, vehicle_ids: Collection[UUID], at: datetime) -> Select[tuple[Assignment]]:
    """What holds these vehicles at an instant or later, or until that very instant: what an act on it has to know."""
    return (
        select(Assignment)
        .where(
            Assignment.organisation_id == organisation_id,
            Assignment.vehicle_id.in_(vehicle_ids),
            or_(Assignment.ends_at.is_(None), Assignment.ends_at >= at),
        )
        .order_by(Assignment.starts_at)
    )


def check_hand_over(
    vehicle: Vehicle,
    driver: Driver,
    held: Sequence[Assignment],
    at: datetime,
    actor: Actor,
    absences: Sequence[VehicleAbsence],
) -> Assignment | None:
    """What a hand-over ends, or None; `held` is what `lasting_until` gives for it. Raises Refused and Overlap."""
    beyond = [row for row in held if row.ends_at is None or row.ends_at > at]
    current = next((row for row in beyond if row.starts_at <= at), None)
    if current is not None and current.driver_id == driver.id:
        raise Refused("Ce conducteur tient déjà ce véhicule à cet instant.", "driver")
    presence.check_period(vehicle, driver, (at, None), actor, absences)
    for row in beyond:
        if row.starts_at >= at:
            raise overlaps.Overlap(row, overlaps.nearest_end(row, at))
    return current


def check_end(row: Assignment, at: datetime, actor: Actor) -> None:
    """Refuse to end an assignment before it starts, or when it ends by then anyway."""
    if at <= row.starts_at:
        raise Refused(f"Cette attribution commence le {instant(row.starts_at, actor.zone)}.", "at")
    if row.ends_at is not None and row.ends_at <= at:
        raise Refused(f"Cette attribution prend déjà fin le {end_text(row.ends_at, actor.zone)}.", "at")


def end_at(session: TenantSession, row: Assignment, at: datetime, actor: Actor, as_of: datetime) -> None:
    """End an assignment at an instant that was checked."""
    before = assignment_facts(row)
    row.ends_at = at
    record_assignment(session, "attribution.terminee", row, actor, as_of, before=before)


def cut_at(
    session: TenantSession,
    assignments: list[Assignment],
    at: datetime,
    actor: Actor,
    as_of: datetime,
    *,
    field: str,
) -> None:
    """End at an instant the assignments that run beyond it. Raises Refused on `field` when one only starts there."""
    for row in assignments:
        if row.starts_at >= at:
            start = instant(row.starts_at, actor.zone)
            raise Refused(f"Une attribution commence le {start}\u00a0: supprimez-la d’abord.", field)
    for row in assignments:
        end_at(session, row, at, actor, as_of)


def record_assignment(
    session: TenantSession,
    action: str,
    row: Assignment,
    actor: Actor,
    as_of: datetime,
    *,
    before: dict | None = None,
    reason: ChangeReason | None = None,
) -> None:
    """Note what was done to an assignment, and why, on its vehicle's journal; `before` are the facts it replaces."""
    details = {"attribution": str(row.id), **assignment_facts(row)}
    if action == "attribution.creee" and row.source == AssignmentSource.PHONE:
        details["source"] = row.source
    if reason is not None:
        details["motif"] = reason
    if before is not None:
        details["avant"] = before
    record(session, action, ("vehicule", row.vehicle_id), actor, as_of, details)


def record(
    session: TenantSession, action: str, subject: tuple[str, UUID], actor: Actor, as_of: datetime, details: dict
) -> None:
    """Note what a person did, in the same transaction."""
    audit.record(session, action, as_of=as_of, actor_id=actor.user_id, subject=subject, details=details)


def assignment_facts(row: Assignment) -> dict[str, str | None]:
    """Who and when, as opaque references."""
    return {
        "conducteur": str(row.driver_id),
        "du": row.starts_at.isoformat(),
        "au": row.ends_at.isoformat() if row.ends_at else None,
    }


def changed_fields(row: object, values: dict) -> list[str]:
    """The names of the columns that `values` would change."""
    return [name for name, value in values.items() if getattr(row, name) != value]
