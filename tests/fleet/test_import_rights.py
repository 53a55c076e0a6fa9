"""In whose name an import is written: somebody who may still change the fleet (C3.2-c)."""

import pytest

from eprunes.fleet.importing import tasks
from eprunes.fleet.models import Vehicle
from eprunes.fleet.task_authors import NOT_ALLOWED
from eprunes.long_work import run_long_work
from tests.fleet.test_import_pages import how_many, prepared, task_of
from tests.support.fleet_files import VEHICLE
from tests.support.worlds import AS_OF, actor, take_fleet_right


@pytest.mark.parametrize(("keeps_the_right", "vehicles"), [(True, 1), (False, 0)])
def test_an_import_agreed_to_is_written_only_for_somebody_who_may_still(world, signed_in, keeps_the_right, vehicles):
    path = prepared(signed_in(world.fleet), vehicles=[VEHICLE])
    task = task_of(world, path)
    tasks.confirm_import(actor=actor(world.fleet), task_id=task.id, as_of=AS_OF)
    if not keeps_the_right:
        take_fleet_right(world)
    run_long_work(AS_OF)
    assert how_many(world, Vehicle) == vehicles
    assert (NOT_ALLOWED in signed_in(world.admin).get(path).text) is not keeps_the_right
    assert (task_of(world, path).staged_box is None, task_of(world, path).leased_until) == (True, None)
