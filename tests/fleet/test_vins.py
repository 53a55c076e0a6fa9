"""Vehicle identification numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.fleet.vins import parse_vin


@pytest.mark.parametrize(
    ("text", "vin"),
    [
        ("VF1A8GRJ1GLSUW4TM", "VF1A8GRJ1GLSUW4TM"),
        (" vnkupc88rl21ecv4l ", "VNKUPC88RL21ECV4L"),
        ("VF1 A8GRJ1-GLSUW4TM", "VF1A8GRJ1GLSUW4TM"),
        ("12345", "12345"),  # built before 1981
        ("BOQ1234567", "BOQ1234567"),
        ("1234567890123456", "1234567890123456"),
    ],
)
def test_a_vin_is_kept_in_capitals_without_separators(text, vin):
    assert parse_vin(text) == vin


@pytest.mark.parametrize("letter", ["I", "O", "Q", "i"])
def test_a_vin_of_seventeen_never_holds_i_o_or_q(letter):
    with pytest.raises(ValueError, match="^Un VIN ne contient jamais I, O ou Q.$"):
        parse_vin("VF1A8GRJ1GLSUW4T" + letter)


@pytest.mark.parametrize("text", ["", "1234", "VF1A8GRJ1GLSUW4TM0", "VF1A8GRJ1GLSUW4T*", "VF1A8GRJ1GLSUW4Té"])
def test_anything_else_is_refused_with_the_length_to_give(text):
    with pytest.raises(ValueError, match="^Un VIN comporte 17 lettres ou chiffres"):
        parse_vin(text)


@given(st.text(max_size=20) | st.from_regex(r"\A[A-Za-z0-9 -]{4,19}\Z"))
def test_any_text_gives_a_vin_that_reads_back_or_a_refusal(text):
    read = _vin_or_sentence(text)
    if read.startswith("Un VIN "):
        return
    assert 5 <= len(read) <= 17
    assert parse_vin(read) == read


def _vin_or_sentence(text: str) -> str:
    try:
        return parse_vin(text)
    except ValueError as refusal:
        return str(refusal)
