"""The figures of the fines tool, from its counters alone: what came in, what became of it, what was at stake.

Nothing here is about a person: the counters hold no driver, no plate and no instant, and name no site that has too
few drivers (see `counting`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from babel.dates import format_date
from sqlalchemy import Select, false, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.calendar import add_months, paris_day
from eprunes.core.database import TenantSession
from eprunes.core.texts import tidy_line
from eprunes.core.wording import LOCALE
from eprunes.fines.catalogue import lines_of
from eprunes.fines.counting import NUMBERS, PARKING_FEE
from eprunes.fines.models import NoticeCount, Offence

PERIODS = {"12": 12, "24": 24}
OTHER_SITES = "*"
OTHER_SITES_WORD = "Autres sites"
FINE = Decimal(675)
"""What not naming the driver costs a company, unless increased: five times the fine of the fourth class."""


@dataclass(frozen=True)
class Asked:
    """What the page was asked for; `site` is empty for all of them, OTHER_SITES for those that are not named."""

    period: str = "12"
    site: str = ""

    @property
    def months(self) -> int:
        return PERIODS[self.period]


@dataclass(frozen=True)
class Line:
    """The numbers of a month, a site, an offence, or of all of it."""

    label: str
    received: int = 0
    designated: int = 0
    impossible: int = 0
    filed: int = 0
    in_time: int = 0
    missed: int = 0
    answer_days: int = 0
    owing: int = 0
    """Of those missed, those whose offence obliges to name the driver."""
    short: str = ""

    @property
    def answered(self) -> int:
        return self.designated + self.impossible

    @property
    def waiting(self) -> int:
        """Neither answered, filed nor missed so far."""
        return max(0, self.received - self.answered - self.filed - self.missed)

    @property
    def share_in_time(self) -> int | None:
        """Of the notices that were answered or missed, those answered within their delay, in per cent."""
        due = self.answered + self.missed
        return _rounded(Decimal(100) * self.in_time / due) if due > 0 else None

    @property
    def average_days(self) -> int | None:
        """From posting to the answer."""
        return _rounded(Decimal(self.answer_days) / self.answered) if self.answered > 0 else None

    @property
    def at_stake(self) -> Decimal:
        """The fine for each of those `owing`."""
        return FINE * self.owing


@dataclass(frozen=True)
class Figures:
    """All that the page shows."""

    total: Line
    by_month: list[Line]
    by_site: list[Line]
    by_offence: list[Line]
    sites: list[str]
    has_other_sites: bool


def read_asked(arguments: Mapping[str, str]) -> Asked:
    """What an address asks for; what it says wrongly counts as not said."""
    period = arguments.get("periode", "")
    return Asked(period if period in PERIODS else "12", tidy_line(arguments.get("site", ""))[:80])


def asked_arguments(asked: Asked) -> dict[str, str | None]:
    """The address's arguments, those that say nothing left out."""
    return {"periode": None if asked.period == "12" else asked.period, "site": asked.site or None}


def visible_counts(actor: Actor) -> Select[tuple[NoticeCount]]:
    """The counters that this actor may read: those of the client, with the fines right."""
    query = select(NoticeCount).where(NoticeCount.organisation_id == actor.organisation_id)
    return query if actor.may(Permission.VIEW_NOTICES) else query.where(false())


def read_figures(actor: Actor, session: TenantSession, asked: Asked, as_of: datetime) -> Figures:
    """The figures of the months asked for, the present one included."""
    first = add_months(paris_day(as_of).replace(day=1), 1 - asked.months)
    everywhere = session.scalars(visible_counts(actor).where(NoticeCount.month >= first)).all()
    counts = [one for one in everywhere if _is_of(one.site, asked.site)]
    lines = lines_of({one.natinf for one in counts})
    cells = [(one, _numbers(one, lines.get(one.natinf, []))) for one in counts]
    sites = {one.site for one in everywhere}
    return Figures(
        total=Line("Total", **_sum(numbers for _, numbers in cells)),
        by_month=_by_month(cells, first, asked.months),
        by_site=_by(cells, lambda one: one.site or OTHER_SITES_WORD),
        by_offence=_by(cells, lambda one: _offence_name(one.natinf, lines)),
        sites=sorted(sites - {""}),
        has_other_sites="" in sites,
    )


def owes_designation(lines: Iterable[Offence], month: date) -> bool:
    """Whether one of these lines, in force on a day of the month, says that the law asks to name the driver."""
    last = add_months(month, 1)
    return any(
        one.designation_required and one.valid_from < last and (one.valid_to is None or one.valid_to >= month)
        for one in lines
    )


def _is_of(site: str, asked: str) -> bool:
    return not asked or site == ("" if asked == OTHER_SITES else asked)


def _numbers(count: NoticeCount, lines: list[Offence]) -> Counter:
    numbers = Counter({name: getattr(count, name) for name in NUMBERS})
    numbers["owing"] = count.missed if owes_designation(lines, count.month) else 0
    return numbers


def _sum(many: Iterable[Counter]) -> Counter:
    total: Counter = Counter()
    for numbers in many:
        total.update(numbers)
    return total


def _by_month(cells: list[tuple[NoticeCount, Counter]], first: date, months: int) -> list[Line]:
    found = []
    for month in (add_months(first, place) for place in range(months)):
        numbers = _sum(own for one, own in cells if one.month == month)
        pattern = "MMM" if month.month > 1 else "MMM yy"
        label = format_date(month, "MMMM y", locale=LOCALE)
        found.append(Line(label, **numbers, short=format_date(month, pattern, locale=LOCALE)))
    return found


def _by(cells: list[tuple[NoticeCount, Counter]], name_of: Callable[[NoticeCount], str]) -> list[Line]:
    """The most frequent first; what has no name of its own last."""
    grouped: dict[str, list[Counter]] = {}
    for one, numbers in cells:
        grouped.setdefault(name_of(one), []).append(numbers)
    lines = [Line(name, **_sum(many)) for name, many in grouped.items()]
    return sorted(lines, key=lambda line: (line.label == OTHER_SITES_WORD, -line.received, line.label))


def _offence_name(natinf: str, lines: Mapping[str, list[Offence]]) -> str:
    if natinf == PARKING_FEE:
        return "Forfait de post-stationnement (FPS)"
    if not natinf:
        return "Infraction sans NATINF"
    known = lines.get(natinf)
    return f"{known[-1].label} (NATINF {natinf})" if known else f"NATINF {natinf}, à vérifier"


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
