"""The second factor and one's own sessions, lived in Chromium on a platform that is no demonstration."""

import re
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Page

from eprunes.core import clock
from tests.support import platform as processes
from tests.support.platform import PASSWORD

DOMAIN = "verger.example"
ADMIN = f"admin@{DOMAIN}"


@pytest.fixture
def site(platform, tmp_path):
    """The address of a web server on the platform's data, without the demonstration's leniency."""
    port = processes.free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {**platform.environ, "EPRUNES_BASE_URL": url}
    del environ["EPRUNES_DEMO"]
    arguments = ["-m", "gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}", "wsgi:app"]
    web = processes.start(arguments, environ, tmp_path / "web.log")
    try:
        processes._wait_until_ready(url)
        yield url
    finally:
        processes.end(web)


@pytest.fixture
def device(chromium, site):
    """A function that gives a fresh browser, as of another device."""
    contexts = []

    def open_device(width: int = 1280) -> Page:
        viewport = {"width": width, "height": 900}
        context = chromium.new_context(base_url=site, locale="fr-FR", viewport=viewport, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield open_device
    for context in contexts:
        context.close()


def give_password(page: Page) -> None:
    page.goto("/connexion")
    page.get_by_label("Adresse e-mail").fill(ADMIN)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()


def give_code(page: Page, code: str) -> None:
    page.get_by_role("heading", name="Code de vérification").wait_for()
    page.get_by_label("Code à six chiffres").fill(code)
    page.get_by_role("button", name="Continuer").click()


def set_up(page: Page) -> tuple[str, list[str]]:
    """Follow the page that sets the factor up: (secret, recovery codes)."""
    secret = page.locator("#cle").inner_text().replace(" ", "")
    page.get_by_label("Code à six chiffres").fill(pyotp.TOTP(secret).at(clock.now()))
    page.get_by_role("button", name="Confirmer").click()
    page.get_by_role("heading", name="Gardez ces codes de secours").wait_for()
    return secret, page.locator(".recovery-codes li").all_inner_texts()


def next_code(secret: str) -> str:
    """The code after the one that has just served; it is admitted one step early."""
    return pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))


def home(page: Page) -> None:
    page.get_by_role("heading", name="À faire aujourd’hui").wait_for()


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_the_first_sign_in_to_a_session_ended_elsewhere(platform, device):
    """C3.2-a, C3.3-b: set-up at the first sign-in, sign-out, sign-in with a code, ending another session."""
    platform.add_organisation(DOMAIN)
    office = device()
    broken = []
    office.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    give_password(office)
    office.get_by_role("heading", name="Mettez en place la double authentification").wait_for()
    assert office.locator(".qr-code").bounding_box()["width"] > 150
    office.goto("/vehicules")
    assert "/connexion/double-authentification" in office.url, "nothing else opens"

    secret, codes = set_up(office)
    with office.expect_download() as saved:
        office.get_by_role("link", name="Enregistrer dans un fichier").click()
    kept = saved.value.path().read_text(encoding="utf-8")
    assert saved.value.suggested_filename == "codes-de-secours-e-prunes.txt"
    assert re.findall(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}", kept) == codes
    office.get_by_role("link", name="J’ai gardé mes codes").click()
    office.get_by_role("heading", name="Véhicules").first.wait_for()

    office.get_by_role("button", name="Se déconnecter").click()
    give_password(office)
    give_code(office, "000000")
    office.get_by_text("Ce code n’est pas le bon").first.wait_for()
    give_code(office, next_code(secret))
    home(office)

    phone = device(width=360)
    give_password(phone)
    phone.get_by_role("link", name="Je n’ai pas mon téléphone").click()
    phone.get_by_label("Code de secours").fill(codes[0].lower())
    phone.get_by_role("button", name="Continuer").click()
    home(phone)
    phone.get_by_role("link", name="Mon compte").first.click()
    phone.get_by_role("heading", name="Mon compte").wait_for()
    assert fits(phone)

    office.goto("/mon-compte/sessions")
    assert office.get_by_role("button", name="Fermer la session").count() == 1
    office.get_by_role("button", name="Fermer la session").click()
    office.get_by_text("Session fermée.").wait_for()
    phone.goto("/mon-compte")
    phone.get_by_role("heading", name="Connexion").wait_for()
    office.goto("/mon-compte")
    office.get_by_role("heading", name="Mon compte").wait_for()
    refused = [text for text in broken if "422" not in text]
    assert refused == [], "the content policy lets everything of these pages through"
