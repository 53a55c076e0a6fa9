"""What the pages show of the exchanges with the agency."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession, platform_session
from eprunes.core.jobs import JobState
from eprunes.core.paging import count_of
from eprunes.fleet.models import Vehicle
from eprunes.fleet.queries import in_fleet_at, visible_vehicles

EXCHANGES = ("antai-declare-vehicles", "antai-fetch-notices", "antai-send-answers")


@dataclass(frozen=True)
class Exchanges:
    """How far the agency knows the actor's fleet, and when each exchange last succeeded."""

    known: int
    waiting: int
    withdrawn: int
    to_declare: list[Vehicle]
    last_runs: dict[str, datetime | None]


def read_exchanges(actor: Actor, session: TenantSession, as_of: datetime, limit: int = 100) -> Exchanges:
    """The state of the exchanges for the actor's fleet; lists at most `limit` vehicles still to declare."""
    vehicles = visible_vehicles(actor)
    waiting = vehicles.where(not_known(as_of))
    return Exchanges(
        known=count_of(session, vehicles.where(in_fleet_at(as_of), ~not_known(as_of))),
        waiting=count_of(session, waiting),
        withdrawn=count_of(session, vehicles.where(Vehicle.antai_withdrawn_at.is_not(None))),
        to_declare=list(session.scalars(waiting.order_by(Vehicle.plate_key, Vehicle.id).limit(limit))),
        last_runs=_last_runs(),
    )


def not_known(as_of: datetime):
    """Vehicles of the fleet that the agency has not acknowledged: no notice about them can come in (C4.3-b)."""
    unknown = or_(Vehicle.antai_acknowledged_at.is_(None), Vehicle.antai_withdrawn_at.is_not(None))
    return and_(in_fleet_at(as_of), unknown)


def _last_runs() -> dict[str, datetime | None]:
    with platform_session("derniers échanges avec l’ANTAI") as session:
        states = session.scalars(select(JobState).where(JobState.name.in_(EXCHANGES)))
        found = {state.name: state.last_finished_at for state in states}
    return {name: found.get(name) for name in EXCHANGES}
