"""The pages of drivers in a browser: with data, empty, filtered to nothing, and refused."""

import pytest

from eprunes.core.crypto import key_store
from eprunes.fleet.driver_details import KEY_PURPOSE
from eprunes.fleet.services import assignments
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.fleet.test_vehicle_pages import refused, text_of
from tests.support.worlds import AS_OF, actor

NAMES = {
    "kind": "prepose",
    "civility": "",
    "last_name": "Le Goff",
    "first_name": "Loïc",
    "country": "FR",
    "licence_country": "FR",
}


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


@pytest.fixture
def driver(world):
    return add_driver(world, "Dumas", "E1", phone="04 66 22 08 85")


def hold(world, driver):
    chosen = {"vehicle_id": add_vehicle(world), "driver_id": driver, "starts_at": ENTERED}
    return assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)


def test_the_list_shows_name_number_vehicle_and_file(browser, world, driver):
    hold(world, driver)
    add_driver(world, "Marin", licence_number="")
    page = text_of(browser.get("/conducteurs"))
    assert "2 conducteurs présents" in page
    for words in ("DUMAS Caroline E1 Préposé (salarié)", "AB-123-CD", "Prêt à être désigné", "Fiche incomplète"):
        assert words in page
    assert page.index("DUMAS") < page.index("MARIN")


def test_the_list_is_filtered_by_readiness(browser, world, driver):
    add_driver(world, "Marin", licence_number="")
    assert "DUMAS" not in browser.get("/conducteurs?fiche=incomplete").text
    assert "MARIN" not in browser.get("/conducteurs?fiche=prete").text


def test_an_empty_list_invites_to_import(browser):
    assert "Aucun conducteur pour l’instant." in browser.get("/conducteurs").text


def test_a_list_that_nothing_matches_offers_to_clear_the_filters(browser, driver):
    answer = browser.get("/conducteurs?q=zorro")
    assert "Aucun conducteur ne correspond à « zorro »." in text_of(answer)
    assert 'href="/conducteurs">Effacer la recherche' in answer.text
    assert "Aucun conducteur n’est parti." in browser.get("/conducteurs?etat=partis").text


def test_a_drivers_page_is_an_identity_card_with_the_vehicles(browser, world, driver):
    """C4.2: the natural persons to whom vehicles are attributed."""
    hold(world, driver)
    page = text_of(browser.get(f"/conducteurs/{driver}"))
    for words in ("Mme Caroline DUMAS", "matricule E1", "dim. 29 déc. 1974", "84104 Orange", "04 66 22 08 85"):
        assert words in page
    assert "Prêt à être désigné" in page
    assert "AB-123-CD" in page
    assert "En cours" in page


def test_a_drivers_page_says_what_is_missing(browser, world):
    found = add_driver(world, licence_number="", city="")
    page = text_of(browser.get(f"/conducteurs/{found}"))
    assert "Pour désigner ce conducteur, il manque : ville, numéro de permis." in page
    assert "Compléter la fiche" in page
    assert "Aucun véhicule ne lui a été attribué." in page


def test_an_unusual_licence_number_is_pointed_at(browser, world):
    found = add_driver(world, licence_number="75/1234")
    assert "Forme inhabituelle" in browser.get(f"/conducteurs/{found}").text


def test_an_erased_driver_keeps_the_periods_alone(browser, world, driver):
    hold(world, driver)
    store = key_store()
    store.destroy_keys(world.organisation_id, store.all_keys(world.organisation_id, KEY_PURPOSE))
    page = text_of(browser.get(f"/conducteurs/{driver}"))
    assert "Les données de ce conducteur ont été effacées." in page
    assert "AB-123-CD" in page
    assert "Données effacées" in browser.get("/vehicules").text
    assert browser.get(f"/conducteurs/{driver}/modifier").status_code == 404


def test_adding_a_driver_needs_only_the_names(browser):
    assert browser.get("/conducteurs/nouveau").status_code == 200
    answer = browser.post("/conducteurs/nouveau", data=NAMES, follow_redirects=True)
    page = text_of(answer)
    assert "Conducteur ajouté" in page
    assert "Loïc LE GOFF" in page
    assert "il manque" in page


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"last_name": " "}, "last_name", "Indiquez le nom."),
        ({"first_name": ""}, "first_name", "Indiquez le prénom."),
        ({"staff_number": "E1"}, "staff_number", "Un autre conducteur porte déjà ce matricule."),
        ({"birth_date": "2020-01-01"}, "birth_date", "Un conducteur a au moins 14 ans."),
        ({"birth_date": "31/12"}, "birth_date", "Indiquez une date"),
        ({"phone": "12"}, "phone", "«\u00a012\u00a0» n’est pas un numéro de téléphone."),
        ({"email": "loic@"}, "email", "«\u00a0loic@\u00a0» n’est pas une adresse e-mail."),
        ({"postcode": "123"}, "postcode", "Un code postal français comporte 5 chiffres."),
        ({"licence_number": "1"}, "licence_number", "Un numéro de permis comporte"),
        ({"licence_issued_on": "2027-01-01"}, "licence_issued_on", "Cette date de délivrance est dans le futur."),
        ({"country": "ZZ"}, "country", "N&#39;est pas un choix valide."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_form_stays_filled(browser, driver, changes, field, sentence):
    answer = browser.post("/conducteurs/nouveau", data={**NAMES, "city": "Brest", **changes})
    assert refused(answer, field, sentence)
    assert 'value="Brest"' in answer.text


def test_a_form_without_any_field_is_refused_and_nothing_breaks(browser, driver):
    for path in ("/conducteurs/nouveau", f"/conducteurs/{driver}/modifier", f"/conducteurs/{driver}/depart"):
        assert browser.post(path).status_code == 422


def test_changing_a_driver_starts_from_what_is_known(browser, driver):
    form = browser.get(f"/conducteurs/{driver}/modifier").text
    for value in ("E1", "Dumas", "1974-12-29", "269134022100", "+33466220885"):
        assert f'value="{value}"' in form
    data = {**NAMES, "staff_number": "E2"}
    page = text_of(browser.post(f"/conducteurs/{driver}/modifier", data=data, follow_redirects=True))
    assert "Fiche du conducteur enregistrée" in page
    assert "Loïc LE GOFF" in page
    assert "matricule E2" in page
    assert "Fiche modifiée par parc" in page


def test_a_departure_is_confirmed_on_a_page_that_lists_what_ends(browser, world, driver):
    hold(world, driver)
    page = text_of(browser.get(f"/conducteurs/{driver}/depart"))
    assert "prendront fin ses attributions" in page
    assert "AB-123-CD" in page
    answer = browser.post(f"/conducteurs/{driver}/depart", data={"on": "2026-03-03"}, follow_redirects=True)
    page = text_of(answer)
    assert "Départ du conducteur enregistré" in page
    assert "part le mar. 3 mars 2026" in page
    assert "mar. 3 mars 2026, 24:00" in page


def test_the_search_by_name_never_reaches_another_company(browser, other_world):
    add_driver(other_world, "Canari")
    assert "CANARI" not in browser.get("/conducteurs?q=canari").text
    assert "CANARI" not in browser.get("/vehicules?q=canari").text


def test_downloads_are_workbooks(browser, world, driver):
    """C7-a"""
    hold(world, driver)
    for path in ("/conducteurs/export.xlsx?q=dumas", f"/conducteurs/{driver}/attributions.xlsx"):
        assert browser.get(path).data.startswith(b"PK")


def test_an_address_abroad_names_the_country(browser, world):
    found = add_driver(world, country="BE", postcode="1000", city="Bruxelles")
    assert "Belgique" in browser.get(f"/conducteurs/{found}").text
