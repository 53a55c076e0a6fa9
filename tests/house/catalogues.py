"""What a database says of itself: every table, column, key, index, check, trigger and policy, as comparable text."""

import re

from sqlalchemy import Connection, text

POSTGRESQL = {
    "columns": """
        SELECT table_name || '.' || column_name, concat_ws(' ', data_type, udt_name, character_maximum_length,
               numeric_precision, numeric_scale, is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass || '.' || conname,
               concat_ws(' ', pg_get_constraintdef(oid), condeferrable, condeferred, convalidated)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": """
        SELECT tgrelid::regclass || '.' || tgname, concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
        FROM pg_trigger WHERE NOT tgisinternal""",
    "functions": """
        SELECT proname, pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')""",
    "policies": """
        SELECT tablename || '.' || policyname, concat_ws(' ', permissive, roles, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = 'public'""",
    "row security": """
        SELECT relname, concat_ws(' ', relrowsecurity, relforcerowsecurity)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'""",
    "extensions": "SELECT extname, extname FROM pg_extension",
}
SQLITE = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
OF_MIGRATIONS = "alembic_version"


def catalogue(connection: Connection) -> dict[str, str]:
    """Every object of the schema by its kind and name, without the table that migrations keep for themselves."""
    if connection.dialect.name == "sqlite":
        found = {name: _normalised(sql) for name, sql in connection.execute(text(SQLITE))}
    else:
        found = {
            f"{kind} {name}": definition
            for kind, query in POSTGRESQL.items()
            for name, definition in connection.execute(text(query))
        }
    return {name: definition for name, definition in found.items() if OF_MIGRATIONS not in name}


def _normalised(sql: str) -> str:
    """One SQLite definition: same text whatever the quotes, blanks, and order of a table's lines."""
    plain = re.sub(r"\s+", " ", sql.replace('"', "").replace("`", "")).strip()
    if not plain.upper().startswith("CREATE TABLE"):
        return plain
    head, _, body = plain.partition("(")
    return f"{head.strip()} ({'; '.join(sorted(_lines(body.strip().removesuffix(')'))))})"


def _lines(body: str) -> list[str]:
    """The columns and constraints of a table: split at the commas outside parentheses and texts."""
    lines, depth, in_text, start = [], 0, False, 0
    for position, character in enumerate(body):
        if character == "'":
            in_text = not in_text
        elif not in_text and character in "()":
            depth += 1 if character == "(" else -1
        elif not in_text and character == "," and depth == 0:
            lines.append(body[start:position].strip())
            start = position + 1
    return [*lines, body[start:].strip()]


def differences(migrated: dict[str, str], modelled: dict[str, str]) -> list[str]:
    """One sentence per object that only one of the two has, or that they define otherwise."""
    found = []
    for name in sorted(migrated.keys() | modelled.keys()):
        if migrated.get(name) != modelled.get(name):
            found.append(
                f"{name}: write a migration (make migrations)\n"
                f"    migrated: {migrated.get(name, 'absent')}\n    models:   {modelled.get(name, 'absent')}"
            )
    return found
