"""Notices that came on paper: typing one in, correcting what was typed, noting that the paper of another came.

A notice is known by its number, so that there are never two of it: here, in the agency's flow, or among those that
were destroyed (C4.3-d, C4.3-f).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.retention import DEFAULT, last_shared_day
from eprunes.core import audit
from eprunes.core.calendar import local_day, paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, insert_absent, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.wording import short_day
from eprunes.fines import counting, events
from eprunes.fines.answering import NoticeState
from eprunes.fines.asking import driver_requests
from eprunes.fines.deadlines import Deadline, NoticeSource, deadline_that_counts
from eprunes.fines.models import DestroyedNotice, Notice, NoticeFileKind, NoticeKind
from eprunes.fines.notice_deadlines import deadline_of
from eprunes.fines.notice_details import KEY_PURPOSE, ReceivedNotice, open_notice, seal_notice, to_json
from eprunes.fines.notice_numbers import number_print
from eprunes.fines.notice_versions import refuse_changed
from eprunes.fines.paper.typed_notices import TypedNotice, problems, received
from eprunes.fines.queries import visible_notices
from eprunes.fines.receiving import clear_columns
from eprunes.fines.services import attachments, steps
from eprunes.fines.services.attachments import Sent
from eprunes.fleet.models import Vehicle

KNOWN = "Cet avis est déjà connu de la plateforme\u00a0: il ne peut pas y être deux fois."
HIDDEN = (
    "Cet avis est déjà connu de la plateforme et n’est pas ouvert à votre compte\u00a0: remettez ce papier à votre "
    "administrateur, lui seul voit ce qui reste à faire. S’il attend une réponse, et que la plaque et le jour de "
    "l’infraction sont les siens, son envoi y est noté."
)
DESTROYED = "Cet avis a été détruit au terme de sa durée de conservation\u00a0: il ne peut plus être saisi."
ANSWERED = "Une réponse a été donnée à cet avis\u00a0: ce qui a été saisi ne change plus."
RETYPED = "Cet avis a changé entre-temps\u00a0: rechargez la page pour voir ce qu’il dit maintenant."
PUT_OFF = (
    "Cette date repousse l’échéance du {before} au {deadline}\u00a0: cochez la case si c’est bien celle de l’avis."
)
NOT_TYPED = "Cet avis vient de l’ANTAI\u00a0: son contenu ne se corrige pas."


def type_in(actor: Actor, typed: TypedNotice, *, scans: Sequence[Sent] = (), as_of: datetime) -> UUID:
    """Keep a notice that came on paper, with its scan; returns its id (C4.3-d).

    Its deadline is the law's, from its sending. Raises Refused on the field at fault, `number` when it is known: the
    paper of a notice that has closed to the actor unanswered is noted and kept all the same where plate and day are
    those of the notice, and news to the administrator.
    """
    notice = _checked(typed, actor, as_of)
    if (hidden := _hidden_with(actor, notice, as_of)) is not None:
        _note_hidden(actor, hidden, typed, notice, scans, as_of)
        raise Refused(HIDDEN, "number")
    store, own = key_store(), actor.organisation_id
    with attachments.sealing(actor, scans, as_of) as sealed:
        [key] = store.create_keys(own, KEY_PURPOSE, as_of)
        try:
            with tenant_session(own, write=True) as session:
                kept = _insert(session, actor, typed, notice, key, as_of)
                attachments.keep(session, actor, kept, NoticeFileKind.NOTICE, sealed, as_of)
                return kept.id
        except Refused:
            store.destroy_keys(own, [key[0]])
            raise


def correct(
    actor: Actor, notice_id: UUID, typed: TypedNotice, *, seen: str = "", is_checked: bool = False, as_of: datetime
) -> None:
    """Type again what was typed wrong, while the notice is unanswered; what it said before is kept with it, and drivers
    who were asked about that are asked no more.

    Raises NotVisible, or Refused on the field at fault, where it no longer is what the form was filled with (`seen`,
    its version), and where the deadline is put off, unless `is_checked`.
    """
    notice = _checked(typed, actor, as_of)
    try:
        with tenant_session(actor.organisation_id, write=True) as session:
            row = steps.notice_to_change(session, actor, notice_id, as_of)
            if row.source != NoticeSource.TYPED_IN:
                raise Refused(NOT_TYPED)
            if row.is_answered:
                raise Refused(ANSWERED)
            refuse_changed(row, seen, RETYPED)
            before = row.deadline_on
            with counting.follow(session, [row]):
                _rewrite(session, row, typed, notice)
            _refuse_put_off(row, before, is_checked)
            driver_requests.close_open(session, row, as_of)
            _record(session, actor, row, events.RETYPED, "avis.saisie_corrigee", as_of)
    except IntegrityError as clash:
        if "number_fingerprint" in str(clash.orig):  # the other one came in meanwhile
            raise Refused(KNOWN, "number") from clash
        raise


def note_paper(actor: Actor, notice_id: UUID, *, sent_on: date, is_checked: bool = False, as_of: datetime) -> Deadline:
    """Note that the paper of a notice came, sent on a day: from then on the law's 45 days count (C4.3-d).

    Returns the deadline that counts now. May be said again while the notice is unanswered; a day that puts the deadline
    off only once `is_checked`, but for the first one after the 45 days here, when the agency sends it. Raises
    NotVisible, or Refused on the field at fault.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        row = steps.notice_to_change(session, actor, notice_id, as_of)
        if row.is_answered:
            raise Refused(ANSWERED)
        if sent_on > _today(actor, as_of):
            raise Refused("Cette date est dans le futur.", "sent_on")
        if sent_on < (row.notice_date or row.offence_day):
            raise Refused("L’avis ne peut pas avoir été envoyé avant le jour dont il est daté.", "sent_on")
        before, is_first = row.deadline_on, row.sent_on is None
        comes_after = is_first and sent_on > last_shared_day(row.posted_on, DEFAULT)  # as the agency sends it
        deadline = _paper_came(session, actor, row, sent_on, as_of)
        _refuse_put_off(row, before, comes_after or is_checked)
        return deadline


def _refuse_put_off(row: Notice, before: date, is_checked: bool) -> None:
    """Raise Refused where a change puts a deadline off that counted already: a day typed wrong is late by law."""
    if row.deadline_on > before and not is_checked:
        told = {"before": short_day(before), "deadline": short_day(row.deadline_on)}
        raise Refused(PUT_OFF.format(**told), "is_checked")


def _paper_came(session: TenantSession, actor: Actor, row: Notice, sent_on: date, as_of: datetime) -> Deadline:
    with counting.follow(session, [row]):
        row.sent_on = sent_on
        deadline = deadline_of(row)
        row.deadline_on = deadline.day
    row.reminded_days = 0
    _record(session, actor, row, events.PAPER_CAME, "avis.papier_recu", as_of)
    return deadline


def _hidden_with(actor: Actor, notice: ReceivedNotice, as_of: datetime) -> UUID | None:
    """The id of the notice of this number, where there is one that the actor may not see."""
    if actor.may(Permission.VIEW_ARCHIVE):
        return None
    mark = number_print(key_store().index_key(actor.organisation_id), notice.details.number)
    known = Notice.organisation_id == actor.organisation_id, Notice.number_fingerprint == mark
    with tenant_session(actor.organisation_id) as session:
        if session.scalar(visible_notices(actor, as_of).where(*known)) is not None:
            return None
        return session.scalar(select(Notice.id).where(*known))


def _is_its_paper(row: Notice, typed: TypedNotice, notice: ReceivedNotice) -> bool:
    """Whether what was typed is that notice's, by more than a number that may be mistyped, and its days begin anew."""
    index_key = key_store().index_key(row.organisation_id)
    said = clear_columns(notice, None, index_key)
    is_same = all(getattr(row, name) == said[name] for name in ("plate_fingerprint", "offence_day"))
    sent_on = typed.sent_on or typed.noticed_on
    is_news = row.sent_on is None or sent_on < row.sent_on  # of two dates the earlier is the safer
    return is_same and is_news and not row.is_answered and sent_on >= (row.notice_date or row.offence_day)


def _note_hidden(
    actor: Actor, notice_id: UUID, typed: TypedNotice, notice: ReceivedNotice, scans: Sequence[Sent], as_of: datetime
) -> None:
    """Note the paper of a notice that the actor may not see, with its scan, so that it stands before the administrator
    again: the law's days begin with it (C4.3-d). Raises Refused, with nothing noted, where it may be another's."""
    own = Notice.organisation_id == actor.organisation_id, Notice.id == notice_id
    with (
        attachments.sealing(actor, scans, as_of) as sealed,
        tenant_session(actor.organisation_id, write=True) as session,
    ):
        row = session.scalar(select(Notice).where(*own).with_for_update())
        if row is None or not _is_its_paper(row, typed, notice):
            raise Refused(HIDDEN, "number")
        _paper_came(session, actor, row, typed.sent_on or typed.noticed_on, as_of)
        row.announced_at = None
        attachments.keep(session, actor, row, NoticeFileKind.NOTICE, sealed, as_of)


def _checked(typed: TypedNotice, actor: Actor, as_of: datetime) -> ReceivedNotice:
    for field, sentence in problems(typed, actor.zone, as_of).items():
        raise Refused(sentence, field)
    return received(typed)


def _insert(
    session: TenantSession,
    actor: Actor,
    typed: TypedNotice,
    notice: ReceivedNotice,
    key: tuple[UUID, bytes],
    as_of: datetime,
) -> Notice:
    """The notice's row and its traces. Raises Refused on `number` when the number is known."""
    mark = _free_mark(session, notice.details.number)
    row = _row(session, actor, typed, notice, mark, key, as_of)
    if not insert_absent(session, Notice, [row]):  # it came in by the other way meanwhile
        raise Refused(KNOWN, "number")
    counting.note_received(session, [counting.cell_of(**row)])
    query = select(Notice).where(Notice.organisation_id == session.organisation_id, Notice.id == row["id"])
    kept = session.scalars(query.with_for_update()).one()
    _record(session, actor, kept, events.TYPED_IN, "avis.saisi", as_of)
    return kept


def _row(
    session: TenantSession,
    actor: Actor,
    typed: TypedNotice,
    notice: ReceivedNotice,
    mark: bytes,
    key: tuple[UUID, bytes],
    as_of: datetime,
) -> dict:
    own, notice_id, (key_id, data_key) = actor.organisation_id, new_id(), key
    vehicle_id = _vehicle_with(session, notice)
    source, dates = NoticeSource.TYPED_IN, (typed.sent_on, typed.noticed_on)
    return {
        "organisation_id": own,
        "id": notice_id,
        "source": source,
        "kind": typed.kind,
        "number_fingerprint": mark,
        "sent_on": typed.sent_on,
        "posted_at": as_of,
        "posted_on": paris_day(as_of),
        "deadline_on": deadline_that_counts(source, as_of, *dates, is_parking_fee=typed.is_fee).day,
        "state": NoticeState.TO_ANSWER,
        "is_answered": False,
        "content_changed": False,
        "reminded_days": 0,
        "counted_site": counting.counted_sites(session, [vehicle_id], as_of).get(vehicle_id, ""),
        "entered_by": actor.user_id,
        "designation_asked": _asked(typed),
        "first_opened_at": as_of,
        "key_id": key_id,
        "box": seal_notice(data_key, own, notice_id, notice.details),
        **clear_columns(notice, vehicle_id, key_store().index_key(own)),
    }


def _rewrite(session: TenantSession, row: Notice, typed: TypedNotice, notice: ReceivedNotice) -> None:
    """What was typed anew in place of what was; a vehicle that somebody chose stays while the plate does."""
    store, own = key_store(), row.organisation_id
    data_key = store.keys(own, [row.key_id])[row.key_id]
    before = open_notice(data_key, row)
    if before.number != notice.details.number:
        row.number_fingerprint = _free_mark(session, notice.details.number)
    same_plate = (before.country, before.plate) == (notice.details.country, notice.details.plate)
    vehicle_id = row.vehicle_id if same_plate else _vehicle_with(session, notice)
    for name, value in clear_columns(notice, vehicle_id, store.index_key(own)).items():
        setattr(row, name, value)
    row.kind, row.sent_on, row.designation_asked = typed.kind, typed.sent_on, _asked(typed)
    row.deadline_on, row.reminded_days = deadline_of(row).day, 0
    was = {**to_json(before), "earlier": []}
    after = replace(notice.details, earlier=[*before.earlier, {"saisie": was}])
    row.box = seal_notice(data_key, own, row.id, after)


def _free_mark(session: TenantSession, number: str) -> bytes:
    """The fingerprint of a number that no notice has, and none had. Raises Refused on `number`."""
    own = session.organisation_id
    mark = number_print(key_store().index_key(own), number)
    for model, sentence in ((DestroyedNotice, DESTROYED), (Notice, KNOWN)):
        query = select(model.id).where(model.organisation_id == own, model.number_fingerprint == mark)
        if session.scalar(query) is not None:
            raise Refused(sentence, "number")
    return mark


def _vehicle_with(session: TenantSession, notice: ReceivedNotice) -> UUID | None:
    """The vehicle that bears the plate, departed ones included: when it left is for the proposal to say."""
    query = select(Vehicle.id).where(
        Vehicle.organisation_id == session.organisation_id,
        Vehicle.country == notice.details.country,
        Vehicle.plate_key == notice.details.plate,
    )
    return session.scalar(query)


def _asked(typed: TypedNotice) -> bool | None:
    return None if typed.kind is NoticeKind.PARKING_FEE else typed.asks_designation


def _today(actor: Actor, as_of: datetime) -> date:
    return max(local_day(as_of, actor.zone), paris_day(as_of))


def _record(session: TenantSession, actor: Actor, notice: Notice, event: str, action: str, as_of: datetime) -> None:
    events.add(session, notice.id, event, as_of, actor.user_id)
    audit.record(session, action, as_of=as_of, actor_id=actor.user_id, subject=("avis", notice.id))
