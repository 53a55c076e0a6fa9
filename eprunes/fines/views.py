"""All pages of the fines room: importing this module gives the blueprint its views."""

from eprunes.fines import answer_views, inbox_views  # noqa: F401 - routes
from eprunes.fines.blueprint import blueprint  # noqa: F401 - registered by the application
