"""From a detector's maps to pieces of lines: where the core of a line is, there is a line, as high as the maps say.

The maps are those of `typecase.nets.pagenet`. Nothing here knows of the net that made them, so that training judges
itself by the very pieces that reading gets.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from typecase.preprocess import FloatArray
from typecase.stages.rows import Floats

CELL = 4
"""Pixels of the net's input for each place of its maps, either way."""

CHANNELS = 7
"""Of the maps."""

CORE = 0.5
"""Share of a line's height that its core takes, around its middle."""

END = 0.15
"""By how many heights a core ends before the line does, so that pieces at a wide gap stay apart."""

DISTANCE_UNIT = 4.0
"""A distance of v in the maps means so many pixels times 2 ** v."""

CORES = slice(0, 4)
UP, DOWN, ACROSS = 4, 5, 6
"""Channels of the maps: cores by quarters of a cell, distances to both edges, whether the line runs up or down."""

_QUARTER = CELL // 2
# A thing of fewer quarters is a speck: a full stop at the least size has more.
_LEAST_QUARTERS = 3
_LEAST_HEIGHT = 3.0
# A line whose middle strays from straight by more than so many heights is followed as a curve.
_CURVED = 0.1
_CURVED_LENGTH = 5.0

Corners = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """A piece of a line, as long as no gap in it is wide.

    Attributes:
        corners: [2n, 2] in pixels: half of them along the upper edge, the others back along the lower one, as a reader
            of the text sees it; of pieces that run up or down the page as if they ran up, which may be wrong by half a
            turn.
        height: Mean distance of both edges in pixels.
        score: How sure it is that there is text, 0 to 1.
        across: Whether it runs up or down the page.
    """

    corners: Corners
    height: float
    score: float
    across: bool

    @property
    def length(self) -> float:
        """Along its upper edge, in pixels."""
        upper = self.corners[: len(self.corners) // 2]
        return float(np.hypot(*(upper[1:] - upper[:-1]).T).sum())

    def moved(self, scale: float, x: float = 0.0, y: float = 0.0) -> Piece:
        """The piece in other pixels: so many for each of these, after which x and y are added."""
        corners = self.corners * np.float32(scale) + np.array([x, y], np.float32)
        return Piece(corners, self.height * scale, self.score, self.across)


def pieces_of_maps(maps: FloatArray, width: int, height: int, *, least_score: float = 0.6) -> list[Piece]:
    """Finds the pieces of lines in a detector's answer.

    Args:
        maps: [7, rows, columns].
        width: Of the page in pixels of the net's input, without padding.
        height: Likewise.
        least_score: The mean probability of a core below which there is no piece.

    Returns:
        Pieces in pixels of the net's input, in no order.
    """
    rows, columns = -(-height // CELL), -(-width // CELL)
    maps = maps[:, :rows, :columns]
    logits = maps[CORES].reshape(2, 2, rows, columns).transpose(2, 0, 3, 1).reshape(2 * rows, 2 * columns)
    # The last quarters may lie on padding.
    logits = logits[: -(-height // _QUARTER), : -(-width // _QUARTER)]
    core = logits > 0
    across = (maps[ACROSS] > 0).repeat(2, axis=0).repeat(2, axis=1)[: core.shape[0], : core.shape[1]]
    found = _found(core & ~across, logits, maps, (width, height), least_score)
    if across.any() and (lying := core & across).any():
        turned = maps.transpose(0, 2, 1)
        found += [_upright(piece) for piece in _found(lying.T, logits.T, turned, (height, width), least_score)]
    return found


def _found(
    mask: npt.NDArray[np.bool_], logits: FloatArray, maps: FloatArray, size: tuple[int, int], least_score: float
) -> list[Piece]:
    """Pieces that run to the right."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    if count < 2:
        return []
    ys, xs = np.nonzero(mask)
    label = labels[ys, xs]
    up = DISTANCE_UNIT * np.exp2(np.clip(maps[UP, ys // 2, xs // 2], -4, 8))
    down = DISTANCE_UNIT * np.exp2(np.clip(maps[DOWN, ys // 2, xs // 2], -4, 8))
    # Distances are told from the middle of a whole cell; a pixel of the mask is a quarter of one.
    cell_y = (ys // 2 + 0.5) * CELL
    x = (xs + 0.5) * _QUARTER
    middle = cell_y + (down - up) / 2
    # Both distances are taken at a right angle to the line; near enough for the small slopes of pages.
    weights = np.bincount(label, minlength=count).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = [np.bincount(label, values, count) / weights for values in (x, middle, up + down)]
        score = np.bincount(label, 1 / (1 + np.exp(-logits[ys, xs])), count) / weights
        dx = x - mean[0][label]
        spread = np.bincount(label, dx * dx, count)
        slope = np.bincount(label, dx * (middle - mean[1][label]), count) / np.maximum(spread, 1e-6)
    lefts = stats[:, cv2.CC_STAT_LEFT] * float(_QUARTER)
    rights = lefts + stats[:, cv2.CC_STAT_WIDTH] * float(_QUARTER)
    heights = mean[2]
    # A short piece says little of its slope.
    slope = np.where(rights - lefts >= 1.5 * heights, slope, 0.0)
    error = np.abs(middle - mean[1][label] - slope[label] * dx)
    strays = np.bincount(label, error, count) / np.maximum(weights, 1)
    kept = (
        (weights >= _LEAST_QUARTERS)
        & (score >= least_score)
        & (heights >= _LEAST_HEIGHT)
        # What is much higher than its core says it should be is no line.
        & (heights <= 8 * np.maximum(stats[:, cv2.CC_STAT_HEIGHT] * _QUARTER, _QUARTER))
    )
    kept[0] = False
    numbers = np.flatnonzero(kept)
    tall = heights[numbers]
    ends = np.stack([lefts[numbers] - END * tall, rights[numbers] + END * tall], axis=1).clip(0.0, float(size[0]))
    centres = mean[1][numbers, None] + slope[numbers, None] * (ends - mean[0][numbers, None])
    outlines = list(_outlines(ends, centres, tall))
    bent = (ends[:, 1] - ends[:, 0] > _CURVED_LENGTH * tall) & (strays[numbers] > np.maximum(_CURVED * tall, 1.0))
    if bent.any():
        order = np.argsort(label, kind="stable")
        starts = np.searchsorted(label[order], np.arange(count + 1))
        for place in np.flatnonzero(bent).tolist():
            some = order[starts[numbers[place]] : starts[numbers[place] + 1]]
            along, middles = _curve(x[some], middle[some], ends[place, 0], ends[place, 1], tall[place])
            [outlines[place]] = _outlines(along[None], middles[None], tall[place, None])
    found = zip(outlines, tall.tolist(), score[numbers].tolist(), strict=True)
    return [Piece(outline, height, sure, across=False) for outline, height, sure in found]


def _curve(x: FloatArray, middle: FloatArray, left: float, right: float, tall: float) -> tuple[Floats, Floats]:
    """Points along a bent line: a cubic through its middle."""
    centre, reach = (left + right) / 2, max((right - left) / 2, 1.0)
    cubic = np.polynomial.Polynomial.fit((x - centre) / reach, middle, 3, domain=[-1, 1])
    count = int(np.clip(round((right - left) / (2 * tall)), 3, 12))
    ends = np.linspace(left, right, count + 1)
    return ends, np.asarray(cubic((ends - centre) / reach))


def _outlines(ends: Floats, centres: Floats, tall: Floats) -> Corners:
    """The outlines of strips around middle lines of as many points each.

    Args:
        ends: The points' distances from the left, [strips, points].
        centres: Their distances from the top, [strips, points].
        tall: Height of each strip, [strips].

    Returns:
        [strips, 2 * points, 2], as in `Piece`.
    """
    along = np.stack([ends, centres], axis=2)
    steps = np.gradient(along, axis=1)
    steps /= np.maximum(np.hypot(steps[..., 0], steps[..., 1]), 1e-6)[..., None]
    normal = np.stack([-steps[..., 1], steps[..., 0]], axis=2) * (tall / 2)[:, None, None]
    return np.concatenate([along - normal, (along + normal)[:, ::-1]], axis=1).astype(np.float32)


def _upright(piece: Piece) -> Piece:
    """A piece that was found in transposed maps: there it ran to the right, here it runs up the page.

    Transposing mirrors. Walking the strip backwards, from its right end to its left one, undoes this: what was its
    upper edge (smaller y, here smaller x) stays the upper edge of a line that runs up.
    """
    half = len(piece.corners) // 2
    upper, lower = piece.corners[:half], piece.corners[half:]
    corners = np.concatenate([upper[::-1], lower[::-1]])[:, ::-1]
    return Piece(np.ascontiguousarray(corners), piece.height, piece.score, across=True)
