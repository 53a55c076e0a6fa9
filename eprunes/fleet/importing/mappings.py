"""What people say that the sheets and columns of a workbook are: as the page shows it, checked, and remembered."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update

from eprunes.core.database import TenantSession, insert_absent, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SheetRead, Workbook
from eprunes.core.spreadsheets.values import as_text
from eprunes.fleet.importing.columns import KINDS, SheetKind, missing_columns, own_heading
from eprunes.fleet.importing.layouts import (
    Layout,
    Remembered,
    Understanding,
    field_of,
    heading_key,
    left_aside,
    names_by_heading,
    understand_as,
)
from eprunes.fleet.models import ImportMapping

SAMPLED_LINES = 20
LONGEST_SAMPLE = 40


@dataclass(frozen=True)
class SheetChoice:
    """What was chosen for one sheet: its kind (empty: not imported), and the field of each column by its place."""

    kind: str
    fields: Mapping[int, str]


def kind_field(index: int) -> str:
    """The name that a form gives to the kind of a sheet."""
    return f"kind_{index}"


def column_field(index: int, place: int) -> str:
    """The name that a form gives to the field of a column."""
    return f"field_{index}_{place}"


def mapping_as_json(workbook: Workbook, understanding: Understanding, remembered: Remembered) -> list[dict]:
    """Each sheet with its kind and its columns, a value of each as an example, as the page shows them."""
    pairs = zip(workbook.sheets, understanding.layouts, strict=True)
    return [
        {
            "name": sheet.name,
            "kind": layout.kind,
            "lines": max(len(sheet.rows) - layout.heading_row - 1, 0),
            "columns": _columns(sheet, layout, remembered),
        }
        for sheet, layout in pairs
    ]


def lacking_columns(mapping: list[dict], problems: list[dict]) -> dict[str, list[str]]:
    """By sheet, the columns for want of which it, or lines of it, are refused (see `mapping_as_json`)."""
    lacking = {}
    for sheet in mapping:
        kind = KINDS.get(sheet["kind"])
        if kind is None or not sheet["lines"]:
            continue
        chosen = {column["field"] for column in sheet["columns"]}
        blamed = {problem["heading"] for problem in problems if problem["sheet"] == sheet["name"]}
        blamed.update(missing_columns(kind, chosen))
        absent = [column.heading for column in kind.columns if column.name not in chosen]
        lacking[sheet["name"]] = [heading for heading in absent if heading in blamed]
    return {name: headings for name, headings in lacking.items() if headings}


def chosen_layouts(
    workbook: Workbook, before: Understanding, chosen: list[SheetChoice], remembered: Remembered
) -> Understanding:
    """How the workbook is read from now on. The columns of a sheet that becomes of another kind are guessed anew.

    Raises Refused when two sheets would be the same, two columns of a sheet hold the same, or nothing is left.
    """
    layouts, notes, taken = [], [], {}
    for index, (sheet, layout, choice) in enumerate(zip(workbook.sheets, before.layouts, chosen, strict=True)):
        kind = KINDS.get(choice.kind)
        if kind is None:
            layouts.append(left_aside(sheet))
            continue
        if kind.name in taken:
            sentence = f"Les feuilles «\u00a0{taken[kind.name]}\u00a0» et «\u00a0{sheet.name}\u00a0» ne peuvent pas "
            raise Refused(f"{sentence}contenir toutes deux les {kind.title.lower()}.", kind_field(index))
        taken[kind.name] = sheet.name
        if kind.name != layout.kind:
            layouts.append(understand_as(kind, sheet, remembered, notes))
        else:
            layouts.append(_chosen_columns(index, kind, sheet, layout, choice))
    if not taken:
        raise Refused("Dites ce que contient une feuille au moins.", kind_field(0))
    same_sheets = [one.kind for one in layouts] == [one.kind for one in before.layouts]
    return Understanding(layouts, notes, before.warnings if same_sheets else [])


def remember(session: TenantSession, workbook: Workbook, before: Understanding, now: Understanding) -> int:
    """Keep for the next workbooks what was chosen otherwise than headings say by themselves; returns how many."""
    wanted: dict[tuple[str, str], str | None] = {}
    for sheet, old, new in zip(workbook.sheets, before.layouts, now.layouts, strict=True):
        if new.kind and new.kind == old.kind:
            wanted |= _differences(KINDS[new.kind], sheet, old, new)
    known = remembered_mappings(session)
    for (kind, heading), name in wanted.items():
        row = _own(session, ImportMapping.sheet == kind, ImportMapping.heading == heading)
        if name is None and (kind, heading) in known:
            session.execute(delete(ImportMapping).where(*row))
        elif name is not None and known.get((kind, heading), name) != name:
            session.execute(update(ImportMapping).where(*row).values(field=name))
    new_rows = [
        {"organisation_id": session.organisation_id, "id": new_id(), "sheet": kind, "heading": heading, "field": name}
        for (kind, heading), name in wanted.items()
        if name is not None and (kind, heading) not in known
    ]
    insert_absent(session, ImportMapping, new_rows)
    return sum(name != known.get(key) for key, name in wanted.items())


def remembered_mappings(session: TenantSession) -> Remembered:
    """What the organisation chose for the columns of its workbooks."""
    query = select(ImportMapping.sheet, ImportMapping.heading, ImportMapping.field).where(*_own(session))
    return {(row.sheet, row.heading): row.field for row in session.execute(query)}


def remembered_by(organisation_id: UUID) -> Remembered:
    """As `remembered_mappings`, in a session of its own."""
    with tenant_session(organisation_id) as session:
        return remembered_mappings(session)


def count_remembered(session: TenantSession) -> int:
    """How many columns the organisation's choices are kept of."""
    return session.scalar(select(func.count()).select_from(ImportMapping).where(*_own(session)))


def forget(session: TenantSession) -> int:
    """Remove everything that was remembered; returns how many."""
    statement = delete(ImportMapping).where(*_own(session))
    return session.execute(statement.execution_options(synchronize_session=False)).rowcount


def _own(session: TenantSession, *more: object) -> tuple:
    return ImportMapping.organisation_id == session.organisation_id, *more


def _columns(sheet: SheetRead, layout: Layout, remembered: Remembered) -> list[dict]:
    """The columns that have a heading or anything below it."""
    if not sheet.rows:
        return []
    lines = sheet.rows[layout.heading_row + 1 : layout.heading_row + 1 + SAMPLED_LINES]
    columns = []
    for place, name in enumerate(layout.fields):
        heading = as_text(sheet.rows[layout.heading_row][place])
        sample = next((text for row in lines if (text := as_text(row[place]))), "")
        if heading or sample:
            known = remembered.get((layout.kind, heading_key(heading)))
            told = {"place": place, "heading": heading, "sample": sample[:LONGEST_SAMPLE], "field": name}
            columns.append(told | {"is_remembered": known is not None and known == name})
    return columns


def _chosen_columns(index: int, kind: SheetKind, sheet: SheetRead, layout: Layout, choice: SheetChoice) -> Layout:
    fields = [choice.fields.get(place, name) for place, name in enumerate(layout.fields)]
    first: dict[str, int] = {}
    for place, name in enumerate(fields):
        if name and name in first:
            headings = sheet.rows[layout.heading_row]
            one, other = (as_text(headings[at]) or f"Colonne {at + 1}" for at in (first[name], place))
            raise Refused(
                f"Feuille «\u00a0{sheet.name}\u00a0»\u00a0: les colonnes «\u00a0{one}\u00a0» et «\u00a0{other}\u00a0» "
                f"ne peuvent pas être toutes deux «\u00a0{own_heading(kind, name)}\u00a0».",
                column_field(index, place),
            )
        first.setdefault(name, place)
    return Layout(layout.kind, layout.heading_row, fields)


def _differences(kind: SheetKind, sheet: SheetRead, old: Layout, new: Layout) -> dict[tuple[str, str], str | None]:
    """The field now chosen for each heading that had another; None where the heading says it by itself.

    Headings that stand twice tell nothing.
    """
    changed = [place for place, name in enumerate(new.fields) if name != old.fields[place]]
    headings = [as_text(cell) for cell in sheet.rows[new.heading_row]] if changed else []
    keys = [heading_key(heading) for heading in headings]
    counts, by_itself = Counter(keys), names_by_heading(kind)
    return {
        (kind.name, keys[place]): None
        if (field_of(headings[place], by_itself) or "") == new.fields[place]
        else new.fields[place]
        for place in changed
        if keys[place] and counts[keys[place]] == 1
    }
