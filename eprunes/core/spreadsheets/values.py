"""Turns a cell typed by a person into a value, or says in French why it cannot be one."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from eprunes.core.texts import tidy_line

FIRST_YEAR, LAST_YEAR = 1900, 2100
SERIAL_ORIGIN = date(1899, 12, 30)  # Excel's day 0, seen from any day after its imaginary 29 February 1900
FIRST_SERIAL = 10_000  # 18/05/1927: a smaller number in a column of dates is a year or a mistake
MAX_QUOTED = 40

DATE_PATTERN = (
    r"(?:(?P<day>\d{1,2})\s*[/.-]\s*(?P<month>\d{1,2})\s*[/.-]\s*(?P<year>\d{4})"
    r"|(?P<iso_year>\d{4})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2}))"
)
HOUR_PATTERN = r"(?P<hour>\d{1,2})\s*(?:h\s*(?P<minute_h>\d{2})?|:(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)"
_SERIAL_TEXT = re.compile(r"[1-9]\d{4}(?:[.,]\d+)?", re.ASCII)  # a CSV file of a workbook whose dates lost their form
OFFSET_PATTERN = r"(?P<offset>Z|[+-][01]\d(?::?[0-5]\d)?)"
MOMENT = re.compile(rf"{DATE_PATTERN}(?:(?:T| | à ){HOUR_PATTERN}(?: ?{OFFSET_PATTERN})?)?", re.IGNORECASE | re.ASCII)

DATE_EXPECTED = "attendu JJ/MM/AAAA ou AAAA-MM-JJ"
MOMENT_EXPECTED = f"{DATE_EXPECTED}, avec une heure HH:MM au besoin"


def as_text(value: object) -> str:
    """The cell as a French Excel shows it, on one line: 12.0 gives « 12 », an empty cell an empty text.

    A text is tidied as what people type in forms is.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "VRAI" if value else "FAUX"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value).replace(".", ",")
    if isinstance(value, datetime):
        return f"{_french(value)} {value:%H:%M}"
    if isinstance(value, date):
        return _french(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return tidy_line(str(value))


def as_date(value: object) -> date | None:
    """The day of a date cell, an Excel serial number, « JJ/MM/AAAA » or « AAAA-MM-JJ »; None for nothing.

    An hour is left aside, and its offset with it: the day is the one that is written. A year of two digits is
    refused, for it would have to be guessed. Raises ValueError with a French sentence, also outside the years
    1900 to 2100.
    """
    found = _moment(value, DATE_EXPECTED)
    return found and found[0].date()


def as_local_datetime(value: object) -> tuple[datetime, bool] | None:
    """The naive local moment and whether an hour was given; None for nothing.

    Takes what as_date takes, with an hour: « 03/03/2026 08:00 », « 3/3/2026 8h », « 8h30 », « à 8h30 »,
    ISO with a T. A cell at midnight counts as without hour, since Excel cannot tell; a typed « 00:00 » is an
    hour. To the second. Raises ValueError with a French sentence, also for
    a text with an offset, which `as_instant` reads.
    """
    if as_instant(value):
        raise _not_a_date(value, MOMENT_EXPECTED)
    return _moment(value, MOMENT_EXPECTED)


def as_instant(value: object) -> datetime | None:
    """The exact instant of an ISO text that ends in « Z » or in an offset (« +01:00 »); None for anything else.

    Raises ValueError as `as_local_datetime` does.
    """
    parts = MOMENT.fullmatch(as_text(value)) if isinstance(value, str) else None
    if parts is None or not parts["offset"]:
        return None
    local, _ = _moment(value, MOMENT_EXPECTED)
    return local.replace(tzinfo=_offset(parts["offset"])).astimezone(UTC)


def as_postcode(value: object) -> str:
    """A postcode: a number gets back the leading zero that Excel dropped (7407 gives 07407), a text is kept.

    Only a French postcode is a number of five digits: the caller knows the country. Raises ValueError with a
    French sentence.
    """
    if value is None or isinstance(value, str):
        return as_text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value != value // 1 or not 1_000 <= value <= 99_999:
        raise ValueError(f"ceci n’est pas un code postal\u00a0: {_quoted(value)}")
    return f"{int(value):05}"


def _moment(value: object, expected: str) -> tuple[datetime, bool] | None:
    if isinstance(value, datetime):
        return _of_cell(value, value)
    if isinstance(value, date):
        return _of_cell(datetime.combine(value, time()), value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_serial(value, expected)
    if value is not None and not isinstance(value, str):
        raise _not_a_date(value, expected)
    text = as_text(value)
    return _of_text(text, expected) if text else None


def _of_cell(moment: datetime, value: object) -> tuple[datetime, bool]:
    _check_year(moment.year, value)
    rounded = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    return rounded, rounded.time() != time()


def _of_serial(serial: int | float, expected: str) -> tuple[datetime, bool]:
    # the first comparison also refuses what is not a number at all (NaN)
    if not FIRST_SERIAL <= serial < (date(LAST_YEAR + 1, 1, 1) - SERIAL_ORIGIN).days:
        raise _not_a_date(serial, expected)
    return _of_cell(datetime.combine(SERIAL_ORIGIN, time()) + timedelta(days=serial), serial)


def _of_text(text: str, expected: str) -> tuple[datetime, bool]:
    if _SERIAL_TEXT.fullmatch(text):
        return _of_serial(float(text.replace(",", ".")), expected)
    parts = MOMENT.fullmatch(text)
    if parts is None or (parts["offset"] and not parts["iso_year"]):  # « 3/3/2026 8h-10 » may be a period
        raise _not_a_date(text, expected)
    year, month, day = (int(parts[name] or parts[f"iso_{name}"]) for name in ("year", "month", "day"))
    _check_year(year, text)
    hour, second = int(parts["hour"] or 0), int(parts["second"] or 0)
    minute = int(parts["minute"] or parts["minute_h"] or 0)
    try:
        return datetime(year, month, day, hour, minute, second), parts["hour"] is not None  # noqa: DTZ001
    except ValueError:
        raise ValueError(f"cette date ou cette heure n’existe pas\u00a0: {_quoted(text)}")


def _offset(text: str) -> tzinfo:
    return datetime.fromisoformat(f"2000-01-01T00:00{text.upper()}").tzinfo


def _check_year(year: int, value: object) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"l’année doit être comprise entre 1900 et 2100\u00a0: {_quoted(value)}")


def _not_a_date(value: object, expected: str) -> ValueError:
    return ValueError(f"ceci n’est pas une date\u00a0: {_quoted(value)} ({expected})")


def _quoted(value: object) -> str:
    text = as_text(value)
    shown = text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"
    return f"«\u00a0{shown}\u00a0»"


def _french(value: date) -> str:
    return f"{value.day:02}/{value.month:02}/{value.year:04}"
