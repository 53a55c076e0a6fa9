"""The two steps of a bulk operation as a long task: look at every vehicle, then do it where it still fits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import work
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.work import Claim, Handler, WorkState
from eprunes.fleet.bulk.acts import Act, act_from_json
from eprunes.fleet.bulk.checking import look_at, warnings
from eprunes.fleet.bulk.selection import CHUNK, Target, targets
from eprunes.fleet.task_authors import NOT_ALLOWED, fleet_author

KIND = "operation-groupee"
GAVE_UP = "Cette opération n’a pas pu aller au bout\u00a0: réessayez ou prévenez l’assistance."

Reason = tuple[str, str, str]
"""Country and plate of a vehicle, and why nothing was done on it."""


def prepare(claim: Claim, as_of: datetime) -> None:
    """Look at every vehicle of the selection; what is ready waits for a person to agree."""
    content = work.open_claimed(claim, "input_box")
    if (actor := fleet_author(claim, as_of)) is None:
        _finish(claim, WorkState.FAILED, result_box={"refusal": NOT_ALLOWED})
        return
    act = act_from_json(content["act"])
    with tenant_session(claim.organisation_id) as session:
        chosen = targets(session, actor, content["selection"], as_of)
    ready, unready = _looked_at(claim, actor, act, chosen, as_of)
    with tenant_session(claim.organisation_id) as session:
        told = warnings(session, actor, act, len(ready), content["driver"])
    listed = [tuple(one) for one in ready]
    kept = {name: content[name] for name in ("act", "driver", "title")}
    _finish(
        claim,
        WorkState.PREPARED,
        input_box=kept | {"ready": len(ready), "unready": len(unready), "done": 0, "missed": []},
        staged_box={"ready": listed},
        result_box={"ready": listed, "unready": unready, "warnings": told},
    )


def apply(claim: Claim, as_of: datetime) -> None:
    """Do it, part by part, each part with the note that it is done: whoever takes over goes on from there.

    What no longer fits is left as it is, and told with its reason.
    """
    content, started = work.open_claimed(claim, "input_box"), monotonic()
    if (actor := fleet_author(claim, as_of)) is None:
        _end(claim, content, refusal=NOT_ALLOWED)
        return
    act, ready = act_from_json(content["act"]), work.open_claimed(claim, "staged_box")["ready"]
    for part in chunks(ready, CHUNK, start=content["done"]):
        instant = as_of + timedelta(seconds=monotonic() - started)
        with tenant_session(claim.organisation_id, write=True) as session:
            missed = _do(session, actor, act, part, as_of)
            done = content["done"] + len(part)
            content = content | {"done": done, "missed": [*content["missed"], *missed]}
            work.advance(session, claim, done, len(ready), instant, input_box=content)
    _end(claim, content)


HANDLER = Handler(prepare, apply, gave_up={"refusal": GAVE_UP})


def _looked_at(
    claim: Claim, actor: Actor, act: Act, chosen: list[Target], as_of: datetime
) -> tuple[list[Target], list[Reason]]:
    ready, unready, looked = [], [], 0
    for part in chunks(chosen, CHUNK):
        with tenant_session(claim.organisation_id) as session:
            reasons = look_at(session, actor, act, [UUID(one.id) for one in part]).reasons
        ready += [one for one in part if UUID(one.id) not in reasons]
        unready += _told(part, reasons)
        looked += len(part)
        work.report_progress(claim, looked, len(chosen), as_of)
    return ready, unready


def _do(session: TenantSession, actor: Actor, act: Act, part: list, as_of: datetime) -> list[Reason]:
    """Carry out an act on a part of the vehicles; what did not fit any more."""
    ready = [Target(*one) for one in part]
    verdict = look_at(session, actor, act, [UUID(one.id) for one in ready], lock=True)
    act.carry_out(session, verdict.scene, verdict.ready, actor, as_of)
    return _told(ready, verdict.reasons)


def _told(part: list[Target], reasons: Mapping[UUID, str]) -> list[Reason]:
    found = [(one, reasons.get(UUID(one.id))) for one in part]
    return [(one.country, one.plate, reason) for one, reason in found if reason is not None]


def _end(claim: Claim, content: Mapping, refusal: str = "") -> None:
    """Tell what was done: of what was agreed to all up to `done`, but for what was missed."""
    result = work.open_claimed(claim, "result_box")
    shown = result | {"missed": content["missed"], "done": content["done"], "refusal": refusal}
    state = WorkState.FAILED if refusal else WorkState.DONE
    _finish(claim, state, staged_box=None, result_box=shown)


def _finish(claim: Claim, state: WorkState, **boxes: dict | None) -> None:
    with tenant_session(claim.organisation_id, write=True) as session:
        work.finish(session, claim, state, **boxes)
