"""Builds workbooks by hand, part by part, so that a test can put anything in them."""

import io
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

CONTENT_TYPES = f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="text/xml"/></Types>'
ROOT_LINKS = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>'
    '<sheet name="Feuille" sheetId="1" r:id="r1"/></sheets></workbook>'
)
WORKBOOK_LINKS = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


def parts_with(sheet_data: str, before: str = "", prologue: str = "") -> dict[str, str]:
    """The parts of a workbook of one sheet: the content of its sheetData, what stands before it."""
    return {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": ROOT_LINKS,
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": WORKBOOK_LINKS,
        "xl/worksheets/sheet1.xml": (
            f'{prologue}<worksheet xmlns="{MAIN}">{before}<sheetData>{sheet_data}</sheetData></worksheet>'
        ),
    }


def zipped(parts: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(sheet_data: str, before: str = "", prologue: str = "") -> bytes:
    return zipped(parts_with(sheet_data, before, prologue))


def line(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def number_cell(reference: str, value: object = 1) -> str:
    return f'<c r="{reference}"><v>{value}</v></c>'


def two_cells(first: str, last: str) -> bytes:
    """A sheet with these two cells alone."""
    rows = [int("".join(filter(str.isdigit, place))) for place in (first, last)]
    return workbook(line(rows[0], number_cell(first)) + line(rows[1], number_cell(last)))


def strings_part(text: str) -> str:
    return f'<sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>{text}</t></si></sst>'
