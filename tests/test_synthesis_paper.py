from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from typecase.errors import UsageError
from typecase.synthesis.degrade import EFFECTS, Pixels, degrade
from typecase.synthesis.paper import LINE_EFFECTS

NEW = [name for name in LINE_EFFECTS if LINE_EFFECTS[name] is not EFFECTS.get(name)]


def line(height: int = 32, width: int = 120, *, colour: bool = False) -> Pixels:
    """Dark upright and level strokes on a light ground, about as dense as print."""
    pixels = np.full((height, width), 235, np.uint8)
    top, bottom = height // 4, height - height // 4
    for x in range(6, width - 6, 10):
        pixels[top:bottom, x : x + 3] = 30
    pixels[height // 2 - 1 : height // 2 + 1, 4 : width - 4] = 50
    return np.stack([pixels, pixels // 2 + 100, pixels], axis=-1) if colour else pixels


def run(name: str, pixels: Pixels, seed: int = 0, **parameters: float) -> Pixels:
    effect = LINE_EFFECTS[name]
    generator = np.random.default_rng(seed)
    return effect.function(pixels, generator, **{**effect.draw(generator), **parameters})


def ink(pixels: Pixels) -> float:
    return float((255 - pixels.astype(np.float64)).sum())


@pytest.mark.parametrize("name", NEW)
@settings(max_examples=25)
@given(height=st.integers(8, 60), width=st.integers(4, 300), colour=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_every_effect_keeps_shape_and_kind_and_is_repeatable(
    name: str, height: int, width: int, colour: bool, seed: int
) -> None:
    pixels = line(height, width, colour=colour)
    before = pixels.copy()
    first, second = run(name, pixels, seed), run(name, pixels, seed)
    assert first.shape == pixels.shape
    assert first.dtype == np.uint8
    assert (first == second).all()
    assert (pixels == before).all(), "the picture that was given has been changed"


@pytest.mark.parametrize("name", NEW)
def test_the_line_is_still_to_be_seen(name: str) -> None:
    pixels = line()
    likeness, changed = [], 0
    for seed in range(20):
        result = run(name, pixels, seed)
        changed += bool((result != pixels).any())
        likeness.append(abs(np.corrcoef(result.ravel(), pixels.ravel())[0, 1]))
    assert changed >= 15
    assert np.median(likeness) > 0.6
    assert min(likeness) > 0.25


@pytest.mark.parametrize("name", NEW)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_parameters_stay_in_their_stated_range(name: str, seed: int) -> None:
    effect = LINE_EFFECTS[name]
    parameters = effect.draw(np.random.default_rng(seed))
    assert parameters.keys() == effect.ranges.keys()
    assert effect.lengths <= effect.ranges.keys()
    for key, value in parameters.items():
        low, high = effect.ranges[key]
        assert low <= value <= high


@pytest.mark.parametrize("name", ["fade", "wear", "streaks"])
def test_ink_is_only_ever_lost(name: str) -> None:
    pixels = line()
    for seed in range(10):
        result = run(name, pixels, seed)
        assert (result >= pixels).all()
        assert ink(result) < ink(pixels)


@pytest.mark.parametrize("name", ["bleed-through", "print-twice", "rules", "pen", "stamp", "halftone", "edges"])
def test_ink_is_only_ever_added(name: str) -> None:
    pixels = line()
    for seed in range(10):
        # A level of grey is lost to rounding.
        assert (run(name, pixels, seed).astype(int) <= pixels.astype(int) + 1).all()


def test_more_fading_leaves_less_ink_but_never_none() -> None:
    pixels = line()
    kept = [ink(run("fade", pixels, 3, amount=amount, unevenness=0.02)) for amount in (0.1, 0.4, 0.7)]
    assert kept[0] > kept[1] > kept[2]
    faint = run("fade", pixels, 3, amount=1.0, unevenness=0.02)
    assert (faint[pixels == 30] < 235).all()


@pytest.mark.parametrize("paper", [255, 170, 90])
def test_a_threshold_goes_with_the_tones_of_the_picture(paper: int) -> None:
    pixels = np.where(line() < 128, np.uint8(paper - 60), np.uint8(paper))
    result = run("binarise", pixels, level=128, roughness=0)
    assert set(np.unique(result)) == {0, 255}
    assert ((result == 0) == (pixels == paper - 60)).all()


def test_needles_print_separate_dots() -> None:
    bar = np.full((40, 40), 255, np.uint8)
    bar[:, 10:30] = 0
    result = run("dot-matrix", bar, rows=10, size=0.9)
    dark = result[:, 15:25].min(axis=1) < 60
    # As many runs of dark rows as there are rows of needles.
    assert np.count_nonzero(np.diff(dark.astype(int)) == 1) in (9, 10)


def test_low_resolution_leaves_detail_as_it_is_where_there_is_none_to_lose() -> None:
    small = line(height=12)
    assert (run("low-resolution", small, rows=24.0) == small).all()
    assert (run("low-resolution", line(), rows=11.0) != line()).any()


def test_effects_on_small_text_are_scaled_to_it() -> None:
    recipe = [("blur", 1.0)]
    _, full = degrade(line(), np.random.default_rng(1), recipe, LINE_EFFECTS)
    _, half = degrade(line(), np.random.default_rng(1), recipe, LINE_EFFECTS, 0.5)
    assert half[0]["sigma"] == pytest.approx(full[0]["sigma"] / 2, abs=2e-3)
    _, noise = degrade(line(), np.random.default_rng(1), [("noise", 1.0)], LINE_EFFECTS)
    _, same = degrade(line(), np.random.default_rng(1), [("noise", 1.0)], LINE_EFFECTS, 0.5)
    assert noise == same, "grey levels are no lengths"


def test_an_unknown_effect_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'smoke'.*dot-matrix"):
        degrade(line(), np.random.default_rng(0), [("smoke", 1.0)], LINE_EFFECTS)


def test_faint_type_outlives_a_black_rule_in_black_and_white() -> None:
    pixels = np.full((32, 200), 235, np.uint8)
    pixels[8:20, 10:190:6] = 150
    pixels[26] = 0
    for level in (85, 120, 150):
        result = run("binarise", pixels, level=level, roughness=0)
        assert (result[8:20, 10:190:6] == 0).all()
