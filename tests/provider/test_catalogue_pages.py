"""The catalogue of offences as operators keep it: what they write stays, and past notices keep their amounts."""

from datetime import date
from decimal import Decimal

import pytest

from eprunes.fines import catalogue
from eprunes.fines import catalogue_rules as rules
from tests.support.desk import desk, post_notice  # noqa: F401 - a fixture
from tests.support.routes import MISSING

PAGE = "/exploitation/infractions"
STOP = {
    "label": "Stop brûlé", "article": "R415-6", "offence_class": "4", "points": "4", "reduced_amount": "90",
    "standard_amount": "135,50", "increased_amount": "375 €", "automatic": "y", "designation_required": "oui",
}  # fmt: skip


def lines(natinf: str) -> list[tuple]:
    """(first day, last day, label, amount, whether an operator wrote it) of an offence's lines."""
    found = catalogue.lines_of([natinf]).get(natinf, [])
    return [(one.valid_from, one.valid_to, one.label, one.standard_amount, one.edited_at is not None) for one in found]


def path_of(natinf: str, act: str) -> str:
    return f"{PAGE}/{catalogue.lines_of([natinf])[natinf][-1].id}/{act}"


def test_an_offence_is_added_and_found(operator, caplog):
    answer = operator.post(f"{PAGE}/nouvelle", data=STOP | {"natinf": "99123", "valid_from": "2026-01-01"})

    assert answer.status_code == 302
    assert lines("99123") == [(date(2026, 1, 1), None, "Stop brûlé", Decimal("135.50"), True)]
    assert "99123" in operator.get(f"{PAGE}?q=BRULE stop").text
    assert "99123" in operator.get(f"{PAGE}?q=991").text
    assert "Aucune infraction" in operator.get(f"{PAGE}?q=991x").text
    assert "NATINF 99123 from 2026-01-01 to open added by" in caplog.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"natinf": "203"}, "Une autre ligne de ce NATINF"),
        ({"natinf": "12x"}, "six au plus"),
        ({"natinf": "99123", "reduced_amount": "140"}, "ne peut pas dépasser"),
        ({"natinf": "99123", "standard_amount": "beaucoup"}, "un montant en euros"),
        ({"natinf": "99123", "points": "7"}, "Choisissez dans la liste"),
        ({"natinf": "99123", "label": " "}, "Indiquez le libellé"),
        ({"natinf": "99123", "valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "précéder le premier"),
    ],
)
def test_a_line_that_may_not_be_is_refused_and_nothing_is_lost(operator, typed, said):
    catalogue.load()
    before = lines("203")

    answer = operator.post(f"{PAGE}/nouvelle", data=STOP | typed)

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="R415-6"' in answer.text
    assert (lines("203"), lines("99123")) == (before, [])


def test_what_an_operator_wrote_is_left_by_the_file_and_the_rest_is_refreshed(operator):
    catalogue.load()
    operator.post(path_of("203", "modifier"), data=STOP)
    operator.post(path_of("210", "remplacer"), data=STOP | {"valid_from": "2026-06-01"})
    with_replacement = lines("210")

    loaded = catalogue.load()

    assert lines("203") == [(rules.ALWAYS, None, "Stop brûlé", Decimal("135.50"), True)]
    assert lines("210") == with_replacement
    assert (loaded, lines("25386")[0][4]) == (32, False)


def test_from_a_day_on_an_offence_is_another_and_past_notices_keep_their_amounts(operator, desk, signed_in):  # noqa: F811
    """The day before, and the day itself."""
    world, vehicle_id, *_ = desk
    other = {"valid_from": "2026-02-21", "standard_amount": "150", "points": ""}
    operator.post(path_of("25386", "remplacer"), data=STOP | other)
    notices = [post_notice(world, vehicle_id, f"827276080{day}", offence=f"2026-02-2{day}T10:00:00") for day in (0, 1)]

    browser = signed_in(world.fines)
    pages = [browser.get(f"/contraventions/{one}").text for one in notices]

    assert ["135,00" in page for page in pages] == [True, False]
    assert ["150,00" in page for page in pages] == [False, True]
    assert [[words in page for words in ("Retrait de points", "À vérifier")] for page in pages] == [
        [True, False], [False, True],
    ]  # fmt: skip
    assert [line[:2] for line in lines("25386")] == [
        (rules.ALWAYS, date(2026, 2, 20)), (date(2026, 2, 21), None),
    ]  # fmt: skip


@pytest.mark.parametrize(("day", "status"), [("2025-12-29", 422), ("2025-12-30", 302)])
def test_a_line_is_replaced_after_its_first_day(operator, day, status):
    """The offence 21526 is another since 29 December 2025."""
    catalogue.load()
    assert operator.post(path_of("21526", "remplacer"), data=STOP | {"valid_from": day}).status_code == status
    assert len(lines("21526")) == (3 if status == 302 else 2)


@pytest.mark.parametrize("act", ["modifier", "remplacer"])
def test_who_opened_a_line_before_somebody_else_edited_it_overwrites_nothing(operator, act):
    catalogue.load()
    path = path_of("203", act)
    shown = operator.get(path).text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    late = STOP | {"label": "Tard", "valid_from": "2026-06-01", "seen": shown}
    assert operator.post(path_of("203", "modifier"), data=STOP).status_code == 302
    edited = lines("203")
    answer = operator.post(path, data=late)
    assert (answer.status_code, lines("203")) == (422, edited)
    assert "Quelqu’un d’autre vient de modifier cette ligne" in answer.text


def test_a_line_that_was_ended_may_be_followed_by_another_and_not_stretched_over_it(operator):
    catalogue.load()
    operator.post(path_of("203", "modifier"), data=STOP | {"valid_to": "2026-05-31"})
    first = path_of("203", "modifier")
    added = operator.post(f"{PAGE}/nouvelle", data=STOP | {"natinf": "203", "valid_from": "2026-06-01"})

    stretched = operator.post(first, data=STOP | {"valid_to": "2026-06-01"})

    assert (added.status_code, stretched.status_code) == (302, 422)
    assert [line[:2] for line in lines("203")] == [
        (rules.ALWAYS, date(2026, 5, 31)), (date(2026, 6, 1), None),
    ]  # fmt: skip
    assert operator.get(f"{PAGE}/{MISSING}/modifier").status_code == 404


def test_a_line_entered_by_mistake_is_withdrawn_and_its_notices_read_as_unknown(operator, desk, signed_in, caplog):  # noqa: F811
    """Of the days that it held; those of another line keep their amounts, and the file doesn't bring it back."""
    world, vehicle_id, *_ = desk
    operator.post(path_of("25386", "remplacer"), data=STOP | {"valid_from": "2026-02-21", "standard_amount": "150"})
    notices = [post_notice(world, vehicle_id, f"827276080{day}", offence=f"2026-02-2{day}T10:00:00") for day in (0, 1)]
    told = operator.get(path_of("25386", "retirer")).text

    answer = operator.post(path_of("25386", "retirer"))

    catalogue.load()
    browser = signed_in(world.fines)
    pages = [browser.get(f"/contraventions/{one}").text for one in notices]
    assert ("à vérifier" in told, answer.status_code) == (True, 302)
    assert [line[:2] for line in lines("25386")] == [(rules.ALWAYS, date(2026, 2, 20))]
    assert ["135,00" in page for page in pages] == [True, False]
    assert ["à vérifier" in page for page in pages] == [False, True]
    assert "150,00" not in pages[1]
    assert "NATINF 25386 from 2026-02-21 to open removed by" in caplog.text


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_line_of_the_software_is_not_withdrawn(operator, is_edited):
    catalogue.load()
    if is_edited:
        operator.post(path_of("203", "modifier"), data=STOP)
    before = lines("203")

    page, answer = operator.get(path_of("203", "retirer")), operator.post(path_of("203", "retirer"))

    assert (answer.status_code, lines("203")) == (422, before)
    assert "vient du catalogue du logiciel" in page.text
    assert "Retirer du catalogue" not in page.text
    assert "Retirer…" not in operator.get(f"{PAGE}?q=203").text
