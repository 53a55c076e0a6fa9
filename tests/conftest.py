"""Every test of behaviour runs on SQLite and on PostgreSQL (as a plain role), on freshly emptied tables."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from itsdangerous import TimestampSigner
from xdist.scheduler import LoadScopeScheduling

from eprunes import create_app
from eprunes.accounts import passwords
from eprunes.core import clock, crypto, headers, memory
from eprunes.core.database import db
from tests.support import postgresql, worlds
from tests.support.stores import Store

os.environ.pop("EPRUNES_DEMO", None)

WORLDS = 2
_MEMORY = Path("/dev/shm")

if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2**30:  # SQLite waits for the disk at each commit
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


class Together(LoadScopeScheduling):
    """The tests that share processes of ours stay on one worker, which is given them first; so do the house rules,
    which share what they have read."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/demo/test_running.py"):
            return "demo"
        if nodeid.startswith("tests/browser/"):
            return "browser on PostgreSQL" if "postgresql" in nodeid else "browser on SQLite"
        if nodeid.startswith("tests/house/") and "[sqlite" not in nodeid and "[postgresql" not in nodeid:
            return "house rules"
        return nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> LoadScopeScheduling:
    return Together(config, log)


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


@dataclass(frozen=True)
class Installation:
    """A migrated installation on one of the two databases; its stores keep the worlds `made`, ready to be brought."""

    environ: dict[str, str]
    app: Flask
    stores: tuple[Store, Store]
    made: list[worlds.World] = field(default_factory=list)

    def empty(self) -> None:
        for store in self.stores:
            store.empty()
        crypto.key_store()._organisation_key_cache.clear()

    def bring_world(self, index: int) -> worlds.World:
        """What `worlds.make_world(index)` makes, made once."""
        for store in self.stores:
            store.bring_back(f"world{index}")
        return self.made[index]

    def keep_worlds(self) -> None:
        for index in range(WORLDS):
            self.empty()
            self.made.append(worlds.make_world(index))
            for store in self.stores:
                store.keep(f"world{index}")


@pytest.fixture(scope="session")
def installed_once(request, tmp_path_factory):
    """A function that gives the one installation of each database, made when first asked for."""

    @cache
    def install(database: str) -> Installation:
        environ = _settings(database, tmp_path_factory.mktemp(database), request)
        app = create_app(environ)
        app.testing = True
        app.test_client_class = Browser
        with app.app_context():
            upgrade()
            crypto.key_store()._prepare()
            installation = Installation(environ, app, _stores(environ))
            installation.keep_worlds()
        request.addfinalizer(lambda: _close(installation))
        memory.settle()
        return installation

    return install


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def installation(request, installed_once) -> Installation:
    return installed_once(request.param)


@pytest.fixture(scope="session")
def environ(installation) -> dict[str, str]:
    """Settings of a migrated installation on one of the two databases."""
    return installation.environ


@pytest.fixture(scope="session")
def installed_app(installation) -> Flask:
    return installation.app


@pytest.fixture
def app(installation, installed_app, monkeypatch) -> Iterator[Flask]:
    """The application on empty tables, inside an application context; forms are posted without CSRF tokens.

    The nonce is always the same, so that two pages can be compared.
    """
    monkeypatch.setattr(headers, "token_urlsafe", lambda size: "nonce-of-tests")
    with installed_app.app_context():
        installation.empty()
        installed_app.config["WTF_CSRF_ENABLED"] = False
        yield installed_app


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()


class StandingClock:
    """The product's clock, which tells `instant` until it is moved."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def move_to(self, instant: datetime) -> None:
        self.instant = instant

    def tick(self, delta: timedelta) -> None:
        self.instant += delta


@pytest.fixture
def frozen(monkeypatch) -> StandingClock:
    """The clock of the product and of its signatures stands at worlds.AS_OF; `frozen.move_to(...)` moves it."""
    standing = StandingClock(worlds.AS_OF)
    monkeypatch.setattr(clock, "now", lambda: standing.instant)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: int(standing.instant.timestamp()))
    return standing


@pytest.fixture
def world(installation, app) -> worlds.World:
    return installation.bring_world(0)


@pytest.fixture
def other_world(installation, app) -> worlds.World:
    return installation.bring_world(1)


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


def _stores(environ: dict[str, str]) -> tuple[Store, Store]:
    return (
        Store(environ["EPRUNES_DATABASE_URL"], [table.name for table in reversed(db.metadata.sorted_tables)]),
        Store(environ["EPRUNES_KEYSTORE_URL"], [table.name for table in crypto._metadata.sorted_tables]),
    )


def _close(installation: Installation) -> None:
    for store in installation.stores:
        store.close()
    with installation.app.app_context():
        db.engine.dispose()
        crypto.key_store()._engine.dispose()
