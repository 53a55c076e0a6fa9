"""The demo's mailbox: `python -m demo.mailbox` takes in every mail over SMTP, keeps it, and shows it on a page.

On this machine's own address only. No mail goes further.
"""

import os
import re
import signal
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, render_template, send_from_directory
from markupsafe import Markup, escape
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from demo import places
from demo.places import DemoRefused, Place
from eprunes.core.calendar import PARIS
from eprunes.core.database import new_id
from eprunes.core.wording import instant

HOST = "127.0.0.1"
SHOWN = 100
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Mail:
    """A mail as the page shows it; `text` is escaped, with the links to the product."""

    to: str
    subject: str
    date: str
    text: Markup


class Keeper:
    """What aiosmtpd calls: keeps each mail in a file of its own, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer the server's sentence once the mail is on the disk."""
        file = self._folder / f"{new_id().hex}.eml"
        draft = file.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
            output.write(envelope.content)
        draft.rename(file)
        return "250 OK"


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_arguments) -> None:
        return


def main() -> None:
    """Serve until SIGTERM or SIGINT, then exit 0; exit 1 with a sentence when it can't start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        place = places.find_place(os.environ)
        folder = place.folder / places.MAILS
        post = Controller(Keeper(folder), hostname=HOST, port=place.smtp_port)
        post.start()
    except (DemoRefused, OSError) as error:
        sys.exit(f"La boîte aux lettres ne peut pas démarrer\u00a0: {error}")
    try:
        ThreadedWSGIServer(HOST, place.mailbox_port, create_page(place), _QuietHandler).serve_forever()
    finally:
        post.stop()


def create_page(place: Place) -> Flask:
    """The application whose one page shows the demo's mails, newest first."""
    app = Flask(__name__, template_folder=".", static_folder=None)
    app.config["TRUSTED_HOSTS"] = [HOST, "localhost"]
    folder, site = place.folder / places.MAILS, place.environ["EPRUNES_BASE_URL"].rstrip("/")

    @app.get("/")
    def show() -> str:
        return render_template("mailbox.html", mails=newest_mails(folder, site), site=site)

    @app.get("/mailbox.css")
    def show_style() -> Response:
        return send_from_directory(Path(__file__).parent, "mailbox.css")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def newest_mails(folder: Path, site: str) -> list[Mail]:
    """The mails kept in a folder, newest first, no more than the page shows."""
    files = sorted(folder.glob("*.eml"), reverse=True)[:SHOWN]
    return [_read(file.read_bytes(), site) for file in files]


def with_links(text: str, site: str) -> Markup:
    """The text escaped, its addresses of pages of the site made links, and no other."""
    found = re.compile(rf"({re.escape(site)}/[^\s<>\"'»]*[^\s<>\"'».,;:!?)])")
    parts = found.split(text)
    return Markup("").join(
        Markup('<a href="{0}">{0}</a>').format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _read(content: bytes, site: str) -> Mail:
    message: EmailMessage = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    return Mail(
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or "(sans objet)"),
        date=instant(message["Date"].datetime, PARIS) if message["Date"] else "",
        text=with_links(body.get_content() if body else "", site),
    )


if __name__ == "__main__":
    main()
