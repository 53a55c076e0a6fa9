"""What is news of notices to one person, and whether it waits for their day (*récapitulatif*): pure rules.

Counts only: what a mail says of an offence is never more than that there is one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from eprunes.accounts.models import MailRhythm
from eprunes.core.calendar import paris_day
from eprunes.core.wording import short_day
from eprunes.fines.answering import FilingReason
from eprunes.fines.deadlines import ANSWER_DAYS, days_left, latest_alert
from eprunes.fines.designation_rules import law_wants_driver

UNOPENED_AFTER = timedelta(days=7)
PRESSING_ALERTS = (44, 40)
"""The alerts that come whatever the rhythm."""
LATER_ALERTS = (30, 15)
"""The alerts that wait for the day of the week of whoever chose so, never longer."""

FILED_ALERTS = (44, 40, 30)
"""The alerts that come for what was filed though the law wants a driver."""

_NEARING = {
    44: "À répondre aujourd’hui ou demain au plus tard",
    40: "Cinq jours au plus pour répondre",
    30: "Quinze jours au plus pour répondre",
    15: "Trente jours au plus pour répondre",
}

_FILED = "Classés sans désignation alors que la loi la demande, à rouvrir et désigner au plus tard le {}"


@dataclass(frozen=True)
class Pile:
    """Notices without an answer that are alike. `is_new`: they came, or came back refused, since the person was last
    told; `reminded_days`: the last alert that anybody was sent for them.
    """

    deadline_on: date
    is_refused: bool
    is_new: bool
    reminded_days: int
    count: int


@dataclass(frozen=True)
class Filed:
    """Notices that the law wants a driver of and that somebody put away without one: how many reached an alert, by its
    day, and the first of their last days."""

    nearing: Counter = field(default_factory=Counter)
    first_day: date | None = None


@dataclass(frozen=True)
class News:
    """How many notices each sentence of a mail is about; `nearing` by day of the alert."""

    new: int = 0
    nearing: Counter = field(default_factory=Counter)
    overdue: int = 0
    refused: int = 0
    corrections: int = 0
    unknown: int = 0
    to_post: int = 0
    unopened: int = 0
    replied: int = 0
    without_driver: int = 0
    filed: Filed = field(default_factory=Filed)

    @property
    def is_pressing(self) -> bool:
        """Whether it is told whatever rhythm the person chose."""
        alerts = sum(self.nearing[one] + self.filed.nearing[one] for one in PRESSING_ALERTS)
        failed = self.refused + self.corrections + self.unknown
        return bool(alerts + self.overdue + failed + self.to_post + self.unopened)


@dataclass(frozen=True)
class Line:
    """One sentence of a mail."""

    label: str
    count: int


def nearing(piles: Iterable[Pile], since: datetime, as_of: datetime) -> Counter:
    """How many notices reached an alert that this person, last told at `since`, was not told of, by its day."""
    found: Counter = Counter()
    for pile in piles:
        alert = latest_alert(pile.deadline_on, as_of)
        if alert is None:
            continue
        if pile.is_new or pile.reminded_days < alert or latest_alert(pile.deadline_on, since) != alert:
            found[alert] += pile.count
    return found


def is_filed_against_duty(reason: str | None, asked: bool | None, required: bool | None) -> bool:
    """Whether a notice filed for this reason still wants a driver; `asked`, `required`: as for `law_wants_driver`."""
    return reason in (FilingReason.PAID, FilingReason.OTHER) and law_wants_driver(asked, required) is True


def filed_nearing(piles: Iterable[Pile], since: datetime, as_of: datetime) -> Filed:
    """What of these notices, filed against a duty, this person, last told at `since`, was not told of; the first alert
    is left to those who still answer."""
    reached = [(pile.deadline_on, nearing([pile], since, as_of)) for pile in piles]
    wanted = [(day, alert, counts[alert]) for day, counts in reached for alert in FILED_ALERTS if counts[alert]]
    found: Counter = Counter()
    for _, alert, count in wanted:
        found[alert] += count
    return Filed(found, min((day for day, *_ in wanted), default=None))


def newly_overdue(piles: Iterable[Pile], since: datetime, as_of: datetime) -> int:
    """How many passed their last day without an answer since the person was told."""
    over = (pile for pile in piles if days_left(pile.deadline_on, as_of) < 0)
    return sum(pile.count for pile in over if pile.is_new or days_left(pile.deadline_on, since) >= 0)


def newly_come(piles: Iterable[Pile], as_of: datetime) -> int:
    """How many came since the person was told, and may still be answered in time."""
    came = (pile for pile in piles if pile.is_new and not pile.is_refused)
    return sum(pile.count for pile in came if days_left(pile.deadline_on, as_of) >= 0)


def newly_refused(piles: Iterable[Pile]) -> int:
    """How many answers the agency refused since the person was told, and nobody gave again."""
    return sum(pile.count for pile in piles if pile.is_new and pile.is_refused)


def deadlines_at(alert: int, as_of: datetime) -> tuple[date, date]:
    """The earliest and the latest last day to act whose latest alert is this one."""
    today = paris_day(as_of)
    after = [one for one in (*PRESSING_ALERTS, *LATER_ALERTS) if one > alert]
    latest = today + timedelta(days=ANSWER_DAYS - alert)
    return (today + timedelta(days=ANSWER_DAYS - min(after) + 1) if after else today), latest


def is_due(news: News, rhythm: MailRhythm, since: datetime, as_of: datetime) -> bool:
    """Whether a mail goes today to a person last told at `since`: what presses always, the rest by their rhythm.

    Weekly is once a week from Monday on: a Monday that was missed is made up for on the day after.
    """
    if news.is_pressing:
        return True
    waiting = sum(news.nearing[one] + news.filed.nearing[one] for one in LATER_ALERTS)
    if rhythm is not MailRhythm.DEADLINES_ONLY:
        waiting += news.new + news.replied
    if not waiting or rhythm is MailRhythm.DAILY:
        return bool(waiting)
    return is_first_of_week(since, as_of)


def is_first_of_week(since: datetime, as_of: datetime) -> bool:
    """Whether a Monday began, in Paris, since a person was told: also on a Tuesday, if Monday saw no mails."""
    today = paris_day(as_of)
    return paris_day(since) < today - timedelta(days=today.weekday())


def lines(news: News) -> list[Line]:
    """The sentences of a mail, the most pressing first; empty ones left out."""
    every = [
        Line("Réponses refusées par l’ANTAI, à donner à nouveau", news.refused),
        Line("Corrections refusées par l’ANTAI\u00a0: la première réponse reste valable", news.corrections),
        Line("Envois dont le résultat est inconnu", news.unknown),
        Line("Délai passé sans réponse", news.overdue),
        *(Line(_NEARING[alert], news.nearing[alert]) for alert in PRESSING_ALERTS),
        Line(_FILED.format(short_day(news.filed.first_day)), news.filed.nearing.total()),
        Line("Lettres recommandées à poster", news.to_post),
        Line("Reçus il y a une semaine ou plus, et que personne n’a ouverts", news.unopened),
        *(Line(_NEARING[alert], news.nearing[alert]) for alert in LATER_ALERTS),
        Line("Nouveaux avis", news.new),
        Line("Réponses de conducteurs à lire", news.replied),
        Line("Nouveaux avis sans conducteur\u00a0: personne n’avait le véhicule", news.without_driver),
    ]
    return [line for line in every if line.count]
