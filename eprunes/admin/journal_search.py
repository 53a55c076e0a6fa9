"""The administrator's journal: its filters as the page's address holds them, and the entries they find."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, false, select

from eprunes.accounts.devices import device_in_words
from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import visible_users
from eprunes.admin.journal import ACTIONS, words_for
from eprunes.admin.journal_things import Thing, subject_of, things_in
from eprunes.admin.journal_words import SUBJECTS, details_in_words, subject_in_words
from eprunes.admin.queries import visible_journal
from eprunes.core.audit import ActorKind, AuditConnection, AuditEntry, connections_kept_from
from eprunes.core.calendar import end_of_day, start_of_day
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.core.texts import folded

SYSTEM, OPERATOR = "plateforme", "exploitant"
DELETED_ACCOUNT = "Compte supprimé"
_KINDS = {SYSTEM: ActorKind.SYSTEM, OPERATOR: ActorKind.OPERATOR}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_KEYS = {"since": "du", "until": "au", "act": "acte", "by": "par", "subject": "objet"}


@dataclass(frozen=True)
class JournalSearch:
    """What the journal is asked for; `faults` says, in sentences, what could not be read, and then nothing is found.

    `act` is one act, or a family of acts with its final point (`avis.`); `by` is the platform, the provider, or
    a user's id.
    """

    since: date | None = None
    until: date | None = None
    act: str = ""
    by: str = ""
    subject: str = ""
    faults: tuple[str, ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """True when something is asked for."""
        return self != JournalSearch()


@dataclass(frozen=True)
class Line:
    """One entry in words; `address` and `device` are empty once they are erased, `link` where nothing can be opened.

    `reference` is the id of what `subject` names.
    """

    entry: AuditEntry
    act: str
    by: str
    subject: str
    reference: UUID | None
    link: str
    details: str
    address: str
    device: str

    @property
    def device_in_words(self) -> str:
        """`Firefox sur Windows`; the browser's own words are for the export."""
        return device_in_words(self.device) if self.device else ""


@dataclass(frozen=True)
class Journal:
    """One page of the journal, how many entries were found in all, and the people to choose among."""

    page: Page
    lines: list[Line]
    found: int
    people: list[tuple[str, str]]


def read_journal_search(args: Mapping[str, str]) -> JournalSearch:
    """The search that a page's address asks for."""
    asked = {name: args.get(key, "").strip() for name, key in _KEYS.items()}
    since, until = _day(asked["since"]), _day(asked["until"])
    known = {
        "since": since,
        "until": until,
        "act": asked["act"] in ACTIONS or asked["act"] in families(),
        "by": asked["by"] in _KINDS or _id(asked["by"]),
        "subject": asked["subject"] in SUBJECTS,
    }
    faults = [_UNREADABLE[name].format(text[:40]) for name, text in asked.items() if text and not known[name]]
    if since and until and until < since:
        faults.append("La période finit avant de commencer.")
    texts = {name: asked[name] if known[name] else "" for name in ("act", "by", "subject")}
    return JournalSearch(since=since, until=until, **texts, faults=tuple(faults))


def journal_args(search: JournalSearch, **changes: object) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; what is not asked for is left out."""
    wanted = replace(search, **changes)
    values = {key: getattr(wanted, name) for name, key in _KEYS.items()}
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items() if value}


def families() -> dict[str, dict[str, str]]:
    """The known acts by family, each with its words; a family is what stands before the point, with it."""
    found: dict[str, dict[str, str]] = {}
    for action in sorted(ACTIONS, key=words_for):
        found.setdefault(f"{action.partition('.')[0]}.", {})[action] = words_for(action)
    return dict(sorted(found.items(), key=lambda pair: family_in_words(pair[0])))


def family_in_words(family: str) -> str:
    """`avis.` → `Avis`."""
    name = family.removesuffix(".")
    return SUBJECTS.get(name, _FAMILIES.get(name, name.replace("_", " ").capitalize()))


def found_entries(actor: Actor, search: JournalSearch) -> Select[tuple[AuditEntry]]:
    """The entries that a search finds, in no order; days are the actor's."""
    query = visible_journal(actor)
    if search.faults:
        return query.where(false())
    if search.since:
        query = query.where(AuditEntry.at >= start_of_day(search.since, actor.zone))
    if search.until:
        query = query.where(AuditEntry.at < end_of_day(search.until, actor.zone))
    if search.act.endswith("."):
        acts = families()[search.act]
        query = query.where(AuditEntry.action.in_(list(acts)))
    elif search.act:
        query = query.where(AuditEntry.action == search.act)
    if search.by in _KINDS:
        query = query.where(AuditEntry.actor_kind == _KINDS[search.by])
    elif search.by:
        query = query.where(AuditEntry.actor_kind == ActorKind.USER, AuditEntry.actor_id == UUID(search.by))
    return query.where(AuditEntry.subject_kind == search.subject) if search.subject else query


def read_journal(session: TenantSession, actor: Actor, search: JournalSearch, cursor: str, as_of: datetime) -> Journal:
    """The page of the journal at a cursor, newest first."""
    query = found_entries(actor, search)
    page = read_page(session, query, AuditEntry, ("at",), cursor=cursor, descending=True)
    names = names_of_users(session, actor)
    people = sorted(((str(one), name) for one, name in names.items()), key=lambda pair: folded(pair[1]))
    lines = lines_of(session, actor, page.rows, names, as_of)
    return Journal(page, lines, count_of(session, query), people)


def lines_of(
    session: TenantSession, actor: Actor, entries: list[AuditEntry], names: dict[UUID, str], as_of: datetime
) -> list[Line]:
    """These entries in words; connection data only while they may be kept (C11)."""
    query = select(AuditConnection).where(
        AuditConnection.organisation_id == actor.organisation_id,
        AuditConnection.id.in_([entry.id for entry in entries if entry.commitment]),
        AuditConnection.at >= connections_kept_from(as_of),
    )
    kept = {row.id: row.facts for row in session.scalars(query)}
    things = things_in(session, actor, entries, as_of)
    return [_line(entry, kept.get(entry.id, {}), names, things, actor) for entry in entries]


def names_of_users(session: TenantSession, actor: Actor) -> dict[UUID, str]:
    """The client's people by id, as long as their accounts were not destroyed."""
    return {user.id: user.display_name or user.email for user in session.scalars(visible_users(actor))}


def _line(
    entry: AuditEntry,
    connection: Mapping[str, str],
    names: dict[UUID, str],
    things: Mapping[tuple[str, UUID], Thing],
    actor: Actor,
) -> Line:
    kind, reference = subject_of(entry)
    thing = things.get((kind, reference))
    name = names.get(reference) if kind == "utilisateur" else thing and thing.name
    return Line(
        entry,
        words_for(entry.action),
        _author(entry, names),
        f"{subject_in_words(kind)}\u00a0: {name}" if name else subject_in_words(kind),
        reference,
        thing.link if thing else "",
        details_in_words(entry.action, entry.details, actor.zone, names.get),
        connection.get("address") or "",
        connection.get("device") or "",
    )


def _author(entry: AuditEntry, names: dict[UUID, str]) -> str:
    if entry.actor_kind == ActorKind.SYSTEM:
        return "La plateforme"
    if entry.actor_kind == ActorKind.OPERATOR:
        return f"L’exploitant (agent {entry.actor_id.hex[-6:].upper()})" if entry.actor_id else "L’exploitant"
    return names.get(entry.actor_id) or DELETED_ACCOUNT


def _day(text: str) -> date | None:
    """A day as the browser sends it, or as people type it: `22/11/2026`."""
    try:
        found = date(*map(int, reversed(text.split("/")))) if "/" in text else date.fromisoformat(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_UNREADABLE = {
    "since": "«\u00a0{}\u00a0» n’est pas une date\u00a0: écrivez par exemple 22/11/2026.",
    "until": "«\u00a0{}\u00a0» n’est pas une date\u00a0: écrivez par exemple 22/11/2026.",
    "act": "«\u00a0{}\u00a0» n’est pas un acte du journal\u00a0: choisissez dans la liste.",
    "by": "«\u00a0{}\u00a0» n’est personne du journal\u00a0: choisissez dans la liste.",
    "subject": "«\u00a0{}\u00a0» n’est pas un objet du journal\u00a0: choisissez dans la liste.",
}
_FAMILIES = {
    "antai": "Échanges avec l’ANTAI",
    "bon_de_commande": "Bon de commande",
    "code": "Codes de double authentification",
    "compte": "Blocage des comptes",
    "connexion": "Connexions",
    "contrat": "Contrat",
    "invitation": "Invitations",
    "journal": "Journal",
    "mot_de_passe": "Mots de passe",
    "organisation": "Client",
    "parc": "Parc",
    "second_facteur": "Double authentification",
    "sessions": "Sessions",
    "utilisateurs": "Utilisateurs",
    "vehicules": "Places du bon de commande",
}
