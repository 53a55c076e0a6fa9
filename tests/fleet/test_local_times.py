"""Days and hours as people type and read them, in the organisation's zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from eprunes.core.refusals import Refused
from eprunes.fleet.local_times import (
    end_text,
    first_instant,
    holding_text,
    last_instant,
    period_text,
    typed_end,
    typed_start,
)

PARIS, NOUMEA = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Noumea")
DAY = date(2026, 3, 3)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_day_alone_is_all_of_it():
    assert first_instant(DAY, None, PARIS, "at") == utc(2026, 3, 2, 23)
    assert last_instant(DAY, None, PARIS, "at") == utc(2026, 3, 3, 23)
    assert last_instant(DAY, None, NOUMEA, "at") == utc(2026, 3, 3, 13)


def test_a_day_of_the_change_of_hour_is_all_of_it_too():
    assert first_instant(date(2026, 3, 29), None, PARIS, "at") == utc(2026, 3, 28, 23)
    assert last_instant(date(2026, 3, 29), None, PARIS, "at") == utc(2026, 3, 29, 22)
    assert last_instant(date(2026, 10, 25), None, PARIS, "at") == utc(2026, 10, 25, 23)


@pytest.mark.parametrize("read", [first_instant, last_instant])
def test_an_hour_is_that_hour_there(read):
    assert read(DAY, time(8, 30), PARIS, "at") == utc(2026, 3, 3, 7, 30)
    assert read(DAY, time(8, 30), NOUMEA, "at") == utc(2026, 3, 2, 21, 30)
    assert read(DAY, time(0, 0), PARIS, "at") == utc(2026, 3, 2, 23)


@pytest.mark.parametrize(
    ("hour", "exists"), [(time(1, 59), True), (time(2, 0), False), (time(2, 59), False), (time(3), True)]
)
def test_an_hour_that_spring_skips_is_refused_on_its_field(hour, exists):
    if exists:
        first_instant(date(2026, 3, 29), hour, PARIS, "at_time")
        return
    with pytest.raises(Refused, match=f"29 mars 2026, {hour:%H:%M} n’existe pas") as refusal:
        first_instant(date(2026, 3, 29), hour, PARIS, "at_time")
    assert refusal.value.field == "at_time"


def test_of_an_hour_that_autumn_doubles_the_first_is_taken():
    assert first_instant(date(2026, 10, 25), time(2, 30), PARIS, "at") == utc(2026, 10, 25, 0, 30)


def test_what_was_typed_comes_back_into_the_form():
    for day, hour in ((DAY, None), (DAY, time(8, 30)), (date(2026, 3, 29), None), (date(2026, 10, 25), None)):
        assert typed_start(first_instant(day, hour, PARIS, "at"), PARIS) == (day, hour)
        assert typed_end(last_instant(day, hour, PARIS, "at"), PARIS) == (day, hour)
    assert typed_start(None, PARIS) == typed_end(None, PARIS) == (None, None)


def test_a_midnight_that_ends_something_is_the_24_hours_of_the_day():
    midnight = utc(2026, 3, 3, 23)
    assert end_text(midnight, PARIS) == "mar. 3 mars 2026, 24:00"
    assert end_text(midnight, NOUMEA) == "mer. 4 mars 2026, 10:00"
    assert period_text(utc(2026, 3, 2, 7), midnight, PARIS) == "du lun. 2 mars 2026, 08:00 au mar. 3 mars 2026, 24:00"
    assert period_text(utc(2026, 3, 2, 7), None, PARIS) == "depuis le lun. 2 mars 2026, 08:00"


def test_a_period_within_one_day_names_the_day_once():
    start, noon, midnight = utc(2026, 3, 2, 7), utc(2026, 3, 2, 11), utc(2026, 3, 2, 23)
    assert period_text(start, noon, PARIS) == "le lun. 2 mars 2026, de 08:00 à 12:00"
    assert period_text(start, midnight, PARIS) == "le lun. 2 mars 2026, de 08:00 à 24:00"
    after = midnight + timedelta(minutes=1)
    assert period_text(start, after, PARIS) == "du lun. 2 mars 2026, 08:00 au mar. 3 mars 2026, 00:01"
    assert period_text(start, noon, NOUMEA) == "le lun. 2 mars 2026, de 18:00 à 22:00"


def test_a_period_is_told_by_the_instant_at_which_it_is_told():
    start, end, second = utc(2026, 3, 2, 7), utc(2026, 3, 2, 11), timedelta(seconds=1)
    assert period_text(start, None, PARIS, start - second) == "à partir du lun. 2 mars 2026, 08:00"
    assert period_text(start, None, PARIS, start) == "depuis le lun. 2 mars 2026, 08:00"
    told = [
        (None, start - second, "tiendra ce véhicule à partir du lun. 2 mars 2026, 08:00"),
        (None, start, "tient ce véhicule depuis le lun. 2 mars 2026, 08:00"),
        (end, start - second, "tiendra ce véhicule le lun. 2 mars 2026, de 08:00 à 12:00"),
        (end, end - second, "tient ce véhicule le lun. 2 mars 2026, de 08:00 à 12:00"),
        (end, end, "a tenu ce véhicule le lun. 2 mars 2026, de 08:00 à 12:00"),
    ]
    for ends_at, as_of, words in told:
        assert holding_text(start, ends_at, PARIS, as_of) == words
