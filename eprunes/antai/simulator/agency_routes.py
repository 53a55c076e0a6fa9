"""What the agency offers: sign-in, fleet, offences, designations."""

from flask import Blueprint, Response, jsonify, request

from eprunes.core import clock

from . import access, answers, completeness, faults, generation, offences, store, vehicles
from .app import agency, connection, refuse
from .payloads import json_body, page_request, plate_and_country, whole_number

blueprint = Blueprint("agency", __name__)

FOUND_STATUS = {
    "AJOUTE": 201,
    "DEJA_CONNU": 200,
    "RETIRE": 200,
    "DEJA_RETIRE": 200,
    "INCONNU": 404,
    "REFUSE": 422,
}
MOST_GENERATED = 1_000
SANDBOX_DAYS = 30


@blueprint.get("/api/init")
def init() -> Response:
    answer = jsonify(etat="OK")
    answer.set_cookie(access.XSRF_COOKIE, access.new_xsrf_token(), samesite="Strict")
    return answer


@blueprint.post("/api/login")
def login():
    if not access.same_text(request.headers.get(access.XSRF_HEADER), request.cookies.get(access.XSRF_COOKIE)):
        return refuse(403, "JETON_XSRF", "Le jeton anti-falsification est absent ou différent du cookie.")
    given = request.authorization
    known = given is not None and given.type == "basic"
    right_user = known and access.same_text(given.username, agency().user)
    if not (right_user and access.same_text(given.password, agency().password)):
        return refuse(401, "IDENTIFIANTS", "Identifiant ou mot de passe incorrect.")
    answer = jsonify(etat="OK")
    answer.headers["Authorization"] = "Bearer " + access.open_session(agency().sessions, clock.now())
    return answer


@blueprint.post("/flotteconventionnee/vehicule")
def add_vehicle():
    entry = json_body(dict)
    with store.writing(connection()):
        result = vehicles.declare(connection(), entry, clock.now())
    return jsonify(result), FOUND_STATUS[result["statut"]]


@blueprint.get("/flotteconventionnee/vehicule")
def read_vehicle():
    plate, country = plate_and_country(
        {
            "immatriculation": request.args.get("immatriculation"),
            "paysImmatriculation": request.args.get("pays") or "FRA",
        }
    )
    row = vehicles.find(connection(), plate, country)
    if row is None:
        return refuse(404, "INCONNU", "Ce véhicule n’a pas été déclaré.")
    return jsonify(vehicles.as_record(row))


@blueprint.delete("/flotteconventionnee/vehicule")
def remove_vehicle():
    entry = json_body(dict)
    with store.writing(connection()):
        result = vehicles.withdraw(connection(), entry, clock.now())
    return jsonify(result), FOUND_STATUS[result["statut"]]


@blueprint.post("/flotteconventionnee/flotte/vehicules")
def add_vehicles():
    entries, as_of = json_body(list), clock.now()
    with store.writing(connection()):
        results = [vehicles.declare(connection(), entry, as_of) for entry in entries]
    return jsonify(results)


@blueprint.put("/flotteconventionnee/vehicules/delete")
def remove_vehicles():
    entries, as_of = json_body(list), clock.now()
    with store.writing(connection()):
        results = [vehicles.withdraw(connection(), entry, as_of) for entry in entries]
    return jsonify(results)


@blueprint.get("/flotteconventionnee/flotte/vehicules")
def list_vehicles():
    column, backwards, page = page_request(vehicles.SORTS, "immatriculation")
    rows = vehicles.page(connection(), column, backwards, page)
    return _page([vehicles.as_record(row) for row in rows], page, vehicles.count_active(connection()))


@blueprint.get("/flotteconventionnee/infractions")
def list_offences():
    column, backwards, page = page_request(offences.SORTS, "codeNatinf")
    as_of = clock.now()
    if page == 0:
        # Only here: pages further on must not shift because something was posted in between.
        offences.post_due(connection(), as_of)

    def rows_of(number: int) -> list[dict]:
        return offences.page(connection(), as_of, column, backwards, number)

    def neighbours() -> list[dict]:
        return (rows_of(page - 1) if page else []) + rows_of(page + 1)

    content = faults.spoil(agency().fault_queue, request.path, rows_of(page), page, neighbours)
    return _page(content, page, offences.count_listed(connection(), as_of))


@blueprint.get("/flotteconventionnee/infraction/<number>")
def read_offence(number: str):
    offences.post_due(connection(), clock.now(), number)
    row = offences.posted(connection(), number)
    if row is None:
        return refuse(404, "INCONNU", "Ce numéro d’avis est inconnu.")
    state = answers.state_of(connection(), number)
    return jsonify({**offences.as_record(row), **({"designation": state} if state else {})})


@blueprint.post("/flotteconventionnee/designation")
def designate():
    body, as_of = json_body(dict), clock.now()
    offences.post_due(connection(), as_of, str(body.get("numeroAco")).replace(" ", ""))
    whim = faults.take(agency().fault_queue, faults.ON_AN_ANSWER, request.path) and completeness.UNKNOWN_LICENCE
    with store.writing(connection()):
        status, said = answers.receive(connection(), body, as_of, whim)
    if status == 200 and faults.take(agency().fault_queue, faults.AFTER_REGISTRATION, request.path):
        return faults.abandon()
    return jsonify(said), status


@blueprint.post("/flotteconventionnee/test/genererInfractions")
def generate_for_plate():
    body, as_of = json_body(dict), clock.now()
    plate, country = plate_and_country(body)
    wanted = whole_number(body, "nombre", 1, lowest=1, highest=MOST_GENERATED)
    with store.writing(connection()):
        records = generation.offences(
            connection(),
            [{"plate": plate, "country": country, "make": None}],
            count=wanted,
            seed=offences.count(connection()),
            days=SANDBOX_DAYS,
            as_of=as_of,
        )
        offences.load(connection(), records, as_of)
    return jsonify({"numerosAco": [record["numeroAco"] for record in records]}), 201


def _page(content: list, number: int, total: int) -> Response:
    return jsonify(content=content, number=number, size=store.PAGE_SIZE, totalElements=total)
