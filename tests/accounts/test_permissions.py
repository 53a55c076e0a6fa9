"""Who may do what: the whole matrix, and what tools and contract leave of a user's rights."""

import pytest
from sqlalchemy import update

from eprunes.accounts.models import Organisation, OrganisationState
from eprunes.accounts.permissions import PERMISSIONS, Permission, Right, effective_rights
from eprunes.accounts.tools import Tools
from eprunes.core.database import platform_session
from tests.support.worlds import actor

ALL = set(Permission)
FLEET = {"entrer", "voir_parc", "modifier_parc", "exporter_parc"}
FINES = {"entrer", "voir_contraventions", "repondre_contraventions", "exporter_contraventions"}
NONE = Tools(fleet=False, fines=False, live_notices=False, archive=False)
FLEET_ONLY = Tools(fleet=True, fines=False, live_notices=False, archive=False)
FINES_ONLY = Tools(fleet=False, fines=True, live_notices=True, archive=True)
BOTH = Tools(fleet=True, fines=True, live_notices=True, archive=True)
JUST_DROPPED = Tools(fleet=True, fines=False, live_notices=True, archive=True)
LONG_DROPPED = Tools(fleet=True, fines=False, live_notices=False, archive=True)


def test_the_matrix_is_the_one_that_was_decided():
    """C3.2-a, C3.2-c: every permission that a right does not name is refused."""
    decided = {
        Right.FLEET: {Permission.ENTER, Permission.VIEW_FLEET, Permission.EDIT_FLEET, Permission.EXPORT_FLEET},
        Right.FINES: {
            Permission.ENTER,
            Permission.VIEW_NOTICES,
            Permission.ANSWER_NOTICES,
            Permission.EXPORT_NOTICES,
        },
        Right.ADMINISTRATOR: {Permission.ENTER, Permission.VIEW_ARCHIVE, Permission.ADMINISTER},
        Right.OPERATOR: {Permission.ENTER, Permission.OPERATE},
        Right.FLEET_VISIT: {Permission.ENTER, Permission.VIEW_FLEET},
        Right.FINES_VISIT: {Permission.ENTER, Permission.VIEW_NOTICES},
    }
    assert decided == PERMISSIONS


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("fleet", FLEET),
        ("fines", FINES),
        ("both", FLEET | FINES),
        ("admin", {str(permission) for permission in ALL - {Permission.OPERATE}}),
    ],
)
def test_each_kind_of_user_may_do_exactly_this(world, who, may):
    """C3.2-a, C3.2-c"""
    someone = actor(getattr(world, who))
    assert {str(permission) for permission in ALL if someone.may(permission)} == may


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("admin", ({"voir_archives"} | FLEET | FINES) - {"modifier_parc"}),
        ("both", None),
        ("fleet", None),
    ],
)
def test_while_suspended_the_administrator_alone_reads_and_answers(world, who, may):
    """Decision 10"""
    suspend(world)
    someone = actor(getattr(world, who))
    assert (someone and {str(permission) for permission in ALL if someone.may(permission)}) == may


@pytest.mark.parametrize(
    ("tools", "user", "administrator"),
    [
        (NONE, set(), set()),
        (FLEET_ONLY, {Right.FLEET}, {Right.FLEET}),
        (FINES_ONLY, {Right.FINES}, {Right.FINES}),
        (BOTH, {Right.FLEET, Right.FINES}, {Right.FLEET, Right.FINES}),
        (JUST_DROPPED, {Right.FLEET, Right.FINES}, {Right.FLEET, Right.FINES}),
        (LONG_DROPPED, {Right.FLEET}, {Right.FLEET, Right.FINES}),
    ],
)
def test_rights_are_those_of_the_user_within_the_tools_of_the_contract(tools, user, administrator):
    """C3.2-c, C4.1-b, decision 10: after the fines tool was dropped the administrator keeps the archive."""
    both = effective_rights(fleet=True, fines=True, administrator=False, tools=tools, suspended=False)
    assert both == user
    head = effective_rights(fleet=False, fines=False, administrator=True, tools=tools, suspended=False)
    assert head == administrator | {Right.ADMINISTRATOR}


@pytest.mark.parametrize(("fleet", "fines"), [(True, False), (False, True), (False, False)])
def test_a_tool_of_the_contract_gives_nothing_to_a_user_without_the_right(fleet, fines):
    """C3.2-c"""
    rights = effective_rights(fleet=fleet, fines=fines, administrator=False, tools=BOTH, suspended=False)
    assert rights == {right for right, given in ((Right.FLEET, fleet), (Right.FINES, fines)) if given}


def suspend(world):
    with platform_session("tests", write=True) as session:
        of_world = update(Organisation).where(Organisation.id == world.organisation_id)
        session.execute(of_world.values(state=OrganisationState.SUSPENDED))
