"""Typecase's own recogniser, behind the same calls as the peers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from peers.readers import Answer, LineReader, Picture
from typecase.decoding.decoder import language_model_for
from typecase.decoding.options import ReadOptions
from typecase.document import Line
from typecase.stages.recognize import LineRecognizer


def weights_of(recognizer: LineRecognizer) -> list[Path]:
    """The files that lines are read with unless told otherwise: the recogniser and its language model, if any."""
    language_model = language_model_for(recognizer.classes, ReadOptions())
    return [recognizer.path, *([language_model] if language_model else [])]


class OurLines(LineReader):
    """The recogniser that is shipped, or another.

    Args:
        model: The file; None takes the shipped one.
        threads: Threads that it computes with.

    Raises:
        ModelError: There is no such model, or it is none.
    """

    def __init__(self, model: Path | None, threads: int) -> None:
        self.recognizer = LineRecognizer(model, threads)
        self.name = "typecase"
        self.path = self.recognizer.path
        self.precision = {"f32": "float32", "bf16": "bfloat16"}[self.recognizer._net.precision]
        self.facts: Mapping[str, Any] = {"threads": threads}
        self.weights: Sequence[Path] = weights_of(self.recognizer)

    def lines(self, pictures: Sequence[Picture]) -> list[Line]:
        """Reads lines, as they come from their files."""
        found: list[Line] = []
        for start in range(0, len(pictures), 200):
            share = pictures[start : start + 200]
            # A whole set is of one kind.
            mode = "word" if share[0].word else "line"
            found += self.recognizer.read([_opened(picture) for picture in share], mode=mode)
        return found

    def read(self, pictures: Sequence[Picture]) -> list[Answer]:
        """See `LineReader`."""
        return [Answer(line.text, line.confidence) for line in self.lines(pictures)]

    def seconds(self, pages: Sequence[Sequence[Picture]]) -> float:
        """See `LineReader`."""
        opened = [[_opened(picture) for picture in page] for page in pages]
        # The net prepares itself for each width that it meets for the first time, as the peers' do.
        for page in opened:
            self.recognizer.read(page)
        started = time.perf_counter()
        for page in opened:
            self.recognizer.read(page)
        return time.perf_counter() - started


def _opened(picture: Picture) -> npt.NDArray[np.uint8]:
    with Image.open(picture.path) as image:
        return np.asarray(image)
