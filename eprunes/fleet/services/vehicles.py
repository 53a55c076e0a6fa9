"""Operations on vehicles: entering the fleet, corrections, leaving it, coming back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import quota
from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.local_times import end_text
from eprunes.fleet.models import Assignment, ExitReason, Vehicle, VehicleAbsence
from eprunes.fleet.plates import InvalidPlate, Plate
from eprunes.fleet.services import presence, steps
from eprunes.fleet.services.due_dates import refresh_computed
from eprunes.fleet.vehicle_rules import KEPT, VehicleDetails, plate_of, tidied, told_values
from eprunes.fleet.versions import refuse_stale, vehicle_version

KNOWN_PLATE = "Cette immatriculation est déjà dans votre parc."
_AGENCY_INSTANTS = ("antai_declared_at", "antai_acknowledged_at", "antai_withdrawn_at")


def add_vehicle(*, actor: Actor, details: VehicleDetails, as_of: datetime) -> UUID:
    """Register a vehicle (C1-a); it takes one place of the order form (C4.1-a). Returns its id.

    Raises Refused on the field that is wrong, for a plate already known, or when no place is left.
    """
    values = _checked(details, actor, as_of)
    vehicle = Vehicle(organisation_id=actor.organisation_id, id=new_id(), created_at=as_of, **values)
    with _known_plates_explained(), tenant_session(actor.organisation_id, write=True) as session:
        _refuse_known_plate(session, actor, values, None)
        session.add(vehicle)
        session.flush()
        quota.take(session, 1, as_of)
        steps.record(session, "vehicule.ajoute", ("vehicule", vehicle.id), actor, as_of, {})
    return vehicle.id


def change_vehicle(
    *, actor: Actor, vehicle_id: UUID, details: VehicleDetails, seen: str | None = None, as_of: datetime
) -> None:
    """Correct a vehicle's details, its plate included. Raises Refused as `add_vehicle` does.

    Also when it is no longer what the form was filled with (`seen`, from `versions.stamp`).

    With another plate the agency's instants are cleared: it knows nothing of this plate yet.
    """
    values = _checked(details, actor, as_of)
    with _known_plates_explained(), tenant_session(actor.organisation_id, write=True) as session:
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        refuse_stale(session, actor, seen, vehicle_version(vehicle), ("vehicule", vehicle_id))
        _refuse_known_plate(session, actor, values, vehicle_id)
        _check_entry(session, vehicle, values["entered_at"], actor)
        changed = steps.changed_fields(vehicle, values)
        if not changed:
            return
        if {"plate_key", "country"} & set(changed):
            values |= dict.fromkeys(_AGENCY_INSTANTS)
        facts = {"champs": changed} | _before_and_after(vehicle, values, changed)
        for name, value in values.items():
            setattr(vehicle, name, value)
        session.flush()
        steps.record(session, "vehicule.modifie", ("vehicule", vehicle_id), actor, as_of, facts)


def leave_fleet(*, actor: Actor, vehicle_id: UUID, at: datetime, reason: ExitReason, as_of: datetime) -> None:
    """Take a vehicle out of the fleet at an instant, past or future; its row stays, its place is given back.

    The assignment that runs then ends then. A planned exit may be moved, or get another reason. Raises Refused
    when the vehicle has left already, had not entered or come back yet, or an assignment starts later.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        presence.check_exit(vehicle, at, actor, as_of, presence.absences_of(session, vehicle))
        beyond = queries.assignments_of(actor.organisation_id, vehicle_id).where(
            or_(Assignment.ends_at.is_(None), Assignment.ends_at > at)
        )
        steps.cut_at(session, list(session.scalars(beyond)), at, actor, as_of, field="at")
        planned = exit_facts(vehicle)
        vehicle.left_at, vehicle.left_because = at, reason
        if at <= as_of:
            vehicle.counts_in_quota = False
            quota.take(session, -1, as_of)
        facts = exit_facts(vehicle) | ({"avant": planned} if planned else {})
        steps.record(session, "vehicule.sorti", ("vehicule", vehicle_id), actor, as_of, facts)
        session.flush()
        refresh_computed(session, [vehicle_id], as_of, actor.zone, are_locked=True)


def return_to_fleet(*, actor: Actor, vehicle_id: UUID, back_at: datetime | None = None, as_of: datetime) -> None:
    """A vehicle is in the fleet again: since `back_at`, its time away being kept; without, its exit, past or planned,
    was an error, and it counts as present without a gap.

    It takes a place again if it had given it back (C4.1-a), and is declared to the agency again if it was withdrawn.
    Raises Refused when it has not left, came back before it left or has yet to, or no place is left.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        if vehicle.left_at is None:
            raise Refused("Ce véhicule est déjà dans le parc.")
        facts = {"sortie": vehicle.left_at.isoformat()}
        if back_at is not None:
            check_return(vehicle, back_at, actor, as_of)
            session.add(_absence(vehicle, back_at, actor, as_of))
            facts |= {"retour": back_at.isoformat(), "motif": vehicle.left_because or ExitReason.OTHER}
        vehicle.left_at = vehicle.left_because = None
        if not vehicle.counts_in_quota:
            vehicle.counts_in_quota = True
            quota.take(session, 1, as_of)
        if vehicle.antai_withdrawn_at is not None:
            for name in _AGENCY_INSTANTS:
                setattr(vehicle, name, None)
        steps.record(session, "vehicule.revenu", ("vehicule", vehicle_id), actor, as_of, facts)
        session.flush()
        refresh_computed(session, [vehicle_id], as_of, actor.zone, are_locked=True)


def check_return(vehicle: Vehicle, back_at: datetime, actor: Actor, as_of: datetime) -> None:
    """Refuse a return of a vehicle that is to leave only later, at its exit or before, or that is yet to come."""
    if vehicle.left_at > as_of:
        raise Refused("Cette sortie n’est que prévue\u00a0: annulez-la.", "at")
    if back_at <= vehicle.left_at:
        left = end_text(vehicle.left_at, actor.zone)
        raise Refused(f"Ce véhicule est sorti du parc le {left}\u00a0: indiquez un instant plus tard.", "at")
    if back_at > as_of:
        raise Refused("Ce retour est dans le futur\u00a0: enregistrez-le quand le véhicule sera là.", "at")


def exit_facts(vehicle: Vehicle) -> dict[str, str]:
    """When and why a vehicle leaves, for the journal; nothing when it stays."""
    if vehicle.left_at is None:
        return {}
    return {"le": vehicle.left_at.isoformat(), "motif": vehicle.left_because or ExitReason.OTHER}


def _absence(vehicle: Vehicle, back_at: datetime, actor: Actor, as_of: datetime) -> VehicleAbsence:
    return VehicleAbsence(
        organisation_id=actor.organisation_id,
        id=new_id(),
        vehicle_id=vehicle.id,
        left_at=vehicle.left_at,
        back_at=back_at,
        left_because=vehicle.left_because or ExitReason.OTHER,
        created_by=actor.user_id,
        created_at=as_of,
    )


def _before_and_after(vehicle: Vehicle, values: dict, changed: list[str]) -> dict[str, dict]:
    """What changes from what to what, where that is no text that a person wrote."""
    before = told_values({name: getattr(vehicle, name) for name in changed})
    after = told_values({name: values[name] for name in changed})
    return {"avant": before, "apres": after} if before else {}


def _checked(details: VehicleDetails, actor: Actor, as_of: datetime) -> dict:
    """The columns of a tidy vehicle. Raises Refused with the first problem."""
    tidy, problems = tidied(details, local_day(as_of, actor.zone))
    for field, sentence in problems.items():
        raise Refused(sentence, field)
    plate = _plate(tidy)
    columns = {"country": plate.country, "plate_key": plate.key, "plate": plate.display}
    return columns | {name: getattr(tidy, name) for name in KEPT}


def _plate(details: VehicleDetails) -> Plate:
    try:
        return plate_of(details)
    except InvalidPlate as error:
        raise Refused(str(error), "plate") from error


def _refuse_known_plate(session: TenantSession, actor: Actor, values: dict, but: UUID | None) -> None:
    known = session.scalar(
        select(Vehicle).where(
            Vehicle.organisation_id == actor.organisation_id,
            Vehicle.country == values["country"],
            Vehicle.plate_key == values["plate_key"],
        )
    )
    if known is None or known.id == but:
        return
    if known.left_at is None:
        raise Refused(KNOWN_PLATE, "plate")
    raise Refused(
        f"Cette immatriculation est celle d’un véhicule sorti le {end_text(known.left_at, actor.zone)}\u00a0: "
        "ouvrez sa fiche pour l’y remettre.",
        "plate",
    )


def _check_entry(session: TenantSession, vehicle: Vehicle, entered_at: datetime, actor: Actor) -> None:
    if vehicle.left_at is not None and entered_at >= vehicle.left_at:
        raise Refused(f"Ce véhicule sort du parc le {end_text(vehicle.left_at, actor.zone)}.", "entered_at")
    absences = presence.absences_of(session, vehicle)
    if absences and entered_at >= absences[0].left_at:
        left = end_text(absences[0].left_at, actor.zone)
        raise Refused(f"Ce véhicule est déjà sorti du parc le {left}.", "entered_at")
    earlier = queries.assignments_of(actor.organisation_id, vehicle.id).where(Assignment.starts_at < entered_at)
    first = session.scalar(earlier.order_by(Assignment.starts_at).limit(1))
    if first is not None:
        start = instant(first.starts_at, actor.zone)
        raise Refused(f"Une attribution commence avant cette date, le {start}.", "entered_at")


@contextmanager
def _known_plates_explained() -> Iterator[None]:
    """Around a transaction: two people who enter one plate at the same time are told the same sentence."""
    try:
        yield
    except IntegrityError as error:
        if "plate_key" not in str(error.orig):
            raise
        raise Refused(KNOWN_PLATE, "plate") from error
