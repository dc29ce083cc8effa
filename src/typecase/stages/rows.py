"""Joins pieces of lines that stand side by side into rows.

A detector gives pieces: parts of lines, apart where it saw a wide gap, or together where it saw none. Here they are
first cut at every wide gap between words, so that whatever comes after sees the same pieces however the detector cut,
and in the end those that stand on one row are put together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from typecase.document import Box, Line, Word, union

Floats: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.intp]

WIDE_GAP = 2.0
"""Words farther apart than so many widths of a character may belong to different columns ..."""

WIDER = 1.5
"""... if they are so many times as far apart as the line's other words on average; so do any that a separator parts."""

_NEAR = 1.2
"""In how many heights above and below its own middle a piece looks for the row's other pieces."""

_MIDDLE = 0.5
"""Middles may be apart vertically by this share of the smaller height."""

_FOOT = 0.3
"""Lower edges may be apart by this share of the smaller height, where the sizes differ by no more than twice."""

_RAISED_GAP = 1.0
"""A small sign beside a large one, such as a footnote's number, is no farther away than so many of its heights."""


@dataclass(frozen=True)
class Pieces:
    """Parts of lines that hold no wide gap, as columns of numbers.

    Attributes:
        left, top, right, bottom: Edges in pixels, each of shape [pieces].
        character: Mean width of a character, in pixels.
        count: Characters, without the spaces between words.
        letters: How many of these are letters.
        opens: Whether the text starts with a colon.
        closes: Whether it ends with one.
        labels: Whether there is one anywhere.
        line: The number of the line that it is a part of.
        first, last: Its words in that line; the last one is not among them.
    """

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    character: Floats
    count: Floats
    letters: Floats
    opens: npt.NDArray[np.bool_]
    closes: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.bool_]
    line: Places
    first: Places
    last: Places

    @cached_property
    def middle(self) -> Floats:
        """Vertical middles."""
        return (self.top + self.bottom) / 2

    @cached_property
    def height(self) -> Floats:
        """Heights; never 0."""
        return np.maximum(self.bottom - self.top, 1e-6)

    @cached_property
    def centre(self) -> Floats:
        """Horizontal centres."""
        return (self.left + self.right) / 2

    def __len__(self) -> int:
        return len(self.left)


def cut_pieces(lines: Sequence[Line], separators: Sequence[tuple[float, float, float]] = ()) -> Pieces:
    """Cuts lines at gaps between words that are wider than `WIDE_GAP` or on a separator, and wider than its others.

    A line whose words do not follow each other to the right inside its box stays whole.

    Args:
        lines: What to cut.
        separators: Where columns are parted: how far from the left, from what height, to what height.
    """
    boxes = np.array([line.box for line in lines], dtype=np.float64).reshape(-1, 4)
    words = [word for line in lines for word in line.words]
    counts = np.array([len(line.words) for line in lines], dtype=np.intp)
    ends = np.cumsum(counts)
    starts = ends - counts
    texts = [word.text for word in words]
    word_boxes = np.array([word.box for word in words], dtype=np.float64).reshape(-1, 4)
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    letters = np.array([sum(map(str.isalpha, text)) for text in texts], dtype=np.float64)
    owner = np.repeat(np.arange(len(lines)), counts)
    used = np.zeros(len(lines))
    total = np.zeros(len(lines))
    np.add.at(used, owner, word_boxes[:, 2])
    np.add.at(total, owner, lengths)
    heights = np.maximum(boxes[:, 3], 1e-6)
    # Boxes of single words may fail; a line's own width then says how wide its characters are.
    wide = np.where(used > 0, used, boxes[:, 2]) / np.maximum(total, 1)
    character = np.clip(wide, 0.2 * heights, 1.2 * heights)
    cut = _cuts(boxes, word_boxes, owner, character, separators)

    begun = np.zeros(len(words), bool)
    begun[starts[counts > 0]] = begun[cut] = True
    first = np.flatnonzero(begun)
    line = owner[first] if len(first) else np.zeros(0, dtype=np.intp)
    last = np.append(first[1:], len(words)) if len(first) else first
    # A line in which nothing was read is a piece without words.
    empty = np.flatnonzero(counts == 0)
    begins, stops = first == starts[line], last == ends[line]
    left = np.where(begins, boxes[line, 0], word_boxes[first, 0] if len(first) else 0.0)
    right = np.where(stops, (boxes[:, 0] + boxes[:, 2])[line], (word_boxes[:, 0] + word_boxes[:, 2])[last - 1])
    colons = np.array([":" in text for text in texts], dtype=np.float64)
    sums = (np.concatenate([[0.0], np.cumsum(values)]) for values in (lengths, letters, colons))
    in_piece = [values[last] - values[first] for values in sums]
    line = np.concatenate([line, empty])
    nothing = np.zeros(len(empty))
    return Pieces(
        left=np.concatenate([left, boxes[empty, 0]]),
        top=boxes[line, 1],
        right=np.concatenate([right, boxes[empty, 0] + boxes[empty, 2]]),
        bottom=boxes[line, 1] + boxes[line, 3],
        character=character[line],
        count=np.concatenate([in_piece[0], nothing]),
        letters=np.concatenate([in_piece[1], nothing]),
        opens=np.array([texts[place].startswith(":") for place in first] + [False] * len(empty), dtype=np.bool_),
        closes=np.array([texts[place - 1].endswith(":") for place in last] + [False] * len(empty), dtype=np.bool_),
        labels=np.concatenate([in_piece[2], nothing]) > 0,
        line=line,
        first=np.concatenate([first - starts[line[: len(first)]], empty * 0]),
        last=np.concatenate([last - starts[line[: len(first)]], empty * 0]),
    )


def _cuts(
    boxes: Floats,
    words: Floats,
    owner: Places,
    character: Floats,
    separators: Sequence[tuple[float, float, float]],
) -> Places:
    """The words before which their line is cut, counted through all lines."""
    if len(words) < 2:
        return np.zeros(0, dtype=np.intp)
    right = words[:, 0] + words[:, 2]
    slack = character[owner]
    inside = (words[:, 0] >= boxes[owner, 0] - slack) & (right <= boxes[owner, 0] + boxes[owner, 2] + slack)
    inside &= words[:, 2] > 0
    same = owner[1:] == owner[:-1]
    gap = words[1:, 0] - right[:-1]
    broken = np.zeros(len(boxes), dtype=np.bool_)
    broken[owner[~inside]] = True
    broken[owner[1:][same & (gap < -slack[1:])]] = True
    # In a justified line all gaps are wide.
    inner = np.where(same, gap, 0.0)
    sums, counts, widest = np.zeros(len(boxes)), np.zeros(len(boxes)), np.zeros(len(boxes))
    np.add.at(sums, owner[1:], inner)
    np.add.at(counts, owner[1:], same)
    np.maximum.at(widest, owner[1:], inner)
    others = np.where(counts > 1, (sums - widest) / np.maximum(counts - 1, 1), 0.0)
    wide = gap > WIDE_GAP * slack[1:]
    middle = (boxes[:, 1] + boxes[:, 3] / 2)[owner[1:]]
    for place, top, bottom in separators:
        wide |= (right[:-1] <= place) & (place <= words[1:, 0]) & (top <= middle) & (middle <= bottom)
    return np.flatnonzero(wide & same & (gap > WIDER * others[owner[1:]]) & ~broken[owner[1:]]) + 1


def rows_of(pieces: Pieces, chosen: Places) -> list[Places]:
    """Groups pieces into rows.

    Two pieces are neighbours on a row when each is the other's nearest on that side.

    Args:
        pieces: All pieces.
        chosen: Those to group; each is in exactly one row.

    Returns:
        The rows in no order, each from left to right.
    """
    if len(chosen) < 2:
        return [chosen] if len(chosen) else []
    one, other, gap = _candidates(pieces, chosen)
    heights, middles = pieces.height[chosen], pieces.middle[chosen]
    # A gap costs what it measures, a step up or down several times as much: the row goes on straight. Text of two
    # sizes may stand on one foot, or hang from one head.
    step = np.abs(middles[one] - middles[other]) - 0.5 * np.abs(heights[one] - heights[other])
    cost = np.maximum(gap, 0.0) + 4.0 * np.maximum(step, 0.0)
    following = _nearest(one, other, cost, len(chosen))
    preceding = _nearest(other, one, cost, len(chosen))
    everyone = np.arange(len(chosen))
    kept = (following >= 0) & (preceding[following] == everyone)
    following = np.where(kept, following, -1)
    heads = np.ones(len(chosen), dtype=np.bool_)
    heads[following[kept]] = False
    rows = []
    next_one = following.tolist()
    for head in np.flatnonzero(heads).tolist():
        row = [head]
        while (place := next_one[row[-1]]) >= 0:
            row.append(place)
        rows.append(chosen[row])
    return rows


def _candidates(pieces: Pieces, chosen: Places) -> tuple[Places, Places, Floats]:
    """Pairs that may stand on one row, the left one first, as places in `chosen`; and the gap between them."""
    middles, heights = pieces.middle[chosen], pieces.height[chosen]
    lefts, rights = pieces.left[chosen], pieces.right[chosen]
    order = np.argsort(middles, kind="stable")
    ordered = middles[order]
    reach = _NEAR * heights[order]
    start = np.searchsorted(ordered, ordered - reach, side="left")
    stop = np.searchsorted(ordered, ordered + reach, side="right")
    counts = stop - start
    offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    small = order[np.repeat(np.arange(len(order)), counts)]
    large = order[np.repeat(start, counts) + offsets]
    # Each pair once, looked for from its smaller piece.
    kept = (small != large) & (
        (heights[small] < heights[large]) | ((heights[small] == heights[large]) & (small < large))
    )
    small, large = small[kept], large[kept]
    centres = pieces.centre[chosen]
    forward = (centres[small] < centres[large]) | ((centres[small] == centres[large]) & (small < large))
    one, other = np.where(forward, small, large), np.where(forward, large, small)
    gap = lefts[other] - rights[one]
    low, high = heights[small], heights[large]
    apart = np.abs(middles[small] - middles[large])
    feet = np.abs(pieces.bottom[chosen][small] - pieces.bottom[chosen][large])
    level = (apart <= _MIDDLE * low) & (high <= 3.0 * low)
    level |= (feet <= _FOOT * low) & (high <= 2.0 * low)
    few = pieces.count[chosen][small] <= 3
    level |= few & (apart <= 0.5 * high) & (high <= 2.2 * low) & (gap <= _RAISED_GAP * low)
    widths = rights - lefts
    level &= gap >= -0.3 * np.minimum(widths[one], widths[other])
    return one[level], other[level], gap[level]


def _nearest(one: Places, other: Places, cost: Floats, count: int) -> Places:
    """For each of `count` pieces the cheapest partner, or -1."""
    order = np.lexsort((other, cost, one))
    found = np.full(count, -1, dtype=np.intp)
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = one[order][1:] != one[order][:-1]
    taken = order[first]
    found[one[taken]] = other[taken]
    return found


def joined(lines: Sequence[Line], pieces: Pieces, row: Places) -> Line:
    """Makes one line of the pieces of a row.

    What is a line already is given back as it is. The confidence of a joined line is the probability that all its
    parts are right, each of them by itself; its box is the union; corners it has none but those of the box.
    """
    parts: dict[int, list[int]] = {}
    for piece in row.tolist():
        parts.setdefault(int(pieces.line[piece]), []).append(piece)
    words: list[Word] = []
    boxes: list[Box] = []
    confidence = 1.0
    for number, places in parts.items():
        line = lines[number]
        taken = [word for place in places for word in line.words[pieces.first[place] : pieces.last[place]]]
        whole = len(taken) == len(line.words)
        if whole and len(parts) == 1:
            return line
        words += taken
        boxes += [line.box] if whole else [word.box for word in taken]
        confidence *= line.confidence
    changes: dict[str, Any] = {"box": union(boxes), "confidence": confidence, "words": tuple(words), "polygon": ()}
    return msgspec.structs.replace(lines[next(iter(parts))], **changes)
