"""The headers of every answer, whatever it answers: what a browser may load, keep, and tell others."""

from secrets import token_urlsafe

from flask import Flask, Response, current_app, g, request

STATIC_ENDPOINTS = ("static", "bootstrap.static")
YEAR_SECONDS = 31_536_000
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_FILE = f"{_NOTHING}; sandbox"
_PAGE = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def install(app: Flask) -> None:
    """Put the headers on every answer, and give templates the `nonce` of their scripts and stylesheets."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = YEAR_SECONDS
    app.jinja_env.globals["nonce"] = nonce
    app.after_request(_add)


def nonce() -> str:
    """This answer's own random word: only what carries it is run or applied by the browser."""
    if "nonce" not in g:
        g.nonce = token_urlsafe(16)
    return g.nonce


def _add(response: Response) -> Response:
    headers = response.headers
    headers.update(_ALWAYS)
    headers["Content-Security-Policy"] = _policy(response)
    headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable" if _is_kept(response) else "no-store"
    if current_app.extensions["eprunes_settings"].is_https:
        headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}; includeSubDomains"
    return response


def _policy(response: Response) -> str:
    """What a browser may load for an answer; a file to save, whatever it holds, is nothing that it may run."""
    if response.mimetype == "text/html":
        return _PAGE.format(nonce=nonce())
    return _FILE if "Content-Disposition" in response.headers else _NOTHING


def _is_kept(response: Response) -> bool:
    """True for the files of the site's look: their address changes with their content."""
    return request.endpoint in STATIC_ENDPOINTS and response.status_code in (200, 206, 304)
