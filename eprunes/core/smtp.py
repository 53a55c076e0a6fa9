"""Mails over SMTP: their text as bytes, and one delivery at a time to the server of the settings.

Every operation has a time limit, TLS certificates are checked, and each failure says whether the server may have
taken the mail in. Failures name the step and the server's code, never its words: these often hold the address.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from email_validator import validate_email

TIMEOUT = 20
"""Seconds that the server has for each operation."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


class Security(StrEnum):
    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


class NotAccepted(Exception):
    """The server surely has not taken the mail in: it may be tried again."""


class ServerUnavailable(NotAccepted):
    """The server can't be reached or spoken to, whatever the mail."""


class RefusedForGood(Exception):
    """The mail can't be sent, now or later."""


class OutcomeUnknown(Exception):
    """The connection was lost while the server had the mail in hands: it may have taken it in."""


@dataclass(frozen=True)
class MailServer:
    """The server that takes our mails."""

    security: Security
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def read_server(url: str) -> MailServer:
    """The server that an address such as `smtps://user:password@host:465` names.

    Raises ValueError with a French sentence that repeats nothing of the address: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        user, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
        host.encode("idna")
    except ValueError:
        raise ValueError(
            "adresse mal formée\u00a0; dans l’identifiant et le mot de passe, écrivez @ : / ? # % sous la forme %40…"
        ) from None
    if parts.scheme not in set(Security):
        raise ValueError("commencez par smtps://, smtp+starttls:// ou smtp://.")
    if not _HOST.fullmatch(host) or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("indiquez le serveur et son port, par exemple smtps://nom:secret@smtp.exemple.fr:465.")
    if bool(user) != bool(password):
        raise ValueError("indiquez l’identifiant et le mot de passe ensemble, ou aucun des deux.")
    if not (user + password).isascii() or _CONTROLS.search(user + password):
        raise ValueError("l’identifiant et le mot de passe sont faits de lettres sans accent, chiffres et signes.")
    security = Security(parts.scheme)
    return MailServer(security, host, port or _PORTS[security], user, password)


def read_sender(text: str) -> Address:
    """The sender that `Name <address>` names. Raises ValueError with a French sentence."""
    sentence = "indiquez un nom et une adresse, par exemple e-Prunes <ne-pas-repondre@exemple.fr>."
    found = getaddresses([text])
    if len(found) != 1 or _CONTROLS.search(text):
        raise ValueError(sentence)
    [(name, address)] = found
    try:
        return Address(name, addr_spec=_plain_address(address))
    except ValueError:
        raise ValueError(sentence) from None


def compose(
    *, sender: Address, to: str, subject: str, text: str, html: str, message_id: str, date: datetime
) -> tuple[str, bytes]:
    """The recipient's address as SMTP wants it, and the mail: text and HTML, in 7-bit lines.

    Raises RefusedForGood when the address is none, or has no form without accents.
    """
    message = EmailMessage(policy=policy.SMTP)
    try:
        recipient = _plain_address(to)
        message["From"] = sender
        message["To"] = Address(addr_spec=recipient)
        message["Subject"] = _CONTROLS.sub(" ", subject)
        message["Date"] = date
        message["Message-ID"] = f"<{message_id}@{sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return recipient, message.as_bytes()
    except ValueError as error:
        raise RefusedForGood("adresse ou texte impossible") from error


def deliver(server: MailServer, *, from_host: str, sender: str, recipient: str, content: bytes) -> None:
    """Hand one mail over; on return the server has taken it in.

    Raises NotAccepted or RefusedForGood when it surely has not, OutcomeUnknown when nobody can tell.
    """
    with _connected(server, from_host) as connection:
        _ask("MAIL", lambda: connection.mail(sender))
        _ask("RCPT", lambda: connection.rcpt(recipient))
        _ask("DATA", lambda: connection.docmd("DATA"), wanted=3)
        dots_doubled = re.sub(rb"(?m)^\.", b"..", content)
        try:
            connection.send(dots_doubled + b".\r\n")
            code, _ = connection.getreply()
        except OSError as error:
            raise OutcomeUnknown(f"connexion perdue ({type(error).__name__})") from error
        _judge("message", code, wanted=2, otherwise=OutcomeUnknown)


@contextmanager
def _connected(server: MailServer, from_host: str) -> Iterator[smtplib.SMTP]:
    try:
        connection = _connect(server, _as_greeting(from_host))
    except (OSError, ValueError) as error:  # ValueError: an answer that makes no sense
        code = getattr(error, "smtp_code", "")
        raise ServerUnavailable(f"serveur injoignable ({type(error).__name__}{code and f' {code}'})") from error
    try:
        yield connection
        with suppress(OSError):  # it has the mail already
            connection.quit()
    finally:
        connection.close()


def _connect(server: MailServer, greeting: str) -> smtplib.SMTP:
    where = {"host": server.host, "port": server.port, "local_hostname": greeting, "timeout": TIMEOUT}
    if server.security is Security.TLS:
        connection = smtplib.SMTP_SSL(**where, context=ssl.create_default_context())
    else:
        connection = smtplib.SMTP(**where)
    try:
        if server.security is Security.STARTTLS:
            connection.starttls(context=ssl.create_default_context())
        connection.ehlo_or_helo_if_needed()
        if server.user:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(step: str, command: Callable[[], tuple[int, bytes]], *, wanted: int = 2) -> None:
    """One exchange from before the mail itself: whatever goes wrong, the server does not have it."""
    try:
        code, _ = command()
    except OSError as error:
        raise NotAccepted(f"connexion perdue à {step} ({type(error).__name__})") from error
    _judge(step, code, wanted=wanted, otherwise=NotAccepted)


def _judge(step: str, code: int, *, wanted: int, otherwise: type[Exception]) -> None:
    family = code // 100
    if family == wanted:
        return
    refusals = {4: NotAccepted, 5: RefusedForGood}
    raise refusals.get(family, otherwise)(f"{step}\u00a0: réponse {code}")


def _plain_address(text: str) -> str:
    checked = validate_email(text, check_deliverability=False, test_environment=True)
    if checked.ascii_email is None:
        raise ValueError("no form without accents")
    return checked.ascii_email


def _as_greeting(host: str) -> str:
    try:
        return f"[{ip_address(host)}]"
    except ValueError:
        return host
