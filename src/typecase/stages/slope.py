"""Straightens a picture of a line that rises or falls from end to end.

An upright cut around such a line is higher than the line and holds parts of the lines above and below it in its
corners. How far the line rises is seen from its rows: sheared by the right amount, rows full of ink and rows of bare
paper part most sharply (projection profiles, as Postl used them for the skew of pages, US patent 4,723,297).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from typecase.preprocess import PixelArray
from typecase.stages.crop import Corners

# A picture is looked at in so many rows and blocks of columns.
_ROWS, _BLOCKS, _COLUMNS = 32, 16, 256
# The farthest rise that is looked for, in those rows: three quarters of the picture's height.
_FARTHEST = 24
# A picture less wide for its height, or lower in pixels, does not tell a line's rise from the shape of its letters; one
# wider for its height is no line.
_LEAST_RATIO, _MOST_RATIO, _LEAST_HEIGHT = 3, 200, 8
# Share of the height below which a rise is left to the net.
_LEAST_RISE = 0.1
# How much sharper the rows have to part than in the picture as it is.
_LEAST_GAIN = 1.15
# What is cut out above and below the line, in its heights.
_MARGIN = 0.04

# The rows of block b lie _SHIFTS[rise, b] rows lower than they would in a level line.
_RISES = np.arange(-_FARTHEST, _FARTHEST + 1)
_SHIFTS = _RISES[:, np.newaxis] * ((np.arange(_BLOCKS) + 0.5) / _BLOCKS - 0.5)
_PADDING = _FARTHEST // 2 + 1
_PADDED = _ROWS + 2 * _PADDING


def _places(offset: int) -> npt.NDArray[np.int64]:
    """For each rise, block and row of the level line the place of its profile's value; of the one after, with 1."""
    rows = np.arange(_PADDED) + np.floor(_SHIFTS)[..., np.newaxis].astype(np.int64) + offset
    return np.asarray(np.arange(_BLOCKS)[:, np.newaxis] * _PADDED + rows.clip(0, _PADDED - 1))


_UPPER, _LOWER = _places(0), _places(1)
_BETWEEN = (_SHIFTS - np.floor(_SHIFTS)).astype(np.float32)[..., np.newaxis]


def may_show_slope(width: int, height: int) -> bool:
    """Whether the shape of a picture allows to tell how far its line rises."""
    return height >= _LEAST_HEIGHT and _LEAST_RATIO * height <= width <= _MOST_RATIO * height


def rise(grey: PixelArray) -> float:
    """How far a line runs down from its left to its right end.

    Args:
        grey: Grey levels of its picture, [height, width].

    Returns:
        In pixels, negative where it runs up; 0 where it is level, or nearly, or nothing can be told.
    """
    height, width = grey.shape
    if not may_show_slope(width, height):
        return 0.0
    small = cv2.resize(grey, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA)
    profiles = small.reshape(_ROWS, _BLOCKS, -1).mean(axis=2, dtype=np.float32).T
    padded = np.zeros((_BLOCKS, _PADDED), np.float32)
    padded[:, _PADDING:-_PADDING] = profiles - profiles.mean(axis=1, keepdims=True)
    flat = padded.ravel()
    rows = (flat[_UPPER] * (1 - _BETWEEN) + flat[_LOWER] * _BETWEEN).sum(axis=1)
    sharpness = (np.diff(rows, axis=1) ** 2).sum(axis=1)
    best = int(sharpness.argmax())
    if sharpness[best] <= _LEAST_GAIN * sharpness[_FARTHEST]:
        return 0.0
    found = float(_RISES[best])
    if 0 < best < len(_RISES) - 1:
        # The top of the parabola through the sharpest and its neighbours.
        before, top, after = (float(value) for value in sharpness[best - 1 : best + 2])
        found += (before - after) / (2 * (before - 2 * top + after)) if 2 * top > before + after else 0.0
    return found * height / _ROWS if abs(found) >= _LEAST_RISE * _ROWS else 0.0


def sloping_outline(grey: PixelArray) -> Corners | None:
    """Finds the outline of a line that slopes in its picture.

    A picture that was cut around the line alone is as high as the line and its rise together.

    Args:
        grey: Grey levels, [height, width].

    Returns:
        Four corners of a strip along the line, clockwise from its top left; None where the line is level.
    """
    if not (fall := rise(grey)):
        return None
    height, width = grey.shape
    half = (height - abs(fall)) / 2 * (1 + 2 * _MARGIN)
    left, right = (height - fall) / 2, (height + fall) / 2
    return np.array([[0, left - half], [width, right - half], [width, right + half], [0, left + half]], np.float32)
