from __future__ import annotations

import hashlib
import string
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import shared_data
from font_fixtures import drawn_as, emptied, family, font_bytes, one_case, without
from typecase.errors import DataError
from typecase.synthesis import font_files
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

    monkeypatch.setattr(font_files, "_inspect", never)
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


def test_a_single_file_is_a_collection_of_one_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "Anything.ttf"
    path.write_bytes(font_bytes())
    (font,) = FontCollection.open(path)
    assert font.family == "Aileron"
    assert font.path == path


def test_loose_fonts_of_a_folder_are_told_apart_by_the_names_in_them(tmp_path: Path) -> None:
    def renamed(font: Any) -> None:
        for record in font["name"].names:
            record.string = "Other Face"

    (tmp_path / "a.ttf").write_bytes(font_bytes())
    (tmp_path / "b.ttf").write_bytes(font_bytes(renamed))
    family(tmp_path, "inside")
    assert FontCollection.open(tmp_path).families == ("Aileron", "Other Face", "inside")


def _without_letters(font: Any) -> None:
    for table in font["cmap"].tables:
        for code in [code for code in table.cmap if chr(code).isalnum() or code > 127]:
            del table.cmap[code]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(font_bytes(_without_letters), "draws no letter or digit"), (b"no font at all", "not a sound font file")],
    ids=["without letters", "corrupt"],
)
def test_a_single_file_that_is_no_use_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "Signs.ttf"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"No font of .*Signs\.ttf can be used, .*{reason}.*; give another"):
        FontCollection.open(path)


@pytest.mark.parametrize(
    ("facts", "category"),
    [
        ({"bFamilyType": 2, "bSerifStyle": 4}, Category.SERIF),
        ({"bFamilyType": 2, "bSerifStyle": 11}, Category.SANS_SERIF),
        ({"bFamilyType": 2, "bSerifStyle": 11, "bProportion": 9}, Category.MONOSPACE),
        ({"bFamilyType": 3}, Category.HANDWRITING),
        ({}, Category.DISPLAY),
    ],
)
def test_without_metadata_the_file_tells_the_category(
    tmp_path: Path, facts: dict[str, int], category: Category
) -> None:
    def classified(font: Any) -> None:
        for name, value in facts.items():
            setattr(font["OS/2"].panose, name, value)

    family(tmp_path, "plain", category=None, change=classified)
    (font,) = FontCollection.open(tmp_path)
    assert font.category is category


def test_a_font_that_takes_the_place_of_another_of_its_size_is_looked_into(tmp_path: Path) -> None:
    path = family(tmp_path, "plain")
    first, second = font_bytes(), font_bytes(drawn_as({"Q": ".notdef"}))
    size = max(len(first), len(second))
    for content, drawn in ((first, True), (second, False)):
        path.write_bytes(content.ljust(size, b"\0"))
        assert ("Q" in FontCollection.open(tmp_path).fonts[0].characters) == drawn


def test_several_sources_make_one_collection_and_no_font_comes_twice(tmp_path: Path) -> None:
    alpha = family(tmp_path / "one", "alpha")
    family(tmp_path / "two", "bravo")
    both = FontCollection.gather([tmp_path / "two", tmp_path / "one", alpha])
    assert both.families == ("alpha", "bravo")
    assert len(both) == 2
    assert both.identity != FontCollection.gather([tmp_path / "one"]).identity
    with pytest.raises(DataError, match="No fonts are given"):
        FontCollection.gather([])


def _fontconfig(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts another fc-list in the place of the system's."""
    folder.mkdir()
    command = folder / "fc-list"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_installed_fonts_are_those_that_fontconfig_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = family(tmp_path / "fonts", "alpha"), tmp_path / "fonts" / "Signs.otf"
    second.write_bytes(font_bytes(_without_letters))
    listed = [str(first), str(first), str(second), str(tmp_path / "gone.ttf"), "/usr/share/fonts/bitmap.pcf.gz"]
    _fontconfig(tmp_path / "bin", monkeypatch, "\n".join(f"echo '{name}'" for name in listed))
    collection = FontCollection.gather(["system"])
    assert [font.path for font in collection] == [first]
    assert collection.families == ("alpha",)
    assert [Path(name).name for name, _ in collection.skipped] == ["Signs.otf"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken cache >&2; exit 3", r"fc-list failed \(broken cache\); give a folder"),
        ("echo /usr/share/fonts/bitmap.pcf.gz", "Fontconfig knows no font file"),
    ],
)
def test_a_fontconfig_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    _fontconfig(tmp_path / "bin", monkeypatch, script)
    with pytest.raises(DataError, match=message):
        FontCollection.system()


def test_a_system_without_fontconfig_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="fc-list is not there; install fontconfig or give a folder"):
        FontCollection.system()


def test_fonts_are_chosen_by_style_weight_and_name(tmp_path: Path) -> None:
    family(tmp_path, "light", weight=300)
    family(tmp_path, "heavy", weight=800, style="italic")
    family(tmp_path, "heavier face", weight=900)
    collection = FontCollection.open(tmp_path)
    assert collection.select(styles=["italic"]).families == ("heavy",)
    assert collection.select(weights=(300, 800)).families == ("heavy", "light")
    assert not len(collection.select(styles=["italic"], weights=(100, 700)))
    assert collection.find("Heavier-Face").families == ("heavier face",)
    assert collection.find("light regular").families == ("light",)
    assert collection.nearest(weight=850).weight == 900
    assert collection.nearest(weight=850, style="italic").weight == 800
    with pytest.raises(DataError, match=r"no font called 'hevy' among the 3 families; did you mean heavy"):
        collection.find("hevy")
    with pytest.raises(DataError, match="give the name of a family or of a font file"):
        collection.find("?")
    with pytest.raises(DataError, match="no font to choose from"):
        collection.select(families=[]).nearest()


def test_the_fonts_that_cover_a_text_are_found(tmp_path: Path) -> None:
    family(tmp_path, "all")
    family(tmp_path, "less", change=without("Q"))
    family(tmp_path, "least", change=without("Q2"))
    collection = FontCollection.open(tmp_path)
    assert collection.covering("aA") is collection
    assert collection.covering("aQ").families == ("all",)
    # A small figure is drawn from the ordinary one.
    assert collection.covering("a²").families == ("all", "less")
    assert collection.covering("ñ").families == ()
    for font in collection:
        assert (font in collection.covering("Q²").fonts) == (not font.missing("Q²"))


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
