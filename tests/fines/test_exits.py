"""An offence after the vehicle left the fleet: the impossibility that its exit leads to is proposed, never sent."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from eprunes.core import files
from eprunes.core.crypto import key_store
from eprunes.core.database import new_id, tenant_session
from eprunes.fines import transmission
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.exits import departure_before
from eprunes.fines.proposals import Why, propose
from eprunes.fines.services import designating
from eprunes.fleet import queries
from eprunes.fleet.models import DocumentKind, DriverKind, ExitReason, FleetDocument
from eprunes.fleet.services import vehicles
from tests.fleet.fleets import add_vehicle
from tests.support import fleet
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor

LEFT = datetime(2026, 2, 20, 11, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BACK = LEFT + 3 * DAY


@pytest.fixture
def vehicle_id(world):
    return add_vehicle(world, lessor="Locaparc")


def leave(world, vehicle_id, reason=ExitReason.SOLD, at=LEFT):
    vehicles.leave_fleet(actor=actor(world.fleet), vehicle_id=vehicle_id, at=at, reason=reason, as_of=AS_OF)


def notice_at(world, vehicle_id, instant):
    local = (instant + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:00")  # Paris, in winter
    return fleet.receive_notice(world.organisation_id, vehicle_id=vehicle_id, dateHeureInfraction=local)


def keep(world, vehicle_id, kind, name, as_of=AS_OF):
    """A document of the vehicle, as an upload would leave it."""
    own = world.organisation_id
    [key] = key_store().create_keys(own, files.KEY_PURPOSE, as_of)
    with tenant_session(own, write=True) as session:
        file_id = files.store(session, key, files.checked(name, pdf()), author_id=None, as_of=as_of)
        row = {"vehicle_id": vehicle_id, "file_id": file_id, "kind": kind, "created_at": as_of}
        session.add(FleetDocument(organisation_id=own, id=new_id(), **row))
    return key[0]


def departure(world, vehicle_id, notice_id):
    someone = actor(world.fines)
    with tenant_session(world.organisation_id) as session:
        vehicle = queries.find_vehicle(session, actor(world.fleet), vehicle_id)
        return departure_before(session, fleet.notice(world.organisation_id, notice_id), vehicle, someone.zone)


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.mark.parametrize(("instant", "is_proposed"), [(LEFT - MINUTE, False), (LEFT, True), (LEFT + MINUTE, True)])
def test_it_is_proposed_from_the_very_instant_of_the_exit_on(world, vehicle_id, instant, is_proposed):
    notice_id = notice_at(world, vehicle_id, instant)
    leave(world, vehicle_id)  # written down once the notice was there, as it often is
    assert (departure(world, vehicle_id, notice_id) is not None) is is_proposed


def test_a_vehicle_that_came_back_leads_to_none(world, vehicle_id):
    leave(world, vehicle_id)
    notice_id = notice_at(world, vehicle_id, LEFT)
    vehicles.return_to_fleet(actor=actor(world.fleet), vehicle_id=vehicle_id, as_of=AS_OF)
    assert departure(world, vehicle_id, notice_id) is None


@pytest.mark.parametrize(
    ("instant", "is_proposed"),
    [(LEFT - MINUTE, False), (LEFT, True), (BACK - MINUTE, True), (BACK, False), (BACK + MINUTE, False)],
)
def test_an_absence_leads_to_it_as_an_exit_does_and_only_while_it_lasted(world, vehicle_id, instant, is_proposed):
    """C4.3-c: from the exit, included, to the return, excluded."""
    leave(world, vehicle_id, ExitReason.STOLEN)
    keep(world, vehicle_id, DocumentKind.COMPLAINT, "plainte.pdf")
    boss = actor(world.fleet)
    vehicles.return_to_fleet(actor=boss, vehicle_id=vehicle_id, back_at=BACK, as_of=AS_OF)
    notice_id = notice_at(world, vehicle_id, instant)
    found = departure(world, vehicle_id, notice_id)
    assert (found is not None) is is_proposed
    with tenant_session(world.organisation_id) as session:
        notice = fleet.notice(world.organisation_id, notice_id)
        proposal = propose(session, [notice], {vehicle_id: queries.find_vehicle(session, boss, vehicle_id)})[notice_id]
    assert proposal.why is (Why.AFTER_EXIT if is_proposed else Why.NOBODY)
    if is_proposed:
        assert (found.reason, found.references) == (ImpossibilityReason.THEFT, ("plainte.pdf",))
        assert "revenu dans notre parc le lun. 23 févr. 2026, 12:00." in found.facts


def test_of_two_absences_each_has_its_own_reason(world, vehicle_id):
    boss = actor(world.fleet)
    for reason, left_at, back_at in (
        (ExitReason.STOLEN, LEFT, BACK),
        (ExitReason.RETURNED, BACK + DAY, BACK + 2 * DAY),
    ):
        leave(world, vehicle_id, reason, left_at)
        vehicles.return_to_fleet(actor=boss, vehicle_id=vehicle_id, back_at=back_at, as_of=AS_OF)
    reasons = [departure(world, vehicle_id, notice_at(world, vehicle_id, one)) for one in (LEFT, BACK, BACK + DAY)]
    assert [one and one.reason for one in reasons] == [
        ImpossibilityReason.THEFT, None, ImpossibilityReason.NOT_OUR_VEHICLE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("because", "reason", "facts"),
    [
        (ExitReason.SOLD, ImpossibilityReason.SALE, "Véhicule vendu ou cédé le ven. 20 févr. 2026, 12:00"),
        (ExitReason.STOLEN, ImpossibilityReason.THEFT, "Véhicule volé le"),
        (ExitReason.DESTROYED, ImpossibilityReason.DESTRUCTION, "Véhicule détruit le"),
        (ExitReason.RETURNED, ImpossibilityReason.NOT_OUR_VEHICLE, "Véhicule restitué au loueur Locaparc le"),
        (ExitReason.OTHER, None, "Véhicule sorti de notre parc le"),
    ],
)
def test_the_reason_follows_from_why_it_left(world, vehicle_id, because, reason, facts):
    leave(world, vehicle_id, because)
    found = departure(world, vehicle_id, notice_at(world, vehicle_id, LEFT))
    assert found.reason is reason
    assert found.facts.startswith(facts)
    assert found.day == date(2026, 2, 20)


def test_an_exit_at_the_end_of_a_day_is_of_that_day(world, vehicle_id):
    midnight = datetime(2026, 2, 20, 23, 0, tzinfo=UTC)
    leave(world, vehicle_id, at=midnight)
    found = departure(world, vehicle_id, notice_at(world, vehicle_id, midnight))
    assert (found.day, "20 févr. 2026, 24:00" in found.facts) == (date(2026, 2, 20), True)


def test_the_page_opens_on_it_filled_with_day_and_kept_proofs(world, vehicle_id, signed_in):
    leave(world, vehicle_id)
    keep(world, vehicle_id, DocumentKind.TRANSFER, "cession ancienne.pdf", AS_OF - MINUTE)
    keep(world, vehicle_id, DocumentKind.TRANSFER, "cession-2026.pdf")
    keep(world, vehicle_id, DocumentKind.TRANSFER_RECEIPT, "siv-42.pdf")
    keep(world, vehicle_id, DocumentKind.COMPLAINT, "plainte.pdf")
    notice_id = notice_at(world, vehicle_id, LEFT)
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}")
    for value in ("cession-2026.pdf", "siv-42.pdf", "2026-02-20"):
        assert f'value="{value}"' in page.text
    assert re.search(r'<input checked[^>]*value="cession"', page.text)
    assert re.search(r'<details class="choice" name="reponse" open>\s*<summary>Désignation impossible', page.text)
    assert "« Véhicule vendu ou cédé » est proposé" in text_of(page)
    assert "plainte.pdf" not in page.text
    assert "ancienne" not in page.text


def test_a_proof_whose_key_is_destroyed_leaves_its_place_empty(world, vehicle_id):
    leave(world, vehicle_id, ExitReason.STOLEN)
    key_id = keep(world, vehicle_id, DocumentKind.COMPLAINT, "plainte.pdf")
    notice_id = notice_at(world, vehicle_id, LEFT)
    assert departure(world, vehicle_id, notice_id).references == ("plainte.pdf",)
    key_store().destroy_keys(world.organisation_id, [key_id])
    assert departure(world, vehicle_id, notice_id).references == ("",)


def test_the_return_report_is_named_among_the_facts(world, vehicle_id):
    leave(world, vehicle_id, ExitReason.RETURNED)
    keep(world, vehicle_id, DocumentKind.RETURN_REPORT, "pv-retour.pdf")
    found = departure(world, vehicle_id, notice_at(world, vehicle_id, LEFT))
    assert "pv-retour.pdf" in found.facts
    assert set(found.values) == {"reason", "comment"}


def test_before_the_exit_the_page_opens_on_the_designation(world, vehicle_id, signed_in):
    leave(world, vehicle_id)
    notice_id = notice_at(world, vehicle_id, LEFT - MINUTE)
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}")
    assert re.search(r'<details class="choice" name="reponse" open>\s*<summary>Désigner le conducteur', page.text)
    assert "Véhicule vendu ou cédé le" not in text_of(page)


def test_what_is_proposed_is_taken_as_it_stands(world, vehicle_id, signed_in):
    """The user confirms: the form as the page fills it is a whole answer."""
    leave(world, vehicle_id, ExitReason.STOLEN)
    keep(world, vehicle_id, DocumentKind.COMPLAINT, "plainte.pdf")
    notice_id = notice_at(world, vehicle_id, LEFT)
    values = departure(world, vehicle_id, notice_id).values
    answer = signed_in(world.fines).post(f"/contraventions/{notice_id}/impossible", data=values)
    assert answer.status_code == 302
    assert fleet.notice(world.organisation_id, notice_id).is_answered


def test_a_designation_of_a_vehicle_that_had_left_is_corrected_by_what_its_exit_says(world, vehicle_id, signed_in):
    """C4.3-c: the exit was written down after the answer."""
    notice_id = notice_at(world, vehicle_id, LEFT)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(actor(world.fines), notice_id, **named, because="Prêt d’un jour.", as_of=AS_OF)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    about = {"receipt_number": "ENR-1", "receipt_at": AS_OF, "as_of": AS_OF}
    transmission.registered(world.organisation_id, outgoing.answer_id, **about)
    path, browser = f"/contraventions/{notice_id}/corriger", signed_in(world.admin)
    assert "Rempli d’après" not in browser.get(path).text
    leave(world, vehicle_id)
    shown = browser.get(path)
    assert "Rempli d’après la sortie du parc" in text_of(shown)
    assert re.search(r'<input checked[^>]*value="cession"', shown.text)
