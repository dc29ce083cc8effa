"""What the pieces of the line renderer hand to each other: ink with its ground truth, then a picture with it.

Text is set once, without paper: an `InkLine`. Looks turn ink into a `DrawnLine`, and whatever moves the ink moves the
boxes with it. Boxes are float arrays of rows [x, y, width, height] in pixels of the picture, origin top left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class InkLine:
    """A line of set text as pure ink, with enough empty margin that no ink touches an edge.

    Attributes:
        coverage: How much of each pixel is ink, 0..255, of shape [height, width].
        text: What it says, Unicode NFC; no leading, trailing or doubled space.
        boxes: A box for each character of `text`, [len(text), 4]: its ink's extent; for a space the gap.
        advances: For each character the left and right end of its place along the line in pixels, [len(text), 2].
        baseline: Distance of the baseline from the top, in pixels.
        em: Size of the font in pixels.
        x_height: Height of the lower-case x in pixels.
        meta: Font, size and style as JSON values.
    """

    coverage: Pixels
    text: str
    boxes: Boxes
    advances: npt.NDArray[np.float32]
    baseline: float
    em: float
    x_height: float
    meta: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class DrawnLine:
    """The picture of a line with its ground truth.

    Attributes:
        pixels: uint8, [height, width] or [height, width, 3] (RGB).
        text: What it says.
        boxes: A box for each character of `text`, [len(text), 4].
        meta: Font, style, look and every effect with its parameters, as JSON values.
    """

    pixels: Pixels
    text: str
    boxes: Boxes
    meta: Mapping[str, Any] = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The picture as Pillow holds it, mode "L" or "RGB"."""
        return Image.fromarray(self.pixels)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The box of the whole line: the union of its characters'."""
        return union(self.boxes[[not character.isspace() for character in self.text]])

    @property
    def words(self) -> list[tuple[str, tuple[float, float, float, float]]]:
        """Each word (what stands between spaces) with its box, in the order of the text."""
        words = []
        start = 0
        for word in self.text.split(" "):
            if word:
                words.append((word, union(self.boxes[start : start + len(word)])))
            start += len(word) + 1
        return words


def union(boxes: Boxes) -> tuple[float, float, float, float]:
    """The smallest box around some boxes; boxes without extent do not count; all zero when none has any."""
    boxes = boxes[(boxes[:, 2] > 0) & (boxes[:, 3] > 0)]
    if not len(boxes):
        return 0.0, 0.0, 0.0, 0.0
    left, top = (float(edge) for edge in boxes[:, :2].min(axis=0))
    right, bottom = (float(edge) for edge in (boxes[:, :2] + boxes[:, 2:]).max(axis=0))
    return left, top, right - left, bottom - top
