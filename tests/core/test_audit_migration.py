"""Installations that have a journal already: the first run of the job chains it."""

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_verify import verify
from eprunes.core.database import db, new_id
from tests.core.audit_worlds import chain_of, write
from tests.support.earlier import OWN, add_client_with, installed_at, plain


@pytest.fixture
def earlier_app(environ, request, tmp_path):
    """An installation as it stood before journals were chained."""
    with installed_at("0003", environ, request, tmp_path):
        yield


def add_earlier_entries(count: int) -> None:
    statement = (
        "INSERT INTO audit_entries (organisation_id, id, at, actor_kind, action, details) "
        "VALUES (:own, :id, :at, 'systeme', 'avis.recus', '{\"nombre\":  1}')"
    )
    instants = [f"2026-03-01 09:{59 - minute:02}:00.000000" for minute in range(count)]
    add_client_with(statement, [{"id": plain(new_id()), "at": at} for at in instants])


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
