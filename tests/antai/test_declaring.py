"""Vehicles made known to the agency's process, and withdrawn when they left (C4.3-b, decision 9)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts.queries import organisation
from eprunes.accounts.retention import DEFAULT, access_ends_at, purge_due_on
from eprunes.accounts.services import clients
from eprunes.antai import declaring, jobs
from eprunes.antai.models import DeclaredPlate
from eprunes.clock_process import JOBS
from eprunes.core.calendar import paris_day
from eprunes.core.database import platform_session
from eprunes.core.jobs import run_if_due
from eprunes.privacy import jobs as privacy
from tests.support import fleet, tables, worlds

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def world(app, now):
    return worlds.make_world(0, as_of=now)


@pytest.fixture
def other_world(app, now):
    return worlds.make_world(1, as_of=now)


def add_vehicles(world, number: int) -> list[str]:
    plates = [fleet.new_plate() for _ in range(number)]
    for plate in plates:
        fleet.add_vehicle(world.organisation_id, plate)
    return plates


def plates_noted() -> list[DeclaredPlate]:
    with platform_session("tests") as session:
        return list(session.scalars(select(DeclaredPlate).order_by(DeclaredPlate.id)))


def end_today(world, now):
    """End the contract on this Paris day; returns the instant at which everything closes."""
    clients.end_contract(organisation_id=world.organisation_id, on=paris_day(now), as_of=now)
    return access_ends_at(paris_day(now))


def test_a_new_vehicle_is_declared_and_the_agency_acknowledges_it(world, agency, now):
    """C4.3-b."""
    plate = fleet.new_plate()
    vehicle_id = fleet.add_vehicle(world.organisation_id, plate)

    counts = jobs.declare_vehicles(now)

    vehicle = fleet.vehicle(world.organisation_id, vehicle_id)
    [noted] = plates_noted()
    assert (counts["declared"], counts["not_acknowledged"], counts["failed"]) == (1, 0, 0)
    assert agency.plates() == {plate}
    assert (vehicle.antai_declared_at, vehicle.antai_acknowledged_at, vehicle.antai_withdrawn_at) == (now, now, None)
    assert (noted.plate_key, noted.organisation_id, noted.vehicle_id) == (plate, world.organisation_id, vehicle_id)


def test_no_notice_comes_in_before_the_declaration_and_older_offences_come_after_it(world, agency, now):
    """C4.3-b."""
    [plate] = add_vehicles(world, 1)
    agency.load(fleet.offence_record(plate, dateAco=str(now.date())))

    before = jobs.fetch_notices(now)
    jobs.declare_vehicles(now)
    after = jobs.fetch_notices(now)

    assert (before["read"], after["read"], after["new"]) == (0, 1, 1)


@pytest.mark.parametrize(("enters_in", "declared"), [(SECOND, 0), (timedelta(0), 1)])
def test_no_vehicle_is_declared_before_its_entry(world, agency, now, enters_in, declared):
    """C4.3-b."""
    fleet.add_vehicle(world.organisation_id, fleet.new_plate(), entered_at=now + enters_in)

    assert jobs.declare_vehicles(now)["declared"] == declared
    assert len(agency.plates()) == declared


@pytest.mark.parametrize(("left_ago", "declared"), [(SECOND, 0), (timedelta(0), 0), (-SECOND, 1)])
def test_no_vehicle_is_declared_from_its_exit_on(world, agency, now, left_ago, declared):
    fleet.add_vehicle(world.organisation_id, fleet.new_plate(), left_at=now - left_ago)

    assert jobs.declare_vehicles(now)["declared"] == declared
    assert len(agency.plates()) == declared


def test_declaring_again_tells_the_agency_nothing(world, agency, now):
    add_vehicles(world, 2)
    jobs.declare_vehicles(now)
    calls = agency.running.state()["requests"]

    counts = jobs.declare_vehicles(now + DAY)

    assert (counts["declared"], counts["withdrawn"]) == (0, 0)
    assert agency.running.state()["requests"] == calls
    assert len(plates_noted()) == 2


def test_many_vehicles_go_in_several_calls(world, agency, now, monkeypatch):
    monkeypatch.setattr(declaring, "CHUNK", 2)
    plates = add_vehicles(world, 5)

    assert jobs.declare_vehicles(now)["declared"] == 5
    assert agency.plates() == set(plates)

    end = end_today(world, now)
    assert jobs.declare_vehicles(end)["withdrawn"] == 5
    assert agency.plates() == set()


def test_a_vehicle_that_the_agency_refuses_stays_due_and_stops_no_other(world, agency, now):
    """C4.3-b."""
    odd = fleet.add_vehicle(world.organisation_id, "ÄÖ123", country="DE")
    [plate] = add_vehicles(world, 1)

    first = jobs.declare_vehicles(now)
    unknown = fleet.vehicle(world.organisation_id, odd)
    fleet.change_vehicle(world.organisation_id, odd, plate_key="AO123", plate="AO 123")
    second = jobs.declare_vehicles(now + DAY)

    assert (first["declared"], first["not_acknowledged"], first["failed"]) == (1, 1, 0)
    assert (unknown.antai_declared_at, unknown.antai_acknowledged_at) == (now, None)
    assert (second["declared"], second["not_acknowledged"]) == (1, 0)
    assert agency.plates() == {plate, "AO123"}


def test_vehicles_declared_during_an_outage_are_declared_by_the_next_run(world, agency, now):
    """C4.3-b: what was told and not acknowledged stays due."""
    [plate] = add_vehicles(world, 1)
    agency.fault("503", path="/flotteconventionnee")

    broken = jobs.declare_vehicles(now)
    told = plates_noted()
    mended = jobs.declare_vehicles(now)

    assert (broken["failed"], broken["declared"], mended["failed"], mended["declared"]) == (1, 0, 0, 1)
    assert [one.plate_key for one in told] == [plate]
    assert agency.plates() == {plate}


def test_a_declaration_whose_acknowledgement_was_lost_is_repeated_harmlessly(world, agency, now):
    [plate] = add_vehicles(world, 1)
    agency.declare(plate)

    assert jobs.declare_vehicles(now)["declared"] == 1
    assert agency.plates() == {plate}


def test_a_vehicle_that_left_is_withdrawn_and_declared_again_when_it_comes_back(world, agency, now):
    [plate] = add_vehicles(world, 1)
    jobs.declare_vehicles(now)
    vehicle_id = plates_noted()[0].vehicle_id
    fleet.change_vehicle(world.organisation_id, vehicle_id, left_at=now + DAY)

    too_early = jobs.declare_vehicles(now + DAY - SECOND)
    in_time = jobs.declare_vehicles(now + DAY)
    withdrawn = fleet.vehicle(world.organisation_id, vehicle_id).antai_withdrawn_at
    gone = agency.plates()
    fleet.change_vehicle(world.organisation_id, vehicle_id, left_at=None)
    back = jobs.declare_vehicles(now + 2 * DAY)

    assert (too_early["withdrawn"], in_time["withdrawn"], back["declared"]) == (0, 1, 1)
    assert (withdrawn, gone) == (now + DAY, set())
    assert agency.plates() == {plate}
    assert fleet.vehicle(world.organisation_id, vehicle_id).antai_withdrawn_at is None


def test_a_notice_posted_before_a_vehicle_left_still_comes_in_after_its_withdrawal(world, agency, now):
    """C4.3-a: for a plate that the client had declared."""
    [plate] = add_vehicles(world, 1)
    jobs.declare_vehicles(now)
    agency.load(fleet.offence_record(plate, dateAco=str(now.date())))
    agency.running.state()  # the agency posts what is due
    fleet.change_vehicle(world.organisation_id, plates_noted()[0].vehicle_id, left_at=now)
    assert jobs.declare_vehicles(now)["withdrawn"] == 1

    assert jobs.fetch_notices(now)["new"] == 1


def test_a_corrected_plate_is_declared_and_the_wrong_one_withdrawn(world, agency, now):
    wrong, right = fleet.new_plate(), fleet.new_plate()
    vehicle_id = fleet.add_vehicle(world.organisation_id, wrong)
    jobs.declare_vehicles(now)
    fleet.change_vehicle(world.organisation_id, vehicle_id, plate_key=right, plate=right)

    counts = jobs.declare_vehicles(now + DAY)

    assert (counts["withdrawn"], counts["declared"]) == (1, 1)
    assert agency.plates() == {right}
    assert fleet.vehicle(world.organisation_id, vehicle_id).antai_withdrawn_at is None
    assert jobs.declare_vehicles(now + 2 * DAY) == jobs.declare_vehicles(now + 3 * DAY)


def test_a_plate_corrected_while_the_old_one_was_being_declared_is_not_taken_for_known(world, agency, now):
    """C4.3-b: the acknowledgement is of the plate that was sent."""
    wrong, right = fleet.new_plate(), fleet.new_plate()
    vehicle_id = fleet.add_vehicle(world.organisation_id, wrong)

    class Slow:
        """The agency, and a user who corrects the plate before its answer is there."""

        def add_vehicles(self, *, vehicles):
            results = agency.client().add_vehicles(vehicles=vehicles)
            fleet.change_vehicle(world.organisation_id, vehicle_id, plate_key=right, plate=right)
            return results

    declaring.declare_new(organisation(world.organisation_id), Slow(), now)
    assert fleet.vehicle(world.organisation_id, vehicle_id).antai_acknowledged_at is None

    counts = jobs.declare_vehicles(now)
    assert (counts["withdrawn"], counts["declared"]) == (1, 1)
    assert agency.plates() == {right}


def test_a_plate_that_another_client_still_has_is_not_withdrawn(world, other_world, agency, now):
    plate = fleet.new_plate()
    mine = fleet.add_vehicle(world.organisation_id, plate)
    theirs = fleet.add_vehicle(other_world.organisation_id, plate)
    jobs.declare_vehicles(now)

    fleet.change_vehicle(world.organisation_id, mine, left_at=now)
    first = jobs.declare_vehicles(now)
    kept = agency.plates()
    fleet.change_vehicle(other_world.organisation_id, theirs, left_at=now)
    second = jobs.declare_vehicles(now)

    assert (first["withdrawn"], kept) == (1, {plate})
    assert (second["withdrawn"], agency.plates()) == (1, set())


def test_a_client_without_the_fines_tool_declares_nothing(app, agency, now):
    """C4.1-b."""
    organisation_id = clients.create_organisation(
        name="Client", number=worlds.SIRENS[2], admin_email="a@b.example", vehicles=9, tools=("fleet",), as_of=now
    )
    fleet.add_vehicle(organisation_id, fleet.new_plate())

    assert jobs.declare_vehicles(now)["declared"] == 0
    assert agency.plates() == set()


def test_every_vehicle_is_withdrawn_in_the_night_of_the_contract_s_end(world, other_world, agency, now):
    """C3.4, decision 9."""
    add_vehicles(world, 3)
    kept = add_vehicles(other_world, 1)
    jobs.declare_vehicles(now)
    end = end_today(world, now)

    before = jobs.declare_vehicles(end - SECOND)
    after = jobs.declare_vehicles(end)
    new_one = add_vehicles(world, 1)
    later = jobs.declare_vehicles(end + DAY)

    assert (before["withdrawn"], after["withdrawn"], after["failed"]) == (0, 3, 0)
    assert (later["declared"], later["withdrawn"]) == (0, 0)
    assert agency.plates() == set(kept)
    assert not set(new_one) & agency.plates()


def test_while_the_agency_is_down_the_withdrawal_is_tried_again_until_it_is_acknowledged(
    world, agency, now, agency_down, app
):
    """Decision 9: by the schedule itself, the same night and the nights after."""
    job = JOBS["antai-declare-vehicles"]
    for plate in (fleet.new_plate(), fleet.new_plate()):
        fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate, now)
        agency.declare(plate)
    end = end_today(world, now)
    half_past_midnight = end + timedelta(minutes=30)

    first = run_if_due(job, half_past_midnight)
    at_once = run_if_due(job, half_past_midnight + timedelta(minutes=1))
    second = run_if_due(job, half_past_midnight + timedelta(minutes=11))
    app.extensions["eprunes_settings"] = replace(app.extensions["eprunes_settings"], antai_url=agency.url)
    third = run_if_due(job, half_past_midnight + DAY)
    fourth = run_if_due(job, half_past_midnight + DAY + timedelta(hours=1))

    assert (first["failed"], at_once, second["failed"]) == (1, None, 1)
    assert (third["failed"], third["withdrawn"], fourth) == (0, 2, None)
    assert agency.plates() == set()


def test_a_withdrawal_that_the_agency_refuses_counts_as_failed(world, agency, now):
    [plate] = add_vehicles(world, 1)
    jobs.declare_vehicles(now)
    with platform_session("tests", write=True) as session:
        session.scalars(select(DeclaredPlate)).one().plate_key = "ÉÀ"
    end = end_today(world, now)

    counts = jobs.declare_vehicles(end)

    assert (counts["not_withdrawn"], counts["failed"]) == (1, 1)
    assert agency.plates() == {plate}


def test_an_entry_corrected_to_a_later_day_does_not_hinder_the_withdrawal(world, agency, now):
    """Decision 9: the agency refuses a span that ends before it starts."""
    [plate] = add_vehicles(world, 1)
    jobs.declare_vehicles(now)
    vehicle_id = plates_noted()[0].vehicle_id
    fleet.change_vehicle(world.organisation_id, vehicle_id, entered_at=now + 30 * DAY)

    assert jobs.declare_vehicles(end_today(world, now))["withdrawn"] == 1
    assert agency.plates() == set()


def test_plates_of_a_purged_client_are_withdrawn_as_soon_as_the_agency_answers_then_forgotten(
    world, other_world, agency, now
):
    """C12.3-d, decision 9: the agency may have been down for the whole month."""
    shared = fleet.new_plate()
    fleet.add_vehicle(other_world.organisation_id, shared)
    [plate] = add_vehicles(world, 1)
    fleet.add_vehicle(world.organisation_id, shared)
    jobs.declare_vehicles(now)
    end_today(world, now)
    purge = purge_due_on(paris_day(now), DEFAULT)

    purged = privacy.contract_end_purge(purge)
    left = {one.plate_key for one in plates_noted() if one.organisation_id == world.organisation_id}
    withdrawn = jobs.declare_vehicles(purge + SECOND)
    forgotten = privacy.contract_end_purge(purge + 2 * SECOND)

    assert (purged["purged"], left) == (1, {plate, shared})
    assert (withdrawn["withdrawn"], withdrawn["failed"], forgotten["plates_forgotten"]) == (2, 0, 2)
    assert agency.plates() == {shared}
    assert {one.organisation_id for one in plates_noted()} == {other_world.organisation_id}
    assert set(tables.tenant_counts(world.organisation_id).values()) == {0}
