"""How well pieces of lines that were found fit the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from typecase.datasets.pages import Outline
from typecase.stages.lines_of_maps import Piece

OVERLAP = 0.5
"""A line is found where this share of what it and the pieces upon it cover together is covered by both."""


@dataclass(frozen=True)
class Match:
    """What was found of some lines; matches of several pages can be added.

    Attributes:
        lines: How many there are.
        found: How many pieces were found, as one for each line that several of them make up.
        matched: How many lines were found.
        heights: Sum over these of the difference of height, as a share of the true one.
    """

    lines: int = 0
    found: int = 0
    matched: int = 0
    heights: float = 0.0

    def __add__(self, other: Match) -> Match:
        return Match(
            self.lines + other.lines,
            self.found + other.found,
            self.matched + other.matched,
            self.heights + other.heights,
        )

    @property
    def recall(self) -> float:
        """Share of the lines that were found."""
        return self.matched / max(1, self.lines)

    @property
    def precision(self) -> float:
        """Share of what was found that is a line."""
        return self.matched / max(1, self.found)

    @property
    def height_error(self) -> float:
        """Mean difference of height of the lines that were found, as a share of the true one."""
        return self.heights / max(1, self.matched)


def match(found: Sequence[Piece], outlines: Sequence[Outline], ignored: Sequence[bool]) -> Match:
    """Holds pieces against the truth.

    A line may be found in several pieces, and a piece may cover several lines that stand side by side; what lies on
    ignored lines counts neither way.

    Args:
        found: What was found.
        outlines: The true lines, in the same pixels.
        ignored: For each of these, whether it does not count.
    """
    truth = [np.asarray(outline, np.float32) for outline in outlines]
    shares = np.zeros((len(found), len(truth)))
    areas = np.array([_area(outline) for outline in truth])
    sizes = np.array([_area(piece.corners) for piece in found])
    boxes = [(outline.min(axis=0), outline.max(axis=0)) for outline in truth]
    for row, piece in enumerate(found):
        low, high = piece.corners.min(axis=0), piece.corners.max(axis=0)
        for column, (start, end) in enumerate(boxes):
            if (low < end).all() and (start < high).all():
                shares[row, column] = _common(piece.corners, truth[column])
    pieces = shares.argmax(axis=1) if len(truth) else np.zeros(len(found), int)
    lines = matched = 0
    heights = 0.0
    used = np.zeros(len(found), bool)
    for column, skipped in enumerate(ignored):
        own = [row for row in range(len(found)) if len(truth) and pieces[row] == column and shares[row, column] > 0]
        if skipped:
            for row in own:
                used[row] |= bool(shares[row, column] > 0.3 * sizes[row])
            continue
        lines += 1
        # A piece over several lines is measured by its share of this one.
        covering = [row for row in range(len(found)) if shares[row, column] > 0.5 * min(areas[column], sizes[row])]
        both = float(shares[covering, column].sum())
        union = (
            areas[column]
            + sum(
                min(float(sizes[row]), float(sizes[row] * shares[row, column] / max(1e-6, shares[row].sum())))
                for row in covering
            )
            - both
        )
        if covering and both >= OVERLAP * union:
            matched += 1
            used[covering] = True
            tall = _height(truth[column])
            heights += abs(float(np.mean([found[row].height for row in covering])) - tall) / max(tall, 1.0)
    return Match(lines, matched + int((~used).sum()), matched, heights)


def _area(outline: Outline) -> float:
    return abs(float(cv2.contourArea(outline.astype(np.float32))))


def _height(outline: Outline) -> float:
    half = len(outline) // 2
    return float(np.hypot(*(outline[:half] - outline[half:][::-1]).T).mean())


def _common(one: Outline, other: Outline) -> float:
    """Area of what two outlines have in common; both are nearly convex."""
    hull, other_hull = (cv2.convexHull(outline.astype(np.float32)) for outline in (one, other))
    return float(cv2.intersectConvexConvex(hull, other_hull)[0])
