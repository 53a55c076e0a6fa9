"""What the tables hold of a client, read beneath the product's own queries."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache

from sqlalchemy import Column, ColumnElement, Select, bindparam, inspect, or_, select
from sqlalchemy.orm import Mapper

from eprunes.accounts.models import Identity, Organisation
from eprunes.core.database import Base, TenantScoped, platform_session, tenant_session
from tests.support.worlds import World


def mappers() -> list[Mapper]:
    """Every model."""
    return list(Base.registry.mappers)


def read(mapper: Mapper, columns: Sequence[Column], world: World) -> list[tuple]:
    """These columns of a client's rows; nothing where the rows are nobody's."""
    return next(_read([(mapper, tuple(columns))], world))


def everything(world: World) -> dict[str, dict[tuple, dict]]:
    """Every row of a client, by table and key."""
    found = {}
    for mapper, rows in zip(mappers(), _read([(one, _all(one)) for one in mappers()], world), strict=True):
        table = mapper.local_table
        keys, names = len(_key(mapper)), [str(column) for column in table.columns]
        found[table.name] = {row[:keys]: dict(zip(names, row[keys:], strict=True)) for row in rows}
    return found


def counted(world: World) -> dict[str, int]:
    """How many rows of a client each table holds."""
    return {table: len(rows) for table, rows in everything(world).items()}


def changed(before: dict[str, dict], after: dict[str, dict]) -> set[str]:
    """`table.column` of what moved in the rows that were there; `table` of rows that went."""
    moved = set()
    for table, rows in before.items():
        for key, row in rows.items():
            now = after[table].get(key)
            moved |= {table} if now is None else {name for name in row if row[name] != now[name]}
    return moved


def _read(wanted: Sequence[tuple[Mapper, tuple[Column, ...]]], world: World) -> Iterator[list[tuple]]:
    """The rows of each model in turn, in one session of the client and one of the platform."""
    with ExitStack() as stack:
        tenant = stack.enter_context(tenant_session(world.organisation_id))
        platform = stack.enter_context(platform_session("tests"))
        for mapper, columns in wanted:
            session = tenant if issubclass(mapper.class_, TenantScoped) else platform
            found = session.execute(_query(mapper, columns), {"client": world.organisation_id})
            yield [tuple(row) for row in found]


@cache
def _query(mapper: Mapper, columns: tuple[Column, ...]) -> Select:
    model = mapper.class_
    attributes = [getattr(model, inspect(model).get_property_by_column(column).key) for column in columns]
    return select(*attributes).where(_owned(model)).order_by(*mapper.primary_key)


def _key(mapper: Mapper) -> list[Column]:
    return [mapper.local_table.c.id] if "id" in mapper.local_table.c else list(mapper.primary_key)


def _all(mapper: Mapper) -> tuple[Column, ...]:
    """The key, and every column once more."""
    return (*_key(mapper), *mapper.local_table.columns)


def _owned(model: type) -> ColumnElement[bool]:
    """Rows that name the client, or one of its accounts."""
    client = bindparam("client")
    if model is Organisation:
        return Organisation.id == client
    accounts = select(Identity.id).where(Identity.organisation_id == client)
    named = [model.organisation_id == client] if hasattr(model, "organisation_id") else []
    if hasattr(model, "identity_id"):
        named.append(model.identity_id.in_(accounts))
    return or_(False, *named)
