"""What an operator sees of the catalogue of offences."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from eprunes.core.database import platform_session
from eprunes.core.refusals import NotVisible
from eprunes.core.texts import folded
from eprunes.fines.models import Offence

IN_FORCE, EVERY = "en-vigueur", "toutes"
VIEWS = {IN_FORCE: "En vigueur", EVERY: "Toutes les lignes"}
_WHY = "catalogue des infractions, pour l’exploitant"


@dataclass(frozen=True)
class Search:
    """What narrows the list; `view` is one of VIEWS."""

    view: str = IN_FORCE
    words: str = ""


def find_lines(search: Search, today: date) -> list[Offence]:
    """The lines whose NATINF begins with what is searched, or whose label or article holds each of its words."""
    with platform_session(_WHY) as session:
        lines = session.scalars(select(Offence)).all()
    words = folded(search.words).split()
    found = [one for one in lines if _is_wanted(one, search, words, today)]
    return sorted(found, key=lambda one: (one.natinf.zfill(6), one.valid_from))


def load_line(offence_id: UUID) -> Offence:
    """One line. Raises NotVisible."""
    with platform_session(_WHY) as session:
        line = session.scalar(select(Offence).where(Offence.id == offence_id))
    if line is None:
        raise NotVisible
    return line


def _is_wanted(line: Offence, search: Search, words: list[str], today: date) -> bool:
    if search.view == IN_FORCE and (line.valid_from > today or (line.valid_to is not None and line.valid_to < today)):
        return False
    text = folded(f"{line.label} {line.article}")
    return line.natinf.startswith(search.words or " ") or all(word in text for word in words)
