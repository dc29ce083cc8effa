"""Handwriting as the path of a pen: drawn with any pen, and varied so that a few writers become many.

A form is one character as one writer wrote it: a sequence of strokes, a stroke is a sequence of (x, y) points with y
downwards, in any unit (Chars74K's tablet counts about 900 x 600).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.errors import DataError

Points = npt.NDArray[np.float64]
Strokes = Sequence[Sequence[tuple[float, float]]] | Sequence[Sequence[Sequence[float]]] | Sequence[npt.NDArray[Any]]

# Drawn this many times larger and averaged down: edges get 16 true grey levels from geometry alone.
_OVERSAMPLING = 4
# Points are given to OpenCV in 1/16 of an oversampled pixel.
_FRACTION_BITS = 4


class Handwriting(NamedTuple):
    """One character as one writer wrote it."""

    character: str
    writer: str
    strokes: Strokes


def draw_strokes(
    strokes: Strokes,
    *,
    pen_width: float,
    canvas: int,
    window: tuple[float, float, float] | None = None,
    margin: float = 0.12,
) -> Image.Image:
    """Draws strokes with a round pen, dark on white, antialiased.

    Args:
        strokes: The form; a stroke of one point is a dot.
        pen_width: Width of the line in pixels of the canvas.
        canvas: Side of the picture in pixels.
        window: The square (x, y, side) of the strokes' own plane that fills the canvas; the same window for all
            forms of a writer keeps size and place. None takes the square around this form.
        margin: Only without a window: empty border on each side, as a share of the canvas, outside the pen's width.

    Returns:
        A picture of mode "L", canvas x canvas.

    Raises:
        DataError: The form has no point at all.
    """
    arrays = as_points(strokes)
    x, y, side = window if window is not None else square_around(arrays, margin + pen_width / (2 * canvas))
    scale = canvas * _OVERSAMPLING / side
    # OpenCV counts from the centre of the first pixel, the canvas from its corner.
    lines = [
        np.round(((points - (x, y)) * scale - 0.5) * 2**_FRACTION_BITS).astype(np.int32).reshape(-1, 1, 2)
        # A single point makes no line for OpenCV; the same point twice makes a dot.
        for points in (np.repeat(array, 2, axis=0) if len(array) == 1 else array for array in arrays)
    ]
    drawn = np.full((canvas * _OVERSAMPLING, canvas * _OVERSAMPLING), 255, np.uint8)
    thickness = max(1, round(pen_width * _OVERSAMPLING))
    # Thick lines of OpenCV have round ends, so joins are round as well.
    cv2.polylines(drawn, lines, isClosed=False, color=0, thickness=thickness, shift=_FRACTION_BITS)
    return Image.fromarray(cv2.resize(drawn, (canvas, canvas), interpolation=cv2.INTER_AREA))


def square_around(strokes: Strokes, margin: float = 0.0) -> tuple[float, float, float]:
    """The square around a form, as a window of `draw_strokes`.

    Args:
        strokes: The form.
        margin: Border on each side as a share of the square's side, 0 up to (not including) 0.5.

    Returns:
        (x, y, side); the form is in its middle.

    Raises:
        DataError: The form has no point at all.
    """
    points = np.concatenate(as_points(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    # A lone dot has no extent of its own.
    side = max(float((high - low).max()), 1e-6) / (1 - 2 * min(margin, 0.49))
    centre = (low + high) / 2
    return float(centre[0] - side / 2), float(centre[1] - side / 2), side


def vary_strokes(
    strokes: Strokes,
    generator: np.random.Generator,
    *,
    rotation: float = 12.0,
    shear: float = 0.35,
    stretch: float = 0.3,
    warp: float = 0.085,
    tremor: float = 0.008,
    shift: float = 0.03,
) -> list[Points]:
    """Makes another writer's form out of one: every stroke is kept, all of them are bent together.

    All amounts are greatest values: each form draws its own, most of them small.

    Args:
        strokes: The form.
        generator: Source of chance; the same state gives the same form.
        rotation: Degrees to either side.
        shear: Slant to either side, as the shift in x over the height.
        stretch: Change of the ratio of width to height, as a share.
        warp: Smooth bending of the plane (a 4 x 4 grid of displacements), as a share of the form's longer side.
        tremor: Smooth wandering of the pen along each stroke, as a share of the form's longer side.
        shift: How far each stroke moves against the others, as a share of the form's longer side.

    Returns:
        One array of shape [points, 2] for each stroke, about the form's own centre.

    Raises:
        DataError: The form has no point at all.
    """
    arrays = as_points(strokes)
    points = np.concatenate(arrays)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, side = (low + high) / 2, max(float((high - low).max()), 1e-6)
    # A triangular distribution about zero: strong changes are rare and never exceed the stated amount.
    chance = generator.triangular(-1, 0, 1, 4)
    angle = np.deg2rad(rotation) * chance[0]
    factor = (1 + stretch) ** chance[2]
    matrix = (
        np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        @ np.array([[1.0, -shear * chance[1]], [0.0, 1.0]])
        @ np.diag([np.sqrt(factor), 1 / np.sqrt(factor)])
    )
    unit = (points - centre) / side
    unit = unit @ matrix.T + _bend(unit, generator, warp * abs(chance[3]) ** 0.5)
    varied, start = [], 0
    for array in arrays:
        part = unit[start : start + len(array)]
        start += len(array)
        part = part + _tremor(len(array), generator, tremor)
        if len(arrays) > 1:
            part = part + shift * generator.triangular(-1, 0, 1, 2)
        varied.append(part * side + centre)
    return varied


def as_points(strokes: Strokes) -> list[Points]:
    """Strokes as float arrays of shape [points, 2], empty strokes left out.

    Raises:
        DataError: There is no point at all, or something is not a point.
    """
    try:
        arrays = [np.asarray(stroke, dtype=np.float64).reshape(-1, 2) for stroke in strokes if len(stroke)]
    except (TypeError, ValueError) as error:
        raise DataError(f"A pen stroke is not a list of (x, y) points ({error}); repair or remove it.") from error
    if not arrays:
        raise DataError("A form of handwriting has no stroke to draw; remove it from the data.")
    return arrays


def _bend(unit: Points, generator: np.random.Generator, amount: float) -> Points:
    """Displacement of each point by a smooth random field; points lie about -0.5..0.5."""
    grid = generator.uniform(-amount, amount, (4, 4, 2))
    place = np.clip((unit + 0.5) * 3, 0, 3)
    weights_x, weights_y = (_hat(place[:, axis]) for axis in (0, 1))
    bent: Points = np.einsum("px,py,xyd->pd", weights_x, weights_y, grid)
    return bent


def _hat(place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights of 4 knots at 0..3 for each place: a raised cosine, so that the bending has no kink."""
    distance = np.minimum(np.abs(place[:, None] - np.arange(4)), 1)
    return 0.5 + 0.5 * np.cos(np.pi * distance)


def _tremor(count: int, generator: np.random.Generator, amount: float) -> Points:
    """A slow random walk of zero mean along a stroke, at most about `amount`."""
    knots = max(2, count // 4 + 1)
    walk = generator.uniform(-amount, amount, (knots, 2))
    place = np.linspace(0, knots - 1, count)
    return np.stack([np.interp(place, np.arange(knots), walk[:, axis]) for axis in (0, 1)], axis=1)
