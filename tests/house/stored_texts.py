"""Every text that the database holds, by column: in clear, and in the sealed boxes once they are opened."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import JSON, String

from eprunes.core.crypto import PLATFORM, key_store, open_box
from eprunes.core.database import TenantScoped
from tests.house.rows import mappers, read
from tests.support.worlds import World

SEALED = {
    **{
        f"{table}.box": table
        for table in (
            "drivers",
            "notices",
            "answers",
            "transmissions",
            "outgoing_mails",
            "notice_notes",
            "driver_requests",
        )
    },
    "answers.outcome_box": "answers.refus",
    "stored_files.box": "stored_files",
    **{f"work_tasks.{name}_box": "work_tasks" for name in ("input", "staged", "result")},
}
"""Boxes that are read by the client they belong to, and the table's name they are sealed for."""


def columns(*kinds: type) -> list[str]:
    """`table.column` of every mapped column of these kinds."""
    tables = [mapper.local_table for mapper in mappers()]
    return [str(column) for table in tables for column in table.columns if isinstance(column.type, kinds)]


def stored_texts(world: World) -> dict[str, list[str]]:
    """What the text columns hold of a client; of all clients where a table of the platform does not say whose."""
    found = defaultdict(list)
    for mapper in mappers():
        texts = [column for column in mapper.local_table.columns if isinstance(column.type, String | JSON)]
        for row in read(mapper, texts, world) if texts else ():
            for column, value in zip(texts, row, strict=True):
                found[str(column)].extend(text for _, text in leaves(value))
    return found


def sealed_texts(world: World) -> dict[str, list[str]]:
    """What the boxes of a client hold, by `table.box.field`."""
    found = defaultdict(list)
    for mapper in mappers():
        table = mapper.local_table
        for box in [column for column in table.columns if str(column) in SEALED]:
            owner = world.organisation_id if issubclass(mapper.class_, TenantScoped) else PLATFORM
            for row_id, key_id, sealed in read(mapper, [table.c.id, table.c.key_id, box], world):
                if sealed is None:
                    continue
                content = open_box(key_store().keys(owner, [key_id])[key_id], owner, SEALED[str(box)], row_id, sealed)
                for path, text in leaves(content):
                    found[f"{box}{path}"].append(text)
    return found


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the way to it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    elif isinstance(value, str):
        yield path, value
