from datetime import datetime

import pytest

from tests.antai.simulator.running import running_agency, signed_in


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_agency(tmp_path_factory.mktemp("agency") / "agency.db") as agency:
        yield agency


@pytest.fixture
def agency(running):
    """The module's process, without the faults of an earlier test."""
    running.control("DELETE", "/faults")
    return running


@pytest.fixture
def caller(agency):
    with signed_in(agency.url) as session:
        yield session


@pytest.fixture
def instant():
    """Reads an ISO 8601 instant."""
    return datetime.fromisoformat
