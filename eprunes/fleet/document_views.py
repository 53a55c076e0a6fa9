"""Pages of documents: those of a vehicle, those of a driver, adding one, saving one, removing one."""

from typing import Any
from uuid import UUID

from flask import Response, flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import download, downloads, reading, refusals_on, render_form
from eprunes.fleet import documents, pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers, in_vehicles
from eprunes.fleet.document_forms import DocumentForm
from eprunes.fleet.documents import DRIVER, VEHICLE, Subject
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.fleet.services import documents as services

LARGEST_BODY = 64 * 1024 * 1024
"""More than what is kept: a photo that is too heavy is refused on its form, with what was chosen."""
_TEMPLATES = {VEHICLE: "fleet/vehicle_documents.html", DRIVER: "fleet/driver_documents.html"}
_UPLOADS = {"fleet.add_vehicle_document", "fleet.add_driver_document"}


@blueprint.url_value_preprocessor
def _let_heavy_photos_in(endpoint: str | None, values: dict | None) -> None:
    if endpoint in _UPLOADS:
        request.max_content_length = LARGEST_BODY


@blueprint.get("/vehicules/<uuid:vehicle_id>/documents")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicle_documents(vehicle_id: UUID):
    return _page(Subject(VEHICLE, vehicle_id), DocumentForm(VEHICLE))


@blueprint.post("/vehicules/<uuid:vehicle_id>/documents")
@requires(Permission.EDIT_FLEET)
@in_vehicles
def add_vehicle_document(vehicle_id: UUID):
    return _added(Subject(VEHICLE, vehicle_id))


@blueprint.get("/conducteurs/<uuid:driver_id>/documents")
@requires(Permission.VIEW_FLEET)
@in_drivers
def driver_documents(driver_id: UUID):
    return _page(Subject(DRIVER, driver_id), DocumentForm(DRIVER))


@blueprint.post("/conducteurs/<uuid:driver_id>/documents")
@requires(Permission.EDIT_FLEET)
@in_drivers
def add_driver_document(driver_id: UUID):
    return _added(Subject(DRIVER, driver_id))


@blueprint.get("/documents/<uuid:document_id>")
@requires(Permission.EXPORT_FLEET)
@downloads
def document(document_id: UUID):
    """Closed to a visiting operator, who sees in the list that the document is there."""
    file = found(services.take_document(reading(), actor=g.actor, document_id=document_id, as_of=clock.now()))
    return download(file.content, file.name, file.media_type)


@blueprint.route("/documents/<uuid:document_id>/supprimer", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def remove_document(document_id: UUID):
    one, subject = found(documents.find_document(reading(), g.actor, document_id))
    form, back = ConfirmForm(), _page_of(subject)
    if form.validate_on_submit():
        with refusals_on(form):
            services.remove_document(actor=g.actor, document_id=document_id, as_of=clock.now())
            flash("Document supprimé.")
            return redirect(back)
    owner = documents.owner_name(reading(), g.actor, subject)
    return render_form("fleet/remove_document.html", form, document=one, owner=owner, back=back)


def _added(subject: Subject) -> Response:
    """What follows once a document is added, or the page that says why it is not."""
    _owner(subject)
    form = DocumentForm(subject.kind)
    if form.validate_on_submit():
        with refusals_on(form):
            services.add_document(actor=g.actor, subject=subject, **form.values(), as_of=clock.now())
            flash("Document ajouté.")
            return redirect(_page_of(subject))
    return _page(subject, form)


def _page(subject: Subject, form: DocumentForm) -> Response:
    shown = {**_owner(subject), "listed": documents.read_documents(reading(), g.actor, subject), "as_of": clock.now()}
    return render_form(_TEMPLATES[subject.kind], form, **shown, today=local_day(shown["as_of"], g.actor.zone))


def _owner(subject: Subject) -> dict[str, Any]:
    """Whose documents they are, as the page's head wants it; 404 when the actor does not see it."""
    if subject.kind == VEHICLE:
        return {"vehicle": found(queries.find_vehicle(reading(), g.actor, subject.id))}
    return found(pages.read_driver_head(reading(), g.actor, subject.id))._asdict()


def _page_of(subject: Subject) -> str:
    if subject.kind == VEHICLE:
        return url_for("fleet.vehicle_documents", vehicle_id=subject.id)
    return url_for("fleet.driver_documents", driver_id=subject.id)
