"""Misbehaviour on demand: a queue of faults, each used up by the requests that it suits."""

import random
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from flask import Response, request

from .payloads import BadInputError, text, whole_number

ON_ARRIVAL = ("503", "hang", "reset")
ON_A_LIST = ("slow_pages",)
ON_A_SESSION = ("expired_token",)
AFTER_REGISTRATION = ("lost_answer",)
ON_AN_ANSWER = ("refuse",)
IN_A_PAGE = ("duplicate", "out_of_order", "malformed")
KINDS = ON_ARRIVAL + ON_A_LIST + ON_A_SESSION + AFTER_REGISTRATION + ON_AN_ANSWER + IN_A_PAGE
DEFAULT_SECONDS = {"hang": 60, "slow_pages": 2}
LONGEST_SECONDS = 600
MOST_TIMES = 100_000
NEIGHBOURS = 20

BROKEN_RECORDS = [
    {  # no plate
        "numeroAco": "9990000001",
        "dateAco": "2026-01-15",
        "paysImmatriculation": "FRA",
        "codeNatinf": "25387",
        "dateHeureInfraction": "2026-01-12T10:00:00",
    },
    {  # a month and an hour that do not exist
        "numeroAco": "9990000002",
        "dateAco": "2026-13-45",
        "immatriculation": "AA123AA",
        "paysImmatriculation": "FRA",
        "codeNatinf": "25387",
        "dateHeureInfraction": "2026-01-12T29:61:00",
    },
    {  # wrong types
        "numeroAco": 9990000003,
        "dateAco": 20260115,
        "immatriculation": ["AA123AA"],
        "paysImmatriculation": None,
        "codeNatinf": {"code": "25387"},
        "dateHeureInfraction": True,
        "vitesseLimite": "cinquante",
    },
    "enregistrement tronqué",
]


@dataclass
class Fault:
    """`times` requests still to spoil, among those whose path begins with `path`."""

    kind: str
    times: int
    path: str
    seconds: float


@dataclass
class FaultQueue:
    waiting: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def fault_from(body: dict) -> Fault:
    """Read a control request. Raises BadInputError."""
    kind = str(body.get("kind"))
    if kind not in KINDS:
        raise BadInputError(f"Le champ « kind » vaut {', '.join(KINDS)}.")
    path = text(body, "path") if body.get("path") else "/"
    if not path.startswith("/"):
        raise BadInputError("Le champ « path » commence par une barre oblique.")
    seconds = body.get("seconds", DEFAULT_SECONDS.get(kind, 0))
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_SECONDS:
        raise BadInputError(f"Le champ « seconds » est un nombre de 0 à {LONGEST_SECONDS}.")
    return Fault(kind, whole_number(body, "times", 1, lowest=1, highest=MOST_TIMES), path, seconds)


def add(queue: FaultQueue, fault: Fault) -> None:
    with queue.lock:
        queue.waiting.append(fault)


def clear(queue: FaultQueue) -> None:
    with queue.lock:
        queue.waiting.clear()


def remaining(queue: FaultQueue) -> list[dict]:
    with queue.lock:
        return [asdict(fault) for fault in queue.waiting]


def take(queue: FaultQueue, kinds: tuple[str, ...], path: str) -> Fault | None:
    """Use up one turn of the oldest fault of those kinds that suits the path."""
    with queue.lock:
        for fault in queue.waiting:
            if fault.kind in kinds and path.startswith(fault.path):
                fault.times -= 1
                if fault.times == 0:
                    queue.waiting.remove(fault)
                return fault
    return None


def unavailable() -> Response:
    """What a gateway in front of the agency would say: not JSON."""
    return Response("<html><body>503 Service Unavailable</body></html>", 503, content_type="text/html")


def abandon() -> Response:
    """Close the connection without a byte of answer."""
    return Response(_broken_stream())


def reset() -> Response:
    """Break the connection with a TCP RST."""
    # A linger time of zero makes the close a reset; the server leaves out its orderly shutdown then.
    request.environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return abandon()


def _broken_stream() -> Iterator[bytes]:
    raise ConnectionAbortedError
    yield b""  # makes this a generator: it fails when the server first asks for data, before any header


def spoil(queue: FaultQueue, path: str, rows: list[dict], page: int, neighbour_pages) -> list:
    """The page as a fault would have it. Past the end nothing is spoiled, so that a full read ends.

    `neighbour_pages()` gives the rows of the pages before and after, for pages that overlap.
    """
    if page > 0 and not rows:
        return rows
    fault = take(queue, IN_A_PAGE, path)
    if fault is None:
        return rows
    if fault.kind == "duplicate":
        return rows + rows
    if fault.kind == "malformed":
        return [BROKEN_RECORDS[0], *rows, *BROKEN_RECORDS[1:]]
    drawing = random.Random(page)
    strangers = neighbour_pages()
    mixed = rows + drawing.sample(strangers, min(NEIGHBOURS, len(strangers)))
    drawing.shuffle(mixed)
    return mixed
