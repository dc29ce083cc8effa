"""Pages of bars and what reads them: the lines of `line_fixtures`, one below the other, found by their rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from line_fixtures import HEIGHT, line_picture
from typecase.decoding.options import ReadOptions
from typecase.document import Block, Box, Line, Page, Word
from typecase.reader import Reader
from typecase.reading import moved
from typecase.stages.recognize import LineRecognizer

PITCH = 64
MARGIN = 16


def page_picture(lines: Sequence[str], *, width: int = 320, height: int | None = None) -> Image.Image:
    """Draws a page with lines of bars, each in a row of its own; an empty text leaves its row empty."""
    page = Image.new("L", (width, height or PITCH * len(lines) + 2 * MARGIN), 255)
    for row, text in enumerate(lines):
        if text:
            page.paste(line_picture(text), (MARGIN, MARGIN + PITCH * row))
    return page


class RowReader:
    """Reads pages of `page_picture`, as `typecase.stages.page.PageReader` does real ones: a block for each line."""

    def __init__(self, recognizer: LineRecognizer) -> None:
        self.recognizer = recognizer
        self.detector = SimpleNamespace(path=Path(recognizer.path), sha256=recognizer.sha256)
        self.seen: list[tuple[int, int]] = []

    def prepare(self) -> None:
        self.recognizer.prepare()

    def read(self, image: Image.Image, options: ReadOptions | None = None, region: Box | None = None) -> Page:
        self.seen.append(image.size)
        grey = np.asarray(image.convert("L")).copy()
        if region is not None:
            inside = np.zeros(grey.shape, bool)
            inside[int(region.y) : int(region.bottom), int(region.x) : int(region.right)] = True
            grey[~inside] = 255
        blocks = []
        for top in range(MARGIN, image.height - HEIGHT + 1, PITCH):
            row = grey[top : top + HEIGHT]
            if row.min() < 128:
                [line] = self.recognizer.read([row], (options or ReadOptions()).changed(mode="line"))
                line = moved(line, 0, top)
                blocks.append(Block(line.box, (line,)))
        return Page(*image.size, tuple(blocks))


def divided_page(*_: object) -> Page:
    """A page on which a word is divided at the end of a line."""
    lines = []
    for row, texts in enumerate((["A", "divi-"], ["ded", "word"])):
        boxes = [Box(100 * place, 40 * row, 80, 20) for place in range(2)]
        words = tuple(Word(text, box, 0.9) for text, box in zip(texts, boxes, strict=True))
        lines.append(Line(Box(0, 40 * row, 180, 20), 0.9, words))
    return Page(320, 160, (Block(Box(0, 0, 180, 60), tuple(lines)),))


def row_reader(reader: Reader) -> RowReader:
    """Lets a reader read pages of `page_picture`, and gives what does it."""
    reader._page_reader = RowReader(reader.recognizer)  # type: ignore[assignment]
    return reader._page_reader  # type: ignore[return-value]
