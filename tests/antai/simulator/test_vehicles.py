import pytest

from tests.antai.simulator.running import new_plate, vehicle, withdrawal

ONE = "/flotteconventionnee/vehicule"
FLEET = "/flotteconventionnee/flotte/vehicules"
REMOVE = "/flotteconventionnee/vehicules/delete"


def statuses(answer):
    assert answer.status_code == 200
    return [result["statut"] for result in answer.json()]


def test_a_bulk_declaration_answers_for_each_vehicle_in_order(caller):
    known, new = new_plate(), new_plate()
    caller.post(ONE, json=vehicle(known))
    answer = caller.post(FLEET, json=[vehicle(new), vehicle(known), vehicle("A*"), vehicle(new)])
    assert statuses(answer) == ["AJOUTE", "DEJA_CONNU", "REFUSE", "DEJA_CONNU"]
    refused = answer.json()[2]
    assert refused["immatriculation"] == "A*"
    assert refused["motif"]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        None,
        "AB123CD",
        {"immatriculation": "AB123CD"},
        vehicle(""),
        vehicle("A"),
        vehicle("A" * 13),
        vehicle("ÀB123CD"),
        vehicle("AB123CD", paysImmatriculation="FR"),
        vehicle(["AB123CD"]),
        vehicle("AB123CD", marque=12),
    ],
)
def test_a_malformed_vehicle_is_refused_and_does_not_stop_the_rest(caller, entry):
    answer = caller.post(FLEET, json=[entry, vehicle(new_plate())])
    assert statuses(answer) == ["REFUSE", "AJOUTE"]


@pytest.mark.parametrize("plate", ["AB", "A" * 12])
def test_the_shortest_and_longest_foreign_plates_are_accepted(caller, plate):
    assert caller.post(ONE, json=vehicle(plate, paysImmatriculation="DEU")).status_code == 201


def test_one_vehicle_declared_alone_is_created_once(caller):
    plate = new_plate()
    first, second = caller.post(ONE, json=vehicle(plate)), caller.post(ONE, json=vehicle(plate))
    assert (first.status_code, first.json()["statut"]) == (201, "AJOUTE")
    assert (second.status_code, second.json()["statut"]) == (200, "DEJA_CONNU")
    assert caller.post(ONE, json=vehicle("?")).status_code == 422


def test_a_vehicle_is_found_however_its_plate_is_written_but_not_in_another_country(caller):
    plate = new_plate()
    caller.post(ONE, json=vehicle(plate))
    written = f" {plate[:2].lower()}-{plate[2:5]}-{plate[5:].lower()} "
    found = caller.get(ONE, params={"immatriculation": written, "pays": "FRA"})
    assert found.json()["immatriculation"] == plate
    assert found.json()["modele"] == "CLIO"
    assert caller.get(ONE, params={"immatriculation": plate, "pays": "DEU"}).status_code == 404
    assert caller.get(ONE, params={"immatriculation": "ZZ999ZZ"}).status_code == 404
    assert caller.get(ONE).status_code == 400


def test_a_bulk_withdrawal_answers_for_each_vehicle_in_order(caller):
    gone, active = new_plate(), new_plate()
    caller.post(FLEET, json=[vehicle(gone), vehicle(active)])
    entries = [withdrawal(gone), withdrawal(gone), withdrawal("ZZ999ZZ"), {"vehicule": None}, 3]
    assert statuses(caller.put(REMOVE, json=entries)) == [
        "RETIRE",
        "DEJA_RETIRE",
        "INCONNU",
        "REFUSE",
        "REFUSE",
    ]
    assert caller.get(ONE, params={"immatriculation": gone}).json()["dateFinGestion"] == "2025-06-30"
    assert caller.get(ONE, params={"immatriculation": active}).json()["dateRetrait"] is None


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ("2025-01-01", "2025-01-01", "RETIRE"),
        ("2025-01-02", "2025-01-01", "REFUSE"),
        ("2025-01-01", "2025-13-01", "REFUSE"),
        ("2025-01-01", 20250101, "REFUSE"),
        (None, "2025-01-01T23:30:00+00:00", "RETIRE"),
        (None, None, "RETIRE"),
    ],
)
def test_the_dates_of_a_withdrawal_are_checked(caller, starts, ends, expected):
    plate = new_plate()
    caller.post(ONE, json=vehicle(plate))
    entry = {**withdrawal(plate), "date_debut_gestion": starts, "date_fin_gestion": ends}
    assert statuses(caller.put(REMOVE, json=[entry])) == [expected]


def test_one_vehicle_is_withdrawn_alone_and_may_come_back(caller):
    plate = new_plate()
    caller.post(ONE, json=vehicle(plate))
    assert caller.delete(ONE, json=withdrawal(plate)).status_code == 200
    assert caller.delete(ONE, json=withdrawal(plate)).json()["statut"] == "DEJA_RETIRE"
    assert caller.delete(ONE, json=withdrawal("ZZ999ZZ")).status_code == 404
    assert caller.post(ONE, json=vehicle(plate)).json()["statut"] == "AJOUTE"
    assert caller.get(ONE, params={"immatriculation": plate}).json()["dateRetrait"] is None


def test_the_fleet_list_has_pages_of_a_hundred_without_withdrawn_vehicles_until_an_empty_one(caller):
    plates = [f"ZA{number:03d}AA" for number in range(205)]
    caller.post(FLEET, json=[vehicle(plate) for plate in plates])
    caller.put(REMOVE, json=[withdrawal("ZA007AA")])
    pages = []
    while not pages or pages[-1]["content"]:
        options = {"sort": "immatriculation", "desc": "true", "page": len(pages)}
        pages.append(caller.get(FLEET, params=options).json())
    read = [entry["immatriculation"] for page in pages for entry in page["content"]]
    assert read == sorted(read, reverse=True)
    assert [plate for plate in read if plate.startswith("ZA")] == sorted(set(plates) - {"ZA007AA"}, reverse=True)
    assert len(pages[0]["content"]) == 100
    assert pages[0]["totalElements"] == len(read) == len(set(read))


@pytest.mark.parametrize(
    "options",
    [
        {"sort": "plate; DROP TABLE vehicles"},
        {"desc": "maybe"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "9" * 9},
    ],
)
@pytest.mark.parametrize("path", [FLEET, "/flotteconventionnee/infractions"])
def test_an_unreadable_page_request_is_told_so(caller, path, options):
    answer = caller.get(path, params=options)
    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"a": 1}', b"null", b"[" * 200_000])
def test_a_body_that_is_not_the_expected_json_is_told_so(caller, body):
    answer = caller.post(FLEET, data=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_text_that_no_file_can_hold_is_told_so(caller):
    body = f'{{"immatriculation":"{new_plate()}","paysImmatriculation":"FRA","marque":"\\ud800"}}'
    answer = caller.post(ONE, data=body.encode())
    assert answer.status_code == 400
