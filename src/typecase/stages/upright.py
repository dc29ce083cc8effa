"""Lines that run up or down the page: they are turned before they are read, and their boxes back afterwards."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.document import Box, Line

Turn = Literal["left", "right"]
"""Which way a picture is turned, by a quarter."""

TURNS: tuple[Turn, ...] = ("left", "right")

TALL = 1.5
"""A picture so many times as high as wide may show a line that runs up or down."""

_FEWEST = 3
_TRANSPOSE = {"left": Image.Transpose.ROTATE_90, "right": Image.Transpose.ROTATE_270}


def may_run_vertically(width: int, height: int) -> bool:
    """Whether the shape of a picture allows for a line that runs up or down."""
    return height >= TALL * width


def turned(picture: Image.Image | npt.NDArray[np.uint8], turn: Turn) -> Image.Image:
    """Turns a picture by a quarter."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    return image.transpose(_TRANSPOSE[turn])


def surest(upright: Line, left: Line, right: Line, width: int, height: int) -> Line:
    """Chooses between three readings of a tall picture.

    A turned reading is taken when it is surer and of three characters or more: a single tall letter, such as I, would
    be a sure dash when it is turned.

    Args:
        upright: What was read in the picture as it is.
        left: What was read in it turned left.
        right: What was read in it turned right.
        width: Of the picture as it is, in pixels.
        height: Of the picture as it is, in pixels.

    Returns:
        The surest, with boxes in pixels of the picture as it is.
    """
    best, turn = max(((left, "left"), (right, "right")), key=lambda one: one[0].confidence)
    if best.confidence <= upright.confidence or len(best.text.replace(" ", "")) < _FEWEST:
        return upright

    def back(box: Box) -> Box:
        if turn == "left":
            return Box(width - box.bottom, box.x, box.height, box.width)
        return Box(box.y, height - box.right, box.height, box.width)

    words = tuple(
        msgspec.structs.replace(
            word,
            box=back(word.box),
            characters=tuple(msgspec.structs.replace(one, box=back(one.box)) for one in word.characters),
        )
        for word in best.words
    )
    return msgspec.structs.replace(best, box=Box(0.0, 0.0, float(width), float(height)), words=words)
