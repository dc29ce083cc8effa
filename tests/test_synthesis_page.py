from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from font_fixtures import family
from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.synthesis import page as page_module
from typecase.synthesis.fonts import Category, FontCollection
from typecase.synthesis.page import HELD_BACK_LAYOUTS, LAYOUT_MIXTURE, LAYOUTS, DrawnPage, PageWorkshop
from typecase.synthesis.page_desk import Desk, FontShelf
from typecase.synthesis.page_looks import PAGE_LOOKS
from typecase.synthesis.page_sheet import Sheet
from typecase.synthesis.page_tables import draw_ruled_figures, draw_table
from typecase.synthesis.page_text import PageTexts
from typecase.synthesis.text import TextFile, open_texts


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> FontCollection:
    root = tmp_path_factory.mktemp("fonts")
    family(root, "plain", category=Category.SANS_SERIF)
    family(root, "book", category=Category.SERIF)
    family(root, "till", category=Category.MONOSPACE)
    return FontCollection.open(root)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextFile, ...]:
    folder: Path = tmp_path_factory.mktemp("texts")
    for language in ("en", "nl"):
        lines = (f"Line {'zero' if n % 10 == 0 else 'other'} of the {language} text has words." for n in range(60))
        (folder / f"{language}.txt").write_text("\n".join(lines))
    return open_texts(folder)


def same(one: DrawnPage, other: DrawnPage) -> bool:
    return (
        (one.pixels.shape == other.pixels.shape)
        and bool((one.pixels == other.pixels).all())
        and one.meta == other.meta
        and [line.text for line in one.lines] == [line.text for line in other.lines]
        and all((a.polygon == b.polygon).all() for a, b in zip(one.lines, other.lines, strict=True))
    )


def test_a_page_depends_on_seed_and_number_alone(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    first, second = (PageWorkshop(fonts, texts, seed=3) for _ in range(2))
    forwards = [first.draw(index) for index in range(6)]
    backwards = [second.draw(index) for index in reversed(range(6))][::-1]
    assert all(map(same, forwards, backwards))
    elsewhere = PageWorkshop(fonts, texts, seed=4)
    assert not any(same(elsewhere.draw(index), page) for index, page in enumerate(forwards))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_has_lines_within_its_picture(
    name: str, fonts: FontCollection, texts: tuple[TextFile, ...]
) -> None:
    workshop = PageWorkshop(fonts, texts, layouts={name: 1.0}, seed=5, channels=3)
    for index in range(2):
        page = workshop.draw(index)
        assert page.pixels.dtype == np.uint8
        assert page.pixels.ndim == 3
        assert page.meta["layout"] == name
        height, width = page.pixels.shape[:2]
        assert bool(page.lines) == (name != "empty")
        for line in page.lines:
            assert line.text == " ".join(word for word, _ in line.words)
            assert line.text == " ".join(line.text.split())
            assert len(line.polygon) >= 4
            assert line.polygon.dtype == np.float32
            assert all(corners.shape == (4, 2) for _, corners in line.words)
            if line.legible:
                assert line.polygon.min() > -0.05 * max(height, width)
                assert (line.polygon.max(axis=0) < 1.05 * np.array([width, height])).all()


def test_reading_order_is_that_of_blocks_and_rows(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    workshop = PageWorkshop(fonts, texts, seed=6)
    for index in range(8):
        lines = workshop.draw(index).lines
        assert [line.block for line in lines] == sorted(line.block for line in lines)
        assert [line.row for line in lines] == sorted(line.row for line in lines)


def clockwise(polygon: np.ndarray) -> bool:
    x, y = polygon.astype(np.float64).T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) > 0


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turning_the_picture_back_makes_text_run_right(
    rotation: int, fonts: FontCollection, texts: tuple[TextFile, ...]
) -> None:
    workshop = PageWorkshop(fonts, texts, layouts={"letter": 1}, rotations={rotation: 1}, looks={"digital": 1}, seed=7)
    page = workshop.draw(0)
    plain = PageWorkshop(fonts, texts, layouts={"letter": 1}, rotations={0: 1}, looks={"digital": 1}, seed=7).draw(0)
    assert page.rotation == rotation
    turned = {0: None, 90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[rotation]
    upright = page.pixels if turned is None else cv2.rotate(page.pixels, turned)
    assert (upright == plain.pixels).all()
    height, width = page.pixels.shape
    for line, other in zip(page.lines, plain.lines, strict=True):
        assert line.text == other.text
        assert clockwise(line.polygon)
        x, y = line.polygon.T
        back = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}[rotation]
        assert np.allclose(np.stack(back, axis=1), other.polygon, atol=0.01)


@pytest.mark.parametrize("look", PAGE_LOOKS)
def test_outlines_follow_their_ink_through_every_look(
    look: str, fonts: FontCollection, texts: tuple[TextFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All damage is left out but that of geometry; then what is dark beside the outlines is none of the text's ink."""
    monkeypatch.setattr("typecase.synthesis.page_looks.degrade", lambda pixels, *_: (pixels, []))
    monkeypatch.setattr(
        "typecase.synthesis.page_looks._ground", lambda around, size, pixels, _: np.full(size[::-1], 255, np.uint8)
    )
    workshop = PageWorkshop(fonts, texts, layouts={"typescript": 1}, looks={look: 1}, rotations={0: 1, 90: 1}, seed=8)
    for index in range(2):
        page = workshop.draw(index)
        cover = np.zeros(page.pixels.shape, np.uint8)
        for line in page.lines:
            cv2.fillPoly(cover, [np.rint(line.polygon).astype(np.int32)], 255)
        wide = cv2.dilate(cover, np.ones((7, 7), np.uint8))
        dark = page.pixels < 0.5 * page.pixels.max()
        assert dark.sum() > 500
        assert (wide[dark] == 255).mean() > 0.999
        words = np.zeros(page.pixels.shape, np.uint8)
        for line in page.lines:
            for _, corners in line.words:
                cv2.fillPoly(words, [np.rint(corners).astype(np.int32)], 255)
        # Words lie within their lines, and hold nearly all of the ink.
        assert (cv2.dilate(words, np.ones((7, 7), np.uint8))[dark] == 255).mean() > 0.98
        assert (wide[words == 255] == 255).mean() > 0.99


def test_what_is_written_does_not_hang_on_how_it_looks(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    """Looks that neither move nor enlarge the sheet leave the truth as it is, whatever they do to the pixels."""
    pages = [
        PageWorkshop(fonts, texts, layouts={"article": 1}, looks={look: 1}, rotations={0: 1}, seed=9).draw(0)
        for look in ("digital", "phone", "thermal")
    ]
    drawn = [[line.text for line in page.lines] for page in pages]
    # A camera may cut lines off, but writes none.
    assert set(drawn[1]) <= set(drawn[0])
    assert set(drawn[2]) <= set(drawn[0])
    assert not same(pages[0], pages[1])


def test_small_and_blurred_text_is_not_called_legible(
    fonts: FontCollection, texts: tuple[TextFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = PageWorkshop(fonts, texts, layouts={"letter": 1}, looks={"digital": 1}, seed=10)
    assert any(line.legible for line in workshop.draw(0).lines)
    monkeypatch.setattr(page_module, "_LEAST_X_HEIGHT", 1000.0)
    assert not any(line.legible for line in workshop.draw(0).lines)


def test_held_back_layouts_are_drawn_only_when_asked_for(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    assert len(HELD_BACK_LAYOUTS) >= 3
    assert set(LAYOUTS) >= HELD_BACK_LAYOUTS
    assert not HELD_BACK_LAYOUTS & set(LAYOUT_MIXTURE)
    asked = PageWorkshop(fonts, texts, layouts=dict.fromkeys(HELD_BACK_LAYOUTS, 1.0), seed=11)
    assert {asked.draw(index).meta["layout"] for index in range(6)} <= HELD_BACK_LAYOUTS


def test_a_notice_is_read_one_language_after_the_other(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    workshop = PageWorkshop(fonts, texts, layouts={"notice": 1.0}, looks={"digital": 1.0}, rotations={0: 1.0}, seed=11)
    for index in range(3):
        page = workshop.draw(index)
        middle = page.pixels.shape[1] / 2
        # The company stands at the foot, across both.
        sides = [bool(line.polygon[:, 0].mean() > middle) for line in page.lines[:-1]]
        assert sides == sorted(sides)
        assert 2 < sum(sides) < len(sides) - 2
        numbers = [(line.block, line.row) for line in page.lines]
        assert numbers == sorted(numbers)
        for column in (False, True):
            feet = [
                line.polygon[:, 1].max() for line, side in zip(page.lines[:-1], sides, strict=True) if side == column
            ]
            assert feet == sorted(feet)


def desk_with(fonts: FontCollection, texts: tuple[TextFile, ...], seed: int) -> Desk:
    sheet = Sheet(900, 700)
    return Desk(np.random.default_rng(seed), sheet, 2.0, FontShelf(fonts), PageTexts(texts, LATIN_CHARACTERS))


@pytest.mark.parametrize("seed", range(6))
def test_figures_stand_on_rules_of_their_own(fonts: FontCollection, texts: tuple[TextFile, ...], seed: int) -> None:
    desk = desk_with(fonts, texts, seed)
    kind = desk.type({Category.SANS_SERIF: 1.0}, 10)
    end = draw_ruled_figures(desk, kind, kind, 40, 860, 30, 680)
    assert 30 < end <= 680 + 2 * kind.em
    figures = [text for text in desk.sheet.texts if text.column]
    assert len(figures) >= 2
    for figure in figures:
        assert figure.apart
        left, baseline = figure.matrix[:, 2].tolist()
        start, stop = left + figure.words[0][1], left + figure.words[-1][2]
        # A figure may stick out of its rule by a fifth of an em.
        columns = slice(round(start), max(round(start) + 1, round(stop - 0.25 * kind.em)))
        near = desk.sheet.tones[round(baseline - 0.1 * kind.em) : round(baseline + 0.4 * kind.em), columns]
        assert (near < 128).all(axis=1).any()


def test_a_tight_table_takes_less_room(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    heights = []
    for tight in (False, True):
        ends = []
        for seed in range(8):
            desk = desk_with(fonts, texts, seed)
            kind = desk.type({Category.SANS_SERIF: 1.0}, 8)
            ends.append(draw_table(desk, kind, 40, 30, 820, 690, rows=4, tight=tight))
        heights.append(sum(ends))
    assert heights[1] < heights[0]


def test_held_back_sentences_stay_out_of_training(fonts: FontCollection, texts: tuple[TextFile, ...]) -> None:
    for part, word in (("train", "zero"), ("held-back", "other")):
        workshop = PageWorkshop(fonts, texts, layouts={"book": 1}, seed=12, part=part)  # type: ignore[arg-type]
        said = Counter(word for index in range(3) for line in workshop.draw(index).lines for word in line.text.split())
        assert said["text"]
        assert not said[word]


def test_layouts_looks_and_rotations_are_drawn_by_their_weights(
    fonts: FontCollection, texts: tuple[TextFile, ...]
) -> None:
    workshop = PageWorkshop(
        fonts, texts, layouts={"sparse": 1, "empty": 1, "book": 0}, looks={"fax": 1}, rotations={90: 1}, seed=13
    )
    pages = [workshop.draw(index) for index in range(8)]
    assert {page.meta["layout"] for page in pages} == {"sparse", "empty"}
    assert {page.meta["look"] for page in pages} == {"fax"}
    assert {page.rotation for page in pages} == {90}


def test_pages_can_be_drawn_without_texts(fonts: FontCollection) -> None:
    page = PageWorkshop(fonts, (), layouts={"letter": 1}).draw(0)
    assert page.text


def test_only_the_characters_asked_for_are_drawn(fonts: FontCollection) -> None:
    allowed = set("0123456789.,:-/ ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    workshop = PageWorkshop(fonts, (), charset=allowed, layouts={"receipt": 1, "form": 1, "invoice": 1})
    for index in range(4):
        assert set(workshop.draw(index).text) <= allowed | {"\n"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"layouts": {"novel": 1}},
        {"layouts": {"book": -1}},
        {"layouts": {"book": 0}},
        {"looks": {"oil": 1}},
        {"rotations": {45: 1}},
    ],
)
def test_what_is_not_known_is_refused_by_name(fonts: FontCollection, wrong: dict[str, dict[str, float]]) -> None:
    with pytest.raises(UsageError):
        PageWorkshop(fonts, (), **wrong)  # type: ignore[arg-type]


def test_no_font_is_refused(fonts: FontCollection) -> None:
    with pytest.raises(DataError, match="no font"):
        PageWorkshop(fonts.select(families=[]), ())
