"""The migrated schema is the one that the models describe, on both databases, down to triggers and policies."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from eprunes import create_app
from eprunes.core import schema
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantScoped, db
from tests.house.catalogues import catalogue, differences
from tests.house.sources import refuse
from tests.support import postgresql


@pytest.fixture(scope="module")
def modelled_app(environ, request, tmp_path_factory) -> Iterator[Flask]:
    """An application on a database made from the models alone."""
    if environ["EPRUNES_DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{tmp_path_factory.mktemp('modelled')}/main.sqlite"
    else:
        url = postgresql.create_database(request.getfixturevalue("postgresql_socket"), f"modelled_{uuid4().hex}")
    app = create_app({**environ, "EPRUNES_DATABASE_URL": url})
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.engine.dispose()
        key_store()._engine.dispose()


@pytest.fixture
def migrated(installed_app) -> dict[str, str]:
    with installed_app.app_context(), db.engine.connect() as connection:
        return catalogue(connection)


@pytest.fixture
def modelled(modelled_app) -> dict[str, str]:
    with modelled_app.app_context(), db.engine.connect() as connection:
        return catalogue(connection)


def test_the_migrated_schema_is_that_of_the_models(migrated, modelled):
    refuse(differences(migrated, modelled))


def test_the_catalogue_sees_every_kind_of_object(modelled):
    """Otherwise the comparison would be one of nothing with nothing."""
    sights = "\n".join(f"{name} {definition}" for name, definition in modelled.items())
    for sight in ("vehicles", "assignments_do_not_overlap", "audit_entries_are_final", "uq_users_administrator"):
        assert sight in sights
    assert "CHECK" in sights


@pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
def test_on_postgresql_every_business_table_is_under_forced_row_security(migrated):
    mappers = db.Model.registry.mappers
    tables = [mapper.local_table.name for mapper in mappers if issubclass(mapper.class_, TenantScoped)]
    assert tables
    for table in tables:
        assert migrated[f"row security {table}"] == "t t"
        policy = migrated[f"policies {table}.tenant"]
        assert policy.count("organisation_id = ") == 2
        assert "ALL" in policy


def test_the_program_recognises_its_own_schema(installed_app, modelled_app):
    with installed_app.app_context():
        assert schema.is_current()
    with modelled_app.app_context():
        assert not schema.is_current()


PLANTED_ON_BOTH = {
    "column": "ALTER TABLE job_states ADD COLUMN planted integer",
    "index": "CREATE INDEX planted ON vehicles (organisation_id)",
    "partial index": "CREATE INDEX planted ON vehicles (organisation_id) WHERE left_at IS NULL",
    "missing index": "DROP INDEX uq_users_administrator",
}
PLANTED_ON_SQLITE = PLANTED_ON_BOTH | {"missing trigger": "DROP TRIGGER audit_entries_are_final"}
PLANTED_ON_POSTGRESQL = PLANTED_ON_BOTH | {
    "type": "ALTER TABLE vehicles ALTER COLUMN plate TYPE varchar(17)",
    "nullability": "ALTER TABLE vehicles ALTER COLUMN plate DROP NOT NULL",
    "check": "ALTER TABLE vehicles ADD CONSTRAINT planted CHECK (plate <> '')",
    "missing check": "ALTER TABLE vehicles DROP CONSTRAINT ck_vehicles_leaves_after_entry",
    "missing exclusion": "ALTER TABLE assignments DROP CONSTRAINT assignments_do_not_overlap",
    "missing policy": "DROP POLICY tenant ON vehicles",
    "other policy": "ALTER POLICY tenant ON vehicles USING (true)",
    "row security": "ALTER TABLE vehicles NO FORCE ROW LEVEL SECURITY",
    "disabled trigger": "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_are_final",
    "missing trigger": "DROP TRIGGER audit_entries_are_final ON audit_entries",
    "function": (
        "CREATE OR REPLACE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$"
    ),
}


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", PLANTED_ON_SQLITE.values(), ids=PLANTED_ON_SQLITE)
def test_a_difference_is_found_on_sqlite(modelled_app, modelled, statement):
    assert len(found_after(modelled_app, modelled, statement)) == 1


@pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", PLANTED_ON_POSTGRESQL.values(), ids=PLANTED_ON_POSTGRESQL)
def test_a_difference_is_found_on_postgresql(modelled_app, modelled, statement):
    assert found_after(modelled_app, modelled, statement)


def found_after(app: Flask, modelled: dict[str, str], statement: str) -> list[str]:
    """The differences that this change makes, taken back afterwards."""
    with app.app_context(), db.engine.connect() as connection:
        connection.execute(text(statement))
        found = differences(catalogue(connection), modelled)
        connection.rollback()
        assert differences(catalogue(connection), modelled) == []
    return found
