"""Strips with the marks over their capitals: a line is found by its ascenders, and these marks stand above them."""

from __future__ import annotations

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.stages.crop import Corners, Strip, cut

# So many heights above a line are looked at: a mark begins within them, what hangs down from the line above does not.
_ABOVE = 0.3
# A mark stands on a letter, with no more than so many heights of paper between, and no farther aside: U is open above.
_BELOW, _ASIDE = 0.14, 0.2
# It is at least so high, at most so high and at most so wide, in heights of its line.
_LOWEST, _HIGHEST, _WIDEST = 0.06, 0.28, 0.5
# What differs from the paper by more than so much of what the line's ink does is ink.
_INK = 0.45
# Grey levels that paper itself varies by.
_LEAST_CONTRAST = 30


def cut_with_accents(page: PixelArray, corners: Corners) -> Strip:
    """Cuts a strip out of a page, higher than its outline where marks over its letters stand above that.

    Args:
        page: Grey levels, [height, width].
        corners: Its outline, [2n, 2]; see `crop.cut`.
    """
    strip = cut(page, corners)
    more = _height_of_marks(page, corners, strip)
    if not more:
        return strip
    return cut(page, _between(corners, -more, 1.0))


def _height_of_marks(page: PixelArray, corners: Corners, strip: Strip) -> float:
    """How far marks reach above a strip, in its heights; 0 where there are none."""
    band = cut(page, _between(corners, -_ABOVE, _BELOW))
    rows = band.pixels.shape[0]
    height = rows / (_ABOVE + _BELOW)
    edge = round(_ABOVE * height)
    counts = cv2.calcHist([band.pixels], [0], None, [256], [0, 256]).ravel()
    paper = int(np.searchsorted(counts.cumsum(), band.pixels.size / 2))
    darkest, lightest, *_ = cv2.minMaxLoc(strip.pixels)
    contrast = max(paper - darkest, lightest - paper)
    if contrast < _LEAST_CONTRAST:
        return 0.0
    ink = (cv2.absdiff(band.pixels, np.full_like(band.pixels, paper)) > _INK * contrast).astype(np.uint8)
    if not ink[:edge].any():
        return 0.0
    _, _, parts, _ = cv2.connectedComponentsWithStats(ink[:edge], connectivity=8)
    reach = 0
    for left, top, wide, high, _ in parts[1:].tolist():
        first, below = max(0, left - round(_ASIDE * height)), top + high + round(_BELOW * height)
        stands = ink[top + high : below, first : left + wide + round(_ASIDE * height)].any()
        if top and _LOWEST * height <= high <= _HIGHEST * height and wide <= _WIDEST * height and stands:
            reach = max(reach, edge - top + 1)
    return float(reach / height)


def _between(corners: Corners, start: float, end: float) -> Corners:
    """The outline from so many of its heights below its upper edge to so many."""
    half = len(corners) // 2
    upper, lower = corners[:half], corners[half:][::-1]
    down = lower - upper
    return np.concatenate([upper + start * down, (upper + end * down)[::-1]]).astype(np.float32)
