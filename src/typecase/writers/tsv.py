"""The table that Tesseract writes: twelve columns, a row for each page, block, paragraph, line and word."""

from __future__ import annotations

import re

from typecase.document import Box, Page, union
from typecase.writers import shape
from typecase.writers.base import Origin, Writer
from typecase.writers.xml import number

COLUMNS = (
    "level",
    "page_num",
    "block_num",
    "par_num",
    "line_num",
    "word_num",
    "left",
    "top",
    "width",
    "height",
    "conf",
    "text",
)

_ENDS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")

PAGE, BLOCK, PARAGRAPH, LINE, WORD = range(1, 6)
"""The levels."""


class TsvWriter(Writer):
    """One table; confidences are percentages of words, and -1 of all else, as programs that read it expect."""

    def begin(self) -> None:
        """Writes the names of the columns."""
        self.put("\t".join(COLUMNS) + "\n")

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the rows of a page."""
        self._number = page.number
        self._row(PAGE, (0, 0, 0, 0), Box(0, 0, page.width, page.height))
        for block_number, block in enumerate(page.blocks, 1):
            self._row(BLOCK, (block_number, 0, 0, 0), block.box)
            # Blocks are not divided further: each is one paragraph.
            self._row(PARAGRAPH, (block_number, 1, 0, 0), union(line.box for line in block.lines))
            for line_number, line in enumerate(block.lines, 1):
                self._row(LINE, (block_number, 1, line_number, 0), line.box)
                for word_number, word in enumerate(line.words, 1):
                    place = (block_number, 1, line_number, word_number)
                    self._row(WORD, place, word.box, number(100 * word.confidence, 4), _cell(word.text))

    def _row(
        self, level: int, place: tuple[int, int, int, int], box: Box, confidence: str = "-1", text: str = ""
    ) -> None:
        whole = shape.whole(box)
        cells = (level, self._number, *place, whole.left, whole.top, whole.width, whole.height, confidence, text)
        self.put("\t".join(map(str, cells)) + "\n")


def _cell(text: str) -> str:
    """A text without what would end its cell or row."""
    return _ENDS.sub(" ", text)
