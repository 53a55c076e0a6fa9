"""A driver who holds several vehicles at once: allowed, and said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.fleet.local_times import period_text
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.fleet.names import names_by_id
from eprunes.fleet.queries import visible_assignments

_NAMED = 3


def also_held(
    session: TenantSession,
    actor: Actor,
    driver_id: UUID,
    vehicle_id: UUID,
    period: tuple[datetime, datetime | None],
) -> str:
    """What the driver holds beside this vehicle during a part of the period, as a sentence; empty when nothing."""
    rows = session.execute(_meanwhile(actor, driver_id, vehicle_id, period).limit(_NAMED + 1)).all()
    if not rows:
        return ""
    told = [f"{plate} {period_text(*others, actor.zone, period[0])}" for plate, *others in rows[:_NAMED]]
    told += ["d’autres encore"] * (len(rows) > _NAMED)
    name = names_by_id(session, actor, [driver_id])[driver_id].name
    return f"{name} tient aussi, pendant cette période\u00a0: {', '.join(told)}. Corrigez si c’est une erreur."


def _meanwhile(actor: Actor, driver_id: UUID, vehicle_id: UUID, period: tuple[datetime, datetime | None]):
    starts_at, ends_at = period
    same_vehicle = and_(Vehicle.organisation_id == Assignment.organisation_id, Vehicle.id == Assignment.vehicle_id)
    query = (
        visible_assignments(actor)
        .with_only_columns(Vehicle.plate, Assignment.starts_at, Assignment.ends_at)
        .join(Vehicle, same_vehicle)
        .where(
            Assignment.driver_id == driver_id,
            Assignment.vehicle_id != vehicle_id,
            or_(Assignment.ends_at.is_(None), Assignment.ends_at > starts_at),
        )
        .order_by(Assignment.starts_at)
    )
    return query if ends_at is None else query.where(Assignment.starts_at < ends_at)
