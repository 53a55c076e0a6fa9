"""Writes rows as an Excel workbook or as a CSV file in which no cell is ever a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from rustpy_xlsxwriter import FastExcel, Format

Cell = None | str | int | float | Decimal | bool | date | datetime

MAX_TEXT = 32_767  # Excel's limits, counted in UTF-16 units
MAX_TITLE = 31
EXACT_INTEGER = 10**15  # Excel keeps 15 digits
FIRST_YEAR = 1900
NARROWEST, WIDEST = 10, 60
ROWS_MEASURED = 1_000
FILTER_BUTTON = 3

DATE_FORMAT = "dd/mm/yyyy"
DATETIME_FORMAT = "dd/mm/yyyy hh:mm"

ILLEGAL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
FORBIDDEN_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet:
    """One sheet: every row has as many cells as there are headings.

    A datetime is a naive local hour; aware ones are refused with a TypeError, since a workbook has no time
    zone: the caller converts first.
    """

    title: str
    headings: list[str]
    rows: Iterable[Sequence[Cell]]


@dataclass(frozen=True)
class _Column:
    cells: list[Cell]
    format: str | None


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """The .xlsx file of these sheets: bold frozen headings, filters, real dates and numbers, text as it is.

    Titles and headings that would clash get a number. Integers beyond 15 digits and dates before 1900, which
    Excel cannot hold, become text; longer texts than it can hold are cut. Raises ValueError for a row of
    another length than the headings, TypeError for another kind of cell.
    """
    buffer = io.BytesIO()
    book = FastExcel(buffer).format(bold_headers=True).freeze(row=1)
    titles = _distinct([_title(sheet.title) for sheet in sheets], MAX_TITLE)
    for title, sheet in zip(titles, sheets, strict=True):
        _add_sheet(book, title, sheet)
    book.save()
    return buffer.getvalue()


def write_csv(sheet: Sheet) -> bytes:
    """The sheet as French Excel opens it: UTF-8 with its mark, semicolons, JJ/MM/AAAA, decimal commas.

    A text that a spreadsheet would take for a formula starts with an apostrophe, which `read_csv` takes off
    again; so that it takes off no other, one that such a text has already is doubled. Raises as write_workbook.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";")
    for row in [sheet.headings, *_rows(sheet)]:
        writer.writerow([_csv_cell(_checked(value)) for value in row])
    return buffer.getvalue().encode("utf-8-sig")


def _add_sheet(book: FastExcel, title: str, sheet: Sheet) -> None:
    headings = _distinct([_text(heading) for heading in sheet.headings], MAX_TEXT)
    rows = _rows(sheet) or [[None] * len(headings)]  # without a row the library writes no heading either
    columns = [_column(values) for values in zip(*rows, strict=True)]
    lines = zip(*(column.cells for column in columns), strict=True)
    book.sheet(
        title,
        [dict(zip(headings, line, strict=True)) for line in lines],
        autofilter=True,
        column_widths=[_width(heading, column.cells) for heading, column in zip(headings, columns, strict=True)],
        column_formats={
            heading: Format().set_num_format(column.format)
            for heading, column in zip(headings, columns, strict=True)
            if column.format
        },
    )


def _rows(sheet: Sheet) -> list[Sequence[Cell]]:
    rows = list(sheet.rows)
    for row in rows:
        if len(row) != len(sheet.headings):
            raise ValueError(f"{len(row)} cells for {len(sheet.headings)} headings in {sheet.title}")
    return rows


def _column(values: Sequence[Cell]) -> _Column:
    """The library has one format a column, taken from its first cell if need be: kinds are settled here."""
    cells = [_checked(value) for value in values]
    kinds = {type(cell) for cell in cells}
    if any(issubclass(kind, datetime) for kind in kinds):
        return _Column([_as_datetime(cell) for cell in cells], DATETIME_FORMAT)
    if any(issubclass(kind, date) for kind in kinds):
        return _Column([_not_a_number(cell) for cell in cells], DATE_FORMAT)
    return _Column(cells, None)


def _checked(value: Cell) -> Cell:
    """The cell as Excel can hold it. Raises TypeError for any other kind of value."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | float | Decimal):
        return value
    if isinstance(value, int):
        return value if abs(value) < EXACT_INTEGER else str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise TypeError("an aware datetime cannot be written: convert it to a naive local one first")
    if isinstance(value, date):
        return value if value.year >= FIRST_YEAR else _french_date(value)
    raise TypeError(f"a cell cannot hold a {type(value).__name__}")


def _as_datetime(cell: Cell) -> Cell:
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return _not_a_number(cell)


def _not_a_number(cell: Cell) -> Cell:
    """A number in a column of dates would be shown as one."""
    is_number = isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)
    return _french_number(cell) if is_number else cell


def _text(value: str) -> str:
    text = ILLEGAL_CHARACTERS.sub("", value)
    return text if len(text) <= MAX_TEXT // 2 else _cut(text, MAX_TEXT)


def _cut(text: str, length: int) -> str:
    """At most this many UTF-16 units, the last one an ellipsis where something is missing."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * length:
        return text
    return units[: 2 * (length - 1)].decode("utf-16-le", errors="ignore") + "…"


def _title(title: str) -> str:
    clean = FORBIDDEN_IN_TITLES.sub("-", _text(title)).strip().strip("'")
    if clean.lower() == "history":  # reserved by Excel
        return f"{clean}_"
    return _cut(clean or "Feuille", MAX_TITLE)


def _distinct(names: list[str], length: int) -> list[str]:
    """The same names, those already taken, whatever the case, followed by a number: « Nom (2) »."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            suffix = f" ({number})"
            candidate = _cut(name, length - len(suffix)) + suffix
        taken.add(candidate.lower())
        result.append(candidate)
    return result


def _width(heading: str, cells: list[Cell]) -> float:
    longest = max((len(str(cell)) for cell in cells[:ROWS_MEASURED] if cell is not None), default=0)
    return min(max(longest + 1, len(heading) + FILTER_BUTTON, NARROWEST), WIDEST)


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "VRAI" if cell else "FAUX"
    if isinstance(cell, date):
        return _french_date(cell)
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip("'").startswith(FORMULA_STARTS) else cell
    return _french_number(cell)


def _french_date(value: date) -> str:
    day = f"{value.day:02}/{value.month:02}/{value.year:04}"
    return f"{day} {value.hour:02}:{value.minute:02}" if isinstance(value, datetime) else day


def _french_number(value: int | float | Decimal) -> str:
    return str(value).replace(".", ",")
