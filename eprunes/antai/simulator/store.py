"""The simulator's SQLite file: its tables, one connection per request, short write transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PAGE_SIZE = 100
PARIS = ZoneInfo("Europe/Paris")
LOCK_WAIT_SECONDS = 30

SCHEMA = """
CREATE TABLE IF NOT EXISTS vehicles (
    country TEXT NOT NULL,
    plate TEXT NOT NULL,
    make TEXT,
    model TEXT,
    declared_at TEXT NOT NULL,
    withdrawn_at TEXT,
    managed_until TEXT,
    PRIMARY KEY (country, plate)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offences (
    number TEXT PRIMARY KEY,
    notice_date TEXT NOT NULL,
    country TEXT NOT NULL,
    plate TEXT NOT NULL,
    natinf TEXT NOT NULL,
    offence_at TEXT NOT NULL,
    record TEXT NOT NULL,
    loaded_at TEXT NOT NULL,
    posted_at TEXT,
    answered INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS offences_waiting ON offences (notice_date, country, plate) WHERE posted_at IS NULL;
-- These hold all that a listing looks at, so that a page far from the first is found without reading records.
CREATE INDEX IF NOT EXISTS offences_by_natinf
    ON offences (natinf, number, answered, posted_at, country, plate, offence_at);
CREATE INDEX IF NOT EXISTS offences_by_notice_date
    ON offences (notice_date, number, answered, posted_at, country, plate, offence_at);
CREATE INDEX IF NOT EXISTS offences_by_instant
    ON offences (offence_at, number, answered, posted_at, country, plate);
CREATE INDEX IF NOT EXISTS offences_by_plate
    ON offences (plate, number, answered, posted_at, country, offence_at);
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    number TEXT NOT NULL REFERENCES offences (number),
    status TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ENREGISTREE', 'REFUSEE')),
    receipt TEXT UNIQUE,
    recorded_at TEXT NOT NULL,
    reason TEXT,
    code TEXT,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_number ON answers (number, id);
CREATE UNIQUE INDEX IF NOT EXISTS one_receipt_per_notice ON answers (number) WHERE state = 'ENREGISTREE';
CREATE UNIQUE INDEX IF NOT EXISTS one_receipt_per_identifier
    ON answers (identifier) WHERE state = 'ENREGISTREE';
-- Registered once, and replaced by a correction that named their receipt.
CREATE TABLE IF NOT EXISTS replaced_answers (
    identifier TEXT NOT NULL,
    number TEXT NOT NULL REFERENCES offences (number),
    receipt TEXT NOT NULL UNIQUE,
    recorded_at TEXT NOT NULL,
    replaced_at TEXT NOT NULL,
    body TEXT NOT NULL
);
"""


def connect(path: str) -> sqlite3.Connection:
    """Open the file. Transactions are explicit: read at will, write inside `writing`."""
    connection = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def prepare(path: str) -> None:
    """Create what is missing in the file. Raises sqlite3.Error when it cannot be a database."""
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
    finally:
        connection.close()


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, taken at once so that what is read inside cannot change before the write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def instant_text(instant: datetime) -> str:
    """An aware instant as UTC text of fixed width: text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def paris_day(instant: datetime) -> date:
    """The day it is in Paris at that aware instant."""
    return instant.astimezone(PARIS).date()
