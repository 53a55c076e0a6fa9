"""Text as people type or paste it, made fit to be stored and shown."""

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs")


def tidy_line(text: str) -> str:
    """The text on one line: spaces of every kind single and trimmed, letters composed, nothing invisible (control
    characters, NUL among them, zero widths, marks that turn the direction of reading)."""
    shown = text if text.isprintable() else "".join(one for one in text if one.isspace() or _is_shown(one))
    return " ".join(unicodedata.normalize("NFC", shown).split())


def tidy_lines(text: str) -> str:
    """As `tidy_line`, line by line; empty lines stay between others."""
    return "\n".join(tidy_line(line) for line in text.splitlines()).strip()


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE
