"""One of everything that a client has, each text of it marked, so that it is known wherever it turns up."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, update

from eprunes.accounts.models import Organisation
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import handovers, signing_in, users, visits
from eprunes.antai import review
from eprunes.antai.client import AnswerRefused, Registered
from eprunes.antai.sending import send_due
from eprunes.core import audit
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.fines import catalogue, counting, receiving
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.bulk import tasks as designations
from eprunes.fines.models import DriverRequest, Notice
from eprunes.fines.notice_details import NoticeDetails, ReceivedNotice
from eprunes.fines.offence_time import read_offence_time
from eprunes.fines.services import designating
from eprunes.fleet.bulk import tasks as bulk
from eprunes.fleet.bulk.acts import Change
from eprunes.fleet.bulk.selection import Selection
from eprunes.fleet.documents import VEHICLE, Subject
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.importing import tasks
from eprunes.fleet.models import (
    DistinctDrivers,
    DocumentKind,
    DriverKind,
    DueKind,
    ImportMapping,
    Vehicle,
    VehicleAbsence,
)
from eprunes.fleet.services import assignments, documents, drivers, due_dates
from eprunes.long_work import run_long_work
from tests.fleet.fleets import COMPLETE, add_vehicle
from tests.house.roles import THE_OPERATOR
from tests.support.beside import keep_beside
from tests.support.fleet import note_declared
from tests.support.fleet_files import sheets, xlsx
from tests.support.papers import pdf
from tests.support.worlds import AS_OF, PASSWORD, SIRENS, World, actor, actor_with_session, give_password, open_session

WORDS, PLATES = ("Merle", "Canari"), ("FY-074-KE", "GZ-975-LD")
ADDRESSES = ("198.51.100.70", "198.51.100.71")


def word(world: World) -> str:
    """The word in every text of a client that takes any word."""
    return WORDS[_index(world)]


def plate(world: World) -> str:
    return PLATES[_index(world)]


def number(world: World, rank: int) -> str:
    """The number of a client's notice."""
    return f"7777777{_index(world)}{rank:02}"


def marks(world: World) -> tuple[str, ...]:
    """What gives a client's data away, in small letters: the word, and what must follow a form of its own."""
    phone = _phone(world)
    forms = [plate(world), plate(world).replace("-", ""), _vin(world), phone, phone]
    forms += [number(world, 0)[:8], world.admin.partition("@")[2], world.number, ADDRESSES[_index(world)]]
    return tuple(one.casefold() for one in (word(world), *forms))


def contents(world: World) -> dict[str, str]:
    """One of everything that has an id in a route, each text of it marked."""
    boss, mark = actor_with_session(world.admin), word(world)
    texts = {"make": f"{mark}Marque", "model": f"{mark}Modèle", "category": f"{mark}Genre", "site": f"{mark}Site"}
    vehicle = add_vehicle(world, plate(world), vin=_vin(world), **texts)
    person = {"details": driver_details(world), "staff_number": f"{mark}-E1"}
    driver = drivers.add_driver(actor=boss, **person, as_of=AS_OF)
    since = AS_OF - timedelta(days=90)
    assignment = assignments.assign(actor=boss, vehicle_id=vehicle, driver_id=driver, starts_at=since, as_of=AS_OF)
    file = {"filename": f"{mark}Fichier.xlsx", "content": _refused_file(mark)}
    task = tasks.start_import(actor=boss, **file, as_of=AS_OF)
    someone = {"email": f"tiers@{world.admin.partition('@')[2]}", "display_name": f"{mark}Personne"}
    user = users.create_user(
        organisation_id=world.organisation_id, **someone, fleet=True, fines=False, as_of=AS_OF
    )  # fmt: skip
    paper = {"kind": DocumentKind.OTHER, "name": f"{mark}Document.pdf", "content": pdf()}
    document = documents.add_document(actor=boss, subject=Subject(VEHICLE, vehicle), **paper, as_of=AS_OF)
    ids = {"vehicle_id": vehicle, "driver_id": driver, "assignment_id": assignment, "task_id": task}
    ids |= {"document_id": document, "pair_id": _told_apart(world, driver)}
    ids |= {"bulk_id": _asked_of_many(boss, vehicle, f"{mark}Dépôt")}
    due = {"kind": DueKind.CUSTOM, "label": f"{mark}Échéance", "due_on": AS_OF.date()}
    ids |= {"due_date_id": due_dates.add_due_date(actor=boss, vehicle_id=vehicle, **due, as_of=AS_OF)}
    notice = post_notice(world, vehicle, 0)
    _name_site(world, notice, f"{mark}Site")
    ids |= {"file_id": keep_beside(world.organisation_id, notice, mark)}
    ids |= {"request_id": _asked_driver(world), "batch_id": _asked_of_notices(boss, notice)}
    ids |= {"notice_id": notice, "session_id": boss.session_id, "user_id": user}
    return {name: str(one) for name, one in ids.items()}


def provider_ids(world: World) -> dict[str, str]:
    """What the operator's routes name of a client."""
    review.keep({"numeroAco": f"{_index(world)}"}, "Illisible.", AS_OF)
    record = review.list_waiting()[0][0].id
    account = actor_with_session(world.fleet).identity_id
    ids = {"organisation_id": world.organisation_id, "identity_id": account, "record_id": record}
    return {name: str(one) for name, one in (ids | {"offence_id": _catalogue_line()}).items()}


def _catalogue_line() -> UUID:
    catalogue.load()
    return catalogue.lines_of(["25386"])["25386"][0].id


def leave_traces(world: World, ids: dict[str, str]) -> None:
    """The rest of a client's rows: answers and what the agency made of them, journal, visit, hand-over, mails."""
    own, mark, operator = world.organisation_id, word(world), actor(THE_OPERATOR)
    _rename(own, f"{mark} et compagnie")
    _answer(world, UUID(ids["vehicle_id"]), UUID(ids["driver_id"]))
    note_declared(own, UUID(ids["vehicle_id"]), plate(world).replace("-", ""))
    run_long_work(AS_OF)
    handovers.start_proven(operator, own, UUID(ids["user_id"]), f"{mark}Preuve, extrait du registre", AS_OF)
    visits.start_visit(operator, own, f"{mark}Raison de la visite", AS_OF)
    give_password(world.fleet)
    open_session(world.fleet)
    connection = {"address": ADDRESSES[_index(world)], "device": f"{mark}Appareil"}
    signing_in.sign_in(email=world.fleet, password=PASSWORD, **connection, as_of=AS_OF)
    _deepen(world, UUID(ids["vehicle_id"]))
    with tenant_session(own, write=True) as session:
        audit.record(session, "connexion", as_of=AS_OF, connection=connection)


def driver_details(world: World) -> DriverDetails:
    """A driver that can be designated."""
    mark = word(world)
    names = {"last_name": f"{mark}Nom", "first_name": f"{mark}Prénom", "birth_place": f"{mark}Naissance"}
    address = {"address_line": f"1 rue {mark}", "address_complement": f"Bâtiment {mark}", "city": f"{mark}Ville"}
    address |= {"address_inside": f"Étage {mark}", "address_locality": f"Lieu-dit {mark}"}
    email = f"{mark.lower()}@{world.admin.partition('@')[2]}"
    return replace(
        COMPLETE, **names, **address, phone=_phone(world), email=email, licence_number=f"{mark.upper()}26913"
    )  # fmt: skip


def post_notice(world: World, vehicle_id: UUID, rank: int) -> UUID:
    """A notice that came ten days ago; its id."""
    mark, own = word(world), number(world, rank)
    details = NoticeDetails(
        number=own, plate=plate(world).replace("-", ""), country="FR", make=f"{mark}Marque", label=f"{mark}Libellé",
        place=f"{mark}Lieu", city=f"{mark}Commune", postcode="48279", direction=f"{mark}Sens", speed_limit=50,
        speed_retained=59, raw={"lieu": f"{mark}Lieu"}, earlier=[{"lieu": f"{mark}Avant"}],
    )  # fmt: skip
    offence = read_offence_time("2026-02-20T20:47:00", "48279")
    received = ReceivedNotice("25386", offence, date(2026, 2, 22), details)
    before = _notices(world)
    receiving.receive(world.organisation_id, [receiving.Incoming(received, vehicle_id)], AS_OF - timedelta(days=10))
    [added] = _notices(world) - before
    return added


class StandIn:
    """The agency as the connector talks to it: registers the first answer, refuses the second."""

    def __init__(self, mark: str) -> None:
        self._outcomes = [Registered(f"{mark}-0001", AS_OF), AnswerRefused(f"{mark}Motif")]

    def designate(self, *, body: bytes, as_of) -> Registered | AnswerRefused:
        return self._outcomes.pop(0)


def _deepen(world: World, vehicle_id: UUID) -> None:
    """What else is kept of a vehicle: who it belongs to, a due date; and what imports have learnt."""
    own, mark = world.organisation_id, word(world)
    with tenant_session(own, write=True) as session:
        vehicle = session.scalars(select(Vehicle).where(Vehicle.organisation_id == own, Vehicle.id == vehicle_id)).one()
        vehicle.registered_to, vehicle.lessor = f"{mark}Titulaire", f"{mark}Loueur"
        vehicle.cost_centre, vehicle.formula_number = f"{mark}Centre", f"{mark}42"
        heading = {"sheet": "vehicules", "heading": f"{mark.lower()} colonne", "field": "site"}
        session.add(ImportMapping(organisation_id=own, id=new_id(), **heading))
        away = {"left_at": AS_OF - timedelta(days=95), "back_at": AS_OF - timedelta(days=92), "left_because": "vol"}
        session.add(VehicleAbsence(organisation_id=own, id=new_id(), vehicle_id=vehicle_id, created_at=AS_OF, **away))


def _answer(world: World, vehicle_id: UUID, driver_id: UUID) -> None:
    boss, mark = actor(world.admin), word(world)
    named = {"driver_id": driver_id, "kind": DriverKind.EMPLOYEE, "details": driver_details(world)}
    designating.designate(boss, post_notice(world, vehicle_id, 1), **named, keep_in_fleet=False, as_of=AS_OF)
    proof = designating.Proof(f"{mark}Nature", f"{mark}Référence", date(2026, 2, 1))
    told = {"reason": ImpossibilityReason.FORCE_MAJEURE, "comment": f"{mark}Récit", "proofs": [proof]}
    designating.report_impossibility(boss, post_notice(world, vehicle_id, 2), **told, as_of=AS_OF)
    send_due(world.organisation_id, StandIn(mark), AS_OF)


def _asked_of_many(boss: Actor, vehicle_id: UUID, site: str) -> UUID:
    """A bulk operation on one vehicle, waiting to be looked at."""
    chosen = Selection((vehicle_id,), None, 1)
    return bulk.start_bulk(actor=boss, selection=chosen, act=Change({"site": site}), as_of=AS_OF)


def _asked_of_notices(boss: Actor, notice_id: UUID) -> UUID:
    """A bulk designation for one notice, waiting to be looked at."""
    chosen = designations.Selection((notice_id,), None, 1)
    return designations.start_bulk(actor=boss, selection=chosen, as_of=AS_OF)


def _told_apart(world: World, driver_id: UUID) -> UUID:
    """Another driver of the same name, said to be somebody else; what says so."""
    namesake = {"details": driver_details(world), "staff_number": f"{word(world)}-E9", "distinct_from": [driver_id]}
    drivers.add_driver(actor=actor(world.admin), **namesake, as_of=AS_OF)
    with tenant_session(world.organisation_id) as session:
        query = select(DistinctDrivers.id).where(DistinctDrivers.organisation_id == world.organisation_id)
        return session.scalars(query).one()


def _refused_file(mark: str) -> bytes:
    """A workbook with a line to take, a line to refuse, and a sheet that means nothing."""
    rows = [["AB-123-CD", f"{mark}Reprise", date(2025, 1, 1), None, f"{mark}Dépôt"], [f"{mark}!", mark, mark, None, ""]]
    unknown = [[f"{mark}Titre", mark], [f"{mark}Case", mark]]
    return xlsx([*sheets(vehicles=rows), (f"{mark}Feuille", unknown)])


def _rename(organisation_id: UUID, name: str) -> None:
    with platform_session("tests", write=True) as session:
        session.execute(update(Organisation).where(Organisation.id == organisation_id).values(name=name))


def _name_site(world: World, notice_id: UUID, site: str) -> None:
    """The notice is counted under a site, as if enough drivers worked there."""
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        notice = session.scalars(select(Notice).where(*mine)).one()
        with counting.follow(session, [notice]):
            notice.counted_site = site


def _asked_driver(world: World) -> UUID:
    with tenant_session(world.organisation_id) as session:
        query = select(DriverRequest.id).where(DriverRequest.organisation_id == world.organisation_id)
        return session.scalars(query).one()


def _notices(world: World) -> set[UUID]:
    with tenant_session(world.organisation_id) as session:
        return set(session.scalars(select(Notice.id).where(Notice.organisation_id == world.organisation_id)))


def _vin(world: World) -> str:
    return f"CANAR{_index(world)}00000000042"


def _phone(world: World) -> str:
    return f"+3367700007{_index(world)}"


def _index(world: World) -> int:
    return SIRENS.index(world.number)
