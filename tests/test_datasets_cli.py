"""`typecase data`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from dataset_fixtures import fnt, png, write_folder, write_tar
from typecase.charset import ClassSet
from typecase.datasets.layouts import LAYOUTS
from typecase.datasets.sheet import contact_sheet


def test_list_names_every_kind(run_typecase) -> None:  # type: ignore[no-untyped-def]
    done = run_typecase("data", "list", "--json", blocked=["torch"])
    assert done.returncode == 0
    assert [one["kind"] for one in json.loads(done.stdout)] == list(LAYOUTS)
    done = run_typecase("data", "list")
    assert all(layout.title in done.stdout for layout in LAYOUTS.values())


def test_prepare_says_what_is_there_without_torch(tmp_path: Path, run_typecase) -> None:  # type: ignore[no-untyped-def]
    files = fnt(range(1, 4), 40)
    first, second = list(files)[:2]
    files[second] = files[first]
    files[list(files)[-1]] = b"not a picture"
    path = write_tar(tmp_path / "EnglishFnt.tgz", files)
    sheet = tmp_path / "sheet.png"
    arguments = ("data", "prepare", path, "--sheet", sheet)
    done = run_typecase(*arguments, "--json", blocked=["torch", "matplotlib"])
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["kind"] == "fnt"
    assert facts["pictures"] == 119
    assert {name: count for name, count in facts["classes"].items() if count} == {"0": 40, "1": 40, "2": 39}
    assert facts["duplicates"] == {"pixels": 1, "files": 1}
    assert facts["groups"] == 10
    assert [one["name"] for one in facts["skipped"]] == ["Sample003/img003-00040.png"]
    with Image.open(sheet) as drawn:
        assert drawn.size == (4 * (64 + 500), 16 * 50)
    done = run_typecase(*arguments)
    assert "119, ready as 1 x 48 x 48 bytes" in done.stdout
    assert "59 classes without a picture: 3, 4" in done.stdout
    assert "Sample003/img003-00040.png" in done.stdout
    done = run_typecase(*arguments, "--max-bad", "0")
    assert done.returncode == 8
    assert "1 of 120 pictures" in done.stderr


def test_prepare_refuses_with_a_sentence(tmp_path: Path, run_typecase) -> None:  # type: ignore[no-untyped-def]
    for path, said in (
        (tmp_path / "nothing", "does not exist"),
        (write_folder(tmp_path / "texts", {"a.txt": b""}), "known kind"),
        (write_tar(tmp_path / "evil.tgz", {"../a/1.png": png(1)}), "outside of the folder"),
    ):
        done = run_typecase("data", "prepare", path)
        assert done.returncode == 8
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    one_class = write_folder(tmp_path / "data", {"a/1.png": png(1)})
    done = run_typecase("data", "prepare", f"folder:{one_class}", "--sheet", tmp_path / "sheet.nonsense")
    assert done.returncode == 6
    assert "1 classes with one picture, which trains: a" in done.stdout
    assert not (tmp_path / "sheet.nonsense").exists()


def test_sheet_shows_each_class_in_its_row() -> None:
    pictures = np.full((30, 3, 20, 20), 255, dtype=np.uint8)
    labels = np.repeat([0, 1, 2], 10)
    for label, colour in enumerate(((200, 0, 0), (0, 200, 0), (0, 0, 200))):
        pictures[labels == label] = np.array(colour, dtype=np.uint8)[:, None, None]
    sheet = np.asarray(contact_sheet(pictures, labels, ClassSet(("a", "long name of a class", "c")), per_class=4))
    assert sheet.shape == (66, 64 + 4 * 22, 3)
    assert sheet[10, 70].tolist() == [200, 0, 0]
    assert sheet[32, 140].tolist() == [0, 200, 0]
    assert sheet[54, 70].tolist() == [0, 0, 200]
    assert (sheet[:, :64] < 128).any()
