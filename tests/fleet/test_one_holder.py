"""Whatever is attributed, handed over, ended, corrected, cancelled, taken and given back: at most one holder at any
instant, and no act without its trace."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.change_reasons import ChangeReason
from eprunes.fleet.models import ExitReason
from eprunes.fleet.services import assignments, pool, vehicles
from tests.fleet.fleets import add_driver, add_vehicle, plate_number
from tests.support.fleet import change_vehicle
from tests.support.worlds import AS_OF, actor

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = 12
hours = st.integers(0, HOURS)
ends = st.none() | hours
drivers = st.integers(0, 2)
which = st.integers(0, 5)
acts = st.one_of(
    st.tuples(st.just("assign"), drivers, hours, ends),
    st.tuples(st.just("hand_over"), drivers, hours),
    st.tuples(st.just("end"), which, hours),
    st.tuples(st.just("correct"), which, drivers, hours, ends),
    st.tuples(st.just("cancel"), which),
)
every_act = acts | st.one_of(
    st.tuples(st.just("take"), drivers, hours, ends),
    st.tuples(st.just("give_back"), which, hours),
    st.tuples(st.just("undo"), which, hours),
    st.tuples(st.just("leave"), hours),
    st.tuples(st.just("come_back")),
)


class Oracle:
    """The same acts on a plain list of [driver, start, end) in hours; says what must be admitted."""

    def __init__(self):
        self.periods = []

    def fits(self, start, end, but=None):
        rest = [one for one in self.periods if one is not but]
        in_order = end is None or start < end
        return in_order and all(
            (end is not None and end <= other[1]) or (other[2] is not None and other[2] <= start) for other in rest
        )

    def assign(self, driver, start, end):
        if [driver, start, end] in self.periods:
            return True  # one person, the same words: a form sent twice
        if not self.fits(start, end):
            return False
        self.periods.append([driver, start, end])
        return True

    def hand_over(self, driver, at):
        holder = next((one for one in self.periods if one[1] <= at and (one[2] is None or one[2] > at)), None)
        if holder is not None and (holder[0] == driver or holder[1] == at):
            return False
        if any(one[1] > at for one in self.periods):
            return False
        if holder is not None:
            holder[2] = at
        self.periods.append([driver, at, None])
        return True

    def end(self, index, at):
        one = self.nth(index)
        if one is None or at <= one[1] or (one[2] is not None and one[2] <= at):
            return False
        one[2] = at
        return True

    def correct(self, index, driver, start, end):
        one = self.nth(index)
        if one is None or not self.fits(start, end, but=one):
            return False
        one[:] = [driver, start, end]
        return True

    def cancel(self, index):
        one = self.nth(index)
        if one is None:
            return False
        self.periods.remove(one)
        return True

    def nth(self, index):
        ordered = sorted(self.periods, key=lambda one: one[1])
        return ordered[index] if index < len(ordered) else None


def at(hour):
    return None if hour is None else ORIGIN + timedelta(hours=hour)


class Fleet:
    """One vehicle in the database, and the services on its assignments by their place in time."""

    def __init__(self, world, plate, driver_ids):
        self.organisation_id, self.actor = world.organisation_id, actor(world.fleet)
        self.vehicle, self.drivers = add_vehicle(world, plate), driver_ids

    def do(self, act):
        name, *values = act
        try:
            getattr(self, name)(*values)
        except Refused:
            return False
        return True

    def assign(self, driver, start, end):
        period = {"starts_at": at(start), "ends_at": at(end)}
        chosen = {"vehicle_id": self.vehicle, "driver_id": self.drivers[driver]}
        assignments.assign(actor=self.actor, **chosen, **period, as_of=AS_OF)

    def hand_over(self, driver, hour):
        chosen = {"vehicle_id": self.vehicle, "driver_id": self.drivers[driver], "at": at(hour)}
        assignments.hand_over(actor=self.actor, **chosen, as_of=AS_OF)

    def end(self, index, hour):
        assignments.end_assignment(actor=self.actor, assignment_id=self.nth(index), at=at(hour), as_of=AS_OF)

    def correct(self, index, driver, start, end):
        changed = {"driver_id": self.drivers[driver], "starts_at": at(start), "ends_at": at(end)}
        changed["reason"] = ChangeReason.MISTYPED
        found = self.nth(index)
        assignments.correct_assignment(actor=self.actor, assignment_id=found, **changed, as_of=AS_OF)

    def cancel(self, index):
        why = {"reason": ChangeReason.OTHER, "as_of": AS_OF}
        assignments.cancel_assignment(actor=self.actor, assignment_id=self.nth(index), **why)

    def take(self, driver, hour, until):
        chosen = {"vehicle_id": self.vehicle, "driver_id": self.drivers[driver], "until": at(until)}
        pool.take(actor=self.actor, **chosen, as_of=at(hour))

    def give_back(self, index, hour):
        pool.give_back(actor=self.actor, assignment_id=self.nth(index), as_of=at(hour))

    def undo(self, index, hour):
        pool.undo_give_back(actor=self.actor, assignment_id=self.nth(index), as_of=at(hour))

    def leave(self, hour):
        leaving = {"at": at(hour), "reason": ExitReason.SOLD, "as_of": AS_OF}
        vehicles.leave_fleet(actor=self.actor, vehicle_id=self.vehicle, **leaving)

    def come_back(self):
        vehicles.return_to_fleet(actor=self.actor, vehicle_id=self.vehicle, as_of=AS_OF)

    def told(self):
        """The periods as the journal alone tells them; each entry has to fit what the ones before it left."""
        with tenant_session(self.organisation_id) as session:
            entries = session.scalars(queries.visible_journal(self.actor, "vehicule", self.vehicle)).all()
        known = {}
        for entry in sorted(entries, key=lambda one: one.id):
            if "attribution" not in entry.details:
                continue
            key, facts = entry.details["attribution"], [entry.details[name] for name in ("conducteur", "du", "au")]
            assert entry.actor_id == self.actor.user_id
            assert (key in known) == (entry.action != "attribution.creee")
            before = entry.details.get("avant")
            assert known.get(key, facts) == ([before[name] for name in ("conducteur", "du", "au")] if before else facts)
            known[key] = facts
            if entry.action == "attribution.annulee":
                del known[key]
        return known

    def rows(self):
        with tenant_session(self.organisation_id) as session:
            rows = session.scalars(queries.assignments_of(self.organisation_id, self.vehicle)).all()
        return sorted(rows, key=lambda row: row.starts_at)

    def nth(self, index):
        rows = self.rows()
        if index >= len(rows):
            raise Refused("no such assignment")
        return rows[index].id


def test_at_any_instant_a_vehicle_has_exactly_one_holder_or_nobody(world):
    driver_ids = [add_driver(world, name) for name in ("Un", "Deux", "Trois")]
    numbers = iter(range(1, 999))

    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(acts, min_size=1, max_size=10))
    def stays_true(sequence):
        oracle, fleet = Oracle(), Fleet(world, plate_number(next(numbers)), driver_ids)
        for act in sequence:
            assert fleet.do(act) == getattr(oracle, act[0])(*act[1:]), act
        stored = [(driver_ids.index(row.driver_id), row.starts_at, row.ends_at) for row in fleet.rows()]
        wanted = [(driver, at(start), at(end)) for driver, start, end in oracle.periods]
        assert sorted(stored, key=lambda one: one[1]) == sorted(wanted, key=lambda one: one[1])
        for hour in range(HOURS + 2):
            holding = [one for one in stored if one[1] <= at(hour) and (one[2] is None or one[2] > at(hour))]
            assert len(holding) <= 1, f"{len(holding)} holders at hour {hour}"

    stays_true()


def test_whatever_happens_the_journal_rebuilds_the_periods_and_nobody_shares_an_instant(world):
    """C4.2: assigned, handed over, ended, corrected, cancelled, taken, given back, out of the fleet and in again."""
    driver_ids = [add_driver(world, name) for name in ("Un", "Deux", "Trois")]
    numbers = iter(range(1, 999))

    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(every_act, min_size=1, max_size=12))
    @example([("take", 0, 1, None), ("give_back", 0, 3), ("undo", 0, 3), ("give_back", 0, 4), ("take", 1, 4, 6)])
    @example([("assign", 1, 5, None), ("take", 0, 1, None), ("leave", 9), ("come_back",), ("cancel", 1)])
    @example([("take", 0, 1, None), ("hand_over", 1, 2), ("correct", 0, 2, 0, 2), ("leave", 6), ("undo", 1, 6)])
    def stays_true(sequence):
        fleet = Fleet(world, plate_number(next(numbers)), driver_ids)
        change_vehicle(world.organisation_id, fleet.vehicle, is_pool=True)
        for act in sequence:
            fleet.do(act)
        rows = fleet.rows()
        for one, after in itertools.pairwise(rows):
            assert one.ends_at, "two holders at once"
            assert one.ends_at <= after.starts_at, "two holders at once"
        assert fleet.told() == {
            str(row.id): [str(row.driver_id), row.starts_at.isoformat(), row.ends_at and row.ends_at.isoformat()]
            for row in rows
        }

    stays_true()
