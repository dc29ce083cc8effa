"""The pages that are read in the comparison. Every reader is given the same files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _common
from peers.page_readers import PagePicture
from typecase.datasets.line_sample import Piece
from typecase.errors import DataError
from typecase.files import sha256_of
from typecase.sources import natural_key

KEPT_BACK = 10


@dataclass(frozen=True)
class TruePage:
    """A page with what it says.

    Attributes:
        picture: What a reader is given.
        text: What it says; in the order of reading where the set is `ordered`.
        pieces: What it says piece by piece, words or lines, with boxes in pixels.
    """

    picture: PagePicture
    text: str
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class PageSet:
    """Pages to read.

    Attributes:
        title: What it is, in words.
        pages: The pages.
        folded: Whether case is left out of account.
        ordered: Whether the truth is in the order of reading, so that a character error rate means something.
    """

    title: str
    pages: tuple[TruePage, ...]
    folded: bool = False
    ordered: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 over files and texts, 16 digits: two runs that tell the same one measured the same."""
        digest = hashlib.sha256()
        for page in self.pages:
            digest.update(f"{page.text}\n{sha256_of(page.picture.path)}\n".encode())
        return digest.hexdigest()[:16]


def receipts(root: Path, *, kept_back: bool = True) -> PageSet:
    """The receipts of SROIE whose number is divisible by ten, or the others.

    The truth is every text of the tables, also of a box that cannot hold it: what is measured must not depend on what
    training finds usable.
    """
    pages = []
    for table in sorted((root / "box").glob("*.csv"), key=natural_key):
        if (int(table.stem) % KEPT_BACK == 0) != kept_back:
            continue
        pieces = []
        for row in table.read_text(encoding="utf-8-sig").splitlines():
            # The text is what follows the eighth comma: it is neither quoted nor escaped.
            *numbers, text = row.split(",", 8)
            if len(numbers) == 8 and text.strip():
                across, down = [float(n) for n in numbers[::2]], [float(n) for n in numbers[1::2]]
                box = (min(across), min(down), max(across) - min(across), max(down) - min(down))
                pieces.append(Piece(text.strip(), box))
        picture = PagePicture(root / "img" / f"{table.stem}.jpg")
        pages.append(TruePage(picture, "\n".join(piece.text for piece in pieces), tuple(pieces)))
    return PageSet("SROIE receipts, development part, case-folded", _found(pages, root), folded=True)


def forms(root: Path) -> PageSet:
    """The forms of FUNSD, word by word."""
    pages = []
    for annotation in sorted((root / "annotations").glob("*.json"), key=natural_key):
        entities = json.loads(annotation.read_text(encoding="utf-8"))["form"]
        pieces = []
        for word in (word for entity in entities for word in entity["words"]):
            left, top, right, bottom = map(float, word["box"])
            if word["text"].strip():
                pieces.append(Piece(word["text"].strip(), (left, top, right - left, bottom - top)))
        picture = PagePicture(root / "images" / f"{annotation.stem}.png")
        pages.append(TruePage(picture, "\n".join(piece.text for piece in pieces), tuple(pieces)))
    return PageSet("FUNSD forms", _found(pages, root))


def _found(pages: Sequence[TruePage], root: Path) -> tuple[TruePage, ...]:
    missing = [page.picture.path for page in pages if not page.picture.path.exists()]
    if missing or not pages:
        what = missing[0] if missing else "any page"
        raise DataError(f"There is no {what} below {root}; get a fresh copy of the data.")
    return tuple(pages)


def open_set(name: str, root: Path | None = None) -> PageSet:
    """Opens a set by its name.

    Raises:
        DataError: The data is missing.
    """
    if name == "sroie":
        return receipts(_common.data_file("sroie", root))
    return forms(_common.data_file("funsd", root))
