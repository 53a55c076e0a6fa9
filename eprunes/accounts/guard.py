"""The door: who the request comes from, and whether the view's declared permission lets them in."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, current_app, flash, g, redirect, request, url_for
from flask_login import LoginManager, current_user

from eprunes.accounts.permissions import CONFIRMED_FOR, SENT_WITHIN, Actor, Pending, Permission
from eprunes.accounts.services.visits import trace_visit
from eprunes.accounts.sessions import actor_for, open_for
from eprunes.core import clock
from eprunes.core.config import Settings
from eprunes.core.database import narrow
from eprunes.core.web import keep_reading, renew_csrf

UNGUARDED_ENDPOINTS = {"static", "bootstrap.static"}
PENDING_PAGES = {Pending.CODE: "accounts.give_code", Pending.SET_UP: "accounts.set_up_second_factor"}

VISITED = {Permission.VIEW_FLEET, Permission.VIEW_NOTICES}
WHILE_VISITING = {"home.home", "provider.end_visit", "accounts.sign_out"}

login_manager = LoginManager()


def install(app: Flask, settings: Settings) -> None:
    """Load the actor of each request from our own session cookie, and refuse by default."""
    app.config["EPRUNES_SESSION_COOKIE"] = "__Host-eprunes" if settings.is_https else "eprunes"
    app.config["EPRUNES_COOKIE_SECURE"] = settings.is_https
    login_manager.init_app(app, add_context_processor=False)  # an error page looks nobody up again
    login_manager.session_protection = None
    login_manager.request_loader(_actor_from_cookie)
    app.before_request(_let_in)
    app.after_request(_trace_page)


def give_cookie(response: Response, app: Flask, token: str) -> None:
    """Hand the session's token to the browser."""
    response.set_cookie(
        app.config["EPRUNES_SESSION_COOKIE"],
        token,
        httponly=True,
        secure=app.config["EPRUNES_COOKIE_SECURE"],
        samesite="Lax",
        path="/",
    )


def take_cookie_back(response: Response, app: Flask) -> None:
    """Make the browser forget the session's token, and the forms that were shown under it."""
    renew_csrf()
    response.delete_cookie(
        app.config["EPRUNES_SESSION_COOKIE"], path="/", secure=app.config["EPRUNES_COOKIE_SECURE"], httponly=True
    )


def _actor_from_cookie(request: Request) -> Actor | None:
    token = request.cookies.get(current_app.config["EPRUNES_SESSION_COOKIE"], "")
    if not token:
        return None
    session = open_for(token) if request.method in ("GET", "HEAD") else None
    if session is not None:
        keep_reading(session)
    demo = current_app.extensions["eprunes_settings"].demo
    actor = actor_for(token, clock.now(), demo=demo, within=session)
    if session is not None:
        narrow(session)
    return actor


def _let_in() -> Response | None:
    g.actor = None
    if request.endpoint in UNGUARDED_ENDPOINTS:
        return None
    view = _declared_view() if request.endpoint else None
    if view is None or view.required_permission is None:
        g.actor = current_user._get_current_object() if current_user.is_authenticated else None
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    g.actor = current_user._get_current_object()
    if g.actor.pending and not view.while_pending:
        return redirect(url_for(PENDING_PAGES[g.actor.pending], suite=_wanted_page()))
    if not g.actor.may(view.required_permission):
        abort(404)
    if g.actor.is_visiting and _is_closed_to_visitors(view):
        abort(404)
    if view.needs_confirmation and not g.actor.is_confirmed(clock.now(), _proof_lasts()):
        return _to_confirmation(view)
    g.is_traced = g.actor.is_visiting
    return None


def _proof_lasts() -> timedelta:
    """Longer for the form of a page that asked for the proof itself: whoever opened it in time may send it."""
    is_form_of_page = request.method not in ("GET", "HEAD") and "GET" in request.url_rule.methods
    return SENT_WITHIN if is_form_of_page else CONFIRMED_FOR


def _to_confirmation(view: Callable) -> Response:
    """To the proof, with the page wanted; before a file, with the page that asked for it too: one goes back there."""
    before = _page_before() if getattr(view, "is_download", False) else None
    return redirect(url_for("accounts.confirm", suite=_wanted_page() or _page_before(), retour=before))


def _is_closed_to_visitors(view: Callable) -> bool:
    """A visit reads: every page that changes anything is closed, and so are those of the operator's own account."""
    if request.endpoint in WHILE_VISITING:
        return False
    return view.required_permission not in VISITED or request.method not in ("GET", "HEAD")


def _trace_page(response: Response) -> Response:
    """Note in the client's journal each page that a visitor was given; none is given without its trace."""
    if g.pop("is_traced", False) and response.status_code == 200:
        trace_visit(g.actor, request.endpoint, clock.now(), request.view_args)
    return response


def _to_sign_in() -> Response:
    """What a form sent without a session held is lost: its person is told so, and led back to its page."""
    if request.method not in ("GET", "HEAD") and request.endpoint != "accounts.sign_out":
        flash("Votre session avait pris fin\u00a0: rien n’a été envoyé.", "warning")
    return redirect(url_for("accounts.sign_in", suite=_wanted_page() or _page_before()))


def _wanted_page() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" else None


def _page_before() -> str | None:
    """The page whose form was sent: it is shown again once the person has confirmed."""
    before = urlsplit(request.referrer or "")
    return f"{before.path}?{before.query}".rstrip("?") if before.netloc == request.host else None


def _declared_view():
    view = current_app.view_functions[request.endpoint]
    if not hasattr(view, "required_permission"):
        raise RuntimeError(f"{request.endpoint}: view without a declared permission")
    return view
