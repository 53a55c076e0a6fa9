"""Every test of behaviour runs on SQLite and on PostgreSQL (as a plain role), on freshly emptied tables."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from freezegun import freeze_time
from sqlalchemy import text

from eprunes import create_app
from eprunes.accounts import passwords
from eprunes.core import crypto, headers
from eprunes.core.database import db
from tests.support import postgresql, worlds

os.environ.pop("EPRUNES_DEMO", None)


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Hash passwords fast: what the product's own parameters cost is measured by the bench, not paid by each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        patch.setattr(passwords, "_DECOY", passwords._hasher.hash("personne"))
        yield


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[str]:
    with postgresql.running_server() as socket:
        yield socket


class Browser(FlaskClient):
    """A test client whose requests never share the test's own application context (its `g` would leak)."""

    def open(self, *args, **kwargs):
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def installed_once(request, tmp_path_factory):
    """A function that gives the one migrated installation of each database, made when first asked for."""

    @cache
    def install(database: str) -> tuple[dict[str, str], Flask]:
        environ = _settings(database, tmp_path_factory.mktemp(database), request)
        app = create_app(environ)
        app.testing = True
        app.test_client_class = Browser
        with app.app_context():
            upgrade()
        request.addfinalizer(lambda: _close(app))
        return environ, app

    return install


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def installation(request, installed_once) -> tuple[dict[str, str], Flask]:
    return installed_once(request.param)


@pytest.fixture(scope="session")
def environ(installation) -> dict[str, str]:
    """Settings of a migrated installation on one of the two databases."""
    return installation[0]


@pytest.fixture(scope="session")
def installed_app(installation) -> Flask:
    return installation[1]


@pytest.fixture
def app(installed_app, monkeypatch) -> Iterator[Flask]:
    """The application on empty tables, inside an application context; forms are posted without CSRF tokens.

    The nonce is always the same, so that two pages can be compared.
    """
    monkeypatch.setattr(headers, "token_urlsafe", lambda size: "nonce-of-tests")
    with installed_app.app_context():
        _empty()
        installed_app.config["WTF_CSRF_ENABLED"] = False
        yield installed_app


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def frozen() -> Iterator:
    """The machine's clock stands at worlds.AS_OF; `frozen.move_to(...)` moves it."""
    with freeze_time(worlds.AS_OF, ignore=["psycopg", "sqlalchemy.pool"]) as clock:
        yield clock


@pytest.fixture
def world(app) -> worlds.World:
    return worlds.make_world(0)


@pytest.fixture
def other_world(app) -> worlds.World:
    return worlds.make_world(1)


@pytest.fixture
def signed_in(app, frozen):
    """A function that gives a browser signed in as an e-mail address, at the frozen instant."""

    def sign_in(email: str) -> FlaskClient:
        browser = app.test_client()
        cookie = app.config["EPRUNES_SESSION_COOKIE"]
        browser.set_cookie(cookie, worlds.open_session(email), domain="localhost")
        return browser

    return sign_in


def _settings(database: str, folder: Path, request) -> dict[str, str]:
    if database == "sqlite":
        main, keys = f"sqlite:///{folder}/main.sqlite", f"sqlite:///{folder}/keys.sqlite"
    else:
        server = request.getfixturevalue("postgresql_socket")
        main, keys = (postgresql.create_database(server, name) for name in ("main", "keys"))
    password_file = folder / "antai-password"
    password_file.write_text("eprunes-demo\n")
    return {
        "EPRUNES_DATABASE_URL": main,
        "EPRUNES_KEYSTORE_URL": keys,
        "EPRUNES_MASTER_KEY_FILE": str(folder / "master.key"),
        "EPRUNES_FILES_DIR": str(folder / "files"),
        "EPRUNES_ANTAI_PASSWORD_FILE": str(password_file),
        "EPRUNES_ANTAI_USER": "eprunes",
        "EPRUNES_BASE_URL": "http://localhost",
        "EPRUNES_SECURITY_CONTACT": "mailto:securite@eprunes.example",
    }


def _close(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()
        crypto.key_store()._engine.dispose()


def _empty() -> None:
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(tables)}"))
        else:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in tables:
                connection.exec_driver_sql(f"DELETE FROM {table}")
    store = crypto.key_store()
    with store._connect() as connection:
        for table in crypto._metadata.sorted_tables:
            connection.execute(table.delete())
    store._organisation_key_cache.clear()
