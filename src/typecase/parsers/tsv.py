"""Brings documents back from Tesseract's table, whichever program wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from typecase.document import Block, Box, Document, Line, Page, Word, union
from typecase.parsers.common import page_of, refuse, share
from typecase.writers.tsv import BLOCK, COLUMNS, LINE, PAGE, PARAGRAPH, WORD

_FORMAT = "TSV of Tesseract"
_NUMBERS = COLUMNS[:10]


def parse(text: str | bytes) -> Document:
    """Brings a document back; its polygons, rotation and characters are not told.

    Raises:
        InputError: It is another table, or a row is damaged.
    """
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    # Nothing but a line feed ends a row: a text may hold other separators.
    heading, *rows = decoded.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if tuple(heading.split("\t")) != COLUMNS:
        refuse(_FORMAT, "its first row does not name the twelve columns")
    return Document(tuple(_pages(_row(row) for row in rows if row)))


class _Row(dict[str, int]):
    """The numbers of a row by their columns.

    Attributes:
        confidence: The confidence, 0 to 1.
        text: The text.
    """

    confidence = 1.0
    text = ""

    @property
    def box(self) -> Box:
        return Box(*(float(self[name]) for name in ("left", "top", "width", "height")))


def _row(row: str) -> _Row:
    cells = row.split("\t", len(COLUMNS) - 1)
    try:
        found = _Row((name, int(float(cell))) for name, cell in zip(_NUMBERS, cells[:10], strict=True))
    except (ValueError, OverflowError):
        refuse(_FORMAT, f"the row {row[:60]!r} has no ten numbers")
    found.confidence = share(cells[10] if len(cells) > 10 else None, 100)
    found.text = cells[11] if len(cells) > 11 else ""
    return found


def _pages(rows: Iterable[_Row]) -> Iterator[Page]:
    page: _Row | None = None
    within: list[_Row] = []
    for row in rows:
        if page is None or row["level"] == PAGE or row["page_num"] != page["page_num"]:
            if page is not None:
                yield _page(page, within)
            # Some tables are cut to their words, so a page may begin with any row.
            page, within = row, []
        within.append(row)
    if page is not None:
        yield _page(page, within)


def _page(first: _Row, rows: list[_Row]) -> Page:
    # Within a page the same numbers mean the same block, paragraph and line.
    blocks: dict[int, dict[int, dict[int, list[_Row]]]] = {}
    boxes: dict[tuple[int, int], Box] = {}
    for row in rows:
        if row["level"] in (BLOCK, PARAGRAPH):
            boxes[row["block_num"], row["par_num"]] = row.box
        if row["level"] >= BLOCK:
            paragraphs = blocks.setdefault(row["block_num"], {})
            if row["level"] in (LINE, WORD):
                paragraphs.setdefault(row["par_num"], {}).setdefault(row["line_num"], []).append(row)
    found = []
    for number, paragraphs in blocks.items():
        for paragraph, lines in (paragraphs or {1: {}}).items():
            # A block of one paragraph is told by the block's own row, one of several is divided.
            told = boxes.get((number, 0 if len(paragraphs) < 2 else paragraph))
            read = tuple(map(_line, lines.values()))
            found.append(Block(told if told is not None else union(line.box for line in read), read))
    size = (first["width"], first["height"]) if first["level"] == PAGE else (0, 0)
    return page_of(found, size, max(1, first["page_num"]))


def _line(rows: list[_Row]) -> Line:
    words = tuple(Word(row.text, row.box, row.confidence) for row in rows if row["level"] == WORD and row.text.strip())
    own = next((row for row in rows if row["level"] == LINE), None)
    # The table tells no confidence of lines: it is that of all words being right.
    confidence = 1.0
    for word in words:
        confidence *= word.confidence
    return Line(own.box if own is not None else union(word.box for word in words), confidence, words)
