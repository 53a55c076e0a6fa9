"""What time it is. The only module that reads the machine's clock; everything else is handed `as_of`."""

import re
from datetime import UTC, datetime, timedelta

YEARS = range(2000, 2101)
_offset = timedelta(0)

_DURATION = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<plain>\d+)|(?P<iso>P)?(?:(?P<days>\d+)D)?"
    r"(?:(?(iso)T)(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?)",
    re.IGNORECASE | re.ASCII,
)
_PARTS = ("days", "hours", "minutes", "seconds")


def now() -> datetime:
    """The present instant, aware, in UTC, shifted by the demo's clock offset."""
    return datetime.now(UTC) + _offset


def set_offset(offset: timedelta) -> None:
    """Shift `now()` for the whole process: lets a demo live day 45 in a browser."""
    global _offset
    _offset = offset


def parse_duration(text: str) -> timedelta:
    """Read `45d`, `3h`, `1d12h`, ISO 8601 `P45DT12H` or plain seconds. Raises ValueError on anything else."""
    match = _DURATION.fullmatch(text.strip())
    given = match and {part: int(match[part]) for part in _PARTS if match[part]}
    if match and match["plain"]:
        given = {"seconds": int(match["plain"])}
    if not given:
        raise ValueError(f"«\u00a0{text}\u00a0» n’est pas une durée (exemples\u00a0: 45d, 3h, P45DT12H)")
    try:
        duration = timedelta(**given)
    except OverflowError as error:
        raise ValueError(f"«\u00a0{text}\u00a0» est une durée trop longue") from error
    return -duration if match["sign"] == "-" else duration


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with its offset, as UTC, in plausible years. Raises ValueError, in French, otherwise."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"«\u00a0{text}\u00a0» n’est pas un instant (2026-03-29T12:00+02:00)") from error
    if instant.year not in YEARS:
        raise ValueError(f"«\u00a0{text}\u00a0» est hors des années {YEARS[0]} à {YEARS[-1]}")
    if instant.tzinfo is None:
        raise ValueError(f"«\u00a0{text}\u00a0» n’a pas de fuseau (exemple\u00a0: 2026-03-29T12:00+02:00)")
    return instant.astimezone(UTC)
