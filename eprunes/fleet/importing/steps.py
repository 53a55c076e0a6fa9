"""The two steps of an import as a long task: prepare the preview, then apply what was agreed to."""

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
from eprunes.fleet.importing.columns import Recognised, recognise
from eprunes.fleet.importing.parsing import Parsed, parse
from eprunes.fleet.importing.preview import as_json
from eprunes.fleet.importing.running import make_plan, staged, unstaged

KIND = "import-parc"
GAVE_UP = "Cet import n’a pas pu aboutir. Rien n’a été enregistré\u00a0: réessayez ou prévenez l’assistance."


def prepare(claim: Claim, as_of: datetime) -> None:
    """Read the file and make the preview; a file that is refused ends the task with its sentence."""
    sent = work.open_claimed(claim, "input_box")
    try:
        workbook = read_sent(b64decode(sent["content"]))
        recognised = recognise(workbook)
    except Refused as refusal:
        boxes = {"input_box": {"filename": sent["filename"]}, "result_box": {"refusal": str(refusal)}}
        _finish(claim, WorkState.FAILED, boxes)
        return
    parsed = _parse_with_progress(claim, recognised, as_of)
    boxes = _preview_boxes(claim, parsed, sent["filename"], as_of, changed=False)
    _finish(claim, WorkState.PREPARED, boxes | {"staged_box": staged(workbook, recognised)})


def apply(claim: Claim, as_of: datetime) -> None:
    """Write the import and end the task in the same transaction, or go back to a preview made anew."""
    preview = work.open_claimed(claim, "result_box")["preview"]
    parsed = parse(recognise(_staged_workbook(claim)), _zone(claim))

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
            finish=finish,
        )
    except (FleetChanged, QuotaExceeded):
        filename = work.open_claimed(claim, "input_box")["filename"]
        _finish(claim, WorkState.PREPARED, _preview_boxes(claim, parsed, filename, as_of, changed=True))


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


def _preview_boxes(claim: Claim, parsed: Parsed, filename: str, as_of: datetime, *, changed: bool) -> dict:
    preview = as_json(make_plan(claim.organisation_id, parsed, _zone(claim), as_of))
    shown_in_lists = {name: preview[name] for name in ("sheets", "is_empty", "is_over_quota")}
    return {
        "input_box": {"filename": filename} | shown_in_lists,
        "result_box": {"preview": preview, "changed": changed},
    }


def _finish(claim: Claim, state: WorkState, boxes: dict) -> None:
    with tenant_session(claim.organisation_id, write=True) as session:
        work.finish(session, claim, state, **boxes)


def _staged_workbook(claim: Claim) -> Workbook:
    return unstaged(work.open_claimed(claim, "staged_box"))


def _zone(claim: Claim) -> ZoneInfo:
    return ZoneInfo(organisation(claim.organisation_id).zone)
