"""What the operator reads of jobs."""

from eprunes.clock_process import SCHEDULE
from eprunes.provider.job_words import JOB_NAMES


def test_every_job_has_a_french_name():
    assert set(JOB_NAMES) == {job.name for job in SCHEDULE}
