"""Inline SVG icons, cut out of the sprite that Bootstrap-Flask ships (which weighs over a megabyte)."""

import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup

_SYMBOL = re.compile(r'<symbol[^>]*viewBox="(?P<box>[^"]+)"[^>]*id="(?P<name>[^"]+)"[^>]*>(?P<body>.*?)</symbol>')


@cache
def _symbols() -> dict[str, tuple[str, str]]:
    sprite = files("flask_bootstrap") / "static" / "bootstrap5" / "icons" / "bootstrap-icons.svg"
    found = _SYMBOL.finditer(sprite.read_text(encoding="utf-8"))
    return {match["name"]: (match["box"], match["body"].strip()) for match in found}


@cache
def icon(name: str) -> Markup:
    """The icon as inline SVG, hidden from screen readers (the word stands beside it). KeyError if unknown."""
    box, body = _symbols()[name]
    return Markup(  # noqa: S704 - the sprite is a package's file, never user input
        f'<svg class="bi" viewBox="{box}" fill="currentColor" aria-hidden="true" focusable="false">{body}</svg>'
    )
