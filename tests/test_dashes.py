"""The dash before a line, which is found with it or not at all."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from typecase.preprocess import PixelArray
from typecase.reader import Reader
from typecase.stages.dashes import with_dashes
from typecase.stages.lines_of_maps import Piece

HEIGHT = 30
LEFT, TOP, RIGHT = 150, 80, 400


def _piece(left: float = LEFT, top: float = TOP, right: float = RIGHT, height: float = HEIGHT) -> Piece:
    corners = np.array([[left, top], [right, top], [right, top + height], [left, top + height]], np.float32)
    return Piece(corners, height, 0.9, False)


def _page(*marks: tuple[int, int, int, int], ink: int = 20, paper: int = 240) -> PixelArray:
    """A page with some bars, (left, top, right, bottom), and ink in the line."""
    page = np.full((200, 500), paper, np.uint8)
    page[TOP + 6 : TOP + 24, LEFT + 5 : RIGHT - 5 : 3] = ink
    for left, top, right, bottom in marks:
        page[top:bottom, left:right] = ink
    return page


DASH = (LEFT - 40, TOP + 16, LEFT - 14, TOP + 19)


def _left(page: PixelArray, *others: Piece) -> list[float]:
    return [float(one.corners[:, 0].min()) for one in with_dashes(page, [_piece(), *others])]


@pytest.mark.parametrize(("ink", "paper"), [(20, 240), (230, 40), (120, 190)])
def test_a_line_is_drawn_out_to_its_dash(ink: int, paper: int) -> None:
    (left,) = _left(_page(DASH, ink=ink, paper=paper))
    assert DASH[0] - 8 < left < DASH[0]


@pytest.mark.parametrize(
    "marks",
    [
        [],
        # On the baseline, where a blank is; too short, as a dot is; too thick, as a box is; the end of a rule.
        [(LEFT - 40, TOP + 25, LEFT - 14, TOP + 27)],
        [(LEFT - 24, TOP + 16, LEFT - 18, TOP + 19)],
        [(LEFT - 40, TOP + 10, LEFT - 20, TOP + 24)],
        [(0, TOP + 16, LEFT - 14, TOP + 19)],
        # Something else stands there besides.
        [DASH, (LEFT - 66, TOP + 10, LEFT - 60, TOP + 24)],
    ],
)
def test_what_else_stands_before_a_line_is_left(marks: list[tuple[int, int, int, int]]) -> None:
    assert _left(_page(*marks)) == [LEFT]


def test_a_dash_that_was_found_becomes_part_of_its_line() -> None:
    dash = _piece(DASH[0] - 3, TOP + 5, DASH[2] + 3, 22)
    (left,) = _left(_page(DASH), dash)
    assert left < DASH[0]


def test_the_cell_before_keeps_what_is_in_it() -> None:
    cell = _piece(20, TOP, DASH[2] + 3)
    assert _left(_page(DASH), cell) == [LEFT, 20]


@given(angle=st.floats(-8, 8))
def test_the_dash_of_a_sloping_line_is_found(angle: float) -> None:
    page, piece = _page(DASH), _piece()
    turn = cv2.getRotationMatrix2D((250, 100), angle, 1.0)
    turned = np.asarray(cv2.warpAffine(page, turn, (500, 200), flags=cv2.INTER_AREA, borderValue=240), np.uint8)
    corners = (piece.corners @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    [drawn] = with_dashes(turned, [Piece(corners, HEIGHT, 0.9, False)])
    wide = np.linalg.norm(drawn.corners[1] - drawn.corners[0])
    assert RIGHT - DASH[0] < wide < RIGHT - DASH[0] + 10
    assert (drawn.corners[1:3] == corners[1:3]).all()


def test_no_line_has_no_dash() -> None:
    assert with_dashes(_page(DASH), []) == []
    up = Piece(_piece().corners, HEIGHT, 0.9, True)
    assert with_dashes(_page(DASH), [up]) == [up]


def test_dashes_of_a_list_are_read() -> None:
    picture = Image.new("L", (700, 330), 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/STIXGeneral.ttf", 30)
    items = ["the first of the reasons", "the second of them", "and one that is long enough", "the last"]
    for number, item in enumerate(items):
        draw.text((40, 30 + 60 * number), "—", 0, font=font)
        draw.text((90, 30 + 60 * number), item, 0, font=font)
    text = Reader(threads=1).read(picture).text.replace("–", "—").replace("- ", "— ")
    assert [line for line in text.split("\n") if line] == [f"— {item}" for item in items]
