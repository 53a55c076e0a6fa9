"""e-Prunes: a company's fleet, and the State's road-offence notifications answered in time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(environ: Mapping[str, str] | None = None) -> "Flask":
    """Build the application from EPRUNES_* settings (os.environ by default)."""
    from eprunes.application import build

    return build(environ)
