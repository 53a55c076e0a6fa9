"""What several pages of accounts answer with: the way on, and the session's new token."""

from flask import Response, current_app, make_response, request, url_for

from eprunes.accounts import guard
from eprunes.core.web import safe_path


def wanted_page() -> str:
    """The page that the person was on the way to: `suite` of the address, else the home page."""
    return safe_path(request.args.get("suite"), url_for("home.home"))


def carrying(answer: Response | str, token: str) -> Response:
    """The same answer with the session's new token for the browser."""
    response = make_response(answer)
    guard.give_cookie(response, current_app, token)
    return response
