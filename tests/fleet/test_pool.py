"""Shared vehicles: taken now, given back now, and what is said to whoever comes second."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.models import Assignment, AssignmentSource
from eprunes.fleet.services import assignments, drivers, pool
from tests.fleet.fleets import add_driver, add_vehicle
from tests.support.fleet import change_vehicle
from tests.support.worlds import AS_OF, actor

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Desk:
    """One shared vehicle and two drivers."""

    def __init__(self, world):
        self.world, self.actor, self.organisation_id = world, actor(world.fleet), world.organisation_id
        self.vehicle = self.shared("AB-123-CD")
        self.dumas = add_driver(world, "Dumas", first_name="Caroline")
        self.marin = add_driver(world, "Marin", first_name="Daniel")

    def shared(self, plate):
        vehicle = add_vehicle(self.world, plate)
        change_vehicle(self.organisation_id, vehicle, is_pool=True)
        return vehicle

    def take(self, driver, as_of=AS_OF, vehicle=None, **keywords):
        chosen = {"vehicle_id": vehicle or self.vehicle, "driver_id": driver, **keywords}
        return pool.take(actor=self.actor, **chosen, as_of=as_of)

    def give_back(self, assignment, as_of):
        pool.give_back(actor=self.actor, assignment_id=assignment, as_of=as_of)

    def undo(self, assignment, as_of):
        pool.undo_give_back(actor=self.actor, assignment_id=assignment, as_of=as_of)

    def assign(self, driver, starts_at, ends_at=None):
        chosen = {"vehicle_id": self.vehicle, "driver_id": driver, "starts_at": starts_at, "ends_at": ends_at}
        return assignments.assign(actor=self.actor, **chosen, as_of=AS_OF)

    def rows(self):
        with tenant_session(self.organisation_id) as session:
            query = queries.assignments_of(self.organisation_id, self.vehicle).order_by(Assignment.starts_at)
            return list(session.scalars(query))

    def periods(self):
        return [(row.driver_id, row.starts_at, row.ends_at) for row in self.rows()]

    def journal(self):
        with tenant_session(self.organisation_id) as session:
            return list(session.scalars(queries.visible_journal(self.actor, "vehicule", self.vehicle)))


@pytest.fixture
def desk(world):
    return Desk(world)


def test_a_shared_vehicle_is_taken_from_now_and_given_back_now(desk):
    """C4.2: a short use is an assignment, whose source stays known."""
    taken = desk.take(desk.dumas)
    assert desk.periods() == [(desk.dumas, AS_OF, None)]
    assert desk.rows()[0].source == AssignmentSource.PHONE
    assert desk.journal()[0].details["source"] == AssignmentSource.PHONE
    desk.give_back(taken, AS_OF + HOUR)
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + HOUR)]
    assert desk.journal()[0].details["avant"]["au"] is None
    desk.take(desk.marin, AS_OF + HOUR)
    assert desk.periods()[1] == (desk.marin, AS_OF + HOUR, None)


def test_a_vehicle_that_is_not_shared_is_neither_taken_nor_given_back(desk):
    held = desk.assign(desk.dumas, AS_OF - DAY)
    change_vehicle(desk.organisation_id, desk.vehicle, is_pool=False)
    for act in (lambda: desk.take(desk.marin), lambda: desk.give_back(held, AS_OF)):
        with pytest.raises(Refused, match="n’est pas partagé"):
            act()
    assert desk.periods() == [(desk.dumas, AS_OF - DAY, None)]


def test_whoever_comes_second_is_told_who_has_it_and_since_when(desk):
    desk.take(desk.dumas)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline depuis le mar. 3 mars 2026, 10:00"):
        desk.take(desk.marin, AS_OF + MINUTE)
    assert len(desk.periods()) == 1


def test_of_two_who_take_at_once_one_gets_it_and_the_other_is_told_who(app, desk):
    def try_it(driver):
        with app.app_context():
            try:
                return desk.take(driver)
            except Refused as refusal:
                return str(refusal)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(try_it, (desk.dumas, desk.marin)))
    [(winner, _, _)] = desk.periods()
    [told] = [one for one in answers if isinstance(one, str)]
    assert ("DUMAS Caroline" if winner == desk.dumas else "MARIN Daniel") in told


@pytest.mark.parametrize("apart", [timedelta(milliseconds=300), MINUTE - timedelta(seconds=1)])
def test_whoever_looked_at_the_clock_first_but_came_second_gets_nothing(desk, apart):
    """The winner's period may begin a little after the other's instant: no rest of a second is left between them."""
    desk.take(desk.dumas, AS_OF + apart)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline depuis le mar. 3 mars 2026, 10:00"):
        desk.take(desk.marin, AS_OF)
    assert desk.periods() == [(desk.dumas, AS_OF + apart, None)]


def test_of_two_instants_apart_taken_at_once_one_is_kept_whole(app, desk):
    instants = {desk.dumas: AS_OF, desk.marin: AS_OF + timedelta(milliseconds=20)}

    def try_it(driver):
        with app.app_context():
            try:
                return desk.take(driver, instants[driver])
            except Refused as refusal:
                return str(refusal)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(try_it, instants))
    [(winner, starts_at, ends_at)] = desk.periods()
    assert (starts_at, ends_at) == (instants[winner], None)
    assert sum(isinstance(one, str) for one in answers) == 1


def test_a_vehicle_reserved_from_a_minute_on_is_free_until_then(desk):
    desk.assign(desk.marin, AS_OF + MINUTE)
    with pytest.raises(Refused, match="déjà attribué à MARIN Daniel"):
        desk.take(desk.dumas, AS_OF + timedelta(seconds=1))
    desk.take(desk.dumas, AS_OF)
    assert desk.periods()[0] == (desk.dumas, AS_OF, AS_OF + MINUTE)


def test_a_button_pressed_twice_takes_once(desk):
    taken = desk.take(desk.dumas)
    assert desk.take(desk.dumas, AS_OF + timedelta(seconds=59)) == taken
    assert desk.take(desk.dumas, AS_OF - timedelta(seconds=1)) == taken
    for refused in ({"until": AS_OF + HOUR}, {"as_of": AS_OF + MINUTE}):
        with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline"):
            desk.take(desk.dumas, **{"as_of": AS_OF + timedelta(seconds=1), **refused})
    desk.actor = actor(desk.world.both)
    with pytest.raises(Refused, match="déjà attribué à DUMAS Caroline"):
        desk.take(desk.dumas, AS_OF + timedelta(seconds=1))
    assert desk.periods() == [(desk.dumas, AS_OF, None)]


def test_what_is_given_back_within_the_minute_was_never_taken(desk):
    """C4.2: no use without a length stays; the journal keeps that there was one."""
    taken = desk.take(desk.dumas, AS_OF + timedelta(seconds=1))
    assert pool.give_back(actor=desk.actor, assignment_id=taken, as_of=AS_OF + MINUTE) is False
    assert desk.periods() == []
    entry = desk.journal()[0]
    assert (entry.action, entry.details["motif"]) == ("attribution.annulee", "rendu_aussitot")
    desk.take(desk.marin, AS_OF + MINUTE)


def test_a_minute_is_a_use_and_so_is_less_of_what_was_typed(desk):
    taken = desk.take(desk.dumas)
    assert pool.give_back(actor=desk.actor, assignment_id=taken, as_of=AS_OF + MINUTE) is True
    typed = desk.assign(desk.marin, AS_OF + MINUTE)
    at = AS_OF + MINUTE + timedelta(seconds=1)
    assert pool.give_back(actor=desk.actor, assignment_id=typed, as_of=at) is True
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + MINUTE), (desk.marin, AS_OF + MINUTE, at)]


def test_an_expected_return_after_a_reservation_is_refused_beside_it(desk):
    desk.assign(desk.marin, AS_OF + DAY)
    told = "à partir du mer. 4 mars 2026, 10:00. Indiquez un retour prévu avant cet instant."
    with pytest.raises(Refused, match=told) as refusal:
        desk.take(desk.dumas, until=AS_OF + DAY + MINUTE)
    assert refusal.value.field == "ends_at"
    desk.take(desk.dumas, until=AS_OF + DAY)


def test_what_is_given_back_twice_is_said(desk):
    taken = desk.take(desk.dumas)
    desk.give_back(taken, AS_OF + HOUR)
    with pytest.raises(Refused, match="déjà été rendu le mar. 3 mars 2026, 11:00"):
        desk.give_back(taken, AS_OF + HOUR + MINUTE)
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + HOUR)]


def test_a_planned_assignment_is_not_given_back_before_it_begins(desk):
    planned = desk.assign(desk.dumas, AS_OF + DAY)
    for at in (AS_OF, AS_OF + DAY):
        with pytest.raises(Refused, match="ne commence que le"):
            desk.give_back(planned, at)
    desk.give_back(planned, AS_OF + DAY + MINUTE)


def test_an_expected_return_ends_the_use(desk):
    desk.take(desk.dumas, until=AS_OF + HOUR)
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + HOUR)]
    with pytest.raises(Refused):
        desk.take(desk.marin, AS_OF + HOUR - MINUTE)
    desk.take(desk.marin, AS_OF + HOUR)


@pytest.mark.parametrize("until", [AS_OF, AS_OF - MINUTE])
def test_an_expected_return_is_to_come(desk, until):
    with pytest.raises(Refused, match="doit être à venir"):
        desk.take(desk.dumas, until=until)
    desk.take(desk.dumas, until=AS_OF + MINUTE)


def test_a_use_ends_where_the_vehicle_is_promised_to_somebody(desk):
    desk.assign(desk.marin, AS_OF + DAY)
    desk.take(desk.dumas)
    assert desk.periods()[0] == (desk.dumas, AS_OF, AS_OF + DAY)


def test_a_use_ends_with_the_vehicle_s_exit_and_the_driver_s_departure(desk):
    change_vehicle(desk.organisation_id, desk.vehicle, left_at=AS_OF + 3 * DAY)
    taken = desk.take(desk.dumas)
    assert desk.periods()[0] == (desk.dumas, AS_OF, AS_OF + 3 * DAY)
    desk.give_back(taken, AS_OF + HOUR)
    drivers.driver_left(actor=desk.actor, driver_id=desk.marin, on=date(2026, 3, 4), as_of=AS_OF)
    desk.take(desk.marin, AS_OF + HOUR)
    assert desk.periods()[1] == (desk.marin, AS_OF + HOUR, datetime(2026, 3, 4, 23, 0, tzinfo=UTC))


def test_who_left_takes_nothing(desk):
    drivers.driver_left(actor=desk.actor, driver_id=desk.marin, on=date(2026, 3, 2), as_of=AS_OF)
    with pytest.raises(Refused, match="a quitté l’entreprise"):
        desk.take(desk.marin)


def test_what_belongs_to_another_organisation_is_not_there(desk, other_world):
    foreign = Desk(other_world)
    with pytest.raises(Refused, match="Choisissez un conducteur de votre parc"):
        desk.take(foreign.dumas)
    with pytest.raises(Refused, match="n’est pas dans votre parc"):
        desk.take(desk.dumas, vehicle=foreign.vehicle)
    taken = foreign.take(foreign.dumas)
    for act in (desk.give_back, desk.undo):
        with pytest.raises(Refused, match="n’existe plus"):
            act(taken, AS_OF + MINUTE)
    assert foreign.periods() == [(foreign.dumas, AS_OF, None)]


def test_a_return_is_undone_without_an_interruption(desk):
    taken = desk.take(desk.dumas)
    desk.give_back(taken, AS_OF + HOUR)
    desk.undo(taken, AS_OF + HOUR + pool.UNDONE_WITHIN)
    assert desk.periods() == [(desk.dumas, AS_OF, None)]
    entry = desk.journal()[0]
    assert (entry.action, entry.details["motif"]) == ("attribution.corrigee", "rendu_par_erreur")
    assert entry.details["avant"]["au"] == (AS_OF + HOUR).isoformat()


def test_a_return_is_not_undone_later(desk):
    taken = desk.take(desk.dumas)
    with pytest.raises(Refused, match="ne peut plus être annulé"):
        desk.undo(taken, AS_OF)
    desk.give_back(taken, AS_OF + HOUR)
    with pytest.raises(Refused, match="ne peut plus être annulé"):
        desk.undo(taken, AS_OF + HOUR + pool.UNDONE_WITHIN + MINUTE)


@pytest.mark.parametrize("given_back_again", [False, True])
def test_a_return_is_not_undone_once_somebody_took_the_vehicle(desk, given_back_again):
    taken = desk.take(desk.dumas)
    desk.give_back(taken, AS_OF + HOUR)
    again = desk.take(desk.marin, AS_OF + HOUR)
    if given_back_again:
        desk.give_back(again, AS_OF + HOUR + MINUTE)
    before = desk.periods()
    with pytest.raises(Refused, match="déjà attribué à MARIN Daniel"):
        desk.undo(taken, AS_OF + HOUR + 2 * MINUTE)
    assert desk.periods() == before


def test_an_undone_return_leaves_what_is_planned(desk):
    desk.assign(desk.marin, AS_OF + DAY)
    taken = desk.take(desk.dumas)
    desk.give_back(taken, AS_OF + HOUR)
    desk.undo(taken, AS_OF + HOUR)
    assert desk.periods() == [(desk.dumas, AS_OF, AS_OF + DAY), (desk.marin, AS_OF + DAY, None)]
