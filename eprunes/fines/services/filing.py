"""Filing a notice without an answer, and taking it back."""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fines import counting, events
from eprunes.fines.answering import FilingReason, NoticeMove, NoticeState, move_notice
from eprunes.fines.catalogue import offences_for
from eprunes.fines.designation_rules import law_wants_driver
from eprunes.fines.models import Notice, NoticeKind
from eprunes.fines.notice_versions import refuse_unseen
from eprunes.fines.queries import visible_notices
from eprunes.fines.services import notes, steps

DUTY = (
    "Cette infraction peut retirer des points\u00a0: la loi vous impose de désigner le conducteur (Code de la route, "
    "article L. 121-6). Choisissez un autre motif, ou répondez."
)
DUTY_ON_PAPER = (
    "L’avis papier porte la mention de désignation obligatoire\u00a0: la loi vous impose de désigner le conducteur "
    "(Code de la route, article L. 121-6). Choisissez un autre motif, ou répondez."
)
NOT_A_PARKING_FEE = (
    "Cet avis est une contravention, pas un forfait de post-stationnement\u00a0: choisissez un autre motif."
)


UNSAID = "Précisez ce motif\u00a0: vos collègues le liront sous l’avis."


def file_notice(
    actor: Actor, notice_id: UUID, *, reason: FilingReason, comment: str = "", seen: str = "", as_of: datetime
) -> None:
    """Classify a notice without designation; not an answer, so that its window runs on (decision 7).

    `comment` is kept as a note under the notice. Raises Refused for "another reason" without one, for "no duty to
    designate" where the paper or the catalogue says that there is one, and for "parking fee" on any other kind of
    notice, and for one that is no longer what the person saw (`seen`, its version).
    """
    if reason is FilingReason.NO_DUTY:
        _refuse_where_law_asks(actor, notice_id, as_of)
    if reason is FilingReason.OTHER and not comment.strip():
        raise Refused(UNSAID, "comment")
    _change_state(actor, notice_id, NoticeMove.FILE, events.FILED, as_of, reason, comment, seen)


def reopen_notice(actor: Actor, notice_id: UUID, *, as_of: datetime) -> None:
    """Take a classified notice back among those to answer."""
    _change_state(actor, notice_id, NoticeMove.REOPEN, events.REOPENED, as_of, None)


def _refuse_where_law_asks(actor: Actor, notice_id: UUID, as_of: datetime) -> None:
    with tenant_session(actor.organisation_id) as session:
        notice = session.scalar(visible_notices(actor, as_of).where(Notice.id == notice_id))
    if notice is None:
        return
    offence = (notice.natinf, notice.offence_day)
    line = offences_for([offence]).get(offence)
    if law_wants_driver(notice.designation_asked, line.designation_required if line else None):
        raise Refused(DUTY_ON_PAPER if notice.designation_asked else DUTY, "filing_reason")


def _change_state(
    actor: Actor,
    notice_id: UUID,
    change: NoticeMove,
    event: str,
    as_of: datetime,
    reason: FilingReason | None,
    comment: str = "",
    seen: str = "",
) -> None:
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        refuse_unseen(notice, seen, as_of)
        if reason is FilingReason.PARKING_FEE and notice.kind != NoticeKind.PARKING_FEE:
            raise Refused(NOT_A_PARKING_FEE, "filing_reason")
        with counting.follow(session, [notice]):
            notice.state = move_notice(NoticeState(notice.state), change)
            notice.filing_reason = reason
        events.add(session, notice.id, event, as_of, actor.user_id)
        audit.record(session, f"avis.{event}", as_of=as_of, actor_id=actor.user_id, subject=("avis", notice.id))
        if comment.strip():
            notes.write(session, actor, notice, comment.strip(), as_of, "comment")
