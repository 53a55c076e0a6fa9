"""The pages of drivers in a browser: with data, empty, filtered to nothing, and refused."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.texts import folded
from eprunes.fleet import queries
from eprunes.fleet.driver_details import KEY_PURPOSE, seal_details
from eprunes.fleet.services import assignments, drivers
from eprunes.fleet.wording import countries
from tests.fleet.fleets import COMPLETE, ENTERED, add_driver, add_vehicle
from tests.fleet.test_vehicle_pages import form_of, refused, text_of
from tests.support.routes import MISSING
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


def test_the_list_says_what_each_file_lacks_and_filters_by_it_in_its_address(browser, world, driver):
    add_driver(world, "Marin", licence_number="", birth_date=None)
    page = text_of(browser.get("/conducteurs"))
    assert page.count("Manque : ") == 1
    assert "Manque : date de naissance, numéro de permis" in page
    incomplete = browser.get("/conducteurs?fiche=incomplete")
    assert '<a href="/conducteurs?fiche=incomplete" aria-current="page">Fiches incomplètes' in incomplete.text
    assert '<a href="/conducteurs?fiche=prete">Prêts à être désignés' in incomplete.text


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
    found = add_driver(world, licence_number="", address_line="", postcode="", city="")
    page = text_of(browser.get(f"/conducteurs/{found}"))
    assert "Pour désigner ce conducteur, il manque : adresse, code postal, ville, numéro de permis." in page
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


@pytest.mark.parametrize(("issued", "is_doubtful"), [("2006-04-30", True), ("2006-05-01", False)])
def test_a_licence_from_before_the_sixteenth_birthday_is_kept_and_pointed_out(browser, issued, is_doubtful):
    sent = NAMES | {"birth_date": "1990-05-01", "licence_issued_on": issued}
    answer = browser.post("/conducteurs/nouveau", data=sent, follow_redirects=True)
    sentence = "Ce permis aurait été délivré avant ses 16 ans"
    assert text_of(answer).count(sentence) == 2 * is_doubtful, "when it is saved, and on the page for good"
    again = browser.get(answer.request.path)
    assert text_of(again).count(sentence) == is_doubtful
    changed = browser.post(f"{answer.request.path}/modifier", data=sent, follow_redirects=True)
    assert text_of(changed).count(sentence) == 2 * is_doubtful


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"last_name": " "}, "last_name", "Indiquez le nom."),
        ({"first_name": ""}, "first_name", "Indiquez le prénom."),
        ({"staff_number": "E1"}, "staff_number", "Un autre conducteur porte déjà ce matricule."),
        ({"staff_number": " e1"}, "staff_number", "Un autre conducteur porte déjà ce matricule."),
        ({"first_name": "😀 123"}, "first_name", "«\u00a0😀 123\u00a0» n’est pas un nom"),
        ({"last_name": "\u202e\x00"}, "last_name", "Indiquez le nom."),
        ({"city": "", "address_locality": "Le Bourg"}, "city", "Indiquez la ville de cette adresse."),
        ({"birth_date": "2020-01-01"}, "birth_date", "Un conducteur a au moins 16 ans."),
        ({"birth_date": "31/12"}, "birth_date", "Indiquez une date"),
        ({"phone": "12"}, "phone", "«\u00a012\u00a0» n’est pas un numéro de téléphone."),
        ({"email": "loic@"}, "email", "«\u00a0loic@\u00a0» n’est pas une adresse e-mail."),
        ({"postcode": "123"}, "postcode", "Un code postal français comporte 5 chiffres."),
        ({"licence_number": "1"}, "licence_number", "Un numéro de permis comporte"),
        ({"licence_issued_on": "2027-01-01"}, "licence_issued_on", "Cette date de délivrance est dans le futur."),
        ({"birth_date": "1990-05-01", "licence_issued_on": "1990-04-30"}, "licence_issued_on", "Ce permis aurait été"),
        ({"country": "ZZ"}, "country", "Choisissez dans la liste."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_form_stays_filled(browser, driver, changes, field, sentence):
    answer = browser.post("/conducteurs/nouveau", data={**NAMES, "city": "Brest", **changes})
    assert refused(answer, field, sentence)
    assert f'value="{changes.get("city", "Brest")}"' in answer.text


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


def test_an_address_is_typed_shown_and_exported_in_its_parts(browser, world):
    """C4.2, C7-a"""
    parts = {"address_inside": "Étage 2", "address_complement": "Bât. C", "address_line": "3 rue Haute"}
    sent = NAMES | parts | {"address_locality": "Le Bourg", "postcode": "97400", "city": "Saint-Denis"}
    answer = browser.post("/conducteurs/nouveau", data=sent, follow_redirects=True)
    assert "Étage 2 Bât. C 3 rue Haute Le Bourg 97400 Saint-Denis" in text_of(answer)
    sheet = load_workbook(BytesIO(browser.get("/conducteurs/export.xlsx").data)).active
    headings, values = sheet.iter_rows(values_only=True)
    row = dict(zip(headings, values, strict=True))
    assert (row["Appartement, étage"], row["Lieu-dit, boîte postale"]) == ("Étage 2", "Le Bourg")


def test_an_address_abroad_names_the_country(browser, world):
    found = add_driver(world, country="BE", postcode="1000", city="Bruxelles")
    assert "BELGIQUE" in browser.get(f"/conducteurs/{found}").text


def test_nothing_that_cannot_be_seen_is_stored_from_the_form(browser):
    """PostgreSQL takes no NUL at all; a mark that turns the direction of reading disguises a name."""
    typed = {"last_name": "Le\u202e Goff\x00", "staff_number": "E\x009\u2066", "city": "Br\x01est", "country": "FR"}
    answer = browser.post("/conducteurs/nouveau", data={**NAMES, **typed}, follow_redirects=True)
    assert answer.status_code == 200
    form = browser.get(f"{answer.request.path}/modifier").text
    for value in ("Le Goff", "E9", "Brest"):
        assert f'value="{value}"' in form


@pytest.mark.parametrize("path", ["/vehicules", "/conducteurs", "/vehicules/export.xlsx", "/conducteurs/export.xlsx"])
def test_a_search_with_a_nul_is_a_search_like_another(browser, driver, path):
    for asked in ("q", "site", "tri", "page", "etat"):
        assert browser.get(path, query_string={asked: "a\x00\u202e"}).status_code == 200


def test_a_second_tab_never_undoes_what_the_first_one_saved(browser, signed_in, world, driver):
    path = f"/conducteurs/{driver}/modifier"
    mine, theirs = form_of(browser, path), form_of(browser, path)
    assert signed_in(world.both).post(path, data=theirs | {"city": "Avignon"}).status_code == 302
    answer = browser.post(path, data=mine | {"phone": "04 66 22 08 86"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert "Cette fiche a été modifiée entre-temps par deux : rechargez la page." in page
    assert "Ce qui est enregistré maintenant" in page
    assert "Ville Avignon" in page
    assert "Téléphone +33466220885" in page
    assert "Lieu de naissance (vide)" not in page, "what is the same is not repeated"
    assert browser.post(path, data=mine | {"phone": "04 66 22 08 86"}).status_code == 422, "nor by insisting"
    assert 'value="Avignon"' in browser.get(path).text


def test_a_form_saved_twice_the_same_is_no_conflict(browser, driver):
    path = f"/conducteurs/{driver}/modifier"
    sent = form_of(browser, path)
    assert browser.post(path, data=sent).status_code == 302
    assert browser.post(path, data=sent).status_code == 302


def test_what_changed_without_a_name_in_the_journal_names_nobody(browser, driver, world):
    path = f"/conducteurs/{driver}/modifier"
    sent = form_of(browser, path)
    details = replace(COMPLETE, phone="+33466220885", city="Nîmes")
    with tenant_session(world.organisation_id, write=True) as session:
        row = queries.find_driver(session, actor(world.fleet), driver)
        key = key_store().keys(world.organisation_id, [row.key_id])[row.key_id]
        row.box = seal_details(key, world.organisation_id, driver, details)
    answer = browser.post(path, data=sent | {"seen": sent["seen"].replace("2026-03-03T09", "2026-03-03T10")})
    assert "Cette fiche a été modifiée entre-temps\u00a0: rechargez la page." in answer.text


@pytest.mark.parametrize(("left_on", "is_refused"), [("1950-01-01", True), ("1996-04-30", True), ("1996-05-01", False)])
def test_nobody_leaves_before_having_been_old_enough_to_drive(browser, left_on, is_refused):
    sent = NAMES | {"birth_date": "1980-05-01", "left_on": left_on}
    answer = browser.post("/conducteurs/nouveau", data=sent)
    if is_refused:
        assert refused(answer, "left_on", "Ce départ aurait eu lieu avant ses 16 ans")
    else:
        assert answer.status_code == 302


@pytest.mark.parametrize(("on", "is_refused"), [("1990-12-28", True), ("1990-12-29", False)])
def test_a_departure_before_one_may_drive_is_refused(browser, driver, on, is_refused):
    answer = browser.post(f"/conducteurs/{driver}/depart", data={"on": on})
    assert answer.status_code == (422 if is_refused else 302)
    assert ("Ce départ aurait eu lieu avant ses 16 ans" in answer.text) is is_refused


def test_a_long_search_is_echoed_in_part(browser, driver):
    for path, kept in (("/conducteurs", 60), ("/vehicules", 60), (f"/conducteurs/{driver}/attribuer", 60)):
        for length in (kept, kept + 1):
            page = browser.get(path, query_string={"q": "z" * length}).text
            assert (f"«\u00a0{'z' * 60}\u00a0»" in page) is (length == kept), path
            assert (f"«\u00a0{'z' * 59}…\u00a0»" in page) is (length != kept), path


def test_a_vehicle_is_given_from_the_drivers_page(browser, world, driver):
    """Found by a piece of its plate, or among those that are free; then as from the vehicle's page."""
    free, held = add_vehicle(world, "AB-123-CD"), add_vehicle(world, "EF-456-GH")
    other = add_driver(world, "Marin", "E2")
    chosen = {"vehicle_id": held, "driver_id": other, "starts_at": AS_OF, "as_of": AS_OF}
    assignments.assign(actor=actor(world.fleet), **chosen)
    path = f"/conducteurs/{driver}/attribuer"
    assert f'href="{path}"' in browser.get(f"/conducteurs/{driver}").text
    page = browser.get(path).text
    assert f'href="/vehicules/{free}/attribuer?conducteur={driver}"' in page
    assert "EF-456-GH" not in page
    page = browser.get(path, query_string={"q": "456"}).text
    assert f'href="/vehicules/{held}/remise?conducteur={driver}"' in page
    assert "MARIN" in page
    assert "AB-123-CD" not in page
    assert "Aucun véhicule ne correspond" in browser.get(path, query_string={"q": "789"}).text
    for form in (f"/vehicules/{free}/attribuer", f"/vehicules/{held}/remise"):
        for named, proposed in ((driver, "DUMAS Caroline (E1)"), ("x", ""), (MISSING, "")):
            assert form_of(browser, f"{form}?conducteur={named}")["driver"] == proposed


def test_who_has_left_or_is_somebody_elses_is_given_nothing(browser, world, other_world, driver):
    assert browser.get(f"/conducteurs/{add_driver(other_world)}/attribuer").status_code == 404
    drivers.driver_left(actor=actor(world.fleet), driver_id=driver, on=AS_OF.date(), as_of=AS_OF)
    path = f"/conducteurs/{driver}/attribuer"
    assert path in browser.get(f"/conducteurs/{driver}").text, "until this evening"
    day_before = AS_OF.date() - timedelta(days=1)
    drivers.driver_left(actor=actor(world.fleet), driver_id=driver, on=day_before, as_of=AS_OF)
    assert path not in browser.get(f"/conducteurs/{driver}").text


def test_countries_stand_in_the_order_of_their_names():
    labels = [label for _, label in countries()]
    assert labels[0] == "France"
    assert labels[1:] == sorted(labels[1:], key=folded)
    assert labels.index("Honduras") + 1 == labels.index("Hong Kong") == labels.index("Hongrie") - 1
