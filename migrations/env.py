"""Alembic's environment: migrations run on the application's own engine, SQLite and PostgreSQL alike."""

from alembic import context
from flask import current_app

from eprunes.core.database import QuickUuid, UtcDateTime, db

metadata = db.metadata


def keep(name: str | None, kind: str, parent_names: dict) -> bool:
    """Compare only what the models own."""
    return kind != "table" or name in metadata.tables


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our own types as plain columns, so that old migrations do not depend on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, QuickUuid):
        return "sa.Uuid()"
    return False


def run_migrations() -> None:
    """Run in one transaction. On SQLite foreign keys are off meanwhile (a batch change of a parent table would
    otherwise delete its children by cascade) and checked afterwards."""
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        raw = connection.connection.driver_connection
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_name=keep,
            render_item=render_item,
            **{"render_as_batch": True, **current_app.extensions["migrate"].configure_args},
        )
        with context.begin_transaction():
            context.run_migrations()
            if sqlite:
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"migration left broken references: {broken[:5]}")
        connection.commit()
        if sqlite:
            raw.execute("PRAGMA foreign_keys=ON")


if context.is_offline_mode():
    raise RuntimeError("migrations run on a live database only")
run_migrations()
