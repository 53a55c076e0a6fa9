"""Reads a CSV file sent by a stranger, whichever program wrote it: separator and encoding are told by the file."""

import codecs
import csv
import re

from eprunes.core.spreadsheets.child import MAX_COLUMNS, MAX_ROWS
from eprunes.core.spreadsheets.reading import (
    MAX_FILE_BYTES,
    TOO_LARGE,
    SheetRead,
    SpreadsheetRefused,
    Workbook,
)
from eprunes.core.spreadsheets.writing import FORMULA_STARTS

SHEET_NAME = "CSV"
EMPTY = "Ce fichier CSV est vide."
NOT_TEXT = (
    "Ce fichier CSV n’est pas un texte lisible\u00a0: enregistrez-le à nouveau depuis votre logiciel, au format "
    "«\u00a0CSV UTF-8 (délimité par des virgules)\u00a0»."
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = ";,\t"
_BROKEN = (
    "Ce fichier CSV n’a pas pu être lu à la ligne {}\u00a0: un guillemet n’est pas refermé, ou une case est démesurée."
)
_TOO_MANY = f"Ce fichier CSV dépasse {MAX_ROWS} lignes ou {MAX_COLUMNS} colonnes\u00a0: répartissez-le en plusieurs."


def is_csv(data: bytes) -> bool:
    """True when the bytes are text: neither a workbook nor any other file of a program."""
    data = _without_utf_16(data)
    return bool(data.strip()) and not data.startswith(b"%PDF-") and not _BINARY.search(data)


def read_csv(data: bytes) -> Workbook:
    """The lines of a CSV file as the only sheet of a workbook; every cell is text, or None when it is empty.

    Separated by semicolons, commas or tabs, in UTF-8, Windows-1252 or UTF-16 with its mark (« Texte Unicode »).
    The apostrophe that `write_csv` puts before a text is taken off. Raises SpreadsheetRefused with a sentence.
    """
    if len(data) > MAX_FILE_BYTES:
        raise SpreadsheetRefused(TOO_LARGE)
    if not is_csv(data):
        raise SpreadsheetRefused(NOT_TEXT if data.strip() else EMPTY)
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
            rows.append([_unmarked(cell) or None for cell in cells])
    except csv.Error as error:
        raise SpreadsheetRefused(_BROKEN.format(reader.line_num)) from error
    return rows


def is_of_csv(workbook: Workbook) -> bool:
    """True for what `read_csv` gave."""
    return [sheet.name for sheet in workbook.sheets] == [SHEET_NAME]


def _unmarked(cell: str) -> str:
    is_marked = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS)
    return cell[1:] if is_marked else cell


def _without_utf_16(data: bytes) -> bytes:
    return data.decode("utf-16", errors="replace").encode() if data.startswith(_UTF_16) else data


def _decoded(data: bytes) -> str:
    data = _without_utf_16(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _separator(lines: list[str]) -> str:
    """The one that the first filled line has most of."""
    first = next((line for line in lines if line.strip()), "")
    return max(_SEPARATORS, key=first.count)
