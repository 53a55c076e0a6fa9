"""The figures as an Excel workbook (C7-a), and as charts for their page."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.fines.figures import charts
from eprunes.fines.figures.charts import Series, Subject
from eprunes.fines.figures.figures import Asked, Figures, Line, read_figures

PARTS = {
    "designated": ("conducteur désigné", "chart-ok"),
    "impossible": ("désignation impossible", "chart-info"),
    "filed": ("classés", "chart-idle"),
    "missed": ("sans réponse", "chart-bad"),
    "waiting": ("en attente", "chart-warn"),
}
"""What became of notices: words and colour, in the order of the charts."""
MOST_BARS = 10
HEADINGS = [
    "Reçus",
    "Conducteur désigné",
    "Désignation impossible",
    "Classés",
    "Sans réponse",
    "En attente",
    "Répondus dans le délai",
    "Répondus dans le délai (%)",
    "Délai moyen de réponse (jours)",
    "Enjeu des avis sans réponse (€)",
]


def figures_workbook(actor: Actor, session: TenantSession, asked: Asked, as_of: datetime) -> bytes:
    """A sheet by month, one by site, one by offence; traced."""
    shown = read_figures(actor, session, asked, as_of)
    sheets = [
        Sheet("Par mois", ["Mois", *HEADINGS], [_cells(line) for line in shown.by_month]),
        Sheet("Par site", ["Site", *HEADINGS], [_cells(line) for line in shown.by_site]),
        Sheet("Par infraction", ["Infraction", *HEADINGS], [_cells(line) for line in shown.by_offence]),
    ]
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"mois": asked.months}
        audit.record(trace, "avis.chiffres_exportes", as_of=as_of, actor_id=actor.user_id, details=details)
    return write_workbook(sheets)


def drawn(shown: Figures) -> dict[str, Markup]:
    """The charts of the page, by name."""
    months = [line.short for line in shown.by_month]
    received = shown.total.received
    said = f"{received} avis reçus sur la période\u00a0; les nombres de chaque barre sont dans le tableau."
    shares = [line.share_in_time for line in shown.by_month]
    return {
        "months": charts.columns(
            Subject("par-mois", "Avis par mois de mise en ligne, et ce qu’ils sont devenus", said),
            months,
            _series(shown.by_month),
        ),
        "shares": charts.line(
            Subject("a-temps", "Part des avis répondus dans le délai, par mois", "En pour cent, mois par mois."),
            months,
            shares,
            "%",
            "chart-plum",
        ),
        "sites": _bars("par-site", "Avis par site", shown.by_site),
        "offences": _bars("par-infraction", "Avis par infraction", shown.by_offence),
    }


def _bars(name: str, title: str, lines: Sequence[Line]) -> Markup:
    first = lines[:MOST_BARS]
    said = "Les nombres sont dans le tableau." if len(first) == len(lines) else f"Les {MOST_BARS} premières lignes."
    return charts.bars(Subject(name, title, said), [line.label for line in first], _series(first))


def _series(lines: Sequence[Line]) -> list[Series]:
    return [Series(word, tone, [getattr(one, part) for one in lines]) for part, (word, tone) in PARTS.items()]


def _cells(line: Line) -> list:
    counted = [line.received, line.designated, line.impossible, line.filed, line.missed, line.waiting, line.in_time]
    return [line.label, *counted, line.share_in_time, line.average_days, line.at_stake]
