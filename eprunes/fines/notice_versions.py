"""What a page was filled with of a notice, as a digest: nobody answers, or types anew, what they never saw."""

import hashlib

import orjson

from eprunes.core.refusals import Refused
from eprunes.fines.models import Notice

CHANGED = "Cet avis a changé depuis que cette page a été affichée\u00a0: relisez-le, puis envoyez à nouveau."


def version_of(notice: Notice) -> str:
    """The version of what a notice says: its sealed content, sealed anew at each change, and what is read beside it."""
    said = (
        notice.box.hex(),
        notice.kind,
        notice.natinf,
        notice.offence_at,
        notice.second_offence_at,
        notice.offence_day,
        notice.vehicle_id,
        notice.sent_on,
    )
    return hashlib.sha256(orjson.dumps(said, default=str)).hexdigest()


def refuse_unseen(notice: Notice, seen: str, sentence: str = CHANGED) -> None:
    """Raise Refused where the page showed something else than what is there now; without `seen` never."""
    if seen and seen != version_of(notice):
        raise Refused(sentence)
