"""Long work (imports, bulk operations): a row per task, claimed by the clock process, never a web thread.

The input, the staged rows and the result are sealed with the task's own key and gone when it expires. A task
is claimed with a lease; whoever was killed is replaced once the lease has lapsed, and may no longer write.
What a person agreed to is carried out however late, after an outage of days too: until then it never expires.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from uuid import UUID

from sqlalchemy import ColumnElement, Index, LargeBinary, String, and_, delete, insert, not_, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from eprunes.core.crypto import key_store, open_box, seal
from eprunes.core.database import Base, TenantScoped, TenantSession, new_id, tenant_session

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
RETRY_AFTER = timedelta(seconds=30)
KEPT_FOR = timedelta(hours=24)
KEY_PURPOSE = "tache"
MAX_ATTEMPTS = 3


class WorkState(StrEnum):
    WAITING = "en_attente"
    PREPARING = "en_preparation"
    PREPARED = "a_confirmer"
    CONFIRMED = "confirme"
    APPLYING = "en_cours"
    DONE = "termine"
    FAILED = "refuse"


_STARTS = {WorkState.WAITING: WorkState.PREPARING, WorkState.CONFIRMED: WorkState.APPLYING}
_AGREED = (WorkState.CONFIRMED, WorkState.APPLYING)
_CANCELLABLE = (
    WorkState.WAITING,
    WorkState.PREPARING,
    WorkState.PREPARED,
    WorkState.CONFIRMED,
    WorkState.FAILED,
)


class WorkTask(TenantScoped, Base):
    """Tâche longue : prepared (preview), confirmed by a person, then applied, at once or part by part.

    What a task was given, staged and found stands in its sealed boxes alone; `attempts` counts the claims of
    the present step and is what a claim is known by.
    """

    __tablename__ = "work_tasks"
    __table_args__ = (Index(None, "organisation_id", "state", "created_at"),)

    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(16), default=WorkState.WAITING)
    author_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    agreed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_steps: Mapped[int] = mapped_column(default=0)
    total_steps: Mapped[int] = mapped_column(default=0)
    key_id: Mapped[UUID]
    input_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    staged_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    result_box: Mapped[bytes | None] = mapped_column(LargeBinary)


class LeaseLost(Exception):
    """The task was cancelled, or another process took it over: nothing of this one may be written."""


@dataclass(frozen=True)
class Claim:
    """The right to carry out one step (`state` is PREPARING or APPLYING) of a task until the lease ends; `agreed_at`:
    when a person agreed to it, if one did."""

    organisation_id: UUID
    task_id: UUID
    kind: str
    state: WorkState
    author_id: UUID | None
    attempt: int
    key: bytes
    agreed_at: datetime | None = None


@dataclass(frozen=True)
class Handler:
    """The two steps of a kind of work. Each ends with `finish`; what it raises is logged and tried again.

    `gave_up` is the result to store when a step has failed for good.
    """

    prepare: Callable[[Claim, datetime], None]
    apply: Callable[[Claim, datetime], None]
    gave_up: Mapping[str, object]


def create_task(organisation_id: UUID, kind: str, content: dict, *, author_id: UUID | None, as_of: datetime) -> UUID:
    """Queue a task, its input sealed with a key of its own; one transaction. Returns its id."""
    task_id = new_id()
    [(key_id, key)] = key_store().create_keys(organisation_id, KEY_PURPOSE, as_of)
    row = {
        "organisation_id": organisation_id,
        "id": task_id,
        "kind": kind,
        "author_id": author_id,
        "created_at": as_of,
        "expires_at": as_of + KEPT_FOR,
        "key_id": key_id,
        "input_box": seal_task(key, organisation_id, task_id, content),
    }
    with tenant_session(organisation_id, write=True) as session:
        session.execute(insert(WorkTask).values(**row))
    return task_id


def seal_task(key: bytes, organisation_id: UUID, task_id: UUID, content: dict) -> bytes:
    """A sealed box of a task."""
    return seal(key, organisation_id, WorkTask.__tablename__, task_id, content)


def open_task(key: bytes, organisation_id: UUID, task_id: UUID, box: bytes) -> dict:
    """What a box of a task holds. Raises BoxUnreadable."""
    return open_box(key, organisation_id, WorkTask.__tablename__, task_id, box)


def confirm(session: TenantSession, task_id: UUID, *, author_id: UUID | None, as_of: datetime) -> bool:
    """Let a prepared task be applied, in this person's name; False when it does not wait for that (any more)."""
    values = {"state": WorkState.CONFIRMED, "author_id": author_id, "agreed_at": as_of, "attempts": 0}
    values |= {"leased_until": None, "done_steps": 0, "total_steps": 0}
    return _move(session, task_id, WorkState.PREPARED, **values)


def prepare_again(session: TenantSession, task_id: UUID, *, key: bytes, content: dict) -> bool:
    """Send a prepared task back to its first step with another input; what was staged stays, the result goes.

    False when it does not wait for a confirmation (any more).
    """
    box = seal_task(key, session.organisation_id, task_id, content)
    progress = {"attempts": 0, "leased_until": None, "done_steps": 0, "total_steps": 0}
    values = {"state": WorkState.WAITING, "input_box": box, "result_box": None, **progress}
    return _move(session, task_id, WorkState.PREPARED, **values)


def cancel(organisation_id: UUID, task_id: UUID) -> bool:
    """Remove a task and destroy its key, unless it is being applied or done. False when it stays."""
    condition = _row(organisation_id, task_id), WorkTask.state.in_(_CANCELLABLE)
    with tenant_session(organisation_id, write=True) as session:
        key_id = session.scalar(select(WorkTask.key_id).where(*condition))
        if key_id is None or not session.execute(delete(WorkTask).where(*condition)).rowcount:
            return False
    key_store().destroy_keys(organisation_id, [key_id])
    return True


def is_kept(as_of: datetime) -> ColumnElement[bool]:
    """True for tasks that are there to be seen and carried out: for their time and, agreed to, until they are done."""
    return or_(WorkTask.expires_at > as_of, WorkTask.state.in_(_AGREED))


_OF_CLAIM = (
    WorkTask.id,
    WorkTask.kind,
    WorkTask.state,
    WorkTask.attempts,
    WorkTask.author_id,
    WorkTask.key_id,
    WorkTask.expires_at,
    WorkTask.agreed_at,
)


def claim_next(organisation_id: UUID, kinds: tuple[str, ...], as_of: datetime) -> Claim | None:
    """Take the oldest step that is due: never begun, or begun by a process whose lease has lapsed."""
    query = (
        select(*_OF_CLAIM)
        .where(_is_due(organisation_id, as_of), WorkTask.kind.in_(kinds), is_kept(as_of))
        .order_by(WorkTask.created_at, WorkTask.id)
        .limit(1)
    )
    with tenant_session(organisation_id) as session:
        if (task := session.execute(query).first()) is None:
            return None
    state = _STARTS.get(WorkState(task.state), WorkState(task.state))
    values = {"state": state, "attempts": task.attempts + 1, "leased_until": as_of + LEASE}
    if task.expires_at <= as_of:
        values["expires_at"] = as_of + KEPT_FOR  # so late that its result would be gone at once
    with tenant_session(organisation_id, write=True) as session:
        if not _move(session, task.id, task.state, attempt=task.attempts, **values):
            return None
    key = key_store().keys(organisation_id, [task.key_id]).get(task.key_id)
    if key is None:
        _remove_unreadable(organisation_id, task.id)
        return None
    attempt = task.attempts + 1
    return Claim(organisation_id, task.id, task.kind, state, task.author_id, attempt, key, task.agreed_at)


def open_claimed(claim: Claim, box: str) -> dict:
    """What one box of the claimed task holds: `input_box`, `staged_box` or `result_box`."""
    column = getattr(WorkTask, box)
    with tenant_session(claim.organisation_id) as session:
        sealed = session.scalar(select(column).where(_row(claim.organisation_id, claim.task_id)))
    if sealed is None:
        raise LeaseLost
    return open_task(claim.key, claim.organisation_id, claim.task_id, sealed)


def report_progress(claim: Claim, done: int, total: int, as_of: datetime) -> None:
    """Show how far a step is, and renew its lease. Raises LeaseLost."""
    with tenant_session(claim.organisation_id, write=True) as session:
        advance(session, claim, done, total, as_of)


def advance(session: TenantSession, claim: Claim, done: int, total: int, as_of: datetime, **boxes: dict | None) -> None:
    """As `report_progress`, in the session's transaction: a part of the step, and that it is done. Raises LeaseLost.

    With the boxes named, whoever takes the step over knows where to go on.
    """
    values = {"done_steps": done, "total_steps": total, "leased_until": as_of + LEASE, **_sealed(claim, boxes)}
    _require(_move(session, claim.task_id, claim.state, attempt=claim.attempt, **values))


def finish(session: TenantSession, claim: Claim, state: WorkState, **boxes: dict | None) -> None:
    """End a step in the session's transaction. Boxes that are not named stay. Raises LeaseLost."""
    values = {"state": state, "leased_until": None, "attempts": 0, **_sealed(claim, boxes)}
    _require(_move(session, claim.task_id, claim.state, attempt=claim.attempt, **values))


def run_due(organisation_id: UUID, handlers: Mapping[str, Handler], as_of: datetime) -> Counter:
    """Carry out every step that is due in one organisation, and remove what has expired."""
    counts: Counter = Counter()
    started, instant = monotonic(), as_of
    while claim := claim_next(organisation_id, tuple(handlers), instant):
        counts[_carry_out(claim, handlers[claim.kind], instant)] += 1
        instant = as_of + timedelta(seconds=monotonic() - started)
    counts["removed"] += remove_expired(organisation_id, as_of)
    return counts


def remove_expired(organisation_id: UUID, as_of: datetime) -> int:
    """Remove the tasks past their time, then their keys; keys that a crash left without a task too."""
    is_over = (
        WorkTask.organisation_id == organisation_id,
        not_(is_kept(as_of)),
        or_(WorkTask.leased_until.is_(None), WorkTask.leased_until <= as_of),
    )
    of_tasks = select(WorkTask.key_id).where(WorkTask.organisation_id == organisation_id)
    with tenant_session(organisation_id) as session:
        has_expired = session.scalar(select(WorkTask.id).where(*is_over).limit(1)) is not None
    removed = 0
    if has_expired:
        with tenant_session(organisation_id, write=True) as session:
            removed = session.execute(delete(WorkTask).where(*is_over)).rowcount
    old = key_store().keys_created_before(organisation_id, KEY_PURPOSE, as_of - KEPT_FOR)
    if old:
        with tenant_session(organisation_id) as session:
            old -= set(session.scalars(of_tasks))
        key_store().destroy_keys(organisation_id, old)
    return removed


def _carry_out(claim: Claim, handler: Handler, as_of: datetime) -> str:
    if claim.attempt > MAX_ATTEMPTS:
        with tenant_session(claim.organisation_id, write=True) as session:
            finish(session, claim, WorkState.FAILED, staged_box=None, result_box=dict(handler.gave_up))
        return "abandoned"
    is_preparing = claim.state == WorkState.PREPARING
    try:
        (handler.prepare if is_preparing else handler.apply)(claim, as_of)
    except LeaseLost:
        return "cancelled"
    except Exception:
        log.exception("task %s: attempt %s failed", claim.task_id, claim.attempt)
        _let_go(claim, as_of)
        return "failed"
    return "prepared" if is_preparing else "applied"


def _sealed(claim: Claim, boxes: Mapping[str, dict | None]) -> dict[str, bytes | None]:
    return {
        name: None if content is None else seal_task(claim.key, claim.organisation_id, claim.task_id, content)
        for name, content in boxes.items()
    }


def _let_go(claim: Claim, as_of: datetime) -> None:
    """Let the step be tried again soon, instead of waiting for the lease to lapse."""
    values = {"leased_until": as_of + RETRY_AFTER}
    with tenant_session(claim.organisation_id, write=True) as session:
        _move(session, claim.task_id, claim.state, attempt=claim.attempt, **values)


def _remove_unreadable(organisation_id: UUID, task_id: UUID) -> None:
    """A task whose key is gone can't be read by anyone any more."""
    with tenant_session(organisation_id, write=True) as session:
        session.execute(delete(WorkTask).where(_row(organisation_id, task_id)))


def _is_due(organisation_id: UUID, as_of: datetime) -> ColumnElement[bool]:
    lapsed = or_(
        WorkTask.leased_until <= as_of,
        WorkTask.leased_until > as_of + 2 * LEASE,  # set by a machine whose clock was wrong
    )
    begun = and_(WorkTask.state.in_(_STARTS.values()), lapsed)
    return and_(WorkTask.organisation_id == organisation_id, or_(WorkTask.state.in_(_STARTS.keys()), begun))


def _row(organisation_id: UUID, task_id: UUID) -> ColumnElement[bool]:
    return and_(WorkTask.organisation_id == organisation_id, WorkTask.id == task_id)


def _move(
    session: TenantSession, task_id: UUID, expected: str, *, attempt: int | None = None, **values: object
) -> bool:
    condition = [_row(session.organisation_id, task_id), WorkTask.state == expected]
    if attempt is not None:
        condition.append(WorkTask.attempts == attempt)
    statement = update(WorkTask).where(*condition).values(**values).execution_options(synchronize_session=False)
    return session.execute(statement).rowcount == 1


def _require(is_held: bool) -> None:
    if not is_held:
        raise LeaseLost
