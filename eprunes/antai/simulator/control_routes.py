"""The hand that moves the agency: loading, generating, faults, counts. Open to the local machine only."""

from flask import Blueprint, jsonify, request

from eprunes.core import clock

from . import access, answers, faults, generation, offences, store, vehicles
from .app import agency, connection, refuse
from .payloads import json_body, whole_number

blueprint = Blueprint("control", __name__, url_prefix="/control")

MOST_GENERATED = 100_000
LONGEST_DAYS = 730


@blueprint.post("/offences")
def load_offences():
    return _load(replace=False)


@blueprint.put("/offences")
def replace_offences():
    """As loading, but a known number takes the new content: the agency changed a notice."""
    return _load(replace=True)


@blueprint.post("/generate")
def generate():
    body, as_of = json_body(dict), clock.now()
    wanted = whole_number(body, "count", 1, lowest=1, highest=MOST_GENERATED)
    seed = whole_number(body, "seed", 1, lowest=0, highest=2**53)
    days = whole_number(body, "days", 30, lowest=1, highest=LONGEST_DAYS)
    with store.writing(connection()):
        fleet = vehicles.active(connection())
        if not fleet:
            return refuse(409, "PARC_VIDE", "Aucun véhicule n’est déclaré.")
        records = generation.offences(connection(), fleet, count=wanted, seed=seed, days=days, as_of=as_of)
        offences.load(connection(), records, as_of)
    return jsonify({"numerosAco": [record["numeroAco"] for record in records]}), 201


@blueprint.post("/faults")
def add_fault():
    fault = faults.fault_from(json_body(dict))
    faults.add(agency().fault_queue, fault)
    return jsonify(faults.remaining(agency().fault_queue)), 201


@blueprint.get("/faults")
def list_faults():
    return jsonify(faults.remaining(agency().fault_queue))


@blueprint.delete("/faults")
def clear_faults():
    faults.clear(agency().fault_queue)
    return "", 204


@blueprint.post("/tokens/expire")
def expire_tokens():
    return jsonify(expired=access.close_all(agency().sessions))


@blueprint.get("/state")
def state():
    offences.post_due(connection(), clock.now())
    return jsonify(
        vehicles_active=vehicles.count_active(connection()),
        offences=offences.count(connection()),
        emitted=offences.count_posted(connection()),
        designations_accepted=answers.count(connection(), "ENREGISTREE"),
        designations_refused=answers.count(connection(), "REFUSEE"),
        requests=agency().requests,
    )


@blueprint.get("/designations")
def designations():
    return jsonify(answers.stored(connection(), request.args.get("numeroAco")))


def _load(*, replace: bool):
    records = json_body(list)
    with store.writing(connection()):
        result = offences.load(connection(), records, clock.now(), replace=replace)
    return jsonify(result)
