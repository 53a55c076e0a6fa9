"""What the rows of a workbook would change in the fleet as it is: a pure comparison."""

from datetime import datetime
from zoneinfo import ZoneInfo

from eprunes.fleet.importing.assignments import plan_assignments
from eprunes.fleet.importing.closings import plan_closings
from eprunes.fleet.importing.drivers import plan_drivers, untouched_drivers
from eprunes.fleet.importing.ledger import Context
from eprunes.fleet.importing.parsing import Parsed
from eprunes.fleet.importing.plan import Closing, Existing, Plan
from eprunes.fleet.importing.vehicles import plan_vehicles, untouched_vehicles


def plan_import(
    parsed: Parsed, existing: Existing, zone: ZoneInfo, as_of: datetime, closing: Closing | None = None
) -> Plan:
    """The whole plan. The parsed rows are left as they were: they can be planned again.

    With a closing, `existing` was loaded for it.
    """
    plan = Plan(notes=list(parsed.notes), warnings=list(parsed.warnings))
    plan.places_used, plan.places_allowed = existing.places_used, existing.places_allowed
    context = Context(existing, plan, zone, as_of)
    sheets = {name: sheet.copy() for name, sheet in parsed.sheets.items()}
    vehicles = plan_vehicles(sheets["vehicles"], context) if "vehicles" in sheets else untouched_vehicles(context)
    plan_closings(parsed, context, closing, vehicles)
    drivers = plan_drivers(sheets["drivers"], context) if "drivers" in sheets else untouched_drivers(context)
    plan_assignments(sheets.get("assignments"), context, vehicles, drivers)
    order = {one.title: place for place, one in enumerate(plan.counts.values())}
    for told in (plan.problems, plan.remarks, plan.changes):
        told.sort(key=lambda one: (order[one.sheet], one.line))
    return plan
