"""When things fall due: the rules that the law gives, what a date typed may be, and how near it is. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from eprunes.core.calendar import add_months, local_day
from eprunes.core.texts import tidy_line
from eprunes.core.wording import in_days, short_day
from eprunes.fleet.models import DocumentKind, DueDate, DueKind, ExitReason
from eprunes.fleet.plates import FRANCE
from eprunes.fleet.vehicle_rules import PROOFS

SOON = timedelta(days=30)
REMINDED_BEFORE = (SOON, timedelta(days=7), timedelta(0))
"""How long before its day a due date is told by mail."""
PROOF_WITHIN = timedelta(days=15)
"""A transfer is declared within fifteen days (Code de la route, R. 322-4); other proofs are asked for as soon."""
KINDS = {
    DueKind.INSPECTION: "Contrôle technique",
    DueKind.INSURANCE: "Assurance",
    DueKind.LEASE_END: "Fin du contrat de location",
    DueKind.LICENCE_CHECK: "Vérification du permis",
    DueKind.EXIT_PROOF: "Preuve de sortie",
    DueKind.CUSTOM: "Autre",
}
OF_VEHICLES = (DueKind.INSPECTION, DueKind.INSURANCE, DueKind.LEASE_END, DueKind.CUSTOM)
OF_DRIVERS = (DueKind.LICENCE_CHECK, DueKind.CUSTOM)
MONTHS_UNTIL_NEXT = {DueKind.INSURANCE: 12, DueKind.LICENCE_CHECK: 12}
"""What is proposed once a date is done; the law says nothing about these."""
LONGEST_LABEL = DueDate.__table__.c.label.type.length


@dataclass(frozen=True)
class Rhythm:
    """Months from first registration to the first inspection, and from each one to the next."""

    first: int
    then: int


_LIGHT, _HEAVY, _COACH, _TWO_WHEELS = Rhythm(48, 24), Rhythm(12, 12), Rhythm(6, 6), Rhythm(60, 36)
RHYTHMS = {
    **dict.fromkeys(("VP", "CTTE"), _LIGHT),
    **dict.fromkeys(("CAM", "TRR", "SREM"), _HEAVY),
    "TCP": _COACH,
    **dict.fromkeys(("CL", "CYCL", "MTL", "MTT1", "MTT2", "TM", "QM"), _TWO_WHEELS),
}
_FIRST_TWO_WHEELS = (
    (date(2017, 1, 1), date(2024, 12, 31)),
    (date(2020, 1, 1), date(2025, 12, 31)),
    (date(2022, 1, 1), date(2026, 12, 31)),
)
"""(registered before, inspected by)."""


@dataclass(frozen=True)
class VehicleFacts:
    """What the rules read of a vehicle; `papers` are the kinds of its documents."""

    country: str
    category: str
    first_registered_on: date | None
    left_at: datetime | None
    left_because: str | None
    last_inspected_on: date | None = None
    papers: Collection[str] = ()


def next_inspection(category: str, first_registered_on: date | None, last_done_on: date | None) -> date | None:
    """The last day for the next technical inspection of a vehicle registered in France; None where no rule is known.

    Code de la route: R. 323-22 for VP and CTTE up to 3.5 t (within the six months before the fourth anniversary of
    first registration, then every two years), R. 323-25 for vehicles beyond (after a year, then every year),
    R. 323-23 for passenger transport (every six months), R. 323-27 for two and three wheels and quadricycles
    (within the six months before the fifth anniversary, then every three years; those registered before 2022 by
    the calendar of the order of 23 October 2023, article 43). The yearly pollution check of vans is not among them.
    """
    code = category.strip().upper()
    rhythm = RHYTHMS.get(code)
    if rhythm is None:
        return None
    if last_done_on is not None:
        return add_months(last_done_on, rhythm.then)
    if first_registered_on is None:
        return None
    if rhythm is _TWO_WHEELS:
        for registered_before, inspected_by in _FIRST_TWO_WHEELS:
            if first_registered_on < registered_before:
                return inspected_by
    return add_months(first_registered_on, rhythm.first)


def computed(
    facts: VehicleFacts, zone: ZoneInfo, as_of: datetime, known: Collection[DueKind] = ()
) -> dict[DueKind, date]:
    """What the rules make due for a vehicle, and when; `known` are the kinds that were computed before.

    A first inspection whose day was over before anything was computed is left out: an older vehicle had it
    somewhere else, and only its keeper knows when.
    """
    if facts.left_at is not None and facts.left_at <= as_of:
        proofs_on = local_day(facts.left_at, zone) + PROOF_WITHIN
        return {DueKind.EXIT_PROOF: proofs_on} if missing_proofs(facts) else {}
    if facts.country != FRANCE:
        return {}
    due_on = next_inspection(facts.category, facts.first_registered_on, facts.last_inspected_on)
    if due_on is None:
        return {}
    if due_on < local_day(as_of, zone) and facts.last_inspected_on is None and DueKind.INSPECTION not in known:
        return {}
    return {DueKind.INSPECTION: due_on}


def missing_proofs(facts: VehicleFacts) -> list[DocumentKind]:
    """The proofs of an exit that are not among a vehicle's documents."""
    needed = PROOFS.get(ExitReason(facts.left_because), ()) if facts.left_because else ()
    return [kind for kind in needed if kind not in facts.papers]


def tidied_label(kind: str, label: str) -> tuple[str, str]:
    """A label as it is stored, and what is wrong with it in French, or an empty string."""
    tidy = tidy_line(label)
    if len(tidy) > LONGEST_LABEL:
        return tidy, f"{LONGEST_LABEL} caractères au plus."
    return tidy, "Dites de quoi il s’agit." if kind == DueKind.CUSTOM and not tidy else ""


def proposed_next(kind: str, due_on: date) -> date | None:
    """The day to propose once this one is done; None when there is no usual one."""
    months = MONTHS_UNTIL_NEXT.get(DueKind(kind))
    return add_months(due_on, months) if months else None


def name_of(due: DueDate) -> str:
    """What a due date is about: its label where it says more than its kind."""
    return due.label if due.kind == DueKind.CUSTOM else KINDS[DueKind(due.kind)]


def nearness(due_on: date, today: date) -> tuple[str, str, str]:
    """How near a day is, as a state: word, icon, tone."""
    left = (due_on - today).days
    if left < 0:
        return f"Dépassée {in_days(left)}", "exclamation-octagon", "bad"
    word = in_days(left).capitalize()
    return (word, "hourglass-split", "warn") if due_on <= today + SOON else (word, "calendar-check", "info")


def journal_words(facts: Mapping) -> str:
    """An act on a due date, as the journal of its vehicle or driver tells it."""
    before = (facts.get("avant") or {}).get("pour_le")
    told = f"{KINDS[DueKind(facts['echeance'])]}, pour le {_typed(facts['pour_le'])}"
    told += f" (auparavant le {_typed(before)})" if before else ""
    return f"{told}, fait le {_typed(facts['le'])}" if facts.get("le") else told


def is_reminded(due_on: date, today: date) -> bool:
    """True on the days when a due date is told by mail: 30 and 7 days before, on its day, then each Monday."""
    return due_on - today in REMINDED_BEFORE or (due_on < today and today.weekday() == 0)


def _typed(day: str) -> str:
    return short_day(date.fromisoformat(day))
