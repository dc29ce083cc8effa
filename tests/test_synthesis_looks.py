from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from font_fixtures import family
from test_synthesis_strokes import CROSS
from typecase.preprocess import CharacterPreprocess
from typecase.synthesis.fonts import Face, FontCollection
from typecase.synthesis.glyph import Placement, draw_glyph
from typecase.synthesis.looks import FACE_SIZE, DrawnCharacter, Look, draw_hand, draw_photo, draw_print

LOOKS = {Look.PRINT: draw_print, Look.PHOTO: draw_photo, Look.HAND: draw_hand}


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Face:
    root = tmp_path_factory.mktemp("fonts")
    family(root, "plain")
    (font,) = FontCollection.open(root)
    return Face(font, FACE_SIZE)


def draw(look: Look, face: Face, character: str, seed: int, channels: int = 1) -> DrawnCharacter:
    return LOOKS[look](face, character, np.random.default_rng(seed), channels=channels)


@pytest.mark.parametrize("look", Look)
@settings(max_examples=80)
@given(
    character=st.sampled_from(string.ascii_letters + string.digits),
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([1, 3]),
)
def test_every_picture_is_one_with_its_character_on_it(
    face: Face, look: Look, character: str, seed: int, channels: int
) -> None:
    drawn = draw(look, face, character, seed, channels)
    pixels = drawn.pixels
    assert pixels.dtype == np.uint8
    assert pixels.ndim == (2 if channels == 1 else 3)
    height, width = pixels.shape[:2]
    x, y, box_width, box_height = drawn.box
    assert 0 <= x < x + box_width <= width
    assert 0 <= y < y + box_height <= height
    # Not cut off, not lost: the character's longer side takes a good part of the picture.
    assert max(box_width / width, box_height / height) > 0.3
    assert drawn.image.mode == ("L" if channels == 1 else "RGB")
    # A record that a data set can write down.
    assert json.loads(json.dumps(drawn.meta))["look"] == look.value


@pytest.mark.parametrize("look", Look)
def test_the_same_seed_draws_the_same_picture_and_another_seed_another(face: Face, look: Look) -> None:
    one, two, other = (draw(look, face, "R", seed) for seed in (5, 5, 6))
    assert (one.pixels == two.pixels).all()
    assert one.meta == two.meta
    assert one.pixels.shape != other.pixels.shape or (one.pixels != other.pixels).any()


@pytest.mark.parametrize("look", Look)
def test_nearly_all_pictures_have_enough_contrast_to_be_read(face: Face, look: Look) -> None:
    preprocess = CharacterPreprocess()
    canvases = np.stack([preprocess.canvas(draw(look, face, "B", seed).image)[0] for seed in range(150)])
    contrast = canvases.reshape(150, -1).std(axis=1)
    assert (contrast > 8).mean() > 0.95
    # And neither black nor white all over.
    assert 20 < np.median(canvases) < 256


@pytest.mark.parametrize("look", Look)
def test_the_character_can_be_told_by_comparing_with_clean_ones(face: Face, look: Look) -> None:
    # A plain nearest-mean classifier on very different characters: drawn by chance, it would be right one time in six.
    characters = "LXOTi7"
    preprocess = CharacterPreprocess(size=24)

    def seen(picture: DrawnCharacter) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = preprocess.canvas(picture.image)[0].astype(float).ravel()
        return np.asarray((values - values.mean()) / (values.std() + 1e-6))

    means = np.stack([np.mean([seen(draw(look, face, c, seed)) for seed in range(40)], axis=0) for c in characters])
    right = [
        int((means @ seen(draw(look, face, c, 1000 + seed))).argmax()) == number
        for number, c in enumerate(characters)
        for seed in range(25)
    ]
    assert np.mean(right) > 0.6


def test_a_print_is_mostly_placed_as_in_the_real_set(face: Face) -> None:
    placements = [draw(Look.PRINT, face, "n", seed).meta["placement"] for seed in range(300)]
    assert 0.75 < placements.count(Placement.FITTED.value) / 300 < 0.95


def test_a_clean_print_is_a_fitted_glyph(face: Face) -> None:
    clean = draw_glyph(face, "H", canvas=72).pixels.astype(float).ravel()
    plain = [d for d in (draw(Look.PRINT, face, "H", seed) for seed in range(60)) if not d.meta["effects"]]
    likeness = [
        np.corrcoef(clean, d.pixels.astype(float).ravel())[0, 1] for d in plain if d.meta["placement"] == "fitted"
    ]
    assert len(likeness) > 20
    assert np.median(likeness) > 0.75


def test_photographs_vary_in_size_ground_and_neighbours(face: Face) -> None:
    drawn = [draw(Look.PHOTO, face, "E", seed) for seed in range(200)]
    sides = np.array([max(d.pixels.shape) for d in drawn])
    assert sides.min() < 25
    assert sides.max() > 55
    grounds = np.array([np.median(d.pixels) for d in drawn])
    assert (grounds < 90).sum() > 20
    assert (grounds > 165).sum() > 20
    with_both = sum(all(d.meta["neighbours"]) for d in drawn)
    assert 60 < with_both < 140
    used = {step["effect"] for d in drawn for step in d.meta["effects"]}
    assert {"blur", "noise", "jpeg", "gradient", "depth", "outline", "drop-shadow", "emboss", "contour"} <= used


def test_colour_photographs_have_colour(face: Face) -> None:
    spread = [np.ptp(draw(Look.PHOTO, face, "E", seed, 3).pixels.astype(int), axis=2).mean() for seed in range(40)]
    assert np.mean(np.array(spread) > 25) > 0.4


def test_strokes_are_written_with_pens_of_many_widths(tmp_path: Path) -> None:
    drawn = [draw_hand(CROSS, "X", np.random.default_rng(seed)) for seed in range(60)]
    clean = [d for d in drawn if not d.meta["effects"] and d.pixels.max() == 255 and d.pixels.min() == 0]
    shares = np.array([(d.pixels < 128).mean() for d in clean])
    assert len(shares) > 10
    assert shares.min() > 0.01
    assert shares.max() < 0.4
    assert shares.max() > 2.5 * shares.min()
