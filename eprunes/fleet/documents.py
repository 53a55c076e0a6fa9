"""Documents of vehicles and drivers, read: which there are, what they are called, which proofs are there."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import files
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.files import StoredFile
from eprunes.core.wording import file_size
from eprunes.fleet.models import DocumentKind, FleetDocument
from eprunes.fleet.names import names_by_id
from eprunes.fleet.queries import author_names, find_vehicle

VEHICLE, DRIVER = "vehicule", "conducteur"
KINDS = {
    VEHICLE: tuple(one for one in DocumentKind if one is not DocumentKind.LICENCE),
    DRIVER: (DocumentKind.LICENCE, DocumentKind.OTHER),
}
"""What may be kept of each kind of subject."""
UNREADABLE = "Document effacé"


class Subject(NamedTuple):
    """What a document belongs to: VEHICLE or DRIVER, and its id."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Document:
    """A document of a list; `author` is empty when the account is gone."""

    id: UUID
    kind: str
    name: str
    size: str
    at: datetime
    author: str


def visible_documents(actor: Actor) -> Select[tuple[FleetDocument]]:
    """The documents that the actor may know of: those of the vehicles and drivers that they see."""
    query = select(FleetDocument).where(FleetDocument.organisation_id == actor.organisation_id)
    return query if actor.may(Permission.VIEW_FLEET) else query.where(false())


def with_files(documents: Select[tuple[FleetDocument]]) -> Select[tuple[FleetDocument, StoredFile]]:
    """Documents, each with its file."""
    same = and_(
        StoredFile.organisation_id == FleetDocument.organisation_id,
        StoredFile.id == FleetDocument.file_id,
    )
    return documents.join(StoredFile, same).add_columns(StoredFile)


def of(subject: Subject) -> ColumnElement[bool]:
    """True for the documents of one vehicle or driver."""
    column = FleetDocument.vehicle_id if subject.kind == VEHICLE else FleetDocument.driver_id
    return column == subject.id


def subject_of(document: FleetDocument) -> Subject:
    """What a document belongs to."""
    if document.vehicle_id is not None:
        return Subject(VEHICLE, document.vehicle_id)
    return Subject(DRIVER, document.driver_id)


def read_documents(session: TenantSession, actor: Actor, subject: Subject) -> list[Document]:
    """The documents of one vehicle or driver, newest first."""
    query = with_files(visible_documents(actor).where(of(subject)))
    return _listed(session, actor, query.order_by(FleetDocument.created_at.desc(), FleetDocument.id.desc()))


def find_document(session: TenantSession, actor: Actor, document_id: UUID) -> tuple[Document, Subject] | None:
    """One document that the actor may know of and what it belongs to, or None."""
    found = visible_documents(actor).where(FleetDocument.id == document_id)
    row = session.scalar(found)
    if row is None:
        return None
    [document] = _listed(session, actor, with_files(found))
    return document, subject_of(row)


def owner_name(session: TenantSession, actor: Actor, subject: Subject) -> str:
    """The plate of a vehicle, the name of a driver."""
    if subject.kind == VEHICLE:
        return find_vehicle(session, actor, subject.id).plate
    return names_by_id(session, actor, [subject.id])[subject.id].name


def kinds_present(session: TenantSession, actor: Actor, vehicle_id: UUID) -> set[DocumentKind]:
    """The kinds of documents that are there for a vehicle: which proofs it has."""
    query = visible_documents(actor).where(FleetDocument.vehicle_id == vehicle_id)
    return {DocumentKind(kind) for kind in session.scalars(query.with_only_columns(FleetDocument.kind).distinct())}


def _listed(session: TenantSession, actor: Actor, query: Select[tuple[FleetDocument, StoredFile]]) -> list[Document]:
    rows = session.execute(query).all()
    keys = key_store().keys(actor.organisation_id, [file.key_id for _, file in rows])
    authors = author_names(session, (document.created_by for document, _ in rows))
    return [
        Document(
            document.id,
            document.kind,
            files.name_of(file, keys[file.key_id]) if file.key_id in keys else UNREADABLE,
            file_size(file.size),
            document.created_at,
            authors.get(document.created_by, ""),
        )
        for document, file in rows
    ]
