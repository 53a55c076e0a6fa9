"""Text as people type or paste it, made fit to be stored and shown."""

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

_INVISIBLE = ("Cc", "Cf", "Cs")


def tidy_line(text: str) -> str:
    """The text on one line: spaces of every kind single and trimmed, letters composed, nothing invisible (control
    characters, NUL among them, zero widths, marks that turn the direction of reading)."""
    shown = text if text.isprintable() else "".join(one for one in text if one.isspace() or _is_shown(one))
    return " ".join(unicodedata.normalize("NFC", shown).split())


def tidy_lines(text: str) -> str:
    """As `tidy_line`, line by line; empty lines stay between others."""
    return "\n".join(tidy_line(line) for line in text.splitlines()).strip()


def folded(text: str) -> str:
    """Without case, accents and punctuation, so that « émile » finds « ÉMILE » and « Saint-Gérard » two words."""
    return text.casefold().translate(_PLAIN)


def ids_in(texts: Iterable[str]) -> list[UUID]:
    """The ids that texts name, each once and in their order: one a text, or several with commas between. What is no
    id is left out."""
    found: dict[UUID, None] = {}
    for piece in (piece for text in texts for piece in text.split(",")):
        with suppress(ValueError):
            found[UUID(piece)] = None
    return list(found)


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE


def _plain(code: int) -> str | None:
    """What a character counts for in a search: its letter without accents, a space, or nothing at all."""
    if unicodedata.combining(chr(code)):
        return None
    base = unicodedata.normalize("NFKD", chr(code))[0]
    return base if base.isalnum() else " "


# European letters, combining accents and general punctuation; other scripts stay as they are.
_PLAIN = {code: _plain(code) for code in (*range(0x370), *range(0x1E00, 0x2070))}
