"""Marks over capitals, which stand above the line that was found."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from font_fixtures import family
from typecase.preprocess import PixelArray
from typecase.reader import Reader
from typecase.stages.accents import adds_marks, with_marks
from typecase.stages.crop import Corners, Strip, cut
from typecase.synthesis.fonts import FontCollection
from typecase.synthesis.line import LineFace, set_line

EM = 40


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> LineFace:
    root = tmp_path_factory.mktemp("accents")
    family(root, "plain")
    (font,) = FontCollection.open(root)
    return LineFace(font, EM)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(threads=1)


def _page(face: LineFace, *texts: str, leading: float = 1.2) -> tuple[PixelArray, Corners]:
    """Some lines in black on white, and the outline of the last from its ascenders to its descenders.

    A ^ behind a letter, which is not drawn, stands for a mark over it.
    """
    inks = [set_line(face, text.replace("^", "")) for text in texts]
    page = np.full((round(EM * (3 + leading * len(texts))), max(ink.coverage.shape[1] for ink in inks)), 255, np.uint8)
    for number, (text, ink) in enumerate(zip(texts, inks, strict=True)):
        baseline = round(EM * (2 + leading * number))
        top = baseline - round(ink.baseline)
        rows, columns = ink.coverage.shape
        part = page[top : top + rows, :columns]
        np.minimum(part, 255 - ink.coverage, out=part)
        marked = [place - number for number, place in enumerate(np.flatnonzero([one == "^" for one in text]))]
        for left, high, width, _ in ink.boxes[[place - 1 for place in marked]].tolist():
            middle, foot = round(left + width / 2), top + round(high) - 2
            page[foot - round(0.14 * EM) : foot, middle - 3 : middle + 3] = 0
    above, below = (reach * EM / face.typeface.units for reach in face.typeface.extent)
    left, right, upper, lower = 5.0, page.shape[1] - 5.0, baseline - above, baseline + below
    return page, np.array([[left, upper], [right, upper], [right, lower], [left, lower]], np.float32)


def _higher(page: PixelArray, corners: Corners) -> Strip | None:
    return with_marks(page, corners, cut(page, corners))


@pytest.mark.parametrize("text", ["E^te a Paris", "A^O^U^", "Em I^taca", "NANDU^"])
def test_marks_over_capitals_are_cut_out_with_them(face: LineFace, text: str) -> None:
    page, corners = _page(face, text)
    strip, plain = _higher(page, corners), cut(page, corners)
    assert strip is not None
    ink = np.flatnonzero((page < 128).any(axis=1))
    assert plain.corners[0, 1] > ink[0]
    assert strip.corners[0, 1] <= ink[0]
    # No more than the marks need, and nothing less below or beside.
    assert strip.corners[0, 1] >= ink[0] - 5
    assert strip.corners[2:].tolist() == plain.corners[2:].tolist()
    assert (strip.pixels[-len(plain.pixels) :] == plain.pixels).all()


@pytest.mark.parametrize("shade", [(0, 255), (200, 60), (90, 150)])
def test_marks_are_found_in_any_ink(face: LineFace, shade: tuple[int, int]) -> None:
    page, corners = _page(face, "E^te")
    ink, paper = shade
    toned = np.round(ink + (paper - ink) * (page / 255.0)).astype(np.uint8)
    strip, higher = _higher(toned, corners), _higher(page, corners)
    assert strip is not None
    assert higher is not None
    assert strip.pixels.shape == higher.pixels.shape


@pytest.mark.parametrize("above", ["gypsy jumps", "a, b; c", "x_y_z", "HHHHH"])
def test_what_hangs_down_from_the_line_above_is_no_mark(face: LineFace, above: str) -> None:
    page, corners = _page(face, above, "Hills and dale")
    assert _higher(page, corners) is None


def test_a_rule_above_is_no_mark(face: LineFace) -> None:
    page, corners = _page(face, "Hills")
    level = round(float(corners[0, 1])) - 4
    page[level : level + 2] = 0
    assert _higher(page, corners) is None


def test_a_mark_in_the_air_is_none(face: LineFace) -> None:
    page, corners = _page(face, "aaaaaa")
    top = round(float(corners[0, 1]))
    page[top - 6 : top - 2, 30:36] = 0
    assert _higher(page, corners) is None


def test_marks_may_reach_the_pages_upper_edge(face: LineFace) -> None:
    page, corners = _page(face, "E^te")
    for free in (0, 2):
        top = int(np.flatnonzero((page < 128).any(axis=1))[0]) - free
        strip = _higher(np.ascontiguousarray(page[top:]), corners - np.array([0, top], np.float32))
        # What the page's edge cuts off is no mark, for all that is seen of it.
        assert (strip is not None) == (free > 0)


def test_an_even_page_has_no_marks() -> None:
    page = np.full((100, 300), 200, np.uint8)
    corners = np.array([[10, 40], [290, 40], [290, 70], [10, 70]], np.float32)
    assert _higher(page, corners) is None


def test_marks_of_a_slanted_line_are_cut_out(face: LineFace) -> None:
    page, corners = _page(face, "E^te a E^vora")
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 4.0, 1.0)
    turned = np.asarray(cv2.warpAffine(page, turn, (width, height), borderValue=255), np.uint8)
    moved = (corners @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    strip = _higher(turned, moved)
    assert strip is not None
    rise = np.linalg.norm(strip.corners[3] - strip.corners[0]) / np.linalg.norm(moved[3] - moved[0])
    assert 1.1 < rise < 1.3


@pytest.mark.parametrize(
    ("plain", "marked", "adds"),
    [
        ("Etat", "État", True),
        ("E disponibile", "È disponibile", True),
        ("Anderung für", "Änderung für", True),
        ("Ete", "Ête", True),
        ("État", "État", False),
        ("État", "Etat", False),
        ("État 1", "État l", False),
        ("Etat", "tat", False),
        ("Etat des", "Étatdes", False),
        ("", "", False),
    ],
)
def test_only_marks_may_be_added(plain: str, marked: str, adds: bool) -> None:
    assert adds_marks(plain, marked) is adds


@pytest.mark.parametrize(("name", "size"), [("STIXGeneral", 36), ("DejaVuSans-Bold", 36), ("DejaVuSerif", 24)])
def test_capitals_keep_their_marks_on_pages(reader: Reader, name: str, size: int) -> None:
    # Each of these lost marks while lines were cut out by their ascenders alone.
    lines = ["Elan des grands jours", "È possibile farlo oggi", "Änderung der Datei", "Every good boy", "Ángel Órdenes"]
    picture = Image.new("L", (25 * size, 8 * size), 255)
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf", size)
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((size, round(size * (0.5 + 1.3 * number))), line, 0, font=font)
    assert reader.read(picture).text.split("\n") == lines
