"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a socket, with a plain role."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROLE = "eprunes"


@contextmanager
def running_server() -> Iterator[str]:
    """Start a cluster; yields the URL prefix `postgresql://…` up to and without the database name."""
    folder = Path(tempfile.mkdtemp(prefix="eprunes-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    binaries = _binaries()
    data = folder / "data"
    try:
        _run(
            [
                f"{binaries}/initdb",
                "-D",
                str(data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ]
        )
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off "
            "-c synchronous_commit=off -c full_page_writes=off -c max_connections=60"
        )
        _run([f"{binaries}/pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start"])
        try:
            _run([f"{binaries}/createuser", "-h", str(folder), "-U", "postgres", ROLE])
            yield str(folder)
        finally:
            _run([f"{binaries}/pg_ctl", "-D", str(data), "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(socket: str, name: str) -> str:
    """Create a database owned by the plain role; returns its URL."""
    _run([f"{_binaries()}/createdb", "-h", socket, "-U", "postgres", "-O", ROLE, name])
    return f"postgresql://{ROLE}@/{name}?host={socket}"


def create_powerful_role(socket: str, name: str) -> None:
    """Create a role that row-level security doesn't bind, to see it refused."""
    _run([f"{_binaries()}/psql", "-h", socket, "-U", "postgres", "-c", f"CREATE ROLE {name} LOGIN BYPASSRLS"])


def _binaries() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise RuntimeError(
            "PostgreSQL manque : installez le paquet Debian « postgresql » (ou lancez make test en root)."
        )
    return str(found[-1].parent)


def _run(command: list[str]) -> None:
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {done.stderr or done.stdout}")
