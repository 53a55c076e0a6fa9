"""From a file to a plan, and back from a staged file: what the command and the long task do alike."""

from collections.abc import Callable
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.reading import SheetRead, Value, Workbook
from eprunes.core.spreadsheets.values import as_text
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.fleet.driver_details import KEY_PURPOSE
from eprunes.fleet.importing.columns import REASON_HEADING, SHEETS, Recognised, Table
from eprunes.fleet.importing.existing import load_existing
from eprunes.fleet.importing.parsing import Parsed
from eprunes.fleet.importing.plan import Closing, Plan
from eprunes.fleet.importing.planning import plan_import

_TAGS: dict[str, Callable[[str], Value]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def make_plan(
    organisation_id: UUID, parsed: Parsed, zone: ZoneInfo, as_of: datetime, closing: Closing | None = None
) -> Plan:
    """What the import would do now. Reads only."""
    keys = key_store().all_keys(organisation_id, KEY_PURPOSE)
    with tenant_session(organisation_id) as session:
        existing = load_existing(session, parsed, keys, as_of, for_closing=closing is not None)
        return plan_import(parsed, existing, zone, as_of, closing)


def template_workbook() -> bytes:
    """An empty workbook with the three sheets and every heading."""
    return write_workbook([Sheet(kind.title, [column.heading for column in kind.columns], []) for kind in SHEETS])


def refused_workbook(recognised: Recognised, problems: list[dict]) -> bytes:
    """The refused lines as they were sent, each with its reasons, ready to be corrected and sent again."""
    reasons: dict[tuple[str, int], list[str]] = {}
    for one in problems:
        heading = f"{one['heading']}\u00a0: " if one["heading"] else ""
        reasons.setdefault((one["sheet"], one["line"]), []).append(heading + one["sentence"])
    sheets = [_refused_sheet(table, reasons) for table in recognised.tables]
    return write_workbook([sheet for sheet in sheets if sheet.rows])


def staged(workbook: Workbook) -> dict:
    """A workbook as JSON, with the sheets that mean nothing so far: people may say what they are."""
    return {
        "sheets": [
            {"name": sheet.name, "rows": [[_tagged(cell) for cell in row] for row in sheet.rows]}
            for sheet in workbook.sheets
        ]
    }


def unstaged(content: dict) -> Workbook:
    """The reverse of `staged`."""
    return Workbook(
        [
            SheetRead(sheet["name"], [[_untagged(cell) for cell in row] for row in sheet["rows"]])
            for sheet in content["sheets"]
        ]
    )


def _refused_sheet(table: Table, reasons: dict[tuple[str, int], list[str]]) -> Sheet:
    rows = []
    for index, cells in enumerate(table.cells):
        found = reasons.get((table.title, table.first_line + index))
        if found:
            rows.append([*(_writable(cell) for cell in cells), " ".join(found)])
    headings = [heading or f"Colonne {number}" for number, heading in enumerate(table.headings, start=1)]
    return Sheet(table.kind.title, [*headings, REASON_HEADING], rows)


def _writable(cell: Value) -> Value:
    return as_text(cell) if isinstance(cell, time) else cell


def _tagged(cell: Value) -> object:
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, time):
        return {"time": cell.isoformat()}
    return cell


def _untagged(cell: object) -> Value:
    if isinstance(cell, dict):
        [(tag, text)] = cell.items()
        return _TAGS[tag](text)
    return cell
