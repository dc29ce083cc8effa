"""Draws one character of a font at a place of its own, and knows where its ink lies.

Three ways to place it, after three kinds of pictures that exist:

`fitted`: the ink fills the canvas but for a border, in its middle, whatever the character (Chars74K EnglishFnt: 98 of
    128 pixels). The size tells nothing of the case.
`baseline`: all characters of a font at one scale on one baseline, as in a line of text.
`tight`: cut from its surroundings with narrow, uneven margins, after any change of view, its neighbours cut at the
    sides (Chars74K EnglishImg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from typecase.errors import DataError
from typecase.synthesis.degrade import Matrix, Pixels, transform_points
from typecase.synthesis.fonts import Face

FITTED_SHARE = 98 / 128
"""The longer side of the ink over the canvas, in EnglishFnt."""


class Placement(StrEnum):
    """How a character lies on its picture."""

    FITTED = "fitted"
    BASELINE = "baseline"
    TIGHT = "tight"


@dataclass(frozen=True)
class _Run:
    """A character between its neighbours, as the font sets it.

    Attributes:
        coverage: The character's own ink, 0..255, shape [height, width].
        neighbours: The ink of the characters beside it, same shape; None without neighbours.
        baseline: Row of the baseline, in pixels from the top.
        face: What it was set with.
    """

    coverage: Pixels
    neighbours: Pixels | None
    baseline: float
    face: Face


@dataclass(frozen=True)
class DrawnGlyph:
    """A clean picture of one character with its ground truth.

    Attributes:
        pixels: Grey levels, shape [height, width].
        coverage: How much of each pixel is the character's own ink, 0..255, same shape.
        neighbours: The same of the characters beside it; None without neighbours.
        character: What is drawn.
        box: (x, y, width, height) in pixels, the smallest that contains all of the character's ink on the picture.
        placement: How it was placed.
    """

    pixels: Pixels
    coverage: Pixels
    neighbours: Pixels | None
    character: str
    box: tuple[int, int, int, int]
    placement: Placement


def _set_run(face: Face, character: str, *, before: str = "", after: str = "", tracking: float = 0.0) -> _Run:
    """Sets a character between its neighbours.

    Args:
        face: The font at the size to draw in.
        character: The character itself.
        before: The characters on its left.
        after: The characters on its right.
        tracking: Additional space between characters, in ems; may be negative.

    Returns:
        The run; its canvas holds all of its ink.

    Raises:
        DataError: The font lacks one of the characters, or draws nothing for `character`.
    """
    text = before + character + after
    pen, pieces = 0.0, []
    for letter in text:
        ink, left, top = face.mask(letter)
        pieces.append((ink, round(pen) + left, top))
        pen += face.advance(letter) + tracking * face.size
    if pieces[len(before)][0].size == 0:
        raise DataError(f"The font {face.font.path.name} draws nothing for {character!r}; choose another font.")
    x = min(left for ink, left, _ in pieces if ink.size)
    y = min(top for ink, _, top in pieces if ink.size)
    width = max(left + ink.shape[1] for ink, left, _ in pieces if ink.size) - x
    height = max(top + ink.shape[0] for ink, _, top in pieces if ink.size) - y
    own = np.zeros((height, width), np.uint8)
    others = np.zeros((height, width), np.uint8) if len(text) > 1 else None
    for place, (ink, left, top) in enumerate(pieces):
        target = own if place == len(before) else others
        if target is not None and ink.size:
            part = target[top - y : top - y + ink.shape[0], left - x : left - x + ink.shape[1]]
            np.maximum(part, ink, out=part)
    return _Run(own, others, float(-y), face)


def draw_glyph(
    face: Face,
    character: str,
    *,
    canvas: int,
    placement: Placement = Placement.FITTED,
    colours: tuple[int, int] = (0, 255),
    share: float = FITTED_SHARE,
    view: Matrix | None = None,
    neighbours: tuple[str, str] = ("", ""),
    tracking: float = 0.0,
    margins: Sequence[float] = (0.05, 0.05, 0.05, 0.05),
) -> DrawnGlyph:
    """Draws one character, clean.

    Args:
        face: The font; best opened at about 1.3 times the canvas, so that little is lost in scaling.
        character: What to draw.
        canvas: Side of the square picture in pixels; with `tight`, the longer side of the character's ink, to which
            the margins are added.
        placement: See the module.
        colours: Grey levels of ink and ground.
        share: With `fitted`, the longer side of the ink over the canvas; with `baseline`, the height from the font's
            deepest to its highest letter over the canvas.
        view: A 3 x 3 matrix about the character's middle, in units of its longer side (`degrade.random_view`).
        neighbours: Characters on the left and on the right.
        tracking: Additional space between characters, in ems.
        margins: With `tight`, the margins left, top, right, bottom as shares of the ink's longer side; negative ones
            cut into the character.

    Returns:
        The picture with its ground truth.

    Raises:
        DataError: The font lacks one of the characters, or draws nothing for `character`.
    """
    run = _set_run(face, character, before=neighbours[0], after=neighbours[1], tracking=tracking)
    matrix, size = _place_run(run, canvas=canvas, placement=placement, share=share, view=view, margins=margins)
    coverage = _warp(run.coverage, matrix, size)
    others = None if run.neighbours is None else _warp(run.neighbours, matrix, size)
    ink = coverage if others is None else np.maximum(coverage, others)
    dark, light = colours
    levels = np.round(light + (dark - light) * np.arange(256) / 255).astype(np.uint8)
    return DrawnGlyph(levels[ink], coverage, others, character, ink_box(coverage), placement)


def _place_run(
    run: _Run,
    *,
    canvas: int,
    placement: Placement,
    share: float = FITTED_SHARE,
    view: Matrix | None = None,
    margins: Sequence[float] = (0.05, 0.05, 0.05, 0.05),
) -> tuple[Matrix, tuple[int, int]]:
    """Finds where a run lies on its picture; the arguments are those of `draw_glyph`.

    Returns:
        The 3 x 3 matrix from the run's pixels to the picture's, and the picture's (width, height).
    """
    outline = _outline(run.coverage)
    low, high = outline.min(axis=0), outline.max(axis=0)
    unit = float((high - low).max())
    middle = (low + high) / 2
    matrix = _scaling(1 / unit) @ _shift(-middle)
    if view is not None:
        matrix = view @ matrix
    seen = transform_points(matrix, outline)
    low, high = seen.min(axis=0), seen.max(axis=0)
    if placement is Placement.BASELINE:
        above, below = run.face.extent
        scale = share * canvas * unit / (above + below)
        # The font's whole extent lies in the middle; a view is taken as small and leaves the baseline where it is.
        baseline = canvas / 2 + share * canvas * (above / (above + below) - 0.5)
        drop = (run.baseline - middle[1]) / unit
        offset = np.array([canvas / 2 - scale * (low[0] + high[0]) / 2, baseline - scale * drop])
        return _shift(offset) @ _scaling(scale) @ matrix, (canvas, canvas)
    longer = float((high - low).max())
    if placement is Placement.FITTED:
        scale = share * canvas / longer
        return _shift(canvas / 2 - scale * (low + high) / 2) @ _scaling(scale) @ matrix, (canvas, canvas)
    scale = canvas / longer
    left, top, right, bottom = (margin * canvas for margin in margins)
    width, height = (
        max(3, round(extent))
        for extent in (scale * (high[0] - low[0]) + left + right, scale * (high[1] - low[1]) + top + bottom)
    )
    return _shift(np.array([left, top]) - scale * low) @ _scaling(scale) @ matrix, (width, height)


def _warp(coverage: Pixels, matrix: Matrix, size: tuple[int, int]) -> Pixels:
    """Draws a coverage through a matrix onto an empty picture of (width, height)."""
    # Where much is shrunk, averaging first keeps thin strokes.
    factor = int(1 / _local_scale(matrix, coverage.shape) + 0.25)
    if factor >= 2 and min(coverage.shape) >= 4 * factor:
        bottom, right = ((-side) % factor for side in coverage.shape)
        padded = cv2.copyMakeBorder(coverage, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
        small = (padded.shape[1] // factor, padded.shape[0] // factor)
        coverage = np.asarray(cv2.resize(padded, small, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ _scaling(factor)
    # OpenCV counts from the pixels' centres, the matrix from their corners.
    matrix = _shift(np.array([-0.5, -0.5])) @ matrix @ _shift(np.array([0.5, 0.5]))
    return np.asarray(cv2.warpPerspective(coverage, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def _local_scale(matrix: Matrix, shape: tuple[int, ...]) -> float:
    """How much longer a small step becomes, at the middle of a picture."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    here, right, down = transform_points(matrix, middle + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    (a, b), (c, d) = right - here, down - here
    return float(np.sqrt(max(abs(a * d - b * c), 1e-6)))


def ink_box(coverage: Pixels) -> tuple[int, int, int, int]:
    """The smallest box (x, y, width, height) that contains all ink; all zero where there is none."""
    x, y, width, height = cv2.boundingRect(coverage)
    return int(x), int(y), int(width), int(height)


def _outline(coverage: Pixels) -> npt.NDArray[np.float64]:
    """Points around the ink: the outer corners of the first and last ink in each row. Float [points, 2]."""
    ink = coverage > 32
    rows = np.flatnonzero(ink.any(axis=1))
    if not len(rows):
        ink = coverage > 0
        rows = np.flatnonzero(ink.any(axis=1))
    first = ink[rows].argmax(axis=1)
    last = ink.shape[1] - ink[rows, ::-1].argmax(axis=1)
    x = np.concatenate([first, last, first, last])
    y = np.concatenate([rows, rows, rows + 1, rows + 1])
    return np.stack([x, y], axis=1).astype(np.float64)


def _shift(offset: npt.NDArray[np.float64]) -> Matrix:
    return np.array([[1.0, 0.0, offset[0]], [0.0, 1.0, offset[1]], [0.0, 0.0, 1.0]])


def _scaling(factor: float) -> Matrix:
    return np.diag([factor, factor, 1.0])
