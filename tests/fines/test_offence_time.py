"""Reading the moment of an offence: the zone of the place, the awkward hours, malformed texts."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.core.calendar import local_day
from eprunes.fines.offence_time import ZONE_BY_POSTCODE, OffenceTime, read_offence_time, zone_of


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("postcode", "zone_key"),
    [
        ("75001", "Europe/Paris"),
        ("20000", "Europe/Paris"),
        ("97040", "Europe/Paris"),
        ("97110", "America/Guadeloupe"),
        ("97133", "America/Guadeloupe"),
        ("97200", "America/Martinique"),
        ("97300", "America/Cayenne"),
        ("97400", "Indian/Reunion"),
        ("97500", "America/Miquelon"),
        ("97600", "Indian/Mayotte"),
        ("97700", "America/St_Barthelemy"),
        ("97800", "America/Marigot"),
        ("97900", "Europe/Paris"),
        ("98000", "Europe/Paris"),
        ("98400", "Indian/Kerguelen"),
        ("98600", "Pacific/Wallis"),
        ("98713", "Pacific/Tahiti"),
        ("98800", "Pacific/Noumea"),
        ("98900", "Europe/Paris"),
        (" 97 400 ", "Indian/Reunion"),
        ("9740", "Europe/Paris"),
        ("974001", "Europe/Paris"),
        ("", "Europe/Paris"),
        (None, "Europe/Paris"),
    ],
)
def test_the_zone_of_a_place_comes_from_its_postcode(postcode, zone_key):
    assert zone_of(postcode).key == zone_key


@pytest.mark.parametrize(
    ("country", "zone_key"),
    [("FR", "Indian/Reunion"), ("RE", "Indian/Reunion"), ("re", "Indian/Reunion"), ("DE", "Europe/Paris")],
)
def test_a_foreign_postcode_is_not_read_as_an_overseas_one(country, zone_key):
    assert zone_of("97400", country).key == zone_key


@pytest.mark.parametrize(
    ("text", "postcode", "instant"),
    [
        ("2026-08-20T20:47:00.252608", "48279", "2026-08-20T18:47"),
        ("2026-08-20T20:47:59.999999999", "48279", "2026-08-20T18:47"),
        ("2026-08-20T20:47", "48279", "2026-08-20T18:47"),
        (" 2026-08-20 20:47:30 ", "48279", "2026-08-20T18:47"),
        ("2026-12-20T20:47:00", "48279", "2026-12-20T19:47"),
        ("2026-08-20T20:47:00", "97400", "2026-08-20T16:47"),
        ("2026-08-20T20:47:00", "98713", "2026-08-21T06:47"),
        ("2026-08-20T20:47:00", None, "2026-08-20T18:47"),
    ],
)
def test_a_time_is_read_to_the_minute_where_the_offence_happened(text, postcode, instant):
    read = read_offence_time(text, postcode)
    assert read.instant == utc(instant)
    assert read.instant.utcoffset().total_seconds() == 0
    assert (read.second_instant, read.nonexistent) == (None, False)
    assert read.raw == text
    assert read.local_day == date(2026, int(text.strip()[5:7]), 20)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("2026-10-25T01:59", "2026-10-24T23:59", None),
        ("2026-10-25T02:00", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("2026-10-25T02:59:59", "2026-10-25T00:59", "2026-10-25T01:59"),
        ("2026-10-25T03:00", "2026-10-25T02:00", None),
    ],
)
def test_the_doubled_hour_of_autumn_gives_both_instants_in_order(text, first, second):
    read = read_offence_time(text, "75001")
    assert read.instant == utc(first)
    assert read.second_instant == (second and utc(second))
    assert read.local_day == date(2026, 10, 25)
    assert not read.nonexistent


def test_the_doubled_hour_of_paris_is_an_ordinary_one_overseas():
    read = read_offence_time("2026-10-25T02:30", "97400")
    assert read == OffenceTime(utc("2026-10-24T22:30"), None, "Indian/Reunion", "2026-10-25T02:30", date(2026, 10, 25))


@pytest.mark.parametrize(
    ("text", "instant", "nonexistent"),
    [
        ("2026-03-29T01:59", "2026-03-29T00:59", False),
        ("2026-03-29T02:00", "2026-03-29T01:00", True),
        ("2026-03-29T02:59", "2026-03-29T01:59", True),
        ("2026-03-29T03:00", "2026-03-29T01:00", False),
    ],
)
def test_an_hour_that_spring_skips_is_read_one_hour_later_and_flagged(text, instant, nonexistent):
    read = read_offence_time(text, "75001")
    assert (read.instant, read.second_instant, read.nonexistent) == (utc(instant), None, nonexistent)


@pytest.mark.parametrize(
    ("text", "postcode", "instant", "local"),
    [
        ("2026-10-25T02:30:00+02:00", "75001", "2026-10-25T00:30", date(2026, 10, 25)),
        ("2026-10-25T02:30:00+01:00", "75001", "2026-10-25T01:30", date(2026, 10, 25)),
        ("2026-10-25T02:30:00+0100", "75001", "2026-10-25T01:30", date(2026, 10, 25)),
        ("2026-08-20T22:30Z", "75001", "2026-08-20T22:30", date(2026, 8, 21)),
        ("2026-08-20T22:30Z", "98713", "2026-08-20T22:30", date(2026, 8, 20)),
        ("2026-08-20T20:30Z", "97400", "2026-08-20T20:30", date(2026, 8, 21)),
        ("2026-08-20T19:59Z", "97400", "2026-08-20T19:59", date(2026, 8, 20)),
    ],
)
def test_an_offset_in_the_text_rules_and_the_day_stays_that_of_the_place(text, postcode, instant, local):
    read = read_offence_time(text, postcode)
    assert (read.instant, read.second_instant, read.local_day) == (utc(instant), None, local)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hier",
        "2026-08-20",
        "2026-W34-4T20:47",
        "20260820T2047",
        "20/08/2026 20:47",
        "2026-02-29T10:00",
        "2026-13-01T10:00",
        "2026-08-20T24:00",
        "2026-08-20T20:60",
        "2026-08-20T20:47:60",
        "2026-08-20T20:47:00.",
        "2026-08-20T20:47+25:00",
        "2026-08-20T20:47 Europe/Paris",
        "٢٠٢٦-08-20T20:47",
        "2026-08-20T20:47\x00",
    ],
)
def test_a_malformed_time_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match="^La date d’infraction «\u00a0.*\u00a0» est illisible"):
        read_offence_time(text, "75001")


@pytest.mark.parametrize(
    ("text", "plausible"),
    [
        ("1999-12-31T23:59", False),
        ("2000-01-01T00:00", True),
        ("2099-12-31T23:59", True),
        ("2100-01-01T00:00", False),
        ("0001-01-01T00:00", False),
        ("9999-12-31T23:59-12:00", False),
    ],
)
def test_a_year_out_of_reason_is_refused(text, plausible):
    if plausible:
        assert read_offence_time(text, "75001").raw == text
        return
    with pytest.raises(ValueError, match="invraisemblable"):
        read_offence_time(text, "75001")


def test_an_endless_text_is_not_repeated_in_full():
    with pytest.raises(ValueError) as refusal:
        read_offence_time("x" * 10_000, "75001")
    assert len(str(refusal.value)) < 200


@given(
    local=st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31")),
    postcode=st.sampled_from(["75001", *(prefix + "00" for prefix in ZONE_BY_POSTCODE)]),
)
def test_what_is_read_shows_the_same_minute_on_the_clock_of_the_place(local, postcode):
    read = read_offence_time(local.isoformat(), postcode)
    zone = zone_of(postcode)
    minute = local.replace(second=0, microsecond=0)
    assert read.zone_key == zone.key
    assert read.local_day == local.date()
    for instant in filter(None, (read.instant, read.second_instant)):
        assert (instant.astimezone(zone).replace(tzinfo=None) == minute) != read.nonexistent
        assert local_day(instant, zone) == local.date()


@given(
    st.text(max_size=40) | st.from_regex(r"\A20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9](Z|\+[0-9]{4})?\Z")
)
def test_any_text_is_read_or_refused_with_a_sentence(text):
    assert _read_or_sentence(text).startswith(("Europe/Paris", "La date d’infraction"))


def _read_or_sentence(text: str) -> str:
    try:
        return read_offence_time(text, "75001").zone_key
    except ValueError as refusal:
        return str(refusal)
