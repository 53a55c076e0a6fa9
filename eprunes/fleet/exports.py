"""The fleet taken out (C7-a): what a list finds, one vehicle's or driver's assignments, or everything.

As an Excel workbook; a list as a CSV file too.
"""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.calendar import local_day
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Sheet, write_csv, write_workbook
from eprunes.fleet.driver_search import EVERYONE, DriverSearch, searched_drivers
from eprunes.fleet.export_sheets import assignments_sheet, drivers_sheet, vehicles_sheet
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.fleet.queries import visible_assignments
from eprunes.fleet.vehicle_filters import EVERY
from eprunes.fleet.vehicle_search import SORTS, VehicleSearch, found_vehicles


def vehicles_workbook(actor: Actor, session: TenantSession, search: VehicleSearch, as_of: datetime) -> bytes:
    """Every vehicle that a search of the list finds, in its order."""
    return _written(actor, [_vehicles(actor, session, search, as_of)], as_of)


def drivers_workbook(actor: Actor, session: TenantSession, search: DriverSearch, as_of: datetime) -> bytes:
    """Every driver that a search of the list finds, in its order."""
    return _written(actor, [_drivers(actor, session, search, as_of)], as_of)


def vehicles_csv(actor: Actor, session: TenantSession, search: VehicleSearch, as_of: datetime) -> bytes:
    """As `vehicles_workbook`, as a CSV file."""
    return _written_as_csv(actor, _vehicles(actor, session, search, as_of), as_of)


def drivers_csv(actor: Actor, session: TenantSession, search: DriverSearch, as_of: datetime) -> bytes:
    """As `drivers_workbook`, as a CSV file."""
    return _written_as_csv(actor, _drivers(actor, session, search, as_of), as_of)


def assignments_workbook(
    actor: Actor,
    session: TenantSession,
    as_of: datetime,
    *,
    vehicle_id: UUID | None = None,
    driver_id: UUID | None = None,
) -> bytes:
    """Every assignment, of one vehicle or of one driver if told, newest first."""
    query = visible_assignments(actor).order_by(Assignment.starts_at.desc(), Assignment.id)
    if vehicle_id is not None:
        query = query.where(Assignment.vehicle_id == vehicle_id)
    if driver_id is not None:
        query = query.where(Assignment.driver_id == driver_id)
    return _written(actor, [assignments_sheet(session, actor, query)], as_of)


def fleet_workbook(actor: Actor, session: TenantSession, as_of: datetime) -> bytes:
    """The whole fleet on the three sheets that the import reads, departed vehicles and drivers included."""
    sheets = [
        _vehicles(actor, session, VehicleSearch(state=EVERY), as_of),
        _drivers(actor, session, DriverSearch(state=EVERYONE), as_of),
        assignments_sheet(session, actor, visible_assignments(actor).order_by(Assignment.starts_at, Assignment.id)),
    ]
    return _written(actor, sheets, as_of)


def _vehicles(actor: Actor, session: TenantSession, search: VehicleSearch, as_of: datetime) -> Sheet:
    sort = SORTS[search.sort]
    keys = [getattr(Vehicle, name) for name in (*sort.keys, "id")]
    order = [key.desc() if sort.descending else key.asc() for key in keys]
    found = found_vehicles(session, actor, search, as_of).order_by(*order)
    return vehicles_sheet(session, actor, found, as_of)


def _drivers(actor: Actor, session: TenantSession, search: DriverSearch, as_of: datetime) -> Sheet:
    today = local_day(as_of, actor.zone)
    return drivers_sheet(session, actor, searched_drivers(actor, search, today), search)


def _written(actor: Actor, sheets: list[Sheet], as_of: datetime) -> bytes:
    content = write_workbook(sheets)
    _trace(actor, sheets, as_of)
    return content


def _written_as_csv(actor: Actor, sheet: Sheet, as_of: datetime) -> bytes:
    content = write_csv(sheet)
    _trace(actor, [sheet], as_of)
    return content


def _trace(actor: Actor, sheets: list[Sheet], as_of: datetime) -> None:
    """That the fleet was taken out, with the number of lines of each sheet."""
    details = {sheet.title: len(sheet.rows) for sheet in sheets}
    with tenant_session(actor.organisation_id, write=True) as trace:
        audit.record(trace, "parc.exporte", as_of=as_of, actor_id=actor.user_id, details=details)
