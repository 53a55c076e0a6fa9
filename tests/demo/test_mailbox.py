"""The demo's mailbox: keeps what it is sent, shows it newest first, and makes links of our own addresses alone."""

import asyncio
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from aiosmtpd.smtp import Envelope

from demo import mailbox, places
from demo.mailbox import with_links
from eprunes import create_app
from tests.demo import running

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def ports() -> dict[str, str]:
    return running.free_ports()


@pytest.fixture
def place(tmp_path, ports) -> places.Place:
    return places.find_place({"EPRUNES_VAR_DIR": str(tmp_path), **ports})


@contextmanager
def running_program(place: places.Place, folder: Path, ports: dict[str, str]) -> Iterator[subprocess.Popen]:
    """`python -m demo.mailbox`, ready to take mails in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.mailbox"], cwd=running.ROOT, env=running.environment(folder, **ports)
    )
    try:
        running.wait_for(lambda: running.is_listening(place.mailbox_port))
        yield process
    finally:
        process.terminate()
        process.wait(20)


def send(place: places.Place, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "e-Prunes <a@eprunes.example>", "b@client.example", subject
    message.set_content(text)
    message.add_alternative("<p>HTML caché</p><script>alert(1)</script>", subtype="html")
    with smtplib.SMTP("127.0.0.1", place.smtp_port, timeout=10) as connection:
        connection.send_message(message)


def test_mails_are_kept_from_one_start_to_the_next_and_shown_newest_first(place, tmp_path, ports):
    with running_program(place, tmp_path, ports) as first:
        send(place, "Le premier", "un")
    with running_program(place, tmp_path, ports):
        send(place, "Le deuxième", "deux")
        send(place, "Le troisième", "trois")
        page = requests.get(place.mailbox_url, timeout=10).text

    assert first.returncode == 0
    assert page.index("Le troisième") < page.index("Le deuxième") < page.index("Le premier")
    folder = place.folder / places.MAILS
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600] * 3


def test_it_listens_on_this_machine_alone_and_ends_with_its_ports_free(place, tmp_path, ports):
    import psutil

    with running_program(place, tmp_path, ports) as process:
        listening = {
            (one.laddr.ip, one.laddr.port)
            for one in psutil.Process(process.pid).net_connections()
            if one.status == psutil.CONN_LISTEN
        }
    assert listening == {("127.0.0.1", place.mailbox_port), ("127.0.0.1", place.smtp_port)}
    assert not running.is_listening(place.smtp_port)


@pytest.mark.parametrize("variable", ["EPRUNES_MAILBOX_PORT", "EPRUNES_SMTP_PORT"])
def test_a_taken_port_ends_it(place, tmp_path, ports, variable):
    import socket

    with socket.create_server(("127.0.0.1", int(ports[variable]))):
        process = subprocess.run(
            [sys.executable, "-m", "demo.mailbox"],
            cwd=running.ROOT,
            env=running.environment(tmp_path, **ports),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert process.returncode == 1
    assert "Traceback" not in process.stderr


def show(place: places.Place, *texts: str, **options) -> tuple[str, dict]:
    """The page and its headers, with these texts as mails."""
    for text in texts:
        message = EmailMessage()
        message["To"], message["Subject"] = "b@client.example", "<b>Sujet</b> & suite"
        message["Date"] = "Tue, 03 Mar 2026 09:00:00 +0000"
        message.set_content(text)
        keep(place, message)
    answer = mailbox.create_page(place).test_client().get("/", **options)
    return answer.text, answer


def keep(place: places.Place, message: EmailMessage) -> None:
    envelope = Envelope()
    envelope.content = message.as_bytes()
    keeper = mailbox.Keeper(place.folder / places.MAILS)
    with ThreadPoolExecutor(1) as beside:  # the browser's own loop may run in this thread
        beside.submit(lambda: asyncio.run(keeper.handle_DATA(None, None, envelope))).result()


def test_before_the_first_mail_the_page_says_so(place):
    page, answer = show(place)
    assert answer.status_code == 200
    assert "Aucun courriel" in page


def test_what_a_mail_says_is_never_run(place):
    page, answer = show(place, "<script>alert(1)</script> <img src=x onerror=alert(1)>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;Sujet&lt;/b&gt; &amp; suite" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "mar. 3 mars 2026, 10:00" in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_another_hosts_name_shows_no_mail(place):
    """DNS rebinding: a page elsewhere that makes its name point to this machine."""
    page, answer = show(place, "lien secret", headers={"Host": "pirate.example"})
    assert answer.status_code == 400
    assert "lien secret" not in page


def test_the_page_shows_no_more_than_the_newest_hundred(place):
    page, _ = show(place, *(f"texte numéro {number};" for number in range(mailbox.SHOWN + 1)))
    assert page.count("<article>") == mailbox.SHOWN
    assert "texte numéro 0;" not in page
    assert "texte numéro 1;" in page
    assert page.index("texte numéro 100;") < page.index("texte numéro 1;")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (f"Suivez {SITE}/invitation/a-b_c.", [f"{SITE}/invitation/a-b_c"]),
        (f"({SITE}/reset/x?a=1&b=2)", [f"{SITE}/reset/x?a=1&amp;b=2"]),
        (f"{SITE}/a\n{SITE}/b", [f"{SITE}/a", f"{SITE}/b"]),
        (f'{SITE}/"onclick=alert(1)', []),
        (f"{SITE}/a\"onclick='x'", [f"{SITE}/a"]),
        (f"{SITE}/a<script>", [f"{SITE}/a"]),
        (f"{SITE}1/a {SITE}.pirate.example/a {SITE}@pirate.example/a", []),
        ("http://pirate.example/a javascript:alert(1)", []),
        (SITE.replace("127.0.0.1", "127x0x0x1") + "/a", []),
    ],
)
def test_only_addresses_of_our_own_pages_become_links(text, links):
    shown = str(with_links(text, SITE))
    assert [part.split('"')[0] for part in shown.split('<a href="')[1:]] == links
    assert "<script" not in shown


def test_the_banner_of_the_demo_leads_to_the_mailbox(tmp_path):
    def sign_in_page(**settings: str) -> str:
        environ = {
            "EPRUNES_DATABASE_URL": f"sqlite:///{tmp_path / 'main.sqlite'}",
            "EPRUNES_KEYSTORE_URL": f"sqlite:///{tmp_path / 'keys.sqlite'}",
            "EPRUNES_MASTER_KEY_FILE": str(tmp_path / "master.key"),
            **settings,
        }
        client = create_app(environ).test_client()
        return client.get("/connexion", base_url=SITE).text

    link = '<a href="http://127.0.0.1:8002">Courriels de la démonstration</a>'
    assert link in sign_in_page(EPRUNES_DEMO="1", EPRUNES_MAILBOX_URL="http://127.0.0.1:8002")
    assert "Courriels de la démonstration" not in sign_in_page(EPRUNES_DEMO="1")
    assert "Courriels de la démonstration" not in sign_in_page()


def test_a_reset_throws_the_mails_away(place, tmp_path):
    with places.held(place.folder):
        show(place, "un texte")
    subprocess.run(
        [sys.executable, "-m", "demo.reset"], cwd=running.ROOT, env=running.environment(tmp_path), check=True
    )
    with suppress(FileNotFoundError):
        assert list((place.folder / places.MAILS).iterdir()) == []
