"""How text lies on a page: the way it runs, its baseline, and its boxes in whole pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from typecase.document import Box, Line, Point, Polygon, Word, corners

# What reaches below the baseline in print. Of Latin letters; others stand on it or are taken to.
_DESCENDING = frozenset("gjpqyçģķļņşţųąęįǫþƒßµ,;()[]{}|/\\@$§_ĵĝğġŷÿýỳQ")

_DESCENT = 0.21
"""Of the height of a line with descenders, the part that lies below its baseline."""


class WholeBox(NamedTuple):
    """A box in whole pixels; never negative, for most formats know no such numbers.

    Attributes:
        left: Left edge.
        top: Upper edge.
        right: Right edge, exclusive.
        bottom: Lower edge, exclusive.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Extent to the right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Extent downwards."""
        return self.bottom - self.top


def whole(box: Box) -> WholeBox:
    """A box with each edge at the nearest pixel."""
    return WholeBox(*(max(0, math.floor(edge + 0.5)) for edge in (box.x, box.y, box.right, box.bottom)))


def outline(text: Line | Word) -> Polygon:
    """The corners of a line or word; see `document.Polygon`."""
    return text.polygon or corners(text.box)


def whole_points(polygon: Sequence[Point]) -> list[tuple[int, int]]:
    """Corners at the nearest pixels, never negative."""
    return [(max(0, math.floor(x + 0.5)), max(0, math.floor(y + 0.5))) for x, y in polygon]


def bottom_edge(polygon: Polygon) -> tuple[Point, ...]:
    """The points along the lower edge, from the text's left to its right."""
    return polygon[: len(polygon) // 2 - 1 : -1]


def top_edge(polygon: Polygon) -> tuple[Point, ...]:
    """The points along the upper edge, from the text's left to its right."""
    return polygon[: len(polygon) // 2]


def height(text: Line | Word) -> float:
    """The height of a line or word across the way it runs, in pixels, 1 at least."""
    polygon = outline(text)
    low, high = bottom_edge(polygon), top_edge(polygon)
    middle = len(low) // 2
    return max(1.0, math.dist(low[0], high[0]), math.dist(low[middle], high[middle]))


def angle(text: Line | Word) -> float:
    """The way the text runs, in degrees clockwise from running to the right, -180 to 180."""
    if not text.polygon:
        return 0.0
    edge = bottom_edge(text.polygon)
    return math.degrees(math.atan2(edge[-1].y - edge[0].y, edge[-1].x - edge[0].x))


def baseline(line: Line) -> tuple[Point, ...]:
    """Points along what the letters of a line stand on, from the text's left to its right.

    The model knows none, so it follows from the lower edge: raised by the part that descenders take, where the line has
    any; of a line that runs to the right, by what the boxes of its characters show.
    """
    polygon = outline(line)
    below = bottom_edge(polygon)
    standing = [
        character.box.bottom
        for word in line.words
        for character in word.characters
        if character.text not in _DESCENDING and (character.text.isalnum())
    ]
    if standing and not line.polygon:
        height = min(max(median(standing), line.box.y), line.box.bottom)
        return tuple(Point(x, height) for x, _ in below)
    if not _DESCENDING.intersection(line.text):
        return below
    return tuple(
        Point(low.x + (high.x - low.x) * _DESCENT, low.y + (high.y - low.y) * _DESCENT)
        for low, high in zip(below, top_edge(polygon), strict=True)
    )


def lying(text: Line | Word) -> bool:
    """Whether the text runs to the right, or slopes by less than 45 degrees from it."""
    return abs(angle(text)) < 45


def turned_corners(box: Box, turn: int) -> Polygon:
    """The corners of a box whose text stands upright after a quarter turn, clockwise in degrees; none without one."""
    around = corners(box)
    # Text that must be turned by 90 degrees runs upwards, so its own top left is the lower left corner.
    first = -turn // 90 % 4
    return around[first:] + around[:first] if turn else ()
