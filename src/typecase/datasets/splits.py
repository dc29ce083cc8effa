"""Divides a data set into train, validation and test, the same way on every machine.

Nothing here depends on the order in which a file system or an archive lists its files, on the version of a random
generator, or on how many other pictures there are: a picture's place in the queue is a hash of its own content and
the seed. The test part is taken first, then validation, and the rest trains, so that the test part stays the same
whatever the share of validation is.

Three methods:

- `random`: stratified, each class by itself. Pictures of equal content are tied together and go to one part.
- `group`: whole groups (typefaces, writers) go to one part. Groups that share a picture of equal content are tied
  together. A tie of many groups would fill a part alone, so one that is larger than a quarter of a part trains.
  Where the groups of the test part are given by name they stand as given, and the pictures of other parts that
  equal one of theirs are left out of those parts.
- `journey`: the founding journey's way, kept for its replica only: sorted files, NumPy's shuffle, 30 % off, that
  half and half, duplicates and all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from typecase.errors import DataError, UsageError
from typecase.files import atomic_write

IndexArray: TypeAlias = npt.NDArray[np.int64]
HashArray: TypeAlias = npt.NDArray[np.uint64]
SplitMethod: TypeAlias = Literal["random", "group", "journey"]
Part: TypeAlias = Literal["train", "validation", "test"]

PARTS: tuple[Part, ...] = get_args(Part)
METHODS: tuple[SplitMethod, ...] = get_args(SplitMethod)
FRACTIONS = (0.70, 0.15, 0.15)
"""Shares of train, validation and test unless others are asked for."""

LARGEST_TIE = 4
"""Groups tied by duplicates train when they are more than one in so many of a part: they would be most of it."""

JOURNEY_SHARE = 0.3
"""What the journey keeps from training, for validation and test in equal halves."""


def split_indices(
    labels: Sequence[int] | npt.NDArray[Any],
    groups: Sequence[str],
    contents: Sequence[int] | npt.NDArray[Any],
    by: SplitMethod = "random",
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 42,
    *,
    validation_groups: Collection[str] | None = None,
    test_groups: Collection[str] | None = None,
) -> dict[Part, IndexArray]:
    """Divides samples into three parts.

    Args:
        labels: Class index of each sample, [N].
        groups: Name of what must not be divided, [N]; used by `group` only.
        contents: 64-bit hash of each sample's content, [N]; equal hashes are duplicates. `journey` ignores it.
        by: The method, see the module.
        fractions: Shares of train, validation and test, each in 0..1, together 1. `random` meets them within one
            picture of each class as far as ties allow and never leaves a class without a picture to train with,
            if anything is to train. `group` counts groups.
        seed: Any integer from 0 to 2**32 - 1.
        validation_groups: With `group`: the groups to validate with, instead of drawn ones.
        test_groups: With `group`: the groups to test with, instead of drawn ones.

    Returns:
        Indices of each part, ascending. Together they are all samples, except those that equal a sample of a part
        whose groups were given by name.

    Raises:
        UsageError: The method or a group is unknown, or the fractions or the seed are impossible.
    """
    label_array = np.asarray(labels, dtype=np.int64)
    content_array = np.asarray(contents, dtype=np.uint64)
    check_fractions(fractions)
    if not 0 <= seed < 2**32:
        raise UsageError(f"The seed of a split is a whole number from 0 to {2**32 - 1}, not {seed}.")
    if by != "group" and (validation_groups is not None or test_groups is not None):
        raise UsageError(f"Groups to hold back can be named only when splitting by group, not by {by}.")
    if by == "journey":
        return _journey(len(label_array), seed)
    if by == "random":
        return _random(label_array, content_array, fractions, seed)
    if by == "group":
        return _by_group(groups, content_array, fractions, seed, validation_groups, test_groups)
    raise UsageError(f"{by!r} is not a way to split; choose {', '.join(METHODS[:-1])} or {METHODS[-1]}.")


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuses shares that do not make a whole.

    Raises:
        UsageError: They are not three numbers in 0..1 that add up to 1.
    """
    good = len(fractions) == len(PARTS) and all(0.0 <= share <= 1.0 for share in fractions)
    if not good or abs(sum(fractions) - 1.0) > 1e-6:
        raise UsageError(
            f"The shares of train, validation and test are three numbers from 0 to 1 that add up to 1, "
            f"not {', '.join(map(str, fractions))}."
        )


def _journey(count: int, seed: int) -> dict[Part, IndexArray]:
    order = np.arange(count, dtype=np.int64)
    # RandomState's stream is frozen by NumPy's policy, and is what np.random.seed and np.random.shuffle use.
    np.random.RandomState(seed).shuffle(order)
    off = int(JOURNEY_SHARE * count)
    return {
        "train": np.sort(order[off:]),
        "validation": np.sort(order[: off // 2]),
        "test": np.sort(order[off // 2 : off]),
    }


def _random(
    labels: IndexArray, contents: HashArray, fractions: tuple[float, float, float], seed: int
) -> dict[Part, IndexArray]:
    samples_of_class = np.bincount(labels, minlength=1)
    rest = _part_of_the_rest(fractions)
    unique, cluster_of = np.unique(contents, return_inverse=True)
    by_cluster = np.argsort(cluster_of, kind="stable")
    ends = np.searchsorted(cluster_of[by_cluster], np.arange(len(unique) + 1))
    queue = [
        by_cluster[ends[cluster] : ends[cluster + 1]] for cluster in np.argsort(_mixed(unique, seed), kind="stable")
    ]
    part_of = np.full(len(labels), rest, dtype=np.int8)
    # A class of one picture is learnt rather than measured: without one to train with, a figure would say nothing.
    spare = np.maximum(samples_of_class - 1, 0)
    for part in (2, 1):
        if part <= rest:
            continue
        quota = np.minimum(np.floor(fractions[part] * samples_of_class + 0.5).astype(np.int64), spare)
        spare -= quota
        left: list[IndexArray] = []
        for members in queue:
            if len(members) == 1:
                label = labels[members[0]]
                fits = bool(quota[label] > 0)
                quota[label] -= fits
            else:
                needed = np.bincount(labels[members], minlength=len(quota))
                fits = bool((needed <= quota).all())
                quota -= needed * fits
            if fits:
                part_of[members] = part
            else:
                left.append(members)
        queue = left
    return _indices_by_part(part_of)


def _by_group(
    groups: Sequence[str],
    contents: HashArray,
    fractions: tuple[float, float, float],
    seed: int,
    validation_groups: Collection[str] | None,
    test_groups: Collection[str] | None,
) -> dict[Part, IndexArray]:
    names, group_of = np.unique(np.asarray(list(groups), dtype=np.str_), return_inverse=True)
    named = _named_groups(names, {1: validation_groups, 2: test_groups})
    rest = _part_of_the_rest(fractions, without=named)
    part_of_group = np.full(len(names), rest, dtype=np.int8)
    for part, members in named.items():
        part_of_group[members] = part

    taken = {group for members in named.values() for group in members}
    keys = _mixed(np.array([_hash64(str(name)) for name in names], dtype=np.uint64), seed)
    ties = ([group for group in tie if group not in taken] for tie in _tied(group_of, contents, len(names)))
    queue = sorted((tie for tie in ties if tie), key=lambda tie: int(keys[tie].min()))
    spare = max(0, sum(map(len, queue)) - 1)
    for part in (2, 1):
        if part in named or part <= rest:
            continue
        quota = min(int(fractions[part] * len(names) + 0.5), spare)
        spare -= quota
        largest = max(1, quota // LARGEST_TIE)
        left: list[list[int]] = []
        for tie in queue:
            if len(tie) <= min(quota, largest):
                part_of_group[tie] = part
                quota -= len(tie)
            else:
                left.append(tie)
        queue = left

    part_of = part_of_group[group_of]
    kept = np.ones(len(part_of), dtype=bool)
    for part in sorted(named, reverse=True):
        # The named part is complete by definition, so the copies give way, not the pictures that it is made of.
        complete = np.isin(part_of, [other for other in named if other >= part])
        kept &= complete | ~np.isin(contents, contents[part_of == part])
    return _indices_by_part(np.where(kept, part_of, -1))


def _named_groups(names: npt.NDArray[np.str_], wanted: Mapping[int, Collection[str] | None]) -> dict[int, list[int]]:
    """Group numbers of the parts whose groups are given by name."""
    numbers = {str(name): number for number, name in enumerate(names)}
    named: dict[int, list[int]] = {}
    for part, part_names in wanted.items():
        for name in part_names or ():
            if name not in numbers:
                some = ", ".join(sorted(numbers, key=_number_first)[:5])
                raise UsageError(f"The data has no group {name!r} to hold back; its {len(numbers)} begin with {some}.")
            if any(numbers[name] in members for members in named.values()):
                raise UsageError(f"Group {name!r} is named twice among those to hold back; name it once.")
            named.setdefault(part, []).append(numbers[name])
    return named


def _part_of_the_rest(fractions: tuple[float, float, float], without: Collection[int] = ()) -> int:
    """The first part that gets anything: it takes what the shares of the parts after it leave."""
    return next((part for part, share in enumerate(fractions) if share > 0 and part not in without), 0)


def _indices_by_part(part_of: npt.NDArray[Any]) -> dict[Part, IndexArray]:
    return {name: np.flatnonzero(part_of == number).astype(np.int64) for number, name in enumerate(PARTS)}


def _tied(group_of: npt.NDArray[Any], contents: HashArray, count: int) -> list[list[int]]:
    """Groups that share a content, directly or through others, as lists of group numbers."""
    parent = list(range(count))

    def root(group: int) -> int:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    order = np.argsort(contents, kind="stable")
    same = np.flatnonzero(contents[order][1:] == contents[order][:-1])
    for first, second in zip(group_of[order[same]].tolist(), group_of[order[same + 1]].tolist(), strict=True):
        parent[root(first)] = root(second)
    ties: dict[int, list[int]] = {}
    for group in range(count):
        ties.setdefault(root(group), []).append(group)
    return list(ties.values())


def _mixed(values: HashArray, seed: int) -> HashArray:
    """Stirs a seed into hashes: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), one to one."""

    def stir(numbers: HashArray) -> HashArray:
        numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return numbers ^ (numbers >> np.uint64(31))

    return stir(values ^ stir(np.array([seed], dtype=np.uint64)))


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class SplitRecord:
    """How a data set was divided and into what, to be kept beside a model.

    Attributes:
        dataset: Name of the data set.
        method: `random`, `group` or `journey`.
        seed: Of the draw.
        fractions: Asked shares of train, validation and test.
        duplicates: What made two pictures equal: `pixels` or `files`.
        counts: Pictures of each part.
        left_out: Pictures in no part, because they equal one of a part that was given by name.
        sha256: Of each part's names, sorted and joined by line feeds, UTF-8, in hexadecimal.
        groups: With `group`: the groups of validation and of test, sorted.
    """

    dataset: str
    method: SplitMethod
    seed: int
    fractions: tuple[float, float, float]
    duplicates: str
    counts: dict[str, int]
    left_out: int
    sha256: dict[str, str]
    groups: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        parts: Mapping[Part, IndexArray],
        names: Sequence[str],
        groups: Sequence[str],
        *,
        dataset: str,
        method: SplitMethod,
        seed: int,
        fractions: tuple[float, float, float],
        duplicates: str,
    ) -> SplitRecord:
        """Records the parts that `split_indices` gave for samples of these names and groups."""
        held_back: dict[str, list[str]] = {}
        if method == "group":
            held_back = {part: sorted({groups[i] for i in parts[part]}, key=_number_first) for part in PARTS[1:]}
        return cls(
            dataset=dataset,
            method=method,
            seed=seed,
            fractions=fractions,
            duplicates=duplicates,
            counts={part: len(parts[part]) for part in PARTS},
            left_out=len(names) - sum(len(parts[part]) for part in PARTS),
            sha256={part: names_sha256(names[i] for i in parts[part]) for part in PARTS},
            groups=held_back,
        )

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, for a model's metadata."""
        return {**asdict(self), "fractions": list(self.fractions)}

    def to_json(self) -> str:
        """The record as JSON text, keys in the order of the attributes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the record of a split") -> SplitRecord:
        """Brings a record back.

        Raises:
            DataError: The text is not such a record.
        """
        try:
            values = json.loads(text)
            values["fractions"] = cast(tuple[float, float, float], tuple(values["fractions"]))
            record = cls(**values)
            if record.method not in METHODS or set(record.counts) != set(PARTS) or set(record.sha256) != set(PARTS):
                raise ValueError("its parts are incomplete")
            return record
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{where} is not the record of a split ({error}); write it again by training anew."
            ) from None

    def save(self, path: Path) -> None:
        """Writes the record as JSON.

        Raises:
            OutputError: The file cannot be written.
        """
        with atomic_write(path) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> SplitRecord:
        """Reads a record that `save` wrote.

        Raises:
            DataError: The file is missing or not such a record.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise DataError(f"{path} cannot be read as the record of a split; check the path.") from None
        return cls.from_json(text, str(path))

    def check(self, other: SplitRecord) -> None:
        """Makes sure that another split holds the same pictures in every part.

        Raises:
            DataError: It does not, so figures of the two cannot be compared.
        """
        different = [part for part in PARTS if self.sha256[part] != other.sha256[part]]
        if different:
            raise DataError(
                f"The split of {other.dataset} differs from the recorded one in {' and '.join(different)}; "
                "use the same data, method, seed and shares as the record."
            )


def names_sha256(names: Any) -> str:
    """SHA-256 of names, sorted by code point and joined by line feeds, in hexadecimal."""
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()


def _number_first(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
