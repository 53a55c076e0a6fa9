"""CSV files as other programs write them: separators, encodings, quotes, and what is refused."""

import codecs

import pytest

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.csv_reading import MAX_COLUMNS, MAX_ROWS, is_csv, read_csv
from eprunes.core.spreadsheets.reading import MAX_FILE_BYTES
from eprunes.core.spreadsheets.sent import check_sent, read_sent
from eprunes.core.spreadsheets.writing import Sheet, write_csv

ROWS = [["Prénom", "Âge"], ["Zoé", "42"]]


def rows_of(data: bytes) -> list:
    [sheet] = read_csv(data).sheets
    return sheet.rows


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_whatever_wrote_it(separator, encoding, line_end):
    text = line_end.join(separator.join(row) for row in ROWS) + line_end
    assert rows_of(text.encode(encoding)) == ROWS


def test_quotes_hold_separators_quotes_and_ends_of_lines():
    assert rows_of(b'a;b\n"1;2";"dit ""oui"""\n"deux\nlignes";x\n') == [
        ["a", "b"],
        ["1;2", 'dit "oui"'],
        ["deux\nlignes", "x"],
    ]


def test_lines_are_as_wide_as_the_widest_and_empty_ones_at_the_end_are_left_out():
    assert rows_of(b"a;b;c\n1\n\n;;\n2;3\n;;\n\n") == [
        ["a", "b", "c"],
        ["1", None, None],
        [None, None, None],
        [None, None, None],
        ["2", "3", None],
    ]


def test_the_separator_is_the_one_that_the_headings_have_most_of():
    rows = rows_of(b"\nNom, prenom;Ville\nDurand, Zoe;Lyon\n")
    assert rows[1:] == [["Nom, prenom", "Ville"], ["Durand, Zoe", "Lyon"]]


NO_TEXT = [b"%PDF-1.7 x", b"PK\x03\x04", b"a;b\x00c", b"\x89PNG\r\n\x1a\n", codecs.BOM_UTF32_LE + b"a\x00\x00\x00"]


@pytest.mark.parametrize(("data", "sentence"), [(b"", "est vide"), (b"  \n\n", "est vide")] + [
    (data, "n’est pas un texte lisible") for data in NO_TEXT
])  # fmt: skip
def test_what_is_no_text_is_refused_in_words_of_its_name(data, sentence):
    assert not is_csv(data)
    with pytest.raises(Refused, match=f"Ce fichier CSV {sentence}"):
        read_csv(data)
    for name in ("parc.csv", "PARC.TXT"):
        with pytest.raises(Refused, match=f"Ce fichier CSV {sentence}"):
            check_sent(data, name)
    with pytest.raises(Refused, match="classeur"):
        check_sent(data, "parc.xlsx")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_unicode_text_of_excel_is_read(encoding):
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else codecs.BOM_UTF16_BE
    data = mark + "Prénom\tÂge\r\nZoé\t42\r\n".encode(encoding)
    check_sent(data, "parc.txt")
    assert [sheet.rows for sheet in read_sent(data).sheets] == [ROWS]


@pytest.mark.parametrize("text", ["=1+1", "+33 4 66", "-", "@x", "'=1", "''+1", "'abc", "a'=1", "abc", "'", "''"])
def test_a_text_that_was_written_is_read_as_it_was(text):
    [_, [found]] = rows_of(write_csv(Sheet("Feuille", ["Texte"], [[text]])))
    assert found == text


@pytest.mark.parametrize(
    ("cell", "text"), [("'=1", "=1"), ("'+33", "+33"), ("''=1", "'=1"), ("'abc", "'abc"), ("'", "'"), ("=1", "=1")]
)
def test_only_the_apostrophe_before_a_formula_is_taken_off(cell, text):
    assert rows_of(f"Texte\n{cell}\n".encode())[1] == [text]


@pytest.mark.parametrize(("data", "line"), [(b'a;b\n"ouvert;1\n2;3\n', 3), (b'a;b\n"1"x;2\n', 2)])
def test_a_quote_that_is_not_closed_is_told_with_its_line(data, line):
    with pytest.raises(Refused, match=f"à la ligne {line}"):
        read_csv(data)


def test_as_many_lines_and_columns_as_a_workbook_may_have():
    assert len(rows_of(b"1;2\n" * MAX_ROWS)) == MAX_ROWS
    assert len(rows_of(b";".join([b"1"] * MAX_COLUMNS))[0]) == MAX_COLUMNS
    for data in (b"1;2\n" * (MAX_ROWS + 1), b";".join([b"1"] * (MAX_COLUMNS + 1))):
        with pytest.raises(Refused, match="dépasse"):
            read_csv(data)


def test_a_file_of_twenty_megabytes_is_read_and_one_byte_more_is_not():
    heavy = (b"x" * 99_999 + b"\n") * (MAX_FILE_BYTES // 100_000)
    check_sent(heavy.ljust(MAX_FILE_BYTES, b" "))
    for look in (check_sent, read_sent, read_csv):
        with pytest.raises(Refused, match="dépasse 20"):
            look(heavy.ljust(MAX_FILE_BYTES + 1, b" "))
