"""Whether a statement stays within one organisation, found by looking at the statement alone.

It passes only if every business table that it, or a query nested in it, ranges over is tied to the session's
organisation: by `organisation_id = …` in WHERE or in the ON of a join, directly or through another tied table.
What can't be analysed (textual SQL, unknown tables) is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.orm import FromStatement
from sqlalchemy.sql import operators
from sqlalchemy.sql.dml import Delete, Insert, Update, UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ColumnClause,
    Grouping,
    Label,
    TextClause,
)
from sqlalchemy.sql.selectable import (
    AliasedReturnsRows,
    FromGrouping,
    Join,
    Select,
    SelectBase,
    SelectStatementGrouping,
    TableClause,
    TextualSelect,
)

from eprunes.core.database import TenantBreach, TenantSession

TENANT_COLUMN = "organisation_id"


def is_tenant_table(table: TableClause) -> bool:
    """True for tables keyed by (organisation_id, id): those of `TenantScoped` models."""
    return TENANT_COLUMN in table.primary_key


def every_table(query) -> Iterator[Table]:
    """Every table that a statement names, nested queries included. Raises TenantBreach on textual SQL."""
    if isinstance(query, TextClause | TextualSelect):
        raise TenantBreach("textual SQL can't be checked")
    parts = _parts(query)
    for source in parts.tables:
        yield _plain(source)
    for nested in (*parts.as_values, *parts.as_tables):
        yield from every_table(nested)


def owned(bind: BindParameter, organisation_id: UUID, rows: list[dict]) -> bool:
    """True when a bound value is this organisation for every row of parameters."""
    return all(row.get(bind.key, bind.effective_value) == organisation_id for row in rows or [{}])


class StatementChecker:
    """Checks one statement of a session, given the rows of parameters it is executed with.

    `tying`: the values found to be the session's organisation. As long as they are, the statement passes.
    """

    def __init__(self, session: TenantSession, rows: list[dict]) -> None:
        self.session = session
        self.rows = rows
        self.tying: list[BindParameter] = []

    def check(self, query, enclosing: frozenset = frozenset()) -> None:
        """Raise TenantBreach unless tied; `enclosing` holds the tables of the query this one is nested in."""
        if isinstance(query, FromStatement | SelectStatementGrouping):
            self.check(query.element, enclosing)
            return
        if isinstance(query, TextClause | TextualSelect):
            raise TenantBreach("textual SQL can't be tied to an organisation")
        parts = _parts(query)
        scope = _Scope(self.owns)
        if isinstance(query, Select):
            scope.tied |= scope.add_select(query, enclosing)
        elif isinstance(query, Update | Delete):
            self._refuse_move(query)
            scope.sources |= parts.tables
            scope.add_conditions(query._where_criteria)
        elif isinstance(query, Insert):
            self._check_insert(query)
        self._refuse_untied(scope)
        for nested in parts.as_values:
            self.check(nested, frozenset(scope.sources))
        for nested in parts.as_tables:
            self.check(nested)

    def owns(self, bind: BindParameter) -> bool:
        """True when the bound value is the session's organisation for every row of parameters."""
        is_own = owned(bind, self.session.organisation_id, self.rows)
        if is_own:
            self.tying.append(bind)
        return is_own

    def _refuse_untied(self, scope: "_Scope") -> None:
        tied = scope.all_tied()
        for source in scope.sources:
            table = _plain(source)
            self._admit(table)
            if is_tenant_table(table) and source not in tied:
                raise TenantBreach(f"{table.name}: query not tied to its organisation")

    def _admit(self, table: Table) -> None:
        if not is_tenant_table(table) and self.session.platform_reason is None:
            raise TenantBreach(f"{table.name}: a platform table needs a platform reason")

    def _refuse_move(self, query: Update | Delete) -> None:
        if not isinstance(query, Update) or not is_tenant_table(query.table):
            return
        if TENANT_COLUMN in chain(_names(query._values or {}), *self.rows):
            raise TenantBreach(f"{query.table.name}: a row never changes organisation")

    def _check_insert(self, query: Insert) -> None:
        self._admit(query.table)
        if is_tenant_table(query.table) and not self._inserts_own(query):
            raise TenantBreach(f"{query.table.name}: inserted row of another organisation")

    def _inserts_own(self, query: Insert) -> bool:
        if query.select is not None:
            return self._copies_own(query)
        own = self.session.organisation_id
        rows_own = all(row.get(TENANT_COLUMN, own) == own for row in self.rows)
        for values in chain(*query._multi_values) if query._multi_values else [query._values or {}]:
            named = dict(zip(_names(values), values.values(), strict=True))
            if TENANT_COLUMN not in named:
                rows_own = rows_own and bool(self.rows) and all(TENANT_COLUMN in row for row in self.rows)
                continue
            value = named[TENANT_COLUMN]
            if not (self.owns(value) if isinstance(value, BindParameter) else value is own):
                return False
        return rows_own

    def _copies_own(self, query: Insert) -> bool:
        """An insert from a query copies the organisation from a business table, or names its own."""
        if not isinstance(query.select, Select) or TENANT_COLUMN not in query._select_names:
            return False
        column = list(query.select.selected_columns)[query._select_names.index(TENANT_COLUMN)]
        if isinstance(column, Label):
            column = column.element
        if isinstance(column, BindParameter):
            return self.owns(column)
        return _is_tenant_column(column) and _is_table(column.table) and is_tenant_table(_plain(column.table))


@dataclass
class _Parts:
    """What one query is made of: tables it names, and the queries nested in it (not entered)."""

    tables: set = field(default_factory=set)
    as_values: list = field(default_factory=list)
    as_tables: list = field(default_factory=list)


def _parts(query) -> _Parts:
    parts, seen, stack = _Parts(), set(), list(query.get_children())
    while stack:
        element = stack.pop()
        if isinstance(element, ColumnClause):
            _refuse_raw_column(element)
            if element.table is not None and element.table not in seen:
                seen.add(element.table)
                stack.append(element.table)
        elif isinstance(element, BindParameter):
            continue
        elif isinstance(element, TextClause | TextualSelect):
            raise TenantBreach("textual SQL can't be tied to an organisation")
        elif _is_table(element):
            parts.tables.add(element)
        elif isinstance(element, SelectBase | UpdateBase):
            parts.as_values.append(element)
        elif isinstance(element, AliasedReturnsRows) and isinstance(element.element, SelectBase | UpdateBase):
            parts.as_tables.append(element.element)
        else:
            if TENANT_COLUMN in _names(getattr(element, "update_values_to_set", ())):
                raise TenantBreach("a row never changes organisation")
            stack.extend(element.get_children())
    return parts


def _refuse_raw_column(column: ColumnClause) -> None:
    if column.is_literal and column.name != "*" and not column.name.isdecimal():
        raise TenantBreach("textual SQL can't be tied to an organisation")


def _is_table(element) -> bool:
    """True for a table or an alias of one. Raises TenantBreach for a table that the models don't define."""
    table = _plain(element)
    if isinstance(table, TableClause) and not isinstance(table, Table):
        raise TenantBreach(f"{table.name}: unknown table")
    return isinstance(table, Table)


class _Scope:
    """The tables that one query ranges over, and what ties them.

    `links` are directed: in an outer join the ON ties the optional side only.
    """

    def __init__(self, owns) -> None:
        self.owns = owns
        self.sources: set = set()
        self.tied: set = set()
        self.links: list = []

    def all_tied(self) -> set:
        """Every source tied directly or through others."""
        tied, grew = set(self.tied), True
        while grew:
            gained = {target for source, target in self.links if source in tied} - tied
            tied |= gained
            grew = bool(gained)
        return tied

    def add_select(self, query: Select, enclosing: frozenset) -> set:
        """Add what a SELECT ranges over; returns those sources that belong to the enclosing query."""
        froms = list(query._iterate_from_elements())
        joined = set(chain.from_iterable(source._hide_froms for source in froms))
        froms = [source for source in froms if source not in joined]
        for source in froms:
            self._add_source(source)
        self.add_conditions(query._where_criteria)
        for target, condition, _, flags in query._setup_joins:
            optional = self._add_source(getattr(target, "__clause_element__", lambda found=target: found)())
            if condition is not None:
                self._add_join(condition, optional, flags["isouter"], flags["full"])
        return _correlated(query, froms, enclosing)

    def add_conditions(self, conditions: Iterable, only: set | None = None) -> None:
        """Note the equalities that must hold; with `only` they tie just these sources."""
        for condition in _all_of(conditions):
            if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
                self._note(condition.left, condition.right, only)
                self._note(condition.right, condition.left, only)

    def _add_source(self, element) -> set:
        if isinstance(element, FromGrouping):
            return self._add_source(element.element)
        if isinstance(element, Join):
            left, right = self._add_source(element.left), self._add_source(element.right)
            self._add_join(element.onclause, right, element.isouter, element.full)
            return left | right
        found = {element} if _is_table(element) else set()
        self.sources |= found
        return found

    def _add_join(self, condition, optional: set, is_outer: bool, is_full: bool) -> None:
        if not is_full:
            self.add_conditions([condition], optional if is_outer else None)

    def _note(self, column, other, only: set | None) -> None:
        if not _is_tenant_column(column) or (only is not None and column.table not in only):
            return
        if isinstance(other, BindParameter):
            if self.owns(other):
                self.tied.add(column.table)
        elif _is_tenant_column(other):
            self.links.append((other.table, column.table))


def _correlated(query: Select, froms: list, enclosing: frozenset) -> set:
    """The sources that SQLAlchemy takes from the enclosing query instead of scanning them again."""
    shared = {source for source in froms if source in enclosing}
    if not shared or query._setup_joins:
        return set()
    if query._correlate:
        return shared & set(query._correlate)
    if query._correlate_except is not None:
        return shared - set(query._correlate_except)
    return shared if query._auto_correlate and len(froms) > 1 else set()


def _all_of(conditions: Iterable) -> Iterator:
    """The conditions that must all hold: through AND and parentheses, never through OR or NOT."""
    for condition in conditions:
        if isinstance(condition, Grouping):
            yield from _all_of([condition.element])
        elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
            yield from _all_of(condition.clauses)
        else:
            yield condition


def _is_tenant_column(element) -> bool:
    return isinstance(element, ColumnClause) and element.name == TENANT_COLUMN and element.table is not None


def _plain(source):
    return source.element if isinstance(source, AliasedReturnsRows) else source


def _names(values: Iterable) -> list[str]:
    return [getattr(key, "key", key) for key in values]
