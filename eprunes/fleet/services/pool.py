"""Operations on shared vehicles (*véhicules partagés*): taken from now, given back now. Short uses are assignments."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.local_times import last_instant
from eprunes.fleet.models import Assignment, AssignmentSource, Driver, Vehicle
from eprunes.fleet.services import overlaps, presence, steps

UNDONE_WITHIN = timedelta(minutes=30)
AT_ONCE = timedelta(minutes=1)
"""Two who take a vehicle less than this apart are two at once; and a use that is shorter was none."""
PROMISED = "Indiquez un retour prévu avant cet instant."


def take(*, actor: Actor, vehicle_id: UUID, driver_id: UUID, until: datetime | None = None, as_of: datetime) -> UUID:
    """A driver takes a shared vehicle now, until it is given back (or `until`, where that is known).

    It ends by itself where the vehicle is promised to somebody later. Returns the assignment's id. Raises Refused,
    naming the holder, when somebody has it; of two who take it at once, one gets it. Who takes it twice at once has
    taken it.
    """
    with (
        overlaps.overlaps_explained(actor, vehicle_id, (as_of + AT_ONCE, until), advice=PROMISED),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        if not vehicle.is_pool:
            raise Refused("Ce véhicule n’est pas partagé.")
        if until is not None and until <= as_of:
            raise Refused("Le retour prévu doit être à venir.", "until")
        driver = steps.driver_of_fleet(session, actor, driver_id)
        taken = _taken_at_once(session, vehicle, as_of)
        period = (as_of, until or _free_until(session, vehicle, driver, taken.starts_at if taken else as_of, actor))
        if taken is not None:
            return _same_taking(taken, driver, period, actor)
        return steps.add_assignment(session, vehicle, driver_id, period, actor, as_of, source=AssignmentSource.PHONE)


def give_back(*, actor: Actor, assignment_id: UUID, as_of: datetime) -> bool:
    """A shared vehicle is given back now. Raises Refused when it was given back already.

    False when it had been taken that very minute: such a use is removed, as if it had never been; the journal keeps it.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        row, vehicle = steps.locked_assignment(session, actor, assignment_id)
        if not vehicle.is_pool:
            raise Refused("Ce véhicule n’est pas partagé\u00a0: terminez l’attribution depuis sa fiche.")
        if row.ends_at is not None and row.ends_at <= as_of:
            raise Refused(f"Ce véhicule a déjà été rendu le {instant(row.ends_at, actor.zone)}.")
        if row.source == AssignmentSource.PHONE and timedelta(0) <= as_of - row.starts_at < AT_ONCE:
            why = ChangeReason.GIVEN_BACK_AT_ONCE
            steps.record_assignment(session, "attribution.annulee", row, actor, as_of, reason=why)
            session.delete(row)
            return False
        if as_of <= row.starts_at:
            raise Refused(f"Cette attribution ne commence que le {instant(row.starts_at, actor.zone)}.")
        before = steps.assignment_facts(row)
        row.ends_at = as_of
        steps.record_assignment(session, "attribution.terminee", row, actor, as_of, before=before)
        return True


def undo_give_back(*, actor: Actor, assignment_id: UUID, as_of: datetime) -> None:
    """It was not given back after all: held on as before, until it is. Raises Refused when that was too long ago, or
    somebody has taken it since."""
    with (
        overlaps.overlaps_explained(actor, None, (as_of, None)),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        row, vehicle = steps.locked_assignment(session, actor, assignment_id)
        if not vehicle.is_pool or row.ends_at is None or not as_of - UNDONE_WITHIN <= row.ends_at <= as_of:
            raise Refused(
                "Ce retour ne peut plus être annulé ici\u00a0: corrigez l’attribution sur la fiche du véhicule."
            )
        overlaps.check_free(session, vehicle.id, (row.ends_at, as_of + timedelta.resolution), but=row.id)
        driver = steps.driver_of_fleet(session, actor, row.driver_id)
        period = (row.starts_at, _free_until(session, vehicle, driver, as_of, actor))
        presence.check_period(vehicle, driver, period, actor, presence.absences_of(session, vehicle))
        before = steps.assignment_facts(row)
        row.ends_at = period[1]
        reason = ChangeReason.STILL_OUT
        steps.record_assignment(session, "attribution.corrigee", row, actor, as_of, before=before, reason=reason)


def _taken_at_once(session: TenantSession, vehicle: Vehicle, as_of: datetime) -> Assignment | None:
    """What holds a locked vehicle since about now: whoever was faster may have looked at the clock a little later."""
    query = queries.assignments_of(session.organisation_id, vehicle.id).where(
        Assignment.starts_at > as_of - AT_ONCE,
        Assignment.starts_at < as_of + AT_ONCE,
        or_(Assignment.ends_at.is_(None), Assignment.ends_at > as_of),
    )
    return session.scalar(query.order_by(Assignment.starts_at).limit(1))


def _same_taking(taken: Assignment, driver: Driver, period: presence.Period, actor: Actor) -> UUID:
    """The id of what was taken, when it was by the same person for the same driver and time. Raises Overlap."""
    made = (taken.driver_id, taken.created_by, taken.source, taken.ends_at)
    if made != (driver.id, actor.user_id, AssignmentSource.PHONE, period[1]):
        raise overlaps.Overlap(taken, "")
    return taken.id


def _free_until(
    session: TenantSession, vehicle: Vehicle, driver: Driver, since: datetime, actor: Actor
) -> datetime | None:
    """The first planned instant after `since` at which the use has to be over: the vehicle's next assignment or exit,
    the driver's departure. None when nothing is planned."""
    later = queries.assignments_of(session.organisation_id, vehicle.id).where(Assignment.starts_at > since)
    planned = session.scalar(later.order_by(Assignment.starts_at).limit(1))
    departure = driver.left_on and last_instant(driver.left_on, None, actor.zone, "")
    limits = (planned and planned.starts_at, vehicle.left_at, departure)
    return min((one for one in limits if one and one > since), default=None)
