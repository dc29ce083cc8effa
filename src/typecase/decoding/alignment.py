"""Where each character stands: the frames tell its place along the line, the ink its extent.

The net's frames say where a character is best seen, not where it begins and ends. Between two neighbours the cut is
laid through the column with the least ink, and the box is drawn around the ink between its two cuts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from typecase.decoding.ctc import Indices
from typecase.preprocess import PixelArray

Edges = npt.NDArray[np.int64]

WIDEST = 1.0
"""How far from its centre a character may reach to either side, in heights of the line."""

_INK = 0.45
"""A pixel is ink when it is darker than the ground by this share of the way to the line's darkest."""

_MIDDLE = 6
"""How much darker, in grey levels summed over a column, a cut may be for lying one pixel nearer to the middle."""


def character_boxes(canvases: Sequence[PixelArray], centres: Edges, offsets: Indices) -> Edges:
    """Finds the box of each character and of each space.

    Args:
        canvases: The lines as the net saw them, dark on light, each of shape [height, width].
        centres: Where each character was seen, in pixels of its own canvas from the left, rising, [characters].
        offsets: Where each line's characters begin, and at last where they end, [lines + 1].

    Returns:
        Rows of left, top, right and bottom in pixels of the line's own canvas, right and bottom exclusive. What has
        no ink between its cuts, as a space, reaches from cut to cut and over the whole height.
    """
    if not len(centres):
        return np.empty((0, 4), np.int64)
    counts = np.diff(offsets)
    lines = np.repeat(np.arange(len(counts)), counts)
    joined, inked, begins = _laid_end_to_end(canvases)
    height = joined.shape[0]
    places = np.clip(centres, 0, np.diff(begins)[lines] - 1) + begins[lines]
    lefts, rights = _cuts(joined, places, lines, begins, round(WIDEST * height))
    boxes = _extents(inked, lefts, rights)
    boxes[:, ::2] -= begins[lines, np.newaxis]
    return boxes


def _laid_end_to_end(
    canvases: Sequence[PixelArray],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_], Edges]:
    """The darkness of all lines side by side, what of it is ink, and where each line begins and the last one ends."""
    darkness, inked = [], []
    for canvas in canvases:
        shares = np.cumsum(np.bincount(canvas.ravel(), minlength=256)) / canvas.size
        darkest, ground = (int(np.searchsorted(shares, share)) for share in (0.01, 0.5))
        darkness.append(np.maximum(ground, canvas) - canvas)
        inked.append(canvas < ground - max(8.0, _INK * (ground - darkest)))
    begins = np.cumsum([0, *(canvas.shape[1] for canvas in canvases)], dtype=np.int64)
    return np.concatenate(darkness, axis=1), np.concatenate(inked, axis=1), begins


def _cuts(
    darkness: npt.NDArray[np.int32], places: Edges, lines: Indices, begins: Edges, reach: int
) -> tuple[Edges, Edges]:
    """The left and right cut of each character, right exclusive, in pixels of the joined lines."""
    lefts = np.maximum(begins[lines], places - reach)
    rights = np.minimum(begins[lines + 1], places + reach + 1)
    pairs = np.flatnonzero((lines[1:] == lines[:-1]) & (places[1:] > places[:-1]))
    if len(pairs):
        first, last = places[pairs], places[pairs + 1]
        # One stretch of columns for each pair, all of them in one array.
        lengths = last - first + 1
        starts = np.cumsum(lengths) - lengths
        columns = np.arange(lengths.sum()) + np.repeat(first - starts, lengths)
        profile = darkness.sum(axis=0, dtype=np.int64)
        off_middle = np.abs(2 * columns - np.repeat(first + last, lengths))
        # The cost in the upper bits and the column in the lower, so that one minimum finds both.
        keys = ((2 * profile[columns] + _MIDDLE * off_middle) << 32) | columns
        cuts = np.minimum.reduceat(keys, starts) & 0xFFFFFFFF
        # A cut belongs to the right neighbour, unless it is the left one's own centre.
        cuts = np.minimum(np.maximum(cuts, first + 1), last)
        rights[pairs] = np.minimum(rights[pairs], cuts)
        lefts[pairs + 1] = np.maximum(lefts[pairs + 1], cuts)
    return lefts, np.maximum(rights, lefts + 1)


def _extents(inked: npt.NDArray[np.bool_], lefts: Edges, rights: Edges) -> Edges:
    """The box around the ink between two cuts each."""
    height, width = inked.shape
    any_ink = inked.any(axis=0)
    columns = np.arange(width)
    first_rows = np.where(any_ink, inked.argmax(axis=0), height)
    last_rows = np.where(any_ink, height - inked[::-1].argmax(axis=0), 0)
    first_columns = np.where(any_ink, columns, width)
    last_columns = np.where(any_ink, columns + 1, 0)
    # Pairs of beginning and end; what lies between one's end and the next's beginning is found too and dropped.
    bounds = np.stack([lefts, np.minimum(rights, width)], axis=1).ravel()
    padded = [np.append(values, fill) for values, fill in ((first_columns, width), (first_rows, height))]
    left, top = (np.minimum.reduceat(values, bounds)[::2] for values in padded)
    right, bottom = (np.maximum.reduceat(np.append(values, 0), bounds)[::2] for values in (last_columns, last_rows))
    boxes = np.stack([left, top, right, bottom], axis=1)
    empty = right <= left
    boxes[empty] = np.stack([lefts, np.zeros_like(lefts), rights, np.full_like(lefts, height)], axis=1)[empty]
    return boxes
