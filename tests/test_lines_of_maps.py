"""Pieces of lines from maps: what is drawn into maps is found in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.preprocess import FloatArray
from typecase.stages.lines_of_maps import ACROSS, CORES, DOWN, UP, pieces_of_maps
from typecase.training.page_match import match
from typecase.training.page_windows import IGNORED, target_maps

SIDE = 256


def strip(x: float, y: float, length: float, height: float, degrees: float = 0.0) -> FloatArray:
    """The outline of a straight line of text whose upper left corner is given."""
    along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    down = np.array([-along[1], along[0]])
    start = np.array([x, y])
    corners = [start, start + along * length, start + along * length + down * height, start + down * height]
    return np.array(corners, np.float32)


def answer(outlines: list[FloatArray]) -> FloatArray:
    """What a perfect net would say to lines."""
    maps = target_maps(outlines, [False] * len(outlines), SIDE, SIDE)[:7].copy()
    maps[CORES] = np.where(maps[CORES] > 0, 4.0, -4.0)
    maps[ACROSS] = np.where(maps[ACROSS] > 0, 4.0, -4.0)
    return maps


@given(
    st.floats(10, 60),
    st.floats(70, 120),
    st.floats(60, 160),
    st.floats(8, 40),
    st.floats(-8, 8),
)
def test_a_line_is_found_where_it_is(x: float, y: float, length: float, height: float, degrees: float) -> None:
    outline = strip(x, y, length, height, degrees)
    [piece] = pieces_of_maps(answer([outline]), SIDE, SIDE)
    assert not piece.across
    assert piece.height == pytest.approx(height, rel=0.15, abs=1.0)
    # The ends of a slanted core are cut at a right angle to the page, so they are found less exactly than the height.
    assert np.abs(piece.corners - outline).max() <= 4.0 + 0.2 * height
    found = match([piece], [outline], [False])
    assert (found.matched, found.found) == (1, 1)


def test_a_line_that_runs_up_the_page_is_told_apart_and_starts_below() -> None:
    outline = strip(100, 200, 150, 20, degrees=-90)
    [piece] = pieces_of_maps(answer([outline]), SIDE, SIDE)
    assert piece.across
    # Its own upper left is at the foot of the page.
    assert np.abs(piece.corners - outline).max() <= 5


def test_a_line_that_runs_down_the_page_is_taken_for_one_that_runs_up() -> None:
    outline = strip(100, 40, 150, 20, degrees=90)
    [piece] = pieces_of_maps(answer([outline]), SIDE, SIDE)
    assert piece.across
    assert np.abs(piece.corners - np.concatenate([outline[2:], outline[:2]])).max() <= 5


def test_lines_that_touch_stay_apart_and_words_far_apart_are_two_pieces() -> None:
    outlines = [strip(20, 40 + 16 * row, 200, 16) for row in range(6)] + [
        strip(20, 180, 60, 16),
        strip(110, 180, 60, 16),
    ]
    pieces = pieces_of_maps(answer(outlines), SIDE, SIDE)
    assert len(pieces) == 8
    found = match(pieces, outlines, [False] * 8)
    assert (found.lines, found.matched, found.found) == (8, 8, 8)
    assert found.height_error < 0.05


def test_a_bent_line_is_followed() -> None:
    x = np.linspace(20, 230, 9)
    upper = np.stack([x, 100 - 30 * np.sin((x - 20) / 210 * np.pi)], axis=1)
    outline = np.concatenate([upper, (upper + np.array([0, 18]))[::-1]]).astype(np.float32)
    [piece] = pieces_of_maps(answer([outline]), SIDE, SIDE)
    assert len(piece.corners) > 4
    found = match([piece], [outline], [False])
    assert found.matched == 1
    middle = piece.corners[: len(piece.corners) // 2]
    assert middle[len(middle) // 2][1] == pytest.approx(70, abs=4)


def test_nothing_is_found_in_an_empty_page_and_specks_are_passed_over() -> None:
    maps = np.full((7, 16, 16), -4.0, np.float32)
    assert pieces_of_maps(maps, 64, 64) == []
    maps[0, 5, 5] = 4.0
    maps[UP : DOWN + 1] = 0.0
    assert pieces_of_maps(maps, 64, 64) == []


def test_what_lies_on_padding_is_not_looked_at() -> None:
    maps = answer([strip(20, 200, 100, 20)])
    assert len(pieces_of_maps(maps, SIDE, SIDE)) == 1
    assert pieces_of_maps(maps, SIDE, 190) == []


def test_a_piece_moved_to_other_pixels_keeps_its_shape() -> None:
    [piece] = pieces_of_maps(answer([strip(20, 40, 100, 20)]), SIDE, SIDE)
    moved = piece.moved(2.0, 5.0, 7.0)
    assert np.allclose(moved.corners, piece.corners * 2 + [5, 7])
    assert moved.height == 2 * piece.height
    assert moved.length == pytest.approx(2 * piece.length)


def test_what_cannot_be_read_is_neither_a_fault_nor_a_gain() -> None:
    outlines = [strip(20, 40, 100, 20), strip(20, 100, 100, 20)]
    maps = target_maps(outlines, [False, True], SIDE, SIDE)
    assert (maps[CORES] == IGNORED).any()
    pieces = pieces_of_maps(answer(outlines), SIDE, SIDE)
    both = match(pieces, outlines, [False, True])
    assert (both.lines, both.matched, both.found) == (1, 1, 1)
    missed = match([], outlines, [False, True])
    assert (missed.lines, missed.matched, missed.found) == (1, 0, 0)
    superfluous = match(pieces, [], [])
    assert (superfluous.lines, superfluous.found) == (0, 2)
