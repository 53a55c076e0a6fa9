"""The mail server of the settings: read from its address, spoken to over checked TLS, with its password."""

from contextlib import ExitStack
from urllib.parse import quote

import pytest
from aiosmtpd.smtp import SMTP

from eprunes.core import smtp
from eprunes.core.smtp import MailServer, RefusedForGood, Security, ServerUnavailable
from tests.support.mailbox import CREDENTIALS, HOST, check_credentials, make_certificate, running_mailbox
from tests.support.worlds import AS_OF

TO = "claire@client0.example"
LOGIN = ":".join(quote(part, safe="") for part in CREDENTIALS)
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
WITH_PASSWORD = {"authenticator": check_credentials, "auth_required": True}


def send(url: str) -> None:
    sender = smtp.read_sender("e-Prunes <ne-pas-repondre@eprunes.example>")
    recipient, content = smtp.compose(
        sender=sender, to=TO, subject="Essai", text="Bonjour\n", html="<p>Bonjour</p>", message_id="1", date=AS_OF
    )
    server = smtp.read_server(url)
    smtp.deliver(server, from_host=HOST, sender=sender.addr_spec, recipient=recipient, content=content)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def secure(certificate):
    """A function that gives a mailbox behind `smtps` or `smtp+starttls`."""
    with ExitStack() as stack:

        def start(security: Security, **options: object):
            tls = {"ssl_context": certificate[0]}
            if security is Security.STARTTLS:
                tls = {"tls_context": certificate[0], "require_starttls": True}
            else:
                options.setdefault("auth_require_tls", False)  # it does not see the TLS around the connection
            return stack.enter_context(running_mailbox(**tls, **options))

        yield start


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1", MailServer(Security.NONE, "127.0.0.1", 25)),
        ("smtp://127.0.0.1:1025", MailServer(Security.NONE, "127.0.0.1", 1025)),
        ("smtps://smtp.exemple.fr", MailServer(Security.TLS, "smtp.exemple.fr", 465)),
        ("smtp+starttls://smtp.exemple.fr", MailServer(Security.STARTTLS, "smtp.exemple.fr", 587)),
        ("smtps://n%40m:s%3A%2F%25@h:1", MailServer(Security.TLS, "h", 1, "n@m", "s:/%")),
        ("smtps://h:65535", MailServer(Security.TLS, "h", 65535)),
    ],
)
def test_an_address_names_the_security_the_server_and_the_password(url, server):
    assert smtp.read_server(url) == server


def test_a_server_does_not_show_its_password():
    assert "secret" not in repr(smtp.read_server("smtps://nom:secret@h"))


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_mail_goes_through_tls_with_the_password(secure, certificate, monkeypatch, security):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    running = secure(security, **WITH_PASSWORD)
    send(f"{security}://{LOGIN}@{HOST}:{running.port}")
    assert [(one.recipients, one.has_tls) for one in running.received] == [([TO], True)]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(secure, security):
    running = secure(security)
    with pytest.raises(ServerUnavailable, match="SSLCertVerificationError"):
        send(f"{security}://{HOST}:{running.port}")
    assert running.asked == running.received == []


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_of_another_host_is_refused(secure, certificate, monkeypatch, security):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    running = secure(security)
    with pytest.raises(ServerUnavailable, match="SSLCertVerificationError"):
        send(f"{security}://localhost:{running.port}")
    assert running.asked == running.received == []


def test_a_server_that_does_not_offer_tls_gets_neither_password_nor_mail(monkeypatch):
    """A line stripped of STARTTLS by somebody in between."""
    with running_mailbox(auth_require_tls=False, **WITH_PASSWORD) as running:
        with pytest.raises(ServerUnavailable, match="SMTPNotSupportedError"):
            send(f"smtp+starttls://{LOGIN}@{HOST}:{running.port}")
        assert running.asked == running.received == []


def test_a_wrong_password_can_be_set_right_and_loses_no_mail():
    with running_mailbox(auth_require_tls=False, **WITH_PASSWORD) as running:
        with pytest.raises(ServerUnavailable, match="535"):
            send(f"smtp://e-prunes:faux@{HOST}:{running.port}")
        send(f"smtp://{LOGIN}@{HOST}:{running.port}")
        assert len(running.received) == 1


def test_a_server_that_turns_everyone_away_is_unavailable(monkeypatch):
    """A refusal of the greeting is about the server, not about the mail."""

    async def turn_away(self, hostname):
        await self.push("550 Pas vous")

    with running_mailbox() as running:
        monkeypatch.setattr(SMTP, "smtp_EHLO", turn_away)
        monkeypatch.setattr(SMTP, "smtp_HELO", turn_away)
        with pytest.raises(ServerUnavailable, match="550"):
            send(running.url)


def test_the_end_of_a_mail_cannot_be_forged():
    """SMTP smuggling: lines of a single dot, with every kind of line end, stay in the mail."""
    text = "un\n.\r\ndeux\n.\ntrois\r.\rquatre\n..\nRCPT TO:<tiers@ailleurs.example>\n"
    sender = smtp.read_sender("a@eprunes.example")
    recipient, content = smtp.compose(
        sender=sender, to=TO, subject="Essai", text=text, html="<p>x</p>", message_id="1", date=AS_OF
    )
    with running_mailbox() as running:
        server = smtp.read_server(running.url)
        smtp.deliver(server, from_host=HOST, sender=sender.addr_spec, recipient=recipient, content=content)
        [received] = running.received
    assert received.recipients == [TO]
    assert received.content == content
    assert received.part("plain").split() == text.split()


@pytest.mark.parametrize("to", ["a@b@c", "a b@c.example", "a@c.example\n", "a@-c.example"])
def test_an_address_that_is_none_is_refused_before_any_connection(to):
    sender = smtp.read_sender("a@eprunes.example")
    with pytest.raises(RefusedForGood):
        smtp.compose(sender=sender, to=to, subject="x", text="x", html="x", message_id="1", date=AS_OF)
