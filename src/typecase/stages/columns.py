"""Finds the columns of running text on a page, and the order in which its parts are read.

The page is cut from top to bottom into strips, at every height where no text stands. Strips one below the other that
share a band of empty paper with text on both of its sides make a group, and the band is a gutter. Whether the gutter
lies between columns, to be read one after the other, or between the cells of a table or the two ends of a receipt's
row, to be read across, is told by what stands on both sides: whether the lines stand level, how much of each is
letters, how long and how tightly set they are. What is cut into columns is looked at in the same way again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

TIGHT = 1.55
"""Lines of a paragraph or an address follow each other in so many heights or fewer."""

FAR = 5.0
"""An address and a list beside it are so many widths of a character apart, or more."""

FEW = 3
"""More lines than these above or below the other column belong to their own one."""

_CORE = 0.3
"""How far above and below its middle, in heights, a piece surely has ink: boxes of neighbouring lines overlap."""

_BAND = 1.0
"""Empty paper across the whole group that is at least so many heights high may part sections ..."""

_BAND_RATIO = 2.2
"""... and does so where it is so many times what usually lies between lines."""

Gap: TypeAlias = tuple[float, float]
Rows: TypeAlias = tuple[Places, Places]
"""The pieces of all rows one after the other, and where each row starts."""


@dataclass(frozen=True)
class _Strip:
    """Pieces between two heights where no text stands, and the bands of empty paper between and around them."""

    pieces: Places
    left: float
    top: float
    right: float
    bottom: float
    height: float
    gaps: tuple[Gap, ...]

    def stands_beside(self, gutters: Sequence[Gap]) -> bool:
        """Whether there is text on both sides of the gutters, as far as there are any."""
        return bool(gutters) and self.left <= gutters[0][0] and self.right >= gutters[-1][1]


@dataclass(frozen=True)
class _Group:
    """Strips that share gaps."""

    strips: tuple[_Strip, ...] = ()
    gaps: tuple[Gap, ...] = ()
    left: float = np.inf
    right: float = -np.inf

    @classmethod
    def of(cls, strips: Iterable[_Strip], least: float) -> _Group:
        """Puts strips together, whatever they share."""
        group = cls()
        for strip in strips:
            group = group.with_strip(strip, least)
        return group

    def with_strip(self, strip: _Strip, least: float) -> _Group:
        """One strip more at the foot."""
        gaps = _common(self.gaps, strip.gaps, least) if self.strips else strip.gaps
        return _Group((*self.strips, strip), gaps, min(self.left, strip.left), max(self.right, strip.right))

    @property
    def gutters(self) -> list[Gap]:
        """The gaps with text on both sides."""
        return [(low, high) for low, high in self.gaps if low > self.left and high < self.right]

    @property
    def pieces(self) -> Places:
        """The pieces of all strips."""
        return np.concatenate([strip.pieces for strip in self.strips])


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
        columns, sections = _parts(pieces, group)
        if columns:
            for part in columns:
                flows += flows_of(pieces, part)
        else:
            below = [flow for part in sections for flow in flows_of(pieces, part)] or [
                _ordered_rows(pieces, group.pieces)[0]
            ]
            if going_on:
                flows[-1] += below.pop(0)
            flows += below
        going_on = not columns
    return flows


def _parts(pieces: Pieces, group: _Group) -> tuple[list[Places], list[Places]]:
    """The columns of a group, or else its sections, to be looked at further; none of both where it is read by rows."""
    members = group.pieces
    columns = _Columns.of(pieces, members, group.gutters)
    if columns is None:
        return [], []
    # Columns of running text go on past a band of empty paper: paragraphs may end side by side. Anything else is read
    # from band to band.
    chosen = columns.running()
    if not chosen:
        sections = _sections(group.strips)
        if len(sections) > 1:
            return [], [np.concatenate([strip.pieces for strip in section]) for section in sections]
        chosen = columns.apart()
    if not chosen:
        return [], []
    number = np.searchsorted(np.array([(low + high) / 2 for low, high in chosen]), pieces.centre[members])
    return [members[number == place] for place in range(len(chosen) + 1)], []


def _groups(pieces: Pieces, chosen: Places) -> list[_Group]:
    least = GUTTER * float(np.median(pieces.character[chosen]))
    groups = [_Group()]
    for strip in _strips(pieces, chosen, least):
        above, alone = groups[-1], _Group().with_strip(strip, least)
        group = above.with_strip(strip, least)
        # Where strips with gutters meet such without, or share none, something else begins; and so it does with what
        # stands in the middle of a gutter, such as the number of the page.
        apart = above.strips and not group.gutters and (above.gutters or alone.gutters)
        if apart or any(low <= strip.left and strip.right <= high for low, high in above.gutters):
            groups.append(alone)
        else:
            groups[-1] = group
    groups = _pulled([group for group in groups if group.strips], least)
    done: list[_Group] = []
    for group in groups:
        first, *rest = _trimmed(group, least)
        # What was trimmed away may have been all that kept two groups apart.
        if done and first.gutters and len(done[-1].gutters) == len(first.gutters):
            both = _Group.of([*done[-1].strips, *first.strips], least)
            if len(both.gutters) == len(first.gutters):
                first = both
                done.pop()
        done += [first, *rest]
    return done


def _pulled(groups: list[_Group], least: float) -> list[_Group]:
    """Gives strips above a group to it where they have its gutters too.

    A short line above a column, or the page's number beside a heading, leaves a gap that is a gutter only by chance,
    and takes in what follows until something stands in it.
    """
    done: list[_Group] = []
    while groups:
        below = groups.pop()
        gutters = below.gutters
        above = [(strip, group) for group in groups for strip in group.strips]
        grown, taken, right = below, 0, []
        for number, (strip, group) in enumerate(reversed(above), start=1):
            if not gutters or (strip.stands_beside(group.gutters) and len(group.strips) >= len(below.strips)):
                break
            wider = grown.with_strip(strip, least)
            if len(wider.gutters) != len(gutters):
                break
            grown = wider
            if strip.stands_beside(gutters):
                taken = number
            elif strip.left >= gutters[0][1]:
                right.append(number)
        # So many lines are the upper part of the right column, beside a picture.
        if len(right) > FEW:
            taken = max(taken, right[-1])
        if taken:
            moved = [strip for strip, _ in above[-taken:]]
            below = _Group.of([*moved, *below.strips], least)
            while taken:
                group = groups.pop()
                if len(group.strips) > taken:
                    groups.append(_Group.of(group.strips[:-taken], least))
                taken = max(0, taken - len(group.strips))
        done.append(below)
    return done[::-1]


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


def _gaps(pieces: Pieces, members: Places, least: float) -> tuple[Gap, ...]:
    """The bands of empty paper of a strip from left to right; the first and the last have no end."""
    if len(members) == 1:
        [place] = members.tolist()
        return (-np.inf, float(pieces.left[place])), (float(pieces.right[place]), np.inf)
    order = members[np.argsort(pieces.left[members], kind="stable")]
    lefts, reached = pieces.left[order], np.maximum.accumulate(pieces.right[order])
    inner = np.flatnonzero(lefts[1:] - reached[:-1] >= least)
    lows, highs = reached[inner].tolist(), lefts[inner + 1].tolist()
    return tuple(zip([-np.inf, *lows, float(reached[-1])], [float(lefts[0]), *highs, np.inf], strict=True))


def _common(one: Sequence[Gap], other: Sequence[Gap], least: float) -> tuple[Gap, ...]:
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
    return tuple(found)


def _sections(strips: Sequence[_Strip]) -> list[Sequence[_Strip]]:
    """Parts strips where the paper between them is much higher than it usually is."""
    if len(strips) < 3:
        return [strips]
    gaps = np.array([after.top - before.bottom for before, after in pairwise(strips)])
    heights = np.array([strip.height for strip in strips])
    around = np.minimum(heights[:-1], heights[1:])
    usual = np.maximum(float(np.median(gaps)), 0.2 * around)
    cuts = np.flatnonzero((gaps >= _BAND * around) & (gaps >= _BAND_RATIO * usual)) + 1
    return [strips[start:stop] for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(strips)], strict=True)]


def _trimmed(group: _Group, least: float) -> list[_Group]:
    """Parts from a group what only seems to belong to its columns.

    Lines right of the gutters above the first row that stands on both sides would be read after the left column, and
    lines left of them at the foot before the right one. Where a gap sets a few of them off, they are a date above, or
    a heading of what follows.
    """
    gutters = group.gutters
    if not gutters or len(group.strips) < 3:
        return [group]
    low, high = gutters[0][0], gutters[-1][1]
    both = [strip.stands_beside(gutters) for strip in group.strips]
    if not any(both):
        return [group]
    first, last = both.index(True), len(both) - 1 - both[::-1].index(True)

    def clear(above: int) -> bool:
        upper, lower = group.strips[above], group.strips[above + 1]
        return lower.top - upper.bottom >= 0.8 * upper.height

    start = next(
        (
            place
            for place in range(min(first, FEW), 0, -1)
            if any(strip.left >= low for strip in group.strips[:place]) and clear(place - 1)
        ),
        0,
    )
    stop = next(
        (
            place
            for place in range(max(last + 1, len(both) - FEW), len(both))
            if all(strip.right <= high for strip in group.strips[place:]) and clear(place - 1)
        ),
        len(both),
    )
    parts = [group.strips[:start], group.strips[start:stop], group.strips[stop:]]
    return [_Group.of(part, least) for part in parts if part]


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
        labels: Share of the rows that hold one anywhere.
    """

    middles: Floats
    heights: Floats
    counts: Floats
    fills: Floats
    letters: float
    colons: float
    values: float
    labels: float

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
        labels=float(np.logical_or.reduceat(pieces.labels[flat], starts).mean()),
    )


@dataclass(frozen=True)
class _Columns:
    """Columns beside each other.

    Attributes:
        gutters: The bands between them.
        columns: Each column.
        before: For each gutter all that is left of it, read across.
        after: For each gutter all that is right of it, read across.
        wide: Width of each gutter in characters.
        levels: For each gutter the share of rows that stand level on both sides; None where the columns do not stand
            side by side.
    """

    gutters: list[Gap]
    columns: list[_Column]
    before: list[_Column]
    after: list[_Column]
    wide: list[float]
    levels: list[float | None]

    @classmethod
    def of(cls, pieces: Pieces, members: Places, gutters: list[Gap]) -> _Columns | None:
        """Looks at what stands between some gutters; None where there is no gutter."""
        if not gutters:
            return None
        cuts = np.array([(low + high) / 2 for low, high in gutters])
        number = np.searchsorted(cuts, pieces.centre[members])
        columns = [_column(pieces, members[number == place]) for place in range(len(gutters) + 1)]
        before, after = columns[:1], columns[1:]
        if len(gutters) > 1:
            before = [_column(pieces, members[number <= place]) for place in range(len(gutters))]
            after = [_column(pieces, members[number > place]) for place in range(len(gutters))]
        character = float(np.median(pieces.character[members]))
        wide = [(high - low) / character for low, high in gutters]
        levels = [_level(left, right) for left, right in pairwise(columns)]
        return cls(gutters, columns, before, after, wide, levels)

    def running(self) -> list[Gap]:
        """The gutters between columns of running text, which are surely read one after the other."""
        # Long text in the cells of a table stands beside numbers.
        for level, beside in zip(self.levels, pairwise(self.columns), strict=True):
            if level is not None and level >= 0.8 and not all(column.reads for column in beside):
                return []
        return [
            gutter
            for gutter, (left, right), level in zip(self.gutters, pairwise(self.columns), self.levels, strict=True)
            if level is not None and left.runs and right.runs and _run_beside(left, right, level)
        ]

    def apart(self) -> list[Gap]:
        """The gutters whose two sides are rather read one after the other."""
        return [gutter for place, gutter in enumerate(self.gutters) if self._is_apart(place)]

    def _is_apart(self, place: int) -> bool:
        left, right = self.columns[place], self.columns[place + 1]
        before, after = self.before[place], self.after[place]
        level = self.levels[place]
        if level is None:
            return False
        if level < 0.6:
            # Numbers that are set lower or higher than what they belong to still belong to it.
            if before.reads and after.reads:
                return True
            sizes = [float(np.median(column.heights)) for column in (left, right)]
            return max(sizes) >= OTHER_SIZE * min(sizes) and min(left.letters, right.letters) >= 0.5
        if min(len(left.middles), len(right.middles)) < 3 or left.pitch > TIGHT or right.pitch > TIGHT:
            return False
        if before.colons >= 0.3 or after.values >= 0.3:
            return False
        # An address beside a list of labels and what they stand for.
        if min(before.labels, after.labels) <= 0.2 and max(before.labels, after.labels) >= 0.6:
            plain = before if before.labels < after.labels else after
            return plain.reads and self.wide[place] >= FAR
        return len(self.gutters) == 1 and self.wide[place] >= 2.5 and before.reads and after.reads


def _run_beside(left: _Column, right: _Column, level: float) -> bool:
    rows = min(len(left.middles), len(right.middles))
    # Level rows of some length are rather the blanks of a form, unless they are as many and as tight as print.
    return rows >= 3 if level < 0.8 else rows >= 4 and max(left.pitch, right.pitch) <= 1.8


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
