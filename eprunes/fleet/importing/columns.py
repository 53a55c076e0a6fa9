"""The three sheets of a workbook and their columns, under all the headings that mean them."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from eprunes.core.spreadsheets.reading import Value

REASON_HEADING = "Motif du refus"


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
    """The sheets that were understood, and sentences on what was left aside."""

    tables: list[Table]
    notes: list[str] = field(default_factory=list)


VEHICLES = SheetKind(
    "vehicles",
    "Véhicules",
    ("Véhicule", "Parc", "Flotte", "Liste des véhicules"),
    (
        Column(
            "plate",
            "Immatriculation",
            ("Plaque", "Immat", "N° d’immatriculation", "Numéro d’immatriculation"),
            required=True,
        ),
        Column("country", "Pays", ("Pays d’immatriculation",)),
        Column("make", "Marque", ("Constructeur",)),
        Column("model", "Modèle", ("Dénomination commerciale",)),
        Column("category", "Genre", ("Genre national", "Catégorie", "Type")),
        Column("vin", "VIN", ("N° VIN", "Numéro VIN", "N° de série", "Numéro de série", "N° de châssis")),
        Column(
            "first_registered_on",
            "1re mise en circulation",
            (
                "Première mise en circulation",
                "Date de première mise en circulation",
                "Date de 1re mise en circulation",
                "Mise en circulation",
                "1ère mise en circulation",
                "MEC",
            ),
        ),
        Column("holding", "Détention", ("Mode de détention", "Propriété", "Financement")),
        Column("formula_number", "N° de formule", ("Numéro de formule", "Formule")),
        Column("energy", "Énergie", ("Carburant", "Motorisation", "Type de carburant")),
        Column("co2_g_per_km", "CO2 (g/km)", ("CO2", "Émissions de CO2", "Taux de CO2")),
        Column("registered_to", "Titulaire", ("Titulaire de la carte grise", "Titulaire du certificat")),
        Column("lessor", "Loueur", ("Bailleur", "Société de location")),
        Column("cost_centre", "Centre de coût", ("Centre de coûts", "Section analytique", "Imputation")),
        Column("is_pool", "Véhicule partagé", ("Pool", "Véhicule de pool", "Partagé", "Service")),
        Column("entered_at", "Date d’entrée", ("Entrée", "Entrée dans le parc", "Date d’entrée dans le parc")),
        Column("left_at", "Date de sortie", ("Sortie", "Sortie du parc", "Date de sortie du parc")),
        Column("left_because", "Motif de sortie", ("Motif de la sortie", "Cause de sortie")),
        Column("site", "Site", ("Agence", "Établissement", "Lieu", "Affectation")),
    ),
    ("Conducteur actuel", "Matricule du conducteur actuel", "Déclaré à l’ANTAI le"),
)

DRIVERS = SheetKind(
    "drivers",
    "Conducteurs",
    ("Conducteur", "Salariés", "Personnel", "Liste des conducteurs"),
    (
        Column(
            "staff_number",
            "Matricule",
            ("Matricule conducteur", "Matricule salarié", "N° de matricule", "Numéro de matricule"),
            required=True,
            may_be_empty=True,
        ),
        Column("civility", "Civilité", ("Titre",)),
        Column("last_name", "Nom", ("Nom de famille", "Nom de naissance", "Nom du conducteur")),
        Column("first_name", "Prénom", ("Prénoms", "Prénom du conducteur")),
        Column("birth_date", "Date de naissance", ("Né le", "Née le", "Naissance")),
        Column("birth_place", "Lieu de naissance", ("Né à", "Commune de naissance")),
        Column("address_inside", "Appartement, étage", ("Appartement", "Étage", "Escalier")),
        Column("address_line", "Adresse", ("Rue", "Adresse postale", "Voie", "Adresse 1")),
        Column("address_complement", "Complément d’adresse", ("Complément", "Adresse 2", "Bâtiment", "Résidence")),
        Column("address_locality", "Lieu-dit, boîte postale", ("Lieu-dit", "Boîte postale", "BP")),
        Column("postcode", "Code postal", ("CP",)),
        Column("city", "Ville", ("Commune", "Localité")),
        Column("country", "Pays", ("Pays de résidence",)),
        Column("phone", "Téléphone", ("Tél", "Mobile", "Portable", "N° de téléphone", "Téléphone mobile")),
        Column("email", "E-mail", ("Mail", "Courriel", "Adresse e-mail", "Adresse mail", "Mél")),
        Column(
            "licence_number",
            "N° de permis",
            ("Numéro de permis", "Permis", "N° permis", "N° de permis de conduire", "Permis de conduire"),
        ),
        Column(
            "licence_issued_on",
            "Permis délivré le",
            ("Date de délivrance", "Date de délivrance du permis", "Date du permis", "Date de permis"),
        ),
        Column("licence_country", "Pays du permis", ("Pays de délivrance", "Pays de délivrance du permis")),
        Column("kind", "Qualité", ("Statut", "Préposé ou locataire")),
        Column("left_on", "Date de départ", ("Parti le", "Départ", "Date de sortie", "Fin de contrat")),
    ),
    ("Prêt à être désigné",),
)

ASSIGNMENTS = SheetKind(
    "assignments",
    "Attributions",
    ("Attribution", "Affectations", "Affectation"),
    (
        Column(
            "plate",
            "Immatriculation",
            ("Plaque", "Immat", "Véhicule", "N° d’immatriculation", "Numéro d’immatriculation"),
            required=True,
        ),
        Column("country", "Pays", ("Pays d’immatriculation",)),
        Column(
            "staff_number",
            "Matricule conducteur",
            ("Matricule", "Conducteur", "Matricule du conducteur", "Matricule salarié"),
            required=True,
            may_be_empty=True,
        ),
        Column("starts_at", "Du", ("Début", "Date de début", "Depuis", "Depuis le", "À partir du"), required=True),
        Column("ends_at", "Au", ("Fin", "Date de fin", "Jusqu’au", "Jusqu’à")),
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
