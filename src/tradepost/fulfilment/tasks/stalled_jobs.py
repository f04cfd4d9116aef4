"""Delete the jobs of workers that were killed. This frees their locks, so that the same work can be queued again."""

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

STALLED_SECONDS = 10  # without a heartbeat


@app.periodic(cron="* * * * * */5")
@app.task(name="jobs.delete_stalled", queueing_lock="mend", pass_context=True)
async def release_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Delete the jobs of workers without a heartbeat. Nothing is lost: every task is periodic or restarted by one."""
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await jobs.finish_job(job, status=Status.FAILED, delete_job=True)
