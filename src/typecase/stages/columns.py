"""Finds the columns of running text on a page, and the order in which its parts are read.

The page is cut from top to bottom into strips, at every height where no text stands. Strips one below the other that
share a band of empty paper with text on both of its sides make a group, and the band is a gutter. Whether the gutter
lies between columns, to be read one after the other, or between the cells of a table or the two ends of a receipt's
row, to be read across, is told by what stands on both sides: whether the lines stand level, how much of each is
letters, how long and how tightly set they are. What is cut into columns is looked at in the same way again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from typecase.stages.rows import Floats, Pieces, Places, rows_of

GUTTER = 1.2
"""A gutter is at least so many widths of a character wide."""

LEVEL = 0.3
"""Lines of two columns whose middles are apart by at most this share of a height stand level."""

OTHER_SIZE = 1.8
"""Text so many times as large as what stands beside it, such as a name in large letters, is no row of it."""

_CORE = 0.3
"""How far above and below its middle, in heights, a piece surely has ink: boxes of neighbouring lines overlap."""

_BAND = 1.0
"""Empty paper across the whole group that is at least so many heights high may part sections ..."""

_BAND_RATIO = 2.2
"""... and does so where it is so many times what usually lies between lines."""

Gap: TypeAlias = tuple[float, float]
Rows: TypeAlias = tuple[Places, Places]
"""The pieces of all rows one after the other, and where each row starts."""


@dataclass
class _Strip:
    """Pieces between two heights where no text stands, and the bands of empty paper between and around them."""

    pieces: Places
    left: float
    top: float
    right: float
    bottom: float
    height: float
    gaps: list[Gap]


@dataclass
class _Group:
    """Strips that share gaps."""

    strips: list[_Strip] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    left: float = np.inf
    right: float = -np.inf

    @property
    def gutters(self) -> list[Gap]:
        """The gaps with text on both sides."""
        return _between(self.gaps, self.left, self.right)


def flows_of(pieces: Pieces, chosen: Places) -> list[list[Places]]:
    """Puts pieces into rows, and these into the order of reading.

    Args:
        pieces: All pieces.
        chosen: Those to order.

    Returns:
        Runs of rows from top to bottom, each run from one column, in the order of reading; each row from left to right.
    """
    if not len(chosen):
        return []
    flows: list[list[Places]] = []
    going_on = False
    for group in _groups(pieces, chosen):
        members = np.concatenate([strip.pieces for strip in group.strips])
        cuts = [(low + high) / 2 for low, high in column_gutters(pieces, members, group.gutters)]
        if cuts:
            column = np.searchsorted(np.array(cuts), pieces.centre[members])
            for number in range(len(cuts) + 1):
                flows += flows_of(pieces, members[column == number])
            going_on = False
            continue
        rows, _, _ = _ordered_rows(pieces, members)
        if not going_on:
            flows.append([])
        flows[-1] += rows
        going_on = True
    return flows


def _groups(pieces: Pieces, chosen: Places) -> list[_Group]:
    least = GUTTER * float(np.median(pieces.character[chosen]))
    groups: list[_Group] = []
    for section in _sections(_strips(pieces, chosen, least)):
        group = _Group()
        found = []
        for strip in section:
            left, right = strip.left, strip.right
            if group.strips:
                common = _common(group.gaps, strip.gaps, least)
                left, right = min(left, group.left), max(right, group.right)
                # Where strips with gutters meet such without, or share none, something else begins.
                fits = bool(_between(common, left, right)) or not (
                    group.gutters or _between(strip.gaps, strip.left, strip.right)
                )
                if not fits:
                    found.append(group)
                    group = _Group()
                    left, right = strip.left, strip.right
                    common = strip.gaps
            else:
                common = strip.gaps
            group.strips.append(strip)
            group.gaps, group.left, group.right = common, left, right
        found.append(group)
        groups += [part for whole in found for part in _trimmed(whole)]
    return groups


def _strips(pieces: Pieces, chosen: Places, least: float) -> list[_Strip]:
    reach = _CORE * pieces.height[chosen]
    tops, bottoms = pieces.middle[chosen] - reach, pieces.middle[chosen] + reach
    order = np.lexsort((pieces.left[chosen], tops))
    lowest = np.maximum.accumulate(bottoms[order])
    starts = np.flatnonzero(np.append(True, tops[order][1:] > lowest[:-1]))
    ordered = chosen[order]
    parts = np.split(ordered, starts[1:])
    lefts, tops = (np.minimum.reduceat(edges[ordered], starts).tolist() for edges in (pieces.left, pieces.top))
    rights, lows = (np.maximum.reduceat(edges[ordered], starts).tolist() for edges in (pieces.right, pieces.bottom))
    heights = (np.add.reduceat(pieces.height[ordered], starts) / np.diff(starts, append=len(ordered))).tolist()
    return [
        _Strip(part, left, top, right, bottom, height, _gaps(pieces, part, least))
        for part, left, top, right, bottom, height in zip(parts, lefts, tops, rights, lows, heights, strict=True)
    ]


def _gaps(pieces: Pieces, members: Places, least: float) -> list[Gap]:
    """The bands of empty paper of a strip from left to right; the first and the last have no end."""
    if len(members) == 1:
        [place] = members.tolist()
        return [(-np.inf, float(pieces.left[place])), (float(pieces.right[place]), np.inf)]
    order = members[np.argsort(pieces.left[members], kind="stable")]
    lefts, reached = pieces.left[order], np.maximum.accumulate(pieces.right[order])
    inner = np.flatnonzero(lefts[1:] - reached[:-1] >= least)
    lows, highs = reached[inner].tolist(), lefts[inner + 1].tolist()
    return list(zip([-np.inf, *lows, float(reached[-1])], [float(lefts[0]), *highs, np.inf], strict=True))


def _common(one: list[Gap], other: list[Gap], least: float) -> list[Gap]:
    """The bands that two ascending lists share."""
    found = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if high - low >= least:
            found.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def _between(gaps: list[Gap], left: float, right: float) -> list[Gap]:
    return [(low, high) for low, high in gaps if low > left and high < right]


def _sections(strips: list[_Strip]) -> list[list[_Strip]]:
    """Parts strips where the paper between them is much higher than it usually is."""
    if len(strips) < 3:
        return [strips]
    gaps = np.array([after.top - before.bottom for before, after in pairwise(strips)])
    heights = np.array([strip.height for strip in strips])
    around = np.minimum(heights[:-1], heights[1:])
    usual = np.maximum(float(np.median(gaps)), 0.2 * around)
    cuts = np.flatnonzero((gaps >= _BAND * around) & (gaps >= _BAND_RATIO * usual)) + 1
    return [strips[start:stop] for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(strips)], strict=True)]


def _trimmed(group: _Group) -> list[_Group]:
    """Parts from a group what only seems to belong to its columns.

    Lines that stand only right of the gutters above the first row that stands on both sides would be read after the
    left column, and lines only left of them at the foot before the right one: a date, a heading of what follows.
    """
    gutters = group.gutters
    if not gutters or len(group.strips) < 3:
        return [group]
    low, high = gutters[0][0], gutters[-1][1]
    both = [strip.left <= low and strip.right >= high for strip in group.strips]
    if not any(both):
        return [group]
    first, last = both.index(True), len(both) - 1 - both[::-1].index(True)

    def clear(above: int) -> bool:
        upper, lower = group.strips[above], group.strips[above + 1]
        return lower.top - upper.bottom >= 0.8 * upper.height

    start, stop = 0, len(both)
    if first and all(strip.left >= low for strip in group.strips[:first]):
        start = first
    for place in range(last, len(both) - 1):
        if all(strip.right <= high for strip in group.strips[place + 1 :]) and clear(place):
            stop = place + 1
            break
    parts = [group.strips[:start], group.strips[start:stop], group.strips[stop:]]
    return [
        _Group(part, group.gaps, min(strip.left for strip in part), max(strip.right for strip in part))
        for part in parts
        if part
    ]


@dataclass(frozen=True)
class _Column:
    """What stands in a column, as far as it tells running text from the cells of a table.

    Attributes:
        middles: Vertical middle of each row, ascending.
        heights: Height of each row.
        counts: Characters of each row.
        fills: Share of the column's width that each row takes.
        letters: Share of all characters that are letters.
        colons: Share of the rows that end with a colon.
        values: Share of the rows that start with one.
    """

    middles: Floats
    heights: Floats
    counts: Floats
    fills: Floats
    letters: float
    colons: float
    values: float

    @property
    def pitch(self) -> float:
        """Usual distance from row to row, in heights; infinite for a single one."""
        if len(self.middles) < 2:
            return float("inf")
        return float(np.median(np.diff(self.middles)) / np.median(self.heights))

    @property
    def reads(self) -> bool:
        """Whether it is text, and not numbers or single short words."""
        return bool(np.median(self.counts) >= 8 and self.letters >= 0.55)

    @property
    def runs(self) -> bool:
        """Whether most of its rows fill it, as lines of running text do."""
        return bool(self.reads and np.median(self.counts) >= 18 and np.median(self.fills) >= 0.7)


def _ordered_rows(pieces: Pieces, members: Places) -> tuple[list[Places], Floats, Rows]:
    """The rows from top to bottom, their vertical middles, and all of it in one with where each row starts."""
    rows = rows_of(pieces, members)
    members, starts = _flat(rows)
    middles = np.add.reduceat(pieces.middle[members], starts) / np.diff(starts, append=len(members))
    order = np.lexsort((pieces.left[members[starts]], middles))
    rows = [rows[place] for place in order.tolist()]
    return rows, middles[order], _flat(rows)


def _flat(rows: list[Places]) -> Rows:
    ends = np.cumsum([len(row) for row in rows])
    return np.concatenate(rows), np.append(0, ends[:-1])


def _column(pieces: Pieces, members: Places) -> _Column:
    _, middles, (flat, starts) = _ordered_rows(pieces, members)
    ends = np.append(starts[1:], len(flat)) - 1
    counts = np.add.reduceat(pieces.count[flat], starts)
    widths = pieces.right[flat[ends]] - pieces.left[flat[starts]]
    return _Column(
        middles=middles,
        heights=np.maximum.reduceat(pieces.height[flat], starts),
        counts=counts,
        # The second or third longest row tells the width better than the longest, which may stick out.
        fills=widths / max(float(np.sort(widths)[-1 - len(widths) // 10]), 1e-6),
        letters=float(pieces.letters[flat].sum() / max(1.0, counts.sum())),
        colons=float(pieces.closes[flat[ends]].mean()),
        values=float(pieces.opens[flat[starts]].mean()),
    )


def column_gutters(pieces: Pieces, members: Places, gutters: list[Gap]) -> list[Gap]:
    """Chooses the gutters that lie between columns.

    Args:
        pieces: All pieces.
        members: Those around the gutters.
        gutters: Bands of empty paper from left to right.
    """
    if not gutters:
        return []
    cuts = np.array([(low + high) / 2 for low, high in gutters])
    number = np.searchsorted(cuts, pieces.centre[members])
    # Where strips were taken away, two gutters may have come to lie side by side.
    present, number = np.unique(number, return_inverse=True)
    gutters = [gutters[place - 1] for place in present.tolist()[1:]]
    columns = [_column(pieces, members[number == place]) for place in range(len(gutters) + 1)]
    chosen = []
    for place, gutter in enumerate(gutters):
        if len(gutters) == 1:
            before, after = columns
        else:
            before, after = _column(pieces, members[number <= place]), _column(pieces, members[number > place])
        wide = (gutter[1] - gutter[0]) / float(np.median(pieces.character[members]))
        if _are_columns(columns[place], columns[place + 1], before, after, wide, len(gutters)):
            chosen.append(gutter)
    return chosen


def _are_columns(left: _Column, right: _Column, before: _Column, after: _Column, wide: float, gutters: int) -> bool:
    """Whether two neighbouring columns are read one after the other.

    Args:
        left: The column left of the gutter.
        right: The one right of it.
        before: All that is left of the gutter, read across.
        after: All that is right of it, read across.
        wide: The gutter's width in characters.
        gutters: How many gutters there are side by side.
    """
    level = _level(left, right)
    if level is None:
        return False
    if level < 0.6:
        # Numbers that are set lower or higher than what they belong to still belong to it.
        sizes = [float(np.median(column.heights)) for column in (left, right)]
        return (before.reads and after.reads) or (
            max(sizes) >= OTHER_SIZE * min(sizes) and min(left.letters, right.letters) >= 0.5
        )
    rows = min(len(left.middles), len(right.middles))
    if rows < 3:
        return False
    if left.runs and right.runs:
        return True
    if before.colons >= 0.3 or after.values >= 0.3:
        return False
    tight = max(left.pitch, right.pitch) <= 1.5
    return gutters == 1 and tight and wide >= 2.5 and before.reads and after.reads


def _level(one: _Column, other: _Column) -> float | None:
    """The share of the rows of the shorter column, as far as the columns stand side by side, that have one level.

    None where they do not stand side by side.
    """
    low = max(one.middles[0] - one.heights[0], other.middles[0] - other.heights[0])
    high = min(one.middles[-1] + one.heights[-1], other.middles[-1] + other.heights[-1])
    beside = [
        (column.middles[inside], column.heights[inside])
        for column in (one, other)
        for inside in [(column.middles >= low) & (column.middles <= high)]
    ]
    (few, few_heights), (many, many_heights) = sorted(beside, key=lambda pair: len(pair[0]))
    if not len(few):
        return None
    apart = np.abs(few[:, None] - many[None, :])
    near = LEVEL * np.minimum(few_heights[:, None], many_heights[None, :])
    return float(np.mean((apart <= near).any(axis=1)))
