from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import shared_data
from typecase.datasets.lines import LineSample, SroieLines
from typecase.datasets.packed import PackedLines
from typecase.errors import DataError, InputError
from typecase.preprocess import LinePreprocess


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path))
    return tmp_path / "lines"


def picture(seed: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, width), dtype=np.uint8))


def samples(count: int = 5) -> list[LineSample]:
    return [
        LineSample(f"line-{i}", f"text {i} é", partial(picture, i, 10 + 37 * i), folded=i % 2 == 1)
        for i in range(count)
    ]


def damaged() -> LineSample:
    def load() -> Image.Image:
        raise InputError("a.png is damaged; get a fresh copy.")

    return LineSample("a.png", "a", load)


class Untouchable:
    def __iter__(self) -> Iterator[LineSample]:
        raise AssertionError("decoded again")


def test_pictures_are_what_the_preparation_gives() -> None:
    preprocess = LinePreprocess()
    heard: list[int] = []
    packed = PackedLines.build("x:1", samples(), preprocess, progress=heard.append)
    assert len(packed) == 5
    assert packed.texts == [sample.text for sample in samples()]
    assert packed.names == [sample.name for sample in samples()]
    assert packed.folded.tolist() == [False, True, False, True, False]
    for i, sample in enumerate(samples()):
        expected = preprocess.canvas(sample.load())
        assert np.array_equal(packed.picture(i), expected)
        assert packed.widths[i] == expected.shape[1]
    assert heard == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="read-only"):
        packed.picture(0)[0, 0] = 0


def test_lines_are_decoded_once() -> None:
    first = PackedLines.build("x:1", samples(), LinePreprocess())
    # What comes after the canvas makes no difference.
    again = PackedLines.build("x:1", Untouchable(), LinePreprocess(mean=0.4, widest=512))
    assert all(np.array_equal(first.picture(i), again.picture(i)) for i in range(len(first)))
    assert again.texts == first.texts
    with pytest.raises(AssertionError, match="decoded again"):
        PackedLines.build("x:1", Untouchable(), LinePreprocess(height=48))
    with pytest.raises(AssertionError, match="decoded again"):
        PackedLines.build("y:1", Untouchable(), LinePreprocess())


def test_an_older_state_is_dropped(cache: Path) -> None:
    PackedLines.build("x:1", samples(), LinePreprocess())
    PackedLines.build("y:1", samples(), LinePreprocess())
    before = set(cache.iterdir())
    newer = PackedLines.build("x:2", samples(2), LinePreprocess())
    assert len(newer) == 2
    assert len(before) == len(set(cache.iterdir())) == 4
    assert len(before & set(cache.iterdir())) == 2


@pytest.mark.parametrize("suffix", ["bin", "json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "missing"])
def test_a_damaged_cache_is_made_again(cache: Path, suffix: str, damage: str) -> None:
    PackedLines.build("x:1", samples(), LinePreprocess())
    (file,) = cache.glob(f"*.{suffix}")
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        middle = len(data) // 2
        changed = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
        file.write_bytes({"cut": data[:-7], "changed": changed, "empty": b""}[damage])
    packed = PackedLines.build("x:1", samples(), LinePreprocess())
    expected = LinePreprocess().canvas(samples()[4].load())
    assert np.array_equal(packed.picture(4), expected)
    assert file.read_bytes() == data


def test_unreadable_pictures_are_skipped_up_to_a_share(cache: Path) -> None:
    some = [*samples(3), damaged(), *samples(2)]
    packed = PackedLines.build("x:1", some, LinePreprocess(), max_bad=0.2)
    assert len(packed) == 5
    assert packed.skipped[0].name == "a.png"
    # It is known from the cache, too.
    with pytest.raises(DataError, match=r"1 of 6 pictures in x cannot be read.*a\.png is damaged"):
        PackedLines.build("x:1", Untouchable(), LinePreprocess())
    with pytest.raises(DataError, match="1 of 1 pictures"):
        PackedLines.build("y:1", [damaged()], LinePreprocess(), max_bad=1)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="gives no lines"):
        PackedLines.build("x:1", [], LinePreprocess())


def test_an_interrupted_build_leaves_nothing(cache: Path) -> None:
    def interrupted() -> Iterator[LineSample]:
        yield from samples(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PackedLines.build("x:1", interrupted(), LinePreprocess())
    assert not list(cache.iterdir())


def test_a_source_by_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    source: Any = SroieLines(shared_data("sroie"), "development")
    # Three receipts stand for all of them.
    source._pages = source._pages[:3]
    packed = PackedLines.of(source, LinePreprocess())
    assert packed.texts == [sample.text for sample in source]
    assert packed.folded.all()
    assert packed.height == 32
    assert packed.picture(7).shape == (32, packed.widths[7])
