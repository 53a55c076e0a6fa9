"""All pages of the accounts room: importing this module gives the blueprint its views."""

from eprunes.accounts import (  # noqa: F401 - routes
    account_views,
    confirmation_views,
    handover_views,
    invitation_views,
    mail_views,
    recovery_views,
    second_factor_views,
    sign_in_views,
)
from eprunes.accounts.blueprint import blueprint  # noqa: F401 - registered by the application
