"""Offences: loading them, posting them for declared plates, listing what still waits for an answer.

An offence is posted at the first reading (a listing's page 0, a read of that offence, an answer to it) at
which its vehicle is declared and not withdrawn and the Paris day has reached `dateAco`. From then on it is
listed on 46 Paris days, that of the posting included, unless an answer was registered; after that the paper
notice takes over. The offence of a withdrawn vehicle stays listed only when it was posted before the
withdrawal and is dated no later than the last day managed.
"""

import json
import re
import sqlite3
from datetime import datetime, time, timedelta

from . import store
from .payloads import BadInputError, day, plate_and_country, text

LISTED_DAYS = 46
NUMBER = re.compile(r"\d{9,16}", re.ASCII)

SORTS = {
    "codeNatinf": "natinf",
    "numeroAco": "number",
    "dateAco": "notice_date",
    "immatriculation": "plate",
    "dateHeureInfraction": "offence_at",
}

_INSERT = (
    "INSERT INTO offences (number, notice_date, country, plate, natinf, offence_at, record, loaded_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number)"
)
_REPLACE = (
    " DO UPDATE SET notice_date = excluded.notice_date, country = excluded.country, plate = excluded.plate,"
    " natinf = excluded.natinf, offence_at = excluded.offence_at, record = excluded.record"
)
_LISTED = (
    " FROM offences LEFT JOIN vehicles USING (country, plate)"
    " WHERE answered = 0 AND posted_at >= ?"
    " AND (withdrawn_at IS NULL OR substr(offence_at, 1, 10) <= managed_until)"
)


def load(connection: sqlite3.Connection, records: list, as_of: datetime, *, replace: bool = False) -> dict:
    """Store raw records, once per `numeroAco`; what is malformed is told by its place and left out.

    With `replace`, the content of a known number gives way to the new one; posting and answer stay.
    """
    rows, refused = _readable_rows(records, as_of)
    before = count(connection)
    connection.executemany(_INSERT + (_REPLACE if replace else " DO NOTHING"), rows)
    added = count(connection) - before
    return {"ajoutees": added, "deja_connues": len(rows) - added, "refusees": refused}


def post_due(connection: sqlite3.Connection, as_of: datetime, number: str | None = None) -> None:
    """Post every waiting offence whose turn has come, or that one alone."""
    today = store.paris_day(as_of).isoformat()
    waiting = (
        " FROM offences JOIN vehicles USING (country, plate)"
        " WHERE posted_at IS NULL AND notice_date <= :today AND withdrawn_at IS NULL"
        + ("" if number is None else " AND number = :number")
    )
    values = {"now": store.instant_text(as_of), "today": today, "number": number}
    if not connection.execute("SELECT 1" + waiting + " LIMIT 1", values).fetchone():
        return
    with store.writing(connection):
        connection.execute(
            "UPDATE offences SET posted_at = :now WHERE number IN (SELECT number" + waiting + ")",  # noqa: S608
            values,
        )


def posted(connection: sqlite3.Connection, number: str) -> sqlite3.Row | None:
    """An offence that was posted, answered or not; call `post_due` for it first."""
    return connection.execute("SELECT * FROM offences WHERE number = ? AND posted_at IS NOT NULL", (number,)).fetchone()


def page(connection: sqlite3.Connection, as_of: datetime, column: str, backwards: bool, number: int) -> list[dict]:
    """One page of the listed offences as records; `column` must come from SORTS."""
    direction = "DESC" if backwards else "ASC"
    order = f" ORDER BY {column} {direction}, number {direction}"
    rows = connection.execute(
        f"SELECT record FROM offences JOIN (SELECT number {_LISTED} {order} LIMIT ? OFFSET ?) USING (number)"  # noqa: S608
        + order,
        (oldest_listed_posting(as_of), store.PAGE_SIZE, number * store.PAGE_SIZE),
    )
    return [as_record(row) for row in rows]


def as_record(row: sqlite3.Row) -> dict:
    return json.loads(row["record"])


def count_listed(connection: sqlite3.Connection, as_of: datetime) -> int:
    return connection.execute("SELECT count(*)" + _LISTED, (oldest_listed_posting(as_of),)).fetchone()[0]


def count(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM offences").fetchone()[0]


def count_posted(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM offences WHERE posted_at IS NOT NULL").fetchone()[0]


def oldest_listed_posting(as_of: datetime) -> str:
    """The instant from which a posting still counts: Paris midnight, 45 days before today."""
    first_day = store.paris_day(as_of) - timedelta(days=LISTED_DAYS - 1)
    return store.instant_text(datetime.combine(first_day, time(), store.PARIS))


def row_from(record: object, as_of: datetime) -> tuple:
    """The columns of a raw record. Raises BadInputError when it is one no agency would send."""
    if not isinstance(record, dict):
        raise BadInputError("Chaque infraction est un objet JSON.")
    number = text(record, "numeroAco").replace(" ", "")
    if not NUMBER.fullmatch(number):
        raise BadInputError("Le numéro d’avis compte de 9 à 16 chiffres.")
    plate, country = plate_and_country(record)
    try:
        notice_day = day(record.get("dateAco"))
        offence_at = datetime.fromisoformat(text(record, "dateHeureInfraction"))
    except ValueError as error:
        raise BadInputError(f"Date illisible dans l’infraction {number}.") from error
    return (
        number,
        notice_day.isoformat(),
        country,
        plate,
        text(record, "codeNatinf", 10),
        offence_at.replace(tzinfo=None).isoformat(),
        json.dumps(record, ensure_ascii=False),
        store.instant_text(as_of),
    )


def _readable_rows(records: list, as_of: datetime) -> tuple[list[tuple], list[dict]]:
    rows, refused = [], []
    for place, record in enumerate(records):
        try:
            rows.append(row_from(record, as_of))
        except BadInputError as refusal:
            refused.append({"rang": place, "motif": str(refusal)})
    return rows, refused
