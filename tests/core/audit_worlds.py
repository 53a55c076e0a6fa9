"""What the tests of the trace share: making entries, reading them, and altering them as a database's owner can."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, select, text

from eprunes.core import audit
from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_tables import AuditEntry, AuditLink
from eprunes.core.database import db, new_id, tenant_session
from tests.support.worlds import AS_OF

MINUTE = timedelta(minutes=1)
TABLES = ("audit_entries", "audit_links", "audit_heads", "audit_pending", "audit_connections", "audit_seals")


def write(organisation_id: UUID, action: str = "vehicule.ajoute", as_of=AS_OF, **options) -> None:
    """One entry, in a transaction of its own."""
    with tenant_session(organisation_id, write=True) as session:
        audit.record(session, action, as_of=as_of, actor_id=new_id(), **options)


def write_several(organisation_id: UUID, count: int = 6) -> None:
    """Entries a minute apart, views among them, all linked."""
    for index in range(count):
        action = "avis.consulte" if index % 3 == 2 else "vehicule.modifie"
        write(organisation_id, action, AS_OF + index * MINUTE, details={"nombre": index})
    chain_pending(organisation_id)


def rows_of(organisation_id: UUID, model: type) -> list:
    with tenant_session(organisation_id) as session:
        return list(session.scalars(select(model).where(model.organisation_id == organisation_id)))


def chain_of(organisation_id: UUID) -> list[tuple[int, AuditEntry]]:
    """The linked entries with their places, in order."""
    entries = {entry.id: entry for entry in rows_of(organisation_id, AuditEntry)}
    links = sorted(rows_of(organisation_id, AuditLink), key=lambda link: link.seq)
    return [(link.seq, entries[link.id]) for link in links]


@contextmanager
def as_database_owner(organisation_id: UUID) -> Iterator[Connection]:
    """Raw SQL with triggers and references out of the way, put back afterwards."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            with _altering_postgresql(connection, organisation_id):
                yield connection
        else:
            with _altering_sqlite(connection):
                yield connection


@contextmanager
def _altering_postgresql(connection: Connection, organisation_id: UUID) -> Iterator[None]:
    setting = text("SELECT set_config('app.organisation_id', :own, true)")
    connection.execute(setting, {"own": str(organisation_id)})
    references = connection.execute(
        text(
            "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND confrelid = 'audit_entries'::regclass"
        )
    ).all()
    for table, name, _ in references:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    yield
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    for table, name, definition in references:
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID"))
    connection.commit()


def make_references_whole() -> None:
    """After a test that altered rows: PostgreSQL checks its references again, on emptied tables."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.begin() as connection:
        broken = connection.execute(
            text("SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated")
        ).all()
        for table, name in broken:
            connection.execute(text(f"TRUNCATE {table}"))
            connection.execute(text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))


@contextmanager
def _altering_sqlite(connection: Connection) -> Iterator[None]:
    raw = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    triggers = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE name LIKE 'audit%are_final'").all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)
    connection.commit()
    raw.execute("PRAGMA foreign_keys=ON")
