"""Who may do what: one table from rights to permissions, and the mark every view must carry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from eprunes.accounts.tools import Tools


class Right(StrEnum):
    FLEET = "parc"
    FINES = "contraventions"
    ADMINISTRATOR = "administrateur"
    OPERATOR = "exploitant"
    FLEET_VISIT = "visite_parc"
    FINES_VISIT = "visite_contraventions"


class Pending(StrEnum):
    """What is still missing before a session opens anything: the second factor's code, or to set it up."""

    CODE = "code"
    SET_UP = "mise_en_place"


class Permission(StrEnum):
    ENTER = "entrer"
    VIEW_FLEET = "voir_parc"
    EDIT_FLEET = "modifier_parc"
    EXPORT_FLEET = "exporter_parc"
    VIEW_NOTICES = "voir_contraventions"
    ANSWER_NOTICES = "repondre_contraventions"
    EXPORT_NOTICES = "exporter_contraventions"
    VIEW_ARCHIVE = "voir_archives"
    ADMINISTER = "administrer"
    OPERATE = "exploiter"


_FLEET = {Permission.ENTER, Permission.VIEW_FLEET, Permission.EDIT_FLEET, Permission.EXPORT_FLEET}
_FINES = {Permission.ENTER, Permission.VIEW_NOTICES, Permission.ANSWER_NOTICES, Permission.EXPORT_NOTICES}

PERMISSIONS: dict[Right, set[Permission]] = {
    Right.FLEET: _FLEET,
    Right.FINES: _FINES,
    Right.ADMINISTRATOR: {Permission.ENTER, Permission.VIEW_ARCHIVE, Permission.ADMINISTER},
    Right.OPERATOR: {Permission.ENTER, Permission.OPERATE},
    Right.FLEET_VISIT: {Permission.ENTER, Permission.VIEW_FLEET},
    Right.FINES_VISIT: {Permission.ENTER, Permission.VIEW_NOTICES},
}

WHILE_SUSPENDED = {
    Permission.ENTER,
    Permission.VIEW_FLEET,
    Permission.EXPORT_FLEET,
    Permission.VIEW_NOTICES,
    Permission.ANSWER_NOTICES,
    Permission.EXPORT_NOTICES,
    Permission.VIEW_ARCHIVE,
}
CONFIRMED_FOR = timedelta(minutes=15)
SENT_WITHIN = 2 * CONFIRMED_FOR
"""A form that was opened in time can still be sent: what was typed is not lost."""


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a user of one organisation with effective rights, or an operator.

    An operator has no organisation, except during a visit to a client's data (`visit_id`). While `pending` the
    session opens nothing but the pages that finish the sign-in.
    """

    identity_id: UUID
    organisation_id: UUID | None
    user_id: UUID | None
    display_name: str
    email: str
    organisation_name: str
    rights: frozenset[Right]
    zone: ZoneInfo
    suspended: bool = False
    session_hash: bytes = b""
    session_id: UUID | None = None
    confirmed_at: datetime | None = None
    pending: Pending | None = None
    visit_id: UUID | None = None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.identity_id)

    @property
    def is_administrator(self) -> bool:
        return Right.ADMINISTRATOR in self.rights

    @property
    def is_operator(self) -> bool:
        return Right.OPERATOR in self.rights

    @property
    def is_visiting(self) -> bool:
        return self.visit_id is not None

    def is_confirmed(self, as_of: datetime, within: timedelta = CONFIRMED_FOR) -> bool:
        """True when the person proved who they are recently enough for an act that asks for it again."""
        return self.confirmed_at is not None and as_of - self.confirmed_at < within

    def may(self, permission: Permission) -> bool:
        """True when a right of the actor gives this permission in the present state of the contract."""
        if self.pending:
            return permission is Permission.ENTER
        if self.suspended and permission not in WHILE_SUSPENDED:
            return False
        if self.is_visiting and permission is Permission.OPERATE:
            return False
        return any(permission in PERMISSIONS[right] for right in self.rights)


def effective_rights(
    *, fleet: bool, fines: bool, administrator: bool, tools: Tools, suspended: bool
) -> frozenset[Right]:
    """A user's rights ∩ the tools of the order form in force ∩ the state of the contract.

    The administrator holds every tool of the contract. While the contract is suspended only the administrator
    keeps any right; once the fines tool is dropped, live notices stay answerable (decision 10).
    """
    if suspended and not administrator:
        return frozenset()
    rights = set()
    if tools.fleet and (fleet or administrator):
        rights.add(Right.FLEET)
    if (tools.live_notices and fines) or (tools.archive and administrator):
        rights.add(Right.FINES)
    if administrator:
        rights.add(Right.ADMINISTRATOR)
    return frozenset(rights)


def requires(permission: Permission, *, confirmed: bool = False, while_pending: bool = False) -> Callable:
    """Mark a view with the permission it needs; the web layer refuses views without a mark.

    `confirmed`: the person must have proved who they are in the last minutes. `while_pending`: open to a session
    whose second factor is still to come.
    """

    def mark(view: Callable) -> Callable:
        view.required_permission = permission
        view.needs_confirmation = confirmed
        view.while_pending = while_pending
        return view

    return mark


def public(view: Callable) -> Callable:
    """Mark a view as open to anyone, signed in or not."""
    view.required_permission = None
    return view
