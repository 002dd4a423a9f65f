"""Work that comes round again: each job runs in every worker, survives its own failures, and stops with the program.

A job that only one worker may do takes an advisory lock itself; this module does not elect anybody.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

import structlog

from app.kit.structs import Model

log = structlog.get_logger()


class Job(Model):
    """`run` is called, then again `every_seconds` after it ended."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


class JobRunner:
    """Runs jobs as tasks of the event loop from `start` to `stop`."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = list(jobs)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts every job; each first runs at once."""
        self._tasks = [asyncio.create_task(_repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Cancels every job and waits until each has left."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []


async def _repeat(job: Job) -> None:
    while True:
        try:
            await job.run()
        except Exception as error:  # noqa: BLE001 - a job outlives whatever one round of it met
            log.warning("job.failed", job=job.name, error=type(error).__name__)
        await asyncio.sleep(job.every_seconds)
