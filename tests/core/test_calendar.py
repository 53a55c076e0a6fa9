"""Days, months and the two awkward hours of the year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eprunes.core.calendar import (
    PARIS,
    add_months,
    earliest_day_reaching,
    end_of_day,
    instant_after_gap,
    local_day,
    local_to_instants,
    paris_day,
    start_of_day,
)

days = st.dates(date(1996, 1, 1), date(2104, 12, 31))
instants = st.datetimes(
    datetime.fromisoformat("1996-01-01"), datetime.fromisoformat("2104-12-31"), timezones=st.just(UTC)
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-01-14T22:59:59.999999", date(2026, 1, 14)),
        ("2026-01-14T23:00", date(2026, 1, 15)),
        ("2026-07-14T21:59:59", date(2026, 7, 14)),
        ("2026-07-14T22:00", date(2026, 7, 15)),
    ],
)
def test_a_day_changes_at_midnight_in_paris(instant, day):
    assert paris_day(utc(instant)) == day


def test_the_zone_an_instant_is_written_in_does_not_change_its_paris_day():
    tokyo = datetime(2026, 1, 15, 6, 59, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert paris_day(tokyo) == date(2026, 1, 14)


def test_a_local_day_is_the_one_of_its_own_zone():
    instant = utc("2026-01-14T12:00")
    assert local_day(instant, ZoneInfo("Pacific/Noumea")) == date(2026, 1, 14)
    assert local_day(instant + timedelta(hours=1), ZoneInfo("Pacific/Noumea")) == date(2026, 1, 15)


def test_a_naive_datetime_has_no_day():
    with pytest.raises(ValueError, match="naive"):
        paris_day(datetime.fromisoformat("2026-01-14T12:00"))


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (date(2026, 1, 14), "2026-01-14T23:00"),
        (date(2026, 7, 14), "2026-07-14T22:00"),
        (date(2026, 3, 28), "2026-03-28T23:00"),
        (date(2026, 3, 29), "2026-03-29T22:00"),  # 23 hours
        (date(2026, 10, 24), "2026-10-24T22:00"),
        (date(2026, 10, 25), "2026-10-25T23:00"),  # 25 hours
        (date(2026, 12, 31), "2026-12-31T23:00"),
        (date(2028, 2, 28), "2028-02-28T23:00"),
    ],
)
def test_a_paris_day_ends_at_the_first_instant_of_the_next(day, ends):
    assert end_of_day(day) == utc(ends)
    assert end_of_day(day).utcoffset() == timedelta(0)


def test_a_day_elsewhere_ends_on_its_own_clock():
    assert end_of_day(date(2026, 1, 14), ZoneInfo("Indian/Reunion")) == utc("2026-01-14T20:00")


@given(day=days, zone=st.sampled_from([PARIS, ZoneInfo("America/Miquelon"), ZoneInfo("Pacific/Noumea")]))
def test_a_day_holds_its_last_instant_and_not_its_end(day, zone):
    end = end_of_day(day, zone)
    assert local_day(end - timedelta(microseconds=1), zone) == day
    assert local_day(end, zone) == day + timedelta(days=1)
    assert start_of_day(day + timedelta(days=1), zone) == end


@given(day=days, as_of=instants)
def test_before_the_end_of_a_day_means_that_day_or_an_earlier_one(day, as_of):
    assert (as_of < end_of_day(day)) == (paris_day(as_of) <= day)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2019, 10, 4), 12, date(2020, 10, 4)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2025, 2, 28), 12, date(2026, 2, 28)),
        (date(2023, 2, 28), 12, date(2024, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_months_keep_the_day_number_or_end_on_the_last_day(day, months, expected):
    """Decision 4: 29 February + 12 months is 28 February."""
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("today", "months", "earliest"),
    [
        (date(2025, 2, 27), 12, date(2024, 2, 27)),
        (date(2025, 2, 28), 12, date(2024, 2, 28)),  # both 28 and 29 February 2024 end that day
        (date(2025, 3, 1), 12, date(2024, 3, 1)),  # 29 February 2024 is past
        (date(2024, 2, 28), 12, date(2023, 2, 28)),
        (date(2024, 2, 29), 12, date(2023, 3, 1)),  # no day reaches 29 February exactly
        (date(2026, 3, 31), 1, date(2026, 3, 1)),
        (date(2026, 2, 28), 1, date(2026, 1, 28)),
    ],
)
def test_the_earliest_day_that_still_reaches_today(today, months, earliest):
    assert earliest_day_reaching(today, months) == earliest


@given(today=days, months=st.integers(0, 40))
@example(today=date(2024, 2, 29), months=12)
@example(today=date(2025, 2, 28), months=12)
@example(today=date(2026, 3, 31), months=1)
def test_the_earliest_day_reaches_and_the_one_before_does_not(today, months):
    earliest = earliest_day_reaching(today, months)
    assert add_months(earliest, months) >= today
    assert add_months(earliest - timedelta(days=1), months) < today


@given(today=days, months=st.integers(0, 40), offset=st.integers(-40, 40))
@example(today=date(2024, 2, 29), months=12, offset=0)
def test_a_stored_day_reaches_today_exactly_from_the_earliest_one_on(today, months, offset):
    day = add_months(today, -months) + timedelta(days=offset)
    assert (add_months(day, months) >= today) == (day >= earliest_day_reaching(today, months))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-06-15T12:30", ["2026-06-15T10:30"]),
        ("2026-03-29T01:59", ["2026-03-29T00:59"]),
        ("2026-03-29T02:00", []),
        ("2026-03-29T02:59", []),
        ("2026-03-29T03:00", ["2026-03-29T01:00"]),
        ("2026-10-25T01:59", ["2026-10-24T23:59"]),
        ("2026-10-25T02:00", ["2026-10-25T00:00", "2026-10-25T01:00"]),
        ("2026-10-25T02:59", ["2026-10-25T00:59", "2026-10-25T01:59"]),
        ("2026-10-25T03:00", ["2026-10-25T02:00"]),
    ],
)
def test_a_local_time_in_paris_has_no_instant_one_or_two(local, expected):
    assert local_to_instants(datetime.fromisoformat(local), PARIS) == [utc(text) for text in expected]


@pytest.mark.parametrize("minute", range(0, 60, 5))
def test_the_two_instants_of_a_doubled_minute_are_one_hour_apart_and_in_order(minute):
    first, second = local_to_instants(datetime.fromisoformat(f"2026-10-25T02:{minute:02}"), PARIS)
    assert second - first == timedelta(hours=1)


def test_an_hour_that_does_not_exist_is_read_one_hour_later():
    read = instant_after_gap(datetime.fromisoformat("2026-03-29T02:30"), PARIS)
    assert read == utc("2026-03-29T01:30")
    assert read.astimezone(PARIS).replace(tzinfo=None) == datetime.fromisoformat("2026-03-29T03:30")


def test_a_local_time_with_a_zone_of_its_own_is_refused():
    with pytest.raises(ValueError, match="aware"):
        local_to_instants(utc("2026-03-29T02:30"), PARIS)


@given(instant=instants, zone=st.sampled_from([PARIS, ZoneInfo("America/Miquelon"), ZoneInfo("Indian/Reunion")]))
def test_every_instant_is_found_again_by_what_its_clock_shows(instant, zone):
    shown = instant.astimezone(zone).replace(tzinfo=None)
    found = local_to_instants(shown, zone)
    assert instant in found
    assert found == sorted(set(found))
    assert len(found) <= 2
