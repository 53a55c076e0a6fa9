"""When things fall due: the rules of the law, pure, with data on both sides of each boundary."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from eprunes.fleet import due_dates as rules
from eprunes.fleet.due_dates import VehicleFacts, computed, next_inspection
from eprunes.fleet.models import DocumentKind, DueKind, ExitReason

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 3, 11, 0, tzinfo=UTC)
TODAY = date(2026, 3, 3)
DAY = timedelta(days=1)


def facts(**known):
    return VehicleFacts(
        **{
            "country": "FR",
            "category": "VP",
            "first_registered_on": date(2024, 5, 10),
            "left_at": None,
            "left_because": None,
            **known,
        }
    )


@pytest.mark.parametrize(
    ("category", "registered", "first"),
    [
        ("VP", date(2024, 5, 10), date(2028, 5, 10)),
        ("CTTE", date(2024, 2, 29), date(2028, 2, 29)),
        ("CAM", date(2024, 2, 29), date(2025, 2, 28)),
        ("TRR", date(2025, 1, 31), date(2026, 1, 31)),
        ("SREM", date(2025, 1, 31), date(2026, 1, 31)),
        ("TCP", date(2025, 8, 31), date(2026, 2, 28)),
        ("MTT2", date(2016, 12, 31), date(2024, 12, 31)),
        ("MTT2", date(2017, 1, 1), date(2025, 12, 31)),
        ("MTL", date(2019, 12, 31), date(2025, 12, 31)),
        ("MTL", date(2020, 1, 1), date(2026, 12, 31)),
        ("CL", date(2021, 12, 31), date(2026, 12, 31)),
        ("CL", date(2022, 1, 1), date(2027, 1, 1)),
    ],
)
def test_the_first_inspection_follows_first_registration(category, registered, first):
    """Code de la route, R. 323-22, R. 323-23, R. 323-25, R. 323-27."""
    assert next_inspection(category, registered, None) == first


@pytest.mark.parametrize(
    ("category", "expected"),
    [("VP", date(2028, 2, 28)), ("CAM", date(2027, 2, 28)), ("TCP", date(2026, 8, 28)), ("MTT1", date(2029, 2, 28))],
)
def test_the_next_inspection_follows_the_last_one(category, expected):
    last = date(2026, 2, 28)
    assert next_inspection(category, date(2010, 1, 1), last) == expected
    assert next_inspection(category, None, last) == expected


@pytest.mark.parametrize("category", ["", "VASP", "REM", "TRA", "inconnu"])
def test_an_unknown_category_has_no_rule(category):
    assert next_inspection(category, date(2020, 1, 1), date(2024, 1, 1)) is None


def test_a_category_is_read_as_people_write_it():
    assert next_inspection(" vp ", date(2024, 5, 10), None) == date(2028, 5, 10)
    assert next_inspection("VP", None, None) is None


def test_only_vehicles_registered_in_france_follow_its_rules():
    assert computed(facts(), PARIS, NOON) == {DueKind.INSPECTION: date(2028, 5, 10)}
    assert computed(facts(country="DE"), PARIS, NOON) == {}


def test_a_first_inspection_that_was_over_before_is_not_made_up():
    """An older car had it somewhere; the day itself still counts, and what was computed before stays."""
    four_years_ago = date(2022, 3, 3)
    assert computed(facts(first_registered_on=four_years_ago), PARIS, NOON) == {DueKind.INSPECTION: TODAY}
    older = facts(first_registered_on=four_years_ago - DAY)
    assert computed(older, PARIS, NOON) == {}
    assert computed(older, PARIS, NOON, [DueKind.INSPECTION]) == {DueKind.INSPECTION: TODAY - DAY}
    known = facts(first_registered_on=four_years_ago - DAY, last_inspected_on=date(2022, 1, 1))
    assert computed(known, PARIS, NOON) == {DueKind.INSPECTION: date(2024, 1, 1)}


@pytest.mark.parametrize(
    ("reason", "papers", "missing"),
    [
        (ExitReason.SOLD, (), 2),
        (ExitReason.SOLD, (DocumentKind.TRANSFER,), 1),
        (ExitReason.SOLD, (DocumentKind.TRANSFER, DocumentKind.TRANSFER_RECEIPT), 0),
        (ExitReason.STOLEN, (DocumentKind.TRANSFER,), 1),
        (ExitReason.STOLEN, (DocumentKind.COMPLAINT,), 0),
        (ExitReason.OTHER, (), 0),
        (None, (), 0),
    ],
)
def test_an_exit_without_its_proofs_is_due(reason, papers, missing):
    """The offences after it are answered with them; a vehicle that left is inspected no more."""
    left = facts(left_at=NOON, left_because=reason, papers=papers)
    assert len(rules.missing_proofs(left)) == missing
    assert computed(left, PARIS, NOON) == ({DueKind.EXIT_PROOF: date(2026, 3, 18)} if missing else {})


def test_a_planned_exit_asks_for_nothing_yet():
    leaving = facts(left_at=NOON + timedelta(seconds=1), left_because=ExitReason.SOLD)
    assert computed(leaving, PARIS, NOON) == {DueKind.INSPECTION: date(2028, 5, 10)}


@pytest.mark.parametrize(
    ("days", "word", "tone"),
    [
        (-1, "Dépassée hier", "bad"),
        (0, "Aujourd’hui", "warn"),
        (30, "Dans 30 jours", "warn"),
        (31, "Dans 31 jours", "info"),
    ],
)
def test_how_near_a_day_is_has_a_word_and_a_tone(days, word, tone):
    told, _, shown = rules.nearness(TODAY + days * DAY, TODAY)
    assert (told, shown) == (word, tone)


@pytest.mark.parametrize(
    ("days", "told"), [(31, False), (30, True), (29, False), (8, False), (7, True), (6, False), (1, False), (0, True)]
)
def test_a_mail_tells_thirty_and_seven_days_before_and_on_the_day(days, told):
    assert rules.is_reminded(TODAY + days * DAY, TODAY) is told


def test_what_is_overdue_is_told_on_mondays_only():
    monday = date(2026, 3, 2)
    week = [monday + index * DAY for index in range(7)]
    assert [rules.is_reminded(day - DAY, day) for day in week] == [True] + [False] * 6


@pytest.mark.parametrize(
    ("kind", "label", "fine"),
    [("autre", " ", False), ("autre", "Vidange", True), ("assurance", "", True), ("autre", "x" * 80, True),
     ("autre", "x" * 81, False)],
)  # fmt: skip
def test_another_thing_says_what_it_is(kind, label, fine):
    assert (rules.tidied_label(kind, label)[1] == "") is fine
