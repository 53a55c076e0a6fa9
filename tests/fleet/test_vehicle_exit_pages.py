"""The pages of a vehicle's fields, of its exit, and of the places of the order form."""

import re

import pytest

from eprunes.fleet.places import Places
from tests.fleet.fleets import add_vehicle
from tests.fleet.test_vehicle_pages import form_of, refused, text_of
from tests.support.worlds import make_world

SENT = {"plate": "AB-123-CD", "country": "FR", "holding": "lld", "entered_at": "2026-03-01"}
MORE = {
    "formula_number": "98 abc 75",
    "energy": "gazole",
    "co2_g_per_km": "152",
    "registered_to": "Banque des Loueurs",
    "lessor": "Locaparc",
    "cost_centre": "CC-12",
    "is_pool": "y",
}


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def test_what_the_form_takes_the_page_shows(browser):
    """C4.2"""
    page = text_of(browser.post("/vehicules/nouveau", data=SENT | MORE, follow_redirects=True))
    for words in (
        "N° de formule 98 abc 75 Forme inhabituelle",
        "Énergie Gazole",
        "CO₂ 152 g/km",
        "Titulaire du certificat Banque des Loueurs",
        "Loueur Locaparc",
        "Centre de coûts CC-12",
        "Usage Partagé (pool)",
    ):
        assert words in page


def test_what_the_page_shows_the_form_gives_back(browser):
    path = browser.post("/vehicules/nouveau", data=SENT | MORE).headers["Location"] + "/modifier"
    sent = form_of(browser, path)
    assert {name: sent[name] for name in MORE} == MORE
    page = text_of(browser.post(path, data=sent | {"co2_g_per_km": "0", "lessor": ""}, follow_redirects=True))
    assert "Fiche modifiée par parc CO₂, loueur" in page or "Fiche modifiée par parc loueur, CO₂" in page
    assert "CO₂ 0 g/km" in page
    assert "Loueur À préciser" in page


def test_an_owned_vehicle_is_asked_for_no_lessor(browser):
    page = text_of(browser.post("/vehicules/nouveau", data=SENT | {"holding": "propriete"}, follow_redirects=True))
    assert "À préciser" not in page
    assert "Forme inhabituelle" not in page


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"co2_g_per_km": "1501"}, "co2_g_per_km", "Indiquez de 0 à 1500"),
        ({"co2_g_per_km": "beaucoup"}, "co2_g_per_km", "Indiquez un nombre entier."),
        ({"co2_g_per_km": "9" * 30}, "co2_g_per_km", "Indiquez de 0 à 1500"),
        ({"lessor": "x" * 81}, "lessor", "80 caractères au plus."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(browser, changes, field, sentence):
    assert refused(browser.post("/vehicules/nouveau", data=SENT | changes), field, sentence)


def test_two_tabs_see_which_field_the_other_changed(browser, signed_in, world):
    path = f"/vehicules/{add_vehicle(world)}/modifier"
    mine, theirs = form_of(browser, path), form_of(browser, path)
    change = {"is_pool": "y", "co2_g_per_km": "0", "energy": "electricite"}
    assert signed_in(world.both).post(path, data=theirs | change).status_code == 302
    page = text_of(browser.post(path, data=mine | {"model": "Master"}))
    for words in ("Véhicule partagé (pool) Oui", "Émissions de CO₂ (g/km) 0", "Énergie Électricité"):
        assert words in page


def test_the_exit_says_which_papers_each_reason_asks_for(browser, world):
    page = text_of(browser.get(f"/vehicules/{add_vehicle(world)}/sortie"))
    for words in (
        "Vendu ou cédé : pièces à garder",
        "déclaration de cession et accusé d’enregistrement de la cession (SIV)",
        "Restitué au loueur : pièce à garder",
        "Volé : pièce à garder dans les documents du véhicule, récépissé du dépôt de plainte",
        "Détruit : pièce à garder dans les documents du véhicule, certificat de destruction",
    ):
        assert words in page
    assert "Autre motif : pièce" not in page


def test_a_departed_vehicle_says_why_and_what_is_still_to_be_kept(browser, world):
    vehicle = add_vehicle(world)
    left = {"at": "2026-03-02", "reason": "vente"}
    page = text_of(browser.post(f"/vehicules/{vehicle}/sortie", data=left, follow_redirects=True))
    assert "Sortie du parc Le lun. 2 mars 2026, 24:00 Motif Vendu ou cédé Déclaration de cession À joindre" in page
    assert "Accusé d’enregistrement de la cession (SIV) À joindre" in page


def test_a_planned_exit_is_moved_from_what_was_planned(browser, world):
    vehicle = add_vehicle(world)
    path, plan = f"/vehicules/{vehicle}/sortie", {"at": "2026-04-02", "at_time": "17:30", "reason": "restitution"}
    assert browser.post(path, data=plan).status_code == 302
    assert {name: form_of(browser, path)[name] for name in plan} == plan


def quota_shown(answer):
    found = re.search(r'<p class="places">(.*?)</p>', answer.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        (8, "8 véhicules sur 10 prévus au bon de commande"),
        (9, "9 véhicules sur 10 1 place encore libre au bon de commande."),
        (10, "10 véhicules sur 10 Plus aucune place"),
    ],
)
def test_the_places_of_the_order_form_are_told_before_they_run_out(app, signed_in, used, shown):
    """C4.1-a"""
    world = make_world(vehicles=10)
    for index in range(used):
        add_vehicle(world, f"AB-1{index:02}-CD")
    browser = signed_in(world.fleet)
    for path in ("/vehicules", "/vehicules/nouveau"):
        assert quota_shown(browser.get(path)).startswith(shown)
    answer = browser.post("/vehicules/nouveau", data=SENT | {"plate": "ZZ-123-ZZ"})
    assert answer.status_code == (422 if used == 10 else 302)


@pytest.mark.parametrize(
    ("used", "allowed", "nearly", "full", "left"),
    [(0, 10, False, False, 10), (89, 100, False, False, 11), (90, 100, True, False, 10), (100, 100, True, True, 0),
     (120, 100, True, True, 0), (0, 0, True, True, 0)],
)  # fmt: skip
def test_nine_places_in_ten_taken_is_nearly_full(used, allowed, nearly, full, left):
    """C4.1-b: a smaller order form may leave more vehicles than places."""
    places = Places(used, allowed)
    assert (places.is_nearly_full, places.is_full, places.left) == (nearly, full, left)
