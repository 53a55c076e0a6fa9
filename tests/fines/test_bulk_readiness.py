"""What may be designated without a second look, and why the rest may not: rules alone, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from eprunes.fines.answering import NoticeState
from eprunes.fines.bulk import readiness
from eprunes.fines.deadlines import NoticeSource
from eprunes.fines.models import Notice, NoticeKind, Offence
from eprunes.fines.proposals import Proposal, Why
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.models import Assignment
from tests.support.fleet import NOEL

AS_OF, TODAY = datetime(2026, 3, 3, 9, tzinfo=UTC), date(2026, 3, 3)
OFFENCE_AT, OFFENCE_DAY = datetime(2026, 2, 20, 19, 47, tzinfo=UTC), date(2026, 2, 20)


def notice(**changes) -> Notice:
    """A notice that came from the agency and is to answer today still."""
    facts = {
        "source": NoticeSource.AGENCY_FLOW, "kind": NoticeKind.OFFENCE, "state": NoticeState.TO_ANSWER,
        "is_answered": False, "content_changed": False, "deadline_on": TODAY, "offence_at": OFFENCE_AT,
        "offence_day": OFFENCE_DAY, "designation_asked": None, "sent_on": None,
    }  # fmt: skip
    return Notice(**facts | changes)


def held(starts_at: datetime, ends_at: datetime | None = None) -> Proposal:
    return Proposal(Why.HELD, Assignment(driver_id=UUID(int=1), starts_at=starts_at, ends_at=ends_at))


LONG = held(OFFENCE_AT - timedelta(days=9))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"is_answered": True}, readiness.ANSWERED),
        ({"kind": NoticeKind.PARKING_FEE}, readiness.PARKING_FEE),
        ({"state": NoticeState.FILED}, readiness.FILED),
        ({"state": NoticeState.REFUSED}, readiness.REFUSED),
        ({"state": NoticeState.EXPIRED, "posted_on": TODAY - timedelta(days=46)}, readiness.LATE),
        ({"state": NoticeState.EXPIRED, "posted_on": TODAY - timedelta(days=45)}, ""),
        ({"deadline_on": TODAY - timedelta(days=1)}, readiness.LATE),
        ({"content_changed": True}, readiness.CHANGED),
        ({"source": NoticeSource.TYPED_IN}, ""),
    ],
)
def test_a_notice_that_wants_a_look_is_left_to_its_own_page(changes, expected):
    """C4.3-c"""
    assert readiness.of_notice(notice(**changes), False, AS_OF) == expected


def test_a_notice_whose_earlier_answer_was_refused_wants_a_look_though_it_was_filed_and_reopened():
    assert readiness.of_notice(notice(), True, AS_OF) == readiness.REFUSED


def test_the_last_day_ends_at_midnight_in_paris():
    last = datetime(2026, 3, 3, 22, 59, tzinfo=UTC)
    assert readiness.of_notice(notice(), False, last) == ""
    assert readiness.of_notice(notice(), False, last + timedelta(minutes=1)) == readiness.LATE


def test_whoever_is_not_proposed_is_told_by_what_the_fleet_knows():
    assert readiness.of_proposal(LONG, False) == ""
    assert readiness.of_proposal(LONG, True) == readiness.DENIED
    told = {why: readiness.of_proposal(Proposal(why), False) for why in Why if why is not Why.HELD}
    assert len(set(told.values())) == len(told)
    assert "Deux conducteurs" in told[Why.TWO_POSSIBLE]
    assert "impossibilité" in told[Why.AFTER_EXIT]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (NOEL, ""),
        (None, readiness.ERASED),
        (replace(NOEL, licence_number=""), "il manque numéro de permis."),
        (replace(NOEL, address_line="", birth_date=None), "il manque date de naissance, adresse."),
        (replace(NOEL, licence_issued_on=OFFENCE_DAY), ""),
        (replace(NOEL, licence_issued_on=OFFENCE_DAY + timedelta(days=1)), readiness.LICENCE_TOO_LATE),
        (replace(NOEL, licence_issued_on=TODAY + timedelta(days=1)), "est à corriger\u00a0: date du permis."),
        (replace(NOEL, licence_issued_on=date(1996, 2, 28)), readiness.DOUBTFUL),
        (replace(NOEL, postcode="4400", licence_number="?"), "est à corriger\u00a0: code postal, numéro de permis."),
    ],
)
def test_a_file_that_cannot_be_declared_as_it_stands_says_which_detail_and_not_what_it_says(details, expected):
    """Bad input of designations; what is told stands in a task's box, and holds no detail of anybody."""
    told = readiness.of_driver(details, TODAY, OFFENCE_DAY)
    assert (told == "") if not expected else told.endswith(expected)
    assert not [
        one for one in DriverDetails.__dataclass_fields__ if (v := getattr(details, one, "")) and str(v) in told
    ]


def test_what_is_worth_knowing_forbids_nothing():
    two = timedelta(hours=2)
    near = [held(OFFENCE_AT - two), held(OFFENCE_AT - two * 9, OFFENCE_AT + two)]
    far = [held(OFFENCE_AT - two - timedelta(minutes=1)), LONG]
    assert [readiness.remarks(notice(), one, None) for one in near] == [[readiness.NEAR]] * 2
    assert [readiness.remarks(notice(), one, None) for one in far] == [[]] * 2
    free, bound = Offence(designation_required=False), Offence(designation_required=True)
    assert readiness.remarks(notice(), LONG, free) == [readiness.NO_DUTY]
    assert readiness.remarks(notice(), LONG, bound) == []
    assert readiness.remarks(notice(designation_asked=True), LONG, free) == []
    typed = notice(source=NoticeSource.TYPED_IN, designation_asked=False)
    assert readiness.remarks(typed, LONG, None) == [readiness.NO_DUTY, readiness.BY_LETTER]
    assert readiness.remarks(typed, LONG, bound) == [readiness.BY_LETTER]
