"""The brake on guessing: attempts counted in the database under keyed fingerprints, slowed down, never locked.

An attempt is taken before anything is verified, so that guesses sent in parallel meet the brake too. Whatever is
counted (an address known or unknown, a code, a link) takes the same time and reads the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil

from sqlalchemy import bindparam, case, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from eprunes.accounts.models import Throttle
from eprunes.core.crypto import fingerprint, key_store
from eprunes.core.database import PlatformSession, TenantSession, platform_session
from eprunes.core.refusals import Refused

DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15))
LONGEST = DELAYS[-1]
FORGOTTEN_AFTER = timedelta(days=2)
_IPV6_NETWORK = 64


@dataclass(frozen=True)
class Limits:
    """How many attempts are free before the first delay, and how often one of them is forgiven."""

    free: int
    forgiven_every: timedelta


PERSON = Limits(free=5, forgiven_every=timedelta(minutes=30))
ACCOUNT = Limits(free=20, forgiven_every=timedelta(minutes=30))
ADDRESS = Limits(free=40, forgiven_every=timedelta(minutes=5))
MAILBOX = Limits(free=3, forgiven_every=timedelta(minutes=60))


@dataclass(frozen=True)
class Count:
    """What is known of one fingerprint: attempts that were not forgiven, the last one, and until when it is shut."""

    failures: int
    last_at: datetime
    closed_until: datetime | None = None


@dataclass(frozen=True)
class Attempt:
    """One thing that an attempt is counted under: `scope` says what for, `parts` whose."""

    scope: str
    parts: tuple[str, ...]
    limits: Limits = PERSON

    def key(self) -> bytes:
        """The fingerprint that the database knows; meaningless without the platform's secret."""
        text = "\0".join((self.scope, *self.parts))
        return fingerprint(key_store().derived_secret("freins"), text)


def take(scope: str, *parts: str, as_of: datetime, limits: Limits = PERSON) -> None:
    """Count an attempt before it is verified. Raises Refused, which counts nothing, while the brake is on."""
    take_each([Attempt(scope, parts, limits)], as_of)


def clear(scope: str, *parts: str) -> None:
    """Forget the attempts counted under these parts, after a success."""
    with platform_session("frein levé", write=True) as session:
        forget(session, [Attempt(scope, parts)])


def take_each(attempts: Iterable[Attempt], as_of: datetime) -> None:
    """Count one attempt under several things at once: under all of them, or under none and Refused."""
    with platform_session("frein", write=True) as session:
        wait = take_within(session, attempts, as_of)
    if wait:
        raise Refused(_sentence(wait))


def take_within(session: PlatformSession | TenantSession, attempts: Iterable[Attempt], as_of: datetime) -> timedelta:
    """Within a transaction: as `take_each`, but returns how long the brake is still on; nothing when it is not."""
    by_key = {attempt.key(): attempt for attempt in attempts}
    counts = _locked(session, by_key, as_of)
    wait = max(wait_for(count, as_of) for count in counts.values())
    if not wait:
        _write(session, {key: counted(counts[key], by_key[key].limits, as_of) for key in counts})
    return wait


def forget(session: PlatformSession | TenantSession, attempts: Iterable[Attempt]) -> None:
    """Within a transaction: strike out all that was counted."""
    session.execute(delete(Throttle).where(Throttle.key.in_([attempt.key() for attempt in attempts])))


def give_back(session: PlatformSession | TenantSession, attempts: Iterable[Attempt]) -> None:
    """Within a transaction: strike out one attempt, which was no guess, and open what it shut."""
    fewer = case((Throttle.failures > 0, Throttle.failures - 1), else_=0)
    for key in sorted(attempt.key() for attempt in attempts):
        session.execute(update(Throttle).where(Throttle.key == key).values(failures=fewer, closed_until=None))


def counted(count: Count, limits: Limits, as_of: datetime) -> Count:
    """The count after one more attempt: what time forgave is gone, and beyond the free ones the delay grows."""
    forgiven = max(timedelta(0), as_of - count.last_at) // limits.forgiven_every
    failures = max(0, count.failures - forgiven) + 1
    beyond = failures - limits.free
    closed_until = as_of + DELAYS[min(beyond, len(DELAYS) - 1)] if beyond >= 0 else None
    return Count(failures, as_of, closed_until)


def wait_for(count: Count, as_of: datetime) -> timedelta:
    """How long the brake stays on; nothing beyond the longest delay, which only a clock gone wrong can have set."""
    wait = (count.closed_until or as_of) - as_of
    return wait if timedelta(0) < wait <= LONGEST else timedelta(0)


def network_of(address: str) -> str:
    """What is counted as one address: an IPv4 address, or the /64 that an IPv6 address is drawn from."""
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return "?"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _IPV6_NETWORK << _IPV6_NETWORK))


def _sentence(wait: timedelta) -> str:
    minutes = ceil(wait / timedelta(minutes=1))
    return f"Trop d’essais\u00a0: réessayez dans {minutes}\u00a0minute{'s' if minutes > 1 else ''}."


def _locked(session: PlatformSession | TenantSession, keys: Iterable[bytes], as_of: datetime) -> dict[bytes, Count]:
    """The counts, none of which anybody else can change before this transaction ends; always in the same order.

    One statement begins or locks each: between two, a success elsewhere could strike out what the first had seen.
    """
    insert = postgresql.insert if session.bind.dialect.name == "postgresql" else sqlite.insert
    rows = [{"key": key, "failures": 0, "last_at": as_of} for key in sorted(keys)]
    statement = insert(Throttle.__table__).values(rows)
    statement = statement.on_conflict_do_update(index_elements=[Throttle.key], set_={"last_at": Throttle.last_at})
    columns = Throttle.key, Throttle.failures, Throttle.last_at, Throttle.closed_until
    return {key: Count(*rest) for key, *rest in session.execute(statement.returning(*columns))}


def _write(session: PlatformSession | TenantSession, counts: dict[bytes, Count]) -> None:
    table = Throttle.__table__
    values = {"failures": bindparam("f"), "last_at": bindparam("l"), "closed_until": bindparam("c")}
    statement = update(table).where(table.c.key == bindparam("k")).values(**values)
    rows = [{"k": key, "f": c.failures, "l": c.last_at, "c": c.closed_until} for key, c in sorted(counts.items())]
    session.execute(statement, rows)
