"""Never silent: what each person is told of notices by mail, when, and what a mail never says."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import select, update

from eprunes.accounts.models import Identity, MailRhythm, OrderForm, Organisation, OrganisationState, User, UserState
from eprunes.accounts.services import clients
from eprunes.core import audit, mail
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.jobs import FAILED
from eprunes.fines import alerts, catalogue, transmission
from eprunes.fines.alert_jobs import send_digests
from eprunes.fines.alerts import Filed, News, Pile
from eprunes.fines.answering import AnswerState, FilingReason
from eprunes.fines.deadlines import ALERT_DAYS, latest_alert
from eprunes.fines.models import Answer, Notice
from eprunes.fines.services import designating, filing, looking
from eprunes.fleet.models import DriverKind
from tests.support import fleet, letters
from tests.support.worlds import AS_OF, actor

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, 6, 40, tzinfo=UTC)
DEADLINE = date(2026, 4, 17)


def test_an_alert_covers_the_deadlines_that_reached_it():
    """C4.3-d: each deadline lies in the range of its latest alert and in no other, day by day."""
    ranges = {alert: alerts.deadlines_at(alert, MONDAY) for alert in ALERT_DAYS}
    for days in range(-1, 47):
        deadline = MONDAY.date() + days * DAY
        within = [alert for alert, (first, last) in ranges.items() if first <= deadline <= last]
        assert within == list(filter(None, [latest_alert(deadline, MONDAY)])), days


def on_day(number: int) -> datetime:
    """The instant at which a notice whose deadline is DEADLINE is so many days old."""
    return datetime(DEADLINE.year, DEADLINE.month, DEADLINE.day, 6, 40, tzinfo=UTC) - timedelta(days=45 - number)


@pytest.mark.parametrize("alert", [15, 30, 40, 44])
def test_an_alert_is_news_once_from_its_day_on(alert):
    old = [Pile(DEADLINE, False, False, 44, 3)]
    assert alerts.nearing(old, on_day(alert - 2), on_day(alert - 1)) == Counter()
    assert alerts.nearing(old, on_day(alert - 1), on_day(alert)) == {alert: 3}
    assert alerts.nearing(old, on_day(alert), on_day(alert) + DAY / 2) == Counter()


def test_an_alert_that_nobody_was_sent_is_news_though_its_day_is_past():
    """A paper notice typed in late, one that was reopened: nobody was told, however long ago the day was."""
    now = on_day(42)
    assert alerts.nearing([Pile(DEADLINE, False, False, 40, 1)], on_day(41), now) == Counter()
    assert alerts.nearing([Pile(DEADLINE, False, False, 30, 1)], on_day(41), now) == {40: 1}
    assert alerts.nearing([Pile(DEADLINE, False, True, 40, 1)], on_day(41), now) == {40: 1}


def test_what_passed_its_last_day_is_news_once():
    pile = [Pile(DEADLINE, False, False, 44, 2)]
    assert alerts.newly_overdue(pile, on_day(44), on_day(45)) == 0
    assert alerts.newly_overdue(pile, on_day(45), on_day(46)) == 2
    assert alerts.newly_overdue(pile, on_day(46), on_day(47)) == 0


@pytest.mark.parametrize(
    ("reason", "asked", "required", "counts"),
    [
        ("payee", None, True, True),
        ("autre", None, True, True),
        ("autre", True, None, True),
        ("payee", False, True, True),
        ("payee", False, None, False),
        ("payee", None, False, False),
        ("payee", None, None, False),
        ("pas_d_obligation", None, True, False),
        ("fps", None, True, False),
        (None, None, True, False),
    ],
)
def test_what_is_filed_against_a_duty_is_told_apart(reason, asked, required, counts):
    """The paper's word or the catalogue's; an offence that nobody knows asks for nothing."""
    assert alerts.is_filed_against_duty(reason, asked, required) is counts


@pytest.mark.parametrize(
    ("since", "number", "told"),
    [
        (1, 15, {}), (28, 29, {}), (29, 30, {30: 3}), (30, 31, {}), (29, 33, {30: 3}), (39, 40, {40: 3}),
        (40, 43, {}), (43, 44, {44: 3}), (29, 45, {44: 3}), (44, 45, {}), (45, 46, {}),
    ],
)  # fmt: skip
def test_what_is_filed_against_a_duty_is_told_at_three_alerts_of_the_four(since, number, told):
    piles = [Pile(DEADLINE, False, False, 44, 3), Pile(DEADLINE + 60 * DAY, False, False, 44, 9)]
    filed = alerts.filed_nearing(piles, on_day(since), on_day(number))
    assert (filed.nearing, filed.first_day) == (Counter(told), DEADLINE if told else None)


@pytest.mark.parametrize(
    "news",
    [
        *(News(**{name: 1}) for name in ("overdue", "refused", "corrections", "unknown", "to_post", "unopened")),
        *(News(nearing=Counter({day: 1})) for day in (40, 44)),
        *(News(filed=Filed(Counter({day: 1}), DEADLINE)) for day in (40, 44)),
    ],
)  # fmt: skip
def test_what_presses_comes_whatever_the_rhythm(news):
    for rhythm in MailRhythm:
        assert alerts.is_due(news, rhythm, MONDAY, MONDAY + DAY)


def test_the_rest_waits_for_the_rhythm_that_was_chosen():
    """Deadlines come every week at least; a Monday without a mail is made up for."""
    early, nothing = News(nearing=Counter({15: 1})), News(without_driver=1)
    expected = {
        MailRhythm.DAILY: (True, True, True, True),
        MailRhythm.WEEKLY: (False, True, False, True),
        MailRhythm.DEADLINES_ONLY: (False, True, False, False),
    }
    sunday, tuesday = MONDAY + 6 * DAY, MONDAY + 8 * DAY
    for (rhythm, answers), new in product(expected.items(), (News(new=1), News(replied=1))):
        tried = [(early, sunday), (early, tuesday), (new, sunday), (new, tuesday)]
        assert tuple(alerts.is_due(news, rhythm, MONDAY, as_of) for news, as_of in tried) == answers, rhythm
        assert not alerts.is_due(nothing, rhythm, MONDAY, tuesday)


MORNING = AS_OF.replace(hour=5, minute=40) + DAY


def told(email: str) -> list[str]:
    """The sentences of the latest digest to an address."""
    digests = letters.queued("notice_digest", to=email)
    return [line[2:].replace("\u00a0", " ") for line in digests[-1].text.splitlines() if line.startswith("- ")]


def choose(world, email: str, **columns) -> None:
    """Other values in a user's row."""
    with tenant_session(world.organisation_id, write=True) as session:
        mine = User.organisation_id == world.organisation_id, User.email == email
        session.execute(update(User).where(*mine).values(**columns))


def set_notice(world, notice_id, **columns) -> None:
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*mine).values(**columns))


def answer(world, notice_id, state: AnswerState) -> UUID:
    """A designation by the administrator, brought to a state; its id."""
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(actor(world.admin), notice_id, **named, as_of=AS_OF)
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Answer.organisation_id == world.organisation_id, Answer.notice_id == notice_id
        session.execute(update(Answer).where(*mine).values(state=state))
        return session.scalars(select(Answer.id).where(*mine)).one()


def test_what_came_is_told_once_to_those_who_may_see_it_without_a_word_of_it(world, other_world):
    """C3.2-c, C4.3-e: counts and one link; nothing of another client, nothing to the fleet tool alone."""
    for _ in range(2):
        fleet.receive_notice(world.organisation_id)
    fleet.receive_notice(other_world.organisation_id)
    assert dict(send_digests(MORNING)) == {"reminders": 6}
    assert dict(send_digests(MORNING + DAY / 2)).get("reminders", 0) == 0
    assert dict(send_digests(MORNING + DAY)) == {"reminders": 0}
    digests = letters.queued("notice_digest")
    assert {one.to for one in digests} == {
        email for one in (world, other_world) for email in (one.admin, one.fines, one.both)
    }
    assert told(world.fines) == ["Nouveaux avis : 2"]
    assert told(other_world.fines) == ["Nouveaux avis : 1"]
    [letter] = letters.queued("notice_digest", to=world.fines)
    assert letter.path == "/contraventions"
    number = fleet.notices(world.organisation_id)[0].natinf
    for word in ("Rungis", "A6", "AB123CD", "AB-123-CD", "122", number, "27/02", "Client 0"):
        assert word not in letter.subject + letter.text + letter.html.partition("<body>")[2]


def test_a_gap_is_told_to_those_who_may_close_it(world):
    """The fines tool shows the notice, the fleet tool the gap: whoever has one of them alone is not told."""
    vehicle = fleet.add_vehicle(world.organisation_id, "AB123CD")
    fleet.receive_notice(world.organisation_id, vehicle_id=vehicle)
    held = fleet.add_vehicle(world.organisation_id, "AB124CD")
    fleet.assign(world.organisation_id, held, fleet.add_driver(world.organisation_id))
    fleet.receive_notice(world.organisation_id, vehicle_id=held)
    send_digests(MORNING)
    gap = "Nouveaux avis sans conducteur : personne n’avait le véhicule : 1"
    assert told(world.fines) == ["Nouveaux avis : 2"]
    assert told(world.both) == told(world.admin) == ["Nouveaux avis : 2", gap]


def test_forty_seven_mornings_of_a_notice_that_nobody_answers(world):
    """C4.3-d, C4.3-e: each rhythm, day by day; nobody is told less than the deadlines ask for, and after the window
    the administrator alone."""
    choose(world, world.both, mail_rhythm=MailRhythm.WEEKLY)
    choose(world, world.admin, mail_rhythm=MailRhythm.DEADLINES_ONLY)
    notice_id = fleet.receive_notice(world.organisation_id)
    days = {world.fines: {}, world.both: {}, world.admin: {}}
    for number in range(1, 50):
        before = {email: len(letters.queued("notice_digest", to=email)) for email in days}
        send_digests(AS_OF.replace(hour=5, minute=40) + number * DAY)
        for email, seen in days.items():
            if len(letters.queued("notice_digest", to=email)) > before[email]:
                seen[number] = told(email)
    thirty, fifteen = "Trente jours au plus pour répondre : 1", "Quinze jours au plus pour répondre : 1"
    five, one = "Cinq jours au plus pour répondre : 1", "À répondre aujourd’hui ou demain au plus tard : 1"
    last, new = {40: [five], 44: [one]}, "Nouveaux avis : 1"
    unopened = "Reçus il y a une semaine ou plus, et que personne n’a ouverts : 1"
    # 3 March 2026 is a Tuesday: Mondays are days 6, 13, 20, 27, 34…
    assert days[world.fines] == {1: [new], 15: [thirty], 30: [fifteen]} | last
    assert days[world.both] == {6: [new], 20: [thirty], 34: [fifteen]} | last
    over = {46: ["Délai passé sans réponse : 1"]}
    assert days[world.admin] == {7: [unopened], 20: [thirty], 34: [fifteen]} | last | over
    kept = fleet.notice(world.organisation_id, notice_id)
    assert (kept.reminded_days, kept.announced_at is None, kept.escalated_at is None) == (44, False, False)


def test_what_failed_and_what_waits_for_the_post_is_told_whatever_the_rhythm(world):
    """Refused: to all who may see it, once. Unknown and to post: to the administrator alone, each morning."""
    for email in (world.fines, world.admin):
        choose(world, email, mail_rhythm=MailRhythm.DEADLINES_ONLY)
    refused, unknown, to_post = (fleet.receive_notice(world.organisation_id) for _ in range(3))
    for notice_id in (refused, unknown, to_post):
        set_notice(world, notice_id, announced_at=AS_OF)
    given = answer(world, refused, AnswerState.SENDING)
    transmission.refused(world.organisation_id, given, reason="Permis inconnu.", as_of=MORNING)
    answer(world, unknown, AnswerState.UNKNOWN)
    answer(world, to_post, AnswerState.TO_POST)
    send_digests(MORNING + DAY)
    again = "Réponses refusées par l’ANTAI, à donner à nouveau : 1"
    own = ["Envois dont le résultat est inconnu : 1", "Lettres recommandées à poster : 1"]
    assert told(world.fines) == [again]
    assert told(world.admin) == [again, *own]
    send_digests(MORNING + 2 * DAY)
    assert len(letters.queued("notice_digest", to=world.fines)) == 1
    assert told(world.admin) == own


def test_a_notice_that_was_opened_or_put_away_is_not_escalated(world):
    """The seventh day and not the sixth, in Paris."""
    opened, filed, left = (fleet.receive_notice(world.organisation_id) for _ in range(3))
    choose(world, world.admin, mail_rhythm=MailRhythm.DEADLINES_ONLY)
    looking.note_opened(actor(world.fines), fleet.notice(world.organisation_id, opened), as_of=AS_OF)
    filing.file_notice(actor(world.fines), filed, reason=FilingReason.PAID, as_of=AS_OF)
    send_digests(MORNING + 5 * DAY)
    assert letters.queued("notice_digest", to=world.admin) == []
    send_digests(MORNING + 6 * DAY)
    assert told(world.admin)[0] == "Reçus il y a une semaine ou plus, et que personne n’a ouverts : 1"
    escalated = {one.id for one in fleet.notices(world.organisation_id) if one.escalated_at}
    assert escalated == {left}


def test_what_was_filed_though_the_law_wants_a_driver_is_told_to_the_administrator_alone(world):
    """C4.3-d: on three mornings, whatever the rhythm; neither what the law leaves free nor a fee, and no detail."""
    catalogue.load()
    choose(world, world.admin, mail_rhythm=MailRhythm.DEADLINES_ONLY)
    for natinf, reason in (("25387", FilingReason.PAID), ("25387", FilingReason.OTHER), ("35273", FilingReason.OTHER)):
        filed = fleet.receive_notice(world.organisation_id, codeNatinf=natinf)
        filing.file_notice(actor(world.fines), filed, reason=reason, comment="Vu.", as_of=AS_OF)
    days = {}
    for number in range(1, 47):
        before = len(letters.queued("notice_digest", to=world.admin))
        send_digests(AS_OF.replace(hour=5, minute=40) + number * DAY)
        if len(letters.queued("notice_digest", to=world.admin)) > before:
            days[number] = told(world.admin)
    line = "Classés sans désignation alors que la loi la demande, à rouvrir et désigner au plus tard le 17/04/2026 : 2"
    # 3 March 2026 is a Tuesday: the thirtieth day waits for Monday, the thirty-fourth.
    assert days == {34: [line], 40: [line], 44: [line]}
    assert letters.queued("notice_digest", to=world.fines) == letters.queued("notice_digest", to=world.both) == []


def test_when_nobody_else_is_left_the_administrator_is_told_though_blocked(world):
    fleet.receive_notice(world.organisation_id)
    for email in (world.fines, world.both):
        choose(world, email, state=UserState.SUSPENDED)
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == world.admin).values(blocked_at=AS_OF))
    assert dict(send_digests(MORNING)) == {"reminders": 1}
    assert [one.to for one in letters.queued("notice_digest")] == [world.admin]


@pytest.mark.parametrize("state", ["suspended", "over", "without the tool"])
def test_the_contract_decides_who_is_told(world, state):
    """Decisions 9 and 10: while suspended the administrator; once over nobody; live notices of a dropped tool, all."""
    fleet.receive_notice(world.organisation_id)
    if state == "over":
        clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    elif state == "suspended":
        with platform_session("tests", write=True) as session:
            own = update(Organisation).where(Organisation.id == world.organisation_id)
            session.execute(own.values(state=OrganisationState.SUSPENDED))
    else:
        with tenant_session(world.organisation_id, write=True) as session:
            own = {"organisation_id": world.organisation_id, "created_at": AS_OF, "vehicle_quota": 9}
            session.add(OrderForm(effective_from=AS_OF.date(), fleet_tool=True, fines_tool=False, **own))
    send_digests(MORNING)
    expected = {"over": [], "suspended": [world.admin]}.get(state, sorted([world.admin, world.both, world.fines]))
    assert sorted(one.to for one in letters.queued("notice_digest")) == expected


def test_a_crash_in_the_middle_tells_nobody_twice_and_forgets_nobody(world, monkeypatch):
    """Mails and marks are one transaction; the next try tells all of it."""
    notice_id, real, calls = fleet.receive_notice(world.organisation_id), mail.queue, []

    def fails_at_the_second(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("killed")
        real(*arguments, **keywords)

    monkeypatch.setattr(mail, "queue", fails_at_the_second)
    assert dict(send_digests(MORNING)) == {FAILED: 1}
    assert letters.queued("notice_digest") == []
    assert fleet.notice(world.organisation_id, notice_id).announced_at is None
    assert dict(send_digests(MORNING + DAY / 24)) == {"reminders": 3}
    with tenant_session(world.organisation_id) as session:
        own = audit.AuditEntry.organisation_id == world.organisation_id, audit.AuditEntry.action == "avis.rappeles"
        assert [one.details for one in session.scalars(select(audit.AuditEntry).where(*own))] == [{"personnes": 3}]


def test_each_chooses_the_rhythm_of_their_own_mails(world, signed_in):
    browser = signed_in(world.fines)
    assert "Chaque jour où il y a du nouveau" in browser.get("/mon-compte").text
    assert browser.post("/mon-compte/courriels", data={"rhythm": "jamais"}).status_code == 422
    assert browser.post("/mon-compte/courriels", data={"rhythm": "hebdomadaire"}).status_code == 302
    assert "Chaque lundi" in browser.get("/mon-compte").text
    assert "Chaque lundi" not in signed_in(world.both).get("/mon-compte").text
    fleet_only = signed_in(world.fleet)
    assert "Mes courriels" not in fleet_only.get("/mon-compte").text
    assert fleet_only.get("/mon-compte/courriels").status_code == 404
