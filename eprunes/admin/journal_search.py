"""The administrator's journal: its filters as the page's address holds them, and the entries they find."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select

from eprunes.accounts.permissions import Actor
from eprunes.accounts.queries import visible_users
from eprunes.admin.journal import ACTIONS, words_for
from eprunes.admin.journal_words import SUBJECTS, details_in_words, subject_in_words
from eprunes.admin.queries import visible_journal
from eprunes.core.audit import ActorKind, AuditConnection, AuditEntry, connections_kept_from
from eprunes.core.calendar import end_of_day, start_of_day
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page

SYSTEM, OPERATOR = "plateforme", "exploitant"
DELETED_ACCOUNT = "Compte supprimé"
_KINDS = {SYSTEM: ActorKind.SYSTEM, OPERATOR: ActorKind.OPERATOR}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_KEYS = {"since": "du", "until": "au", "act": "acte", "by": "par", "subject": "objet"}


@dataclass(frozen=True)
class JournalSearch:
    """What the journal is asked for; unknown values read as nothing.

    `act` is one act, or a family of acts with its final point (`avis.`); `by` is the platform, the provider, or
    a user's id.
    """

    since: date | None = None
    until: date | None = None
    act: str = ""
    by: str = ""
    subject: str = ""

    @property
    def is_narrowed(self) -> bool:
        """True when something is asked for."""
        return self != JournalSearch()


@dataclass(frozen=True)
class Line:
    """One entry in words; `address` and `device` are empty once they are erased."""

    entry: AuditEntry
    act: str
    by: str
    subject: str
    details: str
    address: str
    device: str


@dataclass(frozen=True)
class Journal:
    """One page of the journal, how many entries were found in all, and the people to choose among."""

    page: Page
    lines: list[Line]
    found: int
    people: list[tuple[str, str]]


def read_journal_search(args: Mapping[str, str]) -> JournalSearch:
    """The search that a page's address asks for."""
    act, by, subject = (args.get(key, "") for key in ("acte", "par", "objet"))
    return JournalSearch(
        since=_day(args.get("du", "")),
        until=_day(args.get("au", "")),
        act=act if act in ACTIONS or act in families() else "",
        by=by if by in _KINDS or _id(by) else "",
        subject=subject if subject in SUBJECTS else "",
    )


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
    people = sorted(((str(one), name) for one, name in names.items()), key=lambda pair: pair[1].casefold())
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
    return [_line(entry, kept.get(entry.id, {}), names, actor) for entry in entries]


def names_of_users(session: TenantSession, actor: Actor) -> dict[UUID, str]:
    """The client's people by id, as long as their accounts were not destroyed."""
    return {user.id: user.display_name or user.email for user in session.scalars(visible_users(actor))}


def _line(entry: AuditEntry, connection: Mapping[str, str], names: dict[UUID, str], actor: Actor) -> Line:
    subject = subject_in_words(entry.subject_kind)
    if entry.subject_kind == "utilisateur" and entry.subject_id in names:
        subject = f"{subject}\u00a0: {names[entry.subject_id]}"
    return Line(
        entry,
        words_for(entry.action),
        _author(entry, names),
        subject,
        details_in_words(entry.action, entry.details, actor.zone, names.get),
        connection.get("address") or "",
        connection.get("device") or "",
    )


def _author(entry: AuditEntry, names: dict[UUID, str]) -> str:
    if entry.actor_kind == ActorKind.SYSTEM:
        return "La plateforme"
    if entry.actor_kind == ActorKind.OPERATOR:
        return "L’exploitant"
    return names.get(entry.actor_id) or DELETED_ACCOUNT


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_FAMILIES = {
    "antai": "Échanges avec l’ANTAI",
    "bon_de_commande": "Bon de commande",
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
