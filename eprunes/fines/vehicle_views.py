"""The notices of a vehicle, among the pages of that vehicle."""

from uuid import UUID

from flask import abort, g, render_template, request

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import in_section, reading
from eprunes.fines.blueprint import blueprint
from eprunes.fines.proposals import Why
from eprunes.fines.services import looking
from eprunes.fines.vehicle_notices import read_vehicle_notices
from eprunes.fleet.blueprint import VEHICLE_TABS, Tab, vehicle_page_words

VEHICLE_TABS.insert(1, Tab("fines.vehicle_notices", "Contraventions", "envelope-exclamation", Permission.VIEW_NOTICES))


@blueprint.get("/vehicules/<uuid:vehicle_id>/contraventions")
@requires(Permission.VIEW_NOTICES)
@in_section("fleet.vehicles")
def vehicle_notices(vehicle_id: UUID):
    """For who may see both: without the fleet right there is no page of a vehicle."""
    as_of = clock.now()
    listed = read_vehicle_notices(reading(), g.actor, vehicle_id, request.args.get("page", ""), as_of)
    if listed is None:
        abort(404)
    looking.note_list_seen(g.actor, view="vehicule", found=listed.found, is_searched=False, as_of=as_of)
    words = {"vehicle": listed.vehicle, "as_of": as_of, "Why": Why} | vehicle_page_words()
    return render_template("fines/vehicle_notices.html", listed=listed, **words)
