"""Invited, then administrator: what a person lives in a browser from the first mail on."""

from tests.support.letters import purposes, token_for

DOMAIN = "invitations.example"
NEW, CHOSEN = f"camille@{DOMAIN}", "tortue violon brouette lilas"


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_the_invitation_to_the_administrator_account(platform, chromium, sign_in, beside):
    """C3.2-a, C3.3-a, decision 6: invited, own password, first sign-in, then the account is handed over."""
    platform.add_organisation(DOMAIN)
    boss = sign_in(f"admin@{DOMAIN}")
    boss.goto("/administration")
    boss.get_by_role("link", name="Inviter un utilisateur").click()
    boss.get_by_label("Adresse e-mail").fill(NEW)
    boss.get_by_label("Nom").fill("Camille Dumas")
    boss.get_by_label("Contraventions").check()
    boss.get_by_role("button", name="Envoyer l’invitation").click()
    boss.get_by_text("Invitation envoyée.").wait_for()

    context = chromium.new_context(base_url=platform.url, locale="fr-FR", viewport={"width": 360, "height": 800})
    guest = context.new_page()
    guest.set_default_timeout(15_000)
    path = f"/invitation/{token_for(NEW)}"
    guest.goto(path)
    assert fits(guest)
    guest.get_by_text(f"Client {DOMAIN}").wait_for()
    guest.get_by_label("Choisissez un mot de passe").fill("motdepasse")
    guest.get_by_role("button", name="Créer mon compte").click()
    guest.get_by_role("heading", name="à corriger").wait_for()
    guest.get_by_label("Choisissez un mot de passe").fill(CHOSEN)
    guest.get_by_role("button", name="Créer mon compte").click()
    guest.get_by_role("heading", name="Votre compte est créé").wait_for()
    assert guest.get_by_label("Adresse e-mail").input_value() == NEW
    guest.get_by_label("Mot de passe").fill(CHOSEN)
    guest.get_by_role("button", name="Se connecter").click()
    guest.get_by_role("heading", name="À faire aujourd’hui").wait_for()
    assert guest.get_by_role("link", name="Contraventions").count()
    assert not guest.get_by_role("link", name="Véhicules").count()

    boss.goto("/administration/passation")
    boss.get_by_label("Camille Dumas").check()
    boss.get_by_role("button", name="Proposer le compte").click()
    boss.get_by_role("button", name="Annuler la proposition").wait_for()
    assert purposes(NEW)[-1] == "handover_proposed"

    guest.goto("/")
    guest.get_by_role("link", name="Voir la passation").click()
    guest.get_by_role("heading", name="Passation").wait_for()
    assert fits(guest)
    guest.get_by_role("button", name="Accepter le compte administrateur").click()
    guest.get_by_text("a changé de mains").wait_for()
    guest.get_by_label("Adresse e-mail").fill(NEW)
    guest.get_by_label("Mot de passe").fill(CHOSEN)
    guest.get_by_role("button", name="Se connecter").click()
    guest.get_by_role("link", name="Administration").click()
    guest.get_by_role("link", name="Camille Dumas").wait_for()
    assert fits(guest)

    assert "/connexion" in boss.goto("/administration").url
    context.close()
    former = sign_in(f"admin@{DOMAIN}")
    assert former.goto("/administration").status == 404
    assert former.goto(path).ok
    former.get_by_role("heading", name="Ce lien ne vaut plus").wait_for()
