from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from font_fixtures import family
from typecase.charset import LATIN_CHARACTERS
from typecase.synthesis.fonts import FontCollection
from typecase.synthesis.page_sheet import Sheet
from typecase.synthesis.page_type import PageType


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> PageType:
    root: Path = tmp_path_factory.mktemp("fonts")
    family(root, "plain")
    font = FontCollection.open(root).nearest()
    return PageType(font, 24.0, font.characters & set(LATIN_CHARACTERS))


def inked(sheet: Sheet) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(sheet.tones < 200)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize(("align", "edge"), [("left", 0), ("right", 2)])
def test_a_line_stands_where_it_is_put(kind: PageType, align: str, edge: int) -> None:
    sheet = Sheet(400, 100)
    assert sheet.put(kind, "Total 12", 200, 60, align=align) is not None
    assert abs(inked(sheet)[edge] - 200) <= 3
    assert inked(sheet)[3] <= 62


def test_a_centred_line_has_its_middle_there(kind: PageType) -> None:
    sheet = Sheet(400, 100)
    sheet.put(kind, "Total 12", 200, 60, align="centre")
    left, _, right, _ = inked(sheet)
    assert abs((left + right) / 2 - 200) <= 2


def test_what_would_leave_the_sheet_is_not_put(kind: PageType) -> None:
    sheet = Sheet(100, 100)
    assert sheet.put(kind, "a line that is much too long", 5, 60) is None
    assert sheet.put(kind, "up", 5, 5) is None
    assert not sheet.texts
    assert (sheet.tones == 255).all()


@pytest.mark.parametrize("angle", [0.0, 90.0, -90.0, 17.0])
def test_words_cover_their_ink_at_any_angle(kind: PageType, angle: float) -> None:
    sheet = Sheet(500, 500)
    sheet.put(kind, "Hand held paper", 250, 250, align="centre", angle=angle)
    (text,) = sheet.texts
    cover = np.zeros_like(sheet.tones)
    for _, left, right in text.words:
        corners = np.array(
            [[left, -text.above, 1], [right, -text.above, 1], [right, text.below, 1], [left, text.below, 1]]
        )
        cv2.fillPoly(cover, [np.rint(corners @ text.matrix.T).astype(np.int32)], 255)
    wide = cv2.dilate(cover, np.ones((5, 5), np.uint8))
    ink = sheet.tones < 128
    assert (wide[ink] == 255).all()
    # And they lie close to it.
    assert ink.sum() > 0.1 * (cover == 255).sum()


def test_pieces_near_each_other_are_one_line(kind: PageType) -> None:
    sheet = Sheet(600, 100)
    end = sheet.put(kind, "Name:", 10, 60)
    assert end is not None
    sheet.put(kind, "Ada", 10 + end[1] + 0.5 * kind.em, 60, column=1)
    sheet.put(kind, "12.50", 400, 60, column=2)
    near, far = sheet.joined()
    assert near.text == "Name: Ada"
    assert [word for word, _, _ in near.words] == ["Name:", "Ada"]
    assert near.words[1][1] > near.words[0][2]
    assert far.text == "12.50"


def test_a_rule_keeps_pieces_apart(kind: PageType) -> None:
    sheet = Sheet(600, 100)
    end = sheet.put(kind, "Name:", 10, 60, apart=True)
    assert end is not None
    sheet.put(kind, "Ada", 10 + end[1] + 0.5 * kind.em, 60, column=1, apart=True)
    assert [text.text for text in sheet.joined()] == ["Name:", "Ada"]


def test_ink_has_its_colour_or_its_brightness(kind: PageType) -> None:
    red = (250.0, 0.0, 0.0)
    colour, grey = Sheet(200, 60, 3), Sheet(200, 60, 1)
    for sheet in (colour, grey):
        sheet.fill(0, 0, 50, 50, red)
        sheet.put(kind, "Hall", 80, 40, colour=red)
    assert tuple(colour.tones[10, 10]) == (250, 0, 0)
    assert grey.tones[10, 10] == 75
    assert abs(int(grey.tones.min()) - 75) <= 1
    assert colour.tones[..., 0].min() >= 249


def test_text_is_broken_into_lines_that_fit(kind: PageType) -> None:
    words = "one two three four five six seven eight nine ten eleven twelve".split()
    lines = kind.broken(words, 150, indent=40)
    assert " ".join(lines).split() == words
    assert kind.width(lines[0]) <= 110
    assert all(kind.width(line) <= 150 for line in lines)


def test_a_word_longer_than_the_column_is_cut(kind: PageType) -> None:
    lines = kind.broken(["a" * 60], 150)
    assert "".join(lines) == "a" * 60
    assert all(kind.width(line) <= 150 for line in lines)


def test_hyphens_break_long_words_and_lose_nothing(kind: PageType) -> None:
    words = ["extraordinarily", "incomprehensible"] * 12
    lines = kind.broken(words, 260, hyphens=1.0, generator=np.random.default_rng(0))
    assert any(line.endswith("-") for line in lines)
    assert "".join(line.removesuffix("-") if line.endswith("-") else f"{line} " for line in lines).split() == words
