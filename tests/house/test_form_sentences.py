"""Forms say what is wrong in sentences of our own, never in those of the library that reads them."""

import ast

import pytest

from tests.house.sources import Module, dotted, imported, modules, refuse

SPEAKS_FOR_ITSELF = {"Needed": 1, "InputRequired": 1, "DataRequired": 1, "Length": 3, "NumberRange": 3, "Regexp": 3}
"""Checks of the library, by how many arguments come before the one that is the sentence, counted with it."""
FIELDS = "eprunes/core/fields.py"
OURS = {f"wtforms.{name}" for name in ("RadioField", "SelectField", "SelectMultipleField", "IntegerField")}


def mute(module: Module) -> list[str]:
    """Checks without a sentence, and fields whose own checks have none of ours."""
    found = [
        module.at(call, f"{dotted(call.func)}(): give it a message, or take AtMost from core.fields")
        for call in module.calls()
        if isinstance(call.func, ast.Name) and _is_mute(call)
    ]
    if module.path != FIELDS:
        found += [
            module.at(node, f"{name}: take it from core.fields") for node, name in imported(module) if name in OURS
        ]
    return found


def _is_mute(call: ast.Call) -> bool:
    place = SPEAKS_FOR_ITSELF.get(call.func.id)
    said = {keyword.arg for keyword in call.keywords}
    return place is not None and len(call.args) < place and "message" not in said


def test_every_check_of_a_form_has_its_sentence():
    refuse(fault for module in modules("eprunes", leaving_out=FIELDS) for fault in mute(module))


@pytest.mark.parametrize(
    "source",
    [
        "Length(max=9)",
        "InputRequired()",
        "NumberRange(1, 2)",
        "from wtforms import SelectField",
        "wtforms_x = Needed()",
    ],
)
def test_a_check_without_a_sentence_is_found(source):
    assert len(mute(Module("eprunes/x/forms.py", source))) == 1


@pytest.mark.parametrize(
    "source", ["Length(max=9, message='x')", "Needed('x')", "AtMost(80)", "from eprunes.core.fields import SelectField"]
)
def test_a_check_with_its_sentence_passes(source):
    assert mute(Module("eprunes/x/forms.py", source)) == []
