"""Typecase's reader of pages, behind the same calls as the peers; as a program, how its memory grows page by page.

Run as `python ours_pages.py COUNT EVERY THREADS FILE...` it reads COUNT pages in one process, the files over and over,
and prints the resident memory in bytes after every EVERY pages, a line of two numbers each.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import _common  # noqa: F401 (puts this checkout on the path)
from peers.ours import weights_of
from peers.page_readers import PageAnswer, PagePicture, PageReader, answer_of
from typecase.reader import Reader
from typecase.stages.detect import SHIPPED_MODEL as PAGES

# Read before the time of others is measured, so that the first page does not pay for what is made only once.
_WARM = 3


class OurPages(PageReader):
    """The reader as it is installed.

    Args:
        threads: Threads that it computes with.
        model: What reads lines; None takes the shipped one.
        detector: What finds them; None takes the shipped one.

    Raises:
        ModelError: A model is missing.
    """

    name = "typecase"

    def __init__(self, threads: int = 2, model: Path | None = None, detector: Path | None = None) -> None:
        self.reader = Reader(threads=threads, model=model, detector=detector)
        # Opened now, so that a model that is missing is told before anything is measured.
        self.reader.page_reader  # noqa: B018
        self.threads = threads
        self.facts: Mapping[str, Any] = {"threads": threads}
        self._named = {"--model": model, "--detector": detector}
        self.weights = [*weights_of(self.reader.recognizer), detector or PAGES]

    def read(self, pages: Sequence[PagePicture]) -> list[PageAnswer]:
        """See `PageReader`."""
        return [answer_of(self.reader.read(page.path)) for page in pages]

    def seconds(self, pages: Sequence[PagePicture]) -> float:
        """See `PageReader`."""
        for page in pages[:_WARM]:
            self.reader.read(page.path)
        started = time.perf_counter()
        for page in pages:
            self.reader.read(page.path)
        return time.perf_counter() - started

    def command(self, page: PagePicture) -> tuple[list[str], str]:
        """See `PageReader`."""
        named = [text for flag, path in self._named.items() if path is not None for text in (flag, str(path.resolve()))]
        path = str(page.path.resolve())
        return [sys.executable, "-m", "typecase", "read", path, "--threads", str(self.threads), *named], ""


def resident() -> int:
    """The memory that this process holds now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(arguments: Sequence[str]) -> None:
    count, every, threads = map(int, arguments[:3])
    reader = Reader(threads=threads)
    for number, path in enumerate(islice(cycle(arguments[3:]), count), start=1):
        reader.read(path)
        if number % every == 0:
            print(number, resident(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
