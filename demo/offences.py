"""The sample fleet and its offences, moved in time so that the newest notice is of today.

Both move by the same whole number of days: the driver who held a vehicle at an offence still holds it then.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from openpyxl import load_workbook

OFFENCES = Path(__file__).with_name("infractions-transports-durand.json")
WORKBOOK = Path(__file__).with_name("parc-transports-durand.xlsx")

MOVING_COLUMNS = {
    "Véhicules": ("1re mise en circulation", "Date d'entrée", "Date de sortie"),
    "Attributions": ("Du", "Au"),
}
_WRITTEN_DAY = "%d/%m/%Y"

NEARLY_A_YEAR = 346
"""Days since a notice whose offence, a week older, is twelve months old in about two weeks."""
NEARLY_A_YEAR_OLD = ("8272760796", "1502335832", "2588203201")
"""Notices of the sample to put back that far: their vehicles had the same holder a year earlier."""
FRESH_DAYS = 9
"""Notices dated later than this many days ago come in by themselves once the demo runs."""


class FirstAnswer(StrEnum):
    """What becomes of the first notice that is answered among those of one day."""

    DESIGNATED = "designation"
    STOLEN = "vol"
    PAID = "payee"
    REFUSED = "refus"


@dataclass(frozen=True)
class Arrival:
    """Notices posted `days_ago`; all but `waiting` of them are answered, the first one as `first` says."""

    days_ago: int
    waiting: int
    first: FirstAnswer
    records: list[dict]


_HISTORY = (
    (60, 4, FirstAnswer.DESIGNATED),
    (44, 3, FirstAnswer.DESIGNATED),
    (30, 6, FirstAnswer.STOLEN),
    (16, 12, FirstAnswer.PAID),
    (FRESH_DAYS, 10, FirstAnswer.REFUSED),
)


def sample() -> list[dict]:
    """The offences as the agency wrote them, at the sample's own dates."""
    return json.loads(OFFENCES.read_bytes())


def days_until(today: date, records: list[dict]) -> int:
    """By how many days everything moves for the newest notice to be of today; negative to go back."""
    return (today - max(date.fromisoformat(one["dateAco"]) for one in records)).days


def moved(record: dict, days: int) -> dict:
    """The same offence and its notice, that many days later, at the same local hour."""
    step = timedelta(days=days)
    return {
        **record,
        "dateAco": (date.fromisoformat(record["dateAco"]) + step).isoformat(),
        "dateHeureInfraction": (datetime.fromisoformat(record["dateHeureInfraction"]) + step).isoformat(),
    }


def write_fleet(destination: Path, days: int) -> None:
    """Write the sample workbook with every entry, exit and assignment that many days later."""
    book = load_workbook(WORKBOOK)
    for title, names in MOVING_COLUMNS.items():
        heading, *rows = book[title].iter_rows()
        places = [place for place, cell in enumerate(heading) if cell.value in names]
        for cell in (row[place] for row in rows for place in places):
            cell.value = _moved_cell(cell.value, days)
    book.save(destination)


def history(records: list[dict], today: date) -> tuple[list[Arrival], list[dict]]:
    """What came in before today, oldest first, and the fresh notices still to come; `records` are at today's dates.

    A notice comes in on the first day of the history that its date allows.
    """
    old = [_dated(one, today - timedelta(days=NEARLY_A_YEAR)) for one in records if _is_put_back(one)]
    arrivals = [Arrival(NEARLY_A_YEAR, len(old) - 1, FirstAnswer.DESIGNATED, old)]
    waiting = [one for one in records if not _is_put_back(one)]
    for days_ago, left, first in _HISTORY:
        day = (today - timedelta(days=days_ago)).isoformat()
        come = [one for one in waiting if one["dateAco"] <= day]
        waiting = [one for one in waiting if one["dateAco"] > day]
        arrivals.append(Arrival(days_ago, left, first, come))
    return arrivals, waiting


def _is_put_back(record: dict) -> bool:
    return record["numeroAco"] in NEARLY_A_YEAR_OLD


def _dated(record: dict, day: date) -> dict:
    return moved(record, (day - date.fromisoformat(record["dateAco"])).days)


def _moved_cell(value: object, days: int) -> object:
    if isinstance(value, datetime):
        return value + timedelta(days=days)
    if isinstance(value, str):  # a day that somebody typed as text, and that stays one
        day = datetime.strptime(value, _WRITTEN_DAY).date()  # noqa: DTZ007  a day has no zone
        return f"{day + timedelta(days=days):{_WRITTEN_DAY}}"
    return value
