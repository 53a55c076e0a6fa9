"""What a page showed of a notice, as the mark that its forms carry: nobody answers, or types anew, what they never saw.

The mark tells the content, and whether the page said that an answer comes late: late is allowed, with the consequence
said.
"""

from datetime import datetime

from eprunes.core.refusals import Refused
from eprunes.fines.deadlines import days_left
from eprunes.fines.models import Notice
from eprunes.fleet.versions import digest

CHANGED = "Cet avis a changé depuis que cette page a été affichée\u00a0: relisez-le, puis envoyez à nouveau."
LATE = (
    "L’échéance est passée pendant que cette page était ouverte\u00a0: une réponse reste possible, mais l’ANTAI peut "
    "la refuser. Relisez ce qui est dit de l’échéance, puis envoyez à nouveau."
)
_SAID_LATE = "-tard"


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
    return digest(said)


def mark_of(notice: Notice, as_of: datetime) -> str:
    """What the forms of a page carry of the notice that it shows at this instant."""
    return version_of(notice) + (_SAID_LATE if _is_late(notice, as_of) else "")


def refuse_changed(notice: Notice, seen: str, sentence: str = CHANGED) -> None:
    """Raise Refused where the page with this mark showed something else than what is there now."""
    if seen and seen.removesuffix(_SAID_LATE) != version_of(notice):
        raise Refused(sentence)


def refuse_unseen(notice: Notice, seen: str, as_of: datetime) -> None:
    """As `refuse_changed`, and where the page did not say that an answer comes late."""
    refuse_changed(notice, seen)
    if seen and _is_late(notice, as_of) and not seen.endswith(_SAID_LATE):
        raise Refused(LATE)


def _is_late(notice: Notice, as_of: datetime) -> bool:
    return days_left(notice.deadline_on, as_of) < 0
