"""Starting the real demo in a folder and on ports of its own, and finding what it left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from demo.places import PORTS

ROOT = Path(__file__).parents[2]
PATIENCE = 150
READY = "Ctrl-C"


@dataclass
class Demo:
    """A `make run` of the tests; `output` is the file that takes what it says."""

    var: Path
    web_port: int
    agency_port: int
    mailbox_port: int
    smtp_port: int
    process: subprocess.Popen
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.mailbox_port}"

    @property
    def ports(self) -> tuple[int, ...]:
        return self.web_port, self.agency_port, self.mailbox_port, self.smtp_port

    def wait_until_ready(self) -> "Demo":
        wait_for(lambda: READY in self.said or self.process.poll() is not None)
        assert READY in self.said, self.said
        return self

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def free_ports() -> dict[str, str]:
    """For each of the demo's port variables, a port that nobody listens on."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {name: str(one.getsockname()[1]) for name, one in zip(PORTS, servers, strict=True)}


def environment(var: Path, **variables: str) -> dict[str, str]:
    """The machine's environment, with no setting of the product but the demo's folder and these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EPRUNES_")}
    return {**clean, "EPRUNES_VAR_DIR": str(var), **variables}


@contextmanager
def started(var: Path, **variables: str) -> Iterator[Demo]:
    """A demo that is starting; whatever is left of it at the end of the block is killed."""
    var.mkdir(parents=True, exist_ok=True)
    ports = free_ports()
    output = var / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.run"],
            cwd=ROOT,
            env=environment(var, **{**ports, **variables}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Demo(var, *(int(port) for port in ports.values()), process, output)
    finally:
        for one in processes_of(var):
            one.kill()
        process.wait(PATIENCE)


def processes_of(var: Path) -> list[psutil.Process]:
    """Every living process that was given this folder, whoever its parent is by now."""
    found = []
    for one in psutil.process_iter():
        try:
            is_ours = one.environ().get("EPRUNES_VAR_DIR") == str(var) and one.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if is_ours:
            found.append(one)
    return found


def process_running(var: Path, words: str) -> psutil.Process:
    """The oldest of the demo's processes whose command line has these words."""
    found = [one for one in processes_of(var) if re.search(words, " ".join(one.cmdline()))]
    return min(found, key=lambda one: one.create_time())


def is_listening(port: int) -> bool:
    """Whether something answers on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until the condition holds. Raises AssertionError after that many seconds."""
    last_moment = monotonic() + seconds
    while not condition():
        assert monotonic() < last_moment, "waited in vain"
        time.sleep(0.1)
