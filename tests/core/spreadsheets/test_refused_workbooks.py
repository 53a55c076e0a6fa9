import io
import random
import zipfile
from pathlib import Path

import openpyxl
import pytest

from eprunes.core.spreadsheets import reading
from eprunes.core.spreadsheets.reading import SpreadsheetRefused, Workbook, read_workbook
from tests.core.spreadsheets.archives import (
    line,
    number_cell,
    parts_with,
    strings_part,
    two_cells,
    workbook,
    zipped,
)

DEMO = Path(__file__).parents[3] / "demo" / "parc-transports-durand.xlsx"
GOOD = workbook(line(1, number_cell("A1")))

NOT_A_WORKBOOK = "n’est pas un classeur Excel"
DAMAGED = "abîmé"
SUSPICIOUS = "trop d’éléments, ou trop de données"
TOO_HEAVY = "trop lourd ou abîmé"
ROWS = "60\u00a0000 lignes"
COLUMNS = "200 colonnes"

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]>"
)


def refusal_of(data):
    with pytest.raises(SpreadsheetRefused) as refusal:
        read_workbook(data)
    return str(refusal.value)


def outcome_of(data):
    try:
        return read_workbook(data)
    except SpreadsheetRefused as refusal:
        return str(refusal)


def with_stored(files):
    """The good workbook and these files, uncompressed."""
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"Immatriculation;Marque\r\nAA-123-BB;Renault\r\n",
        b"<html><body><table><tr><td>AA-123-BB</td></tr></table></body></html>",
        b"%PDF-1.7",
        b"\x00" * 5_000,
        zipped({"a.txt": "une archive quelconque"}),
        zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<document/>"}),
        zipped({"xl/workbook.xml": "<workbook/>"}),
    ],
)
def test_a_file_that_is_no_workbook_is_refused(data):
    assert NOT_A_WORKBOOK in refusal_of(data)


def test_an_old_or_encrypted_workbook_is_refused_with_the_way_out():
    assert refusal_of(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(3_000)) == (
        "Ce classeur est protégé par un mot de passe ou dans l’ancien format .xls\u00a0: enregistrez-le au "
        "format .xlsx sans mot de passe."
    )


def test_an_archive_with_an_encrypted_entry_is_refused():
    locked = bytearray(GOOD)
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "mot de passe" in refusal_of(bytes(locked))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_workbook_is_refused(kept):
    data = DEMO.read_bytes()
    assert DAMAGED in refusal_of(data[: int(len(data) * kept)])


def test_a_file_of_20_megabytes_is_read_and_one_byte_more_refused():
    def padded_by(size):
        return with_stored({"xl/media/a.bin": bytes(size)})

    room = reading.MAX_FILE_BYTES - len(padded_by(0))
    assert len(padded_by(room)) == 20 * 1024 * 1024
    assert read_workbook(padded_by(room)).sheets[0].rows == [[1]]
    assert "20\u00a0Mo" in refusal_of(padded_by(room + 1))


@pytest.mark.parametrize("entries", [200, 201])
def test_an_archive_of_more_than_200_entries_is_refused(entries):
    parts = parts_with(line(1, number_cell("A1")))
    parts |= {f"xl/media/{number}.png": b"x" for number in range(entries - len(parts))}
    if entries == 200:
        assert read_workbook(zipped(parts)).sheets[0].rows == [[1]]
    else:
        assert SUSPICIOUS in refusal_of(zipped(parts))


def test_an_archive_whose_entries_could_be_hundreds_of_thousands_is_not_opened():
    assert SUSPICIOUS in refusal_of(b"PK\x03\x04" + b"PK\x01\x02" * 201)
    assert DAMAGED in refusal_of(b"PK\x03\x04" + b"PK\x01\x02" * 200)


def test_a_zip_bomb_is_refused():
    parts = parts_with(line(1, number_cell("A1")))
    bomb = zipped(parts | {"xl/sharedStrings.xml": b" " * 30_000_000})
    assert len(bomb) < 50_000
    assert SUSPICIOUS in refusal_of(bomb)


@pytest.mark.parametrize(("size", "is_read"), [(69_900_000, True), (69_910_000, False)])
def test_an_archive_of_more_than_200_megabytes_of_data_is_refused_whatever_the_ratio(size, is_read):
    real = 400_000
    data = with_stored({f"xl/media/{number}.bin": bytes(real) for number in range(3)})
    declared = data.replace(real.to_bytes(4, "little") * 2, (real.to_bytes(4, "little") + size.to_bytes(4, "little")))
    assert size / real < reading.MAX_RATIO
    if is_read:
        assert read_workbook(declared).sheets[0].rows == [[1]]
    else:
        assert SUSPICIOUS in refusal_of(declared)


@pytest.mark.parametrize(("ratio", "is_read"), [(200, True), (201, False)])
def test_an_entry_compressed_more_than_200_times_is_refused(ratio, is_read):
    real = 70_000
    data = with_stored({"xl/media/a.bin": bytes(real)})
    declared = data.replace(
        real.to_bytes(4, "little") * 2, real.to_bytes(4, "little") + (real * ratio).to_bytes(4, "little")
    )
    if is_read:
        assert read_workbook(declared).sheets[0].rows == [[1]]
    else:
        assert SUSPICIOUS in refusal_of(declared)


def test_a_zip_bomb_that_lies_about_its_size_is_refused():
    size = 30_000_000
    bomb = zipped(parts_with(line(1, number_cell("A1"))) | {"xl/sharedStrings.xml": b" " * size})
    lying = bomb.replace(size.to_bytes(4, "little"), (2_000).to_bytes(4, "little"))
    assert lying != bomb
    assert DAMAGED in refusal_of(lying)


def test_one_text_repeated_until_memory_is_full_is_refused():
    rows = "".join(line(number, f'<c r="A{number}" t="s"><v>0</v></c>') for number in range(1, 60_001))
    bomb = zipped(parts_with(rows) | {"xl/sharedStrings.xml": strings_part("abcdefgh" * 4_000)})
    assert len(bomb) < 400_000
    assert TOO_HEAVY in refusal_of(bomb)


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.001)
    assert TOO_HEAVY in refusal_of(GOOD)


def test_a_child_process_that_cannot_start_is_a_refusal(monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "CHILD", tmp_path / "missing.py")
    assert TOO_HEAVY in refusal_of(GOOD)


def test_the_small_bomb_of_two_far_cells_is_refused():
    bomb = two_cells("A1", "XFD1048576")
    assert len(bomb) < 1_500
    assert COLUMNS in refusal_of(bomb)


def test_60000_rows_are_read_and_60001_refused():
    assert len(read_workbook(two_cells("A1", "A60000")).sheets[0].rows) == 60_000
    assert refusal_of(two_cells("A1", "A60001")) == (
        "La feuille «\u00a0Feuille\u00a0» dépasse 60\u00a0000 lignes\u00a0: répartissez-les en plusieurs classeurs."
    )


def test_200_columns_are_read_and_201_refused():
    assert len(read_workbook(two_cells("A1", "GR1")).sheets[0].rows[0]) == 200
    assert COLUMNS in refusal_of(two_cells("A1", "GS1"))


@pytest.mark.parametrize(
    ("sheet_data", "expected"),
    [
        (line(1, number_cell("A60001")), ROWS),
        (line(60_001, number_cell("A1")), ROWS),
        (line(60_000, number_cell("A60000")) + "<row><c><v>1</v></c></row>", ROWS),
        (line(1, number_cell("GR1"), "<c><v>1</v></c>"), COLUMNS),
        (line(1, number_cell("A1")) + "<row>" + "<c><v>1</v></c>" * 201 + "</row>", COLUMNS),
        (line(2, '<c r="GS2" t="inlineStr"><is><t>x</t></is></c>'), COLUMNS),
        (line(2, '<c r="GS2"><f>1+1</f></c>'), COLUMNS),
        (line(2, '<x:c xmlns:x="urn:x" r="GS2"><x:v>1</x:v></x:c>'), COLUMNS),
        (line(1, number_cell("$A$1")), DAMAGED),
        (line(1, number_cell("AAAAAAAAAAAAAAA1")), DAMAGED),
        (line(1, number_cell("A99999999999999999999")), ROWS),
    ],
)
def test_a_far_cell_is_refused_however_it_is_placed(sheet_data, expected):
    assert expected in refusal_of(workbook(sheet_data))


def test_far_cells_that_hold_nothing_are_no_harm():
    styled = line(1, number_cell("A1", 5), '<c r="XFD1" s="0"/>') + line(1_048_576, '<c r="A1048576" s="0"/>')
    assert read_workbook(workbook(styled)).sheets[0].rows == [[5]]


@pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1", "B2:B2", "nothing"])
def test_a_dimension_that_lies_changes_nothing(dimension):
    before = f'<dimension ref="{dimension}"/>'
    good = workbook(line(1, number_cell("A1")) + line(3, number_cell("B3", 2)), before)
    if dimension == "nothing":
        assert DAMAGED in refusal_of(good)
    else:
        assert read_workbook(good).sheets[0].rows == [[1, None], [None, None], [None, 2]]
    assert COLUMNS in refusal_of(workbook(line(1, number_cell("XFD1")), before))


@pytest.mark.parametrize(("last", "is_read"), [("AX60000", True), ("AY60000", False), ("GR60000", False)])
def test_a_rectangle_of_more_than_three_million_cells_is_refused(last, is_read):
    data = workbook(line(60_000, number_cell(last)))
    if is_read:
        assert read_workbook(data).sheets[0].rows[-1][-1] == 1
    else:
        assert "3 millions de cases" in refusal_of(data)


def test_the_cells_of_all_sheets_count_together():
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Deux")):
        sheet["AX30001"] = 1
    buffer = io.BytesIO()
    book.save(buffer)
    assert "3 millions de cases" in refusal_of(buffer.getvalue())


def test_a_second_sheet_is_checked_too():
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    book.create_sheet("Loin")["XFD1048576"] = 1
    buffer = io.BytesIO()
    book.save(buffer)
    assert "«\u00a0Loin\u00a0»" in refusal_of(buffer.getvalue())


def test_a_sheet_kept_in_an_unusual_place_is_checked_too():
    parts = parts_with(line(1, number_cell("XFD1048576")))
    parts["xl/divers/a.xml"] = parts.pop("xl/worksheets/sheet1.xml")
    links = "xl/_rels/workbook.xml.rels"
    parts[links] = parts[links].replace("worksheets/sheet1.xml", "/xl/divers/a.xml")
    assert COLUMNS in refusal_of(zipped(parts))


def test_a_billion_laughs_is_refused():
    assert DAMAGED in refusal_of(workbook(line(1, '<c r="A1" t="str"><v>&j;</v></c>'), prologue=LAUGHS))


@pytest.mark.parametrize("document_type", ["<!DOCTYPE a>", '<!DOCTYPE a SYSTEM "file:///etc/passwd">'])
@pytest.mark.parametrize(
    "part",
    [
        "[Content_Types].xml",
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/sharedStrings.xml",
    ],
)
def test_a_document_type_is_refused_in_every_part(part, document_type):
    parts = parts_with(line(1, '<c r="A1" t="s"><v>0</v></c>')) | {"xl/sharedStrings.xml": strings_part("texte")}
    assert read_workbook(zipped(parts)).sheets[0].rows == [["texte"]]
    parts[part] = document_type + parts[part]
    assert DAMAGED in refusal_of(zipped(parts))


@pytest.mark.parametrize(
    "broken",
    [
        {"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row>"},
        {"xl/worksheets/sheet1.xml": "ceci n’est pas du XML"},
        {"xl/worksheets/sheet1.xml": b"\xff\xfe\x00"},
        {"xl/_rels/workbook.xml.rels": "<Relationships><Relationship/></Relationships>"},
        {"xl/workbook.xml": "<workbook><sheets><sheet/></sheets></workbook>"},
    ],
)
def test_a_broken_part_is_refused(broken):
    assert DAMAGED in refusal_of(zipped(parts_with(line(1, number_cell("A1"))) | broken))


def test_a_missing_part_is_refused():
    parts = parts_with(line(1, number_cell("A1")))
    del parts["xl/worksheets/sheet1.xml"]
    assert DAMAGED in refusal_of(zipped(parts))


@pytest.mark.parametrize("value", ["1e999", "NaN", "inf"])
def test_a_number_that_is_none_is_refused(value):
    assert DAMAGED in refusal_of(workbook(line(1, number_cell("A1", value))))


@pytest.mark.parametrize("seed", range(15))
def test_whatever_the_bytes_the_answer_is_a_workbook_or_a_sentence(seed):
    chance = random.Random(seed)
    data = bytearray(DEMO.read_bytes())
    for _ in range(chance.choice([1, 5, 40])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    assert isinstance(outcome_of(bytes(data)), Workbook | str)
