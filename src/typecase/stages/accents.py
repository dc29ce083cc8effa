"""The marks over capitals: a line is found by its ascenders, and these marks stand above them.

A line over which something like them stands is cut out once more, higher, and read again. That reading is taken where
it says the same but for marks: what stands there may as well be the feet of the line above, where lines are close, and
any text is read best in a strip of its own height.
"""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.stages.crop import Corners, Strip, cut
from typecase.stages.ink import LEAST_CONTRAST, ink_of

# So many heights above a line are looked at: a mark begins within them, what hangs down from the line above does not.
_ABOVE = 0.3
# A mark stands on a letter, with no more than so many heights of paper between, and no farther aside: U is open above.
_BELOW, _ASIDE = 0.14, 0.2
# It is at most so high and so wide, in heights of its line.
_HIGHEST, _WIDEST = 0.28, 0.5
# And at least so high, with so much ink, in squares of that height: what is less is dust, or the top of an ascender.
_LOWEST, _LEAST_INK = 0.025, 0.002
# Where there is more ink by itself than so many, and than so many for each height of the line along it, the feet of the
# line above are seen, and not but its commas and the tails of its letters.
_FEW, _DENSEST = 5, 1.0
# So many heights of paper are left above it.
_MARGIN = 0.06


def with_marks(page: PixelArray, corners: Corners, strip: Strip) -> Strip | None:
    """Cuts a strip out once more, with what may be marks over its letters; None where there is nothing of the kind.

    Args:
        page: Grey levels, [height, width].
        corners: The outline of a line, [2n, 2].
        strip: What `crop.cut` cut out there.
    """
    more = _height_of_marks(page, corners, strip)
    return cut(page, _between(corners, -more, 1.0)) if more else None


def adds_marks(plain: str, marked: str) -> bool:
    """Whether the second text is the first with more marks on its letters."""
    letters, lettered = (unicodedata.normalize("NFD", text) for text in (plain, marked))
    bare, bared = ("".join(one for one in text if not unicodedata.combining(one)) for text in (letters, lettered))
    return bare == bared and len(lettered) > len(letters)


def _height_of_marks(page: PixelArray, corners: Corners, strip: Strip) -> float:
    """How far marks reach above a strip, in its heights; 0 where there are none."""
    # The edge of a line that is found without its marks goes through them.
    if np.ptp(strip.pixels[0]) < LEAST_CONTRAST:
        return 0.0
    band = cut(page, _between(corners, -_ABOVE, _BELOW))
    rows = band.pixels.shape[0]
    height = rows / (_ABOVE + _BELOW)
    edge = round(_ABOVE * height)
    ink = ink_of(band.pixels, strip.pixels)
    if ink is None or not ink[:edge].any():
        return 0.0
    count, _, parts, _ = cv2.connectedComponentsWithStats(ink[:edge], connectivity=8)
    if count - 1 > max(_FEW, _DENSEST * ink.shape[1] / height):
        return 0.0
    top, wide, high = parts[1:, cv2.CC_STAT_TOP], parts[1:, cv2.CC_STAT_WIDTH], parts[1:, cv2.CC_STAT_HEIGHT]
    fits = (top > 0) & (high <= _HIGHEST * height) & (wide <= _WIDEST * height)
    fits &= (high >= _LOWEST * height) & (parts[1:, cv2.CC_STAT_AREA] >= _LEAST_INK * height**2)
    aside, near = round(_ASIDE * height), round(_BELOW * height)
    starts = []
    for left, start, width, tall, _ in parts[1:][fits].tolist():
        end = start + tall
        stands = ink[end : end + near, max(0, left - aside) : left + width + aside].any()
        if stands and not ink[:start, left : left + width].any():
            starts.append(start)
    return float((edge - min(starts)) / height + _MARGIN) if starts else 0.0


def _between(corners: Corners, start: float, end: float) -> Corners:
    """The outline from so many of its heights below its upper edge to so many."""
    half = len(corners) // 2
    upper, lower = corners[:half], corners[half:][::-1]
    down = lower - upper
    return np.concatenate([upper + start * down, (upper + end * down)[::-1]]).astype(np.float32)
