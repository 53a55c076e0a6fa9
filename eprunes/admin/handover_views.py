"""The administrator proposes the account to another user (decision 6)."""

from flask import flash, g, redirect, url_for

from eprunes.accounts.people import Standing, handover_of, read_people
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import handovers
from eprunes.admin.blueprint import blueprint, in_admin
from eprunes.admin.user_forms import HandoverForm
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on, render_form


@blueprint.route("/administration/passation", methods=["GET", "POST"])
@requires(Permission.ADMINISTER, confirmed=True)
@in_admin
def start_handover():
    form = HandoverForm()
    form.to_user_id.choices = _choices()
    if form.validate_on_submit():
        with refusals_on(form):
            handovers.start(g.actor, form.to_user_id.data, clock.now())
            flash("Proposition envoyée. Vous restez l’administrateur tant qu’elle n’est pas acceptée.")
            return redirect(url_for("accounts.handover"))
    return render_form("admin/handover.html", form, handover=handover_of(g.actor, clock.now()))


def _choices() -> list[tuple[str, str]]:
    people = read_people(g.actor, reading(), clock.now())
    fit = [one.user for one in people if one.standing == Standing.ACTIVE and not one.user.is_administrator]
    return [(str(user.id), f"{user.display_name} ({user.email})") for user in fit]
