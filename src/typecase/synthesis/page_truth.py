"""What the pieces of the page renderer hand on: a drawn page with its lines, their places and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.synthesis.ground_truth import Pixels

Polygon = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PageLine:
    """A line of text, or a piece of one that a wide gap sets apart, on a drawn page.

    Attributes:
        text: What it says.
        polygon: Its outline, float32 [4 or more, 2] as x, y in pixels, clockwise from the text's own upper left: along
            its top, which is that of the font's ascenders, and back along its foot, that of the descenders. At its
            ends it lies close to the ink.
        words: Each word with its outline, float32 [4, 2], in the same manner.
        block: Number of the paragraph, table or other block that it belongs to, from 0 in reading order.
        row: Number of its row, from 0; pieces that stand side by side have the same.
        column: Place in the row of a table, from 0.
        x_height: Height of the lower-case x in pixels of the picture, about the line's middle.
        legible: Whether the text can be read: it is neither too small, too blurred nor cut by the picture's edge.
    """

    text: str
    polygon: Polygon = field(repr=False)
    words: tuple[tuple[str, Polygon], ...] = field(repr=False)
    block: int
    row: int
    column: int
    x_height: float
    legible: bool


@dataclass(frozen=True)
class DrawnPage:
    """The picture of a page with its ground truth.

    Attributes:
        pixels: uint8, [height, width] or [height, width, 3] (RGB).
        lines: In reading order.
        rotation: By how many degrees clockwise the picture must be turned for its text to be upright: 0, 90, 180, 270.
        meta: Layout, look and every effect with its parameters, as JSON values.
    """

    pixels: Pixels
    lines: tuple[PageLine, ...]
    rotation: int
    meta: Mapping[str, Any] = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The picture as Pillow holds it, mode "L" or "RGB"."""
        return Image.fromarray(self.pixels)

    @property
    def text(self) -> str:
        """All that can be read: a line for each row, an empty line between blocks."""
        parts: list[str] = []
        last: PageLine | None = None
        for line in self.lines:
            if not line.legible:
                continue
            if last is not None:
                parts.append(" " if line.row == last.row else "\n" if line.block == last.block else "\n\n")
            parts.append(line.text)
            last = line
        return "".join(parts)
