"""Days and hours as people type them and read them, in the organisation's zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from eprunes.core.calendar import end_of_day, local_to_instants, start_of_day
from eprunes.core.refusals import Refused
from eprunes.core.wording import LOCALE, day, hour, instant

DAY = timedelta(days=1)
DOUBLED_HOUR_HINT = (
    "Heure locale de votre entreprise. Dans l’heure doublée du passage à l’heure d’hiver, la première est retenue."
)


def first_instant(on: date, at: time | None, zone: ZoneInfo, field: str) -> datetime:
    """The instant at which something begins; without an hour, 00:00 of the day.

    In the hour that autumn doubles, the first of the two. Raises Refused for an hour that spring skips.
    """
    return start_of_day(on, zone) if at is None else _at(on, at, zone, field)


def last_instant(on: date, at: time | None, zone: ZoneInfo, field: str) -> datetime:
    """The instant at which something ends; without an hour, 24:00 of the day. Otherwise as `first_instant`."""
    return end_of_day(on, zone) if at is None else _at(on, at, zone, field)


def typed_start(value: datetime | None, zone: ZoneInfo) -> tuple[date | None, time | None]:
    """What `first_instant` was given: midnight is a day without an hour."""
    if value is None:
        return None, None
    local = value.astimezone(zone)
    return local.date(), None if _is_midnight(local) else local.time()


def typed_end(value: datetime | None, zone: ZoneInfo) -> tuple[date | None, time | None]:
    """What `last_instant` was given: midnight is the day before, without an hour."""
    if value is None:
        return None, None
    local = value.astimezone(zone)
    if _is_midnight(local):
        return local.date() - DAY, None
    return local.date(), local.time()


def end_text(value: datetime, zone: ZoneInfo) -> str:
    """As `wording.instant`, midnight written as 24:00 of the day that ends: `mar. 3 mars 2026, 24:00`."""
    last_day, last_hour = typed_end(value, zone)
    return f"{day(last_day)}, 24:00" if last_hour is None else instant(value, zone)


def period_text(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo, as_of: datetime | None = None) -> str:
    """`du lun. 2 mars 2026, 08:00 au mar. 3 mars 2026, 24:00`, or `depuis le lun. 2 mars 2026, 08:00`.

    Within one day: `le lun. 2 mars 2026, de 08:00 à 24:00`. What is without an end and starts after `as_of`, the
    instant at which it is told, is `à partir du lun. 2 mars 2026, 08:00`.
    """
    if ends_at is None:
        is_ahead = as_of is not None and starts_at > as_of
        return f"{'à partir du' if is_ahead else 'depuis le'} {instant(starts_at, zone)}"
    last_day, last_hour = typed_end(ends_at, zone)
    if last_day == starts_at.astimezone(zone).date():
        until = "24:00" if last_hour is None else hour(ends_at, zone)
        return f"le {day(last_day)}, de {hour(starts_at, zone)} à {until}"
    return f"du {instant(starts_at, zone)} au {end_text(ends_at, zone)}"


def absence_text(left_at: datetime, back_at: datetime, zone: ZoneInfo) -> str:
    """`absent du parc du lun. 2 mars 2026, 24:00 au mer. 4 mars 2026, 08:00`."""
    return f"absent du parc du {end_text(left_at, zone)} au {instant(back_at, zone)}"


def holding_text(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo, as_of: datetime) -> str:
    """`tient ce véhicule depuis le lun. 2 mars 2026, 08:00`: the period with the verb of its tense."""
    verb = "tiendra" if starts_at > as_of else "tient" if ends_at is None or ends_at > as_of else "a tenu"
    return f"{verb} ce véhicule {period_text(starts_at, ends_at, zone, as_of)}"


def _is_midnight(local: datetime) -> bool:
    """True at the first 00:00 of a day."""
    return local.time() == time.min and not local.fold


def _at(on: date, at: time, zone: ZoneInfo, field: str) -> datetime:
    found = local_to_instants(datetime.combine(on, at), zone)
    if not found:
        long_day = format_date(on, "d MMMM y", locale=LOCALE)
        raise Refused(f"Le {long_day}, {at:%H:%M} n’existe pas\u00a0: on passe à l’heure d’été.", field)
    return found[0]
