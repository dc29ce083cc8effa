from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import REPOSITORY
from font_fixtures import family, one_case, without
from test_synthesis_strokes import CROSS, LETTER_I
from typecase.charset import ClassSet
from typecase.datasets import drawn as drawn_module
from typecase.datasets import open_dataset
from typecase.datasets.drawn import DrawnCharacters
from typecase.errors import DataError, UsageError
from typecase.preprocess import CharacterPreprocess
from typecase.synthesis import batch
from typecase.synthesis.fonts import Category, FontCollection, is_held_back
from typecase.synthesis.looks import Look
from typecase.synthesis.strokes import Handwriting

CLASSES = ClassSet.of("Aax7")


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> FontCollection:
    root = tmp_path_factory.mktemp("fonts")
    family(root, "caps", change=one_case)
    family(root, "plain")
    family(root, "holes", category=Category.SERIF, change=without("7"))
    family(root, "script", category=Category.HANDWRITING)
    return FontCollection.open(root)


def drawn(fonts: FontCollection, **arguments: Any) -> DrawnCharacters:
    values: dict[str, Any] = {"classes": CLASSES, "count": 42, "cache": False, "workers": 1}
    return DrawnCharacters(fonts, **{**values, **arguments})


def test_the_shape_is_that_of_every_data_set(fonts: FontCollection) -> None:
    data = drawn(fonts)
    assert len(data) == 42
    assert data.pictures.shape == (42, 1, 48, 48)
    assert data.pictures.dtype == np.uint8
    assert data.targets.dtype == np.int64
    assert len(data.names) == len(set(data.names)) == len(data.groups) == 42
    picture, target = data[3]
    assert picture.shape == (1, 48, 48)
    assert picture.dtype == torch.float32
    assert -1 <= picture.min() < picture.max() <= 1
    assert target == data.targets[3]
    both = drawn(fonts, transform=lambda tensor: tensor.mean(), target_transform=lambda target: f"class {target}")
    assert both[3] == (picture.mean(), f"class {target}")


def test_classes_are_balanced_and_pictures_differ(fonts: FontCollection) -> None:
    data = drawn(fonts)
    assert sorted(np.bincount(data.targets)) == [10, 10, 11, 11]
    assert len(np.unique(data.pictures.reshape(42, -1), axis=0)) == 42


def test_the_same_seed_draws_the_same_pictures(fonts: FontCollection) -> None:
    one, two, other = drawn(fonts, seed=1), drawn(fonts, seed=1), drawn(fonts, seed=2)
    assert (one.pictures == two.pictures).all()
    assert (one.targets == two.targets).all()
    assert (one.pictures != other.pictures).any()


def test_several_processes_draw_what_one_draws(fonts: FontCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = drawn(fonts)
    monkeypatch.setattr(batch, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(batch, "_PICTURES_A_TASK", 10)
    done: list[int] = []
    together = drawn(fonts, workers=2, progress=done.append)
    assert (alone.pictures == together.pictures).all()
    assert done == sorted(done)
    assert done[-1] == 42
    assert len(done) == 5


def test_a_script_without_a_main_guard_still_gets_its_pictures(fonts: FontCollection, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    root = fonts.fonts[0].path.parents[1]
    script.write_text(
        "from typecase.datasets.drawn import DrawnCharacters\n"
        "from typecase.synthesis import batch\n"
        "from typecase.synthesis.fonts import FontCollection\n"
        "batch._WORTH_A_PROCESS, batch._PICTURES_A_TASK = 1, 10\n"
        f"print(len(DrawnCharacters(FontCollection.open({str(root)!r}), count=30, cache=False, workers=2).pictures))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["30"]


def test_pictures_come_from_the_cache_unless_anything_differs(
    fonts: FontCollection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path))
    first = drawn(fonts, cache=True)

    class DrawnAgainError(Exception):
        pass

    def never(*_: object, **__: object) -> None:
        raise DrawnAgainError

    monkeypatch.setattr(drawn_module, "draw_orders", never)
    again = drawn(fonts, cache=True)
    assert (again.pictures == first.pictures).all()
    assert (again.targets == first.targets).all()
    assert isinstance(again.pictures, np.memmap)
    for change in (
        {"seed": 1},
        {"count": 43},
        {"look": "print"},
        {"classes": ClassSet.of("Aax8")},
        {"preprocess": CharacterPreprocess(size=32)},
        {"fonts": fonts.select(families=["plain", "script"])},
        {"strokes": [Handwriting("x", "1", CROSS)]},
    ):
        with pytest.raises(DrawnAgainError):
            drawn(**{"fonts": fonts, "cache": True, **change})  # type: ignore[arg-type]


def test_a_damaged_cache_is_drawn_again(fonts: FontCollection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path))
    first = np.array(drawn(fonts, cache=True).pictures)
    (file,) = (tmp_path / "drawn").glob("*.npy")
    file.write_bytes(file.read_bytes()[:5000])
    assert (drawn(fonts, cache=True).pictures == first).all()


def test_no_small_letter_is_drawn_as_a_capital_and_no_missing_glyph(fonts: FontCollection) -> None:
    data = drawn(fonts, look="print", count=400)
    by_class = {name: {data.groups[i] for i in np.flatnonzero(data.targets == CLASSES.index(name))} for name in "Aax7"}
    assert by_class == {
        "A": {"caps", "plain", "holes", "script"},
        "a": {"plain", "holes", "script"},
        "x": {"plain", "holes", "script"},
        "7": {"caps", "plain", "script"},
    }


def test_hands_come_from_strokes_and_handwriting_fonts(fonts: FontCollection) -> None:
    strokes = [Handwriting("x", "4", CROSS), Handwriting("7", "9", LETTER_I)]
    data = drawn(fonts, look=Look.HAND, strokes=strokes, count=200)
    by_class = {name: {data.groups[i] for i in np.flatnonzero(data.targets == CLASSES.index(name))} for name in "Aax7"}
    assert by_class == {"A": {"script"}, "a": {"script"}, "x": {"script", "writer 4"}, "7": {"script", "writer 9"}}
    only = drawn(fonts.select(families=["plain"]), look="hand", strokes=strokes[:1], classes=ClassSet.of("x"), count=5)
    assert set(only.groups) == {"writer 4"}


def test_looks_have_the_shares_asked_for(fonts: FontCollection) -> None:
    data = drawn(fonts, look={"print": 3, Look.PHOTO: 1, "hand": 0}, count=400)
    looks = [name.split("/")[1] for name in data.names]
    assert 0.68 < looks.count("print") / 400 < 0.82
    assert looks.count("hand") == 0


def test_an_archive_or_folder_gives_its_training_families_only(tmp_path: Path) -> None:
    held_back = next(name for name in (f"family{number}" for number in range(99)) if is_held_back(name))
    family(tmp_path, held_back)
    family(tmp_path, "trains")
    assert not is_held_back("trains")
    data = drawn(tmp_path, look="print")  # type: ignore[arg-type]
    assert set(data.groups) == {"trains"}


def test_colour_and_size_are_those_of_the_preprocessing(fonts: FontCollection) -> None:
    data = drawn(fonts, preprocess=CharacterPreprocess(size=20, channels=3), look="photo")
    assert data.pictures.shape == (42, 3, 20, 20)
    assert (data.pictures[:, 0] != data.pictures[:, 2]).any()


def test_indices_into_another_set_of_classes(fonts: FontCollection) -> None:
    data = drawn(fonts)
    other = data.with_classes(ClassSet.of("7xyaA"))
    assert [other.classes.names[t] for t in other.targets] == [CLASSES.names[t] for t in data.targets]
    assert other[0][1] == other.targets[0]
    with pytest.raises(DataError, match="'x' were drawn, which is not one of the 3 classes"):
        data.with_classes(ClassSet.of("7aA"))


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"count": 0}, UsageError, "is 0; give at least 1"),
        ({"look": "photos"}, UsageError, "no look 'photos'; choose print, photo, hand or mix"),
        ({"look": {"print": 0.0}}, UsageError, "No look has a share above 0"),
        ({"look": {"prints": 1.0}}, UsageError, "no look 'prints'"),
        ({"classes": ClassSet.of(["A", "Apple"])}, UsageError, "'Apple' is none"),
        ({"classes": ClassSet.of("Aж")}, DataError, "None of the fonts draws 'ж' in the look"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    fonts: FontCollection, change: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        drawn(fonts, **change)


def test_parts_differ_in_their_families_as_opened_by_name(tmp_path: Path) -> None:
    held_back = next(name for name in (f"family{number}" for number in range(99)) if is_held_back(name))
    family(tmp_path, held_back)
    family(tmp_path, "trains")
    options: dict[str, Any] = {"classes": CLASSES, "count": 8, "look": "print", "cache": False, "max_bad": 0.01}
    parts = {split: open_dataset("drawn", tmp_path, split=split, **options) for split in ("train", "test")}
    assert {split: set(part.groups) for split, part in parts.items()} == {"train": {"trains"}, "test": {held_back}}
    assert parts["test"].split == "test"
    with pytest.raises(UsageError, match="a part `train` and a part `test` only"):
        open_dataset("drawn", tmp_path, split="validation", **options)
    with pytest.raises(UsageError, match="no option 'looks'"):
        open_dataset("drawn", tmp_path, split="train", looks="photo")
