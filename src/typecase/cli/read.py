"""`typecase read`: the text in pictures and documents.

Only what every call needs is imported at the top; the picture of a line is to be read in half a second, start included.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

import typer

from typecase.cli import output
from typecase.cli.picture_arguments import in_one_line
from typecase.errors import ExitCode, InputError, SomeInputsError, TypecaseError, UsageError

if TYPE_CHECKING:
    from typecase.cli.read_inputs import Input
    from typecase.cli.read_job import Job, Outcome, PageDone

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

# What Tesseract's users know the modes by.
_MODE_OF_NUMBER = {"3": "page", "6": "block", "7": "line", "8": "word", "10": "char"}

DOCUMENTS_A_PROCESS = 4
"""A further process must have so many documents to do before it is worth its start."""

PAGES_A_PROCESS = 8
"""Likewise pages of a single document."""

MEMORY_A_PROCESS = 1 << 30
"""Bytes of free memory without which no further process is started."""

_LONG = (".pdf", ".tif", ".tiff")

_NAMED = 5
"""So many of the documents that failed are named at the end; the others were named when they failed."""

_WHAT, _HOW, _EXPECT, _RESULTS, _WORK = "What is read", "How it is read", "What to expect", "Results", "Work"

_EXAMPLES = """
[bold]Examples[/bold]

  typecase read receipt.jpg

  typecase read scans/ -o out/ --format text,pdf -j 4

  typecase read book.pdf --pages 1,3-5,end --format json

  typecase read meter.png --mode word --allow 0123456789

  typecase read label.png --mode line --pattern "[A-Z]{2}-\\d{4}"

Without -o the text goes to standard output. The code on leaving is 0, or 5 if some documents or pages could not be
read, or that of the failure if none could.
"""


@app.command(epilog=_EXAMPLES)
def read(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILES",
            help="Pictures, PDFs, folders of them, addresses, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A text file that lists more of them, one a line.", rich_help_panel=_WHAT),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Of folders only these, such as '*.pdf'.", rich_help_panel=_WHAT),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Of folders not these.", rich_help_panel=_WHAT),
    ] = None,
    pages: Annotated[
        str | None, typer.Option(metavar="1,3-5,end", help="Only these pages.", rich_help_panel=_WHAT)
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Only this part of each page, in pixels.", rich_help_panel=_WHAT),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            envvar="TYPECASE_PASSWORD", metavar="TEXT", help="What opens encrypted PDFs.", rich_help_panel=_WHAT
        ),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            "--psm",
            metavar="page|block|line|word|char",
            help="What each page shows.",
            rich_help_panel=_HOW,
        ),
    ] = "page",
    language: Annotated[
        str | None,
        typer.Option("-l", "--language", metavar="LANG", help="Languages, such as eng+deu.", rich_help_panel=_HOW),
    ] = None,
    dpi: Annotated[
        float | None,
        typer.Option(
            metavar="DPI", help="Dots per inch of PDFs; by default those of the picture in it.", rich_help_panel=_HOW
        ),
    ] = None,
    existing_text: Annotated[
        Literal["skip", "redo", "force"],
        typer.Option(help="Of PDFs that carry text: take it, read the rest, or read all.", rich_help_panel=_HOW),
    ] = "skip",
    decoder: Annotated[
        Literal["greedy", "beam"],
        typer.Option(help="beam follows several readings at once, and is slower.", rich_help_panel=_HOW),
    ] = "greedy",
    model: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A recogniser from `typecase export`.", rich_help_panel=_HOW),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Likewise what finds lines on a page.", rich_help_panel=_HOW),
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, help="The most pixels of a page; by default 200 million.", rich_help_panel=_HOW),
    ] = None,
    allow: Annotated[
        str | None,
        typer.Option(
            metavar="CHARACTERS", help="Read nothing but these; spaces between words stay.", rich_help_panel=_EXPECT
        ),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Words that are likely, one a line: names, part numbers.", rich_help_panel=_EXPECT
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="What a line, or each word, is likely to look like.", rich_help_panel=_EXPECT
        ),
    ] = None,
    language_model: Annotated[
        str,
        typer.Option(
            metavar="FILE|none", help="What is likely to be written, where it is unsure.", rich_help_panel=_EXPECT
        ),
    ] = "shipped",
    format: Annotated[
        str, typer.Option(metavar="text,json,...", help="What to write, apart by commas.", rich_help_panel=_RESULTS)
    ] = "text",
    folder: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write NAME.txt ... there.", rich_help_panel=_RESULTS),
    ] = None,
    boxes: Annotated[
        bool,
        typer.Option("--boxes", help="Draw NAME.boxes.png: what was read over each page.", rich_help_panel=_RESULTS),
    ] = False,
    layout: Annotated[
        bool, typer.Option("--layout", help="Keep columns by spaces, in text.", rich_help_panel=_RESULTS)
    ] = False,
    min_confidence: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Leave out words with less confidence.", rich_help_panel=_RESULTS),
    ] = 0.0,
    join_hyphens: Annotated[
        bool,
        typer.Option("--join-hyphens", help="Join words divided at the ends of lines.", rich_help_panel=_RESULTS),
    ] = False,
    characters: Annotated[
        bool | None,
        typer.Option(
            "--characters/--no-characters",
            help="Give each character with its box; by default of lines, words and characters.",
            rich_help_panel=_RESULTS,
            show_default=False,
        ),
    ] = None,
    alternatives: Annotated[
        int,
        typer.Option(min=0, max=20, help="How many other characters to give for each.", rich_help_panel=_RESULTS),
    ] = 3,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there.", rich_help_panel=_RESULTS)
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip documents whose results are there.", rich_help_panel=_RESULTS)
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, max=256, help="Processes at work at once.", rich_help_panel=_WORK),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Threads of each process; by default 1 of several, else the processors.", rich_help_panel=_WORK
        ),
    ] = None,
) -> None:
    """Read the text in pictures and documents."""
    from typecase.cli.read_inputs import check_names, find_inputs
    from typecase.cli.read_job import Job
    from typecase.cli.read_results import Results
    from typecase.decoding.options import read_words
    from typecase.reading import Request, region_of
    from typecase.writers import WriteOptions, formats_of

    mode = _MODE_OF_NUMBER.get(mode, mode)
    options: dict[str, Any] = {
        "pages": pages,
        "dpi": dpi,
        "password": password,
        "existing_text": existing_text,
        "region": None if region is None else region_of(region),
        "min_confidence": min_confidence,
        "join_hyphens": join_hyphens,
        "allow": allow,
        "pattern": pattern,
        "alternatives": alternatives,
        "decoder": decoder,
        "language_model": language_model,
        "words": read_words(words) if words is not None else (),
    }
    # So that what is wrong with them is said before anything is opened.
    Request.of(mode=mode, **options)
    formats = tuple(formats_of(format))
    place = None if folder in (None, "-") else Path(folder)
    documents = find_inputs(files or (), from_file, include or (), exclude or (), place)
    _check_place(formats, place, documents, resume=resume, overwrite=overwrite, boxes=boxes)
    if characters is None:
        characters = mode in ("line", "word", "char")
    results = Results(formats, place, boxes, overwrite, resume, WriteOptions(layout=layout, characters=characters))
    if place is not None or boxes:
        check_names(documents)
        results.check(documents)
    pages_to_do = _pages_of(documents[0], pages, password) if len(documents) == 1 and jobs != 1 else None
    if jobs is None:
        jobs = _usual_jobs(len(documents), pages_to_do, mode) if threads is None else 1
    jobs = min(jobs, pages_to_do or len(documents))
    if jobs > 1:
        threads = threads or 1
    opening = {"languages": language, "threads": threads, "model": model, "detector": detector}
    _run(Job(results, opening, mode, options, max_pixels, output.verbosity()), documents, jobs)


def _check_place(
    formats: Sequence[str],
    folder: Path | None,
    documents: Sequence[Input],
    *,
    resume: bool,
    overwrite: bool,
    boxes: bool,
) -> None:
    from typecase.writers import FORMATS

    if folder is not None:
        return
    if len(formats) > 1:
        raise UsageError("Several formats do not go to standard output at once; name a folder for them (-o DIR).")
    if (resume or overwrite) and not boxes:
        raise UsageError(f"{'--resume' if resume else '--overwrite'} is about files; name a folder for them (-o DIR).")
    kind = FORMATS[formats[0]]
    if not kind.media_type.startswith("text/") and formats[0] != "json":
        if len(documents) > 1:
            raise UsageError(f"Several documents as {formats[0]} do not go to standard output; name a folder (-o DIR).")
        if sys.stdout.isatty() and formats[0] == "pdf":
            raise UsageError(
                "A PDF is nothing for a screen; name a folder for it (-o DIR), or send it on (> file.pdf)."
            )


def _pages_of(document: Input, pages: str | None, password: str | None) -> int | None:
    """How many pages of a long document are to be read; None where it is none, or cannot be opened."""
    from typecase.sources.documents import open_document

    if document.path is None or document.suffix.lower() not in _LONG:
        return None
    try:
        with open_document(document.path, pages=pages, password=password) as opened:
            return opened.count
    except TypecaseError:
        return None


def _usual_jobs(documents: int, pages: int | None, mode: str) -> int:
    """How many processes are worth their start."""
    import os

    from typecase.cores import usable_cores

    most = documents // DOCUMENTS_A_PROCESS if pages is None else pages // PAGES_A_PROCESS
    if mode not in ("page", "block"):
        # A line takes a millisecond or two.
        most //= 100
    if most < 2:
        return 1
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        free = 4 * MEMORY_A_PROCESS
    return max(1, min(most, usable_cores(), free // MEMORY_A_PROCESS))


def _run(job: Job, documents: Sequence[Input], jobs: int) -> None:
    from typecase.cli.read_job import say

    to_standard_output = job.results.folder is None
    tally = _Tally(len(documents))
    try:
        with ExitStack() as stack:
            progress = stack.enter_context(_Progress(len(documents), hidden=to_standard_output and sys.stdout.isatty()))
            for outcome in _outcomes(job, documents, jobs, progress, stack):
                progress.document_done()
                if outcome.content:
                    sys.stdout.buffer.write(outcome.content)
                tally.add(outcome)
                for sentence in outcome.failed_pages:
                    say(sentence)
                if outcome.failure is not None:
                    if outcome.failure.ends_all:
                        raise outcome.failure.error
                    if len(documents) > 1:
                        say(outcome.failure.sentence)
    except KeyboardInterrupt:
        if len(documents) > 1 and not to_standard_output:
            output.messages().print(
                f"Interrupted; {tally.done} of {len(documents)} documents are done. --resume goes on."
            )
        raise
    tally.leave()


def _outcomes(
    job: Job, documents: Sequence[Input], jobs: int, progress: _Progress, stack: ExitStack
) -> Iterator[Outcome]:
    from typecase.cli.read_job import JobRunner, ordered

    stream: BinaryIO | None = sys.stdout.buffer if job.results.folder is None else None
    if jobs > 1:
        from typecase.cli.worker_pool import WorkerPool

        pool = stack.enter_context(WorkerPool(job, jobs))
        if len(documents) == 1:
            yield JobRunner(job).run_in(pool, documents[0], stream, progress.page_done)
        elif stream is None:
            yield from (outcome for _, outcome in pool.outcomes(documents))
        else:
            yield from ordered(pool.outcomes(documents))
        return
    runner = JobRunner(job)
    for start in range(0, len(documents), job.at_once):
        yield from runner.run(documents[start : start + job.at_once], stream, progress.page_done)


class _Progress:
    """A bar on standard error: documents, or the pages of the only one; none where nobody looks."""

    def __init__(self, documents: int, *, hidden: bool) -> None:
        self._documents = documents
        self._hidden = hidden or not sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> _Progress:
        if not self._hidden and self._documents > 1:
            self._start("Documents", self._documents)
        return self

    def _start(self, what: str, total: int | None) -> None:
        self._bar = output.progress()
        self._bar.start()
        self._task = self._bar.add_task(what, total=total)

    @property
    def page_done(self) -> PageDone | None:
        """What is told of each page, where that is shown."""
        return None if self._hidden or self._documents > 1 else self._page_done

    def _page_done(self, done: int, count: int | None) -> None:
        if self._bar is None:
            if count == 1:
                return
            self._start("Pages", count)
        self._bar.update(self._task, completed=done)

    def document_done(self) -> None:
        """One document more is done."""
        if self._bar is not None and self._documents > 1:
            self._bar.advance(self._task)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class _Tally:
    """What became of all documents, and the exit code that follows from it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._failed: list[Outcome] = []
        self._partly: list[Outcome] = []
        self.done = 0

    def add(self, outcome: Outcome) -> None:
        """Counts a document."""
        if outcome.failure is not None:
            self._failed.append(outcome)
            return
        self.done += 1
        if outcome.failed_pages:
            self._partly.append(outcome)

    def leave(self) -> None:
        """Raises what the exit code stands for, where something could not be read."""
        bug = next((one.failure for one in self._failed if one.failure and one.failure.details), None)
        if bug is not None:
            raise bug.error
        if self._count == 1 and self._failed and self._failed[0].failure is not None:
            raise self._failed[0].failure.error
        if len(self._failed) == self._count > 0:
            codes = {one.failure.exit_code for one in self._failed if one.failure is not None}
            error = InputError(f"None of the {self._count} documents could be read; the reasons stand above.")
            error.exit_code = codes.pop() if len(codes) == 1 else ExitCode.INPUT
            raise error
        sentences = []
        if self._failed:
            names = _names([one.document.name for one in self._failed])
            sentences.append(f"{len(self._failed)} of {self._count} documents could not be read ({names})")
        if self._partly:
            pages = sum(len(one.failed_pages) for one in self._partly)
            total = sum(one.pages for one in self._partly)
            names = _names([one.document.name for one in self._partly])
            sentences.append(f"{pages} of {total} pages could not be read ({names})")
        if sentences:
            raise SomeInputsError(f"{' and '.join(sentences)}; the others were done.")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(map(in_one_line, names[:_NAMED]))
    return f"{shown}, ..." if len(names) > _NAMED else shown
