"""Database sessions that belong to one organisation, or to the platform for a stated reason.

Every business table carries `organisation_id` and is keyed by (organisation_id, id). A tenant session refuses
rows, statements and changes of any other organisation; a platform session refuses business tables. On
PostgreSQL row-level security is the last net below both.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID, SafeUUID

from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import Format
from sqlalchemy import DDL, DateTime, Engine, ForeignKey, MetaData, TypeDecorator, Uuid, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from uuid6 import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

IN_BINARY = {"in_binary": True}
"""Execution options of a statement that gives many sealed boxes or keys: PostgreSQL sends them as they are, where it
would write each byte as two digits."""
_LOCK_PATIENCE_MS = 30_000
_FOLDING_PATIENCE_MS = 500
_RLS_POLICY = (
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    "CREATE POLICY tenant ON {table} "
    "USING (organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid) "
    "WITH CHECK (organisation_id = nullif(current_setting('app.organisation_id', true), '')::uuid)",
)


class TenantBreach(Exception):
    """A session was about to touch a row that is not its own. Always a fault of the program."""


class DatabaseUnsafe(Exception):
    """The database would not protect tenants from each other (for instance a superuser role)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. Naive datetimes are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant: give it a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value, dialect):
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class QuickUuid(Uuid):
    """As `Uuid`; the texts that SQLite keeps are read faster, for a search by name reads tens of thousands."""

    def result_processor(self, dialect, coltype):
        return super().result_processor(dialect, coltype) and _read_uuid


_new, _set, _UNKNOWN = object.__new__, object.__setattr__, SafeUUID.unknown


def _read_uuid(digits: str | None) -> UUID | None:
    """As UUID's constructor, which spends most of its time looking at how it was called."""
    if digits is None:
        return None
    found = _new(UUID)
    _set(found, "int", int(digits, 16))
    _set(found, "is_safe", _UNKNOWN)
    return found


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime(), UUID: QuickUuid()},
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


def new_id() -> UUID:
    """A fresh opaque identifier; later ones sort after earlier ones."""
    return uuid7()


class TenantScoped:
    """Mixin of every business table: belongs to one organisation for ever, keyed by (organisation_id, id)."""

    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="RESTRICT"), primary_key=True, sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-19)


class PlatformWide:
    """Mixin of the few tables that belong to no organisation; a test holds their list closed."""


@event.listens_for(TenantScoped, "instrument_class", propagate=True)
def _protect_by_policy(mapper, class_) -> None:
    for statement in _RLS_POLICY:
        ddl = DDL(statement.format(table=mapper.local_table.name)).execute_if(dialect="postgresql")
        event.listen(mapper.local_table, "after_create", ddl)


def policy_statements(table: str) -> list[str]:
    """The row-level security statements of a business table, for migrations on PostgreSQL."""
    return [statement.format(table=table) for statement in _RLS_POLICY]


class _CheckedSession(Session):
    """A session whose every statement passes the guard: SQLAlchemy's bulk methods would go round it."""

    def _refuse(self, *arguments: object, **options: object) -> NoReturn:
        raise TenantBreach("bulk methods go round the tenant checks: execute(insert(Model), rows) instead")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse


class TenantSession(_CheckedSession):
    """A session for one organisation; `platform_reason` says why it may also touch platform tables."""

    organisation_id: UUID
    platform_reason: str | None = None


class PlatformSession(_CheckedSession):
    """A session for platform tables only; `reason` says what for."""

    reason: str


@contextmanager
def tenant_session(
    organisation_id: UUID, *, write: bool = False, platform_reason: str | None = None
) -> Iterator[TenantSession]:
    """Open a session for one organisation.

    With `write` the transaction takes its lock at once and commits on leaving without an exception; without,
    the database itself refuses changes. `platform_reason` also admits platform tables, in the same transaction.
    """
    session = open_tenant_session(organisation_id, write=write, platform_reason=platform_reason)
    with _closing(session, write):
        yield session


def open_tenant_session(
    organisation_id: UUID, *, write: bool = False, platform_reason: str | None = None
) -> TenantSession:
    """As `tenant_session`, for callers that close it themselves (a request)."""
    session = TenantSession(bind=_engine(write), expire_on_commit=False)
    session.organisation_id = organisation_id
    session.platform_reason = platform_reason
    return session


@contextmanager
def admitting(session: TenantSession, platform_reason: str) -> Iterator[TenantSession]:
    """A tenant session that also reads columns of platform tables for the length of a block, in its transaction."""
    before, session.platform_reason = session.platform_reason, platform_reason
    try:
        yield session
    finally:
        session.platform_reason = before


def narrow(session: TenantSession) -> None:
    """Take back a session's platform reason, with whatever it loaded for that reason: business tables are left."""
    session.expunge_all()
    session.platform_reason = None


@contextmanager
def platform_session(reason: str, *, write: bool = False) -> Iterator[PlatformSession]:
    """Open a session on the platform's own tables, for a stated reason; commits as `tenant_session` does."""
    session = PlatformSession(bind=_engine(write), expire_on_commit=False)
    session.reason = reason
    with _closing(session, write):
        yield session


@contextmanager
def _closing(session: Session, write: bool) -> Iterator[None]:
    try:
        yield
        if write:
            session.commit()
    finally:
        session.close()


def _engine(write: bool) -> Engine:
    if write:
        return db.engine
    return db.engine.execution_options(read_only=True, postgresql_readonly=True)


def engine_options(url: str) -> dict:
    """Keyword arguments for create_engine that hold for this URL's database."""
    if url.startswith("sqlite"):
        return {"connect_args": {"isolation_level": None, "timeout": _LOCK_PATIENCE_MS / 1000}}
    return {"connect_args": {"application_name": "eprunes", "connect_timeout": 5, "keepalives_idle": 60}}


@event.listens_for(Engine, "checkout")
def _drop_closed(dbapi_connection, record, proxy) -> None:
    """A PostgreSQL server that speaks unasked is closing the connection: seen here without a round trip."""
    if not type(dbapi_connection).__module__.startswith("psycopg"):
        return
    spoken = select.poll()
    spoken.register(dbapi_connection.fileno(), select.POLLIN)
    if spoken.poll(0):
        raise InvalidatePoolError("the server closed an idle connection")


@event.listens_for(Engine, "connect")
def _prepare_sqlite(dbapi_connection, record) -> None:
    if not type(dbapi_connection).__module__.startswith("sqlite3"):
        return
    for pragma in (
        "foreign_keys=ON",
        "journal_mode=WAL",
        f"busy_timeout={_LOCK_PATIENCE_MS}",
        "secure_delete=ON",
        "synchronous=FULL",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "connect")
def _refuse_powerful_role(dbapi_connection, record) -> None:
    """A PostgreSQL superuser sees every row whatever the policies say: such a role is refused outright."""
    if not type(dbapi_connection).__module__.startswith("psycopg"):
        return
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    [is_powerful] = dbapi_connection.execute(query).fetchone()
    dbapi_connection.rollback()
    if is_powerful:
        dbapi_connection.close()
        raise DatabaseUnsafe(
            "Le rôle PostgreSQL de l’application est SUPERUSER ou BYPASSRLS\u00a0: donnez-lui un rôle ordinaire."
        )


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection) -> None:
    """SQLite: a writer takes the write lock with its first statement; a reader cannot write at all."""
    if connection.dialect.name != "sqlite":
        return
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@event.listens_for(Engine, "before_cursor_execute")
def _read_in_binary(connection, cursor, statement, parameters, context, executemany) -> None:
    if connection.dialect.name == "postgresql" and context and context.execution_options.get("in_binary"):
        cursor.format = Format.BINARY


@event.listens_for(TenantSession, "after_begin")
def _tell_postgresql_the_tenant(session, transaction, connection) -> None:
    if connection.dialect.name == "postgresql":
        setting = "SELECT set_config('app.organisation_id', %s, true)"  # past SQLAlchemy: it comes with every session
        connection.connection.driver_connection.execute(setting, [str(session.organisation_id)])


def expect_growth(session: Session) -> None:
    """Before thousands of rows: until this transaction ends PostgreSQL plans each check of a reference anew.

    It would go on with the plan it made while the referenced table was small: any index would do then, and reading
    one of them from end to end for each row is what it may have chosen.
    """
    if session.bind.dialect.name == "postgresql":
        with session.connection().connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")


def insert_absent(session: Session, model: type[Base], rows: list[dict]) -> set[UUID]:
    """Insert rows that clash with no unique constraint; returns the ids of those that were new."""
    if not rows:
        return set()
    insert = postgresql.insert if session.bind.dialect.name == "postgresql" else sqlite.insert
    statement = insert(model.__table__).on_conflict_do_nothing().returning(model.__table__.c.id)
    return {row_id for row in rows for row_id in session.scalars(statement, [row])}


def truncate_wal() -> bool:
    """SQLite: fold the write-ahead log back into the file so that purged pages leave it.

    Returns False when a reader was in the way (try again later); True otherwise and on other databases.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    raw = db.engine.raw_connection()
    sqlite_connection = raw.driver_connection
    try:
        sqlite_connection.execute(f"PRAGMA busy_timeout={_FOLDING_PATIENCE_MS}")  # writers wait meanwhile
        busy, *_ = sqlite_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        sqlite_connection.execute(f"PRAGMA busy_timeout={_LOCK_PATIENCE_MS}")
        raw.close()
    return busy == 0
