"""Getting back in, and putting somebody else out: what a person lives in a browser."""

import pytest

from tests.support import letters

CHOSEN = "tortue violon brouette lilas"


@pytest.fixture
def narrow(chromium, platform):
    """A page that is not signed in, as of a telephone."""
    viewport = {"width": 360, "height": 800}
    context = chromium.new_context(base_url=platform.url, locale="fr-FR", timezone_id="Europe/Paris", viewport=viewport)
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def follow(page, link: str, heading: str) -> None:
    page.get_by_role("link", name=link).first.click()
    page.get_by_role("heading", name=heading).first.wait_for()


def fill_and_send(page, label: str, text: str, button: str) -> None:
    page.get_by_label(label).fill(text)
    page.get_by_role("button", name=button).click()


def test_a_forgotten_password_from_the_question_to_the_next_sign_in(platform, sign_in, narrow, beside):
    """C3.3-c: asked for, followed, chosen; the old session is out, the link is worth nothing any more."""
    platform.add_organisation("recuperation.example")
    email = "parc@recuperation.example"
    old = sign_in(email)
    narrow.goto("/connexion")
    narrow.get_by_role("link", name="Mot de passe oublié").click()
    narrow.get_by_role("heading", name="Mot de passe oublié").wait_for()
    fill_and_send(narrow, "Adresse e-mail", email, "Recevoir le lien")
    narrow.get_by_role("heading", name="Consultez vos e-mails").wait_for()
    assert fits(narrow)

    link = letters.queued("reset", to=email)[-1].path
    narrow.goto(link)
    fill_and_send(narrow, "Nouveau mot de passe", "motdepasse", "Enregistrer")
    narrow.get_by_role("heading", name="à corriger").wait_for()
    assert fits(narrow)
    follow(old, "Véhicules", "Véhicules")
    fill_and_send(narrow, "Nouveau mot de passe", CHOSEN, "Enregistrer")
    narrow.get_by_text("Mot de passe enregistré").wait_for()

    follow(old, "Conducteurs", "Connexion")
    narrow.get_by_label("Adresse e-mail").fill(email)
    fill_and_send(narrow, "Mot de passe", CHOSEN, "Se connecter")
    narrow.get_by_role("heading", name="À faire aujourd’hui").wait_for()
    assert letters.purposes(email)[-1] == "password_reset"
    narrow.goto(link)
    assert not narrow.get_by_label("Nouveau mot de passe").count()


def test_a_session_ended_from_another_device_is_out_at_its_next_click(platform, sign_in):
    """C3.3-b, « Mes sessions »."""
    platform.add_organisation("sessions.example")
    there, here = sign_in("deux@sessions.example"), sign_in("deux@sessions.example", width=360)
    here.goto("/mon-compte/sessions")
    assert fits(here)
    follow(there, "Véhicules", "Véhicules")
    here.get_by_role("button", name="Fermer la session").click()
    here.get_by_text("Session fermée.").wait_for()
    follow(there, "Conducteurs", "Connexion")
    here.goto("/vehicules")
    here.get_by_role("heading", name="Véhicules").first.wait_for()
