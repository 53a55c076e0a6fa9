"""Installations to measure on: migrated and empty, on SQLite and on PostgreSQL."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from eprunes import create_app
from eprunes.core import memory
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from tests.support import postgresql

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
KINDS = {
    SQLITE: "journal WAL, chaque écriture attend le disque",
    POSTGRESQL: "serveur temporaire, rôle ordinaire, les écritures n’attendent pas le disque",
}
"""What the figures of each database were measured on."""


@contextmanager
def installation(kind: str) -> Iterator[Flask]:
    """An application of its own, inside its context; gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eprunes-bench-")))
        app = create_app(
            {
                **_database_urls(kind, folder, stack),
                "EPRUNES_MASTER_KEY_FILE": str(folder / "master.key"),
                "EPRUNES_FILES_DIR": str(folder / "files"),
                "EPRUNES_BASE_URL": "http://localhost",
            }
        )
        memory.settle()
        with app.app_context():
            upgrade()
            yield app
            db.engine.dispose()
            key_store()._engine.dispose()


def tidy() -> None:
    """What PostgreSQL does by itself within a minute of a large change, so that no figure depends on when.

    VACUUM only trusts rows whose commit is on the disk: one commit that waits for it brings all earlier ones there.
    """
    for engine in (db.engine, key_store()._engine):
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("SET synchronous_commit = on")
                connection.exec_driver_sql("SELECT txid_current()")
                connection.exec_driver_sql("VACUUM ANALYZE")
                connection.exec_driver_sql("RESET synchronous_commit")


def _database_urls(kind: str, folder: Path, stack: ExitStack) -> dict[str, str]:
    if kind == SQLITE:
        main, keys = (f"sqlite:///{folder}/{name}.sqlite" for name in ("main", "keys"))
    else:
        socket = stack.enter_context(postgresql.running_server())
        main, keys = (postgresql.create_database(socket, name) for name in ("main", "keys"))
    return {"EPRUNES_DATABASE_URL": main, "EPRUNES_KEYSTORE_URL": keys}
