"""All pages of the fleet room but the import's: importing this module gives the blueprint its views."""

from eprunes.fleet import (  # noqa: F401 - routes
    assignment_views,
    bulk_views,
    document_views,
    driver_views,
    due_date_views,
    duplicate_views,
    export_views,
    pool_views,
    removing_views,
    timeline_views,
    vehicle_views,
)
from eprunes.fleet.blueprint import blueprint  # noqa: F401 - registered by the application
