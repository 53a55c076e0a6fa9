"""Who holds a vehicle when, while an import is planned: spans that never overlap. Pure."""

from bisect import bisect_left, insort
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from eprunes.core.calendar import end_of_day, local_day
from eprunes.fleet.importing.ledger import period_text
from eprunes.fleet.importing.plan import StoredAssignment


@dataclass
class Span:
    """An assignment, stored or of a line of the file; `line` is 0 when the file does not speak of it.

    `driver` is the key of its staff number, empty for a stored one without. `starts_on_day` and `ends_on_day`
    say that the hour was not given.
    """

    starts_at: datetime
    ends_at: datetime | None
    driver: str
    driver_id: UUID | None
    line: int = 0
    stored: StoredAssignment | None = None
    starts_on_day: bool = False
    ends_on_day: bool = False


def _start(span: Span) -> datetime:
    return span.starts_at


class Timeline:
    """The spans of one vehicle, in order."""

    def __init__(self, spans: list[Span]) -> None:
        self.spans = sorted(spans, key=_start)

    def met_by(self, new: Span) -> Span | None:
        """The span that a new one would overlap, if any; a span's own place in the order is free."""
        index = bisect_left(self.spans, new.starts_at, key=_start)
        if index and lasts_beyond(self.spans[index - 1].ends_at, new.starts_at):
            return self.spans[index - 1]
        following = self.spans[index] if index < len(self.spans) else None
        if following is not None and lasts_beyond(new.ends_at, following.starts_at):
            return following
        return None

    def met_by_longer(self, span: Span, ends_at: datetime | None) -> Span | None:
        """The span that one of these would overlap if it lasted until `ends_at`."""
        index = bisect_left(self.spans, span.starts_at, key=_start) + 1
        following = self.spans[index] if index < len(self.spans) else None
        return following if following is not None and lasts_beyond(ends_at, following.starts_at) else None

    def add(self, new: Span) -> None:
        """Insert a span that meets no other."""
        insort(self.spans, new, key=_start)


def lasts_beyond(ends_at: datetime | None, instant: datetime) -> bool:
    """True when something that ends then (None: never) still runs after an instant."""
    return ends_at is None or ends_at > instant


def overlap_sentence(new: Span, other: Span, holder: str, zone: ZoneInfo) -> str:
    """Why a line can't have the vehicle: who has it then, and by which line of the file."""
    origin = f"par la ligne {other.line}" if other.line else "(attribution déjà enregistrée)"
    period = period_text(other.starts_at, other.ends_at, zone)
    sentence = f"Ce véhicule est attribué à {holder} {period} {origin}."
    if _meet_on_a_day(*sorted((new, other), key=_start), zone):
        sentence += " Les deux ne donnent que le jour\u00a0: précisez l’heure du changement."
    return sentence


def _meet_on_a_day(earlier: Span, later: Span, zone: ZoneInfo) -> bool:
    ends_on_day = earlier.ends_on_day or (earlier.stored is not None and not earlier.line)
    if not (ends_on_day and later.starts_on_day):
        return False
    return earlier.ends_at == end_of_day(local_day(later.starts_at, zone), zone)
