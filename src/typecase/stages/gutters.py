"""Finds bands of empty paper that go down between columns.

A page is cut from top to bottom into strips, at every height where no text stands. Strips one below the other that
share a band of empty paper with text on both of its sides make a group, and the band is a gutter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from typecase.stages.rows import Pieces, Places
from typecase.stages.usual import median

GUTTER = 1.2
"""A gutter is at least so many widths of a character wide."""

FEW = 3
"""More lines than these above or below the other column belong to their own one."""

CORE = 0.3
"""How far above and below its middle, in heights, a piece surely has ink: boxes of neighbouring lines overlap."""

TURNS = 0.35
"""Lines of two columns that take turns are apart vertically by less than so many heights."""

BAND = 1.0
"""Empty paper across a whole group that is at least so many heights high may part sections ..."""

BAND_RATIO = 2.2
"""... and does so where it is so many times what usually lies between lines."""

Gap: TypeAlias = tuple[float, float]
"""Left and right end of a band of empty paper, in pixels; infinite at the ends of a page."""


@dataclass(frozen=True)
class Strip:
    """Pieces between two heights where no text stands.

    Attributes:
        pieces: The pieces, as places in `Pieces`.
        left, top, right, bottom: Edges of all in pixels.
        height: Mean height of the pieces.
        gaps: The bands of empty paper between and around them, ascending.
    """

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
class Group:
    """Strips that share gaps.

    Attributes:
        strips: The strips from top to bottom.
        gaps: The bands of empty paper that go through all of them, ascending.
        left: Left edge of all.
        right: Right edge of all.
    """

    strips: tuple[Strip, ...] = ()
    gaps: tuple[Gap, ...] = ()
    left: float = np.inf
    right: float = -np.inf

    @classmethod
    def of(cls, strips: Iterable[Strip], least: float) -> Group:
        """Puts strips together, whatever they share."""
        group = cls()
        for strip in strips:
            group = group.with_strip(strip, least)
        return group

    def with_strip(self, strip: Strip, least: float) -> Group:
        """One strip more at the foot."""
        gaps = _common(self.gaps, strip.gaps, least) if self.strips else strip.gaps
        return Group((*self.strips, strip), gaps, min(self.left, strip.left), max(self.right, strip.right))

    @property
    def gutters(self) -> list[Gap]:
        """The gaps with text on both sides."""
        return [(low, high) for low, high in self.gaps if low > self.left and high < self.right]

    @property
    def pieces(self) -> Places:
        """The pieces of all strips."""
        return np.concatenate([strip.pieces for strip in self.strips])


def groups_of(pieces: Pieces, chosen: Places) -> list[Group]:
    """Cuts pieces into strips, and puts those together that share gutters, or have none.

    Args:
        pieces: All pieces.
        chosen: Those to group, at least one.

    Returns:
        The groups from top to bottom.
    """
    least = GUTTER * median(pieces.character[chosen])
    groups = [Group()]
    for strip in _strips(pieces, chosen, least):
        above, alone = groups[-1], Group().with_strip(strip, least)
        group = above.with_strip(strip, least)
        # Where strips with gutters meet such without, or share none, something else begins; and so it does with what
        # stands in the middle of a gutter, such as the number of the page.
        apart = above.strips and not group.gutters and (above.gutters or alone.gutters)
        if apart or any(low <= strip.left and strip.right <= high for low, high in above.gutters):
            groups.append(alone)
        else:
            groups[-1] = group
    groups = _pulled([group for group in groups if group.strips], least)
    done: list[Group] = []
    for group in groups:
        first, *rest = _trimmed(group, least)
        # What was trimmed away may have been all that kept two groups apart.
        if done and first.gutters and len(done[-1].gutters) == len(first.gutters):
            both = Group.of([*done[-1].strips, *first.strips], least)
            if len(both.gutters) == len(first.gutters):
                first = both
                done.pop()
        done += [first, *rest]
    return done


def _pulled(groups: list[Group], least: float) -> list[Group]:
    """Gives strips above a group to it where they have its gutters too.

    A short line above a column, or the page's number beside a heading, leaves a gap that is a gutter only by chance,
    and takes in what follows until something stands in it.
    """
    done: list[Group] = []
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
            below = Group.of([*moved, *below.strips], least)
            while taken:
                group = groups.pop()
                if len(group.strips) > taken:
                    groups.append(Group.of(group.strips[:-taken], least))
                taken = max(0, taken - len(group.strips))
        done.append(below)
    return done[::-1]


def _strips(pieces: Pieces, chosen: Places, least: float) -> list[Strip]:
    reach = CORE * pieces.height[chosen]
    tops, bottoms = pieces.middle[chosen] - reach, pieces.middle[chosen] + reach
    order = np.lexsort((pieces.left[chosen], tops))
    lowest = np.maximum.accumulate(bottoms[order])
    starts = np.flatnonzero(np.append(True, tops[order][1:] > lowest[:-1]))
    ordered = chosen[order]
    parts = np.split(ordered, starts[1:])
    lefts, tops = (np.minimum.reduceat(edges[ordered], starts).tolist() for edges in (pieces.left, pieces.top))
    rights, lows = (np.maximum.reduceat(edges[ordered], starts).tolist() for edges in (pieces.right, pieces.bottom))
    heights = (np.add.reduceat(pieces.height[ordered], starts) / np.diff(starts, append=len(ordered))).tolist()
    # Lines of columns that stand half a line higher and lower by turns are beside each other as well.
    taken = [0]
    for place in range(1, len(parts)):
        before = taken[-1]
        near = tops[place] - lows[before] < TURNS * heights[place]
        near &= 0.7 * heights[place] < heights[before] < heights[place] / 0.7
        if near and place - before == 1 and (lefts[place] >= rights[before] or rights[place] <= lefts[before]):
            continue
        taken.append(place)
    bounds = [*(int(starts[place]) for place in taken), len(ordered)]
    strips = []
    for place, stop, (start, end) in zip(taken, [*taken[1:], len(parts)], pairwise(bounds), strict=True):
        part = ordered[start:end]
        sides = min(lefts[place:stop]), min(tops[place:stop]), max(rights[place:stop]), max(lows[place:stop])
        strips.append(Strip(part, *sides, heights[place], _gaps(pieces, part, least)))
    return strips


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


def sections_of(strips: Sequence[Strip]) -> list[Sequence[Strip]]:
    """Parts strips where the paper between them is much higher than it usually is."""
    if len(strips) < 3:
        return [strips]
    gaps = np.array([after.top - before.bottom for before, after in pairwise(strips)])
    heights = np.array([strip.height for strip in strips])
    around = np.minimum(heights[:-1], heights[1:])
    usual = np.maximum(median(gaps), 0.2 * around)
    cuts = np.flatnonzero((gaps >= BAND * around) & (gaps >= BAND_RATIO * usual)) + 1
    return [strips[start:stop] for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(strips)], strict=True)]


def _trimmed(group: Group, least: float) -> list[Group]:
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
    return [Group.of(part, least) for part in parts if part]
