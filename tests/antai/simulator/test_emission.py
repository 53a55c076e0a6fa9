"""When an offence is posted and how long it stays listed, on both sides of each boundary."""

from datetime import timedelta

import pytest

from eprunes.antai.simulator import answers, offences, store, vehicles
from tests.antai.simulator.running import designation, offence, vehicle, withdrawal

PLATE = "AB123CD"


@pytest.fixture
def agency_file(tmp_path):
    path = str(tmp_path / "agency.db")
    store.prepare(path)
    connection = store.connect(path)
    yield connection
    connection.close()


def declare(connection, as_of, plate=PLATE):
    with store.writing(connection):
        return vehicles.declare(connection, vehicle(plate), as_of)


def withdraw(connection, as_of, until):
    with store.writing(connection):
        return vehicles.withdraw(connection, withdrawal(PLATE, until), as_of)


def load(connection, as_of, **changes):
    record = offence(PLATE, **changes)
    with store.writing(connection):
        offences.load(connection, [record], as_of)
    return record["numeroAco"]


def listed(connection, as_of):
    offences.post_due(connection, as_of)
    found = offences.page(connection, as_of, "number", False, 0)
    assert offences.count_listed(connection, as_of) == len(found)
    return [record["numeroAco"] for record in found]


def test_an_offence_waits_until_its_plate_is_declared_even_when_it_is_older(agency_file, instant):
    number = load(agency_file, instant("2026-03-01T08:00:00Z"), dateAco="2025-03-10")
    assert listed(agency_file, instant("2026-03-02T08:00:00Z")) == []
    declare(agency_file, instant("2026-03-03T08:00:00Z"), "AB123CE")
    assert listed(agency_file, instant("2026-03-03T09:00:00Z")) == []
    declare(agency_file, instant("2026-03-04T08:00:00Z"))
    assert listed(agency_file, instant("2026-03-04T08:00:00Z")) == [number]


@pytest.mark.parametrize(
    ("dated", "last_silent", "first_heard"),
    [
        ("2026-01-15", "2026-01-14T22:59:59.999999Z", "2026-01-14T23:00:00Z"),
        ("2026-07-15", "2026-07-14T21:59:59.999999Z", "2026-07-14T22:00:00Z"),
    ],
)
def test_an_offence_waits_until_the_paris_day_of_its_notice(agency_file, instant, dated, last_silent, first_heard):
    declare(agency_file, instant("2026-01-01T08:00:00Z"))
    number = load(agency_file, instant("2026-01-01T08:00:00Z"), dateAco=dated)
    assert listed(agency_file, instant(last_silent)) == []
    assert listed(agency_file, instant(first_heard)) == [number]


@pytest.mark.parametrize(
    ("posted_at", "last_heard", "first_silent"),
    [
        ("2026-01-10T12:00:00Z", "2026-02-24T22:59:59.999999Z", "2026-02-24T23:00:00Z"),
        # Posted just before and just after midnight in Paris: one day apart.
        ("2026-01-10T22:59:59Z", "2026-02-24T22:59:59.999999Z", "2026-02-24T23:00:00Z"),
        ("2026-01-10T23:00:00Z", "2026-02-25T22:59:59.999999Z", "2026-02-25T23:00:00Z"),
        # Across the change to summer time.
        ("2026-03-01T12:00:00Z", "2026-04-15T21:59:59.999999Z", "2026-04-15T22:00:00Z"),
    ],
)
def test_an_unanswered_offence_is_listed_on_46_paris_days(agency_file, instant, posted_at, last_heard, first_silent):
    declare(agency_file, instant(posted_at))
    number = load(agency_file, instant(posted_at))
    assert listed(agency_file, instant(posted_at)) == [number]
    assert listed(agency_file, instant(last_heard)) == [number]
    assert listed(agency_file, instant(first_silent)) == []
    assert offences.posted(agency_file, number) is not None


def test_46_days_of_daily_reading_are_46_requests(agency_file, instant):
    first_noon = instant("2026-01-10T11:00:00Z")
    declare(agency_file, first_noon)
    number = load(agency_file, first_noon)
    readings = [listed(agency_file, first_noon + timedelta(days=day)) for day in range(60)]
    assert readings.count([number]) == 46


def test_an_offence_waiting_for_a_withdrawn_plate_is_not_posted_until_it_comes_back(agency_file, instant):
    declare(agency_file, instant("2026-01-01T08:00:00Z"))
    withdraw(agency_file, instant("2026-01-02T08:00:00Z"), "2026-01-01")
    number = load(agency_file, instant("2026-01-02T08:00:00Z"), dateHeureInfraction="2025-12-20T10:00:00")
    assert listed(agency_file, instant("2026-01-03T08:00:00Z")) == []
    declare(agency_file, instant("2026-01-04T08:00:00Z"))
    assert listed(agency_file, instant("2026-01-04T08:00:01Z")) == [number]


@pytest.mark.parametrize(
    ("offence_at", "stays"),
    [("2025-06-30T23:59:00", True), ("2025-07-01T00:00:00", False)],
)
def test_a_posted_offence_outlives_the_withdrawal_when_dated_of_a_managed_day(agency_file, instant, offence_at, stays):
    as_of = instant("2026-01-01T08:00:00Z")
    declare(agency_file, as_of)
    number = load(agency_file, as_of, dateHeureInfraction=offence_at)
    assert listed(agency_file, as_of) == [number]
    withdraw(agency_file, instant("2026-01-02T08:00:00Z"), "2025-06-30")
    assert listed(agency_file, instant("2026-01-02T08:00:01Z")) == ([number] if stays else [])


def test_a_withdrawal_without_an_end_date_ends_on_that_paris_day(agency_file, instant):
    declare(agency_file, instant("2026-01-01T08:00:00Z"))
    withdraw(agency_file, instant("2026-01-02T23:30:00Z"), None)
    assert vehicles.find(agency_file, PLATE, "FRA")["managed_until"] == "2026-01-03"


def test_an_answered_offence_is_no_longer_listed_and_a_refused_one_is(agency_file, instant):
    as_of = instant("2026-01-01T08:00:00Z")
    declare(agency_file, as_of)
    number = load(agency_file, as_of)
    assert listed(agency_file, as_of) == [number]
    with store.writing(agency_file):
        assert answers.receive(agency_file, designation(number, "a", nom=""), as_of)[0] == 422
    assert listed(agency_file, as_of) == [number]
    with store.writing(agency_file):
        assert answers.receive(agency_file, designation(number, "b"), as_of)[0] == 200
    assert listed(agency_file, as_of) == []


def test_a_receipt_bears_the_year_of_the_paris_day(agency_file, instant):
    as_of = instant("2026-12-31T23:00:00Z")
    declare(agency_file, as_of)
    number = load(agency_file, as_of)
    listed(agency_file, as_of)
    with store.writing(agency_file):
        _, said = answers.receive(agency_file, designation(number, "a"), as_of)
    assert said["numeroEnregistrement"].startswith("ENR-2027-")
    assert instant(said["dateEnregistrement"]) == as_of


def test_loading_the_same_number_again_changes_nothing_unless_it_replaces(agency_file, instant):
    as_of = instant("2026-01-01T08:00:00Z")
    declare(agency_file, as_of)
    number = load(agency_file, as_of, lieu="A6")
    listed(agency_file, as_of)
    changed = offence(PLATE, numeroAco=number, lieu="A10")
    assert offences.load(agency_file, [changed], as_of)["deja_connues"] == 1
    assert offences.as_record(offences.posted(agency_file, number))["lieu"] == "A6"
    assert offences.load(agency_file, [changed], as_of, replace=True)["deja_connues"] == 1
    assert offences.as_record(offences.posted(agency_file, number))["lieu"] == "A10"
    assert listed(agency_file, as_of) == [number]
