"""What the paths of each data set say, and what a source is taken for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dataset_fixtures import fnt, png, write_folder, write_tar, write_zip
from typecase.charset import CHARACTERS
from typecase.datasets import decoded
from typecase.datasets.layouts import (
    LAYOUTS,
    FntLayout,
    FolderLayout,
    HndLayout,
    HndPicturesLayout,
    ImgLayout,
    LettersLayout,
    Place,
    detect,
    layout_for,
    split_kind,
)
from typecase.errors import DataError, UsageError
from typecase.preprocess import CharacterPreprocess

PREPROCESS = CharacterPreprocess(size=16)

STROKES = {
    "A": [[[[300, 400], [350, 200], [400, 400]], [[320, 320], [380, 320]]], [[[310, 410], [360, 210], [410, 410]]]],
    "c": [[[[400, 300], [350, 320], [400, 360]]], [[[410, 300], [360, 320], [410, 360]]]],
}


def strokes_file(folder: Path, forms: object = STROKES) -> Path:
    path = folder / "EnglishHnd-strokes.json"
    path.write_text(json.dumps(forms))
    return path


def test_places_of_chars74k() -> None:
    place = FntLayout().place
    assert place("English/Fnt/Sample001/img001-00001.png") == Place("Sample001/img001-00001.png", 0, "0")
    assert place("Sample037/img037-00004.png") == Place("Sample037/img037-00004.png", 36, "0")
    assert place("Fnt/Sample062/img062-01016.png") == Place("Sample062/img062-01016.png", 61, "253")
    assert CHARACTERS.names[36] == "a"
    for name in ("Sample063/img063-00001.png", "Sample000/img000-00001.png", "Fnt/README", "Sample001/img001-001.png"):
        assert place(name) is None
    place = ImgLayout().place
    for quality in ("GoodImg", "BadImag"):
        name = f"{quality}/Sample011/img011-00009.png"
        assert place(f"English/Img/{quality}/Bmp/Sample011/img011-00009.png") == Place(name, 10, name)
        assert place(f"English/Img/{quality}/Msk/Sample011/img011-00009.png") is None
    name = "Sample011/img011-00009.png"
    assert place(f"English/Img/{name}") == Place(name, 10, name)
    place = HndPicturesLayout().place
    assert place("English/Hnd/Img/Sample001/img001-055.png") == Place("Sample001/img001-055.png", 0, "55")
    assert place("English/Hnd/Trj/Sample001/img001_001.m") is None


def test_places_of_the_letters() -> None:
    place = LettersLayout().place
    assert place("PNG/CAP_A_0.png") == Place("CAP_A_0.png", CHARACTERS.index("A"), "CAP_A_0.png")
    assert place("SMALL_a_99.PNG") == Place("SMALL_a_99.PNG", CHARACTERS.index("a"), "SMALL_a_99.PNG")
    assert place("x/DIGIT_7_3.png") == Place("DIGIT_7_3.png", 7, "DIGIT_7_3.png")
    assert place("CAP_a_0.png") is None
    assert place("LICENSE") is None


def test_kinds_are_found_out(tmp_path: Path) -> None:
    assert detect(write_tar(tmp_path / "a.tgz", fnt(count=2))) == "fnt"
    assert detect(write_folder(tmp_path / "a", fnt(count=2))) == "fnt"
    assert detect(tmp_path / "a" / "English" / "Fnt") == "fnt"
    good = {"English/Img/GoodImg/Bmp/Sample001/img001-00009.png": png(1)}
    assert detect(write_zip(tmp_path / "b", good)) == "img"
    assert detect(write_tar(tmp_path / "c.tgz", {"English/Img/Sample001/img001-00009.png": png(1)})) == "img"
    assert detect(write_tar(tmp_path / "d.tgz", {"English/Hnd/Img/Sample001/img001-001.png": png(1)})) == "hnd-pictures"
    assert detect(strokes_file(tmp_path)) == "hnd"
    assert detect(write_tar(tmp_path / "e.tgz", {"LICENSE": b"MIT", "PNG/CAP_A_0.png": png(1)})) == "letters"
    assert detect(write_folder(tmp_path / "f", {"cat/1.jpg": b"", "dog/1.jpg": b""})) == "folder"


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    bare = {"Sample001/img001-00001.png": png(1)}
    with pytest.raises(DataError, match="EnglishFnt or EnglishImg"):
        detect(write_tar(tmp_path / "data.tgz", bare))
    assert detect(write_tar(tmp_path / "EnglishFnt.tgz", {f"Fnt/{name}": data for name, data in bare.items()})) == "fnt"
    with pytest.raises(DataError, match="no data set of a known kind"):
        detect(write_folder(tmp_path / "texts", {"a.txt": b"1"}))
    with pytest.raises(DataError, match="holds no file"):
        detect(write_tar(tmp_path / "empty.tgz", {}))
    with pytest.raises(DataError, match="does not exist"):
        detect(tmp_path / "nothing")


def test_layouts_by_name(tmp_path: Path) -> None:
    assert split_kind("fnt:some/where") == ("fnt", Path("some/where"))
    assert split_kind("C:/data") == ("auto", Path("C:/data"))
    assert split_kind("some/where") == ("auto", Path("some/where"))
    assert layout_for("auto", strokes_file(tmp_path)) == HndLayout()
    assert layout_for("hnd", strokes_file(tmp_path), variants=3) == HndLayout(variants=3)
    assert isinstance(layout_for("hnd", tmp_path), HndPicturesLayout)
    with pytest.raises(UsageError, match="did you mean 'letters'"):
        layout_for("leters", tmp_path)
    with pytest.raises(UsageError, match="no option 'variants'"):
        layout_for("fnt", tmp_path, variants=3)
    with pytest.raises(UsageError, match=r"1 to 1,000 variants"):
        HndLayout(variants=0)
    assert list(LAYOUTS)[-1] == "folder"


def test_names_do_not_depend_on_the_packing(tmp_path: Path) -> None:
    files = fnt(count=3)
    inner = {name.removeprefix("English/"): data for name, data in files.items()}
    sets = [
        decoded.decode(FntLayout(), path, PREPROCESS)
        for path in (
            write_tar(tmp_path / "a.tgz", dict(reversed(files.items()))),
            write_zip(tmp_path / "b.zip", inner),
            write_folder(tmp_path / "c", files),
        )
    ]
    for other in sets[1:]:
        assert other.names == sets[0].names
        assert np.array_equal(other.pictures, sets[0].pictures)
        assert np.array_equal(other.labels, sets[0].labels)
    assert sets[0].names[0] == "Sample001/img001-00001.png"


def test_class_folder_names_and_lists(tmp_path: Path) -> None:
    def classes(files: dict[str, bytes], name: str) -> tuple[str, ...]:
        return decoded.decode(FolderLayout(), write_zip(tmp_path / name, files), PREPROCESS).classes.names

    files = {"my/data/b/1.png": png(1), "my/data/a/2.png": png(2), "my/data/c/deep/3.PNG": png(3), "my/x.txt": b""}
    assert classes(files, "plain") == ("a", "b", "c")
    assert classes({**files, "my/data/classes.txt": b"c\r\na\tAlpha\n\n"}, "listed") == ("c", "Alpha")
    found = decoded.decode(FolderLayout(), tmp_path / "listed", PREPROCESS)
    assert found.names == ("a/2.png", "c/deep/3.PNG")
    assert found.labels.tolist() == [1, 0]


def test_bad_lists_of_classes(tmp_path: Path) -> None:
    def refused(text: bytes, match: str) -> None:
        path = write_folder(tmp_path / "data", {"apple/1.png": png(1), "pear/1.png": png(2), "classes.txt": text})
        with pytest.raises(DataError, match=match):
            FolderLayout().read(path)

    refused(
        b"apple\npaer\n", "Line 2 of classes.txt .* 'paer', which holds no picture; the nearest that does is 'pear'"
    )
    refused(b"apple\napple\n", "a second time")
    refused(b"apple\tx\npear\tx\n", "Class names must be unique")
    refused(b"\n", "names no class")
    refused(b"\xff\xfe\x00", "not UTF-8")


def test_nothing_of_the_kind(tmp_path: Path) -> None:
    for layout in (FntLayout(), FolderLayout(), LettersLayout()):
        for path in (write_folder(tmp_path / "texts", {"a.txt": b"1"}), write_tar(tmp_path / "empty.tgz", {})):
            with pytest.raises(DataError, match=f"no picture of {layout.title}"):
                decoded.decode(layout, path, PREPROCESS)
    (tmp_path / "hollow").mkdir()
    with pytest.raises(DataError, match="no picture of Class folders"):
        decoded.decode(FolderLayout(), tmp_path / "hollow", PREPROCESS)


def test_strokes_are_drawn_where_they_were_written(tmp_path: Path) -> None:
    found = decoded.decode(HndLayout(), strokes_file(tmp_path), CharacterPreprocess())
    assert found.names == ("A/000", "A/001", "c/000", "c/001")
    assert found.groups == ("0", "1", "0", "1")
    ink = [np.argwhere(picture[0] < 128) for picture in found.pictures]
    heights = [np.ptp(points[:, 0]) + 1 for points in ink]
    # 200 and 60 units of a window of 480 on 48 pixels, and the pen.
    assert 20 <= heights[0] <= 25
    assert 6 <= heights[2] <= 11
    # 80 is the top of the window: the form's top lies at 200, 12 pixels below, its middle in the middle.
    assert abs(ink[0][:, 0].min() - 12) <= 2
    assert abs(ink[0][:, 1].mean() - 23.5) <= 2


def test_form_larger_than_the_window_is_whole(tmp_path: Path) -> None:
    forms = {"A": [[[[0, 0], [900, 600]]], [[[300, 10], [320, 20]]], [[[300, 590], [320, 595]]]]}
    found = decoded.decode(HndLayout(), strokes_file(tmp_path, forms), CharacterPreprocess())
    for picture in found.pictures:
        frame = np.concatenate([picture[0, 0], picture[0, -1], picture[0, :, 0], picture[0, :, -1]])
        assert frame.min() > 120
        assert picture.min() < 128


def test_variants_have_other_pens_and_come_back_the_same(tmp_path: Path) -> None:
    path = strokes_file(tmp_path)
    layout = HndLayout(variants=4)
    found = decoded.decode(layout, path, PREPROCESS)
    again = decoded.decode(layout, path, PREPROCESS)
    assert np.array_equal(found.pictures, again.pictures)
    assert found.names[:4] == ("A/000", "A/000#1", "A/000#2", "A/000#3")
    assert len({picture.tobytes() for picture in found.pictures[:4]}) == 4
    assert len(set(found.pixel_hashes[:4].tolist())) == 1
    once = decoded.decode(HndLayout(), path, PREPROCESS)
    assert np.array_equal(once.pictures, found.pictures[found.variants == 0])
    bent = decoded.decode(HndLayout(variants=4, bend=True), path, PREPROCESS)
    assert np.array_equal(bent.pictures[0], found.pictures[0])
    assert not np.array_equal(bent.pictures[1], found.pictures[1])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "truncated or no JSON"),
        ('{"A": [[[[1, 2], [3', "truncated or no JSON"),
        ("[]", "no pen strokes"),
        ("{}", "no pen strokes"),
        ('{"AB": []}', "an entry 'AB'"),
        ('{"A": 5}', "an entry 'A'"),
    ],
)
def test_bad_strokes_are_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "strokes.json").write_text(text)
    with pytest.raises(DataError, match=match):
        decoded.decode(HndLayout(), tmp_path / "strokes.json", PREPROCESS)


def test_bad_form_is_named_and_skipped(tmp_path: Path) -> None:
    path = strokes_file(tmp_path, {"A": [*STROKES["A"], [], [[["x", 1]]], 7]})
    found = decoded.decode(HndLayout(), path, PREPROCESS)
    assert found.names == ("A/000", "A/001")
    assert [name for name, _ in found.skipped] == ["A/002", "A/003", "A/004"]


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    files = fnt(count=2)
    copied = {**files, **{f"copy/{name}": data for name, data in files.items()}}
    with pytest.raises(DataError, match=r"two pictures named Sample001/img001-00001\.png"):
        decoded.decode(FntLayout(), write_tar(tmp_path / "EnglishFnt.tgz", copied), PREPROCESS)
