"""Compiled nets are kept for the next process, and nothing depends on that they are."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from line_fixtures import line_card, line_onnx, line_picture
from typecase.preprocess import LinePreprocess
from typecase.runtime.compiled import MOST_KEPT, compiled_net, name_of
from typecase.runtime.onnx_file import parse_onnx, with_card
from typecase.runtime.openvino_lines import OpenVinoLineNet


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"


class Net:
    """What OpenVINO's is to `compiled_net`."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def export_model(self) -> io.BytesIO:
        return io.BytesIO(self.content)


def fetched(name: str = "a.net", load: Callable[[bytes], object] = lambda content: content) -> object:
    net = compiled_net(name, load, lambda: Net(b"anew"))
    return "compiled" if isinstance(net, Net) else net


def test_the_second_process_finds_it(folder: Path) -> None:
    assert fetched() == "compiled"
    assert [path.name for path in folder.iterdir()] == ["a.net"]
    assert fetched() == b"anew"
    assert fetched("b.net") == "compiled"


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 32 + b"anew"])
def test_what_is_damaged_is_compiled_and_kept_again(folder: Path, damage: bytes) -> None:
    fetched()
    (folder / "a.net").write_bytes(damage)
    assert fetched() == "compiled"
    assert fetched() == b"anew"


def test_what_cannot_be_loaded_is_compiled(folder: Path) -> None:
    def refuse(content: bytes) -> object:
        raise RuntimeError("of another version")

    fetched()
    assert fetched(load=refuse) == "compiled"


def test_without_a_folder_it_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "file"))
    assert fetched() == "compiled"
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path))
    (tmp_path / "compiled").write_text("a file where the folder would be")
    assert fetched() == "compiled"


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(one: str, other: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert fetched() == "compiled"
    assert list(folder.iterdir()) == []


def test_what_was_not_used_for_long_goes(folder: Path) -> None:
    for number in range(MOST_KEPT):
        fetched(f"{number}.net")
        os.utime(folder / f"{number}.net", (number, number))
    # It counts as used now.
    assert fetched("0.net") == b"anew"
    fetched("new.net")
    names = {path.name for path in folder.iterdir()}
    assert names == {"new.net", "0.net", *(f"{number}.net" for number in range(2, MOST_KEPT))}


def test_all_that_it_depends_on_is_in_its_name() -> None:
    assert name_of(["a", ["b", 1]]) == name_of(["a", ["b", 1]])
    assert len({name_of(parts) for parts in (["a"], ["b"], ["a", "b"], ["ab"], ["a", ("n", 2)])}) == 5


def test_a_kept_net_answers_as_one_just_compiled(folder: Path) -> None:
    canvases = [LinePreprocess().canvas(line_picture(text)) for text in ("ABO", "EEAB")]

    def read(threads: int) -> list[np.ndarray]:
        content = with_card(line_onnx().SerializeToString(), line_card())
        return OpenVinoLineNet(parse_onnx(content, "m"), threads=threads, precision="f32")(canvases)

    first = read(1)
    (kept,) = folder.iterdir()
    used = kept.stat().st_mtime_ns
    for one, other in zip(first, read(1), strict=True):
        assert np.array_equal(one, other)
    assert kept.stat().st_mtime_ns > used
    # With other settings it is another net.
    read(2)
    assert len(list(folder.iterdir())) == 2
