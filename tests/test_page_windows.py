"""Windows of pages: outlines move with their pixels, and the maps say what the outlines do."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typecase.datasets.pages import Outline, PageSample
from typecase.preprocess import PixelArray
from typecase.stages.lines_of_maps import ACROSS, CELL, CORES, DISTANCE_UNIT, DOWN, UP
from typecase.training import page_windows
from typecase.training.page_windows import IGNORED, TARGETS, VALID, target_maps, window
from typecase.training.settings import PageAugmentationSettings

STILL: dict[str, Any] = {"tone": 0.0, "blur": 0.0, "noise": 0.0, "inversion": 0.0}


def bar(x: float, y: float, width: float, height: float) -> Outline:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def page_of(outlines: list[Outline], width: int = 400, height: int = 500) -> tuple[PixelArray, PageSample]:
    grey = np.full((height, width), 255, np.uint8)
    for outline in outlines:
        cv2.fillPoly(grey, [np.round(outline - 0.5).astype(np.int32)], 0)
    return grey, PageSample("page", lambda: grey, tuple(outlines), (False,) * len(outlines))


PAGE, SAMPLE = page_of([bar(40, 40 + 60 * row, 250, 24) for row in range(7)])


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]), st.floats(0, 12))
def test_cores_lie_on_ink_however_a_page_is_turned(seed: int, turn: tuple[float, float], skew: float) -> None:
    changes = PageAugmentationSettings(
        heights=(12.0, 30.0), skew=skew, quarter_turn=turn[0], half_turn=turn[1], **STILL
    )
    pixels, maps = window(PAGE, SAMPLE, 128, changes, np.random.default_rng(seed))
    assert pixels.shape == (128, 128)
    assert maps.shape == (TARGETS, 32, 32)
    fine = maps[CORES].reshape(2, 2, 32, 32).transpose(2, 0, 3, 1).reshape(64, 64)
    quarters = pixels.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    # Inside the window's border, where paper beyond the page may be of any grey.
    inner = np.zeros((64, 64), bool)
    inner[2:-2, 2:-2] = True
    under = quarters[(fine > 0) & inner]
    assert under.size < 40 or (under < 128).mean() > 0.95
    # Lines that run up or down are said to, and only these; a slope of more than 45 degrees does not occur.
    seen = maps[VALID] > 0
    assert np.all(maps[ACROSS][seen] == (1.0 if turn[0] else 0.0))
    # Where both edges of a line are told, they are as far apart as the line is high.
    if seen.sum() > 40:
        tall = DISTANCE_UNIT * (np.exp2(maps[UP][seen]) + np.exp2(maps[DOWN][seen]))
        assert 11.5 <= np.median(tall) <= 30.5
        assert (np.abs(tall - np.median(tall)) < 0.6).mean() > 0.7


def test_the_same_chance_gives_the_same_window() -> None:
    first, again = (window(PAGE, SAMPLE, 96, PageAugmentationSettings(), np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    other = window(PAGE, SAMPLE, 96, PageAugmentationSettings(), np.random.default_rng(6))
    assert not np.array_equal(first[0], other[0])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_pages_without_lines_and_tiny_pages_give_windows_too(seed: int) -> None:
    empty, nothing = page_of([])
    speck, one = page_of([bar(1, 1, 3, 3)], 5, 4)
    for grey, sample in ((empty, nothing), (speck, one)):
        pixels, maps = window(grey, sample, 64, PageAugmentationSettings(), np.random.default_rng(seed))
        assert pixels.shape == (64, 64)
        assert np.isfinite(maps).all()
        assert sample.outlines or not maps.any()


def test_maps_tell_core_distances_and_direction() -> None:
    maps = target_maps([bar(8, 20, 40, 16)], [False], 64, 64)
    core = np.argwhere(maps[0] > 0)
    # The core is the middle half of the height: rows 24 to 32, in cells of four pixels.
    assert {6, 7} <= set(core[:, 0]) <= {5, 6, 7, 8}
    # It ends a little before the line: 0.15 heights are 2.4 pixels.
    assert core[:, 1].min() in (2, 3)
    assert core[:, 1].max() in (10, 11)
    row, column = 6, 6
    middle = (row + 0.5) * CELL
    assert DISTANCE_UNIT * 2 ** maps[UP, row, column] == pytest.approx(middle - 20, abs=0.01)
    assert DISTANCE_UNIT * 2 ** maps[DOWN, row, column] == pytest.approx(36 - middle, abs=0.01)
    assert maps[ACROSS].max() == 0
    # Paper has no distances.
    assert maps[VALID, 0].max() == 0
    assert maps[VALID, row, column] == 1


@pytest.mark.parametrize("across", [False, True])
def test_distances_are_told_from_the_page_and_not_from_the_reader(across: bool) -> None:
    """A line upside down has the same maps as an upright one; one that runs down has those of one that runs up."""
    # Rolled by one corner, the first edge of a tall outline is its left one, from below.
    outline = np.roll(bar(20, 8, 16, 40), 1, axis=0) if across else bar(8, 20, 40, 16)
    one, other = (target_maps([np.roll(outline, half, axis=0)], [False], 64, 64) for half in (0, 2))
    assert np.abs(one - other).max() < 1e-5
    assert one[ACROSS].max() == across


def test_what_is_illegible_or_too_small_counts_neither_way() -> None:
    maps = target_maps([bar(8, 20, 40, 16), bar(8, 50, 40, 3)], [True, False], 64, 64)
    assert (maps[CORES] == IGNORED).any()
    assert not (maps[CORES] > 0).any()
    assert not maps[VALID].any()


def test_lines_beyond_the_window_are_no_matter() -> None:
    inside = target_maps([bar(8, 20, 40, 16)], [False], 64, 64)
    more = target_maps([bar(-90, 20, 40, 16), bar(8, 20, 40, 16), bar(8, 80, 40, 16)], [False] * 3, 64, 64)
    assert np.array_equal(inside, more)
    cut = target_maps([bar(-30, 20, 60, 16)], [False], 64, 64)
    assert (cut[CORES][:, :, 0] > 0).any()


def test_variations_keep_the_shape_and_may_turn_dark_into_light() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    plain = PageAugmentationSettings(**STILL)
    assert np.array_equal(page_windows._varied(pixels.copy(), plain, np.random.default_rng(0)), pixels)
    inverted = PageAugmentationSettings(**{**STILL, "inversion": 1.0})
    assert np.array_equal(page_windows._varied(pixels.copy(), inverted, np.random.default_rng(0)), 255 - pixels)
    strong = PageAugmentationSettings(tone=1.0, blur=1.0, noise=1.0, inversion=1.0)
    varied = page_windows._varied(pixels.copy(), strong, np.random.default_rng(0))
    assert varied.shape == pixels.shape
    assert varied.dtype == np.uint8
