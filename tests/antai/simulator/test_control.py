from datetime import timedelta

import pytest

from eprunes.antai.simulator import generation, store
from tests.antai.simulator.running import (
    designation,
    full_read,
    new_plate,
    offence,
    posted_offence,
    running_agency,
    signed_in,
    vehicle,
    withdrawal,
)

FLEET = "/flotteconventionnee/flotte/vehicules"
DESIGNATION = "/flotteconventionnee/designation"


def test_the_state_counts_what_happened(agency, caller):
    before = agency.state()
    record = posted_offence(agency, caller)
    agency.control("POST", "/offences", [offence(new_plate())])
    caller.post(DESIGNATION, json=designation(record["numeroAco"], "s1", nom=""))
    caller.post(DESIGNATION, json=designation(record["numeroAco"], "s2"))
    after = agency.state()
    assert {name: after[name] - before[name] for name in after} == {
        "vehicles_active": 1,
        "offences": 2,
        "emitted": 1,
        "designations_accepted": 1,
        "designations_refused": 1,
        "requests": 3,
    }


def test_malformed_records_are_told_by_their_place_and_the_rest_is_loaded(agency):
    good = offence(new_plate())
    bad = [
        "text",
        {},
        offence("AB123CD", numeroAco="12345678"),
        offence("AB123CD", numeroAco=1234567890),
        offence("", numeroAco="1234567890"),
        offence("AB123CD", dateAco="2025-02-29"),
        offence("AB123CD", dateAco="20250228"),
        offence("AB123CD", dateHeureInfraction="hier"),
        offence("AB123CD", codeNatinf=25387),
    ]
    said = agency.control("POST", "/offences", [*bad, good]).json()
    assert (said["ajoutees"], said["deja_connues"]) == (1, 0)
    assert [refused["rang"] for refused in said["refusees"]] == list(range(len(bad)))
    assert agency.control("POST", "/offences", [good]).json()["deja_connues"] == 1
    assert agency.control("POST", "/offences", {}).status_code == 400


def test_a_notice_can_be_changed_under_its_number(agency, caller):
    record = posted_offence(agency, caller)
    assert agency.control("PUT", "/offences", [{**record, "lieu": "A10"}]).status_code == 200
    assert caller.get("/flotteconventionnee/infraction/" + record["numeroAco"]).json()["lieu"] == "A10"


def test_generated_offences_fall_on_active_vehicles_and_are_posted_at_once(tmp_path):
    with running_agency(tmp_path / "agency.db") as agency:
        assert agency.control("POST", "/generate", {"count": 5}).status_code == 409
        with signed_in(agency.url) as caller:
            caller.post(FLEET, json=[vehicle("AA111AA"), vehicle("BB222BB"), vehicle("CC333CC")])
            caller.put("/flotteconventionnee/vehicules/delete", json=[withdrawal("CC333CC")])
            made = agency.control("POST", "/generate", {"count": 50, "seed": 4, "days": 20}).json()
            entries = full_read(caller)
    assert sorted(entry["numeroAco"] for entry in entries) == sorted(made["numerosAco"])
    assert {entry["immatriculation"] for entry in entries} == {"AA111AA", "BB222BB"}


@pytest.mark.parametrize("body", [{"count": 0}, {"count": 100_001}, {"days": 0}, {"seed": "x"}, {"seed": -1}, []])
def test_a_generation_that_makes_no_sense_is_told_so(agency, body):
    assert agency.control("POST", "/generate", body).status_code == 400


def test_generated_records_are_plausible_and_the_same_for_the_same_seed(tmp_path, instant):
    path = str(tmp_path / "agency.db")
    store.prepare(path)
    connection = store.connect(path)
    as_of = instant("2026-11-22T10:00:00Z")
    fleet = [{"plate": "AA111AA", "country": "FRA", "make": None}]
    options = {"count": 400, "days": 20, "as_of": as_of}
    first = generation.offences(connection, fleet, seed=1, **options)
    assert first == generation.offences(connection, fleet, seed=1, **options)
    assert first != generation.offences(connection, fleet, seed=2, **options)
    connection.close()
    oldest = (as_of - timedelta(days=20)).astimezone(store.PARIS).isoformat()
    for record in first:
        assert oldest <= record["dateHeureInfraction"] <= "2026-11-22T11:00:00"
        assert record["dateHeureInfraction"][:10] <= record["dateAco"] <= "2026-11-22"
        if "vitesseLimite" in record:
            assert record["vitesseLimite"] < record["vitesseRetenue"] < record["vitesseMesuree"]


def test_designations_are_listed_with_what_was_received(agency, caller):
    record = posted_offence(agency, caller)
    body = designation(record["numeroAco"], "listed")
    caller.post(DESIGNATION, json=body)
    [entry] = [
        entry for entry in agency.control("GET", "/designations").json() if entry["identifiantDesignation"] == "listed"
    ]
    assert (entry["numeroAco"], entry["etat"], entry["corps"]) == (record["numeroAco"], "ENREGISTREE", body)


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/offences", 405)])
def test_an_address_that_does_not_exist_answers_in_json(agency, path, status):
    answer = agency.control("DELETE", path)
    assert answer.status_code == status
    assert answer.json()["message"]
