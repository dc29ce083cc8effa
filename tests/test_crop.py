"""Strips cut out of pages, and the way back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from typecase.document import Box
from typecase.stages.crop import cut

PAGE = np.full((200, 300), 255, np.uint8)
PAGE[100:110, 50:60] = 0


def test_a_straight_strip_is_a_window_of_the_page() -> None:
    strip = cut(PAGE, np.array([[40, 90], [140, 90], [140, 120], [40, 120]], np.float32))
    assert strip.pixels.shape == (30, 100)
    assert (strip.pixels == PAGE[90:120, 40:140]).all()
    assert strip.polygon(Box(10, 10, 10, 10)) == ((50, 100), (60, 100), (60, 110), (50, 110))


@pytest.mark.parametrize(
    ("corners", "place"),
    [
        # Half a turn: the strip begins below on the right.
        ([[140, 120], [40, 120], [40, 90], [140, 90]], (85, 15)),
        # Running up the page: it begins below on the left.
        ([[40, 130], [40, 40], [80, 40], [80, 130]], (25, 15)),
        # Running down.
        ([[80, 40], [80, 130], [40, 130], [40, 40]], (65, 25)),
    ],
)
def test_a_turned_strip_shows_the_ink_upright(corners: list[list[float]], place: tuple[int, int]) -> None:
    strip = cut(PAGE, np.array(corners, np.float32))
    assert strip.pixels[place[1], place[0]] < 60
    [back] = strip.places([place[0]], [place[1]]).tolist()
    assert back == pytest.approx([55, 105], abs=1.5)


@given(st.floats(-0.3, 0.3), st.floats(20, 60), st.integers(2, 6))
def test_every_place_of_a_strip_lies_within_its_outline(slope: float, height: float, half: int) -> None:
    x = np.linspace(20, 250, half)
    upper = np.stack([x, 80 + slope * x + 10 * np.sin(x / 60)], axis=1)
    corners = np.concatenate([upper, (upper + np.array([0, height]))[::-1]]).astype(np.float32)
    strip = cut(PAGE, corners)
    rows, columns = strip.pixels.shape
    places = strip.places([0, columns, columns, 0], [0, 0, rows, rows])
    first = len(strip.corners) // 2
    expected = strip.corners[[0, first - 1, first, -1]]
    assert np.abs(places - expected).max() < 0.01
    # Small print that slopes is drawn twice as large.
    rise = float(np.ptp(upper[:, 1]))
    assume(abs(height - 47.5) > 0.01 and abs(rise - 1) > 0.01)
    fine = 2 if height < 47.5 and rise > 1 else 1
    assert rows == pytest.approx(fine * height, abs=2)


def test_a_strip_may_reach_beyond_the_page() -> None:
    strip = cut(PAGE, np.array([[-20, -10], [40, -10], [40, 20], [-20, 20]], np.float32))
    assert strip.pixels.size
    assert (strip.corners >= 0).all()


def test_huge_strips_are_made_smaller() -> None:
    page = np.zeros((1000, 3000), np.uint8)
    strip = cut(page, np.array([[0, 0], [3000, 0], [3000, 960], [0, 960]], np.float32))
    assert strip.pixels.shape == (96, 300)
    assert strip.polygon(Box(0, 0, 300, 96)) == ((0, 0), (3000, 0), (3000, 960), (0, 960))


def test_a_strip_of_large_letters_is_the_same_on_a_page_of_any_size() -> None:
    # Its rows are averaged before it is drawn, which must not take the whole page.
    generator = np.random.default_rng(3)
    page = np.full((900, 1600), 255, np.uint8)
    page[300:660, 200:1300] = generator.integers(0, 256, (12, 22), np.uint8).repeat(30, 0).repeat(50, 1)
    corners = np.array([[250, 320], [1250, 360], [1240, 640], [240, 600]], np.float32)
    near = page[240:720, 160:1340]
    whole, part = cut(page, corners), cut(near, corners - np.array([160, 240], np.float32))
    assert whole.pixels.shape == part.pixels.shape == (96, 343)
    assert np.abs(whole.pixels.astype(int) - part.pixels).mean() < 1.0
    # Where it is drawn from is not moved either: ink lies where the way back says.
    rows, columns = whole.pixels.shape
    ys, xs = np.mgrid[8 : rows - 8 : 16, 8 : columns - 8 : 16]
    places = whole.places(xs.ravel() + 0.5, ys.ravel() + 0.5)
    smooth = cv2.blur(page, (5, 5))
    seen = smooth[places[:, 1].round().astype(int), places[:, 0].round().astype(int)]
    assert np.median(np.abs(whole.pixels[ys.ravel(), xs.ravel()].astype(int) - seen)) <= 6
