"""All pages of the fleet room but the import's: importing this module gives the blueprint its views."""

from eprunes.fleet import assignment_views, driver_views, export_views, vehicle_views  # noqa: F401 - routes
from eprunes.fleet.blueprint import blueprint  # noqa: F401 - registered by the application
