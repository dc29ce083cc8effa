"""Marks that are read as two, and are one."""

from __future__ import annotations

import numpy as np
import pytest

from typecase.charset import LATIN_CHARACTERS
from typecase.document import Box, Character, Line, Word
from typecase.stages.crop import Strip
from typecase.stages.doubled import with_whole_marks

LATIN = "".join(LATIN_CHARACTERS)


def _two_hyphens(text: str, *strokes: tuple[int, int], allowed: str = LATIN) -> Line:
    pixels = np.full((30, 200), 240, np.uint8)
    for left, right in strokes:
        pixels[16:19, left:right] = 20
    box = Box(strokes[0][0], 15, strokes[-1][1] - strokes[0][0], 5)
    word = Word(text, box, 0.5, tuple(Character(one, box, 0.4) for one in text))
    line = Line(box, 0.5, (Word("a", Box(150, 10, 20, 10), 0.9), word))
    return with_whole_marks(line, Strip(pixels, np.zeros((4, 2), np.float32)), allowed)


def test_two_hyphens_without_a_gap_are_a_dash() -> None:
    line = _two_hyphens("--", (20, 50))
    assert [word.text for word in line.words] == ["a", "—"]
    assert [one.text for one in line.words[1].characters] == ["—"]
    assert line.words[1].box == Box(20, 15, 30, 5)
    assert [word.text for word in _two_hyphens("--", (20, 33), (37, 50)).words] == ["a", "--"]
    assert [word.text for word in _two_hyphens("-", (20, 50)).words] == ["a", "-"]
    assert [word.text for word in _two_hyphens("--", (20, 50), allowed="-").words] == ["a", "--"]


def _marked(text: str, allowed: str = LATIN, *, characters: bool = True) -> Word:
    boxes = [Box(10 * place, 4, 8, 20) for place in range(len(text))]
    shown = tuple(
        Character(one, box, 0.9 - 0.01 * place) for place, (one, box) in enumerate(zip(text, boxes, strict=True))
    )
    word = Word(text, Box(0, 4, 10 * len(text), 20), 0.8, shown if characters else ())
    strip = Strip(np.full((30, 200), 240, np.uint8), np.zeros((4, 2), np.float32))
    [found] = with_whole_marks(Line(word.box, 0.8, (word,)), strip, allowed).words
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("‘‘Yes,’’", "“Yes,”"),
        ("vision.’’¹", "vision.”¹"),
        ("''no''", '"no"'),
        ("‚‚Nein!’’", "„Nein!”"),
        # One mark within another, one by itself, and what is nothing but marks.
        ("“‘Well’", "“‘Well’"),
        ("dogs’", "dogs’"),
        ("''", "''"),
    ],
)
def test_two_single_quotation_marks_are_a_double_one(text: str, expected: str) -> None:
    word = _marked(text)
    assert word.text == expected
    assert "".join(one.text for one in word.characters) == expected
    assert _marked(text, characters=False).text == expected


def test_the_mark_takes_the_place_of_both() -> None:
    word = _marked("ja’’")
    assert word.characters[-1].box == Box(20, 4, 18, 20)
    assert word.characters[-1].confidence == pytest.approx(0.87)
    assert (word.box, word.confidence) == (Box(0, 4, 40, 20), 0.8)


def test_a_mark_that_may_not_be_read_is_not_put_there() -> None:
    assert _marked("ja’’", "ja’").text == "ja’’"
