"""Plain text: in the order of reading, or with its columns kept apart by spaces."""

from __future__ import annotations

from itertools import pairwise
from statistics import median, median_low

from typecase.document import Page
from typecase.upright_words import UprightWord, height_of, rows_of, upright_words
from typecase.writers.base import Origin, Writer

_MOST_EMPTY_LINES = 2
_FARTHEST = 3.0
"""Rows that are farther apart than this, in the height of words, are so with an empty line between them."""

_WIDEST = 400
"""A row of text is never wider: a few tiny letters on a large page do not fill it with spaces."""


class TextWriter(Writer):
    """Lines as they are read, an empty line between blocks, a form feed on a line of its own between pages.

    With `layout` a line of text is whatever stands side by side on the page, each word as far to the right as there,
    measured in the usual width of a character.
    """

    _first = True

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the page's text."""
        if not self._first:
            self.put("\n\f\n")
        self._first = False
        self.put(laid_out(page) if self.options.layout else page.text)

    def end(self) -> None:
        """Ends the last line."""
        self.put("\n")


def laid_out(page: Page) -> str:
    """The text of a page with its columns, and the gaps between its rows, kept by spaces and empty lines."""
    words = upright_words(page)
    if not words:
        return ""
    rows = rows_of(words)
    step = _step(words)
    left = min(word.box.x for word in words)
    places = [median(word.middle.y for word in row) for row in rows]
    apart = [lower - upper for upper, lower in pairwise(places)]
    # Rows that are farther apart than usual, on this page or at all, have empty lines between them.
    usual = min(median_low(apart), _FARTHEST * height_of(words)) if apart else 1.0
    lines = [_line(rows[0], left, step)]
    for row, distance in zip(rows[1:], apart, strict=True):
        lines += [""] * min(_MOST_EMPTY_LINES, max(0, round(distance / max(usual, 1.0)) - 1))
        lines.append(_line(row, left, step))
    return "\n".join(lines)


def _step(words: list[UprightWord]) -> float:
    """The width that a character takes, such that rows of usual text fit."""
    widths = [word.box.width / len(word.word.text) for word in words if word.word.text and word.box.width > 0]
    extent = max(word.box.right for word in words) - min(word.box.x for word in words)
    return max(median(widths) if widths else 1.0, extent / _WIDEST, 1e-6)


def _line(row: list[UprightWord], left: float, step: float) -> str:
    line = ""
    last: UprightWord | None = None
    for word in row:
        place = round((word.box.x - left) / step)
        if last is not None:
            # Words of one phrase stay together, and only what stands apart keeps its place.
            near = word.box.x - last.box.right < 1.6 * step
            place = len(line) + 1 if near else max(place, len(line) + 2)
        line += " " * max(0, place - len(line)) + word.word.text
        last = word
    return line
