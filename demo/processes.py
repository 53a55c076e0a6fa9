"""Child processes that never outlive the demo: one process group each, ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from eprunes.core.config import PROJECT_ROOT

PATIENCE = 5.0
"""Seconds that a process has to end by itself before it is killed."""
_POLL = 0.05
_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


@dataclass(frozen=True)
class Child:
    """A running program of the demo: its French name with the article, and where it writes."""

    name: str
    log: Path
    process: subprocess.Popen

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None


def start(name: str, arguments: list[str], environ: Mapping[str, str], log: Path) -> Child:
    """Start `python -m …` from the project, in a process group of its own, its output added to the log."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  our own programs
            [sys.executable, "-m", *arguments],
            cwd=PROJECT_ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=ends_with(os.getpid()),
        )
    return Child(name, log, process)


def stop(children: Iterable[Child]) -> None:
    """End the children and all that they started: politely, then for good. Harmless when repeated."""
    running = list(children)
    for child in running:
        _signal_group(child, signal.SIGTERM)
    last_moment = monotonic() + PATIENCE
    while any(child.is_running for child in running) and monotonic() < last_moment:
        time.sleep(_POLL)
    for child in running:
        _signal_group(child, signal.SIGKILL)  # also what a process that is gone left in its group
        child.process.wait()


def ends_with(parent: int, number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: has the child get this signal when its parent is killed without a chance to end it (Linux)."""

    def prepare() -> None:
        if _prctl is None:
            return
        _prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # killed in between
            os._exit(1)

    return prepare


def last_line(log: Path) -> str:
    """The last thing that a program wrote, or nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _signal_group(child: Child, number: signal.Signals) -> None:
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return
