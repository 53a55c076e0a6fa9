"""All pages of the fines room: importing this module gives the blueprint its views."""

from eprunes.fines import (  # noqa: F401 - routes
    answer_views,
    attachment_views,
    bulk_views,
    correction_views,
    figure_views,
    inbox_views,
    letter_views,
    note_views,
    reconcile_views,
    request_views,
    typed_views,
    vehicle_views,
)
from eprunes.fines.blueprint import blueprint  # noqa: F401 - registered by the application
