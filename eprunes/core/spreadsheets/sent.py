"""A file of rows that somebody sends: a workbook or a CSV file, told by its content and not by its name.

The name only tells in which words a file that is neither is refused.
"""

from eprunes.core.spreadsheets.csv_reading import EMPTY, NOT_TEXT, is_csv, read_csv
from eprunes.core.spreadsheets.reading import (
    MAX_FILE_BYTES,
    SpreadsheetRefused,
    Workbook,
    check_container,
    read_workbook,
)

_CSV_NAMES = (".csv", ".txt", ".tsv")


def check_sent(data: bytes, filename: str = "") -> None:
    """Refuse at once what can be refused without reading the rows. Raises SpreadsheetRefused with a sentence."""
    if len(data) <= MAX_FILE_BYTES and is_csv(data):
        return
    try:
        check_container(data)
    except SpreadsheetRefused as refusal:
        if filename.lower().endswith(_CSV_NAMES) and len(data) <= MAX_FILE_BYTES:
            raise SpreadsheetRefused(NOT_TEXT if data.strip() else EMPTY) from refusal
        raise


def read_sent(data: bytes) -> Workbook:
    """The rows of a workbook, or of a CSV file as its only sheet. Raises SpreadsheetRefused with a sentence."""
    return read_csv(data) if is_csv(data) else read_workbook(data)
