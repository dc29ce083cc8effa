"""The ends of lines: where one was cut through a letter or a hyphen, it is drawn out until all of that is in it."""

from __future__ import annotations

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.stages.crop import Corners, Strip, cut
from typecase.stages.ink import LEAST_CONTRAST, ink_of

# So many heights beyond an end are looked at: what goes on farther is a rule or a picture.
_BEYOND = 0.6
# Where an end cuts through ink, some of it differs from paper by so much of all that the line differs; a quick look.
_LEAST_CHANGE = 0.4
# Ink nearer to the upper and the lower edge than so many heights may be of the lines above and below.
_EDGE = 0.15
# What is higher than so much of the line is a rule between columns.
_HIGHEST = 0.85
# So many heights of paper are left beyond.
_MARGIN = 0.05


def with_whole_ends(page: PixelArray, corners: Corners, strip: Strip) -> Corners | None:
    """Draws a line out at either end where that cuts through ink; None where it does not.

    Args:
        page: Grey levels, [height, width].
        corners: Its outline, [2n, 2]: upper edge, then lower edge back.
        strip: What `crop.cut` cut out there.
    """
    edge = round(_EDGE * strip.pixels.shape[0])
    inner = strip.pixels[edge : len(strip.pixels) - edge]
    if not inner.size:
        return None
    darkest, lightest, *_ = cv2.minMaxLoc(inner)
    sides, is_dark = inner[:, [0, -1]], cv2.mean(inner)[0] < (darkest + lightest) / 2
    changes = sides.max(axis=0) - darkest if is_dark else lightest - sides.min(axis=0)
    cut_through = (changes >= max(LEAST_CONTRAST, _LEAST_CHANGE * (lightest - darkest))).tolist()
    if not any(cut_through):
        return None
    ink = ink_of(strip.pixels, strip.pixels)
    if ink is None:
        return None
    drawn = corners
    half = len(corners) // 2
    for is_cut, place, upper, before in zip(cut_through, (0, -1), (0, half - 1), (1, half - 2), strict=True):
        touching = ink[:, place].copy()
        touching[:edge] = touching[len(touching) - edge :] = 0
        if not (is_cut and touching.any()):
            continue
        foot = len(corners) - 1 - upper
        height = float(np.hypot(*(corners[foot] - corners[upper])))
        along = corners[upper] - corners[before]
        along = along / max(float(np.hypot(*along)), 1e-6) * height
        away = _reach(page, corners[upper], corners[foot], along, touching, strip) * along
        if away.any():
            drawn = drawn.copy()
            drawn[[upper, foot]] += away
    return None if drawn is corners else drawn


def _reach(
    page: PixelArray, upper: Corners, foot: Corners, along: Corners, touching: PixelArray, strip: Strip
) -> float:
    """How many heights beyond an end the ink that it cuts through reaches; 0 where that is none of the line's.

    Args:
        page: Grey levels.
        upper: The upper corner of the end.
        foot: The lower one.
        along: From the end onwards, as long as the line is high.
        touching: Where ink touches the end, [rows].
        strip: The line.
    """
    beyond = _BEYOND * along
    to_the_left = along[0] < 0
    sides = (
        (upper + beyond, upper, foot, foot + beyond) if to_the_left else (upper, upper + beyond, foot + beyond, foot)
    )
    part = cut(page, np.stack(sides).astype(np.float32)).pixels
    if to_the_left:
        part = np.ascontiguousarray(part[:, ::-1])
    ink = ink_of(part, strip.pixels)
    if ink is None:
        return 0.0
    _, labels, parts, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    rows, columns = ink.shape
    places = np.flatnonzero(touching) * rows // len(touching)
    names = [int(name) for name in np.unique(labels[places.clip(0, rows - 1), 0]) if name]
    if not names:
        return 0.0
    reach = max(int(parts[name, cv2.CC_STAT_LEFT] + parts[name, cv2.CC_STAT_WIDTH]) for name in names)
    highest = max(int(parts[name, cv2.CC_STAT_HEIGHT]) for name in names)
    if reach >= columns or highest > _HIGHEST * rows:
        return 0.0
    return float(_BEYOND * reach / columns + _MARGIN)
