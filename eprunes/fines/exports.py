"""The notices a user sees, as an Excel workbook or a CSV file (C7-a): everything found, not only the page."""

from datetime import datetime
from zoneinfo import ZoneInfo

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Sheet, write_csv, write_workbook
from eprunes.fines.deadlines import NoticeSource
from eprunes.fines.inbox_filters import NoticeSearch, found_notices, in_order
from eprunes.fines.models import NoticeKind
from eprunes.fines.notice_rows import Row, rows_of

KINDS = {NoticeKind.OFFENCE: "Contravention", NoticeKind.PARKING_FEE: "FPS"}
HEADINGS = [
    "N° d’avis",
    "Nature",
    "Origine",
    "Date de l’avis",
    "Date et heure de l’infraction",
    "Immatriculation",
    "Pays",
    "Marque",
    "Modèle",
    "Site",
    "NATINF",
    "Infraction",
    "Vitesse retenue (km/h)",
    "Vitesse limite (km/h)",
    "Lieu",
    "Code postal",
    "Commune",
    "Mis en ligne le",
    "Échéance",
    "Jours restants",
    "État",
    "Conducteur",
    "Motif de la proposition",
    "N° d’enregistrement ANTAI",
]


def notices_workbook(actor: Actor, session: TenantSession, search: NoticeSearch, as_of: datetime) -> bytes:
    """The workbook of all that a search of the inbox finds, in its order; traced with its count."""
    return write_workbook([_sheet(actor, session, search, as_of)])


def notices_csv(actor: Actor, session: TenantSession, search: NoticeSearch, as_of: datetime) -> bytes:
    """As `notices_workbook`, as a CSV file."""
    return write_csv(_sheet(actor, session, search, as_of))


def _sheet(actor: Actor, session: TenantSession, search: NoticeSearch, as_of: datetime) -> Sheet:
    notices = session.scalars(in_order(found_notices(session, actor, search, as_of), search)).all()
    rows: list[Row] = []
    for chunk in chunks(notices):
        rows.extend(rows_of(session, chunk, as_of))
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"vue": search.view, "nombre": len(rows), "recherche": search.is_narrowed}
        audit.record(trace, "avis.exportes", as_of=as_of, actor_id=actor.user_id, details=details)
    return Sheet("Contraventions", HEADINGS, [_cells(row, actor.zone) for row in rows])


def _cells(row: Row, zone: ZoneInfo) -> list:
    notice, details = row.notice, row.details
    return [
        details.number,
        KINDS[notice.kind],
        "ANTAI" if notice.source == NoticeSource.AGENCY_FLOW else "Papier",
        notice.notice_date,
        notice.offence_at.astimezone(ZoneInfo(notice.offence_zone)).replace(tzinfo=None),
        row.vehicle.plate if row.vehicle else details.plate,
        details.country,
        row.vehicle.make if row.vehicle else details.make,
        row.vehicle.model if row.vehicle else None,
        row.vehicle.site or None if row.vehicle else None,
        notice.natinf,
        row.offence.label if row.offence else f"{details.label} (à vérifier)" if notice.natinf else details.label,
        details.speed_retained,
        details.speed_limit,
        details.place,
        details.postcode,
        details.city,
        notice.posted_at.astimezone(zone).replace(tzinfo=None, microsecond=0),
        row.deadline.day,
        None if notice.is_answered else row.days_left,
        row.state[0],
        row.driver.sort_name if row.driver else None,
        None if notice.is_answered else row.proposal.why,
        row.answer.receipt_number if row.answer else None,
    ]
