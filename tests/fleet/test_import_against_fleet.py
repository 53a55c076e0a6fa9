"""What lines do to a fleet that is stored: created, changed field by field, unchanged. No database is needed."""

from datetime import date
from uuid import uuid4

import pytest

from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.importing.plan import StoredAssignment, StoredDriver
from tests.support.fleet_files import (
    ASSIGNMENT_HEADINGS,
    DRIVER,
    OTHER_VEHICLE,
    VEHICLE,
    VEHICLE_HEADINGS,
    counts,
    paris,
    planned,
    refusals,
    sheets,
)
from tests.support.import_lines import (
    ASSIGNMENT_ID,
    DRIVER_ID,
    EVENING,
    MORNING,
    OTHER_ID,
    PEOPLE,
    VEHICLE_ID,
    stored_fleet,
)
from tests.support.worlds import AS_OF


def test_an_empty_cell_never_erases_what_is_stored():
    row = ["AB-123-CD", None, None, None, None]
    plan = planned(vehicles=[row], existing=stored_fleet())
    assert counts(plan) == {"vehicles": (0, 0, 1, 0)}
    assert plan.is_empty


def test_a_changed_cell_changes_its_field_alone():
    row = ["AB-123-CD", "Renault", None, None, "Nantes"]
    plan = planned(vehicles=[row], existing=stored_fleet())
    assert counts(plan) == {"vehicles": (0, 1, 0, 0)}
    [act] = plan.vehicles
    assert act.id == VEHICLE_ID
    assert act.values == stored_fleet().vehicles["FR", "AB123CD"].values | {"site": "Nantes"}
    [change] = plan.changes
    assert (change.line, change.plate, change.heading) == (2, "AB-123-CD", "Site")
    assert (change.before, change.after) == ("Lyon", "Nantes")


def test_a_name_in_capitals_does_not_change_the_stored_one():
    rows = [["Matricule", "Nom", "Prénom"], ["E1", "DUMAS", "CAROLINE"]]
    assert counts(planned([("Conducteurs", rows)], existing=stored_fleet())) == {"drivers": (0, 0, 1, 0)}


def test_a_drivers_changed_cell_changes_its_field_alone():
    rows = [["Matricule", "Code postal"], ["e1", 7407]]
    plan = planned([("Conducteurs", rows)], existing=stored_fleet())
    assert counts(plan) == {"drivers": (0, 1, 0, 0)}
    [act] = plan.drivers
    assert (act.id, act.staff_number, act.details.last_name, act.details.postcode) == (
        DRIVER_ID,
        "E1",
        "Dumas",
        "07407",
    )


def test_a_postcode_is_read_in_the_stored_country_when_the_file_names_none():
    fleet = stored_fleet()
    belgian = StoredDriver(DRIVER_ID, "E1", "prepose", None, uuid4(),
                           DriverDetails(last_name="Dumas", first_name="Caroline", country="BE",
                                         city="Mons"))  # fmt: skip
    fleet.drivers["E1"] = belgian
    plan = planned([("Conducteurs", [["Matricule", "Code postal"], ["E1", 1000]])], existing=fleet)
    assert plan.drivers[0].details.postcode == "1000"


def test_an_end_in_the_file_closes_the_stored_assignment_with_the_same_start():
    plan = planned(assignments=[["AB-123-CD", "E1", MORNING, EVENING]], existing=stored_fleet())
    assert counts(plan) == {"assignments": (0, 1, 0, 0)}
    assert [(act.id, act.ends_at) for act in plan.ends] == [(ASSIGNMENT_ID, paris(2026, 1, 9, 18))]
    assert plan.assignments == []


def test_a_successor_is_accepted_whatever_the_order_of_the_closing_line():
    rows = [["AB-123-CD", "E2", EVENING, None], ["AB-123-CD", "E1", MORNING, EVENING]]
    plan = planned(assignments=rows, existing=stored_fleet())
    assert counts(plan) == {"assignments": (1, 1, 0, 0)}


def test_an_assignment_that_meets_a_stored_one_is_refused_naming_its_driver():
    plan = planned(assignments=[["AB-123-CD", "E2", EVENING, None]], existing=stored_fleet())
    assert refusals(plan) == [
        (
            "Attributions",
            2,
            "Ce véhicule est attribué à DUMAS Caroline (E1) depuis le 05/01/2026 08:00 (attribution déjà enregistrée).",
        )
    ]


def test_a_day_alone_that_meets_a_stored_end_of_that_day_is_asked_for_the_hour():
    fleet = stored_fleet(ends_at=paris(2026, 1, 10))
    plan = planned(assignments=[["AB-123-CD", "E2", date(2026, 1, 9), None]], existing=fleet)
    assert "du 05/01/2026 08:00 au 09/01/2026 24:00" in plan.problems[0].sentence
    assert "précisez l’heure" in plan.problems[0].sentence


def test_an_open_line_leaves_a_closed_assignment_as_it_is():
    fleet = stored_fleet(ends_at=paris(2026, 1, 9, 18))
    plan = planned(assignments=[["AB-123-CD", "E1", MORNING, None]], existing=fleet)
    assert counts(plan) == {"assignments": (0, 0, 1, 0)}


def test_an_end_may_be_moved_later_unless_another_line_holds_the_vehicle():
    fleet = stored_fleet(ends_at=paris(2026, 1, 9, 18))
    later = ["AB-123-CD", "E1", MORNING, date(2026, 1, 31)]
    assert counts(planned(assignments=[later], existing=fleet)) == {"assignments": (0, 1, 0, 0)}
    fleet.assignments.append(StoredAssignment(uuid4(), VEHICLE_ID, OTHER_ID, paris(2026, 1, 15), None))
    refused = planned(assignments=[later], existing=fleet)
    assert "MARIN Daniel (E2) depuis le 15/01/2026 00:00" in refused.problems[0].sentence


def test_a_vehicle_that_leaves_ends_what_is_held_of_it():
    row = ["AB-123-CD", None, None, date(2026, 1, 31), None]
    plan = planned(vehicles=[row], existing=stored_fleet())
    assert [(act.id, act.ends_at) for act in plan.ends] == [(ASSIGNMENT_ID, paris(2026, 2, 1))]
    assert (plan.changes[-1].person, plan.changes[-1].heading) == ("DUMAS Caroline (E1)", "Fin de l’attribution")
    assert plan.changes[-1].after == "31/01/2026 24:00"


def test_a_driver_who_leaves_ends_what_they_hold():
    rows = [["Matricule", "Date de départ"], ["E1", date(2026, 1, 31)]]
    plan = planned([("Conducteurs", rows)], existing=stored_fleet())
    assert [(act.id, act.ends_at) for act in plan.ends] == [(ASSIGNMENT_ID, paris(2026, 2, 1))]


def test_nothing_may_begin_after_the_departure_that_a_line_states():
    for content in (
        [("Véhicules", [VEHICLE_HEADINGS, ["AB-123-CD", None, None, date(2026, 1, 4), None]])],
        [("Conducteurs", [["Matricule", "Date de départ"], ["E1", date(2026, 1, 4)]])],
    ):
        plan = planned(content, existing=stored_fleet())
        assert "commence après, le 05/01/2026 08:00" in plan.problems[0].sentence


def test_an_entry_may_not_move_past_a_stored_assignment():
    row = ["AB-123-CD", None, date(2026, 1, 6), None, None]
    plan = planned(vehicles=[row], existing=stored_fleet())
    assert "commence avant, le 05/01/2026 08:00" in plan.problems[0].sentence
    same_day = ["AB-123-CD", None, date(2026, 1, 5), None, None]
    assert counts(planned(vehicles=[same_day], existing=stored_fleet())) == {"vehicles": (0, 1, 0, 0)}


def test_the_exit_of_a_vehicle_that_has_left_is_not_moved_by_a_file():
    row = ["AB-123-CD", None, None, date(2026, 6, 1), None]
    gone = stored_fleet(ends_at=paris(2026, 2, 1), left_at=AS_OF)
    assert "déjà quitté le parc" in planned(vehicles=[row], existing=gone).problems[0].sentence
    to_come = stored_fleet(ends_at=paris(2026, 2, 1), left_at=paris(2026, 4, 1))
    assert counts(planned(vehicles=[row], existing=to_come)) == {"vehicles": (0, 1, 0, 0)}


@pytest.mark.parametrize(("allowed", "is_over"), [(2, False), (1, True)])
def test_the_preview_says_when_the_order_form_admits_fewer_vehicles(allowed, is_over):
    """C4.1-a"""
    plan = planned(vehicles=[VEHICLE, OTHER_VEHICLE], existing=stored_fleet(used=1, allowed=allowed))
    assert plan.places == 1
    assert plan.is_over_quota is is_over


def test_a_vehicle_that_has_left_takes_no_place_and_one_that_leaves_gives_its_place_back():
    """C4.1-a"""
    past, to_come = [*OTHER_VEHICLE[:3], date(2026, 3, 2), None], [*OTHER_VEHICLE[:3], date(2026, 3, 3), None]
    assert planned(vehicles=[past]).places == 0
    assert planned(vehicles=[to_come]).places == 1
    leaves = ["AB-123-CD", None, None, date(2026, 3, 2), None]
    assert planned(vehicles=[leaves], existing=stored_fleet()).places == -1


def test_two_plans_of_the_same_lines_have_the_same_digest_and_others_not():
    rows = {"vehicles": [VEHICLE], "drivers": [DRIVER], "assignments": [["AB-123-CD", "E1", MORNING, None]]}
    assert planned(**rows).digest() == planned(**rows).digest()
    assert planned(**rows).digest() != planned(**rows | {"vehicles": [[*VEHICLE[:4], "Nantes"]]}).digest()
    assert planned(**rows).digest() != planned(**rows, existing=stored_fleet()).digest()
    refused = rows | {"assignments": [["AB-123-CD", "E9", MORNING, None]]}
    assert planned(**rows | {"assignments": []}).digest() != planned(**refused).digest()


def test_an_unknown_assignments_heading_of_the_file_names_its_problems():
    content = [*sheets(**PEOPLE), ("Affectations", [["Plaque", "Matricule", "Début"], ["AB-123-CD", "E1", "?"]])]
    [problem] = planned(content).problems
    assert (problem.sheet, problem.heading) == ("Affectations", "Début")
    assert ASSIGNMENT_HEADINGS[2] != problem.heading
