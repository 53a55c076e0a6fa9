"""The main navigation: only the tools that the actor may enter."""

from dataclasses import dataclass

from flask import current_app, g, request, url_for

from eprunes.accounts.permissions import Permission
from eprunes.core import clock
from eprunes.core.web import reading
from eprunes.fines import notice_counts


@dataclass(frozen=True)
class Badge:
    """A number beside an entry, in red when something there is pressing, and the words that say what it counts."""

    number: str
    words: str
    pressing: bool


@dataclass(frozen=True)
class Entry:
    label: str
    icon: str
    url: str
    current: bool
    badge: Badge | None = None


_ENTRIES = (
    ("home.home", "Accueil", "house", Permission.ENTER),
    ("fines.inbox", "Contraventions", "envelope-exclamation", Permission.VIEW_NOTICES),
    ("fleet.vehicles", "Véhicules", "truck", Permission.VIEW_FLEET),
    ("fleet.pool", "Partagés", "key", Permission.VIEW_FLEET),
    ("fleet.drivers", "Conducteurs", "person-vcard", Permission.VIEW_FLEET),
    ("fleet.due_dates", "Échéances", "calendar-check", Permission.VIEW_FLEET),
    ("antai.exchanges", "ANTAI", "arrow-left-right", Permission.VIEW_FLEET),
    ("admin.users", "Administration", "gear", Permission.ADMINISTER),
    ("provider.clients", "Clients", "building", Permission.OPERATE),
    ("provider.accounts", "Comptes", "person-badge", Permission.OPERATE),
    ("provider.to_review", "À examiner", "inbox", Permission.OPERATE),
    ("provider.catalogue", "Infractions", "journal-text", Permission.OPERATE),
)


def navigation() -> list[Entry]:
    """The entries that the signed-in actor may open: none before the sign-in is complete."""
    if g.actor.pending:
        return []
    return [
        Entry(label, icon, url_for(endpoint), _is_current(endpoint), _BADGES.get(endpoint, lambda: None)())
        for endpoint, label, icon, permission in _ENTRIES
        if g.actor.may(permission) and endpoint in current_app.view_functions
    ]


def _notices_to_do() -> Badge | None:
    waiting, urgent = g.get("notices_to_do") or notice_counts.to_do(reading(), g.actor, clock.now())
    if not waiting.number:
        return None
    words = f"à traiter, dont {urgent.text} en urgence" if urgent.number else "à traiter"
    return Badge(waiting.text, words, pressing=bool(urgent.number))


_BADGES = {"fines.inbox": _notices_to_do}


def _is_current(endpoint: str) -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return request.endpoint == endpoint or getattr(view, "section", None) == endpoint
