# What is mended in Snakemake 9.
import threading

import snakemake.benchmark
from snakemake.scheduling.job_scheduler import JobScheduler


def look_for_jobs_later(scheduler, delay):
    """Make the scheduler look for jobs to start after a delay in seconds, once."""
    if not getattr(scheduler, "looks_again", False):
        scheduler.looks_again = True
        threading.Timer(delay, look_for_jobs, [scheduler]).start()


def look_for_jobs(scheduler):
    scheduler.looks_again = False
    scheduler._open_jobs.release()


# CPU time and memory of a job are measured only every 30 seconds after the first 15: make it every second.
snakemake.benchmark.benchmarked.__wrapped__.__defaults__ = (None, None, 1)
# Each look for jobs starts a timer for another one. After 300 jobs there are 300 looks a second, which take a quarter of
# a core: one timer is enough (github.com/snakemake/snakemake/pull/3744).
JobScheduler._schedule_reevalutation = look_for_jobs_later
