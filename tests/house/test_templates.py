"""Pages carry no inline style or script: the content policy would refuse them, and rightly."""

import re

import pytest

from tests.house.sources import ROOT, refuse

FAULTS = {
    "an inline style: give it a class in static/eprunes.css": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a <style> element: write it in static/eprunes.css": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script: write it in static/eprunes.js": re.compile(r"<script\b(?![^>]*\ssrc\s*=)", re.IGNORECASE),
    "an inline handler: listen in static/eprunes.js": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address: use a button": re.compile(r"javascript\s*:", re.IGNORECASE),
    "|safe: escaping is off; build Markup in Python, from constants": re.compile(r"\|\s*safe\b"),
}
MAIL_FRAME = "templates/mails/layout.html"
"""Alone allowed a <style> element: a mail reader loads no style sheet, and has no content policy of ours."""
TAGS_OF_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def breaches(path: str, source: str) -> list[str]:
    """Inline styles, scripts and handlers of one template."""
    html = TAGS_OF_JINJA.sub(lambda tag: re.sub(r"[^\n]", " ", tag[0]), source)
    found = []
    for fault, pattern in FAULTS.items():
        if path == MAIL_FRAME and fault.startswith("a <style>"):
            continue
        for hit in pattern.finditer(source if "safe" in fault else html):
            line = source.count("\n", 0, hit.end()) + 1
            found.append(f"{path}:{line}: {fault}")
    return found


def test_templates_hold_no_inline_style_or_script():
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert templates
    refuse(
        fault
        for template in templates
        for fault in breaches(str(template.relative_to(ROOT)), template.read_text(encoding="utf-8"))
    )


@pytest.mark.parametrize(
    "source",
    [
        '<p style="color: red">',
        "<p\n  class='{{ 'a' if b > c else d }}' STYLE='color: red'>",
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        '<script type="module">alert(1)</script>',
        '<button onclick="go()">',
        "<body\nonload=go()>",
        '<a href="javascript:go()">',
        "{{ text | safe }}",
    ],
)
def test_an_inline_style_or_script_is_found(source):
    [fault] = breaches("templates/planted.html", "\n" + source)
    assert fault.startswith("templates/planted.html:")
    assert int(fault.split(":")[1]) > 1


def test_the_frame_of_mails_may_have_a_style_element_and_nothing_else():
    assert breaches(MAIL_FRAME, "<style>p { color: red }</style>") == []
    assert len(breaches(MAIL_FRAME, '<p style="color: red"><script>alert(1)</script>')) == 2
    assert len(breaches("templates/mails/invitation.html", "<style>p { color: red }</style>")) == 1


@pytest.mark.parametrize(
    "source",
    [
        '<script src="{{ url }}" defer></script>',
        '<link rel="stylesheet" href="/static/eprunes.css">',
        "<p>style = rien, onze = 11</p>",
        '<p class="on" data-one="1" data-style="x">',
        "{# <p style='x'> #}",
        "{% if a > b %}<p>{% endif %}",
    ],
)
def test_what_is_served_as_a_file_is_not(source):
    assert breaches("templates/planted.html", source) == []
