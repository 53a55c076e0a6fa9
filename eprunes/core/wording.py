"""French wording of dates, durations, money and counts for screens. Instants are shown in the zone given.

Lists show the same few days and numbers by the hundred: these are remembered.
"""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_location
from babel.numbers import format_currency, format_decimal

LOCALE = "fr_FR"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """`lun. 3 mars 2026, 08:00`, or an empty string."""
    if value is None:
        return ""
    return format_datetime(value, "EEE d MMM y, HH:mm", tzinfo=zone, locale=LOCALE)


def instant_and_zone(value: datetime, zone: ZoneInfo) -> str:
    """`lun. 3 mars 2026, 08:00 (heure de Paris)`: for a reader whose zone is not known to be this one."""
    return f"{instant(value, zone)} (heure de {get_timezone_location(zone, locale=LOCALE, return_city=True)})"


def hour(value: datetime, zone: ZoneInfo) -> str:
    """`08:00`."""
    return f"{value.astimezone(zone):%H:%M}"


@lru_cache(maxsize=1024)
def day(value: date | None) -> str:
    """`lun. 3 mars 2026`, or an empty string."""
    return "" if value is None else format_date(value, "EEE d MMM y", locale=LOCALE)


def in_days(days: int) -> str:
    """`dans 6 jours`, `demain`, `aujourd’hui`, `hier`, `il y a 3 jours`."""
    words = {0: "aujourd’hui", 1: "demain", -1: "hier"}
    if days in words:
        return words[days]
    return f"dans {counted(days, 'jour')}" if days > 0 else f"il y a {counted(-days, 'jour')}"


def money(value: Decimal | int | None) -> str:
    """`135,00 €`, or an empty string."""
    return "" if value is None else format_currency(value, "EUR", locale=LOCALE)


@lru_cache(maxsize=1024)
def number(value: int) -> str:
    """`12 345` with the French separator."""
    return format_decimal(value, locale=LOCALE)


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """`1 véhicule`, `0 véhicule`, `2 véhicules`."""
    word = singular if abs(count) < 2 else plural or f"{singular}s"
    return f"{number(count)} {word}"


def file_size(octets: int) -> str:
    """`850 octets`, `12 Ko`, `3,4 Mo`."""
    if octets < 1024:
        return counted(octets, "octet")
    if octets < 1024 * 1024:
        return f"{number(round(octets / 1024))}\u00a0Ko"
    return f"{format_decimal(octets / 1024 / 1024, format='#,##0.#', locale=LOCALE)}\u00a0Mo"


def short_day(value: date | None) -> str:
    """`03/03/2026`, or an empty string."""
    return "" if value is None else format_date(value, "dd/MM/y", locale=LOCALE)
