"""What the inbox is asked for: view, search, filters and sort as the page's address holds them, and what they mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import fingerprint, key_store
from eprunes.core.database import TenantSession
from eprunes.core.texts import tidy_line
from eprunes.core.wording import short_day
from eprunes.fines.answering import OPEN_STATES
from eprunes.fines.deadlines import NoticeSource
from eprunes.fines.models import Answer, Notice, NoticeKind
from eprunes.fines.notice_numbers import number_print
from eprunes.fines.queries import View, visible_in
from eprunes.fines.readiness import READINESS_WORDS, Readiness, held_by, of_readiness
from eprunes.fleet.models import Driver, Vehicle
from eprunes.fleet.names import named, words_of
from eprunes.fleet.plates import FRANCE

VIEW_WORDS = {
    View.TO_DO: "À traiter",
    View.URGENT: "Urgentes",
    View.READY: "Prêtes à désigner",
    View.REFUSED: "Refusées",
    View.FILED: "Classées",
    View.MISSED: "Délai passé",
    View.SENT: "Transmises",
    View.ARCHIVE: "Archives",
}
BY_DEADLINE, BY_OFFENCE = "echeance", "infraction"
SORTS = {BY_DEADLINE: (("deadline_on",), False), BY_OFFENCE: (("offence_at",), True)}
SORT_WORDS = {BY_DEADLINE: "Échéance la plus proche", BY_OFFENCE: "Infraction la plus récente"}
FROM_AGENCY, ON_PAPER, PARKING = "antai", "papier", "fps"
ORIGINS = {FROM_AGENCY: "Reçus de l’ANTAI", ON_PAPER: "Avis papier", PARKING: "Forfaits de post-stationnement"}
NEVER = "jamais"
OPENINGS = {NEVER: "Jamais ouverts"}
MOST_PEOPLE = 15_000
"""Statements have so many values at most; a search that names more people names nobody."""
NARROWING = ("readiness", "natinf", "site", "origin", "opening", "since", "until")


@dataclass(frozen=True)
class NoticeSearch:
    """What the inbox is asked for; unknown values read as the defaults. The days are the offence's, at its place."""

    view: View = View.TO_DO
    text: str = ""
    readiness: str = ""
    natinf: str = ""
    site: str = ""
    origin: str = ""
    opening: str = ""
    since: date | None = None
    until: date | None = None
    sort: str = BY_DEADLINE

    @property
    def is_narrowed(self) -> bool:
        """True when something else than the choice of view narrows the list."""
        return bool(self.text) or self.is_filtered

    @property
    def has_more(self) -> bool:
        """True when one of the filters that the form keeps folded narrows the list."""
        return bool(self.natinf or self.site or self.opening or self.since or self.until)

    @property
    def is_filtered(self) -> bool:
        """True when a filter narrows the list."""
        return any(getattr(self, name) for name in NARROWING)


ANY = NoticeSearch()
_CHOICES = {
    "readiness": ("proposition", set(Readiness)),
    "origin": ("origine", set(ORIGINS)),
    "opening": ("ouverture", set(OPENINGS)),
    "sort": ("tri", set(SORTS)),
}
_DAYS = {"since": "du", "until": "au"}
_DEFAULTS = {"vue": View.TO_DO.value, "tri": BY_DEADLINE}


FILTER_WORDS = {
    "proposition": "Conducteur proposé",
    "origine": "Origine",
    "ouverture": "Ouverture",
    "tri": "Trier par",
    "natinf": "Infraction",
    "du": "Infraction à partir du",
    "au": "Infraction jusqu’au",
}
NO_SUCH_VIEW = "Cette vue n’existe pas, ou n’est pas ouverte à votre compte\u00a0: voici les avis à traiter."
REVERSED = (
    "La première date est après la seconde\u00a0: aucun avis ne peut être trouvé. Corrigez l’une des deux, dans "
    "«\u00a0Plus de filtres\u00a0»."
)


def read_notice_search(args: Mapping[str, str], views: Iterable[View]) -> NoticeSearch:
    """The search that a page's address asks for, among the views that its reader has."""
    view = next((one for one in views if one == args.get("vue")), View.TO_DO)
    chosen = {name: args.get(key) for name, (key, known) in _CHOICES.items() if args.get(key) in known}
    days = {name: _day(args.get(key, "")) for name, key in _DAYS.items()}
    natinf = args.get("natinf", "")
    site = tidy_line(args.get("site", ""))[:80]
    natinf = natinf if natinf.isascii() and natinf.isdigit() and len(natinf) <= 6 else ""
    return NoticeSearch(view, tidy_line(args.get("q", ""))[:80], natinf=natinf, site=site, **chosen, **days)


def search_problems(args: Mapping[str, str], search: NoticeSearch) -> list[str]:
    """What to tell whoever wrote the address: what of it `search` left out, and days that exclude each other."""
    problems = [] if (args.get("vue") or search.view) == search.view else [NO_SUCH_VIEW]
    kept = notice_search_args(search)
    for key, words in FILTER_WORDS.items():
        given = args.get(key, "").strip()
        if given and key not in kept and given != _DEFAULTS.get(key):
            problems.append(f"Le filtre «\u00a0{words}\u00a0» n’a pas été compris\u00a0: il n’est pas appliqué.")
    return [*problems, REVERSED] if search.since and search.until and search.since > search.until else problems


def notice_search_args(search: NoticeSearch, **changes) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; defaults are left out."""
    wanted = replace(search, **changes)
    args = {"vue": wanted.view.value, "q": wanted.text, "natinf": wanted.natinf, "site": wanted.site}
    args |= {key: getattr(wanted, name) for name, (key, _) in _CHOICES.items()}
    args |= {key: getattr(wanted, name).isoformat() for name, key in _DAYS.items() if getattr(wanted, name)}
    return {key: value for key, value in args.items() if value != _DEFAULTS.get(key, "")}


def chosen_filters(search: NoticeSearch, offences: Mapping[str, str]) -> list[tuple[str, dict]]:
    """What each filter in use says, and the change of search that takes it off. `offences`: labels by NATINF."""
    words = {
        "readiness": READINESS_WORDS.get(search.readiness),
        "natinf": offences.get(search.natinf, f"NATINF {search.natinf}"),
        "site": f"Site\u00a0: {search.site}",
        "origin": ORIGINS.get(search.origin),
        "opening": OPENINGS.get(search.opening),
        "since": f"Infraction à partir du {short_day(search.since)}",
        "until": f"Infraction jusqu’au {short_day(search.until)}",
    }
    return [(words[name], {name: getattr(ANY, name)}) for name in NARROWING if getattr(search, name)]


def found_notices(session: TenantSession, actor: Actor, search: NoticeSearch, as_of: datetime) -> Select[tuple[Notice]]:
    """Every notice that a search finds among those that the actor may see now, in no order."""
    query = visible_in(search.view, actor, as_of).where(*_filters(actor, search))
    if search.text:
        query = query.where(or_(*_text_criteria(session, actor, search.text, search.view)))
    return query


def in_order(query: Select[tuple[Notice]], search: NoticeSearch) -> Select[tuple[Notice]]:
    """The whole of a search, in the order of its list."""
    keys, descending = SORTS[search.sort]
    columns = [getattr(Notice, name) for name in (*keys, "id")]
    return query.order_by(*(column.desc() if descending else column.asc() for column in columns))


def _filters(actor: Actor, search: NoticeSearch) -> list[ColumnElement[bool]]:
    found = []
    if search.readiness:
        found.append(of_readiness(Readiness(search.readiness)))
    if search.natinf:
        found.append(Notice.natinf == search.natinf)
    if search.site:
        at_site = Vehicle.organisation_id == actor.organisation_id, Vehicle.site == search.site
        found.append(Notice.vehicle_id.in_(select(Vehicle.id).where(*at_site)))
    if search.origin:
        found.append(_of_origin(search.origin))
    if search.opening:
        found.append(Notice.first_opened_at.is_(None))
    if search.since:
        found.append(Notice.offence_day >= search.since)
    if search.until:
        found.append(Notice.offence_day <= search.until)
    return found


def _of_origin(origin: str) -> ColumnElement[bool]:
    if origin == PARKING:
        return Notice.kind == NoticeKind.PARKING_FEE
    from_agency = Notice.source == NoticeSource.AGENCY_FLOW
    return from_agency if origin == FROM_AGENCY else ~from_agency


def _text_criteria(session: TenantSession, actor: Actor, text: str, view: View) -> list[ColumnElement[bool]]:
    """The notice's number, alone or among words; a piece of the vehicle's plate, or a whole one that the fleet does not
    know; or a driver: who had the vehicle, or who was designated once an answer stands."""
    words = words_of(text)
    bare = "".join(words).upper()
    if not bare:
        return [false()]
    own = actor.organisation_id
    index_key = key_store().index_key(own)
    plates = Vehicle.organisation_id == own, Vehicle.plate_key.contains(bare, autoescape=True)
    criteria = [
        Notice.number_fingerprint.in_([number_print(index_key, one) for one in {bare, *words}]),
        Notice.plate_fingerprint == fingerprint(index_key, f"{FRANCE}:{bare}"),
        Notice.vehicle_id.in_(select(Vehicle.id).where(*plates)),
    ]
    everyone = select(Driver).where(Driver.organisation_id == own)
    people = [one.id for one in named(session, actor, everyone, words)][:MOST_PEOPLE]
    if people:
        criteria.append(_designated(people) if view is View.SENT else held_by(own, people))
    return criteria


def _designated(driver_ids: list[UUID]) -> ColumnElement[bool]:
    """True where the answer that stands designates one of these drivers: what the administrator alone may see."""
    standing = (
        Answer.organisation_id == Notice.organisation_id,
        Answer.notice_id == Notice.id,
        Answer.driver_id.in_(driver_ids),
        Answer.state.in_(OPEN_STATES),
    )
    return and_(Notice.is_answered.is_(True), exists().where(*standing).correlate(Notice))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
