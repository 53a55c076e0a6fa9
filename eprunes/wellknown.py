"""`/.well-known/security.txt` (RFC 9116): whom to tell about a weakness of the platform."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, current_app

from eprunes.accounts.permissions import public
from eprunes.core import clock
from eprunes.core.config import Settings

blueprint = Blueprint("wellknown", __name__)
VALID_FOR = timedelta(days=180)


@blueprint.get("/.well-known/security.txt")
@public
def security():
    settings = current_app.extensions["eprunes_settings"]
    if not settings.security_contact:
        abort(404)
    return Response(_text(settings, clock.now()), content_type="text/plain; charset=utf-8")


def _text(settings: Settings, as_of: datetime) -> str:
    expires = (as_of + VALID_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        f"Contact: {settings.security_contact}\n"
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}\n"
        "Preferred-Languages: fr\n"
        f"Canonical: {settings.base_url}/.well-known/security.txt\n"
    )
