"""The fleet as declared to the agency: declaring, withdrawing (a logical delete), reading."""

import sqlite3
from datetime import datetime

from . import store
from .payloads import BadInputError, optional_day, optional_text, plate_and_country

SORTS = {
    "immatriculation": "plate",
    "marque": "make",
    "modele": "model",
    "dateDeclaration": "declared_at",
}


def declare(connection: sqlite3.Connection, entry: object, as_of: datetime) -> dict:
    """Add one vehicle; answers AJOUTE, DEJA_CONNU or REFUSE. A withdrawn vehicle comes back with AJOUTE."""
    try:
        plate, country, make, model = _vehicle_fields(entry)
    except BadInputError as refusal:
        return _refused(entry, str(refusal))
    known = find(connection, plate, country)
    if known and known["withdrawn_at"] is None:
        return _result(plate, country, "DEJA_CONNU")
    connection.execute(
        "INSERT INTO vehicles (country, plate, make, model, declared_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (country, plate) DO UPDATE SET make = excluded.make, model = excluded.model,"
        " declared_at = excluded.declared_at, withdrawn_at = NULL, managed_until = NULL",
        (country, plate, make, model, store.instant_text(as_of)),
    )
    return _result(plate, country, "AJOUTE")


def withdraw(connection: sqlite3.Connection, entry: object, as_of: datetime) -> dict:
    """Withdraw one vehicle at once; answers RETIRE, INCONNU, DEJA_RETIRE or REFUSE.

    `date_fin_gestion` is the last day managed, today in Paris by default: it decides which of the offences
    already posted stay listed, not when the withdrawal takes effect.
    """
    try:
        (plate, country), managed_until = _withdrawal_fields(entry)
    except BadInputError as refusal:
        return _refused(entry.get("vehicule") if isinstance(entry, dict) else None, str(refusal))
    known = find(connection, plate, country)
    if known is None:
        return _result(plate, country, "INCONNU")
    if known["withdrawn_at"] is not None:
        return _result(plate, country, "DEJA_RETIRE")
    connection.execute(
        "UPDATE vehicles SET withdrawn_at = ?, managed_until = ? WHERE country = ? AND plate = ?",
        (
            store.instant_text(as_of),
            (managed_until or store.paris_day(as_of)).isoformat(),
            country,
            plate,
        ),
    )
    return _result(plate, country, "RETIRE")


def find(connection: sqlite3.Connection, plate: str, country: str) -> sqlite3.Row | None:
    """One vehicle by its match key, withdrawn or not."""
    return connection.execute("SELECT * FROM vehicles WHERE country = ? AND plate = ?", (country, plate)).fetchone()


def active(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Every vehicle declared and not withdrawn, in a stable order."""
    return connection.execute("SELECT * FROM vehicles WHERE withdrawn_at IS NULL ORDER BY country, plate").fetchall()


def count_active(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM vehicles WHERE withdrawn_at IS NULL").fetchone()[0]


def page(connection: sqlite3.Connection, column: str, backwards: bool, number: int) -> list[sqlite3.Row]:
    """One page of the vehicles not withdrawn; `column` must come from SORTS."""
    direction = "DESC" if backwards else "ASC"
    order = f"{column} {direction}, country {direction}, plate {direction}"
    return connection.execute(
        f"SELECT * FROM vehicles WHERE withdrawn_at IS NULL ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        (store.PAGE_SIZE, number * store.PAGE_SIZE),
    ).fetchall()


def as_record(row: sqlite3.Row) -> dict:
    return {
        "immatriculation": row["plate"],
        "paysImmatriculation": row["country"],
        "marque": row["make"],
        "modele": row["model"],
        "dateDeclaration": row["declared_at"],
        "dateRetrait": row["withdrawn_at"],
        "dateFinGestion": row["managed_until"],
    }


def _vehicle_fields(entry: object) -> tuple[str, str, str | None, str | None]:
    if not isinstance(entry, dict):
        raise BadInputError("Chaque véhicule est un objet JSON.")
    plate, country = plate_and_country(entry)
    return plate, country, optional_text(entry, "marque"), optional_text(entry, "modele")


def _withdrawal_fields(entry: object):
    if not isinstance(entry, dict) or not isinstance(entry.get("vehicule"), dict):
        raise BadInputError("Le champ « vehicule » est obligatoire.")
    optional_day(entry, "date_mise_a_jour")
    starts, ends = optional_day(entry, "date_debut_gestion"), optional_day(entry, "date_fin_gestion")
    if starts and ends and ends < starts:
        raise BadInputError("La fin de gestion précède le début de gestion.")
    return plate_and_country(entry["vehicule"]), ends


def _result(plate: object, country: object, status: str, reason: str | None = None) -> dict:
    return {"immatriculation": plate, "paysImmatriculation": country, "statut": status, "motif": reason}


def _refused(entry: object, reason: str) -> dict:
    sent = entry if isinstance(entry, dict) else {}
    return _result(sent.get("immatriculation"), sent.get("paysImmatriculation"), "REFUSE", reason)
