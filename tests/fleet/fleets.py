"""Fleets for tests and measures: single vehicles and drivers by name, or thousands of rows at once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, update

from eprunes.accounts.models import OrderForm, VehicleCount
from eprunes.core.crypto import key_store
from eprunes.core.database import new_id, tenant_session
from eprunes.fleet.driver_details import KEY_PURPOSE, DriverDetails, missing_for_designation, seal_details
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.services import drivers, vehicles
from eprunes.fleet.vehicle_rules import VehicleDetails
from tests.support.worlds import AS_OF, World, actor

ENTERED = datetime(2025, 1, 1, 0, 0, tzinfo=UTC)
LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"
FIRST_NAMES = ("Caroline", "Émile", "Inès", "Thibault", "Daniel", "Nathalie", "Anne-Sophie", "Loïc")
LAST_NAMES = ("Dumas", "Perrin", "Marin", "Parent", "Lefèvre", "Le Goff", "Saint-Jean", "Maurice", "Étienne")
MAKES = (("Renault", "Trafic"), ("Citroën", "ë-C4"), ("Peugeot", "208"), ("Toyota", "Yaris"))
SITES = ("Lille", "Lyon", "Nantes", "Siège Paris", "Toulouse")

COMPLETE = DriverDetails(
    civility="Mme",
    last_name="Dumas",
    first_name="Caroline",
    birth_date=date(1974, 12, 29),
    address_line="12 rue Perrin",
    postcode="84104",
    city="Orange",
    licence_number="269134022100",
    licence_issued_on=date(2000, 6, 14),
)


def add_vehicle(world: World, plate: str = "AB-123-CD", *, as_of: datetime = AS_OF, **details) -> UUID:
    """One vehicle, in the fleet since ENTERED unless told."""
    filled = VehicleDetails(plate=plate, **{"entered_at": ENTERED, **details})
    return vehicles.add_vehicle(actor=actor(world.fleet), details=filled, as_of=as_of)


def add_driver(world: World, last_name: str = "Dumas", staff_number: str | None = None, **details) -> UUID:
    """One driver, ready to be designated unless told."""
    filled = replace(COMPLETE, last_name=last_name, **details)
    return drivers.add_driver(actor=actor(world.fleet), details=filled, staff_number=staff_number, as_of=AS_OF)


def plate_number(index: int) -> str:
    """The index-th French plate: `AA-001-AA`, ..."""
    letters, number = divmod(index, 999)
    high, low = divmod(letters, len(LETTERS))
    return f"{LETTERS[high % 23]}{LETTERS[low]}-{number + 1:03}-A{LETTERS[high // 23]}"


def fill(world: World, *, vehicle_count: int, driver_count: int, as_of: datetime = AS_OF) -> None:
    """Thousands of vehicles and drivers; two assignments a vehicle, the second running, one vehicle in ten free."""
    organisation_id = world.organisation_id
    driver_rows = _drivers(organisation_id, driver_count, as_of)
    vehicle_rows = [_vehicle(organisation_id, index, as_of) for index in range(vehicle_count)]
    assignments = [
        row for index, vehicle in enumerate(vehicle_rows) for row in _assignments(vehicle, index, driver_rows, as_of)
    ]
    with tenant_session(organisation_id, write=True) as session:
        owner = OrderForm.organisation_id == organisation_id
        session.execute(update(OrderForm).where(owner).values(vehicle_quota=vehicle_count + 10))
        mine = VehicleCount.organisation_id == organisation_id
        session.execute(update(VehicleCount).where(mine).values(used=vehicle_count))
        for table, rows in ((Vehicle, vehicle_rows), (Driver, driver_rows), (Assignment, assignments)):
            if rows:
                session.execute(insert(table), rows)


def _vehicle(organisation_id: UUID, index: int, as_of: datetime) -> dict:
    make, model = MAKES[index % len(MAKES)]
    plate = plate_number(index)
    return {
        "organisation_id": organisation_id,
        "id": new_id(),
        "country": "FR",
        "plate": plate,
        "plate_key": plate.replace("-", ""),
        "make": make,
        "model": model,
        "category": "VP",
        "vin": f"VF1AAAAAA{index:08}",
        "holding": "lld",
        "site": SITES[index % len(SITES)],
        "entered_at": ENTERED,
        "antai_declared_at": ENTERED + timedelta(days=1) if index % 9 else None,
        "antai_acknowledged_at": ENTERED + timedelta(days=1) if index % 9 else None,
        "created_at": as_of,
    }


def _drivers(organisation_id: UUID, count: int, as_of: datetime) -> list[dict]:
    keys = key_store().create_keys(organisation_id, KEY_PURPOSE, as_of, count)
    return [_driver(organisation_id, index, key_id, key, as_of) for index, (key_id, key) in enumerate(keys)]


def _driver(organisation_id: UUID, index: int, key_id: UUID, key: bytes, as_of: datetime) -> dict:
    details = replace(
        COMPLETE,
        last_name=LAST_NAMES[index % len(LAST_NAMES)] + (f" {LETTERS[index % 23]}" if index > 500 else ""),
        first_name=FIRST_NAMES[index % len(FIRST_NAMES)],
        licence_number="" if index % 10 == 0 else f"{index:012}",
    )
    driver_id = new_id()
    return {
        "organisation_id": organisation_id,
        "id": driver_id,
        "staff_number": f"E{1000 + index}",
        "kind": "prepose",
        "is_designable": not missing_for_designation(details),
        "key_id": key_id,
        "box": seal_details(key, organisation_id, driver_id, details),
        "created_at": as_of,
    }


def _assignments(vehicle: dict, index: int, driver_rows: list[dict], as_of: datetime) -> list[dict]:
    if index % 10 == 0 or not driver_rows:
        return []
    change = ENTERED + timedelta(days=90, hours=7)
    spans = ((ENTERED, change), (change, None))
    return [
        {
            "organisation_id": vehicle["organisation_id"],
            "id": new_id(),
            "vehicle_id": vehicle["id"],
            "driver_id": driver_rows[(index + step) % len(driver_rows)]["id"],
            "starts_at": starts_at,
            "ends_at": ends_at,
            "created_at": as_of,
        }
        for step, (starts_at, ends_at) in enumerate(spans)
    ]
