"""Operations on documents of vehicles and drivers: adding, handing out, removing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import undefer

from eprunes.accounts.permissions import Actor
from eprunes.core import files
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.files import Received, StoredFile
from eprunes.core.paging import count_of
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet import queries
from eprunes.fleet.documents import KINDS, VEHICLE, Subject, of, subject_of, visible_documents, with_files
from eprunes.fleet.models import Driver, FleetDocument
from eprunes.fleet.services import steps
from eprunes.fleet.services.due_dates import refresh_computed
from eprunes.fleet.vehicle_rules import PROOFS

MOST = 100
"""Documents of one vehicle or driver: its page opens the name of each."""
_PROVING = {kind for kinds in PROOFS.values() for kind in kinds}


def add_document(*, actor: Actor, subject: Subject, kind: str, name: str, content: bytes, as_of: datetime) -> UUID:
    """Keep a document of a vehicle or of a driver, sealed under a key of its own (C4.2). Returns its id.

    Raises Refused on `kind` or `file`: of another nature than PDF, JPEG or PNG, empty, too heavy, or there already.
    """
    if kind not in KINDS[subject.kind]:
        raise Refused("Choisissez dans la liste.", "kind")
    received, own = files.checked(name, content), actor.organisation_id
    [key] = key_store().create_keys(own, files.KEY_PURPOSE, as_of)
    try:
        with tenant_session(own, write=True) as session:
            _lock(session, actor, subject)
            _refuse_too_many(session, actor, subject)
            _refuse_known(session, actor, subject, received)
            file_id = files.store(session, key, received, author_id=actor.user_id, as_of=as_of)
            return _add(session, actor, subject, kind, file_id, as_of)
    except Refused:
        key_store().destroy_keys(own, [key[0]])
        raise


def take_document(session: TenantSession, *, actor: Actor, document_id: UUID, as_of: datetime) -> Received | None:
    """The file of a document that the actor may see, in clear; that it was handed out is traced. None if it is gone."""
    row = session.scalar(visible_documents(actor).where(FleetDocument.id == document_id))
    file = files.read(session, row.file_id) if row else None
    key = key_store().keys(actor.organisation_id, [file.key_id]).get(file.key_id) if file else None
    if key is None:
        return None
    content = files.opened(file, key)
    with tenant_session(actor.organisation_id, write=True) as trace:
        _record(trace, "document.telecharge", row, actor, as_of)
    return content


def remove_document(*, actor: Actor, document_id: UUID, as_of: datetime) -> None:
    """Destroy a document for good, its key after it. Raises Refused when it is gone already."""
    with tenant_session(actor.organisation_id, write=True) as session:
        row = session.scalar(visible_documents(actor).where(FleetDocument.id == document_id).with_for_update())
        if row is None:
            raise Refused("Ce document n’existe plus\u00a0: il vient d’être supprimé.")
        _record(session, "document.supprime", row, actor, as_of)
        session.delete(row)
        session.flush()
        _refresh_proofs(session, row, actor, as_of)
        key_id = files.remove(session, row.file_id)
    key_store().destroy_keys(actor.organisation_id, [key_id])


def _add(session: TenantSession, actor: Actor, subject: Subject, kind: str, file_id: UUID, as_of: datetime) -> UUID:
    owner = "vehicle_id" if subject.kind == VEHICLE else "driver_id"
    row = FleetDocument(
        organisation_id=actor.organisation_id,
        id=new_id(),
        file_id=file_id,
        kind=kind,
        created_by=actor.user_id,
        created_at=as_of,
        **{owner: subject.id},
    )
    session.add(row)
    session.flush()
    _record(session, "document.ajoute", row, actor, as_of)
    _refresh_proofs(session, row, actor, as_of)
    return row.id


def _refresh_proofs(session: TenantSession, row: FleetDocument, actor: Actor, as_of: datetime) -> None:
    """An exit whose proofs are there is due no more; one that lost a proof is due again."""
    if row.vehicle_id is not None and row.kind in _PROVING:
        refresh_computed(session, [row.vehicle_id], as_of, actor.zone)


def _lock(session: TenantSession, actor: Actor, subject: Subject) -> None:
    """Documents of one vehicle or driver are added one after the other. Raises Refused."""
    if subject.kind == VEHICLE:
        steps.locked_vehicle(session, actor, subject.id)
    elif session.scalar(queries.visible_drivers(actor).where(Driver.id == subject.id).with_for_update()) is None:
        raise Refused("Ce conducteur n’est pas dans votre parc.")


def _refuse_too_many(session: TenantSession, actor: Actor, subject: Subject) -> None:
    if count_of(session, visible_documents(actor).where(of(subject))) >= MOST:
        raise Refused(f"{MOST} documents au plus\u00a0: supprimez d’abord ceux qui ne servent plus.", "file")


def _refuse_known(session: TenantSession, actor: Actor, subject: Subject, received: Received) -> None:
    """The same content is not kept twice for one vehicle or driver, whatever its name."""
    alike = visible_documents(actor).where(of(subject), StoredFile.size == len(received.content))
    query = with_files(alike).options(undefer(StoredFile.content)).order_by(FleetDocument.created_at)
    rows = session.execute(query).all()
    keys = key_store().keys(actor.organisation_id, [file.key_id for _, file in rows])
    for _, file in rows:
        known = files.opened(file, keys[file.key_id]) if file.key_id in keys else None
        if known is not None and known.content == received.content:
            since = instant(file.created_at, actor.zone)
            sentence = f"Ce fichier est déjà là\u00a0: «\u00a0{known.name}\u00a0», ajouté le {since}."
            raise Refused(sentence, "file")


def _record(session: TenantSession, action: str, row: FleetDocument, actor: Actor, as_of: datetime) -> None:
    details = {"document": str(row.id), "nature": row.kind}
    steps.record(session, action, subject_of(row), actor, as_of, details)
