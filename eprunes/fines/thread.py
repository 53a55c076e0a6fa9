"""The dated thread of a notice as its page shows it: each fact, by whom, and what the agency said of it."""

from dataclasses import dataclass
from datetime import datetime

from eprunes.core.database import TenantSession
from eprunes.fines import events, queries
from eprunes.fines.models import Answer, Notice, NoticeEvent
from eprunes.fleet.queries import author_names

_WITH_RECEIPT = {events.REGISTERED, events.CORRECTION_REGISTERED}
_WITH_REFUSAL = {events.REFUSED, events.CORRECTION_REFUSED}


@dataclass(frozen=True)
class Fact:
    """One line of the thread; `detail` is a receipt's number, or the agency's words when it refused."""

    at: datetime
    words: str
    author: str
    detail: str = ""


@dataclass(frozen=True)
class GivenAnswer:
    """An answer as it was declared, and the agency's words when it refused it."""

    answer: Answer
    snapshot: dict
    refusal: str


def read_thread(session: TenantSession, notice: Notice, answers: list[GivenAnswer]) -> list[Fact]:
    """The facts of a notice that was loaded as visible, oldest first; `answers` are those that the reader may see."""
    facts = list(session.scalars(queries.thread_of(notice.organisation_id, notice.id)))
    authors = author_names(session, (one.actor_id for one in facts))
    return [Fact(one.at, events.WORDS[one.kind], authors.get(one.actor_id, ""), _detail(one, answers)) for one in facts]


def _detail(fact: NoticeEvent, answers: list[GivenAnswer]) -> str:
    settled = next((one for one in answers if one.answer.settled_at == fact.at), None)
    if settled is not None and fact.kind in _WITH_RECEIPT and settled.answer.receipt_number:
        return f"n°\u00a0{settled.answer.receipt_number}"
    return f"«\u00a0{settled.refusal}\u00a0»" if settled and fact.kind in _WITH_REFUSAL else ""
