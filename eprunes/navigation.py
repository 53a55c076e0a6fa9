"""The main navigation: only the tools that the actor may enter."""

from dataclasses import dataclass

from flask import current_app, g, request, url_for

from eprunes.accounts.permissions import Permission


@dataclass(frozen=True)
class Entry:
    label: str
    icon: str
    url: str
    current: bool


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
)


def navigation() -> list[Entry]:
    """The entries that the signed-in actor may open: none before the sign-in is complete."""
    if g.actor.pending:
        return []
    return [
        Entry(label, icon, url_for(endpoint), _is_current(endpoint))
        for endpoint, label, icon, permission in _ENTRIES
        if g.actor.may(permission) and endpoint in current_app.view_functions
    ]


def _is_current(endpoint: str) -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return request.endpoint == endpoint or getattr(view, "section", None) == endpoint
