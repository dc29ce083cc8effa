"""Several processes at work on the documents of one command, one thread each.

A process that dies, because a file made a decoder crash or the memory ran out, takes down nothing but the document that
it was at, and another is started.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType, TracebackType
from typing import Any, Self

from typecase.cli.read_inputs import Input
from typecase.cli.read_job import Failure, Job, JobRunner, Outcome
from typecase.errors import ExitCode

_PATIENCE = 5.0
"""Seconds that a process is given to put away what it was writing."""

_AHEAD = 8
"""How many parts for each process may be finished before the one whose turn it is."""


@dataclass
class _Worker:
    """A process, and the numbers and documents that it is at."""

    process: Any
    connection: Connection
    part: list[tuple[int, Input]]


class WorkerPool:
    """Processes that each do parts of a job."""

    def __init__(self, job: Job, count: int) -> None:
        """Starts the processes.

        Args:
            job: What they do.
            count: How many they are.
        """
        self._job = job
        # A forked process would inherit locks that threads of this one may hold.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        for _ in range(count):
            self._workers.append(self._started())

    def run(self, documents: Sequence[Input]) -> Iterator[tuple[int, Outcome]]:
        """Reads documents.

        Yields:
            The number of each document and what became of it, as they are finished. They are at most some parts ahead
            of the first that is not finished, so that whoever brings them into order holds but few.
        """
        numbered = deque(enumerate(documents))
        unfinished = set(range(len(documents)))
        reach = _AHEAD * len(self._workers) * self._job.at_once
        while unfinished:
            furthest = min(unfinished) + reach
            for worker in self._workers:
                if not worker.part and numbered and numbered[0][0] < furthest:
                    most = min(self._job.at_once, -(-len(numbered) // len(self._workers)))
                    worker.part = [numbered.popleft() for _ in range(min(most, len(numbered)))]
                    with contextlib.suppress(OSError):
                        # A process that is gone is noticed below.
                        worker.connection.send([document for _, document in worker.part])
            busy = {worker.connection: worker for worker in self._workers if worker.part}
            for ready in multiprocessing.connection.wait(list(busy)):
                worker = busy[ready]  # type: ignore[index]
                try:
                    outcome: Outcome = worker.connection.recv()
                except (EOFError, OSError):
                    yield from self._replaced(worker, unfinished)
                    continue
                number, _ = worker.part.pop(0)
                unfinished.discard(number)
                yield number, outcome

    def _replaced(self, worker: _Worker, unfinished: set[int]) -> Iterator[tuple[int, Outcome]]:
        """Gives up the document that a process died of, and lets a new one go on with the rest."""
        worker.process.join(_PATIENCE)
        number, document = worker.part[0]
        rest = worker.part[1:]
        unfinished.discard(number)
        how = _way_of_death(worker.process.exitcode)
        fresh = self._started()
        worker.process, worker.connection, worker.part = fresh.process, fresh.connection, rest
        if rest:
            worker.connection.send([one for _, one in rest])
        sentence = f"{document.name} could not be read: the process that read it {how}; the file may be damaged."
        yield number, Outcome(document, failure=Failure(sentence, ExitCode.INPUT))

    def _started(self) -> _Worker:
        connection, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._job), name="typecase-reader", daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, connection, [])

    def close(self) -> None:
        """Ends the processes; what they were writing is put away."""
        for worker in self._workers:
            worker.connection.close()
            if worker.part:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _way_of_death(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return "ended unexpectedly"


def _work(connection: Connection, job: Job) -> None:
    """What a process does until its connection is closed."""
    from typecase.cli import output

    # Ctrl-C reaches every process of a terminal; the first of them decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    output.set_verbosity(job.verbosity)
    runner = JobRunner(job)
    with contextlib.suppress(EOFError, OSError):
        while True:
            documents: list[Input] = connection.recv()
            for outcome in runner.run(documents):
                connection.send(outcome)


def _leave(number: int, frame: FrameType | None) -> None:
    # An exception, so that half-written files are put away on its way.
    sys.exit(128 + number)
