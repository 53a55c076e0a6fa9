"""What people choose between the preview and the agreement: what columns mean, what becomes of missing vehicles.

Each choice sends the import back to its first step: a preview is made anew from the lines that are staged.
"""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import audit, work
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet.importing import mappings
from eprunes.fleet.importing.layouts import understanding_from
from eprunes.fleet.importing.mappings import SheetChoice
from eprunes.fleet.importing.tasks import Staged, staged_import
from eprunes.fleet.models import ExitReason

OVER = "Cet import n’attend plus de choix\u00a0: il a été confirmé, abandonné, ou l’aperçu est en train d’être refait."


def choose_columns(*, actor: Actor, task_id: UUID, chosen: list[SheetChoice], as_of: datetime) -> None:
    """Read the workbook otherwise, and remember the columns for the next ones.

    Raises Refused on the field that is wrong (see `mappings.chosen_layouts`), or when it is too late.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        staged = _staged(session, actor, task_id, as_of)
        if len(chosen) != len(staged.workbook.sheets):
            raise Refused(OVER)
        remembered = mappings.remembered_mappings(session)
        before = understanding_from(staged.sent["understanding"])
        now = mappings.chosen_layouts(staged.workbook, before, chosen, remembered)
        count = mappings.remember(session, staged.workbook, before, now)
        if count:
            _record(session, "import.colonnes_retenues", actor, as_of, count)
        _prepare_again(session, task_id, staged, {"understanding": now.as_json()})


def choose_closing(
    *, actor: Actor, task_id: UUID, at: datetime | None, reason: ExitReason | None, as_of: datetime
) -> None:
    """Take the vehicles that the workbook does not have out of the fleet with it; without `at`, leave them alone.

    Nothing happens to them before the import is agreed to. Raises Refused when it is too late.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        staged = _staged(session, actor, task_id, as_of)
        closing = {"at": at.isoformat(), "reason": reason} if at else None
        _prepare_again(session, task_id, staged, {"closing": closing})


def forget_columns(*, actor: Actor, as_of: datetime) -> int:
    """Forget what was chosen for columns: the next workbooks are read by their headings alone. Returns how many."""
    with tenant_session(actor.organisation_id, write=True) as session:
        count = mappings.forget(session)
        if count:
            _record(session, "import.colonnes_oubliees", actor, as_of, count)
    return count


def _staged(session: TenantSession, actor: Actor, task_id: UUID, as_of: datetime) -> Staged:
    staged = staged_import(session, actor, task_id, as_of)
    if staged is None:
        raise Refused(OVER)
    return staged


def _prepare_again(session: TenantSession, task_id: UUID, staged: Staged, chosen: dict) -> None:
    if not work.prepare_again(session, task_id, key=staged.key, content=staged.sent | chosen):
        raise Refused(OVER)


def _record(session: TenantSession, action: str, actor: Actor, as_of: datetime, count: int) -> None:
    audit.record(session, action, as_of=as_of, actor_id=actor.user_id, details={"nombre": count})
