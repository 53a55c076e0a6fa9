"""The process that opens a stranger's workbook: bytes on standard input, a JSON answer on standard output.

Run by its path and isolated (``python -I child.py``): importing the application would cost time and memory.
The answer is ``{"refused": sentence}`` or ``{"sheets": [{"name": ..., "rows": [[...]]}]}``, where a date, a
date and hour, or an hour is ``{"date": ISO}``, ``{"datetime": ISO}`` or ``{"time": ISO}``. A workbook that is
too heavy kills this process; the parent says so.
"""

import io
import json
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from functools import cache
from xml.sax.handler import ContentHandler

from defusedxml import sax
from python_calamine import CalamineSheet, CalamineWorkbook

MAX_ROWS = 60_000
MAX_COLUMNS = 200
MAX_CELLS = 3_000_000  # of all sheets, the empty ones that the reader lays out included
MEMORY_LIMIT = 512 * 1024 * 1024
CPU_SECONDS = 25

UNREADABLE = (
    "Ce classeur est abîmé ou n’a pas la structure attendue\u00a0: ouvrez-le dans Excel ou LibreOffice, "
    "enregistrez-le à nouveau au format .xlsx, puis réessayez."
)
TOO_MANY_ROWS = (
    "La feuille «\u00a0{name}\u00a0» dépasse 60\u00a0000 lignes\u00a0: répartissez-les en plusieurs classeurs."
)
TOO_MANY_COLUMNS = (
    "La feuille «\u00a0{name}\u00a0» dépasse 200 colonnes\u00a0: supprimez les colonnes inutiles, "
    "y compris celles qui semblent vides."
)

DIGITS = "0123456789"
TOO_MANY_CELLS = (
    "Ce classeur occupe plus de 3 millions de cases, vides comprises\u00a0: répartissez les lignes en "
    "plusieurs classeurs et supprimez les colonnes inutiles."
)


class WorkbookError(Exception):
    """The workbook is refused; the message is a French sentence for the user."""


class RootReachedError(Exception):
    """The prologue of an XML part is over: a DTD could only have come before."""


class RootOnly(ContentHandler):
    def startElement(self, name, attributes):  # noqa: N802 - the name is SAX's
        raise RootReachedError


class Elements(ContentHandler):
    """Collects the attributes of every element called ``wanted``, whatever its prefix."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.found: list[dict[str, str]] = []

    def startElement(self, name, attributes):  # noqa: N802
        if name.rpartition(":")[2] == self.wanted:
            self.found.append({key.rpartition(":")[2]: value for key, value in attributes.items()})


class CellScan(ContentHandler):
    """Refuses a sheet by the real place of its filled cells, and keeps its error cells (``#N/A``).

    The reader lays a sheet out as a full rectangle, so that one far cell costs gigabytes, and it trusts
    references over order. Rows and columns count from one. A cell that has a style and nothing in it does
    not count: the reader skips it, and whole columns of them are common in honest workbooks.
    """

    def __init__(self, sheet_name: str) -> None:
        super().__init__()
        self.sheet_name = sheet_name
        self.row = 0
        self.cell_row = self.column = 0
        self.is_far = self.is_error = self.in_error_text = False
        self.errors: dict[tuple[int, int], str] = {}

    def startElement(self, name, attributes):  # noqa: N802
        tag = name.rpartition(":")[2]
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "row":
            self._start_row(attributes)
        elif self.is_far:
            self._refuse_far_cell()
        elif self.is_error:
            self.in_error_text = tag == "v"

    def characters(self, content):
        if self.in_error_text:
            place = (self.cell_row, self.column)
            self.errors[place] = (self.errors.get(place, "") + content).strip()

    def _start_row(self, attributes) -> None:
        number = attributes.get("r")
        self.row = int(number) if number else self.row + 1
        self.cell_row = self.column = 0
        self.is_far = self.is_error = self.in_error_text = False

    def _start_cell(self, attributes) -> None:
        reference = attributes.get("r")
        if reference:
            letters = reference.rstrip(DIGITS)
            self.cell_row, self.column = int(reference[len(letters) :]), column_number(letters)
        else:
            self.cell_row, self.column = self.row, self.column + 1
        self.is_far = max(self.row, self.cell_row) > MAX_ROWS or self.column > MAX_COLUMNS
        self.is_error = attributes.get("t") == "e"
        self.in_error_text = False

    def _refuse_far_cell(self) -> None:
        too_many = TOO_MANY_COLUMNS if self.column > MAX_COLUMNS else TOO_MANY_ROWS
        raise WorkbookError(too_many.format(name=self.sheet_name))


@cache
def column_number(letters: str) -> int:
    if not 1 <= len(letters) <= 3 or not (letters.isascii() and letters.isalpha()):
        raise WorkbookError(UNREADABLE)
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def parse(archive: zipfile.ZipFile, part: str, handler: ContentHandler) -> None:
    with archive.open(part) as stream:
        sax.parse(stream, handler, forbid_dtd=True)


def refuse_document_types(archive: zipfile.ZipFile) -> None:
    for part in archive.namelist():
        if part.endswith((".xml", ".rels")):
            try:
                parse(archive, part, RootOnly())
            except RootReachedError:
                continue


def worksheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Name of each worksheet, in the workbook's order, and the archive's part that holds it."""
    links, sheets = Elements("Relationship"), Elements("sheet")
    parse(archive, "xl/_rels/workbook.xml.rels", links)
    parse(archive, "xl/workbook.xml", sheets)
    targets = {link["Id"]: link["Target"] for link in links.found if link["Type"].endswith("/relationships/worksheet")}
    named = [(sheet["name"], sheet["id"]) for sheet in sheets.found]
    return {name: part_name(targets[link]) for name, link in named if link in targets}


def part_name(target: str) -> str:
    path = target.lstrip("/")
    return path if path.startswith("xl/") else f"xl/{path}"


def scan(data: bytes) -> dict[str, dict[tuple[int, int], str]]:
    """The error cells of each worksheet by name, once all of them are known to be safe to read."""
    errors = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        refuse_document_types(archive)
        for name, part in worksheets(archive).items():
            cells = CellScan(name)
            parse(archive, part, cells)
            errors[name] = cells.errors
    return errors


def read(data: bytes) -> list[dict]:
    errors = scan(data)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets, cells = [], 0
    for name in errors:
        sheet = workbook.get_sheet_by_name(name)
        last_row, last_column = sheet.end or (-1, -1)
        cells += (last_row + 1) * (last_column + 1)
        if cells > MAX_CELLS:
            raise WorkbookError(TOO_MANY_CELLS)
        sheets.append({"name": name, "rows": rows_of(sheet, errors[name])})
    return sheets


def rows_of(sheet: CalamineSheet, errors: dict[tuple[int, int], str]) -> list[list]:
    """Every row from the file's first one, so that an index is a line number minus one."""
    rows = sheet.to_python(skip_empty_area=False)
    for (row, column), text in errors.items():
        rows[row - 1][column - 1] = text  # the reader gives an empty cell
    while rows and not any(value != "" for value in rows[-1]):
        rows.pop()
    return [[None if value == "" else value for value in row] for row in rows]


def tagged(value: date | time | timedelta) -> dict | str:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, time):
        return {"time": value.isoformat()}
    return duration(value)


def duration(value: timedelta) -> dict | str:
    """An hour of the day, or text beyond: the reader gives a duration for the format ``[h]:mm``."""
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02}:{minutes:02}:{seconds:02}"
    return {"time": text} if 0 <= hours < 24 else text


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def answer(data: bytes) -> str:
    """The JSON answer to a workbook's bytes. Raises MemoryError alone, which ends the process."""
    try:
        return json.dumps({"sheets": read(data)}, default=tagged, allow_nan=False)
    except WorkbookError as refusal:
        return json.dumps({"refused": str(refusal)})
    except MemoryError:
        raise
    except Exception:  # whatever a broken file makes its readers raise, the user is told the same
        return json.dumps({"refused": UNREADABLE})


def main() -> None:
    limit_resources()
    sys.stdout.write(answer(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
