"""A rule that begins where a word ends is no full stop; a full stop is one, also where it stands on a rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from typecase.document import Box, Character, Line, Word, union
from typecase.preprocess import PixelArray
from typecase.stages.blanks import without_rules
from typecase.stages.crop import Strip, cut
from typecase.stages.page import PageReader
from typecase.stages.recognize import LineRecognizer

WIDTH, HEIGHT = 400, 120
BASELINE, TALL = 70, 30
"""Where letters stand on the page, and how high the strip is."""


def page_with(*boxes: tuple[int, int, int, int], dark: int = 30, paper: int = 240) -> PixelArray:
    """Paper with inked boxes: left, top, right, bottom."""
    page = np.full((HEIGHT, WIDTH), paper, np.uint8)
    for left, top, right, bottom in boxes:
        page[top:bottom, left:right] = dark
    return page


def line_on(page: PixelArray, mark: tuple[int, int, int, int], text: str = ".") -> tuple[Line, Strip]:
    """A line `Per` with a mark behind it, as if both were read in a strip that ends with the mark, and the strip."""
    top, right = BASELINE - 24, mark[2] + 2
    strip = cut(page, np.array([[100, top], [right, top], [right, top + TALL], [100, top + TALL]], np.float32))
    characters = [Character(one, Box(4.0 + 14 * place, 6.0, 10.0, 18.0), 0.9) for place, one in enumerate("Per")]
    left, upper, end, lower = mark
    characters.append(
        Character(text, Box(left - 100.0, float(upper - top), float(end - left), float(lower - upper)), 0.8)
    )
    word = Word("Per" + text, union(one.box for one in characters), 0.7, tuple(characters))
    return Line(Box(0, 0, right - 100.0, TALL), 0.6, (word,)), strip


def stays(page: PixelArray, mark: tuple[int, int, int, int], text: str = ".") -> bool:
    line, strip = line_on(page, mark, text)
    return without_rules(line, strip, page) is line


LETTERS = ((104, 52, 114, BASELINE), (118, 58, 128, BASELINE), (132, 58, 142, BASELINE))


def test_the_beginning_of_a_rule_is_taken_off() -> None:
    page = page_with(*LETTERS, (146, 68, 300, 70))
    assert not stays(page, (146, 68, 152, 70))
    line, strip = line_on(page, (146, 68, 152, 70))
    (word,) = without_rules(line, strip, page).words
    assert word.text == "Per"
    assert word.characters == line.words[0].characters[:-1]
    assert word.box == union(one.box for one in word.characters)
    assert word.confidence == 0.7


@pytest.mark.parametrize("mark", [",", "-", "_", "."])
def test_whatever_it_is_taken_for(mark: str) -> None:
    assert not stays(page_with(*LETTERS, (146, 68, 300, 70)), (146, 68, 152, 70), mark)
    # A colon does not look like a rule.
    assert stays(page_with(*LETTERS, (146, 68, 300, 70)), (146, 68, 152, 70), ":")


def test_a_full_stop_stays() -> None:
    alone = page_with(*LETTERS, (146, 66, 150, 70))
    assert stays(alone, (146, 66, 150, 70))
    # With the rule of a blank some way behind it.
    assert stays(page_with(*LETTERS, (146, 66, 150, 70), (160, 68, 300, 70)), (146, 66, 150, 70))
    # On a rule that runs under the whole word, or a pixel lower at one end.
    assert stays(page_with(*LETTERS, (146, 66, 150, 70), (60, 71, 300, 73)), (146, 66, 150, 73))
    bent = page_with(*LETTERS, (146, 66, 150, 70), (60, 72, 124, 74), (124, 71, 300, 73))
    assert stays(bent, (146, 66, 150, 73))


def test_the_end_of_a_rule_that_runs_under_the_word_is_taken_off() -> None:
    # As thin as the rule, though it runs on under the whole word; higher, and it is a full stop.
    assert not stays(page_with(*LETTERS, (60, 71, 300, 73)), (146, 71, 150, 73))
    assert stays(page_with(*LETTERS, (146, 66, 150, 70), (60, 71, 300, 73)), (146, 66, 150, 73))
    # Its box may be as high as the line, where hardly a column of it was cut out.
    assert not stays(page_with(*LETTERS, (60, 71, 300, 73)), (146, 48, 150, 74))


def test_the_edge_of_a_panel_is_no_rule() -> None:
    assert stays(page_with(*LETTERS, (146, 67, 300, 70), (152, 20, 300, 110)), (146, 67, 150, 70))


def test_a_dash_stays() -> None:
    assert stays(page_with(*LETTERS, (146, 62, 166, 64)), (146, 62, 166, 64), "-")


def test_at_the_edge_of_the_page_and_on_empty_paper_nothing_is_taken_off() -> None:
    narrow = page_with(*LETTERS, (146, 68, 156, 70))[:, :156]
    assert stays(np.ascontiguousarray(narrow), (146, 68, 152, 70))
    assert stays(page_with(), (146, 68, 152, 70))


def test_a_word_of_nothing_else_goes() -> None:
    page = page_with((120, 68, 300, 70))
    strip = cut(page, np.array([[100, 46], [130, 46], [130, 76], [100, 76]], np.float32))
    mark = Character("-", Box(20.0, 22.0, 8.0, 2.0), 0.9)
    line = Line(Box(0, 0, 30, 30), 0.9, (Word("-", mark.box, 0.9, (mark,)),))
    assert without_rules(line, strip, page).words == ()
    assert without_rules(Line(Box(0, 0, 30, 30), 0.0), strip, page).words == ()


@pytest.mark.parametrize(
    ("text", "width", "height", "stays"),
    [
        ("☐", 16, 16, True),
        ("☒", 14, 22, True),
        ("☐", 4, 22, False),
        ("☑", 40, 6, False),
        ("1", 6, 20, True),
        ("I", 3, 20, True),
        ("1", 16, 6, False),
        ("l", 22, 20, False),
        ("-", 16, 3, True),
        ("m", 20, 10, True),
        ("11", 20, 18, True),
    ],
)
def test_what_has_not_the_shape_of_what_it_was_read_as_goes(text: str, width: int, height: int, stays: bool) -> None:
    page = page_with()
    strip = cut(page, np.array([[100, 46], [260, 46], [260, 76], [100, 76]], np.float32))
    box = Box(4.0, 4.0, float(width), float(height))
    lone = Word(text, box, 0.9, tuple(Character(one, box, 0.9) for one in text))
    beside = Word("Per", Box(60.0, 6.0, 40.0, 18.0), 0.9)
    line = Line(Box(0, 0, 160, 30), 0.9, (lone, beside))
    assert without_rules(line, strip, page).words == ((lone, beside) if stays else (beside,))


@pytest.mark.parametrize("skew", [0.0, 2.5, -2.0])
def test_blanks_of_a_form_are_not_read(skew: float) -> None:
    picture = Image.new("L", (900, 420), 250)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(26)
    labels = ("Position", "Date received", "Speaker", "Topic")
    for number, label in enumerate(labels):
        y = 40 + 80 * number
        draw.text((60, y), label, fill=20, font=font)
        end = 60 + font.getlength(label) + 4
        draw.line((end, y + 26, end + 420, y + 26), fill=20, width=2)
    picture = picture.rotate(-skew, resample=Image.Resampling.BICUBIC, fillcolor=250)
    page = PageReader(LineRecognizer(threads=1), threads=1).read(picture)
    assert math.isclose(page.skew, skew, abs_tol=1.0)
    assert [line.text for line in page.lines] == list(labels)
