"""When nobody held a vehicle, and a month of one or of a driver, by day. Pure: periods, instants in, stretches out."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from eprunes.core.calendar import end_of_day, local_to_instants, start_of_day
from eprunes.core.wording import hour, instant
from eprunes.fleet.local_times import period_text, typed_end, typed_start
from eprunes.fleet.models import Assignment, VehicleAbsence

HOUR = timedelta(hours=1)
YEARS = range(1900, 2100)


@dataclass(frozen=True)
class Gap:
    """A while during which nobody holds a vehicle of the fleet (half-open; None = until further notice).

    An offence of that while can be designated to nobody.
    """

    starts_at: datetime
    ends_at: datetime | None


class Held(StrEnum):
    """What a stretch of a day is."""

    BY_DRIVER = "tenu"
    BY_NOBODY = "personne"
    NOT_IN_FLEET = "hors-parc"


@dataclass(frozen=True)
class Stretch:
    """A part of a day of a vehicle or driver; the assignment is the one by which it is held, if it is."""

    kind: Held
    starts_at: datetime
    ends_at: datetime | None
    assignment: Assignment | None = None


@dataclass(frozen=True)
class MonthDay:
    """A day of a month: its stretches in order, and how many hours it has (23 or 25 when the clocks change)."""

    day: date
    hours: int
    stretches: list[Stretch]


def gaps(
    periods: Sequence[Assignment],
    starts_at: datetime,
    ends_at: datetime | None,
    absences: Sequence[VehicleAbsence] = (),
) -> list[Gap]:
    """The gaps between the periods of one vehicle, oldest first, from an instant until another (None = open).

    Its absences are none: nobody was to hold it meanwhile.
    """
    found, here = [], starts_at
    taken = [(one.starts_at, one.ends_at) for one in periods] + [(one.left_at, one.back_at) for one in absences]
    for begin, end in sorted(taken, key=lambda pair: pair[0]):
        if begin > here:
            found.append(Gap(here, begin))
        if end is None:
            return found
        here = max(here, end)
    if ends_at is None or here < ends_at:
        found.append(Gap(here, ends_at))
    return found


def between(
    newest_first: Sequence[Assignment],
    entered_at: datetime | None,
    left_at: datetime | None,
    absences: Sequence[VehicleAbsence] = (),
) -> dict[UUID | None, list[Gap | VehicleAbsence]]:
    """The gaps and absences by the id of the period that they follow, newest first; None is before the first period.

    Without `entered_at` the periods are not all there, and nothing is said of what came before.
    """
    if not newest_first:
        return {}
    periods = newest_first[::-1]
    start = periods[0].starts_at if entered_at is None else entered_at
    away = [one for one in absences if one.left_at >= start]
    told = [(one.starts_at, one) for one in gaps(periods, start, left_at, away)] + [(one.left_at, one) for one in away]
    begins, found = [one.starts_at for one in periods], {}
    for at, one in sorted(told, key=lambda pair: pair[0], reverse=True):
        index = bisect_right(begins, at)
        found.setdefault(periods[index - 1].id if index else None, []).append(one)
    return found


def gap_text(gap: Gap, as_of: datetime, zone: ZoneInfo) -> str:
    """`Personne n’avait ce véhicule du lun. 2 mars 2026, 08:00 au mar. 3 mars 2026, 24:00`, told by its tense."""
    start = instant(gap.starts_at, zone)
    if gap.starts_at > as_of:
        verb, since = "Personne n’aura ce véhicule", f"à partir du {start}"
    elif gap.ends_at is None or gap.ends_at > as_of:
        verb, since = "Personne n’a ce véhicule", f"depuis le {start}"
    else:
        verb, since = "Personne n’avait ce véhicule", ""
    return f"{verb} {since if gap.ends_at is None else period_text(gap.starts_at, gap.ends_at, zone)}"


def period_args(gap: Gap) -> dict[str, str]:
    """The gap as arguments of an address, which `period_values` reads."""
    args = {"du": gap.starts_at.isoformat()}
    return args if gap.ends_at is None else args | {"au": gap.ends_at.isoformat()}


def period_values(args: Mapping[str, str], zone: ZoneInfo) -> dict:
    """What the form of an assignment starts with when an address names a period; nothing for anything else."""
    start, end = (_instant(args.get(name, "")) for name in ("du", "au"))
    if start is None:
        return {}
    names = ("starts_at", "starts_at_time", "ends_at", "ends_at_time")
    return dict(zip(names, (*typed_start(start, zone), *typed_end(end, zone)), strict=True))


def month_days(stretches: Sequence[Stretch], first: date, after: date, zone: ZoneInfo) -> Iterator[MonthDay]:
    """The days from `first` until `after` (excluded), each with its part of the stretches, given in order."""
    day = first
    while day < after:
        start, end = start_of_day(day, zone), end_of_day(day, zone)
        yield MonthDay(day, round((end - start) / HOUR), [*_within(stretches, start, end)])
        day += timedelta(days=1)


def hours_text(stretch: Stretch, zone: ZoneInfo) -> str:
    """`08:00 – 24:00`, or `Toute la journée`. An hour that autumn doubles says which of the two it is."""
    start, end = stretch.starts_at.astimezone(zone), stretch.ends_at.astimezone(zone)
    if stretch.starts_at == start_of_day(start.date(), zone) and stretch.ends_at == end_of_day(start.date(), zone):
        return "Toute la journée"
    last = "24:00" if end.date() > start.date() else _hour(stretch.ends_at, zone)
    return f"{_hour(stretch.starts_at, zone)} – {last}"


def _within(stretches: Sequence[Stretch], start: datetime, end: datetime) -> Iterator[Stretch]:
    for one in stretches:
        if one.starts_at < end and (one.ends_at is None or one.ends_at > start):
            last = end if one.ends_at is None else min(one.ends_at, end)
            yield Stretch(one.kind, max(one.starts_at, start), last, one.assignment)


def _hour(value: datetime, zone: ZoneInfo) -> str:
    shown, local = hour(value, zone), value.astimezone(zone).replace(tzinfo=None)
    both = local_to_instants(local.replace(fold=0), zone)
    if len(both) == 1:
        return shown
    return f"{shown} (heure {'d’été' if value == both[0] else 'd’hiver'})"


def _instant(text: str) -> datetime | None:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo and value.year in YEARS else None
