"""How reading many pages scales: memory over the pages of a long PDF and over many pictures, and several processes.

    python benchmarks/throughput.py

Expected output: a line for the machine, the SHA-256 of the weights, then Markdown tables: the memory of the process at
some pages of a PDF that is read and written as text, JSON and PDF page by page; the same over many pictures read one
after the other in one process; the seconds of `typecase read FOLDER` with one process and with two, each with one
thread, start included. Then what was reached beside the goals: memory of page 300 over page 10 at most 1.1, of page
2,000 over page 100 at most 1.05, and two processes at least 1.7 times as fast as one.

Time: about a quarter of an hour on two cores of a server processor; `--pages 40 --pictures 150 --documents 16` takes
two minutes and says as much about leaks that matter. Nothing else should run on the machine, or the last goal means
nothing.

The pages are receipts of SROIE's held-back part (numbers divisible by ten), over and over, in the PDF each on a sheet
of another size about A4; without the data, pages drawn by Pillow.
"""

from __future__ import annotations

import argparse
import gc
import io
import itertools
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import _common
from _common import Goal
from typecase.errors import UsageError

PDF_GOAL, PICTURES_GOAL, SPEED_GOAL = 1.1, 1.05, 1.7
RECEIPTS = "sroie/img"
SCALES = (0.8, 1.25)
"""How many times as large as A4 the sheets of the PDF are, at least and at most."""

_SETTLED_PDF, _SETTLED_PICTURES = 10, 100
"""The pages after which models are compiled, caches filled, and memory should grow no further."""


@dataclass(frozen=True)
class Memory:
    """Bytes that the process holds after a number of pages."""

    pages: int
    held: int


def receipts(root: Path | None) -> tuple[list[bytes], str]:
    """JPEG files of pages, and what they are in words."""
    folder = (root or _common.data_root()) / RECEIPTS
    paths = [path for path in sorted(folder.glob("*.jpg")) if path.stem.isdecimal() and int(path.stem) % 10 == 0]
    if paths:
        return [path.read_bytes() for path in paths], f"{len(paths)} receipts of SROIE, over and over"
    return [drawn(seed) for seed in range(12)], "12 pages drawn by Pillow, over and over"


def drawn(seed: int) -> bytes:
    """A page of words, as JPEG."""
    from PIL import Image, ImageDraw, ImageFont

    chance = random.Random(seed)
    words = "the quick brown fox jumps over a lazy dog while 12 boxes weigh 345.60 kg in all".split()
    image = Image.new("L", (1000, 1400), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for row in range(30):
        draw.text((80, 60 + 42 * row), " ".join(chance.choices(words, k=9)), 0, font)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def on_paper(contents: Sequence[bytes], count: int) -> Iterator[bytes]:
    """So many pages, over and over, each on a sheet of another size: the nets keep something for every size."""
    chance = random.Random(0)
    for content in itertools.islice(itertools.cycle(contents), count):
        yield sheet_of(content, chance.uniform(*SCALES))


def sheet_of(content: bytes, scale: float) -> bytes:
    """A page on a sheet that is so many times as wide and high as A4 at 150 dots per inch, as JPEG."""
    from PIL import Image, ImageOps

    width, height = round(1240 * scale), round(1754 * scale)
    margin = round(32 * scale)
    with Image.open(io.BytesIO(content)) as image:
        fitted = ImageOps.contain(image.convert("RGB"), (width - 2 * margin, height - 2 * margin))
    sheet = Image.new("RGB", (width, height), "white")
    sheet.paste(fitted, ((width - fitted.width) // 2, margin))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def write_pdf(path: Path, pictures: Iterable[bytes]) -> None:
    """Writes a PDF whose pages are JPEG pictures at 150 dots per inch."""
    import pikepdf
    from PIL import Image

    with pikepdf.new() as pdf:
        for content in pictures:
            with Image.open(io.BytesIO(content)) as image:
                width, height, grey = *image.size, image.mode == "L"
            stream = pikepdf.Stream(pdf, content)
            stream["/Type"], stream["/Subtype"] = pikepdf.Name.XObject, pikepdf.Name.Image
            stream["/Width"], stream["/Height"], stream["/BitsPerComponent"] = width, height, 8
            stream["/ColorSpace"] = pikepdf.Name.DeviceGray if grey else pikepdf.Name.DeviceRGB
            stream["/Filter"] = pikepdf.Name.DCTDecode
            size = (width / 150 * 72, height / 150 * 72)
            page = pikepdf.Dictionary(
                Type=pikepdf.Name.Page,
                MediaBox=[0, 0, *size],
                Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=pdf.make_indirect(stream))),
                Contents=pdf.make_stream(f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q".encode()),
            )
            pdf.pages.append(pikepdf.Page(page))
        pdf.save(path)


def held() -> int:
    """Bytes of memory that this process holds now, as Linux counts them."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def looks(count: int, settled: int) -> list[int]:
    """The pages after which memory is looked at."""
    return sorted({settled, *(max(settled, count * part // 4) for part in (1, 2, 3, 4))})


def memory_of_pdf(path: Path, folder: Path, count: int, settled: int) -> Iterator[Memory]:
    """Reads and writes a PDF page by page."""
    from typecase.reader import Reader
    from typecase.writers import FORMATS

    at = looks(count, settled)
    with ExitStack() as stack:
        reading = stack.enter_context(Reader().open(path))
        writers = [
            stack.enter_context(FORMATS[name].open(stack.enter_context((folder / name).open("wb")), reading.head))
            for name in ("text", "json", "pdf")
        ]
        for number, (page, origin) in enumerate(reading, 1):
            for writer in writers:
                writer.page(page, origin)
            if number in at:
                yield Memory(number, held())


def memory_of_pictures(pictures: Sequence[bytes], count: int, settled: int) -> Iterator[Memory]:
    """Reads pictures one after the other."""
    from typecase.reader import Reader

    reader = Reader()
    at = looks(count, settled)
    for number, content in enumerate(itertools.islice(itertools.cycle(pictures), count), 1):
        reader.read(content)
        if number in at:
            yield Memory(number, held())


def seconds_of_folder(folder: Path, out: Path, processes: int) -> float:
    """The whole process that reads a folder into files."""
    from predict_time import timed

    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "typecase", "read", str(folder), "-o", str(out), "-q"]
    seconds, _ = timed([*command, "-j", str(processes), "--threads", "1"])
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _common.parser_for(__doc__)
    parser.add_argument("--pages", type=int, default=300, metavar="N", help="pages of the PDF; 0 leaves it out")
    parser.add_argument("--pictures", type=int, default=2000, metavar="N", help="pictures in a row; 0 leaves them out")
    parser.add_argument(
        "--documents", type=int, default=100, metavar="N", help="pictures of the folder; 0 leaves it out"
    )
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs over the folder")
    options = parser.parse_args(arguments)
    if min(options.pages, options.pictures, options.documents) < 0 or options.runs < 1:
        raise UsageError("--pages, --pictures and --documents are at least 0, --runs at least 1.")
    with tempfile.TemporaryDirectory(prefix="typecase-throughput-") as name:
        _measure(options, Path(name))


def _measure(options: argparse.Namespace, folder: Path) -> None:
    from typecase.reader import Reader

    reader = Reader()
    models = [Path(reader.recognizer.path), Path(reader.page_reader.detector.path)]
    del reader
    contents, what = receipts(options.data)
    facts = _common.machine("as OpenVINO chooses")
    weights = _common.weights_facts(models)
    _common.print_head(facts, weights)
    print(f"Pages: {what}.\n")
    goals: list[Goal] = []
    results: dict[str, object] = {"pages": what}
    if options.pages:
        path = folder / "long.pdf"
        write_pdf(path, on_paper(contents, options.pages))
        settled = min(_SETTLED_PDF, options.pages)
        found = list(memory_of_pdf(path, folder, options.pages, settled))
        goals.append(_grown(f"page {options.pages} of a PDF over page {settled}", found, PDF_GOAL))
        results["pdf"] = [vars(one) for one in found]
        path.unlink()
    if options.pictures:
        settled = min(_SETTLED_PICTURES, options.pictures)
        found = list(memory_of_pictures(contents, options.pictures, settled))
        goals.append(_grown(f"picture {options.pictures:,} over picture {settled}", found, PICTURES_GOAL))
        results["pictures"] = [vars(one) for one in found]
    if options.documents:
        goals.append(_scaled(options, folder, contents, results))
    _common.print_goals(goals)
    _common.write_json(options.json, "throughput", facts, results, weights=weights)


def _grown(what: str, found: Sequence[Memory], goal: float) -> Goal:
    rows = [(f"{one.pages:,}", f"{one.held / 1e6:.1f} MB", f"{one.held / found[0].held:.3f}") for one in found]
    _common.print_table(("after pages", "memory", "ratio"), rows)
    print()
    ratio = found[-1].held / found[0].held
    return Goal(f"memory at {what}", f"{ratio:.3f}", f"at most {goal}", ratio <= goal)


def _scaled(options: argparse.Namespace, folder: Path, contents: Sequence[bytes], results: dict[str, object]) -> Goal:
    pictures = folder / "pictures"
    pictures.mkdir()
    for number, content in enumerate(itertools.islice(itertools.cycle(contents), options.documents)):
        (pictures / f"{number:05}.jpg").write_bytes(content)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    started = time.perf_counter()
    for _ in range(options.runs):
        # In turns, so that what else the machine does falls on both.
        for processes, taken in seconds.items():
            taken.append(seconds_of_folder(pictures, folder / "out", processes))
    rows = [
        (f"{processes}", f"{statistics.median(taken):.2f} s", f"{options.documents / statistics.median(taken):.1f}")
        for processes, taken in seconds.items()
    ]
    _common.print_table(("processes", f"{options.documents} pictures", "pictures a second"), rows)
    print(f"\nMeasured in {time.perf_counter() - started:.0f} s.")
    results["folder_seconds"] = {str(processes): taken for processes, taken in seconds.items()}
    ratio = statistics.median(seconds[1]) / statistics.median(seconds[2])
    return Goal("two processes against one", f"{ratio:.2f}", f"at least {SPEED_GOAL}", ratio >= SPEED_GOAL)


if __name__ == "__main__":
    _common.run(main)
