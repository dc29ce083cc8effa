"""Arranges what was read on a page: pieces into lines, lines into blocks, both in the order of reading.

    pieces of lines -> cut at wide gaps (rows) -> columns (columns) -> rows joined into lines -> blocks

All lengths are judged in heights of lines and widths of characters, so that neither the resolution nor the size of the
page matters, and the order in which the pieces come does not matter either.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

from typecase.document import Block, Line, Word, union
from typecase.stages.columns import flows_of, running_separators
from typecase.stages.rows import Floats, cut_pieces, joined
from typecase.stages.usual import median, quantile

OTHER_SIZE = 1.3
"""A line so many times as high as its neighbour starts a block of its own, as a heading does."""

APART = 1.6
"""A gap between lines so many times the usual one starts a new block, if it is a good part of a line's height."""

GOES_ON = 2.0
"""A gutter may go on so many heights of a line above and below those between which it was found."""

INDENT = 1.0
"""A first line set in by so many widths of a character starts a paragraph."""

_HYPHENS = "-\u2010\u00ad"


def arrange(lines: Sequence[Line], width: float, height: float) -> tuple[Block, ...]:
    """Brings the lines of a page into the order of reading.

    Pieces on one row that belong together become one line, such as the two ends of a receipt's row or the cells of a
    table; columns of running text are read one after the other. Paragraphs, headings and tables become blocks. Text
    that runs up or down comes last.

    Args:
        lines: The lines or pieces of lines, upright and level, in any order.
        width: Width of the page, in the same unit as the lines' boxes.
        height: Height of the page.

    Returns:
        The blocks in the order of reading, which together hold every word once.
    """
    if not lines:
        return ()
    # The answer must not depend on the order in which the pieces come.
    lines = sorted(lines, key=lambda line: (line.box, line.text, line.confidence))
    across: list[Line] = []
    along: list[Line] = []
    usual = median([line.box.height for line in lines])
    for line in lines:
        (along if _is_vertical(line, usual) else across).append(line)
    pieces = cut_pieces(across)
    # A line that was found right across a narrow gutter is cut where the gutter is, or goes on.
    parted = running_separators(pieces, np.arange(len(pieces)))
    if parted:
        further = GOES_ON * usual
        pieces = cut_pieces(across, [(one.middle, one.top - further, one.bottom + further) for one in parted])
    found = [
        block
        for flow in flows_of(pieces, np.arange(len(pieces)))
        for block in _blocks([joined(across, pieces, row) for row in flow])
    ]
    # From the left margin to the right one, as far as they stand at the edges.
    return (*found, *(Block(line.box, (line,)) for line in along))


def _is_vertical(line: Line, usual: float) -> bool:
    box = line.box
    return box.height > 2.5 * max(box.width, 1e-6) and box.height > 2.0 * usual and len(line.text) > 2


def _blocks(lines: Sequence[Line]) -> list[Block]:
    """Divides the lines of one column into paragraphs, headings and what else belongs together."""
    starts = _starts(lines)
    groups = [lines[start:stop] for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True)]
    return [Block(union(line.box for line in group), tuple(group)) for group in groups]


def _starts(lines: Sequence[Line]) -> list[int]:
    boxes = np.array([line.box for line in lines], dtype=np.float64).reshape(-1, 4)
    left, top, heights = boxes[:, 0], boxes[:, 1], np.maximum(boxes[:, 3], 1e-6)
    right, bottom = left + boxes[:, 2], top + heights
    counts = np.array([max(1, len(line.text)) for line in lines])
    character = np.clip(boxes[:, 2] / counts, 0.2 * heights, 1.2 * heights)
    low, high = np.minimum(heights[:-1], heights[1:]), np.maximum(heights[:-1], heights[1:])
    gaps = top[1:] - bottom[:-1]
    usual = max(quantile(gaps, 0.4), 0.0) if len(gaps) else 0.0
    parted = (gaps > APART * usual + 0.1 * low) & (gaps > 0.35 * low)
    # Where the lines of a column are spaced in several ways, a narrower gap beside it tells a wide one.
    around = np.concatenate([[np.inf], gaps, [np.inf]])
    beside = np.maximum(np.minimum(around[:-2], around[2:]), 0.0)
    parted |= (gaps > 2.0 * beside + 0.1 * low) & (gaps > 0.35 * low)
    parted |= gaps > 2.0 * low
    # Boxes of lines without ascenders are lower; a heading is wider as well.
    wide = np.maximum(character[:-1], character[1:]) / np.minimum(character[:-1], character[1:])
    parted |= (high >= OTHER_SIZE * low) & (wide >= 1.1)
    # Beside each other, or higher up again.
    parted |= (gaps < 0) & ((right[:-1] < left[1:]) | (right[1:] < left[:-1]))
    parted |= gaps < -low
    for place in range(1, len(lines) - 1):
        before, after = left[place - 1], left[place + 1]
        indent = left[place] - max(before, after)
        alike = abs(before - after) < 0.5 * character[place]
        if alike and INDENT * character[place] <= indent <= 8 * character[place] and _fills(left, right, place):
            parted[place - 1] = True
    return [0, *(np.flatnonzero(parted) + 1).tolist()]


def _fills(left: Floats, right: Floats, place: int) -> bool:
    """Whether an indented line reaches as far right as the line after it, so that it is no line set in the middle."""
    return bool(right[place] >= right[place + 1] - 0.1 * (right[place + 1] - left[place + 1]))


def dehyphenate(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Joins words that were divided at the ends of lines.

    A word that ends a line with a hyphen is joined with the first word of the next line of its block, or of the next
    block, when both sides of the hyphen are lower-case letters; the hyphen goes. The word stays where it began, with
    the box of its first half and the characters of both; what was left empty goes. Its confidence is that both halves
    are right.
    """
    rows = [(number, list(line.words), line) for number, block in enumerate(blocks) for line in block.lines]
    for (_, words, _), (_, following, _) in pairwise(rows):
        if words and following and _divided(words[-1].text, following[0].text):
            words[-1] = _whole(words[-1], following.pop(0))
    kept: list[list[Line]] = [[] for _ in blocks]
    for number, words, line in rows:
        if words or not line.words:
            same = len(words) == len(line.words) and all(a is b for a, b in zip(words, line.words, strict=True))
            kept[number].append(line if same else msgspec.structs.replace(line, words=tuple(words)))
    return tuple(
        block if list(block.lines) == lines else msgspec.structs.replace(block, lines=tuple(lines))
        for block, lines in zip(blocks, kept, strict=True)
        if lines
    )


def _divided(one: str, other: str) -> bool:
    return len(one) > 2 and one[-1] in _HYPHENS and one[-2].islower() and other[:1].islower()


def _whole(one: Word, other: Word) -> Word:
    characters = one.characters
    if characters and characters[-1].text in _HYPHENS:
        characters = characters[:-1]
    return msgspec.structs.replace(
        one,
        text=one.text[:-1] + other.text,
        confidence=one.confidence * other.confidence,
        characters=(*characters, *other.characters),
    )
