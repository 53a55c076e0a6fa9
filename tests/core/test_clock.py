"""The clock: instants are aware and in UTC, durations and instants are read strictly."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from eprunes.core import clock


@pytest.fixture
def offset():
    yield clock.set_offset
    clock.set_offset(timedelta(0))


def test_now_is_aware_and_in_utc():
    with freeze_time("2026-03-29T00:59:59"):
        assert clock.now() == datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
        assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("shift", [timedelta(days=45), timedelta(seconds=-1)])
def test_the_offset_shifts_now(offset, shift):
    with freeze_time("2026-03-01T12:00"):
        offset(shift)
        assert clock.now() == datetime(2026, 3, 1, 12, tzinfo=UTC) + shift


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("45d", timedelta(days=45)),
        ("3h", timedelta(hours=3)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1D12H30M15S", timedelta(days=1, hours=12, minutes=30, seconds=15)),
        ("P45DT12H", timedelta(days=45, hours=12)),
        ("P45D", timedelta(days=45)),
        ("PT90S", timedelta(seconds=90)),
        ("pt5m", timedelta(minutes=5)),
        ("86400", timedelta(days=1)),
        ("0s", timedelta(0)),
        ("-2h", timedelta(hours=-2)),
        ("+2h", timedelta(hours=2)),
        (" 5m ", timedelta(minutes=5)),
    ],
)
def test_a_duration_is_read(text, duration):
    assert clock.parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "P",
        "PT",
        "T",
        "T5H",
        "45 d",
        "1h30",
        "1d12",
        "P1M",
        "P5",
        "5x",
        "1.5h",
        "12h1d",
        "٣h",
        "9999999999d",
    ],
)
def test_what_is_no_duration_is_refused(text):
    """`1h30` would be read as 30 seconds by some, `P1M` as a month by others: both are refused."""
    with pytest.raises(ValueError, match="durée"):
        clock.parse_duration(text)


@pytest.mark.parametrize("text", ["2026-03-29T12:00+02:00", "2026-03-29T10:00Z", "2026-03-29T10:00:00.000+00:00"])
def test_an_instant_is_read_as_utc(text):
    instant = clock.parse_instant(text)
    assert instant == datetime(2026, 3, 29, 10, tzinfo=UTC)
    assert instant.tzinfo is UTC


def test_an_instant_without_its_zone_is_refused():
    with pytest.raises(ValueError, match="pas de fuseau"):
        clock.parse_instant("2026-03-29T12:00")


@pytest.mark.parametrize("text", ["", "demain", "2026-02-30T12:00+01:00"])
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match="n’est pas un instant"):
        clock.parse_instant(text)


@pytest.mark.parametrize("year", [1, 1999, 2101, 9999])
def test_an_instant_of_another_age_is_refused(year):
    for edge in ("01-01T00:00:00+14:00", "12-31T23:59:59+00:00"):
        with pytest.raises(ValueError, match="hors des années 2000 à 2100"):
            clock.parse_instant(f"{year:04}-{edge}")


@pytest.mark.parametrize("text", ["2000-01-01T00:00+00:00", "2100-12-31T23:59:59+00:00"])
def test_an_instant_at_the_edge_of_our_age_is_taken(text):
    assert clock.parse_instant(text).isoformat().startswith(text[:16])
