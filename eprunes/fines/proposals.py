"""Who probably drove: the holder of the vehicle at the offence's instant, and the word on why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.database import TenantSession
from eprunes.fines.models import Notice
from eprunes.fleet.exits import exit_by
from eprunes.fleet.models import Assignment, Vehicle, VehicleAbsence
from eprunes.fleet.plates import look_alikes, match_key
from eprunes.fleet.queries import Holders, absences_of, holders_around, holders_at_many

NEAR_A_CHANGE = timedelta(hours=2)
"""How close to a change of driver an offence must be for the neighbours to be shown."""


class Why(StrEnum):
    """Why a driver is proposed, or none is."""

    HELD = "Attribué à cet instant"
    NOBODY = "Personne n’avait ce véhicule"
    TWO_POSSIBLE = "Heure doublée\u00a0: deux conducteurs possibles"
    BEFORE_ENTRY = "Véhicule pas encore dans le parc à cette date"
    AFTER_EXIT = "Véhicule sorti du parc avant l’infraction"
    NO_VEHICLE = "Véhicule absent du parc"


@dataclass(frozen=True)
class Proposal:
    """The driver proposed (`assignment` of that instant) and why; without one, `why` says what is odd."""

    why: Why
    assignment: Assignment | None = None

    @property
    def driver_id(self) -> UUID | None:
        return self.assignment.driver_id if self.assignment else None


def propose(
    session: TenantSession, notices: Sequence[Notice], vehicles: Mapping[UUID, Vehicle]
) -> dict[UUID, Proposal]:
    """A proposal for each notice of one organisation, by notice id; two queries at most for a whole page.

    `vehicles` are theirs, by id, as the fleet knows them now: an exit is often written down after the notice came.
    """
    moments = [(one.vehicle_id, instant) for one in notices if one.vehicle_id for instant in _instants(one)]
    holders = holders_at_many(session, session.organisation_id, moments) if moments else {}
    unheld = {vehicle_id for vehicle_id, instant in moments if (vehicle_id, instant) not in holders}
    absences = absences_of(session, unheld)
    return {
        one.id: _proposal(one, holders, vehicles.get(one.vehicle_id), absences.get(one.vehicle_id, ()))
        for one in notices
    }


def similar_vehicles(session: TenantSession, actor: Actor, plate: str, limit: int = 6) -> list[Vehicle]:
    """The vehicles of the actor's client whose plate one slip of reading or typing turns into this one, the likeliest
    first: for a notice whose plate the fleet does not know. One query."""
    keys = {key: rank for rank, key in enumerate(look_alikes(match_key(plate)))}
    if not keys or not actor.may(Permission.VIEW_NOTICES):
        return []
    query = select(Vehicle).where(Vehicle.organisation_id == actor.organisation_id, Vehicle.plate_key.in_(keys))
    return sorted(session.scalars(query), key=lambda one: keys[one.plate_key])[:limit]


def neighbours(session: TenantSession, notice: Notice) -> list[Assignment]:
    """The assignments worth looking at beside the proposal: those just before and after, when there is no
    holder or a change is near; in the doubled hour of autumn, every possible holder."""
    if notice.vehicle_id is None:
        return []
    around = [
        holders_around(session, notice.organisation_id, notice.vehicle_id, instant) for instant in _instants(notice)
    ]
    possible = [holders.current for holders in around]
    found = possible if len(around) == 2 and any(possible) else _near(notice, around[0])
    return list({one.id: one for one in found if one is not None}.values())


def _near(notice: Notice, holders: Holders) -> list[Assignment | None]:
    if holders.current is None:
        return [holders.before, holders.after]
    close = []
    if holders.before and notice.offence_at - holders.current.starts_at <= NEAR_A_CHANGE:
        close.append(holders.before)
    if holders.after and holders.after.starts_at - notice.offence_at <= NEAR_A_CHANGE:
        close.append(holders.after)
    return close


def _instants(notice: Notice) -> list:
    return [notice.offence_at, *([notice.second_offence_at] if notice.second_offence_at else [])]


def _proposal(notice: Notice, holders: dict, vehicle: Vehicle | None, absences: Sequence[VehicleAbsence]) -> Proposal:
    if vehicle is None:
        return Proposal(Why.NO_VEHICLE)
    found = [holders.get((notice.vehicle_id, instant)) for instant in _instants(notice)]
    if len({one.driver_id if one else None for one in found}) > 1:
        return Proposal(Why.TWO_POSSIBLE)
    if found[0] is not None:
        return Proposal(Why.HELD, found[0])
    if notice.offence_at < vehicle.entered_at:
        return Proposal(Why.BEFORE_ENTRY)
    is_out = exit_by(vehicle, absences, notice.offence_at) is not None
    return Proposal(Why.AFTER_EXIT if is_out else Why.NOBODY)
