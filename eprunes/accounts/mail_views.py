"""« Mes courriels » : how often one is told of notices."""

from flask import flash, g, redirect, url_for

from eprunes.accounts import account_pages
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.mail_forms import MailRhythmForm
from eprunes.accounts.models import MailRhythm
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import mail_rhythms
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/mon-compte/courriels", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
def mails():
    form = MailRhythmForm(rhythm=account_pages.mail_rhythm_of(g.actor))
    if form.validate_on_submit():
        with refusals_on(form):
            mail_rhythms.choose_rhythm(actor=g.actor, rhythm=MailRhythm(form.rhythm.data), as_of=clock.now())
            flash("Rythme de vos courriels enregistré.")
            return redirect(url_for("accounts.account"))
    return render_form("accounts/mails.html", form)
