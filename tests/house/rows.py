"""What the tables hold of a client, read beneath the product's own queries."""

from sqlalchemy import Column, ColumnElement, inspect, or_, select
from sqlalchemy.orm import Mapper

from eprunes.accounts.models import Identity, Organisation
from eprunes.core.database import Base, TenantScoped, platform_session, tenant_session
from tests.support.worlds import World


def mappers() -> list[Mapper]:
    """Every model."""
    return list(Base.registry.mappers)


def read(mapper: Mapper, columns: list[Column], world: World) -> list[tuple]:
    """These columns of a client's rows; nothing where the rows are nobody's."""
    model = mapper.class_
    attributes = [getattr(model, inspect(model).get_property_by_column(column).key) for column in columns]
    query = select(*attributes).where(_owned(model, world)).order_by(*mapper.primary_key)
    if issubclass(model, TenantScoped):
        with tenant_session(world.organisation_id) as session:
            return [tuple(row) for row in session.execute(query)]
    with platform_session("tests") as session:
        return [tuple(row) for row in session.execute(query)]


def everything(world: World) -> dict[str, dict[tuple, dict]]:
    """Every row of a client, by table and key."""
    found = {}
    for mapper in mappers():
        table = mapper.local_table
        key = [table.c.id] if "id" in table.c else list(mapper.primary_key)
        names = [str(column) for column in table.columns]
        rows = read(mapper, [*key, *table.columns], world)
        found[table.name] = {row[: len(key)]: dict(zip(names, row[len(key) :], strict=True)) for row in rows}
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


def _owned(model: type, world: World) -> ColumnElement[bool]:
    """Rows that name the client, or one of its accounts."""
    if model is Organisation:
        return Organisation.id == world.organisation_id
    accounts = select(Identity.id).where(Identity.organisation_id == world.organisation_id)
    named = [model.organisation_id == world.organisation_id] if hasattr(model, "organisation_id") else []
    if hasattr(model, "identity_id"):
        named.append(model.identity_id.in_(accounts))
    return or_(False, *named)
