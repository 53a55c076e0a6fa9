"""Whether the law wants a driver designated: one rule, and every place that asks it."""

from itertools import product

import pytest

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fines import catalogue
from eprunes.fines.answering import FilingReason, NoticeState
from eprunes.fines.designation_rules import law_wants_driver
from eprunes.fines.inbox_filters import NoticeSearch, found_notices
from eprunes.fines.models import Notice
from eprunes.fines.queries import View
from eprunes.fines.services import filing
from tests.support import fleet
from tests.support.worlds import AS_OF, actor

WANTED = {
    (True, True): True, (True, False): True, (True, None): True,
    (False, True): True, (False, False): False, (False, None): False,
    (None, True): True, (None, False): False, (None, None): None,
}  # fmt: skip
"""What the paper says, what the catalogue says, and what follows."""
OFFENCES = {"25387": True, "21526": True, "35273": False, "6118": False, "99999": None}
"""What the catalogue says of each on the day of `fleet.offence_record`; one of each with lines that are dated."""


@pytest.mark.parametrize(("asked", "required"), WANTED)
def test_the_paper_and_the_catalogue_impose_alike_and_neither_takes_back(asked, required):
    """C4.3-c"""
    assert law_wants_driver(asked, required) is WANTED[asked, required]


@pytest.fixture
def each(world) -> dict:
    """A notice of each combination, of a vehicle whose driver is known; (paper, NATINF) by id."""
    catalogue.load()
    own = world.organisation_id
    vehicle_id = fleet.add_vehicle(own, fleet.new_plate())
    fleet.assign(own, vehicle_id, fleet.add_driver(own))
    kinds = {
        fleet.receive_notice(own, vehicle_id=vehicle_id, codeNatinf=natinf): (asked, natinf)
        for asked, natinf in product((True, False, None), OFFENCES)
    }
    with tenant_session(own, write=True) as session:
        for notice_id, (asked, _) in kinds.items():
            session.get(Notice, (own, notice_id)).designation_asked = asked
    return kinds


def test_the_inbox_asks_the_database_the_same(world, each):
    with tenant_session(world.organisation_id) as session:
        query = found_notices(session, actor(world.fines), NoticeSearch(view=View.READY), AS_OF)
        ready = {each[one.id] for one in session.scalars(query)}
    assert ready == {one for one in each.values() if WANTED[one[0], OFFENCES[one[1]]] is not False}


def test_no_duty_is_refused_as_a_reason_where_the_paper_or_the_catalogue_says_that_there_is_one(world, each):
    someone, refused = actor(world.fines), {}
    for notice_id, kind in each.items():
        try:
            filing.file_notice(someone, notice_id, reason=FilingReason.NO_DUTY, as_of=AS_OF)
        except Refused as why:
            refused[kind] = str(why)
        state = fleet.notice(world.organisation_id, notice_id).state
        assert (state == NoticeState.FILED) == (kind not in refused)
    wanted = [one for one in each.values() if WANTED[one[0], OFFENCES[one[1]]]]
    assert refused == {one: filing.DUTY_ON_PAPER if one[0] else filing.DUTY for one in wanted}
