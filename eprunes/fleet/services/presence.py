"""When a vehicle and a driver are there: what is asked of a period, and of an exit. Nothing is written."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.local_times import absence_text, end_text, last_instant
from eprunes.fleet.models import Driver, Vehicle, VehicleAbsence

FURTHEST_EXIT = timedelta(days=3653)
Period = tuple[datetime, datetime | None]


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


def _lasts_beyond(ends_at: datetime | None, limit: datetime | None) -> bool:
    return limit is not None and (ends_at is None or ends_at > limit)


def _after_exit(vehicle: Vehicle, starts_at: datetime, actor: Actor) -> Refused:
    exit_text = end_text(vehicle.left_at, actor.zone)
    if starts_at >= vehicle.left_at:
        return Refused(f"Ce véhicule quitte le parc le {exit_text}.", "starts_at")
    sentence = f"Ce véhicule quitte le parc le {exit_text}\u00a0: indiquez une fin à cet instant au plus tard."
    return Refused(sentence, "ends_at")
