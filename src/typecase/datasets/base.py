"""Data sets of single characters in the conventions of torch and torchvision.

    from typecase.datasets import EnglishFnt

    train = EnglishFnt("EnglishFnt.tgz", split="train", split_by="group")
    picture, target = train[0]          # float tensor [1, 48, 48] in [-1, 1], class index

A trainer that wants whole batches takes them from `pictures` and `targets` at once, which is many times faster than
one by one. What a data set needs of the disk is in `typecase.datasets.decoded` and `layouts`, without PyTorch.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from typecase.charset import ClassSet
from typecase.datasets import decoded, layouts
from typecase.datasets.decoded import DecodedSet, Progress, Skipped
from typecase.datasets.splits import FRACTIONS, PARTS, Part, SplitMethod, SplitRecord, split_indices
from typecase.errors import DataError, UsageError
from typecase.preprocess import CharacterPreprocess, PixelArray

Duplicates: TypeAlias = Literal["pixels", "files"]


class CharacterDataset(Dataset[tuple[Any, Any]]):
    """Pictures of single characters, decoded once, divided reproducibly.

    Attributes:
        root: The archive, folder or file that was read.
        classes: The classes that `targets` count.
        transform: Called with each float tensor [C, size, size] by `__getitem__`.
        target_transform: Called with each class index by `__getitem__`.
        preprocess: How pictures came to the canvas.
        split: The part, or None for everything.
        skipped: Pictures of the whole data set that could not be read.
        split_record: How the whole was divided; None when `split` is None.
        kind: Short name of what was found, a key of `layouts.LAYOUTS`.
        title: Its full name.
        licence: Its terms, as its makers state them.
    """

    kind: str = "auto"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: Part | None = "train",
        transform: Callable[[torch.Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        *,
        preprocess: CharacterPreprocess | None = None,
        split_by: SplitMethod = "random",
        fractions: Sequence[float] = FRACTIONS,
        seed: int = 42,
        validation_groups: Collection[str | int] | None = None,
        test_groups: Collection[str | int] | None = None,
        duplicates: Duplicates = "pixels",
        max_bad: float = decoded.MAX_BAD,
        cache: bool = True,
        progress: Progress | None = None,
        download: bool = False,
        **options: Any,
    ) -> None:
        """Reads and divides a data set.

        Args:
            root: An archive, a folder, or a folder that holds the archive.
            split: `train`, `validation` or `test`; None for all pictures.
            transform: Applied to each picture by `__getitem__`, as in torchvision.
            target_transform: Applied to each class index by `__getitem__`.
            preprocess: How pictures are prepared; None takes `CharacterPreprocess()`.
            split_by: `random`, `group` or `journey`; see `typecase.datasets.splits`.
            fractions: Shares of train, validation and test.
            seed: Of the division.
            validation_groups: With `group`: the groups to validate with, by name.
            test_groups: With `group`: the groups to test with, by name.
            duplicates: Pictures are equal that have the same `pixels`, or only those whose `files` are the same.
            max_bad: Share of pictures that may be unreadable, 0..1.
            cache: Whether decoded pictures are kept in the cache folder.
            progress: Told while decoding how many pictures are done.
            download: Fetch the original into the folder `root` first, unless it is there.
            options: The kind's own options, such as `variants` of pen strokes.

        Raises:
            DataError: The data is missing, damaged, unsafe, or of another kind.
            UsageError: An argument is impossible.
            NetworkError: The download failed.
        """
        if split is not None and split not in PARTS:
            raise UsageError(f"{split!r} is no part of a data set; choose {', '.join(PARTS)}, or None for all of it.")
        if not 0 <= max_bad <= 1:
            raise UsageError(f"The share of unreadable pictures is from 0 to 1, not {max_bad}.")
        if duplicates not in ("pixels", "files"):
            raise UsageError(f"Duplicates are told by 'pixels' or 'files', not by {duplicates!r}.")
        self.root = Path(root)
        if download:
            from typecase.datasets.download import download as fetch

            fetch(self.kind, self.root)
        self.root = layouts.inside(self.kind, self.root)
        layout = layouts.layout_for(self.kind, self.root, **options)
        self.preprocess = preprocess or CharacterPreprocess()
        self.transform, self.target_transform = transform, target_transform
        self.split = split
        whole = decoded.load(layout, self.root, self.preprocess, cache=cache, progress=progress)
        whole.check_bad(max_bad, str(self.root))
        self.kind, self.title, self.licence = layout.kind, layout.title, layout.licence
        self.classes: ClassSet = whole.classes
        self.skipped: tuple[Skipped, ...] = whole.skipped
        self.split_record: SplitRecord | None = None
        self._whole = whole
        if split is None:
            self._indices = np.arange(len(whole), dtype=np.int64)
        else:
            if split_by == "group" and not layout.groups:
                raise UsageError(
                    f"{layout.title} does not tell typefaces or writers apart, so it cannot be split by group; "
                    "split it at random."
                )
            self._indices, self.split_record = _part(
                whole,
                split,
                layout.kind,
                by=split_by,
                fractions=_three(fractions),
                seed=seed,
                validation_groups=_names(validation_groups),
                test_groups=_names(test_groups),
                duplicates=duplicates,
            )
        self._targets: npt.NDArray[np.int64] = whole.labels[self._indices]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Gives one picture, normalised and transformed, and its class index, transformed."""
        target: Any = int(self._targets[index])
        picture: Any = torch.from_numpy(self.preprocess.normalise(self._whole.pictures[self._indices[index]]))
        if self.transform is not None:
            picture = self.transform(picture)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return picture, target

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({str(self.root)!r}, split={self.split!r}): "
            f"{len(self):,} pictures of {len(self.classes)} classes"
        )

    @cached_property
    def pictures(self) -> PixelArray:
        """The part's bytes, [N, C, size, size]; of the whole set, the mapped cache itself."""
        if len(self._indices) == len(self._whole):
            return self._whole.pictures
        return self._whole.pictures[self._indices]

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """Class indices, [N]."""
        return self._targets

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each picture, unique within the data set."""
        return tuple(self._whole.names[i] for i in self._indices)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """What each picture must not be parted from: its typeface, its writer, or itself."""
        return tuple(self._whole.groups[i] for i in self._indices)

    def with_classes(self, classes: ClassSet, missing: Literal["refuse", "leave-out"] = "refuse") -> CharacterDataset:
        """The same pictures with indices into another set of classes, so that several sources share one.

        Args:
            classes: The classes to count by; a class is found again by its name.
            missing: What becomes of pictures whose class is not among them.

        Returns:
            A data set that shares the pictures of this one.

        Raises:
            DataError: A class is missing and may not be left out, or nothing would be left.
        """
        index_of = np.array([classes.index(name) if name in classes else -1 for name in self.classes.names])
        targets = index_of[self._targets]
        kept = targets >= 0
        if missing == "refuse" and not kept.all():
            lost = self.classes.names[self._targets[~kept][0]]
            raise DataError(
                f"{self.root} holds pictures of {lost!r}, which is not one of the {len(classes)} classes; "
                "add the class or leave those pictures out."
            )
        if not kept.any() and len(kept):
            raise DataError(f"{self.root} holds no picture of any of the {len(classes)} classes.")
        other = copy.copy(self)
        for name in ("pictures", "names", "groups"):
            other.__dict__.pop(name, None)
        other.classes = classes
        other._indices, other._targets = self._indices[kept], targets[kept]
        return other


def _part(
    whole: DecodedSet,
    split: Part,
    kind: str,
    *,
    by: SplitMethod,
    fractions: tuple[float, float, float],
    seed: int,
    validation_groups: Collection[str] | None,
    test_groups: Collection[str] | None,
    duplicates: Duplicates,
) -> tuple[npt.NDArray[np.int64], SplitRecord]:
    # Only originals are divided: variants of what trains train too, and what is measured is measured once.
    originals = np.flatnonzero(whole.variants == 0)
    names = [whole.names[i] for i in originals]
    groups = [whole.groups[i] for i in originals]
    parts = split_indices(
        whole.labels[originals],
        groups,
        whole.contents(duplicates)[originals],
        by,
        fractions,
        seed,
        validation_groups=validation_groups,
        test_groups=test_groups,
    )
    record = SplitRecord.of(
        parts, names, groups, dataset=kind, method=by, seed=seed, fractions=fractions, duplicates=duplicates
    )
    indices = originals[parts[split]]
    if split == "train" and len(originals) < len(whole):
        chosen = {names[i] for i in parts["train"]}
        variants = [
            i
            for i in np.flatnonzero(whole.variants).tolist()
            if whole.names[i].removesuffix(f"#{whole.variants[i]}") in chosen
        ]
        indices = np.sort(np.concatenate([indices, np.array(variants, dtype=np.int64)]))
    return indices, record


def _names(groups: Collection[str | int] | None) -> list[str] | None:
    """Group names as text; none at all is as if nothing were named."""
    return [str(group) for group in groups] if groups else None


def _three(fractions: Sequence[float]) -> tuple[float, float, float]:
    if len(fractions) != 3:
        raise UsageError(f"A data set has three parts, train, validation and test, not {len(fractions)}.")
    return (fractions[0], fractions[1], fractions[2])
