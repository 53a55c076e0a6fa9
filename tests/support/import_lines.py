"""Workbooks of people and vehicles as the tests of imports type them, and a fleet that is stored already."""

from datetime import datetime
from uuid import UUID, uuid4

from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.importing.plan import Existing, StoredAssignment, StoredDriver, StoredVehicle
from tests.support.fleet_files import (
    DRIVER,
    OTHER_DRIVER,
    OTHER_VEHICLE,
    VEHICLE,
    paris,
)

PEOPLE = {"vehicles": [VEHICLE, OTHER_VEHICLE], "drivers": [DRIVER, OTHER_DRIVER]}
VEHICLE_ID, DRIVER_ID, OTHER_ID, ASSIGNMENT_ID = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone
EVENING = datetime(2026, 1, 9, 18)  # noqa: DTZ001


def stored_fleet(
    *, ends_at: datetime | None = None, left_at: datetime | None = None, used: int = 1, allowed: int = 100
) -> Existing:
    """One vehicle held by Caroline from 5 January 2026 08:00, two drivers."""
    values = {
        "make": "Renault",
        "model": "Clio",
        "category": "VP",
        "vin": None,
        "first_registered_on": None,
        "holding": "lld",
        "site": "Lyon",
        "formula_number": "",
        "energy": "",
        "co2_g_per_km": None,
        "registered_to": "",
        "lessor": "",
        "cost_centre": "",
        "is_pool": False,
        "entered_at": paris(2025, 1, 1),
        "left_at": left_at,
        "left_because": None,
    }
    names = {"E1": DriverDetails(last_name="Dumas", first_name="Caroline", postcode="75001", city="Paris"),
             "E2": DriverDetails(last_name="Marin", first_name="Daniel")}  # fmt: skip
    drivers = {
        number: StoredDriver(driver_id, number, "prepose", None, uuid4(), names[number])
        for number, driver_id in (("E1", DRIVER_ID), ("E2", OTHER_ID))
    }
    return Existing(
        {("FR", "AB123CD"): StoredVehicle(VEHICLE_ID, ("FR", "AB123CD"), "AB-123-CD", values, True)},
        drivers,
        [StoredAssignment(ASSIGNMENT_ID, VEHICLE_ID, DRIVER_ID, paris(2026, 1, 5, 8), ends_at)],
        lambda driver_id: {DRIVER_ID: "DUMAS Caroline (E1)", OTHER_ID: "MARIN Daniel (E2)"}.get(driver_id, "Léa"),
        used,
        allowed,
    )
