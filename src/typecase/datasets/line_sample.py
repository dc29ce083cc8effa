"""The picture of a line with what it says: what every source of lines gives."""

from __future__ import annotations

import hashlib
import json
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from PIL import Image

from typecase.datasets import archives
from typecase.datasets.decoded import Skipped

Box: TypeAlias = tuple[float, float, float, float]
"""[x, y, width, height] in pixels of the picture, origin top left."""


class Piece(NamedTuple):
    """A word or a character of a line, and where it stands."""

    text: str
    box: Box


@dataclass(frozen=True)
class LineSample:
    """The picture of a line, not yet opened, with its ground truth.

    Attributes:
        name: Its name, unique within its source and the same wherever that lies.
        text: What it says: Unicode NFC, words one space apart; empty where there is nothing to read.
        load: Opens the picture (mode "L" or "RGB"); raises `InputError` or `DataError` when it cannot.
        words: The words with their boxes, where the source tells them.
        characters: The characters with their boxes, where the source tells them.
        folded: Whether the truth is upper case only, so that it says nothing about case.
    """

    name: str
    text: str
    load: Callable[[], Image.Image]
    words: tuple[Piece, ...] = ()
    characters: tuple[Piece, ...] = ()
    folded: bool = False


class LineSource(Protocol):
    """What gives lines: it can be gone through any number of times."""

    @property
    def name(self) -> str:
        """What messages and reports call it."""

    @property
    def identity(self) -> str:
        """A text that is different when the source would give different lines."""

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The rows that were passed over, and why; known once the source has been gone through."""

    def __iter__(self) -> Iterator[LineSample]:
        """Gives the lines, in the same order every time."""


def clean_text(text: str) -> str:
    """Brings a truth to the form that samples have: NFC, one space for any white space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def kept_apart(name: str, share: float) -> bool:
    """Whether a line is among those that validate.

    Args:
        name: Its name, NAME-LINE: lines of one page stay together.
        share: Of how many in one; chance follows from the name alone.
    """
    group = name.rsplit("-", 1)[0]
    return zlib.crc32(group.encode()) % 1000 < 1000 * share


def identity_of(kind: str, path: Path, sources: Iterable[Path], *facts: object) -> str:
    """Gives the identity of a source: what lies where, how it is taken, and after the last colon its state.

    Args:
        kind: Name of its kind.
        path: Where it lies.
        sources: The files and folders that it is made of.
        facts: What else its lines depend on.
    """
    state = hashlib.sha256(json.dumps([archives.identity(source) for source in sources]).encode()).hexdigest()[:32]
    return f"{kind}:{path.resolve()}:{','.join(map(str, facts))}:{state}"
