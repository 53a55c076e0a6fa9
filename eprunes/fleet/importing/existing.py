"""Loads from the fleet what a workbook speaks of, for the planning to compare with."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, select

from eprunes.accounts import quota
from eprunes.core.chunks import chunks
from eprunes.core.crypto import open_box
from eprunes.core.database import TenantSession
from eprunes.fleet.driver_details import TABLE, DriverDetails, from_json
from eprunes.fleet.importing.closings import missing_vehicles
from eprunes.fleet.importing.drivers import driver_key, driver_label, keys_of_line, persons_of, unnumbered_key
from eprunes.fleet.importing.parsing import Parsed
from eprunes.fleet.importing.plan import Existing, Person, StoredAssignment, StoredDriver, StoredVehicle, VehicleKey
from eprunes.fleet.importing.vehicles import FIELDS
from eprunes.fleet.models import Assignment, Driver, Vehicle, VehicleAbsence

ERASED = "un conducteur dont les données sont effacées"


def load_existing(
    session: TenantSession,
    parsed: Parsed,
    keys: dict[UUID, bytes],
    as_of: datetime,
    *,
    for_closing: bool = False,
    lock: bool = False,
) -> Existing:
    """What the fleet holds now. `keys` are the drivers' keys; `lock` keeps the vehicles as they are until the
    transaction ends; `for_closing` adds what vehicles that the workbook does not have hold. The result's `name_of`
    reads from the session."""
    vehicles = _vehicles(session, lock)
    drivers = _drivers(session, parsed, keys)
    persons = persons_of(drivers) if _has_unnumbered(parsed) else {}
    used, allowed = quota.usage(session, as_of)
    closed = [one.id for one in missing_vehicles(parsed, vehicles, as_of)] if for_closing else []
    assignments = _assignments(session, parsed, vehicles, drivers, persons, closed)
    naming, absences = _naming(session, keys), _absences(session)
    return Existing(vehicles, drivers, assignments, naming, used, allowed, persons, absences)


def _vehicles(session: TenantSession, lock: bool) -> dict[VehicleKey, StoredVehicle]:
    columns = (Vehicle.id, Vehicle.country, Vehicle.plate_key, Vehicle.plate, Vehicle.counts_in_quota)
    query = select(*columns, *(getattr(Vehicle, name) for name in FIELDS)).where(
        Vehicle.organisation_id == session.organisation_id
    )
    if lock:
        query = query.order_by(Vehicle.id).with_for_update()
    return {
        (country, key): StoredVehicle(vehicle_id, (country, key), plate, dict(zip(FIELDS, values, strict=True)), counts)
        for vehicle_id, country, key, plate, counts, *values in session.execute(query)
    }


def _drivers(session: TenantSession, parsed: Parsed, keys: dict[UUID, bytes]) -> dict[str, StoredDriver]:
    """Every driver by key; the details of those whom the workbook names, or of all when it has lines without a staff
    number, or new drivers, who may be known under another one."""
    query = select(Driver.id, Driver.staff_number, Driver.kind, Driver.left_on, Driver.key_id).where(
        Driver.organisation_id == session.organisation_id
    )
    rows = {_key(row): row for row in session.execute(query)}
    in_file = {driver_key(number) for number in _column(parsed, "drivers", "staff_number")}
    are_all_wanted = _has_unnumbered(parsed) or not in_file <= rows.keys()
    wanted = rows.values() if are_all_wanted else [row for key, row in rows.items() if key in in_file]
    details = _details(session, wanted, keys)
    return {key: StoredDriver(*row, details=details.get(row.id)) for key, row in rows.items()}


def _key(row: Row) -> str:
    return driver_key(row.staff_number) if row.staff_number else unnumbered_key(row.id)


def _has_unnumbered(parsed: Parsed) -> bool:
    return "drivers" in parsed.sheets and any("staff_number" not in row.values for row in parsed.sheets["drivers"].rows)


def _details(session: TenantSession, wanted: Iterable[Row], keys: dict[UUID, bytes]) -> dict[UUID, DriverDetails]:
    key_ids = {row.id: row.key_id for row in wanted}
    details = {}
    for chunk in chunks(key_ids):
        for driver_id, box in session.execute(_boxes(session, chunk)):
            if key := keys.get(key_ids[driver_id]):
                content = open_box(key, session.organisation_id, TABLE, driver_id, box)
                details[driver_id] = from_json(content)
    return details


def _boxes(session: TenantSession, driver_ids: list[UUID]) -> Select:
    return select(Driver.id, Driver.box).where(
        Driver.organisation_id == session.organisation_id, Driver.id.in_(driver_ids)
    )


def _assignments(
    session: TenantSession,
    parsed: Parsed,
    vehicles: dict[VehicleKey, StoredVehicle],
    drivers: dict[str, StoredDriver],
    persons: dict[Person, list[str]],
    closed: list[UUID],
) -> list[StoredAssignment]:
    plates = {
        (plate.country, plate.key) for name in ("vehicles", "assignments") for plate in _column(parsed, name, "plate")
    }
    vehicle_ids = [vehicles[key].id for key in plates if key in vehicles] + closed
    lines = parsed.sheets["drivers"].rows if "drivers" in parsed.sheets else []
    named = {key for row in lines if "left_on" in row.values for key in keys_of_line(row.values, persons)}
    leaving = [drivers[key].id for key in named if key in drivers]
    conditions = [Assignment.vehicle_id.in_(chunk) for chunk in chunks(vehicle_ids)]
    conditions += [Assignment.driver_id.in_(chunk) for chunk in chunks(leaving)]
    query = select(
        Assignment.id, Assignment.vehicle_id, Assignment.driver_id, Assignment.starts_at, Assignment.ends_at
    ).where(Assignment.organisation_id == session.organisation_id)
    found = {row.id: row for condition in conditions for row in session.execute(query.where(condition))}
    return [StoredAssignment(*row) for row in sorted(found.values(), key=lambda row: row.id)]


def _absences(session: TenantSession) -> dict[UUID, list[VehicleAbsence]]:
    """Every absence of the fleet by vehicle, oldest first: few, and each may forbid what a line asks for."""
    query = select(VehicleAbsence).where(VehicleAbsence.organisation_id == session.organisation_id)
    found: dict[UUID, list[VehicleAbsence]] = {}
    for row in session.scalars(query.order_by(VehicleAbsence.left_at)):
        found.setdefault(row.vehicle_id, []).append(row)
    return found


def _column(parsed: Parsed, sheet: str, column: str) -> Iterator:
    if sheet in parsed.sheets:
        for row in parsed.sheets[sheet].rows:
            if column in row.values:
                yield row.values[column]


def _naming(session: TenantSession, keys: dict[UUID, bytes]) -> Callable[[UUID], str]:
    names: dict[UUID, str] = {}

    def name_of(driver_id: UUID) -> str:
        if driver_id not in names:
            query = select(Driver.id, Driver.staff_number, Driver.key_id).where(
                Driver.organisation_id == session.organisation_id, Driver.id == driver_id
            )
            row = session.execute(query).one()
            details = _details(session, [row], keys).get(driver_id)
            names[driver_id] = driver_label(details, row.staff_number) if details else ERASED
        return names[driver_id]

    return name_of
