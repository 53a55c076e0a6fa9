"""Reading every table of the installation at once, whatever protects it, for counts and canaries."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import LargeBinary, func, select, text

from eprunes.core.database import db
from eprunes.core.tenant_guard import is_tenant_table


def counts(organisation_id: UUID) -> dict[str, int]:
    """Rows of each table: those of the organisation for business tables, all of them for the platform's."""
    with _connected(organisation_id) as connection:
        return {table.name: connection.scalar(_mine(select(func.count()), table, organisation_id)) for table in _all()}


def tenant_counts(organisation_id: UUID) -> dict[str, int]:
    """As `counts`, for the business tables alone."""
    tenant_tables = {table.name for table in _all() if is_tenant_table(table)}
    return {name: count for name, count in counts(organisation_id).items() if name in tenant_tables}


def tenant_values(organisation_id: UUID) -> list[tuple[str, bytes]]:
    """As `values`, for the organisation's own rows alone."""
    return list(_values(organisation_id, [table for table in _all() if is_tenant_table(table)]))


def values(organisation_id: UUID) -> Iterator[tuple[str, bytes]]:
    """Every value stored, as (table.column, bytes); texts in UTF-8."""
    return _values(organisation_id, _all())


def _values(organisation_id: UUID, wanted: list) -> Iterator[tuple[str, bytes]]:
    with _connected(organisation_id) as connection:
        for table in wanted:
            rows = _mine(select(*table.columns), table, organisation_id).order_by(*table.primary_key)
            for row in connection.execute(rows):
                for column, value in zip(table.columns, row, strict=True):
                    content = value if isinstance(column.type, LargeBinary) else str(value).encode()
                    yield f"{table.name}.{column.name}", bytes(content or b"")


def _all() -> list:
    return db.metadata.sorted_tables


def _mine(query, table, organisation_id: UUID):
    query = query.select_from(table)
    return query.where(table.c.organisation_id == organisation_id) if is_tenant_table(table) else query


def _connected(organisation_id: UUID):
    connection = db.engine.execution_options(read_only=True).connect()
    if connection.dialect.name == "postgresql":
        setting = text("SELECT set_config('app.organisation_id', :organisation, true)")
        connection.execute(setting, {"organisation": str(organisation_id)})
    return connection
