"""Parts of a page between columns that no gutter goes through from top to bottom.

An advertisement below two of three columns, a quotation between them or dirt at the edge breaks every gutter somewhere.
Here a separator is looked for wherever some lines stand beside others; what hangs together between separators is a
part, and parts are put into the order of reading by who stands above and who stands left (Breuel, High Performance
Document Layout Analysis, 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from typecase.stages.gutters import CORE
from typecase.stages.rows import Floats, Pieces, Places
from typecase.stages.usual import median

LEAST_ROWS = 5
"""So many lines stand beside each other on both sides of a separator, or more."""

# Edges of boxes reach farther than ink, by so many widths of a character at most; a separator is so wide at least.
_INSET, _WIDTH = 0.3, 0.2
# A page of more pieces is left to its gutters: what is looked at here grows with the square of their number.
_MOST_PIECES = 2000
# Half of the rows of two columns have so many characters, or more.
_TWO_COLUMNS = 30
# The lines on both sides of a separator follow each other in so many heights.
_FOLLOWING = 4.0
# Lines of a part follow each other with less paper between them than so many heights, and share so much of their width.
_CLOSE, _SHARED = 0.9, 0.3

Mask = npt.NDArray[np.bool_]


@dataclass
class Separator:
    """A band of empty paper between lines.

    Attributes:
        low, high: Its left and right edges.
        top, bottom: Where the lines on both of its sides begin and end.
        left, right: The pieces beside it, as places in `Pieces`.
    """

    low: float
    high: float
    top: float
    bottom: float
    left: set[int]
    right: set[int]

    @property
    def middle(self) -> float:
        """Where it is."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class _Cores:
    """Where the ink of some pieces surely is, each of shape [pieces]."""

    left: Floats
    right: Floats
    top: Floats
    bottom: Floats
    height: Floats
    character: float

    @classmethod
    def of(cls, pieces: Pieces, members: Places) -> _Cores:
        character = median(pieces.character[members])
        inset = np.minimum(_INSET * character, 0.3 * (pieces.right[members] - pieces.left[members]))
        reach = CORE * pieces.height[members]
        middle = pieces.middle[members]
        return cls(
            pieces.left[members] + inset,
            pieces.right[members] - inset,
            middle - reach,
            middle + reach,
            pieces.height[members],
            character,
        )

    @cached_property
    def level(self) -> Mask:
        """Which pieces stand beside which, [pieces, pieces]."""
        return (self.top[:, None] < self.bottom[None, :]) & (self.bottom[:, None] > self.top[None, :])

    def crosses(self, low: float, high: float) -> Mask:
        """Which pieces have ink between two places."""
        return (self.left < high) & (self.right > low)


def separators_of(pieces: Pieces, members: Places) -> list[Separator]:
    """Finds the bands beside which at least `LEAST_ROWS` lines stand on both sides.

    Args:
        pieces: All pieces.
        members: Those to look at; of more than 2,000 nothing is found.
    """
    if not 2 * LEAST_ROWS <= len(members) <= _MOST_PIECES:
        return []
    cores = _Cores.of(pieces, members)
    pairs = _neighbours(cores)
    # Most pages have one column, or rows that are too short for two: those need no closer look.
    characters = cores.level[[one for one, _ in pairs]] @ pieces.count[members]
    if np.count_nonzero(characters >= _TWO_COLUMNS) < LEAST_ROWS // 2:
        return []
    found: list[Separator] = []
    going_on: list[Separator] = []
    farthest = _FOLLOWING * float(cores.height.max())
    for one, other in pairs:
        top = max(float(cores.top[one]), float(cores.top[other]))
        going_on = [separator for separator in going_on if top - separator.bottom <= farthest]
        begun = _added(going_on, cores, one, other)
        if begun is not None:
            found.append(begun)
            going_on.append(begun)
    kept = [one for one in found if min(len(one.left), len(one.right)) >= LEAST_ROWS]
    for separator in kept:
        separator.left, separator.right = (
            set(members[list(one)].tolist()) for one in (separator.left, separator.right)
        )
    return kept


def _neighbours(cores: _Cores) -> list[tuple[int, int]]:
    """Each piece with the next one on its right, from top to bottom."""
    beside = cores.level & (cores.left[None, :] >= cores.right[:, None])
    next_one = np.where(beside, cores.left[None, :], np.inf).argmin(axis=1)
    ones = np.flatnonzero(beside.any(axis=1))
    order = np.lexsort((cores.left[ones], np.maximum(cores.top[ones], cores.top[next_one[ones]])))
    return [(int(one), int(next_one[one])) for one in ones[order]]


def _added(going_on: Sequence[Separator], cores: _Cores, one: int, other: int) -> Separator | None:
    """Takes a gap between neighbours into the separator that it goes on; or gives the one that it begins."""
    low, high = float(cores.right[one]), float(cores.left[other])
    top, bottom = (float(min(edges[one], edges[other])) for edges in (cores.top, cores.bottom))
    best, shared = None, _WIDTH * cores.character
    for separator in going_on:
        left, right = max(low, separator.low), min(high, separator.high)
        if right - left <= shared or top - separator.bottom > _FOLLOWING * cores.height[one]:
            continue
        between = cores.crosses(left, right) & (cores.bottom > separator.top) & (cores.top < bottom)
        if not between.any():
            best, shared = separator, right - left
    if best is None:
        return Separator(low, high, top, bottom, {one}, {other})
    best.low, best.high = max(low, best.low), min(high, best.high)
    best.bottom = max(bottom, best.bottom)
    best.left.add(one)
    best.right.add(other)
    return None


def zones_of(pieces: Pieces, members: Places, separator: Separator, others: Sequence[Separator]) -> list[Places]:
    """The pieces left and right of a separator, as far as the next ones, for its height."""
    inside = members[(pieces.middle[members] >= separator.top) & (pieces.middle[members] <= separator.bottom)]
    beside = [one for one in others if one.top < separator.bottom and one.bottom > separator.top]
    first = max((one.middle for one in beside if one.middle < separator.low), default=-np.inf)
    last = min((one.middle for one in beside if one.middle > separator.high), default=np.inf)
    centre = pieces.centre[inside]
    return [
        inside[(centre > first) & (centre < separator.middle)],
        inside[(centre > separator.middle) & (centre < last)],
    ]


def parts_between(pieces: Pieces, members: Places, separators: Sequence[Separator]) -> list[Places]:
    """Parts a page at separators.

    Args:
        pieces: All pieces.
        members: Those to part.
        separators: Those between columns.

    Returns:
        The parts in the order of reading; one of all where the separators part nothing.
    """
    cores = _Cores.of(pieces, members)
    rows = _rows(cores, separators)
    part = _joined(len(members), np.concatenate([_below(cores, separators, _joined(len(members), rows)), rows]))
    number = dict(zip(members.tolist(), part.tolist(), strict=True))
    if any(not {number[one] for one in each.left}.isdisjoint(number[one] for one in each.right) for each in separators):
        return [members]
    groups = [members[part == one] for one in np.unique(part)]
    return [groups[place] for place in _order(pieces, groups)]


def _rows(cores: _Cores, separators: Sequence[Separator]) -> Places:
    """Neighbours on a row between which no separator goes, [rows, 2]."""
    pairs = np.array(_neighbours(cores), dtype=np.intp).reshape(-1, 2)
    one, other = pairs.T
    parted = np.zeros(len(pairs), np.bool_)
    for separator in separators:
        beside = (cores.right[one] <= separator.middle) & (cores.left[other] >= separator.middle)
        high = np.minimum(cores.bottom[one], cores.bottom[other]) >= separator.top
        parted |= beside & high & (np.maximum(cores.top[one], cores.top[other]) <= separator.bottom)
    return pairs[~parted]


def _below(cores: _Cores, separators: Sequence[Separator], row: Places) -> Places:
    """Pieces with the next ones below them that belong to the same column, [pairs, 2].

    Args:
        cores: The pieces.
        separators: Those between columns.
        row: The number of each piece's row: what reaches across a separator belongs to neither column.
    """
    width = cores.right - cores.left
    shared = np.minimum(cores.right[:, None], cores.right[None, :]) - np.maximum(cores.left[:, None], cores.left[None])
    least = _SHARED * np.minimum(width[:, None], width[None, :])
    ink = 2 * CORE
    # From the foot of one to the head of the other, of their boxes.
    paper = (cores.top[None, :] - cores.bottom[:, None]) - (1 / ink - 1) / 2 * (
        (cores.bottom - cores.top)[:, None] + (cores.bottom - cores.top)[None, :]
    )
    height = np.minimum(cores.height[:, None], cores.height[None, :])
    follows = (shared >= least) & (cores.top[None, :] >= cores.bottom[:, None]) & (paper <= _CLOSE * height)
    first, last = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    np.minimum.at(first, row, cores.left)
    np.maximum.at(last, row, cores.right)
    first, last = first[row], last[row]
    for separator in separators:
        left = np.minimum(first[:, None], first[None, :]) < separator.middle
        right = np.maximum(last[:, None], last[None, :]) > separator.middle
        high = (cores.bottom >= separator.top) & (cores.top <= separator.bottom)
        follows &= ~(left & right & (high[:, None] | high[None, :]))
    return np.argwhere(follows)


def _joined(count: int, pairs: Places) -> Places:
    """The number of the part of each of `count` pieces, where pairs belong together."""
    part = np.arange(count)
    while True:
        low = part.copy()
        np.minimum.at(low, pairs[:, 0], part[pairs[:, 1]])
        np.minimum.at(low, pairs[:, 1], part[pairs[:, 0]])
        low = low[low]
        if (low == part).all():
            return part
        part = low


def _order(pieces: Pieces, groups: Sequence[Places]) -> list[int]:
    """The places of groups in the order of reading."""
    left, top = (np.array([edges[group].min() for group in groups]) for edges in (pieces.left, pieces.top))
    right, bottom = (np.array([edges[group].max() for group in groups]) for edges in (pieces.right, pieces.bottom))
    inset = 0.1 * (right - left)
    over = (left + inset)[:, None] < (right - inset)[None, :]
    over &= over.T
    middle = (top + bottom) / 2
    above = over & (middle[:, None] < middle[None, :])
    beside = ~over & (left[:, None] < left[None, :])
    # Not where something lies between that reaches across both: what is above it comes before all that is below.
    apart = np.zeros_like(beside)
    for between in range(len(groups)):
        crossed = over[between]
        apart |= (crossed & (top >= bottom[between]))[:, None] & (crossed & (bottom <= top[between]))[None, :]
    before = above | (beside & ~apart) | apart.T & ~over
    np.fill_diagonal(before, False)
    order: list[int] = []
    waiting = set(range(len(groups)))
    while waiting:
        rest = sorted(waiting)
        counts = before[np.ix_(rest, rest)].sum(axis=0)
        # Where three come one before the other in a circle, the topmost goes first.
        ready = [place for place, count in zip(rest, counts, strict=True) if count == counts.min()]
        chosen = min(ready, key=lambda place: (top[place], left[place]))
        order.append(chosen)
        waiting.remove(chosen)
    return order
