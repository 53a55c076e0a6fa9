import time

import pytest
import requests

from tests.antai.simulator.running import (
    designation,
    full_read,
    listed_numbers,
    posted_offence,
    sign_in,
    vehicle,
)

OFFENCES = "/flotteconventionnee/infractions"
FLEET = "/flotteconventionnee/flotte/vehicules"
DESIGNATION = "/flotteconventionnee/designation"


@pytest.fixture
def three_pages(agency, caller):
    """The numbers listed when there are more than two pages of them."""
    caller.post("/flotteconventionnee/vehicule", json=vehicle("PAGE123"))
    agency.control("POST", "/generate", {"count": 210, "seed": 3})
    return {entry["numeroAco"] for entry in full_read(caller)}


def test_503_is_said_as_often_as_asked_and_no_more(agency, caller):
    agency.fault("503", times=2)
    assert [caller.get(FLEET).status_code for _ in range(3)] == [503, 503, 200]


def test_a_fault_strikes_only_the_paths_that_it_names(agency, caller):
    agency.fault("503", path=OFFENCES)
    assert caller.get(FLEET).status_code == 200
    assert caller.get(OFFENCES).status_code == 503


def test_a_hang_lasts_the_seconds_asked_then_answers(agency, caller):
    agency.fault("hang", seconds=0.4)
    with pytest.raises(requests.ReadTimeout):
        caller.get(FLEET, timeout=0.1)
    agency.fault("hang", seconds=0.2)
    started = time.monotonic()
    assert caller.get(FLEET).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_reset_breaks_the_connection_before_anything_is_done(agency, caller):
    record = posted_offence(agency, caller)
    agency.fault("reset", path=DESIGNATION)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        caller.post(DESIGNATION, json=designation(record["numeroAco"], "reset"))
    assert "designation" not in caller.get("/flotteconventionnee/infraction/" + record["numeroAco"]).json()


def test_an_answer_lost_after_acceptance_can_be_read_back(agency, caller):
    record = posted_offence(agency, caller)
    body = designation(record["numeroAco"], "lost-answer")
    before = agency.state()["designations_accepted"]
    agency.fault("lost_answer")
    with pytest.raises(requests.ConnectionError, match="without response"):
        caller.post(DESIGNATION, json=body)
    state = caller.get("/flotteconventionnee/infraction/" + record["numeroAco"]).json()["designation"]
    assert state["etat"] == "ENREGISTREE"
    again = caller.post(DESIGNATION, json=body)
    assert again.json() == {"etat": "DOUBLON", "numeroEnregistrement": state["numeroEnregistrement"]}
    assert agency.state()["designations_accepted"] == before + 1


def test_a_refused_answer_is_not_lost_and_leaves_the_fault_waiting(agency, caller):
    record = posted_offence(agency, caller)
    agency.fault("lost_answer")
    assert caller.post(DESIGNATION, json=designation(record["numeroAco"], "r", nom="")).status_code == 422
    assert [fault["kind"] for fault in agency.control("GET", "/faults").json()] == ["lost_answer"]


def test_duplicates_repeat_a_page(agency, caller):
    record = posted_offence(agency, caller)
    agency.fault("duplicate", times=100)
    numbers = listed_numbers(caller, record["immatriculation"])
    assert numbers == [record["numeroAco"]] * 2


@pytest.mark.parametrize("times", [1, 2, 50])
def test_pages_out_of_order_overlap_but_miss_nothing(agency, caller, three_pages, times):
    agency.fault("out_of_order", times=times)
    first = [entry["numeroAco"] for entry in caller.get(OFFENCES).json()["content"]]
    assert len(first) > 100
    agency.control("DELETE", "/faults")
    agency.fault("out_of_order", times=times)
    numbers = [entry["numeroAco"] for entry in full_read(caller)]
    assert set(numbers) == three_pages
    assert len(numbers) > len(three_pages)
    in_order = [entry["numeroAco"] for entry in full_read(caller)]
    assert list(dict.fromkeys(numbers)) != in_order


def test_malformed_records_come_among_the_good_ones(agency, caller):
    record = posted_offence(agency, caller)
    good = full_read(caller)
    agency.fault("malformed")
    read = full_read(caller)
    broken = [entry for entry in read if entry not in good]
    assert [entry for entry in read if entry in good] == good
    assert record in good
    assert any(isinstance(entry, dict) and "immatriculation" not in entry for entry in broken)
    assert any(isinstance(entry, dict) and entry.get("dateAco") == "2026-13-45" for entry in broken)
    assert any(isinstance(entry, dict) and isinstance(entry["numeroAco"], int) for entry in broken)
    assert any(not isinstance(entry, dict) for entry in broken)


@pytest.mark.parametrize("kind", ["duplicate", "out_of_order", "malformed"])
def test_a_spoiled_list_still_ends(agency, caller, kind):
    posted_offence(agency, caller)
    agency.fault(kind, times=1000)
    full_read(caller)
    assert caller.get(OFFENCES, params={"page": 900}).json()["content"] == []


def test_an_expired_token_asks_for_a_new_sign_in(agency, caller):
    agency.fault("expired_token")
    assert [caller.get(FLEET).status_code for _ in range(2)] == [401, 401]
    sign_in(caller)
    assert caller.get(FLEET).status_code == 200


@pytest.mark.parametrize("path", [FLEET, OFFENCES])
def test_slow_pages_delay_the_lists_alone(agency, caller, path):
    agency.fault("slow_pages", seconds=0.3)
    assert caller.get("/flotteconventionnee/infraction/1234567890").elapsed.total_seconds() < 0.3
    assert caller.get(path).elapsed.total_seconds() >= 0.3
    assert agency.control("GET", "/faults").json() == []


def test_faults_of_different_moments_add_up(agency, caller):
    record = posted_offence(agency, caller)
    agency.fault("slow_pages", seconds=0)
    agency.fault("duplicate", times=10)
    assert len(listed_numbers(caller, record["immatriculation"])) == 2


def test_what_remains_of_the_faults_can_be_read_and_cleared(agency, caller):
    agency.fault("503", times=3, path=FLEET)
    agency.fault("hang", seconds=5)
    caller.get(FLEET)
    assert agency.control("GET", "/faults").json() == [
        {"kind": "503", "times": 2, "path": FLEET, "seconds": 0},
        {"kind": "hang", "times": 1, "path": "/", "seconds": 5},
    ]
    assert agency.control("DELETE", "/faults").status_code == 204
    assert agency.control("GET", "/faults").json() == []
    assert caller.get(FLEET).status_code == 200


def test_control_calls_use_up_no_fault(agency, caller):
    agency.fault("503")
    assert agency.control("GET", "/state").status_code == 200
    assert caller.get(FLEET).status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "503", "times": 0},
        {"kind": "503", "times": "2"},
        {"kind": "503", "times": True},
        {"kind": "hang", "seconds": -1},
        {"kind": "hang", "seconds": 601},
        {"kind": "hang", "seconds": "long"},
        {"kind": "503", "path": "infractions"},
        {"kind": "503", "path": 3},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_told_so(agency, body):
    answer = agency.control("POST", "/faults", body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_the_status_code_may_be_written_as_a_number(agency, caller):
    agency.fault(503)
    assert caller.get(FLEET).status_code == 503


def test_a_large_declaration_cut_by_a_reset_fails_at_once_and_may_be_repeated(agency, caller):
    fleet = [vehicle(f"BIG{number:05d}") for number in range(5_000)]
    agency.fault("reset", path=FLEET)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        caller.post(FLEET, json=fleet, timeout=5)
    results = caller.post(FLEET, json=fleet).json()
    assert {result["statut"] for result in results} == {"AJOUTE"}
