"""A vehicle that left and came back: its time away is kept, nobody holds it meanwhile, and it counts as before."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts.quota import QuotaExceeded
from eprunes.core.audit import AuditEntry
from eprunes.core.database import new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import pages, queries
from eprunes.fleet.bulk.acts import Reassign
from eprunes.fleet.bulk.checking import look_at
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.importing.plan import Closing
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.journal import read_journal
from eprunes.fleet.models import ExitReason, VehicleAbsence
from eprunes.fleet.months import read_month_page
from eprunes.fleet.services import assignments, removing, vehicles
from eprunes.fleet.timeline import Gap
from eprunes.fleet.vehicle_rules import VehicleDetails
from tests.fleet.fleets import ENTERED, add_driver, add_vehicle
from tests.fleet.test_timeline import at
from tests.fleet.test_vehicle_pages import form_of, refused, text_of
from tests.fleet.test_vehicles import come_back, leave, stored, told_to_agency, used
from tests.support.fleet_files import PARIS, parsed
from tests.support.worlds import AS_OF, actor, make_world

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LEFT, BACK = at("02-10 08:00"), at("02-20 18:00")


def return_at(world, vehicle_id, back_at, as_of=AS_OF):
    vehicles.return_to_fleet(actor=actor(world.fleet), vehicle_id=vehicle_id, back_at=back_at, as_of=as_of)


def absent(world, plate="AB-123-CD", **details):
    """A vehicle that was stolen on 10 February and came back on the 20th."""
    found = add_vehicle(world, plate, **details)
    leave(world, found, LEFT, reason=ExitReason.STOLEN)
    return_at(world, found, BACK)
    return found


def absences(world, vehicle_id):
    with tenant_session(world.organisation_id) as session:
        rows = queries.absences_of(session, [vehicle_id]).get(vehicle_id, [])
    return [(row.left_at, row.back_at, row.left_because) for row in rows]


def assign(world, vehicle_id, starts_at, ends_at=None, driver_id=None):
    period = {"starts_at": starts_at, "ends_at": ends_at}
    driver = driver_id or add_driver(world)
    return assignments.assign(
        actor=actor(world.fleet), vehicle_id=vehicle_id, driver_id=driver, **period, as_of=AS_OF
    )  # fmt: skip


@pytest.fixture
def browser(signed_in, world):
    return signed_in(world.fleet)


def test_a_return_keeps_the_time_away_and_takes_its_place_again(world):
    """C4.1-a, C4.2: declared to the agency again, present as before."""
    found = add_vehicle(world)
    leave(world, found, LEFT, reason=ExitReason.STOLEN)
    told_to_agency(world, found, antai_declared_at=ENTERED, antai_acknowledged_at=ENTERED, antai_withdrawn_at=LEFT)
    assert used(world) == 0
    return_at(world, found, BACK)
    row = stored(world, found)
    assert (row.left_at, row.left_because, row.counts_in_quota, used(world)) == (None, None, True, 1)
    assert (row.antai_declared_at, row.antai_acknowledged_at, row.antai_withdrawn_at) == (None, None, None)
    assert absences(world, found) == [(LEFT, BACK, "vol")]


def test_an_exit_by_mistake_leaves_no_absence(world):
    found = add_vehicle(world)
    leave(world, found, LEFT)
    come_back(world, found)
    assert absences(world, found) == []


def test_a_full_order_form_lets_nothing_come_back(app):
    """C4.1-b: all or nothing: the vehicle stays out, without an absence."""
    world = make_world(vehicles=1)
    found = add_vehicle(world)
    leave(world, found, LEFT)
    add_vehicle(world, "AB-124-CD")
    with pytest.raises(QuotaExceeded):
        return_at(world, found, BACK)
    assert (stored(world, found).left_at, absences(world, found), used(world)) == (LEFT, [], 1)


@pytest.mark.parametrize(
    ("back_at", "sentence"),
    [
        (LEFT, "est sorti du parc le mar. 10 févr. 2026, 08:00"),
        (LEFT + MINUTE, ""),
        (AS_OF, ""),
        (AS_OF + MINUTE, "dans le futur"),
    ],
)
def test_a_vehicle_comes_back_after_it_left_and_not_in_the_future(world, back_at, sentence):
    found = add_vehicle(world)
    leave(world, found, LEFT)
    if sentence:
        with pytest.raises(Refused, match=sentence) as refusal:
            return_at(world, found, back_at)
        assert refusal.value.field == "at"
        assert stored(world, found).left_at == LEFT
    else:
        return_at(world, found, back_at)
        assert absences(world, found) == [(LEFT, back_at, "autre")]


def test_what_has_not_left_yet_does_not_come_back(world):
    found = add_vehicle(world)
    with pytest.raises(Refused, match="déjà dans le parc"):
        return_at(world, found, AS_OF)
    leave(world, found, AS_OF + DAY)
    with pytest.raises(Refused, match="n’est que prévue"):
        return_at(world, found, AS_OF)


def test_a_vehicle_of_another_organisation_does_not_come_back(world, other_world):
    foreign = add_vehicle(other_world)
    leave(other_world, foreign, LEFT)
    with pytest.raises(Refused, match="n’est pas dans votre parc"):
        return_at(world, foreign, BACK)
    assert absences(other_world, foreign) == []


PERIODS = [
    (LEFT - DAY, LEFT, ""),
    (LEFT - DAY, LEFT + MINUTE, "ends_at"),
    (LEFT - DAY, None, "ends_at"),
    (LEFT, BACK, "starts_at"),
    (LEFT + MINUTE, None, "starts_at"),
    (BACK - MINUTE, BACK + DAY, "starts_at"),
    (BACK, None, ""),
]


@pytest.mark.parametrize(("starts_at", "ends_at", "field"), PERIODS)
def test_nobody_holds_a_vehicle_while_it_is_away(world, starts_at, ends_at, field):
    """C4.2: typed anew, and corrected into it."""
    found = absent(world)
    held = assign(world, found, BACK + DAY, BACK + 2 * DAY)
    changed = {"driver_id": add_driver(world, "Marin"), "starts_at": starts_at, "ends_at": ends_at}
    changed |= {"reason": ChangeReason.MISTYPED, "as_of": AS_OF}
    if field:
        with pytest.raises(Refused, match="absent du parc du mar. 10 févr. 2026, 08:00") as refusal:
            assign(world, found, starts_at, ends_at)
        assert refusal.value.field == field
        with pytest.raises(Refused, match="absent du parc"):
            assignments.correct_assignment(actor=actor(world.fleet), assignment_id=held, **changed)
    else:
        assignments.correct_assignment(actor=actor(world.fleet), assignment_id=held, **changed)


@pytest.mark.parametrize(("moment", "is_refused"), [(LEFT - MINUTE, True), (BACK - MINUTE, True), (BACK, False)])
def test_no_vehicle_changes_hands_while_it_is_away(world, moment, is_refused):
    found, driver, boss = absent(world), add_driver(world), actor(world.fleet)
    with tenant_session(world.organisation_id) as session:
        reasons = look_at(session, boss, Reassign(driver, moment), [found]).reasons
    assert ("absent du parc" in reasons.get(found, "")) is is_refused
    given = {"vehicle_id": found, "driver_id": driver, "at": moment, "as_of": AS_OF}
    if is_refused:
        with pytest.raises(Refused, match="absent du parc"):
            assignments.hand_over(actor=boss, **given)
    else:
        assignments.hand_over(actor=boss, **given)


@pytest.mark.parametrize(("moment", "is_refused"), [(LEFT, True), (BACK, True), (BACK + MINUTE, False)])
def test_a_second_exit_comes_after_the_return(world, moment, is_refused):
    found = absent(world)
    if is_refused:
        with pytest.raises(Refused, match="est revenu dans le parc le ven. 20 févr. 2026, 18:00"):
            leave(world, found, moment)
    else:
        leave(world, found, moment)
        return_at(world, found, moment + MINUTE)
        assert absences(world, found)[1] == (moment, moment + MINUTE, "autre")


@pytest.mark.parametrize(("entered_at", "is_refused"), [(LEFT, True), (LEFT - MINUTE, False)])
def test_a_vehicle_entered_before_it_was_away(world, entered_at, is_refused):
    found, boss = absent(world), actor(world.fleet)
    details = VehicleDetails(plate="AB-123-CD", entered_at=entered_at)
    if is_refused:
        with pytest.raises(Refused, match="déjà sorti du parc") as refusal:
            vehicles.change_vehicle(actor=boss, vehicle_id=found, details=details, as_of=AS_OF)
        assert refusal.value.field == "entered_at"
    else:
        vehicles.change_vehicle(actor=boss, vehicle_id=found, details=details, as_of=AS_OF)


def test_the_time_away_is_no_gap(world):
    found, boss = absent(world, entered_at=at("02-01 00:00")), actor(world.fleet)
    held = assign(world, found, at("02-02 00:00"), at("02-09 00:00"))
    with tenant_session(world.organisation_id) as session:
        page = pages.read_vehicle(session, boss, found, AS_OF)
        month = read_month_page(session, boss, found, "2026-02", AS_OF)
        after = read_month_page(session, boss, found, "2026-03", AS_OF)
    [first] = page.between[None]
    last, away, before = page.between[held]
    assert first == Gap(at("02-01 00:00"), at("02-02 00:00"))
    assert (before, last) == (Gap(at("02-09 00:00"), LEFT), Gap(BACK, None))
    assert (away.left_at, away.back_at) == (LEFT, BACK)
    assert month.gaps == [first, before, last]
    assert after.gaps == [last]
    kinds = {one.day.day: [str(part.kind) for part in one.stretches] for one in month.days}
    assert (kinds[9], kinds[10], kinds[11]) == (["personne"], ["personne", "hors-parc"], ["hors-parc"])
    assert (kinds[20], kinds[21]) == (["hors-parc", "personne"], ["personne"])


def test_months_before_and_after_an_absence_end_their_gaps_with_it(world):
    found, boss = absent(world, entered_at=at("01-01 00:00")), actor(world.fleet)
    with tenant_session(world.organisation_id) as session:
        months = [read_month_page(session, boss, found, name, AS_OF).gaps for name in ("2026-01", "2026-03")]
    assert months == [[Gap(at("01-01 00:00"), LEFT)], [Gap(BACK, None)]]


def test_the_journal_tells_both_ways_back_and_what_a_new_exit_replaces(world):
    found, boss = add_vehicle(world), actor(world.fleet)
    leave(world, found, LEFT, reason=ExitReason.STOLEN)
    return_at(world, found, BACK)
    leave(world, found, AS_OF + DAY, reason=ExitReason.SOLD)
    leave(world, found, AS_OF + 2 * DAY, reason=ExitReason.RETURNED)
    come_back(world, found)
    with tenant_session(world.organisation_id) as session:
        told = [line.particulars for line in read_journal(session, boss, "vehicule", found)]
    assert told[0] == "sortie du jeu. 5 mars 2026, 10:00 annulée"
    assert told[1] == (
        "le jeu. 5 mars 2026, 10:00, motif\u00a0: restitué au loueur "
        "(auparavant\u00a0: le mer. 4 mars 2026, 10:00, motif\u00a0: vendu ou cédé)"
    )
    assert told[3] == "absent du parc du mar. 10 févr. 2026, 08:00 au ven. 20 févr. 2026, 18:00, motif\u00a0: volé"


def test_the_journal_keeps_what_dates_and_choices_were_and_never_a_text(world):
    found, boss = add_vehicle(world, make="Ancienne", holding="propriete"), actor(world.fleet)
    details = VehicleDetails(
        plate="AB-123-CD",
        entered_at=ENTERED + DAY,
        make="Nouvelle",
        holding="lld",
        first_registered_on=date(2020, 1, 2),
    )
    vehicles.change_vehicle(actor=boss, vehicle_id=found, details=details, as_of=AS_OF)
    with tenant_session(world.organisation_id) as session:
        told = read_journal(session, boss, "vehicule", found)[0].particulars
        query = select(AuditEntry).where(AuditEntry.organisation_id == world.organisation_id)
        kept = str([one.details for one in session.scalars(query)])
    assert "date d’entrée (mer. 1 janv. 2025, 01:00 → jeu. 2 janv. 2025, 01:00)" in told
    assert "détention (Propriété → Location longue durée (LLD))" in told
    assert "première mise en circulation (vide → jeu. 2 janv. 2020)" in told
    assert "marque" in told
    assert "Ancienne" not in kept
    assert "Nouvelle" not in kept


def test_a_vehicle_entered_by_mistake_goes_with_its_absences(world):
    found = absent(world)
    removing.remove_vehicle(actor=actor(world.fleet), vehicle_id=found, as_of=AS_OF)
    assert (stored(world, found), absences(world, found), used(world)) == (None, [], 0)


def planned(world, title, rows, closing=None):
    return make_plan(world.organisation_id, parsed([(title, rows)]), PARIS, AS_OF, closing)


@pytest.mark.parametrize(
    ("heading", "day", "sentence"),
    [
        ("Date d’entrée", date(2026, 2, 11), "est sorti avant, le 10/02/2026 08:00"),
        ("Date d’entrée", date(2026, 2, 9), ""),
        ("Date de sortie", date(2026, 2, 19), "est revenu dans le parc le 20/02/2026 18:00"),
        ("Date de sortie", date(2026, 2, 20), ""),
    ],
)
def test_an_import_changes_nothing_of_an_absence(world, heading, day, sentence):
    """An older file that still has the exit does not take the vehicle out again."""
    absent(world)
    plan = planned(world, "Véhicules", [["Immatriculation", heading], ["AB-123-CD", day]])
    assert len(plan.problems) == bool(sentence)
    assert all(sentence in one.sentence for one in plan.problems)


def test_the_exit_page_tells_planned_assignments_before_anything_is_sent(browser, world):
    found = add_vehicle(world)
    path = f"/vehicules/{found}/sortie"
    assert "prévue" not in text_of(browser.get(path))
    held = assign(world, found, AS_OF + DAY)
    page = browser.get(path)
    assert "Une attribution est prévue" in text_of(page)
    assert f"/attributions/{held}/annuler" in page.text
    assert f"/attributions/{held}/corriger" in page.text


def test_a_planned_exit_says_that_the_new_one_replaces_it(browser, world):
    found = add_vehicle(world)
    path = f"/vehicules/{found}/sortie"
    assert "sera remplacée" not in text_of(browser.get(path))
    leave(world, found, AS_OF + DAY, reason=ExitReason.SOLD)
    assert "la sortie prévue le mer. 4 mars 2026, 10:00 (vendu ou cédé) sera remplacée" in text_of(browser.get(path))


@pytest.mark.parametrize(("day", "is_refused"), [("2036-03-02", False), ("2036-03-03", True)])
def test_an_exit_is_planned_ten_years_ahead_at_most(browser, world, day, is_refused):
    answer = browser.post(f"/vehicules/{add_vehicle(world)}/sortie", data={"at": day, "reason": "vente"})
    if is_refused:
        assert refused(answer, "at", "Une sortie se prévoit au plus dix ans à l’avance")
    else:
        assert answer.status_code == 302


def test_the_page_of_a_return_proposes_now_and_asks_which_way(browser, world):
    found = add_vehicle(world)
    leave(world, found, LEFT, reason=ExitReason.STOLEN)
    path = f"/vehicules/{found}/retour"
    shown = form_of(browser, path)
    assert (shown["at"], shown["at_time"]) == ("2026-03-03", "10:00")
    unsaid = browser.post(path, data={"at": "2026-03-03"})
    assert (unsaid.status_code, 'href="#way">Dites si le véhicule est revenu' in unsaid.text) == (422, True)
    assert refused(browser.post(path, data={"way": "revenu", "at": ""}), "at", "Indiquez le jour du retour.")
    too_early = {"way": "revenu", "at": "2026-02-10", "at_time": "08:00"}
    assert refused(browser.post(path, data=too_early), "at", "Ce véhicule est sorti du parc le mar. 10 févr.")
    sent = {"way": "revenu", "at": "2026-02-20", "at_time": "18:00"}
    page = text_of(browser.post(path, data=sent, follow_redirects=True))
    assert absences(world, found) == [(LEFT, BACK, "vol")]
    assert "Absent du parc du mar. 10 févr. 2026, 08:00 au ven. 20 févr. 2026, 18:00, volé" in page


def test_the_page_of_a_mistaken_exit_ignores_the_day(browser, world):
    found = add_vehicle(world)
    leave(world, found, LEFT)
    sent = {"way": "erreur", "at": "2099-01-01", "at_time": "08:00"}
    assert browser.post(f"/vehicules/{found}/retour", data=sent).status_code == 302
    assert (stored(world, found).left_at, absences(world, found)) == (None, [])


def test_a_planned_exit_is_given_up_without_a_question(browser, world):
    found = add_vehicle(world)
    leave(world, found, AS_OF + DAY)
    path = f"/vehicules/{found}/retour"
    assert "way" not in form_of(browser, path)
    assert browser.post(path).status_code == 302
    assert (stored(world, found).left_at, absences(world, found)) == (None, [])


def test_an_absence_ends_after_it_began(world):
    found = add_vehicle(world)
    row = {"organisation_id": world.organisation_id, "id": new_id(), "vehicle_id": found, "left_because": "vol"}
    with (
        pytest.raises(Exception, match="back_after_exit"),
        tenant_session(world.organisation_id, write=True) as session,
    ):
        session.add(VehicleAbsence(**row, left_at=LEFT, back_at=LEFT, created_at=AS_OF))


def test_an_import_gives_nobody_a_vehicle_that_is_away(world):
    absent(world)
    add_driver(world, staff_number="E1")
    for day, is_refused in ((date(2026, 2, 9), True), (date(2026, 2, 15), True), (date(2026, 2, 21), False)):
        rows = [["Immatriculation", "Matricule conducteur", "Du"], ["AB-123-CD", "E1", day]]
        plan = planned(world, "Attributions", rows)
        assert any("absent du parc du 10/02/2026 08:00" in one.sentence for one in plan.problems) is is_refused


@pytest.mark.parametrize(("moment", "is_refused"), [(BACK, True), (BACK + MINUTE, False)])
def test_closing_by_import_comes_after_the_return(world, moment, is_refused):
    absent(world)
    rows = [["Immatriculation", "Date d’entrée"], ["ZZ-123-ZZ", date(2026, 1, 1)]]
    [missing] = planned(world, "Véhicules", rows, Closing(moment, "autre")).missing
    assert ("est revenu dans le parc" in missing.refusal) is is_refused
