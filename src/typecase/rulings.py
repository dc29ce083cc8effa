"""Ruling lines in a page's picture, and the grids that they draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.document import Page, Point
from typecase.stages.usual import median

_LONGEST_SIDE = 1600
"""Pictures are looked at no larger than this: a ruling line is long, and still a pixel wide."""

_LEAST_LENGTH = 1 / 30
"""The shortest ruling line, in the picture's longer side."""

_SAME = 1 / 160
"""Lines that are nearer than this, in the picture's longer side, are one."""

_LEAST_SPAN = 0.6
"""A line parts a grid's rows or columns if it goes through so much of it."""

_Word = TypeVar("_Word")


@dataclass(frozen=True)
class Grid:
    """A table's ruling lines, on the upright page.

    Attributes:
        rows: Heights of its level lines, from top to bottom; the first and the last are its edges.
        columns: Places of its plumb lines, from left to right; likewise.
    """

    rows: tuple[float, ...]
    columns: tuple[float, ...]

    def holds(self, point: Point) -> bool:
        """Whether a point lies within."""
        return self.columns[0] <= point.x <= self.columns[-1] and self.rows[0] <= point.y <= self.rows[-1]

    def sorted_into(self, words: Iterable[_Word], middle: Callable[[_Word], Point]) -> list[list[list[_Word]]]:
        """The words of each cell, row by row.

        Args:
            words: Words whose middles lie within.
            middle: Gives the middle of one.
        """
        cells: list[list[list[_Word]]] = [[[] for _ in self.columns[1:]] for _ in self.rows[1:]]
        for word in words:
            point = middle(word)
            cells[_place(self.rows, point.y)][_place(self.columns, point.x)].append(word)
        return cells


def ruled_grids(picture: Image.Image, page: Page) -> list[Grid]:
    """Finds the grids that ruling lines draw, of two rows and two columns at least.

    Args:
        picture: The page's picture.
        page: Its rotation and skew are those of the picture.

    Returns:
        The grids on the upright page, from top to bottom.
    """
    upright, scale = _upright(picture, page)
    dark = _dark(upright)
    side = max(dark.shape)
    length = max(12, round(side * _LEAST_LENGTH))
    level = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    plumb = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    # Lines are broken where they are faint, and do not quite meet at corners.
    reach = np.ones((5, 5), np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(cv2.bitwise_or(level, plumb), reach))
    found = []
    for label in range(1, count):
        x, y, width, height, _ = (int(value) for value in boxes[label])
        within = labels[y : y + height, x : x + width] == label
        rows = _lines(level[y : y + height, x : x + width] * within, side * _SAME)
        columns = _lines((plumb[y : y + height, x : x + width] * within).T, side * _SAME)
        if len(rows) > 2 and len(columns) > 2:
            found.append(
                Grid(tuple((y + row) / scale for row in rows), tuple((x + column) / scale for column in columns))
            )
    return sorted(found, key=lambda grid: grid.rows[0])


def _upright(picture: Image.Image, page: Page) -> tuple[Image.Image, float]:
    """The picture turned and straightened, small enough to be looked at, and its scale."""
    scale = min(1.0, _LONGEST_SIDE / max(picture.size))
    grey = picture.convert("L")
    if scale < 1:
        # The darkest of the pixels that become one would be best for thin lines; the mean keeps them well enough.
        grey = grey.resize((round(grey.width * scale), round(grey.height * scale)), Image.Resampling.BOX)
    if page.rotation:
        turns = {
            90: Image.Transpose.ROTATE_270,
            180: Image.Transpose.ROTATE_180,
            270: Image.Transpose.ROTATE_90,
        }
        grey = grey.transpose(turns[page.rotation])
    if page.skew:
        grey = grey.rotate(page.skew, Image.Resampling.BILINEAR, fillcolor=255)
    return grey, scale * picture.width / page.width if page.width else scale


def _dark(image: Image.Image) -> npt.NDArray[np.uint8]:
    """What is clearly darker, or clearly lighter on a dark page, than its surroundings: 1, else 0."""
    pixels = np.asarray(image)
    around = cv2.blur(pixels, (31, 31)).astype(np.int16)
    difference = around - pixels.astype(np.int16)
    if median(pixels) < 100:
        difference = -difference
    return (difference > 14).astype(np.uint8)


def _lines(mask: npt.NDArray[Any], same: float) -> list[float]:
    """The heights of the level lines that go through most of a mask."""
    covered = mask.any(axis=0).sum()
    found: list[list[float]] = []
    reach = max(1, round(same / 2))
    # A line that slopes by a pixel or two is seen in a band of rows.
    bands = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 1), np.uint8)).sum(axis=1)
    own = mask.sum(axis=1)
    for row in np.flatnonzero((bands >= _LEAST_SPAN * max(1, covered)) & (own > 0)):
        if found and row - found[-1][-1] <= same:
            found[-1].append(float(row))
        else:
            found.append([float(row)])
    return [(group[0] + group[-1]) / 2 for group in found]


def _place(edges: Sequence[float], value: float) -> int:
    """Between which two edges a value lies."""
    return next((number for number, (_, high) in enumerate(pairwise(edges)) if value <= high), len(edges) - 2)
