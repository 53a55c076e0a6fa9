"""Answers to offences: registered with a receipt, refused with a reason, recognised when they come again.

A notice never has two receipts that stand: a unique index of the file says so too. A refused answer is remembered,
and its notice stays listed; the same `identifiantDesignation` may then carry the corrected answer. A registered one
is replaced only by an answer, of either status, that names its receipt in `remplaceEnregistrement`.
"""

import hashlib
import json
import sqlite3
from datetime import datetime

from . import completeness, offences, store
from .payloads import BadInputError, text


def receive(
    connection: sqlite3.Connection, body: dict, as_of: datetime, whim: completeness.Refusal | None = None
) -> tuple[int, dict]:
    """Judge one answer inside a write transaction of the caller: HTTP status and what to say.

    200 ENREGISTREE, 404 INCONNU, 409 DOUBLON, DEJA_REPONDU or IDENTIFIANT_REUTILISE, 422 REFUSEE.
    `whim` refuses a complete answer, as the agency may for what only it knows. Raises BadInputError when the
    identifier, the notice number, the source or the status cannot be read.
    """
    identifier, number = text(body, "identifiantDesignation"), text(body, "numeroAco").replace(" ", "")
    text(body, "source")
    if body.get("statut") not in completeness.STATUSES:
        raise BadInputError("Le champ « statut » vaut DESIGNATION ou NON_DESIGNATION.")
    if offences.posted(connection, number) is None:
        return 404, {"etat": "INCONNU", "message": "Ce numéro d’avis est inconnu."}
    conflict = _conflict(connection, identifier, number, body)
    if conflict:
        return 409, conflict
    refusal = completeness.refusal(body, store.paris_day(as_of)) or whim
    if refusal:
        return 422, _record_refusal(connection, identifier, number, body, refusal, as_of)
    _set_aside_replaced(connection, number, as_of)
    return 200, _register(connection, identifier, number, body, as_of)


def state_of(connection: sqlite3.Connection, number: str) -> dict | None:
    """The registered answer of a notice, else its latest refusal, else None."""
    row = connection.execute(
        "SELECT * FROM answers WHERE number = ? ORDER BY state = 'ENREGISTREE' DESC, id DESC LIMIT 1",
        (number,),
    ).fetchone()
    return row and _as_record(row)


def stored(connection: sqlite3.Connection, number: str | None = None) -> list[dict]:
    """Every answer kept, oldest first, with its notice number, the refusal's code and the body received."""
    rows = connection.execute("SELECT * FROM answers WHERE ? IS NULL OR number = ? ORDER BY id", (number, number))
    return [
        {
            **_as_record(row),
            "numeroAco": row["number"],
            "code": row["code"],
            "corps": json.loads(row["body"]),
        }
        for row in rows
    ]


def count(connection: sqlite3.Connection, state: str) -> int:
    """How many answers are ENREGISTREE or REFUSEE."""
    return connection.execute("SELECT count(*) FROM answers WHERE state = ?", (state,)).fetchone()[0]


def _conflict(connection: sqlite3.Connection, identifier: str, number: str, body: dict) -> dict | None:
    fingerprint = _fingerprint(body)
    replaces = body.get("remplaceEnregistrement")
    rows = connection.execute(
        "SELECT * FROM answers WHERE state = 'ENREGISTREE' AND (identifier = ? OR number = ?)",
        (identifier, number),
    ).fetchall()
    for row in rows:
        if row["identifier"] == identifier and row["fingerprint"] == fingerprint:
            return {"etat": "DOUBLON", "numeroEnregistrement": row["receipt"]}
    standing = next((row["receipt"] for row in rows if row["number"] == number), None)
    if standing != replaces and standing is not None:
        return {"etat": "DEJA_REPONDU", "message": "Une réponse est déjà enregistrée pour cet avis."}
    if standing != replaces:
        return {"etat": "REMPLACEE_INCONNUE", "message": "La réponse à remplacer n’est pas enregistrée."}
    if any(row["identifier"] == identifier for row in rows):
        return {"etat": "IDENTIFIANT_REUTILISE", "message": "Cet identifiant a servi pour un autre avis."}
    return None


def _register(connection: sqlite3.Connection, identifier: str, number: str, body: dict, as_of: datetime) -> dict:
    following = connection.execute(
        "SELECT coalesce(max(id), 0) + 1 + (SELECT count(*) FROM replaced_answers) FROM answers"
    ).fetchone()[0]
    receipt = f"ENR-{store.paris_day(as_of).year}-{following:08d}"
    _insert(connection, identifier, number, body, as_of, state="ENREGISTREE", receipt=receipt)
    connection.execute("UPDATE offences SET answered = 1 WHERE number = ?", (number,))
    return {
        "etat": "ENREGISTREE",
        "numeroEnregistrement": receipt,
        "dateEnregistrement": store.instant_text(as_of),
    }


def _set_aside_replaced(connection: sqlite3.Connection, number: str, as_of: datetime) -> None:
    """What stood for this notice, if anything did: its conflict with a new answer was judged before."""
    standing = "FROM answers WHERE number = ? AND state = 'ENREGISTREE'"
    connection.execute(
        "INSERT INTO replaced_answers (identifier, number, receipt, recorded_at, replaced_at, body)"
        f" SELECT identifier, number, receipt, recorded_at, ?, body {standing}",
        (store.instant_text(as_of), number),
    )
    connection.execute(f"DELETE {standing}", (number,))


def _record_refusal(connection, identifier, number, body, refusal: completeness.Refusal, as_of) -> dict:
    code, reason = refusal
    _insert(connection, identifier, number, body, as_of, state="REFUSEE", code=code, reason=reason)
    return {"etat": "REFUSEE", "motifRefus": reason, "code": code}


def _insert(connection, identifier, number, body, as_of, *, state, receipt=None, code=None, reason=None) -> None:
    connection.execute(
        "INSERT INTO answers"
        " (identifier, number, status, state, receipt, recorded_at, reason, code, fingerprint, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            identifier,
            number,
            body["statut"],
            state,
            receipt,
            store.instant_text(as_of),
            reason,
            code,
            _fingerprint(body),
            json.dumps(body, ensure_ascii=False),
        ),
    )


def _fingerprint(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _as_record(row: sqlite3.Row) -> dict:
    return {
        "identifiantDesignation": row["identifier"],
        "statut": row["status"],
        "etat": row["state"],
        "numeroEnregistrement": row["receipt"],
        "dateEnregistrement": row["recorded_at"],
        "motifRefus": row["reason"],
    }
