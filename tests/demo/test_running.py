"""The real demo, started as `make run` does it: one first load for all these tests, killed once in its middle."""

import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
import requests
from sqlalchemy import select

from demo import accounts
from eprunes import create_app
from eprunes.accounts import sessions
from eprunes.accounts.services import signing_in
from eprunes.core import clock
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.fines.answering import NoticeState
from eprunes.fines.models import Notice
from eprunes.fines.queries import answers_of, visible_notices
from eprunes.fines.services import designating
from eprunes.fleet.driver_details import open_details
from eprunes.fleet.models import Driver, DriverKind
from tests.demo import running
from tests.demo.running import Demo


@dataclass(frozen=True)
class FirstRun:
    """What was seen of the interrupted start and of the complete one after it; `copy` holds its data, at rest."""

    var: Path
    copy: Path
    left_by_the_kill: list
    was_unfinished: bool
    said: str
    load_seconds: float
    exit_code: int
    stop_seconds: float
    left_by_ctrl_c: list
    still_listening: list[int]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory) -> FirstRun:
    """A start killed in the middle of its load, then one that goes to its end and is stopped by Ctrl-C."""
    var = tmp_path_factory.mktemp("var")
    with running.started(var) as demo:
        running.wait_for(lambda: (var / "demo" / "agence.sqlite").exists())
        demo.end(signal.SIGKILL)
        running.wait_for(lambda: not running.processes_of(var), 5)
        left_by_the_kill = running.processes_of(var)
        was_unfinished = not (var / "demo" / "chargement-termine").exists()
    begun = monotonic()
    with running.started(var) as demo:
        demo.wait_until_ready()
        ready = monotonic()
        exit_code = demo.end(signal.SIGINT)
        stopped = monotonic()
        copy = tmp_path_factory.mktemp("copy")
        shutil.copytree(var / "demo", copy / "demo")
        return FirstRun(
            var=var,
            copy=copy,
            left_by_the_kill=left_by_the_kill,
            was_unfinished=was_unfinished,
            said=demo.said,
            load_seconds=ready - begun,
            exit_code=exit_code,
            stop_seconds=stopped - ready,
            left_by_ctrl_c=running.processes_of(var),
            still_listening=[port for port in demo.ports if running.is_listening(port)],
        )


@pytest.fixture(scope="module")
def demo(first_run) -> Iterator[Demo]:
    """The second start, on the data of the first."""
    with running.started(first_run.var) as second:
        yield second.wait_until_ready()


@pytest.fixture(scope="module")
def later_demo(first_run) -> Iterator[Demo]:
    """The same data, started with a clock that is 45 days ahead."""
    with running.started(first_run.copy, EPRUNES_CLOCK_OFFSET="45d") as later:
        yield later.wait_until_ready()


@pytest.fixture
def inside(demo) -> Iterator[None]:
    """The product itself on the running demo's data, in this process."""
    folder = demo.var / "demo"
    environ = {
        "EPRUNES_DATABASE_URL": f"sqlite:///{folder / 'eprunes.sqlite'}",
        "EPRUNES_KEYSTORE_URL": f"sqlite:///{folder / 'cles.sqlite'}",
        "EPRUNES_MASTER_KEY_FILE": str(folder / "master.key"),
    }
    with create_app(environ).app_context():
        yield


def counted(var: Path, query: str) -> int:
    with closing(sqlite3.connect(f"file:{var / 'demo' / 'eprunes.sqlite'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchone()[0]


def waiting_since(days: int) -> str:
    day = paris_day(clock.now()) - timedelta(days=days)
    return f"SELECT count(*) FROM notices WHERE state = 'a_traiter' AND posted_on = '{day}'"


def actor(email: str):
    token = signing_in.sign_in(
        email=email, password=accounts.PASSWORD, address="127.0.0.1", device="tests", as_of=clock.now()
    )
    return sessions.actor_for(token, clock.now(), demo=True)


def test_a_start_killed_in_the_middle_leaves_no_process_and_the_next_one_starts_over(first_run):
    assert first_run.was_unfinished
    assert first_run.left_by_the_kill == []
    assert (first_run.var / "demo" / "chargement-termine").exists()
    assert counted(first_run.var, "SELECT count(*) FROM organisations") == 1
    assert counted(first_run.var, "SELECT count(*) FROM vehicles") == 240


def test_the_first_start_prints_the_address_and_every_account(first_run):
    assert re.search(r"http://127\.0\.0\.1:\d+", first_run.said)
    assert accounts.PASSWORD in first_run.said
    for person in accounts.EVERYONE:
        assert person.email in first_run.said
    assert re.search(r"Courriels +http://127\.0\.0\.1:\d+", first_run.said)


def test_the_first_start_is_not_long(first_run):
    assert first_run.load_seconds < 120  # 13 s on an idle machine


def test_ctrl_c_ends_everything_within_a_few_seconds(first_run):
    assert first_run.exit_code == 0
    assert first_run.stop_seconds < 10
    assert first_run.left_by_ctrl_c == []
    assert first_run.still_listening == []


def test_secrets_are_readable_by_their_owner_alone(first_run):
    for name in ("antai-mot-de-passe", "master.key"):
        assert (first_run.var / "demo" / name).stat().st_mode & 0o777 == 0o600


def test_a_second_start_keeps_the_data(demo):
    assert counted(demo.var, "SELECT count(*) FROM organisations") == 1
    assert counted(demo.var, "SELECT count(*) FROM identities") == len(accounts.EVERYONE)
    assert counted(demo.var, "SELECT count(*) FROM assignments") == 348


def test_a_second_demo_in_the_same_folder_is_refused_in_a_sentence(demo, tmp_path):
    with running.started(tmp_path, EPRUNES_VAR_DIR=str(demo.var)) as other:
        assert other.process.wait(running.PATIENCE) == 1
        assert "tourne déjà" in other.said
        assert "Traceback" not in other.said


def test_a_reset_is_refused_while_the_demo_runs(demo):
    done = subprocess.run(
        [sys.executable, "-m", "demo.reset"],
        cwd=running.ROOT,
        env=running.environment(demo.var),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "tourne déjà" in done.stderr
    assert (demo.var / "demo" / "eprunes.sqlite").exists()


def test_a_taken_port_ends_the_start_with_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running.started(tmp_path, EPRUNES_PORT=port) as demo:
            assert demo.process.wait(running.PATIENCE) == 1
            assert port in demo.said
            assert "EPRUNES_PORT=" in demo.said
            assert "Traceback" not in demo.said


def test_every_account_signs_in_with_the_printed_password(demo):
    for person in accounts.EVERYONE:
        with requests.Session() as browser:
            page = browser.get(f"{demo.url}/connexion", timeout=10).text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
            form = {"email": person.email, "password": accounts.PASSWORD, "csrf_token": token}
            answer = browser.post(f"{demo.url}/connexion", data=form, timeout=10, allow_redirects=False)
            assert answer.status_code == 302, person.email


def test_a_forgotten_password_is_set_by_the_link_in_the_demos_mailbox(demo):
    """C3.3-c: what a newcomer does, from the banner to the page behind the link."""
    with requests.Session() as browser:
        page = browser.get(f"{demo.url}/mot-de-passe-oublie", timeout=10).text
        assert f'<a href="{demo.mailbox_url}">Courriels de la démonstration</a>' in page
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        form = {"email": accounts.BOTH.email, "csrf_token": token}
        assert browser.post(f"{demo.url}/mot-de-passe-oublie", data=form, timeout=10).ok
        link = re.compile(rf'<a href="({re.escape(demo.url)}/mot-de-passe/[^"]+)">')
        running.wait_for(lambda: link.search(requests.get(demo.mailbox_url, timeout=10).text) is not None, 30)
        found = link.search(requests.get(demo.mailbox_url, timeout=10).text)[1]
        assert 'type="password"' in browser.get(found, timeout=10).text


def test_the_inbox_fills_by_itself_within_a_minute(demo):
    running.wait_for(lambda: counted(demo.var, waiting_since(0)) >= 5, 60)


def test_notices_wait_since_thirty_and_since_forty_four_days(demo):
    assert counted(demo.var, waiting_since(30)) >= 3
    assert counted(demo.var, waiting_since(44)) >= 3


def test_notices_of_nearly_a_year_ago_are_open_to_the_administrator_alone(demo, inside):
    def oldest(email: str) -> list[Notice]:
        person = actor(email)
        with tenant_session(person.organisation_id) as session:
            notices = session.scalars(visible_notices(person, clock.now())).all()
        return [one for one in notices if one.offence_day < paris_day(clock.now()) - timedelta(days=340)]

    assert len(oldest(accounts.ADMINISTRATOR.email)) == 3
    assert sum(one.is_answered for one in oldest(accounts.ADMINISTRATOR.email)) == 1
    assert oldest(accounts.FINES.email) == oldest(accounts.BOTH.email) == []


def test_the_archive_has_receipts_and_the_inbox_one_refusal(demo):
    receipts = "SELECT count(*) FROM answers WHERE state = 'enregistree' AND receipt_number IS NOT NULL"
    assert counted(demo.var, receipts) >= 50
    assert counted(demo.var, receipts + " AND kind = 'impossibilite'") == 1
    assert counted(demo.var, "SELECT count(*) FROM notices WHERE state = 'refusee' AND is_answered = 0") == 1
    assert counted(demo.var, "SELECT count(*) FROM notices WHERE state = 'classee'") == 1


def test_the_operator_has_an_unknown_plate_and_an_unreadable_record_to_examine(demo):
    to_examine = "SELECT count(*) FROM records_to_review WHERE settled_at IS NULL"
    running.wait_for(lambda: counted(demo.var, to_examine) == 2, 60)
    assert counted(demo.var, to_examine + " AND reason LIKE 'Plaque%'") == 1


def test_an_answer_on_the_last_day_but_one_comes_back_with_its_receipt(demo, inside):
    person = actor(accounts.FINES.email)
    with tenant_session(person.organisation_id) as session:
        on_the_last_day_but_one = (
            Notice.state == NoticeState.TO_ANSWER,
            Notice.posted_on == paris_day(clock.now()) - timedelta(days=44),
        )
        notice = session.scalars(visible_notices(person, clock.now()).where(*on_the_last_day_but_one)).first()
        complete = Driver.organisation_id == person.organisation_id, Driver.is_designable.is_(True)
        driver = session.scalars(select(Driver).where(*complete)).first()
    designating.designate(
        person,
        notice.id,
        driver_id=driver.id,
        kind=DriverKind(driver.kind),
        details=open_details(key_store(), [driver])[driver.id],
        keep_in_fleet=False,
        because="Prêté pour la journée.",
        as_of=clock.now(),
    )

    def receipt() -> str | None:
        with tenant_session(person.organisation_id) as session:
            return session.scalars(answers_of(person.organisation_id, notice.id)).one().receipt_number

    running.wait_for(lambda: receipt() is not None, 60)
    assert re.fullmatch(r"ENR-\d{4}-\d{8}", receipt())


def test_with_a_clock_45_days_ahead_what_was_waiting_has_expired(later_demo):
    assert "Horloge" in later_demo.said
    earlier = f"SELECT count(*) FROM notices WHERE state = 'a_traiter' AND posted_on < '{paris_day(clock.now())}'"
    running.wait_for(lambda: counted(later_demo.var, earlier) == 0)


def test_when_a_part_dies_the_rest_stops_and_a_sentence_says_which(later_demo):
    running.process_running(later_demo.var, "clock_process").kill()
    assert later_demo.process.wait(running.PATIENCE) == 1
    assert "le processus d’horloge s’est arrêté" in later_demo.said
    assert running.processes_of(later_demo.var) == []
