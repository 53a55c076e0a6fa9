"""Start the agency: `python -m eprunes.antai.simulator --port P --database FILE [--load offences.json]`."""

import argparse
import os
import signal
import sqlite3
import sys
from pathlib import Path

from eprunes.core import clock

from . import offences, payloads, server, store
from .app import create_app

DEMO_USER = "eprunes"
DEMO_PASSWORD = "eprunes-demo"  # noqa: S105  the demo's own, replaced by EPRUNES_ANTAI_PASSWORD_FILE


def main() -> None:
    """Serve until SIGTERM or SIGINT, then exit 0; exit 1 with a sentence when it cannot start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    options = _options()
    try:
        _apply_clock_offset()
        app = create_app(database=options.database, user=_user(), password=_password())
        if options.load:
            _load(options.database, options.load)
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.exit(f"L’agence simulée ne peut pas démarrer : {error}")
    running = server.make(app, options.host, options.port)
    _say(f"Agence simulée à l’écoute sur http://{options.host}:{running.port}")
    running.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m eprunes.antai.simulator", description="Agence simulée")
    parser.add_argument("--port", type=int, required=True, help="port d’écoute, 0 pour un port libre")
    parser.add_argument("--database", required=True, help="fichier SQLite de l’agence, créé au besoin")
    parser.add_argument("--host", default="127.0.0.1", help="adresse d’écoute (127.0.0.1)")
    parser.add_argument("--load", help="fichier JSON d’infractions, chargées une fois par numéro d’avis")
    return parser.parse_args()


def _apply_clock_offset() -> None:
    offset = os.environ.get("EPRUNES_CLOCK_OFFSET")
    if offset:
        clock.set_offset(clock.parse_duration(offset))


def _user() -> str:
    return os.environ.get("EPRUNES_ANTAI_USER") or DEMO_USER


def _password() -> str:
    path = os.environ.get("EPRUNES_ANTAI_PASSWORD_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else DEMO_PASSWORD


def _load(database: str, path: str) -> None:
    records = payloads.parsed(Path(path).read_bytes(), list)
    connection = store.connect(database)
    try:
        with store.writing(connection):
            result = offences.load(connection, records, clock.now())
    finally:
        connection.close()
    _say(f"{path} : {result['ajoutees']} ajoutées, {result['deja_connues']} déjà connues")
    for refused in result["refusees"]:
        _say(f"{path}, rang {refused['rang']} : {refused['motif']}")


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
