"""When an offence happened (*date et heure de l'infraction*).

The agency writes a local time without its zone. It is read in the zone of the place, to the minute; the raw
text is kept beside it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from eprunes.core.calendar import PARIS, instant_after_gap, local_day, local_to_instants

# By the first three digits of the postcode. Polynesia keeps three times; Papeete's serves for all.
ZONE_BY_POSTCODE = {
    "971": ZoneInfo("America/Guadeloupe"),
    "972": ZoneInfo("America/Martinique"),
    "973": ZoneInfo("America/Cayenne"),
    "974": ZoneInfo("Indian/Reunion"),
    "975": ZoneInfo("America/Miquelon"),
    "976": ZoneInfo("Indian/Mayotte"),
    "977": ZoneInfo("America/St_Barthelemy"),
    "978": ZoneInfo("America/Marigot"),
    "984": ZoneInfo("Indian/Kerguelen"),
    "986": ZoneInfo("Pacific/Wallis"),
    "987": ZoneInfo("Pacific/Tahiti"),
    "988": ZoneInfo("Pacific/Noumea"),
}
FRENCH_COUNTRY_CODES = frozenset({"FR", "GP", "MQ", "GF", "RE", "PM", "YT", "BL", "MF", "TF", "WF", "PF", "NC"})

# Outside these years a date is a slip of the pen, and month arithmetic would end up off the calendar.
FIRST_YEAR = 2000
LAST_YEAR = 2099

_POSTCODE = re.compile(r"\d{5}", re.ASCII)
_LOCAL_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<minutes>\d{2}:\d{2})(?::(?P<seconds>\d{2})(?:[.,]\d+)?)?"
    r"(?P<offset>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


@dataclass(frozen=True)
class OffenceTime:
    """When an offence happened (*date et heure de l'infraction*).

    `instant` is in UTC, to the minute. `second_instant` is set in the hour that autumn doubles: the offence
    happened at one of the two. `nonexistent` marks an hour that spring skips, read one hour later.
    `local_day` is the date at the place, from which the retention counts.
    """

    instant: datetime
    second_instant: datetime | None
    zone_key: str
    raw: str
    local_day: date
    nonexistent: bool = False


def zone_of(postcode: str | None, country: str = "FR") -> ZoneInfo:
    """The zone of a place by its postcode; Europe/Paris when it is unknown, metropolitan or foreign.

    `country` is ISO alpha-2; the codes of the overseas territories count as French.
    """
    compact = re.sub(r"\s", "", postcode or "")
    if country.upper() not in FRENCH_COUNTRY_CODES or not _POSTCODE.fullmatch(compact):
        return PARIS
    return ZONE_BY_POSTCODE.get(compact[:3], PARIS)


def read_offence_time(text: str, postcode: str | None, country: str = "FR") -> OffenceTime:
    """Read `2026-08-20T20:47:00.25` in the zone of the place, seconds dropped; an offset in the text rules.

    Raises ValueError with a French sentence.
    """
    match = _LOCAL_TIME.fullmatch(text.strip())
    if match is None:
        raise _unreadable(text)
    zone = zone_of(postcode, country)
    moment = _moment(match, text)
    if moment.tzinfo is not None:
        instant = moment.astimezone(UTC)
        return OffenceTime(instant, None, zone.key, text, local_day(instant, zone))
    instants = local_to_instants(moment, zone)
    if not instants:
        instant = instant_after_gap(moment, zone)
        return OffenceTime(instant, None, zone.key, text, moment.date(), nonexistent=True)
    second = instants[1] if len(instants) > 1 else None
    return OffenceTime(instants[0], second, zone.key, text, moment.date())


def _moment(match: re.Match[str], text: str) -> datetime:
    """The moment as written, to the minute: naive, or aware when the text carries an offset."""
    seconds = match["seconds"] or "00"
    written = f"{match['date']}T{match['minutes']}:{seconds}{match['offset'] or ''}"
    try:
        moment = datetime.fromisoformat(written).replace(second=0)
    except ValueError:
        raise _unreadable(text)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"La date d’infraction «\u00a0{match['date']}\u00a0» est invraisemblable.")
    return moment


def _unreadable(text: str) -> ValueError:
    return ValueError(
        f"La date d’infraction «\u00a0{text[:40]}\u00a0» est illisible (forme attendue\u00a0: 2026-08-20T20:47)."
    )
