"""The three sheets of an export: the columns that the import reads, then some for people to read.

What was exported can be imported again and changes nothing. Hours are naive and local to the organisation; a
midnight is written as a day, the last one where something ends.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.spreadsheets.writing import Cell, Sheet
from eprunes.fleet.driver_search import DriverSearch, sort_key
from eprunes.fleet.importing.cells import LABELS
from eprunes.fleet.importing.columns import ASSIGNMENTS, DRIVERS, VEHICLES, SheetKind
from eprunes.fleet.local_times import typed_end, typed_start
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import DriverName, contents_of, has_words, name_of, named, words_of
from eprunes.fleet.queries import holding_at, visible_drivers

_CHOSEN = ("holding", "energy", "is_pool", "left_because")
_DATES_IN_BOX = ("birth_date", "licence_issued_on")


def vehicles_sheet(session: TenantSession, actor: Actor, query: Select[tuple[Vehicle]], as_of: datetime) -> Sheet:
    """The vehicles of a query, in its order, with who holds them at an instant."""
    names = _fields(VEHICLES)
    starts, ends, choices = names.index("entered_at"), names.index("left_at"), [names.index(one) for one in _CHOSEN]
    drivers, zone, rows = _names(session, actor), actor.zone, []
    for *values, declared_at, driver_id in session.execute(_with_holder(query, names, as_of)):
        values[starts] = start_cell(values[starts], zone)
        values[ends] = end_cell(values[ends], zone)
        for place in choices:
            values[place] = LABELS.get(values[place])
        more = (drivers[driver_id].name, drivers[driver_id].staff_number) if driver_id else (None, None)
        rows.append([*_filled(values), *more, start_cell(declared_at, zone)])
    return Sheet(VEHICLES.title, _headings(VEHICLES), rows)


def drivers_sheet(session: TenantSession, actor: Actor, query: Select[tuple[Driver]], search: DriverSearch) -> Sheet:
    """The drivers of a query that the words of a search find, in its order; erased ones are left out."""
    facts = query.with_only_columns(Driver.id, Driver.kind, Driver.left_on, Driver.is_designable)
    known = {driver_id: values for driver_id, *values in session.execute(facts)}
    words, by, rows = words_of(search.text), sort_key(search), []
    for driver_id, staff_number, content in contents_of(session, actor, query):
        name = name_of(driver_id, staff_number, content)
        if content and has_words(name, words):
            rows.append((by(name), _driver_line(staff_number, content, *known[driver_id])))
    lines = [line for _, line in sorted(rows, key=lambda row: row[0])]
    return Sheet(DRIVERS.title, _headings(DRIVERS), lines)


def assignments_sheet(session: TenantSession, actor: Actor, query: Select[tuple[Assignment]]) -> Sheet:
    """The assignments of a query, in its order."""
    drivers, zone = _names(session, actor), actor.zone
    columns = (Assignment.driver_id, Assignment.starts_at, Assignment.ends_at)
    columns += (Vehicle.plate, Vehicle.country, Vehicle.make, Vehicle.model)
    same_vehicle = and_(Vehicle.organisation_id == Assignment.organisation_id, Vehicle.id == Assignment.vehicle_id)
    query = query.with_only_columns(*columns).join(Vehicle, same_vehicle)
    rows = []
    for driver_id, starts_at, ends_at, plate, country, make, model in session.execute(query):
        driver, period = drivers[driver_id], (start_cell(starts_at, zone), end_cell(ends_at, zone))
        rows.append([plate, country, driver.staff_number, *period, driver.name, f"{make} {model}".strip()])
    return Sheet(ASSIGNMENTS.title, _headings(ASSIGNMENTS), rows)


def start_cell(value: datetime | None, zone: ZoneInfo) -> Cell:
    """A local hour, or a day when something starts with it."""
    return _cell(typed_start(value, zone))


def end_cell(value: datetime | None, zone: ZoneInfo) -> Cell:
    """A local hour, or the last day of what ends at midnight."""
    return _cell(typed_end(value, zone))


def _driver_line(
    staff_number: str | None, content: dict, kind: str, left_on: date | None, is_designable: bool
) -> list[Cell]:
    values = content | {"staff_number": staff_number, "kind": LABELS[kind], "left_on": left_on}
    for name in _DATES_IN_BOX:
        values[name] = date.fromisoformat(values[name]) if values.get(name) else None
    return [*_filled([values.get(name) for name in _fields(DRIVERS)]), "Oui" if is_designable else "Non"]


def _cell(typed: tuple) -> Cell:
    day, hour = typed
    return day if hour is None else datetime.combine(day, hour.replace(microsecond=0))


def _with_holder(query: Select[tuple[Vehicle]], names: list[str], as_of: datetime) -> Select:
    """These columns of the vehicles, when they were declared, and the id of who holds them at an instant."""
    columns = [getattr(Vehicle, name) for name in names]
    chosen = query.with_only_columns(*columns, Vehicle.antai_declared_at, Assignment.driver_id)
    return chosen.select_from(Vehicle).outerjoin(Assignment, holding_at(as_of))


def _names(session: TenantSession, actor: Actor) -> dict[UUID, DriverName]:
    return {one.id: one for one in named(session, actor, visible_drivers(actor))}


def _fields(kind: SheetKind) -> list[str]:
    return [column.name for column in kind.columns]


def _headings(kind: SheetKind) -> list[str]:
    return [*(column.heading for column in kind.columns), *kind.exported]


def _filled(values: Sequence) -> list:
    """Nothing rather than an empty text, so that the cell is empty."""
    return [None if value == "" else value for value in values]
