from __future__ import annotations

import io
import os
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString  # type: ignore[import-untyped]
from fontTools.pens.boundsPen import BoundsPen  # type: ignore[import-untyped]
from fontTools.pens.reverseContourPen import ReverseContourPen  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from conftest import shared_data
from font_fixtures import family, font_bytes, one_case, without
from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.synthesis.fonts import Category, Font, FontCollection
from typecase.synthesis.ground_truth import InkLine
from typecase.synthesis.line import Inset, LineFace, missing, set_line, shown_text
from typecase.synthesis.line_style import PLAIN, LineStyle, random_style
from typecase.synthesis.outlines import Wobble
from typecase.synthesis.shaping import open_typeface
from typecase.synthesis.tick_box import TickBox, random_tick_box

PRINTABLE = string.ascii_letters + string.digits + string.punctuation


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> LineFace:
    return LineFace(_font(tmp_path_factory.mktemp("plain")), 40)


def _font(root: Path, change: Callable[[Any], None] | None = None, category: Category = Category.SANS_SERIF) -> Font:
    family(root, "plain", change=change, category=category)
    (font,) = FontCollection.open(root)
    return font


def _features(code: str) -> Callable[[Any], None]:
    """Gives the font these OpenType features and no others."""

    def change(font: Any) -> None:
        for table in ("GSUB", "GPOS", "GDEF"):
            del font[table]
        addOpenTypeFeaturesFromString(font, code)

    return change


def _inks(line: InkLine) -> np.ndarray[Any, np.dtype[np.float32]]:
    return line.boxes[[character != " " for character in line.text]]


def _outside(line: InkLine, reach: float = 0.0) -> int:
    """The darkest ink farther from all boxes than some pixels; FreeType's 64ths of a pixel may be off by one."""
    rest = line.coverage.copy()
    for x, y, width, height in _inks(line):
        top, bottom = int(np.floor(y - reach)), int(np.ceil(y + height + reach))
        rest[max(top, 0) : bottom, max(int(np.floor(x - reach)), 0) : int(np.ceil(x + width + reach))] = 0
    return int(rest.max()) // 9


def _ink_box(line: InkLine) -> list[float]:
    rows, columns = np.flatnonzero(line.coverage.any(axis=1)), np.flatnonzero(line.coverage.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


styles = st.builds(
    LineStyle,
    letter_spacing=st.sampled_from([0.0, -0.05, 0.3]),
    word_spacing=st.sampled_from([0.0, -0.15, 1.0]),
    stretch=st.sampled_from([1.0, 0.5, 1.7]),
    slant=st.sampled_from([0.0, 0.3, -0.2]),
    bold=st.sampled_from([0.0, 0.06, -0.02]),
    unevenness=st.sampled_from([0.0, 0.05]),
    irregularity=st.sampled_from([0.0, 0.15]),
    wobble=st.sampled_from([0.0, 0.04]),
    kerning=st.booleans(),
    ligatures=st.booleans(),
    small_caps=st.booleans(),
    one_as_ell=st.booleans(),
    tick_box=st.sampled_from(
        [None, TickBox(width=1.6, stroke=0.12, drop=0.3, mark=1.5), TickBox(typed="x", lean=-1.0, aside=0.8)]
    ),
)


@given(text=st.text(PRINTABLE + " ☐☑☒", min_size=1, max_size=30), style=styles, em=st.sampled_from([9.0, 23.5, 40.0]))
def test_every_character_has_a_box_and_all_ink_lies_in_boxes(
    face: LineFace, text: str, style: LineStyle, em: float
) -> None:
    text = " ".join(text.split())
    if not text:
        return
    line = set_line(LineFace(face.font, em), text, style)
    assert line.text == (text.upper() if style.small_caps else text)
    assert line.boxes.shape == (len(text), 4)
    assert line.advances.shape == (len(text), 2)
    assert (_inks(line)[:, 2:] > 0).all()
    # Where strokes grow, a sharp corner grows by more, and a lean and a stretch carry it on; where they shrink, by half
    # on either side, a bent one may keep its place, or go a little beyond it.
    reach = 1.5 * style.bold * em * max(style.stretch, 1.0) if style.bold > 0 else -style.bold * em
    assert _outside(line, reach) == 0
    assert line.coverage.max() > 0
    frame = (line.coverage[0], line.coverage[-1], line.coverage[:, 0], line.coverage[:, -1])
    assert not any(edge.any() for edge in frame)
    # Characters stand where the pen passes, from left to right.
    assert (np.diff(line.advances[:, 0]) >= -0.06 * em).all()


def test_boxes_are_those_that_fonttools_computes(face: LineFace) -> None:
    text = "Hag5,j%W"
    line = set_line(face, text, LineStyle(kerning=False))
    font = TTFont(io.BytesIO(font_bytes()))
    drawn, names = font.getGlyphSet(), font.getBestCmap()
    scale = 40 / font["head"].unitsPerEm
    pen = float(line.advances[0, 0])
    for character, box, place in zip(text, line.boxes, line.advances, strict=True):
        bounds = BoundsPen(drawn)
        drawn[names[ord(character)]].draw(bounds)
        left, bottom, right, top = (edge * scale for edge in bounds.bounds)
        expected = [pen + left, line.baseline - top, right - left, top - bottom]
        assert box == pytest.approx(expected, abs=0.05)
        assert place[0] == pytest.approx(pen, abs=1e-3)
        pen += drawn[names[ord(character)]].width * scale


def test_ink_fills_the_boxes_to_the_pixel(face: LineFace) -> None:
    for character in "Hgk8@":
        line = set_line(face, character)
        left, top, width, height = line.boxes[0]
        assert _ink_box(line) == pytest.approx([left, top, left + width, top + height], abs=1)


def test_a_box_grows_with_the_size_and_sizes_need_not_be_whole(face: LineFace) -> None:
    small, large = (set_line(LineFace(face.font, em), "Vanity 12") for em in (10.5, 31.5))
    assert large.boxes[:, 2:] == pytest.approx(3 * small.boxes[:, 2:], rel=1e-4)
    assert large.x_height == pytest.approx(3 * small.x_height)


def test_a_space_has_the_box_of_its_gap(face: LineFace) -> None:
    line = set_line(face, "a b")
    x, y, width, height = line.boxes[1]
    assert (x, x + width) == pytest.approx(tuple(line.advances[1]), abs=1e-3)
    assert y + height == pytest.approx(line.baseline)
    assert width > 5


def test_the_same_line_is_the_same_again(face: LineFace) -> None:
    style = LineStyle(unevenness=0.05, unevenness_seed=3)
    first = set_line(face, "Typewriter", style)
    open_typeface.cache_clear()
    second = set_line(LineFace(face.font, 40), "Typewriter", style)
    np.testing.assert_array_equal(first.coverage, second.coverage)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    other = set_line(face, "Typewriter", LineStyle(unevenness=0.05, unevenness_seed=4))
    assert not np.array_equal(first.boxes, other.boxes)


def assert_seed_decides(line: InkLine, face: LineFace, style: LineStyle) -> None:
    """A line that was set in a style is set again, to the same ink by the same seed and elsewhere by another."""
    again = set_line(face, line.text, style)
    np.testing.assert_array_equal(line.coverage, again.coverage)
    other = set_line(face, line.text, replace(style, unevenness_seed=style.unevenness_seed + 1))
    assert not np.array_equal(line.boxes, other.boxes)


def test_a_hand_writes_no_letter_twice_alike(face: LineFace) -> None:
    plain = set_line(face, "iiii", LineStyle(unevenness_seed=3))
    assert set(plain.boxes[:, 3]) == {plain.boxes[0, 3]}
    written = set_line(face, "iiii", LineStyle(irregularity=0.1, unevenness_seed=3))
    heights, places = written.boxes[:, 3], written.boxes[:, 0] + written.boxes[:, 2] / 2
    assert len(set(heights.tolist())) == 4
    assert heights == pytest.approx(plain.boxes[:, 3], rel=0.25)
    # They lean where they stand.
    assert np.diff(places) == pytest.approx(np.diff(plain.boxes[:, 0]), abs=0.12 * face.em)
    assert written.advances == pytest.approx(plain.advances, abs=1.5)
    assert_seed_decides(written, face, LineStyle(irregularity=0.1, unevenness_seed=3))
    with pytest.raises(UsageError, match="irregularity must lie between"):
        LineStyle(irregularity=0.5)


def test_strokes_of_a_hand_stray_smoothly(face: LineFace) -> None:
    plain = set_line(face, "HHHH", LineStyle(unevenness_seed=3))
    written = set_line(face, "HHHH", LineStyle(wobble=0.03, unevenness_seed=3))
    # No letter is twice alike, and none is far from where and what it was.
    assert len({tuple(box) for box in written.boxes[:, 2:].tolist()}) == 4
    assert written.boxes == pytest.approx(plain.boxes, abs=0.2 * face.em)
    assert written.advances == pytest.approx(plain.advances, abs=1.5)
    assert_seed_decides(written, face, LineStyle(wobble=0.03, unevenness_seed=3))
    with pytest.raises(UsageError, match="wobble must lie between"):
        LineStyle(wobble=0.1)


def test_what_touches_still_touches_when_strokes_stray() -> None:
    field = Wobble(0.04, np.random.default_rng(5))
    places = np.random.default_rng(6).uniform(-1, 20, (400, 2))
    shifts = field.at(places)
    assert shifts.std() == pytest.approx(0.04, rel=0.2)
    near = field.at(places + 0.01)
    # Waves of half an em and more turn a hundredth of an em by little.
    assert np.abs(near - shifts).max() < 0.04


def test_text_is_brought_to_its_normal_form(face: LineFace) -> None:
    assert set_line(face, "  a\u00a0 b\tc\n").text == "a b c"
    with pytest.raises(DataError, match=r"lacks 'é' \(U\+00E9\)"):
        set_line(face, "e\u0301")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_to_set_is_refused(face: LineFace, text: str) -> None:
    with pytest.raises(DataError, match="no text to set"):
        set_line(face, text)


def test_characters_that_the_font_lacks_are_all_named(face: LineFace) -> None:
    assert missing(face.font, "año 5 €") == {"ñ", "€"}
    with pytest.raises(DataError, match=r"Plain-Regular\.ttf lacks 'ñ' \(U\+00F1\), '€' \(U\+20AC\); choose another"):
        set_line(face, "año 5 €")


def test_a_line_without_end_is_refused(face: LineFace) -> None:
    with pytest.raises(DataError, match="more than 32000; set less text or a smaller size"):
        set_line(face, "m" * 2000)


@pytest.mark.parametrize("em", [0, -3, 3.9, 5000, float("nan")])
def test_a_senseless_size_is_refused(face: LineFace, em: float) -> None:
    with pytest.raises(UsageError, match="from 4 to 2048 pixels"):
        LineFace(face.font, em)


def test_a_senseless_style_is_refused(face: LineFace) -> None:
    with pytest.raises(UsageError, match=r"letter_spacing must lie between -0\.1 and 2\.0; 7 does not"):
        LineStyle(letter_spacing=7)
    with pytest.raises(UsageError, match="span from 2 to 9 lies outside the text, which has 3 characters"):
        set_line(face, "abc", LineStyle(superscript=((2, 9),)))
    with pytest.raises(UsageError, match="gaps must be 0 to 40 ems wide"):
        LineStyle(gaps=((1, 41.0),))
    for place in (0, 3):
        with pytest.raises(UsageError, match=f"gap at {place} is no space of the text, which is 'a b'"):
            set_line(face, "a b", LineStyle(gaps=((place, 2.0),)))


def test_kerning_draws_pairs_together(face: LineFace) -> None:
    kerned, loose = (set_line(face, "AVAVA", LineStyle(kerning=kerning)) for kerning in (True, False))
    assert kerned.advances[-1, 1] < loose.advances[-1, 1] - 2


def test_spacing_moves_letters_and_words_by_its_ems(face: LineFace) -> None:
    plain, letters, words = (
        set_line(face, "ab c", style)
        for style in (LineStyle(ligatures=False), LineStyle(letter_spacing=0.25), LineStyle(word_spacing=0.5))
    )
    starts = plain.advances[:, 0]
    assert letters.advances[:, 0] == pytest.approx(starts + np.array([0, 10, 20, 30]), abs=1e-3)
    assert words.advances[:, 0] == pytest.approx(starts + np.array([0, 0, 0, 20]), abs=1e-3)


LIGATURES = """
feature liga { sub f i by W; sub hyphen greater by A; } liga;
"""


def test_a_ligature_is_shared_out_between_its_letters(tmp_path: Path) -> None:
    face = LineFace(_font(tmp_path, _features(LIGATURES)), 40)
    line, apart = set_line(face, "xfiy"), set_line(face, "xfiy", LineStyle(ligatures=False))
    whole = set_line(face, "W")
    f, i = line.boxes[1], line.boxes[2]
    assert f[0] + f[2] == pytest.approx(i[0], abs=1e-3)
    assert f[2] + i[2] == pytest.approx(whole.boxes[0, 2], abs=1e-3)
    # In these proportions the letters would stand by themselves.
    widths = apart.advances[1:3, 1] - apart.advances[1:3, 0]
    assert f[2] / i[2] == pytest.approx(widths[0] / widths[1], rel=1e-3)
    assert _outside(line) == 0
    assert not np.array_equal(line.coverage, apart.coverage)
    spaced = set_line(face, "xfiy", LineStyle(letter_spacing=0.01))
    assert spaced.boxes[:, 2] == pytest.approx(apart.boxes[:, 2], abs=1e-3)


def test_signs_never_melt_into_another_sign(tmp_path: Path) -> None:
    face = LineFace(_font(tmp_path, _features(LIGATURES)), 40)
    np.testing.assert_array_equal(
        set_line(face, "a->b").coverage, set_line(face, "a->b", LineStyle(ligatures=False)).coverage
    )


def test_a_monospaced_font_keeps_its_letters_apart(tmp_path: Path) -> None:
    face = LineFace(_font(tmp_path, _features(LIGATURES), Category.MONOSPACE), 40)
    np.testing.assert_array_equal(
        set_line(face, "find").coverage, set_line(face, "find", LineStyle(ligatures=False)).coverage
    )


def test_neighbours_change_a_letter_only_where_letters_join(tmp_path: Path) -> None:
    change = _features("feature calt { sub three x' by W; } calt;")
    plain, script = (
        LineFace(_font(tmp_path / category, change, category), 40)
        for category in (Category.SERIF, Category.HANDWRITING)
    )
    assert set_line(plain, "3x").boxes[1, 2] == pytest.approx(set_line(plain, "x").boxes[0, 2], abs=1e-3)
    assert set_line(script, "3x").boxes[1, 2] == pytest.approx(set_line(script, "W").boxes[0, 2], abs=1e-3)


def test_a_substitution_that_hides_a_letter_is_not_taken(tmp_path: Path) -> None:
    font = _font(tmp_path, _features("feature liga { sub a' b by space; } liga;"), Category.HANDWRITING)
    line = set_line(LineFace(font, 40), "ab")
    assert (line.boxes[:, 2:] > 5).all()


def test_a_font_that_hides_a_letter_whatever_one_does_is_named(tmp_path: Path) -> None:
    font = _font(tmp_path, _features("feature ccmp { sub Q by space; } ccmp;"))
    with pytest.raises(DataError, match=r"Plain-Regular\.ttf draws nothing for 'Q'; choose another font"):
        set_line(LineFace(font, 40), "aQb")


def test_small_capitals_read_as_capitals_and_are_small(face: LineFace) -> None:
    line, capitals = set_line(face, "Xxa7", LineStyle(small_caps=True)), set_line(face, "XXA7")
    assert line.text == "XXA7"
    assert line.boxes[0, 3] == pytest.approx(capitals.boxes[0, 3], abs=1e-3)
    assert line.boxes[3, 3] == pytest.approx(capitals.boxes[3, 3], abs=1e-3)
    small = line.boxes[1:3, 3]
    assert (small < 0.9 * capitals.boxes[1:3, 3]).all()
    assert (small > line.x_height).all()


def test_a_font_with_small_capitals_brings_its_own(tmp_path: Path) -> None:
    pairs = "".join(f"sub {letter} by {letter.upper()};" for letter in string.ascii_lowercase)
    face = LineFace(_font(tmp_path, _features(f"feature smcp {{ {pairs} }} smcp;")), 40)
    line = set_line(face, "abx", LineStyle(small_caps=True))
    assert line.text == "ABX"
    np.testing.assert_array_equal(line.coverage, set_line(face, "ABX").coverage)


def test_a_font_of_capitals_only_reads_as_capitals(tmp_path: Path) -> None:
    font = _font(tmp_path, one_case)
    assert set_line(LineFace(font, 40), "Hello 5").text == "HELLO 5"
    assert shown_text(font, "straße µ") == "STRAßE µ"


def test_raised_and_lowered_figures_read_as_such(face: LineFace) -> None:
    line = set_line(face, "x2H2O", LineStyle(superscript=((1, 2),), subscript=((3, 4),)))
    assert line.text == "x²H₂O"
    figure = set_line(face, "2").boxes[0]
    raised, lowered = line.boxes[1], line.boxes[3]
    assert 0.5 < raised[3] / figure[3] < 0.75
    assert lowered[3] == pytest.approx(raised[3])
    assert raised[1] + raised[3] < line.baseline - 5
    assert raised[1] < line.boxes[2, 1] < lowered[1]
    assert lowered[1] + lowered[3] > line.baseline + 2
    assert _outside(line) == 0
    # Letters have no raised form in the charset that would be another text.
    assert set_line(face, "1st", LineStyle(superscript=((1, 3),))).text == "1st"


def test_figures_that_a_font_lacks_are_drawn_small_from_those_it_has(face: LineFace, tmp_path: Path) -> None:
    line = set_line(face, "m² H₂")
    assert line.text == "m² H₂"
    assert line.boxes[1, 3] < 0.75 * set_line(face, "2").boxes[0, 3]
    assert line.boxes[1, 1] < line.boxes[4, 1]
    # What the style raises further stays what it is.
    assert set_line(face, "m²", LineStyle(superscript=((1, 2),))).text == "m²"
    font = _font(tmp_path, without("2"))
    assert missing(font, "m² ₃") == {"²"}


def test_rules_are_drawn_and_do_not_move_the_boxes(face: LineFace) -> None:
    plain, under, through = (
        set_line(face, "ab cd", style) for style in (PLAIN, LineStyle(underline=True), LineStyle(strike_through=True))
    )
    for line in (under, through):
        np.testing.assert_allclose(line.boxes[:, 2:], plain.boxes[:, 2:], atol=1e-3)
    left, right = int(under.boxes[0, 0]) + 1, int(under.boxes[-1, 0] + under.boxes[-1, 2])
    below, within = int(under.baseline) + 1, int(through.baseline - 0.55 * through.x_height)
    assert under.coverage[below : below + 6, left:right].max(axis=0).min() > 200
    assert through.coverage[within - 2 : within + 3, left:right].max(axis=0).min() > 200
    assert not plain.coverage[below : below + 6].any()


def test_a_gap_widens_its_space_and_its_rule_is_no_character(face: LineFace) -> None:
    plain, gap, ruled = (
        set_line(face, "ab cd e", style)
        for style in (PLAIN, LineStyle(gaps=((2, 3.0),)), LineStyle(gaps=((2, 3.0),), ruled_gaps=True))
    )
    moved = gap.advances[:, 0] - plain.advances[:, 0]
    assert moved == pytest.approx([0, 0, 0, *[3 * face.em] * 4], abs=1e-3)
    assert ruled.text == "ab cd e"
    np.testing.assert_allclose(ruled.boxes[:, 2:], gap.boxes[:, 2:], atol=1e-3)
    left, right = (round(float(edge)) for edge in ruled.advances[2])
    extra = (ruled.coverage[-gap.coverage.shape[0] :].astype(int) - gap.coverage) > 127
    below = int(ruled.baseline) + 1
    assert ruled.coverage[below : below + 6, left + 1 : right - 1].max(axis=0).min() > 200
    assert extra[:, left - 1 : right + 1].any()
    assert not extra[:, : left - 1].any()
    assert not extra[:, right + 1 :].any()


def test_weight_slant_and_width_change_the_ink_as_they_say(face: LineFace) -> None:
    text = "HIN"
    plain = set_line(face, text)
    ink = int(plain.coverage.astype(np.int64).sum())
    bold, light = (set_line(face, text, LineStyle(bold=bold)) for bold in (0.05, -0.02))
    assert int(bold.coverage.astype(np.int64).sum()) > 1.2 * ink
    assert int(light.coverage.astype(np.int64).sum()) < 0.95 * ink
    assert bold.boxes[:, 2:] == pytest.approx(plain.boxes[:, 2:] + 0.05 * 40, abs=1e-3)
    assert _ink_box(bold)[3] - _ink_box(bold)[1] == pytest.approx(_ink_box(plain)[3] - _ink_box(plain)[1] + 2, abs=1)
    leaning = set_line(face, text, LineStyle(slant=0.5))
    assert leaning.boxes[:, 2] == pytest.approx(plain.boxes[:, 2] + 0.5 * plain.boxes[:, 3], abs=0.1)
    wide = set_line(face, text, LineStyle(stretch=2))
    assert wide.boxes[:, 2] == pytest.approx(2 * plain.boxes[:, 2], abs=1e-3)
    assert wide.boxes[:, 3] == pytest.approx(plain.boxes[:, 3], abs=1e-3)


def test_letters_that_overlap_are_drawn_without_a_seam_whatever_way_their_curves_run(tmp_path: Path) -> None:
    def turned(font: Any) -> None:
        pen = TTGlyphPen(None)
        font.getGlyphSet()["H"].draw(ReverseContourPen(pen))
        font["glyf"]["H"] = pen.glyph()

    turned_face = LineFace(_font(tmp_path / "turned", turned), 60)
    straight_face = LineFace(_font(tmp_path / "straight"), 60)
    style = LineStyle(letter_spacing=-0.1, bold=0.15)
    for text in ("HEHEHEHEHE", "HHHHHHHHHH"):
        turned_line, straight = set_line(turned_face, text, style), set_line(straight_face, text, style)
        np.testing.assert_allclose(turned_line.boxes, straight.boxes, atol=1e-3)
        assert np.abs(turned_line.coverage.astype(int) - straight.coverage).max() <= 3
    # Crossbars at one height meet where the letters do: along them nothing is left open.
    row = straight.coverage[int(straight.baseline - straight.boxes[0, 3] / 2)]
    assert row[int(straight.boxes[0, 0]) + 2 : int(straight.boxes[-1, 0] + straight.boxes[-1, 2]) - 2].min() == 255


def test_a_damaged_or_vanished_font_is_named(tmp_path: Path) -> None:
    font = _font(tmp_path)
    content = font.path.read_bytes()
    open_typeface.cache_clear()
    font.path.write_bytes(b"not a font at all")
    with pytest.raises(DataError, match=r"Plain-Regular\.ttf is damaged .*repair or remove it"):
        LineFace(font, 40)
    font.path.unlink()
    with pytest.raises(DataError, match=r"Plain-Regular\.ttf is damaged or gone"):
        LineFace(font, 40)
    font.path.write_bytes(content)
    assert set_line(LineFace(font, 40), "again").text == "again"


def test_open_fonts_hold_no_files_and_are_few(tmp_path: Path) -> None:
    for number in range(20):
        family(tmp_path, f"family{number}")
    descriptors = Path("/dev/fd")
    before = len(os.listdir(descriptors))
    for font in FontCollection.open(tmp_path):
        set_line(LineFace(font, 20), "open")
    assert len(os.listdir(descriptors)) == before
    limit = open_typeface.cache_info().maxsize
    assert limit is not None
    assert limit <= 2000


def test_the_frame_leaves_the_margin_asked_for(face: LineFace) -> None:
    tight, loose = (set_line(face, "Hp", margin=margin) for margin in (0.0, 1.0))
    assert loose.coverage.shape[0] - tight.coverage.shape[0] == pytest.approx(80, abs=3)
    assert loose.coverage.shape[1] - tight.coverage.shape[1] == pytest.approx(80, abs=5)
    assert loose.boxes[:, 2:] == pytest.approx(tight.boxes[:, 2:])


def test_meta_names_font_size_and_style(face: LineFace) -> None:
    meta = set_line(face, "a", LineStyle(bold=0.05)).meta
    assert meta == {
        "font": "Plain-Regular.ttf",
        "family": "plain",
        "category": "sans-serif",
        "em": 40.0,
        "style": {"bold": 0.05},
    }


def test_a_one_may_be_drawn_as_an_ell_and_stays_a_one(face: LineFace) -> None:
    line = set_line(face, "11 ell 1²", LineStyle(one_as_ell=True, superscript=((8, 9),)))
    assert line.text == "11 ell 1²"
    other = set_line(face, "ll ell l²", LineStyle(superscript=((8, 9),)))
    assert (line.coverage == other.coverage).all()
    assert not np.array_equal(line.coverage, set_line(face, "11 ell 1²").coverage)


def _box(face: LineFace, character: str, box: TickBox | None) -> tuple[Any, Any]:
    """The ink of a box between two letters, cut to its own, and its frame as the line says it."""
    line = set_line(face, f"a{character}b", LineStyle(tick_box=box))
    x, y, width, height = line.boxes[1]
    left, top, right, bottom = round(float(x)), round(float(y)), round(float(x + width)), round(float(y + height))
    return line.coverage[top:bottom, left:right], (float(line.baseline - y), float(width), float(height))


def test_boxes_to_tick_are_drawn_where_a_font_lacks_them(face: LineFace) -> None:
    assert not face.font.characters & set("☐☑☒")
    assert not missing(face.font, "☐ yes ☒ no ☑ both")
    empty, (top, width, height) = _box(face, "☐", None)
    plain = TickBox()
    assert (width, height) == pytest.approx((plain.width * 40, plain.height * 40), abs=0.01)
    assert top == pytest.approx((plain.height - plain.drop) * 40, abs=0.01)
    middle = empty[10:-10, 10:-10]
    assert middle.max() == 0
    # Each side is ink from corner to corner.
    assert min(empty[1].min(), empty[-2].min(), empty[:, 1].min(), empty[:, -2].min()) > 127
    ticked, crossed = _box(face, "☑", None)[0], _box(face, "☒", None)[0]
    typed = _box(face, "☒", TickBox(typed="X"))[0]
    for one in (ticked, crossed, typed):
        assert one.shape == empty.shape
        assert (one[10:-10, 10:-10] > 127).any()
        assert one[0:3].sum() == empty[0:3].sum()
    small = _box(face, "☒", TickBox(typed="x"))[0]
    assert not np.array_equal(crossed, typed)
    assert not np.array_equal(small, typed)
    # However it is marked, it is ticked.
    assert np.array_equal(_box(face, "☑", TickBox(crossed=True))[0], crossed)
    assert np.array_equal(_box(face, "☑", TickBox(crossed=True, typed="X"))[0], typed)
    assert np.array_equal(_box(face, "☑", TickBox(typed="X"))[0], ticked)
    assert np.array_equal(_box(face, "☐", TickBox(crossed=True, typed="X"))[0], empty)
    thick = _box(face, "☒", TickBox(weight=3.0))[0]
    assert thick.sum(dtype=int) > 1.2 * crossed.sum(dtype=int)
    # A cross reaches into the upper left as far as into the upper right; a tick only into the right.
    left, right = (slice(3, 12), slice(3, 12)), (slice(3, 12), slice(-12, -3))
    assert crossed[left].max() > 127 < crossed[right].max()
    assert ticked[left].max() == 0
    assert ticked[right].max() > 127


def test_a_mark_may_be_larger_than_its_box(face: LineFace) -> None:
    shape = TickBox(mark=1.6)
    _, (_, width, height) = _box(face, "☒", shape)
    assert height > 1.2 * shape.height * 40
    assert width > shape.width * 40
    _, (top, wider, _) = _box(face, "☒", TickBox(aside=0.8, above=-0.6))
    assert wider > 1.2 * TickBox().width * 40
    assert top == pytest.approx((TickBox().height - TickBox().drop) * 40, abs=0.01)
    with pytest.raises(UsageError, match="'k' is neither"):
        TickBox(typed="k")
    with pytest.raises(UsageError, match="stroke of a box to tick must lie between"):
        TickBox(stroke=0.5)
    with pytest.raises(UsageError, match="leave nothing of"):
        TickBox(height=0.3, stroke=0.15)


def test_boxes_by_chance_are_of_many_shapes() -> None:
    generator = np.random.default_rng(3)
    drawn = [random_tick_box(generator) for _ in range(300)]
    assert {box.typed for box in drawn} == {"", "X", "x"}
    assert {box.crossed for box in drawn} == {False, True}
    square = sum(box.width == box.height for box in drawn) / 300
    assert 0.4 < square < 0.7
    assert min(box.height for box in drawn) < 0.6 < 1.1 < max(box.height for box in drawn)
    facts = LineStyle(tick_box=drawn[0]).facts
    assert TickBox(**facts["tick_box"]) == drawn[0]


def test_styles_are_mostly_plain_and_take_the_same_chance_whatever_the_text() -> None:
    ones, others = np.random.default_rng(5), np.random.default_rng(5)
    drawn = [random_style(ones) for _ in range(600)]
    same = [random_style(others, "the 1st and 2nd word3 of it") for _ in range(600)]
    assert ones.random() == others.random()
    plain = sum(style == PLAIN for style in drawn) / 600
    assert 0.6 < plain < 0.75
    for name in ("letter_spacing", "stretch", "bold", "underline", "features", "small_caps"):
        assert len({getattr(style, name) for style in drawn}) > 1
    assert not any(style.superscript or style.gaps for style in drawn)
    gaps = [style.gaps for style in same if style.gaps]
    assert {place for ((place, _),) in gaps} == {3, 7, 11, 15, 21, 24}
    assert {style.ruled_gaps for style in same if style.gaps} == {False, True}
    raised = [style.superscript for style in same if style.superscript]
    assert ((5, 7), (13, 15)) in raised
    assert ((5, 7), (13, 15), (20, 21)) in raised or ((20, 21),) in raised


@pytest.mark.slow
def test_all_shared_fonts_set_what_they_say_they_draw() -> None:
    generator = np.random.default_rng(8)
    fonts = list(FontCollection.open(shared_data("fonts.tar.xz")))
    refused = 0
    for number in generator.choice(len(fonts), 120, replace=False):
        font = fonts[number]
        able = [character for character in LATIN_CHARACTERS if character != " " and not font.missing(character)]
        text = "".join(generator.choice(able, 60))
        # The rules are ink of no character.
        style = replace(random_style(generator, text), underline=False, strike_through=False, ruled_gaps=False)
        try:
            line = set_line(LineFace(font, 24), text, style)
        except DataError:
            refused += 1
            continue
        assert (line.boxes[:, 2:] > 0).all(), font.path
        assert _outside(line, reach=max(style.bold, 0.0) * 24) == 0, (font.path, style)
    assert refused <= 2


def test_an_inset_stands_in_its_own_face(face: LineFace, tmp_path: Path) -> None:
    typed = LineFace(_font(tmp_path, category=Category.MONOSPACE), 30)
    line = set_line(face, "so big a", insets=[Inset(3, 6, typed)])
    alone, inset = set_line(face, "so big a"), set_line(typed, "big")
    assert line.text == "so big a"
    np.testing.assert_allclose(line.boxes[3:6, 2:], inset.boxes[:, 2:], atol=1e-3)
    np.testing.assert_allclose(line.boxes[[0, 1, 7], 2:], alone.boxes[[0, 1, 7], 2:], atol=1e-3)
    # What follows begins where the inset ends, and all stands on one line.
    assert line.advances[6, 0] == pytest.approx(line.advances[5, 1], abs=1e-3)
    width = inset.advances[-1, 1] - inset.advances[0, 0]
    assert line.advances[5, 1] - line.advances[3, 0] == pytest.approx(width, abs=1e-3)
    assert line.baseline - line.boxes[3, 1] - line.boxes[3, 3] == pytest.approx(
        inset.baseline - inset.boxes[0, 1] - inset.boxes[0, 3], abs=1e-3
    )
    assert line.meta["insets"] == [{"start": 3, "end": 6, "font": typed.font.path.name, "em": 30.0}]
    assert "insets" not in alone.meta


def test_an_inset_is_read_as_its_font_shows_it(face: LineFace, tmp_path: Path) -> None:
    family(tmp_path, "capitals", change=one_case)
    (capitals,) = FontCollection.open(tmp_path)
    line = set_line(face, "so big 2nd", LineStyle(superscript=((7, 8),)), insets=[Inset(3, 6, LineFace(capitals, 40))])
    assert line.text == "so BIG ²nd"


def test_figures_are_raised_within_an_inset(face: LineFace) -> None:
    style = LineStyle(superscript=((4, 5),))
    line = set_line(face, "ab x2 c", style, insets=[Inset(3, 5, LineFace(face.font, 40))])
    same = set_line(face, "ab x2 c", style)
    assert line.text == "ab x² c"
    np.testing.assert_allclose(line.boxes, same.boxes, atol=1e-3)


@pytest.mark.parametrize("spans", [[(0, 9)], [(2, 2)], [(0, 2), (1, 3)], [(2, 3), (0, 1)]])
def test_insets_lie_in_the_text_and_apart(face: LineFace, spans: list[tuple[int, int]]) -> None:
    with pytest.raises(UsageError, match="inset from"):
        set_line(face, "a b c", insets=[Inset(start, end, face) for start, end in spans])


def test_what_the_font_of_an_inset_lacks_is_named(face: LineFace, tmp_path: Path) -> None:
    lacking = LineFace(_font(tmp_path, change=without("b")), 40)
    assert set_line(face, "b a", insets=[Inset(2, 3, lacking)]).text == "b a"
    with pytest.raises(DataError, match=r"lacks 'b'"):
        set_line(face, "b a", insets=[Inset(0, 1, lacking)])
