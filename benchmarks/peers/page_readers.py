"""What reads pages in the comparison, each behind the same calls, and the answers of peers that are kept."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import environment
from peers.readers import Kept, ask_worker
from typecase.datasets.line_sample import Box, Piece
from typecase.document import Document
from typecase.errors import InputError
from typecase.files import sha256_of

WORKER = Path(__file__).with_name("rapidocr_pages.py")


@dataclass(frozen=True)
class PagePicture:
    """One page to read.

    Attributes:
        path: The file, which every reader opens by itself.
        language: The language that it is in, of two letters.
    """

    path: Path
    language: str = "en"


@dataclass(frozen=True)
class PageAnswer:
    """What a reader made of a page.

    Attributes:
        text: What it read, in its own order.
        pieces: The words, or the lines where it tells no words, with their boxes in pixels.
    """

    text: str
    pieces: tuple[Piece, ...] = ()


class PageReader(ABC):
    """Reads whole pages.

    Attributes:
        name: What tables call it.
        facts: What its answers depend on, as JSON values.
        weights: The files that it reads with.
    """

    name: str
    facts: Mapping[str, Any]
    weights: Sequence[Path]

    @abstractmethod
    def read(self, pages: Sequence[PagePicture]) -> list[PageAnswer]:
        """Reads pages as well as the reader can."""

    @abstractmethod
    def seconds(self, pages: Sequence[PagePicture]) -> float:
        """Reads pages one after the other, loaded and warm, and gives the seconds of it all."""

    @abstractmethod
    def command(self, page: PagePicture) -> tuple[list[str], str]:
        """A process that reads a page and ends: its command, and what it is given on standard input."""


class RapidOcrPages(PageReader):
    """RapidOCR in the peers' environment.

    Args:
        threads: Threads that it computes with.
    """

    name = "RapidOCR"

    def __init__(self, threads: int = 2) -> None:
        self.python = environment.set_up()
        self.threads = threads
        self.facts = {"requirements": " ".join(environment.REQUIREMENTS.read_text(encoding="utf-8").split())}
        self.weights = sorted(self.python.parents[1].glob("lib/python*/site-packages/rapidocr/models/*.onnx"))

    def read(self, pages: Sequence[PagePicture]) -> list[PageAnswer]:
        """See `PageReader`."""
        found = ask_worker(self.python, WORKER, self._job(pages, warm=False))["pages"]
        return [
            PageAnswer("\n".join(text for text, _ in page), tuple(Piece(text, _around(box)) for text, box in page))
            for page in found
        ]

    def seconds(self, pages: Sequence[PagePicture]) -> float:
        """See `PageReader`."""
        return float(sum(ask_worker(self.python, WORKER, self._job(pages, warm=True))["seconds"]))

    def command(self, page: PagePicture) -> tuple[list[str], str]:
        """See `PageReader`."""
        return [str(self.python), str(WORKER)], json.dumps(self._job([page], warm=False))

    def _job(self, pages: Sequence[PagePicture], *, warm: bool) -> dict[str, Any]:
        return {"pages": [str(page.path.resolve()) for page in pages], "threads": self.threads, "warm": warm}


def _around(corners: Sequence[Sequence[float]]) -> Box:
    left, top = (min(corner[side] for corner in corners) for side in (0, 1))
    right, bottom = (max(corner[side] for corner in corners) for side in (0, 1))
    return left, top, right - left, bottom - top


class TesseractPages(PageReader):
    """Tesseract's program with its own finding of the page's parts, told the language.

    Args:
        threads: Threads that it computes with, and pages that it reads beside each other when no time is measured.
    """

    name = "Tesseract"

    def __init__(self, threads: int = 2) -> None:
        self.program = environment.tesseract_program()
        self.threads = threads
        self.facts = {"version": environment.tesseract_version(self.program), "pages": 1}
        self.weights = [environment.tesseract_data(self.program) / "eng.traineddata"]

    def read(self, pages: Sequence[PagePicture]) -> list[PageAnswer]:
        """See `PageReader`."""
        needed = {environment.TESSERACT_LANGUAGES[page.language] for page in pages}
        environment.check_tesseract_languages(self.program, needed)
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(self._read, pages))

    def seconds(self, pages: Sequence[PagePicture]) -> float:
        """See `PageReader`.

        The program is started once for all pages, which is quicker than once a page; loading is part of it.
        """
        with tempfile.TemporaryDirectory(prefix="typecase-tesseract-") as folder:
            listed = Path(folder) / "pages.txt"
            listed.write_text("".join(f"{page.path.resolve()}\n" for page in pages), encoding="utf-8")
            started = time.perf_counter()
            self._run([str(listed), "stdout", "-l", environment.TESSERACT_LANGUAGES[pages[0].language]], self.threads)
            return time.perf_counter() - started

    def command(self, page: PagePicture) -> tuple[list[str], str]:
        """See `PageReader`."""
        language = environment.TESSERACT_LANGUAGES[page.language]
        return [self.program, str(page.path.resolve()), "stdout", "-l", language], ""

    def _read(self, page: PagePicture) -> PageAnswer:
        language = environment.TESSERACT_LANGUAGES[page.language]
        with tempfile.TemporaryDirectory(prefix="typecase-tesseract-") as folder:
            base = Path(folder) / "page"
            self._run([str(page.path.resolve()), str(base), "-l", language, "txt", "tsv"], 1)
            text = base.with_suffix(".txt").read_text(encoding="utf-8").replace("\f", "\n")
            rows = base.with_suffix(".tsv").read_text(encoding="utf-8").split("\n")[1:]
        pieces = []
        for row in rows:
            columns = row.split("\t")
            if len(columns) == 12 and columns[11].strip():
                left, top, width, height = map(float, columns[6:10])
                pieces.append(Piece(columns[11], (left, top, width, height)))
        return PageAnswer(text, tuple(pieces))

    def _run(self, arguments: Sequence[str], threads: int) -> None:
        within = {**os.environ, "OMP_THREAD_LIMIT": str(threads)}
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False, env=within)
        if done.returncode:
            told = done.stderr.strip().splitlines()
            raise InputError(f"Tesseract failed: {told[-1] if told else f'exit code {done.returncode}'}.")


def answer_of(document: Document) -> PageAnswer:
    """What typecase read, as the comparison takes it."""
    return PageAnswer(document.text, tuple(Piece(word.text, word.box) for word in document.words))


class KeptPages:
    """The answers of a peer to pages, kept under the hash of each file.

    Args:
        reader: The peer.
        anew: Whether kept answers are thrown away first.
    """

    def __init__(self, reader: PageReader, *, anew: bool = False) -> None:
        self.reader = reader
        self._kept = Kept(reader.name, reader.facts, "pages", anew=anew)

    def read(self, pages: Sequence[PagePicture], report: str) -> list[PageAnswer]:
        """Gives the answers to some pages; see `Kept.answers`."""
        keys = [f"{sha256_of(page.path)[:20]} {page.language}" for page in pages]

        def ask(waiting: Sequence[PagePicture]) -> list[dict[str, Any]]:
            return [
                {"text": answer.text, "pieces": [[one.text, list(one.box)] for one in answer.pieces]}
                for answer in self.reader.read(waiting)
            ]

        found = self._kept.answers(dict(zip(keys, pages, strict=True)), ask, report, share=25)
        return [
            PageAnswer(
                found[key]["text"], tuple(Piece(text, (x, y, w, h)) for text, (x, y, w, h) in found[key]["pieces"])
            )
            for key in keys
        ]
