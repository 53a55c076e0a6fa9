"""The two clocks of a notice (*échéances*), and what they leave to do.

- The platform's: 45 days from the posting (*mise en ligne*), service contract article 4.3. After it the
  agency stops asking here and sends the notice by post.
- The law's: 45 days from the sending of the notice, Code de la route L. 121-6. The sending day is not
  counted, and a week-end or a public holiday never extends it here: whether it does in law is not settled.

A deadline is the last day on which to act, in Europe/Paris.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import holidays

from eprunes.core.calendar import add_months, paris_day

ANSWER_DAYS = 45
ALERT_DAYS = (15, 30, 40, 44)
SOON_DAYS_LEFT = 15
URGENT_DAYS_LEFT = 5

# Counted from the date of the notice; fifteen days more when paid online.
REDUCED_DAYS = 15
REDUCED_ONLINE_DAYS = 30
STANDARD_DAYS = 45
STANDARD_ONLINE_DAYS = 60

# Of a parking fee (FPS), counted from its sending: the appeal that comes before any other (RAPO), and the payment.
APPEAL_MONTHS = 1
FEE_PAYMENT_MONTHS = 3

_SATURDAY = 5
_HOLIDAYS = holidays.country_holidays("FR", language="fr")


class NoticeSource(StrEnum):
    """How a notice came in (*origine*)."""

    AGENCY_FLOW = "flux_antai"
    TYPED_IN = "saisie"
    IMPORTED = "import"


class Clock(StrEnum):
    """Which clock a deadline belongs to (*horloge*): one of the two, or that of a parking fee's appeal."""

    PLATFORM = "plateforme"
    LEGAL = "legale"
    APPEAL = "recours"


class Urgency(StrEnum):
    """How near the deadline is (*urgence*)."""

    CALM = "calme"
    SOON = "bientot"
    URGENT = "urgent"
    OVERDUE = "depasse"


@dataclass(frozen=True)
class Deadline:
    """A last day to act and the clock it comes from (*échéance*): a screen names both."""

    day: date
    clock: Clock


@dataclass(frozen=True)
class PaymentDates:
    """The last days to pay each amount of a notice (*dates de paiement*)."""

    reduced: date
    reduced_online: date
    standard: date
    standard_online: date


@dataclass(frozen=True)
class ParkingFeeDates:
    """The last days to contest a parking fee and to pay it (*dates d'un FPS*)."""

    appeal: date
    payment: date


def platform_deadline(posted_at: datetime) -> date:
    """The last day to answer on the platform: the Paris day of posting + 45."""
    return paris_day(posted_at) + timedelta(days=ANSWER_DAYS)


def legal_deadline(sent_on: date) -> date:
    """The last day to answer in law: the day of sending + 45, never extended."""
    return sent_on + timedelta(days=ANSWER_DAYS)


def rest_day_name(day: date) -> str | None:
    """The French name of the public holiday, or « samedi » or « dimanche »; None on a working day.

    For a mere hint beside a deadline. National holidays only: not those of Alsace-Moselle and overseas.
    """
    holiday = _HOLIDAYS.get(day)
    if holiday:
        return holiday
    if day.weekday() < _SATURDAY:
        return None
    return "samedi" if day.weekday() == _SATURDAY else "dimanche"


def deadline_that_counts(
    source: NoticeSource,
    posted_at: datetime,
    sent_on: date | None = None,
    noticed_on: date | None = None,
    *,
    is_parking_fee: bool = False,
) -> Deadline:
    """The one deadline to show first.

    A notice from the agency's flow follows the platform's clock until a paper notice is sent (`sent_on`). Any
    other follows the law's alone, from its sending or, that being unknown, from the date printed on it
    (`noticed_on`, the earlier and so the safer). A parking fee, which nobody is designated for, has its own: the
    last day to contest it. Raises ValueError, in French, when it has neither.
    """
    if is_parking_fee and (sent_on or noticed_on):
        return Deadline(parking_fee_dates(sent_on or noticed_on).appeal, Clock.APPEAL)
    if sent_on is not None:
        return Deadline(legal_deadline(sent_on), Clock.LEGAL)
    if source is NoticeSource.AGENCY_FLOW:
        return Deadline(platform_deadline(posted_at), Clock.PLATFORM)
    if noticed_on is None:
        raise ValueError("Indiquez la date d’envoi ou la date de l’avis\u00a0: le délai légal en dépend.")
    return Deadline(legal_deadline(noticed_on), Clock.LEGAL)


def days_left(deadline: date, as_of: datetime) -> int:
    """Whole days from the Paris day of `as_of`: 0 on the last day, negative once it is over."""
    return (deadline - paris_day(as_of)).days


def urgency(deadline: date, as_of: datetime) -> Urgency:
    """How near the deadline is: soon from D+30, urgent from D+40, overdue after D+45."""
    return urgency_of(days_left(deadline, as_of))


def urgency_of(left: int) -> Urgency:
    """As `urgency`, from the days left."""
    if left < 0:
        return Urgency.OVERDUE
    if left <= URGENT_DAYS_LEFT:
        return Urgency.URGENT
    return Urgency.SOON if left <= SOON_DAYS_LEFT else Urgency.CALM


def latest_alert(deadline: date, as_of: datetime) -> int | None:
    """The last of `ALERT_DAYS` reached, to be sent unless it was; None before the first and once overdue."""
    left = days_left(deadline, as_of)
    if left < 0:
        return None
    return max((alert for alert in ALERT_DAYS if alert <= ANSWER_DAYS - left), default=None)


def payment_dates(noticed_on: date) -> PaymentDates:
    """The last days to pay, counted from the date printed on the notice."""
    return PaymentDates(
        reduced=noticed_on + timedelta(days=REDUCED_DAYS),
        reduced_online=noticed_on + timedelta(days=REDUCED_ONLINE_DAYS),
        standard=noticed_on + timedelta(days=STANDARD_DAYS),
        standard_online=noticed_on + timedelta(days=STANDARD_ONLINE_DAYS),
    )


def parking_fee_dates(sent_on: date) -> ParkingFeeDates:
    """The last days of a parking fee, counted from its sending or, that being unknown, from the date printed on it.

    A month ends on the same day-number, or on the last of the month.
    """
    return ParkingFeeDates(add_months(sent_on, APPEAL_MONTHS), add_months(sent_on, FEE_PAYMENT_MONTHS))
