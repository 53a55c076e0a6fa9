"""The administrator account changes hands when both want it, or on a recorded proof; there is always exactly one."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from eprunes.accounts import sessions, upkeep_jobs
from eprunes.accounts.models import Handover, Identity, User, UserState
from eprunes.accounts.permissions import Permission
from eprunes.accounts.services import clients, handovers, users
from eprunes.core.audit import AuditEntry
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from tests.accounts.test_invitations import run_together
from tests.support.letters import purposes, queued
from tests.support.people import user_row
from tests.support.worlds import AS_OF, actor, actor_with_session, open_session

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
OPERATOR = "exploitant@exploitation.example"
PROOF = "Extrait Kbis du 2 mars et pièce d’identité vus le 3 mars, dossier 2026-118"


@pytest.fixture
def operator(app):
    users.create_operator(email=OPERATOR, as_of=AS_OF)
    return actor(OPERATOR)


def id_of(world, email):
    return user_row(world, email).id


def administrators(world):
    with tenant_session(world.organisation_id) as session:
        query = select(User.email).where(User.organisation_id == world.organisation_id, User.is_administrator)
        return list(session.scalars(query))


def outcomes(world):
    with tenant_session(world.organisation_id) as session:
        query = select(Handover).where(Handover.organisation_id == world.organisation_id)
        return [one.outcome for one in session.scalars(query.order_by(Handover.id))]


def start(world, email=None, as_of=AS_OF):
    handovers.start(actor(world.admin, as_of), id_of(world, email or world.both), as_of)


def announce(world, operator, email=None, as_of=AS_OF, proof=PROOF):
    handovers.start_proven(operator, world.organisation_id, id_of(world, email or world.both), proof, as_of)


def block(email, blocked_at=AS_OF):
    with platform_session("tests", write=True) as session:
        session.execute(update(Identity).where(Identity.email == email).values(blocked_at=blocked_at))


def test_both_agree_and_the_account_goes_over(world):
    """C3.2-a, decision 6: the archive follows the account; the former holder keeps their recorded rights."""
    old_token, new_token = open_session(world.admin), open_session(world.fleet)
    start(world, world.fleet)
    assert administrators(world) == [world.admin]
    assert purposes(world.fleet) == ["handover_proposed"]
    handovers.accept(actor(world.fleet), AS_OF)
    assert administrators(world) == [world.fleet]
    assert sessions.actor_for(old_token, AS_OF) is None
    assert sessions.actor_for(new_token, AS_OF) is None
    former = sessions.actor_for(open_session(world.admin), AS_OF)
    assert {str(right) for right in former.rights} == {"parc", "contraventions"}
    assert not former.may(Permission.VIEW_ARCHIVE)
    assert "handover_done" in purposes(world.admin)
    assert "handover_done" in purposes(world.fleet)
    assert "Vous êtes désormais" in queued(to=world.fleet)[-1].text
    assert "Vous n’êtes plus" in queued(to=world.admin)[-1].text


def test_the_new_administrator_owes_a_second_factor(world):
    """Nobody holds the account with a password alone."""
    start(world, world.fleet)
    handovers.accept(actor(world.fleet), AS_OF)
    new = actor_with_session(world.fleet)
    assert new.pending == "mise_en_place"
    assert not new.may(Permission.ADMINISTER)


def test_a_proposal_is_good_for_seven_days(world):
    start(world)
    end = AS_OF + 7 * DAY
    with pytest.raises(NotVisible):
        handovers.accept(actor(world.both, end), end)
    assert administrators(world) == [world.admin]
    handovers.accept(actor(world.both, end - SECOND), end - SECOND)
    assert administrators(world) == [world.both]


def test_a_proposal_without_answer_ends_and_leaves_room_for_another(world):
    start(world)
    end = AS_OF + 7 * DAY
    assert upkeep_jobs.settle_handovers(end - SECOND) == {}
    assert upkeep_jobs.settle_handovers(end) == {"handovers_closed": 1}
    assert upkeep_jobs.settle_handovers(end) == {}
    assert outcomes(world) == ["expiree"]
    start(world, world.fines, end)
    handovers.accept(actor(world.fines, end), end)
    assert administrators(world) == [world.fines]


def test_one_hand_over_at_a_time(world):
    start(world)
    with pytest.raises(Refused, match="déjà en cours"):
        start(world, world.fleet)
    start(world, world.fleet, AS_OF + 7 * DAY)
    assert outcomes(world) == ["expiree", None], "one that ended stands in nobody's way"


def test_the_other_may_decline(world):
    start(world)
    handovers.decline(actor(world.both), AS_OF)
    assert outcomes(world) == ["declinee"]
    assert "handover_ended" in purposes(world.admin)
    with pytest.raises(NotVisible):
        handovers.accept(actor(world.both), AS_OF)
    assert administrators(world) == [world.admin]


def test_the_holder_may_take_it_back(world):
    start(world)
    handovers.cancel(actor(world.admin), AS_OF)
    with pytest.raises(NotVisible):
        handovers.accept(actor(world.both), AS_OF)
    assert administrators(world) == [world.admin]
    assert purposes(world.both) == ["handover_proposed", "handover_ended"]


@pytest.mark.parametrize("act", [handovers.accept, handovers.decline, handovers.cancel])
def test_only_its_two_people_touch_a_hand_over(world, other_world, operator, act):
    """Self-promotion: nobody takes what was proposed to somebody else."""
    start(world)
    for other in (actor(world.fleet), actor(world.fines), actor(other_world.admin), actor(other_world.fleet), operator):
        with pytest.raises(NotVisible):
            act(other, AS_OF)
    with pytest.raises(NotVisible):
        act(actor(world.both if act is handovers.cancel else world.admin), AS_OF)
    assert outcomes(world) == [None]
    assert administrators(world) == [world.admin]


def test_only_the_holder_proposes(world, operator):
    for email in (world.fleet, world.both):
        with pytest.raises(NotVisible):
            handovers.start(actor(email), id_of(world, world.both), AS_OF)
    assert outcomes(world) == []


@pytest.mark.parametrize("state", [UserState.INVITED, UserState.SUSPENDED, UserState.DELETED, "bloque"])
@pytest.mark.parametrize("is_proven", [False, True])
def test_never_to_somebody_who_is_not_active(world, operator, state, is_proven):
    """Decision 6: never a deleted person, nor a suspended, blocked or invited one."""
    put(world, world.both, state)
    begin = partial(announce, world, operator) if is_proven else partial(start, world)
    with pytest.raises(Refused, match="utilisateur actif"):
        begin()
    assert outcomes(world) == []


def put(world, email, state):
    if state == "bloque":
        block(email)
        return
    with tenant_session(world.organisation_id, write=True) as session:
        mine = User.organisation_id == world.organisation_id, User.email == email
        session.execute(update(User).where(*mine).values(state=state, deleted_at=AS_OF))


@pytest.mark.parametrize("state", [UserState.SUSPENDED, UserState.DELETED, "bloque"])
def test_whoever_stops_being_active_meanwhile_gets_nothing(world, operator, state):
    """At acceptance, and when an announced one falls due."""
    successor = actor(world.both)
    start(world)
    put(world, world.both, state)
    with pytest.raises(NotVisible):
        handovers.accept(successor, AS_OF)
    handovers.cancel(actor(world.admin), AS_OF)
    put(world, world.both, UserState.ACTIVE)
    block(world.both, None)
    announce(world, operator)
    put(world, world.both, state)
    assert upkeep_jobs.settle_handovers(AS_OF + 72 * HOUR) == {"handovers_closed": 1}
    assert outcomes(world) == ["annulee", "caduque"]
    assert administrators(world) == [world.admin]


def test_a_deleted_successor_ends_the_hand_over_at_once(world):
    start(world)
    users.delete_user(actor(world.admin), id_of(world, world.both), AS_OF)
    assert outcomes(world) == ["caduque"]
    users.restore_user(actor(world.admin), id_of(world, world.both), AS_OF)
    with pytest.raises(NotVisible):
        handovers.accept(actor(world.both), AS_OF)


def test_never_to_oneself_nor_to_another_organisation(world, other_world, operator):
    with pytest.raises(Refused, match="déjà l’administrateur"):
        start(world, world.admin)
    for given in (id_of(other_world, other_world.fleet), None):
        with pytest.raises(NotVisible):
            handovers.start(actor(world.admin), given, AS_OF)
        with pytest.raises(NotVisible):
            handovers.start_proven(operator, world.organisation_id, given, PROOF, AS_OF)


def test_a_proven_one_takes_effect_after_72_hours(world, operator):
    """Decision 6: announced to all users and to the old holder, effective after 72 hours, traced."""
    old_token = open_session(world.admin)
    announce(world, operator, world.fleet)
    for email in (world.admin, world.fleet, world.fines, world.both):
        [told] = queued(to=email)
        assert told.purpose == "handover_announced"
        assert ("/passation" in told.text) is (email == world.admin)
        assert "ven. 6 mars 2026, 10:00" in told.text
    due = AS_OF + 72 * HOUR
    assert upkeep_jobs.settle_handovers(due - SECOND) == {}
    assert administrators(world) == [world.admin]
    assert upkeep_jobs.settle_handovers(due) == {"handed_over": 1}
    assert administrators(world) == [world.fleet]
    assert upkeep_jobs.settle_handovers(due) == {}
    assert sessions.actor_for(old_token, AS_OF) is None
    assert purposes(world.admin)[-1] == purposes(world.fleet)[-1] == "handover_done"


def test_what_the_operator_does_is_in_the_clients_journal(world, operator):
    """Decision 6, C11: as an act of the operator, without the proof's words."""
    announce(world, operator)
    upkeep_jobs.settle_handovers(AS_OF + 72 * HOUR)
    with tenant_session(world.organisation_id) as session:
        query = select(AuditEntry).where(
            AuditEntry.organisation_id == world.organisation_id, AuditEntry.action.startswith("passation.")
        )
        entries = session.scalars(query.order_by(AuditEntry.id)).all()
    assert [(one.action, one.actor_kind, one.actor_id) for one in entries] == [
        ("passation.annoncee", "exploitant", operator.identity_id),
        ("passation.effective", "exploitant", operator.identity_id),
    ]
    assert "Kbis" not in str([one.details for one in entries])


def test_the_old_holder_may_object(world, operator):
    """Decision 6"""
    announce(world, operator)
    last = AS_OF + 72 * HOUR - SECOND
    handovers.cancel(actor(world.admin, last), last)
    assert upkeep_jobs.settle_handovers(AS_OF + 73 * HOUR) == {}
    assert administrators(world) == [world.admin]
    assert purposes(world.both)[-1] == "handover_ended"


def test_the_operator_may_take_it_back(world, operator):
    announce(world, operator)
    handovers.cancel_proven(operator, world.organisation_id, AS_OF)
    assert upkeep_jobs.settle_handovers(AS_OF + 73 * HOUR) == {}
    assert administrators(world) == [world.admin]
    with pytest.raises(NotVisible):
        handovers.cancel_proven(operator, world.organisation_id, AS_OF)


def test_the_successor_of_a_proven_one_can_not_hasten_it(world, operator):
    announce(world, operator)
    for act in (handovers.accept, handovers.decline):
        with pytest.raises(NotVisible):
            act(actor(world.both), AS_OF)
    assert administrators(world) == [world.admin]


def test_a_proven_one_replaces_a_proposal_but_not_another_proven_one(world, operator):
    start(world, world.fleet)
    announce(world, operator)
    assert outcomes(world) == ["remplacee", None]
    with pytest.raises(NotVisible):
        handovers.accept(actor(world.fleet), AS_OF)
    with pytest.raises(Refused, match="déjà annoncée"):
        announce(world, operator, world.fines)
    with pytest.raises(Refused, match="déjà en cours"):
        start(world, world.fines)


def test_an_operator_does_not_take_back_what_the_client_agreed(world, operator):
    start(world)
    with pytest.raises(NotVisible):
        handovers.cancel_proven(operator, world.organisation_id, AS_OF)
    assert outcomes(world) == [None]


@pytest.mark.parametrize("proof", ["", "  \n ", "x" * 501])
def test_no_proof_no_hand_over(world, operator, proof):
    with pytest.raises(Refused) as refusal:
        announce(world, operator, proof=proof)
    assert refusal.value.field == "proof"
    assert outcomes(world) == []


def test_only_an_operator_announces(world):
    for email in (world.admin, world.both):
        with pytest.raises(NotVisible):
            announce(world, actor(email))
        with pytest.raises(NotVisible):
            handovers.cancel_proven(actor(email), world.organisation_id, AS_OF)


def test_an_ended_contract_hands_nothing_over(world, operator):
    """C3.4"""
    announce(world, operator)
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    assert upkeep_jobs.settle_handovers(AS_OF + 72 * HOUR) == {}
    assert administrators(world) == [world.admin]
    later = AS_OF + 2 * DAY
    with pytest.raises(NotVisible):
        handovers.cancel_proven(operator, world.organisation_id, later)
    with pytest.raises(NotVisible):
        announce(world, operator, as_of=later)


def test_of_two_proposals_at_once_one_is_opened(app, world):
    boss = actor(world.admin)
    ids = [id_of(world, email) for email in (world.fleet, world.fines, world.both)]

    def propose(user_id):
        try:
            handovers.start(boss, user_id, AS_OF)
        except Refused:
            return False
        return True

    done = run_together(app, [lambda one=one: propose(one) for one in ids])
    assert sorted(done) == [False, False, True]
    assert outcomes(world) == [None]


@pytest.mark.parametrize("round_number", range(5))
def test_accepted_while_taken_back_there_is_exactly_one_administrator(app, world, round_number):
    start(world)
    holder, successor = actor(world.admin), actor(world.both)

    def tried(act, who):
        try:
            act(who, AS_OF)
        except NotVisible:
            return False
        return True

    done = run_together(app, [lambda: tried(handovers.accept, successor), lambda: tried(handovers.cancel, holder)])
    assert sorted(done) == [False, True]
    assert administrators(world) == [world.both if done[0] else world.admin]
    assert outcomes(world) == ["effective" if done[0] else "annulee"]


def test_four_clocks_at_once_hand_over_once(app, world, operator):
    announce(world, operator)
    due = AS_OF + 72 * HOUR
    done = run_together(app, [lambda: handovers.settle(world.organisation_id, due)] * 4)
    assert sorted(done, key=str) == [None, None, None, "effective"]
    assert administrators(world) == [world.both]
    assert purposes(world.both).count("handover_done") == 1
