"""Searchable PDFs: what is copied out of them, where words are selected, how they grow; and OCRmyPDF with our plug-in.

    TYPECASE_DATA=../shared/data python benchmarks/documents.py

Expected output: a line for the machine, the SHA-256 of the weights; then a Markdown table with a line for each set of
pages: the share of the reader's words that pdftotext and pypdfium2 copy out of the searchable PDF as they are; the
distance of the box that is selected, in pixels at 150 dots per inch (median of four edges, then of all words), from the
word that was read and from the true word, which only drawn pages tell to the pixel; and the largest growth of a file.
Then OCRmyPDF with typecase and with Tesseract on the same PDF: seconds by the clock, seconds of computing, word F1.
Last each goal with whether it is met: 99.5 % of words, 2 pixels, growth by 15 % or 20 KB a page, twice the speed by the
clock, and a word F1 not lower.

Time: ten minutes on two cores of a server processor, half of it for OCRmyPDF; `--limit 5 --ocrmypdf 4` takes one. The
seconds mean something on a quiet machine only; all else is the same on every machine to within a word or two.

The sets are those of `pages.py`: receipts of SROIE whose number is divisible by ten, forms of FUNSD, and drawn pages.
Copying needs pdftotext (Poppler), the comparison Tesseract and `typecase[ocrmypdf]`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common
from _common import Goal
from typecase.document import Box, Document, Page, Word
from typecase.errors import DataError, UsageError

if TYPE_CHECKING:
    from peers.page_sets import PageSet, TruePage
    from typecase.reader import Reader

SETS = ("sroie", "funsd", "drawn")
COPIED_GOAL, DISTANCE_GOAL, SPEED_GOAL = 0.995, 2.0, 2.0
GROWTH_SHARE, GROWTH_BYTES = 0.15, 20_000
DPI = 150.0

_MARKS_OF_DIRECTION = dict.fromkeys([0x200E, 0x200F, 0x202A, 0x202B, 0x202C])


@dataclass
class Found:
    """What was measured on a set.

    Attributes:
        read: Words that the reader read.
        copied: Of those, the words that each program copies as they are.
        from_read: Distances of the edges of selected words from the words that were read, in pixels at 150 dpi.
        from_true: Likewise from the true words.
        growth: Bytes that each file grew by, and those it had.
    """

    read: int = 0
    copied: Counter[str] = field(default_factory=Counter)
    from_read: list[float] = field(default_factory=list)
    from_true: list[float] = field(default_factory=list)
    growth: list[tuple[int, int]] = field(default_factory=list)

    @property
    def excess(self) -> int:
        """By how many bytes the worst file grew beyond what is allowed; below 0 where none did."""
        return max(grown - max(GROWTH_BYTES, round(GROWTH_SHARE * size)) for grown, size in self.growth)


def copied_by_pdftotext(content: bytes) -> str:
    """The text that Poppler copies."""
    done = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode().translate(_MARKS_OF_DIRECTION)


def copied_by_pypdfium2(content: bytes) -> str:
    """The text that PDFium copies."""
    import pypdfium2  # type: ignore[import-untyped]

    document = pypdfium2.PdfDocument(content)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


COPIES = {"pdftotext": copied_by_pdftotext, "pypdfium2": copied_by_pypdfium2}


def selected(content: bytes, page: Page) -> Iterator[Word]:
    """The words of a searchable PDF where a viewer selects them, in pixels of the page that was read."""
    from typecase.sources.documents import open_document

    with open_document(content, existing_text="skip") as document:
        for source in document:
            if source.own is None:
                continue
            across, down = page.width / source.own.width, page.height / source.own.height
            for word in source.own.words:
                box = Box(word.box.x * across, word.box.y * down, word.box.width * across, word.box.height * down)
                yield Word(word.text, box, 1.0)


def distances(words: Sequence[Word], others: Sequence[tuple[str, Box]], scale: float) -> list[float]:
    """The median distance of four edges, for each word that has its like among others; each serves once, the nearest.

    Args:
        words: Selected words.
        others: Texts and boxes.
        scale: What a pixel is at 150 dots per inch.
    """
    left: dict[str, list[Box]] = {}
    for text, box in others:
        left.setdefault(text, []).append(box)
    found = []
    for word in words:
        candidates = left.get(word.text)
        if candidates:
            nearest = min(candidates, key=lambda box: abs(box.x - word.box.x) + abs(box.y - word.box.y))
            candidates.remove(nearest)
            edges = (word.box.x - nearest.x, word.box.y - nearest.y)
            far = (word.box.right - nearest.right, word.box.bottom - nearest.bottom)
            found.append(scale * statistics.median(map(abs, (*edges, *far))))
    return found


def measured(reader: Reader, pages: PageSet, limit: int | None) -> Found:
    """Reads a set, writes a PDF of each page, and looks at it as other programs do."""
    from typecase.writers import FORMATS
    from typecase.writers.pdf_pictures import dots_per_inch

    found = Found()
    for number, true in enumerate(pages.pages[:limit], 1):
        print(f"\r{pages.title}: {number}", end="", file=sys.stderr, flush=True)
        path = true.picture.path
        with reader.open(path) as reading:
            [(page, origin)] = list(reading)
            document = Document((page,), reading.head.source, dict(reading.head.provenance))
            content = FORMATS["pdf"].render(document, head=reading.head, origins=[origin])
        words = Counter(page.text.split())
        found.read += words.total()
        for name, copy in COPIES.items():
            found.copied[name] += (words & Counter(copy(content).split())).total()
        scale = DPI / dots_per_inch(page)
        marked = list(selected(content, page))
        found.from_read += distances(marked, [(word.text, word.box) for word in page.words], scale)
        found.from_true += distances(marked, _true_words(true), scale)
        found.growth.append((len(content) - path.stat().st_size, path.stat().st_size))
    print(file=sys.stderr)
    return found


def _true_words(page: TruePage) -> list[tuple[str, Box]]:
    # Receipts tell lines, whose words have no boxes of their own.
    return [(piece.text, Box(*piece.box)) for piece in page.pieces if " " not in piece.text]


@dataclass(frozen=True)
class Run:
    """What OCRmyPDF did with an engine: seconds by the clock, seconds that all its processes computed, word F1."""

    seconds: float
    computed: float
    f1: float


def ocrmypdf_run(pdf: Path, truths: Sequence[str], options: Sequence[str], jobs: int, folded: bool) -> Run:
    """Runs OCRmyPDF and scores the text of its PDF, page by page."""
    from typecase.text_score import word_counts, word_f1

    out = pdf.with_suffix(".out.pdf")
    command = [sys.executable, "-m", "ocrmypdf", "--output-type", "pdf", "-O0", "-q", "-j", str(jobs), *options]
    start, before = time.perf_counter(), _computed()
    subprocess.run([*command, pdf, out], check=True)
    seconds, computed = time.perf_counter() - start, _computed() - before
    texts = copied_by_pdftotext(out.read_bytes()).split("\f")
    counts = [word_counts(truth, text, folded) for truth, text in zip(truths, texts, strict=False)]
    matched, true, read = (sum(column) for column in zip(*counts, strict=True))
    return Run(seconds, computed, word_f1(matched, true, read))


def _computed() -> float:
    """Seconds that processes computed which this one started and which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compared(pages: PageSet, count: int, jobs: int, runs: int, folder: Path) -> dict[str, list[Run]]:
    """OCRmyPDF with both engines in turns, on one PDF of the first pages of a set."""
    import img2pdf  # type: ignore[import-untyped]

    chosen = pages.pages[:count]
    pdf = folder / "pages.pdf"
    pdf.write_bytes(img2pdf.convert([str(page.picture.path) for page in chosen]))
    engines = {
        "typecase": ["--plugin", "typecase.compat.ocrmypdf"],
        "Tesseract": ["-l", "eng"],
    }
    found: dict[str, list[Run]] = {name: [] for name in engines}
    for _ in range(runs):
        for name, options in engines.items():
            found[name].append(ocrmypdf_run(pdf, [page.text for page in chosen], options, jobs, pages.folded))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"which of {', '.join(SETS)}; all by default")
    parser.add_argument("--limit", type=int, metavar="N", help="the first pages of each set only")
    parser.add_argument("--ocrmypdf", type=int, default=20, metavar="N", help="pages for OCRmyPDF; 0 leaves it out")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes of OCRmyPDF")
    parser.add_argument("--runs", type=int, default=2, metavar="N", help="runs of OCRmyPDF with each engine")
    options = parser.parse_args(arguments)
    if min(options.jobs, options.runs) < 1 or options.ocrmypdf < 0 or (options.limit is not None and options.limit < 1):
        raise UsageError("--limit, --jobs and --runs are at least 1, --ocrmypdf at least 0.")
    names = _common.chosen(options.sets, SETS, "set")
    if shutil.which("pdftotext") is None:
        raise DataError("pdftotext is not installed; install Poppler (poppler-utils).")
    _measure(options, names)


def _measure(options: argparse.Namespace, names: Sequence[str]) -> None:
    from peers.page_sets import open_set
    from typecase.reader import Reader

    reader = Reader()
    facts = _common.machine("as OpenVINO chooses")
    weights = _common.weights_facts([Path(reader.recognizer.path), Path(reader.page_reader.detector.path)])
    _common.print_head(facts, weights)
    sets = {name: open_set(name, options.data) for name in names}
    results: dict[str, Any] = {}
    rows, goals = [], []
    for name, pages in sets.items():
        found = measured(reader, pages, options.limit)
        shares = {copy: found.copied[copy] / max(1, found.read) for copy in COPIES}
        near = statistics.median(found.from_read or [0.0])
        true = statistics.median(found.from_true) if found.from_true else None
        worst = max(grown for grown, _ in found.growth)
        rows.append(
            (
                name,
                str(len(found.growth)),
                str(found.read),
                *(f"{100 * share:.2f} %" for share in shares.values()),
                f"{near:.2f}",
                "" if true is None else f"{true:.2f}",
                f"{worst / 1000:.1f} KB",
            )
        )
        results[name] = {**shares, "from_read": near, "from_true": true, "largest_growth": worst}
        least = min(shares.values())
        goals.append(Goal(f"{name}: words copied as read", f"{100 * least:.2f} %", "99.5 %", least >= COPIED_GOAL))
        # People drew the boxes of receipts and forms, with room around the words.
        distance = true if name == "drawn" and true is not None else near
        goals.append(
            Goal(f"{name}: distance of the selected word", f"{distance:.2f} px", "2 px", distance <= DISTANCE_GOAL)
        )
        goals.append(
            Goal(f"{name}: growth beyond 15 % or 20 KB", f"{max(0, found.excess)} bytes", "0", found.excess <= 0)
        )
    _common.print_table(("set", "pages", "words", *COPIES, "px from read", "px from true", "largest growth"), rows)
    del reader
    if options.ocrmypdf:
        goals += _compared(options, next(iter(sets.values())), results)
    _common.print_goals(goals)
    _common.write_json(options.json, "documents", facts, results, weights=weights)


def _compared(options: argparse.Namespace, pages: PageSet, results: dict[str, Any]) -> list[Goal]:
    if shutil.which("tesseract") is None:
        raise DataError("Tesseract is not installed, which OCRmyPDF needs; install it, or leave it out (--ocrmypdf 0).")
    with tempfile.TemporaryDirectory(prefix="typecase-documents-") as folder:
        found = compared(pages, options.ocrmypdf, options.jobs, options.runs, Path(folder))
    print()
    seconds = {name: statistics.median(run.seconds for run in runs) for name, runs in found.items()}
    computed = {name: statistics.median(run.computed for run in runs) for name, runs in found.items()}
    scores = {name: runs[0].f1 for name, runs in found.items()}
    _common.print_table(
        ("OCRmyPDF with", "seconds", "of computing", "word F1"),
        [(name, f"{seconds[name]:.1f}", f"{computed[name]:.1f}", f"{scores[name]:.3f}") for name in found],
    )
    results["ocrmypdf"] = {
        name: {"seconds": seconds[name], "computed": computed[name], "f1": scores[name]} for name in found
    }
    faster = seconds["Tesseract"] / seconds["typecase"]
    return [
        Goal("OCRmyPDF: speed over Tesseract's", f"{faster:.2f}x", "2x", faster >= SPEED_GOAL),
        Goal(
            "OCRmyPDF: word F1 beside Tesseract's",
            f"{scores['typecase']:.3f} / {scores['Tesseract']:.3f}",
            "not lower",
            scores["typecase"] >= scores["Tesseract"],
        ),
    ]


if __name__ == "__main__":
    _common.run(main)
