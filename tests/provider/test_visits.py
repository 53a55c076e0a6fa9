"""An operator visits a client's data: a reason, an hour, read only, and a trace of each page for the client."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from eprunes.accounts import sessions
from eprunes.accounts.models import OperatorVisit, Organisation, OrganisationState, UserSession
from eprunes.accounts.services import clients, visits
from eprunes.core.audit import ActorKind, AuditEntry
from eprunes.core.calendar import end_of_day, paris_day
from eprunes.core.database import Base, TenantScoped, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.models import NoticeEvent
from eprunes.fines.services import designating
from tests.fleet.fleets import COMPLETE, add_vehicle
from tests.house.test_matrix import contents
from tests.support.desk import post_notice
from tests.support.operators import OPERATOR
from tests.support.routes import calls
from tests.support.worlds import AS_OF, actor, open_session

REASON = "Demande d’assistance 1024"
SECOND = timedelta(seconds=1)
OPEN_PAGES = {"home.home", "fines.inbox", "fines.notice_page", "fleet.vehicles", "fleet.vehicle", "fleet.drivers",
              "fleet.driver", "fleet.vehicle_documents", "fleet.driver_documents", "fleet.vehicle_month",
              "fleet.driver_month",
              "fleet.due_dates", "fleet.vehicle_due_dates", "fleet.driver_due_dates", "fleet.pool",
              "antai.exchanges", "fines.figures", "fines.vehicle_notices"}  # fmt: skip
LEAD_ON = {"fines.back_to_notice"}  # leads to the notice
LEFT_BY = {"provider.end_visit", "accounts.sign_out"}


def journal(world) -> list[AuditEntry]:
    """What operators left in the client's journal, oldest first."""
    with tenant_session(world.organisation_id) as session:
        query = (
            select(AuditEntry)
            .where(AuditEntry.organisation_id == world.organisation_id)
            .where(AuditEntry.action.startswith("visite."))
            .order_by(AuditEntry.at, AuditEntry.id)
        )
        return list(session.scalars(query))


def visit_path(world) -> str:
    return f"/exploitation/clients/{world.organisation_id}/visite"


def cookie_of(app, browser) -> str:
    return browser.get_cookie(app.config["EPRUNES_SESSION_COOKIE"], domain="localhost").value


def suspend(world) -> None:
    with platform_session("tests", write=True) as session:
        mine = Organisation.id == world.organisation_id
        session.execute(update(Organisation).where(mine).values(state=OrganisationState.SUSPENDED))


def purged(world) -> None:
    with platform_session("tests", write=True) as session:
        session.execute(update(Organisation).where(Organisation.id == world.organisation_id).values(purged_at=AS_OF))


@pytest.mark.parametrize("reason", ["", "  a b  "[:4], "x" * 301, "\u202e\u200b a\x00b"])
def test_a_visit_needs_a_readable_reason(operator, world, reason):
    answer = operator.post(visit_path(world), data={"reason": reason})
    assert answer.status_code == 422
    assert operator.get("/vehicules").status_code == 404
    assert journal(world) == []


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("abc", "abc"),
        ("x" * 300, "x" * 300),
        ("  Ticket\n12 \t ", "Ticket 12"),
        ("motif\u202ecaché", "motifcaché"),
        ("mo\x00tif", "motif"),
    ],
)
def test_a_reason_of_three_to_three_hundred_characters_opens_the_data(operator, world, reason, read):
    assert operator.post(visit_path(world), data={"reason": reason}).status_code == 302
    assert operator.get("/vehicules").status_code == 200
    assert journal(world)[0].details["motif"] == read


def test_the_page_says_that_the_client_will_read_the_reason(operator, world):
    page = operator.get(visit_path(world)).text
    assert "lira dans son journal le motif" in page
    assert "60 minutes" in page


def test_an_operator_confirms_who_they_are_before_a_visit(operator, world, frozen):
    for minutes in (15, 30):
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        assert "/confirmation" in operator.get(visit_path(world)).headers["Location"]
    answer = operator.post(visit_path(world), data={"reason": REASON})
    assert "/confirmation" in answer.headers["Location"]
    assert journal(world) == []


def test_the_client_sees_start_each_page_and_end_as_acts_of_an_operator(visiting, world, frozen):
    """C9-a: a list is one entry; what was not found leaves none."""
    for path in ("/", "/vehicules", "/static/eprunes.css", "/introuvable", "/administration", "/vehicules?q=x"):
        visiting.get(path, buffered=True)
    visiting.post("/exploitation/visite/terminer")
    visiting.get("/exploitation/clients")
    found = journal(world)
    pages = [one.details.get("page") for one in found]
    assert [one.action for one in found] == ["visite.debut", *["visite.page"] * 3, "visite.fin"]
    assert pages == [None, "home.home", "fleet.vehicles", "fleet.vehicles", None]
    assert {one.actor_kind for one in found} == {ActorKind.OPERATOR}
    assert len({one.actor_id for one in found}) == len({one.subject_id for one in found}) == 1
    assert found[0].details == {"motif": REASON, "minutes": 60}


def test_the_administrator_reads_the_reason_in_the_journal_page(visiting, world, signed_in):
    visiting.get("/vehicules")
    page = signed_in(world.admin).get("/administration/journal").text
    assert REASON in page
    assert "liste des véhicules" in page


def test_every_page_of_a_visit_says_whose_data_why_until_when_and_how_to_leave(visiting, app, world):
    ids = contents(world) | {"organisation_id": str(world.organisation_id)}
    for endpoint, method, path in calls(app, ids):
        answer = visiting.get(path) if method == "GET" else None
        if answer is None or answer.mimetype != "text/html" or answer.status_code == 302:
            continue
        for part in ("Client 0", REASON, "11:00 (heure de Paris)", "Terminer la visite"):
            assert part in answer.text.replace("\u00a0", " "), (endpoint, part)


def test_outside_a_visit_no_page_speaks_of_one(operator, signed_in, world):
    for browser, path in ((operator, "/"), (operator, "/exploitation/clients"), (signed_in(world.admin), "/")):
        assert "visit-banner" not in browser.get(path).text


def test_a_visit_opens_the_pages_that_only_read_and_no_other(visiting, app, world):
    """No write of any kind, no export, no archive, nothing of the administrator's: 404 for each."""
    ids = contents(world) | {"organisation_id": str(world.organisation_id)}
    opened = set()
    for endpoint, method, path in calls(app, ids):
        view = app.view_functions[endpoint]
        if view.required_permission is None or endpoint in LEFT_BY:
            continue
        status = visiting.open(path, method=method).status_code
        expected = 404 if method != "GET" else 200 if endpoint in OPEN_PAGES else 302 if endpoint in LEAD_ON else 404
        assert status == expected, (method, endpoint, status)
        if status == 200:
            opened.add(endpoint)
    assert opened == OPEN_PAGES


def test_a_visit_changes_nothing_in_the_clients_data(visiting, app, world):
    """Only the journal grows."""
    ids = contents(world)
    before = rows_of(world)
    for endpoint, method, path in calls(app, ids):
        if endpoint not in LEFT_BY and app.view_functions[endpoint].required_permission is not None:
            visiting.open(path, method=method, data={"reason": "x", "driver_id": ids["driver_id"], "confirm": "1"})
    assert rows_of(world) == before


def rows_of(world) -> dict[str, list]:
    """Every row of the client's tables but the journal's, as stored."""
    found = {}
    for mapper in Base.registry.mappers:
        model = mapper.class_
        if issubclass(model, TenantScoped) and not model.__tablename__.startswith("audit"):
            with tenant_session(world.organisation_id) as session:
                rows = session.execute(select(*model.__table__.c).where(model.organisation_id == world.organisation_id))
                found[model.__tablename__] = sorted(map(repr, rows))
    return found


def test_buttons_that_a_visitor_may_not_use_are_not_shown(visiting, world):
    ids = contents(world)
    pages = ("/vehicules", f"/vehicules/{ids['vehicle_id']}", "/conducteurs", f"/conducteurs/{ids['driver_id']}",
             "/contraventions", f"/contraventions/{ids['notice_id']}")  # fmt: skip
    for path in pages:
        text = visiting.get(path).text
        for word in ("export", "/import", "/modifier", "/nouveau", "Désigner", "designer", "Classer", "/attribuer"):
            assert word not in text, (path, word)


def test_the_same_buttons_are_shown_to_a_user(signed_in, world):
    ids, browser = contents(world), signed_in(world.both)
    assert "export.xlsx" in browser.get("/vehicules").text
    assert "attributions.xlsx" in browser.get(f"/vehicules/{ids['vehicle_id']}").text
    assert "export.xlsx" in browser.get("/contraventions").text
    assert "/designer" in browser.get(f"/contraventions/{ids['notice_id']}?conducteur=nouveau").text


@pytest.mark.parametrize(("past", "is_open"), [(-SECOND, True), (timedelta(0), False)])
def test_a_visit_lasts_an_hour(operator, app, world, frozen, past, is_open):
    operator.post(visit_path(world), data={"reason": REASON})
    for minutes in (19, 38, 57):  # the session itself ends after twenty idle minutes
        frozen.move_to(AS_OF + timedelta(minutes=minutes))
        assert operator.get("/vehicules").status_code == 200
    frozen.move_to(AS_OF + timedelta(minutes=60) + past)
    assert operator.get("/vehicules").status_code == (200 if is_open else 404)
    assert operator.get("/exploitation/clients").status_code == (404 if is_open else 200)


def test_start_and_end_of_a_visit_make_the_old_cookie_worthless(operator, app, world):
    """Session fixation."""
    seen = [cookie_of(app, operator)]
    operator.post(visit_path(world), data={"reason": REASON})
    seen.append(cookie_of(app, operator))
    operator.post("/exploitation/visite/terminer")
    seen.append(cookie_of(app, operator))
    assert len(set(seen)) == 3
    assert [sessions.actor_for(one, AS_OF) is None for one in seen] == [True, True, False]
    assert operator.get("/vehicules").status_code == 404


def test_leaving_a_visit_proves_nothing_about_the_person(operator, app, world, frozen):
    operator.post(visit_path(world), data={"reason": REASON})
    frozen.move_to(AS_OF + timedelta(minutes=14))
    operator.post("/exploitation/visite/terminer")
    assert sessions.actor_for(cookie_of(app, operator), AS_OF + timedelta(minutes=14)).confirmed_at == AS_OF


def test_nobody_but_a_visitor_ends_a_visit(operator, signed_in, world):
    assert operator.post("/exploitation/visite/terminer").status_code == 404
    assert signed_in(world.admin).post("/exploitation/visite/terminer").status_code == 404


def test_the_visit_of_one_session_opens_nothing_in_another(visiting, signed_in):
    assert signed_in(OPERATOR).get("/vehicules").status_code == 404


def test_a_visitor_reads_the_visited_client_alone(visiting, app, world, other_world):
    theirs = contents(other_world)
    for endpoint, method, path in calls(app, theirs):
        if endpoint in OPEN_PAGES and method == "GET" and any(one in path for one in theirs.values()):
            assert visiting.get(path).status_code == 404, endpoint
    for path in ("/", "/vehicules?q=Canari", "/conducteurs?q=Canari", "/contraventions?q=7777777777"):
        assert "CanariMarque" not in visiting.get(path).text
    assert journal(other_world) == []


@pytest.mark.parametrize("ended", ["never", "suspended", "ended", "purged", "missing"])
def test_only_the_data_of_a_running_contract_can_be_visited(operator, world, frozen, ended):
    """C3.4, decision 9: nothing is left to visit after the end; decision 10: suspended, the administrator alone."""
    path = visit_path(world)
    if ended == "suspended":
        suspend(world)
    elif ended == "purged":
        purged(world)
    elif ended == "missing":
        path = "/exploitation/clients/00000000-0000-7000-8000-000000000000/visite"
    elif ended == "ended":
        yesterday = AS_OF - timedelta(days=1)
        clients.end_contract(organisation_id=world.organisation_id, on=yesterday.date(), as_of=yesterday)
    is_open = ended == "never"
    assert (path in operator.get("/exploitation/clients").text) is is_open
    assert operator.get(path).status_code == (200 if is_open else 404)
    assert operator.post(path, data={"reason": REASON}).status_code == (302 if is_open else 404)
    assert operator.get("/vehicules").status_code == (200 if is_open else 404)


@pytest.mark.parametrize("change", [suspend, purged])
def test_a_visit_closes_at_once_when_the_contract_is_suspended_or_the_data_are_gone(visiting, world, change):
    assert visiting.get("/vehicules").status_code == 200
    change(world)
    assert visiting.get("/vehicules").status_code == 404
    assert visiting.get("/").status_code == 200


def test_a_visit_closes_when_the_contract_ends(operator, world, frozen):
    """C3.4: at 24:00 in Paris, in the middle of a visit."""
    midnight = end_of_day(paris_day(AS_OF))
    clients.end_contract(organisation_id=world.organisation_id, on=paris_day(AS_OF), as_of=AS_OF)
    frozen.move_to(midnight - timedelta(minutes=10))
    token = open_session(OPERATOR, midnight - timedelta(minutes=10))
    visits_token = visits.start_visit(
        sessions.actor_for(token, midnight - timedelta(minutes=10)),
        world.organisation_id,
        REASON,
        midnight - timedelta(minutes=10),
    )
    assert sessions.actor_for(visits_token, midnight - SECOND).is_visiting
    assert not sessions.actor_for(visits_token, midnight).is_visiting


def test_tools_that_the_contract_lacks_are_not_visited(operator, world, frozen):
    """C4.1-b."""
    clients.new_order_form(
        organisation_id=world.organisation_id, vehicles=10, tools=("fines",), effective_from=AS_OF.date(), as_of=AS_OF
    )
    operator.post(visit_path(world), data={"reason": REASON})
    assert operator.get("/vehicules").status_code == 404
    assert operator.get("/contraventions").status_code == 200


def test_a_visit_never_reaches_past_the_shared_window(world, operator, frozen):
    """Decision 8: in no page, list, count or search; one day earlier it is shown in all of them."""
    vehicle = add_vehicle(world, "FY-074-KE")
    notice = post_notice(world, vehicle, "8272760796", posted_at=AS_OF - timedelta(days=45))
    closes = end_of_day(paris_day(AS_OF))
    for instant, is_open in ((closes - SECOND, True), (closes, False)):
        frozen.move_to(instant)
        browser = visiting_at(operator, world, instant)
        assert browser.get(f"/contraventions/{notice}").status_code == (200 if is_open else 404)
        assert shows(browser, str(notice)) is is_open
        counts = browser.get("/contraventions").text
        assert ('À traiter <span class="count-badge">1</span>' in counts) is is_open
        assert ("avis à traiter" in browser.get("/").text) is is_open


def test_an_answered_notice_is_closed_to_a_visit_from_that_commit_on(visiting, world):
    """Decisions 1 and 8."""
    notice = post_notice(world, add_vehicle(world, "FY-074-KE"), "8272760796")
    assert visiting.get(f"/contraventions/{notice}").status_code == 200
    designating.report_impossibility(
        actor(world.fines),
        notice,
        reason=ImpossibilityReason.FORCE_MAJEURE,
        comment="Inondation",
        proofs=[],
        as_of=AS_OF,
    )
    assert visiting.get(f"/contraventions/{notice}").status_code == 404
    assert not shows(visiting, str(notice))


def shows(browser, notice_id: str) -> bool:
    """True when a view or a search of the inbox shows the notice."""
    views = ("", *(f"?vue={one}" for one in ("urgentes", "refusees", "classees", "transmises", "archives")))
    searches = ("?q=8272760796", "?q=FY074KE", "?vue=archives&q=FY074KE", "?vue=transmises&q=8272760796")
    return any(notice_id in browser.get(f"/contraventions{one}").text for one in (*views, *searches))


def visiting_at(browser, world, instant):
    """The same browser, visiting from this instant on."""
    token = open_session(OPERATOR, instant)
    token = visits.start_visit(sessions.actor_for(token, instant), world.organisation_id, REASON, instant)
    browser.set_cookie(browser.application.config["EPRUNES_SESSION_COOKIE"], token, domain="localhost")
    return browser


def test_a_visitor_who_opens_a_notice_stands_in_the_journal_and_not_in_its_thread(visiting, world, signed_in):
    notice = post_notice(world, add_vehicle(world, "FY-074-KE"), "8272760796")
    assert visiting.get(f"/contraventions/{notice}").status_code == 200
    with tenant_session(world.organisation_id) as session:
        own = NoticeEvent.organisation_id == world.organisation_id
        assert "ouvert" not in set(session.scalars(select(NoticeEvent.kind).where(own)))
        seen = select(AuditEntry).where(AuditEntry.organisation_id == world.organisation_id)
        [entry] = session.scalars(seen.where(AuditEntry.action == "avis.consulte"))
    assert (entry.actor_kind, entry.subject_id) == (ActorKind.OPERATOR, notice)
    assert journal(world)[-1].details == {"page": "fines.notice_page", "notice_id": str(notice)}
    assert "Avis consulté" not in signed_in(world.fines).get(f"/contraventions/{notice}").text.split("Fil")[0]


def test_a_page_whose_trace_fails_is_not_shown(app, visiting, world, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    add_vehicle(world, "FY-074-KE", make="Introuvable")
    monkeypatch.setattr("eprunes.accounts.guard.trace_visit", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = visiting.get("/vehicules")
    assert answer.status_code == 500
    assert "Introuvable" not in answer.text


def test_the_end_of_a_visit_that_nobody_left_is_noted_once(visiting, app, world):
    assert visits.close_over(AS_OF + timedelta(minutes=60) - SECOND) == {}
    for count in (1, 0):
        done = visits.close_over(AS_OF + timedelta(minutes=60))
        assert done.get("visits_closed", 0) == count
    assert [one.actor_kind for one in journal(world) if one.action == "visite.fin"] == [ActorKind.SYSTEM]


def test_a_visit_ends_with_its_session(visiting, world):
    assert visiting.post("/deconnexion").status_code == 302
    assert visits.close_over(AS_OF) == {"visits_closed": 1}
    with platform_session("tests") as session:
        assert session.scalars(select(OperatorVisit.ended_at)).one() == AS_OF
        assert session.scalars(select(UserSession.ended_at)).all() == [AS_OF]


def test_a_service_called_directly_refuses_who_is_no_operator(world, frozen):
    someone = actor(world.admin)
    with pytest.raises(NotVisible):
        visits.start_visit(someone, world.organisation_id, REASON, AS_OF)
    with pytest.raises(NotVisible):
        visits.end_visit(someone, AS_OF)
    with pytest.raises(Refused):
        visits.start_visit(replace(someone, rights=frozenset()), world.organisation_id, "x", AS_OF)


def test_a_driver_file_that_a_visitor_opens_is_named_in_the_trace_by_its_id_alone(visiting, world):
    ids = contents(world)
    visiting.get(f"/conducteurs/{ids['driver_id']}")
    entry = journal(world)[-1]
    assert entry.details == {"page": "fleet.driver", "driver_id": ids["driver_id"]}
    assert COMPLETE.last_name not in str(entry.details)
