"""Debian's Chromium, driven over the running processes."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.platform import PASSWORD, Platform, running_platform

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("Chromium manque : installez le paquet Debian « chromium » (ou lancez make test en root).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def platform(request, tmp_path_factory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp(f"platform-{request.param}")
    server = request.getfixturevalue("postgresql_socket") if request.param == "postgresql" else None
    with running_platform(folder, request.param, server) as running:
        yield running


@pytest.fixture
def beside(platform):
    """The running installation, opened from the test: reads the mails that wait to be sent."""
    with platform.opened() as app:
        yield app


@pytest.fixture
def sign_in(chromium, platform):
    """A function that gives a page signed in as an address, in a context of its own."""
    contexts = []

    def open_page(email: str, width: int = 1280, **options) -> Page:
        context = chromium.new_context(
            base_url=platform.url, locale="fr-FR", timezone_id="Europe/Paris",
            viewport={"width": width, "height": 900}, **options,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto("/connexion")
        page.get_by_label("Adresse e-mail").fill(email)
        page.get_by_label("Mot de passe").fill(PASSWORD)
        page.get_by_role("button", name="Se connecter").click()
        page.get_by_role("heading", name="À faire aujourd’hui").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
