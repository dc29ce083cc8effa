"""Sources of lines: lists of one's own, and the lines of annotated receipts and forms.

A source of lines is gone through from its first to its last: it gives a `LineSample` for each, whose picture is opened
only when it is asked for. `typecase.datasets.packed` decodes a whole source once for training.
"""

from __future__ import annotations

import functools
import inspect
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from typecase.datasets.decoded import MAX_BAD, Skipped, check_skipped
from typecase.datasets.line_pages import PARTS, FunsdLines, Part, SroieLines, group_words, union_box
from typecase.datasets.line_sample import Box, LineSample, LineSource, Piece, clean_text, identity_of
from typecase.errors import DataError, UsageError
from typecase.sources import natural_key, open_picture

__all__ = [
    "KINDS",
    "LABELS_NAME",
    "PARTS",
    "Box",
    "FunsdLines",
    "LineList",
    "LineSample",
    "LineSource",
    "Part",
    "Piece",
    "SroieLines",
    "clean_text",
    "detect",
    "group_words",
    "open_lines",
    "union_box",
]

LABELS_NAME = "labels.jsonl"
"""The file that lists the pictures of a folder."""


class LineList:
    """The lines that a `labels.jsonl` lists, or those of all such files in a folder and below it.

    Each row is an object: `{"image": "relative/path.png", "text": "...", "words": [{"text", "box"}], "characters":
    [{"text", "box"}], "meta": {...}}`; the last three may be left out. Paths begin at the file's own folder.

    Attributes:
        name: What messages call it.
        skipped: The rows that were passed over.
    """

    def __init__(self, path: str | os.PathLike[str], *, folded: bool = False, max_bad: float = MAX_BAD) -> None:
        """Reads the list; pictures are looked for, but not yet opened.

        Args:
            path: The file or folder.
            folded: Whether its truth is upper case only.
            max_bad: Share of the rows that may be damaged; such rows are skipped, with a warning.

        Raises:
            DataError: There is no such list, it is empty, or more of its rows are damaged than may be.
        """
        self.name = str(path)
        self._path = Path(path)
        self._folded = folded
        self._samples: list[LineSample] = []
        self.skipped: list[Skipped] = []
        files = _label_files(self._path)
        for file in files:
            # With several lists, the same picture name may stand in each.
            prefix = "" if len(files) == 1 else f"{file.parent.relative_to(self._path).as_posix()}/"
            self._read(file, "" if prefix == "./" else prefix)
        if not self._samples and not self.skipped:
            raise DataError(f"{self._path} lists no lines; give a list with at least one row.")
        check_skipped(len(self._samples), self.skipped, max_bad, self.name, "rows")

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[LineSample]:
        return iter(self._samples)

    @functools.cached_property
    def identity(self) -> str:
        """See `LineSource`."""
        folder = self._path if self._path.is_dir() else self._path.parent
        return identity_of("lines", self._path, [folder], self._folded)

    def _read(self, file: Path, prefix: str) -> None:
        try:
            # Split at line feeds only: JSON may hold other line ends, such as U+2028, as they are.
            rows = file.read_bytes().split(b"\n")
        except OSError as error:
            raise DataError(f"{file} cannot be read ({(error.strerror or str(error)).lower()}); check it.") from None
        for number, row in enumerate(rows, start=1):
            if not row.strip():
                continue
            try:
                sample = _sample_of_row(row, file.parent, prefix, self._folded)
            except (ValueError, msgspec.MsgspecError) as error:
                self.skipped.append(Skipped(f"{file}, row {number}", str(error)))
            else:
                self._samples.append(sample)


_Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Extent = Annotated[float, Meta(ge=0, le=1e6)]


class _PieceRow(msgspec.Struct):
    text: str
    box: tuple[_Number, _Number, _Extent, _Extent]


class _Row(msgspec.Struct):
    image: str
    text: str
    words: list[_PieceRow] = []
    characters: list[_PieceRow] = []
    meta: dict[str, Any] = {}


_ROW_DECODER = msgspec.json.Decoder(_Row)


def _label_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(path.rglob(LABELS_NAME), key=natural_key)
        if not files:
            raise DataError(f"{path} holds no {LABELS_NAME}; give the folder or the file that lists the lines.")
        return files
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    return [path]


def _sample_of_row(row: bytes, folder: Path, prefix: str, folded: bool) -> LineSample:
    values = _ROW_DECODER.decode(row)
    picture = folder / values.image
    if not values.image or not picture.is_file():
        raise ValueError(f"there is no picture {values.image or 'named'}")
    return LineSample(
        name=prefix + values.image,
        text=clean_text(values.text),
        load=functools.partial(open_picture, picture),
        words=tuple(Piece(clean_text(one.text), one.box) for one in values.words),
        characters=tuple(Piece(unicodedata.normalize("NFC", one.text), one.box) for one in values.characters),
        folded=folded,
    )


KINDS: dict[str, Callable[..., LineSource]] = {"lines": LineList, "sroie": SroieLines, "funsd": FunsdLines}
"""The sources of lines, by the name that `--data KIND:PATH` calls them by."""


def detect(path: str | os.PathLike[str]) -> str:
    """Finds out which kind of source of lines lies somewhere.

    Raises:
        DataError: There is none.
    """
    place = Path(path)
    if not place.exists():
        raise DataError(f"{place} does not exist; check the path.")
    if (place / "box").is_dir() and (place / "img").is_dir():
        return "sroie"
    if (place / "annotations").is_dir() and (place / "images").is_dir():
        return "funsd"
    if place.suffix == ".jsonl" or (place.is_dir() and next(place.rglob(LABELS_NAME), None) is not None):
        return "lines"
    raise DataError(f"{place} holds no lines: neither a {LABELS_NAME} nor receipts or forms; check the path.")


def open_lines(path: str | os.PathLike[str], kind: str = "auto", **options: Any) -> LineSource:
    """Opens a source of lines of a kind that is known by name, or found out.

    Args:
        path: The file or folder.
        kind: A key of `KINDS`, or `auto`.
        options: As the kind takes them.

    Raises:
        UsageError: The kind is unknown, or it takes no such option.
        DataError: There are no lines of that kind.
    """
    kind = detect(path) if kind == "auto" else kind
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is not a kind of lines; choose auto, {', '.join(KINDS)}.")
    wrong = sorted(set(options) - set(inspect.signature(KINDS[kind]).parameters))
    if wrong:
        raise UsageError(f"Lines of the kind {kind!r} have no option {' and '.join(wrong)}; leave it out.")
    return KINDS[kind](path, **options)
