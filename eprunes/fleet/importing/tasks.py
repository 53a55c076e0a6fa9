"""What people do with imports: send a file, look at the preview, agree, give up, fetch the refused lines."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row

from eprunes.accounts.permissions import Actor
from eprunes.core import work
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SpreadsheetRefused, Workbook
from eprunes.core.spreadsheets.sent import check_sent
from eprunes.core.texts import tidy_line
from eprunes.core.work import WorkState
from eprunes.fleet.importing.layouts import tables_of, understanding_from
from eprunes.fleet.importing.mappings import lacking_columns
from eprunes.fleet.importing.running import refused_workbook, unstaged
from eprunes.fleet.importing.steps import KIND
from eprunes.fleet.queries import author_names
from eprunes.fleet.task_rows import AGREED, ShownTask, find_task, opened, recent_tasks, shown_of

LONGEST_NAME = 120
_SHOWN_IN_LISTS = ("filename", "sender_id", "sheets", "is_empty", "is_over_quota", "is_unreadable")


@dataclass(frozen=True)
class Staged:
    """The lines of an import, what was sent and chosen with them, and the key that seals both."""

    workbook: Workbook
    sent: dict
    key: bytes


@dataclass(frozen=True, kw_only=True)
class Import(ShownTask):
    """An import as its pages show it.

    `author` sent it, `confirmer` agreed to it, when that was somebody else. `sheets` are the counts once there is a
    preview, `is_empty` says that it would change nothing, `is_unreadable` that somebody has to say what its columns
    are. `preview`, `mapping` (how they are understood), `unreadable` (why there is no preview), `changed` (the fleet
    has, since the first preview) and `refusal` are filled on its own page only.
    """

    confirmer: str
    expires_at: datetime
    filename: str = ""
    sheets: tuple[dict, ...] = ()
    is_empty: bool = False
    is_over_quota: bool = False
    is_unreadable: bool = False
    preview: dict | None = None
    mapping: list[dict] = field(default_factory=list)
    unreadable: str = ""
    changed: bool = False
    refusal: str = ""

    @property
    def is_all_refused(self) -> bool:
        """True when there were lines, not one of them was accepted, and nothing else is to be done."""
        lines = sum(one["lines"] for one in self.sheets)
        return self.is_empty and lines > 0 and lines == sum(one["refused"] for one in self.sheets)

    @property
    def lacking(self) -> dict[str, list[str]]:
        """The columns without which lines of its sheets are refused, by sheet."""
        return lacking_columns(self.mapping, self.preview["problems"] if self.preview else [])


def recent_imports(session: TenantSession, actor: Actor, as_of: datetime) -> list[Import]:
    """The latest imports, newest first."""
    rows = recent_tasks(session, actor, KIND, as_of)
    facts = [_facts(session, row) for row in rows]
    names = author_names(session, [who for row, told in zip(rows, facts, strict=True) for who in _people(row, told)])
    return [_import(row, names, told) for row, told in zip(rows, facts, strict=True)]


def find_import(session: TenantSession, actor: Actor, task_id: UUID, as_of: datetime) -> Import | None:
    """One import with its preview or its result, or None when the actor may not see it."""
    row = find_task(session, actor, KIND, task_id, as_of)
    if row is None:
        return None
    facts, result = _facts(session, row), opened(session, row, "result_box") or {}
    return _import(row, author_names(session, _people(row, facts)), facts | result)


def start_import(*, actor: Actor, filename: str, content: bytes, as_of: datetime) -> UUID:
    """Queue a file for its preview. Raises Refused at once for what is neither workbook nor CSV, or dangerous."""
    try:
        check_sent(content, filename)
    except SpreadsheetRefused as refusal:
        raise Refused(str(refusal), "file") from refusal
    sent = {"filename": tidy_line(filename)[-LONGEST_NAME:], "sender_id": str(actor.user_id)}
    sent["content"] = b64encode(content).decode()
    return work.create_task(actor.organisation_id, KIND, sent, author_id=actor.user_id, as_of=as_of)


def confirm_import(*, actor: Actor, task_id: UUID, seen: str = "", as_of: datetime) -> None:
    """Agree to a preview: it is applied soon after. Harmless once somebody has agreed.

    Raises Refused when there is nothing to agree to (any more), or another preview than the one `seen` (its digest).
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        found = find_import(session, actor, task_id, as_of)
        if found is not None and found.state in AGREED:
            return
        if found is None or found.preview is None or found.state != WorkState.PREPARED:
            raise Refused("Cet import n’attend plus de confirmation.")
        if found.preview["is_over_quota"]:
            raise Refused(found.preview["quota"])
        if seen and seen != found.preview["digest"]:
            raise Refused("L’aperçu n’est plus celui que vous aviez sous les yeux : vérifiez-le, puis confirmez.")
        work.confirm(session, task_id, author_id=actor.user_id, as_of=as_of)


def cancel_import(*, actor: Actor, task_id: UUID, as_of: datetime) -> None:
    """Give an import up, with everything that was kept of it. Raises Refused once it is being written."""
    with tenant_session(actor.organisation_id) as session:
        is_visible = find_import(session, actor, task_id, as_of) is not None
    if not is_visible or not work.cancel(actor.organisation_id, task_id):
        raise Refused("Cet import est déjà en cours d’enregistrement ou terminé\u00a0: il ne peut plus être abandonné.")


def refused_lines(session: TenantSession, actor: Actor, task_id: UUID, as_of: datetime) -> bytes | None:
    """The refused lines as a workbook with a column of reasons; None when there are none to be fetched."""
    row = find_task(session, actor, KIND, task_id, as_of)
    content = opened(session, row, "staged_box") if row else None
    result = opened(session, row, "result_box") if content else None
    if not result or not result.get("preview") or not result["preview"]["problems"]:
        return None
    understanding = understanding_from(opened(session, row, "input_box")["understanding"])
    return refused_workbook(tables_of(unstaged(content), understanding), result["preview"]["problems"])


def staged_import(session: TenantSession, actor: Actor, task_id: UUID, as_of: datetime) -> Staged | None:
    """The lines of an import that waits for an agreement, and the choices that its preview was made for; or None."""
    row = find_task(session, actor, KIND, task_id, as_of)
    sent = opened(session, row, "input_box") if row and row.state == WorkState.PREPARED else None
    content = opened(session, row, "staged_box") if sent else None
    if content is None:
        return None
    key = key_store().keys(actor.organisation_id, [row.key_id])[row.key_id]
    return Staged(unstaged(content), sent, key)


def _facts(session: TenantSession, row: Row) -> dict:
    """File name and counts, once the file itself is no longer in the box."""
    if row.state in (WorkState.WAITING, WorkState.PREPARING):
        return {}
    content = opened(session, row, "input_box") or {}
    return {name: content[name] for name in _SHOWN_IN_LISTS if name in content}


def _people(row: Row, facts: dict) -> tuple[UUID | None, UUID | None]:
    """Who sent the file, then who agreed to it last (the task's author, once somebody has)."""
    return UUID(facts["sender_id"]) if "sender_id" in facts else row.author_id, row.author_id


def _import(row: Row, names: dict[UUID, str], facts: dict) -> Import:
    sender, confirmer = _people(row, facts)
    is_confirmed = row.state in AGREED and confirmer != sender
    return Import(
        **shown_of(row, names) | {"author": names.get(sender, "")},
        confirmer=names.get(confirmer, "") if is_confirmed else "",
        expires_at=row.expires_at,
        **{name: tuple(value) if name == "sheets" else value for name, value in facts.items() if name != "sender_id"},
    )
