"""The main job, lived in a browser on the running processes: from a workbook to a registered designation."""

from datetime import timedelta
from pathlib import Path

import openpyxl

from eprunes.core import clock
from eprunes.core.calendar import PARIS

WORKBOOK = Path(__file__).parents[2] / "demo" / "parc-transports-durand.xlsx"
DOMAIN = "durand.example"


def held_now() -> tuple[str, str]:
    """A plate of the workbook that a driver with a complete file holds today, and that driver's family name."""
    book = openpyxl.load_workbook(WORKBOOK, read_only=True, data_only=True)
    drivers = {row[0]: row for row in book["Conducteurs"].iter_rows(min_row=2, values_only=True)}
    now = clock.now().astimezone(PARIS).replace(tzinfo=None)
    out = {row[0] for row in book["Véhicules"].iter_rows(min_row=2, values_only=True) if row[8]}
    for plate, number, start, end in book["Attributions"].iter_rows(min_row=2, values_only=True):
        person = drivers.get(number)
        complete = person and all(person[index] for index in (2, 3, 4, 5, 6, 7, 10))
        if (
            complete
            and end is None
            and hasattr(start, "year")
            and start < now - timedelta(days=40)
            and plate not in out
        ):
            return "".join(filter(str.isalnum, plate.upper())), person[2].upper()
    raise AssertionError("the workbook has no vehicle held today")


def offence(plate: str, number: str) -> dict:
    happened = clock.now().astimezone(PARIS) - timedelta(days=5)
    return {
        "numeroAco": number,
        "dateAco": happened.date().isoformat(),
        "immatriculation": plate,
        "paysImmatriculation": "FRA",
        "marque": "RENAULT",
        "codeNatinf": "25386",
        "libelleNatinf": "Excès de vitesse de 5 à 19 km/h",
        "dateHeureInfraction": happened.strftime("%Y-%m-%dT%H:%M:00"),
        "lieu": "A6 PR 12+300",
        "commune": "Chilly-Mazarin",
        "codePostal": "91380",
        "sens": "Paris-Province",
        "vitesseLimite": 50,
        "vitesseRetenue": 59,
        "vitesseMesuree": 64,
    }


class Hand:
    """A user's hand, which counts what it does."""

    times = 0

    def presses(self, locator) -> None:
        self.times += 1
        locator.click()


def wait_for(page, text: str, seconds: int = 40) -> None:
    """Reload until the page shows a text."""
    for _ in range(seconds * 2):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"« {text} » never came")


def test_from_a_workbook_to_a_designation_that_the_agency_registered(platform, sign_in):
    """C1-a, C1-b, C4.2, C4.3-a to C4.3-f: import, declare, offence, designate, receipt, closed to the others."""
    platform.add_organisation(DOMAIN)
    plate, family_name = held_now()

    fleet = sign_in(f"parc@{DOMAIN}")
    fleet.goto("/import")
    fleet.locator("input[type=file]").set_input_files(WORKBOOK)
    fleet.get_by_role("button", name="Envoyer").click()
    fleet.get_by_role("button", name="Importer ").click(timeout=40_000)
    wait_for(fleet, "Terminé")

    platform.cli("jobs", "run", "antai-declare-vehicles")
    sent = platform.agency.control("POST", "/offences", [offence(plate, "5550001112"), offence(plate, "5550001113")])
    assert sent.json()["ajoutees"] == 2

    fines = sign_in(f"amendes@{DOMAIN}")
    fines.goto("/contraventions")
    wait_for(fines, family_name)
    hand = Hand()
    hand.presses(fines.locator("a.row-link").first)
    number = fines.get_by_role("heading", level=1).inner_text().split("n° ")[1]
    hand.presses(fines.get_by_role("button", name="Désigner "))
    fines.get_by_text(f"Réponse confirmée pour l’avis n° {number}").wait_for()
    assert hand.times <= 3, "a known driver: from the inbox to the sent answer"
    assert fines.locator("a.row-link").count() == 1, "the answered notice has left its author's inbox"

    admin = sign_in(f"admin@{DOMAIN}")
    admin.goto("/contraventions?vue=transmises")
    wait_for(admin, "Enregistrée")
    admin.locator("a.row-link").first.click()
    receipt = admin.get_by_text("ENR-").first.inner_text()
    registered = platform.agency.control("GET", f"/designations?numeroAco={number}").json()
    assert [one["numeroEnregistrement"] for one in registered] == [receipt]
    address = admin.url

    for other in (f"deux@{DOMAIN}", f"amendes@{DOMAIN}", f"parc@{DOMAIN}"):
        page = sign_in(other)
        assert page.goto(address).status == 404, other
        assert number not in page.content()
