from __future__ import annotations

import json

import numpy as np
import pytest

from font_fixtures import family
from typecase.errors import UsageError
from typecase.synthesis.fonts import FontCollection
from typecase.synthesis.ground_truth import InkLine
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_looks import LOOKS, draw_look
from typecase.synthesis.paper import LINE_EFFECTS

TEXT = "Total 24.90"


@pytest.fixture(scope="module")
def ink(tmp_path_factory: pytest.TempPathFactory) -> InkLine:
    root = tmp_path_factory.mktemp("fonts")
    family(root, "plain")
    (font,) = FontCollection.open(root)
    return set_line(LineFace(font, 38), TEXT)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_line_has_its_text_boxes_and_facts(ink: InkLine, look: str, channels: int) -> None:
    for seed in range(12):
        line = draw_look(ink, look, np.random.default_rng(seed), channels=channels)
        assert line.pixels.dtype == np.uint8
        assert line.pixels.ndim == (2 if channels == 1 else 3)
        assert line.text == TEXT
        assert line.boxes.shape == (len(TEXT), 4)
        height, width = line.pixels.shape[:2]
        assert (line.boxes >= 0).all()
        assert (line.boxes[:, 0] + line.boxes[:, 2] <= width + 0.01).all()
        assert (line.boxes[:, 1] + line.boxes[:, 3] <= height + 0.01).all()
        for box in line.boxes[[character != " " for character in TEXT]]:
            assert box[2] * box[3] > 0
        assert line.meta["look"] == look
        assert json.loads(json.dumps(line.meta)) == line.meta


@pytest.mark.parametrize("look", LOOKS)
def test_a_line_is_the_same_for_a_seed_and_another_for_another(ink: InkLine, look: str) -> None:
    first, again, other = (draw_look(ink, look, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first.pixels == again.pixels).all()
    assert (first.boxes == again.boxes).all()
    assert first.meta == again.meta
    assert first.boxes.tolist() != other.boxes.tolist()


@pytest.mark.parametrize("look", LOOKS)
def test_the_letters_can_be_told_from_the_ground(ink: InkLine, look: str) -> None:
    distances = []
    for seed in range(40):
        line = draw_look(ink, look, np.random.default_rng(seed))
        inside = np.zeros(line.pixels.shape, bool)
        for x, y, width, height in line.boxes[[character != " " for character in TEXT]]:
            inside[round(y) : round(y + height), round(x) : round(x + width)] = True
        if inside.all():
            continue
        # Strokes make up a good part of the boxes and nothing of the rest.
        spread = np.quantile(line.pixels[inside], (0.1, 0.9)) - np.median(line.pixels[~inside])
        distances.append(float(np.abs(spread).max()))
    assert np.quantile(distances, 0.1) > 18
    assert np.median(distances) > 60


def test_boxes_fit_the_ink_of_clean_lines(ink: InkLine) -> None:
    for seed in range(30):
        line = draw_look(ink, "clean", np.random.default_rng(seed))
        if any(effect["effect"] == "neighbours" for effect in line.meta["effects"]):
            continue
        paper = int(np.median(line.pixels))
        dark = line.pixels < paper - 60
        left, top, width, height = line.box
        columns, rows = np.flatnonzero(dark.any(axis=0)), np.flatnonzero(dark.any(axis=1))
        measured = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert measured == pytest.approx((left, top, left + width, top + height), abs=1.6)


def test_a_height_that_is_asked_for_is_kept(ink: InkLine) -> None:
    for look in ("clean", "photo"):
        assert draw_look(ink, look, np.random.default_rng(0), height=48).pixels.shape[0] == 48


def test_recipes_name_effects_that_exist() -> None:
    for look in LOOKS.values():
        for recipe in (look.press, look.ground, look.sensor):
            for name, share in recipe:
                assert name in LINE_EFFECTS
                assert 0 < share <= 1
        assert look.paper[0] <= look.paper[1]
        assert look.contrast[0] <= look.contrast[1]


def test_every_effect_is_in_some_look() -> None:
    used = {name for look in LOOKS.values() for recipe in (look.press, look.ground, look.sensor) for name, _ in recipe}
    # These two are done by the looks themselves, or only to single characters.
    assert set(LINE_EFFECTS) - used <= {"invert", "lines"}


def test_print_and_screen_come_in_colours(ink: InkLine) -> None:
    tinted = 0
    for seed in range(30):
        pixels = draw_look(ink, "screen", np.random.default_rng(seed), channels=3).pixels.astype(int)
        tinted += bool(np.abs(pixels[..., 0] - pixels[..., 2]).max() > 12)
    assert tinted > 8


def test_an_unknown_look_is_named_with_those_there_are(ink: InkLine) -> None:
    with pytest.raises(UsageError, match=r"'sepia'.*thermal"):
        draw_look(ink, "sepia", np.random.default_rng(0))
