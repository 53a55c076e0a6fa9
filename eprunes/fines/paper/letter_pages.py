"""Letters that answer notices: which wait to be posted, which are gone, and what each one says.

An answered notice is the administrator's alone (C4.3-f), and so is its letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import organisation
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.wording import hour, short_day
from eprunes.fines.answering import AnswerState, ImpossibilityReason
from eprunes.fines.models import Answer, Channel, Notice
from eprunes.fines.notice_details import NoticeDetails, open_notice, open_snapshot
from eprunes.fines.notice_rows import Row, rows_of
from eprunes.fines.paper.letters import Letter, is_printable, printable, written_day
from eprunes.fines.queries import visible_notices
from eprunes.fleet.driver_details import from_json
from eprunes.fleet.models import DriverKind
from eprunes.fleet.plates import FRANCE, InvalidPlate, parse_plate
from eprunes.fleet.wording import country_name

MOST = 100
"""Letters on one page, and in one file."""
_CAPACITIES = {
    DriverKind.EMPLOYEE: "Préposé (salarié)",
    DriverKind.RENTER: "Locataire",
    DriverKind.REPRESENTATIVE: "Représentant légal, qui conduisait lui-même",
}
_DESIGNATING = (
    "En application de l’article L. 121-6 du code de la route, je vous indique l’identité, l’adresse et la référence "
    "du permis de conduire de la personne qui conduisait ce véhicule\u00a0:"
)
_IMPOSSIBLE = (
    "En application de l’article L. 121-6 du code de la route, je vous informe que je ne peux désigner aucun "
    "conducteur, pour le motif suivant\u00a0:"
)


@dataclass(frozen=True)
class Head:
    """What a letter needs that the platform does not know: typed when it is printed, kept nowhere."""

    sender: str = ""
    addressee: str = ""
    place: str = ""
    signatory: str = ""


@dataclass(frozen=True)
class LetterRow:
    """A letter in its list, and what of it the typeface lacks."""

    row: Row
    answer: Answer
    unprintable: Sequence[str]


def letters_to_post(actor: Actor, session: TenantSession, as_of: datetime) -> list[LetterRow]:
    """The letters that wait, the nearest deadline first; nothing but for the administrator."""
    return _listed(actor, session, _has_letter(actor.organisation_id, AnswerState.TO_POST), as_of)


def posted_letters(actor: Actor, session: TenantSession, as_of: datetime) -> list[LetterRow]:
    """The letters that have gone and are still kept."""
    return _listed(actor, session, _has_letter(actor.organisation_id, AnswerState.REGISTERED), as_of)


def letter_of(session: TenantSession, notice: Notice) -> Answer | None:
    """The letter that stands for a notice's answer, if it is one."""
    return session.scalar(_letters(notice.organisation_id).where(Answer.notice_id == notice.id))


def written(
    actor: Actor, session: TenantSession, notice_ids: Sequence[UUID], head: Head, as_of: datetime
) -> list[tuple[Notice, Letter]]:
    """The letters of some notices, of those that the actor may see; in the order of their deadlines."""
    has_one = _has_letter(actor.organisation_id, AnswerState.TO_POST, AnswerState.REGISTERED)
    query = visible_notices(actor, as_of).where(Notice.id.in_(notice_ids), has_one)
    notices = session.scalars(query.order_by(Notice.deadline_on, Notice.id).limit(MOST)).all()
    keys = key_store().keys(actor.organisation_id, [one.key_id for one in notices])
    today, company = local_day(as_of, actor.zone), organisation(actor.organisation_id)
    answers = _by_notice(session, actor.organisation_id, [one.id for one in notices])
    found = []
    for notice in notices:
        if notice.key_id in keys:
            key, answer = keys[notice.key_id], answers[notice.id]
            names = (company.name, f"{company.number_kind.upper()} {company.number}")
            told = open_notice(key, notice), open_snapshot(key, answer)
            found.append((notice, letter_for(notice, *told, names, head, today)))
    return found


def letter_for(
    notice: Notice, details: NoticeDetails, snapshot: dict, company: tuple[str, str], head: Head, today: date
) -> Letter:
    """What the letter of one answer says; `company` is its name and its number."""
    is_designation = "conducteur" in snapshot
    about = "désignation du conducteur" if is_designation else "impossibilité de désigner le conducteur"
    subject = f"{about} \u2013 avis de contravention n° {details.number}"
    return Letter(
        sender=(*company, *head.sender.splitlines()),
        addressee=head.addressee.splitlines(),
        place=head.place,
        dated=today,
        subject=subject,
        opening=f"{_circumstances(notice, details)} {_DESIGNATING if is_designation else _IMPOSSIBLE}",
        facts=_person(snapshot) if is_designation else _motive(snapshot),
        statement=() if is_designation else [line for line in snapshot["commentaire"].splitlines() if line],
        enclosures=["formulaire joint à l’avis, complété et signé", "copie de l’avis", *_papers(snapshot)],
        signatory=head.signatory,
    )


def plate_shown(details: NoticeDetails) -> str:
    """The plate as people write it, the country beside a foreign one."""
    try:
        plate = parse_plate(details.plate, details.country).display
    except InvalidPlate:
        plate = details.plate
    return plate if details.country == FRANCE else f"{plate} ({country_name(details.country)})"


def _circumstances(notice: Notice, details: NoticeDetails) -> str:
    local_hour = hour(notice.offence_at, ZoneInfo(notice.offence_zone))
    when = f"le {written_day(notice.offence_day)} à {local_hour}"
    where = f", à {details.where}" if details.where else ""
    dated = f" daté du {written_day(notice.notice_date)}" if notice.notice_date else ""
    return (
        f"Nous avons reçu l’avis de contravention n° {details.number}{dated}, pour des faits constatés {when}{where}, "
        f"avec le véhicule immatriculé {plate_shown(details)}."
    )


def _person(snapshot: dict) -> list[tuple[str, str]]:
    who = from_json(snapshot["conducteur"])
    country = [country_name(who.country)] if who.country != "FR" else []
    licence_country = f" ({country_name(who.licence_country)})" if who.licence_country != "FR" else ""
    issued = f", délivré le {short_day(who.licence_issued_on)}" if who.licence_issued_on else ""
    facts = [
        ("Nom", f"{who.civility} {who.last_name.upper()}".strip()),
        ("Prénom", who.first_name),
        ("Né(e) le", f"{short_day(who.birth_date)}{f' à {who.birth_place}' if who.birth_place else ''}"),
        ("Adresse", ", ".join([*who.address_lines, *country])),
        ("Permis de conduire", f"n° {who.licence_number}{issued}{licence_country}"),
        ("Qualité", _CAPACITIES.get(snapshot["qualite"], "")),
    ]
    return [(label, value) for label, value in facts if value]


def _motive(snapshot: dict) -> list[tuple[str, str]]:
    return [("Motif", ImpossibilityReason(snapshot["motif"]).requirements.label)]


def _papers(snapshot: dict) -> list[str]:
    pieces = snapshot.get("pieces", [])
    return [f"{one['nature']} ({one['reference']}, {short_day(date.fromisoformat(one['date']))})" for one in pieces]


def _listed(actor: Actor, session: TenantSession, which: ColumnElement[bool], as_of: datetime) -> list[LetterRow]:
    query = visible_notices(actor, as_of).where(which).order_by(Notice.deadline_on, Notice.id).limit(MOST)
    rows = rows_of(session, session.scalars(query).all(), as_of)
    keys = key_store().keys(actor.organisation_id, [one.notice.key_id for one in rows])
    answers = _by_notice(session, actor.organisation_id, [one.notice.id for one in rows])
    return [_letter_row(one, answers[one.notice.id], keys[one.notice.key_id]) for one in rows]


def _letter_row(row: Row, answer: Answer, key: bytes) -> LetterRow:
    return LetterRow(row, answer, _unprintable(open_snapshot(key, answer)))


def _unprintable(snapshot: dict) -> list[str]:
    """What the letter shows otherwise than it is, as it will show it."""
    values = [value for _, value in _person(snapshot)] if "conducteur" in snapshot else [snapshot["commentaire"]]
    return [printable(one) for one in values if not is_printable(one)]


def _by_notice(session: TenantSession, organisation_id: UUID, notice_ids: Sequence[UUID]) -> dict[UUID, Answer]:
    query = _letters(organisation_id).where(Answer.notice_id.in_(notice_ids))
    return {one.notice_id: one for one in session.scalars(query)}


def _letters(organisation_id: UUID):
    """The letters that stand: to post, or posted."""
    return select(Answer).where(
        Answer.organisation_id == organisation_id,
        Answer.channel == Channel.LETTER,
        Answer.state.in_((AnswerState.TO_POST, AnswerState.REGISTERED)),
    )


def _has_letter(organisation_id: UUID, *states: AnswerState) -> ColumnElement[bool]:
    return (
        select(Answer.id)
        .where(
            Answer.organisation_id == organisation_id,
            Answer.notice_id == Notice.id,
            Answer.channel == Channel.LETTER,
            Answer.state.in_(states),
        )
        .exists()
    )
