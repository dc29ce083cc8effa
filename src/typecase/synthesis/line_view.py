"""Where a line of ink comes to lie in its picture: stretch, skew, perspective, curl, and the cut around it.

A view is decided from the ink's boxes alone, before any pixel moves; ink and boxes then go through the same view, in
one resampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.degrade import Matrix, random_view, transform_points
from typecase.synthesis.ground_truth import Boxes, InkLine, Pixels

_WIDEST = 4096
# Least width of a picture for each character of the line, in heights of the picture.
_NARROWEST = 0.2
# How far a line that is called steep rises at most from end to end, in ems, and by what angle in degrees.
_STEEPEST_RISE = 2.2
_STEEPEST = 4.0


@dataclass(frozen=True)
class Framing:
    """How a kind of picture shows a line; chance decides within these ranges.

    Attributes:
        height: Height of the cut picture in pixels: its middle and its spread as a deviation of the logarithm.
        least: Least height.
        most: Greatest height.
        stretch: Deviation of the logarithm of width over height: condensed and expanded print.
        skew: Greatest angle in degrees, less on long lines, which are cut only when nearly level.
        shear: Greatest slant.
        perspective: Greatest change of size from the middle to an end, as a share.
        arc: Probability that the line runs along an arc.
        curl: Probability that it follows a gentle wave, as on paper that does not lie flat.
        margin: Least, most frequent and greatest distance of ink and edge, in heights of the line.
        neighbours: Probability that remains of the lines above or below are in the cut.
        beside: Probability, for each end, that the cut holds a sliver of what stands beside the line.
        steep: Probability that a line rises by up to its own height and more, so that an upright cut around it holds
            whole words of the lines above and below in its corners.
    """

    height: tuple[float, float] = (32.0, 0.3)
    least: float = 12.0
    most: float = 56.0
    stretch: float = 0.1
    skew: float = 1.0
    shear: float = 0.02
    perspective: float = 0.0
    arc: float = 0.0
    curl: float = 0.0
    margin: tuple[float, float, float] = (-0.04, 0.08, 0.4)
    neighbours: float = 0.15
    beside: float = 0.0
    steep: float = 0.0


@dataclass(frozen=True)
class LineView:
    """The way from a line's ink to its place in the picture.

    Attributes:
        matrix: 3 x 3, from bent ink to the picture.
        size: Width and height of the picture in pixels.
        centre: The point of the ink about which it is bent.
        arc: Curvature of the arc in 1/pixels of the ink, its ends up where positive; 0 for none.
        wave: Amplitude and wavelength in pixels of the ink and phase in radians of the curl.
        is_steep: Whether an upright cut around the line holds more than remains of its neighbours.
    """

    matrix: Matrix
    size: tuple[int, int]
    centre: tuple[float, float]
    arc: float = 0.0
    wave: tuple[float, float, float] = (0.0, 1.0, 0.0)
    is_steep: bool = False

    @property
    def is_flat(self) -> bool:
        """Whether the line stays straight."""
        return self.arc == 0 and self.wave[0] == 0

    def points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sends points of the ink, [n, 2], into the picture."""
        return transform_points(self.matrix, _bent(points, self.centre, self.arc, self.wave))

    def boxes(self, boxes: Boxes) -> Boxes:
        """Sends boxes [n, 4] of the ink into the picture: upright boxes around the moved ones, cut at its edges."""
        corners = self.points(_corners(boxes)).reshape(-1, 4, 2)
        limit = np.array(self.size, np.float64)
        low = np.clip(corners.min(axis=1), 0, limit)
        high = np.clip(corners.max(axis=1), 0, limit)
        return np.concatenate([low, high - low], axis=1).astype(np.float32)

    def ink(self, coverage: Pixels, shift: tuple[float, float] = (0.0, 0.0)) -> Pixels:
        """Resamples ink into the picture.

        Args:
            coverage: 0..255, [height, width].
            shift: Moves the ink first, in its own pixels.

        Returns:
            Coverage in the picture, [height, width].
        """
        rows, columns = coverage.shape
        if self.scale < 0.7:
            # Linear resampling looks at four pixels only: what is made much smaller is averaged first.
            size = tuple(max(2, round(side * min(1.0, 1.2 * self.scale))) for side in (columns, rows))
            coverage = np.asarray(cv2.resize(coverage, size, interpolation=cv2.INTER_AREA), np.uint8)
        across, down = coverage.shape[1] / columns, coverage.shape[0] / rows
        if self.is_flat:
            # OpenCV counts from the middle of the first pixel, boxes from its edge.
            source = np.array(
                [[1 / across, 0, shift[0] + 0.5 / across], [0, 1 / down, shift[1] + 0.5 / down], [0, 0, 1]]
            )
            matrix = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ self.matrix @ source
            if self.matrix[2, 0] == 0 and self.matrix[2, 1] == 0:
                moved = cv2.warpAffine(coverage, matrix[:2] / matrix[2, 2], self.size, flags=cv2.INTER_LINEAR)
            else:
                moved = cv2.warpPerspective(coverage, matrix, self.size, flags=cv2.INTER_LINEAR)
        else:
            x, y = self._sources()
            x = (x - np.float32(shift[0])) * np.float32(across) - np.float32(0.5)
            y = (y - np.float32(shift[1])) * np.float32(down) - np.float32(0.5)
            moved = cv2.remap(coverage, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        return np.asarray(moved, np.uint8)

    @cached_property
    def scale(self) -> float:
        """How large a pixel of the ink's height becomes at the middle of the line."""
        ends = transform_points(self.matrix, np.array([self.centre, (self.centre[0], self.centre[1] + 1)]))
        return float(np.linalg.norm(ends[1] - ends[0]))

    def _sources(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """For the middle of each pixel of the picture its place in the ink."""
        inverse = np.linalg.inv(self.matrix).astype(np.float32)
        columns = np.arange(self.size[0], dtype=np.float32) + np.float32(0.5)
        rows = np.arange(self.size[1], dtype=np.float32)[:, np.newaxis] + np.float32(0.5)
        x, y, depth = (row[0] * columns + row[1] * rows + row[2] for row in inverse)
        x, y = x / depth, y / depth
        amplitude, length, phase = (np.float32(value) for value in self.wave)
        y = y - amplitude * np.sin(x * np.float32(2 * np.pi) / length + phase)
        if self.arc:
            radius = np.float32(1 / self.arc)
            right, down = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
            sign = np.float32(np.sign(self.arc))
            angle = np.arctan2(right * sign, (radius + down) * sign)
            x = np.float32(self.centre[0]) + radius * angle
            y = np.float32(self.centre[1]) + sign * np.hypot(right, radius + down) - radius
        return x.astype(np.float32), y.astype(np.float32)


def random_line_view(ink: InkLine, framing: Framing, generator: np.random.Generator, enlarged: float = 1.0) -> LineView:
    """Draws a view of a line.

    Args:
        ink: The line; only its measures are looked at.
        framing: What is likely.
        generator: Source of chance.
        enlarged: How many times larger than the framing says the picture is to be.
    """
    visible = [not character.isspace() for character in ink.text]
    corners = _corners(ink.boxes[visible])
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = (float(side) for side in high - low)
    middle = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)
    chance = generator.random(4)
    arc, wave = 0.0, (0.0, 1.0, 0.0)
    if chance[0] < framing.arc:
        # Up to about 100 degrees of a circle, but never so tight that letters run into each other at the foot.
        bend = float(generator.choice((-1.0, 1.0)) * generator.uniform(0.15, 1.7))
        arc = bend / max(width, 3 * height)
    elif chance[1] < framing.curl:
        length = float(generator.uniform(0.8, 3.0)) * max(width, 8 * ink.em)
        amplitude = ink.em * float(generator.uniform(0.03, 0.22))
        wave = (amplitude, length, float(generator.uniform(0, 2 * np.pi)))
    # A long line that rises by more than its own height would be cut by its corners, not by an upright box.
    rise = framing.skew / 3 * ink.em if framing.skew <= 3 else ink.em
    most = framing.skew
    if steep := bool(chance[3] < framing.steep):
        rise, most = _STEEPEST_RISE * ink.em, max(_STEEPEST, framing.skew)
    rotation = min(most, float(np.degrees(np.arctan2(rise, max(width, 1.0)))))
    view = random_view(generator, rotation=rotation, shear=framing.shear, stretch=0, perspective=framing.perspective)
    squeeze = float(np.exp(np.clip(generator.normal(0, framing.stretch), -0.6, 0.6)))
    unit = max(width, height)
    normal = np.array([[1 / unit, 0, -middle[0] / unit], [0, 1 / unit, -middle[1] / unit], [0, 0, 1.0]])
    matrix = np.diag((squeeze, 1.0, 1.0)) @ view @ normal
    spread = corners
    if chance[2] < 0.5:
        # Cut by the line's measures instead of by its ink, as who cuts a whole page into lines does.
        ascent = ink.baseline - ink.em * generator.uniform(0.68, 0.85)
        descent = ink.baseline + ink.em * generator.uniform(0.12, 0.28)
        box = np.array([[low[0], ascent, width, descent - ascent]], np.float32)
        spread = np.concatenate([corners, _corners(box)])
    placed = transform_points(matrix, _bent(spread, middle, arc, wave))
    low, high = placed.min(axis=0), placed.max(axis=0)
    # A lone dash or dot is not cut to itself alone: it would fill the picture.
    lacking = max(0.0, 0.9 * ink.x_height / unit - float(high[1] - low[1]))
    share = generator.random()
    low[1] -= lacking * share
    high[1] += lacking * (1 - share)
    line = float(high[1] - low[1])
    least, mode, most = framing.margin
    # Cuts are tight all round or loose all round, and then uneven.
    loose = float(generator.triangular(0.15, 0.4, 1))
    margins = (
        generator.triangular(least, max(least, min(mode, mode * loose * 2)), mode + (most - mode) * loose, 4) * line
    )
    low -= margins[:2]
    high += margins[2:]
    middle_height, deviation = framing.height
    pixels = float(np.clip(middle_height * np.exp(generator.normal(0, deviation)), framing.least, framing.most))
    rows = max(4, round(pixels * enlarged))
    scale = rows / float(high[1] - low[1])
    across = float(high[0] - low[0]) * scale
    # Letters narrower than that are no longer told apart by anyone.
    wider = max(1.0, _NARROWEST * len(ink.text) * rows / across)
    columns = int(np.clip(round(across * wider), 4, _WIDEST))
    cut = np.array([[scale * wider, 0, -low[0] * scale * wider], [0, scale, -low[1] * scale], [0, 0, 1.0]])
    return LineView(cut @ matrix, (columns, rows), middle, arc, wave, steep)


def neighbouring_remains(ink: InkLine, view: LineView, generator: np.random.Generator) -> Pixels | None:
    """What the cut still shows of the lines above and below: other words in the same type.

    Returns:
        Coverage in the picture, or None where the neighbours are too far off to be seen.
    """
    height = view.size[1]
    inked = np.flatnonzero(ink.coverage.max(axis=1) > 64)
    own = view.points(_corners(ink.boxes[[not character.isspace() for character in ink.text]]))[:, 1]
    result: Pixels | None = None
    for above, free in ((True, float(own.min())), (False, height - float(own.max()))):
        if free < 1.2 or not len(inked) or generator.random() < 0.35:
            continue
        # Lines stand apart, so no more than the outermost part of a neighbour lies in what the text leaves free.
        reach = float(generator.uniform(0.1, 0.65)) * min(free, 0.2 * height)
        _, edge = _source_point(view, view.size[0] / 2, reach if above else height - reach)
        shift = edge - float(inked[-1] + 1) if above else edge - float(inked[0])
        piece = _other_line(ink, view, shift, generator)
        result = piece if result is None else np.maximum(result, piece)
    return result


def neighbouring_slivers(ink: InkLine, view: LineView, share: float, generator: np.random.Generator) -> Pixels | None:
    """The first pixels of what stands before and behind the line, where the cut leaves room for them.

    Args:
        ink: The line, whose own ends are shown for those of others.
        view: The cut; of a line that is straight.
        share: Probability of each.
        generator: Source of chance.

    Returns:
        Coverage in the picture, or None where nothing can be seen.
    """
    own = view.points(_corners(ink.boxes[[not character.isspace() for character in ink.text]]))[:, 0]
    inked = np.flatnonzero(ink.coverage.max(axis=0) > 64)
    result: Pixels | None = None
    width, height = view.size
    for before, free in ((True, float(own.min())), (False, width - float(own.max()))):
        shown, part = generator.random(2)
        if shown >= share or free < 1.2 or not len(inked):
            continue
        reach = free * (0.2 + 0.7 * part)
        edge, _ = _source_point(view, reach if before else width - reach, height / 2)
        shift = edge - float(inked[-1] + 1) if before else edge - float(inked[0])
        piece = view.ink(ink.coverage, (shift, 0.0))
        result = piece if result is None else np.maximum(result, piece)
    return result


def neighbouring_lines(ink: InkLine, view: LineView, generator: np.random.Generator) -> Pixels:
    """The lines above and below, at the distance of print: other words in the same type, as far as the cut shows them.

    Returns:
        Coverage in the picture.
    """
    result = np.zeros(view.size[::-1], np.uint8)
    pitch = float(generator.uniform(1.0, 1.7)) * ink.em
    for direction, shown in zip((-1, 1), generator.random(2) < 0.85, strict=True):
        other = _other_line(ink, view, direction * pitch, generator)
        if shown:
            result = np.maximum(result, other)
    return result


def _other_line(ink: InkLine, view: LineView, shift: float, generator: np.random.Generator) -> Pixels:
    """Another line in the same type, so many pixels of the ink further down: this one, begun at another place."""
    other = np.roll(ink.coverage, int(generator.integers(ink.coverage.shape[1])), axis=1)
    return view.ink(other, (float(generator.uniform(-1, 1)) * ink.em, shift))


def _source_point(view: LineView, column: float, row: float) -> tuple[float, float]:
    """The place in the ink, across and down, that comes to lie there in the picture; of a line that is straight."""
    x, y, depth = np.linalg.inv(view.matrix) @ np.array([column, row, 1.0])
    return float(x / depth), float(y / depth)


def _corners(boxes: Boxes) -> npt.NDArray[np.float64]:
    """The four corners of each box, [4 n, 2]."""
    corners = np.empty((len(boxes), 4, 2))
    corners[:] = boxes[:, np.newaxis, :2]
    corners[:, 1:3, 0] += boxes[:, 2, np.newaxis]
    corners[:, 2:, 1] += boxes[:, 3, np.newaxis]
    return corners.reshape(-1, 2)


def _bent(
    points: npt.NDArray[np.float64], centre: tuple[float, float], arc: float, wave: tuple[float, float, float]
) -> npt.NDArray[np.float64]:
    if not arc and not wave[0]:
        return points
    x, y = points.T
    if arc:
        radius = 1 / arc
        angle = (x - centre[0]) * arc
        distance = radius + y - centre[1]
        x = centre[0] + distance * np.sin(angle)
        y = centre[1] + distance * np.cos(angle) - radius
    amplitude, length, phase = wave
    if amplitude:
        y = y + amplitude * np.sin(x * (2 * np.pi) / length + phase)
    return np.stack([x, y], axis=1)
