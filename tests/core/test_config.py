"""Settings: what each unsafe combination answers, and what stands without any setting."""

import traceback
from datetime import timedelta

import pytest

from eprunes.core.config import SettingsRefused, is_loopback, read_settings

SECRET = "0123456789abcdef0123456789abcdef"
PUBLIC = {"EPRUNES_BASE_URL": "https://eprunes.example", "EPRUNES_SECRET_KEY": SECRET}
LOCAL_DEMO = {"EPRUNES_BASE_URL": "http://127.0.0.1:8000", "EPRUNES_DEMO": "1"}


def test_without_settings_everything_is_local_and_nothing_is_a_demo():
    settings = read_settings({})
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.database_url.startswith("sqlite:///")
    assert settings.database_url != settings.keystore_url
    assert (settings.demo, settings.clock_offset, settings.trusted_proxies) == (False, timedelta(0), 0)
    assert not settings.is_https


def test_an_empty_setting_counts_as_absent():
    assert read_settings({"EPRUNES_BASE_URL": " ", "EPRUNES_TRUSTED_PROXIES": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("environ", "setting"),
    [
        ({"EPRUNES_BASE_URL": "eprunes.example"}, "EPRUNES_BASE_URL"),
        ({"EPRUNES_BASE_URL": "ftp://127.0.0.1"}, "EPRUNES_BASE_URL"),
        ({"EPRUNES_BASE_URL": "https://"}, "EPRUNES_BASE_URL"),
        ({"EPRUNES_BASE_URL": "http://[::1]:8000"}, "EPRUNES_BASE_URL"),
        ({**PUBLIC, "EPRUNES_BASE_URL": "http://eprunes.example"}, "EPRUNES_BASE_URL"),
        ({**PUBLIC, "EPRUNES_BASE_URL": "http://localhost.example"}, "EPRUNES_BASE_URL"),
        ({**PUBLIC, "EPRUNES_DEMO": "1"}, "EPRUNES_DEMO"),
        ({"EPRUNES_CLOCK_OFFSET": "45d"}, "EPRUNES_CLOCK_OFFSET"),
        ({**LOCAL_DEMO, "EPRUNES_CLOCK_OFFSET": "quarante-cinq"}, "EPRUNES_CLOCK_OFFSET"),
        ({**PUBLIC, "EPRUNES_SECRET_KEY": ""}, "EPRUNES_SECRET_KEY"),
        ({**PUBLIC, "EPRUNES_SECRET_KEY": SECRET[:-1]}, "EPRUNES_SECRET_KEY"),
        (
            {"EPRUNES_DATABASE_URL": "postgres:///one", "EPRUNES_KEYSTORE_URL": "postgresql:///one"},
            "EPRUNES_KEYSTORE_URL",
        ),
        ({"EPRUNES_SMTP_URL": "smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "http://127.0.0.1"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://:465"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr:0"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr:65536"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr:cent"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr/boite"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr?x=1"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp..exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://smtp exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://nom@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://:secret@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://nom:se/cret@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://nom:secr%C3%A9t@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://nom:secr%FFt@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtps://nom:secret%0D%0A@smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtp://smtp.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_SMTP_URL": "smtp://127.0.0.1.exemple.fr"}, "EPRUNES_SMTP_URL"),
        ({"EPRUNES_MAIL_FROM": "e-Prunes"}, "EPRUNES_MAIL_FROM"),
        ({"EPRUNES_MAIL_FROM": "a@exemple.fr, b@exemple.fr"}, "EPRUNES_MAIL_FROM"),
        ({"EPRUNES_MAIL_FROM": "é@exemple.fr"}, "EPRUNES_MAIL_FROM"),
        ({"EPRUNES_MAIL_FROM": "e-Prunes\r\nBcc: b@exemple.fr <a@exemple.fr>"}, "EPRUNES_MAIL_FROM"),
        ({"EPRUNES_MAILBOX_URL": "http://127.0.0.1:8002"}, "EPRUNES_MAILBOX_URL"),
        ({**LOCAL_DEMO, "EPRUNES_MAILBOX_URL": "http://192.168.1.1:8002"}, "EPRUNES_MAILBOX_URL"),
        ({**LOCAL_DEMO, "EPRUNES_MAILBOX_URL": "javascript://127.0.0.1/%0Aalert(1)"}, "EPRUNES_MAILBOX_URL"),
        ({"EPRUNES_SUPPORT_CONTACT": "x" * 101}, "EPRUNES_SUPPORT_CONTACT"),
        ({"EPRUNES_SUPPORT_CONTACT": "01 02 03\n04 05"}, "EPRUNES_SUPPORT_CONTACT"),
        ({"EPRUNES_TRUSTED_PROXIES": "deux"}, "EPRUNES_TRUSTED_PROXIES"),
        ({"EPRUNES_TRUSTED_PROXIES": "-1"}, "EPRUNES_TRUSTED_PROXIES"),
        ({"EPRUNES_TRUSTED_PROXIES": "²"}, "EPRUNES_TRUSTED_PROXIES"),
    ],
)
def test_an_unsafe_setting_is_refused_by_its_name(environ, setting):
    with pytest.raises(SettingsRefused, match=f"^{setting}\u00a0: "):
        read_settings(environ)


@pytest.mark.parametrize(
    "environ",
    [
        PUBLIC,
        {"EPRUNES_SUPPORT_CONTACT": "x" * 100},
        {**PUBLIC, "EPRUNES_TRUSTED_PROXIES": "1"},
        {"EPRUNES_BASE_URL": "http://localhost:8000"},
        LOCAL_DEMO,
        {**LOCAL_DEMO, "EPRUNES_CLOCK_OFFSET": "45d"},
        {"EPRUNES_DATABASE_URL": "postgres:///one", "EPRUNES_KEYSTORE_URL": "postgres:///two"},
        {"EPRUNES_SMTP_URL": "smtp://localhost"},
        {"EPRUNES_SMTP_URL": "smtp://[::1]:25"},
        {"EPRUNES_SMTP_URL": "smtps://smtp.exemple.fr"},
        {"EPRUNES_SMTP_URL": "smtp+starttls://nom:s%40cr%3Aet@smtp.exemple.fr:587/"},
        {"EPRUNES_MAIL_FROM": "Équipe Prunes <ne-pas-repondre@prunes.exemple.fr>"},
        {"EPRUNES_MAIL_FROM": "ne-pas-repondre@exemple.fr"},
        {**LOCAL_DEMO, "EPRUNES_MAILBOX_URL": "http://127.0.0.1:8002"},
    ],
)
def test_a_safe_setting_is_accepted(environ):
    read_settings(environ)


@pytest.mark.parametrize("url", ["smtps://nom:prune-secrete@", "smtps://nom:prune-secrete/@h", "prune-secrete"])
def test_a_refused_mail_server_does_not_show_its_password(url):
    with pytest.raises(SettingsRefused) as refusal:
        read_settings({"EPRUNES_SMTP_URL": url})
    shown = "".join(traceback.format_exception(refusal.value))
    assert "prune-secrete" not in shown


def test_postgresql_urls_name_their_driver():
    url = read_settings({"EPRUNES_DATABASE_URL": "postgres://u@h/d"}).database_url
    assert url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.3.2.1", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://0.0.0.0:8000", False),
        ("http://192.168.1.1", False),
        ("http://127.0.0.1.example", False),
        ("http://", False),
    ],
)
def test_loopback_is_this_machine_alone(url, local):
    assert is_loopback(url) is local


def test_the_agency_password_is_read_from_its_file_at_each_use(tmp_path):
    file = tmp_path / "password"
    settings = read_settings({"EPRUNES_ANTAI_PASSWORD_FILE": str(file)})
    with pytest.raises(SettingsRefused, match="fichier illisible"):
        settings.antai_password()
    file.write_text("premier\n")
    assert settings.antai_password() == "premier"
    file.write_text("second\n")
    assert settings.antai_password() == "second"
    with pytest.raises(SettingsRefused, match="indiquez le fichier"):
        read_settings({}).antai_password()
