"""The pages of shared vehicles: two taps to take one, one to give it back."""

import re
from datetime import timedelta

import pytest

from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.services import assignments
from tests.fleet.fleets import add_driver, add_vehicle
from tests.fleet.test_pool import DAY, HOUR, MINUTE, Desk
from tests.fleet.test_vehicle_pages import refused
from tests.support.fleet import change_vehicle
from tests.support.worlds import AS_OF, actor

LIST = "/vehicules-partages"


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).replace("\u00a0", " ").split())


@pytest.fixture
def desk(world, frozen):
    return Desk(world)


@pytest.fixture
def browser(desk, signed_in):
    return signed_in(desk.world.fleet)


def taking(desk) -> str:
    return f"{LIST}/{desk.vehicle}/prendre"


def test_two_taps_take_a_vehicle_and_one_gives_it_back(browser, desk, frozen):
    """C4.2."""
    assert f'href="{taking(desk)}"' in browser.get(LIST).text
    assert f'value="{desk.dumas}"' in browser.get(taking(desk)).text
    page = text_of(browser.post(taking(desk), data={"driver_id": desk.dumas}, follow_redirects=True))
    assert "AB-123-CD est pris" in page
    assert "Pris DUMAS Caroline Depuis le mar. 3 mars 2026, 10:00" in page
    assert desk.periods() == [(desk.dumas, AS_OF, None)]

    frozen.move_to(AS_OF + 10 * MINUTE)
    [row] = desk.rows()
    back = f"/attributions/{row.id}/rendre"
    answer = browser.post(back, follow_redirects=True)
    assert "AB-123-CD est rendu" in text_of(answer)
    assert f'action="/attributions/{row.id}/reprendre"' in answer.text
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + 10 * MINUTE)]
    again = browser.post(back)
    assert again.status_code == 422
    assert "déjà été rendu" in text_of(again)


def test_a_return_is_undone_from_its_message_as_long_as_that_holds(browser, desk, frozen):
    taken = desk.take(desk.dumas, AS_OF - HOUR)
    desk.give_back(taken, AS_OF - 30 * MINUTE)
    shown = f"{LIST}?rendu={taken}"
    frozen.move_to(AS_OF + MINUTE)
    assert "Annuler le retour" not in browser.get(shown).text
    frozen.move_to(AS_OF)
    assert "Annuler le retour" in browser.get(shown).text
    page = text_of(browser.post(f"/attributions/{taken}/reprendre", follow_redirects=True))
    assert "Retour annulé" in page
    assert desk.periods() == [(desk.dumas, AS_OF - HOUR, None)]
    assert "Annuler le retour" not in browser.get(shown).text


def test_an_undo_is_not_offered_once_somebody_took_the_vehicle(browser, desk):
    taken = desk.take(desk.dumas, AS_OF - HOUR)
    desk.give_back(taken, AS_OF - MINUTE)
    desk.take(desk.marin, AS_OF - MINUTE)
    assert "Annuler le retour" not in browser.get(f"{LIST}?rendu={taken}").text
    answer = browser.post(f"/attributions/{taken}/reprendre")
    assert answer.status_code == 422
    assert "déjà attribué à MARIN Daniel" in text_of(answer)


@pytest.mark.parametrize("given_back", ["", "rien", "00000000-0000-7000-8000-000000000000"])
def test_a_return_that_nobody_made_is_not_offered_for_undoing(browser, given_back):
    answer = browser.get(f"{LIST}?rendu={given_back}")
    assert answer.status_code == 200
    assert "Annuler le retour" not in answer.text


def test_only_shared_vehicles_of_the_fleet_are_listed(browser, desk):
    add_vehicle(desk.world, "BC-234-DE")
    gone, coming = desk.shared("CD-345-EF"), desk.shared("DE-456-FG")
    change_vehicle(desk.organisation_id, gone, left_at=AS_OF)
    change_vehicle(desk.organisation_id, coming, entered_at=AS_OF + MINUTE)
    page = browser.get(LIST).text
    assert [plate in page for plate in ("AB-123-CD", "BC-234-DE", "CD-345-EF", "DE-456-FG")] == [True] + [False] * 3
    change_vehicle(desk.organisation_id, gone, left_at=AS_OF + MINUTE)
    change_vehicle(desk.organisation_id, coming, entered_at=AS_OF)
    page = browser.get(LIST).text
    assert "CD-345-EF" in page
    assert "DE-456-FG" in page


def test_whoever_comes_second_reads_who_was_first(browser, desk):
    desk.take(desk.marin, AS_OF - 108 * MINUTE)
    answer = browser.post(taking(desk), data={"driver_id": desk.dumas})
    assert answer.status_code == 422
    assert "déjà attribué à MARIN Daniel depuis le mar. 3 mars 2026, 08:12" in text_of(answer)


@pytest.mark.parametrize("typed", ["", "personne", "00000000-0000-7000-8000-000000000000"])
def test_a_name_has_to_be_chosen(browser, desk, typed):
    answer = browser.post(taking(desk), data={"driver_id": typed})
    assert answer.status_code == 422
    assert "Choisissez un conducteur" in text_of(answer)
    assert desk.periods() == []


def test_the_last_users_come_first_and_others_are_found_by_name(browser, desk):
    desk.give_back(desk.take(desk.marin, AS_OF - 2 * DAY), AS_OF - DAY)
    page = browser.get(taking(desk)).text
    assert page.index("MARIN Daniel") < page.index("DUMAS Caroline")
    found = browser.get(taking(desk), query_string={"q": "caro"}).text
    assert "DUMAS Caroline" in found
    assert "MARIN Daniel" not in found
    assert "Aucun conducteur ne correspond à « Zz »" in text_of(browser.get(taking(desk), query_string={"q": "Zz"}))


def test_twenty_names_are_offered_and_the_others_by_search(browser, desk):
    for index in range(18):
        add_driver(desk.world, f"Nom{index:02}")
    assert "D’autres conducteurs existent" not in browser.get(taking(desk)).text
    add_driver(desk.world, "Zola")
    page = browser.get(taking(desk)).text
    assert "D’autres conducteurs existent" in page
    assert "ZOLA" not in page
    assert "ZOLA" in browser.get(taking(desk), query_string={"q": "zola"}).text


def test_an_expected_return_is_an_hour_of_today_unless_a_day_is_given(browser, desk):
    late = browser.post(taking(desk), data={"driver_id": desk.dumas, "until_time": "10:00"})
    assert late.status_code == 422
    assert "Le retour prévu doit être à venir" in text_of(late)
    browser.post(taking(desk), data={"driver_id": desk.dumas, "until_time": "10:01"})
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + MINUTE)]


def test_a_driver_with_two_vehicles_at_once_is_said_when_one_is_taken(browser, desk):
    other = desk.shared("BC-234-DE")
    assert "tient aussi" not in text_of(
        browser.post(taking(desk), data={"driver_id": desk.dumas}, follow_redirects=True)
    )
    answer = browser.post(f"{LIST}/{other}/prendre", data={"driver_id": desk.dumas}, follow_redirects=True)
    sentence = "DUMAS Caroline tient aussi, pendant cette période : AB-123-CD depuis le mar. 3 mars 2026, 10:00."
    assert sentence in text_of(answer)


def test_to_whom_a_vehicle_is_promised_within_a_week_is_shown(browser, desk):
    planned = desk.assign(desk.marin, AS_OF + 7 * DAY)
    assert "Réservé à MARIN Daniel à partir du mar. 10 mars 2026, 10:00" in text_of(browser.get(LIST))
    why = {"reason": ChangeReason.OTHER, "as_of": AS_OF}
    assignments.cancel_assignment(actor=desk.actor, assignment_id=planned, **why)
    desk.assign(desk.marin, AS_OF + 7 * DAY + MINUTE)
    assert "Réservé à" not in text_of(browser.get(LIST))


def test_a_planned_user_has_not_taken_it_yet_and_the_others_may_until_then(browser, desk):
    planned = desk.assign(desk.marin, AS_OF + 30 * DAY)
    page = text_of(browser.get(taking(desk)))
    told = "Réservé à MARIN Daniel à partir du jeu. 2 avr. 2026, 11:00 : il peut être pris jusque-là."
    assert told in page
    assert "l’a déjà pris" not in page
    answer = browser.post(taking(desk), data={"driver_id": desk.dumas, "until": "2026-04-03"})
    assert refused(answer, "until", "Ce véhicule est déjà attribué à MARIN Daniel à partir du jeu. 2 avr. 2026, 11:00")
    why = {"reason": ChangeReason.OTHER, "as_of": AS_OF}
    assignments.cancel_assignment(actor=desk.actor, assignment_id=planned, **why)
    desk.assign(desk.marin, AS_OF)
    page = text_of(browser.get(taking(desk)))
    assert "MARIN Daniel a ce véhicule depuis le mar. 3 mars 2026, 10:00." in page
    assert "l’a déjà pris" in page
    assert "Réservé à" not in page


@pytest.mark.parametrize(("ahead", "is_shown"), [(7 * DAY, True), (7 * DAY + MINUTE, False)])
def test_an_end_that_is_far_away_is_no_expected_return(browser, desk, ahead, is_shown):
    desk.take(desk.dumas, AS_OF, until=AS_OF + ahead)
    page = text_of(browser.get(LIST))
    assert "Pris DUMAS Caroline Depuis le mar. 3 mars 2026, 10:00" in page
    assert ("jusqu’au mar. 10 mars 2026, 10:00 au plus tard" in page) is is_shown
    assert ("jusqu’au" in page) is is_shown


def test_given_back_at_once_is_said_to_be_as_if_never_taken(browser, desk, frozen):
    taken = desk.take(desk.dumas)
    frozen.move_to(AS_OF + timedelta(seconds=59))
    answer = browser.post(f"/attributions/{taken}/rendre", follow_redirects=True)
    page = text_of(answer)
    assert "Rendu dans la minute : le véhicule est libre, comme s’il n’avait pas été pris." in page
    assert "Annuler le retour" not in page
    assert "rendu aussitôt pris" in text_of(browser.get(f"/vehicules/{desk.vehicle}"))


def test_a_fleet_without_shared_vehicles_says_how_to_have_one(world, signed_in):
    assert "Aucun véhicule partagé" in signed_in(world.fleet).get(LIST).text


@pytest.mark.parametrize(("apart", "warned"), [(timedelta(0), False), (MINUTE, True)])
def test_two_vehicles_at_once_are_admitted_with_a_warning(browser, desk, apart, warned):
    """On both sides of the instant at which one ends and the other begins."""
    desk.assign(desk.dumas, AS_OF - DAY, AS_OF + apart)
    other = add_vehicle(desk.world, "BC-234-DE")
    data = {"driver": "dumas", "starts_at": "2026-03-03", "starts_at_time": "10:00"}
    answer = browser.post(f"/vehicules/{other}/attribuer", data=data, follow_redirects=True)
    assert "Véhicule attribué" in answer.text
    assert ("DUMAS Caroline tient aussi" in text_of(answer)) is warned


def test_a_correction_keeps_the_seconds_that_no_form_shows(browser, desk):
    """A use on a telephone begins at a second: correcting its driver alone moves nothing."""
    start, end = AS_OF - DAY + timedelta(seconds=34), AS_OF - HOUR + timedelta(seconds=12)
    found = desk.assign(desk.dumas, start, end)
    shown = {"starts_at": "2026-03-02", "starts_at_time": "10:00", "ends_at": "2026-03-03", "ends_at_time": "09:00"}
    data = {"driver": "marin", "reason": "echange", **shown}
    assert browser.post(f"/attributions/{found}/corriger", data=data).status_code == 302
    assert desk.periods() == [(desk.marin, start, end)]
    assert browser.post(f"/attributions/{found}/corriger", data=data | {"ends_at_time": "08:59"}).status_code == 302
    assert desk.periods() == [(desk.marin, start, AS_OF - HOUR - MINUTE)]


def test_where_a_period_comes_from_stands_beside_it(browser, desk):
    desk.give_back(desk.take(desk.dumas, AS_OF - DAY), AS_OF - HOUR)
    assert "Terminée Téléphone" in text_of(browser.get(f"/vehicules/{desk.vehicle}"))
    desk.assign(desk.marin, AS_OF)
    assert "En cours Saisie" in text_of(browser.get(f"/vehicules/{desk.vehicle}"))


def test_a_shared_vehicle_is_taken_and_given_back_from_its_own_page(browser, desk, signed_in):
    page = f"/vehicules/{desk.vehicle}"
    assert f'href="{taking(desk)}"' in browser.get(page).text
    taken = desk.take(desk.dumas, AS_OF - HOUR)
    shown = browser.get(page).text
    assert f'action="/attributions/{taken}/rendre"' in shown
    assert taking(desk) not in shown
    assert browser.post(f"/attributions/{taken}/rendre").status_code == 302


def test_a_vehicle_of_its_own_is_neither_taken_nor_given_back(browser, desk):
    other = add_vehicle(desk.world, "AB-999-CD")
    later = add_vehicle(desk.world, "AB-998-CD", is_pool=True, entered_at=AS_OF + DAY)
    for vehicle in (other, later):
        assert f"{LIST}/{vehicle}/prendre" not in browser.get(f"/vehicules/{vehicle}").text
    start = {"driver_id": desk.dumas, "starts_at": AS_OF - HOUR, "as_of": AS_OF}
    held = assignments.assign(actor=actor(desk.world.fleet), vehicle_id=other, **start)
    assert f"/attributions/{held}/rendre" not in browser.get(f"/vehicules/{other}").text


def test_where_a_period_comes_from_stands_on_the_drivers_page_too(browser, desk):
    desk.take(desk.dumas, AS_OF - HOUR)
    assert "En cours Téléphone" in text_of(browser.get(f"/conducteurs/{desk.dumas}"))
