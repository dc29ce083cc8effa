from __future__ import annotations

import hashlib
import string
import tarfile
from pathlib import Path

import numpy as np
import pytest

from conftest import shared_data
from font_fixtures import drawn_as, emptied, family, font_bytes, one_case, without
from typecase.errors import DataError
from typecase.synthesis import fonts as fonts_module
from typecase.synthesis.fonts import Category, Face, FontCollection, is_held_back


def test_families_are_read_with_what_their_metadata_says(tmp_path: Path) -> None:
    family(tmp_path, "bravo", category=Category.SERIF, weight=700, style="italic")
    family(tmp_path, "alpha", category=Category.HANDWRITING)
    collection = FontCollection.open(tmp_path)
    assert collection.families == ("alpha", "bravo")
    first, second = collection
    assert (first.category, first.style, first.weight) == (Category.HANDWRITING, "normal", 400)
    assert (second.category, second.style, second.weight) == (Category.SERIF, "italic", 700)
    assert len(collection.select(categories=[Category.SERIF])) == 1
    assert collection.select(families=["alpha"]).families == ("alpha",)


def test_a_family_without_metadata_is_a_display_face_of_the_weight_in_the_file(tmp_path: Path) -> None:
    def heavy(font: object) -> None:
        font["OS/2"].usWeightClass = 800  # type: ignore[index]

    family(tmp_path, "plain", category=None, change=heavy)
    (font,) = FontCollection.open(tmp_path)
    assert (font.category, font.style, font.weight) == (Category.DISPLAY, "normal", 800)


def test_damaged_metadata_counts_as_none(tmp_path: Path) -> None:
    path = family(tmp_path, "plain", category=Category.SERIF)
    (path.parent / "METADATA.json").write_text('{"fonts": [')
    (font,) = FontCollection.open(tmp_path)
    assert font.category is Category.DISPLAY


@pytest.mark.parametrize(
    ("change", "character"),
    [(without("Q"), "Q"), (emptied("Q"), "Q"), (drawn_as({"Q": ".notdef"}), "Q")],
    ids=["unmapped", "empty", "drawn as the missing glyph"],
)
def test_a_character_that_would_not_be_drawn_is_known_and_refused(
    tmp_path: Path, change: object, character: str
) -> None:
    family(tmp_path, "holes", change=change)  # type: ignore[arg-type]
    (font,) = FontCollection.open(tmp_path)
    ascii_letters = set(string.ascii_letters + string.digits)
    assert ascii_letters - font.characters == {character}
    with pytest.raises(DataError, match=r"Holes-Regular\.ttf has no glyph for 'Q'"):
        Face(font, 32).mask(character)


def test_a_glyph_equal_to_the_missing_glyph_is_refused_under_any_name(tmp_path: Path) -> None:
    def copied(font: object) -> None:
        table = font["glyf"]  # type: ignore[index]
        table["Q"] = table[".notdef"]

    family(tmp_path, "copies", change=copied)
    (font,) = FontCollection.open(tmp_path)
    assert "Q" not in font.characters
    assert "R" in font.characters


def test_a_space_is_drawn_by_nothing_and_moves_the_pen(tmp_path: Path) -> None:
    family(tmp_path, "plain")
    (font,) = FontCollection.open(tmp_path)
    face = Face(font, 32)
    assert " " in font.characters
    assert face.mask(" ")[0].size == 0
    assert face.advance(" ") > 2


def test_small_caps_are_told(tmp_path: Path) -> None:
    family(tmp_path, "caps", change=one_case)
    family(tmp_path, "plain")
    caps, plain = FontCollection.open(tmp_path)
    assert caps.has_one_case
    assert caps.one_case == set(string.ascii_lowercase)
    assert not plain.has_one_case
    assert plain.one_case == frozenset()


def test_a_damaged_font_is_left_out_with_its_reason(tmp_path: Path) -> None:
    family(tmp_path, "good")
    broken = family(tmp_path, "broken")
    broken.write_bytes(broken.read_bytes()[:3000])
    collection = FontCollection.open(tmp_path, max_bad=0.5)
    assert collection.families == ("good",)
    ((name, reason),) = collection.skipped
    assert name == "broken/Broken-Regular.ttf"
    assert reason


@pytest.mark.parametrize("content", [b"", b"no font at all", font_bytes()[:3000]], ids=["empty", "text", "truncated"])
def test_too_many_damaged_fonts_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = family(tmp_path, "broken")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"1 of 1 font files .* first broken/Broken-Regular\.ttf \(.*repair or remove"):
        FontCollection.open(tmp_path)


def test_what_is_no_collection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There are no fonts at"):
        FontCollection.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match="No font file"):
        FontCollection.open(tmp_path)


def test_a_font_that_vanishes_is_named(tmp_path: Path) -> None:
    path = family(tmp_path, "gone")
    (font,) = FontCollection.open(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"Gone-Regular\.ttf is damaged or gone"):
        Face(font, 32)


def test_an_archive_is_unpacked_once_and_the_index_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    family(tmp_path / "fonts", "alpha")
    archive = tmp_path / "fonts.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(tmp_path / "fonts", "fonts")
    first = FontCollection.open(archive)

    def never(*_: object) -> None:
        pytest.fail("what is in the cache was made again")

    monkeypatch.setattr(fonts_module, "_inspect", never)
    monkeypatch.setattr("typecase.datasets.archives.extract", never)
    assert FontCollection.open(archive) == first
    assert first.families == ("alpha",)


def test_a_damaged_index_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    family(tmp_path / "fonts", "alpha")
    first = FontCollection.open(tmp_path / "fonts")
    (index,) = (tmp_path / "cache" / "fonts").glob("index-*.json")
    index.write_text(index.read_text()[:100])
    assert FontCollection.open(tmp_path / "fonts") == first


def test_a_tenth_of_the_families_is_held_back_by_the_hash_of_the_name(tmp_path: Path) -> None:
    names = [f"family{number}" for number in range(40)]
    content = font_bytes()
    for name in names:
        path = tmp_path / name / "Font.ttf"
        path.parent.mkdir()
        path.write_bytes(content)
    expected = {name for name in names if int(hashlib.md5(name.encode()).hexdigest(), 16) % 10 == 0}
    collection = FontCollection.open(tmp_path)
    assert set(collection.held_back_families().families) == expected
    assert set(collection.training_families().families) == set(names) - expected
    assert expected
    assert is_held_back(min(expected))


def test_a_mask_lies_where_the_pen_puts_it(tmp_path: Path) -> None:
    family(tmp_path, "plain")
    (font,) = FontCollection.open(tmp_path)
    face = Face(font, 64)
    for character, rests in (("H", True), ("p", False)):
        ink, _, top = face.mask(character)
        bottom = top + ink.shape[0]
        assert (abs(bottom) <= 1) == rests
        assert ink.dtype == np.uint8
        assert ink.max() > 200
    above, below = face.extent
    assert above > 40
    assert below > 8


@pytest.mark.slow
def test_the_shared_fonts_all_draw_the_62_characters() -> None:
    collection = FontCollection.open(shared_data("fonts.tar.xz"))
    assert len(collection.families) > 650
    wanted = set(string.ascii_letters + string.digits)
    assert all(wanted <= font.characters for font in collection)
    # Fonts of blots and of signs, mapped as if they were letters.
    assert not {"redacted", "redactedscript", "jsmathcmex10", "jsmathcmsy10"} & set(collection.families)
    caps = {font.family for font in collection if font.has_one_case}
    assert {"alegreyasc", "cinzel", "bangers", "sedansc"} <= caps
    assert not {"opensans", "lora", "lobster", "inconsolata", "pacifico"} & caps
    assert 40 < len(caps) < 70
    held_back = collection.held_back_families().families
    assert 50 < len(held_back) < 90
    assert not set(held_back) & set(collection.training_families().families)
