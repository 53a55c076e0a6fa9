"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a socket, with a plain role."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psycopg

from demo.processes import ends_with

ROLE = "eprunes"
_PATIENCE = 60
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
}


@contextmanager
def running_server() -> Iterator[str]:
    """Start a cluster, which ends with this process whatever ends it; yields the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="eprunes-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = str(folder / "data")
    try:
        _run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with _started(folder, data):
            _execute(str(folder), f"CREATE ROLE {ROLE} LOGIN")
            yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(socket: str, name: str) -> str:
    """Create a database owned by the plain role; returns its URL."""
    _execute(socket, f'CREATE DATABASE "{name}" OWNER {ROLE}')
    return f"postgresql://{ROLE}@/{name}?host={socket}"


def create_powerful_role(socket: str, name: str) -> None:
    """Create a role that row-level security doesn't bind, to see it refused."""
    _execute(socket, f"CREATE ROLE {name} LOGIN BYPASSRLS")


@contextmanager
def _started(folder: Path, data: str) -> Iterator[None]:
    settings = {**_SETTINGS, "unix_socket_directories": str(folder)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [_binary("postgres"), "-D", data, *options], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=ends_with(os.getpid(), signal.SIGQUIT), **_owner(),
        )  # fmt: skip
    try:
        last_moment = monotonic() + _PATIENCE
        while not _answers(str(folder)):
            if server.poll() is not None or monotonic() > last_moment:
                raise RuntimeError(f"PostgreSQL: {(folder / 'log').read_text()}")
            sleep(0.05)
        yield
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(_PATIENCE)


def _answers(socket: str) -> bool:
    try:
        _execute(socket, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _execute(socket: str, statement: str) -> None:
    address = f"postgresql://postgres@/postgres?host={socket}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise RuntimeError(
            "PostgreSQL manque : installez le paquet Debian « postgresql » (ou lancez make test en root)."
        )
    return str(found[-1].parent / name)


def _owner() -> dict:
    """PostgreSQL refuses to be run by root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _run(name: str, *options: str) -> None:
    done = subprocess.run(
        [_binary(name), *options], cwd="/", timeout=120, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        **_owner(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr or done.stdout}")
