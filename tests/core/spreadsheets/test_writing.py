# ruff: noqa: DTZ001 - cells hold naive local hours
import io
import zipfile
from datetime import UTC, date, datetime, time
from decimal import Decimal

import openpyxl
import pytest

from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.core.spreadsheets.writing import Sheet, write_csv, write_workbook

FORMULA_LIKE = [
    "=1+1",
    "+33 6 12",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x.example")',
    "{=1}",
]


def opened(*sheets):
    return openpyxl.load_workbook(io.BytesIO(write_workbook(sheets)))


def column_of(*values, heading="Valeur"):
    return Sheet("Feuille", [heading], [[value] for value in values])


def written(*values):
    """The cells under the heading, as openpyxl reads them."""
    sheet = opened(column_of(*values)).active
    return [sheet.cell(row, 1) for row in range(2, len(values) + 2)]


def read_back(*values):
    return [row[0] for row in read_workbook(write_workbook([column_of(*values)])).sheets[0].rows[1:]]


def lines_of_csv(sheet):
    return write_csv(sheet).decode("utf-8-sig").split("\r\n")


@pytest.mark.parametrize("text", FORMULA_LIKE)
def test_a_text_that_looks_like_a_formula_is_written_as_that_very_text(text):
    data = write_workbook([column_of(text, heading=text)])
    assert read_workbook(data).sheets[0].rows == [[text], [text]]
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [sheet["A1"].data_type, sheet["A2"].data_type] == ["s", "s"]


def test_no_part_of_a_workbook_holds_a_formula():
    archive = zipfile.ZipFile(io.BytesIO(write_workbook([column_of(*FORMULA_LIKE, 1, date(2026, 3, 3))])))
    sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 1
    assert b"<f>" not in sheets[0]
    assert b"<f " not in sheets[0]


def test_dates_are_real_dates_shown_the_french_way():
    day, moment = (
        written(date(2026, 3, 3), None)[0],
        written(datetime(2026, 3, 3, 8, 30), None)[0],
    )
    assert (day.value, day.number_format) == (datetime(2026, 3, 3), "dd/mm/yyyy")
    assert (moment.value, moment.number_format) == (datetime(2026, 3, 3, 8, 30), "dd/mm/yyyy hh:mm")


@pytest.mark.parametrize("first", [None, "texte", date(2026, 3, 4), datetime(2026, 3, 4, 9, 15)])
def test_an_hour_survives_whatever_the_first_cell_of_its_column(first):
    assert read_back(first, datetime(2026, 3, 3, 8, 30), date(2026, 3, 3))[1:] == [
        datetime(2026, 3, 3, 8, 30),
        date(2026, 3, 3),
    ]


def test_a_number_among_dates_stays_readable():
    assert read_back(date(2026, 3, 3), 12, 1.5) == [date(2026, 3, 3), "12", "1,5"]


def test_numbers_are_real_numbers():
    cells = written(12, 12.5, Decimal("12.30"), True, None)
    assert [cell.value for cell in cells] == [12, 12.5, 12.3, True, None]
    assert [cell.data_type for cell in cells] == ["n", "n", "n", "b", "n"]


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (10**15 - 1, 10**15 - 1),
        (10**15, "1000000000000000"),
        (-(10**15), "-1000000000000000"),
        (10**400, "1" + "0" * 400),
    ],
)
def test_an_integer_beyond_the_digits_of_excel_becomes_text(number, read):
    assert read_back(number) == [read]


def test_a_date_before_excel_becomes_text():
    assert read_back(date(1899, 12, 31)) == ["31/12/1899"]
    assert read_back(date(1900, 3, 1)) == [date(1900, 3, 1)]


def test_an_aware_datetime_is_refused():
    with pytest.raises(TypeError, match="aware"):
        write_workbook([column_of(datetime(2026, 3, 3, tzinfo=UTC))])
    with pytest.raises(TypeError, match="aware"):
        write_csv(column_of(datetime(2026, 3, 3, tzinfo=UTC)))


@pytest.mark.parametrize("value", [b"octets", object(), ["liste"], time(8, 30)])
def test_another_kind_of_value_is_refused(value):
    with pytest.raises(TypeError):
        write_workbook([column_of(value)])


@pytest.mark.parametrize("row", [["a"], ["a", "b", "c"]])
def test_a_row_of_another_length_is_refused(row):
    with pytest.raises(ValueError, match="2 headings"):
        write_workbook([Sheet("Feuille", ["Un", "Deux"], [["a", "b"], row])])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\x00b\x07c\x0b\x1f", "abc"),
        ("demi-caractère \ud800", "demi-caractère "),
        ("\ufffe\uffff", None),
        ("deux\nlignes", "deux\nlignes"),
        (" espaces ", " espaces "),
        ("_x0041_ <b>&amp;", "_x0041_ <b>&amp;"),
        ("é ’ 😀", "é ’ 😀"),
    ],
)
def test_characters_that_xml_forbids_are_dropped_and_the_others_kept(text, read):
    assert read_back(text, "fin")[0] == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a" * 32_767, "a" * 32_767),
        ("a" * 32_768, "a" * 32_766 + "…"),
        ("😀" * 16_383 + "a", "😀" * 16_383 + "a"),
        ("😀" * 16_384, "😀" * 16_383 + "…"),
    ],
)
def test_a_text_longer_than_a_cell_holds_is_cut_with_an_ellipsis(text, read):
    assert read_back(text) == [read]


def test_the_headings_are_bold_frozen_and_filtered():
    sheet = opened(Sheet("Feuille", ["Un", "Deux"], [["a", 1], ["b", 2]])).active
    assert [cell.value for cell in sheet[1]] == ["Un", "Deux"]
    assert all(cell.font.bold for cell in sheet[1])
    assert not sheet["A2"].font.bold
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"


def test_a_sheet_without_rows_keeps_its_headings():
    sheet = opened(Sheet("Feuille", ["Un", "Deux"], [])).active
    assert [[cell.value for cell in row] for row in sheet] == [["Un", "Deux"]]


def test_rows_may_come_from_a_generator():
    assert opened(Sheet("Feuille", ["Un"], ([i] for i in range(3)))).active.max_row == 4


def test_columns_are_as_wide_as_their_content_between_two_bounds():
    sheet = opened(Sheet("Feuille", ["A", "1re mise en circulation", "C"], [["x" * 30, None, "y" * 500]])).active
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert 30 < widths[0] < 35
    assert 23 < widths[1] < 30
    assert 59 < widths[2] < 62


def test_headings_that_repeat_get_a_number():
    sheet = opened(Sheet("Feuille", ["Nom", "nom", "Nom"], [[1, 2, 3]])).active
    assert [cell.value for cell in sheet[1]] == ["Nom", "nom (2)", "Nom (3)"]
    assert [cell.value for cell in sheet[2]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Véhicules", "Véhicules"),
        ("a" * 31, "a" * 31),
        ("a" * 32, "a" * 30 + "…"),
        ("du 01/01 [bis]: *?\\", "du 01-01 -bis-- ---"),
        ("'cité'", "cité"),
        ("", "Feuille"),
        ("History", "History_"),
    ],
)
def test_a_title_becomes_one_that_excel_accepts(title, shown):
    assert opened(Sheet(title, ["Un"], [[1]])).sheetnames == [shown]


def test_titles_that_would_clash_get_a_number():
    sheets = [Sheet(title, ["Un"], [[title]]) for title in ("Site", "SITE", "b" * 40, "b" * 50)]
    assert opened(*sheets).sheetnames == ["Site", "SITE (2)", "b" * 30 + "…", "b" * 26 + "… (2)"]


def test_sheets_keep_their_order_and_their_own_kinds():
    data = write_workbook(
        [
            Sheet("Un", ["Jour"], [[date(2026, 3, 3)]]),
            Sheet("Deux", ["Nombre"], [[3]]),
            Sheet("Trois", ["a"], []),
        ]
    )
    assert [(sheet.name, sheet.rows) for sheet in read_workbook(data).sheets] == [
        ("Un", [["Jour"], [date(2026, 3, 3)]]),
        ("Deux", [["Nombre"], [3]]),
        ("Trois", [["a"]]),
    ]


@pytest.mark.parametrize("text", [text for text in FORMULA_LIKE if not text.startswith("{")])
def test_a_csv_text_that_looks_like_a_formula_gets_an_apostrophe(text):
    cell = write_csv(Sheet("Feuille", [text], [[text]])).decode("utf-8-sig")
    plain = cell.replace('""', '"').replace('"', "")
    assert plain == f"'{text}\r\n'{text}\r\n".replace('"', "")


def test_a_csv_file_opens_in_a_french_excel():
    sheet = Sheet(
        "Feuille",
        ["Texte", "Jour", "Moment", "Nombre", "Oui", "Rien"],
        [["é;à", date(2026, 3, 3), datetime(2026, 3, 3, 8, 5), -12.5, True, None]],
    )
    assert write_csv(sheet).startswith(b"\xef\xbb\xbf")
    assert lines_of_csv(sheet) == [
        "Texte;Jour;Moment;Nombre;Oui;Rien",
        '"é;à";03/03/2026;03/03/2026 08:05;-12,5;VRAI;',
        "",
    ]


def test_a_csv_cell_keeps_quotes_and_lines_and_loses_control_characters():
    assert write_csv(column_of('a"b\nc\x00')).decode("utf-8-sig") == 'Valeur\r\n"a""b\nc"\r\n'
