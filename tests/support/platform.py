"""The whole product as running processes: agency, clock process, web server, on either database."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

import requests
from flask import Flask
from stdnum import luhn

from eprunes import create_app
from eprunes.accounts.services import clients, users
from eprunes.core import clock
from eprunes.core.crypto import key_store
from eprunes.core.database import db
from tests.antai.simulator.running import Running, running_agency
from tests.support import postgresql

ROOT = Path(__file__).parents[2]
PASSWORD = "quatre prunes mures"
_sirens = (f"{number}{luhn.calc_check_digit(str(number))}" for number in count(31_000_000))


@dataclass
class Platform:
    """Running processes and the settings they share; `cli` runs a command of `flask --app wsgi`."""

    url: str
    agency: Running
    environ: Mapping[str, str]
    clock: subprocess.Popen

    def cli(self, *arguments: str, typed: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT, env=dict(self.environ), input=typed, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_organisation(self, domain: str, vehicles: int = 400) -> UUID:
        """A client with an administrator and one user of each kind of right, all with PASSWORD; its id."""
        as_of = clock.now()
        with self.opened():
            organisation_id = clients.create_organisation(
                name=f"Client {domain}",
                number=next(_sirens),
                admin_email=f"admin@{domain}",
                vehicles=vehicles,
                as_of=as_of,
            )
            for name, fleet, fines in (("parc", True, False), ("amendes", False, True), ("deux", True, True)):
                rights = {"fleet": fleet, "fines": fines}
                users.create_user(organisation_id=organisation_id, email=f"{name}@{domain}", **rights, as_of=as_of)
            for name in ("admin", "parc", "amendes", "deux"):
                users.set_password(email=f"{name}@{domain}", password=PASSWORD, as_of=as_of)
        return organisation_id

    @contextmanager
    def opened(self) -> Iterator[Flask]:
        """The running installation, opened from the test: a command of its own would take seconds to start."""
        app = create_app(dict(self.environ))
        with app.app_context():
            try:
                yield app
            finally:
                db.engine.dispose()
                key_store()._engine.dispose()


@contextmanager
def running_platform(folder: Path, database: str, socket_folder: str | None = None) -> Iterator[Platform]:
    """Start everything in its own process groups; ended whatever happens."""
    password_file = folder / "antai"
    password_file.write_text("eprunes-demo\n")
    port = free_port()
    with running_agency(folder / "agency.sqlite") as agency:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EPRUNES_")}
        environ = {
            **clean,
            **_database_urls(folder, database, socket_folder),
            "EPRUNES_MASTER_KEY_FILE": str(folder / "master.key"),
            "EPRUNES_FILES_DIR": str(folder / "files"),
            "EPRUNES_BASE_URL": f"http://127.0.0.1:{port}",
            "EPRUNES_ANTAI_URL": agency.url,
            "EPRUNES_ANTAI_PASSWORD_FILE": str(password_file),
            "EPRUNES_DEMO": "1",
        }
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
            cwd=ROOT, env=environ, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        ticking = start(["-m", "eprunes.clock_process"], environ, folder / "clock.log")
        web = start(
            ["-m", "gunicorn", "--no-control-socket", "-w", "2", "-b", f"127.0.0.1:{port}", "wsgi:app"],
            environ, folder / "web.log",
        )  # fmt: skip
        platform = Platform(environ["EPRUNES_BASE_URL"], agency, environ, ticking)
        try:
            _wait_until_ready(platform.url)
            yield platform
        finally:
            end(web)
            end(platform.clock)


def start(arguments: list[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen:
    """Start a Python program of ours in a process group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=dict(environ), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def end(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    """End a process group; harmless when it is gone."""
    for attempt in (number, signal.SIGKILL):
        try:
            os.killpg(process.pid, attempt)
        except ProcessLookupError:
            break
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait(8)


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _database_urls(folder: Path, database: str, socket_folder: str | None) -> dict[str, str]:
    if database == "sqlite":
        return {
            "EPRUNES_DATABASE_URL": f"sqlite:///{folder}/main.sqlite",
            "EPRUNES_KEYSTORE_URL": f"sqlite:///{folder}/keys.sqlite",
        }
    name = secrets.token_hex(4)
    return {
        "EPRUNES_DATABASE_URL": postgresql.create_database(socket_folder, f"run_{name}"),
        "EPRUNES_KEYSTORE_URL": postgresql.create_database(socket_folder, f"runkeys_{name}"),
    }


def _wait_until_ready(url: str) -> None:
    for _ in range(150):
        try:
            if requests.get(f"{url}/readyz", timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("the web server did not become ready")
