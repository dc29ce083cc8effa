"""What reads lines in the comparison, each behind the same two calls, and the answers that are kept.

A peer's answer for a picture never changes, so it is kept under the hash of the picture's pixels: a rerun asks the
peers nothing, and a set that changed asks them for the new pictures alone. Ours is asked anew every time.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageOps

from peers import environment
from typecase.errors import InputError
from typecase.files import atomic_write, cache_folder

T = TypeVar("T")

WORKER = Path(__file__).with_name("rapidocr_lines.py")

TESSERACT_BORDER = 10
"""Pixels of paper that Tesseract is given around a line; without it a tight crop costs it half as many errors again
(SROIE: CER 0.10 with, 0.16 without; page segmentation mode 13 and pictures of twice the size are worse as well)."""

_TESSERACT_SHARE = 50


@dataclass(frozen=True)
class Answer:
    """What a reader made of a line.

    Attributes:
        text: What it read.
        confidence: 0..1, or None where the reader tells none.
    """

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Picture:
    """One line to read.

    Attributes:
        path: The file of the picture.
        language: The language that it is in, of two letters.
        word: Whether it is known to hold a single word.
    """

    path: Path
    language: str = "en"
    word: bool = False


def ask_worker(python: Path, worker: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Runs a script in RapidOCR's environment that takes a job as JSON and answers with JSON.

    Raises:
        InputError: It failed.
    """
    # The peer's environment must not see this checkout's packages.
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), str(worker)]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False, env=without)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise InputError(f"RapidOCR failed: {told[-1] if told else f'exit code {done.returncode}'}.")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


class LineReader(ABC):
    """Reads pictures of lines.

    Attributes:
        name: What tables call it.
        facts: What its answers depend on, as JSON values.
        weights: The files that it reads with.
    """

    name: str
    facts: Mapping[str, Any]
    weights: Sequence[Path]

    @abstractmethod
    def read(self, pictures: Sequence[Picture]) -> list[Answer]:
        """Reads lines one by one, as well as the reader can."""

    @abstractmethod
    def seconds(self, pages: Sequence[Sequence[Picture]]) -> float:
        """Reads pages, each page's lines at once, and gives the seconds of the reading alone."""


class RapidOcrLines(LineReader):
    """RapidOCR's recogniser in the peers' environment.

    Args:
        threads: Threads that it computes with.
        batch: Lines that it reads at once where the time is measured; 1 reads them one by one.
    """

    def __init__(self, threads: int = 2, batch: int = 1) -> None:
        self.python = environment.set_up()
        self.threads = threads
        self.batch = batch
        self.name = "RapidOCR" if batch == 1 else f"RapidOCR, batches of {batch}"
        self.facts: Mapping[str, Any] = {
            "requirements": " ".join(environment.REQUIREMENTS.read_text(encoding="utf-8").split()),
            "batch": batch,
        }
        self.weights: Sequence[Path] = sorted(
            self.python.parents[1].glob("lib/python*/site-packages/rapidocr/models/*rec*.onnx")
        )

    def read(self, pictures: Sequence[Picture]) -> list[Answer]:
        """See `LineReader`."""
        return self._run([pictures])[0][0]

    def seconds(self, pages: Sequence[Sequence[Picture]]) -> float:
        """See `LineReader`."""
        return sum(self._run(pages)[1])

    def _run(self, pages: Sequence[Sequence[Picture]]) -> tuple[list[list[Answer]], list[float]]:
        job = {
            "pages": [[str(picture.path.resolve()) for picture in page] for page in pages],
            "batch": self.batch,
            "threads": self.threads,
        }
        answers = ask_worker(self.python, WORKER, job)
        return [[Answer(text, score) for text, score in page] for page in answers["pages"]], answers["seconds"]


class TesseractLines(LineReader):
    """Tesseract's program, told that each picture is a line (or a word) of a language.

    Args:
        processes: Processes among which the lines are shared out when the time is not measured.
    """

    def __init__(self, processes: int = 2) -> None:
        self.program = environment.tesseract_program()
        self.name = "Tesseract"
        self.processes = processes
        self.facts: Mapping[str, Any] = {
            "version": environment.tesseract_version(self.program),
            "border": TESSERACT_BORDER,
        }
        self.weights: Sequence[Path] = [environment.tesseract_data(self.program) / "eng.traineddata"]

    def read(self, pictures: Sequence[Picture]) -> list[Answer]:
        """See `LineReader`."""
        answers: list[Answer] = [Answer("")] * len(pictures)
        groups: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            groups[picture.language, picture.word].append(number)
        environment.check_tesseract_languages(self.program, {self._language(language) for language, _ in groups})
        shares = [
            (kind, numbers[start : start + _TESSERACT_SHARE])
            for kind, numbers in groups.items()
            for start in range(0, len(numbers), _TESSERACT_SHARE)
        ]
        with tempfile.TemporaryDirectory(prefix="typecase-tesseract-") as folder:

            def texts(place: int) -> list[str]:
                (language, word), numbers = shares[place]
                paths = self._prepare([pictures[number] for number in numbers], Path(folder) / str(place))
                return self._read(paths, language, word)

            with ThreadPoolExecutor(self.processes) as pool:
                for (_, numbers), read in zip(shares, pool.map(texts, range(len(shares))), strict=True):
                    for number, text in zip(numbers, read, strict=True):
                        answers[number] = Answer(text)
        return answers

    def seconds(self, pages: Sequence[Sequence[Picture]]) -> float:
        """See `LineReader`."""
        with tempfile.TemporaryDirectory(prefix="typecase-tesseract-") as name:
            paths = self._prepare([picture for page in pages for picture in page], Path(name))
            first = pages[0][0]
            started = time.perf_counter()
            self._read(paths, first.language, first.word)
            return time.perf_counter() - started

    def _language(self, language: str) -> str:
        return environment.TESSERACT_LANGUAGES[language]

    def _prepare(self, pictures: Sequence[Picture], folder: Path) -> list[Path]:
        folder.mkdir(exist_ok=True)
        paths = []
        for number, picture in enumerate(pictures):
            with Image.open(picture.path) as image:
                grey = image.convert("L")
            values = np.asarray(grey)
            edge = int(np.median(np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])))
            path = folder / f"{number:05}.png"
            ImageOps.expand(grey, TESSERACT_BORDER, fill=edge).save(path)
            paths.append(path)
        return paths

    def _read(self, paths: Sequence[Path], language: str, word: bool) -> list[str]:
        listed = paths[0].with_suffix(".txt")
        listed.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        command = [self.program, str(listed), "stdout", "--psm", "8" if word else "7", "-l", self._language(language)]
        # A line is too small to share out among threads: with more than one Tesseract is slower.
        alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
        texts = done.stdout.split("\f")
        if done.returncode or len(texts) != len(paths):
            told = done.stderr.strip().splitlines()
            why = told[-1] if told else "it says nothing"
            raise InputError(f"Tesseract gave {len(texts)} answers to {len(paths)} pictures ({why}).")
        return [text.strip() for text in texts]


class Kept:
    """What a peer answered before, in a file of the cache folder.

    Args:
        name: The peer.
        facts: What its answers depend on.
        kind: What the answers are, in the file's name.
        anew: Whether kept answers are thrown away first.
    """

    def __init__(self, name: str, facts: Mapping[str, Any], kind: str = "answers", *, anew: bool = False) -> None:
        self.name = name
        key = hashlib.sha256(json.dumps([name, dict(facts)], sort_keys=True).encode()).hexdigest()[:12]
        self.path = cache_folder() / "peers" / f"{kind}-{key}.json"
        self._kept: dict[str, Any] = {}
        if self.path.exists() and not anew:
            try:
                self._kept = json.loads(self.path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                print(f"{self.path} is damaged; {name} reads everything again.", file=sys.stderr)

    def answers(
        self, asked: Mapping[str, T], ask: Callable[[Sequence[T]], Sequence[Any]], report: str, share: int = 500
    ) -> dict[str, Any]:
        """Gives answers, and asks the peer only for those that it never gave.

        Args:
            asked: What is asked, by a key that stands for it.
            ask: Gives the answers to some of it, as JSON values.
            report: What it is, told when the peer has to read.
            share: How many answers are asked for, and then kept, at once.
        """
        waiting = [(key, one) for key, one in asked.items() if key not in self._kept]
        for start in range(0, len(waiting), share):
            part = waiting[start : start + share]
            print(f"{self.name} reads {report}: {start:,} of {len(waiting):,}", file=sys.stderr, flush=True)
            found = ask([one for _, one in part])
            self._kept.update({key: answer for (key, _), answer in zip(part, found, strict=True)})
            with atomic_write(self.path) as temporary:
                temporary.write_text(json.dumps(self._kept, ensure_ascii=False), encoding="utf-8")
        return {key: self._kept[key] for key in asked}


class KeptAnswers:
    """The answers of a peer to lines, kept under the hash of each picture's pixels.

    Args:
        reader: The peer.
        anew: Whether kept answers are thrown away first.
    """

    def __init__(self, reader: LineReader, *, anew: bool = False) -> None:
        self.reader = reader
        self._kept = Kept(reader.name, reader.facts, anew=anew)

    @property
    def path(self) -> Path:
        """The file."""
        return self._kept.path

    def read(self, pictures: Sequence[Picture], report: str) -> list[Answer]:
        """Gives the answers to some pictures; see `Kept.answers`."""
        keys = [_key(picture) for picture in pictures]

        def ask(waiting: Sequence[Picture]) -> list[list[Any]]:
            return [[answer.text, answer.confidence] for answer in self.reader.read(waiting)]

        found = self._kept.answers(dict(zip(keys, pictures, strict=True)), ask, report)
        return [Answer(*found[key]) for key in keys]


def _key(picture: Picture) -> str:
    with Image.open(picture.path) as image:
        pixels = f"{image.mode} {image.size} {picture.language} {picture.word}".encode() + image.tobytes()
    return hashlib.sha256(pixels).hexdigest()[:20]
