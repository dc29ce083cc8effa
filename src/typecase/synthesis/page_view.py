"""Where a sheet comes to lie in its picture: bent paper, then a camera's or scanner's view of it.

Pixels and points go through the same map. It is made of steps that can each be turned round exactly: the sheet's
columns are moved nearer to each other where the paper rises, columns move up and down, rows sideways, and a
projection ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.degrade import Matrix, transform_points
from typecase.synthesis.ground_truth import Pixels

Curve = npt.NDArray[np.float64]

# The bent map is worked out for every so many pixels and filled in between; it is smooth.
_CELL = 16
KNOTS = 129
"""Points by which a curve over the sheet's width or height is given."""


@dataclass(frozen=True)
class Bend:
    """How the paper is bent; all curves have `KNOTS` values over the sheet's width or height, in pixels of the sheet.

    Attributes:
        size: Width and height of the sheet.
        places: Where each knot of the width comes to lie, rising: foreshortening.
        rise: By how much columns move down, over the width.
        tilt: Share of the rise at the sheet's upper edge and at its lower edge.
        sway: By how much rows move to the right, over the height.
    """

    size: tuple[int, int]
    places: Curve = field(repr=False)
    rise: Curve = field(repr=False)
    tilt: tuple[float, float]
    sway: Curve = field(repr=False)

    def points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Bends points [n, 2]."""
        x, y = points.T
        x = np.interp(x, self._across, self.places)
        rise, slope = self._rise(x)
        y = y + rise * self.tilt[0] + y * rise * slope
        x = x + np.interp(y, self._down, self.sway)
        return np.stack([x, y], axis=1)

    def sources(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Turns bending round: where on the flat sheet points [n, 2] come from."""
        x, y = points.T
        x = x - np.interp(y, self._down, self.sway)
        rise, slope = self._rise(x)
        y = (y - rise * self.tilt[0]) / (1 + rise * slope)
        x = (
            np.interp(x, self.places, self._across)
            + np.minimum(0, x - self.places[0])
            + np.maximum(0, x - self.places[-1])
        )
        return np.stack([x, y], axis=1)

    def _rise(self, x: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
        return np.interp(x, self._across, self.rise), (self.tilt[1] - self.tilt[0]) / self.size[1]

    @property
    def _across(self) -> Curve:
        return np.linspace(0.0, self.size[0], KNOTS)

    @property
    def _down(self) -> Curve:
        return np.linspace(0.0, self.size[1], KNOTS)


@dataclass(frozen=True)
class PageView:
    """The way from the sheet to the picture.

    Attributes:
        matrix: 3 x 3, from the bent sheet to the picture.
        size: Width and height of the picture in pixels.
        bend: How the paper is bent; None for flat paper.
    """

    matrix: Matrix
    size: tuple[int, int]
    bend: Bend | None = None

    def points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sends points of the sheet, [n, 2], into the picture."""
        return transform_points(self.matrix, self.bend.points(points) if self.bend else points)

    def picture(self, tones: Pixels, ground: Pixels) -> Pixels:
        """Lays the sheet upon a ground.

        Args:
            tones: The sheet, [height, width] or [height, width, 3].
            ground: Picture of `size` of what lies below; it is drawn over.
        """
        if self.bend is None and np.array_equal(self.matrix, np.eye(3)) and tones.shape == ground.shape:
            return tones
        way, border = cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
        if self.bend is None:
            # OpenCV counts from the middle of the first pixel, places here from its edge.
            aside = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
            matrix = np.linalg.inv(aside) @ self.matrix @ aside
            if matrix[2, 0] == 0 and matrix[2, 1] == 0:
                moved = cv2.warpAffine(tones, matrix[:2] / matrix[2, 2], self.size, ground, way, border)
            else:
                moved = cv2.warpPerspective(tones, matrix, self.size, ground, way, border)
            return np.asarray(moved, np.uint8)
        moved = cv2.remap(tones, self._sources(), None, way, ground, border)  # type: ignore[call-overload]
        return np.asarray(moved, np.uint8)

    def _sources(self) -> npt.NDArray[np.float32]:
        """For the middle of each pixel of the picture its place on the sheet, as OpenCV counts, [height, width, 2]."""
        assert self.bend is not None
        across, down = (-(-side // _CELL) + 2 for side in self.size)
        columns = _CELL * (np.arange(across) - 0.5)
        rows = _CELL * (np.arange(down) - 0.5)
        lattice = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
        places = self.bend.sources(transform_points(np.linalg.inv(self.matrix).astype(np.float64), lattice)) - 0.5
        places = places.reshape(down, across, 2).astype(np.float32)
        # Linear interpolation between cell middles; the rim of cells around the picture is cut off again.
        wide = cv2.resize(places, (across * _CELL, down * _CELL), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(wide[_CELL : _CELL + self.size[1], _CELL : _CELL + self.size[0]])


def flat_view(size: tuple[int, int]) -> PageView:
    """The view of who looks at the sheet itself."""
    return PageView(np.eye(3), size)


def random_bend(generator: np.random.Generator, size: tuple[int, int], strength: float) -> Bend:
    """Bends paper like a book's page, a curled receipt or a sheet that was folded.

    Args:
        generator: Source of chance.
        size: Of the sheet.
        strength: 0 for none; at 1 columns move by up to about a twenty-fifth of the sheet's smaller side.
    """
    width = size[0]
    reach = strength * 0.04 * min(size)
    across = np.linspace(0, 1, KNOTS)
    kind = int(generator.integers(3))
    if kind == 0:
        # A book's page: it falls into the spine on one side.
        depth = float(generator.uniform(0.05, 0.25))
        profile = np.exp(-across / depth)
        if generator.random() < 0.5:
            profile = profile[::-1]
        rise = reach * float(generator.choice((-1, 1))) * profile
        dense = 1 - 0.55 * min(1.0, strength) * profile
    else:
        phase, waves = generator.uniform(0, 2 * np.pi), float(generator.uniform(0.3, 1.4 if kind == 1 else 3.0))
        rise = reach / max(1.0, waves) * np.sin(2 * np.pi * waves * across + phase)
        dense = np.ones(KNOTS)
    places = np.concatenate([[0], np.cumsum((dense[1:] + dense[:-1]) / 2)])
    places *= width / places[-1]
    tilt = (1.0, float(generator.uniform(-0.3, 1.0)))
    if generator.random() < 0.5:
        tilt = (tilt[1], tilt[0])
    down = np.linspace(0, 1, KNOTS)
    sway = (
        0.5
        * reach
        * float(generator.random())
        * np.sin(2 * np.pi * float(generator.uniform(0.3, 1.6)) * down + float(generator.uniform(0, 6)))
    )
    return Bend(size, places, rise, tilt, sway)


def projection(sources: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]) -> Matrix:
    """The projection that sends four points to four others."""
    matrix = cv2.getPerspectiveTransform(sources.astype(np.float32), targets.astype(np.float32))
    return np.asarray(matrix, np.float64)
