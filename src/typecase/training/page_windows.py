"""Windows of pages at the scale of a detector, varied by chance, and the maps that the net should answer with.

The maps have the layout of the net's own output (`typecase.nets.pagenet`), with one channel more that tells where the
distances count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from typecase.datasets.pages import Outline, PageSample
from typecase.preprocess import FloatArray, PixelArray
from typecase.stages.lines_of_maps import ACROSS, CELL, CORE, CORES, DISTANCE_UNIT, DOWN, END, UP
from typecase.training.settings import PageAugmentationSettings

VALID = 7
"""Channel of the target maps: 1 where the distances and the direction count."""

TARGETS = 8
"""Channels of the target maps."""

IGNORED = -1.0
"""Value of a core that no loss looks at."""

Places = npt.NDArray[np.float64]
"""[n, 2] in pixels of the window."""

# Shorter lines than this, in pixels of the window, are neither found nor missed.
_LEAST_HEIGHT = 4.0
# Share of a line's height, about its middle, in which the distances are asked for.
_TOLD = 0.8
# Subpixel accuracy of the polygons that are filled, in bits.
_SHIFT = 4
_NOISE_SIDE = 1 << 18


def window(
    grey: PixelArray,
    sample: PageSample,
    side: int,
    settings: PageAugmentationSettings,
    generator: np.random.Generator,
) -> tuple[PixelArray, FloatArray]:
    """Cuts a window out of a page, at a scale by chance, and varies it.

    Args:
        grey: The page, [height, width].
        sample: Its truth.
        side: Of the window in pixels, a multiple of 32.
        settings: Largest changes and probabilities.
        generator: Source of chance.

    Returns:
        Bytes [side, side], and maps [8, side / 4, side / 4].
    """
    scale = _scale(sample.outlines, side, grey.shape, settings, generator)
    turns = int(generator.choice(4, p=_turns(settings)))
    angle = float(generator.normal(0, settings.skew / 2)) if generator.random() < 0.5 else 0.0
    centre = _centre(grey.shape, sample.outlines, side / scale, generator)
    # What is needed of the page, with the corners that a turn brings in.
    reach = side / scale / 2 * (1 + 2 * np.sin(abs(np.radians(angle))))
    left, top = (max(0, int(np.floor(value - reach))) for value in centre)
    right = min(grey.shape[1], int(np.ceil(centre[0] + reach)) + 1)
    bottom = min(grey.shape[0], int(np.ceil(centre[1] + reach)) + 1)
    part = grey[top:bottom, left:right]
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)
    exact = np.array([size[0] / (right - left), size[1] / (bottom - top)])
    # From the scaled part to the window: a turn about the centre, which lands in the middle.
    matrix = np.asarray(cv2.getRotationMatrix2D((0.0, 0.0), angle + 90 * turns, 1.0), np.float64)
    middle = (np.array(centre) - (left, top)) * exact
    matrix[:, 2] = side / 2 - matrix[:, :2] @ middle
    edge = int(np.median(part[[0, -1]])) if generator.random() < 0.7 else int(generator.integers(0, 256))
    whole = matrix.copy()
    # OpenCV counts pixels by their centres, outlines by their edges.
    whole[:, 2] += whole[:, :2] @ [0.5, 0.5] - 0.5
    pixels = cv2.warpAffine(
        part, whole, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=edge
    )
    outlines = [
        (((outline - (left, top)) * exact) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        for outline in sample.outlines
    ]
    return _varied(np.asarray(pixels, np.uint8), settings, generator), target_maps(outlines, sample.ignored, side, side)


def target_maps(outlines: Sequence[Outline], ignored: Sequence[bool], width: int, height: int) -> FloatArray:
    """The maps that a net should answer with.

    Args:
        outlines: Of the lines, in pixels of the window; they may reach beyond it.
        ignored: For each, whether it is no fault to find it or not.
        width: Of the window in pixels, a multiple of 4.
        height: Likewise.

    Returns:
        Maps [8, height / 4, width / 4].
    """
    fine = np.zeros((height * 2 // CELL, width * 2 // CELL), np.float32)
    coarse = np.zeros((height // CELL, width // CELL), np.int32)
    maps = np.zeros((TARGETS, height // CELL, width // CELL), np.float32)
    # Of each segment: its upper edge and its lower one as lines a x + b y + c = distance, and its direction.
    segments: list[tuple[float, ...]] = [(0.0,) * 7]
    for outline, skipped in zip(outlines, ignored, strict=True):
        low, high = outline.min(axis=0), outline.max(axis=0)
        if high[0] < 0 or high[1] < 0 or low[0] >= width or low[1] >= height:
            continue
        half = len(outline) // 2
        upper, lower = outline[:half].astype(np.float64), outline[half:][::-1].astype(np.float64)
        tall = float(np.hypot(*(lower - upper).T).mean())
        if skipped or tall < _LEAST_HEIGHT:
            _fill(fine, outline, 2 / CELL, IGNORED)
            continue
        _fill(fine, _band(upper, lower, CORE, END * tall), 2 / CELL, 1.0)
        band = _band(upper, lower, _TOLD, 0.0)
        across, flipped = _direction(upper)
        for index in range(half - 1):
            top, bottom = upper[index : index + 2], lower[index : index + 2]
            first, second = (bottom, top) if flipped else (top, bottom)
            segments.append((*_edge(first, second), *_edge(second, first), float(across)))
            # Wider than the core, for the cells at its border hold quarters of it too.
            quad = np.concatenate([band[index : index + 2], band[::-1][index : index + 2][::-1]])
            _fill(coarse, quad, 1 / CELL, len(segments) - 1)
    maps[CORES] = fine.reshape(height // CELL, 2, width // CELL, 2).transpose(1, 3, 0, 2).reshape(4, *maps.shape[1:])
    ys, xs = np.nonzero(coarse)
    facts = np.array(segments)[coarse[ys, xs]]
    x, y = (xs + 0.5) * CELL, (ys + 0.5) * CELL
    for channel, start in ((UP, 0), (DOWN, 3)):
        distance = facts[:, start] * x + facts[:, start + 1] * y + facts[:, start + 2]
        maps[channel, ys, xs] = np.log2(np.maximum(distance, 0.5) / DISTANCE_UNIT)
    maps[ACROSS, ys, xs] = facts[:, 6]
    maps[VALID, ys, xs] = 1.0
    return maps


def _band(upper: Places, lower: Places, share: float, shorter: float) -> Outline:
    """The middle band of a line, a share of its height, and a little shorter than the line at either end."""
    middle = (upper + lower) / 2
    ends = [middle[1] - middle[0], middle[-2] - middle[-1]]
    lengths = [max(1e-6, float(np.hypot(*end))) for end in ends]
    shift = np.zeros_like(middle)
    total = float(np.hypot(*(middle[1:] - middle[:-1]).T).sum())
    # A narrow letter keeps at least a third of its width.
    by = min(shorter, total / 3)
    shift[0], shift[-1] = ends[0] / lengths[0] * by, ends[1] / lengths[1] * by
    rise = (lower - upper) * (share / 2)
    return np.concatenate([middle - rise + shift, (middle + rise + shift)[::-1]]).astype(np.float32)


def _fill(canvas: npt.NDArray[Any], outline: Outline, factor: float, value: float) -> None:
    # Pixel centres are whole numbers to OpenCV, and its fill takes the border in: half a pixel too much all round.
    corners = np.round((outline * factor - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [corners], value, shift=_SHIFT)


def _direction(upper: Places) -> tuple[bool, bool]:
    """Whether a line runs up or down the page, and whether its upper edge is the lower (or the right) one there."""
    along = upper[-1] - upper[0]
    if abs(along[1]) > abs(along[0]):
        return True, bool(along[1] > 0)
    return False, bool(along[0] < 0)


def _edge(edge: Places, other: Places) -> tuple[float, float, float]:
    """The distance of any place (x, y) from an edge as a x + b y + c, positive towards another edge."""
    (x0, y0), (x1, y1) = edge
    normal = np.array([y0 - y1, x1 - x0])
    normal /= max(1e-6, float(np.hypot(*normal)))
    offset = -float(normal @ edge[0])
    if float(normal @ other.mean(axis=0)) + offset < 0:
        normal, offset = -normal, -offset
    return float(normal[0]), float(normal[1]), offset


def _turns(settings: PageAugmentationSettings) -> list[float]:
    quarter = settings.quarter_turn / 2
    return [1 - 2 * quarter - settings.half_turn, quarter, settings.half_turn, quarter]


def _scale(
    outlines: Sequence[Outline],
    side: int,
    shape: tuple[int, ...],
    settings: PageAugmentationSettings,
    generator: np.random.Generator,
) -> float:
    """How many pixels of the window each of the page's becomes."""
    low, high = settings.heights
    wanted = float(np.exp(generator.uniform(np.log(low), np.log(high))))
    if not outlines:
        return float(np.clip(side / max(shape) * generator.uniform(0.7, 2.0), 0.1, 3.0))
    heights = [np.hypot(*(one[: len(one) // 2] - one[len(one) // 2 :][::-1]).T).mean() for one in outlines]
    reference = float(np.median(heights)) if generator.random() < 0.7 else float(generator.choice(heights))
    scale = wanted / max(reference, 1.0)
    # Blowing up what has few pixels, or shrinking a page to a stamp, teaches nothing.
    return float(np.clip(scale, max(0.05, 0.3 * side / max(shape)), 3.0))


def _centre(
    shape: tuple[int, ...], outlines: Sequence[Outline], reach: float, generator: np.random.Generator
) -> tuple[float, float]:
    """The middle of the window in the page: mostly near some line."""
    height, width = shape[:2]
    if outlines and generator.random() < 0.85:
        corners = outlines[int(generator.integers(len(outlines)))]
        # A long line is met anywhere along it.
        x = float(generator.uniform(corners[:, 0].min(), corners[:, 0].max()))
        y = float(corners[:, 1].mean())
        x, y = x + reach * generator.uniform(-0.4, 0.4), y + reach * generator.uniform(-0.4, 0.4)
    else:
        x, y = generator.uniform(0, width), generator.uniform(0, height)

    def inward(value: float, length: int) -> float:
        # Seldom more of the window beyond the page than a margin.
        low = reach / 2 * 0.9
        return length / 2 if length <= 2 * low else float(np.clip(value, low, length - low))

    return inward(x, width), inward(y, height)


def _varied(pixels: PixelArray, settings: PageAugmentationSettings, generator: np.random.Generator) -> PixelArray:
    chances = generator.random(4)
    if chances[0] < settings.blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.4, 1.4)), np.uint8)
    if chances[1] < settings.tone:
        gamma, low, high = generator.uniform((-0.6, 0.0, 0.6), (0.6, 0.35, 1.0))
        levels = 255 * (low + (high - low) * (np.arange(256) / 255) ** np.exp(gamma))
        pixels = np.round(levels).astype(np.uint8)[pixels]
    if chances[2] < settings.noise:
        noise = generator.integers(-40, 41, min(_NOISE_SIDE, pixels.size), dtype=np.int16)
        spread = np.resize(noise, pixels.shape) * np.float32(generator.uniform(0.1, 1.0))
        pixels = np.asarray(np.clip(pixels + spread, 0, 255), np.uint8)
    if chances[3] < settings.inversion:
        pixels = 255 - pixels
    return pixels
