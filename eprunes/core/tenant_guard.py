"""What tenant and platform sessions refuse: statements, loads and changes beyond their own rows."""

from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Select

from eprunes.core.database import PlatformSession, TenantBreach, TenantScoped, TenantSession
from eprunes.core.tenant_statements import StatementChecker, every_table, is_tenant_table

_PASSED: WeakKeyDictionary[Select, tuple[UUID, bool]] = WeakKeyDictionary()
"""Queries that are kept and asked again, and for whom they passed: a statement never changes."""


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
    whom = session.organisation_id, session.platform_reason is None
    is_kept = isinstance(statement, Select) and not parameters
    if is_kept and _PASSED.get(statement) == whom:
        return
    checker = StatementChecker(session, parameters if isinstance(parameters, list) else [parameters])
    checker.check(statement)
    if is_kept and checker.is_lasting:
        _PASSED[statement] = whom


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
