from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from font_fixtures import family, without
from typecase.errors import DataError
from typecase.synthesis.degrade import random_view
from typecase.synthesis.fonts import Face, FontCollection
from typecase.synthesis.glyph import FITTED_SHARE, DrawnGlyph, Placement, draw_glyph, ink_box


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Face:
    root = tmp_path_factory.mktemp("fonts")
    family(root, "plain", change=without("Q"))
    (font,) = FontCollection.open(root)
    return Face(font, 96)


def edges(glyph: DrawnGlyph) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of ink that is at least half covered."""
    x, y, width, height = ink_box(np.where(glyph.coverage > 127, glyph.coverage, 0).astype(np.uint8))
    return x, y, x + width, y + height


@pytest.mark.parametrize("character", "HxlWjm1")
def test_fitted_ink_fills_98_of_128_pixels_in_the_middle(face: Face, character: str) -> None:
    glyph = draw_glyph(face, character, canvas=128)
    assert glyph.pixels.shape == (128, 128)
    left, top, right, bottom = edges(glyph)
    assert max(right - left, bottom - top) == pytest.approx(128 * FITTED_SHARE, abs=2)
    assert (left + right) / 2 == pytest.approx(64, abs=1)
    assert (top + bottom) / 2 == pytest.approx(64, abs=1)


def test_on_the_baseline_size_and_place_tell_characters_apart(face: Face) -> None:
    large, small, low = (draw_glyph(face, c, canvas=96, placement=Placement.BASELINE) for c in "Xxp")
    assert edges(large)[3] == pytest.approx(edges(small)[3], abs=1)
    assert edges(large)[1] < edges(small)[1] - 8
    assert edges(low)[3] > edges(small)[3] + 8
    for glyph in (large, small, low):
        left, _, right, _ = edges(glyph)
        assert (left + right) / 2 == pytest.approx(48, abs=1)


def test_the_whole_font_fits_on_the_baseline_canvas(face: Face) -> None:
    for character in "Aglj0":
        glyph = draw_glyph(face, character, canvas=96, placement=Placement.BASELINE, share=0.9)
        _, top, _, bottom = edges(glyph)
        assert top >= 3
        assert bottom <= 93


def test_tight_leaves_the_margins_that_are_asked_for(face: Face) -> None:
    glyph = draw_glyph(face, "H", canvas=50, placement=Placement.TIGHT, margins=(0.1, 0.2, 0.3, 0.0))
    height, width = glyph.pixels.shape
    left, top, right, bottom = edges(glyph)
    assert left == pytest.approx(5, abs=1)
    assert top == pytest.approx(10, abs=1)
    assert width - right == pytest.approx(15, abs=1)
    assert height - bottom == pytest.approx(0, abs=1)
    assert bottom - top == pytest.approx(50, abs=1)


def test_negative_margins_cut_into_the_character(face: Face) -> None:
    whole = draw_glyph(face, "H", canvas=50, placement=Placement.TIGHT, margins=(0, 0, 0, 0))
    cut = draw_glyph(face, "H", canvas=50, placement=Placement.TIGHT, margins=(-0.1, 0, -0.1, 0))
    assert cut.pixels.shape[1] == pytest.approx(whole.pixels.shape[1] - 10, abs=1)
    assert cut.coverage[:, 0].max() > 127


def test_neighbours_are_cut_at_the_sides_and_are_not_in_the_box(face: Face) -> None:
    glyph = draw_glyph(
        face, "o", canvas=40, placement=Placement.TIGHT, neighbours=("H", "H"), margins=(0.3, 0.2, 0.3, 0.2)
    )
    assert glyph.neighbours is not None
    assert glyph.neighbours[:, 0].max() > 127
    assert glyph.neighbours[:, -1].max() > 127
    x, y, width, height = glyph.box
    assert glyph.neighbours[y : y + height, x + 2 : x + width - 2].max() == 0
    alone = draw_glyph(face, "o", canvas=40, placement=Placement.TIGHT, margins=(0.3, 0.2, 0.3, 0.2))
    assert alone.neighbours is None
    assert alone.box == glyph.box


def test_tracking_moves_neighbours_away(face: Face) -> None:
    near, far = (
        draw_glyph(
            face,
            "I",
            canvas=40,
            placement=Placement.TIGHT,
            neighbours=("", "I"),
            tracking=tracking,
            margins=(0.1, 0.1, 1.5, 0.1),
        )
        for tracking in (0.0, 0.3)
    )
    assert near.neighbours is not None
    assert far.neighbours is not None
    assert ink_box(far.neighbours)[0] > ink_box(near.neighbours)[0] + 5


def test_colours_are_those_of_ink_and_ground(face: Face) -> None:
    glyph = draw_glyph(face, "H", canvas=64, colours=(200, 40))
    assert glyph.pixels.max() == 200
    assert glyph.pixels.min() == 40
    assert (glyph.pixels[glyph.coverage == 255] == 200).all()
    assert (glyph.pixels[glyph.coverage == 0] == 40).all()


def test_much_shrinking_keeps_the_amount_of_ink(face: Face) -> None:
    large, small = (draw_glyph(face, "B", canvas=canvas) for canvas in (96, 16))
    assert small.coverage.mean() == pytest.approx(large.coverage.mean(), rel=0.06)


def test_what_the_font_does_not_draw_is_refused(face: Face) -> None:
    with pytest.raises(DataError, match="no glyph for 'Q'"):
        draw_glyph(face, "Q", canvas=48)
    with pytest.raises(DataError, match="draws nothing for ' '"):
        draw_glyph(face, " ", canvas=48)


@given(
    character=st.sampled_from(string.ascii_letters.replace("Q", "") + string.digits),
    placement=st.sampled_from(list(Placement)),
    canvas=st.integers(12, 90),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_box_holds_all_ink_and_no_more(
    face: Face, character: str, placement: Placement, canvas: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    view = random_view(generator)
    glyph = draw_glyph(face, character, canvas=canvas, placement=placement, view=view, neighbours=("", "A"))
    x, y, width, height = glyph.box
    inside = np.zeros(glyph.coverage.shape, bool)
    inside[y : y + height, x : x + width] = True
    assert glyph.coverage[~inside].sum() == 0
    part = glyph.coverage[inside].reshape(height, width)
    assert part[0].any()
    assert part[-1].any()
    assert part[:, 0].any()
    assert part[:, -1].any()
    # No more is lost at the edges than antialiasing smears there.
    if placement is not Placement.BASELINE:
        assert max(width, height) >= 0.7 * canvas * (FITTED_SHARE if placement is Placement.FITTED else 1)
