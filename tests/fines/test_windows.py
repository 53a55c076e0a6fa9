"""Who may see a notice, at either side of every boundary of its windows (C4.3-e, C4.3-f)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.accounts.services import clients, users
from eprunes.antai import jobs as antai_jobs
from eprunes.core.calendar import paris_day
from eprunes.core.database import TenantBreach, platform_session, tenant_session
from eprunes.core.refusals import NotVisible
from eprunes.fines import transmission
from eprunes.fines.answering import FilingReason, ImpossibilityReason, NoticeState
from eprunes.fines.models import Notice
from eprunes.fines.queries import visible_notices
from eprunes.fines.services import designating, filing
from eprunes.fleet.models import DriverKind
from tests.support import fleet, worlds

SECOND = timedelta(seconds=1)
ROLES = ("admin", "fines", "both", "fleet")
EVERYONE = {"admin", "fines", "both"}
ADMINISTRATOR = {"admin"}
NOBODY: set[str] = set()


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def who_sees(world: worlds.World, notice_id, as_of: datetime) -> set[str]:
    """The roles whose query finds the notice, each with the rights of a running contract."""
    return {role for role in ROLES if sees(worlds.actor(getattr(world, role)), notice_id, as_of)}


def sees(actor, notice_id, as_of: datetime) -> bool:
    if actor is None:
        return False
    with tenant_session(actor.organisation_id) as session:
        return session.scalar(visible_notices(actor, as_of).where(Notice.id == notice_id)) is not None


def set_state(organisation_id, notice_id, state: NoticeState) -> None:
    """Put a notice in a state whatever came before it."""
    with tenant_session(organisation_id, write=True) as session:
        statement = (
            update(Notice)
            .where(Notice.organisation_id == organisation_id, Notice.id == notice_id)
            .values(state=state, is_answered=state == NoticeState.ANSWERED)
        )
        session.execute(statement)


def report_sale(actor, notice_id, as_of: datetime) -> None:
    proofs = [designating.Proof(nature, "2026-17", date(2026, 1, 5)) for nature in ("Déclaration", "Accusé")]
    designating.report_impossibility(
        actor, notice_id, reason=ImpossibilityReason.SALE, comment="", proofs=proofs, as_of=as_of
    )


# Posting (UTC), the last Paris day of the shared window, its end in UTC.
SHARED_WINDOWS = [
    pytest.param("2026-03-03T09:00", "2026-04-17T22:00", id="an ordinary day"),
    pytest.param("2026-02-12T09:00", "2026-03-29T22:00", id="ends on the day of 23 hours"),
    pytest.param("2026-02-11T09:00", "2026-03-28T23:00", id="ends the night before"),
    pytest.param("2026-09-10T09:00", "2026-10-25T23:00", id="ends on the day of 25 hours"),
    pytest.param("2026-09-09T09:00", "2026-10-24T22:00", id="ends the night before 25 hours"),
    pytest.param("2026-06-30T22:30", "2026-08-15T22:00", id="posted on 1 July in Paris, on 30 June in UTC"),
    pytest.param("2026-06-30T21:30", "2026-08-14T22:00", id="posted on 30 June in both"),
    pytest.param("2024-01-15T09:00", "2024-02-29T23:00", id="ends on 29 February"),
]


@pytest.mark.parametrize(("posted", "end"), SHARED_WINDOWS)
def test_a_notice_without_an_answer_closes_to_users_at_midnight_in_paris_of_day_45(world, posted, end):
    """C4.3-e, C4.3-f, decision 3."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=at(posted), dateHeureInfraction=posted)

    assert who_sees(world, notice_id, at(posted)) == EVERYONE
    assert who_sees(world, notice_id, at(end) - SECOND) == EVERYONE
    assert who_sees(world, notice_id, at(end)) == ADMINISTRATOR


def test_the_shared_window_of_an_overseas_client_ends_at_midnight_in_paris_too(app):
    """Decision 3."""
    world = worlds.make_world(0, zone="America/Guadeloupe")
    notice_id = fleet.receive_notice(
        world.organisation_id,
        posted_at=at("2026-03-03T02:00"),
        dateHeureInfraction="2026-03-01T22:30:00",
        codePostal="97110",
    )

    assert who_sees(world, notice_id, at("2026-04-17T21:59:59")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-04-17T22:00")) == ADMINISTRATOR


# Local time and postcode of the offence, posting, end of the archive in UTC.
ARCHIVES = [
    pytest.param("2025-03-10T10:00", "94150", "2025-03-20T09:00", "2026-03-10T23:00", id="an ordinary day"),
    pytest.param("2024-02-29T10:00", "94150", "2024-03-05T09:00", "2025-02-28T23:00", id="29 February"),
    pytest.param("2023-02-28T10:00", "94150", "2023-03-05T09:00", "2024-02-28T23:00", id="a leap year later"),
    pytest.param("2025-03-29T10:00", "94150", "2025-04-05T09:00", "2026-03-29T22:00", id="the day of 23 hours"),
    pytest.param("2025-10-25T10:00", "94150", "2025-11-05T09:00", "2026-10-25T23:00", id="the day of 25 hours"),
    pytest.param("2025-03-01T00:30", "97400", "2025-03-10T09:00", "2026-03-01T23:00", id="Réunion, 28 Feb. in Paris"),
    pytest.param(
        "2025-02-28T22:30", "97110", "2025-03-10T09:00", "2026-02-28T23:00", id="Guadeloupe, 1 March in Paris"
    ),
]


@pytest.mark.parametrize("state", [NoticeState.TO_ANSWER, NoticeState.ANSWERED, NoticeState.REFUSED, NoticeState.FILED])
@pytest.mark.parametrize(("offence", "postcode", "posted", "end"), ARCHIVES)
def test_the_archive_closes_to_the_administrator_twelve_months_after_the_offence(
    world, offence, postcode, posted, end, state
):
    """C4.3-f, decision 4: the local day of the offence, at 24:00 in Paris of the same day twelve months on."""
    notice_id = fleet.receive_notice(
        world.organisation_id, posted_at=at(posted), dateHeureInfraction=offence, codePostal=postcode
    )
    set_state(world.organisation_id, notice_id, state)

    assert who_sees(world, notice_id, at(end) - SECOND) == ADMINISTRATOR
    assert who_sees(world, notice_id, at(end)) == NOBODY


def test_a_notice_of_an_old_offence_stays_shared_although_its_archive_is_over(world):
    """Decision 5: offence of 10 January 2025, posted a year later, shared until 19 February 2026."""
    notice_id = fleet.receive_notice(
        world.organisation_id, posted_at=at("2026-01-05T09:00"), dateHeureInfraction="2025-01-10T10:00:00"
    )

    assert who_sees(world, notice_id, at("2026-01-10T22:59:59")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-01-10T23:00")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-02-19T22:59:59")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-02-19T23:00")) == NOBODY


def test_an_answered_notice_of_an_old_offence_is_closed_to_all_at_once(world):
    """C4.3-f: its archive is over, and an answer stands."""
    notice_id = fleet.receive_notice(
        world.organisation_id, posted_at=at("2026-01-05T09:00"), dateHeureInfraction="2025-01-10T10:00:00"
    )
    set_state(world.organisation_id, notice_id, NoticeState.ANSWERED)

    assert who_sees(world, notice_id, at("2026-01-10T22:59:59")) == ADMINISTRATOR
    assert who_sees(world, notice_id, at("2026-01-10T23:00")) == NOBODY


STATES = [
    (NoticeState.TO_ANSWER, EVERYONE),
    (NoticeState.FILED, EVERYONE),
    (NoticeState.REFUSED, EVERYONE),
    (NoticeState.ANSWERED, ADMINISTRATOR),
]


@pytest.mark.parametrize(("state", "seen_by"), STATES)
def test_within_45_days_only_a_standing_answer_closes_a_notice_to_users(world, state, seen_by):
    """C4.3-e, decisions 2 and 7: refused and classified notices stay open to all."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=worlds.AS_OF)
    set_state(world.organisation_id, notice_id, state)

    assert who_sees(world, notice_id, worlds.AS_OF) == seen_by
    assert who_sees(world, notice_id, at("2026-04-17T21:59:59")) == seen_by


@pytest.mark.parametrize(("state", "_"), STATES)
def test_after_45_days_only_the_administrator_sees_a_notice_in_whatever_state(world, state, _):
    """C4.3-f, decisions 2 and 7: a refusal and a filing do not reopen what is closed."""
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=worlds.AS_OF)
    set_state(world.organisation_id, notice_id, state)

    assert who_sees(world, notice_id, at("2026-04-17T22:00")) == ADMINISTRATOR


@pytest.mark.parametrize("role", ["fines", "both"])
def test_from_the_confirmed_answer_on_its_author_sees_nothing_any_more(world, role):
    """C4.3-e, decision 1."""
    notice_id = fleet.receive_notice(world.organisation_id)
    author = worlds.actor(getattr(world, role))

    report_sale(author, notice_id, worlds.AS_OF)

    assert who_sees(world, notice_id, worlds.AS_OF) == ADMINISTRATOR
    with pytest.raises(NotVisible):
        report_sale(author, notice_id, worlds.AS_OF)


def test_a_classified_notice_is_closed_to_users_on_the_same_day_as_any_other(world):
    """Decision 7, through the service."""
    notice_id = fleet.receive_notice(world.organisation_id)
    filing.file_notice(worlds.actor(world.fines), notice_id, reason=FilingReason.PAID, as_of=worlds.AS_OF)

    assert who_sees(world, notice_id, at("2026-04-17T21:59:59")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-04-17T22:00")) == ADMINISTRATOR


def test_a_refused_answer_reopens_the_notice_only_while_its_window_lasts(world):
    """Decision 2."""
    notice_id = fleet.receive_notice(world.organisation_id)
    report_sale(worlds.actor(world.fines), notice_id, worlds.AS_OF)
    outgoing = transmission.claim_next(world.organisation_id, worlds.AS_OF)

    transmission.refused(world.organisation_id, outgoing.answer_id, reason="Illisible.", as_of=worlds.AS_OF)

    assert who_sees(world, notice_id, worlds.AS_OF) == EVERYONE
    assert who_sees(world, notice_id, at("2026-04-17T21:59:59")) == EVERYONE
    assert who_sees(world, notice_id, at("2026-04-17T22:00")) == ADMINISTRATOR


def test_while_no_sweep_has_run_a_notice_past_its_windows_is_out_of_everyone_s_reach(world):
    """C4.3-f: what nobody may see is decided when it is read, not when it is destroyed."""
    notice_id = fleet.receive_notice(world.organisation_id)
    administrator = worlds.actor(world.admin)
    late = at("2027-02-27T23:00")

    assert who_sees(world, notice_id, late - SECOND) == ADMINISTRATOR
    assert who_sees(world, notice_id, late) == NOBODY
    with pytest.raises(NotVisible):
        report_sale(administrator, notice_id, late)
    with pytest.raises(NotVisible):
        filing.file_notice(administrator, notice_id, reason=FilingReason.PAID, as_of=late)
    assert fleet.notice_ids(world.organisation_id) == [notice_id]


def test_another_organisation_sees_and_changes_nothing(world, other_world):
    notice_id = fleet.receive_notice(world.organisation_id)
    stranger = worlds.actor(other_world.admin)

    assert who_sees(other_world, notice_id, worlds.AS_OF) == NOBODY
    with pytest.raises(NotVisible):
        report_sale(stranger, notice_id, worlds.AS_OF)
    with pytest.raises(NotVisible):
        designating.designate(
            stranger,
            notice_id,
            driver_id=None,
            kind=DriverKind.EMPLOYEE,
            details=fleet.NOEL,
            keep_in_fleet=False,
            as_of=worlds.AS_OF,
        )
    assert fleet.notice(world.organisation_id, notice_id).state == NoticeState.TO_ANSWER


def test_a_user_with_the_fleet_tool_alone_sees_and_changes_nothing(world):
    """C3.2-c, C4.3-e."""
    notice_id = fleet.receive_notice(world.organisation_id)

    with pytest.raises(NotVisible):
        report_sale(worlds.actor(world.fleet), notice_id, worlds.AS_OF)


def test_the_contract_s_end_closes_everything_at_midnight_in_paris(world):
    """C3.4, C12.3-a, decision 9: it overrides the shared window and the archive."""
    clients.end_contract(organisation_id=world.organisation_id, on=date(2026, 3, 10), as_of=worlds.AS_OF)
    notice_id = fleet.receive_notice(world.organisation_id)

    def seen_at(as_of: datetime) -> set[str]:
        return {role for role in ROLES if sees(worlds.actor(getattr(world, role), as_of), notice_id, as_of)}

    assert seen_at(at("2026-03-10T22:59:59")) == EVERYONE
    assert seen_at(at("2026-03-10T23:00")) == NOBODY


def test_a_suspended_contract_leaves_its_administrator_alone_to_read_and_answer(world):
    """Decision 10."""
    notice_id = fleet.receive_notice(world.organisation_id)
    with platform_session("tests", write=True) as session:
        session.execute(update(Organisation).values(state=OrganisationState.SUSPENDED))

    assert who_sees(world, notice_id, worlds.AS_OF) == ADMINISTRATOR
    report_sale(worlds.actor(world.admin), notice_id, worlds.AS_OF)
    assert fleet.notice(world.organisation_id, notice_id).is_answered


def test_notices_still_come_in_while_the_contract_is_suspended(world, agency, now):
    """Decision 10."""
    plate = fleet.new_plate()
    fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)
    agency.post(fleet.offence_record(plate, dateAco=str(now.date())))
    with platform_session("tests", write=True) as session:
        session.execute(update(Organisation).values(state=OrganisationState.SUSPENDED))

    assert antai_jobs.fetch_notices(now)["new"] == 1


def test_once_the_fines_tool_is_dropped_live_notices_stay_answerable_until_their_window_ends(world):
    """Decision 10, C4.1-b: dropped on 4 March, the last notice was posted on the day before."""
    clients.new_order_form(
        organisation_id=world.organisation_id,
        vehicles=100,
        tools=("fleet",),
        effective_from=date(2026, 3, 4),
        as_of=worlds.AS_OF,
    )
    first, second = (fleet.receive_notice(world.organisation_id) for _ in range(2))
    last_moment = at("2026-04-17T21:59:59")

    def seen_at(as_of: datetime) -> set[str]:
        return {role for role in ROLES if sees(worlds.actor(getattr(world, role), as_of), first, as_of)}

    assert seen_at(last_moment) == EVERYONE
    report_sale(worlds.actor(world.fines, last_moment), second, last_moment)
    assert seen_at(last_moment + SECOND) == ADMINISTRATOR
    assert seen_at(at("2027-02-27T22:59:59")) == ADMINISTRATOR
    assert seen_at(at("2027-02-27T23:00")) == NOBODY


def test_once_the_fines_tool_is_dropped_vehicles_are_withdrawn_and_nothing_new_is_stored(world, agency, now):
    """Decision 10."""
    plate = fleet.new_plate()
    fleet.add_vehicle(world.organisation_id, plate)
    antai_jobs.declare_vehicles(now)
    assert agency.plates() == {plate}
    clients.new_order_form(
        organisation_id=world.organisation_id,
        vehicles=100,
        tools=("fleet",),
        effective_from=paris_day(now),
        as_of=now,
    )
    agency.load(fleet.offence_record(plate, dateAco=str(now.date())))

    fetched = antai_jobs.fetch_notices(now)
    declared = antai_jobs.declare_vehicles(now)

    assert (fetched["read"], fetched["new"], fetched["outside_contract"]) == (1, 0, 1)
    assert fleet.notice_ids(world.organisation_id) == []
    assert declared["withdrawn"] == 1
    assert agency.plates() == set()


def test_an_operator_s_own_query_reaches_no_client(world):
    fleet.receive_notice(world.organisation_id)
    users.create_operator(email="exploitation@eprunes.example", as_of=worlds.AS_OF)
    query = visible_notices(worlds.actor("exploitation@eprunes.example"), worlds.AS_OF)

    with tenant_session(world.organisation_id) as session, pytest.raises(TenantBreach):
        session.scalars(query).all()
