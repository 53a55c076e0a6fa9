"""Forms on assignments that were filled some time ago, sent twice, or sent as they were."""

import re
from datetime import timedelta

import pytest

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.models import Assignment
from eprunes.fleet.services import assignments
from tests.fleet.fleets import add_driver, add_vehicle
from tests.fleet.test_vehicle_pages import refused, text_of
from tests.support.worlds import AS_OF, actor

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
START = AS_OF - 10 * DAY
SHOWN = {"starts_at": "2026-02-21", "starts_at_time": "10:00", "ends_at": "", "ends_at_time": ""}
CHANGED = "Cette attribution a été modifiée entre-temps"


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


@pytest.fixture
def vehicle(world):
    return add_vehicle(world)


@pytest.fixture
def dumas(world):
    return add_driver(world, "Dumas", "E1")


@pytest.fixture
def held(world, vehicle, dumas):
    chosen = {"vehicle_id": vehicle, "driver_id": dumas, "starts_at": START}
    return assignments.assign(actor=actor(world.fleet), **chosen, as_of=START)


def rows(world):
    with tenant_session(world.organisation_id) as session:
        query = queries.visible_assignments(actor(world.fleet)).order_by(Assignment.starts_at)
        return [(row.driver_id, row.starts_at, row.ends_at) for row in session.scalars(query)]


def journal(world, vehicle):
    with tenant_session(world.organisation_id) as session:
        query = queries.visible_journal(actor(world.fleet), "vehicule", vehicle)
        return [entry.action for entry in session.scalars(query) if "attribution" in entry.details]


def seen_in(answer):
    return re.search(r'name="seen"[^>]* value="([^"]*)"', answer.text)[1]


def correct_elsewhere(world, held, dumas, *, ends_at=AS_OF - DAY, as_of=AS_OF, by=None):
    values = {"driver_id": dumas, "starts_at": START, "ends_at": ends_at, "reason": ChangeReason.MISTYPED}
    who = actor(by or world.both)
    return assignments.correct_assignment(actor=who, assignment_id=held, **values, as_of=as_of)


@pytest.mark.parametrize(
    ("act", "sent"),
    [
        ("corriger", SHOWN | {"driver": "Dumas", "starts_at": "2026-02-22", "reason": "echange"}),
        ("fin", {"at": "2026-02-28"}),
        ("annuler", {"reason": "echange"}),
    ],
)
def test_an_old_page_writes_over_nobodys_correction(browser, world, held, dumas, act, sent):
    """C4.2: who has a vehicle, and until when, is what the last who looked at it said."""
    path = f"/attributions/{held}/{act}"
    seen = seen_in(browser.get(path))
    correct_elsewhere(world, held, dumas)
    before = rows(world)
    answer = browser.post(path, data=sent | {"seen": seen})
    assert answer.status_code == 422
    page = text_of(answer)
    assert f"{CHANGED} par deux : rechargez la page." in page
    assert "Ce qui est enregistré maintenant Conducteur DUMAS Caroline" in page
    assert "Au lun. 2 mars 2026, 10:00 Recharger la page" in page
    assert rows(world) == before
    assert browser.post(path, data=sent | {"seen": seen_in(browser.get(path))}).status_code == 302
    assert rows(world) != before


def test_another_act_on_the_vehicle_is_no_change_of_the_assignment(browser, world, vehicle, held):
    path = f"/attributions/{held}/annuler"
    seen = seen_in(browser.get(path))
    earlier = {"vehicle_id": vehicle, "driver_id": add_driver(world, "Marin"), "starts_at": START - DAY}
    assignments.assign(actor=actor(world.both), **earlier, ends_at=START, as_of=AS_OF)
    assert browser.post(path, data={"reason": "echange", "seen": seen}).status_code == 302


def test_who_is_named_is_who_changed_this_assignment(browser, world, vehicle, held, dumas):
    """The journal of the vehicle tells of others too."""
    path = f"/attributions/{held}/fin"
    seen = seen_in(browser.get(path))
    correct_elsewhere(world, held, dumas, by=world.fleet)
    later = {"vehicle_id": vehicle, "driver_id": dumas, "starts_at": AS_OF}
    assignments.assign(actor=actor(world.both), **later, as_of=AS_OF)
    page = text_of(browser.post(path, data={"at": "2026-02-28", "seen": seen}))
    assert f"{CHANGED} par parc :" in page


def test_an_attribution_sent_twice_is_made_once(browser, world, vehicle, dumas):
    sent = {"driver": "Dumas", "starts_at": "2026-03-02", "starts_at_time": "08:00"}
    for _ in range(2):
        answer = browser.post(f"/vehicules/{vehicle}/attribuer", data=sent, follow_redirects=True)
        assert "Véhicule attribué." in text_of(answer)
    assert len(rows(world)) == 1
    assert journal(world, vehicle) == ["attribution.creee"]
    other = sent | {"starts_at_time": "08:01"}
    assert browser.post(f"/vehicules/{vehicle}/attribuer", data=other).status_code == 422


def test_somebody_else_who_attributes_the_same_is_told_that_it_stands(world, vehicle, held, dumas):
    again = {"vehicle_id": vehicle, "driver_id": dumas, "starts_at": START, "as_of": AS_OF}
    assert assignments.assign(actor=actor(world.fleet), **again) == held
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline"):
        assignments.assign(actor=actor(world.both), **again)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline"):
        assignments.assign(actor=actor(world.fleet), **again, ends_at=AS_OF)


@pytest.mark.parametrize("driver", ["DUMAS Caroline (E1)", "dumas"])
def test_a_correction_that_corrects_nothing_says_so_and_leaves_no_trace(browser, world, vehicle, held, driver):
    sent = SHOWN | {"driver": driver} | ({} if driver == "DUMAS Caroline (E1)" else {"reason": "echange"})
    page = text_of(browser.post(f"/attributions/{held}/corriger", data=sent, follow_redirects=True))
    assert "Rien n’a changé : l’attribution disait déjà cela." in page
    assert journal(world, vehicle) == ["attribution.creee"]


@pytest.mark.parametrize("changed", [{"driver": "Marin"}, {"starts_at_time": "10:01"}, {"ends_at": "2026-03-02"}])
def test_a_correction_of_any_part_asks_for_its_reason(browser, world, held, changed):
    add_driver(world, "Marin")
    sent = SHOWN | {"driver": "DUMAS Caroline (E1)"} | changed
    answer = browser.post(f"/attributions/{held}/corriger", data=sent)
    assert refused(answer, "reason", "Indiquez le motif.")


def test_choosing_a_namesake_is_a_correction(browser, world, vehicle):
    first, second = (add_driver(world, "Martin", first_name="Luc") for _ in range(2))
    chosen = {"vehicle_id": vehicle, "driver_id": first, "starts_at": START}
    held = assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)
    path, sent = f"/attributions/{held}/corriger", SHOWN | {"driver": "MARTIN Luc", "reason": "echange"}
    assert "Rien n’a changé" in text_of(browser.post(path, data=sent | {"driver_id": first}, follow_redirects=True))
    assert browser.post(path, data=sent | {"driver_id": second}).status_code == 302
    assert [row[0] for row in rows(world)] == [second]


def test_seconds_that_no_form_shows_are_no_correction(browser, world, vehicle, dumas):
    start = START + timedelta(seconds=34)
    chosen = {"vehicle_id": vehicle, "driver_id": dumas, "starts_at": start}
    held = assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)
    sent = SHOWN | {"driver": "DUMAS Caroline (E1)"}
    page = text_of(browser.post(f"/attributions/{held}/corriger", data=sent, follow_redirects=True))
    assert "Rien n’a changé" in page
    assert rows(world) == [(dumas, start, None)]
