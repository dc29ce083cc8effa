"""Boxes to tick, as forms have them: drawn by their measures, since few fonts hold them and forms show any shape.

What stands in a box is a tick or a cross, by hand or a letter of the typewriter, in the middle or beside it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from typecase.errors import UsageError
from typecase.synthesis.outlines import Outline
from typecase.synthesis.shaping import Typeface

_ON_CURVE = 1
_Points = list[tuple[float, float]]


@dataclass(frozen=True)
class TickBox:
    """The shape of a box and of the mark in it; lengths are in ems.

    Attributes:
        width: Of the box from edge to edge, 0.3 to 4.
        height: The same upwards, 0.3 to 2.
        stroke: Thickness of its sides, 0.01 to 0.2, and less than half of width and height.
        drop: How far it reaches below the baseline, -0.3 to 1.
        mark: Height of what stands in it, as a share of the box's, 0.3 to 1.6.
        weight: Thickness of the mark's strokes in sides of the box, 0.5 to 4.
        lean: How far the mark's foot is moved to the left and its head to the right, as a share of its height.
        aside: How far the mark stands to the right of the middle, as a share of the box's width, -1 to 1.
        above: How far it stands above the middle, as a share of the box's height, -1 to 1.
        crossed: Whether what marks ☑ is a cross too: people who copy forms call a box ticked, however it is marked.
        typed: The letter of the font that a cross is, X or x, where the font has it; empty for two strokes.
    """

    width: float = 0.74
    height: float = 0.74
    stroke: float = 0.06
    drop: float = 0.02
    mark: float = 0.7
    weight: float = 1.0
    lean: float = 0.0
    aside: float = 0.0
    above: float = 0.0
    crossed: bool = False
    typed: str = ""

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"The {name} of a box to tick must lie between {least} and {most}; {getattr(self, name)} does not."
                )
        if self.typed not in ("", "X", "x"):
            raise UsageError(f"A box to tick is crossed by X or x, or by strokes; {self.typed!r} is neither.")
        if 2 * self.stroke >= min(self.width, self.height):
            raise UsageError(
                f"The sides of a box to tick, {self.stroke} each, leave nothing of {self.width} by {self.height}; "
                "make them thinner."
            )

    def outline(self, character: str, typeface: Typeface) -> Outline:
        """Gives the box as a glyph.

        Args:
            character: One of `fonts.TICK_BOXES`.
            typeface: Whose units it is in, and whose letter it may hold.
        """
        left, bottom = _BEARING, -self.drop
        right, top = left + self.width, bottom + self.height
        inner = self.stroke
        contours = [
            [(left, bottom), (left, top), (right, top), (right, bottom)],
            # The other way round: a hole.
            [
                (left + inner, bottom + inner),
                (right - inner, bottom + inner),
                (right - inner, top - inner),
                (left + inner, top - inner),
            ],
        ]
        middle = ((left + right) / 2 + self.aside * self.width, (bottom + top) / 2 + self.above * self.height)
        crossed = character == "☒" or (character == "☑" and self.crossed)
        letter = typeface.glyph(self.typed) if crossed and self.typed else 0
        if crossed and not letter:
            contours += self._strokes(middle, _CROSS)
        elif character == "☑" and not crossed:
            contours += self._strokes(middle, _TICK)
        units = typeface.units
        points = np.array([point for contour in contours for point in contour]) * units
        tags = bytes([_ON_CURVE]) * len(points)
        ends = np.cumsum([len(contour) for contour in contours]) - 1
        if letter:
            cross = typeface.outlines[letter]
            low, high = np.array(cross.box[:2]), np.array(cross.box[2:])
            size = self.mark * self.height * units / max(float(high[1] - low[1]), 1.0)
            moved = (cross.points - (low + high) / 2) * size + np.array(middle) * units
            ends = np.concatenate([ends, cross.ends.astype(np.int64) + len(points)])
            points, tags = np.concatenate([points, moved]), tags + cross.tags
        box = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        return Outline(points, tags, ends.astype(np.int16), box)

    @property
    def advance(self) -> float:
        """How far the box moves the pen."""
        return self.width + 2 * _BEARING

    def _strokes(self, middle: tuple[float, float], strokes: list[tuple[_Points, float]]) -> list[_Points]:
        """Lines through points of a square from -0.5 to 0.5, as shapes that go round as a glyph's outer edge does."""
        size = self.mark * self.height
        shapes = []
        for line, weight in strokes:
            placed = np.array([(x + self.lean * y, y) for x, y in line]) * size + middle
            for start, end in itertools.pairwise(placed):
                along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
                half = 0.5 * weight * self.weight * max(self.stroke, 0.05)
                across = np.array([-along[1], along[0]]) * half
                start, end = start - half * along, end + half * along
                corners = [start - across, start + across, end + across, end - across]
                shapes.append([(float(x), float(y)) for x, y in corners])
        return shapes


_BEARING = 0.08
_TICK: list[tuple[_Points, float]] = [([(-0.4, -0.05), (-0.12, -0.42), (0.45, 0.45)], 1.3)]
_CROSS: list[tuple[_Points, float]] = [([(-0.45, -0.48), (0.45, 0.46)], 1.0), ([(-0.44, 0.45), (0.47, -0.43)], 1.0)]
_RANGES = {
    "width": (0.3, 4.0),
    "height": (0.3, 2.0),
    "stroke": (0.01, 0.2),
    "drop": (-0.3, 1.0),
    "mark": (0.3, 1.6),
    "weight": (0.5, 4.0),
    "lean": (-1.0, 1.0),
    "aside": (-1.0, 1.0),
    "above": (-1.0, 1.0),
}


def random_tick_box(generator: np.random.Generator) -> TickBox:
    """Draws a box as forms have them: most are squares about as high as a capital, some wide, some much larger.

    Marks are of a pen or typed, now and then beside the middle, seldom far from it.
    """
    height = round(float(generator.triangular(0.5, 0.75, 1.3)), 3)
    wide, chance = float(generator.triangular(0.85, 1.0, 2.2)), generator.random(5)
    stroke = round(float(generator.triangular(0.02, 0.05, 0.15)), 3)
    spread = 0.06 if chance[2] < 0.7 else 0.25
    aside, above = np.clip(generator.normal(0, spread, 2), -0.7, 0.7)
    return TickBox(
        width=round(height * (wide if chance[0] < 0.45 else 1.0), 3),
        height=height,
        stroke=stroke,
        drop=round(float(generator.uniform(0.0, 0.15)) + 0.5 * max(0.0, height - 0.8), 3),
        mark=round(float(generator.triangular(0.45, 0.75, 1.4)), 3),
        weight=round(float(generator.triangular(0.7, 1.0, 3.0)), 3),
        lean=round(float(generator.normal(0, 0.15)) if chance[1] < 0.5 else 0.0, 3),
        aside=round(float(aside), 3),
        above=round(float(above), 3),
        crossed=bool(chance[3] < 0.7),
        typed="" if chance[4] < 0.35 else "X" if chance[4] < 0.8 else "x",
    )
