"""Installations that have a journal already: the first run of the job chains it."""

from uuid import UUID

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from eprunes import create_app
from eprunes.core import crypto
from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_verify import verify
from eprunes.core.database import db, new_id
from tests.core.audit_worlds import chain_of, write
from tests.support import postgresql

OWN = UUID("01936b2f-0000-7000-8000-000000000001")


@pytest.fixture
def earlier_app(environ, request, tmp_path):
    """An installation as it stood before journals were chained."""
    if environ["EPRUNES_DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/main.sqlite"
    else:
        url = postgresql.create_database(request.getfixturevalue("postgresql_socket"), f"earlier_{new_id().hex[-8:]}")
    app = create_app({**environ, "EPRUNES_DATABASE_URL": url})
    with app.app_context():
        upgrade(revision="0003")
        yield app
        db.engine.dispose()
        crypto.key_store()._engine.dispose()


def plain(value: UUID) -> str:
    return value.hex if db.engine.dialect.name == "sqlite" else str(value)


def add_earlier_entries(count: int) -> None:
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT set_config('app.organisation_id', :own, true)"), {"own": str(OWN)})
        connection.execute(
            text(
                "INSERT INTO organisations (id, name, number_kind, number, zone, state, created_at) "
                "VALUES (:own, 'Client', 'siren', '732829320', 'Europe/Paris', 'actif', '2026-03-01 09:00:00+00')"
            ),
            {"own": plain(OWN)},
        )
        for minute in range(count):
            connection.execute(
                text(
                    "INSERT INTO audit_entries (organisation_id, id, at, actor_kind, action, details) "
                    "VALUES (:own, :id, :at, 'systeme', 'avis.recus', '{\"nombre\":  1}')"
                ),
                {"own": plain(OWN), "id": plain(new_id()), "at": f"2026-03-01 09:{59 - minute:02}:00.000000"},
            )


def test_the_entries_of_before_are_chained_by_the_first_run(earlier_app):
    """C9-a."""
    add_earlier_entries(5)
    upgrade()
    write(OWN)
    assert verify(OWN).pending == 5
    assert chain_pending(OWN) == 5
    report = verify(OWN)
    assert (report.fault, report.entries, report.pending) == (None, 6, 0)
    instants = [entry.at for _, entry in chain_of(OWN)][1:]
    assert instants == sorted(instants)


def test_the_migration_can_be_taken_back(earlier_app):
    add_earlier_entries(2)
    upgrade()
    downgrade(revision="0003")
    with db.engine.connect() as connection:
        names = connection.execute(text("SELECT * FROM audit_entries WHERE 1 = 0")).keys()
    assert "commitment" not in names
    upgrade()
    assert chain_pending(OWN) == 2
