"""When nobody held a vehicle: gaps between periods, and a month day by day, in the organisation's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from eprunes.core.calendar import PARIS
from eprunes.core.database import tenant_session
from eprunes.fleet.models import ExitReason
from eprunes.fleet.months import read_month, read_month_page
from eprunes.fleet.services import assignments, vehicles
from eprunes.fleet.timeline import (
    Gap,
    Held,
    Stretch,
    between,
    gap_text,
    gaps,
    hours_text,
    month_days,
    period_args,
    period_values,
)
from tests.fleet.fleets import add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor

NOUMEA = ZoneInfo("Pacific/Noumea")
SECOND = timedelta(seconds=1)


def at(text):
    """An hour of 2026 in Paris: `02-28 08:00`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=PARIS).astimezone(UTC)


@dataclass
class Period:
    starts_at: datetime
    ends_at: datetime | None
    id: str = ""


ENTRY, EXIT = at("01-01 00:00"), at("06-01 00:00")
FIRST = Period(at("01-10 08:00"), at("01-20 08:00"), "first")


@pytest.mark.parametrize(
    ("periods", "end", "expected"),
    [
        ([], None, [(ENTRY, None)]),
        ([], EXIT, [(ENTRY, EXIT)]),
        ([Period(ENTRY, None)], None, []),
        ([Period(ENTRY, EXIT)], EXIT, []),
        ([FIRST], None, [(ENTRY, FIRST.starts_at), (FIRST.ends_at, None)]),
        ([FIRST, Period(FIRST.ends_at, None)], None, [(ENTRY, FIRST.starts_at)]),
        (
            [FIRST, Period(FIRST.ends_at + SECOND, EXIT - SECOND)],
            EXIT,
            [(ENTRY, FIRST.starts_at), (FIRST.ends_at, FIRST.ends_at + SECOND), (EXIT - SECOND, EXIT)],
        ),
    ],
)
def test_a_gap_is_any_while_of_a_vehicle_that_no_period_covers(periods, end, expected):
    assert [(gap.starts_at, gap.ends_at) for gap in gaps(periods, ENTRY, end)] == expected


def test_each_gap_stands_after_the_period_that_it_follows():
    second = Period(at("02-01 08:00"), at("02-10 08:00"), "second")
    assert between([second, FIRST], ENTRY, EXIT) == {
        None: [Gap(ENTRY, FIRST.starts_at)],
        "first": [Gap(FIRST.ends_at, second.starts_at)],
        "second": [Gap(second.ends_at, EXIT)],
    }


def test_nothing_is_said_of_what_came_before_the_oldest_period_shown():
    assert None not in between([FIRST], None, EXIT)
    assert between([], ENTRY, EXIT) == {}


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        (
            (FIRST.starts_at, AS_OF),
            "Personne n’avait ce véhicule du sam. 10 janv. 2026, 08:00 au mar. 3 mars 2026, 10:00",
        ),
        ((at("03-02 00:00"), AS_OF + SECOND), "Personne n’a ce véhicule du lun. 2 mars 2026, 00:00 au"),
        ((at("03-03 06:00"), at("03-03 08:30")), "Personne n’avait ce véhicule le mar. 3 mars 2026, de 06:00 à 08:30"),
        ((AS_OF, None), "Personne n’a ce véhicule depuis le mar. 3 mars 2026, 10:00"),
        ((AS_OF + SECOND, None), "Personne n’aura ce véhicule à partir du mar. 3 mars 2026, 10:00"),
        ((AS_OF + SECOND, EXIT), "Personne n’aura ce véhicule du mar. 3 mars 2026, 10:00 au dim. 31 mai 2026, 24:00"),
    ],
)
def test_a_gap_is_told_by_its_tense(gap, sentence):
    assert gap_text(Gap(*gap), AS_OF, PARIS).startswith(sentence)


def test_a_gap_goes_through_an_address_into_the_form_that_fills_it():
    gap = Gap(at("10-24 08:30"), at("10-26 00:00"))
    values = period_values(period_args(gap), PARIS)
    assert (values["starts_at"], f"{values['starts_at_time']:%H:%M}") == (date(2026, 10, 24), "08:30")
    assert (values["ends_at"], values["ends_at_time"]) == (date(2026, 10, 25), None)
    assert period_values(period_args(Gap(AS_OF, None)), PARIS)["ends_at"] is None
    for args in ({}, {"du": "hier"}, {"du": "2026-03-03T08:00"}, {"du": "9999-12-31T23:59:59+00:00"}):
        assert period_values(args, PARIS) == {}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2026-03", date(2026, 3, 1)),
        ("", date(2026, 3, 1)),
        ("2026-12", date(2026, 12, 1)),
        ("2026-13", None),
        ("2026-00", None),
        ("2026-3", None),
        ("1899-12", None),
        ("1900-01", date(1900, 1, 1)),
        ("2099-12", date(2099, 12, 1)),
        ("2100-01", None),
        ("2026-03-01", None),
        ("aaaa-mm", None),
        ("２０２６-03", None),
    ],
)
def test_a_month_is_four_figures_and_two(text, first):
    assert read_month(text, date(2026, 3, 31)) == first


def test_days_of_23_and_25_hours_are_whole_days():
    year = Stretch(Held.BY_NOBODY, at("01-01 00:00"), None)
    for first, day, hours in ((date(2026, 3, 1), 29, 23), (date(2026, 10, 1), 25, 25), (date(2026, 3, 1), 28, 24)):
        days = list(month_days([year], first, first.replace(month=first.month + 1), PARIS))
        assert len(days) == 31
        assert days[day - 1].hours == hours
        assert {hours_text(one, PARIS) for found in days for one in found.stretches} == {"Toute la journée"}


def test_a_day_is_cut_at_midnight_and_keeps_its_hours():
    night = Stretch(Held.BY_DRIVER, at("03-03 20:15"), at("03-04 06:00"))
    after = Stretch(Held.BY_NOBODY, at("03-04 06:00"), at("03-05 00:00"))
    days = list(month_days([night, after], date(2026, 3, 2), date(2026, 3, 6), PARIS))
    shown = [[(one.kind, hours_text(one, PARIS)) for one in found.stretches] for found in days]
    nobody = (Held.BY_NOBODY, "06:00 – 24:00")
    assert shown == [[], [(Held.BY_DRIVER, "20:15 – 24:00")], [(Held.BY_DRIVER, "00:00 – 06:00"), nobody], []]


def test_the_two_hours_that_autumn_makes_of_one_are_told_apart():
    twice = Stretch(
        Held.BY_DRIVER, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    )
    assert hours_text(twice, PARIS) == "02:30 (heure d’été) – 02:30 (heure d’hiver)"


@pytest.fixture
def vehicle(world):
    """In the fleet from 5 March to 25 March 2026, held from 10 March 8:00 to 20 March 18:00."""
    boss = actor(world.fleet)
    found = add_vehicle(world, "AB-123-CD", entered_at=at("03-05 00:00"))
    chosen = {"vehicle_id": found, "driver_id": add_driver(world)}
    period = {"starts_at": at("03-10 08:00"), "ends_at": at("03-20 18:00")}
    assignments.assign(actor=boss, **chosen, **period, as_of=AS_OF)
    vehicles.leave_fleet(actor=boss, vehicle_id=found, at=at("03-25 12:00"), reason=ExitReason.SOLD, as_of=AS_OF)
    return found


def month(world, vehicle, text, who=None):
    with tenant_session(world.organisation_id) as session:
        return read_month_page(session, actor(who or world.fleet), vehicle, text, AS_OF)


def test_a_month_says_of_every_instant_who_had_the_vehicle_or_that_nobody_had(world, vehicle):
    """C4.2: the fleet tool tells who used which vehicle when."""
    page = month(world, vehicle, "2026-03")
    kinds = {one.day.day: [str(part.kind) for part in one.stretches] for one in page.days}
    assert kinds[4] == ["hors-parc"]
    assert kinds[5] == kinds[9] == ["personne"]
    assert kinds[10] == ["personne", "tenu"]
    assert kinds[11] == ["tenu"]
    assert kinds[20] == ["tenu", "personne"]
    assert kinds[25] == ["personne", "hors-parc"]
    assert kinds[26] == ["hors-parc"]
    assert [(gap.starts_at, gap.ends_at) for gap in page.gaps] == [
        (at("03-05 00:00"), at("03-10 08:00")),
        (at("03-20 18:00"), at("03-25 12:00")),
    ]
    covered = sum(((one.ends_at - one.starts_at) for found in page.days for one in found.stretches), timedelta())
    assert covered == at("04-01 00:00") - at("03-01 00:00")


def test_a_gap_that_crosses_months_is_told_whole_in_each(world):
    boss, found = actor(world.fleet), add_vehicle(world, "AC-123-CD", entered_at=at("01-01 00:00"))
    driver = add_driver(world)
    for start, end in (("01-01 00:00", "02-10 08:00"), ("04-05 09:00", None)):
        period = {"starts_at": at(start), "ends_at": at(end) if end else None}
        assignments.assign(actor=boss, vehicle_id=found, driver_id=driver, **period, as_of=AS_OF)
    whole = [Gap(at("02-10 08:00"), at("04-05 09:00"))]
    assert [month(world, found, f"2026-{number}").gaps for number in ("01", "02", "03", "04", "05")] == [
        [], whole, whole, whole, []
    ]  # fmt: skip


def test_the_month_of_a_vehicle_is_for_those_who_see_the_vehicle(world, other_world, vehicle):
    assert month(world, vehicle, "2026-03", world.fines) is None
    assert month(other_world, vehicle, "2026-03") is None
    assert month(world, vehicle, "2026-13") is None


def test_the_page_of_a_month_shows_holders_gaps_and_its_neighbours(signed_in, world, vehicle):
    browser = signed_in(world.fleet)
    page = browser.get(f"/vehicules/{vehicle}/mois/2026-03").text
    for piece in (
        "Mars 2026", "DUMAS Caroline", "08:00 – 24:00", "Toute la journée", "Personne", "Hors du parc",
        "23 heures", "/mois/2026-02", "/mois/2026-04", "2 périodes sans conducteur",
    ):  # fmt: skip
        assert piece in page, piece
    assert f'href="/vehicules/{vehicle}/mois" aria-current="page"' in page
    assert "n’est pas dans le parc" in browser.get(f"/vehicules/{vehicle}/mois/2015-01").text
    assert browser.get(f"/vehicules/{vehicle}/mois").text.count("month-day ") == 31
    assert browser.get(f"/vehicules/{vehicle}/mois/2026-13").status_code == 404


def test_the_table_of_assignments_shows_its_gaps_and_leads_to_the_form_that_fills_them(signed_in, world, vehicle):
    browser = signed_in(world.fleet)
    page = browser.get(f"/vehicules/{vehicle}").text
    assert page.count('class="row-gap"') == 2
    links = [
        part.split('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:] if "/attribuer?" in part[:90]
    ]
    form = browser.get(links[-1]).text
    for value in ("2026-03-05", "2026-03-10", "08:00"):
        assert f'value="{value}"' in form
