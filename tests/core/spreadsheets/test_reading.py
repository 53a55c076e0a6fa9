# ruff: noqa: DTZ001 - cells hold naive local hours
import io
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from eprunes.core.spreadsheets.reading import CHILD, read_workbook
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from tests.core.spreadsheets.archives import line, number_cell, parts_with, strings_part, workbook, zipped

DEMO = Path(__file__).parents[3] / "demo" / "parc-transports-durand.xlsx"


def rows_read(data):
    return read_workbook(data).sheets[0].rows


def run_alone(program):
    """The words printed by a program that runs as the child process does."""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True)
    return done.stdout.split()


def saved(book):
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_the_demo_workbook_is_read_whole():
    sheets = read_workbook(DEMO.read_bytes()).sheets
    assert [(sheet.name, len(sheet.rows)) for sheet in sheets] == [
        ("Véhicules", 241),
        ("Conducteurs", 206),
        ("Attributions", 349),
    ]
    vehicles, drivers, assignments = (sheet.rows for sheet in sheets)
    assert vehicles[1][5:9] == ["19/05/2025", "LLD", date(2025, 5, 31), None]
    assert drivers[1][:7] == [
        "E1000",
        "M.",
        "MARIN",
        "Daniel",
        date(1993, 6, 13),
        "chemin Margot Becker",
        7407,
    ]
    assert assignments[1] == ["FY-074-KE", "E1140", datetime(2025, 5, 31, 8, 0), None]


def test_the_demo_workbook_is_read_as_openpyxl_reads_it():
    book = openpyxl.load_workbook(DEMO)
    for sheet in read_workbook(DEMO.read_bytes()).sheets:
        expected = [[cell.value for cell in row] for row in book[sheet.name]]
        assert [[as_datetime(value) for value in row] for row in sheet.rows] == expected


def as_datetime(value):
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return datetime.combine(value, time()) if is_day else value


def test_every_kind_of_value_is_read():
    book = openpyxl.Workbook()
    values = [
        "texte",
        12,
        12.5,
        True,
        date(2026, 3, 3),
        datetime(2026, 3, 3, 8, 30),
        time(8, 30),
        None,
        "fin",
    ]
    book.active.append(values)
    assert rows_read(saved(book)) == [values]


def test_a_moment_at_midnight_is_read_as_its_day():
    book = openpyxl.Workbook()
    book.active.append([datetime(2026, 3, 3)])
    (value,) = rows_read(saved(book))[0]
    assert type(value) is date


def test_durations_are_hours_within_a_day_and_text_beyond():
    book = openpyxl.Workbook()
    book.active.append([timedelta(hours=8, minutes=5), timedelta(hours=23, minutes=59), timedelta(hours=26)])
    assert rows_read(saved(book)) == [[time(8, 5), time(23, 59), "26:00:00"]]


def test_dates_counted_from_1904_are_right():
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append([date(2026, 3, 3)])
    assert rows_read(saved(book)) == [[date(2026, 3, 3)]]


def test_line_numbers_are_those_of_the_file_when_it_begins_with_empty_lines_and_columns():
    rows = rows_read(workbook(line(4, number_cell("C4", 7)) + line(6, number_cell("B6", 8))))
    nothing = [None, None, None]
    assert rows == [nothing, nothing, nothing, [None, None, 7], nothing, [None, 8, None]]


def test_cells_without_a_reference_are_read_where_they_stand():
    rows = rows_read(workbook("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"))
    assert rows == [[1, 2], [3, None]]


def test_empty_lines_at_the_end_are_dropped():
    book = openpyxl.Workbook()
    for row in (["a"], [None], ["b"], [""], [None]):
        book.active.append(row)
    book.active["A9"].font = openpyxl.styles.Font(bold=True)
    assert rows_read(saved(book)) == [["a"], [None], ["b"]]


def test_a_sheet_without_a_cell_has_no_rows():
    assert rows_read(workbook("")) == []
    assert rows_read(saved(openpyxl.Workbook())) == []


def test_a_formula_gives_its_last_computed_value():
    cells = '<c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"a"</f><v>a</v></c><c r="C1"><v>1</v></c>'
    assert rows_read(workbook(line(1, cells))) == [[2, "a", 1]]


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#NAME?", "#VALUE!"])
def test_an_error_cell_is_read_as_its_text(error):
    cells = f'<c r="B3" t="e"><f>1/0</f><v>{error}</v></c>' + number_cell("C3", 5)
    assert rows_read(workbook(line(3, cells)))[2] == [None, error, 5]


def test_shared_strings_are_read():
    parts = parts_with(line(1, '<c r="A1" t="s"><v>0</v></c>'))
    parts["xl/sharedStrings.xml"] = strings_part("partagé")
    assert rows_read(zipped(parts)) == [["partagé"]]


def test_macros_are_ignored():
    parts = parts_with(line(1, number_cell("A1", 5)))
    parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0 macro"
    assert rows_read(zipped(parts)) == [[5]]


def test_hidden_sheets_are_read_and_chart_sheets_left_out():
    book = openpyxl.Workbook()
    book.active.append(["vue"])
    book.create_chartsheet("Graphique")
    book.create_sheet("Cachée").append(["cachée"])
    book["Cachée"].sheet_state = "hidden"
    sheets = read_workbook(saved(book)).sheets
    assert [(sheet.name, sheet.rows) for sheet in sheets] == [("Sheet", [["vue"]]), ("Cachée", [["cachée"]])]


def test_a_workbook_of_50000_rows_is_read():
    columns = [f"Colonne {number}" for number in range(5)]
    data = write_workbook([Sheet("Feuille", columns, [["Oui", i, None, "Oui", "Oui"] for i in range(50_000)])])
    rows = rows_read(data)
    assert len(rows) == 50_001
    assert rows[-1] == ["Oui", 49_999, None, "Oui", "Oui"]


def test_the_child_process_loads_neither_the_application_nor_its_framework():
    modules = run_alone(f"import runpy, sys; runpy.run_path({str(CHILD)!r}); print(*sys.modules)")
    assert "python_calamine" in modules
    assert not {"eprunes", "flask", "sqlalchemy"} & set(modules)


@pytest.mark.parametrize(("megabytes", "outcome"), [(300, "granted"), (520, "refused")])
def test_the_child_process_has_512_megabytes_and_no_more(megabytes, outcome):
    asked = f"""
import resource, runpy
runpy.run_path({str(CHILD)!r})["limit_resources"]()
try:
    room = bytes({megabytes} * 1024 * 1024)
    print("granted")
except MemoryError:
    print("refused")
"""
    assert run_alone(asked) == [outcome]


def test_the_child_process_cannot_write_files_nor_compute_for_ever():
    asked = f"""
import resource, runpy
runpy.run_path({str(CHILD)!r})["limit_resources"]()
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
    print(resource.getrlimit(kind)[0])
"""
    assert run_alone(asked) == ["25", "0", "0"]
