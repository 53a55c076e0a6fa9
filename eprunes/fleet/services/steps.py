"""Steps that several operations share, inside a transaction of the caller: load and lock, check, record."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.driver_details import open_details
from eprunes.fleet.local_times import absence_text, end_text, last_instant, period_text
from eprunes.fleet.models import OVERLAP_NAME, Assignment, AssignmentSource, Driver, Vehicle, VehicleAbsence

SAME_START_INDEX = "vehicle_id_starts_at"
DRIVER_REFERENCE = "fk_assignments_organisation_id_driver_id_drivers"
DRIVER_GONE = "Ce conducteur n’existe plus\u00a0: sa fiche vient d’être fusionnée avec une autre, ou supprimée."
PROMISED = (
    "Supprimez ou corrigez d’abord cette attribution prévue, ou attribuez le véhicule avec une fin à cet instant au "
    "plus tard."
)
FURTHEST_EXIT = timedelta(days=3653)
Period = tuple[datetime, datetime | None]
Key = TypeVar("Key")


class Overlap(Exception):
    """A period meets another assignment of the vehicle; turned into a sentence outside the transaction."""

    def __init__(self, other: Assignment, field: str) -> None:
        super().__init__("overlap")
        self.other, self.field = other, field


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
    check_period(vehicle, driver, period, actor, absences_of(session, vehicle))
    check_free(session, vehicle.id, period)
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
    check_period(vehicle, driver, (at, None), actor, absences)
    for row in beyond:
        if row.starts_at >= at:
            raise Overlap(row, _nearest_end(row, at))
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


def check_period(
    vehicle: Vehicle, driver: Driver, period: Period, actor: Actor, absences: Sequence[VehicleAbsence]
) -> None:
    """Refuse a period that ends before it starts, or lies outside the vehicle's or the driver's presence."""
    check_presence(vehicle, period, actor, absences)
    if driver.left_on and _lasts_beyond(period[1], last_instant(driver.left_on, None, actor.zone, "")):
        raise Refused(
            f"Ce conducteur a quitté l’entreprise le {driver.left_on:%d/%m/%Y}\u00a0: "
            "l’attribution doit prendre fin ce jour-là au plus tard.",
            "driver",
        )


def absences_of(session: TenantSession, vehicle: Vehicle) -> list[VehicleAbsence]:
    """When a vehicle was out of the fleet and came back, oldest first."""
    return queries.absences_of(session, [vehicle.id]).get(vehicle.id, [])


def check_presence(vehicle: Vehicle, period: Period, actor: Actor, absences: Sequence[VehicleAbsence]) -> None:
    """Refuse a period that ends before it starts, or lies outside the vehicle's presence, its absences left out."""
    starts_at, ends_at = period
    if ends_at is not None and ends_at <= starts_at:
        raise Refused("La fin doit être après le début.", "ends_at")
    if starts_at < vehicle.entered_at:
        entry = instant(vehicle.entered_at, actor.zone)
        raise Refused(f"Ce véhicule n’est entré dans le parc que le {entry}.", "starts_at")
    if _lasts_beyond(ends_at, vehicle.left_at):
        raise _after_exit(vehicle, starts_at, actor)
    for one in absences:
        if starts_at < one.back_at and _lasts_beyond(ends_at, one.left_at):
            told = absence_text(one.left_at, one.back_at, actor.zone)
            raise Refused(f"Ce véhicule était {told}.", "starts_at" if starts_at >= one.left_at else "ends_at")


def check_exit(
    vehicle: Vehicle, at: datetime, actor: Actor, as_of: datetime, absences: Sequence[VehicleAbsence]
) -> None:
    """Refuse an exit before the entry or the last return, too far ahead, or of a vehicle that has left."""
    if vehicle.left_at is not None and vehicle.left_at <= as_of:
        raise Refused(f"Ce véhicule a déjà quitté le parc le {end_text(vehicle.left_at, actor.zone)}.", "at")
    if at <= vehicle.entered_at:
        raise Refused(f"Ce véhicule est entré dans le parc le {instant(vehicle.entered_at, actor.zone)}.", "at")
    if absences and at <= absences[-1].back_at:
        raise Refused(f"Ce véhicule est revenu dans le parc le {instant(absences[-1].back_at, actor.zone)}.", "at")
    if at > as_of + FURTHEST_EXIT:
        raise Refused("Une sortie se prévoit au plus dix ans à l’avance\u00a0: vérifiez l’année.", "at")


def check_free(
    session: TenantSession, vehicle_id: UUID, period: Period, *, but: UUID | None = None, field: str = ""
) -> None:
    """Raise Overlap when another assignment (`but` this one) holds the vehicle during a part of the period.

    The refusal belongs to `field`, by default to the end of the period that has to move.
    """
    starts_at, ends_at = period
    query = queries.assignments_of(session.organisation_id, vehicle_id).where(
        or_(Assignment.ends_at.is_(None), Assignment.ends_at > starts_at)
    )
    if ends_at is not None:
        query = query.where(Assignment.starts_at < ends_at)
    if but is not None:
        query = query.where(Assignment.id != but)
    other = session.scalar(query.order_by(Assignment.starts_at).limit(1))
    if other is not None:
        raise Overlap(other, field or _nearest_end(other, starts_at))


@contextmanager
def overlaps_explained(actor: Actor, vehicle_id: UUID | None, period: Period, *, advice: str = "") -> Iterator[None]:
    """Around a transaction: turn an overlap, found by the check or by the database, into a refusal.

    It names driver and period, except when the database alone saw it and the vehicle is not known here; `advice`
    follows when what is in the way only starts later.
    """
    try:
        yield
    except Overlap as overlap:
        raise _named_refusal(actor, overlap, period[0], advice) from overlap
    except IntegrityError as error:
        text = str(error.orig)
        if DRIVER_REFERENCE in text:
            raise Refused(DRIVER_GONE, "driver") from error
        if OVERLAP_NAME not in text and SAME_START_INDEX not in text and "assignments.starts_at" not in text:
            raise
        raise _overlap_seen_after(actor, vehicle_id, period) from error


def named_refusals(
    session: TenantSession, actor: Actor, overlaps: Mapping[Key, Overlap], starts_at: datetime, advice: str = ""
) -> dict[Key, Refused]:
    """What overlaps say, with driver and period; `advice` follows where the other only starts after `starts_at`."""
    holders = {one.other.driver_id for one in overlaps.values()}
    query = select(Driver).where(Driver.organisation_id == actor.organisation_id, Driver.id.in_(holders))
    details = open_details(key_store(), session.scalars(query)) if overlaps else {}
    refusals = {}
    for key, one in overlaps.items():
        known = details.get(one.other.driver_id)
        name = known.sort_name if known else "un conducteur dont les données sont effacées"
        period = period_text(one.other.starts_at, one.other.ends_at, actor.zone, starts_at)
        told = advice if one.other.starts_at > starts_at else ""
        refusals[key] = Refused(f"Ce véhicule est déjà attribué à {name} {period}. {told}".strip(), one.field)
    return refusals


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


def _lasts_beyond(ends_at: datetime | None, limit: datetime | None) -> bool:
    return limit is not None and (ends_at is None or ends_at > limit)


def _after_exit(vehicle: Vehicle, starts_at: datetime, actor: Actor) -> Refused:
    exit_text = end_text(vehicle.left_at, actor.zone)
    if starts_at >= vehicle.left_at:
        return Refused(f"Ce véhicule quitte le parc le {exit_text}.", "starts_at")
    sentence = f"Ce véhicule quitte le parc le {exit_text}\u00a0: indiquez une fin à cet instant au plus tard."
    return Refused(sentence, "ends_at")


def _nearest_end(other: Assignment, starts_at: datetime) -> str:
    return "starts_at" if other.starts_at <= starts_at else "ends_at"


def _overlap_seen_after(actor: Actor, vehicle_id: UUID | None, period: Period) -> Refused:
    """The database refused what the check had let through: someone else was faster. Look who."""
    try:
        with tenant_session(actor.organisation_id) as session:
            check_free(session, vehicle_id, period)
    except Overlap as overlap:
        return _named_refusal(actor, overlap, period[0])
    return Refused(
        "Ce véhicule vient d’être attribué par quelqu’un d’autre\u00a0: vérifiez et recommencez.", "starts_at"
    )


def _named_refusal(actor: Actor, overlap: Overlap, starts_at: datetime, advice: str = "") -> Refused:
    with tenant_session(actor.organisation_id) as session:
        return named_refusals(session, actor, {None: overlap}, starts_at, advice)[None]
