"""Which sheet and which column of a workbook mean what, whatever their case, accents, spaces and order.

Guessed from names and headings, and from what the client chose for earlier workbooks; people may choose otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.csv_reading import SHEET_NAME, is_of_csv
from eprunes.core.spreadsheets.reading import SheetRead, Value, Workbook
from eprunes.core.spreadsheets.values import as_text
from eprunes.fleet.importing.columns import (
    KINDS,
    REASON_HEADING,
    SHEETS,
    Recognised,
    SheetKind,
    Table,
    missing_columns,
    plain,
    spellings,
    without_little_words,
)

SEARCHED_LINES = 10
MOST_NOTES = 10
LONGEST_HEADING = 80
_NOT_RECOGNISED = "non reconnue\u00a0: ignorée"
_EXPECTED = ", ".join(f"«\u00a0{kind.title}\u00a0»" for kind in SHEETS)

Remembered = Mapping[tuple[str, str], str]
"""The field that a client chose for a kind of sheet and a heading (see `heading_key`); empty: not imported."""


@dataclass(frozen=True)
class Layout:
    """How one sheet is read: its kind's name, the index of the line of its headings, the field of each column.

    An empty kind or field is left aside.
    """

    kind: str
    heading_row: int
    fields: list[str]


@dataclass(frozen=True)
class Understanding:
    """The layout of each sheet of a workbook, in their order, sentences on what was left aside, and warnings of a
    sheet that holds what another one does."""

    layouts: list[Layout]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict:
        return asdict(self)


def understanding_from(content: dict) -> Understanding:
    """The reverse of `as_json`."""
    layouts = [Layout(**one) for one in content["layouts"]]
    return Understanding(layouts, content["notes"], content.get("warnings", []))


def recognise(workbook: Workbook, remembered: Remembered | None = None) -> Recognised:
    """The sheets and columns that mean something. Raises Refused when no sheet of the workbook is usable."""
    recognised = tables_of(workbook, understand(workbook, remembered or {}))
    if why := unusable(recognised):
        raise Refused(why, "file")
    return recognised


def understand(workbook: Workbook, remembered: Remembered) -> Understanding:
    """What the sheets and columns of a workbook probably mean."""
    layouts, notes, taken, doubles = [], [], {}, []
    titled = {kind.name for sheet in workbook.sheets if (kind := _kind_by_title(sheet.name))}
    for sheet in workbook.sheets:
        kind = _kind_by_title(sheet.name) or _kind_by_columns(sheet, titled, remembered)
        if kind is not None and kind.name not in taken:
            taken[kind.name] = sheet.name
            layouts.append(understand_as(kind, sheet, remembered, notes))
            if kind.name not in titled:
                notes.append(f"«\u00a0{sheet.name}\u00a0» lu comme «\u00a0{kind.title}\u00a0», d’après ses colonnes.")
            continue
        layouts.append(left_aside(sheet))
        alike = kind or _kind_by_columns(sheet, set(), remembered)
        if alike and _has_lines(sheet):
            doubles.append((sheet.name, alike))
        elif not is_of_csv(workbook):
            why = f"ignorée\u00a0: «\u00a0{taken[kind.name]}\u00a0» tient déjà ce rôle" if kind else _NOT_RECOGNISED
            notes.append(f"Feuille «\u00a0{sheet.name}\u00a0» {why}.")
    return Understanding(layouts, notes, [_double(name, kind, taken[kind.name]) for name, kind in doubles])


def understand_as(kind: SheetKind, sheet: SheetRead, remembered: Remembered, notes: list[str]) -> Layout:
    """The columns of a sheet that is of this kind; what is left aside is added to the notes."""
    known = known_headings(kind, remembered)
    index = _heading_row(sheet.rows, known)
    headings = [as_text(cell) for cell in sheet.rows[index]] if sheet.rows else []
    fields: list[str] = []
    for heading in headings:
        name = field_of(heading, known)
        if name and name in fields:
            first = headings[fields.index(name)]
            notes.append(
                f"Colonne «\u00a0{heading}\u00a0» de la feuille «\u00a0{sheet.name}\u00a0» ignorée\u00a0: "
                f"«\u00a0{first}\u00a0» dit déjà la même chose."
            )
            name = ""
        elif name is None:
            _note_unknown(kind, sheet.name, heading, notes)
        fields.append(name or "")
    return Layout(kind.name, index, fields)


def left_aside(sheet: SheetRead) -> Layout:
    """The layout of a sheet that is not imported."""
    index = _heading_row(sheet.rows, {})
    return Layout("", index, [""] * (len(sheet.rows[index]) if sheet.rows else 0))


def tables_of(workbook: Workbook, understanding: Understanding) -> Recognised:
    """The sheets to be read, those that lack a column included, which say so."""
    tables = {}
    for sheet, layout in zip(workbook.sheets, understanding.layouts, strict=True):
        if layout.kind:
            tables[layout.kind] = _table(KINDS[layout.kind], sheet, layout)
    known = [tables[name] for name in KINDS if name in tables]
    return Recognised(known, understanding.notes, understanding.warnings, is_of_csv(workbook))


def unusable(recognised: Recognised) -> str:
    """Why there is nothing to read, or an empty text. What was left aside is said with it: a misspelt sheet is often
    the reason."""
    tables = recognised.tables
    if not tables and recognised.is_csv:
        why = "Les colonnes de ce fichier CSV ne sont pas reconnues\u00a0: sa première ligne doit donner leurs titres."
    elif not tables:
        why = f"Aucune feuille n’est reconnue\u00a0: nommez-les {_EXPECTED} (chacune est facultative)."
    elif all(table.refusal for table in tables):
        why = " ".join(table.refusal for table in tables)
    elif not any(table.cells for table in tables):
        why = f"Ce {'fichier CSV' if recognised.is_csv else 'classeur'} ne contient aucune ligne à importer."
    else:
        return ""
    return " ".join([why, *recognised.warnings, *recognised.notes[:MOST_NOTES]])


def has_lines(workbook: Workbook) -> bool:
    """True when some sheet has a line under its headings, so that people can say what its columns are."""
    return any(map(_has_lines, workbook.sheets))


def known_headings(kind: SheetKind, remembered: Remembered) -> dict[str, str]:
    """The field of every heading that this kind knows, for `field_of`; the client's own choices come first."""
    own = {heading: name for (sheet, heading), name in remembered.items() if sheet == kind.name}
    return names_by_heading(kind) | own


def names_by_heading(kind: SheetKind) -> dict[str, str]:
    """The field of every heading that means one by itself, for `field_of`."""
    return {
        spelling: column.name
        for column in kind.columns
        for heading in (column.heading, *column.synonyms)
        for spelling in spellings(heading)
    }


def field_of(heading: str, known: Mapping[str, str]) -> str | None:
    """The field that a heading means among these: as it is written, else without its little words."""
    key = heading_key(heading)
    return known[key] if key in known else known.get(without_little_words(heading))


def heading_key(heading: str) -> str:
    """What a client's choice for a heading is kept by."""
    return plain(heading)[:LONGEST_HEADING]


def _has_lines(sheet: SheetRead) -> bool:
    return sum(any(as_text(cell) for cell in row) for row in sheet.rows) >= 2


def _double(name: str, kind: SheetKind, other: str) -> str:
    return (
        f"La feuille «\u00a0{name}\u00a0» n’est pas importée\u00a0: elle contient des {kind.title.lower()}, comme "
        f"«\u00a0{other}\u00a0». Réunissez leurs lignes sur une seule feuille, ou importez-la à part."
    )


def _kind_by_columns(sheet: SheetRead, titled: set[str], remembered: Remembered) -> SheetKind | None:
    """What a sheet under another name holds: the kind that most of its headings belong to, two at least, all those
    that this kind requires among them. Not one that another sheet has the name of: it may be an old copy."""
    best, most = None, 1
    for kind in SHEETS:
        if kind.name in titled:
            continue
        known = known_headings(kind, remembered)
        cells = sheet.rows[_heading_row(sheet.rows, known)] if sheet.rows else []
        found = {field_of(as_text(cell), known) for cell in cells} - {None, ""}
        if len(found) > most and not missing_columns(kind, found):
            best, most = kind, len(found)
    return best


def _table(kind: SheetKind, sheet: SheetRead, layout: Layout) -> Table:
    index = layout.heading_row
    headings = [as_text(cell) for cell in sheet.rows[index]] if sheet.rows else []
    places = {name: place for place, name in enumerate(layout.fields) if name}
    return Table(kind, sheet.name, headings, places, index + 2, sheet.rows[index + 1 :], _refusal(kind, sheet, places))


def _heading_row(rows: Sequence[Sequence[Value]], known: Mapping[str, str]) -> int:
    """The first line with two known headings, so that a title above them does no harm; else the first with one, with
    two filled cells, or with anything."""
    best, index_of_best = 0, 0
    for index, row in enumerate(rows[:SEARCHED_LINES]):
        texts = [text for cell in row if (text := as_text(cell))]
        found, filled = sum(field_of(text, known) is not None for text in texts), len(texts)
        rank = 4 if found >= 2 else 3 if found else min(filled, 2)
        if rank > best:
            best, index_of_best = rank, index
    return index_of_best


def _note_unknown(kind: SheetKind, sheet: str, heading: str, notes: list[str]) -> None:
    ours = {plain(one) for one in (REASON_HEADING, *kind.exported)}
    if heading and plain(heading) not in ours:
        notes.append(
            f"Colonne «\u00a0{heading}\u00a0» de la feuille «\u00a0{sheet}\u00a0» non reconnue\u00a0: ignorée."
        )


def _refusal(kind: SheetKind, sheet: SheetRead, places: Mapping[str, int]) -> str:
    missing = missing_columns(kind, places) if sheet.rows else []
    if not missing:
        return ""
    listed = " et ".join(f"«\u00a0{heading}\u00a0»" for heading in missing)
    wording = "la colonne {} manque" if len(missing) == 1 else "les colonnes {} manquent"
    what = "Fichier CSV refusé" if sheet.name == SHEET_NAME else f"Feuille «\u00a0{sheet.name}\u00a0» refusée"
    return f"{what}\u00a0: {wording.format(listed)}."


def _kind_by_title(name: str) -> SheetKind | None:
    kinds = {
        spelling: kind for kind in SHEETS for title in (kind.title, *kind.synonyms) for spelling in spellings(title)
    }
    return kinds.get(plain(name)) or kinds.get(without_little_words(name))
