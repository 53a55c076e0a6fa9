"""Installations to measure on: migrated and empty, on SQLite and on PostgreSQL."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from eprunes import create_app
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from tests.support import postgresql

KINDS = ("sqlite", "postgresql")


@contextmanager
def installation(kind: str) -> Iterator[Flask]:
    """An application of its own, inside its context; gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eprunes-bench-")))
        if kind == "sqlite":
            urls = [f"sqlite:///{folder}/main.sqlite", f"sqlite:///{folder}/keys.sqlite"]
        else:
            socket = stack.enter_context(postgresql.running_server())
            urls = [postgresql.create_database(socket, name) for name in ("main", "keys")]
        app = create_app(
            {
                "EPRUNES_DATABASE_URL": urls[0],
                "EPRUNES_KEYSTORE_URL": urls[1],
                "EPRUNES_MASTER_KEY_FILE": str(folder / "master.key"),
                "EPRUNES_FILES_DIR": str(folder / "files"),
                "EPRUNES_BASE_URL": "http://localhost",
            }
        )
        with app.app_context():
            upgrade()
            yield app
            db.engine.dispose()
            key_store()._engine.dispose()
