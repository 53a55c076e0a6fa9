"""Settings, read once from the environment and checked before anything starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from eprunes.core import clock, smtp

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_CONTACT = re.compile(r"(mailto:[!-?A-~]+@[!-?A-~]+|https://[!-~]+)")
_YES = {"1", "true", "yes", "oui"}


class SettingsRefused(Exception):
    """A setting is missing or unsafe; the message says which one and what to write instead."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    keystore_url: str
    master_key_file: Path
    secret_key: str | None
    base_url: str
    files_dir: Path
    antai_url: str
    antai_user: str
    antai_password_file: Path | None
    smtp_url: str
    mail_from: str
    mailbox_url: str | None
    security_contact: str | None
    support_contact: str
    trusted_proxies: int
    demo: bool
    clock_offset: timedelta

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """The base URL's host name, without its port."""
        return urlsplit(self.base_url).hostname or ""

    def antai_password(self) -> str:
        """The agency's password, read from its file at each use. Raises SettingsRefused when unreadable."""
        if self.antai_password_file is None:
            raise SettingsRefused("EPRUNES_ANTAI_PASSWORD_FILE\u00a0: indiquez le fichier du mot de passe ANTAI.")
        try:
            return self.antai_password_file.read_text().strip()
        except OSError as error:
            why = error.strerror
            raise SettingsRefused(f"EPRUNES_ANTAI_PASSWORD_FILE\u00a0: fichier illisible ({why}).") from error


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Build the settings from EPRUNES_* variables. Raises SettingsRefused on an unsafe combination."""
    var = PROJECT_ROOT / "var"

    def value(name: str, default: str = "") -> str:
        return environ.get(f"EPRUNES_{name}", "").strip() or default

    password_file = value("ANTAI_PASSWORD_FILE")
    settings = Settings(
        database_url=_driver_named(value("DATABASE_URL", f"sqlite:///{var / 'eprunes.sqlite'}")),
        keystore_url=_driver_named(value("KEYSTORE_URL", f"sqlite:///{var / 'keys.sqlite'}")),
        master_key_file=Path(value("MASTER_KEY_FILE", str(var / "master.key"))),
        secret_key=value("SECRET_KEY") or None,
        base_url=value("BASE_URL", "http://127.0.0.1:8000").rstrip("/"),
        files_dir=Path(value("FILES_DIR", str(var / "files"))),
        antai_url=value("ANTAI_URL", "http://127.0.0.1:8001").rstrip("/"),
        antai_user=value("ANTAI_USER", "eprunes"),
        antai_password_file=Path(password_file) if password_file else None,
        smtp_url=value("SMTP_URL", "smtp://127.0.0.1:1025"),
        mail_from=value("MAIL_FROM", "e-Prunes <ne-pas-repondre@eprunes.example>"),
        mailbox_url=value("MAILBOX_URL").rstrip("/") or None,
        security_contact=value("SECURITY_CONTACT") or None,
        support_contact=value("SUPPORT_CONTACT"),
        trusted_proxies=_whole_number("EPRUNES_TRUSTED_PROXIES", value("TRUSTED_PROXIES", "0")),
        demo=value("DEMO").lower() in _YES,
        clock_offset=_duration(value("CLOCK_OFFSET", "0s")),
    )
    _refuse_unsafe(settings)
    _refuse_unsafe_mail(settings)
    return settings


def is_loopback(url: str) -> bool:
    """True when the address can only be reached from this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_unsafe(settings: Settings) -> None:
    if urlsplit(settings.base_url).scheme not in ("http", "https") or not settings.host:
        raise SettingsRefused("EPRUNES_BASE_URL\u00a0: indiquez une adresse complète, par exemple https://exemple.fr.")
    if ":" in settings.host:  # Werkzeug would trust no request for it
        raise SettingsRefused("EPRUNES_BASE_URL\u00a0: indiquez un nom ou une adresse IPv4, par exemple 127.0.0.1.")
    loopback = is_loopback(settings.base_url)
    if not settings.is_https and not loopback:
        raise SettingsRefused("EPRUNES_BASE_URL\u00a0: http n’est admis qu’en local\u00a0; utilisez https.")
    if settings.demo and not loopback:
        raise SettingsRefused("EPRUNES_DEMO\u00a0: la démonstration n’est admise que sur une adresse locale.")
    if settings.clock_offset and not settings.demo:
        raise SettingsRefused("EPRUNES_CLOCK_OFFSET\u00a0: le décalage d’horloge n’est admis qu’avec EPRUNES_DEMO.")
    if not loopback and len(settings.secret_key or "") < 32:
        raise SettingsRefused("EPRUNES_SECRET_KEY\u00a0: indiquez un secret d’au moins 32 caractères.")
    if settings.security_contact and not _CONTACT.fullmatch(settings.security_contact):
        raise SettingsRefused(
            "EPRUNES_SECURITY_CONTACT\u00a0: indiquez mailto:adresse@exemple.fr ou https://exemple.fr/page."
        )
    if len(settings.support_contact) > 100 or not settings.support_contact.isprintable():
        raise SettingsRefused(
            "EPRUNES_SUPPORT_CONTACT\u00a0: indiquez une adresse e-mail ou un téléphone, sur une ligne."
        )
    if settings.database_url == settings.keystore_url:
        raise SettingsRefused("EPRUNES_KEYSTORE_URL\u00a0: les clés doivent vivre ailleurs que la base de données.")


def _refuse_unsafe_mail(settings: Settings) -> None:
    for name, read, text in (
        ("EPRUNES_SMTP_URL", smtp.read_server, settings.smtp_url),
        ("EPRUNES_MAIL_FROM", smtp.read_sender, settings.mail_from),
    ):
        try:
            read(text)
        except ValueError as error:
            raise SettingsRefused(f"{name}\u00a0: {error}") from error
    if smtp.read_server(settings.smtp_url).security is smtp.Security.NONE and not is_loopback(settings.smtp_url):
        raise SettingsRefused(
            "EPRUNES_SMTP_URL\u00a0: smtp:// n’est admis qu’en local\u00a0; utilisez smtps:// ou smtp+starttls://."
        )
    mailbox = settings.mailbox_url
    if mailbox and not (settings.demo and mailbox.startswith("http://") and is_loopback(mailbox)):
        raise SettingsRefused("EPRUNES_MAILBOX_URL\u00a0: réservé à la démonstration, sur une adresse locale en http.")


def _driver_named(url: str) -> str:
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsRefused(f"{name}\u00a0: «\u00a0{text}\u00a0» n’est pas un nombre entier.")
    return int(text)


def _duration(text: str) -> timedelta:
    try:
        return clock.parse_duration(text)
    except ValueError as error:
        raise SettingsRefused(f"EPRUNES_CLOCK_OFFSET\u00a0: {error}.") from error
