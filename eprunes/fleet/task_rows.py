"""Long tasks of the fleet as their pages read them: the rows of one kind without their boxes, and one box opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, false, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import work
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.work import WorkState, WorkTask

RECENT = 10
UNDER_WAY = {WorkState.WAITING, WorkState.PREPARING, WorkState.CONFIRMED, WorkState.APPLYING}
AGREED = {WorkState.CONFIRMED, WorkState.APPLYING, WorkState.DONE}
COLUMNS = (
    WorkTask.id,
    WorkTask.organisation_id,
    WorkTask.state,
    WorkTask.author_id,
    WorkTask.created_at,
    WorkTask.expires_at,
    WorkTask.done_steps,
    WorkTask.total_steps,
    WorkTask.key_id,
)


@dataclass(frozen=True, kw_only=True)
class ShownTask:
    """What every page of a long task shows of it."""

    id: UUID
    state: WorkState
    author: str
    created_at: datetime
    done_steps: int
    total_steps: int

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def is_writing(self) -> bool:
        return self.state in (WorkState.CONFIRMED, WorkState.APPLYING)


def shown_of(row: Row, names: Mapping[UUID, str]) -> dict:
    """The fields of a `ShownTask` from a task's row; `names`: its author's name by id."""
    return {
        "id": row.id,
        "state": WorkState(row.state),
        "author": names.get(row.author_id, ""),
        "created_at": row.created_at,
        "done_steps": row.done_steps,
        "total_steps": row.total_steps,
    }


def find_task(session: TenantSession, actor: Actor, kind: str, task_id: UUID, as_of: datetime) -> Row | None:
    """One task of a kind, or None when the actor may not see it (any more)."""
    return session.execute(_visible(actor, kind, as_of).where(WorkTask.id == task_id)).first()


def recent_tasks(session: TenantSession, actor: Actor, kind: str, as_of: datetime) -> Sequence[Row]:
    """The latest tasks of a kind, newest first."""
    query = _visible(actor, kind, as_of).order_by(WorkTask.created_at.desc(), WorkTask.id.desc())
    return session.execute(query.limit(RECENT)).all()


def opened(session: TenantSession, row: Row, box: str) -> dict | None:
    """What a box of a task holds: `input_box`, `staged_box` or `result_box`; None where it is empty or its key gone."""
    own = row.organisation_id
    query = select(getattr(WorkTask, box)).where(WorkTask.organisation_id == own, WorkTask.id == row.id)
    sealed = session.scalar(query)
    key = key_store().keys(own, [row.key_id]).get(row.key_id)
    return None if sealed is None or key is None else work.open_task(key, own, row.id, sealed)


def _visible(actor: Actor, kind: str, as_of: datetime) -> Select:
    """The tasks of the actor's organisation that have not expired, for those who may change the fleet."""
    own = WorkTask.organisation_id == actor.organisation_id, WorkTask.kind == kind
    query = select(*COLUMNS).where(*own, work.is_kept(as_of))
    return query if actor.may(Permission.EDIT_FLEET) else query.where(false())
