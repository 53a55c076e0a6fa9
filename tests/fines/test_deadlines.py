"""The two clocks, on both sides of midnight and of each threshold."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.accounts.retention import DEFAULT, shared_until
from eprunes.core.calendar import end_of_day, paris_day
from eprunes.fines.deadlines import (
    ALERT_DAYS,
    Clock,
    Deadline,
    NoticeSource,
    PaymentDates,
    Urgency,
    days_left,
    deadline_that_counts,
    latest_alert,
    legal_deadline,
    parking_fee_dates,
    payment_dates,
    platform_deadline,
    rest_day_name,
    urgency,
)

FLOW, TYPED, IMPORTED = NoticeSource.AGENCY_FLOW, NoticeSource.TYPED_IN, NoticeSource.IMPORTED

instants = st.datetimes(
    datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31"), timezones=st.just(UTC)
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def noon(day: date) -> datetime:
    return end_of_day(day) - timedelta(hours=12)


@pytest.mark.parametrize(
    ("posted_at", "deadline"),
    [
        ("2026-01-01T12:00", date(2026, 2, 15)),
        ("2026-01-01T22:59:59", date(2026, 2, 15)),
        ("2026-01-01T23:00", date(2026, 2, 16)),
        ("2026-02-12T12:00", date(2026, 3, 29)),
        ("2028-01-15T12:00", date(2028, 2, 29)),
    ],
)
def test_the_platform_clock_runs_45_days_from_the_paris_day_of_posting(posted_at, deadline):
    """C4.3-e, decision 3"""
    assert platform_deadline(utc(posted_at)) == deadline


@given(posted_at=instants)
def test_the_platform_clock_stops_when_the_default_shared_window_closes(posted_at):
    """C4.3-e"""
    assert end_of_day(platform_deadline(posted_at)) == shared_until(posted_at, DEFAULT)


@pytest.mark.parametrize(
    ("sent_on", "deadline"),
    [
        (date(2026, 9, 1), date(2026, 10, 16)),
        (date(2026, 11, 10), date(2026, 12, 25)),  # Christmas: not extended
        (date(2026, 8, 26), date(2026, 10, 10)),  # a Saturday: not extended
        (date(2024, 1, 15), date(2024, 2, 29)),
    ],
)
def test_the_law_gives_45_days_from_the_sending_and_not_one_more(sent_on, deadline):
    assert legal_deadline(sent_on) == deadline


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 10, 16), None),
        (date(2026, 10, 17), "samedi"),
        (date(2026, 10, 18), "dimanche"),
        (date(2026, 10, 19), None),
        (date(2026, 11, 11), "Armistice"),
        (date(2026, 11, 1), "Toussaint"),  # on a Sunday
        (date(2026, 5, 14), "Ascension"),
        (date(2026, 4, 6), "Lundi de Pâques"),
        (date(2026, 12, 26), "samedi"),  # a holiday in Alsace-Moselle only
    ],
)
def test_a_rest_day_is_hinted_by_its_french_name(day, name):
    assert rest_day_name(day) == name


@pytest.mark.parametrize(
    ("source", "sent_on", "noticed_on", "expected"),
    [
        (FLOW, None, None, Deadline(date(2026, 2, 15), Clock.PLATFORM)),
        (FLOW, None, date(2025, 12, 20), Deadline(date(2026, 2, 15), Clock.PLATFORM)),
        (FLOW, date(2026, 2, 20), None, Deadline(date(2026, 4, 6), Clock.LEGAL)),
        (TYPED, date(2025, 12, 22), date(2025, 12, 20), Deadline(date(2026, 2, 5), Clock.LEGAL)),
        (TYPED, None, date(2025, 12, 20), Deadline(date(2026, 2, 3), Clock.LEGAL)),
        (IMPORTED, None, date(2025, 12, 20), Deadline(date(2026, 2, 3), Clock.LEGAL)),
    ],
)
def test_only_the_clock_that_fits_the_source_counts(source, sent_on, noticed_on, expected):
    assert deadline_that_counts(source, utc("2026-01-01T12:00"), sent_on, noticed_on) == expected


@pytest.mark.parametrize("source", [TYPED, IMPORTED])
def test_a_notice_typed_in_without_any_date_has_no_deadline(source):
    with pytest.raises(ValueError, match="^Indiquez la date d’envoi ou la date de l’avis\u00a0:"):
        deadline_that_counts(source, utc("2026-01-01T12:00"))


@pytest.mark.parametrize(
    ("as_of", "left"),
    [
        ("2026-02-13T22:59:59", 2),
        ("2026-02-13T23:00", 1),
        ("2026-02-14T22:59:59", 1),
        ("2026-02-14T23:00", 0),
        ("2026-02-15T22:59:59", 0),
        ("2026-02-15T23:00", -1),
    ],
)
def test_days_left_change_at_midnight_in_paris(as_of, left):
    assert days_left(date(2026, 2, 15), utc(as_of)) == left


@pytest.mark.parametrize(
    ("day_after_posting", "expected"),
    [
        (0, Urgency.CALM),
        (29, Urgency.CALM),
        (30, Urgency.SOON),
        (39, Urgency.SOON),
        (40, Urgency.URGENT),
        (45, Urgency.URGENT),
        (46, Urgency.OVERDUE),
    ],
)
def test_urgency_rises_at_d30_and_d40_and_ends_after_d45(day_after_posting, expected):
    as_of = noon(date(2026, 1, 1) + timedelta(days=day_after_posting))
    assert urgency(date(2026, 2, 15), as_of) is expected


@pytest.mark.parametrize(
    ("day_after_posting", "alert"),
    [
        (0, None),
        (14, None),
        (15, 15),
        (29, 15),
        (30, 30),
        (39, 30),
        (40, 40),
        (43, 40),
        (44, 44),
        (45, 44),
        (46, None),
    ],
)
def test_the_latest_alert_is_the_last_one_reached_while_an_answer_is_due(day_after_posting, alert):
    as_of = noon(date(2026, 1, 1) + timedelta(days=day_after_posting))
    assert latest_alert(date(2026, 2, 15), as_of) == alert


@given(posted_at=instants, later=st.integers(0, 60))
def test_an_alert_is_never_ahead_of_its_day(posted_at, later):
    as_of = noon(paris_day(posted_at) + timedelta(days=later))
    alert = latest_alert(platform_deadline(posted_at), as_of)
    if alert is None:
        assert later < min(ALERT_DAYS) or later > 45
    else:
        assert alert in ALERT_DAYS
        assert alert <= later <= 45


def test_payment_dates_are_counted_from_the_date_of_the_notice():
    assert payment_dates(date(2026, 9, 1)) == PaymentDates(
        reduced=date(2026, 9, 16),
        reduced_online=date(2026, 10, 1),
        standard=date(2026, 10, 16),
        standard_online=date(2026, 10, 31),
    )


@pytest.mark.parametrize(
    ("sent_on", "appeal", "payment"),
    [
        ("2026-02-20", "2026-03-20", "2026-05-20"),
        ("2026-01-31", "2026-02-28", "2026-04-30"),
        ("2028-01-31", "2028-02-29", "2028-04-30"),
        ("2027-11-29", "2027-12-29", "2028-02-29"),
        ("2026-12-31", "2027-01-31", "2027-03-31"),
    ],
)
def test_a_parking_fee_is_contested_within_a_month_and_paid_within_three(sent_on, appeal, payment):
    dates = parking_fee_dates(date.fromisoformat(sent_on))
    assert (str(dates.appeal), str(dates.payment)) == (appeal, payment)
    told = deadline_that_counts(
        NoticeSource.TYPED_IN, utc("2026-01-01T12:00"), None, date.fromisoformat(sent_on), is_parking_fee=True
    )
    assert (told.day, told.clock) == (dates.appeal, Clock.APPEAL)
