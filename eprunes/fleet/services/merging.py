"""Merging two files of one person: one of them stays, and has all that the other one had."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.driver_details import missing_for_designation, open_details, seal_details, to_json
from eprunes.fleet.driver_merge import Merged, merged, pair_version, person_of
from eprunes.fleet.models import Assignment, Driver, DueDate, FleetDocument
from eprunes.fleet.services import namesakes, steps

CHANGED = "L’une des deux fiches a été modifiée entre-temps\u00a0: vérifiez ce qu’elles disent et recommencez."
_ERASED = "Les données de l’une de ces fiches ont été effacées."
_DISTINCT = "Ces deux fiches ont été déclarées celles de deux personnes\u00a0: annulez d’abord cette déclaration."
_OTHERS = "Ces deux fiches n’ont pas les mêmes nom, prénom et date de naissance."


def merge_drivers(*, actor: Actor, kept_id: UUID, dropped_id: UUID, seen: str | None = None, as_of: datetime) -> None:
    """Give one driver all that another file of the same person has, then remove that file and its key.

    Assignments, documents and due dates follow, and the details that were missing; answers keep what they
    declared. Raises Refused when the two are not the same person, by what they say or by what somebody said of them,
    or no longer what `seen` saw of them.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        kept, dropped = namesakes.both_locked(session, actor, kept_id, dropped_id)
        known = open_details(key_store(), [kept, dropped])
        if len(known) < 2:
            raise Refused(_ERASED)
        pair = (kept, known[kept.id], dropped, known[dropped.id])
        if seen is not None and seen != pair_version(*pair):
            raise Refused(CHANGED)
        person = person_of(to_json(pair[1]))
        if person is None or person != person_of(to_json(pair[3])):
            raise Refused(_OTHERS)
        if namesakes.are_distinct(session, kept_id, dropped_id):
            raise Refused(_DISTINCT)
        after, dropped_key = merged(*pair), dropped.key_id
        moved = _move(session, kept, dropped, actor, as_of)
        namesakes.take_along(session, actor, kept_id, dropped_id, as_of)
        session.delete(dropped)
        session.flush()  # before the number is given on: it is unique
        _write(kept, after)
        facts = {"avec": str(dropped_id), **moved}
        steps.record(session, "conducteur.fusionne", ("conducteur", kept_id), actor, as_of, facts)
    key_store().destroy_keys(actor.organisation_id, [dropped_key])


def _move(session: TenantSession, kept: Driver, dropped: Driver, actor: Actor, as_of: datetime) -> dict[str, int]:
    """Give what belongs to one driver to the other; returns how much of each. No overlap can come of it: the
    vehicles and the periods stay what they were."""
    assignments = _assignments_of(session, actor, dropped)
    for row in assignments:
        before = steps.assignment_facts(row)
        row.driver_id = kept.id
        steps.record_assignment(session, "attribution.corrigee", row, actor, as_of, before=before)
    session.flush()
    _drop_computed_twice(session, kept, dropped)
    moved = {"attributions": len(assignments)}
    for name, table in (("documents", FleetDocument), ("echeances", DueDate)):
        of_dropped = (table.organisation_id == dropped.organisation_id, table.driver_id == dropped.id)
        moved[name] = session.execute(update(table).where(*of_dropped).values(driver_id=kept.id)).rowcount
    return moved


def _assignments_of(session: TenantSession, actor: Actor, driver: Driver) -> list[Assignment]:
    query = queries.visible_assignments(actor).where(Assignment.driver_id == driver.id)
    return list(session.scalars(query.order_by(Assignment.starts_at, Assignment.id).with_for_update()))


def _drop_computed_twice(session: TenantSession, kept: Driver, dropped: Driver) -> None:
    """A rule gives a driver one due date of a kind: the other file's falls away."""
    running = (DueDate.organisation_id == kept.organisation_id, DueDate.is_computed, DueDate.done_on.is_(None))
    mine = set(session.scalars(select(DueDate.kind).where(*running, DueDate.driver_id == kept.id)))
    session.execute(delete(DueDate).where(*running, DueDate.driver_id == dropped.id, DueDate.kind.in_(mine)))


def _write(driver: Driver, after: Merged) -> None:
    key = key_store().keys(driver.organisation_id, [driver.key_id])[driver.key_id]
    driver.staff_number, driver.left_on = after.staff_number, after.left_on
    driver.box = seal_details(key, driver.organisation_id, driver.id, after.details)
    driver.is_designable = not missing_for_designation(after.details)
