"""The two steps of a bulk designation as a long task: look at every notice, then confirm what was agreed to."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from eprunes.accounts.authors import author
from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import work
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.work import Claim, Handler, WorkState
from eprunes.fines.bulk.checking import Ready, Seen, look_at, moved
from eprunes.fines.bulk.selection import CHUNK, targets
from eprunes.fines.channels import channel_of
from eprunes.fines.models import Channel
from eprunes.fines.notice_details import open_notices
from eprunes.fines.services.designating import DESIGNATION, declared
from eprunes.fines.services.steps import Given, confirm_all
from eprunes.fleet.models import DriverKind

KIND = "designation-groupee"
GAVE_UP = "Ces désignations n’ont pas pu aller au bout\u00a0: réessayez ou prévenez l’assistance."
NOT_ALLOWED = "Le compte qui a demandé ces désignations ne permet plus de répondre aux avis."
REFUSED = "Cette désignation n’est plus possible ainsi\u00a0: désignez depuis la page de l’avis, qui dit pourquoi."

Agreed = tuple[str, str, Seen]
"""Id and number of a notice, and what was seen of it."""
Reason = tuple[str, str, str]
"""Id and number of a notice, and why nobody was designated."""


def prepare(claim: Claim, as_of: datetime) -> None:
    """Look at every notice of the selection; what is ready waits for a person to agree."""
    content = work.open_claimed(claim, "input_box")
    if (actor := _author(claim, as_of)) is None:
        _finish(claim, WorkState.FAILED, result_box={"refusal": NOT_ALLOWED})
        return
    with tenant_session(claim.organisation_id) as session:
        chosen = targets(session, actor, content["selection"], as_of)
    ready, unready, letters = _looked_at(claim, actor, chosen, as_of)
    _finish(
        claim,
        WorkState.PREPARED,
        input_box={"ready": len(ready), "unready": len(unready), "letters": letters, "done": 0, "missed": []},
        staged_box={"ready": ready},
        result_box={"ready": [one[:2] for one in ready], "unready": unready},
    )


def apply(claim: Claim, as_of: datetime) -> None:
    """Confirm part by part, each part with the note that it is done: whoever takes over goes on from there.

    Who asked is looked at again for each part. What is no longer what was agreed to is left as it is, and told. The
    windows and deadlines are those of the instant at which a person agreed: the answer was given then (C4.3-e), however
    late a machine carries it out.
    """
    content, started = work.open_claimed(claim, "input_box"), monotonic()
    ready = work.open_claimed(claim, "staged_box")["ready"]
    for part in chunks(ready, CHUNK, start=content["done"]):
        instant = as_of + timedelta(seconds=monotonic() - started)
        if (actor := _author(claim, instant)) is None:
            _end(claim, content, refusal=NOT_ALLOWED)
            return
        with tenant_session(claim.organisation_id, write=True) as session:
            missed = _do(session, actor, part, claim.agreed_at or instant)
            done = content["done"] + len(part)
            content = content | {"done": done, "missed": [*content["missed"], *missed]}
            work.advance(session, claim, done, len(ready), instant, input_box=content)
    _end(claim, content)


HANDLER = Handler(prepare, apply, gave_up={"refusal": GAVE_UP})


def _author(claim: Claim, as_of: datetime) -> Actor | None:
    """Whoever asked, or agreed last, if they may still answer notices."""
    found = author(claim.organisation_id, claim.author_id, as_of)
    return found if found is not None and found.may(Permission.ANSWER_NOTICES) else None


def _looked_at(
    claim: Claim, actor: Actor, chosen: list[UUID], as_of: datetime
) -> tuple[list[Agreed], list[Reason], int]:
    """What is ready, what is not, and how many of the ready ones will be letters to post."""
    ready, unready, letters, looked = [], [], 0, 0
    for part in chunks(chosen, CHUNK):
        with tenant_session(claim.organisation_id) as session:
            verdict = look_at(session, actor, part, as_of)
        numbers = {one: details.number for one, details in open_notices(key_store(), verdict.notices.values()).items()}
        for one in part:
            named = str(one), numbers.get(one, "")
            if one in verdict.ready:
                ready.append((*named, tuple(verdict.ready[one].seen)))
            else:
                unready.append((*named, verdict.reasons[one]))
        letters += sum(channel_of(one.notice) is Channel.LETTER for one in verdict.ready.values())
        looked += len(part)
        work.report_progress(claim, looked, len(chosen), as_of)
    return ready, unready, letters


def _do(session: TenantSession, actor: Actor, part: list[Agreed], as_of: datetime) -> list[Reason]:
    """Designate for a part of the notices; what did not fit any more."""
    verdict = look_at(session, actor, [UUID(one) for one, _, _ in part], as_of, lock=True)
    given, missed = [], []
    for one, number, agreed in part:
        found = verdict.ready.get(UUID(one))
        reason = moved(Seen(*agreed), found.seen) if found else verdict.reasons[UUID(one)]
        answer = None if reason else _answer(actor, found, as_of)
        if answer is not None:
            given.append((found.notice, answer))
        else:
            missed.append((one, number, reason or REFUSED))
    confirm_all(session, actor, given, as_of)
    return missed


def _answer(actor: Actor, found: Ready, as_of: datetime) -> Given | None:
    """The answer of the single act; None where it refuses."""
    kind = DriverKind(found.driver.kind)
    try:
        snapshot = declared(actor, found.notice, kind=kind, details=found.details, as_of=as_of)
    except Refused:
        return None
    return Given(DESIGNATION, snapshot, driver_id=found.driver.id, channel=channel_of(found.notice))


def _end(claim: Claim, content: Mapping, refusal: str = "") -> None:
    """Tell what was done: of what was agreed to all up to `done`, but for what was missed."""
    result = work.open_claimed(claim, "result_box")
    shown = result | {"missed": content["missed"], "done": content["done"], "refusal": refusal}
    state = WorkState.FAILED if refusal else WorkState.DONE
    _finish(claim, state, staged_box=None, result_box=shown)


def _finish(claim: Claim, state: WorkState, **boxes: dict | None) -> None:
    with tenant_session(claim.organisation_id, write=True) as session:
        work.finish(session, claim, state, **boxes)
