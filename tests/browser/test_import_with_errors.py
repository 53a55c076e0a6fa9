"""A workbook with errors, from the upload to its corrected lines."""

import io

import openpyxl

from tests.support.fleet_files import DRIVER, ENTRY, VEHICLE_HEADINGS, sheets, xlsx

DOMAIN = "import.example"
LINES = [
    ["AB-123-CD", "Renault", ENTRY, None, "Lyon"],
    ["AI-999-ZZ", "Peugeot", ENTRY, None, "Lille"],
    ["EF-456-GH", "Toyota", "hier", None, "Nantes"],
]


def workbook() -> bytes:
    """Vehicles whose site stands under a heading of the client's own; two lines can't be read."""
    vehicles = [[*VEHICLE_HEADINGS[:4], "Rattachement"], *LINES]
    return xlsx([("Véhicules", vehicles), *sheets(drivers=[DRIVER])])


def send(page, content: bytes) -> None:
    page.goto("/import")
    page.get_by_label("Classeur Excel").set_input_files({"name": "parc.xlsx", "mimeType": "", "buffer": content})
    page.get_by_role("button", name="Envoyer").click()
    page.get_by_role("heading", name="Aperçu de l’import").wait_for()


def test_errors_are_shown_columns_chosen_and_refused_lines_fetched(platform, sign_in):
    """C4.2: nothing is written before the confirmation; what was refused comes back as a workbook, with why."""
    platform.add_organisation(DOMAIN)
    page = sign_in(f"parc@{DOMAIN}")
    send(page, workbook())
    path = page.url
    assert page.get_by_text("Une plaque SIV ne contient jamais I, O ou U.").count() == 1
    assert page.get_by_role("row", name="Véhicules 3 1 0 0 2").count() == 1  # three read, one to create, two refused

    page.get_by_text("Comment les colonnes sont comprises").click()
    page.get_by_label("Rattachement").select_option(label="Site")
    page.get_by_label("Marque", exact=True).select_option(label="Site")
    page.get_by_role("button", name="Relire avec ces colonnes").click()
    page.get_by_role("link", name="ne peuvent pas être toutes deux").wait_for()
    page.get_by_label("Marque", exact=True).select_option(label="Marque")
    page.get_by_role("button", name="Relire avec ces colonnes").click()
    page.get_by_role("button", name="Importer 2 lignes").wait_for()

    page.goto("/vehicules")  # the browser goes elsewhere in the middle, and comes back by the list
    assert page.get_by_text("AB-123-CD").count() == 0
    page.goto("/import")
    page.get_by_role("row", name="parc.xlsx").get_by_role("link").click()
    assert page.url == path
    page.get_by_role("button", name="Importer 2 lignes").click()
    page.get_by_text("L’import est enregistré.").wait_for()

    with page.expect_download() as started:
        page.get_by_role("link", name="Télécharger les lignes refusées").click()
    book = openpyxl.load_workbook(io.BytesIO(started.value.path().read_bytes()))
    headings, *lines = book["Véhicules"].iter_rows(values_only=True)
    assert headings[4:] == ("Rattachement", "Motif du refus")
    assert [line[0] for line in lines] == ["AI-999-ZZ", "EF-456-GH"]
    assert "hier" in lines[1][5]

    book["Véhicules"]["A2"], book["Véhicules"]["C3"] = "AA-999-ZZ", ENTRY
    corrected = io.BytesIO()
    book.save(corrected)
    send(page, corrected.getvalue())
    assert page.get_by_text("1 colonne reconnue d’après votre import précédent").count() == 1
    page.get_by_role("button", name="Importer 2 lignes").click()
    page.get_by_text("L’import est enregistré.").wait_for()
    page.goto("/vehicules")
    for plate in ("AB-123-CD", "AA-999-ZZ", "EF-456-GH"):
        assert page.get_by_text(plate).count() >= 1
    assert page.get_by_text("Nantes").count() >= 1


def test_the_preview_of_an_import_fits_a_telephone(platform, sign_in):
    """At 360 px, columns and missing vehicles included."""
    platform.add_organisation("petit-import.example")
    page = sign_in("parc@petit-import.example", width=360)
    send(page, workbook())
    page.get_by_text("Comment les colonnes sont comprises").click()
    page.get_by_label("Rattachement").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
