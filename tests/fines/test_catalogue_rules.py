"""What a line of the catalogue may say, and the charts that are drawn: pure rules."""

from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.fines import catalogue_rules as rules
from eprunes.fines.catalogue_rules import Days, Said
from eprunes.fines.figures import charts
from eprunes.fines.figures.charts import Series, Subject
from eprunes.fines.figures.figures import Line

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def said(**changes) -> Said:
    known = {"label": "Stop", "article": "R415-6", "offence_class": "4", "points": 4, "automatic": True}
    amounts = {"reduced_amount": "90", "standard_amount": "135", "increased_amount": "375"} | changes
    money = {name: Decimal(amounts[name]) if amounts[name] else None for name in list(amounts)[:3]}
    rest = {name: value for name, value in changes.items() if name not in money}
    return Said(**(known | {"designation_required": True} | money | rest))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, None),
        ({"reduced_amount": "135"}, None),
        ({"reduced_amount": "135.01"}, "reduced_amount"),
        ({"increased_amount": "135"}, None),
        ({"increased_amount": "134.99"}, "increased_amount"),
        ({"reduced_amount": ""}, None),
        ({"increased_amount": ""}, "increased_amount"),
        ({"standard_amount": ""}, "standard_amount"),
        ({"reduced_amount": "", "standard_amount": "", "increased_amount": ""}, None),
        ({"reduced_amount": "0"}, "reduced_amount"),
        ({"reduced_amount": "90.005"}, "reduced_amount"),
        ({"increased_amount": "NaN"}, "increased_amount"),
        ({"points": None}, None),
        ({"points": 6}, None),
        ({"points": 7}, "points"),
        ({"points": -1}, "points"),
        ({"offence_class": "6"}, "offence_class"),
        ({"label": "L" * 200}, None),
        ({"label": "L" * 201}, "label"),
    ],
)
def test_the_amounts_of_a_line_are_in_order_and_its_points_are_known_or_not(changes, field):
    assert list(rules.problems(said(**changes), Days(MAY))) == ([field] if field else [])


def test_a_line_ends_on_its_first_day_at_the_earliest():
    assert rules.problems(said(), Days(JUNE, JUNE)) == {}
    assert list(rules.problems(said(), Days(JUNE, date(2026, 5, 31)))) == ["valid_to"]


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        (Days(MAY, date(2026, 5, 31)), Days(JUNE), False),
        (Days(MAY, JUNE), Days(JUNE), True),
        (Days(MAY), Days(JUNE, JULY), True),
        (Days(JUNE, JULY), Days(MAY, date(2026, 5, 31)), False),
        (Days(MAY), Days(JULY), True),
    ],
)
def test_two_lines_of_an_offence_share_no_day(one, other, do):
    assert (one.overlaps(other), other.overlaps(one)) == (do, do)
    assert (rules.overlap_problem(one, [other]) is not None) == do


@pytest.mark.parametrize(
    ("natinf", "fine"), [("1", True), ("253860", True), ("2538600", False), ("25 386", False), ("0203", False)]
)
def test_a_natinf_is_a_number_of_six_digits_at_most(natinf, fine):
    assert (rules.natinf_problem(natinf) is None) == fine


WORDS = st.text(st.characters(exclude_categories=["Cn"]), max_size=90)


@given(st.lists(st.tuples(WORDS, st.integers(-3, 2_000_000), st.integers(0, 9)), max_size=26))
def test_every_chart_is_well_formed_and_says_what_it_is(rows):
    """Labels are the client's own words; a chart holds nothing but drawing, its title and its description."""
    labels = [label for label, _, _ in rows]
    series = [
        Series("a<b", "chart-ok", [one for _, one, _ in rows]), Series("c", "chart-bad", [one for _, _, one in rows]),
    ]  # fmt: skip
    subject = Subject("nom", "Titre & cie", "Description")
    shares = [None if number % 3 == 0 else number for _, number, _ in rows]
    for drawn in (
        charts.columns(subject, labels, series), charts.bars(subject, labels, series),
        charts.line(subject, labels, shares, "%", "chart-plum"),
    ):  # fmt: skip
        svg = ElementTree.fromstring(drawn)
        assert (svg.tag, svg.get("role"), svg.get("aria-labelledby")) == ("svg", "img", "nom-titre nom-texte")
        assert [svg[0].text, svg[1].text] == ["Titre & cie", "Description"]
        assert {one.tag for one in svg.iter()} <= {"svg", "title", "desc", "rect", "line", "circle", "text"}
        sizes = [float(one.get(name)) for one in svg.iter() for name in ("x", "y", "width", "height") if one.get(name)]
        assert min(sizes, default=0) >= 0
        assert "style" not in drawn


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (1, 1), (3, 5), (5, 5), (11, 20), (99, 100), (101, 200)])
def test_a_scale_ends_at_a_round_number_not_below_the_highest(highest, top):
    assert charts.scale_top(highest) == top


def test_what_is_not_known_has_no_share_and_no_average():
    waiting = Line("mars", received=4, filed=1)
    answered = Line("mars", received=8, designated=3, impossible=2, in_time=4, missed=2, owing=1, answer_days=12)
    assert (waiting.waiting, waiting.share_in_time, waiting.average_days, waiting.at_stake) == (3, None, None, 0)
    assert (answered.waiting, answered.share_in_time, answered.average_days, answered.at_stake) == (1, 57, 2, 675)
