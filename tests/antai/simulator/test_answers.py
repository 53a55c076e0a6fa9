import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.antai.simulator.running import designation, impossibility, posted_offence

DESIGNATION = "/flotteconventionnee/designation"


@pytest.fixture
def number(agency, caller):
    return posted_offence(agency, caller)["numeroAco"]


def kept(agency, number):
    return agency.control("GET", f"/designations?numeroAco={number}").json()


def address(**changes):
    return {"ligne1": "12 rue des Lilas", "codePostal": "44000", "ville": "Nantes", "pays": "FR", **changes}


def test_a_complete_designation_is_registered_with_a_receipt(agency, caller, number):
    answer = caller.post(DESIGNATION, json=designation(number, "complete"))
    said = answer.json()
    assert answer.status_code == 200
    assert said["etat"] == "ENREGISTREE"
    assert re.fullmatch(r"ENR-\d{4}-\d{8}", said["numeroEnregistrement"])
    assert [entry["corps"] for entry in kept(agency, number)] == [designation(number, "complete")]


def test_two_notices_get_two_receipts(agency, caller):
    receipts = [
        caller.post(DESIGNATION, json=designation(posted_offence(agency, caller)["numeroAco"], f"two-{turn}"))
        for turn in range(2)
    ]
    assert len({answer.json()["numeroEnregistrement"] for answer in receipts}) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"nom": ""}, "NOM_MANQUANT"),
        ({"nom": "  "}, "NOM_MANQUANT"),
        ({"prenom": None}, "PRENOM_MANQUANT"),
        ({"dateNaissance": ""}, "DATE_NAISSANCE_MANQUANTE"),
        ({"dateNaissance": "29/02/1980"}, "DATE_NAISSANCE_INVALIDE"),
        ({"dateNaissance": "1981-02-29"}, "DATE_NAISSANCE_INVALIDE"),
        ({"dateNaissance": "2999-01-01"}, "DATE_NAISSANCE_INVALIDE"),
        ({"adresse": None}, "ADRESSE_MANQUANTE"),
        ({"adresse": address(ligne1="")}, "ADRESSE_MANQUANTE"),
        ({"adresse": address(codePostal="")}, "CODE_POSTAL_MANQUANT"),
        ({"adresse": address(ville=7)}, "VILLE_MANQUANTE"),
        ({"adresse": address(pays="FRA")}, "PAYS_INVALIDE"),
        ({"permis": {}}, "NUMERO_PERMIS_MANQUANT"),
        ({"permis": {"numero": "1", "dateDelivrance": "hier"}}, "DATE_PERMIS_INVALIDE"),
        ({"qualite": "AMI"}, "QUALITE_INVALIDE"),
    ],
)
def test_an_incomplete_designation_is_refused_with_its_reason(agency, caller, number, change, code):
    answer = caller.post(DESIGNATION, json=designation(number, f"incomplete-{number}", **change))
    said = answer.json()
    assert (answer.status_code, said["etat"], said["code"]) == (422, "REFUSEE", code)
    assert said["motifRefus"].endswith(".")
    assert [(entry["etat"], entry["code"]) for entry in kept(agency, number)] == [("REFUSEE", code)]


@pytest.mark.parametrize(
    ("driver", "code"),
    [(None, "CONDUCTEUR_MANQUANT"), ({}, "CONDUCTEUR_MANQUANT"), ([{}, {}], "CONDUCTEUR_UNIQUE")],
)
def test_a_designation_names_exactly_one_driver(caller, number, driver, code):
    answer = caller.post(DESIGNATION, json={**designation(number, "x"), "conducteur": driver})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_details_that_the_agency_does_not_ask_for_may_be_missing(caller, number):
    body = designation(number, f"bare-{number}", civilite=None, qualite=None)
    body["conducteur"]["permis"] = {"numero": "12AB34567"}
    body["conducteur"]["adresse"] = {"ligne1": "1 rue Haute", "codePostal": "44000", "ville": "Nantes"}
    assert caller.post(DESIGNATION, json=body).status_code == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"motif": "VOL"}, None),
        ({"motif": "DESTRUCTION", "pieces": []}, None),
        ({"motif": "USURPATION_PLAQUE", "pieces": None}, None),
        ({"motif": "CESSION"}, None),
        ({"motif": "FORCE_MAJEURE", "commentaire": "Crue"}, None),
        ({"motif": "FORCE_MAJEURE", "commentaire": " "}, "COMMENTAIRE_MANQUANT"),
        ({"motif": "PAS_NOTRE_VEHICULE", "commentaire": "Rendu au loueur"}, None),
        ({"motif": "PAS_NOTRE_VEHICULE", "commentaire": None}, "COMMENTAIRE_MANQUANT"),
        ({"motif": None}, "MOTIF_MANQUANT"),
        ({"motif": ["VOL"]}, "MOTIF_MANQUANT"),
        ({"motif": "OUBLI"}, "MOTIF_INCONNU"),
        ({"pieces": ["récépissé"]}, "PIECE_INVALIDE"),
        ({"pieces": [{"nature": "PLAINTE", "date": "2025"}]}, "PIECE_INVALIDE"),
    ],
)
def test_an_impossibility_needs_its_reason_and_some_reasons_a_comment(caller, number, change, expected):
    answer = caller.post(DESIGNATION, json=impossibility(number, f"impossible-{number}", **change))
    assert answer.status_code == (422 if expected else 200)
    assert answer.json().get("code") == expected


def test_the_same_answer_again_is_recognised_and_gets_the_first_receipt(agency, caller, number):
    body = designation(number, "same-again")
    first = caller.post(DESIGNATION, json=body)
    again = caller.post(DESIGNATION, json=dict(reversed(body.items())))
    assert again.status_code == 409
    assert again.json() == {
        "etat": "DOUBLON",
        "numeroEnregistrement": first.json()["numeroEnregistrement"],
    }
    assert len(kept(agency, number)) == 1


@pytest.mark.parametrize("identifier", ["first", "second"])
def test_another_answer_for_a_registered_notice_is_turned_away(agency, caller, number, identifier):
    caller.post(DESIGNATION, json=designation(number, f"first-{number}"))
    other = designation(number, f"{identifier}-{number}", nom="Autre")
    answer = caller.post(DESIGNATION, json=other)
    assert (answer.status_code, answer.json()["etat"]) == (409, "DEJA_REPONDU")
    assert len(kept(agency, number)) == 1


def test_an_identifier_registered_for_one_notice_cannot_answer_another(agency, caller, number):
    caller.post(DESIGNATION, json=designation(number, "taken"))
    other = posted_offence(agency, caller)["numeroAco"]
    answer = caller.post(DESIGNATION, json=designation(other, "taken"))
    assert (answer.status_code, answer.json()["etat"]) == (409, "IDENTIFIANT_REUTILISE")
    assert kept(agency, other) == []


def test_a_refused_answer_may_be_corrected_under_the_same_identifier(agency, caller, number):
    assert caller.post(DESIGNATION, json=designation(number, "corrected", nom="")).status_code == 422
    assert caller.post(DESIGNATION, json=designation(number, "corrected")).status_code == 200
    assert [entry["etat"] for entry in kept(agency, number)] == ["REFUSEE", "ENREGISTREE"]


def test_an_unknown_or_unposted_notice_cannot_be_answered(caller):
    answer = caller.post(DESIGNATION, json=designation("1234567890", "lost"))
    assert (answer.status_code, answer.json()["etat"]) == (404, "INCONNU")


@pytest.mark.parametrize("name", ["identifiantDesignation", "numeroAco", "source", "statut"])
@pytest.mark.parametrize("value", [None, "", 12, ["x"]])
def test_an_answer_whose_frame_cannot_be_read_is_told_so(caller, number, name, value):
    answer = caller.post(DESIGNATION, json={**designation(number, "frame"), name: value})
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_answers_sent_at_once_leave_exactly_one_receipt_for_each_notice(agency, caller):
    numbers = [posted_offence(agency, caller)["numeroAco"] for _ in range(6)]
    before = agency.state()["designations_accepted"]

    def send(turn):
        body = designation(numbers[turn // 6], f"race-{numbers[0]}-{turn}")
        return caller.post(DESIGNATION, json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(36)))
    assert statuses == [200] * 6 + [409] * 30
    assert agency.state()["designations_accepted"] == before + 6
    assert [len(kept(agency, number)) for number in numbers] == [1] * 6
