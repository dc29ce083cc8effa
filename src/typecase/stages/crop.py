"""Cuts pieces of lines out of a page: straightened, and with a way back for every place in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from typecase.document import Box, Character, Line, Point, Polygon, Word
from typecase.preprocess import PixelArray

Corners = npt.NDArray[np.float32]

# The net sees 32 rows: more than so many are no use to it, and cost time in huge pictures.
_MOST_ROWS = 96
# A strip that slopes is drawn anew, between the pixels of the page: with as few rows as small print has there, its
# strokes would blur.
_FINE_ROWS = 48
# Slope and bend, in pixels over the whole strip, below which it is cut by rows and columns.
_STRAIGHT = 1.0


@dataclass(frozen=True)
class Strip:
    """A piece of a line, straightened: its picture, and where in the page that lies.

    Attributes:
        pixels: Grey levels, [rows, columns].
        corners: Where its outline lies in the page, [2n, 2]: upper edge, then lower edge back.
    """

    pixels: PixelArray
    corners: Corners

    def places(self, xs: npt.ArrayLike, ys: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Where places in the strip's picture lie in the page, [n, 2]."""
        rows, columns = self.pixels.shape
        half = len(self.corners) // 2
        upper, lower = self.corners[:half].astype(np.float64), self.corners[half:][::-1].astype(np.float64)
        stops = _stops(upper, lower)
        share = np.asarray(xs, np.float64) / columns * stops[-1]
        down = (np.asarray(ys, np.float64) / rows)[:, np.newaxis]
        top, bottom = (
            np.stack([np.interp(share, stops, edge[:, axis]) for axis in (0, 1)], 1) for edge in (upper, lower)
        )
        return np.asarray(top + (bottom - top) * down)

    def outlines(self, boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
        """The four corners, in the page, of each of some boxes in the strip, to a tenth of a pixel; [n, 4, 2]."""
        sides = np.array(boxes, np.float64).reshape(-1, 4)
        left, top, right, bottom = sides[:, 0], sides[:, 1], sides[:, 0] + sides[:, 2], sides[:, 1] + sides[:, 3]
        xs = np.stack([left, right, right, left], axis=1)
        ys = np.stack([top, top, bottom, bottom], axis=1)
        return np.asarray(np.round(self.places(xs.ravel(), ys.ravel()), 1).reshape(-1, 4, 2))

    def polygon(self, box: Box) -> Polygon:
        """The four corners, in the page, of a box in the strip; see `outlines`."""
        return tuple([Point(*corner) for corner in self.outlines([box])[0].tolist()])

    def words(self, line: Line) -> tuple[Word, ...]:
        """The words of a line that was read in the strip, with polygons and upright boxes in the page."""
        # All at once, for a page has thousands of characters.
        boxes = [box for word in line.words for box in (word.box, *(one.box for one in word.characters))]
        outlines = self.outlines(boxes)
        around = iter(_around(outlines))
        words = []
        place = 0
        for word in line.words:
            polygon = tuple([Point(*corner) for corner in outlines[place].tolist()])
            place += 1 + len(word.characters)
            box = next(around)
            characters = tuple(
                [Character(one.text, next(around), one.confidence, one.alternatives) for one in word.characters]
            )
            words.append(Word(word.text, box, word.confidence, characters, polygon))
        return tuple(words)


def cut(page: PixelArray, corners: Corners) -> Strip:
    """Cuts a strip out of a page.

    Args:
        page: Grey levels, [height, width].
        corners: Its outline, [2n, 2]; what lies outside of the page is filled with the page's edge.
    """
    half = len(corners) // 2
    upper, lower = corners[:half].astype(np.float64), corners[half:][::-1].astype(np.float64)
    rise = np.hypot(*(lower - upper).T).mean()
    stops = _stops(upper, lower)
    rows = int(np.clip(round(rise), 1, _MOST_ROWS))
    columns = max(1, round(stops[-1] * rows / max(rise, 1e-6)))
    if _lies_straight(upper, lower):
        return _window(page, upper, lower, rows, columns)
    if rows < _FINE_ROWS and np.ptp(upper, axis=0).min() > _STRAIGHT:
        rows, columns = 2 * rows, 2 * columns
    grow = rise / rows
    if grow > 1.5:
        # Taking every so-many-th pixel would break thin strokes.
        factor = 1 / grow
        around, corner = _around_strip(page, corners, math.ceil(2 * grow))
        small = cv2.resize(around, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    else:
        small, factor, corner = page, 1.0, np.zeros(2)
    if half == 2:
        source = ((np.concatenate([upper, lower[::-1]]) - corner) * factor - 0.5).astype(np.float32)
        target = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - 0.5
        matrix = cv2.getPerspectiveTransform(source, target)
        pixels = cv2.warpPerspective(
            small, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    else:
        empty = Strip(np.zeros((rows, columns), np.uint8), corners)
        ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float64) + 0.5
        places = empty.places(xs.ravel(), ys.ravel()).reshape(rows, columns, 2)
        places = ((places - corner) * factor - 0.5).astype(np.float32)
        x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
        pixels = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Strip(np.asarray(pixels, np.uint8), corners)


def _around_strip(page: PixelArray, corners: Corners, margin: int) -> tuple[PixelArray, npt.NDArray[np.float64]]:
    """The part of a page in which a strip lies, with so many pixels besides, and where its corner is."""
    height, width = page.shape
    left, top = (int(edge) - margin for edge in np.floor(corners.min(axis=0)))
    right, bottom = (int(edge) + margin for edge in np.ceil(corners.max(axis=0)))
    # A strip that lies beside the page shows the page's edge.
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return page[top : max(bottom, top + 1), left : max(right, left + 1)], np.array([left, top], np.float64)


def _around(outlines: npt.NDArray[np.float64]) -> list[Box]:
    """The upright box around each outline, [n, corners, 2]."""
    corner = outlines.min(axis=1)
    sides = np.round(np.concatenate([corner, outlines.max(axis=1) - corner], axis=1), 1)
    return [Box(*row) for row in sides.tolist()]


def _stops(upper: npt.NDArray[np.float64], lower: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far along the strip its corners lie, in pixels of the page."""
    middle = (upper + lower) / 2
    return np.concatenate([[0.0], np.maximum(np.hypot(*(middle[1:] - middle[:-1]).T), 1e-3).cumsum()])


def _lies_straight(upper: npt.NDArray[np.float64], lower: npt.NDArray[np.float64]) -> bool:
    return bool(
        np.ptp(upper[:, 1]) <= _STRAIGHT
        and np.ptp(lower[:, 1]) <= _STRAIGHT
        and upper[0, 0] < upper[-1, 0]
        and np.abs(upper[[0, -1], 0] - lower[[0, -1], 0]).max() <= 2 * _STRAIGHT
        and upper[0, 1] < lower[0, 1]
    )


def _window(
    page: PixelArray, upper: npt.NDArray[np.float64], lower: npt.NDArray[np.float64], rows: int, columns: int
) -> Strip:
    """A strip that runs straight to the right is a window of the page."""
    height, width = page.shape
    left, right = min(upper[0, 0], lower[0, 0]), max(upper[-1, 0], lower[-1, 0])
    left, right = int(np.clip(np.floor(left), 0, width - 1)), int(np.clip(np.ceil(right), 1, width))
    top = int(np.clip(np.floor(upper[:, 1].mean()), 0, height - 1))
    bottom = int(np.clip(np.ceil(lower[:, 1].mean()), 1, height))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    pixels = page[top:bottom, left:right]
    if bottom - top > _MOST_ROWS:
        size = (max(1, round((right - left) * _MOST_ROWS / (bottom - top))), _MOST_ROWS)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return Strip(pixels, corners)
