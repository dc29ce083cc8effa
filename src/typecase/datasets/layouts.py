"""How data sets lie on disk: which file is a picture, of which class, and what it must not be parted from.

No PyTorch here; `typecase.datasets.chars74k` and `typecase.datasets.folder` make data sets of these layouts.

Chars74K (T. E. de Campos, B. R. Babu, M. Varma: Character recognition in natural images, VISAPP 2009) numbers its
classes Sample001 to Sample062 in the order of `charset.CHARACTERS_62`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import numpy as np
from PIL import Image

from typecase.charset import CHARACTERS, ClassSet
from typecase.datasets import archives
from typecase.datasets.decoded import Picture
from typecase.errors import DataError, UsageError
from typecase.sources import PICTURE_SUFFIXES, open_picture

MAX_STROKES_BYTES = 1 << 28
"""A file of pen strokes is held in memory whole: 256 MiB."""

# The writing of all 40 forms of each character lies within x 103..656 and y 58..591 of the tablet, 90 % of it within a
# square of this side about this height. A linear test tells the case of cC oO sS vV wW xX zZ pP kK of a writer it has
# not seen in 73 % from the height of the form alone, 74 % from height and width, 78 % when the vertical place comes
# to it, and no better with the horizontal place: so size and height on the tablet are kept, and the form is centred
# from left to right.
TABLET_SIDE = 480.0
TABLET_MIDDLE = 320.0

# Widths of pens in units of the tablet: 0.8 to 3.6 pixels on a canvas of 48.
PEN_WIDTHS = (8.0, 36.0)
_DRAWN_SIDE = 192

# Files looked at to find out what a source holds.
_LOOKED_AT = 300


class Place(NamedTuple):
    """What the path of a picture says.

    Attributes:
        name: The picture's name in the data set, without folders that depend on how it was packed.
        label: Class index.
        group: See `Picture`.
    """

    name: str
    label: int
    group: str


@dataclass(frozen=True)
class Layout(ABC):
    """One kind of data set; the fields of a subclass are its options.

    Attributes:
        kind: Its short name, as in `--data fnt:PATH`.
        title: Its name.
        description: What it holds, in a line.
        example: A path of a picture inside.
        groups: What its groups are, or empty when a picture belongs to none.
        licence: The terms, as its makers state them.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    example: ClassVar[str]
    groups: ClassVar[str] = ""
    licence: ClassVar[str] = "not stated; the set's makers decide"

    def options(self) -> dict[str, Any]:
        """The options as plain JSON values."""
        return asdict(self)

    @abstractmethod
    def read(self, path: Path) -> tuple[ClassSet, Iterator[Picture]]:
        """Opens a data set.

        Args:
            path: Archive, folder or file.

        Returns:
            Its classes and its pictures, in any order, read as they are asked for.

        Raises:
            DataError: The source is missing, damaged, unsafe or not of this kind; also while pictures are read.
        """

    @abstractmethod
    def fits(self, path: Path, names: Sequence[str]) -> bool:
        """Whether a source looks like this kind.

        Args:
            path: The source.
            names: Some of the file names inside; empty for a file that is no archive.
        """

    def nothing_found(self, path: Path) -> str:
        """The sentence for a source without a single picture of this kind."""
        return (
            f"{path} holds no picture of {self.title} (such as {self.example}); "
            "check the path, or name the kind of the data as in --data KIND:PATH (typecase data list)."
        )


class _PlacedLayout(Layout):
    """A layout of picture files whose paths say everything."""

    # What tells this kind from others whose pictures are named alike.
    hint: ClassVar[str]

    @abstractmethod
    def place(self, name: str) -> Place | None:
        """What a path says, or None when it is no picture of this set."""

    def read(self, path: Path) -> tuple[ClassSet, Iterator[Picture]]:
        """See `Layout.read`."""
        return CHARACTERS, _pictures(path, self.place)

    def fits(self, path: Path, names: Sequence[str]) -> bool:
        """See `Layout.fits`."""
        # Someone may point at a folder inside of the data set: its own path then says what the names do not.
        around = "/".join(path.resolve().parts[-3:])
        placed = [name for name in names if self.place(name)]
        return bool(placed) and any(re.search(self.hint, f"{around}/{name}") for name in placed)


def _pictures(path: Path, place: Callable[[str], Place | None]) -> Iterator[Picture]:
    for name, data in archives.members(path, lambda name: place(name) is not None):
        where = place(name)
        assert where is not None
        yield Picture(
            name=where.name,
            label=where.label,
            group=where.group,
            load=partial(open_picture, data, name=where.name),
            content=data,
        )


@dataclass(frozen=True)
class FntLayout(_PlacedLayout):
    """Chars74K EnglishFnt: characters of computer fonts.

    Four styles of one typeface are neighbours, so the typeface of picture n of a class is (n - 1) // 4: 254 in all.
    """

    kind = "fnt"
    title = "Chars74K EnglishFnt"
    description = "62 classes x 1,016 pictures of 254 typefaces in four styles, grey, 128 x 128"
    example = "English/Fnt/Sample001/img001-00001.png"
    groups = "typeface"
    licence = "Chars74K's research terms"
    hint = r"(?:^|/|English)Fnt\b"

    def place(self, name: str) -> Place | None:
        """See `_PlacedLayout.place`."""
        found = _SAMPLE_5.search(name)
        if found is None or not 1 <= int(found["class"]) <= len(CHARACTERS):
            return None
        return Place(found["name"], int(found["class"]) - 1, str((int(found["number"]) - 1) // 4))


@dataclass(frozen=True)
class ImgLayout(_PlacedLayout):
    """Chars74K EnglishImg: characters cut from photos of streets and shops.

    Takes the original's `Img/GoodImg/Bmp` and `Img/BadImag/Bmp`, whose masks (`Msk`) are left out, and the plain
    `Img/Sample001`.
    """

    kind = "img"
    title = "Chars74K EnglishImg"
    description = "62 classes of characters cut from photos, in colour"
    example = "English/Img/GoodImg/Bmp/Sample001/img001-00009.png"
    licence = "Chars74K's research terms"
    hint = r"(?:^|/|English)Img\b|(?:^|/)(?:GoodImg|BadImag)/"

    def place(self, name: str) -> Place | None:
        """See `_PlacedLayout.place`."""
        found = _SAMPLE_5.search(name)
        if found is None or not 1 <= int(found["class"]) <= len(CHARACTERS) or re.search(r"(?:^|/)Msk/", name):
            return None
        # Good and bad pictures of a class are numbered each for themselves.
        quality = re.search(r"(?:^|/)(GoodImg|BadImag)/", name)
        plain = f"{quality[1]}/{found['name']}" if quality else found["name"]
        return Place(plain, int(found["class"]) - 1, plain)


@dataclass(frozen=True)
class HndPicturesLayout(_PlacedLayout):
    """Chars74K EnglishHnd as the original's pictures: 55 people wrote each character once."""

    kind = "hnd-pictures"
    title = "Chars74K EnglishHnd, pictures"
    description = "62 classes x 55 handwritten characters, one of each writer"
    example = "English/Hnd/Img/Sample001/img001-001.png"
    groups = "writer"
    licence = "Chars74K's research terms"
    hint = r""

    def place(self, name: str) -> Place | None:
        """See `_PlacedLayout.place`."""
        found = _SAMPLE_3.search(name)
        if found is None or not 1 <= int(found["class"]) <= len(CHARACTERS):
            return None
        return Place(found["name"], int(found["class"]) - 1, str(int(found["number"])))


_SAMPLE = r"(?:^|/)(?P<name>Sample(?P<class>\d{3})/img\d{3}-(?P<number>\d{%d})\.(?:png|jpg|bmp|PNG|JPG|BMP))$"
_SAMPLE_5 = re.compile(_SAMPLE % 5)
_SAMPLE_3 = re.compile(_SAMPLE % 3)


@dataclass(frozen=True)
class LettersLayout(_PlacedLayout):
    """The 62 x 100 handwritten letters: `PNG/CAP_A_0.png`, `PNG/SMALL_a_0.png`, `PNG/DIGIT_0_0.png`."""

    kind = "letters"
    title = "Handwritten letters 62 x 100"
    description = "62 classes x 100 photographed handwritten characters, grey, about 25 x 30"
    example = "PNG/CAP_A_0.png"
    licence = "MIT"
    hint = r""

    def place(self, name: str) -> Place | None:
        """See `_PlacedLayout.place`."""
        found = re.search(r"(?:^|/)((CAP_[A-Z]|SMALL_[a-z]|DIGIT_[0-9])_\d+\.(?i:png))$", name)
        if found is None:
            return None
        return Place(found[1], CHARACTERS.index(found[2][-1]), found[1])


@dataclass(frozen=True)
class HndLayout(Layout):
    """Chars74K EnglishHnd as pen strokes in a JSON file, drawn here with pens of varying width.

    The file maps each character to its forms; form k of every character is taken to be writer k's, a form is a list
    of strokes, and a stroke a list of points [x, y], y downwards, on a tablet of about 900 x 600.

    Size and vertical place on the tablet are kept (see `TABLET_SIDE`); a form that would leave the window moves it.

    Attributes:
        variants: How many drawings of each form there are. The first is the form as written; each has a pen width
            of its own, drawn log-uniformly from `PEN_WIDTHS` by writer, variant and seed.
        bend: Whether the further drawings are also bent into another writer's (`synthesis.strokes.vary_strokes`).
        pen_seed: Of the pens and the bending.
    """

    kind = "hnd"
    title = "Chars74K EnglishHnd, strokes"
    description = "62 classes x 40 handwritten characters as pen strokes, one of each writer, drawn with varying pens"
    example = '{"A": [[[[481, 117], [422, 104]]]]}'
    groups = "writer"
    licence = "CC0 for the file, Chars74K's research terms for the data"

    variants: int = 1
    bend: bool = False
    pen_seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.variants <= 1000:
            raise UsageError(f"A form can have 1 to 1,000 variants, not {self.variants}.")

    def read(self, path: Path) -> tuple[ClassSet, Iterator[Picture]]:
        """See `Layout.read`."""
        return CHARACTERS, self._pictures(_read_strokes(path))

    def _pictures(self, forms: dict[str, list[Any]]) -> Iterator[Picture]:
        for character, label in ((name, CHARACTERS.index(name)) for name in sorted(forms)):
            for writer, form in enumerate(forms[character]):
                content = json.dumps(form).encode()
                for variant in range(self.variants):
                    name = f"{character}/{writer:03}" + (f"#{variant}" if variant else "")
                    load = partial(_drawn, form, name, str(writer), variant, self.bend, self.pen_seed)
                    yield Picture(name, label, str(writer), load, content, variant, drawn=True)

    def fits(self, path: Path, names: Sequence[str]) -> bool:
        """See `Layout.fits`."""
        return path.is_file() and _begins_as_json(path)


def _read_strokes(path: Path) -> dict[str, list[Any]]:
    try:
        if path.stat().st_size > MAX_STROKES_BYTES:
            raise DataError(f"{path} is too large for a file of pen strokes ({MAX_STROKES_BYTES >> 20} MiB at most).")
        forms = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give the JSON file of pen strokes.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is truncated or no JSON ({error}); get a fresh copy of it.") from None
    if not isinstance(forms, dict) or not forms:
        raise DataError(f"{path} holds no pen strokes by character; give a file such as EnglishHnd-strokes.json.")
    for character, of_character in forms.items():
        if character not in CHARACTERS or not isinstance(of_character, list):
            raise DataError(f"{path} has an entry {character!r} that is no list of forms of one of the 62 characters.")
    return forms


def _drawn(form: Any, name: str, writer: str, variant: int, bend: bool, seed: int) -> Image.Image:
    # Here and not above: OpenCV draws, and the other data sets do without it.
    from typecase.synthesis.strokes import as_points, draw_strokes, square_around, vary_strokes

    try:
        strokes = as_points(form)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    narrow, wide = map(math.log, PEN_WIDTHS)
    width = math.exp(np.random.default_rng(_seed(seed, "pen", writer, variant)).uniform(narrow, wide))
    if bend and variant:
        strokes = vary_strokes(strokes, np.random.default_rng(_seed(seed, "bend", name)))
    x, _, side = square_around(strokes)
    # Half a pen's width stays free around a form that reaches the window's border; only one that would not fit
    # makes the window larger.
    window_side = max(TABLET_SIDE, side + 2 * width)
    left = x + side / 2 - window_side / 2
    points = np.concatenate(strokes)
    low, high = points[:, 1].min() - width, points[:, 1].max() + width
    top = min(max(TABLET_MIDDLE - window_side / 2, high - window_side), low)
    return draw_strokes(
        strokes,
        pen_width=width * _DRAWN_SIDE / window_side,
        canvas=_DRAWN_SIDE,
        window=(float(left), float(top), float(window_side)),
    )


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


def _begins_as_json(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(64).lstrip().startswith(b"{")
    except OSError:
        return False


@dataclass(frozen=True)
class FolderLayout(Layout):
    """Any pictures in one subfolder for each class, as a folder or an archive.

    Class names are those of the subfolders, sorted by code point. A `classes.txt` beside the subfolders gives their
    order and may rename them: one class a line, either the subfolder's name or, behind a tab, the class's own name
    (`upper_a<TAB>A`). Subfolders that it does not name are left out. Folders around all the others do not count.
    """

    kind = "folder"
    title = "Class folders"
    description = "any pictures, one subfolder a class, names from classes.txt or the subfolders"
    example = "apple/1.png"

    def read(self, path: Path) -> tuple[ClassSet, Iterator[Picture]]:
        """See `Layout.read`."""
        if path.is_file() and _begins_as_json(path):
            raise DataError(self.nothing_found(path))
        names = list(archives.names(path))
        lists = sorted((name for name in names if PurePosixPath(name).name == "classes.txt"), key=len)
        pictures = [name for name in names if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES]
        root = lists[0].removesuffix("classes.txt") if lists else _common_root(pictures)
        folders = {name[len(root) :].split("/")[0] for name in pictures if name.startswith(root)}
        loose = [name for name in pictures if name.startswith(root) and "/" not in name[len(root) :]]
        folders -= {name[len(root) :] for name in loose}
        if not folders:
            raise DataError(self.nothing_found(path))
        class_of = {folder: folder for folder in sorted(folders)}
        if lists:
            class_of = _listed_classes(path, lists[0], folders)
        try:
            classes = ClassSet(tuple(class_of.values()))
        except UsageError as error:
            raise DataError(f"{path}: {error}") from None
        label_of = {folder: label for label, folder in enumerate(class_of)}

        def place(name: str) -> Place | None:
            folder, slash, _ = name[len(root) :].partition("/")
            suffix = os.path.splitext(name)[1].lower()
            if not name.startswith(root) or not slash or suffix not in PICTURE_SUFFIXES or folder not in label_of:
                return None
            plain = name[len(root) :]
            return Place(plain, label_of[folder], plain)

        return classes, _pictures(path, place)

    def fits(self, path: Path, names: Sequence[str]) -> bool:
        """See `Layout.fits`."""
        # Two sets have such folders, and their names are not those of the classes.
        if any(_SAMPLE_5.search(name) for name in names):
            return False
        return any("/" in name and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES for name in names)


def _common_root(names: Sequence[str]) -> str:
    """Folders around all class folders: those that every picture is in, but not the last folder of any picture."""
    parts = [name.split("/")[:-1] for name in names]
    root: list[str] = []
    while parts and all(len(one) > len(root) + 1 for one in parts) and len({one[len(root)] for one in parts}) == 1:
        root.append(parts[0][len(root)])
    return "".join(f"{folder}/" for folder in root)


def _listed_classes(path: Path, name: str, folders: set[str]) -> dict[str, str]:
    data = next(archives.members(path, lambda other: other == name)).data
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{name} in {path} is not UTF-8 text ({error.reason}); save it as such.") from None
    class_of: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        folder, _, own = (part.strip() for part in line.partition("\t"))
        if folder not in folders:
            near = difflib.get_close_matches(folder, sorted(folders), n=1, cutoff=0.0)
            raise DataError(
                f"Line {number} of {name} in {path} names the folder {folder!r}, which holds no picture; "
                f"the nearest that does is {near[0]!r}."
            )
        if folder in class_of:
            raise DataError(f"Line {number} of {name} in {path} names the folder {folder!r} a second time.")
        class_of[folder] = own or folder
    if not class_of:
        raise DataError(f"{name} in {path} names no class; write one a line or remove the file.")
    return class_of


LINE_KINDS = ("lines", "sroie", "funsd")
"""Kinds of data that hold whole lines; see `typecase.datasets.lines`."""

LAYOUTS: dict[str, type[Layout]] = {
    layout.kind: layout for layout in (FntLayout, ImgLayout, HndLayout, HndPicturesLayout, LettersLayout, FolderLayout)
}
"""All kinds by their short names, the more particular before the more general."""

_ARCHIVE_NAMES = {
    "fnt": ("EnglishFnt.tgz",),
    "img": ("EnglishImg.tgz", "EnglishImg-labelled.tgz"),
    "hnd": ("EnglishHnd-strokes.json", "EnglishHnd.tgz"),
    "hnd-pictures": ("EnglishHnd.tgz",),
    "letters": ("handwritten-letters-62x100.tgz",),
}


def layout_for(kind: str, path: Path, **options: Any) -> Layout:
    """Makes the layout for a kind and a path.

    Args:
        kind: A key of `LAYOUTS`, or `auto` to find it out. `hnd` stands for the original's pictures as well.
        path: The data.
        options: The layout's own options.

    Raises:
        UsageError: The kind is unknown, or has no such option.
        DataError: See `detect`.
    """
    if kind == "auto":
        kind = detect(path)
    if kind not in LAYOUTS:
        near = difflib.get_close_matches(kind, LAYOUTS, n=1, cutoff=0.0)[0]
        raise UsageError(f"{kind!r} is no kind of data; did you mean {near!r}? 'typecase data list' names them all.")
    if kind == "hnd" and path.exists() and not _begins_as_json(path):
        kind = "hnd-pictures"
    layout = LAYOUTS[kind]
    known = {one.name for one in fields(layout)}
    unknown = sorted(set(options) - known)
    if unknown:
        has = f"it has {', '.join(sorted(known))}" if known else "it has none"
        raise UsageError(f"{layout.title} has no option {unknown[0]!r}; {has}.")
    return layout(**options)


def split_kind(argument: str) -> tuple[str, Path]:
    """Divides what was given for `--data`: `fnt:PATH` is a kind and a path, and a path alone is of kind `auto`."""
    kind, colon, rest = argument.partition(":")
    if colon and (kind in LAYOUTS or kind in ("auto", "drawn", *LINE_KINDS)):
        return kind, Path(rest)
    return "auto", Path(argument)


def inside(kind: str, root: Path) -> Path:
    """The data set's own archive when a folder holds it still packed, as after a download, else the path itself."""
    if root.is_dir():
        for name in _ARCHIVE_NAMES.get(kind, ()):
            if (root / name).is_file():
                return root / name
    return root


def detect(path: Path) -> str:
    """Finds out the kind of a data set by what is in it.

    Returns:
        A key of `LAYOUTS`.

    Raises:
        DataError: The source is missing, damaged, or of no known kind.
    """
    if not path.exists():
        raise DataError(
            f"{path} does not exist; check the path, or fetch the original data with 'typecase data download'."
        )
    names: list[str] = []
    if not (path.is_file() and _begins_as_json(path)):
        names = list(islice(archives.names(path), _LOOKED_AT))
        if not names:
            raise DataError(f"{path} holds no file at all; check the path.")
    for kind, layout in LAYOUTS.items():
        if layout().fits(path, names):
            return kind
    if any(_SAMPLE_5.search(name) for name in names):
        raise DataError(
            f"{path} is a part of Chars74K, but whether EnglishFnt or EnglishImg its names do not tell; "
            f"say --data fnt:{path} or --data img:{path}."
        )
    counts = Counter(os.path.splitext(name)[1] or "no suffix" for name in names)
    suffixes = ", ".join(suffix for suffix, _ in counts.most_common(3))
    raise DataError(
        f"{path} is no data set of a known kind (its first files end in {suffixes}); name the kind as in "
        "--data KIND:PATH, or put the pictures of each class into a folder of its own."
    )
