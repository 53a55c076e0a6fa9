"""What people do with bulk operations: ask for one, see what is ready, agree or give up, fetch the result."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row

from eprunes.accounts.permissions import Actor
from eprunes.core import work
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.core.work import WorkState
from eprunes.fleet.bulk.acts import Act
from eprunes.fleet.bulk.selection import Selection
from eprunes.fleet.bulk.steps import KIND
from eprunes.fleet.names import names_by_id
from eprunes.fleet.queries import author_names
from eprunes.fleet.task_rows import AGREED, ShownTask, find_task, opened, recent_tasks, shown_of

HEADINGS = ["Immatriculation", "Pays", "Motif"]
UNDER_WAY = "Cette opération est déjà en cours ou terminée\u00a0: elle ne peut plus être abandonnée."
GIVEN_UP = "Cette opération a été abandonnée entre-temps\u00a0: rien n’a été modifié."


@dataclass(frozen=True)
class Found:
    """A vehicle of a bulk operation: what names it and, where nothing was or will be done, why."""

    country: str
    plate: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Bulk(ShownTask):
    """A bulk operation as its pages show it.

    `ready` and `unready` are what the check found, `done` and `not_done` what became of it once it is over.
    """

    title: str
    ready: tuple[Found, ...] = ()
    unready: tuple[Found, ...] = ()
    done: tuple[Found, ...] = ()
    not_done: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def is_over(self) -> bool:
        """True once it was carried out, wholly or until something stopped it."""
        return self.state == WorkState.DONE or bool(self.done)


def recent_bulks(session: TenantSession, actor: Actor, as_of: datetime) -> list[Bulk]:
    """The latest bulk operations, newest first, without their vehicles."""
    rows = recent_tasks(session, actor, KIND, as_of)
    names = author_names(session, [row.author_id for row in rows])
    return [_bulk(row, names, opened(session, row, "input_box") or {}, {}) for row in rows]


def find_bulk(session: TenantSession, actor: Actor, bulk_id: UUID, as_of: datetime) -> Bulk | None:
    """One bulk operation with its vehicles, or None when the actor may not see it."""
    row = find_task(session, actor, KIND, bulk_id, as_of)
    if row is None:
        return None
    boxes = (opened(session, row, name) or {} for name in ("input_box", "result_box"))
    return _bulk(row, author_names(session, [row.author_id]), *boxes)


def start_bulk(*, actor: Actor, selection: Selection, act: Act, as_of: datetime) -> UUID:
    """Queue an act on the vehicles of a selection, which are looked at first. Returns its id. Raises Refused."""
    if not selection.found:
        raise Refused("Choisissez au moins un véhicule de votre parc.")
    name = label = ""
    if act.driver_id is not None:
        with tenant_session(actor.organisation_id) as session:
            driver = names_by_id(session, actor, [act.driver_id]).get(act.driver_id)
        if driver is None:
            raise Refused("Choisissez un conducteur de votre parc.", "driver")
        name, label = driver.name, driver.label
    content = {"act": act.as_json(), "selection": selection.as_json(), "driver": name, "title": act.words(label, actor)}
    return work.create_task(actor.organisation_id, KIND, content, author_id=actor.user_id, as_of=as_of)


def confirm_bulk(*, actor: Actor, bulk_id: UUID, as_of: datetime) -> None:
    """Agree to what is ready: it is done soon after, in this person's name. Harmless once somebody has agreed.

    Raises Refused when there is nothing to agree to (any more).
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        found = find_bulk(session, actor, bulk_id, as_of)
        if found is not None and found.state in AGREED:
            return
        if found is None or found.state != WorkState.PREPARED or not found.ready:
            raise Refused("Cette opération n’attend plus de confirmation.")
        work.confirm(session, bulk_id, author_id=actor.user_id, as_of=as_of)


def cancel_bulk(*, actor: Actor, bulk_id: UUID, as_of: datetime) -> None:
    """Give it up before anything was done. Raises Refused once it is being carried out, or was given up."""
    found = _looked_up(actor, bulk_id, as_of)
    if found is not None and not found.is_over and work.cancel(actor.organisation_id, bulk_id):
        return
    raise Refused(UNDER_WAY if _looked_up(actor, bulk_id, as_of) else GIVEN_UP)


def result_workbook(session: TenantSession, actor: Actor, bulk_id: UUID, as_of: datetime) -> bytes | None:
    """What is ready and what is not or, once it is over, what was done and what was not; None before the check."""
    found = find_bulk(session, actor, bulk_id, as_of)
    if found is None or not (found.ready or found.unready):
        return None
    if found.is_over:
        sheets = [_sheet("Faits", found.done), _sheet("Non faits", found.not_done)]
    else:
        sheets = [_sheet("Prêts", found.ready), _sheet("Non prêts", found.unready)]
    return write_workbook(sheets)


def _looked_up(actor: Actor, bulk_id: UUID, as_of: datetime) -> Bulk | None:
    with tenant_session(actor.organisation_id) as session:
        return find_bulk(session, actor, bulk_id, as_of)


def _sheet(title: str, rows: tuple[Found, ...]) -> Sheet:
    return Sheet(title, HEADINGS, [[one.plate, one.country, one.reason] for one in rows])


def _bulk(row: Row, names: dict[UUID, str], content: dict, result: dict) -> Bulk:
    ready = tuple(Found(country, plate) for _, country, plate in result.get("ready", ()))
    unready, missed = (tuple(Found(*one) for one in result.get(name, ())) for name in ("unready", "missed"))
    done = result.get("done", 0)
    left = {(one.country, one.plate) for one in missed}
    refusal = result.get("refusal", "")
    stopped = tuple(Found(one.country, one.plate, refusal) for one in ready[done:]) if "done" in result else ()
    return Bulk(
        **shown_of(row, names),
        title=content.get("title", ""),
        ready=ready,
        unready=unready,
        done=tuple(one for one in ready[:done] if (one.country, one.plate) not in left),
        not_done=(*missed, *stopped, *unready),
        warnings=tuple(result.get("warnings", ())),
        refusal=refusal,
    )
