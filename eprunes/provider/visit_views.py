"""Visiting a client's data: asked for with a reason, left at any moment."""

from uuid import UUID

from flask import current_app, flash, g, redirect, url_for

from eprunes.accounts import guard
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import visits
from eprunes.core import clock
from eprunes.core.web import in_section, refusals_on, render_form
from eprunes.provider.blueprint import blueprint
from eprunes.provider.forms import VisitForm
from eprunes.provider.queries import load_client


@blueprint.route("/exploitation/clients/<uuid:organisation_id>/visite", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_section("provider.clients")
def start_visit(organisation_id: UUID):
    client, form = load_client(organisation_id, clock.now()), VisitForm()
    if form.validate_on_submit():
        with refusals_on(form):
            token = visits.start_visit(g.actor, organisation_id, form.reason.data, clock.now())
            response = redirect(url_for("home.home"))
            guard.give_cookie(response, current_app, token)
            return response
    return render_form("provider/visit.html", form, client=client)


@blueprint.post("/exploitation/visite/terminer")
@requires(Permission.ENTER)
@in_section("provider.clients")
def end_visit():
    token = visits.end_visit(g.actor, clock.now())
    flash("Visite terminée.")
    response = redirect(url_for("provider.clients"))
    guard.give_cookie(response, current_app, token)
    return response
