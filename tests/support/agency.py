"""The agency's real process for a module of tests, emptied before each test, and what the connector does with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eprunes.antai import client as antai_client
from eprunes.antai.client import AgencyClient
from eprunes.core import clock
from tests.antai.simulator.running import CREDENTIALS, Running, running_agency, signed_in, vehicle

# Long enough for a loaded machine to answer, short enough for a test to wait for.
IMPATIENCE = (2, 1)


@dataclass
class Agency:
    """The running process and its file."""

    running: Running
    file: Path

    @property
    def url(self) -> str:
        return self.running.url

    def client(self) -> AgencyClient:
        return AgencyClient(self.url, *CREDENTIALS)

    def fault(self, kind: str, **details: object) -> None:
        """Spoil the next request that suits (see the agency's control endpoint)."""
        self.running.fault(kind, **details)

    def faults_left(self) -> list:
        return self.running.control("GET", "/faults").json()

    def load(self, *records: dict) -> None:
        """Offences that the agency posts once their vehicle is declared to it."""
        result = self.running.control("POST", "/offences", list(records)).json()
        assert result["refusees"] == []

    def replace(self, *records: dict) -> None:
        """The agency changes notices it has already posted."""
        assert self.running.control("PUT", "/offences", list(records)).ok

    def declare(self, *plates: str) -> None:
        """As if somebody had declared these plates before."""
        with signed_in(self.url) as caller:
            assert caller.post("/flotteconventionnee/flotte/vehicules", json=[vehicle(one) for one in plates]).ok

    def post(self, *records: dict) -> None:
        """Offences of vehicles that were declared, so that they are posted at the next reading."""
        self.declare(*{one["immatriculation"] for one in records})
        self.load(*records)

    def plates(self) -> set[str]:
        """The plates declared and not withdrawn."""
        with closing(sqlite3.connect(self.file)) as connection:
            return {plate for (plate,) in connection.execute("SELECT plate FROM vehicles WHERE withdrawn_at IS NULL")}

    def answers(self) -> list[dict]:
        """Every answer it kept, oldest first, refused ones included."""
        return self.running.control("GET", "/designations").json()

    def registered(self) -> int:
        return self.running.state()["designations_accepted"]

    def empty(self) -> None:
        with closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
            for table in ("answers", "offences", "vehicles"):
                connection.execute(f"DELETE FROM {table}")
        self.running.control("DELETE", "/faults")


@pytest.fixture(scope="module")
def agency_process(tmp_path_factory) -> Iterator[Agency]:
    file = tmp_path_factory.mktemp("agency") / "agency.sqlite"
    with running_agency(file) as running:
        yield Agency(running, file)


@pytest.fixture
def agency(agency_process, app) -> Iterator[Agency]:
    """The module's agency, knowing nothing; the application talks to it."""
    agency_process.empty()
    settings = app.extensions["eprunes_settings"]
    app.extensions["eprunes_settings"] = replace(settings, antai_url=agency_process.url)
    yield agency_process
    app.extensions["eprunes_settings"] = settings


@pytest.fixture
def agency_down(app, agency) -> Iterator[None]:
    """Nobody listens where the agency should."""
    settings = app.extensions["eprunes_settings"]
    app.extensions["eprunes_settings"] = replace(settings, antai_url="http://127.0.0.1:9")
    yield
    app.extensions["eprunes_settings"] = settings


@pytest.fixture
def impatient(monkeypatch) -> None:
    """The connector gives up on a silent agency after a second."""
    monkeypatch.setattr(antai_client, "TIMEOUT", IMPATIENCE)


@pytest.fixture
def now():
    """The agency follows the real clock; so do the tests that talk to it."""
    return clock.now()
