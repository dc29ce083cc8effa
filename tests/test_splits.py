"""Splits: what must hold for any data at all, and the same result on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.datasets.splits import PARTS, IndexArray, Part, SplitRecord, split_indices
from typecase.errors import DataError, OutputError, UsageError

RANDOM_TEST = [0, 4, 7, 13]
RANDOM_VALIDATION = [2, 11, 16, 19]
GROUP_TEST = [10, 11, 18, 19]

Parts: TypeAlias = dict[Part, IndexArray]

SEEDS = st.integers(0, 2**32 - 1)
FRACTIONS = st.sampled_from([(0.7, 0.15, 0.15), (0.7, 0.1, 0.2), (0.8, 0.0, 0.2), (0.5, 0.5, 0.0), (0.2, 0.4, 0.4)])


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[int], list[str], list[int]]:
    """Labels, groups and contents of anything from nothing to many, with duplicates within and across classes."""
    rows = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 60)), max_size=120))
    return [row[0] for row in rows], [str(row[1]) for row in rows], [row[2] for row in rows]


def check_disjoint_and_complete(parts: Parts, count: int) -> None:
    together = np.concatenate([parts[part] for part in PARTS])
    assert sorted(together.tolist()) == list(range(count))


def check_no_content_twice(parts: Parts, contents: list[int]) -> None:
    seen = [{contents[i] for i in parts[part]} for part in PARTS]
    assert len({contents[i] for part in PARTS for i in parts[part]}) == sum(map(len, seen))


@given(samples(), FRACTIONS, SEEDS)
def test_random_split_of_anything(data: tuple[list[int], list[str], list[int]], fractions, seed: int) -> None:  # type: ignore[no-untyped-def]
    labels, groups, contents = data
    parts = split_indices(labels, groups, contents, "random", fractions, seed)
    check_disjoint_and_complete(parts, len(labels))
    check_no_content_twice(parts, contents)
    again = split_indices(labels, groups, contents, "random", fractions, seed)
    assert all(np.array_equal(parts[part], again[part]) for part in PARTS)
    for label in set(labels):
        count = labels.count(label)
        for part, share in zip(PARTS[1:], fractions[1:], strict=True):
            assert sum(labels[i] == label for i in parts[part]) <= share * count + 0.5


@given(samples(), FRACTIONS, SEEDS)
def test_group_split_of_anything(data: tuple[list[int], list[str], list[int]], fractions, seed: int) -> None:  # type: ignore[no-untyped-def]
    labels, groups, contents = data
    parts = split_indices(labels, groups, contents, "group", fractions, seed)
    check_disjoint_and_complete(parts, len(labels))
    check_no_content_twice(parts, contents)
    of_part = [{groups[i] for i in parts[part]} for part in PARTS]
    assert sum(map(len, of_part)) == len(set(groups))
    assert not labels or of_part[0]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), FRACTIONS, SEEDS)
def test_classes_keep_their_proportions_within_one_picture(labels: list[int], fractions, seed: int) -> None:  # type: ignore[no-untyped-def]
    parts = split_indices(labels, [""] * len(labels), range(len(labels)), "random", fractions, seed)
    for label in set(labels):
        count = labels.count(label)
        in_part = [sum(labels[i] == label for i in parts[part]) for part in PARTS]
        assert in_part[0] >= 1
        assert all(abs(got - share * count) <= 1 for got, share in zip(in_part, fractions, strict=True)) or count < 4


@given(samples(), SEEDS, st.randoms(use_true_random=False))
def test_order_of_the_files_does_not_matter(data: tuple[list[int], list[str], list[int]], seed: int, chance) -> None:  # type: ignore[no-untyped-def]
    labels, groups, contents = data
    order = list(range(len(labels)))
    chance.shuffle(order)
    for by in ("random", "group"):
        parts = split_indices(labels, groups, contents, by, seed=seed)
        shuffled = split_indices(
            [labels[i] for i in order], [groups[i] for i in order], [contents[i] for i in order], by, seed=seed
        )
        for part in PARTS:
            assert sorted(parts[part].tolist()) == sorted(order[i] for i in shuffled[part])


@given(samples(), SEEDS)
def test_the_test_part_stays_whatever_validates(data: tuple[list[int], list[str], list[int]], seed: int) -> None:
    labels, groups, contents = data
    parts = [
        split_indices(labels, groups, contents, "random", fractions, seed)["test"]
        for fractions in ((0.8, 0.0, 0.2), (0.7, 0.1, 0.2), (0.4, 0.4, 0.2), (0.0, 0.8, 0.2))
    ]
    assert all(np.array_equal(parts[0], other) for other in parts[1:])


@given(samples(), SEEDS, st.sets(st.integers(0, 9), max_size=4))
def test_named_groups_are_the_test_part_and_nothing_of_them_trains(
    data: tuple[list[int], list[str], list[int]], seed: int, wanted: set[int]
) -> None:
    labels, groups, contents = data
    named = sorted({str(number) for number in wanted} & set(groups))
    parts = split_indices(labels, groups, contents, "group", seed=seed, test_groups=named)
    if named:
        assert parts["test"].tolist() == [i for i, group in enumerate(groups) if group in named]
    check_no_content_twice(parts, contents)
    left_out = set(range(len(labels))) - {int(i) for part in PARTS for i in parts[part]}
    assert all(contents[i] in {contents[j] for j in parts["test"]} for i in left_out)


def test_named_validation_and_test() -> None:
    groups = [str(i // 3) for i in range(30)]
    parts = split_indices([0] * 30, groups, [*range(27), 0, 3, 29], "group", validation_groups=["1"], test_groups=["0"])
    assert parts["test"].tolist() == [0, 1, 2]
    assert parts["validation"].tolist() == [3, 4, 5]
    assert parts["train"].tolist() == [*range(6, 27), 29]


def test_many_tied_groups_train() -> None:
    # Groups 0 to 7 share one content: alone they would fill a held-back part.
    groups = [str(i) for i in range(40)]
    contents = [0] * 8 + list(range(1, 33))
    for seed in range(20):
        parts = split_indices([0] * 40, groups, contents, "group", (0.6, 0.2, 0.2), seed)
        assert set(range(8)) <= set(parts["train"].tolist())
        assert [len(parts[part]) for part in PARTS] == [24, 8, 8]


def test_fixed_results() -> None:
    """These numbers hold on every machine and with every version of NumPy; a change would orphan recorded splits."""
    labels, groups = [i % 2 for i in range(20)], [str(i // 2) for i in range(20)]
    random = split_indices(labels, groups, range(20), "random", (0.6, 0.2, 0.2), 42)
    assert random["test"].tolist() == RANDOM_TEST
    assert random["validation"].tolist() == RANDOM_VALIDATION
    by_group = split_indices(labels, groups, range(20), "group", (0.6, 0.2, 0.2), 42)
    assert by_group["test"].tolist() == GROUP_TEST
    assert split_indices(labels, groups, range(20), "random", (0.6, 0.2, 0.2), 43)["test"].tolist() != RANDOM_TEST


def test_journey_is_numpys_shuffle() -> None:
    count = 1000
    state = np.random.get_state()
    np.random.seed(42)
    indices = list(range(count))
    np.random.shuffle(indices)
    np.random.set_state(state)
    parts = split_indices([0] * count, [""] * count, [7] * count, "journey")
    assert parts["train"].tolist() == sorted(indices[300:])
    assert parts["validation"].tolist() == sorted(indices[:150])
    assert parts["test"].tolist() == sorted(indices[150:300])


def test_impossible_wishes_are_refused() -> None:
    def split(**wish: object) -> None:
        split_indices([0, 1], ["a", "b"], [1, 2], **wish)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="add up to 1"):
        split(fractions=(0.5, 0.5, 0.5))
    with pytest.raises(UsageError, match="add up to 1"):
        split(fractions=(1.5, -0.5, 0.0))
    with pytest.raises(UsageError, match="not a way to split"):
        split(by="alphabet")
    with pytest.raises(UsageError, match="seed"):
        split(seed=-1)
    with pytest.raises(UsageError, match="only when splitting by group"):
        split(by="random", test_groups=["a"])
    with pytest.raises(UsageError, match="no group 'c'"):
        split(by="group", test_groups=["c"])
    with pytest.raises(UsageError, match="named twice"):
        split(by="group", test_groups=["a"], validation_groups=["a"])


def record() -> SplitRecord:
    names = [f"{i:02}.png" for i in range(20)]
    groups = [str(i // 2) for i in range(20)]
    parts = split_indices([0] * 20, groups, range(20), "group")
    return SplitRecord.of(
        parts, names, groups, dataset="fnt", method="group", seed=42, fractions=(0.7, 0.15, 0.15), duplicates="pixels"
    )


def test_record_comes_back_from_its_file(tmp_path: Path) -> None:
    written = record()
    written.save(tmp_path / "split.json")
    assert SplitRecord.load(tmp_path / "split.json") == written
    assert written.counts == {"train": 12, "validation": 4, "test": 4}
    assert len(written.groups["test"]) == 2
    written.check(SplitRecord.load(tmp_path / "split.json"))


def test_record_that_is_none_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"seed": 1}', record().to_json().replace('"test"', '"exam"')):
        with pytest.raises(DataError, match="not the record of a split"):
            SplitRecord.from_json(text)
    with pytest.raises(DataError, match="check the path"):
        SplitRecord.load(tmp_path / "nothing.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        record().save(tmp_path / "folder")


def test_another_split_is_told_from_the_recorded() -> None:
    names = [f"{i:02}.png" for i in range(20)]
    parts = split_indices([0] * 20, names, range(20), "random", seed=43)
    other = SplitRecord.of(
        parts, names, names, dataset="fnt", method="random", seed=43, fractions=(0.7, 0.15, 0.15), duplicates="pixels"
    )
    with pytest.raises(DataError, match="differs from the recorded one in"):
        record().check(other)
