"""All pages of the accounts room: importing this module gives the blueprint its views."""

from eprunes.accounts import confirmation_views, sign_in_views  # noqa: F401 - routes
from eprunes.accounts.blueprint import blueprint  # noqa: F401 - registered by the application
