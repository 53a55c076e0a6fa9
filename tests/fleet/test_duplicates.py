"""Two files of one person: seen at creation, listed, compared, and made into one (C4.2)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from time import monotonic, sleep

import psycopg
import pytest

from eprunes.core import files
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import db, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import pages, queries
from eprunes.fleet.driver_details import KEY_PURPOSE
from eprunes.fleet.driver_merge import merged, person_of
from eprunes.fleet.models import DocumentKind, Driver, DueDate, DueKind, FleetDocument
from eprunes.fleet.services import assignments, drivers, merging
from tests.fleet.fleets import COMPLETE, ENTERED, add_driver, add_vehicle
from tests.fleet.test_driver_pages import NAMES
from tests.fleet.test_vehicle_pages import text_of
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
LE_GOFF = NAMES | {"birth_date": "1980-05-01"}
NO_ADDRESS = {"address_line": "", "postcode": "", "city": ""}


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def rows_of(world, table, *conditions):
    with tenant_session(world.organisation_id) as session:
        own = queries.select(table).where(table.organisation_id == world.organisation_id, *conditions)
        return session.scalars(own).all()


def details_of(world, driver_id):
    [row] = rows_of(world, Driver, Driver.id == driver_id)
    return pages.details_of(row)


def hold(world, driver, plate, starts_at=ENTERED, ends_at=None):
    vehicle = add_vehicle(world, plate) if isinstance(plate, str) else plate
    chosen = {"vehicle_id": vehicle, "driver_id": driver, "starts_at": starts_at, "ends_at": ends_at}
    assignments.assign(actor=actor(world.fleet), **chosen, as_of=AS_OF)
    return vehicle


def merge(world, kept, dropped, **more):
    merging.merge_drivers(actor=actor(world.fleet), kept_id=kept, dropped_id=dropped, **more, as_of=AS_OF)


def add_papers(world, driver, kind=DueKind.LICENCE_CHECK, *, is_computed=False):
    [key] = key_store().create_keys(world.organisation_id, files.KEY_PURPOSE, AS_OF)
    own = {"organisation_id": world.organisation_id, "driver_id": driver, "created_at": AS_OF}
    with tenant_session(world.organisation_id, write=True) as session:
        file_id = files.store(session, key, files.checked("permis.pdf", pdf()), author_id=None, as_of=AS_OF)
        session.add(FleetDocument(id=new_id(), file_id=file_id, kind=DocumentKind.LICENCE, **own))
        session.add(DueDate(id=new_id(), kind=kind, due_on=AS_OF.date(), is_computed=is_computed, **own))


def test_the_file_that_stays_has_the_assignments_of_both(world):
    """C4.2: who drove what when; the journal of each vehicle keeps what it said."""
    kept, dropped = add_driver(world), add_driver(world, staff_number="E2")
    shared = hold(world, kept, "AB-123-CD", ENTERED, ENTERED + DAY)
    hold(world, dropped, shared, ENTERED + DAY)
    hold(world, dropped, "AB-124-CD")
    merge(world, kept, dropped)
    held = rows_of(world, queries.Assignment)
    assert [row.driver_id for row in held] == [kept] * 3
    assert sorted(row.starts_at for row in held if row.vehicle_id == shared) == [ENTERED, ENTERED + DAY]
    traces = rows_of(world, AuditEntry, AuditEntry.action == "attribution.corrigee")
    assert [one.details["avant"]["conducteur"] for one in traces] == [str(dropped)] * 2


def test_documents_and_due_dates_follow(world):
    kept, dropped = add_driver(world), add_driver(world)
    add_papers(world, dropped)
    merge(world, kept, dropped)
    for table in (FleetDocument, DueDate):
        assert [row.driver_id for row in rows_of(world, table)] == [kept]


@pytest.mark.parametrize(("other_kind", "left"), [(DueKind.LICENCE_CHECK, 1), (DueKind.CUSTOM, 2)])
def test_a_due_date_that_a_rule_gives_is_not_doubled(world, other_kind, left):
    kept, dropped = add_driver(world), add_driver(world)
    add_papers(world, kept, is_computed=True)
    add_papers(world, dropped, other_kind, is_computed=True)
    merge(world, kept, dropped)
    assert len(rows_of(world, DueDate)) == left


def test_a_typed_due_date_of_the_same_kind_stays(world):
    kept, dropped = add_driver(world), add_driver(world)
    add_papers(world, kept, is_computed=True)
    add_papers(world, dropped)
    merge(world, kept, dropped)
    assert len(rows_of(world, DueDate)) == 2


def test_what_was_missing_comes_from_the_other_file_and_what_was_there_stays(world):
    kept = add_driver(world, licence_number="", licence_issued_on=None, phone="0466220885", **NO_ADDRESS)
    dropped = add_driver(world, staff_number="E2", phone="0466220886", email="c@exemple.fr", country="BE", city="Mons")
    merge(world, kept, dropped)
    [row] = rows_of(world, Driver)
    found = pages.details_of(row)
    assert (found.phone, found.email) == ("+33466220885", "c@exemple.fr")
    assert (found.city, found.country) == ("Mons", "BE")
    assert (found.licence_number, found.licence_issued_on) == (COMPLETE.licence_number, COMPLETE.licence_issued_on)
    assert (row.staff_number, row.is_designable) == ("E2", True)


def test_two_addresses_and_two_licences_are_never_mixed():
    mine = replace(COMPLETE, postcode="", licence_issued_on=None)
    theirs = replace(COMPLETE, address_inside="Étage 2", licence_number="12AB34567")
    after = merged(Driver(), mine, Driver(), theirs).details
    assert (after.address_inside, after.postcode, after.licence_issued_on) == ("", "", None)
    same_licence = replace(theirs, licence_number=mine.licence_number)
    assert merged(Driver(), mine, Driver(), same_licence).details.licence_issued_on == COMPLETE.licence_issued_on


def test_what_the_other_file_does_not_know_takes_nothing_away():
    mine = replace(COMPLETE, licence_number="", country="BE", **NO_ADDRESS)
    theirs = replace(mine, licence_issued_on=None, licence_country="DE", country="FR")
    after = merged(Driver(), mine, Driver(), theirs).details
    assert after == mine
    assert merged(Driver(), theirs, Driver(), mine).details.licence_issued_on == COMPLETE.licence_issued_on


@pytest.mark.parametrize(
    ("mine", "theirs", "after"),
    [
        (date(2026, 1, 1), None, None),
        (None, date(2026, 1, 1), None),
        (date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 1)),
    ],
)
def test_whoever_is_present_in_one_file_is_present(mine, theirs, after):
    assert merged(Driver(left_on=mine), COMPLETE, Driver(left_on=theirs), COMPLETE).left_on == after


def test_the_other_file_and_its_key_are_gone_and_the_trace_names_neither_person(world):
    kept, dropped = add_driver(world), add_driver(world)
    [row] = rows_of(world, Driver, Driver.id == kept)
    merge(world, kept, dropped)
    assert [one.id for one in rows_of(world, Driver)] == [kept]
    assert list(key_store().all_keys(world.organisation_id, KEY_PURPOSE)) == [row.key_id]
    [trace] = rows_of(world, AuditEntry, AuditEntry.action == "conducteur.fusionne")
    assert trace.subject_id == kept
    assert trace.details == {"avec": str(dropped), "attributions": 0, "documents": 0, "echeances": 0}


def test_a_refused_merge_changes_nothing(world):
    kept, dropped = add_driver(world), add_driver(world, "Marin")
    with pytest.raises(Refused, match="n’ont pas les mêmes nom"):
        merge(world, kept, dropped)
    with pytest.raises(Refused, match="modifiée entre-temps"):
        merge(world, kept, dropped, seen="autre")
    with pytest.raises(Refused, match="plus dans votre parc"):
        merge(world, kept, kept)
    assert len(rows_of(world, Driver)) == 2
    assert len(key_store().all_keys(world.organisation_id, KEY_PURPOSE)) == 2


def test_a_file_without_its_key_is_merged_with_nothing(world):
    kept, dropped = add_driver(world), add_driver(world)
    [row] = rows_of(world, Driver, Driver.id == dropped)
    key_store().destroy_keys(world.organisation_id, [row.key_id])
    with pytest.raises(Refused, match="ont été effacées"):
        merge(world, kept, dropped)


def test_a_driver_of_another_client_is_out_of_reach(world, other_world):
    kept, foreign = add_driver(world), add_driver(other_world)
    for pair in ((kept, foreign), (foreign, kept)):
        with pytest.raises(Refused, match="plus dans votre parc"):
            merge(world, *pair)
    assert len(rows_of(other_world, Driver)) == 1


@pytest.mark.parametrize(
    ("name", "born", "is_same"),
    [
        ("LE-GOFF", "1980-05-01", True),
        ("le  goff", "1980-05-01", True),
        ("Legoff", "1980-05-01", False),
        ("Le Goff", "1980-05-02", False),
        ("Le Goff", None, False),
    ],
)
def test_one_person_is_known_by_name_and_birth_date(name, born, is_same):
    known = person_of({"last_name": "Le Goff", "first_name": "Loïc", "birth_date": "1980-05-01"})
    assert (person_of({"last_name": name, "first_name": "Loic", "birth_date": born}) == known) is is_same


def test_a_person_without_a_birth_date_is_nobodys_double():
    assert person_of({"last_name": "Le Goff", "first_name": "Loïc", "birth_date": None}) is None
    assert person_of({}) is None


def test_a_known_name_and_birth_date_are_asked_about_before_anything_is_stored(browser, world):
    known = add_driver(world, "LE GOFF", "E7", first_name="Loic", birth_date=date(1980, 5, 1))
    answer = browser.post("/conducteurs/nouveau", data=LE_GOFF)
    page = text_of(answer)
    assert answer.status_code == 200
    assert "Une fiche porte déjà ce nom" in page
    assert "LE GOFF Loic (E7) : C’est la même personne" in page
    assert f'href="/conducteurs/{known}"' in answer.text
    assert 'value="Loïc"' in answer.text, "the form stays filled"
    assert len(rows_of(world, Driver)) == 1
    created = browser.post("/conducteurs/nouveau", data=LE_GOFF | {"create_anyway": "Créer quand même"})
    assert created.status_code == 302
    assert len(rows_of(world, Driver)) == 2


@pytest.mark.parametrize(("known", "typed"), [("1980-05-01", ""), ("", "1980-05-01"), ("", "")])
def test_a_known_name_without_a_birth_date_is_asked_about_once(browser, world, known, typed):
    """Back, and sent again: no second file comes of it unless somebody says so."""
    first = browser.post("/conducteurs/nouveau", data=LE_GOFF | {"birth_date": known})
    assert first.status_code == 302
    sent = LE_GOFF | {"birth_date": typed, "last_name": "LE GOFF"}
    answer = browser.post("/conducteurs/nouveau", data=sent)
    assert "Une fiche porte déjà ce nom" in answer.text
    assert ("Sans date de naissance, rien ne distingue" in answer.text) is (typed == "")
    assert len(rows_of(world, Driver)) == 1
    assert browser.post("/conducteurs/nouveau", data=sent | {"create_anyway": "1"}).status_code == 302
    assert len(rows_of(world, Driver)) == 2


def test_another_birth_date_or_another_client_raises_no_question(browser, world, other_world):
    same = {"last_name": "Le Goff", "first_name": "Loïc"}
    add_driver(world, **same, birth_date=date(1980, 5, 2))
    add_driver(other_world, **same, birth_date=date(1980, 5, 1))
    assert browser.post("/conducteurs/nouveau", data=LE_GOFF).status_code == 302


def test_creating_anyway_passes_over_no_other_rule(browser, world):
    add_driver(world, "Le Goff", "E7", first_name="Loïc", birth_date=date(1980, 5, 1))
    sent = LE_GOFF | {"staff_number": "E7", "create_anyway": "Créer quand même"}
    answer = browser.post("/conducteurs/nouveau", data=sent)
    assert answer.status_code == 422
    assert "porte déjà ce matricule" in answer.text


def test_possible_doubles_are_listed_with_their_numbers(browser, world, other_world):
    first = add_driver(world, "Dumas", "E1")
    add_driver(world, "DUMAS")
    add_driver(world, "Marin")
    add_driver(other_world, "Marin")
    answer = browser.get("/conducteurs/doublons")
    page = text_of(answer)
    assert "1 personne avec plusieurs fiches" in page
    assert "DUMAS Caroline 29/12/1974 matricule E1 , sans matricule" in page
    assert "MARIN" not in page
    assert f'href="/conducteurs/{first}/fusionner"' in answer.text


def test_without_doubles_the_list_is_good_news(browser, world):
    add_driver(world)
    assert "Aucun doublon" in browser.get("/conducteurs/doublons").text


def seen_on(answer):
    return answer.text.split('name="seen" value="')[1].split('"')[0]


def test_two_files_are_compared_then_merged(browser, world):
    kept, dropped = add_driver(world, "Dumas", "E1"), add_driver(world, "Dumas", "E2", phone="0466220885")
    path = f"/conducteurs/{kept}/fusionner"
    asked = browser.get(path)
    assert "Matricule E1 E2 E1" in text_of(asked)
    assert "Téléphone — 04 66 22 08 85 04 66 22 08 85" in text_of(asked)
    sent = {"other": str(dropped), "seen": seen_on(asked)}
    page = text_of(browser.post(path, data=sent, follow_redirects=True))
    assert "Les deux fiches n’en font plus qu’une" in page
    assert "Fusionné avec une autre fiche de la même personne par parc" in page
    assert browser.get(f"/conducteurs/{dropped}").status_code == 404
    assert "Aucune autre fiche" in browser.get(path).text


@pytest.mark.parametrize("changed", [0, 1])
def test_a_file_that_changed_since_it_was_compared_is_not_merged(browser, world, changed):
    both = [add_driver(world), add_driver(world)]
    path = f"/conducteurs/{both[0]}/fusionner"
    sent = {"other": str(both[1]), "seen": seen_on(browser.get(path))}
    values = {"details": replace(COMPLETE, city="Nîmes"), "staff_number": None, "kind": "prepose", "left_on": None}
    drivers.change_driver(actor=actor(world.fleet), driver_id=both[changed], **values, as_of=AS_OF)
    answer = browser.post(path, data=sent)
    assert answer.status_code == 422
    assert "a été modifiée entre-temps" in answer.text
    assert "Nîmes" in answer.text, "what it says now is shown"
    assert len(rows_of(world, Driver)) == 2
    assert browser.post(path, data=sent | {"seen": seen_on(answer)}).status_code == 302


def test_only_a_file_of_the_same_person_in_ones_own_fleet_can_be_named(browser, world, other_world):
    """Ids of others inside a form read as ids that nobody has."""
    kept, someone, foreign = add_driver(world), add_driver(world, "Marin"), add_driver(other_world)
    for other in (someone, foreign, kept, "rien", ""):
        answer = browser.post(f"/conducteurs/{kept}/fusionner", data={"other": str(other), "seen": ""})
        assert answer.status_code == 404
    assert browser.get(f"/conducteurs/{foreign}/fusionner").status_code == 404
    assert len(rows_of(world, Driver)) == 2


def until_somebody_waits(environ) -> None:
    """On PostgreSQL, until a session waits for a lock; on SQLite a writer waits from its first statement on."""
    if db.engine.dialect.name != "postgresql":
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'"
    with psycopg.connect(environ["EPRUNES_DATABASE_URL"], autocommit=True) as connection:
        end = monotonic() + 10
        while not connection.execute(waiting).fetchone()[0]:
            assert monotonic() < end, "nobody waits"
            sleep(0.01)


def test_a_vehicle_given_to_a_driver_who_is_being_merged_away_is_refused_in_words(app, environ, world):
    vehicle, gone, boss = add_vehicle(world), add_driver(world), actor(world.fleet)
    chosen = {"vehicle_id": vehicle, "driver_id": gone, "starts_at": ENTERED}

    def give():
        with app.app_context():
            assignments.assign(actor=boss, **chosen, as_of=AS_OF)

    with ThreadPoolExecutor(1) as somebody:
        with tenant_session(world.organisation_id, write=True) as session:
            session.delete(session.get(Driver, (world.organisation_id, gone)))
            session.flush()
            given = somebody.submit(give)
            until_somebody_waits(environ)
        with pytest.raises(Refused) as refusal:
            given.result(timeout=30)
    assert refusal.value.field == "driver"
    assert "Ce conducteur n’existe plus" in str(refusal.value) or db.engine.dialect.name == "sqlite"
    assert rows_of(world, queries.Assignment) == []
