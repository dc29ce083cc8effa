from __future__ import annotations

import numpy as np
import pytest

from typecase.errors import UsageError
from typecase.synthesis import page_marks
from typecase.synthesis.page_effects import PAGE_EFFECTS
from typecase.synthesis.page_layouts import LAYOUT_MIXTURE, LAYOUTS
from typecase.synthesis.page_looks import PAGE_LOOKS, drawn_enlargement, shoot
from typecase.synthesis.page_sheet import Sheet

SIZE = (220, 160)


def printed(channels: int) -> np.ndarray:
    """A page of bars on white, with some grey."""
    pixels = np.full(SIZE if channels == 1 else (*SIZE, 3), 255, np.uint8)
    for top in range(20, 200, 16):
        pixels[top : top + 8, 15:140:2] = 0
    pixels[60:90, 100:150] = 140
    return pixels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", PAGE_EFFECTS)
def test_effects_change_pixels_alone_and_by_chance_alone(name: str, channels: int) -> None:
    effect = PAGE_EFFECTS[name]
    before = printed(channels)
    results = []
    for seed in (3, 3, 4, 5, 6):
        generator = np.random.default_rng(seed)
        parameters = effect.draw(generator)
        for key, value in parameters.items():
            low, high = effect.ranges[key]
            assert low <= value <= high
        after = effect.function(before, generator, **parameters)
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        results.append(after)
    assert (before == printed(channels)).all()
    assert (results[0] == results[1]).all()
    assert any((result != before).any() for result in results)


def test_looks_and_layouts_name_what_there_is() -> None:
    for look in PAGE_LOOKS.values():
        for recipe in (look.press, look.ground, look.scene, look.sensor):
            for name, probability in recipe:
                assert name in PAGE_EFFECTS
                assert 0 < probability <= 1
    assert set(LAYOUT_MIXTURE) <= set(LAYOUTS)
    for layout in LAYOUTS.values():
        assert set(layout.looks) <= set(PAGE_LOOKS)
    drawn = {look for name in LAYOUT_MIXTURE for look in LAYOUTS[name].looks}
    assert drawn == set(PAGE_LOOKS)


@pytest.mark.parametrize("look", PAGE_LOOKS)
def test_a_picture_records_all_that_was_done(look: str) -> None:
    sheet = Sheet(SIZE[1], SIZE[0])
    sheet.tones[:] = printed(1)
    generator = np.random.default_rng(1)
    enlarged = drawn_enlargement(look, generator)
    shot = shoot(sheet, look, generator, enlarged, 10.0)
    names = [done["effect"] for done in shot.record]
    assert {"tones", "view"} <= set(names)
    assert set(names) <= {*PAGE_EFFECTS, "tones", "view", "reduce"}
    assert shot.softness >= 0
    width, height = shot.view.size
    assert shot.pixels.shape == (round(height / enlarged), round(width / enlarged)) or enlarged == 1
    # The middle of the sheet is in the picture.
    (x, y) = shot.points(np.array([[SIZE[1] / 2, SIZE[0] / 2]]))[0]
    assert 0 < x < shot.pixels.shape[1]
    assert 0 < y < shot.pixels.shape[0]


def test_a_look_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no look 'oil'; choose from digital"):
        drawn_enlargement("oil", np.random.default_rng(0))


MARKS = {
    "photograph": page_marks.draw_photograph,
    "logo": lambda sheet, generator, x, y, width, height: page_marks.draw_logo(sheet, generator, x, y, height),
    "bars": page_marks.draw_bar_code,
    "square": lambda sheet, generator, x, y, width, height: page_marks.draw_square_code(sheet, generator, x, y, height),
    "scribble": page_marks.draw_scribble,
    "stamp": lambda sheet, generator, x, y, width, height: page_marks.draw_stamp(sheet, generator, x, y, height),
    "chart": page_marks.draw_chart,
    "noise": page_marks.draw_noise,
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", MARKS)
def test_marks_leave_ink_and_no_text(name: str, channels: int) -> None:
    sheets = []
    for _ in range(2):
        sheet = Sheet(300, 200, channels)
        generator = np.random.default_rng(5)
        # The second one hangs over the edge, which is no error.
        MARKS[name](sheet, generator, 40.0, 30.0, 150.0, 80.0)
        MARKS[name](sheet, generator, 250.0, 160.0, 150.0, 80.0)
        assert not sheet.texts
        assert (sheet.tones < 250).any()
        sheets.append(sheet.tones)
    assert (sheets[0] == sheets[1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_papers_lie_on_tables_of_their_size(channels: int) -> None:
    for seed in range(12):
        table = page_marks.table_top(np.random.default_rng(seed), 130, 90, channels)
        assert table.shape == ((90, 130) if channels == 1 else (90, 130, 3))
        assert table.dtype == np.uint8
