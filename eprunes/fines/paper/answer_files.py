"""The answers given in a period as a neutral file, for who sends them on by other ways (C7-a).

Its columns are ours, named as the fields of the law's form: they are no format of the agency.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from eprunes.accounts.models import Organisation
from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import organisation
from eprunes.core import audit
from eprunes.core.calendar import end_of_day, start_of_day
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Cell, Sheet
from eprunes.fines.answering import OPEN_STATES, AnswerState, ImpossibilityReason
from eprunes.fines.models import Answer, Notice
from eprunes.fines.notice_details import NoticeDetails, open_notice, open_snapshot
from eprunes.fines.queries import visible_notices
from eprunes.fleet.driver_details import from_json

HEADINGS = [
    "numero_avis", "date_avis", "immatriculation", "pays_immat", "date_heure_infraction", "type_reponse", "motif",
    "civilite", "nom", "nom_usage", "prenom", "date_naissance", "lieu_naissance", "adresse_ligne1", "adresse_ligne2",
    "code_postal", "ville", "pays", "numero_permis", "date_delivrance_permis", "pays_permis", "raison_sociale", "siret",
    "piece_jointe",
]  # fmt: skip
_NOBODY = [None] * 14


def answers_sheet(
    actor: Actor,
    session: TenantSession,
    *,
    since: date | None = None,
    until: date | None = None,
    to_post: bool = False,
    as_of: datetime,
) -> Sheet:
    """The answers that stand and that the actor may see, given from a day to a day (both included, in the client's
    zone), or only those that wait to be posted; the newest last. Handing it out is traced with its count."""
    company = organisation(actor.organisation_id)
    states = {AnswerState.TO_POST} if to_post else OPEN_STATES
    found = session.execute(_answered(actor, since, until, states, as_of)).all()
    rows = [row for chunk in chunks(found) for row in _rows(chunk, company)]
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"nombre": len(rows)}
        audit.record(trace, "reponse.exportees", as_of=as_of, actor_id=actor.user_id, details=details)
    return Sheet("Réponses", HEADINGS, rows)


def _answered(
    actor: Actor, since: date | None, until: date | None, states: Collection[AnswerState], as_of: datetime
) -> Select[tuple[Notice, Answer]]:
    own = actor.organisation_id
    visible = visible_notices(actor, as_of).where(Notice.is_answered.is_(True)).with_only_columns(Notice.id)
    query = (
        select(Notice, Answer)
        .join(Answer, (Answer.organisation_id == Notice.organisation_id) & (Answer.notice_id == Notice.id))
        .where(Notice.organisation_id == own, Answer.organisation_id == own)
        .where(Notice.id.in_(visible), Answer.state.in_(states))
        .order_by(Answer.confirmed_at, Answer.id)
    )
    if since is not None:
        query = query.where(Answer.confirmed_at >= start_of_day(since, actor.zone))
    if until is not None:
        query = query.where(Answer.confirmed_at < end_of_day(until, actor.zone))
    return query


def _rows(some: Sequence[tuple[Notice, Answer]], company: Organisation) -> Iterator[list[Cell]]:
    keys = key_store().keys(company.id, [notice.key_id for notice, _ in some])
    for notice, answer in some:
        if notice.key_id in keys:
            key = keys[notice.key_id]
            yield _row(notice, open_notice(key, notice), answer, open_snapshot(key, answer), company)


def _row(notice: Notice, details: NoticeDetails, answer: Answer, snapshot: dict, company: Organisation) -> list[Cell]:
    local = notice.offence_at.astimezone(ZoneInfo(notice.offence_zone)).replace(tzinfo=None)
    papers = "\u00a0; ".join(f"{one['nature']} {one['reference']}" for one in snapshot.get("pieces", []))
    return [
        details.number, notice.notice_date, details.plate, details.country, local, answer.kind, _motive(snapshot),
        *(_person(snapshot["conducteur"]) if "conducteur" in snapshot else _NOBODY),
        company.name, company.number, papers or None,
    ]  # fmt: skip


def _motive(snapshot: dict) -> str | None:
    if "motif" not in snapshot:
        return None
    told = ImpossibilityReason(snapshot["motif"]).requirements.label, snapshot["commentaire"]
    return "\u00a0: ".join(one for one in told if one)


def _person(declared: dict) -> list[Cell]:
    who = from_json(declared)
    rest = ", ".join(filter(None, (who.address_inside, who.address_complement, who.address_locality)))
    return [
        who.civility, who.last_name, None, who.first_name, who.birth_date, who.birth_place, who.address_line, rest,
        who.postcode, who.city, who.country, who.licence_number, who.licence_issued_on, who.licence_country,
    ]  # fmt: skip
