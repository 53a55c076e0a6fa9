"""Notices that nobody answered in the platform's 45 days: the administrator finds them by a view of their own, and what
tells of them leads there and says that the law's days begin with the paper."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from eprunes.core.database import tenant_session
from eprunes.fines import inbox, notice_counts
from eprunes.fines.alert_jobs import send_digests
from eprunes.fines.answering import FilingReason, NoticeState
from eprunes.fines.inbox_filters import NO_SUCH_VIEW, NoticeSearch
from eprunes.fines.models import Notice
from eprunes.fines.queries import View
from eprunes.fines.services import designating, filing
from eprunes.fleet.models import DriverKind
from tests.support import fleet, letters
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
MISSED = "/contraventions?vue=delai-passe"
NEW_DAYS, NOT_YET = "le délai légal de 45 jours court depuis cet envoi", "Les 45 jours de la plateforme sont passés"
OVER = "Le délai est dépassé"


def change(world, notice_id, **columns) -> None:
    own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
    with tenant_session(world.organisation_id, write=True) as session:
        session.execute(update(Notice).where(*own).values(**columns))


def test_what_nobody_answered_in_45_days_has_a_view_of_the_administrators_own(world, signed_in):
    """C4.3-d, C4.3-f: not what was filed or answered, nor what is open to all; the archives hold it as before."""
    own, boss, closed = world.organisation_id, actor(world.admin), {"posted_at": AS_OF - 46 * DAY}
    waiting, filed, answered = (fleet.receive_notice(own, **closed) for _ in range(3))
    fleet.receive_notice(own, posted_at=AS_OF - 45 * DAY)
    filing.file_notice(boss, filed, reason=FilingReason.PAID, as_of=AS_OF)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(boss, answered, **named, as_of=AS_OF)
    for view, expected in ((View.MISSED, {waiting}), (View.ARCHIVE, {waiting, filed})):
        with tenant_session(own) as session:
            page = inbox.read_inbox(session, boss, NoticeSearch(view=view), "", AS_OF)
        assert {one.notice.id for one in page.rows} == expected
        assert page.counts[view].number == len(expected)
    shown = signed_in(world.admin).get(MISSED).text
    assert f"/contraventions/{waiting}" in shown
    assert NEW_DAYS in shown
    others = signed_in(world.fines).get(MISSED).text
    assert NO_SUCH_VIEW in others
    assert "Délai passé" not in others


@pytest.mark.parametrize(("state", "is_offered"), [(NoticeState.TO_ANSWER, True), (NoticeState.EXPIRED, False)])
def test_what_has_expired_is_answered_and_no_longer_filed(world, signed_in, state, is_offered):
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF - 46 * DAY)
    change(world, notice_id, state=state)
    shown = signed_in(world.admin).get(f"/contraventions/{notice_id}").text
    offered = [f'action="/contraventions/{notice_id}/{outcome}"' in shown for outcome in ("impossible", "classer")]
    assert offered == [True, is_offered]


@pytest.mark.parametrize(("days", "is_told"), [(0, True), (-1, False)])
def test_a_paper_that_still_waits_after_its_window_is_told_on_the_administrators_home(world, signed_in, days, is_told):
    """C4.3-d: with the last day of the first one, and to nobody else; every closed one is counted in its view."""
    last = AS_OF.date() + days * DAY
    for number in ("1" * 10, "2" * 10):
        notice_id = fleet.receive_notice(world.organisation_id, numeroAco=number, posted_at=AS_OF - 46 * DAY)
        change(world, notice_id, sent_on=last - 45 * DAY, deadline_on=last)
    words = "avis dont le papier est arrivé"
    assert (words in signed_in(world.admin).get("/").text) == is_told
    assert words not in signed_in(world.both).get("/").text
    with tenant_session(world.organisation_id) as session:
        assert notice_counts.counts_of(session, actor(world.admin), AS_OF)[View.MISSED].number == 2


@pytest.mark.parametrize(("offence_day", "is_told"), [(date(2025, 4, 14), True), (date(2025, 4, 16), False)])
def test_a_notice_that_will_be_destroyed_before_its_deadline_says_so(world, signed_in, offence_day, is_told):
    """C4.3-f: twelve months after the offence, whatever the law's days of its paper."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF - 46 * DAY)
    change(world, notice_id, offence_day=offence_day, sent_on=AS_OF.date() - 2 * DAY, deadline_on=date(2026, 4, 15))
    page = signed_in(world.admin).get(f"/contraventions/{notice_id}").text
    assert ("la plateforme le détruit" in page) == is_told


@pytest.mark.parametrize("state", [NoticeState.TO_ANSWER, NoticeState.REFUSED, NoticeState.EXPIRED])
def test_the_view_waits_for_no_job(world, state):
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF - 46 * DAY)
    change(world, notice_id, state=state)
    with tenant_session(world.organisation_id) as session:
        page = inbox.read_inbox(session, actor(world.admin), NoticeSearch(view=View.MISSED), "", AS_OF)
    assert [one.notice.id for one in page.rows] == [notice_id]


def test_the_mail_of_a_missed_notice_leads_its_administrator_to_it(world):
    fleet.receive_notice(world.organisation_id, posted_at=AS_OF - 45 * DAY)
    send_digests(AS_OF)
    send_digests(AS_OF + DAY)
    first, second = letters.queued("notice_digest", to=world.admin)
    assert [MISSED in one.text for one in (first, second)] == [MISSED in one.html for one in (first, second)]
    assert (MISSED in first.text, MISSED in second.text) == (False, True)
    assert all(MISSED not in one.text + one.html for one in letters.queued("notice_digest", to=world.fines))


def test_other_readers_of_overdue_notices_keep_their_one_link(world):
    """A paper past the law's days within the window of all: told to everybody."""
    change(world, fleet.receive_notice(world.organisation_id), deadline_on=AS_OF.date() - DAY)
    send_digests(AS_OF + DAY)
    [letter] = letters.queued("notice_digest", to=world.fines)
    assert "Délai passé sans réponse" in letter.text
    assert letter.path == "/contraventions"


def test_the_page_of_a_notice_says_which_days_have_passed(world, signed_in):
    """C4.3-d: after the platform's days the law's have yet to begin; 675 € are at stake after the law's alone."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF - 46 * DAY)
    path, browser = f"/contraventions/{notice_id}", signed_in(world.admin)
    note = f'<a href="{path}/avis-papier">notez ici sa date d’envoi</a>'
    page = browser.get(path).text
    assert all(words in page for words in (NOT_YET, NEW_DAYS, note))
    assert OVER not in page
    change(world, notice_id, sent_on=AS_OF.date() - 46 * DAY, deadline_on=AS_OF.date() - DAY)
    page = browser.get(path).text
    assert OVER in page
    assert not any(words in page for words in (NOT_YET, NEW_DAYS, note))
