"""Workbooks of a fleet, as people send them."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from openpyxl import Workbook

from eprunes.core.spreadsheets.reading import SheetRead
from eprunes.core.spreadsheets.reading import Workbook as WorkbookRead
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.parsing import Parsed, parse
from eprunes.fleet.importing.plan import Existing, Plan
from eprunes.fleet.importing.planning import plan_import
from tests.support.worlds import AS_OF

PARIS = ZoneInfo("Europe/Paris")
VEHICLE_HEADINGS = ["Immatriculation", "Marque", "Date d’entrée", "Date de sortie", "Site"]
DRIVER_HEADINGS = ["Matricule", "Nom", "Prénom", "Code postal", "Téléphone", "N° de permis", "Ville"]
ASSIGNMENT_HEADINGS = ["Immatriculation", "Matricule conducteur", "Du", "Au"]
_SIV_LETTERS = "ABCDEFGHJKLMNPQRTVWXYZ"

ENTRY = date(2025, 1, 1)
VEHICLE = ["AB-123-CD", "Renault", ENTRY, None, "Lyon"]
OTHER_VEHICLE = ["EF-456-GH", "Peugeot", ENTRY, None, "Lille"]
DRIVER = ["E1", "Dumas", "Caroline", "75001", None, "269134022100", "Paris"]
OTHER_DRIVER = ["E2", "Marin", "Daniel", "69001", None, None, "Lyon"]

Rows = Sequence[Sequence[object]]


def sheets(
    vehicles: Rows | None = None, drivers: Rows | None = None, assignments: Rows | None = None
) -> list[tuple[str, Rows]]:
    """The sheets that are given, with their usual headings."""
    given = (
        ("Véhicules", VEHICLE_HEADINGS, vehicles),
        ("Conducteurs", DRIVER_HEADINGS, drivers),
        ("Attributions", ASSIGNMENT_HEADINGS, assignments),
    )
    return [
        (title, [headings, *([*row, *[None] * (len(headings) - len(row))] for row in rows)])
        for title, headings, rows in given
        if rows is not None
    ]


def xlsx(content: list[tuple[str, Rows]]) -> bytes:
    """An .xlsx file of these sheets; the first row of each is its headings."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in content:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def fleet_file(**rows: Rows) -> bytes:
    """An .xlsx file with the usual headings."""
    return xlsx(sheets(**rows))


def parsed(content: list[tuple[str, Rows]], zone: ZoneInfo = PARIS) -> Parsed:
    """These sheets, as if they had been read from a file."""
    return parse(
        recognise(WorkbookRead([SheetRead(title, [list(row) for row in rows]) for title, rows in content])), zone
    )


def planned(
    content: list[tuple[str, Rows]] | None = None,
    *,
    existing: Existing | None = None,
    zone: ZoneInfo = PARIS,
    as_of: datetime = AS_OF,
    **rows: Rows,
) -> Plan:
    """What the import of these sheets would do, in an empty fleet unless told otherwise."""
    empty = Existing({}, {}, [], lambda driver_id: f"conducteur {driver_id}", 0, 100)
    return plan_import(parsed(content or sheets(**rows), zone), existing or empty, zone, as_of)


def refusals(plan: Plan) -> list[tuple[str, int, str]]:
    """(sheet, line, sentence) of every problem."""
    return [(problem.sheet, problem.line, problem.sentence) for problem in plan.problems]


def counts(plan: Plan) -> dict[str, tuple[int, int, int, int]]:
    """(created, changed, unchanged, refused) by sheet."""
    return {name: (one.created, one.changed, one.unchanged, one.refused) for name, one in plan.counts.items()}


def paris(*parts: int) -> datetime:
    """A Paris moment, as an instant."""
    return datetime(*parts, tzinfo=PARIS).astimezone(UTC)


def large_file(vehicles: int, drivers: int = 0, assignments: int = 0) -> bytes:
    """A big valid workbook; assignments follow each other on their vehicles."""
    letters = product(_SIV_LETTERS, repeat=4)
    plates = [f"{a}{b}-{1 + i % 999:03}-{c}{d}" for i, (a, b, c, d) in zip(range(vehicles), letters, strict=False)]
    vehicle_rows = [[plate, "Renault", "Clio", "VP", ENTRY, f"Site {i % 9}"] for i, plate in enumerate(plates)]
    driver_rows = [
        [f"E{i}", "M." if i % 2 else "Mme", f"Nom{i}", f"Prénom{i}", date(1980, 1, 1) + timedelta(days=i % 5000),
         f"{i} rue des Prunes", 1000 + i % 9000, "Agen", f"06 12 34 {i // 100 % 100:02} {i % 100:02}",
         f"e{i}@client.example", f"{i:012}"]
        for i in range(drivers)
    ]  # fmt: skip
    start = datetime(2025, 1, 2, 8)  # noqa: DTZ001 - a cell has no zone
    assignment_rows = []
    for i in range(assignments):
        turn, vehicle = divmod(i, vehicles)
        begins = start + timedelta(days=20 * turn)
        assignment_rows.append([plates[vehicle], f"E{i % drivers}", begins, begins + timedelta(days=20)])
    return write_workbook(
        [
            Sheet("Véhicules", ["Immatriculation", "Marque", "Modèle", "Genre", "Date d’entrée", "Site"], vehicle_rows),
            Sheet(
                "Conducteurs",
                ["Matricule", "Civilité", "Nom", "Prénom", "Date de naissance", "Adresse", "Code postal", "Ville",
                 "Téléphone", "E-mail", "N° de permis"],
                driver_rows,
            ),
            Sheet("Attributions", ASSIGNMENT_HEADINGS, assignment_rows),
        ]
    )  # fmt: skip
