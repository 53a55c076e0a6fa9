"""Programs of ours that a test kills in the middle: started on the test's own databases, in a group of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parents[2]


@contextmanager
def started(arguments: list[str], environ: Mapping[str, str], **settings: str) -> Iterator[subprocess.Popen]:
    """A Python program with these settings; whatever happens its whole group is killed when the block is left."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EPRUNES_")}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**clean, **environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen) -> str:
    """kill -9 of its whole group; returns what it had said. Harmless when it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate(timeout=20)[0] if process.stdout and not process.stdout.closed else ""


def run_job(name: str, environ: Mapping[str, str], *options: str, **settings: str):
    """`flask --app wsgi jobs run NAME`, as `started`."""
    return started(["-m", "flask", "--app", "wsgi", "jobs", "run", name, *options], environ, **settings)


def wait_for(condition, seconds: float = 30) -> None:
    """Until the condition holds. Fails when it does not in time."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "it did not happen in time"
        sleep(0.05)
