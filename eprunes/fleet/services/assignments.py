"""Operations on assignments (*attributions*): who holds which vehicle from when until when."""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import tenant_session
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.services import steps


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

    Returns the assignment's id. Raises Refused, naming driver and period, when someone holds the vehicle
    meanwhile, and when the period lies outside the vehicle's or the driver's presence.
    """
    period = (starts_at, ends_at)
    with (
        steps.overlaps_explained(actor, vehicle_id, period),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        return steps.add_assignment(session, vehicle, driver_id, period, actor, as_of)


def hand_over(*, actor: Actor, vehicle_id: UUID, driver_id: UUID, at: datetime, as_of: datetime) -> UUID:
    """Give a vehicle to another driver at an instant, until further notice: whoever holds it then stops then.

    Returns the new assignment's id. Raises Refused when the driver holds it already, as `assign` does, and with
    what to do first when the vehicle is promised to somebody later.
    """
    period = (at, None)
    with (
        steps.overlaps_explained(actor, vehicle_id, period, advice=steps.PROMISED),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        vehicle = steps.locked_vehicle(session, actor, vehicle_id)
        driver = steps.driver_of_fleet(session, actor, driver_id)
        held = session.scalars(steps.lasting_until(actor.organisation_id, [vehicle_id], at)).all()
        current = steps.check_hand_over(vehicle, driver, held, at, actor)
        if current is not None:
            steps.end_at(session, current, at, actor, as_of)
            session.flush()
        return steps.new_assignment(session, vehicle, driver, period, actor, as_of)


def end_assignment(*, actor: Actor, assignment_id: UUID, at: datetime, as_of: datetime) -> None:
    """End an assignment at an instant, past or future. Raises Refused when it ends by then or starts later."""
    with tenant_session(actor.organisation_id, write=True) as session:
        row, _ = steps.locked_assignment(session, actor, assignment_id)
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
    as_of: datetime,
) -> None:
    """Put right the driver or the period of an assignment; the journal keeps why, and what stood there before.

    Raises Refused as `assign` does.
    """
    period = (starts_at, ends_at)
    with (
        steps.overlaps_explained(actor, None, period),
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        row, vehicle = steps.locked_assignment(session, actor, assignment_id)
        driver = steps.driver_of_fleet(session, actor, driver_id)
        values = {"driver_id": driver_id, "starts_at": starts_at, "ends_at": ends_at}
        if not steps.changed_fields(row, values):
            return
        steps.check_period(vehicle, driver, period, actor)
        steps.check_free(session, vehicle.id, period, but=row.id)
        before = steps.assignment_facts(row)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        steps.record_assignment(session, "attribution.corrigee", row, actor, as_of, before=before, reason=reason)


def cancel_assignment(*, actor: Actor, assignment_id: UUID, reason: ChangeReason, as_of: datetime) -> None:
    """Remove an assignment that never was; the journal keeps it, and why. Raises Refused when it is gone already."""
    with tenant_session(actor.organisation_id, write=True) as session:
        row, _ = steps.locked_assignment(session, actor, assignment_id)
        steps.record_assignment(session, "attribution.annulee", row, actor, as_of, reason=reason)
        session.delete(row)
