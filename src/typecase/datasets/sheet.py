"""A sheet of samples of every class, to see at a glance what a data set holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from typecase.charset import ClassSet
from typecase.preprocess import PixelArray

MAX_CLASSES = 248
"""Classes beyond this many are left off the sheet."""

_GAP = 2
_LABEL_WIDTH = 64
_ROWS = 16


def contact_sheet(
    pictures: PixelArray, labels: npt.NDArray[Any], classes: ClassSet, *, per_class: int = 10
) -> Image.Image:
    """Draws a row of samples for each class, evenly spaced over its pictures, with its name before them.

    Args:
        pictures: Bytes of shape [N, C, size, size], C being 1 or 3.
        labels: Class indices, [N].
        classes: The classes; no more than `MAX_CLASSES` are shown.
        per_class: Most samples in a row.

    Returns:
        A picture of mode "RGB", 16 classes high.
    """
    size = pictures.shape[-1]
    shown = min(len(classes), MAX_CLASSES)
    rows = min(_ROWS, shown)
    row_width, row_height = _LABEL_WIDTH + per_class * (size + _GAP), size + _GAP
    sheet = Image.new("RGB", (math.ceil(shown / rows) * row_width, rows * row_height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=max(10, min(28, size // 2)))
    for label in range(shown):
        left, top = (label // rows) * row_width, (label % rows) * row_height
        name = classes.names[label]
        # As much of a long name as there is room for.
        while len(name) > 1 and draw.textlength(name, font=font) > _LABEL_WIDTH - 8:
            name = name[:-1]
        draw.text((left + _LABEL_WIDTH // 2, top + size // 2), name, fill="black", font=font, anchor="mm")
        found = np.flatnonzero(labels == label)
        chosen = found[np.linspace(0, len(found) - 1, min(per_class, len(found))).round().astype(np.int64)]
        for column, index in enumerate(chosen.tolist()):
            pixels = pictures[index]
            image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
            sheet.paste(image, (left + _LABEL_WIDTH + column * (size + _GAP), top))
    return sheet
