from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from typecase import pictures
from typecase.errors import OutputError, UsageError
from typecase.pictures import PLOT_SUFFIXES, contact_sheet, save_picture, titled

RED = Image.new("RGB", (30, 30), (255, 0, 0))


def red(page: Image.Image) -> Any:
    values = np.asarray(page).astype(int)
    return (values[..., 0] > 200) & (values[..., 1] < 60) & (values[..., 2] < 60)


def ink(page: Image.Image) -> Any:
    """Where letters are: dark, and grey rather than coloured."""
    return np.asarray(page.convert("RGB")).max(axis=2) < 90


def test_a_title_stands_above_and_a_note_below() -> None:
    page = titled(RED, "A  99.8 %", "4 0.1 %", side=300)
    rows = np.flatnonzero(red(page).any(axis=1))
    assert red(page).sum() == pytest.approx(300 * 300, rel=0.01)
    assert ink(page)[: rows[0]].any()
    bare = titled(RED, "", side=300)
    assert not ink(bare)[: np.flatnonzero(red(bare).any(axis=1))[0]].any()
    assert page.height > bare.height


@pytest.mark.parametrize("size", [(1, 200), (200, 1), (3000, 20), (3, 3)])
def test_any_shape_is_fitted(size: tuple[int, int]) -> None:
    page = titled(Image.new("RGB", size, (255, 0, 0)), "A", side=120)
    columns, rows = (np.flatnonzero(red(page).any(axis=axis)) for axis in (0, 1))
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert max(width, height) <= 120
    assert max(width, height) >= 118


def test_a_long_title_widens_the_page() -> None:
    assert titled(RED, "a very long name of a class of characters", side=100).width > 200
    assert titled(RED, "A", side=100).width < 130


def test_a_sheet_holds_all_in_rows() -> None:
    page = contact_sheet([(RED, str(number)) for number in range(7)], columns=3, side=50)
    assert red(page).sum() == 7 * 50 * 50
    starts = np.flatnonzero(np.diff(red(page).any(axis=1).astype(int)) == 1)
    assert len(starts) == 3
    assert [red(page)[start + 10].sum() for start in starts] == [150, 150, 50]


def test_a_caption_stays_in_its_column() -> None:
    page = contact_sheet([(RED, "a caption that is far too long for it" * 3), (RED, "")], columns=2, side=60)
    columns = np.flatnonzero(ink(page).any(axis=0))
    assert columns[0] >= 0
    assert columns[-1] < page.width / 2 + 6


def test_a_place_can_be_empty() -> None:
    page = contact_sheet([(None, "not read"), (RED, "A")], side=50)
    assert red(page).sum() == 50 * 50


def test_grey_pictures_are_shown_too() -> None:
    assert contact_sheet([(Image.new("L", (9, 9), 128), "x")]).mode == "RGB"


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (3, 0)])
def test_an_impossible_sheet_is_a_bug_of_the_caller(count: int, columns: int) -> None:
    with pytest.raises(ValueError, match="contact sheet"):
        contact_sheet([(RED, "")] * count, columns=columns)


def test_letters_that_no_font_has_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object) -> None:
        raise OSError("cannot open resource")

    monkeypatch.setattr(ImageFont, "truetype", nowhere)
    monkeypatch.setattr(pictures, "_WIDER_FONTS", ("nowhere.ttf",))
    monkeypatch.setattr(ImageFont, "load_default", lambda size: ImageFont.load_default_imagefont())
    assert pictures.font_for("Ω → a", 12)[1] == "U+03A9 -> a"


@pytest.mark.parametrize("suffix", PLOT_SUFFIXES)
def test_every_listed_format_is_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"plot{suffix.upper()}"
    save_picture(titled(RED, "A"), path)
    with Image.open(path) as image:
        assert image.size == titled(RED, "A").size
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["plot", "plot.txt", "plot.onnx"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what kind of picture to write"):
        save_picture(RED, tmp_path / name)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        save_picture(RED, tmp_path / "file" / "plot.png")
