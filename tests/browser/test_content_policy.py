"""The content policy in a real browser: our scripts and stylesheets work on every kind of page, nothing else does."""

from itertools import count

import pytest

from tests.support.platform import PASSWORD

ANYBODY = ("/connexion", "/introuvable")
ADMINISTRATOR = ("/", "/contraventions", "/vehicules", "/vehicules/nouveau", "/conducteurs", "/conducteurs/nouveau",
                 "/import", "/antai", "/administration", "/administration/journal", "/introuvable")  # fmt: skip
OPERATOR = ("/", "/exploitation/clients", "/exploitation/comptes", "/exploitation/a-examiner")
VISITOR = ("/", "/vehicules", "/conducteurs", "/contraventions", "/antai", "/introuvable")
_turns = count()


@pytest.fixture
def watched(chromium, platform):
    """A page whose complaints are kept: what the policy refused, and scripts that failed."""
    context = chromium.new_context(base_url=platform.url, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.complaints = []
    page.on(
        "console", lambda one: one.type == "error" and "status of" not in one.text and page.complaints.append(one.text)
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def look_at(page, paths) -> None:
    for path in paths:
        page.goto(path)
        assert page.complaints == [], path
        loaded = page.evaluate("[...document.styleSheets].map(one => one.cssRules.length > 0)")
        assert loaded == [True, True], path
        if page.locator("script").count():
            assert page.locator("html").get_attribute("data-bs-theme") in ("light", "dark"), path


def sign_in(page, email: str) -> None:
    page.goto("/connexion")
    page.get_by_label("Adresse e-mail").fill(email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("heading", name="À faire aujourd’hui").wait_for()


def test_every_kind_of_page_works_under_the_content_policy(platform, watched):
    turn = next(_turns)
    domain, operator = f"politique{turn}.example", f"exploitant{turn}@exploitation.example"
    platform.add_organisation(domain)
    platform.cli("operator", "create", operator)
    platform.cli("user", "set-password", operator, typed=PASSWORD + "\n")

    look_at(watched, ANYBODY)
    sign_in(watched, f"admin@{domain}")
    look_at(watched, ADMINISTRATOR)
    watched.get_by_role("button", name="Se déconnecter").click()

    sign_in(watched, operator)
    look_at(watched, OPERATOR)
    watched.goto("/exploitation/clients")
    row = watched.locator("tr", has_text=f"Client {domain}")
    row.get_by_role("link", name="Visiter").click()
    watched.get_by_label("Motif de la visite").fill("Demande d’assistance 1024")
    watched.get_by_role("button", name="Commencer la visite").click()
    watched.get_by_text("Vous visitez les données de").wait_for()
    look_at(watched, VISITOR)
    assert watched.get_by_role("link", name="Exporter").count() == 0
    watched.get_by_role("button", name="Terminer la visite").click()
    watched.get_by_text("Visite terminée.").wait_for()
    assert watched.complaints == []


def test_what_carries_no_nonce_is_neither_run_nor_applied(watched):
    """Were a page ever made to hold foreign markup, the browser would refuse it."""
    watched.goto("/connexion")
    planted = """() => {
        const script = document.createElement("script"); script.textContent = "window.planted = 1";
        const style = document.createElement("style"); style.textContent = "main { display: none }";
        const button = document.createElement("button"); button.setAttribute("onclick", "window.planted = 2");
        document.body.append(script, style, button); button.click();
        return [window.planted ?? null, getComputedStyle(document.querySelector("main")).display];
    }"""
    planted, display = watched.evaluate(planted)
    assert (planted, display) == (None, "block")
    assert len(watched.complaints) == 3
    assert all("Content Security Policy" in one for one in watched.complaints)
