"""The notices of one vehicle: the page that this room adds to those of a vehicle."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.fines.models import Notice
from eprunes.fines.notice_rows import Row, rows_of
from eprunes.fines.queries import visible_notices
from eprunes.fleet.models import Vehicle
from eprunes.fleet.queries import find_vehicle


@dataclass(frozen=True)
class VehicleNotices:
    """A vehicle and a page of its notices, the newest offence first; how many there are in all."""

    vehicle: Vehicle
    page: Page
    rows: list[Row]
    found: int


def read_vehicle_notices(
    session: TenantSession, actor: Actor, vehicle_id: UUID, cursor: str, as_of: datetime
) -> VehicleNotices | None:
    """Those notices of a vehicle that the actor may see now (C4.3-e, C4.3-f); None without the vehicle's page."""
    vehicle = find_vehicle(session, actor, vehicle_id)
    if vehicle is None:
        return None
    query = visible_notices(actor, as_of).where(Notice.vehicle_id == vehicle_id)
    page = read_page(session, query, Notice, ("offence_at",), cursor=cursor, descending=True)
    return VehicleNotices(vehicle, page, rows_of(session, page.rows, as_of), count_of(session, query))
