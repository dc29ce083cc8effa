from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from conftest import shared_data
from dataset_fixtures import png, write_folder
from typecase.datasets.lines import (
    FunsdLines,
    LineList,
    Piece,
    SroieLines,
    clean_text,
    detect,
    group_words,
    open_lines,
    union_box,
)
from typecase.errors import DataError, InputError, UsageError


def write_labels(folder: Path, rows: list[Any], pictures: int = 3) -> Path:
    write_folder(folder, {f"pictures/{number}.png": png(number, (20, 60)) for number in range(pictures)})
    path = folder / "labels.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def row(number: int = 0, text: str = "text", **more: Any) -> dict[str, Any]:
    return {"image": f"pictures/{number}.png", "text": text, **more}


def test_list_gives_texts_pictures_and_boxes(tmp_path: Path) -> None:
    words = [{"text": "cafe\u0301", "box": [1, 2, 30.5, 4]}]
    path = write_labels(
        tmp_path, [row(0, "cafe\u0301  noir ", words=words, characters=words, meta={"font": "x"}), row(1)]
    )
    first, second = LineList(path)
    assert first.text == "café noir"
    assert first.words == first.characters == (Piece("café", (1, 2, 30.5, 4)),)
    assert (first.name, second.name) == ("pictures/0.png", "pictures/1.png")
    assert second.words == ()
    assert not first.folded
    assert first.load().size == (60, 20)
    assert np.array_equal(np.asarray(second.load()), np.asarray(Image.open(tmp_path / "pictures/1.png")))


def test_list_of_a_folder_holds_those_below_it(tmp_path: Path) -> None:
    for part in ("2", "10"):
        write_labels(tmp_path / part, [row(0, part)])
    found = list(LineList(tmp_path, folded=True))
    assert [sample.text for sample in found] == ["2", "10"]
    assert [sample.name for sample in found] == ["2/pictures/0.png", "10/pictures/0.png"]
    assert all(sample.folded for sample in found)


def test_line_separators_inside_a_text_do_not_end_a_row(tmp_path: Path) -> None:
    path = write_labels(tmp_path, [])
    path.write_bytes(
        json.dumps(row(0, "a\u2028b"), ensure_ascii=False).encode() + b"\r\n\n" + json.dumps(row(1)).encode()
    )
    assert [sample.text for sample in LineList(path)] == ["a b", "text"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "row 2"),
        ('{"text": "x"}', "image"),
        (row(9), "there is no picture pictures/9.png"),
        (row(0, image=""), "there is no picture"),
        ({"image": "pictures/0.png"}, "text"),
        (row(0, words=[{"text": "a", "box": [0, 0, -1, 4]}]), "words"),
        (row(0, characters=[{"text": "a", "box": [0, 0, 1]}]), "characters"),
        ('{"image": "pictures/0.png", "text": "a", "words": [{"text": "a", "box": [0, 0, NaN, 1]}]}', "row 2"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, bad: Any, reason: str) -> None:
    path = write_labels(tmp_path, [row(), bad, row(1)])
    with pytest.raises(DataError, match="1 of 3 rows") as caught:
        LineList(path)
    assert reason in str(caught.value)
    assert f"{path}, row 2" in str(caught.value)
    allowed = LineList(path, max_bad=0.4)
    assert len(allowed) == 2
    assert len(allowed.skipped) == 1


def test_a_damaged_picture_is_told_when_it_is_opened(tmp_path: Path) -> None:
    path = write_labels(tmp_path, [row()])
    (tmp_path / "pictures/0.png").write_bytes(b"no picture")
    (sample,) = LineList(path)
    with pytest.raises(InputError, match=r"0\.png"):
        sample.load()


def test_missing_and_empty_lists(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        LineList(tmp_path / "labels.jsonl")
    with pytest.raises(DataError, match=r"holds no labels\.jsonl"):
        LineList(tmp_path)
    (tmp_path / "labels.jsonl").write_text("\n")
    with pytest.raises(DataError, match="lists no lines"):
        LineList(tmp_path)


def test_identity_follows_content_and_options(tmp_path: Path) -> None:
    path = write_labels(tmp_path, [row()])
    before = LineList(path).identity
    assert LineList(path).identity == before
    assert LineList(path, folded=True).identity != before
    os.utime(tmp_path / "pictures/0.png", (1, 1))
    assert LineList(path).identity != before


def page(width: int = 200, height: int = 100) -> np.ndarray[Any, Any]:
    """A page on which every pixel is different from its neighbours."""
    return (np.arange(height)[:, None] * 3 + np.arange(width)[None] * 5).astype(np.uint8)


def write_receipts(root: Path, rows: dict[str, str]) -> Path:
    for folder in ("img", "box"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, text in rows.items():
        Image.fromarray(page()).save(root / "img" / f"{number}.png")
        (root / "box" / f"{number}.csv").write_text(text, encoding="utf-8")
    return root


BOX = "20,10,80,10,80,30,20,30"


def test_receipts_are_cut_by_their_boxes(tmp_path: Path) -> None:
    root = write_receipts(tmp_path, {"001": f"{BOX},TOTAL, RM  5.00\n\n{BOX},\n{BOX},X\n"})
    source = SroieLines(root)
    first, second = source
    assert (first.text, first.name, first.folded) == ("TOTAL, RM 5.00", "001-001", True)
    assert (second.text, second.name) == ("X", "001-004")
    assert np.array_equal(np.asarray(first.load()), page()[10:30, 20:80])
    assert [skipped.name for skipped in source.skipped] == [f"{root / 'box' / '001.csv'}, row 3"]
    # A second pass must not count what is skipped twice.
    assert len(list(source)) == 2
    assert len(source.skipped) == 1


def test_margins_grow_and_shrink_a_receipts_line(tmp_path: Path) -> None:
    root = write_receipts(tmp_path, {"001": f"{BOX},AB\n0,0,40,0,40,20,0,20,AB\n"})
    wide, corner = (sample.load() for sample in SroieLines(root, margin=0.25))
    assert np.array_equal(np.asarray(wide), page()[5:35, 15:85])
    assert np.array_equal(np.asarray(corner), page()[:25, :45])
    narrow = next(iter(SroieLines(root, margin=-0.1))).load()
    assert np.array_equal(np.asarray(narrow), page()[12:28, 22:78])


def test_a_turned_receipt_line_is_set_upright(tmp_path: Path) -> None:
    root = write_receipts(tmp_path, {"001": "80,10,80,70,60,70,60,10,AB\n"})
    picture = np.asarray(next(iter(SroieLines(root))).load())
    # The line runs from top to bottom, its head to the right.
    assert picture.shape == (20, 60)
    assert np.array_equal(picture, np.rot90(page()[10:70, 60:80]))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("1,2,3\n", "eight numbers"),
        ("a,10,80,10,80,30,20,30,AB\n", "not numbers"),
        ("20,10,20,10,20,30,20,30,AB\n", "empty"),
        ("20,10,24,10,24,40,20,40,7 DAYS WITH RECEIPT\n", "too narrow"),
    ],
)
def test_impossible_receipt_rows_are_skipped(tmp_path: Path, bad: str, reason: str) -> None:
    source = SroieLines(write_receipts(tmp_path, {"001": bad + f"{BOX},AB\n"}))
    assert [sample.text for sample in source] == ["AB"]
    assert reason in source.skipped[0].reason


def test_parts_of_receipts(tmp_path: Path) -> None:
    root = write_receipts(tmp_path, {number: f"{BOX},{number}\n" for number in ("000", "007", "010", "X51")})
    texts = {part: [sample.text for sample in SroieLines(root, part)] for part in ("train", "development", "all")}
    assert texts == {"train": ["007", "X51"], "development": ["000", "010"], "all": ["000", "007", "010", "X51"]}
    with pytest.raises(UsageError, match="'test' is not a part"):
        SroieLines(root, "test")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="margin"):
        SroieLines(root, margin=-0.5)
    with pytest.raises(DataError, match="holds no receipts"):
        SroieLines(tmp_path / "nowhere")


def test_a_box_outside_of_its_page_is_told(tmp_path: Path) -> None:
    root = write_receipts(tmp_path, {"001": "300,10,380,10,380,30,300,30,AB\n"})
    (sample,) = SroieLines(root)
    with pytest.raises(DataError, match="outside"):
        sample.load()


def write_forms(root: Path, entities: list[list[tuple[str, list[int]]]]) -> Path:
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    Image.fromarray(page()).save(root / "images/a.png")
    form = [
        {"id": number, "label": "other", "words": [{"text": text, "box": box} for text, box in words]}
        for number, words in enumerate(entities)
    ]
    (root / "annotations/a.json").write_text(json.dumps({"form": form}), encoding="utf-8")
    return root


def test_forms_give_each_line_of_an_entity(tmp_path: Path) -> None:
    root = write_forms(
        tmp_path,
        [
            # The second line's words come in the wrong order, and an empty word stands between them.
            [
                ("Name", [10, 10, 40, 20]),
                ("of", [45, 12, 55, 21]),
                ("B", [30, 26, 40, 36]),
                ("", [41, 26, 44, 30]),
                ("A", [10, 25, 20, 35]),
            ],
            [("", [0, 0, 5, 5])],
            [("\uf702", [0, 0, 5, 5])],
        ],
    )
    source = FunsdLines(root)
    first, second = source
    assert (first.text, second.text) == ("Name of", "A B")
    assert not first.folded
    assert np.array_equal(np.asarray(first.load()), page()[10:21, 10:55])
    assert first.words == (Piece("Name", (0, 0, 30, 10)), Piece("of", (35, 2, 10, 9)))
    assert (first.name, second.name) == ("a-0-0", "a-0-1")
    assert ["U+F702" in skipped.reason for skipped in source.skipped] == [True]


def test_damaged_forms(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no forms"):
        FunsdLines(tmp_path)
    root = write_forms(tmp_path, [])
    (root / "annotations/a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json cannot be read"):
        list(FunsdLines(root))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.randoms(), st.floats(-0.02, 0.02))
def test_grouping_finds_the_lines_of_a_block(lengths: list[int], random: Any, slope: float) -> None:
    """Words of lines that climb or sink a little come back in reading order, whatever order they came in."""
    lines = [
        [
            Piece(f"{i}-{j}", (j * 50.0, i * 30.0 + slope * j * 50.0 + (j % 2), 45.0, 18.0 + j % 3))
            for j in range(length)
        ]
        for i, length in enumerate(lengths)
    ]
    words = [word for line in lines for word in line]
    random.shuffle(words)
    assert group_words(words) == lines


def test_union_box() -> None:
    assert union_box([(1, 2, 3, 4), (0, 5, 1, 5)]) == (0, 2, 4, 8)


@given(st.text())
def test_clean_text_is_clean(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned == clean_text(cleaned)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned


def test_kinds_are_found_out(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels", [row()])
    receipts = write_receipts(tmp_path / "receipts", {"001": f"{BOX},AB\n"})
    forms = write_forms(tmp_path / "forms", [])
    assert [detect(path) for path in (labels, labels.parent, receipts, forms)] == ["lines", "lines", "sroie", "funsd"]
    assert [sample.text for sample in open_lines(receipts, part="all")] == ["AB"]
    assert [sample.text for sample in open_lines(labels, "lines")] == ["text"]
    with pytest.raises(UsageError, match="'scans' is not a kind"):
        open_lines(labels, "scans")
    with pytest.raises(UsageError, match="no option part"):
        open_lines(labels, part="train")
    with pytest.raises(DataError, match="does not exist"):
        open_lines(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no lines"):
        open_lines(tmp_path / "labels/pictures")


def test_shared_receipts() -> None:
    root = shared_data("sroie")
    development, train = SroieLines(root, "development"), SroieLines(root)
    texts = [sample.text for sample in development]
    assert (len(development), len(texts), development.skipped) == (49, 2681, [])
    assert sum(1 for _ in train) == 23468
    assert len(train.skipped) == 3
    assert not {sample.name[:3] for sample in train} & {sample.name[:3] for sample in development}


def test_shared_forms() -> None:
    source = FunsdLines(shared_data("funsd"))
    samples = list(source)
    assert len(samples) == 8122
    assert len(source.skipped) == 5
    assert len({sample.name for sample in samples}) == len(samples)
