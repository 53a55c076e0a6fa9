"""Notices that come on paper (C4.3-d): typed in, told apart from those of the agency, corrected, never two of one."""

import re
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, time, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select, update

from eprunes.antai import messages
from eprunes.core.audit import AuditEntry
from eprunes.core.calendar import PARIS
from eprunes.core.crypto import key_store
from eprunes.core.database import insert_absent, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events, inbox
from eprunes.fines.alert_jobs import send_digests
from eprunes.fines.inbox_filters import NoticeSearch
from eprunes.fines.models import DestroyedNotice, Notice, NoticeCount, NoticeFile, NoticeKind
from eprunes.fines.notice_details import open_notices
from eprunes.fines.notice_numbers import number_print
from eprunes.fines.notice_versions import CHANGED, version_of
from eprunes.fines.paper.typed_notices import TypedNotice, problems, received
from eprunes.fines.queries import thread_of
from eprunes.fines.receiving import Incoming, receive
from eprunes.fines.services import designating, filing, typing_in
from eprunes.fines.services.attachments import Sent
from eprunes.fleet.models import DriverKind
from tests.support import fleet, letters
from tests.support.desk import designation_of
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, actor

NUMBER = "60123456789012"
TODAY = AS_OF.date()
TYPED = TypedNotice(
    kind=NoticeKind.OFFENCE,
    number="6012 3456 7890 12",
    noticed_on=date(2026, 2, 20),
    sent_on=date(2026, 2, 23),
    offence_on=date(2026, 2, 14),
    offence_hour=time(8, 5),
    plate="bc 234 de",
    place="A6 PR 12+300",
    postcode="94150",
    city="Rungis",
    natinf="25387",
    speed_limit=110,
    speed_retained=117,
    speed_measured=123,
    asks_designation=True,
)
FEE = replace(TYPED, kind=NoticeKind.PARKING_FEE, number="1" * 26 + "42", natinf="", sent_on=None)
FORM = {
    "kind": "contravention", "number": "6012 3456 7890 12", "noticed_on": "2026-02-20", "sent_on": "2026-02-23",
    "plate": "bc 234 de", "country": "FR", "offence_on": "2026-02-14", "offence_hour": "08:05",
    "place": "A6 PR 12+300", "postcode": "94150", "city": "Rungis", "natinf": "25387",
}  # fmt: skip


def details_of(notice):
    return open_notices(key_store(), [notice])[notice.id]


def kinds_of(notice) -> list[str]:
    with tenant_session(notice.organisation_id) as session:
        return [one.kind for one in session.scalars(thread_of(notice.organisation_id, notice.id))]


def count(world, model) -> int:
    with tenant_session(world.organisation_id) as session:
        return len(session.scalars(select(model).where(model.organisation_id == world.organisation_id)).all())


def remember_destroyed(world, number: str) -> None:
    mark = number_print(key_store().index_key(world.organisation_id), number)
    own = {"organisation_id": world.organisation_id, "id": new_id(), "destroyed_on": TODAY}
    with tenant_session(world.organisation_id, write=True) as session:
        insert_absent(session, DestroyedNotice, [own | {"number_fingerprint": mark}])


def record(**changes) -> dict:
    return fleet.offence_record("BC234DE", numeroAco=NUMBER, **changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "12345678"}, "number"),
        ({"number": "1" * 17}, "number"),
        ({"number": "12345678A"}, "number"),
        ({"kind": NoticeKind.PARKING_FEE, "number": "1" * 27}, "number"),
        ({"noticed_on": TODAY + timedelta(days=1), "sent_on": None}, "noticed_on"),
        ({"noticed_on": date(2026, 2, 13)}, "noticed_on"),
        ({"sent_on": date(2026, 2, 19)}, "sent_on"),
        ({"sent_on": TODAY + timedelta(days=1)}, "sent_on"),
        ({"noticed_on": TODAY, "sent_on": None, "offence_on": TODAY, "offence_hour": time(10, 1)}, "offence_hour"),
        ({"offence_on": date(1999, 12, 31)}, "offence_on"),
        ({"plate": "SS-123-AB"}, "plate"),
        ({"postcode": "9415"}, "postcode"),
        ({"natinf": "", "label": ""}, "label"),
        ({"natinf": "25A"}, "natinf"),
        ({"speed_retained": 124}, "speed_retained"),
        ({"speed_retained": 110}, "speed_retained"),
        ({"speed_limit": 0}, "speed_limit"),
        (
            {"noticed_on": date(2025, 4, 2), "offence_on": date(2025, 3, 30), "offence_hour": time(2, 30)},
            "offence_hour",
        ),
    ],
)
def test_a_field_that_can_t_be_is_refused_with_a_sentence(changes, field):
    assert list(problems(replace(TYPED, **changes), PARIS, AS_OF)) == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"number": "123456789"},
        {"number": "1" * 16},
        {"noticed_on": TODAY, "sent_on": TODAY},
        {"noticed_on": TODAY, "sent_on": None, "offence_on": TODAY, "offence_hour": time(10, 0)},
        {"sent_on": None, "postcode": "", "natinf": "", "label": "Feu rouge"},
        {"plate": "SS-123-AB", "is_plate_sure": True},
        {"plate": "1-ABC-234", "country": "BE"},
        {"speed_retained": 123},
        {"speed_retained": 111},
        {"kind": NoticeKind.PARKING_FEE, "number": "1" * 26, "natinf": "", "speed_limit": 0},
    ],
)
def test_what_a_paper_may_bear_is_taken(changes):
    assert problems(replace(TYPED, **changes), PARIS, AS_OF) == {}


def test_a_typed_notice_is_to_answer_by_the_law_s_clock_with_its_scan(world):
    """C4.3-d: 45 days from its sending, whatever the day it was typed in; everyone with the fines tool sees it."""
    vehicle_id = fleet.add_vehicle(world.organisation_id, "BC234DE")
    scan = Sent("avis.pdf", pdf(b"avis"), "scan")

    typing_in.type_in(actor(world.fines), TYPED, scans=[scan], as_of=AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    details = details_of(notice)
    assert (notice.source, notice.state, notice.posted_at) == ("saisie", "a_traiter", AS_OF)
    assert (notice.deadline_on, notice.sent_on) == (date(2026, 4, 9), date(2026, 2, 23))
    assert (notice.vehicle_id, notice.entered_by) == (vehicle_id, actor(world.fines).user_id)
    assert notice.designation_asked is True
    assert (details.number, details.plate, details.speed_retained) == (NUMBER, "BC234DE", 117)
    assert kinds_of(notice) == [events.TYPED_IN, events.FILE_ADDED]
    assert count(world, NoticeFile) == 1
    with tenant_session(world.organisation_id) as session:
        [cell] = session.scalars(select(NoticeCount).where(NoticeCount.organisation_id == world.organisation_id))
    assert (cell.natinf, cell.received) == ("25387", 1)


def test_without_a_sending_date_the_date_of_the_notice_counts(world):
    typing_in.type_in(actor(world.fines), replace(TYPED, sent_on=None), as_of=AS_OF)
    assert fleet.notices(world.organisation_id)[0].deadline_on == date(2026, 4, 6)


def test_a_scan_that_is_no_scan_leaves_nothing_behind(world):
    with pytest.raises(Refused) as refusal:
        typing_in.type_in(actor(world.fines), TYPED, scans=[Sent("avis.pdf", b"MZ", "scan")], as_of=AS_OF)
    assert refusal.value.field == "scan"
    assert fleet.notices(world.organisation_id) == []


def test_a_number_is_never_there_twice(world):
    """By typing after the agency, by typing twice, and after the destruction (C4.3-f)."""
    receive(world.organisation_id, [Incoming(messages.read_offence(record()), None)], AS_OF)
    for sentence in (typing_in.KNOWN, typing_in.DESTROYED):
        with pytest.raises(Refused) as refusal:
            typing_in.type_in(actor(world.fines), TYPED, as_of=AS_OF)
        assert (str(refusal.value), refusal.value.field) == (sentence, "number")
        remember_destroyed(world, NUMBER)
    assert len(fleet.notices(world.organisation_id)) == 1


@pytest.mark.parametrize(("sent_on", "deadline_on"), [(date(2026, 2, 23), date(2026, 4, 9)), (None, date(2026, 4, 6))])
def test_a_typed_notice_that_the_agency_sends_too_is_merged_and_stays_on_the_law_s_clock(world, sent_on, deadline_on):
    """C4.3-a, C4.3-d: one notice, the agency's content, and still the earlier of the two deadlines."""
    vehicle_id = fleet.add_vehicle(world.organisation_id, "BC234DE")
    typing_in.type_in(actor(world.fines), replace(TYPED, sent_on=sent_on), as_of=AS_OF)

    for _ in range(2):
        counts = receive(world.organisation_id, [Incoming(messages.read_offence(record()), vehicle_id)], AS_OF)
    assert counts["new"] == 0

    [notice] = fleet.notices(world.organisation_id)
    details = details_of(notice)
    assert (notice.source, notice.content_changed, notice.sent_on) == ("flux_antai", False, sent_on)
    assert notice.deadline_on == deadline_on
    assert details.raw["numeroAco"] == NUMBER
    assert details.earlier[0]["saisie"]["place"] == "A6 PR 12+300"
    assert kinds_of(notice) == [events.TYPED_IN, events.MERGED]


def test_a_typed_notice_already_answered_keeps_what_was_answered(world):
    boss = actor(world.admin)
    notice_id = typing_in.type_in(boss, TYPED, as_of=AS_OF)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(boss, notice_id, **named, channel="courrier", as_of=AS_OF)

    receive(world.organisation_id, [Incoming(messages.read_offence(record(lieu="Ailleurs")), None)], AS_OF)

    notice = fleet.notice(world.organisation_id, notice_id)
    assert (notice.source, notice.is_answered, notice.content_changed) == ("saisie", True, True)
    assert details_of(notice).place == "A6 PR 12+300"


def test_what_was_typed_may_be_corrected_until_it_is_answered(world):
    fleet.add_vehicle(world.organisation_id, "BC234DE")
    other = fleet.add_vehicle(world.organisation_id, "BC235DE")
    boss, someone = actor(world.admin), actor(world.fines)
    notice_id = typing_in.type_in(someone, TYPED, as_of=AS_OF)
    right = replace(TYPED, number="60123456789013", plate="BC-235-DE", sent_on=date(2026, 2, 24))

    typing_in.correct(someone, notice_id, right, is_checked=True, as_of=AS_OF)

    notice = fleet.notice(world.organisation_id, notice_id)
    assert (notice.vehicle_id, notice.deadline_on) == (other, date(2026, 4, 10))
    assert details_of(notice).earlier[0]["saisie"]["number"] == NUMBER
    typing_in.type_in(someone, TYPED, as_of=AS_OF)
    with pytest.raises(Refused, match="déjà connu"):
        typing_in.type_in(someone, replace(TYPED, number=f"0{NUMBER}"), as_of=AS_OF)
    with pytest.raises(Refused, match="déjà connu"):
        typing_in.correct(someone, notice_id, TYPED, as_of=AS_OF)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(boss, notice_id, **named, because="Prêt", channel="courrier", as_of=AS_OF)
    with pytest.raises(Refused, match="Une réponse"):
        typing_in.correct(boss, notice_id, right, as_of=AS_OF)
    with pytest.raises(NotVisible):
        typing_in.correct(someone, notice_id, right, as_of=AS_OF)


def test_what_the_agency_sent_is_not_corrected_by_typing(world):
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF)
    with pytest.raises(Refused, match="vient de l’ANTAI"):
        typing_in.correct(actor(world.fines), notice_id, TYPED, as_of=AS_OF)


def test_the_paper_of_a_notice_starts_the_law_s_clock(world):
    """C4.3-d: the platform's deadline until then; both bounds of the date."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF)
    someone = actor(world.fines)
    before = fleet.notice(world.organisation_id, notice_id)
    assert before.deadline_on == date(2026, 4, 17)
    for wrong in (TODAY + timedelta(days=1), before.notice_date - timedelta(days=1)):
        with pytest.raises(Refused):
            typing_in.note_paper(someone, notice_id, sent_on=wrong, as_of=AS_OF)
    for sent_on in (before.notice_date, TODAY):
        typing_in.note_paper(someone, notice_id, sent_on=sent_on, is_checked=True, as_of=AS_OF)
        assert fleet.notice(world.organisation_id, notice_id).deadline_on == sent_on + timedelta(days=45)
    for sent_on in (TODAY, before.notice_date):  # never later without a second look; earlier is safer
        typing_in.note_paper(someone, notice_id, sent_on=sent_on, as_of=AS_OF)
    with pytest.raises(Refused, match="repousse l’échéance du .* au 17/04/2026"):
        typing_in.note_paper(someone, notice_id, sent_on=TODAY, as_of=AS_OF)
    assert fleet.notice(world.organisation_id, notice_id).sent_on == before.notice_date
    assert kinds_of(before)[-1] == events.PAPER_CAME


@pytest.mark.parametrize(("days_after", "is_asked"), [(0, True), (1, False)])
def test_the_first_paper_asks_nothing_once_the_days_here_are_over_and_its_reminders_begin_anew(
    world, days_after, is_asked
):
    """C4.3-d: the agency sends it then; before, it puts off a deadline that runs. D+15 to D+44 are told again."""
    boss, last = actor(world.admin), TODAY - timedelta(days=3)
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=AS_OF - timedelta(days=48), dateAco="2026-01-02")
    with tenant_session(world.organisation_id, write=True) as session:
        own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*own).values(reminded_days=44))
    sent_on = last + timedelta(days=days_after)
    with pytest.raises(Refused, match="repousse l’échéance") if is_asked else nullcontext():
        typing_in.note_paper(boss, notice_id, sent_on=sent_on, as_of=AS_OF)
    typing_in.note_paper(boss, notice_id, sent_on=sent_on, is_checked=True, as_of=AS_OF)
    kept = fleet.notice(world.organisation_id, notice_id)
    assert (kept.deadline_on, kept.reminded_days) == (sent_on + timedelta(days=45), 0)
    with pytest.raises(Refused, match="repousse l’échéance"):
        typing_in.note_paper(boss, notice_id, sent_on=sent_on + timedelta(days=1), as_of=AS_OF)


def test_a_parking_fee_has_its_own_dates_and_nobody_to_designate(world, signed_in):
    """A month to contest; filed as a parking fee, never designated; its key is wanted to pay it."""
    boss = actor(world.admin)
    notice_id = typing_in.type_in(boss, FEE, as_of=AS_OF)
    notice = fleet.notice(world.organisation_id, notice_id)
    assert (notice.kind, notice.natinf, notice.deadline_on) == ("fps", "", date(2026, 3, 20))
    assert (details_of(notice).number, details_of(notice).raw) == ("1" * 26, {"cle": "42"})
    assert re.search(r"Clé du FPS</dt>\s*<dd>42<", signed_in(world.admin).get(f"/contraventions/{notice_id}").text)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    with pytest.raises(Refused, match="FPS"):
        designating.designate(boss, notice_id, **named, channel="courrier", as_of=AS_OF)
    filing.file_notice(boss, notice_id, reason="fps", as_of=AS_OF)
    with pytest.raises(Refused, match="déjà connu"):
        typing_in.type_in(boss, replace(FEE, number="1" * 26), as_of=AS_OF)


def test_the_page_keeps_what_was_typed_and_leads_to_the_notice_known_to_its_reader(world, signed_in):
    """C4.3-e: to one who may not see the notice, only that the number is known; and no number in the journal."""
    browser = signed_in(world.fines)
    wrong = browser.post("/contraventions/saisir", data=FORM | {"noticed_on": "2026-02-01"})
    assert wrong.status_code == 422
    assert "daté d’avant l’infraction" in wrong.text
    assert 'value="A6 PR 12+300"' in wrong.text

    made = browser.post("/contraventions/saisir", data=FORM | {"scan": (BytesIO(pdf()), "avis.pdf")})
    assert made.status_code == 302
    assert "09/04" not in made.headers["Location"]
    again = browser.post("/contraventions/saisir", data=FORM)
    assert again.status_code == 422
    assert made.headers["Location"] in again.text

    [notice] = fleet.notices(world.organisation_id)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(actor(world.admin), notice.id, **named, channel="courrier", as_of=AS_OF)
    blind = browser.post("/contraventions/saisir", data=FORM)
    assert blind.status_code == 422
    assert "déjà connu de la plateforme" in blind.text
    assert str(notice.id) not in blind.text
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id
        told = [one.details for one in session.scalars(select(AuditEntry).where(own))]
    assert NUMBER not in str(told)


def seen_on(browser, path: str) -> str:
    return re.search(r'name="vu" value="([0-9a-f]{64})"', browser.get(path).text)[1]


def test_nobody_answers_or_types_anew_what_they_never_saw(world, signed_in):
    """C4.3-c: the page was open while somebody else corrected the notice."""
    browser = signed_in(world.fines)
    browser.post("/contraventions/saisir", data=FORM)
    [notice] = fleet.notices(world.organisation_id)
    page, typing = f"/contraventions/{notice.id}", f"/contraventions/{notice.id}/corriger-saisie"
    seen = {"vu": seen_on(browser, page)}
    assert seen["vu"] == seen_on(browser, typing)
    assert signed_in(world.admin).post(typing, data=FORM | seen | {"city": "Orly"}).status_code == 302

    for action, told in (
        ("designer", designation_of(None, because="Il conduisait.")),
        ("designer", designation_of(None) | {"birth_date": ""}),  # told even where there is something else to mend
        ("classer", {"filing_reason": "payee"}),
        ("classer", {}),
        ("impossible", {"comment": "Réquisition."}),
        ("impossible", {"reason": "force_majeure", "comment": "Réquisition."}),
    ):
        stale = browser.post(f"{page}/{action}", data=told | seen)
        assert (stale.status_code, stale.text.count(CHANGED), "Orly" in stale.text) == (422, 1, True)
        assert seen_on(browser, page) in stale.text
    stale = browser.post(typing, data=FORM | seen | {"city": "Rungis"})
    assert (stale.status_code, typing_in.RETYPED in stale.text) == (422, True)
    again = browser.post(typing, data=FORM | {"vu": re.search(r'name="vu" value="(\w+)"', stale.text)[1]})
    assert again.status_code == 422  # until the page is loaded anew: it still holds what was typed
    now = {"vu": seen_on(browser, page)}
    assert browser.post(f"{page}/impossible", data=told | now).status_code == 302


@pytest.mark.parametrize(("days", "is_asked"), [(-1, False), (0, False), (1, True)])
def test_a_correction_that_puts_the_deadline_off_wants_a_second_look(world, signed_in, days, is_asked):
    browser, first = signed_in(world.fines), TODAY - timedelta(days=2)
    browser.post("/contraventions/saisir", data=FORM | {"sent_on": first.isoformat()})
    [notice] = fleet.notices(world.organisation_id)
    path, typed = f"/contraventions/{notice.id}/corriger-saisie", FORM | {"sent_on": str(first + timedelta(days=days))}
    answer = browser.post(path, data=typed)
    assert (answer.status_code, "repousse l’échéance du" in answer.text) == (422 if is_asked else 302, is_asked)
    if is_asked:
        assert 'name="is_checked"' in answer.text
        assert browser.post(path, data=typed | {"is_checked": "y"}).status_code == 302
    last = fleet.notice(world.organisation_id, notice.id).deadline_on
    assert last == first + timedelta(days=days + 45)


@pytest.mark.parametrize(
    "column", ["box", "kind", "natinf", "offence_at", "second_offence_at", "offence_day", "vehicle_id", "sent_on"]
)
def test_whatever_an_answer_rests_on_changes_the_version_of_a_notice(world, column):
    notice = fleet.notice(world.organisation_id, fleet.receive_notice(world.organisation_id))
    before = version_of(notice)
    assert version_of(notice) == before
    setattr(notice, column, b"?" if column == "box" else "?")
    assert version_of(notice) != before


def test_the_paper_of_a_notice_that_closed_to_its_reader_reaches_the_administrator(world):
    """C4.3-d, C4.3-f: the law's days begin with it; whoever holds the paper learns nothing but whom to give it to."""
    someone, boss = actor(world.fines), actor(world.admin)
    same = {"plate": "BC234DE", "dateHeureInfraction": "2026-02-14T08:05:00"}
    old = {"posted_at": AS_OF - timedelta(days=46)}
    closed = fleet.receive_notice(world.organisation_id, numeroAco=NUMBER, **same, **old)
    answered = fleet.receive_notice(world.organisation_id, numeroAco="7" * 10, **same, posted_at=AS_OF)
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(someone, answered, **named, as_of=AS_OF)
    send_digests(AS_OF)
    before = fleet.notice(world.organisation_id, closed).notice_date
    told = (NUMBER, TODAY), (NUMBER, before - timedelta(days=1)), (NUMBER, before), (NUMBER, TODAY), ("7" * 10, TODAY)
    for number, sent_on in told:
        typed, scan = replace(TYPED, number=number, sent_on=sent_on), Sent("avis.pdf", pdf(b"avis"), "scan")
        with pytest.raises(Refused, match="remettez ce papier à votre administrateur"):
            typing_in.type_in(someone, typed, scans=[scan], as_of=AS_OF)
    notice = fleet.notice(world.organisation_id, closed)
    assert count(world, NoticeFile) == 2
    assert (notice.sent_on, notice.deadline_on) == (before, before + timedelta(days=45))
    assert kinds_of(notice).count(events.PAPER_CAME) == 2  # of two dates the earlier is the safer
    assert fleet.notice(world.organisation_id, answered).sent_on is None
    with tenant_session(world.organisation_id) as session:
        on_top = inbox.read_inbox(session, boss, NoticeSearch(), "", AS_OF).pinned
    assert [one.notice.id for one in on_top] == [closed]
    send_digests(AS_OF + timedelta(days=1))
    assert "Nouveaux avis\u00a0: 1" in letters.queued("notice_digest", to=world.admin)[-1].text
    with pytest.raises(Refused, match="déjà connu de la plateforme\u00a0: il ne peut"):
        typing_in.type_in(boss, replace(TYPED, sent_on=TODAY), as_of=AS_OF)


@pytest.mark.parametrize(
    ("wrong", "is_noted"),
    [
        ({}, True),
        ({"plate": "bc 234 df"}, False),
        ({"offence_on": date(2026, 2, 13)}, False),
    ],
)
def test_a_number_typed_wrong_starts_no_days_of_a_notice_that_nobody_sees(world, wrong, is_noted):
    """C4.3-d: one wrong figure is the number of another notice; its deadline stays, and nothing is kept of the scan."""
    told = {"plate": "BC234DE", "dateHeureInfraction": "2026-02-14T08:05:00", "numeroAco": NUMBER}
    closed = fleet.receive_notice(world.organisation_id, **told, posted_at=AS_OF - timedelta(days=46))
    before = fleet.notice(world.organisation_id, closed)
    typed = replace(TYPED, **{"sent_on": TODAY, "noticed_on": TODAY} | wrong)
    with pytest.raises(Refused, match="remettez ce papier à votre administrateur"):
        typing_in.type_in(actor(world.fines), typed, scans=[Sent("avis.pdf", pdf(b"avis"), "scan")], as_of=AS_OF)
    after = fleet.notice(world.organisation_id, closed)
    assert (after.deadline_on != before.deadline_on, count(world, NoticeFile)) == (is_noted, int(is_noted))


def test_the_paper_and_correction_pages_are_filled_and_refuse_in_words(world, signed_in):
    browser = signed_in(world.fines)
    browser.post("/contraventions/saisir", data=FORM)
    [typed] = fleet.notices(world.organisation_id)
    sent = fleet.receive_notice(world.organisation_id, posted_at=AS_OF)

    page = browser.get(f"/contraventions/{typed.id}/corriger-saisie").text
    assert f'value="{NUMBER}"' in page
    assert 'value="08:05"' in page
    fixed = browser.post(f"/contraventions/{typed.id}/corriger-saisie", data=FORM | {"city": "Orly"})
    assert fixed.status_code == 302
    assert "Orly" in browser.get(fixed.headers["Location"]).text
    assert browser.get(f"/contraventions/{sent}/corriger-saisie").status_code == 302

    late = browser.post(f"/contraventions/{sent}/avis-papier", data={"sent_on": "2026-03-04"})
    assert late.status_code == 422
    assert "dans le futur" in late.text
    noted = browser.post(f"/contraventions/{sent}/avis-papier", data={"sent_on": "2026-03-03"})
    assert "17 avr. 2026" in browser.get(noted.headers["Location"]).text
    browser.post(f"/contraventions/{sent}/avis-papier", data={"sent_on": "2026-03-02"})
    later = browser.post(f"/contraventions/{sent}/avis-papier", data={"sent_on": "2026-03-03"})
    assert later.status_code == 422
    assert "repousse l’échéance" in later.text
    checked = browser.post(f"/contraventions/{sent}/avis-papier", data={"sent_on": "2026-03-03", "is_checked": "y"})
    assert "17/04/2026" in browser.get(checked.headers["Location"]).text


@pytest.mark.parametrize(
    ("limit", "retained", "measured", "told"),
    [
        (80, 104, 110, "104 km/h retenus pour 80"),
        (80, 104, None, "104 km/h retenus pour 80"),
        (None, 104, None, "104 km/h retenus"),
        (80, None, 110, "110 km/h mesurés pour 80"),
        (80, None, None, ""),
    ],
)
def test_what_is_not_known_of_a_speed_is_not_said(world, signed_in, limit, retained, measured, told):
    typed = replace(TYPED, speed_limit=limit, speed_retained=retained, speed_measured=measured)
    notice_id = typing_in.type_in(actor(world.fines), typed, as_of=AS_OF)
    page = signed_in(world.fines).get(f"/contraventions/{notice_id}").text
    assert details_of(fleet.notice(world.organisation_id, notice_id)).speed == told
    assert ("None" in page, "Vitesse</dt>" in page, told in page) == (False, told != "", True)
    assert ("mesurée" in page) == bool(retained and measured)


@pytest.mark.parametrize(("sent", "known"), [("203", "203"), ("00203", "203"), ("20300", "20300")])
def test_zeros_before_a_natinf_say_nothing_whoever_writes_it(sent, known):
    """Otherwise the catalogue would not know the offence: neither the agency's nor a typed one."""
    assert messages.read_offence(fleet.offence_record("AB123CD", codeNatinf=sent)).natinf == known
    assert received(replace(TYPED, natinf=sent)).natinf == known
