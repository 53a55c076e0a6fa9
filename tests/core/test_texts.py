"""Text that people type is stored without anything that can't be seen."""

import pytest

from eprunes.core.texts import tidy_line, tidy_lines

CONTROLS, MARKS = "\x00\x01\x07\x1b\x7f", "\u200b\u2060\ufeff\u202a\u202e\u2066\u2069"


@pytest.mark.parametrize("mark", [*CONTROLS, *MARKS])
def test_what_cannot_be_seen_is_left_out(mark):
    assert tidy_line(f"{mark}Re{mark}nault{mark}") == "Renault"


def test_it_never_leaves_two_spaces_behind():
    assert tidy_line(" Le \u202e Goff\t\u00a0Anne\n") == "Le Goff Anne"


def test_letters_are_composed_and_everything_else_stays():
    assert tidy_line("E\u0301mile 😀 O’Brien <i>") == "Émile 😀 O’Brien <i>"


def test_lines_stay_lines():
    assert tidy_lines("\n Un\x00 fait. \r\n\r\n Un\u202e autre.\n") == "Un fait.\n\nUn autre."
