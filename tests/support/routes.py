"""Every route of the application, with addresses that can be asked for."""

from collections.abc import Iterator, Mapping
from itertools import product

from flask import Flask
from werkzeug.routing import AnyConverter

MISSING = "00000000-0000-7000-8000-000000000000"
STATIC = {"static", "bootstrap.static"}

NOT_IDS = {"month": "2026-03"}
"""What routes hold beside ids."""


def calls(app: Flask, ids: Mapping[str, object] | None = None) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, path) of every route but the static files; ids that are not given are missing ones."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint in STATIC:
            continue
        names = sorted(rule.arguments)
        for values in product(*(_values(rule._converters[name], name, ids or {}) for name in names)):
            path = adapter.build(rule.endpoint, dict(zip(names, values, strict=True)), method=None)
            for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
                yield rule.endpoint, method, path


def _values(converter: object, name: str, ids: Mapping[str, object]) -> list[object]:
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)
    return [ids.get(name, NOT_IDS.get(name, MISSING))]
