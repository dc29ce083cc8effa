"""The ends of lines that were found a little too short."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from typecase.preprocess import PixelArray
from typecase.stages.crop import cut
from typecase.stages.ends import with_whole_ends

HEIGHT = 40


def page(*marks: tuple[int, int, int, int], paper: int = 230, ink: int = 20) -> PixelArray:
    """Paper with letters from 100 to 280 across and 105 to 135 down, and marks: left, top, right, bottom."""
    grey = np.full((240, 480), paper, np.uint8)
    for left, top, right, bottom in ((100, 105, 115, 135), (150, 112, 170, 135), (260, 105, 280, 135), *marks):
        grey[top:bottom, left:right] = ink
    return grey


def outline(left: float, right: float, top: float = 100) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, top + HEIGHT], [left, top + HEIGHT]], np.float32)


@pytest.mark.parametrize(("paper", "ink"), [(230, 20), (30, 220)])
def test_a_line_that_ends_within_a_hyphen_is_drawn_out_to_all_of_it(paper: int, ink: int) -> None:
    grey = page((288, 120, 304, 124), paper=paper, ink=ink)
    corners = outline(98, 295)
    whole = with_whole_ends(grey, corners, cut(grey, corners))
    assert whole is not None
    assert np.array_equal(whole[[0, 3]], corners[[0, 3]])
    assert np.array_equal(whole[[1, 2], 1], corners[[1, 2], 1])
    assert 304 <= whole[1, 0] <= 308
    assert whole[2, 0] == whole[1, 0]


def test_both_ends_are_drawn_out_along_a_line_that_slopes() -> None:
    turn = cv2.getRotationMatrix2D((240, 120), -8, 1)
    grey = np.asarray(cv2.warpAffine(page(), turn, (480, 240), borderValue=230), np.uint8)
    corners = cv2.transform(outline(108, 270)[None], turn)[0].astype(np.float32)
    expected = cv2.transform(outline(100, 280)[None], turn)[0]
    whole = with_whole_ends(grey, corners, cut(grey, corners))
    assert whole is not None
    assert np.abs(whole - expected).max() < 4
    # Out, and not in.
    assert np.linalg.norm(whole[1] - whole[0]) > np.linalg.norm(expected[1] - expected[0])


@pytest.mark.parametrize(
    ("marks", "right"),
    [
        pytest.param((), 290, id="paper"),
        pytest.param(((290, 60, 296, 200),), 293, id="a rule between columns"),
        pytest.param(((285, 118, 440, 122),), 293, id="a rule that goes on"),
        pytest.param(((288, 98, 304, 103), (288, 136, 304, 144)), 295, id="lines above and below"),
        pytest.param(((288, 120, 304, 124),), 304.0, id="whole already"),
    ],
)
def test_a_line_stays_as_it_is_where_no_letter_is_cut(
    marks: tuple[tuple[int, int, int, int], ...], right: float
) -> None:
    grey = page(*marks)
    corners = outline(98, right)
    assert with_whole_ends(grey, corners, cut(grey, corners)) is None


def test_what_lies_at_the_edge_of_the_page_or_is_tiny_is_left_alone() -> None:
    grey = page((440, 110, 480, 130))
    for corners in (outline(98, 470), outline(98, 480), outline(98, 500), outline(262, 263), outline(300, 301)):
        whole = with_whole_ends(grey, corners, cut(grey, corners))
        assert whole is None or np.isfinite(whole).all()
    line = np.array([[0, 0], [4, 0], [4, 1], [0, 1]], np.float32)
    assert with_whole_ends(grey, line, cut(grey, line)) is None
