from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.errors import DataError
from typecase.synthesis.strokes import draw_strokes, square_around, vary_strokes

CROSS = [[(100.0, 100.0), (300.0, 500.0)], [(300.0, 100.0), (100.0, 500.0)]]
LETTER_I = [[(50, 20), (50, 90)], [(50, 0)]]


def ink(strokes: object, **arguments: object) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    image = draw_strokes(strokes, **arguments)  # type: ignore[arg-type]
    assert image.mode == "L"
    return 255 - np.asarray(image)


def test_dark_on_white_in_the_middle_with_the_margin_asked_for() -> None:
    drawn = ink(CROSS, pen_width=4, canvas=80, margin=0.1)
    assert drawn.shape == (80, 80)
    assert drawn.max() == 255
    rows, columns = (np.flatnonzero((drawn > 127).any(axis=axis)) for axis in (1, 0))
    assert rows[0] == pytest.approx(8, abs=1.1)
    assert rows[-1] == pytest.approx(71, abs=1.1)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(39.5, abs=1)


def test_edges_are_smooth() -> None:
    drawn = ink(CROSS, pen_width=4, canvas=80)
    assert len(np.unique(drawn)) >= 8


def test_the_pen_is_as_wide_as_asked() -> None:
    line = [[(0.0, 50.0), (100.0, 50.0)]]
    for width in (1.5, 4.0, 9.0):
        drawn = ink(line, pen_width=width, canvas=100, window=(0, 0, 100))
        assert drawn[:, 50].sum() / 255 == pytest.approx(width, abs=0.3)


def test_a_window_keeps_size_and_place() -> None:
    window = (0.0, 0.0, 600.0)
    small = [[(x / 2, y / 2) for x, y in stroke] for stroke in CROSS]
    large_ink, small_ink = (ink(form, pen_width=3, canvas=60, window=window) for form in (CROSS, small))
    large_rows, small_rows = (np.flatnonzero(drawn.any(axis=1)) for drawn in (large_ink, small_ink))
    assert np.ptp(large_rows) == pytest.approx(40 + 3, abs=2)
    assert np.ptp(small_rows) == pytest.approx(20 + 3, abs=2)
    assert small_rows[0] < large_rows[0]


def test_ink_outside_the_window_is_cut() -> None:
    drawn = ink(CROSS, pen_width=3, canvas=40, window=(5000, 5000, 100))
    assert drawn.max() == 0


def test_a_dot_is_drawn_round() -> None:
    drawn = ink([[(7, 7)]], pen_width=12, canvas=40)
    assert drawn.sum() / 255 == pytest.approx(np.pi * 6**2, rel=0.15)
    assert drawn[20, 20] == 255
    with_dot, without_dot = (
        ink(form, pen_width=4, canvas=60, window=(0, -10, 110)) for form in (LETTER_I, LETTER_I[:1])
    )
    assert with_dot.sum() > without_dot.sum() + 8 * 255


@pytest.mark.parametrize("strokes", [[], [[]]], ids=["no stroke", "no point"])
def test_nothing_to_draw_is_refused(strokes: list[list[tuple[float, float]]]) -> None:
    with pytest.raises(DataError, match="no stroke to draw"):
        draw_strokes(strokes, pen_width=3, canvas=48)


def test_what_is_no_point_is_refused() -> None:
    with pytest.raises(DataError, match="not a list of"):
        draw_strokes([[(1.0, 2.0, 3.0)]], pen_width=3, canvas=48)


@given(seed=st.integers(0, 2**32 - 1))
def test_variation_keeps_every_stroke_and_is_repeatable(seed: int) -> None:
    one, two = (vary_strokes(LETTER_I, np.random.default_rng(seed)) for _ in range(2))
    assert [len(stroke) for stroke in one] == [2, 1]
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert np.isfinite(np.concatenate(one)).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_variation_is_bounded(seed: int) -> None:
    varied = np.concatenate(vary_strokes(CROSS, np.random.default_rng(seed)))
    side = 400.0
    distance = np.linalg.norm(varied - np.concatenate([np.array(stroke) for stroke in CROSS]), axis=1)
    assert 0 < distance.max() < 0.45 * side


def test_no_amount_changes_nothing() -> None:
    varied = vary_strokes(CROSS, np.random.default_rng(0), rotation=0, shear=0, stretch=0, warp=0, tremor=0, shift=0)
    for stroke, original in zip(varied, CROSS, strict=True):
        assert np.allclose(stroke, original)


def test_writers_differ_from_one_another() -> None:
    generator = np.random.default_rng(1)
    pictures = [ink(vary_strokes(CROSS, generator), pen_width=4, canvas=48).astype(float).ravel() for _ in range(12)]
    likeness = np.corrcoef(pictures)[~np.eye(12, dtype=bool)]
    # Another hand, but the same character.
    assert 0.15 < likeness.mean() < 0.9
    assert likeness.max() < 0.995


def test_the_square_around_a_form_holds_it_in_its_middle() -> None:
    assert square_around(CROSS) == (0.0, 100.0, 400.0)
    x, y, side = square_around(CROSS, margin=0.25)
    assert (x, y, side) == (-200.0, -100.0, 800.0)
