"""The web plumbing every page shares: headers, error pages, CSRF, refusals shown on forms, French filters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from io import BytesIO
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, make_response, render_template, request, send_file, session, url_for
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from eprunes.core import headers, wording
from eprunes.core.config import Settings
from eprunes.core.database import TenantBreach, TenantSession, open_tenant_session
from eprunes.core.icons import icon
from eprunes.core.refusals import NotVisible, Refused

MAX_UPLOAD_BYTES = 21 * 1024 * 1024

_SENTENCES = {
    400: ("Demande incomprise", "Cette demande n’a pas pu être lue. Revenez à la page précédente et réessayez."),
    403: ("Accès refusé", "Votre compte ne permet pas cette action."),
    404: ("Page introuvable", "Cette page n’existe pas, ou elle ne vous est pas accessible."),
    405: ("Action impossible", "Cette page ne permet pas cette action."),
    413: ("Fichier trop lourd", "Ce fichier dépasse 20 Mo. Allégez-le et recommencez."),
    500: ("Une erreur est survenue", "Rien n’a été perdu. Réessayez\u00a0; si cela persiste, prévenez l’assistance."),
}
_EXPIRED = (
    "Page expirée",
    "Cette page est restée ouverte trop longtemps. Revenez à la page précédente, rechargez-la et recommencez.",
)

csrf = CSRFProtect()


def install(app: Flask, settings: Settings) -> None:
    """Give the application its headers, cookies, filters and error pages."""
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES,
        SESSION_COOKIE_NAME="__Host-eprunes-form" if settings.is_https else "eprunes-form",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=[settings.host],
        WTF_CSRF_TIME_LIMIT=None,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)
    Bootstrap5(app)
    Babel(app, default_locale=wording.LOCALE, default_timezone="Europe/Paris")
    app.json.ensure_ascii = False
    app.url_map.merge_slashes = False  # « //… » is no page: a redirect for it would be built from the Host header
    headers.install(app)
    app.teardown_request(_close_reading)
    app.register_error_handler(Exception, _error_page)
    _install_filters(app)
    _install_support(app, settings.support_contact)


def install_csrf(app: Flask) -> None:
    """Ask every unsafe request where it comes from, and for its token; after the door, so that a refusal's page knows
    its reader."""
    app.config["EPRUNES_ORIGIN"] = _origin_of(app.extensions["eprunes_settings"].base_url)
    app.before_request(_refuse_other_origins)
    csrf.init_app(app)


def renew_csrf() -> None:
    """Forms shown so far are worth nothing in this browser: whoever comes next has forms of their own."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)


@contextmanager
def refusals_on(form: FlaskForm) -> Iterator[None]:
    """Catch a service's refusal and put its sentence on the form; the view then renders the form again."""
    try:
        yield
    except Refused as refusal:
        field = getattr(form, refusal.field or "", None)
        if field is not None and hasattr(field, "errors"):
            field.errors = [*field.errors, str(refusal)]
        elif str(refusal) not in form.form_errors:
            form.form_errors.append(str(refusal))


def render_form(template: str, form: FlaskForm, **context) -> Response:
    """Render a page around a form: 422 with the filled form when it was refused, 200 otherwise."""
    status = 422 if form.errors else 200
    return make_response(render_template(template, form=form, **context), status)


def reading() -> TenantSession:
    """The request's read session, opened for the actor's organisation at first use, closed with the request."""
    if "reading" not in g:
        g.reading = open_tenant_session(g.actor.organisation_id)
    if g.reading.organisation_id != g.actor.organisation_id:
        raise TenantBreach("the request's read session belongs to another organisation")
    return g.reading


def keep_reading(session: TenantSession) -> None:
    """Make a session that was opened before its reader was known the request's read session."""
    g.reading = session


def in_section(endpoint: str) -> Callable:
    """Mark a view as belonging to a navigation entry, named by its endpoint."""

    def mark(view: Callable) -> Callable:
        view.section = endpoint
        return view

    return mark


def downloads(view: Callable) -> Callable:
    """Mark a view that answers with a file: the browser keeps the page that led to it."""
    view.is_download = True
    return view


def leads_to_download(path: str) -> bool:
    """True when a path of this site is that of a file to save."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(path).path, method="GET")
    except HTTPException:
        return False
    return getattr(current_app.view_functions[endpoint], "is_download", False)


def safe_path(path: str | None, fallback: str) -> str:
    """The path to return to, if it surely stays on this site; the fallback otherwise."""
    opened = unquote(path or "")
    if not path or not path.startswith("/") or opened[1:2] in ("/", "\\"):
        return fallback
    return path if opened.isprintable() and "\\" not in path else fallback


def download(content: bytes, filename: str, mimetype: str) -> Response:
    """An answer that the browser saves as a file and never interprets."""
    sent = {"mimetype": mimetype, "as_attachment": True, "download_name": filename}
    return send_file(BytesIO(content), **sent, conditional=False, etag=False)


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"


def _refuse_other_origins() -> None:
    """A browser says which site a form was sent from; where it says nothing, the form's token alone decides."""
    sent = request.headers.get("Origin", "null")
    if request.method in ("GET", "HEAD", "OPTIONS") or sent == "null":
        return
    if _origin_of(sent) != current_app.config["EPRUNES_ORIGIN"]:
        raise CSRFError("another site's form")


def _origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of an address; no site's when it can't be read."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None


@lru_cache(maxsize=1024)
def _state(word: str, icon_name: str, tone: str) -> Markup:
    """A state as icon and word. Lists show the same few by the hundred."""
    return Markup('<span class="state state-{}">{} {}</span>').format(tone, icon(icon_name), word)


def _close_reading(error: BaseException | None) -> None:
    opened = g.pop("reading", None)
    if opened is not None:
        opened.close()


def _error_page(error: Exception):
    """A French page without detail. No `url_for` here: it would fail for an untrusted host."""
    if isinstance(error, CSRFError):
        code, (title, sentence) = 400, _EXPIRED
    else:
        code = _status_of(error)
        title, sentence = _SENTENCES.get(code, _SENTENCES[400 if code < 500 else 500])
    if isinstance(error, NotVisible) and str(error):
        sentence = str(error)
    if code >= 500:
        where = request.url_rule or "an unknown address"  # never the address itself: links hold secrets
        current_app.logger.error("%s %s failed", request.method, where, exc_info=error)
    if isinstance(error, HTTPException) and error.response is not None:
        return error.response
    if isinstance(error, SecurityError):
        return make_response(f"{title}. {sentence}", code, {"Content-Type": "text/plain; charset=utf-8"})
    allowed = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
    template = "error.html" if g.get("actor") and code < 500 else "error_alone.html"
    return make_response(render_template(template, title=title, sentence=sentence), code, allowed)


def _status_of(error: Exception) -> int:
    if isinstance(error, NotVisible):
        return 404
    return error.code if isinstance(error, HTTPException) and error.code else 500


def _install_filters(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(icon=icon, state=_state, counted=wording.counted, described=_described)
    app.jinja_env.filters.update(day=wording.day, money=wording.money, in_days=wording.in_days, number=wording.number)
    app.jinja_env.globals["page_url"] = _page_url
    app.jinja_env.filters["instant"] = lambda value: wording.instant(value, g.actor.zone)
    app.jinja_env.filters["local_instant"] = lambda value, zone: wording.instant(value, ZoneInfo(zone))
    app.jinja_env.filters["local_day"] = lambda value, zone: wording.day(value.astimezone(ZoneInfo(zone)).date())
    app.jinja_env.filters["local_hour"] = lambda value, zone: wording.hour(value, ZoneInfo(zone))
    app.jinja_env.filters["iso_day"] = lambda text: wording.short_day(date.fromisoformat(text)) if text else ""
    app.jinja_env.filters["short_day"] = wording.short_day


def _install_support(app: Flask, contact: str) -> None:
    """`support` follows the words « l’assistance » with how to reach it, if that is known; `with_support` adds it."""
    support = f" ({contact})" if contact else ""
    app.jinja_env.globals["support"] = support
    app.jinja_env.filters["with_support"] = lambda text: text.replace("l’assistance", f"l’assistance{support}")


def _page_url(cursor: str) -> str:
    """The present list's address at another page: filters, search and sort stay."""
    return url_for(request.endpoint, **{**request.view_args, **request.args.to_dict(), "page": cursor})


def _described(field, hint: str) -> dict[str, str]:
    """ARIA attributes that tie a control to its hint and its error."""
    parts = [f"{field.id}-hint"] if hint else []
    if field.errors:
        parts.append(f"{field.id}-error")
    attributes = {"aria-describedby": " ".join(parts)} if parts else {}
    if field.errors:
        attributes["aria-invalid"] = "true"
    return attributes
