"""Programs of ours that a test kills in the middle: started on the test's own databases, in a group of their own.

Each is a process forked from one that has the product loaded, for loading it takes a second or two; from there on
it is what `python …` with the same arguments is.
"""

import os
import runpy
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from demo.processes import ends_with

_forking = get_context("forkserver")
_forking.set_forkserver_preload(["eprunes.application", "eprunes.clock_process", "flask.cli"])


class Started:
    """A running program; `said` is what it has written so far."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], output: Path) -> None:
        self._output = output
        output.touch()
        self._process = _forking.Process(target=_become, args=(arguments, dict(environ), str(output)))
        self._process.start()

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float) -> str:
        """Until it ends by itself; returns what it said."""
        self._process.join(seconds)
        assert self.returncode is not None, f"still running: {self.said}"
        return self.said

    def kill(self) -> None:
        """kill -9 of its whole group. Harmless when it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join(20)


@contextmanager
def started(arguments: list[str], environ: Mapping[str, str], **settings: str) -> Iterator[Started]:
    """`python` with these arguments and settings; whatever happens it is killed when the block is left."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EPRUNES_")}
    with TemporaryDirectory() as folder:
        process = Started(arguments, {**clean, **environ, **settings}, Path(folder) / "output")
        try:
            yield process
        finally:
            process.kill()


def run_job(name: str, environ: Mapping[str, str], *options: str, **settings: str):
    """`flask --app wsgi jobs run NAME`, as `started`."""
    return started(["-m", "flask", "--app", "wsgi", "jobs", "run", name, *options], environ, **settings)


def wait_for(condition, seconds: float = 30) -> None:
    """Until the condition holds. Fails when it does not in time."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "it did not happen in time"
        sleep(0.05)


def _become(arguments: list[str], environ: dict[str, str], output: str) -> None:
    """In the forked process: become `python` with these arguments."""
    ends_with(os.getppid(), signal.SIGKILL)()
    os.setsid()
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.clear()
    os.environ.update(environ)
    kind, what, *rest = arguments
    sys.argv = [what, *rest]
    if kind == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        sys.modules.pop(what, None)  # else running it again is warned of
        runpy.run_module(what, run_name="__main__", alter_sys=True)
