"""Installations as they stood before a migration, with rows of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from flask_migrate import upgrade
from sqlalchemy import text

from eprunes import create_app
from eprunes.core import crypto
from eprunes.core.database import db, new_id
from tests.support import postgresql

OWN = UUID("01936b2f-0000-7000-8000-000000000001")
_CLIENT = (
    "INSERT INTO organisations (id, name, number_kind, number, zone, state, created_at) "
    "VALUES (:own, 'Client', 'siren', '732829320', 'Europe/Paris', 'actif', '2026-03-01 09:00:00+00')"
)


@contextmanager
def installed_at(revision: str, environ: dict[str, str], request, folder: Path) -> Iterator[None]:
    """An empty installation at a revision, in an application context."""
    if environ["EPRUNES_DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{folder}/main.sqlite"
    else:
        url = postgresql.create_database(request.getfixturevalue("postgresql_socket"), f"earlier_{new_id().hex[-8:]}")
    app = create_app({**environ, "EPRUNES_DATABASE_URL": url})
    with app.app_context():
        upgrade(revision=revision)
        yield
        db.engine.dispose()
        crypto.key_store()._engine.dispose()


def plain(value: UUID) -> str:
    """An id as the database at hand keeps it."""
    return value.hex if db.engine.dialect.name == "sqlite" else str(value)


def add_client_with(statement: str, rows: list[dict]) -> None:
    """The client `OWN`, and rows of theirs; `:own` names them in the statement."""
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT set_config('app.organisation_id', :own, true)"), {"own": str(OWN)})
        connection.execute(text(_CLIENT), {"own": plain(OWN)})
        for row in rows:
            connection.execute(text(statement), row | {"own": plain(OWN)})
