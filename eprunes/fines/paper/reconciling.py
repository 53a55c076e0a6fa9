"""A list of notice numbers held against what the platform knows. Nothing of it is kept.

Of a number that the user may not see now, only this is said: that the platform knows it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import audit
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.csv_reading import is_csv
from eprunes.core.spreadsheets.reading import NOT_A_WORKBOOK, Value, Workbook
from eprunes.core.spreadsheets.sent import check_sent, read_sent
from eprunes.core.spreadsheets.writing import Sheet, write_workbook
from eprunes.core.texts import folded
from eprunes.core.wording import counted
from eprunes.fines.answering import NoticeState
from eprunes.fines.models import DestroyedNotice, Notice
from eprunes.fines.notice_numbers import any_number, number_print
from eprunes.fines.notice_rows import NOTICE_WORDS
from eprunes.fines.queries import visible_notices

MOST = 5_000
LARGEST_BYTES = 2 * 1024 * 1024
TOO_MANY = f"{MOST} numéros au plus à la fois\u00a0: répartissez-les."
TOO_LARGE = "Ce fichier dépasse 2\u00a0Mo\u00a0: ne gardez que la colonne des numéros."
NOTHING = "Il n’y a aucun numéro à vérifier."
ROUNDED = "Excel a arrondi ce numéro\u00a0: mettez la colonne au format Texte, puis saisissez-le à nouveau."
KNOWN_ONLY = "Déjà connu, pas ouvert à votre compte\u00a0: remettez le papier à votre administrateur"
DESTROYED = "Déjà connu, détruit au terme de sa conservation"
_EXACT, _MARK = 10**15, "~"
_BREAKS = re.compile(r"[\n;,\t]+")
_HEADING_LINES = 10
_WORKBOOK_NAMES = (".xlsx", ".xlsm")


class Finding(StrEnum):
    """What a line of the list turns out to be."""

    KNOWN = "connu"
    UNKNOWN = "inconnu"
    MALFORMED = "illisible"
    REPEATED = "repete"


WORDS = {
    Finding.KNOWN: ("Connu", "check-circle", "ok"),
    Finding.UNKNOWN: ("Inconnu", "question-circle", "warn"),
    Finding.MALFORMED: ("Illisible", "x-octagon", "bad"),
    Finding.REPEATED: ("En double", "files", "idle"),
}


@dataclass(frozen=True)
class Line:
    """One number as it was given; `notice` is there only when the user may see it now."""

    given: str
    finding: Finding
    told: str = ""
    notice: Notice | None = None


def counted_words(finding: Finding, count: int) -> str:
    """`1 connu`, `2 connus`, `2 en double`."""
    word = WORDS[finding][0].lower()
    return counted(count, word, word if finding is Finding.REPEATED else f"{word}s")


def numbers_in(text: str) -> list[str]:
    """The numbers of a pasted list: one a line, or between commas, semicolons or tabs. Spaces part numbers too where
    each piece is a whole one; shorter pieces are one number in groups."""
    parts = (part.strip() for part in _BREAKS.split(text))
    return [number for part in parts if part for number in _in_part(part)]


def numbers_of_file(content: bytes, filename: str) -> list[str]:
    """The numbers of a workbook or a CSV file: the column headed so, else its first. Raises Refused, also when
    what is named a workbook holds a text: a damaged one would be read as a list of nonsense.
    """
    if len(content) > LARGEST_BYTES:
        raise Refused(TOO_LARGE, "file")
    try:
        check_sent(content, filename)
        if filename.lower().endswith(_WORKBOOK_NAMES) and is_csv(content):
            raise Refused(NOT_A_WORKBOOK)
        return _column(read_sent(content))
    except Refused as refusal:
        raise Refused(str(refusal), "file") from refusal


def reconcile(actor: Actor, session: TenantSession, given: Sequence[str], as_of: datetime) -> list[Line]:
    """What the platform knows of each of these numbers, in their order; traced with their count. Raises Refused."""
    if not given:
        raise Refused(NOTHING, "numbers")
    if len(given) > MOST:
        raise Refused(TOO_MANY, "numbers")
    read = [_read(one) for one in given]
    marks = _marks(actor, read)
    known, visible = _known(actor, session, set(marks.values()), as_of)
    hidden = DESTROYED if actor.may(Permission.VIEW_ARCHIVE) else KNOWN_ONLY
    lines, seen = [], set()
    for text, (number, why) in zip(given, read, strict=True):
        if number is None:
            lines.append(Line(text, Finding.MALFORMED, why))
        elif number in seen:
            lines.append(Line(text, Finding.REPEATED))
        else:
            lines.append(_line(text, marks[number], known, visible, hidden))
            seen.add(number)
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"nombre": len(given)}
        audit.record(trace, "avis.rapproches", as_of=as_of, actor_id=actor.user_id, details=details)
    return lines


def workbook_of(lines: Iterable[Line]) -> bytes:
    """The findings as a workbook."""
    rows = [[one.given, WORDS[one.finding][0], one.told] for one in lines]
    return write_workbook([Sheet("Vérification", ["N° d’avis", "Résultat", "Précision"], rows)])


def _line(text: str, mark: bytes, known: set[bytes], visible: dict[bytes, Notice], hidden: str) -> Line:
    if mark in visible:
        notice = visible[mark]
        return Line(text, Finding.KNOWN, NOTICE_WORDS[NoticeState(notice.state)][0], notice)
    return Line(text, Finding.KNOWN, hidden) if mark in known else Line(text, Finding.UNKNOWN)


def _in_part(part: str) -> list[str]:
    pieces = part.split()
    return pieces if all(_read(one)[0] for one in pieces) else [part]


def _read(text: str) -> tuple[str | None, str]:
    """The number that a text is, or why it is none."""
    if text.startswith(_MARK):
        return None, ROUNDED
    try:
        return any_number(text), ""
    except ValueError as error:
        return None, str(error)


def _marks(actor: Actor, read: Iterable[tuple[str | None, str]]) -> dict[str, bytes]:
    index_key = key_store().index_key(actor.organisation_id)
    return {number: number_print(index_key, number) for number, _ in read if number}


def _known(
    actor: Actor, session: TenantSession, marks: set[bytes], as_of: datetime
) -> tuple[set[bytes], dict[bytes, Notice]]:
    """Of these fingerprints, those that the platform knows or knew; and the notices that the actor may see."""
    own, known, visible = actor.organisation_id, set(), {}
    for some in chunks(marks):
        for model in (Notice, DestroyedNotice):
            query = select(model.number_fingerprint)
            known |= set(session.scalars(query.where(model.organisation_id == own, model.number_fingerprint.in_(some))))
        for notice in session.scalars(visible_notices(actor, as_of).where(Notice.number_fingerprint.in_(some))):
            visible[notice.number_fingerprint] = notice
    return known, visible


def _column(workbook: Workbook) -> list[str]:
    rows = next((sheet.rows for sheet in workbook.sheets if any(map(any, sheet.rows))), [])
    for index, row in enumerate(rows[:_HEADING_LINES]):
        for place, cell in enumerate(row):
            if isinstance(cell, str) and _is_heading(cell):
                return _texts(one[place] for one in rows[index + 1 :])
    place = min((place for row in rows for place, cell in enumerate(row) if cell is not None), default=0)
    return _texts(row[place] for row in rows)


def _is_heading(cell: str) -> bool:
    words = folded(cell).split()
    return not any(one.isdigit() for one in words) and bool({"avis", "numero", "numeros", "aco"} & set(words))


def _texts(cells: Iterable[Value]) -> list[str]:
    return [text for text in (_text(cell) for cell in cells) if text]


def _text(cell: Value) -> str:
    """A cell as the number that somebody typed into it; marked where Excel, which keeps fifteen digits, rounded it."""
    if cell is None or isinstance(cell, bool):
        return ""
    if isinstance(cell, (date, time)):
        return str(cell)
    if isinstance(cell, float | int):
        is_whole = isinstance(cell, int) or cell.is_integer()
        return f"{_MARK if is_whole and abs(cell) >= _EXACT else ''}{int(cell) if is_whole else cell}"
    return cell.strip()
