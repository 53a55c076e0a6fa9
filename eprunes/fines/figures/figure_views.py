"""The page of figures, and its workbook."""

from flask import g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import XLSX, download, downloads, reading
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.counting import DRIVERS_OF_MONTHS, FEWEST_DRIVERS
from eprunes.fines.figures import figures, figures_export


@blueprint.get("/contraventions/chiffres", endpoint="figures")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def figures_page():
    asked = figures.read_asked(request.args)
    shown = figures.read_figures(g.actor, reading(), asked, clock.now())
    context = {"asked": asked, "arguments": figures.asked_arguments(asked), "other_sites": figures.OTHER_SITES}
    context |= {"fewest": FEWEST_DRIVERS, "of_months": DRIVERS_OF_MONTHS, "fine": figures.FINE}
    drawn, parts = figures_export.drawn(shown), figures_export.PARTS
    return render_template("fines/figures.html", figures=shown, charts=drawn, parts=parts, **context)


@blueprint.get("/contraventions/chiffres/export.xlsx")
@requires(Permission.EXPORT_NOTICES, confirmed=True)
@downloads
def export_figures():
    asked = figures.read_asked(request.args)
    content = figures_export.figures_workbook(g.actor, reading(), asked, clock.now())
    return download(content, "chiffres-contraventions.xlsx", XLSX)
