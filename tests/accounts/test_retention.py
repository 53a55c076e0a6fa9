"""Retention windows: each boundary from both sides, and cutoffs that say the same as the ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eprunes.accounts.retention import (
    DEFAULT,
    RetentionPolicy,
    access_ends_at,
    archive_cutoff,
    archived_until,
    destroyed_from,
    has_ended,
    purge_due_on,
    shared_cutoff,
    shared_until,
)
from eprunes.core.calendar import paris_day

MOMENT = timedelta(microseconds=1)

days = st.dates(date(1999, 1, 1), date(2104, 12, 31))
instants = st.datetimes(
    datetime.fromisoformat("1999-01-01"), datetime.fromisoformat("2104-12-31"), timezones=st.just(UTC)
)
policies = st.builds(
    RetentionPolicy,
    shared_days=st.integers(0, 120),
    archive_months=st.integers(0, 36),
    purge_after_end_months=st.integers(0, 6),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_default_durations_are_those_of_the_contract():
    """C4.3-e, C4.3-f, C12.3-b"""
    assert RetentionPolicy(45, 12, 1) == DEFAULT


@pytest.mark.parametrize(
    ("posted_at", "until"),
    [
        ("2026-01-01T00:00", "2026-02-15T23:00"),
        ("2026-01-01T22:59:59", "2026-02-15T23:00"),
        ("2026-01-01T23:00", "2026-02-16T23:00"),  # already 2 January in Paris
        ("2026-03-01T12:00", "2026-04-15T22:00"),  # over the spring change
        ("2026-02-12T12:00", "2026-03-29T22:00"),  # closes on the day of 23 hours
        ("2026-09-10T12:00", "2026-10-25T23:00"),  # closes on the day of 25 hours
        ("2028-01-15T12:00", "2028-02-29T23:00"),
    ],
)
def test_the_shared_window_closes_at_midnight_in_paris_45_days_after_posting(posted_at, until):
    """C4.3-e, decision 3"""
    assert shared_until(utc(posted_at), DEFAULT) == utc(until)


@pytest.mark.parametrize(
    ("offence_day", "until"),
    [
        (date(2019, 10, 4), "2020-10-04T22:00"),
        (date(2024, 2, 29), "2025-02-28T23:00"),
        (date(2023, 2, 28), "2024-02-28T23:00"),
        (date(2025, 3, 29), "2026-03-29T22:00"),
        (date(2025, 10, 25), "2026-10-25T23:00"),
    ],
)
def test_the_archive_closes_at_midnight_in_paris_twelve_months_after_the_offence(offence_day, until):
    """C4.3-f, decision 4"""
    assert archived_until(offence_day, DEFAULT) == utc(until)


@pytest.mark.parametrize(
    ("posted_at", "offence_day", "answered", "destroyed"),
    [
        # The usual order: the archive outlives the shared window.
        ("2026-01-10T12:00", date(2026, 1, 5), False, "2027-01-05T23:00"),
        ("2026-01-10T12:00", date(2026, 1, 5), True, "2027-01-05T23:00"),
        # Posted eleven months and more after the offence: the shared window outlives the archive.
        ("2026-01-01T12:00", date(2025, 1, 15), False, "2026-02-15T23:00"),
        ("2026-01-01T12:00", date(2025, 1, 15), True, "2026-01-15T23:00"),
        # Both close the same night, then a day apart.
        ("2026-01-01T12:00", date(2025, 2, 15), False, "2026-02-15T23:00"),
        ("2026-01-01T12:00", date(2025, 2, 16), False, "2026-02-16T23:00"),
        # Older than twelve months when posted: no archive at all once answered.
        ("2026-01-01T12:00", date(2024, 12, 1), True, "2025-12-01T23:00"),
    ],
)
def test_a_notice_is_destroyed_at_the_later_end_unless_answered(posted_at, offence_day, answered, destroyed):
    """C4.3-f, decision 5"""
    assert destroyed_from(utc(posted_at), offence_day, answered, DEFAULT) == utc(destroyed)


def test_the_cutoffs_follow_the_paris_day_of_the_reading():
    """C4.3-e, C4.3-f"""
    assert shared_cutoff(utc("2026-02-15T22:59:59"), DEFAULT) == date(2026, 1, 1)
    assert shared_cutoff(utc("2026-02-15T23:00"), DEFAULT) == date(2026, 1, 2)
    assert archive_cutoff(utc("2025-02-28T22:59:59"), DEFAULT) == date(2024, 2, 28)
    assert archive_cutoff(utc("2025-02-28T23:00"), DEFAULT) == date(2024, 3, 1)


@given(posted_at=instants, as_of=instants, policy=policies)
def test_posted_from_the_cutoff_on_means_still_shared(posted_at, as_of, policy):
    """C4.3-e, decision 3"""
    assert (paris_day(posted_at) >= shared_cutoff(as_of, policy)) == (as_of < shared_until(posted_at, policy))


@given(posted_at=instants, policy=policies)
def test_the_shared_cutoff_moves_past_a_notice_at_the_very_instant_it_closes(posted_at, policy):
    """C4.3-e, decision 3"""
    end = shared_until(posted_at, policy)
    assert shared_cutoff(end - MOMENT, policy) == paris_day(posted_at)
    assert shared_cutoff(end, policy) > paris_day(posted_at)


@given(offence_day=days, as_of=instants, policy=policies)
def test_an_offence_from_the_cutoff_on_means_still_archived(offence_day, as_of, policy):
    """C4.3-f, decision 4"""
    assert (offence_day >= archive_cutoff(as_of, policy)) == (as_of < archived_until(offence_day, policy))


@given(offence_day=days, policy=policies)
@example(offence_day=date(2024, 2, 29), policy=DEFAULT)
@example(offence_day=date(2023, 2, 28), policy=DEFAULT)
def test_the_archive_cutoff_moves_past_an_offence_at_the_very_instant_it_closes(offence_day, policy):
    """C4.3-f, decision 4"""
    end = archived_until(offence_day, policy)
    assert offence_day >= archive_cutoff(end - MOMENT, policy)
    assert offence_day < archive_cutoff(end, policy)


@given(posted_at=instants, offence_day=days, answered=st.booleans(), policy=policies)
def test_nothing_is_destroyed_while_someone_may_see_it(posted_at, offence_day, answered, policy):
    """C4.3-f, decision 5"""
    destroyed = destroyed_from(posted_at, offence_day, answered, policy)
    assert destroyed in (archived_until(offence_day, policy), shared_until(posted_at, policy))
    assert destroyed >= archived_until(offence_day, policy)
    assert answered or destroyed >= shared_until(posted_at, policy)
    assert not answered or destroyed == archived_until(offence_day, policy)


@pytest.mark.parametrize(
    ("ends_on", "closes", "purged"),
    [
        (date(2026, 6, 30), "2026-06-30T22:00", "2026-07-30T22:00"),
        (date(2026, 1, 31), "2026-01-31T23:00", "2026-02-28T23:00"),
        (date(2028, 1, 31), "2028-01-31T23:00", "2028-02-29T23:00"),
        (date(2026, 2, 28), "2026-02-28T23:00", "2026-03-28T23:00"),
        (date(2026, 3, 29), "2026-03-29T22:00", "2026-04-29T22:00"),
    ],
)
def test_a_contract_closes_at_midnight_and_is_purged_one_month_later(ends_on, closes, purged):
    """C12.3-a, C12.3-b, C12.3-d, decision 9"""
    assert access_ends_at(ends_on) == utc(closes)
    assert purge_due_on(ends_on, DEFAULT) == utc(purged)


def test_a_contract_is_open_until_its_last_midnight_and_closed_from_it_on():
    """C3.4, C12.3-a, decision 9"""
    end = utc("2026-06-30T22:00")
    assert not has_ended(date(2026, 6, 30), end - MOMENT)
    assert has_ended(date(2026, 6, 30), end)


@given(as_of=instants)
def test_a_contract_without_an_end_date_goes_on(as_of):
    assert not has_ended(None, as_of)


@given(ends_on=days, as_of=instants)
def test_a_contract_has_ended_when_its_last_day_is_past_in_paris(ends_on, as_of):
    """C12.3-a"""
    assert has_ended(ends_on, as_of) == (ends_on < paris_day(as_of))
