"""Health pages: the process alone, and what it needs to serve."""

from datetime import time, timedelta

import pytest

from eprunes import create_app, health
from eprunes.core import jobs
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from eprunes.core.jobs import Job
from tests.support.worlds import AS_OF

SWEEP = Job("retention-sweep", lambda as_of: {"done": 0}, daily_at=time(1, 0), legal=True)


@pytest.fixture
def schedule(monkeypatch):
    monkeypatch.setattr(health, "SCHEDULE", (SWEEP,))


@pytest.fixture
def other_installation(tmp_path, environ):
    """A function that gives a browser on an installation of its own, not migrated, with other settings."""
    built = []

    def build(**settings: str):
        stores = {
            "DATABASE_URL": f"sqlite:///{tmp_path}/main.sqlite",
            "KEYSTORE_URL": f"sqlite:///{tmp_path}/keys.sqlite",
            "MASTER_KEY_FILE": str(tmp_path / "master.key"),
        }
        given = {f"EPRUNES_{name}": value for name, value in {**stores, **settings}.items()}
        built.append(create_app({**environ, **given}))
        return built[-1].test_client()

    yield build
    for app in built:
        with app.app_context():
            db.engine.dispose()
            key_store()._engine.dispose()


def test_a_sound_installation_is_ready(client, schedule, frozen):
    assert client.get("/healthz").json == {"status": "ok"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?strict=0", 200), ("?strict=1", 503)])
def test_a_late_legal_job_degrades_and_alarms_only_when_strict(client, schedule, frozen, query, status):
    """Taking the site away would keep people from answering in time."""
    jobs.run_job(SWEEP, AS_OF - timedelta(hours=31))
    answer = client.get(f"/readyz{query}")
    assert answer.status_code == status
    assert answer.json == {"status": "degraded", "degraded": ["retention-sweep 31 h"]}


def test_a_legal_job_that_is_on_time_alarms_nobody(client, schedule, frozen):
    jobs.run_job(SWEEP, AS_OF - timedelta(hours=26))
    assert client.get("/readyz?strict=1").json == {"status": "ok"}


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_without_its_tables_it_is_not_ready(other_installation, schedule):
    client = other_installation()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "unavailable", "failed": ["schema"]})
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_without_its_database_it_is_not_ready(other_installation, schedule, tmp_path):
    client = other_installation(DATABASE_URL=f"sqlite:///{tmp_path}")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["failed"]) == (503, ["database"])
    assert client.get("/healthz").status_code == 200


def test_with_another_master_key_it_is_not_ready(other_installation, environ, world, schedule, tmp_path):
    (tmp_path / "other.key").write_text("00" * 32)
    client = other_installation(
        DATABASE_URL=environ["EPRUNES_DATABASE_URL"],
        KEYSTORE_URL=environ["EPRUNES_KEYSTORE_URL"],
        MASTER_KEY_FILE=str(tmp_path / "other.key"),
    )
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["failed"]) == (503, ["key store"])
