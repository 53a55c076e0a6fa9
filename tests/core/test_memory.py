"""What a loaded process keeps is no longer looked through for garbage."""

import gc
from collections.abc import Iterator

import pytest

from eprunes.core import memory


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_loaded_is_set_aside():
    kept = [[]]
    memory.settle()
    assert gc.get_freeze_count() > 0
    assert not any(one is kept for one in gc.get_objects())


def test_what_comes_later_is_still_collected():
    memory.settle()
    later = []
    later.append(later)
    assert any(one is later for one in gc.get_objects())
    del later
    assert gc.collect() > 0
