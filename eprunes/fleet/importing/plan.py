"""What an import would do, as a value: lines created, changed, unchanged and refused, and the acts themselves."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import orjson

from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.importing.parsing import Problem
from eprunes.fleet.models import VehicleAbsence

VehicleKey = tuple[str, str]
"""Country and match key of a plate."""
Person = tuple[str, str, date | None]
"""Last name, first name and birth date, as drivers without a staff number are matched."""


@dataclass(frozen=True)
class StoredVehicle:
    """A vehicle as it is; `values` holds its columns that a workbook can change."""

    id: UUID
    key: VehicleKey
    plate: str
    values: dict[str, object]
    counts_in_quota: bool


@dataclass(frozen=True)
class StoredDriver:
    """A driver as it is; `details` is None when they can't be read any more."""

    id: UUID
    staff_number: str | None
    kind: str
    left_on: date | None
    key_id: UUID
    details: DriverDetails | None


@dataclass(frozen=True)
class StoredAssignment:
    """An assignment as it is."""

    id: UUID
    vehicle_id: UUID
    driver_id: UUID
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class Existing:
    """What the fleet holds of what a workbook speaks of.

    `drivers` are by the key of their staff number, or of their id without one; `persons` gives these keys by name
    and birth date, where the workbook has a line without a staff number. `assignments` are those of the vehicles
    and the departing drivers that it names. `name_of` gives a driver a name that people recognise,
    `absences` says when vehicles were out of the fleet and came back.
    """

    vehicles: dict[VehicleKey, StoredVehicle]
    drivers: dict[str, StoredDriver]
    assignments: list[StoredAssignment]
    name_of: Callable[[UUID], str]
    places_used: int
    places_allowed: int
    persons: dict[Person, list[str]] = field(default_factory=dict)
    absences: Mapping[UUID, Sequence[VehicleAbsence]] = field(default_factory=dict)


@dataclass(frozen=True)
class VehicleAct:
    """Write a vehicle: a new one when `id` is None, else all its columns anew."""

    id: UUID | None
    key: VehicleKey
    plate: str
    values: dict[str, object]
    counts_in_quota: bool


@dataclass(frozen=True)
class DriverAct:
    """Write a driver: a new one when `id` and `key_id` are None, else the whole row anew."""

    id: UUID | None
    key_id: UUID | None
    staff_number: str | None
    kind: str
    left_on: date | None
    details: DriverDetails


@dataclass(frozen=True)
class AssignmentAct:
    """Add an assignment; the vehicle, and a driver whose `driver_id` is None, are among those added by the plan
    or stored under these keys."""

    vehicle: VehicleKey
    driver: str
    driver_id: UUID | None
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class EndAct:
    """Move the end of a stored assignment, from where it was."""

    id: UUID
    before: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Change:
    """One field that an accepted line changes, for people to check; whose it is: a plate, a person or both."""

    sheet: str
    line: int
    country: str
    plate: str
    person: str
    heading: str
    before: str
    after: str


@dataclass(frozen=True)
class Created:
    """What a line adds, for people to check: a plate, a person or both, and a few words more."""

    line: int
    country: str
    plate: str
    person: str
    text: str


@dataclass(frozen=True)
class Closing:
    """What people ask for the vehicles that the file does not have: out of the fleet, when and why."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Missing:
    """A vehicle of the fleet that the file does not have; `refusal` says why it can't leave as asked."""

    country: str
    plate: str
    name: str
    refusal: str


@dataclass
class SheetCounts:
    """How many lines of a sheet were read, and what becomes of them."""

    title: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def lines(self) -> int:
        return self.created + self.changed + self.unchanged + self.refused


@dataclass
class Plan:
    """The whole import.

    `remarks` are about lines that are accepted as they stand, `warnings` about whole sheets. `created` has the first
    new lines of each sheet, by its kind's name. `places` is how many more vehicles it would count
    in the quota (negative: fewer). `ends` are in the order in which they must be written: those that make room
    first. `missing` are the vehicles that the file does not have, `closing` what was asked for them, and
    `closed_holds` how many assignments that ends; `unreadable_plates` counts the lines that may be about some of them.
    """

    counts: dict[str, SheetCounts] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    created: dict[str, list[Created]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    vehicles: list[VehicleAct] = field(default_factory=list)
    drivers: list[DriverAct] = field(default_factory=list)
    ends: list[EndAct] = field(default_factory=list)
    assignments: list[AssignmentAct] = field(default_factory=list)
    places: int = 0
    places_used: int = 0
    places_allowed: int = 0
    missing: list[Missing] = field(default_factory=list)
    unreadable_plates: int = 0
    closing: Closing | None = None
    closed_holds: int = 0

    @property
    def closed(self) -> int:
        """How many of the missing vehicles leave."""
        return sum(not one.refusal for one in self.missing) if self.closing else 0

    @property
    def is_over_quota(self) -> bool:
        return self.places > 0 and self.places_used + self.places > self.places_allowed

    @property
    def is_empty(self) -> bool:
        """True when applying it would write nothing."""
        return not (self.vehicles or self.drivers or self.ends or self.assignments)

    @property
    def new_drivers(self) -> int:
        return sum(act.id is None for act in self.drivers)

    def digest(self) -> str:
        """The same for two plans that change the same, from the same, and say the same of the same lines."""
        content = [self.vehicles, self.drivers, self.ends, self.assignments, self.places]
        content += [self.changes, self.problems, self.remarks]
        content += [self.missing] if self.closing else []
        return hashlib.sha256(orjson.dumps(content, default=str)).hexdigest()
