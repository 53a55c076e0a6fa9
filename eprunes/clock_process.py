"""The clock process: what runs when. APScheduler only ticks; the ledger decides what is due.

`python -m eprunes.clock_process`. Several may run at once, be killed at any moment, or be down for days.
"""

import logging
import signal
from datetime import UTC, time, timedelta
from types import FrameType

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask

from eprunes.accounts import jobs as accounts
from eprunes.accounts import upkeep_jobs
from eprunes.accounts.services import visits
from eprunes.admin import audit_jobs
from eprunes.antai import jobs as antai
from eprunes.core import clock, jobs, mail, memory
from eprunes.core.jobs import Job
from eprunes.fines import alert_jobs
from eprunes.fleet import due_date_jobs
from eprunes.fleet import jobs as fleet
from eprunes.long_work import run_long_work
from eprunes.privacy import jobs as privacy

log = logging.getLogger(__name__)

SCHEDULE: tuple[Job, ...] = (
    Job("antai-declare-vehicles", antai.declare_vehicles, daily_at=time(0, 30), legal=True, quick_in_demo=True),
    Job("antai-fetch-notices", antai.fetch_notices),
    Job("antai-send-answers", antai.send_answers, every_in_demo=timedelta(seconds=3)),
    Job("send-mail", mail.send_due, every_in_demo=timedelta(seconds=2)),
    Job("retention-sweep", privacy.retention_sweep, daily_at=time(1, 0), legal=True),
    Job("contract-end-purge", privacy.contract_end_purge, daily_at=time(2, 0), after="retention-sweep", legal=True),
    Job("accounts-upkeep", upkeep_jobs.accounts_upkeep, daily_at=time(3, 0)),
    Job("handovers", upkeep_jobs.settle_handovers),
    Job("sign-in-journal", accounts.record_sign_ins),
    Job("fleet-departures", fleet.release_departed, daily_at=time(0, 10)),
    Job("due-dates", due_date_jobs.compute_due_dates, daily_at=time(0, 20), quick_in_demo=True),
    Job("due-date-mails", due_date_jobs.send_digests, daily_at=time(6, 30)),
    Job("notice-mails", alert_jobs.send_digests, daily_at=time(6, 40), legal=True),
    Job("operator-visits", visits.close_over),
    Job("audit-chain", audit_jobs.chain_entries),
    Job("audit-upkeep", audit_jobs.upkeep, daily_at=time(3, 0), legal=True),
    Job("long-work", run_long_work, every=timedelta(seconds=5), every_in_demo=timedelta(seconds=1)),
)

JOBS = {job.name: job for job in SCHEDULE}


def tick(app: Flask, job: Job) -> None:
    """Ask whether a job is due and run it; a failure is logged and the next tick tries again."""
    run = jobs.run_job if job.quick_in_demo and app.extensions["eprunes_settings"].demo else jobs.run_if_due
    with app.app_context():
        try:
            run(job, clock.now())
        except Exception:
            log.exception("job %s failed", job.name)


def build_scheduler(app: Flask) -> BlockingScheduler:
    """One ticking entry per job, so that a long one holds up only itself."""
    scheduler = BlockingScheduler(timezone=UTC)
    demo = app.extensions["eprunes_settings"].demo
    for job in SCHEDULE:
        every = job.every_in_demo if demo else job.every
        scheduler.add_job(
            tick,
            IntervalTrigger(seconds=every.total_seconds(), timezone=UTC),
            args=(app, job),
            id=job.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    return scheduler


def main() -> None:
    """Run the schedule until SIGTERM or SIGINT."""
    from eprunes import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    app = create_app()
    memory.settle()
    with app.app_context():
        jobs.expect((job for job in SCHEDULE if job.legal), clock.now())
    scheduler = build_scheduler(app)

    def stop(signum: int, frame: FrameType | None) -> None:
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()


if __name__ == "__main__":
    main()
