"""Start the whole demo: `python -m demo.run`, what `make run` calls. Ctrl-C ends all of it."""

import os
import signal
import sys
import time
from time import monotonic
from urllib.parse import urlsplit

import requests

from demo import agency, places, processes, screen
from demo.places import DemoRefused, Place
from demo.processes import Child
from eprunes.core.config import SettingsRefused, read_settings

_POLL = 0.1
_READY_WITHIN = 30
_WEB_WORKERS = 2


class _Asked:
    """Whether somebody asked the demo to stop."""

    to_stop = False


def main() -> None:
    """Run until Ctrl-C or SIGTERM (exit 0); exit 1 with a sentence when it can't start or a part of it dies."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: setattr(_Asked, "to_stop", True))
    try:
        place = places.find_place(os.environ)
        read_settings(place.environ)
        with places.held(place.folder):
            places.refuse_taken_ports(place)
            _load(place)
            if not _Asked.to_stop:
                _serve(place)
    except (DemoRefused, SettingsRefused) as refusal:
        sys.exit(str(refusal))


def _load(place: Place) -> None:
    screen.say(screen.LOADING_AGAIN if place.is_loaded else screen.LOADING)
    loader = processes.start("le chargement", ["demo.load"], place.environ, place.log("chargement"))
    try:
        while loader.is_running and not _Asked.to_stop:
            time.sleep(_POLL)
    finally:
        processes.stop([loader])
    if loader.process.returncode and not _Asked.to_stop:
        raise DemoRefused(f"Le chargement n’a pas abouti. {_what_it_said(loader)}")
    if _Asked.to_stop and not place.is_loaded:
        screen.say(screen.INTERRUPTED)


def _serve(place: Place) -> None:
    children: list[Child] = []
    try:
        for start in (_start_agency, _start_mailbox, _start_clock, _start_web):
            children.append(start(place))
        if _wait_until_ready(place, children):
            screen.welcome(place)
            while not _Asked.to_stop:
                _require_all_running(children)
                time.sleep(_POLL)
        screen.say(screen.STOPPING)
    finally:
        processes.stop(children)
    screen.say(screen.STOPPED)


def _start_agency(place: Place) -> Child:
    return agency.start(place, place.environ)


def _start_mailbox(place: Place) -> Child:
    return processes.start("la boîte aux lettres", ["demo.mailbox"], place.environ, place.log("courriels"))


def _start_clock(place: Place) -> Child:
    return processes.start("le processus d’horloge", ["eprunes.clock_process"], place.environ, place.log("horloge"))


def _start_web(place: Place) -> Child:
    address = f"127.0.0.1:{place.web_port}"
    options = ["--no-control-socket", "-w", str(_WEB_WORKERS), "-b", address, "--graceful-timeout", "3"]
    return processes.start("le serveur web", ["gunicorn", *options, "wsgi:app"], place.environ, place.log("web"))


def _wait_until_ready(place: Place, children: list[Child]) -> bool:
    """Wait for the web server to say that it is ready; False when asked to stop first. Raises DemoRefused."""
    headers = {"Host": urlsplit(place.environ["EPRUNES_BASE_URL"]).netloc}
    last_moment = monotonic() + _READY_WITHIN
    while not _Asked.to_stop:
        _require_all_running(children)
        try:
            answer = requests.get(f"http://127.0.0.1:{place.web_port}/readyz", headers=headers, timeout=5)
            if answer.ok:
                return True
        except requests.RequestException:
            pass
        if monotonic() > last_moment:
            raise DemoRefused(f"Le serveur web ne répond pas. Journal\u00a0: {place.log('web')}")
        time.sleep(_POLL)
    return False


def _require_all_running(children: list[Child]) -> None:
    for child in children:
        if not child.is_running:
            raise DemoRefused(f"La démonstration s’arrête\u00a0: {child.name} s’est arrêté. {_what_it_said(child)}")


def _what_it_said(child: Child) -> str:
    return f"Journal\u00a0: {child.log}\u00a0; dernière ligne\u00a0: {processes.last_line(child.log) or 'aucune'}"


if __name__ == "__main__":
    main()
