"""A real SMTP server for tests, on a free port of this machine: keeps what it takes in, and misbehaves as told."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from threading import Event

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
CREDENTIALS = ("e-prunes", "s@cret/de:l'envoi #1?")


@dataclass(frozen=True)
class Received:
    """One mail taken in: its envelope, its bytes, and the mail that they make."""

    sender: str
    recipients: list[str]
    content: bytes
    has_tls: bool

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    def part(self, kind: str) -> str:
        """The text of its `plain` or `html` part."""
        return self.message.get_body((kind,)).get_content().replace("\r\n", "\n")


@dataclass
class Mailbox:
    """`answers` holds what to say to a command instead of taking it, for good, by its name or by the recipient;
    `drops` names where the connection is cut: `MAIL`, `RCPT`, `before keeping`, `after keeping`.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    drops: set[str] = field(default_factory=set)
    held_at: str = ""
    reached: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """Who got a mail, in order; as often as it came."""
        return [one for mail in self.received for one in mail.recipients]

    def hold_at(self, place: str) -> None:
        """Keep whoever comes to this place (as in `drops`) waiting until `go_on` is set; `reached` tells."""
        self.held_at = place
        self.reached.clear()
        self.go_on.clear()


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(self, server: SMTP, session, envelope, address: str, options: list) -> str:  # noqa: N802
        if answer := await self._before(server, "MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session, envelope, address: str, options: list) -> str:  # noqa: N802
        self._mailbox.asked.append(address)
        if answer := await self._before(server, "RCPT") or self._mailbox.answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if answer := await self._before(server, "before keeping") or self._mailbox.answers.get("DATA"):
            return answer
        has_tls = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        mail = Received(envelope.mail_from, envelope.rcpt_tos, envelope.content, has_tls)
        self._mailbox.received.append(mail)
        return await self._before(server, "after keeping") or "250 OK"

    async def _before(self, server: SMTP, place: str) -> str | None:
        if self._mailbox.held_at == place:
            self._mailbox.reached.set()
            while not self._mailbox.go_on.is_set():
                await asyncio.sleep(0.01)
        if place in self._mailbox.drops:
            server.transport.abort()
            await asyncio.sleep(60)  # cancelled with the connection
        return self._mailbox.answers.get(place)


class _OnOwnSocket(Controller):
    """Listens on a socket that is bound already: its port is known and nobody else's."""

    def __init__(self, handler: _Handler, bound: socket.socket, **options: object) -> None:
        super().__init__(handler, hostname=HOST, port=bound.getsockname()[1], **options)
        self._bound = bound

    def _create_server(self):
        return self.loop.create_server(self._factory_invoker, sock=self._bound, ssl=self.ssl_context)


@contextmanager
def running_mailbox(**options: object) -> Iterator[Mailbox]:
    """A server that ends with the block; `options` are those of aiosmtpd."""
    mailbox = Mailbox()
    with socket.create_server((HOST, 0)) as bound:
        server = _OnOwnSocket(_Handler(mailbox), bound, **options)
        server.start()
        mailbox.port = server.port
        try:
            yield mailbox
        finally:
            mailbox.go_on.set()
            server.stop()


@pytest.fixture
def mailbox(app) -> Iterator[Mailbox]:
    """A server that the application sends its mails to."""
    with running_mailbox() as running, sent_to(app, running.url):
        yield running


@contextmanager
def sent_to(app, url: str) -> Iterator[None]:
    """The application's mail server is another one in this block."""
    settings = app.extensions["eprunes_settings"]
    app.extensions["eprunes_settings"] = replace(settings, smtp_url=url)
    try:
        yield
    finally:
        app.extensions["eprunes_settings"] = settings


def check_credentials(server, session, envelope, mechanism, data) -> AuthResult:
    """aiosmtpd's authenticator for CREDENTIALS alone."""
    given = (data.login.decode(), data.password.decode())
    return AuthResult(success=given == CREDENTIALS, handled=False)


def make_certificate(folder: Path, host: str = HOST) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate of its own for a host, and the file of that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    as_is = x509.IPAddress(ip_address(host)) if host == HOST else x509.DNSName(host)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([as_is]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(*encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, file
