"""A vehicle or driver entered by mistake goes for good; what ever served stays (C4.1-a, C4.2)."""

from datetime import timedelta

import pytest

from eprunes.accounts.models import VehicleCount
from eprunes.core import files
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.documents import DRIVER, VEHICLE, Subject
from eprunes.fleet.driver_details import KEY_PURPOSE
from eprunes.fleet.models import DistinctDrivers, DocumentKind, Driver, DueDate, DueKind, FleetDocument, Vehicle
from eprunes.fleet.services import assignments, documents, due_dates, namesakes, removing, vehicles
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.fleet.test_duplicates import rows_of
from tests.fleet.test_vehicle_pages import text_of
from tests.support.fleet import change_vehicle, receive_notice
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def used(world):
    with tenant_session(world.organisation_id) as session:
        mine = queries.select(VehicleCount.used).where(VehicleCount.organisation_id == world.organisation_id)
        return session.scalar(mine)


def keys(world):
    found = [key_store().all_keys(world.organisation_id, purpose) for purpose in (KEY_PURPOSE, files.KEY_PURPOSE)]
    return {one for some in found for one in some}


def give_papers(world, kind, subject_id):
    boss, of = actor(world.fleet), {VEHICLE: "vehicle_id", DRIVER: "driver_id"}[kind]
    file = {"kind": DocumentKind.OTHER, "name": "a.pdf", "content": pdf(subject_id.bytes)}
    documents.add_document(actor=boss, subject=Subject(kind, subject_id), **file, as_of=AS_OF)
    due = {"kind": DueKind.CUSTOM, "label": "Vidange", "due_on": AS_OF.date()}
    due_dates.add_due_date(actor=boss, **{of: subject_id}, **due, as_of=AS_OF)


def assign(world, vehicle, driver, starts_at=ENTERED):
    chosen = {"vehicle_id": vehicle, "driver_id": driver, "starts_at": starts_at}
    return assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)


def remove_vehicle(world, vehicle):
    removing.remove_vehicle(actor=actor(world.fleet), vehicle_id=vehicle, as_of=AS_OF)


def remove_driver(world, driver):
    removing.remove_driver(actor=actor(world.fleet), driver_id=driver, as_of=AS_OF)


def test_a_vehicle_goes_with_its_papers_their_keys_and_its_place(browser, world):
    """C4.1-a: the place is free again."""
    kept, gone = add_vehicle(world, "AB-123-CD"), add_vehicle(world, "AB-124-CD")
    give_papers(world, VEHICLE, kept)
    before = keys(world)
    give_papers(world, VEHICLE, gone)
    path = f"/vehicules/{gone}/supprimer"
    assert f'href="{path}"' in browser.get(f"/vehicules/{gone}").text
    assert "La fiche de AB-124-CD, ses documents et ses échéances seront détruits" in text_of(browser.get(path))
    assert used(world) == 2
    assert "AB-124-CD supprimé" in text_of(browser.post(path, follow_redirects=True))
    assert [row.id for row in rows_of(world, Vehicle)] == [kept]
    assert [row.vehicle_id for table in (FleetDocument, DueDate) for row in rows_of(world, table)] == [kept] * 2
    assert (keys(world), used(world)) == (before, 1)
    [trace] = rows_of(world, AuditEntry, AuditEntry.action == "vehicule.supprime")
    assert (trace.subject_id, trace.details) == (gone, {})
    assert browser.post(path).status_code == 404


def test_a_driver_goes_with_papers_pairs_and_keys(browser, world):
    kept, gone = add_driver(world), add_driver(world)
    namesakes.declare_distinct(actor=actor(world.fleet), driver_id=kept, other_id=gone, as_of=AS_OF)
    give_papers(world, DRIVER, kept)
    give_papers(world, DRIVER, gone)
    path = f"/conducteurs/{gone}/supprimer"
    assert f'href="{path}"' in browser.get(f"/conducteurs/{gone}").text
    assert "La fiche de Caroline DUMAS" in text_of(browser.get(path))
    assert "Conducteur supprimé" in text_of(browser.post(path, follow_redirects=True))
    assert [row.id for row in rows_of(world, Driver)] == [kept]
    assert [row.driver_id for table in (FleetDocument, DueDate) for row in rows_of(world, table)] == [kept] * 2
    assert rows_of(world, DistinctDrivers) == []
    assert len(keys(world)) == 2
    [trace] = rows_of(world, AuditEntry, AuditEntry.action == "conducteur.supprime")
    assert (trace.subject_id, trace.details) == (gone, {})


@pytest.mark.parametrize("starts_at", [ENTERED, AS_OF + timedelta(days=9)])
def test_who_held_a_vehicle_or_is_to_hold_one_stays_and_so_does_the_vehicle(browser, world, starts_at):
    vehicle, driver = add_vehicle(world), add_driver(world)
    held = assign(world, vehicle, driver, starts_at)
    for path, sentence in ((f"/vehicules/{vehicle}", "a déjà servi"), (f"/conducteurs/{driver}", "a tenu un véhicule")):
        assert f"{path}/supprimer" not in browser.get(path).text
        asked = browser.get(f"{path}/supprimer")
        assert sentence in asked.text
        assert "Supprimer pour toujours" not in asked.text
        refused = browser.post(f"{path}/supprimer")
        assert refused.status_code == 422
        assert sentence in refused.text
    assert len(rows_of(world, Driver)) == len(rows_of(world, Vehicle)) == used(world) == 1
    assignments.cancel_assignment(
        actor=actor(world.fleet), assignment_id=held, reason=ChangeReason.MISTYPED, as_of=AS_OF
    )
    remove_vehicle(world, vehicle)
    remove_driver(world, driver)
    assert used(world) == 0


@pytest.mark.parametrize("told", ["antai_declared_at", "antai_withdrawn_at"])
def test_a_vehicle_that_the_agency_was_told_of_stays(browser, world, told):
    vehicle = add_vehicle(world)
    change_vehicle(world.organisation_id, vehicle, **{told: AS_OF})
    assert "/supprimer" not in browser.get(f"/vehicules/{vehicle}").text
    with pytest.raises(Refused, match="a déjà servi"):
        remove_vehicle(world, vehicle)


def test_a_vehicle_of_a_notice_stays_whole(world):
    vehicle = add_vehicle(world)
    give_papers(world, VEHICLE, vehicle)
    receive_notice(world.organisation_id, vehicle_id=vehicle)
    before = keys(world)
    with pytest.raises(Refused, match="a déjà servi"):
        remove_vehicle(world, vehicle)
    assert len(rows_of(world, FleetDocument)) == len(rows_of(world, DueDate)) == used(world) == 1
    assert keys(world) == before


def test_a_place_that_an_exit_gave_back_is_not_given_back_twice(world):
    vehicle = add_vehicle(world)
    leaving = {"at": AS_OF, "reason": "autre"}
    vehicles.leave_fleet(actor=actor(world.fleet), vehicle_id=vehicle, **leaving, as_of=AS_OF)
    assert used(world) == 0
    remove_vehicle(world, vehicle)
    assert used(world) == 0


def test_those_of_another_client_are_out_of_reach(browser, world, other_world):
    vehicle, driver = add_vehicle(other_world), add_driver(other_world)
    for path in (f"/vehicules/{vehicle}/supprimer", f"/conducteurs/{driver}/supprimer"):
        assert browser.get(path).status_code == browser.post(path).status_code == 404
    for remove, one in ((remove_vehicle, vehicle), (remove_driver, driver)):
        with pytest.raises(Refused, match="n’est pas dans votre parc"):
            remove(world, one)
    assert len(rows_of(other_world, Vehicle)) == len(rows_of(other_world, Driver)) == 1
