"""What operators write in the catalogue of offences; loading the file leaves those offences as they are.

Operators have no journal: each act leaves a line in the log, with the account that did it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core.database import PlatformSession, new_id, platform_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import catalogue
from eprunes.fines import catalogue_rules as rules
from eprunes.fines.catalogue_rules import Days, Said
from eprunes.fines.models import Offence

log = logging.getLogger(__name__)


def add_line(actor: Actor, natinf: str, said: Said, days: Days, as_of: datetime) -> UUID:
    """A line for an offence, or for other days of one. Raises Refused where it says what a line may not."""
    if problem := rules.natinf_problem(natinf):
        raise Refused(problem, "natinf")
    _refuse_problems(said, days)
    with _editing() as session:
        _refuse_overlap(session, natinf, days, None, "valid_from")
        line = Offence(id=new_id(), natinf=natinf, valid_from=days.first)
        session.add(line)
        _write(line, said, days.last, as_of)
    _log_act(actor, "added", line)
    return line.id


def change_line(
    actor: Actor, offence_id: UUID, said: Said, days: Days, as_of: datetime, *, seen: str | None = None
) -> None:
    """What a line says, and its days: past notices of these days show it too. `seen`: the `mark_of` the line as it was
    shown, where it was. Raises NotVisible, or Refused, also once somebody else edited it.
    """
    _refuse_problems(said, days)
    with _editing() as session:
        line = _line(session, offence_id, seen)
        _refuse_overlap(session, line.natinf, days, line.id, "valid_to")
        line.valid_from = days.first
        _write(line, said, days.last, as_of)
    _log_act(actor, "changed", line)


def replace_line(
    actor: Actor, offence_id: UUID, said: Said, on: date, as_of: datetime, *, seen: str | None = None
) -> UUID:
    """From this day on the offence is as told; until the day before it stays as the line says, amounts included.

    `seen` as for `change_line`. Raises NotVisible, or Refused where the day is not within the line, after its first.
    """
    _refuse_problems(said, Days(on))
    with _editing() as session:
        before = _line(session, offence_id, seen)
        if on <= before.valid_from or (before.valid_to is not None and on > before.valid_to):
            raise Refused("Choisissez un jour de validité de cette ligne, après le premier.", "valid_from")
        last, before.valid_to, before.edited_at = before.valid_to, on - timedelta(days=1), as_of
        line = Offence(id=new_id(), natinf=before.natinf, valid_from=on)
        session.add(line)
        _write(line, said, last, as_of)
    _log_act(actor, "replaced", line)
    return line.id


def remove_line(actor: Actor, offence_id: UUID) -> str:
    """A line entered by mistake goes: notices of its days read « à vérifier », until another line holds then.

    The NATINF is returned. Raises NotVisible, or Refused for a line that an operator did not write, or that the
    software's file would bring back.
    """
    with _editing() as session:
        line = _line(session, offence_id)
        if not is_removable(line):
            raise Refused(rules.FROM_THE_FILE)
        session.delete(line)
    _log_act(actor, "removed", line)
    return line.natinf


def is_removable(line: Offence) -> bool:
    """Whether an operator wrote it, and the software's file has no line of that offence from that day."""
    return line.edited_at is not None and (line.natinf, line.valid_from) not in catalogue.file_keys()


@contextmanager
def _editing() -> Iterator[PlatformSession]:
    """A writing session in which nobody else edits the catalogue: the lines there are locked, then read."""
    with platform_session("catalogue des infractions", write=True) as session:
        session.execute(select(Offence.id).order_by(Offence.id).with_for_update()).all()
        yield session


def _line(session: PlatformSession, offence_id: UUID, seen: str | None = None) -> Offence:
    line = session.scalar(select(Offence).where(Offence.id == offence_id))
    if line is None:
        raise NotVisible
    if seen is not None and seen != rules.mark_of(line.edited_at):
        raise Refused(rules.EDITED)
    return line


def _refuse_problems(said: Said, days: Days) -> None:
    for field, sentence in rules.problems(said, days).items():
        raise Refused(sentence, field)


def _refuse_overlap(session: PlatformSession, natinf: str, days: Days, own_id: UUID | None, field: str) -> None:
    lines = session.scalars(select(Offence).where(Offence.natinf == natinf).order_by(Offence.valid_from))
    others = [Days(one.valid_from, one.valid_to) for one in lines if one.id != own_id]
    if problem := rules.overlap_problem(days, others):
        raise Refused(problem, field)


def _write(line: Offence, said: Said, last: date | None, as_of: datetime) -> None:
    for name, value in asdict(said).items():
        setattr(line, name, value)
    line.valid_to, line.edited_at = last, as_of


def _log_act(actor: Actor, done: str, line: Offence) -> None:
    since, until = line.valid_from, line.valid_to or "open"
    log.warning("catalogue: NATINF %s from %s to %s %s by %s", line.natinf, since, until, done, actor.identity_id)
