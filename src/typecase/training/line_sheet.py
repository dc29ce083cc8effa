"""Lines with their truth and what was read, one below the other, for people to look through."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from typecase.pictures import font_for
from typecase.preprocess import PixelArray

_INK, _RIGHT, _WRONG, _RULE = "#1a1a1a", "#1a7f37", "#b3261e", "#dddddd"
_TEXT_SIZE = 16
_MARGIN = 8


def line_sheet(lines: Sequence[tuple[PixelArray | Image.Image, str, str]], *, width: int = 900) -> Image.Image:
    """Draws lines with their truth in black and what was read below it, green when right and red when wrong.

    Args:
        lines: Picture, truth and reading of each; at least one.
        width: Of the sheet in pixels; wider lines are made smaller.

    Returns:
        An RGB picture.
    """
    shown = []
    for picture, truth, read in lines:
        image = Image.fromarray(picture) if not isinstance(picture, Image.Image) else picture
        scale = min(1.0, (width - 2 * _MARGIN) / image.width, 64 / image.height)
        if scale < 1:
            image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        shown.append((image, truth, read))
    step = 2 * (_TEXT_SIZE + 4) + 3 * _MARGIN
    sheet = Image.new("RGB", (width, sum(image.height + step for image, _, _ in shown)), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for image, truth, read in shown:
        sheet.paste(image, (_MARGIN, top + _MARGIN))
        below = top + image.height + 2 * _MARGIN
        rows = ((truth, _INK), (read or "(nothing)", _RIGHT if truth == read else _WRONG))
        for number, (text, colour) in enumerate(rows):
            font, text = font_for(text, _TEXT_SIZE)
            draw.text((_MARGIN, below + number * (_TEXT_SIZE + 4)), text, colour, font)
        top += image.height + step
        draw.line((0, top - 1, width, top - 1), _RULE)
    return sheet
