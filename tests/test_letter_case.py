"""The case of letters that look alike in both follows from their size, and from nothing else."""

from __future__ import annotations

import string
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from typecase.decoding.options import ReadOptions
from typecase.document import Alternative, Block, Box, Character, Line, Word, union
from typecase.stages.letter_case import cased_by_size
from typecase.stages.page import PageReader
from typecase.stages.recognize import LineRecognizer

SMALL, CAPITAL = 10.0, 14.0
"""Heights of the letters of `row`."""


def word_of(text: str, height: float | None = None) -> Word:
    """A word with letters as high as their case says, or as is told."""
    characters = tuple(
        Character(
            one,
            Box(8.0 * place, 0.0, 7.0, height or (SMALL if one in "aemnrucosvwxz" else CAPITAL)),
            0.9,
            (Alternative(one.swapcase(), 0.08),) if one.isalpha() else (),
        )
        for place, one in enumerate(text)
    )
    return Word(text, union(one.box for one in characters), 0.9, characters)


def row(*words: Word) -> Line:
    return Line(union(word.box for word in words), 0.9, words)


def cased(lines: Iterable[Line], characters: str = string.ascii_letters) -> list[str]:
    lines = tuple(lines)
    (block,) = cased_by_size([Block(union(line.box for line in lines), lines)], characters)
    return [line.text for line in block.lines]


@pytest.mark.parametrize(
    ("text", "height", "shown"),
    [
        ("X", SMALL, "x"),
        ("x", CAPITAL, "X"),
        ("CC:", SMALL, "cc:"),
        ("cc:", CAPITAL, "CC:"),
        ("(S)", SMALL, "(s)"),
        # Between the two nobody can tell.
        ("X", 11.7, "X"),
        ("x", 11.7, "x"),
        # It has the right case already.
        ("X", CAPITAL, "X"),
        ("x", SMALL, "x"),
        # Shapes, neighbours or customs tell more than size does.
        ("Box", SMALL, "Box"),
        ("Co", SMALL, "Co"),
        ("S.", SMALL, "S."),
        ("V2", SMALL, "V2"),
        ("[X]", SMALL, "[X]"),
        ("K", SMALL, "K"),
        ("-", SMALL, "-"),
    ],
)
def test_a_word_takes_the_case_of_its_size(text: str, height: float, shown: str) -> None:
    assert cased([row(word_of("Maine"), word_of(text, height), word_of("Texas"))]) == [f"Maine {shown} Texas"]


def test_the_letter_that_was_read_becomes_an_alternative() -> None:
    line = row(word_of("Maine"), word_of("X", SMALL), word_of("Texas"))
    (block,) = cased_by_size([Block(line.box, (line,))], string.ascii_letters)
    word = block.lines[0].words[1]
    assert word == Word(
        "x", line.words[1].box, 0.9, (Character("x", line.words[1].box, 0.9, (Alternative("X", 0.08),)),)
    )


def test_what_a_row_lacks_follows_from_the_page() -> None:
    page = [row(word_of("Nebraska"), word_of("ARKANSAS"), word_of("Tennessee"), word_of("DELAWARE"))]
    # Nothing but small letters, of type that is larger; the page's proportions tell how high a capital would be.
    assert cased([*page, row(word_of("amen", 2 * SMALL), word_of("X", 2 * SMALL))])[1] == "amen x"
    assert cased([*page, row(word_of("amen", 2 * SMALL), word_of("x", 2 * CAPITAL))])[1] == "amen X"
    assert cased([*page, row(word_of("PLAN", 2 * CAPITAL), word_of("X", 2 * SMALL))])[1] == "PLAN x"
    # A row with nothing else has the page's type.
    assert cased([*page, row(word_of("X", SMALL))])[1] == "x"
    # A page of a few letters tells nothing.
    assert cased([row(word_of("amen")), row(word_of("X", SMALL))])[1] == "X"


def test_no_case_is_given_that_may_not_be_read() -> None:
    line = row(word_of("Maine"), word_of("X", SMALL), word_of("Texas"))
    assert cased([line], string.ascii_letters.replace("x", "")) == ["Maine X Texas"]


def test_what_stays_as_it_is_is_not_copied() -> None:
    line = row(word_of("Maine"), word_of("x"), word_of("Texas"))
    block = Block(line.box, (line,))
    assert cased_by_size([block], string.ascii_letters)[0] is block
    assert cased_by_size([], string.ascii_letters) == ()


@given(st.lists(st.text("aemXxcCoOAB2.", min_size=1, max_size=4), min_size=1, max_size=6), st.data())
def test_only_case_changes_and_a_second_look_changes_nothing(texts: list[str], data: st.DataObject) -> None:
    heights = data.draw(st.lists(st.floats(5, 20), min_size=len(texts), max_size=len(texts)))
    line = row(*(word_of(text, height) for text, height in zip(texts, heights, strict=True)))
    (block,) = cased_by_size([Block(line.box, (line,))], string.ascii_letters)
    (again,) = cased_by_size([block], string.ascii_letters)
    assert again == block
    assert block.lines[0].text.lower() == line.text.lower()
    for word in block.lines[0].words:
        assert word.text == "".join(one.text for one in word.characters)


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader(LineRecognizer(threads=1), threads=1)


def ticked(mark: str) -> Image.Image:
    """A table of states, some of them with a typed mark."""
    picture = Image.new("L", (900, 330), 250)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(26)
    for number, state in enumerate(("Alabama", "Maine", "Oregon", "Arizona", "Nevada")):
        draw.text((40, 30 + 56 * number), state, fill=20, font=font)
        draw.text((330, 30 + 56 * number), mark, fill=20, font=font)
        draw.text((440, 30 + 56 * number), "23 stores of 408", fill=20, font=font)
    return picture


@pytest.mark.parametrize("mark", ["x", "X"])
def test_marks_in_a_table_are_read_in_their_case(reader: PageReader, mark: str) -> None:
    words = [word.text for word in reader.read(ticked(mark)).words]
    assert words.count(mark) == 5
    assert words.count(mark.swapcase()) == 0


def test_what_may_be_read_is_kept_to(reader: PageReader) -> None:
    allowed = "AaBbdeDGgiIklLMmNnorRsStTuUvVzZ XO"
    words = [word.text for word in reader.read(ticked("x"), ReadOptions(allow=allowed)).words]
    assert words.count("X") == 5
    assert "x" not in words
    # Who says which words to expect has said their case.
    words = [word.text for word in reader.read(ticked("x"), ReadOptions(words=("X",))).words]
    assert "X" in words


@pytest.mark.parametrize(
    ("height", "characters", "shown"),
    [(0.75 * SMALL, "•●", "•"), (SMALL, "•●", "•"), (1.3 * SMALL, "•●", "●"), (0.75 * SMALL, "●", "●")],
)
def test_a_circle_as_small_as_a_bullet_is_one(height: float, characters: str, shown: str) -> None:
    lines = [row(word_of("●", height), word_of("name")), row(word_of("number")), row(word_of("moon●", height))]
    assert cased(lines, string.ascii_letters + characters) == [f"{shown} name", "number", "moon●"]
    # Nothing around it, or on its page, tells how large letters are.
    assert cased([row(word_of("●", height))], string.ascii_letters + characters) == ["●"]


def test_a_bullet_alone_on_its_row_is_told_by_the_page() -> None:
    lines = [row(word_of("●", 0.6 * SMALL)), row(word_of("manner")), row(word_of("nearer"))]
    assert cased(lines, string.ascii_letters + "•●")[0] == "•"
