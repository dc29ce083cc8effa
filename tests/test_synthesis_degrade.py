from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.errors import UsageError
from typecase.synthesis.degrade import EFFECTS, Pixels, degrade, random_view, texture, transform_points


def picture(height: int = 48, width: int = 40, *, colour: bool = False) -> Pixels:
    """A dark cross on a lighter, slightly uneven ground."""
    pixels = np.full((height, width), 190, np.uint8)
    pixels += (np.arange(width) % 7).astype(np.uint8)
    pixels[height // 5 : -height // 5 or None, width // 2 - 2 : width // 2 + 3] = 40
    pixels[height // 2 - 2 : height // 2 + 2, width // 5 : -width // 5 or None] = 60
    if not colour:
        return pixels
    return np.stack([pixels, pixels // 2 + 60, 255 - pixels], axis=-1)


@pytest.mark.parametrize("name", EFFECTS)
@given(height=st.integers(10, 70), width=st.integers(10, 70), colour=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_every_effect_keeps_shape_and_kind_and_is_repeatable(
    name: str, height: int, width: int, colour: bool, seed: int
) -> None:
    pixels = picture(height, width, colour=colour)
    before = pixels.copy()
    results = []
    for _ in range(2):
        generator = np.random.default_rng(seed)
        effect = EFFECTS[name]
        results.append(effect.function(pixels, generator, **effect.draw(generator)))
    assert results[0].shape == pixels.shape
    assert results[0].dtype == np.uint8
    assert (results[0] == results[1]).all()
    assert (pixels == before).all(), "the picture that was given has been changed"


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_every_effect_changes_the_picture_but_leaves_it_one(name: str, colour: bool) -> None:
    pixels = picture(colour=colour)
    effect = EFFECTS[name]
    changed = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        result = effect.function(pixels, generator, **effect.draw(generator))
        changed += bool((result != pixels).any())
        # The ink is still to be seen: brightness goes with that of the original, or against it.
        assert abs(np.corrcoef(result.ravel(), pixels.ravel())[0, 1]) > 0.35
    assert changed >= 18


@pytest.mark.parametrize("name", EFFECTS)
@given(seed=st.integers(0, 2**32 - 1))
def test_parameters_stay_in_their_stated_range(name: str, seed: int) -> None:
    effect = EFFECTS[name]
    parameters = effect.draw(np.random.default_rng(seed))
    assert parameters.keys() == effect.ranges.keys()
    for key, value in parameters.items():
        low, high = effect.ranges[key]
        assert low <= value <= high


def run(name: str, pixels: Pixels, seed: int = 0, **parameters: float) -> Pixels:
    return EFFECTS[name].function(pixels, np.random.default_rng(seed), **parameters)


def test_ink_spreads_and_starves() -> None:
    pixels = picture()
    dark = (pixels < 128).sum()
    assert (run("spread-ink", pixels, radius=1.0) < 128).sum() > 1.3 * dark
    assert (run("starve-ink", pixels, radius=1.0) < 128).sum() < 0.7 * dark
    half = run("spread-ink", pixels, radius=0.5).mean()
    assert run("spread-ink", pixels, radius=1.0).mean() < half < pixels.mean()


def test_inversion_undoes_itself() -> None:
    pixels = picture(colour=True)
    assert (run("invert", run("invert", pixels)) == pixels).all()


def test_more_of_an_effect_does_more() -> None:
    pixels = picture()
    for name, little, much in (
        ("blur", {"sigma": 0.5}, {"sigma": 2.5}),
        ("noise", {"sigma": 2}, {"sigma": 15}),
        ("jpeg", {"quality": 90}, {"quality": 20}),
        ("low-resolution", {"factor": 1.3}, {"factor": 4}),
        ("motion-blur", {"length": 2}, {"length": 8}),
        ("texture", {"amount": 3, "grain": 0.5}, {"amount": 25, "grain": 0.5}),
        ("gradient", {"amount": 8}, {"amount": 50}),
    ):
        weak, strong = (
            np.mean([np.abs(run(name, pixels, seed, **amount).astype(int) - pixels).mean() for seed in range(8)])
            for amount in (little, much)
        )
        assert strong > 1.5 * weak, name


def test_jpeg_keeps_the_order_of_the_channels() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 250
    result = run("jpeg", red, quality=90)
    assert result[..., 0].mean() > 230
    assert result[..., 2].mean() < 20


def test_a_recipe_is_followed_and_written_down() -> None:
    pixels = picture()
    result, record = degrade(pixels, np.random.default_rng(3), [("blur", 1.0), ("noise", 0.0), ("jpeg", 1.0)])
    assert [step["effect"] for step in record] == ["blur", "jpeg"]
    assert set(record[0]) == {"effect", "sigma"}
    assert (result != pixels).any()
    same, _ = degrade(pixels, np.random.default_rng(3), [("blur", 1.0), ("noise", 0.0), ("jpeg", 1.0)])
    assert (same == result).all()
    untouched, nothing = degrade(pixels, np.random.default_rng(3), [("blur", 0.0)])
    assert (untouched == pixels).all()
    assert nothing == []


def test_probabilities_are_kept() -> None:
    generator = np.random.default_rng(0)
    done = sum(len(degrade(picture(8, 8), generator, [("invert", 0.3)])[1]) for _ in range(1000))
    assert 240 < done < 360


def test_an_unknown_effect_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no effect 'blurr'; choose from .*blur"):
        degrade(picture(), np.random.default_rng(0), [("blurr", 1.0)])


def test_a_view_of_no_amount_changes_nothing() -> None:
    view = random_view(np.random.default_rng(0), rotation=0, shear=0, stretch=0, perspective=0)
    assert np.allclose(view, np.eye(3))


@given(seed=st.integers(0, 2**32 - 1))
def test_a_view_stays_within_its_amounts(seed: int) -> None:
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    turned = transform_points(
        random_view(np.random.default_rng(seed), rotation=10, shear=0, stretch=0, perspective=0), square
    )
    side = turned[1] - turned[0]
    assert np.linalg.norm(side) == pytest.approx(1)
    assert abs(np.degrees(np.arctan2(side[1], side[0]))) <= 10
    seen = transform_points(random_view(np.random.default_rng(seed)), square)
    # Not turned over, not torn: corners keep their order around the middle.
    edges = np.roll(seen, -1, axis=0) - seen
    following = np.roll(edges, -1, axis=0)
    assert (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > 0).all()


@given(height=st.integers(4, 120), width=st.integers(4, 120), grain=st.floats(0, 1), seed=st.integers(0, 999))
def test_texture_is_of_the_size_asked_for_and_finite(height: int, width: int, grain: float, seed: int) -> None:
    surface = texture((height, width), np.random.default_rng(seed), grain)
    assert surface.shape == (height, width)
    assert np.isfinite(surface).all()
    assert np.abs(surface).max() < 8


def test_textures_differ_and_are_about_as_strong_as_promised() -> None:
    generator = np.random.default_rng(0)
    surfaces = np.stack([texture((64, 64), generator, 0.3) for _ in range(60)])
    assert 0.5 < np.sqrt((surfaces**2).mean()) < 1.5
    assert np.corrcoef(surfaces[0].ravel(), surfaces[1].ravel())[0, 1] < 0.9
