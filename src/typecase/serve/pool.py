"""Who reads next: a few processes, and a queue before them that is not endless.

Each worker has a keeper, a task of the event loop that starts its process, hands it one call after another, and
starts another process when that one has died or was too slow.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from typecase.errors import TypecaseError
from typecase.serve.problems import Problem
from typecase.serve.worker import Opening, Task, Worker, WorkerDied, WorkerTooSlow

_LOGGER = logging.getLogger("typecase.serve")

_OPENING_SECONDS = 120.0
_PAUSE_AFTER_FAILURE = 5.0


class Urgency(Enum):
    """How many seconds later than it came a call counts as come, so that nothing waits for ever.

    A page of a job lets others go first, for five seconds; a drawn character, which takes milliseconds, goes first.
    """

    QUICK = -5.0
    NORMAL = 0.0
    PATIENT = 5.0


@dataclass(order=True)
class _Call:
    due: float
    number: int
    task: Task = field(compare=False)
    arguments: tuple[Any, ...] = field(compare=False)
    urgency: Urgency = field(compare=False)
    answer: asyncio.Future[Any] = field(compare=False)


class Pool:
    """The workers and their queue.

    Attributes:
        restarts: How many processes had to be started anew.
        busy: How many are at work.
        ready: How many have opened their models.
        on_done: Told the seconds that each call took.
        on_hopeless: Told why the models cannot be opened, if they never could.
    """

    def __init__(self, opening: Opening, workers: int, queue: int, timeout: float) -> None:
        """Prepares a pool; `start` starts it.

        Args:
            opening: What each worker opens.
            workers: How many there are.
            queue: How many calls may wait, pages of jobs not counted.
            timeout: Seconds that a call may take.
        """
        self._opening = opening
        self._workers = workers
        self._queue = queue
        self._timeout = timeout
        self._waiting: list[_Call] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Condition()
        self._keepers: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Future[Any]] = set()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="typecase-keeper")
        self._seconds = 1.0
        self._closing = False
        self._failure: str | None = None
        self.restarts = 0
        self.busy = 0
        self.ready = 0
        self._ever_ready = False
        self.on_done: Callable[[float], None] = lambda seconds: None
        self.on_hopeless: Callable[[Exception], None] = lambda error: None

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self._workers

    @property
    def failure(self) -> str | None:
        """Why the models cannot be opened, if so."""
        return self._failure

    async def start(self) -> None:
        """Starts the processes; they open their models on their own."""
        self._keepers = [asyncio.create_task(self._keep(), name=f"keeper {n}") for n in range(self._workers)]

    async def close(self, seconds: float) -> None:
        """Lets running calls finish, then ends the processes; calls that wait are refused.

        Args:
            seconds: How long they get.
        """
        self._closing = True
        for call in self._waiting:
            if not call.answer.done():
                call.answer.set_exception(_stopping())
        self._waiting.clear()
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        async with self._changed:
            self._changed.notify_all()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        # Threads that still wait for a process see it end.
        self._threads.shutdown(wait=False)

    def check_room(self) -> None:
        """Refuses a call before its picture is received, if it could not wait here.

        Raises:
            Problem: The queue is full (429).
        """
        if sum(call.urgency is not Urgency.PATIENT for call in self._waiting) >= self._queue:
            seconds = min(60, max(1, math.ceil(self._queue * self._seconds / self._workers)))
            raise Problem(
                429,
                "queue-full",
                f"More is asked than can be read at present; ask again in {seconds} seconds.",
                {"Retry-After": str(seconds)},
            )

    async def call(self, task: Task, *arguments: Any, urgency: Urgency = Urgency.NORMAL) -> Any:
        """Lets a worker do a task, when it is its turn.

        Args:
            task: A function of a module, which takes the worker's models first.
            *arguments: What else it takes.
            urgency: Whether it may wait for others.

        Raises:
            Problem: The queue is full (429), the task took too long (504) or ended its process (500), the service
                stops (503).
            TypecaseError: What the task raised.
        """
        if self._closing:
            raise _stopping()
        if urgency is not Urgency.PATIENT:
            self.check_room()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        call = _Call(time.monotonic() + urgency.value, next(self._numbers), task, arguments, urgency, answer)
        async with self._changed:
            heapq.heappush(self._waiting, call)
            self._changed.notify()
        try:
            return await answer
        except asyncio.CancelledError:
            # Whoever asked has gone; what has not begun is not begun.
            if call in self._waiting:
                self._waiting.remove(call)
                heapq.heapify(self._waiting)
            raise

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            worker = await loop.run_in_executor(self._threads, Worker, self._opening)
            try:
                if not await self._open(worker):
                    await asyncio.sleep(_PAUSE_AFTER_FAILURE)
                    continue
                self.ready += 1
                try:
                    while await self._one(worker):
                        pass
                finally:
                    self.ready -= 1
            finally:
                # In this thread, for the loop may be ending; a process at work ends within moments.
                worker.end()
            self.restarts += 1

    async def _open(self, worker: Worker) -> bool:
        try:
            await self._in_thread(worker.wait_until_ready, _OPENING_SECONDS)
        except (TypecaseError, RuntimeError, WorkerDied, WorkerTooSlow) as error:
            self._failure = str(error) or "the process that should open them ended"
            if self._ever_ready:
                _LOGGER.error("The models cannot be opened any more, which is tried again: %s", self._failure)
            elif isinstance(error, TypecaseError):
                self.on_hopeless(error)
            else:
                self.on_hopeless(RuntimeError(f"The models cannot be opened: {self._failure}"))
            return False
        self._failure = None
        self._ever_ready = True
        return True

    async def _one(self, worker: Worker) -> bool:
        """Waits for a call and does it; whether the worker lives on."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting) or self._closing)
            if self._closing:
                return False
            call = heapq.heappop(self._waiting)
        if call.answer.done():
            return True
        self._running.add(call.answer)
        self.busy += 1
        begun = time.monotonic()
        alive = True
        try:
            answer = await self._in_thread(worker.do, call.task, call.arguments, self._timeout)
        except WorkerTooSlow:
            alive = False
            self._fail(call, Problem(504, "too-slow", _TOO_SLOW.format(self._timeout)))
        except WorkerDied:
            alive = False
            _LOGGER.error("A worker (process %s) died at %s; another is started.", worker.pid, call.task.__name__)
            self._fail(call, Problem(500, "worker-died", "Reading this ended the process that did it; it is no use."))
        except RuntimeError as error:
            _LOGGER.error("A bug in typecase, please report it:\n%s", error)
            self._fail(call, Problem.of_bug())
        except TypecaseError as error:
            self._fail(call, error)
        except BaseException:
            self._fail(call, _stopping())
            raise
        else:
            if not call.answer.done():
                call.answer.set_result(answer)
        finally:
            self.busy -= 1
            self._running.discard(call.answer)
            seconds = time.monotonic() - begun
            # What a call takes nowadays, for those who are told when to come back.
            self._seconds += 0.1 * (seconds - self._seconds)
            self.on_done(seconds)
        return alive

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    @staticmethod
    def _fail(call: _Call, error: Exception) -> None:
        if not call.answer.done():
            call.answer.set_exception(error)


_TOO_SLOW = "This was not read within {:g} seconds, and given up; send a smaller picture, fewer pages, or a job."


def _stopping() -> Problem:
    return Problem(503, "stopping", "The service is stopping; ask again in a moment.", {"Retry-After": "5"})
