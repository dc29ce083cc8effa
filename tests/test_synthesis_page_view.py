from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.synthesis.page_view import PageView, flat_view, projection, random_bend

SIZE = (300, 420)
CORNERS = np.array([[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1]], [0, SIZE[1]]], np.float64)


def views(seed: int, strength: float) -> PageView:
    generator = np.random.default_rng(seed)
    aside = CORNERS + 30 + generator.uniform(-25, 25, (4, 2))
    bend = random_bend(generator, SIZE, strength) if strength else None
    return PageView(projection(CORNERS, aside), (360, 480), bend)


@given(seed=st.integers(0, 10_000), strength=st.floats(0.05, 1.0))
def test_bending_can_be_turned_round_exactly(seed: int, strength: float) -> None:
    generator = np.random.default_rng(seed)
    bend = random_bend(generator, SIZE, strength)
    points = generator.uniform(0, 1, (50, 2)) * SIZE
    assert np.abs(bend.sources(bend.points(points)) - points).max() < 0.05


@given(seed=st.integers(0, 10_000))
def test_bent_paper_stays_in_order(seed: int) -> None:
    """Nothing is folded over: points in a row keep their order, and no place is left for two of them."""
    bend = random_bend(np.random.default_rng(seed), SIZE, 1.0)
    across = np.stack([np.linspace(0, SIZE[0], 80), np.full(80, 200.0)], axis=1)
    down = np.stack([np.full(80, 150.0), np.linspace(0, SIZE[1], 80)], axis=1)
    assert (np.diff(bend.points(across)[:, 0]) > 0).all()
    assert (np.diff(bend.points(down)[:, 1]) > 0).all()


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_points_go_where_pixels_go(seed: int, strength: float) -> None:
    view = views(seed, strength)
    points = np.random.default_rng(seed + 100).uniform(0.15, 0.85, (6, 2)) * SIZE
    for place, target in zip(points, view.points(points), strict=True):
        tones = np.full((SIZE[1], SIZE[0]), 255, np.uint8)
        cv2.circle(tones, tuple(np.rint((place - 0.5) * 16).astype(int).tolist()), 4 * 16, 0, -1, cv2.LINE_AA, 4)
        picture = view.picture(tones, np.full((480, 360), 255, np.uint8))
        assert np.abs(middle_of(255 - picture) - target).max() < 0.35


def middle_of(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    rows, columns = np.nonzero(ink)
    weights = ink[rows, columns].astype(np.float64)
    return np.array([np.average(columns + 0.5, weights=weights), np.average(rows + 0.5, weights=weights)])


def test_around_the_sheet_lies_the_ground() -> None:
    view = views(1, 0.5)
    picture = view.picture(np.zeros((SIZE[1], SIZE[0]), np.uint8), np.full((480, 360), 77, np.uint8))
    assert picture[0, 0] == picture[-1, -1] == 77
    assert picture[240, 180] == 0


def test_who_looks_at_the_sheet_itself_gets_it_back() -> None:
    tones = np.random.default_rng(0).integers(0, 256, (40, 30), np.uint8)
    view = flat_view((30, 40))
    assert (view.picture(tones, np.zeros((40, 30), np.uint8)) == tones).all()
    assert (view.points(np.array([[3.0, 4.0]])) == [[3.0, 4.0]]).all()
