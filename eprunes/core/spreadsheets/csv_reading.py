"""Reads a CSV file sent by a stranger, whichever program wrote it: separator and encoding are told by the file."""

import csv
import re

from eprunes.core.spreadsheets.child import MAX_COLUMNS, MAX_ROWS
from eprunes.core.spreadsheets.reading import (
    MAX_FILE_BYTES,
    NOT_A_WORKBOOK,
    TOO_LARGE,
    SheetRead,
    SpreadsheetRefused,
    Workbook,
)

SHEET_NAME = "CSV"
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_SEPARATORS = ";,\t"
_BROKEN = (
    "Ce fichier CSV n’a pas pu être lu à la ligne {}\u00a0: un guillemet n’est pas refermé, ou une case est démesurée."
)
_TOO_MANY = f"Ce fichier CSV dépasse {MAX_ROWS} lignes ou {MAX_COLUMNS} colonnes\u00a0: répartissez-le en plusieurs."


def is_csv(data: bytes) -> bool:
    """True when the bytes are text: neither a workbook nor any other file of a program."""
    return bool(data.strip()) and not data.startswith(b"%PDF-") and not _BINARY.search(data)


def read_csv(data: bytes) -> Workbook:
    """The lines of a CSV file as the only sheet of a workbook; every cell is text, or None when it is empty.

    Separated by semicolons, commas or tabs, in UTF-8 or Windows-1252. Raises SpreadsheetRefused with a sentence.
    """
    if len(data) > MAX_FILE_BYTES:
        raise SpreadsheetRefused(TOO_LARGE)
    if not is_csv(data):
        raise SpreadsheetRefused(NOT_A_WORKBOOK)
    lines = _decoded(data).splitlines(keepends=True)
    rows = _rows(lines, _separator(lines))
    while rows and not any(rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    return Workbook([SheetRead(SHEET_NAME, [row + [None] * (width - len(row)) for row in rows])])


def _rows(lines: list[str], separator: str) -> list[list[str | None]]:
    rows, reader = [], csv.reader(lines, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if len(rows) >= MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise SpreadsheetRefused(_TOO_MANY)
            rows.append([cell or None for cell in cells])
    except csv.Error as error:
        raise SpreadsheetRefused(_BROKEN.format(reader.line_num)) from error
    return rows


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _separator(lines: list[str]) -> str:
    """The one that the first filled line has most of."""
    first = next((line for line in lines if line.strip()), "")
    return max(_SEPARATORS, key=first.count)
