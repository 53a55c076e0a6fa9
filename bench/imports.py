"""Importing a workbook: from the file sent to its preview, then from the agreement to the last row written."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID

from bench.measures import Figure, duration_ms
from bench.setting import Setting
from bench.sizes import Size
from eprunes.core import work
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.writing import Cell, Sheet, write_workbook
from eprunes.core.wording import number
from eprunes.core.work import WorkState
from eprunes.fleet.importing import tasks
from eprunes.fleet.importing.columns import ASSIGNMENTS, DRIVERS, VEHICLES, SheetKind
from eprunes.long_work import HANDLERS

PREVIEW_MS = CONFIRM_MS = 3_000
ENTRY = date(2025, 1, 1)
"""The first day of the imported vehicles."""


def measure(setting: Setting) -> Iterator[Figure]:
    """The two steps of an import, on a fleet that is there already; the wait for the clock process left aside."""
    pairs = [_import(setting, turn) for turn in range(setting.size.imports + 1)][1:]
    previews, confirms = zip(*pairs, strict=True)
    lines = f"importer {number(setting.size.imported)} lignes"
    yield Figure(f"{lines}, aperçu", median(previews), PREVIEW_MS)
    yield Figure(f"{lines}, confirmation", median(confirms), CONFIRM_MS)


def _import(setting: Setting, turn: int) -> tuple[float, float]:
    content, task_ids = workbook(setting.size, turn), []

    def preview() -> None:
        sent = {"filename": "parc.xlsx", "content": content}
        task_ids.append(tasks.start_import(actor=setting.actor, as_of=setting.as_of, **sent))
        work.run_due(setting.organisation_id, HANDLERS, setting.as_of)

    def confirm() -> None:
        tasks.confirm_import(actor=setting.actor, task_id=task_ids[0], as_of=setting.as_of)
        work.run_due(setting.organisation_id, HANDLERS, setting.as_of)

    preview_ms = duration_ms(preview)
    _require(setting, task_ids[0], WorkState.PREPARED)
    confirm_ms = duration_ms(confirm)
    _require(setting, task_ids[0], WorkState.DONE)
    return preview_ms, confirm_ms


def _require(setting: Setting, task_id: UUID, state: WorkState) -> None:
    with tenant_session(setting.organisation_id) as session:
        found = tasks.find_import(session, setting.actor, task_id, setting.as_of)
    created = sum(sheet["created"] for sheet in found.sheets)
    if found.state != state or created != setting.size.imported:
        raise RuntimeError(f"import {found.state}, {created} lines to be created: {found.refusal}")


def workbook(size: Size, turn: int) -> bytes:
    """New vehicles, new drivers and who holds what: every line valid, every column filled but the last days."""
    plates = [_plate(turn * size.imported_vehicles + index) for index in range(size.imported_vehicles)]
    numbers = [f"N{turn}-{index}" for index in range(size.imported_drivers)]
    held = [
        _assignment(plates[index % len(plates)], numbers[index % len(numbers)], index // len(plates))
        for index in range(size.imported_assignments)
    ]
    return write_workbook(
        [
            _sheet(VEHICLES, [_vehicle(index, plate) for index, plate in enumerate(plates)]),
            _sheet(DRIVERS, [_driver(index, number) for index, number in enumerate(numbers)]),
            _sheet(ASSIGNMENTS, held),
        ]
    )


def _sheet(kind: SheetKind, rows: list[dict[str, Cell]]) -> Sheet:
    names = [column.name for column in kind.columns]
    return Sheet(kind.title, [column.heading for column in kind.columns], [[row.get(n) for n in names] for row in rows])


def _plate(index: int) -> str:
    """Plates that no other fleet of the measures has: they all start with Z."""
    letters, number = divmod(index, 999)
    return f"Z{chr(ord('A') + letters % 8)}-{number + 1:03}-Z{chr(ord('A') + letters // 8)}"


def _vehicle(index: int, plate: str) -> dict[str, Cell]:
    return {
        "plate": plate,
        "country": "FR",
        "make": "Renault",
        "model": "Trafic",
        "category": "CTTE",
        "vin": f"VF1BBBBBB{index:08}",
        "first_registered_on": ENTRY - timedelta(days=index % 900),
        "holding": "LLD",
        "entered_at": ENTRY,
        "site": f"Site {index % 9}",
    }


def _driver(index: int, number: str) -> dict[str, Cell]:
    return {
        "staff_number": number,
        "civility": "M." if index % 2 else "Mme",
        "last_name": f"Nom {chr(ord('a') + index % 26)}",
        "first_name": "Caroline",
        "birth_date": date(1970, 1, 1) + timedelta(days=index % 9_000),
        "birth_place": "Orange",
        "address_line": f"{index % 99 + 1} rue des Prunes",
        "address_complement": "Bâtiment B",
        "postcode": "47000",
        "city": "Agen",
        "country": "FR",
        "phone": f"0612{index % 1_000_000:06}",
        "email": f"e{index}@client.example",
        "licence_number": f"{index:012}",
        "licence_issued_on": date(2000, 6, 14),
        "licence_country": "FR",
        "kind": "Préposé",
    }


def _assignment(plate: str, staff_number: str, turn: int) -> dict[str, Cell]:
    begins = datetime.combine(ENTRY, datetime.min.time()) + timedelta(days=1 + 20 * turn, hours=8)
    return {
        "plate": plate,
        "country": "FR",
        "staff_number": staff_number,
        "starts_at": begins,
        "ends_at": begins + timedelta(days=20),
    }
