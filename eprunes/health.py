"""Health pages: `/healthz` for the process alone, `/readyz` for what it needs, with late legal jobs."""

from flask import Blueprint, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from eprunes.accounts.permissions import public
from eprunes.clock_process import SCHEDULE
from eprunes.core import clock, jobs, schema
from eprunes.core.crypto import KeyStoreUnsafe, key_store

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive():
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready():
    """503 when database, schema or key store fail; late legal jobs degrade, and fail only with `?strict=1`."""
    broken = _broken_parts()
    if broken:
        return jsonify(status="unavailable", failed=broken), 503
    late = jobs.late_jobs(SCHEDULE, clock.now())
    if not late:
        return jsonify(status="ok")
    return jsonify(status="degraded", degraded=late), 503 if request.args.get("strict") == "1" else 200


def _broken_parts() -> list[str]:
    broken = []
    try:
        if not schema.is_current():
            broken.append("schema")
    except SQLAlchemyError:
        current_app.logger.exception("database unreachable")
        broken.append("database")
    try:
        key_store().check()
    except (SQLAlchemyError, KeyStoreUnsafe):
        current_app.logger.exception("key store unusable")
        broken.append("key store")
    return broken
