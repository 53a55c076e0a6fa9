"""What people do with bulk designations: ask for one, see what is ready, agree or give up, fetch the result.

A task is its author's and the administrator's: once the notices are answered nobody else may know of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, false, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import audit, work
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.core.work import WorkState, WorkTask
from eprunes.fines.bulk.checking import Seen
from eprunes.fines.bulk.selection import Selection
from eprunes.fines.bulk.steps import KIND
from eprunes.fleet.queries import author_names
from eprunes.fleet.task_rows import AGREED, COLUMNS, RECENT, ShownTask, opened, shown_of

HEADINGS = ["N° d’avis", "Motif"]
UNDER_WAY = "Ces désignations sont déjà en cours ou terminées\u00a0: elles ne peuvent plus être abandonnées."
GIVEN_UP = "Ces désignations ont été abandonnées entre-temps\u00a0: aucune réponse n’a été donnée."


@dataclass(frozen=True)
class Named:
    """A notice of a bulk designation by its number and, where nobody was or will be designated, why.

    `seen`: what its designation rests on, while it waits for somebody to agree.
    """

    id: UUID
    number: str
    reason: str = ""
    seen: Seen | None = None


@dataclass(frozen=True, kw_only=True)
class Bulk(ShownTask):
    """A bulk designation as its pages show it.

    `ready` and `unready` are what the check found, `done` and `not_done` what became of it once it is over; `asked`
    is how many notices it was about, known once they were looked at, `letters` how many answers will go by post.
    """

    asked: int | None = None
    letters: int = 0
    ready: tuple[Named, ...] = ()
    unready: tuple[Named, ...] = ()
    done: tuple[Named, ...] = ()
    not_done: tuple[Named, ...] = ()
    refusal: str = ""

    @property
    def is_waiting(self) -> bool:
        """True while it waits for somebody to agree."""
        return self.state == WorkState.PREPARED

    @property
    def is_over(self) -> bool:
        """True once it was carried out, wholly or until something stopped it."""
        return self.state == WorkState.DONE or bool(self.done)


def recent_bulks(session: TenantSession, actor: Actor, as_of: datetime) -> list[Bulk]:
    """The latest bulk designations that the actor may see, newest first, without their notices."""
    query = _visible(actor, as_of).order_by(WorkTask.created_at.desc(), WorkTask.id.desc())
    rows = session.execute(query.limit(RECENT)).all()
    names = author_names(session, [row.author_id for row in rows])
    return [_bulk(row, names, opened(session, row, "input_box") or {}, {}) for row in rows]


def find_bulk(session: TenantSession, actor: Actor, bulk_id: UUID, as_of: datetime) -> Bulk | None:
    """One bulk designation, or None when the actor may not see it (any more)."""
    row = session.execute(_visible(actor, as_of).where(WorkTask.id == bulk_id)).first()
    if row is None:
        return None
    names = author_names(session, [row.author_id])
    content, result = (opened(session, row, box) or {} for box in ("input_box", "result_box"))
    staged = opened(session, row, "staged_box") if row.state == WorkState.PREPARED else None
    return _bulk(row, names, content, result | (staged or {}))


def start_bulk(*, actor: Actor, selection: Selection, as_of: datetime) -> UUID:
    """Queue a bulk designation for its check. Returns its id. Raises Refused."""
    if not selection.found:
        raise Refused("Choisissez d’abord des avis dans la liste.")
    content = {"selection": selection.as_json()}
    return work.create_task(actor.organisation_id, KIND, content, author_id=actor.user_id, as_of=as_of)


def confirm_bulk(*, actor: Actor, bulk_id: UUID, as_of: datetime) -> None:
    """Agree to what is ready: it is declared soon after, in this person's name. Harmless once somebody has agreed.

    Raises Refused when there is nothing to agree to (any more).
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        found = find_bulk(session, actor, bulk_id, as_of)
        if found is not None and found.state in AGREED:
            return
        if found is None or not found.is_waiting or not found.ready:
            raise Refused("Ces désignations n’attendent plus de confirmation.")
        if work.confirm(session, bulk_id, author_id=actor.user_id, as_of=as_of):
            about = {"actor_id": actor.user_id, "details": {"nombre": len(found.ready)}}
            audit.record(session, "avis.groupe_confirme", as_of=as_of, **about)


def cancel_bulk(*, actor: Actor, bulk_id: UUID, as_of: datetime) -> None:
    """Give it up before anything was declared. Raises Refused once it is being carried out, or was given up."""
    found = _looked_up(actor, bulk_id, as_of)
    if found is not None and not found.is_over and work.cancel(actor.organisation_id, bulk_id):
        return
    raise Refused(UNDER_WAY if _looked_up(actor, bulk_id, as_of) else GIVEN_UP)


def result_workbook(session: TenantSession, actor: Actor, bulk_id: UUID, as_of: datetime) -> bytes | None:
    """What is ready and what is not or, once it is over, what was done and what was not; None before the check.

    Numbers and reasons alone: the file leaves the platform, where the windows of the notices don't reach it.
    """
    found = find_bulk(session, actor, bulk_id, as_of)
    if found is None or not (found.ready or found.unready):
        return None
    if found.is_over:
        return write_workbook([_sheet("Désignés", found.done), _sheet("Non désignés", found.not_done)])
    return write_workbook([_sheet("Prêts", found.ready), _sheet("Non prêts", found.unready)])


def _looked_up(actor: Actor, bulk_id: UUID, as_of: datetime) -> Bulk | None:
    with tenant_session(actor.organisation_id) as session:
        return find_bulk(session, actor, bulk_id, as_of)


def _visible(actor: Actor, as_of: datetime) -> Select:
    """The bulk designations that have not expired: one's own, all of them for the administrator."""
    own = WorkTask.organisation_id == actor.organisation_id, WorkTask.kind == KIND
    query = select(*COLUMNS).where(*own, work.is_kept(as_of))
    if not actor.may(Permission.ANSWER_NOTICES):
        return query.where(false())
    return query if actor.may(Permission.VIEW_ARCHIVE) else query.where(WorkTask.author_id == actor.user_id)


def _sheet(title: str, rows: Iterable[Named]) -> Sheet:
    return Sheet(title, HEADINGS, [[one.number, one.reason] for one in rows])


def _bulk(row: Row, names: dict[UUID, str], content: dict, result: dict) -> Bulk:
    ready = _ready(result)
    unready, missed = (_named(result.get(name, ())) for name in ("unready", "missed"))
    done, refusal = result.get("done", 0), result.get("refusal", "")
    left = {one.id for one in missed}
    stopped = tuple(Named(one.id, one.number, refusal) for one in ready[done:]) if "done" in result else ()
    return Bulk(
        **shown_of(row, names),
        asked=content["ready"] + content["unready"] if "ready" in content else None,
        letters=content.get("letters", 0),
        ready=ready,
        unready=unready,
        done=tuple(one for one in ready[:done] if one.id not in left),
        not_done=(*missed, *stopped, *unready),
        refusal=refusal,
    )


def _ready(result: dict) -> tuple[Named, ...]:
    rows = result.get("ready", ())
    return tuple(Named(UUID(one), number, "", *map(Seen._make, seen)) for one, number, *seen in rows)


def _named(rows: Iterable[Sequence[str]]) -> tuple[Named, ...]:
    return tuple(Named(UUID(one), number, reason) for one, number, reason in rows)
