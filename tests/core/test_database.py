"""The database below the sessions: how a connection is prepared, instants, and writers at the same moment."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from psycopg.pq import Format
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from eprunes.accounts.models import OrderForm, VehicleCount
from eprunes.core.crypto import key_store
from eprunes.core.database import IN_BINARY, UtcDateTime, db, platform_session, tenant_session, truncate_wal
from eprunes.core.jobs import JobState
from eprunes.fleet.models import Assignment, Driver, Vehicle
from tests.fleet.fleets import add_vehicle, fill
from tests.support.worlds import AS_OF

SQLITE_ONLY = pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
POSTGRESQL_ONLY = pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
WRITERS, TURNS = 4, 10


def pragmas(connection) -> dict:
    names = ("foreign_keys", "journal_mode", "busy_timeout", "secure_delete", "synchronous")
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}


@SQLITE_ONLY
def test_every_sqlite_connection_is_prepared(app):
    """Both stores, and connections beyond the first of the pool."""
    expected = {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "busy_timeout": 30000,
        "secure_delete": 1,
        "synchronous": 2,
    }
    for engine in (db.engine, key_store()._engine):
        readers = engine.execution_options(read_only=True)
        with readers.connect() as first, readers.connect() as second:
            assert pragmas(first) == pragmas(second) == expected


@SQLITE_ONLY
def test_a_reading_transaction_leaves_a_later_writer_its_pen(app):
    """The same pooled connection serves readers and writers in turn."""
    for _ in range(3):
        with platform_session("tests") as session:
            session.scalars(select(JobState)).all()
        with platform_session("tests", write=True) as session:
            session.add(JobState(name="essai", first_due_at=AS_OF, last_result={}))
            session.flush()
            session.rollback()


def test_of_writers_that_read_then_write_none_loses_and_none_fails(app, world):
    """PostgreSQL locks the row that is asked for; SQLite ignores that, and locks from the first statement."""
    own = world.organisation_id
    together = Barrier(WRITERS)

    def write():
        with app.app_context():
            together.wait()
            for _ in range(TURNS):
                with tenant_session(own, write=True) as session:
                    query = select(VehicleCount).where(VehicleCount.organisation_id == own)
                    count = session.scalars(query.with_for_update()).one()
                    count.used = count.used + 1

    with ThreadPoolExecutor(WRITERS) as pool:
        for future in [pool.submit(write) for _ in range(WRITERS)]:
            future.result()
    with tenant_session(own) as session:
        used = session.scalar(select(VehicleCount.used).where(VehicleCount.organisation_id == own))
    assert used == WRITERS * TURNS


def test_an_instant_comes_back_aware_and_in_utc(world):
    own = world.organisation_id
    written = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    with tenant_session(own, write=True) as session:
        form = session.scalars(select(OrderForm).where(OrderForm.organisation_id == own)).one()
        form.created_at = written
    with tenant_session(own) as session:
        read = session.scalar(select(OrderForm.created_at).where(OrderForm.organisation_id == own))
    assert read == written
    assert read.tzinfo is UTC


def test_instants_are_compared_as_instants(world):
    """Whatever the zone they are given in: the text that SQLite compares is always UTC."""
    own = world.organisation_id
    east = timezone(timedelta(hours=11))
    with tenant_session(own) as session:
        for instant, found in ((AS_OF, 1), (AS_OF + timedelta(seconds=1), 0)):
            query = select(OrderForm.id).where(
                OrderForm.organisation_id == own, OrderForm.created_at >= instant.astimezone(east)
            )
            assert len(session.scalars(query).all()) == found


def test_a_naive_datetime_is_no_instant(world):
    own = world.organisation_id
    naive = AS_OF.replace(tzinfo=None)
    query = select(OrderForm.id).where(OrderForm.organisation_id == own, OrderForm.created_at >= naive)
    with tenant_session(own) as session, pytest.raises(StatementError, match="not an instant"):
        session.execute(query)


@pytest.mark.parametrize("model", [Vehicle, Driver, Assignment])
@pytest.mark.parametrize("by_chunks", [{}, {"yield_per": 2}])
def test_rows_read_in_binary_are_the_same(world, model, by_chunks):
    """Every type of column, filled and empty: ids, instants, days, numbers, texts with accents, boxes."""
    fill(world, vehicle_count=3, driver_count=3)
    add_vehicle(world, "ZZ-001-ZZ", co2_g_per_km=95, first_registered_on=AS_OF.date(), site="Émerainville")
    own = world.organisation_id
    query = select(*model.__table__.columns).where(model.organisation_id == own).order_by(model.id)
    with tenant_session(own) as session:
        plain = session.execute(query).all()
        assert len(plain) >= 3
        assert session.execute(query, execution_options={**IN_BINARY, **by_chunks}).all() == plain


@POSTGRESQL_ONLY
def test_what_is_read_in_binary_comes_so(app):
    for options, expected in (({}, Format.TEXT), (IN_BINARY, Format.BINARY)):
        with db.engine.connect() as connection:
            assert connection.execute(text("SELECT 1"), execution_options=options).cursor.format == expected


@pytest.mark.parametrize("value", [None, AS_OF])
def test_an_absent_instant_stays_absent(value):
    column = UtcDateTime()
    assert column.process_bind_param(value, None) == value
    assert column.process_result_value(value, None) == value


@SQLITE_ONLY
def test_purged_text_leaves_the_files_of_sqlite(app):
    """`secure_delete` clears the page, folding the log back clears the rest."""
    path = db.engine.url.database
    canary = "canari-2026-03"
    with platform_session("tests", write=True) as session:
        session.add(JobState(name=canary, first_due_at=AS_OF, last_result={}))
    with platform_session("tests", write=True) as session:
        session.delete(session.get(JobState, canary))
    assert truncate_wal() is True
    for suffix in ("", "-wal"):
        with open(path + suffix, "rb") as file:
            assert canary.encode() not in file.read()


@SQLITE_ONLY
def test_a_reader_in_the_way_of_folding_the_log_back_is_reported(app):
    with platform_session("tests", write=True) as session:
        session.add(JobState(name="essai", first_due_at=AS_OF, last_result={}))
    reader = sqlite3.connect(db.engine.url.database)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM job_states").fetchone()
        with platform_session("tests", write=True) as session:
            session.add(JobState(name="autre", first_due_at=AS_OF, last_result={}))
        assert truncate_wal() is False
    finally:
        reader.close()
    assert truncate_wal() is True


@pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
def test_on_postgresql_there_is_no_log_to_fold_back(app):
    assert truncate_wal() is True
    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
