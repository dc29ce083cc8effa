"""Reads jobs page by page, while workers have nothing more urgent to do, and tells who listens how far they are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from typecase.errors import TypecaseError
from typecase.serve import work
from typecase.serve.jobs import JobStore, Step
from typecase.serve.metrics import Metrics
from typecase.serve.pool import Pool, Urgency
from typecase.serve.problems import Problem

_LOGGER = logging.getLogger("typecase.serve")

_SWEEP_SECONDS = 60.0


class JobRunner:
    """Brings jobs to their end.

    Attributes:
        stopping: Set when the service stops; whoever listens to a job then ends.
    """

    def __init__(self, store: JobStore, pool: Pool, metrics: Metrics, most_pages: int) -> None:
        """Prepares the runner.

        Args:
            store: The jobs.
            pool: Who reads.
            metrics: Where pages are counted.
            most_pages: The most pages of a job.
        """
        self._store = store
        self._pool = pool
        self._metrics = metrics
        self._most_pages = most_pages
        self._work = asyncio.Event()
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Begins with what is waiting."""
        self._work.set()
        # One page more than there are workers, so that none of them waits for the disk.
        self._tasks = [asyncio.create_task(self._run(), name=f"jobs {n}") for n in range(self._pool.size + 1)]
        self._tasks.append(asyncio.create_task(self._sweep(), name="jobs sweep"))

    def stop_listening(self) -> None:
        """Ends every stream of events, so that the service can stop."""
        self.stopping.set()
        for events in self._listeners.values():
            for event in events:
                event.set()

    async def close(self) -> None:
        """Puts back what is not finished; the pool is closed by then, so nothing is at work any more."""
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """Tells that there is something to do."""
        self._work.set()

    def changed(self, job: str) -> None:
        """Tells whoever listens that a job has changed."""
        for event in self._listeners.get(job, ()):
            event.set()

    @asynccontextmanager
    async def listening(self, job: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever a job changes; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listeners[job].add(event)
        try:
            yield event
        finally:
            self._listeners[job].discard(event)
            if not self._listeners[job]:
                del self._listeners[job]

    async def _run(self) -> None:
        while not self.stopping.is_set():
            step = await asyncio.to_thread(self._store.take)
            if step is None:
                self._work.clear()
                # Something may have come in between.
                step = await asyncio.to_thread(self._store.take)
            if step is None:
                await self._work.wait()
                continue
            try:
                await self._do(step)
            except asyncio.CancelledError:
                self._store.put_back(step)
                raise
            except Exception:
                # A bug of ours; the job must not be tried for ever.
                _LOGGER.exception("A job cannot go on")
                problem = Problem.of_bug()
                await asyncio.to_thread(self._store.fail, step.job, problem.body())
            self.changed(step.job)
            self._metrics.jobs.set(await asyncio.to_thread(self._store.unfinished))

    async def _do(self, step: Step) -> None:
        try:
            job = await asyncio.to_thread(self._store.job, step.job)
        except Problem:
            # It was deleted meanwhile.
            return
        file = self._store.file_of(step.job)
        try:
            if step.number is None:
                numbers = await self._pool.call(
                    work.page_numbers, file, job.name, job.query, self._most_pages, urgency=Urgency.PATIENT
                )
                await asyncio.to_thread(self._store.counted, step.job, numbers)
                self.wake()
            else:
                content, provenance = await self._pool.call(
                    work.read_page, file, job.name, job.query, step.number, urgency=Urgency.PATIENT
                )
                await asyncio.to_thread(self._store.page_read, step, content, provenance)
                self._metrics.pages.inc()
        except Problem as problem:
            if problem.status == 503:
                await asyncio.to_thread(self._store.put_back, step)
                return
            await self._failed(step, problem)
            # It may be tried once more.
            self.wake()
        except TypecaseError as error:
            await self._failed(step, Problem.of(error))

    async def _failed(self, step: Step, problem: Problem) -> None:
        if step.number is None:
            await asyncio.to_thread(self._store.fail, step.job, problem.body())
        else:
            again = problem.kind == "worker-died"
            await asyncio.to_thread(self._store.page_failed, step, problem.body(), again=again)

    async def _sweep(self) -> None:
        while True:
            for job in await asyncio.to_thread(self._store.delete_expired):
                self.changed(job)
            await asyncio.sleep(_SWEEP_SECONDS)
