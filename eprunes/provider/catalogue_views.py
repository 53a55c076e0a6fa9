"""The operator's pages of the catalogue of offences."""

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import paris_day
from eprunes.core.texts import tidy_line
from eprunes.core.web import in_section, refusals_on, render_form
from eprunes.fines.catalogue_rules import ALWAYS, FROM_THE_FILE
from eprunes.fines.services import cataloguing
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.provider import catalogue_queries as queries
from eprunes.provider.blueprint import blueprint
from eprunes.provider.catalogue_forms import AddLineForm, ChangeLineForm, ReplaceLineForm, values_of

in_catalogue = in_section("provider.catalogue")


@blueprint.get("/exploitation/infractions")
@requires(Permission.OPERATE)
@in_catalogue
def catalogue():
    view = request.args.get("vue", "")
    words = tidy_line(request.args.get("q", ""))[:80]
    search = queries.Search(view if view in queries.VIEWS else queries.IN_FORCE, words)
    today = paris_day(clock.now())
    context = {"search": search, "views": queries.VIEWS, "today": today, "ALWAYS": ALWAYS}
    context["is_removable"] = cataloguing.is_removable
    return render_template("provider/catalogue.html", lines=queries.find_lines(search, today), **context)


@blueprint.route("/exploitation/infractions/nouvelle", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_catalogue
def add_offence():
    form = AddLineForm(data={"natinf": request.args.get("natinf", "")[:6], "offence_class": "4", "automatic": True})
    if form.validate_on_submit():
        with refusals_on(form):
            cataloguing.add_line(g.actor, form.natinf.data, form.said(), form.days(), clock.now())
            return _done(f"Infraction {form.natinf.data} ajoutée au catalogue.")
    return render_form("provider/catalogue_line.html", form, line=None, act="add")


@blueprint.route("/exploitation/infractions/<uuid:offence_id>/modifier", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_catalogue
def change_offence(offence_id: UUID):
    line = queries.load_line(offence_id)
    form = ChangeLineForm(data=values_of(line))
    if form.validate_on_submit():
        with refusals_on(form):
            cataloguing.change_line(g.actor, offence_id, form.said(), form.days(), clock.now(), seen=form.seen.data)
            return _done(f"Infraction {line.natinf} corrigée.")
    return render_form("provider/catalogue_line.html", form, line=line, act="change")


@blueprint.route("/exploitation/infractions/<uuid:offence_id>/remplacer", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_catalogue
def replace_offence(offence_id: UUID):
    line = queries.load_line(offence_id)
    form = ReplaceLineForm(data=values_of(line) | {"valid_from": None})
    if form.validate_on_submit():
        with refusals_on(form):
            cataloguing.replace_line(
                g.actor, offence_id, form.said(), form.valid_from.data, clock.now(), seen=form.seen.data
            )
            return _done(f"Infraction {line.natinf}\u00a0: nouvelle ligne enregistrée, l’ancienne est terminée.")
    return render_form("provider/catalogue_line.html", form, line=line, act="replace")


@blueprint.route("/exploitation/infractions/<uuid:offence_id>/retirer", methods=["GET", "POST"])
@requires(Permission.OPERATE, confirmed=True)
@in_catalogue
def remove_offence(offence_id: UUID):
    line, form = queries.load_line(offence_id), ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            natinf = cataloguing.remove_line(g.actor, offence_id)
            return _done(f"Ligne de l’infraction {natinf} retirée du catalogue.")
    context = {"is_removable": cataloguing.is_removable(line), "ALWAYS": ALWAYS, "FROM_THE_FILE": FROM_THE_FILE}
    return render_form("provider/catalogue_remove.html", form, line=line, **context)


def _done(sentence: str):
    flash(sentence)
    return redirect(url_for("provider.catalogue"))
