"""Charts drawn at the server: plain SVG, well-formed, with a title and a description, colours left to the style sheet.

A chart only shows what the table beside it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

from eprunes.core.texts import tidy_line

WIDTH = 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 30
_PLOT = 190
_MOST_LABELS = 12
_ROW, _BAR = 46, 16
_LONGEST_LABEL = 80
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Series:
    """One kind of thing that is counted: its French name, the class of its colour, a number for each label."""

    name: str
    tone: str
    values: Sequence[int]


@dataclass(frozen=True)
class Subject:
    """What a chart shows; `name` is its id in the page."""

    name: str
    title: str
    description: str


def columns(subject: Subject, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """One column a label, its parts stacked in the order of the series."""
    totals = [sum(max(0, one.values[place]) for one in series) for place in range(len(labels))]
    top = scale_top(max(totals, default=0))
    svg = _svg(subject, _TOP + _PLOT + _BOTTOM)
    _grid(svg, top, "")
    step = _step(labels)
    for place, label in enumerate(labels):
        base = 0
        for one in series:
            value = max(0, one.values[place])
            if value:
                box = {"x": _LEFT + step * (place + 0.15), "width": step * 0.7}
                box |= {"y": _height(base + value, top), "height": _PLOT * value / top}
                _add(_add(svg, "rect", {"class": one.tone, **box}), "title", text=f"{label}, {one.name}\u00a0: {value}")
            base += value
    _month_labels(svg, labels)
    return _written(svg)


def line(subject: Subject, labels: Sequence[str], values: Sequence[float | None], unit: str, tone: str) -> Markup:
    """One point a label, joined; a label without a value interrupts the line."""
    known = [one for one in values if one is not None]
    top = 100 if unit == "%" else scale_top(max(known, default=0))
    svg = _svg(subject, _TOP + _PLOT + _BOTTOM)
    _grid(svg, top, f"\u00a0{unit}")
    places = [(place, value) for place, value in enumerate(values) if value is not None]
    points = {place: (_LEFT + _step(labels) * (place + 0.5), _height(min(value, top), top)) for place, value in places}
    for place in points:
        if place + 1 in points:
            (x1, y1), (x2, y2) = points[place], points[place + 1]
            _add(svg, "line", {"class": f"chart-line {tone}", "x1": x1, "y1": y1, "x2": x2, "y2": y2})
    for place, (x, y) in points.items():
        dot = _add(svg, "circle", {"class": tone, "cx": x, "cy": y, "r": 4})
        _add(dot, "title", text=f"{labels[place]}\u00a0: {_rounded(values[place])}\u00a0{unit}")
    _month_labels(svg, labels)
    return _written(svg)


def bars(subject: Subject, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """One bar a label, lying under its name, its parts one after the other; its total at its end."""
    totals = [sum(max(0, one.values[place]) for one in series) for place in range(len(labels))]
    top = max([1, *totals])
    svg = _svg(subject, _ROW * len(labels) + 6)
    for place, label in enumerate(labels):
        y, x = _ROW * place + 20, 0.0
        short = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"
        _add(svg, "text", {"class": "chart-text", "x": 0, "y": y - 5}, short)
        for one in series:
            width = (WIDTH - 60) * max(0, one.values[place]) / top
            if width:
                box = {"x": x, "y": y, "width": width, "height": _BAR}
                bar = _add(svg, "rect", {"class": one.tone, **box})
                _add(bar, "title", text=f"{label}, {one.name}\u00a0: {one.values[place]}")
            x += width
        _add(svg, "text", {"class": "chart-text", "x": x + 6, "y": y + _BAR - 4}, str(totals[place]))
    return _written(svg)


def scale_top(highest: int | float) -> int:
    """The round number at which a scale ends: 1, 2 or 5 times a power of ten, not below the highest value."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= highest:
                return step * power
        power *= 10


def _grid(svg: ElementTree.Element, top: int, unit: str) -> None:
    marks = [0, top // 2, top] if top % 2 == 0 else [0, top]
    for mark in marks:
        y = _height(mark, top)
        _add(svg, "line", {"class": "chart-grid", "x1": _LEFT, "x2": WIDTH - _RIGHT, "y1": y, "y2": y})
        place = {"x": _LEFT - 6, "y": y + 4, "text-anchor": "end"}
        _add(svg, "text", {"class": "chart-text", **place}, f"{mark}{unit}")


def _month_labels(svg: ElementTree.Element, labels: Sequence[str]) -> None:
    every = -(-len(labels) // _MOST_LABELS)
    for place in range(len(labels) - 1, -1, -every or -1):
        where = {"x": _LEFT + _step(labels) * (place + 0.5), "y": _TOP + _PLOT + 18, "text-anchor": "middle"}
        _add(svg, "text", {"class": "chart-text", **where}, labels[place])


def _step(labels: Sequence[str]) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(1, len(labels))


def _height(value: float, top: int) -> float:
    return _TOP + _PLOT - _PLOT * value / top


def _svg(subject: Subject, height: int) -> ElementTree.Element:
    named = f"{subject.name}-titre", f"{subject.name}-texte"
    box = {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-labelledby": " ".join(named), "focusable": "false"}
    svg = ElementTree.Element("svg", box)
    _add(svg, "title", {"id": named[0]}, subject.title)
    _add(svg, "desc", {"id": named[1]}, subject.description)
    return svg


def _add(
    parent: ElementTree.Element, tag: str, attributes: dict[str, object] | None = None, text: str = ""
) -> ElementTree.Element:
    written = {name: _rounded(value) for name, value in (attributes or {}).items()}
    child = ElementTree.SubElement(parent, tag, written)
    child.text = tidy_line(text) or None
    return child


def _rounded(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _written(svg: ElementTree.Element) -> Markup:
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 - escaped by the writer of the tree
