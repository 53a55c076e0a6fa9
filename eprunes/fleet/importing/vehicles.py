"""What the lines of the sheet « Véhicules » would do. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from eprunes.fleet.importing.ledger import Context, Ledger, Whose, end_text, moment_text
from eprunes.fleet.importing.parsing import Row, Sheet
from eprunes.fleet.importing.plan import StoredAssignment, StoredVehicle, VehicleAct, VehicleKey
from eprunes.fleet.models import Holding

_EMPTY: dict[str, object] = {
    "make": "",
    "model": "",
    "category": "",
    "vin": None,
    "first_registered_on": None,
    "holding": Holding.OWNED.value,
    "site": "",
    "formula_number": "",
    "energy": "",
    "co2_g_per_km": None,
    "registered_to": "",
    "lessor": "",
    "cost_centre": "",
    "is_pool": False,
    "entered_at": None,
    "left_at": None,
    "left_because": None,
}
FIELDS = tuple(_EMPTY)


@dataclass
class VehiclesOutcome:
    """The presence of every vehicle once the sheet is applied; the lines that were refused, by plate; the
    lines by which stored vehicles leave, and when; those that leave because the file does not have them."""

    presence: dict[VehicleKey, tuple[datetime, datetime | None]]
    refused: dict[VehicleKey, int] = field(default_factory=dict)
    exits: dict[UUID, tuple[datetime, int]] = field(default_factory=dict)
    closings: dict[UUID, datetime] = field(default_factory=dict)


def untouched_vehicles(context: Context) -> VehiclesOutcome:
    """The outcome of a workbook without vehicles."""
    stored = context.existing.vehicles
    return VehiclesOutcome({key: (one.values["entered_at"], one.values["left_at"]) for key, one in stored.items()})


def plan_vehicles(sheet: Sheet, context: Context) -> VehiclesOutcome:
    """Add the sheet's acts, counts and problems to the plan."""
    outcome, ledger = untouched_vehicles(context), Ledger(sheet, context)
    held = _by_vehicle(context.existing.assignments)
    first_lines: dict[VehicleKey, int] = {}
    for row in sheet.rows:
        key = _key(row)
        first_line = first_lines.setdefault(key, row.line) if key else row.line
        if first_line != row.line:
            ledger.note(row, f"Doublon\u00a0: cette immatriculation est déjà à la ligne {first_line}.", "plate")
        stored = context.existing.vehicles.get(key)
        values = _merged(row, stored)
        _check(ledger, row, values)
        if stored:
            _check_presence(ledger, row, values, stored, held[stored.id])
        if row.problems:
            ledger.refused(row)
            if key:
                outcome.refused.setdefault(key, row.line)
        else:
            outcome.presence[key] = (values["entered_at"], values["left_at"])
            if "first_registered_on" in row.values and values["first_registered_on"] > context.today:
                ledger.remark(row, "Cette date est dans le futur.", "first_registered_on")
            _accept(ledger, row, values, stored, outcome)
    return outcome


def _key(row: Row) -> VehicleKey | None:
    plate = row.values.get("plate")
    return (plate.country, plate.key) if plate else None


def _merged(row: Row, stored: StoredVehicle | None) -> dict[str, object]:
    given = {name: value for name, value in row.values.items() if name in _EMPTY}
    for name in ("entered_at", "left_at"):
        if name in given:
            given[name], _ = given[name]
    return {**(stored.values if stored else _EMPTY), **given}


def _check(ledger: Ledger, row: Row, values: dict) -> None:
    entered_at, left_at = values["entered_at"], values["left_at"]
    if entered_at is None:
        ledger.note(row, "Indiquez depuis quand ce véhicule est dans le parc.", "entered_at")
    elif left_at and left_at <= entered_at:
        ledger.note(row, "La sortie du parc doit être après l’entrée.", "left_at")
    if values["left_because"] and left_at is None:
        ledger.note(row, "Indiquez aussi la date de sortie.", "left_because")


def _check_presence(
    ledger: Ledger, row: Row, values: dict, stored: StoredVehicle, held: list[StoredAssignment]
) -> None:
    """Stored assignments must still begin while the vehicle is there; those that last longer are cut later."""
    entered_at, left_at, zone = values["entered_at"], values["left_at"], ledger.context.zone
    if has_left(stored, ledger.context.as_of) and left_at != stored.values["left_at"]:
        gone = end_text(stored.values["left_at"], zone)
        ledger.note(row, f"Ce véhicule a déjà quitté le parc le {gone}\u00a0: passez par sa fiche.", "left_at")
        return
    absences = ledger.context.existing.absences.get(stored.id)
    if absences and entered_at >= absences[0].left_at:
        ledger.note(row, f"Ce véhicule est sorti avant, le {end_text(absences[0].left_at, zone)}.", "entered_at")
    if absences and left_at and left_at <= absences[-1].back_at:
        back = moment_text(absences[-1].back_at, zone)
        ledger.note(row, f"Ce véhicule est revenu dans le parc le {back}\u00a0: indiquez une sortie après.", "left_at")
    early = min((one.starts_at for one in held if one.starts_at < entered_at), default=None)
    if early and entered_at != stored.values["entered_at"]:
        start = moment_text(early, zone)
        ledger.note(row, f"Une attribution enregistrée commence avant, le {start}.", "entered_at")
    late = min((one.starts_at for one in held if left_at and one.starts_at >= left_at), default=None)
    if late and left_at != stored.values["left_at"]:
        sentence = f"Une attribution commence après, le {moment_text(late, zone)}\u00a0: supprimez-la d’abord."
        ledger.note(row, sentence, "left_at")


def _accept(ledger: Ledger, row: Row, values: dict, stored: StoredVehicle | None, outcome: VehiclesOutcome) -> None:
    plan, plate = ledger.context.plan, row.values["plate"]
    if stored is None:
        counts = _is_to_stay(values["left_at"], ledger.context.as_of)
        plan.vehicles.append(VehicleAct(None, _key(row), plate.display, values, counts))
        plan.places += counts
        texts = (f"{values['make']} {values['model']}".strip(), values["site"])
        ledger.created(row, Whose(plate.country, plate.display), ", ".join(filter(None, texts)))
        return
    changed = [name for name in FIELDS if values[name] != stored.values[name]]
    if not changed:
        ledger.counts.unchanged += 1
        return
    counts = stored.counts_in_quota
    if "left_at" in changed:
        counts = _is_to_stay(values["left_at"], ledger.context.as_of)
        outcome.exits[stored.id] = values["left_at"], row.line
    plan.vehicles.append(VehicleAct(stored.id, stored.key, stored.plate, values, counts))
    plan.places += counts - stored.counts_in_quota
    ledger.counts.changed += 1
    for name in changed:
        ledger.changed(row, Whose(stored.key[0], stored.plate), name, stored.values[name], values[name])


def has_left(stored: StoredVehicle, as_of: datetime) -> bool:
    """True once a vehicle is no longer in the fleet."""
    return not _is_to_stay(stored.values["left_at"], as_of)


def _is_to_stay(left_at: datetime | None, as_of: datetime) -> bool:
    """A vehicle takes a place of the order form until it has left."""
    return left_at is None or left_at > as_of


def _by_vehicle(assignments: list[StoredAssignment]) -> dict[UUID, list[StoredAssignment]]:
    found: dict[UUID, list[StoredAssignment]] = defaultdict(list)
    for assignment in assignments:
        found[assignment.vehicle_id].append(assignment)
    return found
