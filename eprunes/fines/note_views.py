"""What is kept under a notice: internal notes, and the vehicle that somebody says it is about."""

from uuid import UUID

from flask import flash, g, redirect, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import refusals_on
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.forms import NoteForm, VehicleChoiceForm
from eprunes.fines.notice_rendering import render_notice
from eprunes.fines.services import notes, vehicle_choice


@blueprint.post("/contraventions/<uuid:notice_id>/notes")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def add_note(notice_id: UUID):
    form = NoteForm()
    if form.validate_on_submit():
        with refusals_on(form):
            notes.add_note(g.actor, notice_id, text=form.text.data, as_of=clock.now())
            flash("Note ajoutée.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id, _anchor="notes"))
    return render_notice(notice_id, note=form)


@blueprint.post("/contraventions/<uuid:notice_id>/vehicule")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def choose_vehicle(notice_id: UUID):
    form = VehicleChoiceForm()
    if form.validate_on_submit():
        with refusals_on(form):
            vehicle_choice.choose_vehicle(g.actor, notice_id, vehicle_id=form.chosen(), as_of=clock.now())
            flash("Véhicule de l’avis enregistré.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id))
    return render_notice(notice_id, vehicle=form)
