"""A file of rows that somebody sends: a workbook or a CSV file, told by its content and not by its name."""

from eprunes.core.spreadsheets.csv_reading import is_csv, read_csv
from eprunes.core.spreadsheets.reading import MAX_FILE_BYTES, Workbook, check_container, read_workbook


def check_sent(data: bytes) -> None:
    """Refuse at once what can be refused without reading the rows. Raises SpreadsheetRefused with a sentence."""
    if len(data) > MAX_FILE_BYTES or not is_csv(data):
        check_container(data)


def read_sent(data: bytes) -> Workbook:
    """The rows of a workbook, or of a CSV file as its only sheet. Raises SpreadsheetRefused with a sentence."""
    return read_csv(data) if is_csv(data) else read_workbook(data)
