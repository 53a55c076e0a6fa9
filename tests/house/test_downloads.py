"""Every view that answers with a file says so: before a file, the confirmation shows a page of its own."""

import ast

from tests.house.sources import Module, dotted, product, refuse

MARK = "downloads"


def breaches(module: Module) -> list[str]:
    """Functions that answer with a file without the mark, or carry it in vain."""
    found = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef) or module.path == "eprunes/core/web.py":
            continue
        is_marked = any(dotted(mark) == MARK for mark in node.decorator_list)
        answers_with_file = any(
            isinstance(one, ast.Call) and dotted(one.func).split(".")[-1] == "download" for one in ast.walk(node)
        )
        if is_marked != answers_with_file:
            found.append(module.at(node, f"{node.name}: @{MARK} where `download` answers, and nowhere else"))
    return found


def test_every_view_that_answers_with_a_file_is_marked():
    found = product()
    assert sum(module.source.count(f"@{MARK}") for module in found) > 5
    refuse(fault for module in found for fault in breaches(module))


def test_a_mark_that_lacks_or_is_in_vain_is_found():
    for source in ("def file():\n    return download(b'')", "@downloads\ndef page():\n    return 'page'"):
        assert len(breaches(Module("eprunes/planted.py", source))) == 1
    assert breaches(Module("eprunes/planted.py", "@downloads\ndef file():\n    return web.download(b'')")) == []
