"""The blueprint of the administrator's pages."""

from flask import Blueprint

from eprunes.core.web import in_section

blueprint = Blueprint("admin", __name__)
in_admin = in_section("admin.users")
