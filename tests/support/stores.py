"""The tests' two databases, gone round the product: emptied, and filled again, within a few milliseconds."""

import sqlite3
from collections.abc import Sequence

import psycopg
from sqlalchemy import make_url

_TRUNCATED_EVERY = 50
"""PostgreSQL: rows deleted one by one stay in the files, and truncating forty tables takes long."""


class Store:
    """One database; `keep` sets its rows aside under a name, `bring_back` puts them into the empty tables."""

    def __init__(self, url: str, tables: Sequence[str]) -> None:
        self._tables = tables
        self._kept: dict[str, str] = {}
        self._connection = _open(url)
        self._is_sqlite = isinstance(self._connection, sqlite3.Connection)
        self._emptied = 0

    def empty(self) -> None:
        self._emptied += 1
        if not self._is_sqlite and self._emptied % _TRUNCATED_EVERY == 0:
            self._run(f"TRUNCATE {', '.join(self._tables)}")
        else:
            self._run("; ".join(f"DELETE FROM {table}" for table in self._tables))

    def keep(self, name: str) -> None:
        back = []
        for table in self._tables:
            if self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                self._connection.execute(f"CREATE TABLE kept.{name}_{table} AS SELECT * FROM {table}")
                back.append(f"INSERT INTO {table} SELECT * FROM kept.{name}_{table}")
        self._kept[name] = "; ".join(back)

    def bring_back(self, name: str) -> None:
        self._run(self._kept[name])

    def close(self) -> None:
        self._connection.close()

    def _run(self, statements: str) -> None:
        """All of them or none."""
        if self._is_sqlite:
            self._connection.executescript(f"BEGIN IMMEDIATE; {statements}; COMMIT")
        else:
            self._connection.execute(statements)


def _open(url: str) -> sqlite3.Connection | psycopg.Connection:
    """A connection that no trigger, reference or row-level policy holds back."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(make_url(url).database, isolation_level=None, timeout=30)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("ATTACH ':memory:' AS kept")
        return connection
    address = make_url(url).set(username="postgres")
    connection = psycopg.connect(address.render_as_string(), autocommit=True)
    connection.execute("SET session_replication_role = replica")
    connection.execute("CREATE SCHEMA kept")
    return connection
