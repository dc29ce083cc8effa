"""Cuts a line that is too wide for the net into pieces, where that does the least harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from typecase.preprocess import PixelArray

GRID = 16
"""A cut lies on a multiple of this, in pixels, so that no frame of the net belongs to two pieces."""

WORD_GAP = 0.3
"""Empty paper at least this wide, in heights of the line, lies between words."""

_SEARCHED = 0.5
"""In which last share of a piece's greatest width its end is looked for."""

_CLEAR = 48
"""A column is empty when no pixel is darker than the paper by more than this, in grey levels."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a line.

    Attributes:
        start: First column.
        stop: The column after the last.
        space_after: Whether the cut at its end goes through a gap between words.
    """

    start: int
    stop: int
    space_after: bool = False


def pieces_of(canvas: PixelArray, widest: int) -> list[Piece]:
    """Finds the pieces of a line.

    Each cut goes through the middle of the widest gap in reach, or, where there is none, through the column with the
    least ink.

    Args:
        canvas: A prepared line, dark on light, of shape [height, width].
        widest: The most columns of a piece; a multiple of `GRID`.

    Returns:
        The pieces from left to right, which together cover the line; every start is a multiple of `GRID`.
    """
    height, width = canvas.shape
    if width <= widest:
        return [Piece(0, width)]
    darkest = canvas.min(axis=0)
    # Ink covers less than half of a line, and what is lighter than most of it is paper.
    empty = darkest >= max(0, int(np.percentile(canvas, 80)) - _CLEAR)
    ink = (255 - canvas).sum(axis=0, dtype=np.int64)
    gaps = _gaps(empty)
    pieces = []
    start = 0
    while width - start > widest:
        first, last = start + int(widest * (1 - _SEARCHED)) // GRID * GRID, start + widest
        near = [gap for gap in gaps if gap[0] < last and gap[1] > first]
        if near:
            left, right = max(near, key=lambda gap: min(gap[1], last) - max(gap[0], first))
            middle = (max(left, first) + min(right, last)) // 2
            cut = min((middle + GRID // 2) // GRID, last // GRID) * GRID
            # On the grid it may have left a narrow gap.
            if left < cut < right and cut > start:
                pieces.append(Piece(start, cut, right - left >= WORD_GAP * height))
                start = cut
                continue
        candidates = np.arange(first, last + 1, GRID)
        # The last of the best, for long pieces are fewer pieces.
        cut = int(candidates[::-1][ink[np.minimum(candidates[::-1], width - 1)].argmin()])
        pieces.append(Piece(start, cut))
        start = cut
    return [*pieces, Piece(start, width)]


def _gaps(empty: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First and end of each run of empty columns."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], empty.view(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
