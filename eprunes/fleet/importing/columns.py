"""The three sheets of a workbook and their columns, under all the headings that mean them."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from eprunes.core.spreadsheets.reading import Value

REASON_HEADING = "Motif du refus"

_WORD = re.compile(r"[^\W_]+")
_LITTLE_WORDS = frozenset({"d", "de", "des", "du", "l", "la", "le", "les", "of", "the"})
_SAME_WORD = (
    dict.fromkeys(("n", "nr", "num", "numero", "number"), "no")
    | dict.fromkeys(("1ere", "premiere"), "1re")
    | {"license": "licence", "center": "centre", "centers": "centres"}
)


@dataclass(frozen=True)
class Column:
    """A field of a sheet: the heading that the template shows, and others that mean the same.

    A sheet without a `required` column is refused, and a line without its cell unless it `may_be_empty`.
    """

    name: str
    heading: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class SheetKind:
    """One of the three sheets; `exported` are headings that our exports add for people, and the import ignores."""

    name: str
    title: str
    synonyms: tuple[str, ...]
    columns: tuple[Column, ...]
    exported: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A recognised sheet: `places` gives each known field its column, `rows[0]` is line `first_line`.

    `refusal` says why none of its lines can be read; `cells` are the rows as they stand, unknown columns
    included.
    """

    kind: SheetKind
    title: str
    headings: list[str]
    places: dict[str, int]
    first_line: int
    cells: list[list[Value]]
    refusal: str = ""


@dataclass(frozen=True)
class Recognised:
    """The sheets that were understood, sentences on what was left aside, and those that nobody may miss."""

    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_csv: bool = False


_PLATE = (
    *("Plaque", "Plaque d’immatriculation", "Immat", "N° d’immatriculation", "N° d’immat", "N° de plaque"),
    *("Plate", "License plate", "License plate number", "Plate number", "Number plate"),
    *("Registration", "Registration number", "Reg", "Reg number", "Registration plate", "Vehicle registration"),
    *("Vehicle registration number", "Vehicle reg"),
)
_PLATE_COUNTRY = ("Pays d’immatriculation", "Country", "Country of registration", "Registration country")
_EMPLOYEE = (
    *("Matricule salarié", "N° de matricule", "Matricule de l’employé"),
    *("Employee ID", "Employee number", "Staff ID", "Staff number", "Personnel number", "Personnel ID"),
    *("Payroll number", "Driver ID", "Driver number"),
)

VEHICLES = SheetKind(
    "vehicles",
    "Véhicules",
    (
        "Véhicule",
        "Parc",
        "Flotte",
        "Liste des véhicules",
        "Vehicles",
        "Vehicle",
        "Fleet",
        "Vehicle list",
        "List of vehicles",
    ),
    (
        Column("plate", "Immatriculation", _PLATE, required=True),
        Column("country", "Pays", _PLATE_COUNTRY),
        Column("make", "Marque", ("Constructeur", "Make", "Brand", "Manufacturer")),
        Column("model", "Modèle", ("Dénomination commerciale", "Model")),
        Column(
            "category",
            "Genre",
            ("Genre national", "Catégorie", "Type", "Type de véhicule")
            + ("Category", "Vehicle category", "Vehicle type", "Type of vehicle"),
        ),
        Column(
            "vin",
            "VIN",
            ("N° VIN", "N° de série", "N° de châssis", "Châssis", "N° d’identification")
            + ("VIN number", "Chassis number", "Serial number", "Vehicle identification number"),
        ),
        Column(
            "first_registered_on",
            "1re mise en circulation",
            ("Date de 1re mise en circulation", "Mise en circulation", "Date de mise en circulation")
            + ("MEC", "1re MEC", "Date de MEC", "Date de 1re MEC")
            + ("1re immatriculation", "Date de 1re immatriculation")
            + ("First registration", "First registration date", "Date of first registration", "First registered")
            + ("First registered on",),
        ),
        Column(
            "holding",
            "Détention",
            ("Mode de détention", "Propriété", "Financement", "Mode de financement", "Type de financement")
            + ("Ownership", "Ownership type", "Financing", "Financing type", "Funding"),
        ),
        Column(
            "formula_number",
            "N° de formule",
            ("Formule", "Formula", "Formula number", "Registration certificate number", "Certificate number"),
        ),
        Column(
            "energy",
            "Énergie",
            ("Carburant", "Motorisation", "Type de carburant", "Type d’énergie")
            + ("Energy", "Energy type", "Fuel", "Fuel type"),
        ),
        Column(
            "co2_g_per_km",
            "CO2 (g/km)",
            ("CO2", "Émissions de CO2", "Émission de CO2", "Taux de CO2", "CO2 emissions", "CO2 emissions (g/km)"),
        ),
        Column(
            "registered_to",
            "Titulaire",
            ("Titulaire de la carte grise", "Titulaire du certificat", "Titulaire du certificat d’immatriculation")
            + ("Owner", "Keeper", "Registered keeper", "Registered owner", "Registered to", "Registration holder"),
        ),
        Column(
            "lessor",
            "Loueur",
            ("Bailleur", "Société de location", "Nom du loueur")
            + ("Lessor", "Leasing company", "Lease company", "Rental company"),
        ),
        Column(
            "cost_centre",
            "Centre de coût",
            ("Centre de coûts", "Section analytique", "Imputation", "Cost centre", "Cost centres"),
        ),
        Column(
            "is_pool",
            "Véhicule partagé",
            ("Pool", "Véhicule de pool", "Partagé", "Service")
            + ("Pool vehicle", "Pool car", "Shared", "Shared vehicle", "Is shared"),
        ),
        Column(
            "entered_at",
            "Date d’entrée",
            ("Entrée", "Entrée dans le parc", "Date d’entrée dans le parc", "Entrée au parc", "Date d’entrée au parc")
            + ("Date d’entrée en parc", "Entrée en parc", "Entré le", "Dans le parc depuis")
            + ("Start date", "Entry date", "Fleet entry date", "Date of entry", "In fleet since", "In the fleet since")
            + ("In fleet from", "In service date", "In service since"),
        ),
        Column(
            "left_at",
            "Date de sortie",
            ("Sortie", "Sortie du parc", "Date de sortie du parc", "Date de sortie de parc", "Sorti le")
            + ("End date", "Exit date", "Fleet exit date", "Date of exit", "Out of fleet", "Out of fleet since")
            + ("Out of fleet on", "Left fleet on", "Left the fleet on"),
        ),
        Column(
            "left_because",
            "Motif de sortie",
            ("Cause de sortie", "Motif de sortie du parc", "Exit reason", "Reason for exit", "Reason for leaving")
            + ("Leaving reason",),
        ),
        # Not « Location »: in a French workbook that is a lease.
        Column(
            "site",
            "Site",
            ("Agence", "Établissement", "Lieu", "Affectation", "Branch", "Depot", "Vehicle location", "Site location"),
        ),
    ),
    ("Conducteur actuel", "Matricule du conducteur actuel", "Déclaré à l’ANTAI le"),
)

DRIVERS = SheetKind(
    "drivers",
    "Conducteurs",
    ("Conducteur", "Salariés", "Personnel", "Liste des conducteurs", "Liste des salariés")
    + ("Drivers", "Driver", "Employees", "Staff", "Driver list", "List of drivers"),
    (
        Column(
            "staff_number",
            "Matricule",
            ("Matricule conducteur", *_EMPLOYEE),
            required=True,
            may_be_empty=True,
        ),
        Column("civility", "Civilité", ("Titre", "Title", "Salutation")),
        Column(
            "last_name",
            "Nom",
            ("Nom de famille", "Nom de naissance", "Nom du conducteur", "Nom du salarié")
            + ("Last name", "Surname", "Family name", "Birth name"),
        ),
        Column(
            "first_name",
            "Prénom",
            ("Prénoms", "Prénom du conducteur", "Prénom du salarié")
            + ("First name", "First names", "Given name", "Given names", "Forename", "Forenames"),
        ),
        Column(
            "birth_date",
            "Date de naissance",
            ("Né le", "Née le", "Naissance", "Date of birth", "Birth date", "Birthday", "Born on", "DOB"),
        ),
        Column(
            "birth_place",
            "Lieu de naissance",
            ("Né à", "Née à", "Commune de naissance", "Ville de naissance")
            + ("Place of birth", "Birth place", "Born in", "Town of birth", "City of birth"),
        ),
        Column(
            "address_inside",
            "Appartement, étage",
            ("Appartement", "Étage", "Escalier", "Flat", "Apartment", "Apartment, floor", "Floor"),
        ),
        Column(
            "address_line",
            "Adresse",
            ("Rue", "Adresse postale", "Voie", "Adresse 1", "Adresse ligne 1", "N° et voie", "N° et rue")
            + ("Address", "Street", "Street address", "Postal address", "Address 1", "Address line 1"),
        ),
        Column(
            "address_complement",
            "Complément d’adresse",
            ("Complément", "Adresse 2", "Adresse ligne 2", "Bâtiment", "Résidence")
            + ("Address 2", "Address line 2", "Building"),
        ),
        Column(
            "address_locality",
            "Lieu-dit, boîte postale",
            ("Lieu-dit", "Boîte postale", "BP", "PO box", "Post office box", "Hamlet"),
        ),
        Column("postcode", "Code postal", ("CP", "Postcode", "Postal code", "ZIP", "ZIP code")),
        Column("city", "Ville", ("Commune", "Localité", "City", "Town", "City/Town", "Town/City")),
        Column("country", "Pays", ("Pays de résidence", "Country", "Country of residence")),
        Column(
            "phone",
            "Téléphone",
            ("Tél", "Mobile", "Portable", "N° de téléphone", "Téléphone mobile", "Téléphone portable", "N° de portable")
            + ("N° de mobile", "Phone", "Phone number", "Mobile phone", "Mobile phone number", "Telephone number")
            + ("Cell phone",),
        ),
        Column(
            "email",
            "E-mail",
            ("Mail", "Courriel", "Adresse e-mail", "Adresse mail", "Adresse courriel", "Adresse électronique", "Mél")
            + ("E-mail address",),
        ),
        Column(
            "licence_number",
            "N° de permis",
            ("Permis", "N° de permis de conduire", "Permis de conduire")
            + ("Licence", "Licence number", "Driving licence", "Driving licence number")
            + ("Driver licence", "Driver licence number", "Driver’s licence", "Driver’s licence number"),
        ),
        Column(
            "licence_issued_on",
            "Permis délivré le",
            ("Date de délivrance", "Délivré le", "Délivrance du permis", "Date de délivrance du permis")
            + ("Date de délivrance du permis de conduire", "Date du permis", "Date d’obtention du permis")
            + ("Issued on", "Issue date", "Date of issue", "Licence issue date", "Licence issued on", "Licence date")
            + ("Driving licence issue date", "Driving licence issued on"),
        ),
        Column(
            "licence_country",
            "Pays du permis",
            ("Pays de délivrance", "Pays de délivrance du permis")
            + ("Licence country", "Country of licence", "Issuing country", "Country of issue"),
        ),
        Column("kind", "Qualité", ("Statut", "Préposé ou locataire", "Driver type", "Employee or renter")),
        Column(
            "left_on",
            "Date de départ",
            ("Parti le", "Départ", "Date de sortie", "Sorti le", "Fin de contrat", "Date de fin de contrat")
            + (
                "Left on",
                "Leaving date",
                "Departure date",
                "Exit date",
                "End date",
                "Contract end",
                "Contract end date",
            ),
        ),
    ),
    ("Prêt à être désigné",),
)

ASSIGNMENTS = SheetKind(
    "assignments",
    "Attributions",
    ("Attribution", "Affectations", "Affectation", "Liste des attributions")
    + ("Assignments", "Assignment", "Vehicle assignments", "Allocations"),
    (
        Column("plate", "Immatriculation", ("Véhicule", "Vehicle", *_PLATE), required=True),
        Column("country", "Pays", _PLATE_COUNTRY),
        Column(
            "staff_number",
            "Matricule conducteur",
            ("Matricule", "Conducteur", "Driver", "Employee", *_EMPLOYEE),
            required=True,
            may_be_empty=True,
        ),
        Column(
            "starts_at",
            "Du",
            ("Début", "Date de début", "Date et heure de début", "Depuis", "Depuis le", "À partir du", "Début le")
            + ("From", "From date", "Start", "Start date", "Start time", "Start date and time", "Starts at", "Since"),
            required=True,
        ),
        Column(
            "ends_at",
            "Au",
            ("Fin", "Date de fin", "Date et heure de fin", "Jusqu’au", "Jusqu’à", "Fin le")
            + ("To", "To date", "Until", "Till", "End", "End date", "End time", "End date and time", "Ends at"),
        ),
    ),
    ("Nom du conducteur", "Modèle"),
)

SHEETS = (VEHICLES, DRIVERS, ASSIGNMENTS)
KINDS = {kind.name: kind for kind in SHEETS}


def column_heading(table: Table, name: str) -> str:
    """The heading of a field as the file spells it, else as the template does."""
    if name in table.places:
        return table.headings[table.places[name]] or f"Colonne {table.places[name] + 1}"
    return own_heading(table.kind, name)


def own_heading(kind: SheetKind, name: str) -> str:
    """The heading of a field as the template spells it."""
    return next(column.heading for column in kind.columns if column.name == name)


def missing_columns(kind: SheetKind, fields: Collection[str]) -> list[str]:
    """The headings of the columns without which a sheet of this kind can't be read, of those that it lacks."""
    return [column.heading for column in kind.columns if column.required and column.name not in fields]


def plain(text: str) -> str:
    """Letters and digits alone, without case or accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if char.isalnum())


def without_little_words(text: str) -> str:
    """As `plain`, of the words that tell headings apart: « Date entrée » and « Date d’entrée » are the same, « N° »
    and « Numéro » too. Empty when nothing is left."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = (_SAME_WORD.get(word, word) for word in _WORD.findall(bare))
    return "".join(word for word in words if word not in _LITTLE_WORDS)


def spellings(text: str) -> set[str]:
    """Everything that a heading or a title is found by."""
    return {plain(text), without_little_words(text)} - {""}
