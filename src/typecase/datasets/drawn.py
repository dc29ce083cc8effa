"""Characters drawn from fonts and pen strokes, as a data set: any number, any alphabet the fonts know, no labelling."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from typecase.charset import CHARACTERS, ClassSet
from typecase.datasets.decoded import Progress
from typecase.errors import DataError, UsageError
from typecase.files import atomic_write, cache_folder
from typecase.preprocess import CharacterPreprocess
from typecase.synthesis.batch import Order, Workshop, draw_orders
from typecase.synthesis.fonts import Category, Font, FontCollection
from typecase.synthesis.looks import Look
from typecase.synthesis.strokes import Handwriting, as_points

# Part of the cache's key: raised when anything changes how a picture comes out.
_VERSION = 2

MIX: Mapping[Look | str, float] = {Look.PRINT: 0.25, Look.PHOTO: 0.5, Look.HAND: 0.25}
"""Shares of the looks that `look="mix"` stands for: most where the variety is greatest."""

_CATEGORY_SHARES: Mapping[Look, Mapping[Category, float]] = {
    Look.PRINT: {
        Category.SERIF: 0.34,
        Category.SANS_SERIF: 0.34,
        Category.DISPLAY: 0.17,
        Category.HANDWRITING: 0.09,
        Category.MONOSPACE: 0.06,
    },
    # Signs are mostly set in bold sans serifs.
    Look.PHOTO: {
        Category.SERIF: 0.2,
        Category.SANS_SERIF: 0.44,
        Category.DISPLAY: 0.26,
        Category.HANDWRITING: 0.07,
        Category.MONOSPACE: 0.03,
    },
    Look.HAND: {Category.HANDWRITING: 1.0},
}

_PASSED = {"preprocess", "progress", "cache", "workers"}
_WITHOUT_MEANING = {"split_by", "fractions", "validation_groups", "test_groups", "duplicates", "max_bad"}

_FROM_STROKES = 0.65
"""Share of the handwritten look that is drawn from strokes where there are any for the character."""


class DrawnCharacters(Dataset[tuple[Any, Any]]):
    """Drawn pictures of single characters, balanced over the classes; the same seed gives the same pictures.

    Attributes:
        classes: The class names.
        pictures: uint8 [count, channels, size, size], read only; a memory-mapped file where it is cached.
        targets: int64 [count].
        groups: What must not be split: the font's family, or `writer WRITER` for pen strokes.
        names: One for each picture.
        skipped: Always empty: what cannot be drawn is refused at the start.
    """

    kind: ClassVar[str] = "drawn"
    title: ClassVar[str] = "Drawn characters"
    licence: ClassVar[str] = "the fonts' own (OFL, Apache-2.0, UFL) allow it"
    split_record: ClassVar[None] = None
    split: str | None = None

    def __init__(
        self,
        fonts: FontCollection | str | os.PathLike[str],
        classes: ClassSet = CHARACTERS,
        count: int = 62_000,
        look: Look | str | Mapping[Look | str, float] = "mix",
        seed: int = 42,
        *,
        transform: Callable[[torch.Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        preprocess: CharacterPreprocess | None = None,
        strokes: Sequence[Handwriting] = (),
        cache: bool = True,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Draws the pictures, or finds them in the cache.

        Args:
            fonts: A collection, as it is; or a folder or archive, of which the training families are taken.
            classes: Single characters.
            count: How many pictures in all.
            look: `print`, `photo`, `hand`, `mix`, or shares of the looks.
            seed: Decides every picture.
            transform: Applied to the normalised float tensor [channels, size, size].
            target_transform: Applied to the class index.
            preprocess: The way from picture to net; None for its defaults.
            strokes: Forms of handwriting for the `hand` look; keep writers out of it that are to measure.
            cache: Whether to keep the pictures in the cache folder and to take them from there.
            workers: Processes to draw with; None takes one for each core.
            progress: Told while drawing how many pictures are done.

        Raises:
            UsageError: A class is not a single character, a look is unknown, or the count is not positive.
            DataError: No font draws one of the characters in one of the looks, or the collection is unusable.
        """
        if not isinstance(fonts, FontCollection):
            fonts = FontCollection.open(fonts).training_families()
        self.classes = classes
        self.preprocess = preprocess if preprocess is not None else CharacterPreprocess()
        self.transform = transform
        self.target_transform = target_transform
        self.skipped: tuple[Any, ...] = ()
        shares = _shares(look)
        if count < 1:
            raise UsageError(f"The number of pictures to draw is {count}; give at least 1.")
        unfit = [name for name in classes.names if len(name) != 1]
        if unfit:
            raise UsageError(f"Only single characters can be drawn, and {unfit[0]!r} is none; leave such classes out.")
        orders = _plan(fonts.fonts, strokes, classes, count, shares, seed)
        self.targets = np.array([classes.index(order.character) for order in orders], np.int64)
        self.groups = tuple(
            f"writer {strokes[order.form].writer}" if order.form >= 0 else fonts.fonts[order.font].family
            for order in orders
        )
        self.names = tuple(f"drawn/{order.look.value}/{order.index:07d}" for order in orders)
        workshop = Workshop(fonts.fonts, strokes, self.preprocess, seed)
        self.pictures = _pictures(workshop, orders, _key(workshop, orders), cache, workers, progress)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Gives a picture, normalised and transformed, and its target."""
        tensor = torch.from_numpy(self.preprocess.normalise(self.pictures[index]))
        target = int(self.targets[index])
        return (
            tensor if self.transform is None else self.transform(tensor),
            target if self.target_transform is None else self.target_transform(target),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {len(self):,} pictures of {len(self.classes)} classes"

    def with_classes(self, classes: ClassSet) -> DrawnCharacters:
        """The same pictures with indices into another set of classes, so that several sources share one.

        Raises:
            DataError: A class is missing there.
        """
        missing = [name for name in self.classes.names if name not in classes]
        if missing:
            raise DataError(
                f"Pictures of {missing[0]!r} were drawn, which is not one of the {len(classes)} classes; add the class "
                "or draw without it."
            )
        other = copy.copy(self)
        other.classes = classes
        other.targets = np.array([classes.index(name) for name in self.classes.names], np.int64)[self.targets]
        return other


def _shares(look: Look | str | Mapping[Look | str, float]) -> dict[Look, float]:
    wanted = look if isinstance(look, Mapping) else MIX if look == "mix" else {look: 1.0}
    unknown = [str(name) for name in wanted if name not in set(Look)]
    if unknown:
        raise UsageError(f"There is no look {unknown[0]!r}; choose print, photo, hand or mix.")
    shares = {Look(name): float(share) for name, share in wanted.items() if share > 0}
    if not shares:
        raise UsageError("No look has a share above 0; give at least one of print, photo and hand.")
    return shares


def _plan(
    fonts: Sequence[Font],
    forms: Sequence[Handwriting],
    classes: ClassSet,
    count: int,
    shares: Mapping[Look, float],
    seed: int,
) -> list[Order]:
    """Decides for each picture its class, its look and what draws it.

    Classes are balanced to within one picture. Families are drawn before fonts, so that a family of many weights
    counts no more than one of a single weight.
    """
    generator = np.random.default_rng(seed)
    targets = generator.permutation(np.arange(count) % len(classes))
    looks = list(shares)
    weights = np.array([shares[look] for look in looks])
    chosen = generator.choice(len(looks), count, p=weights / weights.sum())
    written: dict[str, list[int]] = {}
    for number, handwriting in enumerate(forms):
        written.setdefault(handwriting.character, []).append(number)
    orders: dict[int, Order] = {}
    for target, character in enumerate(classes.names):
        for place, look in enumerate(looks):
            indices = np.flatnonzero((targets == target) & (chosen == place))
            by_pen = indices[:0]
            own_forms = written.get(character, []) if look is Look.HAND else []
            families = _families(fonts, character, look)
            if own_forms:
                by_pen = indices if not families else indices[generator.random(len(indices)) < _FROM_STROKES]
            for index in by_pen:
                form = own_forms[int(generator.integers(len(own_forms)))]
                orders[int(index)] = Order(int(index), character, look, form=form)
            rest = np.setdiff1d(indices, by_pen)
            if not len(rest):
                continue
            if not families:
                raise DataError(
                    f"None of the fonts draws {character!r} in the look {look.value!r}; add fonts or leave it out."
                )
            picked = generator.choice(len(families), len(rest), p=_family_weights(fonts, families, look))
            for index, family in zip(rest, picked, strict=True):
                members = families[family]
                font = members[int(generator.integers(len(members)))]
                orders[int(index)] = Order(int(index), character, look, font=font)
    return [orders[index] for index in range(count)]


def _families(fonts: Sequence[Font], character: str, look: Look) -> list[list[int]]:
    """Numbers of the fonts of each family that draw a character so that it can be told."""
    families: dict[str, list[int]] = {}
    for number, font in enumerate(fonts):
        if (
            font.category in _CATEGORY_SHARES[look]
            and character in font.characters
            # Drawn as a capital, a small letter would be a false label; the true look-alikes (c, o, s ...) too.
            and not (font.has_one_case and character in string.ascii_lowercase)
        ):
            families.setdefault(font.family, []).append(number)
    return list(families.values())


def _family_weights(fonts: Sequence[Font], families: Sequence[Sequence[int]], look: Look) -> npt.NDArray[np.float64]:
    categories = [fonts[members[0]].category for members in families]
    shares = _CATEGORY_SHARES[look]
    weights = np.array([shares[category] / categories.count(category) for category in categories])
    return np.asarray(weights / weights.sum(), np.float64)


def _key(workshop: Workshop, orders: Iterable[Order]) -> str:
    """Hash of everything that the pictures follow from."""
    digest = hashlib.sha256(
        json.dumps([_VERSION, workshop.preprocess.to_dict(), workshop.seed], sort_keys=True).encode()
    )
    used = {order.font: None for order in orders if order.font >= 0}
    for number in used:
        font = workshop.fonts[number]
        digest.update(f"\0{number}\0{font.family}/{font.path.name}\0{font.path.stat().st_size}".encode())
    for order in orders:
        digest.update(f"\0{order.index}\0{order.character}\0{order.look.value}\0{order.font}".encode())
        if order.form >= 0:
            for points in as_points(workshop.forms[order.form].strokes):
                digest.update(points.tobytes())
    return digest.hexdigest()[:32]


def _pictures(
    workshop: Workshop,
    orders: Sequence[Order],
    key: str,
    cache: bool,
    workers: int | None,
    progress: Progress | None,
) -> npt.NDArray[np.uint8]:
    shape = (len(orders), workshop.preprocess.channels, workshop.preprocess.size, workshop.preprocess.size)
    path = cache_folder() / "drawn" / f"{key}.npy"
    if not cache:
        return _drawn(workshop, orders, np.empty(shape, np.uint8), workers, progress)
    found = _cached(path, shape)
    if found is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            target = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
            _drawn(workshop, orders, target, workers, progress)
            target.flush()
            del target
        found = _cached(path, shape)
    if found is None:
        raise DataError(f"The drawn pictures in {path} cannot be read back; check the disk, or draw without the cache.")
    return found


def _cached(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    try:
        pictures = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    # A damaged file is drawn again.
    return pictures if pictures.shape == shape and pictures.dtype == np.uint8 else None


def _drawn(
    workshop: Workshop,
    orders: Sequence[Order],
    target: npt.NDArray[np.uint8],
    workers: int | None,
    progress: Progress | None,
) -> npt.NDArray[np.uint8]:
    done = 0
    for indices, canvases in draw_orders(workshop, orders, workers=workers):
        target[indices] = canvases
        done += len(indices)
        if progress is not None:
            progress(done)
    return target


def open_drawn(
    fonts: str | os.PathLike[str],
    split: str | None = "train",
    *,
    seed: int = 42,
    classes: ClassSet = CHARACTERS,
    count: int = 62_000,
    look: str | Mapping[Look | str, float] = "mix",
    **arguments: Any,
) -> DrawnCharacters:
    """Opens drawn characters as `open_dataset` opens every kind: the parts differ in the families they are drawn with.

    Args:
        fonts: A folder or an archive of fonts.
        split: `train` draws with the training families, `test` with those that are never trained on.
        seed: Decides every picture.
        classes: Single characters.
        count: How many pictures in all.
        look: As `DrawnCharacters` takes it.
        arguments: `preprocess` and `progress` as `DrawnCharacters` takes them. What else data sets on disk are
            asked for (how they are divided, how many may be unreadable) has no meaning here.

    Raises:
        UsageError: There is no such part.
        DataError: See `DrawnCharacters`.
    """
    collection = FontCollection.open(fonts)
    if split == "test":
        families = collection.held_back_families()
    elif split == "train":
        families = collection.training_families()
    else:
        raise UsageError("Drawn characters have a part `train` and a part `test` only; judge by real pictures instead.")
    unknown = sorted(set(arguments) - _PASSED - _WITHOUT_MEANING)
    if unknown:
        raise UsageError(f"Drawn characters have no option {unknown[0]!r}; there are count, look, seed and classes.")
    passed = {name: arguments[name] for name in _PASSED if name in arguments}
    drawn = DrawnCharacters(families, classes, count, look, seed, **passed)
    drawn.split = split
    return drawn
