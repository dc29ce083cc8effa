"""Reading documents and writing what was read: what one process of `typecase read` does, be it the only one or not."""

from __future__ import annotations

import gc
import io
import itertools
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO

from typecase.cli.picture_arguments import in_one_line, pixel_limit
from typecase.cli.read_inputs import Input
from typecase.cli.read_results import ResultFiles, Results
from typecase.errors import ExistsError, ExitCode, InputError, ModelError, OutputError, TypecaseError, UsageError

if TYPE_CHECKING:
    from typecase.cli.worker_pool import WorkerPool
    from typecase.document import Page
    from typecase.reader import Reader
    from typecase.reading import ReadDocument, ReadPage, Request, SourceError
    from typecase.sources.documents import SourcePage
    from typecase.writers import Head

_LOGGER = logging.getLogger("typecase.read")

LINES_TOGETHER = 64
"""Pictures of lines that are read together, for they go through the net faster so."""

_ENDS_ALL = (UsageError, ModelError, OutputError)


@dataclass(frozen=True)
class Job:
    """What is to be done with every document.

    Attributes:
        results: What is written, and where.
        reader: How the reader is opened: the arguments of `Reader`.
        mode: What each page shows.
        options: How to read: the options of `Reader.read`.
        max_pixels: The most pixels of a page; None takes the usual limit.
        verbosity: How much is said.
    """

    results: Results = field(default_factory=Results)
    reader: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "page"
    options: Mapping[str, Any] = field(default_factory=dict)
    max_pixels: int | None = None
    verbosity: int = 0

    @property
    def at_once(self) -> int:
        """How many documents are read together."""
        return 1 if self.mode in ("page", "block") else LINES_TOGETHER


@dataclass(frozen=True)
class Failure:
    """Why a document could not be read or written; can be sent to another process.

    Attributes:
        sentence: For the user.
        exit_code: What the kind of failure stands for.
        ends_all: Whether it would be the same for every other document.
        details: The traceback of a bug.
    """

    sentence: str
    exit_code: ExitCode
    ends_all: bool = False
    details: str = ""

    @classmethod
    def of(cls, error: Exception, document: Input) -> Failure:
        """What an error means to the user, who gave a document."""
        if isinstance(error, TypecaseError):
            ends_all = isinstance(error, _ENDS_ALL) and not isinstance(error, ExistsError)
            return cls(str(error), error.exit_code, ends_all)
        details = "".join(traceback.format_exception(error))
        sentence = f"{document.name} could not be read because of a bug in typecase ({type(error).__name__})."
        return cls(sentence, ExitCode.INTERNAL, details=details)

    @property
    def error(self) -> Exception:
        """The error to be raised for it."""
        if self.details:
            return RuntimeError(self.details)
        error = TypecaseError(self.sentence)
        error.exit_code = self.exit_code
        return error


@dataclass(frozen=True)
class Outcome:
    """What became of a document.

    Attributes:
        document: Which.
        content: What goes to standard output, unless it went there already.
        failed_pages: Why pages could not be read, each in a sentence, while others were.
        pages: How many pages there were.
        failure: Why nothing of it could be read.
        skipped: Whether it had been read before.
    """

    document: Input
    content: bytes = b""
    failed_pages: tuple[str, ...] = ()
    pages: int = 0
    failure: Failure | None = None
    skipped: bool = False


PageDone = Callable[[int, int | None], None]
"""Told after each page how many are done, and how many there are, where that is known."""


class JobRunner:
    """Does a job, document by document."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._limit = pixel_limit(job.max_pixels)

    @cached_property
    def reader(self) -> Reader:
        """The reader; opened when it is first needed.

        Raises:
            ModelError: A model cannot be used.
            UsageError: An option is impossible.
        """
        # What the start brings stays to the end: nothing in it is worth a look of the collector's, now or later.
        gc.disable()
        try:
            from typecase.reader import Reader

            return Reader(**self.job.reader)
        finally:
            gc.freeze()
            gc.enable()

    @property
    def options(self) -> dict[str, Any]:
        """The options of `Reader.read`."""
        return {**self.job.options, "max_pixels": self._limit}

    def run(
        self, documents: Sequence[Input], stream: BinaryIO | None = None, page_done: PageDone | None = None
    ) -> Iterator[Outcome]:
        """Reads documents and writes their results.

        Args:
            documents: Which; at most `Job.at_once`.
            stream: Standard output, where results go there; None collects them in `Outcome.content`.
            page_done: Told of every page.

        Yields:
            An outcome for each of them, in their order.
        """
        waiting = []
        for document in documents:
            if self._is_done(document):
                yield Outcome(document, skipped=True)
            elif document.error:
                yield Outcome(document, failure=Failure(document.error, ExitCode.INPUT))
            else:
                waiting.append(document)
        if len(waiting) > 1 and all(document.path is not None for document in waiting):
            yield from self._read_together(waiting, stream)
            return
        for document in waiting:
            yield self._guarded(document, partial(self._read, document, stream, page_done))

    def pages(self, document: Input, numbers: Sequence[int]) -> list[Page] | Failure:
        """Reads some pages of a document for another process, which writes them.

        Returns:
            The pages, those that failed among them; or why the document cannot be opened.
        """
        from typecase.document import Page

        options = {**self.options, "pages": list(numbers)}
        pages: list[Page] = []
        try:
            with self.reader.open(document.source, self.job.mode, name=document.name, **options) as reading:  # type: ignore[arg-type]
                pages.extend(read.page for read in reading)
        except InputError as error:
            # Where all of a few pages fail, others may do.
            return pages or [Page(0, 0, number=number, error=str(error)) for number in numbers]
        except Exception as error:
            return Failure.of(error, document)
        return pages

    def run_in(self, pool: WorkerPool, document: Input, stream: BinaryIO | None, page_done: PageDone | None) -> Outcome:
        """Reads the pages of one document in several processes, and writes them in this one.

        Args:
            pool: The processes.
            document: What is read.
            stream: See `run`.
            page_done: See `run`.
        """
        if self._is_done(document):
            return Outcome(document, skipped=True)
        return self._guarded(document, partial(self._read_in, pool, document, stream, page_done))

    def _read_in(
        self, pool: WorkerPool, document: Input, stream: BinaryIO | None, page_done: PageDone | None
    ) -> Outcome:
        ready: dict[int, Page] = {}
        coming: Iterator[Page] = iter(())

        def read(pages: Sequence[SourcePage], request: Request) -> list[Page]:
            found = []
            for page in pages:
                while page.number not in ready:
                    read = next(coming)
                    ready[read.number] = read
                found.append(ready.pop(page.number))
            return found

        with self.reader.open(
            document.source,
            self.job.mode,  # type: ignore[arg-type]
            name=document.name,
            read=read,
            **self.options,
        ) as reading:
            coming = pool.pages(document, reading.numbers)
            return self._written(document, reading.head, reading, stream, page_done)

    def _is_done(self, document: Input) -> bool:
        results = self.job.results
        return results.resume and not results.overwrite and results.is_done(document)

    def _read(self, document: Input, stream: BinaryIO | None, page_done: PageDone | None) -> Outcome:
        with self.reader.open(document.source, self.job.mode, name=document.name, **self.options) as reading:  # type: ignore[arg-type]
            return self._written(document, reading.head, reading, stream, page_done)

    def _read_together(self, documents: Sequence[Input], stream: BinaryIO | None) -> Iterator[Outcome]:
        rest = list(documents)
        try:
            found = self.reader.read_with_origins(
                (document.source for document in documents),
                self.job.mode,  # type: ignore[arg-type]
                **self.options,
            )
            for read in found:
                document = rest.pop(0)
                yield self._guarded(document, partial(self._result, document, read, stream))
        except BrokenPipeError:
            raise
        except Exception as error:
            yield from (Outcome(document, failure=Failure.of(error, document)) for document in rest)

    def _result(self, document: Input, read: ReadDocument | SourceError, stream: BinaryIO | None) -> Outcome:
        if isinstance(read, TypecaseError):
            raise read
        return self._written(document, replace(read.head, source=document.name), read.pages, stream, None)

    def _guarded(self, document: Input, action: Callable[[], Outcome]) -> Outcome:
        try:
            return action()
        except BrokenPipeError:
            raise
        except ExistsError as error:
            if self.job.results.resume:
                # Another process was faster.
                return Outcome(document, skipped=True)
            return Outcome(document, failure=Failure.of(error, document))
        except Exception as error:
            return Outcome(document, failure=Failure.of(error, document))

    def _written(
        self,
        document: Input,
        head: Head,
        pages: Iterable[ReadPage],
        stream: BinaryIO | None,
        page_done: PageDone | None,
    ) -> Outcome:
        held = io.BytesIO()
        failed: list[str] = []
        done = 0
        rest = iter(pages)
        # Nothing is written before anything is read, not even the beginning of it.
        first = next(rest, None)
        with ResultFiles(self.job.results, document, head, stream or held) as files:
            for read in itertools.chain(() if first is None else (first,), rest):
                files.page(read)
                done += 1
                if read.page.error:
                    failed.append(read.page.error)
                if page_done is not None:
                    page_done(done, head.page_count)
        return Outcome(document, held.getvalue(), tuple(failed), done)


def ordered(outcomes: Iterable[tuple[int, Outcome]]) -> Iterator[Outcome]:
    """Brings outcomes into the order of their numbers, each as soon as those before it are there."""
    waiting: dict[int, Outcome] = {}
    following = 0
    for number, outcome in outcomes:
        waiting[number] = outcome
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def say(sentence: str) -> None:
    """Tells of something that went wrong, on one line."""
    _LOGGER.error("%s", in_one_line(sentence))
