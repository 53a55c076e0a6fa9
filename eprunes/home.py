"""The home page: what has to be done today, by right."""

from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, g, render_template, url_for

from eprunes.accounts import quota
from eprunes.accounts.permissions import Actor, Permission, requires
from eprunes.antai import review
from eprunes.antai.queries import not_known
from eprunes.core import clock
from eprunes.core.calendar import local_day, paris_day
from eprunes.core.database import TenantSession
from eprunes.core.paging import count_of
from eprunes.core.web import in_section, reading
from eprunes.core.wording import day
from eprunes.fines import notice_counts
from eprunes.fines.inbox_filters import NoticeSearch, notice_search_args
from eprunes.fines.notice_counts import Count
from eprunes.fines.queries import View
from eprunes.fines.readiness import Readiness
from eprunes.fleet.driver_search import INCOMPLETE, DriverSearch, driver_search_args, searched_drivers
from eprunes.fleet.due_date_lists import OVERDUE, DueSearch, due_search_args, found_due_dates
from eprunes.fleet.queries import visible_vehicles
from eprunes.fleet.vehicle_filters import NOT_SHARED, WITHOUT_DRIVER
from eprunes.fleet.vehicle_search import VehicleSearch, found_vehicles, vehicle_search_args

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True)
class Tile:
    """One thing to do: a number (or `more`), its words, how pressing it is, and where to do it."""

    number: int
    words: str
    tone: str
    url: str
    more: bool = False


@blueprint.get("/")
@requires(Permission.ENTER)
@in_section("home.home")
def home():
    as_of = clock.now()
    if g.actor.may(Permission.OPERATE):
        return render_template("home/home.html", tiles=_operator_tiles(), quota=None)
    used = quota.usage(reading(), as_of) if g.actor.is_administrator or g.actor.may(Permission.VIEW_FLEET) else None
    return render_template("home/home.html", tiles=_tiles(g.actor, reading(), as_of), quota=used)


def _tiles(actor: Actor, session: TenantSession, as_of: datetime) -> list[Tile]:
    tiles: list[Tile] = []
    if actor.may(Permission.VIEW_NOTICES):
        tiles += _notice_tiles(actor, session, as_of)
    if actor.may(Permission.VIEW_FLEET):
        tiles += _fleet_tiles(actor, session, as_of)
    return tiles


def _notice_tiles(actor: Actor, session: TenantSession, as_of: datetime) -> list[Tile]:
    counts = notice_counts.counts_of(session, actor, as_of)
    unknown = notice_counts.count_unknown(session, actor, as_of)
    blocked = NoticeSearch(readiness=Readiness.INCOMPLETE)
    incomplete = notice_counts.count_incomplete(session, actor, as_of)
    urgent, ready, refused = counts[View.URGENT], counts[View.READY], counts[View.REFUSED]
    to_take_up, missed = " par l’ANTAI, à reprendre", counts.get(View.MISSED, Count(0))
    by_post = " dont le délai est passé sans réponse\u00a0: surveillez le courrier"
    return [
        _tile(urgent, "avis urgent", "avis urgents", " (5 jours ou moins)", "bad", _inbox(View.URGENT)),
        _tile(refused, "réponse refusée", "réponses refusées", to_take_up, "bad", _inbox(View.REFUSED)),
        _tile(unknown, "réponse", "réponses", " sans résultat connu", "bad", _inbox(View.TO_DO)),
        _papers_tile(*notice_counts.papers_to_answer(session, actor, as_of)),
        _tile(missed, "avis", "avis", by_post, "warn", _inbox(View.MISSED)),
        _letters_tile(*notice_counts.letters_to_post(session, actor, as_of), paris_day(as_of)),
        _tile(counts[View.TO_DO], "avis à traiter", "avis à traiter", "", "info", _inbox(View.TO_DO)),
        _tile(ready, "avis prêt", "avis prêts", " à désigner d’un geste", "info", _inbox(View.READY)),
        _tile(
            incomplete,
            "avis dont le conducteur est à compléter ou à choisir",
            "avis dont le conducteur est à compléter ou à choisir",
            "",
            "warn",
            url_for("fines.inbox", **notice_search_args(blocked)),
        ),
    ]


def _papers_tile(count: Count, first: date | None) -> Tile:
    """The notices whose paper came once they had closed here, with the last day to answer the first of them."""
    words = "avis dont le papier est arrivé, à répondre"
    ending = f"{', le premier' if count.number > 1 else ''} au plus tard le {day(first)}"
    return _tile(count, words, words, ending, "bad", _inbox(View.TO_DO))


def _letters_tile(count: Count, first: date | None, today: date) -> Tile:
    """The letters to post, with the last day to post the first of them."""
    is_late = first is not None and first < today
    when = f"délai passé depuis le {day(first)}" if is_late else f"au plus tard le {day(first)}"
    ending = f", {when}" if count.number < 2 else f", la première\u00a0: {when}" if is_late else f", la première {when}"
    return _tile(count, "lettre à poster", "lettres à poster", ending, "bad", url_for("fines.letters"))


def _fleet_tiles(actor: Actor, session: TenantSession, as_of: datetime) -> list[Tile]:
    search = DriverSearch(readiness=INCOMPLETE)
    incomplete = count_of(session, searched_drivers(actor, search, local_day(as_of, actor.zone)))
    unknown = count_of(session, visible_vehicles(actor).where(not_known(as_of)))
    free = VehicleSearch(flag=WITHOUT_DRIVER, use=NOT_SHARED)
    without_driver = count_of(session, found_vehicles(session, actor, free, as_of))
    return [
        *_due_tiles(actor, session, as_of),
        Tile(
            without_driver,
            _words(without_driver, "véhicule sans conducteur", "véhicules sans conducteur")
            + " en ce moment\u00a0: un avis arriverait sans conducteur proposé",
            "warn",
            url_for("fleet.vehicles", **vehicle_search_args(free)),
        ),
        Tile(
            incomplete,
            _words(incomplete, "fiche de conducteur incomplète", "fiches de conducteurs incomplètes")
            + ", à compléter avant toute désignation",
            "warn",
            url_for("fleet.drivers", **driver_search_args(search)),
        ),
        Tile(
            unknown,
            _words(unknown, "véhicule pas encore connu", "véhicules pas encore connus") + " de l’ANTAI",
            "warn",
            url_for("antai.exchanges"),
        ),
    ]


def _due_tiles(actor: Actor, session: TenantSession, as_of: datetime) -> list[Tile]:
    """What is overdue, and what comes within thirty days beside it."""
    late_search, soon_search = DueSearch(view=OVERDUE), DueSearch()
    late = count_of(session, found_due_dates(actor, late_search, as_of))
    soon = count_of(session, found_due_dates(actor, soon_search, as_of)) - late
    return [
        Tile(
            late,
            _words(late, "échéance dépassée", "échéances dépassées"),
            "bad",
            url_for("fleet.due_dates", **due_search_args(late_search)),
        ),
        Tile(
            soon,
            _words(soon, "échéance", "échéances") + " dans les 30 jours",
            "warn",
            url_for("fleet.due_dates", **due_search_args(soon_search)),
        ),
    ]


def _operator_tiles() -> list[Tile]:
    waiting = review.count_waiting()
    words = _words(waiting, "enregistrement", "enregistrements") + " à examiner"
    return [Tile(waiting, words, "bad", url_for("provider.to_review"))]


def _tile(count: Count, one: str, many: str, ending: str, tone: str, url: str) -> Tile:
    return Tile(count.number, _words(count.number, one, many) + ending, tone, url, count.more)


def _words(count: int, one: str, many: str) -> str:
    return one if count < 2 else many


def _inbox(view: View) -> str:
    return url_for("fines.inbox", vue=view)
