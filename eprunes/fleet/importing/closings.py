"""The vehicles of the fleet that a workbook does not have: always told, taken out only when people ask. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from eprunes.fleet.importing.ledger import Context, end_text, moment_text
from eprunes.fleet.importing.parsing import Parsed
from eprunes.fleet.importing.plan import Closing, Missing, StoredAssignment, StoredVehicle, VehicleAct, VehicleKey
from eprunes.fleet.importing.vehicles import VehiclesOutcome, has_left


def missing_vehicles(
    parsed: Parsed, vehicles: Mapping[VehicleKey, StoredVehicle], as_of: datetime
) -> list[StoredVehicle]:
    """The vehicles still in the fleet that no sheet of the workbook names, by plate.

    None for a workbook that names no vehicle on a sheet of vehicles: it says nothing about which there are.
    """
    of_vehicles = _plates(parsed, "vehicles")
    if not of_vehicles:
        return []
    named = of_vehicles | _plates(parsed, "assignments")
    found = [one for key, one in vehicles.items() if key not in named and not has_left(one, as_of)]
    return sorted(found, key=lambda one: one.key)


def plan_closings(parsed: Parsed, context: Context, closing: Closing | None, vehicles: VehiclesOutcome) -> None:
    """Tell the missing vehicles in the plan; with a closing, add the exits that single pages would admit too."""
    plan, held = context.plan, defaultdict(list)
    for one in context.existing.assignments:
        held[one.vehicle_id].append(one)
    lines = parsed.sheets["vehicles"].rows if "vehicles" in parsed.sheets else []
    plan.closing, plan.unreadable_plates = closing, sum("plate" not in row.values for row in lines)
    for stored in missing_vehicles(parsed, context.existing.vehicles, context.as_of):
        refusal = _refusal(stored, held[stored.id], closing, context) if closing else ""
        name = f"{stored.values['make']} {stored.values['model']}".strip()
        plan.missing.append(Missing(stored.key[0], stored.plate, name, refusal))
        if closing and not refusal:
            _close(stored, closing, context, vehicles)


def _refusal(stored: StoredVehicle, held: list[StoredAssignment], closing: Closing, context: Context) -> str:
    """Why a vehicle can't leave at that instant; empty when it can."""
    zone, entered_at, left_at = context.zone, stored.values["entered_at"], stored.values["left_at"]
    if left_at is not None:
        return f"Sa sortie est déjà prévue le {end_text(left_at, zone)}\u00a0: passez par sa fiche."
    if closing.at <= entered_at:
        return f"Ce véhicule est entré dans le parc le {moment_text(entered_at, zone)}."
    absences = context.existing.absences.get(stored.id)
    if absences and closing.at <= absences[-1].back_at:
        return f"Ce véhicule est revenu dans le parc le {moment_text(absences[-1].back_at, zone)}."
    late = min((one.starts_at for one in held if one.starts_at >= closing.at), default=None)
    return f"Une attribution commence le {moment_text(late, zone)}\u00a0: supprimez-la d’abord." if late else ""


def _close(stored: StoredVehicle, closing: Closing, context: Context, vehicles: VehiclesOutcome) -> None:
    plan, counts = context.plan, closing.at > context.as_of
    values = stored.values | {"left_at": closing.at, "left_because": closing.reason}
    plan.vehicles.append(VehicleAct(stored.id, stored.key, stored.plate, values, counts))
    plan.places += counts - stored.counts_in_quota
    vehicles.presence[stored.key] = stored.values["entered_at"], closing.at
    vehicles.closings[stored.id] = closing.at


def _plates(parsed: Parsed, sheet: str) -> set[VehicleKey]:
    rows = parsed.sheets[sheet].rows if sheet in parsed.sheets else []
    plates = (row.values["plate"] for row in rows if "plate" in row.values)
    return {(plate.country, plate.key) for plate in plates}
