"""All pages of the fines room: importing this module gives the blueprint its views."""

from eprunes.fines import (  # noqa: F401 - routes
    answer_views,
    attachment_views,
    bulk_views,
    correction_views,
    inbox_views,
    note_views,
    vehicle_views,
)
from eprunes.fines.asking import request_views  # noqa: F401 - routes
from eprunes.fines.blueprint import blueprint  # noqa: F401 - registered by the application
from eprunes.fines.figures import figure_views  # noqa: F401 - routes
from eprunes.fines.paper import letter_views, reconcile_views, typed_views  # noqa: F401 - routes
