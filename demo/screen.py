"""What the demo says in the terminal."""

import sys

from demo import accounts
from demo.places import Place
from eprunes.core import clock
from eprunes.core.calendar import paris_day

LOADING = "Premier démarrage\u00a0: chargement du parc et de ses contraventions (une quinzaine de secondes)…"
LOADING_AGAIN = "Démarrage avec les données déjà chargées…"
INTERRUPTED = "\nChargement interrompu\u00a0: le prochain démarrage le recommencera."
STOPPING = "\nArrêt en cours…"
STOPPED = "La démonstration est arrêtée\u00a0; ses données sont gardées («\u00a0make reset\u00a0» les efface)."
_LINE = "─" * 78


def say(text: str) -> None:
    """One line at once, even into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def welcome(place: Place) -> None:
    """Where to go and as whom."""
    width = max(len(person.label) for person in accounts.EVERYONE)
    people = [f"    {person.label:<{width}}   {person.email}" for person in accounts.EVERYONE]
    lines = [
        _LINE,
        "  e-Prunes est prêt (démonstration, données fictives)",
        "",
        f"  Adresse       {place.environ['EPRUNES_BASE_URL']}",
        f"  Mot de passe  {accounts.PASSWORD}   (le même pour tous les comptes)",
        f"  Courriels     {place.mailbox_url}   (invitations, mots de passe oubliés…)",
        "",
        f"  Comptes ({accounts.ORGANISATION})",
        *people,
        "",
        "  D’autres contraventions arrivent d’elles-mêmes dans la minute.",
        *_offset_lines(place),
        f"  Journaux      {place.folder / 'log'}",
        "  Arrêter       Ctrl-C",
        _LINE,
    ]
    say("\n".join(lines))


def _offset_lines(place: Place) -> list[str]:
    text = place.environ.get("EPRUNES_CLOCK_OFFSET", "").strip()
    if not text:
        return []
    day = paris_day(clock.now() + clock.parse_duration(text))
    return [f"  Horloge       décalée de {text}\u00a0: on est le {day:%d/%m/%Y}"]
