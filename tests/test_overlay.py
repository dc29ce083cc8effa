"""Pictures that show what was read where."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from PIL import Image

from document_fixtures import block_of, line_at, telling_document
from typecase.document import Block, Box, Page
from typecase.overlay import draw_page


def colour_at(image: Image.Image, x: float, y: float) -> str:
    red, green, blue = image.getpixel((round(x), round(y)))  # type: ignore[misc]
    if min(red, green, blue) > 250:
        return "white"
    return max(zip((red, green, blue), ("red", "green", "blue"), strict=True))[1]


def page_with(confidence: float) -> Page:
    [line] = block_of([line_at("word", 50, 50)]).lines
    word = msgspec.structs.replace(line.words[0], confidence=confidence)
    return Page(200, 120, (Block(Box(30, 30, 100, 60), (msgspec.structs.replace(line, words=(word,)),)),))


@pytest.mark.parametrize(("confidence", "colour"), [(0.95, "green"), (0.3, "red")])
def test_words_have_the_colour_of_their_confidence(confidence: float, colour: str) -> None:
    picture = Image.new("L", (200, 120), 255)
    image = draw_page(page_with(confidence), picture)
    assert (image.mode, image.size) == ("RGB", (200, 120))
    assert colour_at(image, 50, 60) == colour
    assert colour_at(image, 150, 10) == "white"
    assert np.asarray(picture).min() == 255


def test_every_page_can_be_drawn() -> None:
    for page in (*telling_document().pages, Page(1, 1), Page(0, 0, error="broken")):
        picture = Image.new("L", (max(1, page.width), max(1, page.height)), 255)
        assert draw_page(page, picture).size == picture.size
