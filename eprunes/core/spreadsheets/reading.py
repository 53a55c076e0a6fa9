"""Reads a workbook sent by a stranger: the container is checked here, its content in a limited process."""

import io
import json
import logging
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from eprunes.core.refusals import Refused

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_ENTRIES = 200
MAX_UNCOMPRESSED_BYTES = 200 * 1024 * 1024
MAX_RATIO = 200
WALL_SECONDS = 30

CHILD = Path(__file__).with_name("child.py")
OLE_MAGIC = bytes.fromhex("D0CF11E0")
ZIP_MAGIC = b"PK\x03\x04"
CENTRAL_ENTRY_MAGIC = b"PK\x01\x02"
REQUIRED_ENTRIES = {"[Content_Types].xml", "xl/workbook.xml"}

TOO_LARGE = "Ce fichier dépasse 20\u00a0Mo\u00a0: répartissez les lignes en plusieurs fichiers."
OLD_OR_LOCKED = (
    "Ce classeur est protégé par un mot de passe ou dans l’ancien format .xls\u00a0: enregistrez-le au "
    "format .xlsx sans mot de passe."
)
NOT_A_WORKBOOK = (
    "Ce fichier n’est pas un classeur Excel\u00a0: ouvrez-le dans Excel ou LibreOffice et enregistrez-le au "
    "format .xlsx (en changer seulement le nom ne suffit pas)."
)
DAMAGED = "Ce classeur est abîmé ou incomplet\u00a0: enregistrez-le à nouveau au format .xlsx, puis réessayez."
SUSPICIOUS = (
    "Ce classeur est refusé\u00a0: il contient trop d’éléments, ou trop de données une fois décompressé. "
    "Recopiez les lignes utiles dans un nouveau classeur."
)
TOO_HEAVY = (
    "Ce classeur n’a pas pu être lu\u00a0: il est trop lourd ou abîmé. Répartissez les lignes en plusieurs "
    "classeurs et supprimez les colonnes inutiles."
)

Value = None | str | int | float | bool | date | datetime | time

logger = logging.getLogger(__name__)


class SpreadsheetRefused(Refused):
    """The file is refused; the message is a French sentence for the user."""


@dataclass(frozen=True)
class SheetRead:
    """One worksheet. ``rows[0]`` is the file's first line, empty or not: a line number is an index plus one.

    All rows have the same length, from column A. Empty lines at the end are dropped. An error cell is its
    text (``#N/A``), a formula its last computed value, a date and hour at midnight a plain date.
    """

    name: str
    rows: list[list[Value]]


@dataclass(frozen=True)
class Workbook:
    """The worksheets in the order of their tabs, hidden ones included."""

    sheets: list[SheetRead]


def read_workbook(data: bytes) -> Workbook:
    """Read an .xlsx file of at most 20 MB, 60,000 rows and 200 columns a sheet. Macros are ignored.

    May take up to 30 seconds. Raises SpreadsheetRefused, with a sentence for the user, whatever the bytes.
    """
    check_container(data)
    answer = _answer_of_child(data)
    if "refused" in answer:
        raise SpreadsheetRefused(answer["refused"])
    return Workbook([SheetRead(sheet["name"], sheet["rows"]) for sheet in answer["sheets"]])


def check_container(data: bytes) -> None:
    """Refuse by size, kind and declared content, without decompressing anything."""
    if len(data) > MAX_FILE_BYTES:
        raise SpreadsheetRefused(TOO_LARGE)
    if data.startswith(OLE_MAGIC):
        raise SpreadsheetRefused(OLD_OR_LOCKED)
    if not data.startswith(ZIP_MAGIC):
        raise SpreadsheetRefused(NOT_A_WORKBOOK)
    # counted before zipfile builds an object for each of them, which could be hundreds of thousands
    if data.count(CENTRAL_ENTRY_MAGIC) > MAX_ENTRIES:
        raise SpreadsheetRefused(SUSPICIOUS)
    _check_entries(_entries(data))


def _entries(data: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.infolist()
    except Exception as error:  # zipfile raises many kinds on broken archives
        raise SpreadsheetRefused(DAMAGED) from error


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if not {entry.filename for entry in entries} >= REQUIRED_ENTRIES:
        raise SpreadsheetRefused(NOT_A_WORKBOOK)
    if any(entry.flag_bits & 1 for entry in entries):
        raise SpreadsheetRefused(OLD_OR_LOCKED)
    if sum(entry.file_size for entry in entries) > MAX_UNCOMPRESSED_BYTES:
        raise SpreadsheetRefused(SUSPICIOUS)
    if any(entry.file_size > MAX_RATIO * entry.compress_size for entry in entries):
        raise SpreadsheetRefused(SUSPICIOUS)


def _answer_of_child(data: bytes) -> dict:
    command = [sys.executable, "-I", str(CHILD)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, the file goes to its standard input
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SECONDS,
            cwd="/",
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise SpreadsheetRefused(TOO_HEAVY) from error
    if done.returncode != 0:
        logger.warning("the process that reads workbooks ended with %s", done.returncode)
        raise SpreadsheetRefused(TOO_HEAVY)
    return json.loads(done.stdout, object_hook=_untagged)


def _untagged(found: dict) -> dict | date | datetime | time:
    if "datetime" in found:
        return datetime.fromisoformat(found["datetime"])
    if "date" in found:
        return date.fromisoformat(found["date"])
    if "time" in found:
        return time.fromisoformat(found["time"])
    return found
