"""Pages of long lists by keyset: a page starts after a row, so that its depth costs nothing.

A cursor is the id of a row, `-` before it for the page that ends before that row. Anything else, or a row that
is gone, gives the first page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_

from eprunes.core.database import TenantSession

PAGE_SIZE = 80


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the cursors of the pages before and after, if any."""

    rows: list
    previous: str | None
    next: str | None


def read_page(
    session: TenantSession,
    query: Select,
    entity: Any,
    keys: Sequence[str],
    *,
    cursor: str,
    descending: bool = False,
    size: int = PAGE_SIZE,
) -> Page:
    """One page of a query on `entity`, ordered by its columns `keys` (never NULL), then by id.

    A query of columns gives result rows; the entity's `id` must be among them, under that name.
    """
    anchor_id, backwards = _parsed(cursor)
    anchor = None if anchor_id is None else session.scalar(_own(session, entity, anchor_id))
    backwards = backwards and anchor is not None
    names = [*keys, "id"]
    columns = [getattr(entity, name) for name in names]
    ascending = descending == backwards
    if anchor is not None:
        here, there = tuple_(*columns), tuple(getattr(anchor, name) for name in names)
        query = query.where(here > there if ascending else here < there)
    order = [column.asc() if ascending else column.desc() for column in columns]
    rows = session.execute(query.order_by(*order).limit(size + 1)).all()
    is_entity = len(query.column_descriptions) == 1
    found = [row[0] for row in rows] if is_entity else list(rows)
    return _page(found, size, backwards=backwards, anchored=anchor is not None)


def slice_page(rows: Sequence[Any], *, cursor: str, size: int = PAGE_SIZE) -> Page:
    """As `read_page`, for a sorted list that is already in memory; its rows have an `id`."""
    anchor_id, backwards = _parsed(cursor)
    position = next((index for index, row in enumerate(rows) if row.id == anchor_id), None)
    if position is None:
        return _page(list(rows[: size + 1]), size, backwards=False, anchored=False)
    if backwards:
        before = list(rows[max(position - size - 1, 0) : position])
        return _page(before[::-1], size, backwards=True, anchored=True)
    return _page(list(rows[position + 1 : position + size + 2]), size, backwards=False, anchored=True)


def count_of(session: TenantSession, query: Select) -> int:
    """How many rows a query has in all."""
    counting = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return session.scalar(counting) or 0


def _own(session: TenantSession, entity: Any, row_id: UUID) -> Select:
    return select(entity).where(entity.organisation_id == session.organisation_id, entity.id == row_id)


def _page(rows: list, size: int, *, backwards: bool, anchored: bool) -> Page:
    """`rows` come in reading order from the anchor, one more than the page holds where there are more."""
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_previous, has_next = (more, anchored) if backwards else (anchored, more)
    return Page(
        rows,
        f"-{rows[0].id}" if rows and has_previous else None,
        f"{rows[-1].id}" if rows and has_next else None,
    )


def _parsed(cursor: str) -> tuple[UUID | None, bool]:
    backwards = cursor.startswith("-")
    try:
        return UUID(cursor.removeprefix("-")), backwards
    except ValueError:
        return None, False
