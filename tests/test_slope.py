"""Lines that rise or fall in their pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from typecase.document import Box
from typecase.stages.recognize import LineRecognizer
from typecase.stages.slope import may_show_slope, rise, sloping_outline

ABOVE = "Several shops reported that some of their"
TEXT = "customers asked for the larger box again,"
BELOW = "which is not sold in any of these towns."


def sloping_cut(degrees: float, *, inverted: bool = False) -> tuple[npt.NDArray[np.uint8], float]:
    """The upright cut around the second of three sloping lines, and how far it runs down from end to end in pixels."""
    page = Image.new("L", (900, 400), 255)
    draw = ImageDraw.Draw(page)
    face = ImageFont.load_default(24)
    for row, text in enumerate((ABOVE, TEXT, BELOW)):
        draw.text((150, 160 + 30 * row), text, 0, face)
    left, top, right, bottom = draw.textbbox((150, 190), TEXT, face)
    turned = page.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)
    angle = np.radians(degrees)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) - (450, 200)
    moved = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + (450, 200)
    low, high = np.floor(moved.min(axis=0)).astype(int), np.ceil(moved.max(axis=0)).astype(int)
    pixels = np.asarray(turned)[low[1] : high[1], low[0] : high[0]]
    return 255 - pixels if inverted else pixels, float((right - left) * np.sin(angle))


@pytest.mark.parametrize("inverted", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("degrees", [-3.0, -1.5, 1.2, 2.5])
def test_the_rise_of_a_line_among_others_is_found(degrees: float, inverted: bool) -> None:
    pixels, expected = sloping_cut(degrees, inverted=inverted)
    assert rise(pixels) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("degrees", [-0.1, 0.0, 0.1])
def test_a_level_line_has_no_rise(degrees: float) -> None:
    pixels, _ = sloping_cut(degrees)
    assert rise(pixels) == 0
    assert sloping_outline(pixels) is None


@given(st.integers(1, 60), st.integers(1, 600), st.integers(0, 255), st.booleans())
def test_any_picture_has_a_rise_within_itself(height: int, width: int, level: int, noisy: bool) -> None:
    pixels = np.full((height, width), level, np.uint8)
    if noisy:
        pixels = np.random.default_rng(level).integers(0, 256, pixels.shape, dtype=np.uint8)
    assert abs(rise(pixels)) < height
    if not noisy or not may_show_slope(width, height):
        assert sloping_outline(pixels) is None


@pytest.mark.parametrize("degrees", [-2.8, 2.2])
def test_a_sloping_line_is_read_without_its_neighbours(degrees: float) -> None:
    pixels, fall = sloping_cut(degrees)
    [line] = LineRecognizer(threads=1).read([pixels])
    assert line.text == TEXT
    height, width = pixels.shape
    assert line.box == Box(0, 0, width, height)
    # From the line's top left to its bottom left by way of its right end.
    assert line.polygon[1].y - line.polygon[0].y == pytest.approx(fall, abs=2)
    middles = [sum(point.y for point in word.polygon) / 4 for word in line.words]
    assert middles == pytest.approx(sorted(middles, reverse=degrees < 0), abs=1)
    for word in line.words:
        assert all(-1 <= point.x <= width + 1 and -1 <= point.y <= height + 1 for point in word.polygon)
        for character in word.characters:
            x, y, across, down = (round(side) for side in character.box)
            assert pixels[max(0, y) : y + down, max(0, x) : x + across].min() < 128


def test_who_knows_that_a_line_runs_straight_has_it_read_as_it_is() -> None:
    pixels, _ = sloping_cut(2.2)
    [line] = LineRecognizer(threads=1).read([pixels], upright=True)
    assert line.polygon == ()
