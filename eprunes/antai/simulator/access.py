"""Sign-in at the agency: Basic credentials and an anti-forgery token against a bearer token of 30 minutes."""

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SESSION_LENGTH = timedelta(minutes=30)
XSRF_COOKIE = "XSRF-TOKEN"
XSRF_HEADER = "X-Xsrf-Token"


@dataclass
class Sessions:
    """Bearer tokens and the instant each one ends. Held in memory: a restart ends them all."""

    ends: dict[str, datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def new_xsrf_token() -> str:
    return secrets.token_urlsafe(24)


def same_text(given: str | None, expected: str | None) -> bool:
    """Compare without telling by the time taken; nothing equals nothing."""
    if not given or not expected:
        return False
    return hmac.compare_digest(given.encode(), expected.encode())


def open_session(sessions: Sessions, as_of: datetime) -> str:
    token = secrets.token_urlsafe(32)
    with sessions.lock:
        sessions.ends = {known: end for known, end in sessions.ends.items() if end > as_of}
        sessions.ends[token] = as_of + SESSION_LENGTH
    return token


def is_open(sessions: Sessions, token: str, as_of: datetime) -> bool:
    with sessions.lock:
        end = sessions.ends.get(token)
    return end is not None and as_of < end


def close_session(sessions: Sessions, token: str) -> None:
    with sessions.lock:
        sessions.ends.pop(token, None)


def close_all(sessions: Sessions) -> int:
    """End every session; how many there were."""
    with sessions.lock:
        closed = len(sessions.ends)
        sessions.ends.clear()
    return closed
