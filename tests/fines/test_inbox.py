"""The inbox: what each filter, search and view finds, who finds it, and what stands on top."""

import csv
import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.fines import catalogue, inbox, inbox_filters, notice_counts
from eprunes.fines.answering import AnswerState, NoticeState
from eprunes.fines.deadlines import NoticeSource, Urgency
from eprunes.fines.inbox_filters import (
    NoticeSearch,
    found_notices,
    notice_search_args,
    read_notice_search,
    search_problems,
)
from eprunes.fines.models import Answer, Notice, NoticeKind
from eprunes.fines.proposals import similar_vehicles
from eprunes.fines.queries import View
from eprunes.fines.readiness import Readiness
from eprunes.fleet.models import Driver
from eprunes.fleet.plates import look_alikes
from tests.support import fleet, worlds
from tests.support.desk import designation_of
from tests.support.worlds import AS_OF

OFFENCE = datetime(2026, 2, 27, 9, 12, tzinfo=AS_OF.tzinfo)  # the instant of fleet.offence_record
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def found(world, search: NoticeSearch, email: str = "", as_of: datetime = AS_OF) -> set[UUID]:
    actor = worlds.actor(email or world.fines)
    with tenant_session(world.organisation_id) as session:
        return {one.id for one in session.scalars(found_notices(session, actor, search, as_of))}


def change(world, model, row_id: UUID, **columns) -> None:
    with tenant_session(world.organisation_id, write=True) as session:
        own = model.organisation_id == world.organisation_id, model.id == row_id
        session.execute(update(model).where(*own).values(**columns))


def held(world, *, starts_at=fleet.ENTERED, ends_at=None, is_designable=True, **vehicle) -> tuple[UUID, UUID]:
    """A vehicle and the driver who holds it."""
    vehicle_id = fleet.add_vehicle(world.organisation_id, fleet.new_plate(), **vehicle)
    driver_id = fleet.add_driver(world.organisation_id)
    change(world, Driver, driver_id, is_designable=is_designable)
    fleet.assign(world.organisation_id, vehicle_id, driver_id, starts_at, ends_at)
    return vehicle_id, driver_id


def notice(world, vehicle_id=None, posted_at=AS_OF, columns=None, **record) -> UUID:
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=posted_at, vehicle_id=vehicle_id, **record)
    if columns:
        change(world, Notice, notice_id, **columns)
    return notice_id


@pytest.fixture
def of_each(world) -> dict[str, UUID]:
    """One notice of each kind of proposal."""
    catalogue.load()
    before, after = OFFENCE - HOUR, OFFENCE + HOUR
    free = fleet.add_vehicle(world.organisation_id, fleet.new_plate())
    doubled = {"dateHeureInfraction": "2025-10-26T02:30:00"}
    return {
        "ready": notice(world, held(world)[0]),
        "ready from that instant on": notice(world, held(world, starts_at=OFFENCE)[0]),
        "incomplete": notice(world, held(world, is_designable=False)[0]),
        "doubled hour": notice(world, held(world)[0], **doubled),
        "nobody any more": notice(world, held(world, ends_at=OFFENCE)[0]),
        "nobody ever": notice(world, free),
        "gone": notice(world, fleet.add_vehicle(world.organisation_id, fleet.new_plate(), left_at=before)),
        "gone then": notice(world, fleet.add_vehicle(world.organisation_id, fleet.new_plate(), left_at=OFFENCE)),
        "gone later": notice(world, fleet.add_vehicle(world.organisation_id, fleet.new_plate(), left_at=after)),
        "not there yet": notice(world, fleet.add_vehicle(world.organisation_id, fleet.new_plate(), entered_at=after)),
        "unknown": notice(world),
    }


def test_each_notice_is_of_one_kind_of_proposal(world, of_each):
    kinds = {
        Readiness.READY: {"ready", "ready from that instant on"},
        Readiness.INCOMPLETE: {"incomplete", "doubled hour"},
        Readiness.NOBODY: {"nobody any more", "nobody ever", "gone later"},
        Readiness.GONE: {"gone", "gone then", "not there yet"},
        Readiness.UNKNOWN_PLATE: {"unknown"},
    }
    names = {notice_id: name for name, notice_id in of_each.items()}
    for kind, expected in kinds.items():
        assert {names[one] for one in found(world, NoticeSearch(readiness=kind))} == expected, kind


def test_ready_are_those_to_answer_whose_duty_is_not_denied(world, of_each):
    """C4.3-c: what a person can confirm as it is, and nothing else."""
    own, vehicle_id = world.organisation_id, fleet.notice(world.organisation_id, of_each["ready"]).vehicle_id
    for_paper = {"designation_asked": True, "source": NoticeSource.TYPED_IN}
    kept = {
        of_each["ready"],
        of_each["ready from that instant on"],
        notice(world, vehicle_id, codeNatinf="99999"),
        notice(world, vehicle_id, codeNatinf="35273", columns=for_paper),
        notice(world, vehicle_id, columns={"deadline_on": AS_OF.date()}),
    }
    others = [
        notice(world, vehicle_id, codeNatinf="35273"),  # no point, no duty, from 2024 on
        notice(world, vehicle_id, codeNatinf="99999", columns={"designation_asked": False}),
        notice(world, vehicle_id, columns={"kind": NoticeKind.PARKING_FEE}),
        notice(world, vehicle_id, columns={"state": NoticeState.REFUSED}),
        notice(world, vehicle_id, columns={"state": NoticeState.FILED}),
        notice(world, vehicle_id, posted_at=AS_OF - 46 * DAY),
        notice(world, vehicle_id, columns={"deadline_on": AS_OF.date() - DAY}),  # late: a look of its own
    ]
    assert found(world, NoticeSearch(view=View.READY)) == kept
    assert not kept & set(others)
    with tenant_session(own) as session:
        assert notice_counts.counts_of(session, worlds.actor(world.fines), AS_OF)[View.READY] == (5, False)


def test_filters_keep_what_they_say(world):
    catalogue.load()
    vehicle_id, _ = held(world)
    fleet.change_vehicle(world.organisation_id, vehicle_id, site="Lyon")
    plain = notice(world, vehicle_id, columns={"first_opened_at": AS_OF})
    paper = notice(world, columns={"source": NoticeSource.TYPED_IN, "first_opened_at": AS_OF})
    parking = notice(world, columns={"kind": NoticeKind.PARKING_FEE, "natinf": "1"})
    late = notice(world, dateHeureInfraction="2026-02-28T00:00:00")
    everything = {plain, paper, parking, late}
    day = date(2026, 2, 27)
    for asked, expected in (
        ({"site": "Lyon"}, {plain}),
        ({"natinf": "1"}, {parking}),
        ({"origin": "papier"}, {paper}),
        ({"origin": "antai"}, everything - {paper}),
        ({"origin": "fps"}, {parking}),
        ({"opening": "jamais"}, {parking, late}),
        ({"since": day + DAY}, {late}),
        ({"until": day}, everything - {late}),
        ({"since": day, "until": day + DAY}, everything),
        ({"since": day + DAY, "until": day}, set()),
    ):
        assert found(world, NoticeSearch(**asked)) == expected, asked


def test_a_search_stays_in_the_address_and_unknown_values_read_as_defaults():
    search = NoticeSearch(
        View.URGENT,
        "dumas",
        Readiness.NOBODY,
        "25387",
        "Lyon",
        "papier",
        "jamais",
        date(2026, 1, 2),
        None,
        "infraction",
    )
    assert read_notice_search(notice_search_args(search), View) == search
    odd = dict.fromkeys(("vue", "proposition", "origine", "ouverture", "tri", "natinf", "du", "au"), "n’importe quoi")
    assert read_notice_search(odd, View) == NoticeSearch()
    assert len(search_problems(odd, NoticeSearch())) == len(odd)
    assert search_problems(notice_search_args(search) | {"tri": "echeance"}, search) == []
    assert read_notice_search({"vue": "archives"}, [View.TO_DO]).view is View.TO_DO


def test_a_filter_that_is_left_out_is_told_and_the_others_are_kept(world, signed_in):
    browser = signed_in(world.fines)
    page = browser.get("/contraventions?du=2026-02-30&origine=papier&vue=archives").text
    assert "Le filtre «\u00a0Infraction à partir du\u00a0» n’a pas été compris" in page
    assert inbox_filters.NO_SUCH_VIEW in page
    assert '<option value="papier" selected>' in page
    for since, is_told in (("2026-02-28", True), ("2026-02-27", False)):
        page = browser.get(f"/contraventions?du={since}&au=2026-02-27").text
        assert (inbox_filters.REVERSED in page, "pas été compris" in page) == (is_told, False)


def test_a_driver_s_name_finds_what_was_driven_then_and_not_what_is_held_now(world):
    mine, mate = (replace(fleet.NOEL, last_name=name) for name in ("Kervadec", "Le Goazic"))
    vehicle_id = fleet.add_vehicle(world.organisation_id, fleet.new_plate())
    first, second = (fleet.add_driver(world.organisation_id, one) for one in (mine, mate))
    change(world, Driver, second, staff_number="ZZ42")
    fleet.assign(world.organisation_id, vehicle_id, first, ends_at=OFFENCE)
    fleet.assign(world.organisation_id, vehicle_id, second, starts_at=OFFENCE)
    before = notice(world, vehicle_id, dateHeureInfraction="2026-02-27T10:11:00")
    after = notice(world, vehicle_id)
    for text, expected in (
        ("kervadec", {before}), ("goazic", {after}), ("zz42", {after}), ("noëlig", {before, after}), ("dupont", set()),
    ):  # fmt: skip
        assert found(world, NoticeSearch(text=text)) == expected, text


def test_the_declared_driver_finds_an_answered_notice_for_the_administrator_alone(desk, signed_in):
    """C4.3-e, C4.3-f: the answer closes it to all others, its author included."""
    world, _, driver_id, notice_id = desk
    assert found(world, NoticeSearch(text="dumas"), as_of=AS_OF) == {notice_id}
    signed_in(world.fines).post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    for view in View:
        assert found(world, NoticeSearch(view=view, text="dumas")) == set(), view
    sent = NoticeSearch(view=View.SENT, text="dumas")
    assert found(world, sent, world.admin) == {notice_id}
    somebody_else = fleet.add_driver(world.organisation_id)
    with tenant_session(world.organisation_id, write=True) as session:
        own = Answer.organisation_id == world.organisation_id
        session.execute(update(Answer).where(own).values(driver_id=somebody_else))
    assert found(world, sent, world.admin) == set(), "who had the vehicle is not who was declared"
    assert found(world, replace(sent, text="quatremare"), world.admin) == {notice_id}


@pytest.mark.parametrize(("days", "is_found"), [(45, True), (46, False)])
@pytest.mark.parametrize("view", [View.TO_DO, View.URGENT, View.READY, View.FILED])
def test_what_is_open_to_all_leaves_each_of_its_views_after_45_days_whatever_its_own_deadline(
    world, view, days, is_found
):
    """C4.3-d, C4.3-e: for the administrator too, who finds it among what has passed and in the archives."""
    state = NoticeState.FILED if view is View.FILED else NoticeState.TO_ANSWER
    columns = {"state": state, "deadline_on": AS_OF.date() + DAY}
    wanted = notice(world, held(world)[0], posted_at=AS_OF - days * DAY, columns=columns)
    for email in (world.fines, world.admin):
        assert found(world, NoticeSearch(view=view), email) == ({wanted} if is_found else set())


@pytest.mark.parametrize("text", ["6012345678", "60 12 34 56 78", "Avis n° 6012345678"])
def test_a_number_is_found_alone_spaced_or_among_words(world, text):
    notice(world)
    assert found(world, NoticeSearch(text=text)) == set()
    wanted = notice(world, numeroAco="6012345678")
    assert found(world, NoticeSearch(text=text)) == {wanted}


def test_a_plate_that_the_fleet_does_not_know_is_found_when_typed_whole(world):
    notice_id = notice(world, immatriculation="ZZ999ZZ")
    assert found(world, NoticeSearch(text="zz-999 zz")) == {notice_id}
    assert found(world, NoticeSearch(text="zz-999")) == set()


def test_the_export_keeps_to_the_filters_and_to_the_window_and_leaves_a_trace(desk, signed_in):
    """C7-a, C4.3-e: everything found, nothing else, as a workbook or as a CSV file."""
    world, _, driver_id, notice_id = desk
    other = notice(world, immatriculation="ZZ999ZZ")
    browser = signed_in(world.fines)
    export = "/contraventions/export.csv"
    assert len(_lines(browser.get(export))) == 2
    assert len(_lines(browser.get(f"{export}?proposition=plaque-inconnue"))) == 1
    assert len(_lines(browser.get(f"{export}?q=fy-074"))) == 1
    browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    [left] = _lines(browser.get(export))
    assert "ZZ999ZZ" in left
    change(world, Notice, other, posted_on=AS_OF.date() - 46 * DAY)
    assert _lines(browser.get(export)) == []
    assert len(_lines(signed_in(world.admin).get(f"{export}?vue=transmises"))) == 1
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id, AuditEntry.action == "avis.exportes"
        traced = [
            one.details["nombre"] for one in session.scalars(select(AuditEntry).where(*own).order_by(AuditEntry.id))
        ]
    assert traced == [2, 1, 1, 1, 0, 1]


def _lines(answer) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))[1:]


def test_what_failed_stands_on_top_and_an_unknown_outcome_only_for_the_administrator(world, signed_in):
    """Whatever the sort; each notice stands once on the page."""
    vehicle_id, driver_id = held(world)
    waiting, refused = notice(world, vehicle_id), notice(world, columns={"state": NoticeState.REFUSED})
    unknown = notice(world, vehicle_id)
    typed = designation_of(driver_id, because="Prêtée à sa collègue.")
    assert signed_in(world.fines).post(f"/contraventions/{unknown}/designer", data=typed).status_code == 302
    with tenant_session(world.organisation_id, write=True) as session:
        own = Answer.organisation_id == world.organisation_id
        session.execute(update(Answer).where(own).values(state=AnswerState.UNKNOWN))
    for email, on_top in ((world.fines, {refused}), (world.admin, {refused, unknown})):
        for sort in ("echeance", "infraction"):
            with tenant_session(world.organisation_id) as session:
                page = inbox.read_inbox(session, worlds.actor(email), NoticeSearch(sort=sort), "", AS_OF)
            assert {one.notice.id for one in page.pinned} == on_top, (email, sort)
            assert [one.notice.id for one in page.rows] == [waiting], (email, sort)
            assert page.found.number == 2
    assert str(unknown) not in signed_in(world.fines).get("/contraventions").text
    assert "En cours de vérification" in signed_in(world.admin).get("/contraventions").text


@pytest.mark.parametrize(
    ("days_ago", "tone"),
    [(29, ""), (30, "row-warn"), (39, "row-warn"), (40, "row-bad")],
)
def test_a_window_that_closes_soon_colours_the_line_though_the_law_leaves_more_time(world, days_ago, tone):
    """C4.3-d: whose paper came today has 45 days in law, yet closes to its users 45 days after its posting."""
    posted, sent = AS_OF.date() - days_ago * DAY, AS_OF.date()
    notice(world, columns={"posted_on": posted, "sent_on": sent, "deadline_on": sent + 45 * DAY})
    with tenant_session(world.organisation_id) as session:
        [row] = inbox.read_inbox(session, worlds.actor(world.fines), NoticeSearch(), "", AS_OF).rows
    assert (row.tone, row.urgency, row.closes_on) == (tone, Urgency.CALM, posted + 45 * DAY)


@pytest.mark.parametrize(("sent_after", "is_told"), [(0, False), (1, True)])
def test_whose_paper_came_later_says_until_when_all_see_it(world, signed_in, sent_after, is_told):
    """C4.3-d: the law's days run from its sending, the window from its posting; the nearer of the two is said."""
    posted = AS_OF.date() - 10 * DAY
    sent = posted + sent_after * DAY
    notice(world, columns={"posted_on": posted, "sent_on": sent, "deadline_on": sent + 45 * DAY})
    page = signed_in(world.fines).get("/contraventions").text
    assert ("ouvert à tous jusqu’au 07/04/2026" in page) == is_told


def test_a_notice_whose_paper_came_late_stands_on_top_for_the_administrator_while_the_law_s_days_run(world):
    """C4.3-d, C4.3-f: its window here has closed; nobody else sees it."""
    long_ago = {"posted_on": AS_OF.date() - 46 * DAY, "sent_on": AS_OF.date() - 3 * DAY, "state": NoticeState.EXPIRED}
    open_on_paper = notice(world, columns=long_ago | {"deadline_on": AS_OF.date()})
    refused = {"state": NoticeState.REFUSED}
    before, after = (notice(world, columns=refused | {"deadline_on": AS_OF.date() + by * DAY}) for by in (-1, 1))
    for other in ({"deadline_on": AS_OF.date() - DAY}, {"sent_on": None}, {"state": NoticeState.FILED}):
        notice(world, columns=long_ago | {"deadline_on": AS_OF.date()} | other)
    for email, on_top in ((world.fines, [before, after]), (world.admin, [before, open_on_paper, after])):
        with tenant_session(world.organisation_id) as session:
            page = inbox.read_inbox(session, worlds.actor(email), NoticeSearch(), "", AS_OF)
        assert [one.notice.id for one in page.pinned] == on_top
        told = {one.notice.id: one.state[0] for one in page.pinned}
        assert told.get(open_on_paper, "Papier arrivé, à répondre") == "Papier arrivé, à répondre"


@pytest.mark.parametrize(
    ("kind", "licence", "told"),
    [
        ("contravention", fleet.NOEL.licence_number, []),
        ("contravention", "", ["Fiche à compléter"]),
        ("fps", "", ["FPS\u00a0: aucune désignation"]),
    ],
)
def test_the_line_of_a_notice_says_what_its_driver_lacks(world, signed_in, kind, licence, told):
    driver_id = fleet.add_driver(world.organisation_id, replace(fleet.NOEL, licence_number=licence))
    vehicle_id = fleet.add_vehicle(world.organisation_id, fleet.new_plate())
    fleet.assign(world.organisation_id, vehicle_id, driver_id)
    notice(world, vehicle_id, columns={"kind": kind})
    page = signed_in(world.fines).get("/contraventions").text
    assert "QUATREMARE" in page
    assert [one for one in ("Fiche à compléter", "FPS\u00a0: aucune désignation") if one in page] == told


def test_a_long_list_is_counted_so_far_and_no_further(world, monkeypatch):
    vehicle_id, _ = held(world)
    monkeypatch.setattr(notice_counts, "MOST", 2)
    monkeypatch.setattr(notice_counts, "LOOKED_AT", 2)
    for expected in (("1", "1"), ("2", "2"), ("2+", "2+"), ("2+", "2+")):
        notice(world, vehicle_id)
        notice_counts._counting.cache_clear()
        with tenant_session(world.organisation_id) as session:
            counts = notice_counts.counts_of(session, worlds.actor(world.fines), AS_OF)
        assert (counts[View.TO_DO].text, counts[View.READY].text) == expected
    notice_counts._counting.cache_clear()


def test_the_menu_counts_what_waits_and_is_red_when_something_is_urgent(world, signed_in):
    """Only for who may see notices, and only those that are still open to them (C4.3-e)."""
    notice(world)
    page = signed_in(world.fines).get("/").text
    assert '<span class="count-badge">1<span class="visually-hidden"> à traiter</span>' in page
    notice(world, columns={"deadline_on": AS_OF.date() + 5 * DAY})
    page = signed_in(world.fines).get("/").text
    badge = '<span class="count-badge count-bad">2<span class="visually-hidden"> à traiter, dont 1 en urgence</span>'
    assert badge in page
    assert "à traiter" not in signed_in(world.fleet).get("/vehicules").text


def test_a_paper_notice_past_its_legal_day_is_urgent_and_red_while_the_flow_s_is_not(world):
    """The deadline that counts, by the source."""
    paper = {"source": NoticeSource.TYPED_IN, "sent_on": AS_OF.date() - 46 * DAY, "deadline_on": AS_OF.date() - DAY}
    calm, late = notice(world), notice(world, columns=paper)
    assert found(world, NoticeSearch(view=View.URGENT)) == {late}
    with tenant_session(world.organisation_id) as session:
        page = inbox.read_inbox(session, worlds.actor(world.fines), NoticeSearch(), "", AS_OF)
    assert [(one.notice.id, one.tone) for one in page.rows] == [(late, "row-bad"), (calm, "")]


def test_the_vehicle_s_page_lists_its_notices_within_the_actor_s_window(desk, signed_in):
    """C4.3-e, C4.3-f; C3.2-c: for who has both rights."""
    world, vehicle_id, driver_id, notice_id = desk
    other = notice(world, immatriculation="ZZ999ZZ")
    path, link = f"/vehicules/{vehicle_id}/contraventions", f"/contraventions/{notice_id}"
    both, admin = signed_in(world.both), signed_in(world.admin)
    assert link in both.get(path).text
    assert str(other) not in both.get(path).text
    assert path in both.get(f"/vehicules/{vehicle_id}").text
    assert path not in signed_in(world.fleet).get(f"/vehicules/{vehicle_id}").text
    assert signed_in(world.fleet).get(path).status_code == signed_in(world.fines).get(path).status_code == 404
    both.post(f"{link}/designer", data=designation_of(driver_id))
    assert link not in both.get(path).text
    assert link in admin.get(path).text


@pytest.mark.parametrize(
    ("read", "meant"),
    [("AB1230D", "AB123OD"), ("A8I23CD", "AB123CD"), ("BA123CD", "AB123CD"), ("AB124CD", "AB123CD")],
)
def test_one_slip_turns_a_plate_into_another(read, meant):
    assert meant in look_alikes(read)
    assert read not in look_alikes(read)
    assert "AB125CE" not in look_alikes("AB123CD")


def test_the_likeliest_vehicles_of_the_client_are_proposed_for_an_unknown_plate(world, other_world):
    for plate in ("AB125CD", "AB132CD", "A8123CD", "XY999ZZ"):
        fleet.add_vehicle(world.organisation_id, plate)
    fleet.add_vehicle(other_world.organisation_id, "AB124CD")
    with tenant_session(world.organisation_id) as session:
        similar = similar_vehicles(session, worlds.actor(world.fines), "AB-123-CD")
        assert [one.plate_key for one in similar] == ["A8123CD", "AB132CD", "AB125CD"]
        assert similar_vehicles(session, worlds.actor(world.fleet), "AB-123-CD") == []


def test_what_a_search_does_not_find_in_one_view_is_looked_for_in_the_others(world, signed_in):
    page = signed_in(world.fines).get("/contraventions?q=Zanari").text
    assert 'href="/contraventions?vue=classees&amp;q=Zanari"' in page
    assert "vue=archives" not in page
