"""Which sheet and which column of a workbook mean what, whatever their case, accents, spaces and order."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import SheetRead, Value, Workbook
from eprunes.core.spreadsheets.values import as_text

SEARCHED_LINES = 10
REASON_HEADING = "Motif du refus"
MOST_NOTES = 10


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
_EXPECTED = ", ".join(f"«\u00a0{kind.title}\u00a0»" for kind in SHEETS)


def recognise(workbook: Workbook) -> Recognised:
    """The sheets and columns that mean something. Raises Refused when no sheet of the workbook is usable."""
    tables: dict[str, Table] = {}
    notes: list[str] = []
    titled = {kind.name for sheet in workbook.sheets if (kind := _kinds_by_title().get(plain(sheet.name)))}
    for sheet in workbook.sheets:
        kind = _kinds_by_title().get(plain(sheet.name)) or _kind_by_columns(sheet, titled)
        if kind is None:
            notes.append(f"Feuille «\u00a0{sheet.name}\u00a0» non reconnue\u00a0: ignorée.")
        elif kind.name in tables:
            first = tables[kind.name].title
            notes.append(f"Feuille «\u00a0{sheet.name}\u00a0» ignorée\u00a0: «\u00a0{first}\u00a0» tient déjà ce rôle.")
        else:
            tables[kind.name] = _table(kind, sheet, notes)
            if kind.name not in titled:
                notes.append(f"«\u00a0{sheet.name}\u00a0» lu comme «\u00a0{kind.title}\u00a0», d’après ses colonnes.")
    ordered = [tables[kind.name] for kind in SHEETS if kind.name in tables]
    _refuse_unusable(ordered, notes)
    return Recognised(ordered, notes)


def _kind_by_columns(sheet: SheetRead, titled: set[str]) -> SheetKind | None:
    """What a sheet under another name holds: the kind that most of its headings belong to, two at least, all those
    that this kind requires among them. Not one that another sheet has the name of: it may be an old copy."""
    best, most = None, 1
    for kind in SHEETS:
        if kind.name in titled:
            continue
        names = _names_by_heading(kind)
        cells = sheet.rows[_heading_row(sheet.rows, names)] if sheet.rows else []
        found = {names[text] for cell in cells if (text := plain(as_text(cell))) in names}
        if len(found) > most and found >= {column.name for column in kind.columns if column.required}:
            best, most = kind, len(found)
    return best


def column_heading(table: Table, name: str) -> str:
    """The heading of a field as the file spells it, else as the template does."""
    if name in table.places:
        return table.headings[table.places[name]]
    return next(column.heading for column in table.kind.columns if column.name == name)


def _table(kind: SheetKind, sheet: SheetRead, notes: list[str]) -> Table:
    names = _names_by_heading(kind)
    index = _heading_row(sheet.rows, names)
    headings = [as_text(cell) for cell in sheet.rows[index]] if sheet.rows else []
    places: dict[str, int] = {}
    for position, heading in enumerate(headings):
        name = names.get(plain(heading))
        if name is None:
            _note_unknown(kind, sheet.name, heading, notes)
        elif name in places:
            notes.append(
                f"Colonne «\u00a0{heading}\u00a0» de la feuille «\u00a0{sheet.name}\u00a0» ignorée\u00a0: "
                f"«\u00a0{headings[places[name]]}\u00a0» dit déjà la même chose."
            )
        else:
            places[name] = position
    refusal = _missing(kind, sheet, places)
    return Table(kind, sheet.name, headings, places, index + 2, sheet.rows[index + 1 :], refusal)


def _heading_row(rows: Sequence[Sequence[Value]], names: dict[str, str]) -> int:
    """The first line with two known headings, so that a title above them does no harm; else the first filled."""
    first_filled = None
    for index, row in enumerate(rows[:SEARCHED_LINES]):
        texts = [plain(as_text(cell)) for cell in row]
        if sum(text in names for text in texts) >= 2:
            return index
        if first_filled is None and any(texts):
            first_filled = index
    return first_filled or 0


def _note_unknown(kind: SheetKind, sheet: str, heading: str, notes: list[str]) -> None:
    ours = {plain(one) for one in (REASON_HEADING, *kind.exported)}
    if heading and plain(heading) not in ours:
        notes.append(
            f"Colonne «\u00a0{heading}\u00a0» de la feuille «\u00a0{sheet}\u00a0» non reconnue\u00a0: ignorée."
        )


def _missing(kind: SheetKind, sheet: SheetRead, places: dict[str, int]) -> str:
    if not sheet.rows:
        return ""
    missing = [column.heading for column in kind.columns if column.required and column.name not in places]
    if not missing:
        return ""
    listed = " et ".join(f"«\u00a0{heading}\u00a0»" for heading in missing)
    wording = "la colonne {} manque" if len(missing) == 1 else "les colonnes {} manquent"
    return f"Feuille «\u00a0{sheet.name}\u00a0» refusée\u00a0: {wording.format(listed)}."


def _refuse_unusable(tables: list[Table], notes: list[str]) -> None:
    """What was left aside is said with the refusal: a misspelt sheet is often why there is nothing to read."""
    if not tables:
        why = f"Aucune feuille n’est reconnue\u00a0: nommez-les {_EXPECTED} (chacune est facultative)."
    elif all(table.refusal for table in tables):
        why = " ".join(table.refusal for table in tables)
    elif not any(table.cells for table in tables):
        why = "Ce classeur ne contient aucune ligne à importer."
    else:
        return
    raise Refused(" ".join([why, *notes[:MOST_NOTES]]), "file")


def _kinds_by_title() -> dict[str, SheetKind]:
    return {plain(title): kind for kind in SHEETS for title in (kind.title, *kind.synonyms)}


def _names_by_heading(kind: SheetKind) -> dict[str, str]:
    return {plain(heading): column.name for column in kind.columns for heading in (column.heading, *column.synonyms)}


def plain(text: str) -> str:
    """Letters and digits alone, without case or accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if char.isalnum())
