"""The two steps of an import as a long task: prepare the preview, then apply what was agreed to.

The preview is made again whenever people choose otherwise what the columns mean, or what becomes of missing vehicles:
their choices stand in the task's input, the lines in what is staged.
"""

from base64 import b64decode
from datetime import datetime
from zoneinfo import ZoneInfo

from eprunes.accounts.queries import organisation
from eprunes.accounts.quota import QuotaExceeded
from eprunes.core import work
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import Workbook
from eprunes.core.spreadsheets.sent import read_sent
from eprunes.core.work import Claim, Handler, WorkState
from eprunes.fleet.importing.applying import FleetChanged, apply_import
from eprunes.fleet.importing.columns import Recognised
from eprunes.fleet.importing.layouts import (
    has_lines,
    tables_of,
    understand,
    understanding_from,
    unusable,
)
from eprunes.fleet.importing.mappings import mapping_as_json, remembered_by
from eprunes.fleet.importing.parsing import Parsed, parse
from eprunes.fleet.importing.plan import Closing
from eprunes.fleet.importing.preview import as_json
from eprunes.fleet.importing.running import make_plan, staged, unstaged
from eprunes.fleet.task_authors import NOT_ALLOWED, fleet_author

KIND = "import-parc"
GAVE_UP = "Cet import n’a pas pu aboutir. Rien n’a été enregistré\u00a0: réessayez ou prévenez l’assistance."
_SHOWN_IN_LISTS = ("sheets", "is_empty", "is_over_quota")
_CHOSEN = ("filename", "sender_id", "understanding", "closing")


def prepare(claim: Claim, as_of: datetime) -> None:
    """Read the file and make the preview; a file that is refused ends the task with its sentence."""
    sent = work.open_claimed(claim, "input_box")
    kept = {}
    try:
        workbook = read_sent(b64decode(sent["content"])) if "content" in sent else _staged_workbook(claim)
    except Refused as refusal:
        _refuse(claim, sent, str(refusal))
        return
    remembered = remembered_by(claim.organisation_id)
    if "content" in sent:
        kept = {"staged_box": staged(workbook)}
        sent = _chosen(sent) | {"understanding": understand(workbook, remembered).as_json()}
    recognised = _recognised(workbook, sent)
    why = unusable(recognised)
    if why and not has_lines(workbook):
        _refuse(claim, sent, why)
        return
    mapping = mapping_as_json(workbook, understanding_from(sent["understanding"]), remembered)
    if why:
        boxes = {"input_box": _chosen(sent) | {"is_unreadable": True}, "result_box": {"unreadable": why}}
    else:
        boxes = _preview_boxes(claim, _parse_with_progress(claim, recognised, as_of), sent, as_of, changed=False)
    boxes["result_box"]["mapping"] = mapping
    _finish(claim, WorkState.PREPARED, boxes | kept)


def apply(claim: Claim, as_of: datetime) -> None:
    """Write the import and end the task in the same transaction, or go back to a preview made anew.

    Nothing is written in the name of somebody who may not change the fleet any more.
    """
    sent, result = work.open_claimed(claim, "input_box"), work.open_claimed(claim, "result_box")
    if fleet_author(claim, as_of) is None:
        _refuse(claim, sent, NOT_ALLOWED)
        return
    preview, closing = result["preview"], _closing(sent)
    parsed = parse(_recognised(_staged_workbook(claim), sent), _zone(claim))

    def finish(session: TenantSession) -> None:
        # The lines themselves are kept only where there are refused ones to be fetched.
        work.finish(session, claim, WorkState.DONE, **({} if preview["problems"] else {"staged_box": None}))

    try:
        apply_import(
            claim.organisation_id,
            parsed,
            _zone(claim),
            agreed=preview["digest"],
            new_drivers=preview["new_drivers"],
            author_id=claim.author_id,
            as_of=as_of,
            closing=closing,
            finish=finish,
        )
    except (FleetChanged, QuotaExceeded):
        boxes = _preview_boxes(claim, parsed, sent, as_of, changed=True)
        boxes["result_box"]["mapping"] = result["mapping"]
        _finish(claim, WorkState.PREPARED, boxes)


HANDLER = Handler(prepare, apply, gave_up={"refusal": GAVE_UP})


def _parse_with_progress(claim: Claim, recognised: Recognised, as_of: datetime) -> Parsed:
    total = sum(len(table.cells) for table in recognised.tables)
    done = 0

    def progress(lines: int) -> None:
        nonlocal done
        done += lines
        work.report_progress(claim, done, total, as_of)

    progress(0)
    return parse(recognised, _zone(claim), progress)


def _preview_boxes(claim: Claim, parsed: Parsed, sent: dict, as_of: datetime, *, changed: bool) -> dict:
    preview = as_json(make_plan(claim.organisation_id, parsed, _zone(claim), as_of, _closing(sent)))
    shown_in_lists = {name: preview[name] for name in _SHOWN_IN_LISTS}
    return {
        "input_box": _chosen(sent) | shown_in_lists,
        "result_box": {"preview": preview, "changed": changed},
    }


def _chosen(sent: dict) -> dict:
    return {name: sent[name] for name in _CHOSEN if name in sent}


def _recognised(workbook: Workbook, sent: dict) -> Recognised:
    return tables_of(workbook, understanding_from(sent["understanding"]))


def _closing(sent: dict) -> Closing | None:
    asked = sent.get("closing")
    return Closing(datetime.fromisoformat(asked["at"]), asked["reason"]) if asked else None


def _refuse(claim: Claim, sent: dict, why: str) -> None:
    boxes = {"input_box": _chosen(sent), "staged_box": None, "result_box": {"refusal": why}}
    _finish(claim, WorkState.FAILED, boxes)


def _finish(claim: Claim, state: WorkState, boxes: dict) -> None:
    with tenant_session(claim.organisation_id, write=True) as session:
        work.finish(session, claim, state, **boxes)


def _staged_workbook(claim: Claim) -> Workbook:
    return unstaged(work.open_claimed(claim, "staged_box"))


def _zone(claim: Claim) -> ZoneInfo:
    return ZoneInfo(organisation(claim.organisation_id).zone)
