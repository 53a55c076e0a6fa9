"""From the cells of a recognised sheet to typed rows, each with what is wrong in it. Pure.

A row's `values` hold only the columns that were filled: an empty cell says nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from eprunes.core.spreadsheets.reading import Value
from eprunes.core.spreadsheets.values import as_date, as_text
from eprunes.fleet.importing import cells
from eprunes.fleet.importing.columns import Recognised, SheetKind, Table, column_heading
from eprunes.fleet.plates import FRANCE, parse_plate
from eprunes.fleet.vins import parse_vin

_OF_PLATES: dict[str, cells.Reader] = {"plate": cells.plain_text, "country": cells.country}
# A postcode is read once the driver's country is known.
_READERS: dict[str, dict[str, cells.Reader]] = {
    "vehicles": _OF_PLATES
    | {
        "make": cells.text(40),
        "model": cells.text(60),
        "category": cells.text(20),
        "vin": lambda cell: parse_vin(cells.plain_text(cell)),
        "first_registered_on": as_date,
        "holding": cells.holding,
        "site": cells.text(80),
        "formula_number": cells.formula,
        "energy": cells.energy,
        "co2_g_per_km": cells.co2,
        "registered_to": cells.text(80),
        "lessor": cells.text(80),
        "cost_centre": cells.text(40),
        "is_pool": cells.yes_or_no,
        "left_because": cells.exit_reason,
    },
    "drivers": {
        "staff_number": cells.staff_number,
        "civility": cells.civility,
        "last_name": cells.name,
        "first_name": cells.name,
        "birth_date": as_date,
        "birth_place": cells.plain_text,
        "address_inside": cells.plain_text,
        "address_line": cells.plain_text,
        "address_locality": cells.plain_text,
        "address_complement": cells.plain_text,
        "city": cells.plain_text,
        "country": cells.country,
        "phone": cells.plain_text,
        "email": cells.plain_text,
        "licence_number": cells.plain_text,
        "licence_issued_on": as_date,
        "licence_country": cells.country,
        "kind": cells.driver_kind,
        "left_on": as_date,
    },
    "assignments": _OF_PLATES | {"staff_number": cells.staff_number},
}


@dataclass(frozen=True)
class Problem:
    """Why a line was refused; `heading` names the column, or is empty when it is about the whole line."""

    sheet: str
    line: int
    heading: str
    sentence: str


@dataclass
class Row:
    """A line of a sheet, by the file's own numbering."""

    line: int
    values: dict[str, object]
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet; `refused_lines` counts those of a sheet that could not be read at all."""

    table: Table
    rows: list[Row]
    refused_lines: int = 0

    def problem(self, row: Row, sentence: str, column: str = "") -> Problem:
        """A problem of one of its rows, under the file's heading of that column."""
        heading = column_heading(self.table, column) if column else ""
        return Problem(self.table.title, row.line, heading, sentence)

    def copy(self) -> "Sheet":
        """The same rows, on which more problems may be noted."""
        rows = [Row(row.line, row.values, list(row.problems)) for row in self.rows]
        return Sheet(self.table, rows, self.refused_lines)


@dataclass(frozen=True)
class Parsed:
    """Every recognised sheet by name (`vehicles`, `drivers`, `assignments`), and what was left aside."""

    sheets: dict[str, Sheet]
    notes: list[str]
    warnings: list[str] = field(default_factory=list)


def parse(recognised: Recognised, zone: ZoneInfo, progress: Callable[[int], None] | None = None) -> Parsed:
    """Read every line; hours are in `zone`. `progress` is told the number of lines of each sheet read."""
    sheets = {}
    for table in recognised.tables:
        sheets[table.kind.name] = _sheet(table, zone)
        if progress:
            progress(len(table.cells))
    return Parsed(sheets, recognised.notes, recognised.warnings)


def _sheet(table: Table, zone: ZoneInfo) -> Sheet:
    lines = [(table.first_line + index, row) for index, row in enumerate(table.cells) if not cells.is_blank(row)]
    if table.refusal:
        return Sheet(table, [], len(lines))
    sheet = Sheet(table, [])
    readers = _readers(table.kind, zone)
    for line, row in lines:
        sheet.rows.append(_row(sheet, line, row, readers))
    return sheet


def _row(sheet: Sheet, line: int, cells_of_line: list[Value], readers: dict[str, cells.Reader]) -> Row:
    row = Row(line, {})
    for name, place in sheet.table.places.items():
        cell = cells_of_line[place]
        if cell is None or (isinstance(cell, str) and not as_text(cell)):
            continue
        try:
            row.values[name] = readers[name](cell) if name in readers else cell
        except ValueError as error:
            row.problems.append(sheet.problem(row, cells.sentence(error), name))
    _finish_row(sheet, row)
    return row


def _finish_row(sheet: Sheet, row: Row) -> None:
    """What takes several columns: the plate with its country, and the columns without which a line is nothing."""
    if "plate" in sheet.table.places:
        _read_plate(sheet, row)
    for column in sheet.table.kind.columns:
        is_missing = column.required and not column.may_be_empty and column.name not in row.values
        if is_missing and not any(
            problem.heading == column_heading(sheet.table, column.name) for problem in row.problems
        ):
            row.problems.append(sheet.problem(row, "Case vide alors que cette colonne est nécessaire.", column.name))


def _read_plate(sheet: Sheet, row: Row) -> None:
    typed = row.values.pop("plate", None)
    country = row.values.pop("country", FRANCE)
    if typed is None:
        return
    try:
        row.values["plate"] = parse_plate(typed, country)
    except ValueError as error:
        row.problems.append(sheet.problem(row, cells.sentence(error), "plate"))


def _readers(kind: SheetKind, zone: ZoneInfo) -> dict[str, cells.Reader]:
    start, end = cells.instant(zone, is_end=False), cells.instant(zone, is_end=True)
    return _READERS[kind.name] | {"entered_at": start, "left_at": end, "starts_at": start, "ends_at": end}
