"""What time it is. The only module that reads the machine's clock; everything else is handed `as_of`."""

import re
from datetime import UTC, datetime, timedelta

_offset = timedelta(0)

_DURATION = re.compile(
    r"^(?P<sign>[+-]?)P?(?:(?P<days>\d+)D)?T?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S?)?$",
    re.IGNORECASE,
)


def now() -> datetime:
    """The present instant, aware, in UTC, shifted by the demo's clock offset."""
    return datetime.now(UTC) + _offset


def set_offset(offset: timedelta) -> None:
    """Shift `now()` for the whole process: lets a demo live day 45 in a browser."""
    global _offset
    _offset = offset


def parse_duration(text: str) -> timedelta:
    """Read `45d`, `3h`, `1d12h`, ISO 8601 `P45DT12H` or plain seconds. Raises ValueError on anything else."""
    match = _DURATION.match(text.strip())
    if not match or not any(match.group(part) for part in ("days", "hours", "minutes", "seconds")):
        raise ValueError(f"« {text} » n'est pas une durée (exemples : 45d, 3h, P45DT12H)")
    parts = {name: int(match.group(name) or 0) for name in ("days", "hours", "minutes", "seconds")}
    duration = timedelta(**parts)
    return -duration if match.group("sign") == "-" else duration


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with its offset, as UTC. Raises ValueError when the zone is missing."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"« {text} » n'a pas de fuseau (exemple : 2026-03-29T12:00+02:00)")
    return instant.astimezone(UTC)
