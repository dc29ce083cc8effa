"""Draws what was read over the page: blocks, lines and words in the colours of their confidence."""

from __future__ import annotations

from PIL import Image, ImageDraw

from typecase.document import Box, Page, Polygon, corners

# From sure to unsure, told apart by people who do not see red and green alike, too.
_WORD_COLOURS = ((0.9, "#1a7f37"), (0.6, "#bf8700"), (0.0, "#cf222e"))
_LINE_COLOUR, _BLOCK_COLOUR, _NUMBER_COLOUR = "#0969da", "#8250df", "#8250df"
_LARGEST_FONT = 28
_SMALLEST_FONT = 9


def draw_page(page: Page, picture: Image.Image) -> Image.Image:
    """Draws blocks, lines and words over the picture that they were read from.

    Words are framed by confidence, green from 0.9, amber from 0.6, else red, with the confidence in per cent where
    there is room; lines are underlined in blue, blocks framed in violet and numbered in the order of reading.

    Args:
        page: What was read.
        picture: The picture in whose pixels the boxes are; it is left as it is.

    Returns:
        A new picture of mode "RGB" and the same size.
    """
    from PIL import ImageFont

    canvas = picture.convert("RGB")
    canvas = canvas.copy() if canvas is picture else canvas
    draw = ImageDraw.Draw(canvas)
    thin = max(1, round(min(canvas.size) / 900))
    for number, block in enumerate(page.blocks, 1):
        _outline(draw, block.box, (), _BLOCK_COLOUR, 2 * thin, grow=3 * thin)
        size = _font_size(block.lines[0].box.height if block.lines else 0)
        font = ImageFont.load_default(size)
        draw.text((block.box.x - 4 * thin, block.box.y - 3 * thin), str(number), _NUMBER_COLOUR, font, anchor="rb")
        for line in block.lines:
            shape = line.polygon or corners(line.box)
            half = len(shape) // 2
            draw.line([(point.x, point.y) for point in shape[half:]], _LINE_COLOUR, 2 * thin)
            for word in line.words:
                colour = next(colour for least, colour in _WORD_COLOURS if word.confidence >= least)
                _outline(draw, word.box, word.polygon, colour, thin)
                share = f"{100 * word.confidence:.0f}"
                small = ImageFont.load_default(_font_size(0.45 * min(word.box.width, word.box.height)))
                if word.confidence < _WORD_COLOURS[0][0] and small.getlength(share) <= word.box.width:
                    draw.text((word.box.x, word.box.y), share, colour, small, anchor="lb")
    return canvas


def _outline(draw: ImageDraw.ImageDraw, box: Box, polygon: Polygon, colour: str, width: int, grow: int = 0) -> None:
    if polygon:
        draw.line([(point.x, point.y) for point in (*polygon, polygon[0])], colour, width)
    elif box.width > 0 and box.height > 0:
        draw.rectangle((box.x - grow, box.y - grow, box.right + grow, box.bottom + grow), outline=colour, width=width)


def _font_size(height: float) -> int:
    return round(min(max(height, _SMALLEST_FONT), _LARGEST_FONT))
