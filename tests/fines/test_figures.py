"""The figures: what the counters say by month, site and offence, and nothing about anybody (C4.3-f, C7-a, C9-b)."""

from datetime import date
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.database import new_id, tenant_session
from eprunes.fines import catalogue
from eprunes.fines.figures import figures
from eprunes.fines.figures.figures import OTHER_SITES, Asked, read_figures
from eprunes.fines.models import NoticeCount
from tests.support.worlds import AS_OF, actor

PAGE = "/contraventions/chiffres"


def count(world, month: date, site: str = "", natinf: str = "25386", **numbers: int) -> None:
    own = {"organisation_id": world.organisation_id, "id": new_id()}
    with tenant_session(world.organisation_id, write=True) as session:
        session.add(NoticeCount(**own, month=month, site=site, natinf=natinf, **numbers))


@pytest.fixture
def year(world):
    """Counters of a year and a month: AS_OF is in March 2026."""
    catalogue.load()
    count(world, date(2026, 3, 1), "Lyon", received=6, designated=3, impossible=1, in_time=3, missed=1, answer_days=14)
    count(world, date(2026, 3, 1), "", "24090", received=2, missed=2)
    count(world, date(2025, 12, 1), "Lyon", "99999", received=1, filed=1, missed=0)
    count(world, date(2025, 4, 1), "Lyon", "25387", received=1, missed=1)
    count(world, date(2025, 3, 1), "Brest", received=5, missed=5)
    return world


def read(world, asked: Asked):
    with tenant_session(world.organisation_id) as session:
        return read_figures(actor(world.fines), session, asked, AS_OF)


def test_the_last_twelve_months_or_twenty_four_are_summed(year):
    twelve, twenty_four = read(year, Asked()), read(year, Asked("24"))

    assert (len(twelve.by_month), twelve.by_month[0].label, twelve.by_month[-1].label) == (
        12, "avril 2025", "mars 2026",
    )  # fmt: skip
    assert [line.received for line in twelve.by_month if line.received] == [1, 1, 8]
    assert (twelve.total.received, twenty_four.total.received, len(twenty_four.by_month)) == (10, 15, 24)
    assert (twelve.total.share_in_time, twelve.total.average_days, twelve.total.waiting) == (38, 4, 1)


def test_only_missed_notices_whose_offence_obliges_to_designate_are_money_at_stake(year):
    """675 € each; a bus lane costs no points, and what the catalogue does not know costs nothing here."""
    shown = {line.label.partition(" (")[0]: line for line in read(year, Asked()).by_offence}

    assert read(year, Asked()).total.at_stake == 2 * 675
    assert shown["Circulation sur une voie réservée aux transports en commun"].at_stake == 0
    assert shown["NATINF 99999, à vérifier"].received == 1


@pytest.mark.parametrize(("month", "owes"), [(date(2023, 12, 1), False), (date(2024, 1, 1), True)])
def test_a_duty_counts_from_the_first_day_of_its_line(month, owes):
    line = catalogue.Offence(valid_from=date(2024, 1, 31), valid_to=None, designation_required=True)
    assert figures.owes_designation([line], month) == owes


def test_sites_too_small_to_be_named_come_together_and_last(year):
    """C9-b."""
    shown, others = read(year, Asked()), read(year, Asked(site=OTHER_SITES))

    assert [(line.label, line.received) for line in shown.by_site] == [("Lyon", 8), ("Autres sites", 2)]
    assert (shown.sites, shown.has_other_sites) == (["Lyon"], True)
    assert (others.total.received, read(year, Asked(site="Lyon")).total.received) == (2, 8)


def test_the_page_shows_charts_and_tables_of_one_client_to_those_with_the_right(year, other_world, signed_in):
    page = signed_in(year.fines).get(f"{PAGE}?site=Lyon")

    assert page.status_code == 200
    assert page.text.count('role="img"') == 3
    assert "Lyon" in page.text
    assert "1 350,00" in page.text.replace("\u202f", " ").replace("\xa0", " ")
    assert signed_in(year.fleet).get(PAGE).status_code == 404
    empty = signed_in(other_world.fines).get(PAGE)
    assert "Aucun avis sur la période" in empty.text
    assert "Lyon" not in empty.text
    assert "pour ce site" in signed_in(other_world.fines).get(f"{PAGE}?site=Lyon").text


def test_the_workbook_holds_what_the_page_shows_and_leaves_a_trace(year, signed_in):
    """C7-a."""
    answer = signed_in(year.fines).get(f"{PAGE}/export.xlsx?periode=24")

    book = openpyxl.load_workbook(BytesIO(answer.data))
    assert [row[:2] for row in list(book["Par site"].values)[1:]] == [("Lyon", 8), ("Brest", 5), ("Autres sites", 2)]
    assert book["Par mois"].max_row == 1 + 24
    with tenant_session(year.organisation_id) as session:
        own = AuditEntry.organisation_id == year.organisation_id
        [entry] = session.scalars(select(AuditEntry).where(own, AuditEntry.action == "avis.chiffres_exportes"))
    assert entry.details == {"mois": 24}
