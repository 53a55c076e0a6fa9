import pytest

from tests.antai.simulator.running import (
    designation,
    full_read,
    impossibility,
    listed_numbers,
    new_plate,
    offence,
    posted_offence,
    vehicle,
)

ONE = "/flotteconventionnee/infraction/"
DESIGNATION = "/flotteconventionnee/designation"


def test_an_offence_is_listed_only_once_its_plate_is_declared(agency, caller):
    plate = new_plate()
    record = offence(plate)
    assert agency.control("POST", "/offences", [record]).status_code == 200
    assert listed_numbers(caller, plate) == []
    assert caller.get(ONE + record["numeroAco"]).status_code == 404
    caller.post("/flotteconventionnee/vehicule", json=vehicle(plate))
    assert [entry for entry in full_read(caller) if entry["immatriculation"] == plate] == [record]


def test_one_offence_is_read_by_its_number(agency, caller):
    record = posted_offence(agency, caller)
    answer = caller.get(ONE + record["numeroAco"])
    assert answer.json() == record
    assert caller.get(ONE + "1234567890").status_code == 404


def test_a_registered_answer_is_read_back_with_its_receipt(agency, caller):
    record = posted_offence(agency, caller)
    number = record["numeroAco"]
    said = caller.post(DESIGNATION, json=designation(number, "read-back")).json()
    read = caller.get(ONE + number).json()
    assert read.pop("designation") == {
        "identifiantDesignation": "read-back",
        "statut": "DESIGNATION",
        "etat": "ENREGISTREE",
        "numeroEnregistrement": said["numeroEnregistrement"],
        "dateEnregistrement": said["dateEnregistrement"],
        "motifRefus": None,
    }
    assert read == record
    assert listed_numbers(caller, record["immatriculation"]) == []


def test_a_refused_answer_is_read_back_with_its_reason_and_the_offence_stays_listed(agency, caller):
    record = posted_offence(agency, caller)
    number = record["numeroAco"]
    refused = caller.post(DESIGNATION, json=impossibility(number, "refused", motif="")).json()
    state = caller.get(ONE + number).json()["designation"]
    assert state["etat"] == "REFUSEE"
    assert state["statut"] == "NON_DESIGNATION"
    assert state["numeroEnregistrement"] is None
    assert state["motifRefus"] == refused["motifRefus"]
    assert listed_numbers(caller, record["immatriculation"]) == [number]


@pytest.mark.parametrize("sort", ["codeNatinf", "numeroAco", "dateAco", "immatriculation", "dateHeureInfraction"])
@pytest.mark.parametrize("desc", ["", "true"])
def test_a_full_read_meets_every_offence_once_in_the_order_asked(agency, caller, sort, desc):
    caller.post("/flotteconventionnee/vehicule", json=vehicle("SORT123"))
    made = agency.control("POST", "/generate", {"count": 150, "seed": 7, "days": 300}).json()["numerosAco"]
    entries = full_read(caller, sort=sort, desc=desc)
    numbers = [entry["numeroAco"] for entry in entries]
    assert set(made) <= set(numbers)
    assert len(numbers) == len(set(numbers)) > 100
    keys = [(entry[sort], entry["numeroAco"]) for entry in entries]
    assert keys == sorted(keys, reverse=bool(desc))


def test_the_sandbox_makes_offences_for_one_plate(agency, caller):
    plate = new_plate()
    body = {"immatriculation": plate, "paysImmatriculation": "FRA", "nombre": 3}
    made = caller.post("/flotteconventionnee/test/genererInfractions", json=body)
    assert made.status_code == 201
    assert listed_numbers(caller, plate) == []
    caller.post("/flotteconventionnee/vehicule", json=vehicle(plate))
    assert sorted(listed_numbers(caller, plate)) == sorted(made.json()["numerosAco"])
    assert caller.post("/flotteconventionnee/test/genererInfractions", json={**body, "nombre": 0}).status_code == 400
