"""The vehicles of the fleet that a workbook does not have: told always, taken out of the fleet only when asked."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from eprunes.accounts import quota
from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.fleet.importing.applying import FleetChanged, apply_import
from eprunes.fleet.importing.plan import Closing
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.models import Assignment, ExitReason, Vehicle
from eprunes.fleet.services import vehicles as vehicle_services
from eprunes.long_work import run_long_work
from tests.fleet.test_import_pages import prepared
from tests.support.fleet_files import DRIVER, ENTRY, OTHER_VEHICLE, PARIS, VEHICLE, paris, parsed, sheets
from tests.support.worlds import AS_OF, actor, make_world

MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone
THIRD = ["GH-789-JK", "Toyota", ENTRY, None, "Nantes"]
MONTH_START = paris(2026, 3, 1)
SOLD = Closing(MONTH_START, ExitReason.SOLD)


def plan(world, closing=None, as_of=AS_OF, **rows):
    return make_plan(world.organisation_id, parsed(sheets(**rows)), PARIS, as_of, closing)


def write(world, shown, closing=None, as_of=AS_OF, **rows):
    """Carry out what a plan showed."""
    agreed = {"agreed": shown.digest(), "new_drivers": shown.new_drivers, "author_id": None}
    apply_import(
        world.organisation_id, parsed(sheets(**rows)), PARIS, **agreed, as_of=as_of, closing=closing
    )  # fmt: skip


def agree(world, closing=None, as_of=AS_OF, **rows):
    shown = plan(world, closing, as_of, **rows)
    write(world, shown, closing, as_of, **rows)
    return shown


def fleet(world):
    """Vehicles by plate."""
    own = Vehicle.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        return {one.plate: one for one in session.scalars(select(Vehicle).where(own))}


def holds(world):
    own = Assignment.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        return session.scalars(select(Assignment).where(own)).all()


def places_used(world):
    with tenant_session(world.organisation_id) as session:
        return quota.usage(session, AS_OF)[0]


def told(shown):
    return [(one.plate, one.refusal) for one in shown.missing]


@pytest.fixture
def two(world):
    """Two vehicles, both held."""
    held = [["AB-123-CD", "E1", MORNING, None], ["EF-456-GH", "E1", MORNING, None]]
    agree(world, vehicles=[VEHICLE, OTHER_VEHICLE], drivers=[DRIVER], assignments=held)
    return world


# Told


def test_the_vehicles_that_the_file_does_not_have_are_told_and_stay(two):
    shown = agree(two, vehicles=[VEHICLE])
    assert told(shown) == [("EF-456-GH", "")]
    assert shown.is_empty
    assert fleet(two)["EF-456-GH"].left_at is None


@pytest.mark.parametrize(
    "rows",
    [
        {"vehicles": [VEHICLE, OTHER_VEHICLE]},
        {"vehicles": [VEHICLE, ["EF-456-GH", None, "hier", None, None]]},
        {"vehicles": [VEHICLE], "assignments": [["EF-456-GH", "E1", MORNING, None]]},
        {"drivers": [DRIVER]},
        {"vehicles": [], "drivers": [DRIVER]},
        {"vehicles": [["nulle", None, ENTRY, None, None]]},
    ],
    ids=["named", "on a refused line", "by another sheet", "no vehicles", "an empty sheet", "no plate at all"],
)
def test_a_vehicle_that_the_file_names_or_could_not_name_is_not_missing(two, rows):
    assert told(plan(two, SOLD, **rows)) == []


def test_a_vehicle_that_has_left_is_not_missing(two):
    agree(two, SOLD, vehicles=[VEHICLE])
    assert told(plan(two, SOLD, vehicles=[VEHICLE])) == []


def test_lines_without_a_readable_plate_are_counted_beside(two):
    assert plan(two, vehicles=[VEHICLE, ["nulle", None, ENTRY, None, None]]).unreadable_plates == 1


def test_without_a_closing_a_change_among_the_missing_does_not_disturb_an_agreed_import(two):
    rows = {"vehicles": [[*VEHICLE[:4], "Nantes"]]}
    shown = plan(two, **rows)
    agree(two, vehicles=[THIRD])
    write(two, shown, **rows)
    assert fleet(two)["AB-123-CD"].site == "Nantes"


# Closed


def test_they_leave_with_the_import_as_a_single_exit_would_have_it(two):
    """C4.1-a: their places are given back; their assignments end at that instant."""
    shown = agree(two, SOLD, vehicles=[VEHICLE])
    gone = fleet(two)["EF-456-GH"]
    assert (gone.left_at, gone.left_because, gone.counts_in_quota) == (MONTH_START, "vente", False)
    assert (shown.closed, shown.closed_holds, shown.places) == (1, 1, -1)
    assert places_used(two) == 1
    ends = {one.vehicle_id: one.ends_at for one in holds(two)}
    assert ends == {gone.id: MONTH_START, fleet(two)["AB-123-CD"].id: None}


def test_each_of_them_leaves_its_own_trace(two):
    agree(two, SOLD, vehicles=[VEHICLE])
    gone = fleet(two)["EF-456-GH"].id
    query = select(AuditEntry).where(AuditEntry.organisation_id == two.organisation_id, AuditEntry.subject_id == gone)
    with tenant_session(two.organisation_id) as session:
        entries = {one.action: one.details for one in session.scalars(query)}
    assert entries["vehicule.sorti"] == {"le": MONTH_START.isoformat(), "motif": "vente", "source": "import"}
    ended = entries["attribution.terminee"]
    assert (ended["au"], ended["avant"]["au"]) == (MONTH_START.isoformat(), None)


def test_a_place_is_kept_until_a_closing_to_come(two):
    """C4.1-a"""
    tomorrow = Closing(AS_OF + timedelta(days=1), ExitReason.RETURNED)
    agree(two, tomorrow, vehicles=[VEHICLE])
    assert (places_used(two), fleet(two)["EF-456-GH"].counts_in_quota) == (2, True)


def test_those_who_leave_make_room_for_those_who_come(app):
    """C4.1-a: as one act, neither before nor after."""
    world = make_world(0, vehicles=1)
    agree(world, vehicles=[VEHICLE])
    assert plan(world, vehicles=[OTHER_VEHICLE]).is_over_quota
    shown = agree(world, SOLD, vehicles=[OTHER_VEHICLE])
    assert shown.places == 0
    assert fleet(world)["AB-123-CD"].left_at == MONTH_START
    assert places_used(world) == 1


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (paris(2025, 1, 1), "Ce véhicule est entré dans le parc le 01/01/2025 00:00."),
        (paris(2025, 1, 1) + timedelta(minutes=1), "Une attribution commence le 05/01/2026 08:00"),
        (paris(2026, 1, 5, 8), "Une attribution commence le 05/01/2026 08:00"),
        (paris(2026, 1, 5, 8) + timedelta(minutes=1), ""),
    ],
)
def test_what_a_single_exit_would_refuse_is_refused_with_its_reason(two, at, refusal):
    shown = agree(two, Closing(at, ExitReason.SOLD), vehicles=[VEHICLE])
    [(plate, said)] = told(shown)
    assert (plate, said[: len(refusal)], bool(said)) == ("EF-456-GH", refusal, bool(refusal))
    assert (fleet(two)["EF-456-GH"].left_at is None) is bool(refusal)
    assert shown.closed == (not refusal)


def test_an_exit_that_is_planned_already_is_left_as_it_is(two):
    boss, vehicle = actor(two.fleet), fleet(two)["EF-456-GH"]
    planned = AS_OF + timedelta(days=30)
    vehicle_services.leave_fleet(actor=boss, vehicle_id=vehicle.id, at=planned, reason=ExitReason.SOLD, as_of=AS_OF)
    shown = agree(two, SOLD, vehicles=[VEHICLE])
    assert "déjà prévue" in told(shown)[0][1]
    assert fleet(two)["EF-456-GH"].left_at == planned


def test_another_set_of_missing_vehicles_than_the_one_agreed_to_writes_nothing(two):
    shown = plan(two, SOLD, vehicles=[VEHICLE])
    agree(two, vehicles=[VEHICLE, OTHER_VEHICLE, THIRD])
    with pytest.raises(FleetChanged):
        write(two, shown, SOLD, vehicles=[VEHICLE])
    assert [one.left_at for one in fleet(two).values()] == [None] * 3


def test_missing_vehicles_of_another_client_are_never_touched(two, other_world):
    agree(other_world, vehicles=[THIRD])
    assert told(agree(two, SOLD, vehicles=[VEHICLE])) == [("EF-456-GH", "")]
    assert fleet(other_world)["GH-789-JK"].left_at is None


# On the page


def close(browser, path, **typed):
    answer = browser.post(f"{path}/vehicules-absents", data=typed)
    if answer.status_code == 302:
        run_long_work(AS_OF)
    return answer


def confirm(browser, path):
    browser.post(f"{path}/confirmer")
    run_long_work(AS_OF)


def test_the_page_offers_the_closing_unticked_and_carries_it_out_once_agreed(two, signed_in):
    """C4.2"""
    browser = signed_in(two.fleet)
    path = prepared(browser, vehicles=[VEHICLE])
    page = browser.get(path).text
    assert "1 véhicule du parc absent" in page
    assert "EF-456-GH" in page
    assert "checked" not in page
    close(browser, path, close="y", at="2026-02-28", at_time="", reason="vente")
    page = browser.get(path).text
    assert "checked" in page
    assert "Sortir 1 véhicule" in page
    assert "24:00 (vendu ou cédé)" in page
    assert fleet(two)["EF-456-GH"].left_at is None
    confirm(browser, path)
    assert "a été sorti" in browser.get(path).text
    assert fleet(two)["EF-456-GH"].left_at == MONTH_START


def test_a_closing_that_is_no_longer_ticked_is_over(two, signed_in):
    browser = signed_in(two.fleet)
    path = prepared(browser, vehicles=[[*VEHICLE[:4], "Nantes"]])
    close(browser, path, close="y", at="2026-02-28", reason="vente")
    close(browser, path, at="2026-02-28", reason="vente")
    confirm(browser, path)
    assert {one.plate: (one.left_at, one.site) for one in fleet(two).values()} == {
        "AB-123-CD": (None, "Nantes"), "EF-456-GH": (None, "Lille"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"close": "y", "at": "2026-02-28", "reason": ""}, "Indiquez le motif de la sortie."),
        ({"close": "y", "reason": "vente"}, "Indiquez le jour de la sortie."),
        ({"close": "y", "at": "demain", "reason": "vente"}, "Indiquez une date"),
        ({"close": "y", "at": "2026-02-28", "reason": "oubli"}, "Choisissez dans la liste."),
        ({"close": "y", "at": "2026-03-29", "at_time": "02:30", "reason": "vente"}, "n’existe pas"),
    ],
)
def test_a_closing_without_its_day_or_reason_is_refused(two, signed_in, typed, sentence):
    browser = signed_in(two.fleet)
    path = prepared(browser, vehicles=[VEHICLE])
    answer = close(browser, path, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    confirm(browser, path)
    assert fleet(two)["EF-456-GH"].left_at is None


def test_a_fleet_that_changed_after_the_agreement_is_shown_again_with_the_closing(two, signed_in):
    browser = signed_in(two.fleet)
    path = prepared(browser, vehicles=[VEHICLE])
    close(browser, path, close="y", at="2026-02-28", reason="vente")
    browser.post(f"{path}/confirmer")
    agree(two, vehicles=[VEHICLE, OTHER_VEHICLE, THIRD])
    run_long_work(AS_OF)
    page = browser.get(path).text
    assert "Le parc a changé depuis l’aperçu" in page
    assert "Sortir 2 véhicules" in page
    assert [one.left_at for one in fleet(two).values()] == [None] * 3
    confirm(browser, path)
    assert sum(one.left_at is not None for one in fleet(two).values()) == 2


def test_of_many_missing_vehicles_two_hundred_are_shown_and_all_are_counted(app, signed_in):
    letters = "ABCDEFGHJKLMNPQRSTVWXYZ"
    rows = [[f"A{one}-{number:03}-AA", None, ENTRY, None, None] for one in letters[:2] for number in range(1, 102)]
    with_room = make_world(2, vehicles=300)
    agree(with_room, vehicles=rows)
    browser = signed_in(with_room.fleet)
    page = browser.get(prepared(browser, vehicles=rows[:1])).text
    assert "201 véhicules du parc absents" in page
    assert "Les 200 premiers sur 201." in page
    with tenant_session(with_room.organisation_id) as session:
        mine = Vehicle.organisation_id == with_room.organisation_id
        assert session.scalar(select(func.count()).select_from(Vehicle).where(mine)) == 202
