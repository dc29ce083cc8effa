"""How found pieces are held against true lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.preprocess import FloatArray
from typecase.stages.lines_of_maps import Piece
from typecase.training.page_match import Match, match


def bar(x: float, y: float, width: float, height: float = 20.0) -> FloatArray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def piece(x: float, y: float, width: float, height: float = 20.0) -> Piece:
    return Piece(bar(x, y, width, height), height, 1.0, across=False)


LINES = [bar(0, 40 * row, 100) for row in range(4)]


@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_true_pieces_are_found_in_any_order_and_missing_ones_are_missed(order: list[int], missing: set[int]) -> None:
    found = [piece(0, 40 * row, 100) for row in order if row not in missing]
    result = match(found, LINES, [False] * 4)
    assert (result.lines, result.matched, result.found) == (4, 4 - len(missing), 4 - len(missing))
    assert result.recall == 1 - len(missing) / 4
    assert result.precision == (1.0 if found else 0.0)
    assert result.height_error == pytest.approx(0, abs=1e-6)


def test_a_line_may_come_in_pieces_and_a_piece_may_cover_lines_side_by_side() -> None:
    parts = match([piece(0, 0, 48), piece(52, 0, 48)], LINES[:1], [False])
    assert (parts.lines, parts.matched, parts.found) == (1, 1, 1)
    sides = match([piece(0, 0, 200)], [bar(0, 0, 95), bar(105, 0, 95)], [False, False])
    assert (sides.lines, sides.matched, sides.found) == (2, 2, 2)


def test_half_a_line_is_none_and_a_piece_over_two_rows_shows_in_the_height() -> None:
    half = match([piece(0, 0, 45)], LINES[:1], [False])
    assert (half.matched, half.found) == (0, 1)
    assert match([piece(0, 0, 100, 60)], LINES[:2], [False] * 2).height_error == pytest.approx(2)
    assert match([piece(0, 0, 100, 140)], LINES, [False] * 4).height_error == pytest.approx(6)


def test_a_wrong_height_is_told() -> None:
    result = match([piece(0, -2, 100, 24)], LINES[:1], [False])
    assert result.matched == 1
    assert result.height_error == pytest.approx(0.2)


def test_what_is_superfluous_costs_precision_unless_nobody_can_read_it() -> None:
    found = [piece(0, 0, 100), piece(0, 40, 100), piece(0, 300, 50)]
    result = match(found, LINES[:2], [False, True])
    assert (result.lines, result.matched, result.found) == (1, 1, 2)
    assert result.precision == 0.5


def test_matches_of_several_pages_are_added() -> None:
    one, other = Match(4, 3, 2, 0.2), Match(6, 6, 6, 0.6)
    both = one + other
    assert (both.lines, both.found, both.matched) == (10, 9, 8)
    assert both.recall == 0.8
    assert both.precision == pytest.approx(8 / 9)
    assert both.height_error == pytest.approx(0.1)
    nothing = match([], [], [])
    assert (nothing.recall, nothing.precision, nothing.height_error) == (0, 0, 0)
