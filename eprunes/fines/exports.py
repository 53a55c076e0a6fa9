"""The notices a user sees, as an Excel workbook (C7-a): everything found, not only the page."""

from datetime import datetime
from zoneinfo import ZoneInfo

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.fines.inbox import SORTS, Row, rows_of, select_view
from eprunes.fines.models import Notice
from eprunes.fines.queries import View

CHUNK = 500
HEADINGS = [
    "N° d’avis",
    "Date de l’avis",
    "Date et heure de l’infraction",
    "Immatriculation",
    "Pays",
    "Marque",
    "Modèle",
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


def notices_workbook(
    actor: Actor, session: TenantSession, view: View, search: str, sort: str, as_of: datetime
) -> bytes:
    """The workbook of one view; the export is traced with its count."""
    keys, descending = SORTS.get(sort, SORTS["echeance"])
    columns = [getattr(Notice, name) for name in (*keys, "id")]
    order = [column.desc() if descending else column.asc() for column in columns]
    notices = session.scalars(select_view(actor, view, search, session, as_of).order_by(*order)).all()
    rows: list[Row] = []
    for start in range(0, len(notices), CHUNK):
        rows.extend(rows_of(session, notices[start : start + CHUNK], as_of))
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"vue": view, "nombre": len(rows)}
        audit.record(trace, "avis.exportes", as_of=as_of, actor_id=actor.user_id, details=details)
    return write_workbook([Sheet("Contraventions", HEADINGS, [_cells(row, actor.zone) for row in rows])])


def _cells(row: Row, zone: ZoneInfo) -> list:
    notice, details = row.notice, row.details
    return [
        details.number,
        notice.notice_date,
        notice.offence_at.astimezone(ZoneInfo(notice.offence_zone)).replace(tzinfo=None),
        row.vehicle.plate if row.vehicle else details.plate,
        details.country,
        row.vehicle.make if row.vehicle else details.make,
        row.vehicle.model if row.vehicle else "",
        notice.natinf,
        row.offence.label if row.offence else details.label,
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
