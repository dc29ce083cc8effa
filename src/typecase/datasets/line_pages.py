"""The lines of annotated pages, each cut out of its page: the receipts of SROIE, the forms of FUNSD."""

from __future__ import annotations

import functools
import math
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.datasets.decoded import Skipped
from typecase.datasets.line_sample import Box, LineSample, Piece, clean_text, identity_of
from typecase.errors import DataError, UsageError
from typecase.sources import natural_key, open_picture

Part: TypeAlias = Literal["train", "development", "all"]

PARTS: tuple[Part, ...] = ("train", "development", "all")
"""Parts of the receipts: those to learn from, those kept back to measure with, and both."""

KEPT_BACK = 10
"""Receipts whose number is divisible by this are never trained on."""

LEAST_ASPECT = 0.1
"""A box narrower than so many heights for each character cannot hold its text: the box is wrong."""

_SAME_LINE = 0.5
# Two pages are enough for a source that is gone through in order; a page may take a hundred megabytes.
_OPEN_PAGES = 2


class SroieLines:
    """The lines of the SROIE receipts (Huang et al., ICDAR 2019), each cut out by its box.

    The folder holds `img/ID.jpg` and `box/ID.csv` with a row x1,y1,x2,y2,x3,y3,x4,y4,text for each line, clockwise from
    the top left. The truth is upper case only. A row without text, or whose box cannot hold it, is skipped.

    Attributes:
        name: What messages call it.
        skipped: The rows that were passed over so far.
    """

    def __init__(self, root: str | os.PathLike[str], part: Part = "train", *, margin: float = 0.0) -> None:
        """Looks which receipts there are.

        Args:
            root: The folder with `img` and `box`.
            part: `train`, or `development` (the receipts whose number is divisible by 10), or `all`.
            margin: What is left around a line on each side, in heights of its box; below 0 it cuts into the line.

        Raises:
            DataError: The folder holds no such receipts.
            UsageError: The part is unknown, or the margin out of range.
        """
        if part not in PARTS:
            raise UsageError(f"{part!r} is not a part of the receipts; choose {', '.join(PARTS)}.")
        if not -0.4 <= margin <= 2:
            raise UsageError(f"The margin around a line is from -0.4 to 2 heights, not {margin:g}.")
        self._root = Path(root)
        self._part: Part = part
        self._margin = margin
        self.name = f"{self._root} ({part})"
        self.skipped: list[Skipped] = []
        pictures = {path.stem: path for path in _files(self._root / "img", {".jpg", ".jpeg", ".png"})}
        self._pages = [
            (table, pictures[table.stem])
            for table in _files(self._root / "box", {".csv"})
            if table.stem in pictures and _is_in(table, part)
        ]
        if not self._pages:
            raise DataError(
                f"{self._root} holds no receipts of SROIE for this part (img/ID.jpg and box/ID.csv); check the path."
            )

    def __len__(self) -> int:
        """Number of receipts."""
        return len(self._pages)

    def __iter__(self) -> Iterator[LineSample]:
        self.skipped = []
        for table, picture in self._pages:
            yield from self._lines(table, picture)

    @functools.cached_property
    def identity(self) -> str:
        """See `LineSource`."""
        return identity_of("sroie", self._root, [self._root / "img", self._root / "box"], self._part, self._margin)

    def pages(self) -> Iterator[tuple[str, Path, list[_Corners]]]:
        """Each receipt's name, its picture, and the corners of its lines."""
        self.skipped = []
        for table, picture in self._pages:
            yield table.stem, picture, [_grown(corners, self._margin) for _, _, corners in self._rows(table)]

    def _rows(self, table: Path) -> Iterator[tuple[int, str, _Corners]]:
        """The rows of a table that can be used."""
        try:
            rows = table.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            raise DataError(f"{table} cannot be read as the lines of a receipt; get a fresh copy of it.") from None
        for number, row in enumerate(rows, start=1):
            if not row.strip():
                continue
            try:
                yield number, *_receipt_row(row)
            except ValueError as error:
                self.skipped.append(Skipped(f"{table}, row {number}", str(error)))

    def _lines(self, table: Path, picture: Path) -> Iterator[LineSample]:
        for number, text, corners in self._rows(table):
            yield LineSample(
                name=f"{table.stem}-{number:03d}",
                text=text,
                load=functools.partial(_cut_quad, picture, _grown(corners, self._margin)),
                folded=True,
            )


def _is_in(table: Path, part: Part) -> bool:
    digits = "".join(filter(str.isdecimal, table.stem))
    if not digits:
        raise DataError(f"{table} has no number in its name, which tells its part; name it like 007.csv.")
    return part == "all" or (int(digits) % KEPT_BACK == 0) == (part == "development")


_Corners: TypeAlias = tuple[tuple[float, float], ...]


def _receipt_row(row: str) -> tuple[str, _Corners]:
    # The text is what follows the eighth comma: it is neither quoted nor escaped.
    *numbers, text = row.split(",", 8)
    if len(numbers) != 8:
        raise ValueError("it has fewer than eight numbers and a text")
    text = clean_text(text)
    if not text:
        raise ValueError("it has no text")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        raise ValueError("its corners are not numbers") from None
    corners = tuple(zip(values[::2], values[1::2], strict=True))
    width, height = _extent(corners)
    if width < 1 or height < 1:
        raise ValueError("its box is empty")
    if width < LEAST_ASPECT * height * len(text):
        raise ValueError(f"its box ({width:g}x{height:g} pixels) is too narrow for {text!r}")
    return text, corners


def _extent(corners: _Corners) -> tuple[float, float]:
    """Mean lengths of the horizontal and of the vertical sides."""
    sides = [math.dist(corners[i], corners[(i + 1) % 4]) for i in range(4)]
    return (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2


def _grown(corners: _Corners, margin: float) -> _Corners:
    if not margin:
        return corners
    points = np.array(corners)
    width, height = _extent(corners)
    right = (points[1] + points[2] - points[0] - points[3]) / (2 * width)
    down = (points[2] + points[3] - points[0] - points[1]) / (2 * height)
    outward = np.array([-right - down, right - down, right + down, down - right]) * (margin * height)
    return tuple((float(x), float(y)) for x, y in points + outward)


@functools.lru_cache(maxsize=_OPEN_PAGES)
def _page(path: Path) -> Image.Image:
    return open_picture(path)


def _cut_quad(path: Path, corners: _Corners) -> Image.Image:
    page = _page(path)
    points = np.array(corners)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if corners == ((left, top), (right, top), (right, bottom), (left, bottom)):
        return _cut_box(path, (left, top, right - left, bottom - top))
    width, height = (max(1, round(side)) for side in _extent(corners))
    order = [0, 3, 2, 1]
    return page.transform(
        (width, height), Image.Transform.QUAD, points[order].ravel().tolist(), Image.Resampling.BILINEAR
    )


def _cut_box(path: Path, box: Box) -> Image.Image:
    """What lies inside a box, as far as it lies on the page."""
    page = _page(path)
    left, top = (max(0, math.floor(start)) for start in box[:2])
    right = min(page.width, math.ceil(box[0] + box[2]))
    bottom = min(page.height, math.ceil(box[1] + box[3]))
    if right <= left or bottom <= top:
        raise DataError(f"A line's box lies outside of {path}; get a fresh copy of the data.")
    return page.crop((left, top, right, bottom))


class FunsdLines:
    """The lines of the FUNSD forms (Jaume et al. 2019): an entity's words by lines, each line cut by its union box.

    The folder holds `images/NAME.png` and `annotations/NAME.json`. The set may be used for research that is not
    commercial: measure with it, and never train on it.

    Attributes:
        name: What messages call it.
        skipped: The lines that were passed over so far.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Looks which forms there are.

        Args:
            root: The folder with `images` and `annotations`.

        Raises:
            DataError: The folder holds no such forms.
        """
        self._root = Path(root)
        self.name = str(self._root)
        self.skipped: list[Skipped] = []
        pictures = {path.stem: path for path in _files(self._root / "images", {".png"})}
        self._pages = [
            (form, pictures[form.stem])
            for form in _files(self._root / "annotations", {".json"})
            if form.stem in pictures
        ]
        if not self._pages:
            raise DataError(
                f"{self._root} holds no forms of FUNSD (images/NAME.png and annotations/NAME.json); check the path."
            )

    def __len__(self) -> int:
        """Number of forms."""
        return len(self._pages)

    def __iter__(self) -> Iterator[LineSample]:
        self.skipped = []
        for form, picture in self._pages:
            try:
                entities = _FORM_DECODER.decode(form.read_bytes()).form
            except (OSError, msgspec.MsgspecError) as error:
                raise DataError(f"{form} cannot be read as an annotated form ({error}); get a fresh copy.") from None
            for entity in entities:
                for number, words in enumerate(group_words(entity.pieces())):
                    name = f"{form.stem}-{entity.id}-{number}"
                    if sample := self._sample(name, words, picture):
                        yield sample

    @functools.cached_property
    def identity(self) -> str:
        """See `LineSource`."""
        return identity_of("funsd", self._root, [self._root / "images", self._root / "annotations"])

    def _sample(self, name: str, words: Sequence[Piece], picture: Path) -> LineSample | None:
        text = " ".join(word.text for word in words)
        unknown = {character for character in text if unicodedata.category(character) in ("Co", "Cn")}
        if unknown:
            codes = ", ".join(f"U+{ord(character):04X}" for character in sorted(unknown))
            self.skipped.append(Skipped(name, f"its text holds code points without a meaning ({codes})"))
            return None
        left, top, width, height = union_box([word.box for word in words])
        return LineSample(
            name=name,
            text=text,
            load=functools.partial(_cut_box, picture, (left, top, width, height)),
            words=tuple(Piece(text, (x - left, y - top, w, h)) for text, (x, y, w, h) in words),
        )


class _FormWord(msgspec.Struct):
    text: str
    box: tuple[float, float, float, float]


class _Entity(msgspec.Struct):
    words: list[_FormWord]
    id: int

    def pieces(self) -> list[Piece]:
        """The words that say something and have an extent."""
        corners = ((clean_text(word.text), *word.box) for word in self.words)
        return [
            Piece(text, (left, top, right - left, bottom - top))
            for text, left, top, right, bottom in corners
            if text and right > left and bottom > top
        ]


class _Form(msgspec.Struct):
    form: list[_Entity]


_FORM_DECODER = msgspec.json.Decoder(_Form)


def group_words(words: Iterable[Piece]) -> list[list[Piece]]:
    """Groups words into lines by how far their boxes overlap vertically.

    Args:
        words: Words of one block in any order, each with an extent.

    Returns:
        Lines from top to bottom, each from left to right.
    """
    lines: list[list[Piece]] = []
    for word in sorted(words, key=lambda piece: piece.box[0]):
        # Only the last word of a line is looked at, for a line may climb or sink.
        shares = [_vertical_overlap(line[-1].box, word.box) for line in lines]
        best = max(range(len(lines)), key=shares.__getitem__, default=None)
        if best is not None and shares[best] >= _SAME_LINE:
            lines[best].append(word)
        else:
            lines.append([word])
    return sorted(lines, key=lambda line: sum(word.box[1] + word.box[3] / 2 for word in line) / len(line))


def _vertical_overlap(one: Box, other: Box) -> float:
    """The common height as a share of the smaller height."""
    common = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return common / min(one[3], other[3])


def union_box(boxes: Iterable[Box]) -> Box:
    """The smallest box around others, of which there is at least one."""
    edges: npt.NDArray[np.float64] = np.array(list(boxes), dtype=np.float64)
    edges[:, 2:] += edges[:, :2]
    left, top = (float(edge) for edge in edges[:, :2].min(axis=0))
    right, bottom = (float(edge) for edge in edges[:, 2:].max(axis=0))
    return left, top, right - left, bottom - top


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.suffix.lower() in suffixes), key=natural_key)
