"""The Flask application: what surrounds every request, and how errors are told."""

import ipaddress
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from functools import partial

from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from eprunes.core import clock

from . import access, faults, store
from .payloads import BadInputError

LARGEST_BODY = 128 * 1024 * 1024
CONTROL = "/control/"
CONVENTION = "/flotteconventionnee/"
LISTS = (CONVENTION + "infractions", CONVENTION + "flotte/vehicules")


@dataclass
class Agency:
    """What one running simulator holds outside its file."""

    database: str
    user: str
    password: str
    sessions: access.Sessions = field(default_factory=access.Sessions)
    fault_queue: faults.FaultQueue = field(default_factory=faults.FaultQueue)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def create_app(*, database: str, user: str, password: str) -> Flask:
    """Build the application over a file, which is prepared when new. Raises sqlite3.Error."""
    from . import agency_routes, control_routes

    store.prepare(database)
    app = Flask(__name__, static_folder=None)
    app.extensions["agency"] = Agency(database, user, password)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.before_request(_receive)
    app.teardown_appcontext(_close_connection)
    app.register_error_handler(BadInputError, _bad_input)
    app.register_error_handler(UnicodeEncodeError, _bad_input)
    app.register_error_handler(HTTPException, _http_error)
    app.register_blueprint(agency_routes.blueprint)
    app.register_blueprint(control_routes.blueprint)
    return app


def agency() -> Agency:
    return current_app.extensions["agency"]


def connection() -> sqlite3.Connection:
    """This request's own connection."""
    if "connection" not in g:
        g.connection = store.connect(agency().database)
    return g.connection


def refuse(status: int, code: str, message: str) -> tuple[Response, int]:
    return jsonify(code=code, message=message), status


def is_loopback(address: str | None) -> bool:
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _receive():
    if request.path.startswith(CONTROL):
        if not is_loopback(request.remote_addr):
            return refuse(403, "INTERDIT", "Le pilotage n’est ouvert qu’à la machine locale.")
        return None
    # Read to the end even when it is refused: the server would wait on unread bytes before letting go.
    request.get_data()
    with agency().lock:
        agency().requests += 1
    steps = [_misbehave_on_arrival]
    if request.path.startswith(CONVENTION):
        steps += [_require_session, _slow_down]
    # The first step that has something to say answers; None lets the request go on.
    return next((said for said in (step() for step in steps) if said is not None), None)


def _misbehave_on_arrival():
    take = partial(faults.take, agency().fault_queue, path=request.path)
    fault = take(faults.ON_ARRIVAL)
    if fault is None:
        return None
    if fault.kind == "503":
        return faults.unavailable()
    if fault.kind == "reset":
        return faults.reset()
    time.sleep(fault.seconds)
    return None


def _require_session():
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    sessions = agency().sessions
    if scheme.lower() != "bearer" or not access.is_open(sessions, token, clock.now()):
        return refuse(401, "NON_AUTHENTIFIE", "Le jeton est absent, inconnu ou expiré.")
    if faults.take(agency().fault_queue, faults.ON_A_SESSION, request.path):
        access.close_session(sessions, token)
        return refuse(401, "NON_AUTHENTIFIE", "Le jeton a expiré.")
    return None


def _slow_down():
    if request.method != "GET" or request.path not in LISTS:
        return
    fault = faults.take(agency().fault_queue, faults.ON_A_LIST, request.path)
    if fault:
        time.sleep(fault.seconds)


def _close_connection(_error) -> None:
    opened = g.pop("connection", None)
    if opened is not None:
        opened.close()


def _bad_input(error: ValueError):
    sentence = (
        str(error) if isinstance(error, BadInputError) else "Un texte de la requête n’est pas de l’Unicode valide."
    )
    return refuse(400, "REQUETE_INVALIDE", sentence)


def _http_error(error: HTTPException):
    return refuse(error.code or 500, error.name.upper().replace(" ", "_"), error.description or error.name)
