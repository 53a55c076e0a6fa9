"""Operations on assignments (*attributions*): who holds which vehicle from when until when."""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession, tenant_session
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.models import Assignment
from eprunes.fleet.services import overlaps, presence, steps
from eprunes.fleet.versions import assignment_version, refuse_stale


def assign(
    *,
    actor: Actor,
    vehicle_id: UUID,
    driver_id: UUID,
    starts_at: datetime,
    ends_at: datetime | None = None,
    as_of: datetime,
) -> UUID:
    """Attribute a vehicle from `starts_at` until `ends_at` (half-open; None = until further notice).

    Returns the assignment's id, also when the same person attributed exactly that before. Raises Refused, naming
    driver and period, when someone holds the vehicle meanwhile, and when the period lies outside the vehicle's or
    the driver's presence.
    """
    period = (starts_at, ends_at)
    with (
        overlaps.overlaps_explained(actor, vehicle_id, period),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        same = _made_before(session, actor, vehicle_id, driver_id, period)
        return same or steps.add_assignment(session, vehicle, driver_id, period, actor, as_of)


def hand_over(*, actor: Actor, vehicle_id: UUID, driver_id: UUID, at: datetime, as_of: datetime) -> UUID:
    """Give a vehicle to another driver at an instant, until further notice: whoever holds it then stops then.

    Returns the new assignment's id. Raises Refused when the driver holds it already, as `assign` does, and with
    what to do first when the vehicle is promised to somebody later.
    """
    period = (at, None)
    with (
        overlaps.overlaps_explained(actor, vehicle_id, period, advice=overlaps.PROMISED),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        driver = steps.driver_of_fleet(session, actor, driver_id)
        held = session.scalars(steps.lasting_until(actor.organisation_id, [vehicle_id], at)).all()
        absences = presence.absences_of(session, vehicle)
        current = steps.check_hand_over(vehicle, driver, held, at, actor, absences)
        if current is not None:
            steps.end_at(session, current, at, actor, as_of)
            session.flush()
        return steps.new_assignment(session, vehicle, driver, period, actor, as_of)


def end_assignment(
    *, actor: Actor, assignment_id: UUID, at: datetime, seen: str | None = None, as_of: datetime
) -> None:
    """End an assignment at an instant, past or future. Raises Refused when it ends by then or starts later.

    Also when it is no longer what the form was filled with (`seen`, from `versions.stamp`).
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        row, _ = steps.locked_assignment(session, actor, assignment_id)
        _refuse_stale(session, actor, seen, row)
        steps.check_end(row, at, actor)
        steps.end_at(session, row, at, actor, as_of)


def correct_assignment(
    *,
    actor: Actor,
    assignment_id: UUID,
    driver_id: UUID,
    starts_at: datetime,
    ends_at: datetime | None,
    reason: ChangeReason,
    seen: str | None = None,
    as_of: datetime,
) -> bool:
    """Put right the driver or the period of an assignment; the journal keeps why, and what stood there before.

    False when it says just that already. Raises Refused as `assign` does, and as `end_assignment` does for `seen`.
    """
    period = (starts_at, ends_at)
    with (
        overlaps.overlaps_explained(actor, None, period),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        row, vehicle = steps.locked_assignment(session, actor, assignment_id)
        driver = steps.driver_of_fleet(session, actor, driver_id)
        values = {"driver_id": driver_id, "starts_at": starts_at, "ends_at": ends_at}
        if not steps.changed_fields(row, values):
            return False
        _refuse_stale(session, actor, seen, row)
        presence.check_period(vehicle, driver, period, actor, presence.absences_of(session, vehicle))
        overlaps.check_free(session, vehicle.id, period, but=row.id)
        before = steps.assignment_facts(row)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        steps.record_assignment(session, "attribution.corrigee", row, actor, as_of, before=before, reason=reason)
        return True


def cancel_assignment(
    *, actor: Actor, assignment_id: UUID, reason: ChangeReason, seen: str | None = None, as_of: datetime
) -> None:
    """Remove an assignment that never was; the journal keeps it, and why. Raises Refused when it is gone already.

    Also as `end_assignment` does for `seen`.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        row, _ = steps.locked_assignment(session, actor, assignment_id)
        _refuse_stale(session, actor, seen, row)
        steps.record_assignment(session, "attribution.annulee", row, actor, as_of, reason=reason)
        session.delete(row)


def _made_before(
    session: TenantSession, actor: Actor, vehicle_id: UUID, driver_id: UUID, period: presence.Period
) -> UUID | None:
    """The assignment that this person has made in just these words: a form that was sent twice."""
    starts_at, ends_at = period
    query = queries.assignments_of(session.organisation_id, vehicle_id).where(
        Assignment.driver_id == driver_id,
        Assignment.starts_at == starts_at,
        Assignment.ends_at.is_(None) if ends_at is None else Assignment.ends_at == ends_at,
        Assignment.created_by == actor.user_id,
    )
    found = session.scalar(query)
    return found and found.id


def _refuse_stale(session: TenantSession, actor: Actor, seen: str | None, row: Assignment) -> None:
    known, subject = assignment_version(row), ("vehicule", row.vehicle_id)
    refuse_stale(session, actor, seen, known, subject, what="Cette attribution", assignment_id=row.id)
