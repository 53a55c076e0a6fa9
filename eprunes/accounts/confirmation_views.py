"""Proving again who one is, before an act that asks for it: by the password, or by a code of the second factor."""

from flask import Response, g, redirect, render_template, request, url_for

from eprunes.accounts.account_forms import CodeForm
from eprunes.accounts.account_pages import second_factor_of
from eprunes.accounts.answers import carrying, wanted_page
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import ConfirmForm
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import own_account, second_factors
from eprunes.core import clock
from eprunes.core.web import leads_to_download, refusals_on, render_form, safe_path


@blueprint.route("/confirmation", methods=["GET", "POST"])
@requires(Permission.ENTER)
def confirm():
    form, factor = ConfirmForm(), second_factor_of(g.actor)
    if form.validate_on_submit():
        with refusals_on(form):
            token = own_account.confirm_by_password(actor=g.actor, password=form.password.data, as_of=clock.now())
            return carrying(_onwards(), token)
    return render_form("accounts/confirm.html", form, factor=factor, way=_way())


@blueprint.route("/confirmation/code", methods=["GET", "POST"])
@requires(Permission.ENTER)
def confirm_by_code():
    form, factor = CodeForm(), second_factor_of(g.actor)
    if not factor.is_set:
        return redirect(url_for("accounts.confirm", **_way()))
    if form.validate_on_submit():
        with refusals_on(form):
            token = second_factors.give_code(actor=g.actor, code=form.code.data, as_of=clock.now())
            return carrying(_onwards(), token)
    return render_form("accounts/confirm_by_code.html", form, way=_way())


def _onwards() -> Response | str:
    """To the wanted page; a file leaves the browser where it is, so that a page says that it comes."""
    wanted = wanted_page()
    if not leads_to_download(wanted):
        return redirect(wanted)
    before = safe_path(request.args.get("retour"), url_for("home.home"))
    return render_template("accounts/download.html", file=wanted, before=before)


def _way() -> dict[str, str | None]:
    """Where one goes and came from, from one page of the confirmation to the other."""
    return {name: request.args.get(name) for name in ("suite", "retour")}
