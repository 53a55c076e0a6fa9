"""Many things, by so many as one statement or one transaction takes."""

from collections.abc import Iterable, Iterator

AT_ONCE = 500


def chunks(items: Iterable, size: int = AT_ONCE, *, start: int = 0) -> Iterator[list]:
    """The same items in their order, from number `start` on, by `size`; the last chunk may be smaller."""
    rows = list(items)
    for first in range(start, len(rows), size):
        yield rows[first : first + size]
