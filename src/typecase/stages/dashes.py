"""The dash before a paragraph, which is mostly taken for a rule, and not found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.stages.crop import cut
from typecase.stages.ink import ink_of, may_hold_ink
from typecase.stages.lines_of_maps import Corners, Piece

# So many heights before a line are looked at; all that may stand there is the dash.
_BEFORE = 2.4
# Its width and its greatest height, and where its middle lies, from the line's upper edge down; in heights of the line.
_WIDTHS = (0.35, 1.3)
_THICKEST = 0.16
_MIDDLES = (0.42, 0.7)
# So much paper stands before it, else it is the end of a rule.
_FREE = 0.3
# So much of the box around it is ink.
_FILLED = 0.6
# Ink that covers less than so much of the square of the height is dust.
_DUST = 0.004
_MARGIN = 0.15


def with_dashes(page: PixelArray, pieces: Sequence[Piece]) -> list[Piece]:
    """Draws pieces of lines out to the dash that stands before them, where one does.

    Args:
        page: Grey levels, [height, width].
        pieces: Those that were found; a dash that was found as a piece is none by itself any more.
    """
    level = [number for number, piece in enumerate(pieces) if not piece.across]
    if not level:
        return list(pieces)
    boxes = np.array([[*one.corners.min(axis=0), *one.corners.max(axis=0)] for one in pieces])
    start, following, foot = (
        np.array([pieces[number].corners[place] for number in level], np.float64) for place in (0, 1, -1)
    )
    heights, lengths = np.hypot(*(foot - start).T), np.hypot(*(following - start).T)
    away = _BEFORE * (heights / np.maximum(lengths, 1e-6))[:, np.newaxis] * (following - start)
    before = np.stack([start - away, start, foot, foot - away], axis=1).astype(np.float32)
    lows, highs = before.min(axis=1), before.max(axis=1)
    # What else reaches into the place before each: it may be the dash, and nothing larger.
    middle = (lows[:, 1:] + highs[:, 1:]) / 2
    beside = (
        (boxes[:, 1] < middle) & (boxes[:, 3] > middle) & (boxes[:, 0] < highs[:, :1]) & (boxes[:, 2] > lows[:, :1])
    )
    beside[np.arange(len(level)), level] = False
    larger = (boxes[:, 0] < lows[:, :1]) | (boxes[:, 2] > highs[:, :1] + _MARGIN * heights[:, np.newaxis])
    drawn: dict[int, Piece] = {}
    dashes: set[int] = set()
    for place in np.flatnonzero(~(beside & larger).any(axis=1)).tolist():
        reach = _reach(cut(page, before[place]).pixels) if may_hold_ink(page, before[place]) else None
        if reach is not None:
            piece = pieces[level[place]]
            drawn[level[place]] = replace(
                piece, corners=_drawn_out(piece.corners, (reach + _MARGIN) / _BEFORE * away[place])
            )
            dashes.update(np.flatnonzero(beside[place]).tolist())
    return [drawn.get(number, piece) for number, piece in enumerate(pieces) if number not in dashes]


def _drawn_out(corners: Corners, away: Corners) -> Corners:
    """An outline that begins farther ahead."""
    drawn = corners.copy()
    drawn[[0, -1]] -= away.astype(np.float32)
    return drawn


def _reach(pixels: PixelArray) -> float | None:
    """How many heights before the end of a strip the only ink in it begins; None where that is no dash."""
    rows, columns = pixels.shape
    ink = ink_of(pixels, pixels)
    if ink is None:
        return None
    _, _, parts, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    all_ink = [part for part in parts[1:].tolist() if part[4] >= _DUST * rows * rows]
    if len(all_ink) != 1:
        return None
    [(left, top, width, height, area)] = all_ink
    is_dash = (
        _WIDTHS[0] * rows <= width <= _WIDTHS[1] * rows
        and height <= _THICKEST * rows
        and area >= _FILLED * width * height
        and _MIDDLES[0] * rows <= top + height / 2 <= _MIDDLES[1] * rows
        and left >= _FREE * rows
    )
    return float(columns - left) / rows if is_dash else None
