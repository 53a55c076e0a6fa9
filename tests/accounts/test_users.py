"""Rights, suspension, deletion: at once, on every session; the administrator's own account is out of reach."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from eprunes.accounts import sessions, tokens, upkeep_jobs
from eprunes.accounts.models import Identity, OneTimeToken, TokenPurpose, User, UserState
from eprunes.accounts.services import handovers, invitations, users
from eprunes.core.audit import AuditEntry
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from tests.support.letters import purposes, queued, token_for
from tests.support.people import user_row
from tests.support.worlds import AS_OF, actor, open_session

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ACTS = (users.suspend_user, users.delete_user)


def identity_of(email):
    with platform_session("tests") as session:
        return session.scalar(select(Identity).where(Identity.email == email))


def id_of(world, email):
    return user_row(world, email).id


def boss(world):
    return actor(world.admin)


def reset_link(email):
    with platform_session("tests", write=True) as session:
        return tokens.issue(session, TokenPurpose.RESET, as_of=AS_OF, identity_id=identity_of(email).id)


def test_changed_rights_hold_at_the_next_request_and_the_person_is_told(world):
    """C3.2-a, C3.2-c"""
    open_token = open_session(world.both)
    users.change_rights(boss(world), id_of(world, world.both), True, False, AS_OF)
    assert sessions.actor_for(open_token, AS_OF) is None
    assert {str(right) for right in actor(world.both).rights} == {"parc"}
    [told] = queued(to=world.both)
    assert told.purpose == "rights_changed"
    assert "au parc," in told.text


def test_rights_saved_as_they_were_change_nothing(world):
    open_token = open_session(world.both)
    users.change_rights(boss(world), id_of(world, world.both), True, True, AS_OF)
    assert sessions.actor_for(open_token, AS_OF) is not None
    assert queued(to=world.both) == []


def test_a_user_keeps_at_least_one_right(world):
    with pytest.raises(Refused, match="au moins un droit"):
        users.change_rights(boss(world), id_of(world, world.both), False, False, AS_OF)
    assert {str(right) for right in actor(world.both).rights} == {"parc", "contraventions"}


@pytest.mark.parametrize("act", ACTS)
def test_whoever_is_suspended_or_deleted_is_out_at_once(world, act):
    """C3.2-a: sessions end, links are void, and no new session opens anything."""
    open_token, link = open_session(world.fleet), reset_link(world.fleet)
    act(boss(world), id_of(world, world.fleet), AS_OF)
    assert sessions.actor_for(open_token, AS_OF) is None
    assert tokens.find(link, TokenPurpose.RESET, AS_OF) is None
    assert sessions.actor_for(open_session(world.fleet), AS_OF) is None


def test_a_suspended_user_comes_back_as_they_were(world):
    user_id, before = id_of(world, world.fleet), open_session(world.fleet)
    users.suspend_user(boss(world), user_id, AS_OF)
    users.reactivate_user(boss(world), user_id, AS_OF)
    assert {str(right) for right in actor(world.fleet).rights} == {"parc"}
    assert sessions.actor_for(before, AS_OF) is None, "an old session stays closed"


def test_a_deleted_user_can_be_restored_for_thirty_days(world):
    user_id = id_of(world, world.fleet)
    users.delete_user(boss(world), user_id, AS_OF)
    end = AS_OF + 30 * DAY
    with pytest.raises(Refused, match="trente jours"):
        users.restore_user(actor(world.admin, end), user_id, end)
    users.restore_user(actor(world.admin, end - SECOND), user_id, end - SECOND)
    assert {str(right) for right in actor(world.fleet, end).rights} == {"parc"}
    upkeep_jobs.accounts_upkeep(end)
    assert user_row(world, world.fleet).state == UserState.ACTIVE


def test_after_thirty_days_nothing_is_left_and_the_address_is_free(world, other_world):
    """C3.2-b: taken until then, free afterwards, here and elsewhere."""
    user_id = id_of(world, world.fleet)
    open_session(world.fleet)
    reset_link(world.fleet)
    users.delete_user(boss(world), user_id, AS_OF)
    end = AS_OF + 30 * DAY
    upkeep_jobs.accounts_upkeep(end - SECOND)
    assert user_row(world, world.fleet).id == user_id
    with pytest.raises(Refused, match="restaurer"):
        invite(world, world.fleet, end - SECOND)
    assert upkeep_jobs.accounts_upkeep(end)["accounts_destroyed"] == 1
    assert identity_of(world.fleet) is None
    assert user_row(world, world.fleet) is None
    assert upkeep_jobs.accounts_upkeep(end)["accounts_destroyed"] == 0
    invite(other_world, world.fleet, end)
    assert purposes(world.fleet) == ["invitation"]
    assert invitations.accept(token_for(world.fleet), "Camille", "tortue violon brouette lilas", end)


def invite(world, email, as_of):
    return invitations.invite(actor(world.admin, as_of), email, "Camille", True, False, as_of)


def test_the_upkeep_leaves_everybody_else_alone(world, other_world):
    users.delete_user(boss(other_world), id_of(other_world, other_world.fleet), AS_OF)
    users.suspend_user(boss(world), id_of(world, world.fines), AS_OF)
    upkeep_jobs.accounts_upkeep(AS_OF + 30 * DAY)
    for email in (world.admin, world.fleet, world.fines, world.both):
        assert identity_of(email) is not None
        assert user_row(world, email) is not None
    assert identity_of(other_world.fines) is not None


def test_who_is_named_by_a_hand_over_leaves_an_empty_row(world):
    """The recorded proof of decision 6 outlives the account, not the name."""
    user_id = id_of(world, world.fleet)
    handovers.start(boss(world), user_id, AS_OF)
    handovers.decline(actor(world.fleet), AS_OF)
    users.delete_user(boss(world), user_id, AS_OF)
    upkeep_jobs.accounts_upkeep(AS_OF + 30 * DAY)
    assert identity_of(world.fleet) is None
    with tenant_session(world.organisation_id) as session:
        row = session.scalars(
            select(User).where(User.organisation_id == world.organisation_id, User.id == user_id)
        ).one()
    assert (row.email, row.display_name) == ("", "")
    assert upkeep_jobs.accounts_upkeep(AS_OF + 31 * DAY)["accounts_destroyed"] == 0


def test_spent_links_are_destroyed_a_week_after_their_end(world):
    reset_link(world.fleet)
    over = AS_OF + timedelta(hours=1) + 7 * DAY
    assert upkeep_jobs.accounts_upkeep(over - SECOND)["links_destroyed"] == 0
    assert upkeep_jobs.accounts_upkeep(over)["links_destroyed"] == 1
    with platform_session("tests") as session:
        assert session.scalar(select(func.count()).select_from(OneTimeToken)) == 0


@pytest.mark.parametrize("act", [*ACTS, lambda *given: users.change_rights(*given[:2], True, False, given[2])])
def test_the_administrator_is_neither_deleted_nor_suspended_nor_reduced(world, act):
    """C3.2-a: the last administrator stays, whoever asks."""
    with pytest.raises(Refused, match="compte administrateur"):
        act(boss(world), id_of(world, world.admin), AS_OF)
    assert actor(world.admin).is_administrator


@pytest.mark.parametrize("act", [*ACTS, users.reactivate_user, users.restore_user])
def test_a_user_of_another_organisation_is_not_there(world, other_world, act):
    with pytest.raises(NotVisible):
        act(boss(world), id_of(other_world, other_world.fleet), AS_OF)
    assert user_row(other_world, other_world.fleet).state == UserState.ACTIVE


@pytest.mark.parametrize("act", [*ACTS, lambda *given: users.change_rights(*given[:2], True, True, given[2])])
def test_only_the_administrator_changes_people(world, act):
    """Self-promotion, even by a session that was opened before the account went to somebody else."""
    for email in (world.fleet, world.both):
        with pytest.raises(NotVisible):
            act(actor(email), id_of(world, world.fines), AS_OF)
    former = boss(world)
    handovers.start(former, id_of(world, world.both), AS_OF)
    handovers.accept(actor(world.both), AS_OF)
    with pytest.raises(NotVisible):
        act(former, id_of(world, world.fines), AS_OF)


@pytest.mark.parametrize(
    ("state", "act"),
    [
        (UserState.DELETED, users.suspend_user),
        (UserState.DELETED, users.delete_user),
        (UserState.DELETED, users.reactivate_user),
        (UserState.SUSPENDED, users.restore_user),
        (UserState.ACTIVE, users.restore_user),
        (UserState.ACTIVE, users.reactivate_user),
        (UserState.INVITED, users.reactivate_user),
        (UserState.INVITED, users.restore_user),
        (UserState.INVITED, users.delete_user),
        (UserState.INVITED, users.suspend_user),
    ],
)
def test_an_act_that_the_state_does_not_admit_is_refused(world, state, act):
    """An invited person does not become a user by being « reactivated »."""
    user_id = id_of(world, world.fleet)
    if state == UserState.INVITED:
        user_id = invite(world, "camille@ailleurs.example", AS_OF)
    if state == UserState.SUSPENDED:
        users.suspend_user(boss(world), user_id, AS_OF)
    if state == UserState.DELETED:
        users.delete_user(boss(world), user_id, AS_OF)
    with pytest.raises(Refused, match="a changé"):
        act(boss(world), user_id, AS_OF)


def test_a_second_deletion_does_not_put_off_the_end(world):
    user_id = id_of(world, world.fleet)
    users.delete_user(boss(world), user_id, AS_OF)
    with pytest.raises(Refused):
        users.delete_user(actor(world.admin, AS_OF + DAY), user_id, AS_OF + DAY)
    assert user_row(world, world.fleet).deleted_at == AS_OF


def test_every_change_is_in_the_journal_without_a_name(world):
    """C9-a, C11: who, on whom, what; opaque."""
    user_id = id_of(world, world.fleet)
    users.change_rights(boss(world), user_id, True, True, AS_OF)
    users.suspend_user(boss(world), user_id, AS_OF)
    users.reactivate_user(boss(world), user_id, AS_OF)
    users.delete_user(boss(world), user_id, AS_OF)
    users.restore_user(boss(world), user_id, AS_OF)
    invite(world, "camille@ailleurs.example", AS_OF)
    with tenant_session(world.organisation_id) as session:
        query = select(AuditEntry).where(AuditEntry.organisation_id == world.organisation_id)
        entries = session.scalars(query.order_by(AuditEntry.id)).all()
    assert [one.action for one in entries][-6:] == [
        "utilisateur.droits",
        "utilisateur.suspendu",
        "utilisateur.reactive",
        "utilisateur.supprime",
        "utilisateur.restaure",
        "invitation.envoyee",
    ]
    for one in entries[-6:]:
        assert one.actor_id == boss(world).user_id
        assert "client0.example" not in str(one.details)
        assert "camille" not in str(one.details).lower()
    assert {one.subject_id for one in entries[-6:-1]} == {user_id}
