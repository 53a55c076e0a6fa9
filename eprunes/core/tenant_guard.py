"""What tenant and platform sessions refuse: statements, loads and changes beyond their own rows.

A statement of a tenant session passes only if every business table in each of its (sub)queries is tied to
the session's organisation by `organisation_id = …`, directly or through another tied table.
"""

from sqlalchemy import Column, Table, event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.sql import operators
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ColumnElement,
    TextClause,
)
from sqlalchemy.sql.selectable import Alias, SelectBase, TextualSelect

from eprunes.core.database import PlatformSession, TenantBreach, TenantScoped, TenantSession

TENANT_COLUMN = "organisation_id"


def is_tenant_table(table: Table) -> bool:
    """True for tables keyed by (organisation_id, id): those of `TenantScoped` models."""
    return TENANT_COLUMN in table.primary_key.columns


@event.listens_for(TenantSession, "do_orm_execute")
def _guard_tenant_statement(state) -> None:
    if state.is_column_load:
        return
    session = state.session
    if isinstance(state.statement, Insert):
        _check_insert(state.statement, state.parameters, session)
        return
    _Checker(session, state.parameters or {}).check(state.statement, set())


@event.listens_for(PlatformSession, "do_orm_execute")
def _guard_platform_statement(state) -> None:
    for table in _all_tables(state.statement):
        if is_tenant_table(table):
            raise TenantBreach(f"{table.name}: a platform session does not touch business tables")


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


def _check_insert(statement: Insert, parameters: object, session: TenantSession) -> None:
    _check_table_admitted(statement.table, session)
    if not is_tenant_table(statement.table):
        return
    if statement.select is not None:
        _Checker(session, {}).check(statement.select, set())
        return
    for row in _inserted_rows(statement, parameters):
        if row.get(TENANT_COLUMN) != session.organisation_id:
            raise TenantBreach(f"{statement.table.name}: inserted row of another organisation")


def _inserted_rows(statement: Insert, parameters: object) -> list[dict]:
    if parameters:
        return parameters if isinstance(parameters, list) else [parameters]
    if statement._multi_values:
        return [_plain(row) for group in statement._multi_values for row in group]
    return [_plain(statement._values or {})]


def _plain(values: dict) -> dict:
    return {
        getattr(key, "key", key): value.value if isinstance(value, BindParameter) else value
        for key, value in values.items()
    }


def _check_table_admitted(table: Table, session: TenantSession) -> None:
    if not is_tenant_table(table) and session.platform_reason is None:
        raise TenantBreach(f"{table.name}: a platform table needs a platform reason")


class _Checker:
    """Walks one statement; `outer` holds the tables that enclosing queries have already tied."""

    def __init__(self, session: TenantSession, parameters: object) -> None:
        self.session = session
        self.parameters = parameters if isinstance(parameters, dict) else {}

    def check(self, statement, outer: set) -> None:
        scope = _Scope()
        if isinstance(statement, Update | Delete):
            scope.sources.add(statement.table)
        for child in statement.get_children():
            scope.collect(child)
        sources = scope.sources - outer if not isinstance(statement, Update | Delete) else scope.sources
        self._check_scope(scope, sources, outer)
        for nested in scope.nested:
            self.check(nested, outer | scope.sources)

    def _check_scope(self, scope: "_Scope", sources: set, outer: set) -> None:
        tied = set(outer) | {source for source, bind in scope.bound if self._is_own(bind)}
        grew = True
        while grew:
            before = len(tied)
            for left, right in scope.linked:
                if left in tied or right in tied:
                    tied |= {left, right}
            grew = len(tied) > before
        for source in sources:
            table = source.element if isinstance(source, Alias) else source
            if not isinstance(table, Table):
                continue
            _check_table_admitted(table, self.session)
            if is_tenant_table(table) and source not in tied:
                raise TenantBreach(f"{table.name}: query not tied to its organisation")

    def _is_own(self, bind: BindParameter) -> bool:
        value = bind.value if bind.value is not None else self.parameters.get(bind.key)
        return value == self.session.organisation_id


class _Scope:
    """The tables of one query, its equalities on the tenant column, and the queries nested in it."""

    def __init__(self) -> None:
        self.sources: set = set()
        self.bound: list = []
        self.linked: list = []
        self.nested: list = []

    def collect(self, element, certain: bool = True) -> None:
        """Look through an element; an equality counts only where it must hold (`certain`), not under OR."""
        if isinstance(element, TextClause | TextualSelect):
            raise TenantBreach("textual SQL can't be tied to an organisation")
        if isinstance(element, SelectBase):
            self.nested.append(element)
            return
        if isinstance(element, Table | Alias) and isinstance(getattr(element, "element", element), Table):
            self.sources.add(element)
            return
        if isinstance(element, Column) and element.table is not None:
            self.sources.add(element.table)
            return
        if certain and isinstance(element, BinaryExpression) and element.operator is operators.eq:
            self._note_equality(element.left, element.right)
        certain = certain and (_is_and(element) or not isinstance(element, ColumnElement))
        for child in element.get_children():
            self.collect(child, certain)

    def _note_equality(self, left, right) -> None:
        for one, other in ((left, right), (right, left)):
            if getattr(one, "name", None) != TENANT_COLUMN or getattr(one, "table", None) is None:
                continue
            if isinstance(other, BindParameter):
                self.bound.append((one.table, other))
            elif getattr(other, "name", None) == TENANT_COLUMN and getattr(other, "table", None) is not None:
                self.linked.append((one.table, other.table))


def _is_and(element) -> bool:
    return isinstance(element, BooleanClauseList) and element.operator is operators.and_


def _all_tables(statement) -> set[Table]:
    tables: set[Table] = set()
    stack = [statement]
    while stack:
        element = stack.pop()
        if isinstance(element, Table):
            tables.add(element)
            continue
        if isinstance(element, Column) and isinstance(element.table, Table):
            tables.add(element.table)
        stack.extend(element.get_children())
        if isinstance(element, Insert | Update | Delete):
            tables.add(element.table)
    return tables
