"""The words of a page as they stand once it is turned and straightened: rows are level, and columns plumb."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from typecase.document import Box, Page, Point, Word


@dataclass(frozen=True)
class UprightWord:
    """A word and where it stands on the upright page.

    Attributes:
        word: The word.
        box: Its box there, in pixels.
    """

    word: Word
    box: Box

    @property
    def middle(self) -> Point:
        """The middle of its box."""
        return Point(self.box.x + self.box.width / 2, self.box.y + self.box.height / 2)


class Upright:
    """The map from the pixels of a page to those of the page turned upright and straightened."""

    def __init__(self, page: Page) -> None:
        """Takes the page."""
        self._page = page
        self._cosine, self._sine = math.cos(math.radians(page.skew)), math.sin(math.radians(page.skew))
        self.size = (page.width, page.height) if page.rotation in (0, 180) else (page.height, page.width)

    def point(self, x: float, y: float) -> Point:
        """Where a point of the page goes."""
        width, height = self._page.width, self._page.height
        x, y = {
            0: (x, y),
            90: (height - y, x),
            180: (width - x, height - y),
            270: (y, width - x),
        }[self._page.rotation]
        across, down = x - self.size[0] / 2, y - self.size[1] / 2
        # Lines slope clockwise by the skew, so they are turned back by it.
        return Point(
            self.size[0] / 2 + across * self._cosine + down * self._sine,
            self.size[1] / 2 - across * self._sine + down * self._cosine,
        )

    def box(self, box: Box) -> Box:
        """Where a box goes: turned as the page, and moved with its middle; its sides stay level and plumb."""
        middle = self.point(box.x + box.width / 2, box.y + box.height / 2)
        sides = (box.width, box.height) if self._page.rotation in (0, 180) else (box.height, box.width)
        return Box(middle.x - sides[0] / 2, middle.y - sides[1] / 2, *sides)


def upright_words(page: Page) -> list[UprightWord]:
    """The words of a page in the order of reading, with their boxes on the upright page."""
    upright = Upright(page)
    return [UprightWord(word, upright.box(word.box)) for word in page.words]


def rows_of(words: Iterable[UprightWord]) -> list[list[UprightWord]]:
    """Words that stand side by side, whichever lines and blocks they belong to, as rows from top to bottom."""
    rows: list[list[UprightWord]] = []
    spans: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: (word.middle.y, word.box.x)):
        top, bottom = word.box.y, word.box.bottom
        if rows:
            shared = min(bottom, spans[-1][1]) - max(top, spans[-1][0])
            # More than half of the lower one of both stands beside the other.
            if shared > 0.5 * min(bottom - top, spans[-1][1] - spans[-1][0]):
                rows[-1].append(word)
                middles = [one.box.y for one in rows[-1]], [one.box.bottom for one in rows[-1]]
                spans[-1] = (median(middles[0]), median(middles[1]))
                continue
        rows.append([word])
        spans.append((top, bottom))
    return [sorted(row, key=lambda word: word.box.x) for row in rows]


def height_of(words: Sequence[UprightWord]) -> float:
    """The usual height of some words in pixels, 1 at least."""
    return max(1.0, median(word.box.height for word in words)) if words else 1.0
