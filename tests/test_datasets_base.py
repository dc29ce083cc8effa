"""The data sets as torch and a trainer use them, the cache behind them, and bad pictures among good ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from conftest import shared_data
from dataset_fixtures import fnt, png, write_folder, write_tar
from test_datasets_layouts import strokes_file
from typecase.charset import CHARACTERS, ClassSet
from typecase.datasets import (
    DATASETS,
    ClassFolder,
    EnglishFnt,
    EnglishHnd,
    EnglishImg,
    HandwrittenLetters,
    decoded,
    open_dataset,
)
from typecase.datasets.layouts import LAYOUTS, FntLayout
from typecase.errors import DataError, UsageError
from typecase.preprocess import CharacterPreprocess

SMALL = CharacterPreprocess(size=16)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "EnglishFnt.tgz", fnt())


def test_conventions_of_torch(archive: Path) -> None:
    train = EnglishFnt(archive, preprocess=SMALL)
    assert isinstance(train, Dataset)
    assert len(train) == 3 * 28
    picture, target = train[5]
    assert picture.shape == (1, 16, 16)
    assert picture.dtype == torch.float32
    assert picture.min() >= -1
    assert picture.max() <= 1
    assert isinstance(target, int)
    assert np.array_equal(picture.numpy(), SMALL.normalise(train.pictures[5]))
    batch, targets = next(iter(DataLoader(train, batch_size=7)))
    assert batch.shape == (7, 1, 16, 16)
    assert targets.tolist() == train.targets[:7].tolist()
    changed = EnglishFnt(archive, transform=lambda x: x.flatten(), target_transform=str, preprocess=SMALL)[0]
    assert changed[0].shape == (256,)
    assert changed[1] == "0"


def test_whole_arrays_for_a_trainer(archive: Path) -> None:
    whole = EnglishFnt(archive, split=None, preprocess=SMALL)
    assert whole.pictures.shape == (120, 1, 16, 16)
    assert whole.pictures.dtype == np.uint8
    assert whole.targets.dtype == np.int64
    assert whole.classes == CHARACTERS
    assert isinstance(whole.pictures, np.memmap)
    assert torch.from_numpy(whole.pictures).shape == (120, 1, 16, 16)
    assert whole.split_record is None
    parts = {split: EnglishFnt(archive, split, preprocess=SMALL) for split in ("train", "validation", "test")}
    assert sorted(name for part in parts.values() for name in part.names) == list(whole.names)
    for part in parts.values():
        for picture, target, name in zip(part.pictures, part.targets, part.names, strict=True):
            index = whole.names.index(name)
            assert np.array_equal(picture, whole.pictures[index])
            assert target == whole.targets[index]
    record = parts["test"].split_record
    assert record is not None
    assert record == parts["train"].split_record
    assert record.counts == {"train": 84, "validation": 18, "test": 18}


def test_typefaces_are_not_parted(archive: Path) -> None:
    parts = [
        EnglishFnt(archive, split, split_by="group", preprocess=SMALL) for split in ("train", "validation", "test")
    ]
    assert [len(set(part.groups)) for part in parts] == [6, 2, 2]
    assert not set(parts[0].groups) & set(parts[2].groups)
    named = EnglishFnt(archive, "test", split_by="group", test_groups=range(8, 10), preprocess=SMALL)
    assert set(named.groups) == {"8", "9"}
    assert named.split_record is not None
    assert named.split_record.groups["test"] == ["8", "9"]


def test_duplicates_by_pixels_and_by_files(tmp_path: Path) -> None:
    files = fnt([1], 40)
    first, second, third = list(files)[:3]
    files[second] = files[first]
    # The same pixels in another file: a comment before the end.
    files[third] = files[first][:-12] + bytes.fromhex("00000003744558744100426e6a9dc6") + files[first][-12:]
    path = write_tar(tmp_path / "EnglishFnt.tgz", files)
    found = decoded.load(FntLayout(), path, SMALL)
    assert len(set(found.pixel_hashes.tolist())) == 38
    assert len(set(found.file_hashes.tolist())) == 39
    for seed in range(10):
        parts = [EnglishFnt(path, split, preprocess=SMALL, seed=seed) for split in ("train", "validation", "test")]
        holding = [part for part in parts if {"Sample001/img001-00001.png"} & set(part.names)]
        assert {"Sample001/img001-00002.png", "Sample001/img001-00003.png"} <= set(holding[0].names)


def test_writers_with_variants(tmp_path: Path) -> None:
    forms = {
        name: [[[[300 + k, 200], [400, 300 + k + 50 * number]]] for k in range(10)] for number, name in enumerate("Abc")
    }
    path = strokes_file(tmp_path, forms)
    arguments: dict[str, Any] = {"split_by": "group", "test_groups": [8, 9], "variants": 3, "preprocess": SMALL}
    train, validation, test = (EnglishHnd(path, split, **arguments) for split in ("train", "validation", "test"))
    assert set(test.groups) == {"8", "9"}
    assert len(test) == 6
    assert len(validation) == 3 * len(set(validation.groups))
    assert len(train) == 3 * 3 * len(set(train.groups))
    assert not set(train.groups) & (set(test.groups) | set(validation.groups))
    assert len(EnglishHnd(path, None, variants=3, preprocess=SMALL)) == 90
    assert train.kind == "hnd"
    with pytest.raises(UsageError, match="no option 'pens'"):
        EnglishHnd(path, pens=3)


def test_classes_are_shared(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "data", {"b/1.png": png(1), "b/2.png": png(2), "a/1.png": png(3), "%/1.png": png(4)})
    whole = ClassFolder(path, None, preprocess=SMALL)
    assert whole.classes == ClassSet(("%", "a", "b"))
    with pytest.raises(DataError, match="pictures of '%', which is not one of the 62"):
        whole.with_classes(CHARACTERS)
    mapped = whole.with_classes(CHARACTERS, missing="leave-out")
    assert mapped.targets.tolist() == [CHARACTERS.index(name) for name in "abb"]
    assert mapped.names == ("a/1.png", "b/1.png", "b/2.png")
    assert mapped.pictures.shape[0] == 3
    assert mapped[0][1] == CHARACTERS.index("a")
    assert len(whole) == 4
    with pytest.raises(DataError, match="no picture of any"):
        whole.with_classes(ClassSet.of("xyz"), missing="leave-out")


def test_class_with_one_picture_trains(tmp_path: Path) -> None:
    files = {f"many/{i}.png": png(i) for i in range(20)} | {"single/1.png": png(99)}
    train = ClassFolder(write_folder(tmp_path / "data", files), preprocess=SMALL)
    assert "single/1.png" in train.names
    for split in ("validation", "test"):
        part = ClassFolder(tmp_path / "data", split, preprocess=SMALL)
        assert len(part) == 3
        assert set(part.targets.tolist()) == {0}


def test_corrupt_picture_among_many_is_named_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = fnt(count=40)
    names = list(files)
    files[names[7]] = files[names[7]][:60]
    files[names[50]] = b"this is a text, whatever its name says\n"
    path = write_tar(tmp_path / "EnglishFnt.tgz", files)
    whole = EnglishFnt(path, None, preprocess=SMALL, max_bad=0.05)
    assert len(whole) == 118
    assert [name for name, _ in whole.skipped] == ["Sample001/img001-00008.png", "Sample002/img002-00011.png"]
    assert "damaged or incomplete" in whole.skipped[0].reason
    assert "not a picture" in whole.skipped[1].reason
    assert "Skipped 2 of 120" in caplog.text
    # From the cache the same is known, and the same share is too much.
    with pytest.raises(DataError, match=r"2 of 120 pictures .* \(--max-bad\): Sample001/img001-00008\.png"):
        EnglishFnt(path, None, preprocess=SMALL)


def test_nothing_but_bad_pictures(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "data", {"a/1.png": b"text", "b/1.png": b""})
    with pytest.raises(DataError, match="2 of 2 pictures"):
        ClassFolder(path, max_bad=1.0)


@pytest.mark.parametrize("kind", sorted(DATASETS))
def test_missing_and_empty_sources(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_dataset(kind, tmp_path / "nothing.tgz")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(DataError, match="no picture"):
        open_dataset(kind, tmp_path / "hollow")
    (tmp_path / "empty.tgz").touch()
    with pytest.raises(DataError, match="is empty"):
        open_dataset(kind, tmp_path / "empty.tgz")


def test_impossible_arguments(archive: Path) -> None:
    with pytest.raises(UsageError, match="no part of a data set"):
        EnglishFnt(archive, "exam")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="from 0 to 1"):
        EnglishFnt(archive, max_bad=2)
    with pytest.raises(UsageError, match="three parts"):
        EnglishFnt(archive, fractions=(0.8, 0.2), preprocess=SMALL)
    with pytest.raises(UsageError, match="'pixels' or 'files'"):
        EnglishFnt(archive, duplicates="names")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no kind of data"):
        open_dataset("fonts", archive)
    with pytest.raises(UsageError, match="cannot be split by group"):
        ClassFolder(archive, split_by="group", preprocess=SMALL)


def test_registry_is_complete(archive: Path) -> None:
    assert set(DATASETS) == set(LAYOUTS)
    assert isinstance(open_dataset("auto", archive, preprocess=SMALL), EnglishFnt)
    # A folder that holds the archive stands for it, as after a download.
    assert EnglishFnt(archive.parent, preprocess=SMALL).root == archive


def test_replicas_preprocessing(archive: Path) -> None:
    replica = CharacterPreprocess(channels=3, fit="stretch", polarity="keep")
    train = EnglishFnt(archive, split_by="journey", preprocess=replica)
    assert train.pictures.shape == (84, 3, 48, 48)
    assert train.split_record is not None
    assert train.split_record.counts == {"train": 84, "validation": 18, "test": 18}


def cache_files(tmp_path: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "pictures").iterdir()}


def test_cache_is_used_and_renewed(archive: Path, tmp_path: Path) -> None:
    decodings: list[int] = []
    first = EnglishFnt(archive, None, preprocess=SMALL, progress=decodings.append)
    assert decodings == [120]
    kept = cache_files(tmp_path)
    assert len(kept) == 2
    second = EnglishFnt(archive, None, preprocess=SMALL, progress=decodings.append)
    assert decodings == [120]
    assert np.array_equal(first.pictures, second.pictures)
    # Another way to prepare is kept beside it, another state of the archive in its place.
    EnglishFnt(archive, None, preprocess=CharacterPreprocess(size=20), progress=decodings.append)
    assert decodings == [120, 120]
    assert len(cache_files(tmp_path)) == 4
    write_tar(archive, fnt(count=30))
    assert len(EnglishFnt(archive, None, preprocess=SMALL, progress=decodings.append)) == 90
    assert decodings == [120, 120, 90]
    assert len(cache_files(tmp_path)) == 4
    assert not set(kept) & set(cache_files(tmp_path))
    # What the net subtracts is no matter of the cache.
    EnglishFnt(archive, None, preprocess=CharacterPreprocess(size=16, mean=0.4), progress=decodings.append)
    assert len(decodings) == 3


@pytest.mark.parametrize("damage", ["truncated", "zeroed", "missing array", "index cut", "index foreign"])
def test_damaged_cache_is_made_again(archive: Path, tmp_path: Path, damage: str) -> None:
    good = np.array(EnglishFnt(archive, None, preprocess=SMALL).pictures)
    array = next((tmp_path / "cache" / "pictures").glob("*.npy"))
    index = array.with_suffix(".json")
    if damage == "truncated":
        array.write_bytes(array.read_bytes()[:-100])
    elif damage == "zeroed":
        array.write_bytes(array.read_bytes()[:128] + bytes(array.stat().st_size - 128))
    elif damage == "missing array":
        array.unlink()
    elif damage == "index cut":
        index.write_bytes(index.read_bytes()[:-5])
    else:
        index.write_text("{}")
    decodings: list[int] = []
    again = EnglishFnt(archive, None, preprocess=SMALL, progress=decodings.append)
    assert decodings == [120]
    assert np.array_equal(again.pictures, good)


def test_cache_that_cannot_be_written_is_done_without(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "file" / "below"))
    assert len(EnglishFnt(archive, None, preprocess=SMALL)) == 120
    assert "not kept" in caplog.text
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "unused"))
    assert len(EnglishFnt(archive, None, preprocess=SMALL, cache=False)) == 120
    assert not (tmp_path / "unused").exists()


def test_processes_decode_as_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fnt(range(1, 4), 250)
    files["English/Fnt/Sample002/img002-00100.png"] = b"broken"
    path = write_tar(tmp_path / "EnglishFnt.tgz", files)
    alone = decoded.decode(FntLayout(), path, SMALL)
    monkeypatch.setattr(decoded, "_WORTH_PROCESSES", 100)
    monkeypatch.setattr(decoded, "_CHUNK", 32)
    monkeypatch.setattr(decoded, "usable_cores", lambda: 2)
    counts: list[int] = []
    together = decoded.decode(FntLayout(), path, SMALL, progress=counts.append)
    assert np.array_equal(alone.pictures, together.pictures)
    assert alone.names == together.names
    assert alone.skipped == together.skipped
    assert np.array_equal(alone.pixel_hashes, together.pixel_hashes)
    assert counts[-1] == 750
    assert counts == sorted(counts)


def test_light_part_needs_no_torch(archive: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from typecase.datasets import decoded, layouts\n"
        "from typecase.preprocess import CharacterPreprocess\n"
        f"path = Path({str(archive)!r})\n"
        "found = decoded.load(layouts.layout_for('auto', path), path, CharacterPreprocess())\n"
        "assert len(found) == 120\n"
        "print(sorted({'torch', 'openvino', 'matplotlib', 'cv2'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(decoded.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_shared_letters() -> None:
    path = shared_data("chars74k/handwritten-letters-62x100.tgz")
    whole = HandwrittenLetters(path, None)
    # One of the 6,200 has 1 x 2 pixels.
    assert (len(whole), len(whole.skipped)) == (6199, 1)
    assert np.bincount(whole.targets).tolist().count(100) == 61


def test_shared_photos_keep_a_fixed_fifth() -> None:
    path = shared_data("chars74k/EnglishImg-labelled.tgz")
    tests = [EnglishImg(path, "test", fractions=shares) for shares in ((0.7, 0.1, 0.2), (0.8, 0, 0.2))]
    assert tests[0].names == tests[1].names
    assert abs(len(tests[0]) - 0.2 * 5047) <= 31
    assert tests[0].pictures.shape[1:] == (1, 48, 48)


def test_shared_strokes_by_writer() -> None:
    path = shared_data("chars74k/EnglishHnd-strokes.json")
    train = EnglishHnd(path, split_by="group", test_groups=range(32, 40))
    test = EnglishHnd(path, "test", split_by="group", test_groups=range(32, 40))
    assert len(test) == 62 * 8
    assert set(test.groups) == {str(writer) for writer in range(32, 40)}
    assert not set(train.groups) & set(test.groups)
    # As written, a capital is larger than its small letter.
    heights = {
        name: np.median([np.ptp(np.argwhere(p[0] < 128)[:, 0]) for p in train.pictures[train.targets == label]])
        for label, name in enumerate(CHARACTERS.names)
    }
    assert all(heights[small.upper()] > 1.3 * heights[small] for small in "cosvwxz")


def test_shared_fonts_are_ready_at_once() -> None:
    path = shared_data("chars74k/EnglishFnt.tgz")
    start = time.monotonic()
    train = EnglishFnt(path, split_by="group")
    cold = time.monotonic() - start
    start = time.monotonic()
    test = EnglishFnt(path, "test", split_by="group")
    warm = time.monotonic() - start
    assert (len(train), len(test)) == (178 * 248, 38 * 248)
    whole = test._whole
    assert len(whole) - len(set(whole.file_hashes.tolist())) == 957
    hashes = whole.pixel_hashes
    assert not set(hashes[train._indices].tolist()) & set(hashes[test._indices].tolist())
    # Far from what a quiet machine needs (9 s, 0.1 s), for other work may go on.
    assert warm < cold / 5
