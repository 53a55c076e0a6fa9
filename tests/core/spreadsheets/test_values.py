# ruff: noqa: DTZ001 - cells hold naive local hours
from datetime import UTC, date, datetime, time, timedelta

import pytest

from eprunes.core.spreadsheets.values import as_date, as_instant, as_local_datetime, as_postcode, as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (12.0, "12"),
        (12, "12"),
        (12.5, "12,5"),
        (1e15, "1000000000000000"),
        (float("inf"), "inf"),
        (True, "VRAI"),
        (False, "FAUX"),
        (date(2026, 3, 3), "03/03/2026"),
        (datetime(2026, 3, 3, 8, 5), "03/03/2026 08:05"),
        (time(8, 5), "08:05"),
        ("  AA-123-BB ", "AA-123-BB"),
        ("rue\u00a0de\u202fla  Paix\u2007", "rue de la Paix"),
        ("deux\nlignes\t", "deux lignes"),
        ("\ufeffE1000\u200b", "E1000"),
        ("Ine\u0300s", "Inès"),
        ("12.5", "12.5"),
        ("#N/A", "#N/A"),
    ],
)
def test_a_cell_becomes_the_text_that_a_french_excel_shows(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (None, None),
        ("", None),
        (" \u00a0", None),
        (date(2026, 3, 3), date(2026, 3, 3)),
        (datetime(2026, 3, 3, 8, 30), date(2026, 3, 3)),
        (46_084, date(2026, 3, 3)),
        (46_084.75, date(2026, 3, 3)),
        (10_000, date(1927, 5, 18)),
        (73_415, date(2100, 12, 31)),
        ("03/03/2026", date(2026, 3, 3)),
        (" 3/3/2026\u00a0", date(2026, 3, 3)),
        ("3.3.2026", date(2026, 3, 3)),
        ("03-03-2026", date(2026, 3, 3)),
        ("03 / 03 / 2026", date(2026, 3, 3)),
        ("2026-03-03", date(2026, 3, 3)),
        ("2026-03-03T08:00:00", date(2026, 3, 3)),
        ("2026-03-03T23:30:00Z", date(2026, 3, 3)),
        ("2026-03-03T00:00:00.000+01:00", date(2026, 3, 3)),
        ("46084,75", date(2026, 3, 3)),
        ("46084.75", date(2026, 3, 3)),
        ("03/03/2026 08:00", date(2026, 3, 3)),
        ("29/02/2024", date(2024, 2, 29)),
        ("01/01/1900", date(1900, 1, 1)),
        ("31/12/2100", date(2100, 12, 31)),
    ],
)
def test_a_date_is_understood(value, day):
    found = as_date(value)
    assert found == day
    assert not isinstance(found, datetime)


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "03/2026",
        "03/03/26",
        "3 mars 2026",
        "20260303",
        "#N/A",
        "03/03/2026 matin",
        "03/03/2026 8h-10",
        "46084,",
        "4608,5",
        True,
        time(8),
        9_999,
    ],
)
def test_what_is_no_date_is_refused(value):
    with pytest.raises(ValueError, match="ceci n’est pas une date"):
        as_date(value)


def test_the_refusal_of_a_date_quotes_it_and_says_what_is_expected():
    with pytest.raises(ValueError) as refusal:
        as_date("abc")
    assert str(refusal.value) == "ceci n’est pas une date\u00a0: «\u00a0abc\u00a0» (attendu JJ/MM/AAAA ou AAAA-MM-JJ)"
    with pytest.raises(ValueError) as refusal:
        as_local_datetime("abc")
    assert str(refusal.value) == "ceci n’est pas une date\u00a0: «\u00a0abc\u00a0» " + (
        "(attendu JJ/MM/AAAA ou AAAA-MM-JJ, avec une heure HH:MM au besoin)"
    )


def test_the_refusal_of_a_long_text_quotes_its_beginning():
    with pytest.raises(ValueError) as refusal:
        as_date("x" * 5_000)
    assert f"«\u00a0{'x' * 39}…\u00a0»" in str(refusal.value)


@pytest.mark.parametrize("value", ["31/02/2026", "29/02/2026", "00/03/2026", "12/31/2026", "2026-13-01"])
def test_a_day_that_does_not_exist_is_refused(value):
    with pytest.raises(ValueError, match="n’existe pas"):
        as_date(value)


@pytest.mark.parametrize(
    "value",
    ["31/12/1899", "01/01/2101", date(1899, 12, 31), date(2101, 1, 1), datetime(2101, 1, 1), "03/03/0026"],
)
def test_a_year_outside_1900_to_2100_is_refused(value):
    with pytest.raises(ValueError, match="entre 1900 et 2100"):
        as_date(value)


@pytest.mark.parametrize("number", [73_416, 1e300, float("inf"), float("nan"), -1, 0, 2026])
def test_a_number_that_is_no_plausible_day_is_refused(number):
    with pytest.raises(ValueError, match="ceci n’est pas une date"):
        as_date(number)


@pytest.mark.parametrize(
    ("value", "moment", "has_time"),
    [
        (datetime(2026, 3, 3, 8, 30), datetime(2026, 3, 3, 8, 30), True),
        (datetime(2026, 3, 3), datetime(2026, 3, 3), False),
        (datetime(2026, 3, 3, 8, 29, 59, 999_600), datetime(2026, 3, 3, 8, 30), True),
        (datetime(2026, 3, 3, 23, 59, 59, 999_600), datetime(2026, 3, 4), False),
        (date(2026, 3, 3), datetime(2026, 3, 3), False),
        (46_084, datetime(2026, 3, 3), False),
        (46_084 + 8.5 / 24, datetime(2026, 3, 3, 8, 30), True),
        ("03/03/2026", datetime(2026, 3, 3), False),
        ("03/03/2026 08:00", datetime(2026, 3, 3, 8), True),
        ("03/03/2026 00:00", datetime(2026, 3, 3), True),
        ("03/03/2026 23:59:59", datetime(2026, 3, 3, 23, 59, 59), True),
        ("3/3/2026 8h", datetime(2026, 3, 3, 8), True),
        ("3/3/2026 8h30", datetime(2026, 3, 3, 8, 30), True),
        ("3/3/2026 8 H 30", datetime(2026, 3, 3, 8, 30), True),
        ("3/3/2026 à\u00a08h30", datetime(2026, 3, 3, 8, 30), True),
        ("2026-03-03T08:30", datetime(2026, 3, 3, 8, 30), True),
        ("2026-03-03T08:30:15.250", datetime(2026, 3, 3, 8, 30, 15), True),
        ("2026-03-03 08:30:15", datetime(2026, 3, 3, 8, 30, 15), True),
    ],
)
def test_a_local_moment_is_understood_with_or_without_an_hour(value, moment, has_time):
    assert as_local_datetime(value) == (moment, has_time)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_cell_is_no_moment(value):
    assert as_local_datetime(value) is None


@pytest.mark.parametrize("value", ["03/03/2026 24:00", "03/03/2026 08:60", "3/3/2026 25h", "31/02/2026 8h"])
def test_an_hour_that_does_not_exist_is_refused(value):
    with pytest.raises(ValueError, match="n’existe pas"):
        as_local_datetime(value)


@pytest.mark.parametrize(
    "value",
    [
        "8h30",
        "03/03/2026 8",
        "03/03/2026 8:",
        "03/03/2026 8h3",
        "2026-03-03T08:30Z",
        "2026-03-03T08:30+01:00",
    ],
)
def test_what_is_no_local_moment_is_refused(value):
    with pytest.raises(ValueError, match="ceci n’est pas une date"):
        as_local_datetime(value)


def test_a_duration_is_no_date():
    with pytest.raises(ValueError, match="ceci n’est pas une date"):
        as_date(timedelta(hours=3))


@pytest.mark.parametrize(
    ("value", "postcode"),
    [
        (7407, "07407"),
        (7407.0, "07407"),
        (1000, "01000"),
        (99_999, "99999"),
        (75_001, "75001"),
        (" 75\u00a0001 ", "75 001"),
        ("7407", "7407"),
        ("SW1A 1AA", "SW1A 1AA"),
        ("2A004", "2A004"),
        (None, ""),
    ],
)
def test_a_postcode_gets_its_zero_back(value, postcode):
    assert as_postcode(value) == postcode


@pytest.mark.parametrize(
    "value", [999, 100_000, -7407, 7407.5, float("nan"), float("inf"), True, date(2026, 3, 3), time(8)]
)
def test_what_is_no_postcode_is_refused(value):
    with pytest.raises(ValueError, match="ceci n’est pas un code postal"):
        as_postcode(value)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-03-03T08:30Z", 8), ("2026-03-03 08:30:00.000z", 8), ("2026-03-03T08:30+01:00", 7),
     ("2026-03-03T08:30:00-0400", 12), ("2026-03-03T08:30 +02", 6)],
)  # fmt: skip
def test_an_instant_with_its_offset_is_exact(text, hour):
    assert as_instant(text) == datetime(2026, 3, 3, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "2026-03-03T08:30", "03/03/2026 08:30", datetime(2026, 3, 3, 8), 46_084.5])
def test_what_has_no_offset_is_no_exact_instant(value):
    assert as_instant(value) is None
