"""Due dates of vehicles and drivers: typed and computed, on their pages, in the whole fleet, at home and by mail."""

import io
import re
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import Identity, OrderForm, Organisation, OrganisationState, User, UserState
from eprunes.accounts.services import clients
from eprunes.core import audit
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet.due_date_jobs import compute_due_dates, send_digests
from eprunes.fleet.models import DocumentKind, DueDate, DueKind, ExitReason, Vehicle
from eprunes.fleet.services import documents, drivers, due_dates
from tests.fleet.fleets import add_driver, add_vehicle
from tests.support import letters
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
TODAY = AS_OF.date()
MONDAY = datetime(2026, 3, 9, 11, 0, tzinfo=UTC)


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def add_due(world, due_on=TODAY, kind=DueKind.INSURANCE, **subject):
    return due_dates.add_due_date(actor=actor(world.fleet), kind=kind, due_on=due_on, **subject, as_of=AS_OF)


def rows(world, **wanted):
    with tenant_session(world.organisation_id) as session:
        query = select(DueDate).where(DueDate.organisation_id == world.organisation_id).filter_by(**wanted)
        return session.scalars(query.order_by(DueDate.due_on, DueDate.id)).all()


def shown(world, **wanted):
    """(day, done on, computed) of each due date."""
    return [(row.due_on, row.done_on, row.is_computed) for row in rows(world, **wanted)]


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def trace_of(world, action):
    with tenant_session(world.organisation_id) as session:
        entries = select(audit.AuditEntry).where(audit.AuditEntry.organisation_id == world.organisation_id)
        return session.scalars(entries.where(audit.AuditEntry.action == action)).all()


def test_a_due_date_is_added_done_and_the_next_one_proposed(browser, world):
    """C4.2: what the fleet tool holds."""
    vehicle = add_vehicle(world)
    tab = f"/vehicules/{vehicle}/echeances"
    sent = browser.post(f"{tab}/nouvelle", data={"kind": "assurance", "due_on": "2026-03-20"})
    assert sent.headers["Location"] == tab
    assert "Dans 17 jours" in text_of(browser.get(tab))
    [due] = rows(world)
    form = browser.get(f"/echeances/{due.id}/fait").text
    assert 'value="2027-03-20"' in form
    assert "AB-123-CD" in form
    browser.post(f"/echeances/{due.id}/fait", data={"done_on": "2026-03-03", "next_on": "2027-03-20"})
    assert shown(world) == [(date(2026, 3, 20), TODAY, False), (date(2027, 3, 20), None, False)]
    page = text_of(browser.get(tab))
    assert "Faites" in page
    journal = text_of(browser.get(f"/vehicules/{vehicle}"))
    assert "Échéance faite par" in journal
    assert "Assurance, pour le 20/03/2026, fait le 03/03/2026" in journal


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"kind": "assurance", "due_on": ""}, "Indiquez la date de l’échéance."),
        ({"kind": "assurance", "due_on": "1899-01-01"}, "Indiquez une année entre"),
        ({"kind": "autre", "due_on": "2026-03-20"}, "Dites de quoi il s’agit."),
        ({"kind": "autre", "label": "x" * 81, "due_on": "2026-03-20"}, "80 caractères au plus."),
        ({"kind": "verification_permis", "due_on": "2026-03-20"}, "liste"),
        ({"kind": "preuve_de_sortie", "due_on": "2026-03-20"}, "liste"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_added(browser, world, typed, sentence):
    answer = browser.post(f"/vehicules/{add_vehicle(world)}/echeances/nouvelle", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert rows(world) == []


def test_the_form_of_a_new_due_date_says_whose_it_is(browser, world):
    for path, whose in (
        (f"/vehicules/{add_vehicle(world)}", "AB-123-CD"),
        (f"/conducteurs/{add_driver(world)}", "DUMAS"),
    ):
        assert whose in browser.get(f"{path}/echeances/nouvelle").text
        assert whose in browser.post(f"{path}/echeances/nouvelle", data={}).text


def test_a_service_takes_only_the_kinds_of_its_subject(world):
    with pytest.raises(Refused):
        add_due(world, kind=DueKind.LICENCE_CHECK, vehicle_id=add_vehicle(world))
    with pytest.raises(Refused):
        add_due(world, kind=DueKind.INSURANCE, driver_id=add_driver(world))


def test_done_in_the_future_or_twice_is_refused(browser, world):
    due = add_due(world, vehicle_id=add_vehicle(world))
    late = browser.post(f"/echeances/{due}/fait", data={"done_on": "2026-03-04"})
    assert late.status_code == 422
    assert "Cette date est dans le futur." in late.text
    backwards = browser.post(f"/echeances/{due}/fait", data={"done_on": "2026-03-03", "next_on": "2026-03-03"})
    assert "La suivante doit venir après." in backwards.text
    assert shown(world) == [(TODAY, None, False)]
    assert browser.post(f"/echeances/{due}/fait", data={"done_on": "2026-03-03"}).status_code == 302
    again = browser.post(f"/echeances/{due}/fait", data={"done_on": "2026-03-02"})
    assert "Cette échéance est déjà faite" in again.text


def test_a_due_date_is_changed_and_removed_with_its_trace(browser, world):
    due = add_due(world, driver_id=add_driver(world), kind=DueKind.LICENCE_CHECK)
    browser.post(f"/echeances/{due}/modifier", data={"label": "Permis C", "due_on": "2026-04-01"})
    [row] = rows(world)
    assert (row.label, row.due_on) == ("Permis C", date(2026, 4, 1))
    [changed] = trace_of(world, "echeance.modifiee")
    assert changed.details == {
        "echeance": "verification_permis",
        "pour_le": "2026-04-01",
        "avant": {"pour_le": "2026-03-03"},
    }
    page = browser.get(f"/echeances/{due}/supprimer").text
    assert "Cela ne peut pas être défait" in page
    assert "DUMAS Caroline" in page
    browser.post(f"/echeances/{due}/supprimer")
    assert rows(world) == []
    assert len(trace_of(world, "echeance.supprimee")) == 1
    assert browser.get(f"/echeances/{due}/supprimer").status_code == 404


def computed_by_job(world, as_of=AS_OF):
    return dict(compute_due_dates(as_of))


def test_a_due_date_that_changed_meanwhile_is_not_written_over(browser, world):
    due = add_due(world, vehicle_id=add_vehicle(world))
    path = f"/echeances/{due}/modifier"
    mine = {"due_on": "2026-05-01", "label": "", "seen": seen_in(browser.get(path))}
    due_dates.change_due_date(actor=actor(world.both), due_id=due, due_on=date(2026, 4, 1), as_of=AS_OF + DAY)
    answer = browser.post(path, data=mine)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "Cette échéance a été modifiée entre-temps par" in page
    assert "Ce qui est enregistré maintenant À faire au plus tard le 01/04/2026" in page
    assert shown(world) == [(date(2026, 4, 1), None, False)]
    assert browser.post(path, data=mine | {"seen": seen_in(browser.get(path))}).status_code == 302
    assert shown(world) == [(date(2026, 5, 1), None, False)]


def seen_in(answer):
    return re.search(r'name="seen"[^>]* value="([^"]*)"', answer.text)[1]


def test_the_daily_job_opens_moves_and_closes_what_the_rules_say(world):
    vehicle = add_vehicle(world, category="VP", first_registered_on=date(2024, 5, 10))
    add_vehicle(world, "AB-124-CD", category="VASP", first_registered_on=date(2024, 5, 10))
    assert computed_by_job(world) == {"due_opened": 1}
    assert computed_by_job(world) == {}
    assert shown(world) == [(date(2028, 5, 10), None, True)]
    set_vehicle(world, vehicle, first_registered_on=date(2024, 6, 1))
    assert computed_by_job(world) == {"due_moved": 1}
    assert shown(world) == [(date(2028, 6, 1), None, True)]
    set_vehicle(world, vehicle, category="")
    assert computed_by_job(world) == {"due_closed": 1}
    assert rows(world) == []
    assert {"due_closed": 1} in [entry.details for entry in trace_of(world, "echeances.calculees")]


def test_a_computed_date_stays_when_its_day_is_over(world):
    add_vehicle(world, category="VP", first_registered_on=date(2022, 3, 3))
    computed_by_job(world)
    assert computed_by_job(world, AS_OF + 10 * DAY) == {}
    assert shown(world) == [(TODAY, None, True)]


def set_vehicle(world, vehicle, **values):
    with tenant_session(world.organisation_id, write=True) as session:
        own = Vehicle.organisation_id == world.organisation_id, Vehicle.id == vehicle
        session.execute(update(Vehicle).where(*own).values(**values))


def test_an_inspection_done_computes_the_next_one_at_once(browser, world):
    vehicle = add_vehicle(world, category="VP", first_registered_on=date(2022, 4, 1))
    computed_by_job(world)
    [due] = rows(world)
    answer = browser.post(f"/echeances/{due.id}/fait", data={"done_on": "2026-02-20"}, follow_redirects=True)
    assert "Prochaine échéance le 20/02/2028" in answer.text
    assert shown(world) == [(date(2026, 4, 1), date(2026, 2, 20), True), (date(2028, 2, 20), None, True)]
    browser.post(f"/echeances/{due.id}/supprimer")
    assert shown(world, vehicle_id=vehicle) == [(date(2026, 4, 1), None, True)]


def test_a_typed_inspection_stands_for_the_computed_one(browser, world):
    vehicle = add_vehicle(world, category="VP", first_registered_on=date(2024, 5, 10))
    computed_by_job(world)
    typed = add_due(world, date(2027, 1, 1), DueKind.INSPECTION, vehicle_id=vehicle)
    assert shown(world) == [(date(2027, 1, 1), None, False)]
    assert computed_by_job(world) == {}
    browser.post(f"/echeances/{typed}/supprimer")
    assert shown(world) == [(date(2028, 5, 10), None, True)]
    [due] = rows(world)
    refused = browser.post(f"/echeances/{due.id}/supprimer")
    assert refused.status_code == 422
    assert "Cette échéance est calculée" in refused.text
    browser.post(f"/echeances/{due.id}/modifier", data={"due_on": "2028-01-01"})
    assert computed_by_job(world) == {}
    assert shown(world) == [(date(2028, 1, 1), None, False)]


def test_an_exit_is_due_until_its_proofs_are_there(browser, world):
    vehicle = add_vehicle(world, category="VP", first_registered_on=date(2024, 5, 10))
    computed_by_job(world)
    set_vehicle(world, vehicle, left_at=AS_OF, left_because=ExitReason.STOLEN)
    assert computed_by_job(world) == {"due_opened": 1, "due_closed": 1}
    [due] = rows(world)
    assert (due.kind, due.due_on) == (DueKind.EXIT_PROOF, TODAY + 15 * DAY)
    page = text_of(browser.get("/echeances"))
    assert "Preuve de sortie" in page
    assert "Ajouter les preuves" in page
    refused = browser.post(f"/echeances/{due.id}/fait", data={"done_on": "2026-03-03"})
    assert "Ajoutez les preuves aux documents du véhicule" in refused.text
    add_paper(world, vehicle, DocumentKind.OTHER)
    assert [row.id for row in rows(world)] == [due.id]
    proof = add_paper(world, vehicle, DocumentKind.COMPLAINT)
    assert rows(world) == []
    assert computed_by_job(world) == {}
    documents.remove_document(actor=actor(world.fleet), document_id=proof, as_of=AS_OF + DAY)
    assert [(row.kind, row.due_on) for row in rows(world)] == [(DueKind.EXIT_PROOF, TODAY + 15 * DAY)]


def test_of_two_proofs_one_is_not_enough(world):
    vehicle = add_vehicle(world)
    set_vehicle(world, vehicle, left_at=AS_OF, left_because=ExitReason.SOLD)
    add_paper(world, vehicle, DocumentKind.TRANSFER)
    assert [row.kind for row in rows(world)] == [DueKind.EXIT_PROOF]
    add_paper(world, vehicle, DocumentKind.TRANSFER_RECEIPT)
    assert rows(world) == []


def add_paper(world, vehicle, kind):
    subject = documents.Subject(documents.VEHICLE, vehicle)
    content = pdf(kind.encode())
    return documents.add_document(
        actor=actor(world.fleet), subject=subject, kind=kind, name=f"{kind}.pdf", content=content, as_of=AS_OF
    )


def test_the_list_of_the_fleet_is_sorted_filtered_and_exported(browser, world, signed_in):
    """C7-a: what is found is exported, a driver's name included."""
    vehicle, driver = add_vehicle(world), add_driver(world, staff_number="E1")
    add_due(world, TODAY + 31 * DAY, vehicle_id=vehicle)
    add_due(world, TODAY + 30 * DAY, DueKind.LICENCE_CHECK, driver_id=driver)
    add_due(world, TODAY - DAY, DueKind.LEASE_END, vehicle_id=vehicle)
    words = {"a-faire": 2, "depassees": 1, "toutes": 3}
    for view, count in words.items():
        assert f"{count} échéance" in text_of(browser.get(f"/echeances?vue={view}"))
    page = text_of(browser.get("/echeances"))
    assert page.index("Dépassée hier") < page.index("Dans 30 jours")
    assert "DUMAS Caroline" in page
    only = text_of(browser.get("/echeances?objet=fin_de_contrat"))
    assert "DUMAS" not in only
    assert "AB-123-CD" in only
    assert "Aucune échéance ne correspond" in text_of(browser.get("/echeances?objet=controle_technique"))
    file = browser.get("/echeances/export.xlsx?vue=toutes")
    lines = list(openpyxl.load_workbook(io.BytesIO(file.data)).active.values)
    assert [line[1] for line in lines[1:]] == [-1, 30, 31]
    assert lines[2][7:9] == ("E1", "DUMAS Caroline")


def test_what_is_gone_is_no_longer_due(browser, world):
    vehicle, driver = add_vehicle(world), add_driver(world)
    add_due(world, vehicle_id=vehicle)
    add_due(world, kind=DueKind.LICENCE_CHECK, driver_id=driver)
    set_vehicle(world, vehicle, left_at=AS_OF + DAY)
    drivers.driver_left(actor=actor(world.fleet), driver_id=driver, on=TODAY, as_of=AS_OF)
    assert "2 échéances à faire" in text_of(browser.get("/echeances"))
    set_vehicle(world, vehicle, left_at=AS_OF)
    assert "1 échéance à faire" in text_of(browser.get("/echeances"))


def test_a_long_list_goes_on_page_by_page(browser, world):
    vehicle = add_vehicle(world)
    with tenant_session(world.organisation_id, write=True) as session:
        for index in range(81):
            of = {"organisation_id": world.organisation_id, "vehicle_id": vehicle, "created_at": AS_OF}
            due_on = TODAY - (index // 2) * DAY
            session.add(DueDate(id=new_id(), kind=DueKind.CUSTOM, label=f"Chose {index:02}", due_on=due_on, **of))
    first = browser.get("/echeances?vue=depassees&objet=autre").text
    later = re.search(r'rel="next" href="([^"]+)"', browser.get("/echeances?objet=autre").text)[1]
    second = browser.get(later.replace("&amp;", "&")).text
    assert 'rel="next"' not in first
    assert second.count("Chose ") >= 1
    assert "81 échéances" in text_of(browser.get(later.replace("&amp;", "&")))


def test_home_shows_only_what_has_to_be_done(browser, world, frozen):
    """C4.1-b: the number of vehicles of the order form, beside how many there are."""
    assert "Votre parc est vide" in text_of(browser.get("/"))
    vehicle = add_vehicle(world)
    page = text_of(browser.get("/"))
    assert re.search(r"1 véhicule sur \d+ prévus au bon de commande", page)
    assert "véhicule sans conducteur en ce moment" in page
    assert "échéance" not in page
    add_due(world, TODAY - DAY, vehicle_id=vehicle)
    add_due(world, TODAY + 30 * DAY, vehicle_id=vehicle)
    add_due(world, TODAY + 31 * DAY, vehicle_id=vehicle)
    page = browser.get("/").text
    assert "1 échéance dépassée" in text_of_page(page)
    assert "1 échéance dans les 30 jours" in text_of_page(page)
    assert 'href="/echeances?vue=depassees"' in page


def text_of_page(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_digest_goes_once_a_day_to_those_who_hold_the_fleet_right(world, other_world):
    """Kinds and counts with a link: no name, no plate, no label."""
    vehicle = add_vehicle(world)
    add_due(world, TODAY + 7 * DAY, vehicle_id=vehicle)
    add_due(world, TODAY - DAY, DueKind.CUSTOM, label="Rappeler Caroline", vehicle_id=vehicle)
    assert dict(send_digests(AS_OF)) == {"reminders": 3}
    assert dict(send_digests(AS_OF + timedelta(hours=3)))["reminders"] == 0
    told = letters.queued("fleet_digest")
    assert {one.to for one in told} == {world.admin, world.fleet, world.both}
    letter = told[0]
    assert letter.text.startswith("Bonjour,\n\nVoici ce qui est à faire")
    assert "\n\nDépassées\u00a0:\n- Autre\u00a0: 1\n\nDans les 7 jours" in letter.text
    assert letter.path == "/echeances"
    assert "Assurance\u00a0: 1" in letter.text
    for word in ("Caroline", "AB-123-CD", world.number):
        assert word not in letter.text + letter.html


def test_the_digest_waits_for_a_day_that_matters(world):
    add_due(world, TODAY + 29 * DAY, vehicle_id=add_vehicle(world))
    assert dict(send_digests(AS_OF)) == {}
    assert dict(send_digests(AS_OF + 22 * DAY)) == {"reminders": 3}
    assert dict(send_digests(MONDAY + 28 * DAY)) == {"reminders": 3}
    assert dict(send_digests(MONDAY + 29 * DAY)) == {}


def test_nobody_is_told_who_may_not_see_it(world):
    add_due(world, vehicle_id=add_vehicle(world))
    with tenant_session(world.organisation_id, write=True, platform_reason="tests") as session:
        person = User.organisation_id == world.organisation_id, User.email == world.fleet
        session.execute(update(User).where(*person).values(state=UserState.SUSPENDED))
        session.execute(update(Identity).where(Identity.email == world.both).values(blocked_at=AS_OF))
    assert dict(send_digests(AS_OF)) == {"reminders": 1}
    assert [one.to for one in letters.queued("fleet_digest")] == [world.admin]


@pytest.mark.parametrize("state", ["suspended", "over", "without the tool"])
def test_no_digest_for_a_contract_that_does_not_serve_it(world, state):
    add_due(world, TODAY, vehicle_id=add_vehicle(world))
    if state == "over":
        clients.end_contract(organisation_id=world.organisation_id, on=TODAY - DAY, as_of=AS_OF - DAY)
    elif state == "suspended":
        with platform_session("tests", write=True) as session:
            own = update(Organisation).where(Organisation.id == world.organisation_id)
            session.execute(own.values(state=OrganisationState.SUSPENDED))
    else:
        with tenant_session(world.organisation_id, write=True) as session:
            own = update(OrderForm).where(OrderForm.organisation_id == world.organisation_id)
            session.execute(own.values(fleet_tool=False))
    assert dict(send_digests(AS_OF)).get("reminders", 0) == 0
    assert letters.queued("fleet_digest") == []
