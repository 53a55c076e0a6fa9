"""What tenant and platform sessions refuse: statements, loads and changes beyond their own rows."""

from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.selectable import Select

from eprunes.core.database import PlatformSession, TenantBreach, TenantScoped, TenantSession
from eprunes.core.tenant_statements import StatementChecker, every_table, is_tenant_table, owned

_PASSED: WeakKeyDictionary[Select, tuple[tuple[BindParameter, ...], bool]] = WeakKeyDictionary()
"""Queries that are kept and asked again: the values that tie them to an organisation, looked at each time, and
whether they passed without a platform reason. The rest of a statement never changes."""


@event.listens_for(Session, "do_orm_execute")
def _guard_statement(state) -> None:
    session = state.session
    if isinstance(session, TenantSession):
        _check_in_tenant(session, state.statement, state.parameters or [])
    elif isinstance(session, PlatformSession):
        for table in every_table(state.statement):
            if is_tenant_table(table):
                raise TenantBreach(f"{table.name}: a platform session does not touch business tables")
    else:
        raise TenantBreach("open a tenant_session or a platform_session")


def _check_in_tenant(session: TenantSession, statement, parameters: list[dict] | dict) -> None:
    rows = parameters if isinstance(parameters, list) else [parameters]
    if isinstance(statement, Select) and _has_passed(session, statement, rows):
        return
    checker = StatementChecker(session, rows)
    checker.check(statement)
    if isinstance(statement, Select):
        _PASSED[statement] = tuple(checker.tying), session.platform_reason is None


def _has_passed(session: TenantSession, statement: Select, rows: list[dict]) -> bool:
    tying, without_reason = _PASSED.get(statement, ((), None))
    if without_reason is not (session.platform_reason is None):
        return False
    return all(owned(bind, session.organisation_id, rows) for bind in tying)


@event.listens_for(Session, "before_flush")
def _guard_changes(session, context, instances) -> None:
    for row in [*session.new, *session.dirty, *session.deleted]:
        _check_row(session, row)
        if isinstance(row, TenantScoped) and inspect(row).attrs.organisation_id.history.deleted:
            raise TenantBreach(f"{type(row).__name__}: a row never changes organisation")


@event.listens_for(TenantScoped, "load", propagate=True)
def _guard_load(row, context) -> None:
    _check_row(context.session, row)


@event.listens_for(TenantScoped, "refresh", propagate=True)
def _guard_refresh(row, context, attributes) -> None:
    _check_row(context.session, row)


def _check_row(session: Session, row: object) -> None:
    name = type(row).__name__
    if isinstance(session, TenantSession):
        if isinstance(row, TenantScoped):
            if row.organisation_id != session.organisation_id:
                raise TenantBreach(f"{name}: row of another organisation")
        elif session.platform_reason is None:
            raise TenantBreach(f"{name}: a platform table needs a platform reason")
    elif isinstance(session, PlatformSession):
        if isinstance(row, TenantScoped):
            raise TenantBreach(f"{name}: a platform session does not touch business tables")
    else:
        raise TenantBreach(f"{name}: open a tenant_session or a platform_session")
