"""The pages of vehicles and assignments in a browser: with data, empty, filtered to nothing, and refused."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from eprunes.core.database import tenant_session
from eprunes.fleet import queries
from eprunes.fleet.models import Assignment, ExitReason
from eprunes.fleet.services import assignments, vehicles
from eprunes.fleet.wording import HOLDINGS
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.support.worlds import AS_OF, actor, make_world

DAY = timedelta(days=1)


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


@pytest.fixture
def vehicle(world):
    return add_vehicle(world, make="Renault", model="Trafic", site="Lyon")


@pytest.fixture
def held(world, vehicle):
    """The id of the assignment of the vehicle to Caroline Dumas, since 2 February 2026 at 8:00."""
    chosen = {"vehicle_id": vehicle, "driver_id": add_driver(world, staff_number="E1")}
    start = datetime(2026, 2, 2, 7, 0, tzinfo=UTC)
    return assignments.assign(actor=actor(world.fleet), **chosen, starts_at=start, as_of=AS_OF)


def rows(world, vehicle):
    with tenant_session(world.organisation_id) as session:
        query = queries.assignments_of(world.organisation_id, vehicle).order_by(Assignment.starts_at)
        return [(one.starts_at, one.ends_at) for one in session.scalars(query)]


def text_of(answer):
    """What the page says, without tags, spaces of every kind as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def form_of(browser, path):
    """The fields of a form as a browser would send them back."""
    page = browser.get(path).text.split('<form method="post" novalidate', 1)[1].split("</form>")[0]
    inputs = [tag for tag in re.findall(r"<input[^>]*>", page) if " name=" in tag]
    inputs = [tag for tag in inputs if 'type="checkbox"' not in tag or " checked" in tag]
    sent = {re.search(r'name="([^"]*)"', tag)[1]: (re.search(r'value="([^"]*)"', tag) or [0, ""])[1] for tag in inputs}
    for select, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        sent[select] = re.search(r'<option selected value="([^"]*)"', options)[1]
    return sent


def refused(answer, field, sentence):
    """True when the page says the sentence in its summary, linked to the field, and beside the field."""
    assert answer.status_code == 422
    assert f'<a href="#{field}">{sentence}' in answer.text
    assert f'id="{field}-error"' in answer.text
    control = re.search(rf'<[^>]* id="{field}"[^>]*>', answer.text)[0]
    assert 'aria-invalid="true"' in control
    return True


def test_the_list_shows_plate_model_driver_and_agency(browser, world, held):
    """C1-a: follow the vehicles."""
    page = text_of(browser.get("/vehicules"))
    assert "1 véhicule dans le parc" in page
    for word in ("AB-123-CD", "Renault Trafic", "DUMAS Caroline", "Lyon", "01/01/2025", "Pas encore connu de l’ANTAI"):
        assert word in page


def test_an_empty_fleet_invites_to_import(browser):
    page = text_of(browser.get("/vehicules"))
    assert "Votre parc est vide" in page
    assert "Importer un classeur Excel" in page


def test_a_list_that_nothing_matches_offers_to_clear_the_filters(browser, vehicle):
    answer = browser.get("/vehicules?q=introuvable&tri=site")
    assert "Aucun véhicule ne correspond à « introuvable »." in text_of(answer)
    assert 'href="/vehicules?tri=site">Effacer la recherche' in answer.text
    assert "Aucun véhicule n’est sorti du parc" in text_of(browser.get("/vehicules?etat=sortis"))


def test_filters_stay_in_the_addresses_of_the_list(browser, vehicle):
    page = browser.get("/vehicules?q=renault&site=Lyon").text
    assert "/vehicules?q=renault&amp;site=Lyon&amp;tri=modele" in page
    assert "/vehicules/export.xlsx?q=renault&amp;site=Lyon" in page


def test_a_vehicles_page_tells_holder_periods_agency_and_journal(browser, world, vehicle, held):
    boss, marin = actor(world.fleet), add_driver(world, "Marin")
    assignments.end_assignment(actor=boss, assignment_id=held, at=AS_OF + DAY, as_of=AS_OF)
    chosen = {"vehicle_id": vehicle, "driver_id": marin, "starts_at": AS_OF + DAY}
    assignments.assign(actor=boss, **chosen, as_of=AS_OF)
    page = text_of(browser.get(f"/vehicules/{vehicle}"))
    assert "Conducteur actuel DUMAS Caroline matricule E1" in page
    assert "Du lun. 2 févr. 2026, 08:00 au mer. 4 mars 2026, 10:00" in page
    assert page.index("MARIN Caroline") < page.index("À venir") < page.index("En cours")
    assert "Déclaré le la nuit prochaine" in page
    assert "Véhicule ajouté au parc par parc" in page
    assert "Fin d’attribution par parc DUMAS Caroline" in page


def test_a_vehicle_nobody_holds_says_so(browser, vehicle):
    page = text_of(browser.get(f"/vehicules/{vehicle}"))
    assert "Personne ne tient ce véhicule" in page
    assert "n’a jamais été attribué" in page


def test_a_departed_vehicle_offers_the_way_back_only(browser, world, vehicle, held):
    vehicles.leave_fleet(actor=actor(world.fleet), vehicle_id=vehicle, at=AS_OF, reason=ExitReason.OTHER, as_of=AS_OF)
    page = text_of(browser.get(f"/vehicules/{vehicle}"))
    assert "a quitté le parc le mar. 3 mars 2026, 10:00" in page
    assert "Remettre dans le parc" in page
    assert "Sortir du parc" not in page
    assert "Sorti le 03/03/2026" in text_of(browser.get("/vehicules?etat=sortis"))


def test_adding_a_vehicle_leads_to_its_page(browser):
    assert browser.get("/vehicules/nouveau").status_code == 200
    data = {"plate": "ab 123 cd", "country": "FR", "holding": "lld", "entered_at": "2026-03-01", "site": "Lyon"}
    answer = browser.post("/vehicules/nouveau", data=data, follow_redirects=True)
    assert "Véhicule ajouté" in answer.text
    assert "Dans le parc depuis le dim. 1 mars 2026, 00:00" in text_of(answer)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"plate": ""}, "plate", "Indiquez l’immatriculation."),
        ({"plate": "AB-000-CE"}, "plate", "Le numéro d’une plaque SIV va de 001 à 999."),
        ({"plate": "ab123cd"}, "plate", "Cette immatriculation est déjà dans votre parc."),
        ({"vin": "IOQ"}, "vin", "Un VIN comporte"),
        ({"entered_at": ""}, "entered_at", "Indiquez la date d’entrée dans le parc."),
        ({"entered_at": "hier"}, "entered_at", "Indiquez une date"),
        ({"entered_at_time": "25:00"}, "entered_at_time", "Indiquez une heure"),
        ({"entered_at": "2026-03-29", "entered_at_time": "02:30"}, "entered_at_time", "Le 29 mars 2026, 02:30"),
        ({"first_registered_on": "2027-01-01"}, "first_registered_on", "Cette date est dans le futur."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_form_stays_filled(browser, vehicle, changes, field, sentence):
    data = {"plate": "AB-124-CD", "country": "FR", "holding": "lld", "entered_at": "2026-03-01", "model": "Clio"}
    answer = browser.post("/vehicules/nouveau", data={**data, **changes})
    assert refused(answer, field, sentence)
    assert 'value="Clio"' in answer.text


def test_several_mistakes_are_said_at_once(browser):
    data = {"plate": "AB-000-CE", "country": "FR", "holding": "lld", "entered_at": "2026-03-01", "vin": "IOQ"}
    answer = browser.post("/vehicules/nouveau", data=data)
    assert refused(answer, "plate", "Le numéro")
    assert refused(answer, "vin", "Un VIN")


def test_a_form_without_any_field_is_refused_and_nothing_breaks(browser, vehicle, held):
    for path in ("/vehicules/nouveau", f"/vehicules/{vehicle}/modifier", f"/vehicules/{vehicle}/attribuer"):
        assert browser.post(path).status_code == 422
    for path in (f"/vehicules/{vehicle}/remise", f"/vehicules/{vehicle}/sortie", f"/attributions/{held}/fin"):
        assert browser.post(path).status_code == 422


def test_the_quota_is_said_on_the_form(app, signed_in):
    small = make_world(vehicles=0)
    data = {"plate": "AB-124-CD", "country": "FR", "holding": "lld", "entered_at": "2026-03-01"}
    answer = signed_in(small.fleet).post("/vehicules/nouveau", data=data)
    assert answer.status_code == 422
    assert "Votre bon de commande prévoit 0 véhicules" in text_of(answer)


def test_changing_a_vehicle_starts_from_what_is_known(browser, vehicle):
    form = browser.get(f"/vehicules/{vehicle}/modifier").text
    for value in ("AB-123-CD", "Trafic", "Lyon", "2025-01-01", "01:00"):
        assert f'value="{value}"' in form
    data = {"plate": "AB-124-CD", "country": "FR", "holding": "loa", "entered_at": "2025-01-01"}
    answer = browser.post(f"/vehicules/{vehicle}/modifier", data=data, follow_redirects=True)
    page = text_of(answer)
    assert "Fiche du véhicule enregistrée" in page
    assert "AB-124-CD" in page
    assert "Fiche modifiée par parc immatriculation" in page


def test_attributing_takes_a_few_letters_a_day_and_an_hour(browser, world, vehicle):
    add_driver(world, "Dumas", "E1")
    form = browser.get(f"/vehicules/{vehicle}/attribuer").text
    assert '<option value="DUMAS Caroline (E1)">' in form
    assert 'value="2026-03-03"' in form
    assert 'value="10:00"' in form
    data = {"driver": "dumas", "starts_at": "2026-03-02", "starts_at_time": "08:00", "ends_at": "2026-03-06"}
    answer = browser.post(f"/vehicules/{vehicle}/attribuer", data=data, follow_redirects=True)
    assert "Véhicule attribué" in answer.text
    assert "au ven. 6 mars 2026, 24:00" in text_of(answer)
    assert rows(world, vehicle) == [(datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 6, 23, tzinfo=UTC))]


def test_an_overlap_is_refused_on_the_page_by_name(browser, world, vehicle, held):
    add_driver(world, "Marin")
    data = {"driver": "marin", "starts_at": "2026-03-02"}
    answer = browser.post(f"/vehicules/{vehicle}/attribuer", data=data)
    sentence = "Ce véhicule est déjà attribué à DUMAS Caroline depuis le lun. 2 févr. 2026, 08:00."
    assert refused(answer, "starts_at", sentence)


def test_namesakes_are_offered_to_choose_from(browser, world, vehicle):
    first, second = (add_driver(world, "Martin", number) for number in ("E1", "E2"))
    path, data = f"/vehicules/{vehicle}/attribuer", {"driver": "martin", "starts_at": "2026-03-02"}
    answer = browser.post(path, data=data)
    assert refused(answer, "driver", "2 conducteurs correspondent")
    assert f'value="{first}"' in answer.text
    assert browser.post(path, data={**data, "driver_id": str(second)}).status_code == 302
    assert "matricule E2" in text_of(browser.get(f"/vehicules/{vehicle}"))


def test_handing_over_closes_one_and_opens_the_next(browser, world, vehicle, held):
    add_driver(world, "Marin")
    assert "DUMAS Caroline tient ce véhicule depuis" in text_of(browser.get(f"/vehicules/{vehicle}/remise"))
    data = {"driver": "marin", "at": "2026-03-03", "at_time": "09:30"}
    answer = browser.post(f"/vehicules/{vehicle}/remise", data=data, follow_redirects=True)
    assert "Conducteur actuel MARIN Caroline" in text_of(answer)
    at = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
    assert [end for _, end in rows(world, vehicle)] == [at, None]


def test_a_refused_hand_over_is_told_beside_its_date(browser, world, vehicle, held):
    add_driver(world, "Marin")
    answer = browser.post(f"/vehicules/{vehicle}/remise", data={"driver": "marin", "at": "2024-12-31"})
    assert refused(answer, "at", "Ce véhicule n’est entré dans le parc que le")


def test_an_assignment_is_ended_at_the_end_of_a_day(browser, world, vehicle, held):
    path = f"/attributions/{held}/fin"
    assert "DUMAS Caroline tient ce véhicule" in text_of(browser.get(path))
    assert refused(browser.post(path, data={"at": "2026-02-01"}), "at", "Cette attribution commence le")
    assert browser.post(path, data={"at": "2026-03-04"}).status_code == 302
    assert rows(world, vehicle)[0][1] == datetime(2026, 3, 4, 23, tzinfo=UTC)


def test_an_assignment_is_corrected_from_what_stands_there(browser, world, vehicle, held):
    path = f"/attributions/{held}/corriger"
    form = browser.get(path).text
    for value in ("DUMAS Caroline (E1)", "2026-02-02", "08:00"):
        assert f'value="{value}"' in form
    data = {"driver": "DUMAS Caroline (E1)", "starts_at": "2026-02-03"}
    assert refused(browser.post(path, data=data), "reason", "Indiquez le motif")
    assert refused(
        browser.post(path, data={**data, "reason": "rendu_par_erreur"}), "reason", "Choisissez dans la liste"
    )
    data["reason"] = "echange"
    page = text_of(browser.post(path, data=data, follow_redirects=True))
    assert "Attribution corrigée" in page
    assert "auparavant : DUMAS Caroline, depuis le lun. 2 févr. 2026, 08:00), motif : échange entre conducteurs" in page
    assert refused(browser.post(path, data={**data, "ends_at": "2026-02-01"}), "ends_at", "La fin doit être après")


def test_cancelling_an_assignment_is_confirmed_on_a_page_in_words(browser, world, vehicle, held):
    path = f"/attributions/{held}/annuler"
    page = text_of(browser.get(path))
    assert "L’attribution de ce véhicule à DUMAS Caroline , depuis le lun. 2 févr. 2026, 08:00" in page
    assert "Cela ne peut pas être défait" in page
    assert refused(browser.post(path), "reason", "Indiquez le motif")
    assert rows(world, vehicle) != []
    answer = browser.post(path, data={"reason": "erreur_de_saisie"}, follow_redirects=True)
    assert "motif : erreur de saisie" in text_of(answer)
    assert rows(world, vehicle) == []
    assert browser.post(path).status_code == 404


def test_leaving_the_fleet_is_confirmed_on_a_page_in_words(browser, vehicle, held):
    path = f"/vehicules/{vehicle}/sortie"
    page = text_of(browser.get(path))
    for words in (
        "l’attribution à DUMAS Caroline prendra fin",
        "la place du véhicule sera rendue",
        "retiré de l’ANTAI",
    ):
        assert words in page
    early = browser.post(path, data={"at": "2024-12-30", "reason": "vente"})
    assert refused(early, "at", "Ce véhicule est entré dans le parc le")
    assert refused(browser.post(path, data={"at": "2026-03-02", "reason": ""}), "reason", "Indiquez le motif")
    answer = browser.post(path, data={"at": "2026-03-02", "reason": "vente"}, follow_redirects=True)
    page = text_of(answer)
    assert "Sortie du parc enregistrée" in page
    assert "a quitté le parc le lun. 2 mars 2026, 24:00" in page
    assert "motif : vendu ou cédé" in page


def test_coming_back_is_confirmed_on_a_page_in_words(browser, world, vehicle):
    vehicles.leave_fleet(actor=actor(world.fleet), vehicle_id=vehicle, at=AS_OF, reason=ExitReason.OTHER, as_of=AS_OF)
    path, mistaken = f"/vehicules/{vehicle}/retour", {"way": "erreur"}
    page = text_of(browser.get(path))
    assert "Sorti du parc le mar. 3 mars 2026, 10:00 (autre motif)" in page
    assert "de nouveau une place de votre bon de commande" in page
    assert "de nouveau dans le parc" in browser.post(path, data=mistaken, follow_redirects=True).text
    answer = browser.post(path, data=mistaken)
    assert answer.status_code == 422
    assert "déjà dans le parc" in answer.text


def test_the_page_of_a_vehicle_that_left_still_takes_past_periods(browser, world, vehicle):
    vehicles.leave_fleet(actor=actor(world.fleet), vehicle_id=vehicle, at=AS_OF, reason=ExitReason.OTHER, as_of=AS_OF)
    add_driver(world, "Dumas")
    data = {"driver": "dumas", "starts_at": "2026-02-02", "ends_at": "2026-02-03"}
    assert browser.post(f"/vehicules/{vehicle}/attribuer", data=data).status_code == 302


def test_pages_of_another_organisation_are_not_there(browser, other_world):
    foreign, stranger = add_vehicle(other_world), add_driver(other_world)
    chosen = {"vehicle_id": foreign, "driver_id": stranger, "starts_at": ENTERED}
    assignment = assignments.assign(actor=actor(other_world.fleet), **chosen, as_of=AS_OF)
    pages = [f"/vehicules/{foreign}", f"/conducteurs/{stranger}", f"/conducteurs/{stranger}/attributions.xlsx"]
    pages += [f"/vehicules/{foreign}/{name}" for name in ("modifier", "sortie", "retour", "attribuer", "remise")]
    pages += [f"/attributions/{assignment}/{name}" for name in ("fin", "corriger", "annuler")]
    assert {path: browser.get(path).status_code for path in pages} == dict.fromkeys(pages, 404)


def test_downloads_are_workbooks(browser, vehicle, held):
    """C7-a"""
    for path in ("/vehicules/export.xlsx", "/parc/export.xlsx", f"/vehicules/{vehicle}/attributions.xlsx"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.data.startswith(b"PK")
        assert "attachment" in answer.headers["Content-Disposition"]


def test_nothing_that_cannot_be_seen_is_stored_from_the_form(browser, world):
    """PostgreSQL takes no NUL at all; a mark that turns the direction of reading disguises a text."""
    typed = {"plate": "AB-\u202e123-\x00CD", "country": "FR", "holding": "lld", "entered_at": "2026-03-01"}
    typed |= {"make": "Re\x00nault", "model": "\u202eoilC\u2066", "site": "Ly\x01on\u202e", "category": "V\x07P"}
    typed["vin"] = "VF1\x00AAAAAA12345678\u202c"
    answer = browser.post("/vehicules/nouveau", data=typed, follow_redirects=True)
    assert answer.status_code == 200
    with tenant_session(world.organisation_id) as session:
        [row] = session.scalars(queries.visible_vehicles(actor(world.fleet)))
    assert (row.plate, row.make, row.model, row.site, row.category) == ("AB-123-CD", "Renault", "oilC", "Lyon", "VP")
    assert row.vin == "VF1AAAAAA12345678"


def test_naming_a_driver_with_a_nul_breaks_nothing(browser, vehicle, world):
    add_driver(world)
    data = {"driver": "Du\x00mas\u202e", "driver_id": "\x00", "starts_at": "2026-03-01", "starts_at_time": "08:00"}
    page = text_of(browser.post(f"/vehicules/{vehicle}/attribuer", data=data, follow_redirects=True))
    assert "Véhicule attribué" in page


def test_a_second_tab_never_undoes_what_the_first_one_saved(browser, signed_in, world, vehicle):
    path = f"/vehicules/{vehicle}/modifier"
    mine, theirs = form_of(browser, path), form_of(browser, path)
    change = {"site": "Nantes", "holding": "lld", "first_registered_on": "2024-05-06"}
    assert signed_in(world.both).post(path, data=theirs | change).status_code == 302
    answer = browser.post(path, data=mine | {"model": "Master"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert '<a href="#fiche-actuelle">' in answer.text
    assert answer.text.count('id="fiche-actuelle"') == 1
    assert "Cette fiche a été modifiée entre-temps par deux : rechargez la page." in page
    for words in (
        "Site Nantes",
        "Modèle Trafic",
        f"Détention {HOLDINGS['lld']}",
        "Première mise en circulation 06/05/2024",
    ):
        assert words in page
    assert "Nantes" in browser.get(f"/vehicules/{vehicle}").text


def test_a_form_that_changes_nothing_is_no_conflict(browser, vehicle):
    path = f"/vehicules/{vehicle}/modifier"
    sent = form_of(browser, path)
    assert [browser.post(path, data=sent).status_code for _ in range(2)] == [302, 302]


@pytest.mark.parametrize(("demo", "word"), [(True, "dans la minute"), (False, "la nuit prochaine")])
def test_the_pages_say_when_a_vehicle_will_be_declared(browser, app, monkeypatch, demo, word):
    """A demo does not wait for the night."""
    monkeypatch.setitem(app.extensions, "eprunes_settings", replace(app.extensions["eprunes_settings"], demo=demo))
    data = {"plate": "AB-123-CD", "country": "FR", "holding": "lld", "entered_at": "2026-03-01"}
    page = text_of(browser.post("/vehicules/nouveau", data=data, follow_redirects=True))
    assert f"Il sera déclaré à l’ANTAI {word}." in page
    assert f"Déclaré le {word}" in page
    assert ("nuit" in text_of(browser.get("/antai"))) is not demo
