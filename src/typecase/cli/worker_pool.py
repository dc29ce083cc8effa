"""Several processes at work on the documents of one command, or on the pages of a long one; one thread each.

A process that dies, because a file made a decoder crash or the memory ran out, takes down nothing but the document or
page that it was at, and another is started.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import FrameType, TracebackType
from typing import Any, Self

from typecase.cli.read_inputs import Input
from typecase.cli.read_job import Failure, Job, JobRunner, Outcome
from typecase.cores import stay_on_core, usable_cores
from typecase.document import Page
from typecase.errors import ExitCode

_PATIENCE = 5.0
"""Seconds that a process is given to put away what it was writing."""

_AHEAD = 4
"""How many parts for each process may be begun beyond the first that is not finished."""

_MOST_PAGES = 16
"""The most pages that a process reads in one go."""


@dataclass(frozen=True)
class Part:
    """Work for one process: some documents, or some pages of one.

    Attributes:
        place: Which part it is, counted from 0 in the order of the documents or pages.
        documents: The documents; a single one where pages are meant.
        pages: Numbers of the pages; empty where whole documents are meant.
    """

    place: int
    documents: tuple[Input, ...]
    pages: tuple[int, ...] = ()


@dataclass
class _Worker:
    """A process, which of them it is, the part that it is at, and how many of its answers are here."""

    process: Any
    connection: Connection
    place: int
    part: Part | None = None
    answered: int = 0


@dataclass
class _Queue:
    """Parts that wait, and which are unfinished."""

    waiting: deque[Part]
    unfinished: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Part]) -> _Queue:
        """A queue in which every part is unfinished once."""
        waiting = deque(parts)
        return cls(waiting, {part.place: 1 for part in waiting})

    def next(self, reach: int) -> Part | None:
        """The next part that may be begun."""
        if self.waiting and self.waiting[0].place < min(self.unfinished) + reach:
            return self.waiting.popleft()
        return None

    def finish(self, part: Part) -> None:
        """One of the parts of this place is done."""
        self.unfinished[part.place] -= 1
        if not self.unfinished[part.place]:
            del self.unfinished[part.place]

    def put_back(self, parts: Sequence[Part]) -> None:
        """What a part is divided into, or what is left of it."""
        self.waiting.extendleft(reversed(parts))
        self.unfinished[parts[0].place] += len(parts)


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
        # Fewer than the cores are left to move away from whatever else runs.
        self._tied = count == usable_cores()
        for place in range(count):
            self._workers.append(self._started(place))

    def outcomes(self, documents: Sequence[Input]) -> Iterator[tuple[int, Outcome]]:
        """Reads documents.

        Yields:
            The number of each document and what became of it, as they are finished. They are at most some parts ahead
            of the first that is not finished, so that whoever brings them into order holds but few.
        """
        size = max(1, min(self._job.at_once, len(documents) // (2 * len(self._workers))))
        starts = range(0, len(documents), size)
        parts = [Part(place, tuple(documents[start : start + size])) for place, start in enumerate(starts)]
        numbers = {id(document): number for number, document in enumerate(documents)}
        for document, answer in self._answers(_Queue.of(parts)):
            yield numbers[id(document)], answer

    def pages(self, document: Input, numbers: Sequence[int]) -> Iterator[Page]:
        """Reads pages of a document, which come as they are finished; like `outcomes`, they are not far ahead.

        Raises:
            TypecaseError: The document, or a model, cannot be opened.
            RuntimeError: There is a bug; the text is its traceback.
        """
        size = max(1, min(_MOST_PAGES, len(numbers) // (4 * len(self._workers))))
        starts = range(0, len(numbers), size)
        parts = [Part(place, (document,), tuple(numbers[at : at + size])) for place, at in enumerate(starts)]
        for _, answer in self._answers(_Queue.of(parts)):
            if isinstance(answer, Failure):
                raise answer.error
            yield from answer

    def _answers(self, queue: _Queue) -> Iterator[tuple[Input, Any]]:
        reach = _AHEAD * len(self._workers)
        while queue.unfinished:
            for worker in self._workers:
                if worker.part is None and (part := queue.next(reach)):
                    worker.part, worker.answered = part, 0
                    with contextlib.suppress(OSError):
                        # A process that is gone is noticed below.
                        worker.connection.send(part)
            busy = {worker.connection: worker for worker in self._workers if worker.part is not None}
            for ready in multiprocessing.connection.wait(list(busy)):
                worker = busy[ready]  # type: ignore[index]
                part = worker.part
                assert part is not None
                document = part.documents[worker.answered]
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    sentence = self._replaced(worker, document)
                    if len(part.pages) > 1:
                        # Only one of them is to blame.
                        queue.put_back([Part(part.place, part.documents, (number,)) for number in part.pages])
                    else:
                        rest = part.documents[worker.answered + 1 :]
                        if rest:
                            queue.put_back([Part(part.place, rest)])
                        yield document, _lost(document, part, sentence)
                    queue.finish(part)
                    continue
                worker.answered += 1
                if worker.answered == len(part.documents):
                    worker.part = None
                    queue.finish(part)
                yield document, answer

    def _replaced(self, worker: _Worker, document: Input) -> str:
        """Starts another process in place of one that died, and says what happened."""
        worker.process.join(_PATIENCE)
        how = _way_of_death(worker.process.exitcode)
        worker.connection.close()
        fresh = self._started(worker.place)
        worker.process, worker.connection, worker.part = fresh.process, fresh.connection, None
        return f"{document.name} could not be read: the process that read it {how}; the file may be damaged."

    def _started(self, place: int) -> _Worker:
        connection, theirs = self._context.Pipe()
        core = place if self._tied else None
        process = self._context.Process(
            target=_work, args=(theirs, self._job, core), name="typecase-reader", daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, connection, place)

    def close(self) -> None:
        """Ends the processes; what they were writing is put away."""
        for worker in self._workers:
            worker.connection.close()
            if worker.part is not None:
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


def _lost(document: Input, part: Part, sentence: str) -> Outcome | list[Page]:
    if part.pages:
        return [Page(0, 0, number=number, error=sentence) for number in part.pages]
    return Outcome(document, failure=Failure(sentence, ExitCode.INPUT))


def _way_of_death(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return "ended unexpectedly"


def _work(connection: Connection, job: Job, core: int | None) -> None:
    """What a process does until its connection is closed."""
    from typecase.cli import output

    if core is not None:
        stay_on_core(core)
    # Ctrl-C reaches every process of a terminal; the first of them decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    output.set_verbosity(job.verbosity)
    runner = JobRunner(job)
    with contextlib.suppress(EOFError, OSError):
        while True:
            part: Part = connection.recv()
            if part.pages:
                connection.send(runner.pages(part.documents[0], part.pages))
                continue
            for outcome in runner.run(part.documents):
                connection.send(outcome)


def _leave(number: int, frame: FrameType | None) -> None:
    # An exception, so that half-written files are put away on its way.
    sys.exit(128 + number)
