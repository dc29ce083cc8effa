"""Plain text: in the order of reading, or with its columns kept apart by spaces."""

from __future__ import annotations

from statistics import median

from typecase.document import Page
from typecase.upright_words import UprightWord, height_of, rows_of, upright_words
from typecase.writers.base import Origin, Writer

_MOST_EMPTY_LINES = 2
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
    height = height_of(words)
    lines: list[str] = []
    reach = min(word.box.y for word in rows[0])
    for row in rows:
        top = min(word.box.y for word in row)
        # Lines of text stand apart by about their height; what is more than that becomes empty lines.
        empty = round((top - reach) / (1.8 * height)) if lines else 0
        lines += [""] * min(_MOST_EMPTY_LINES, max(0, empty))
        lines.append(_line(row, left, step))
        reach = max(word.box.bottom for word in row)
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
