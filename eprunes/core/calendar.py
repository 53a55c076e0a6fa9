"""Days and months: from an instant to a local day, from a day to the instant it ends, and month arithmetic.

Instants are aware datetimes, given back in UTC. Days are plain dates, decided in Europe/Paris unless a zone
is named.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

PARIS = ZoneInfo("Europe/Paris")


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The date that a calendar in `zone` shows at `instant`. Raises ValueError on a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone, got a naive datetime")
    return instant.astimezone(zone).date()


def paris_day(instant: datetime) -> date:
    """The date in Paris at `instant`, whatever the zone it is written in."""
    return local_day(instant, PARIS)


def start_of_day(day: date, zone: ZoneInfo = PARIS) -> datetime:
    """The first instant of `day` in `zone`, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo = PARIS) -> datetime:
    """24:00 of `day`: the first instant that no longer belongs to it, in UTC.

    Days of 23 and 25 hours included. A window that closes then is open while `as_of < end_of_day(day)`.
    """
    return start_of_day(day + timedelta(days=1), zone)


def add_months(day: date, months: int) -> date:
    """The same day-number `months` later, else the last of that month: 29 February + 12 is 28 February."""
    return day + relativedelta(months=months)


def earliest_day_reaching(today: date, months: int) -> date:
    """The smallest day such that `add_months(day, months) >= today`.

    Turns "still kept N months on?" into a comparison that a query can make on the stored day.
    """
    candidate = add_months(today, -months)
    # Going back from the 29th, 30th or 31st may land on a shorter month, whose last day comes up short again.
    if add_months(candidate, months) < today:
        return candidate + timedelta(days=1)
    return candidate


def local_to_instants(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every instant at which a clock in `zone` shows `local` (naive), in UTC and in order.

    One normally; two in the hour that autumn doubles; none in the hour that spring skips, for which
    `instant_after_gap` gives the reading to use. Raises ValueError when `local` carries a zone.
    """
    candidates = {_read(local, zone, fold) for fold in (0, 1)}
    return sorted(found for found in candidates if found.astimezone(zone).replace(tzinfo=None) == local)


def instant_after_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """Read an hour that does not exist one hour later: 02:30 on a spring change is 03:30 summer time.

    That is what a clock nobody had put forward would show. The caller flags the reading.
    """
    return _read(local, zone, fold=0)


def _read(local: datetime, zone: ZoneInfo, fold: int) -> datetime:
    if local.tzinfo is not None:
        raise ValueError("a local time has no zone of its own, got an aware datetime")
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
