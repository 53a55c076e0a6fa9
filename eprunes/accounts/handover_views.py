"""« Passation » : what the two people of a hand-over see of it, and what they may do (decision 6)."""

from flask import Response, current_app, flash, g, redirect, render_template, url_for

from eprunes.accounts import guard, people
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import handovers
from eprunes.core import clock

blueprint.app_context_processor(lambda: {"handover_under_way": lambda: people.handover_of(g.actor, clock.now())})


@blueprint.get("/passation")
@requires(Permission.ENTER)
def handover():
    found = people.handover_of(g.actor, clock.now())
    if found is None:
        flash("Aucune passation du compte administrateur ne vous concerne en ce moment.", "warning")
        return redirect(url_for("home.home"))
    return render_template("accounts/handover.html", handover=found)


@blueprint.post("/passation/accepter")
@requires(Permission.ENTER, confirmed=True)
def accept_handover():
    handovers.accept(g.actor, clock.now())
    flash("Le compte administrateur a changé de mains. Connectez-vous de nouveau.")
    return _signed_out()


@blueprint.post("/passation/refuser")
@requires(Permission.ENTER)
def decline_handover():
    handovers.decline(g.actor, clock.now())
    flash("Vous avez refusé le compte administrateur\u00a0: rien n’a changé.")
    return redirect(url_for("home.home"))


@blueprint.post("/passation/annuler")
@requires(Permission.ENTER, confirmed=True)
def cancel_handover():
    handovers.cancel(g.actor, clock.now())
    flash("La passation est annulée\u00a0: vous gardez le compte administrateur.")
    return redirect(url_for("home.home"))


def _signed_out() -> Response:
    response = redirect(url_for("accounts.sign_in"))
    guard.take_cookie_back(response, current_app)
    return response
