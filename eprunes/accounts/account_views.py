"""« Mon compte » : who one is here, the password, the open sessions."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for

from eprunes.accounts import account_pages
from eprunes.accounts.account_forms import ChangePasswordForm
from eprunes.accounts.answers import carrying
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import own_account
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.get("/mon-compte")
@requires(Permission.ENTER)
def account():
    rights, factor = account_pages.rights_in_words(g.actor), account_pages.second_factor_of(g.actor)
    sessions, rhythm = account_pages.open_sessions(g.actor, clock.now()), account_pages.rhythm_in_words(g.actor)
    return render_template("accounts/account.html", rights=rights, factor=factor, sessions=sessions, rhythm=rhythm)


@blueprint.route("/mon-compte/mot-de-passe", methods=["GET", "POST"])
@requires(Permission.ENTER)
def change_password():
    form = ChangePasswordForm()
    if form.validate_on_submit():
        with refusals_on(form):
            typed = {"current": form.current.data, "new": form.new.data}
            token = own_account.change_password(actor=g.actor, **typed, as_of=clock.now())
            flash("Mot de passe changé. Vos autres sessions sont fermées.")
            return carrying(redirect(url_for("accounts.account")), token)
    return render_form("accounts/change_password.html", form, email=g.actor.email)


@blueprint.get("/mon-compte/sessions")
@requires(Permission.ENTER)
def open_sessions():
    return render_template("accounts/sessions.html", sessions=account_pages.open_sessions(g.actor, clock.now()))


@blueprint.post("/mon-compte/sessions/<uuid:session_id>/fermer")
@requires(Permission.ENTER)
def end_session(session_id: UUID):
    own_account.end_one(actor=g.actor, session_id=session_id, as_of=clock.now())
    flash("Session fermée.")
    return redirect(url_for("accounts.open_sessions"))


@blueprint.post("/mon-compte/sessions/fermer-les-autres")
@requires(Permission.ENTER)
def end_other_sessions():
    own_account.end_others(actor=g.actor, as_of=clock.now())
    flash("Vos autres sessions sont fermées.")
    return redirect(url_for("accounts.open_sessions"))
