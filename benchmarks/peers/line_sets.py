"""The lines that are read in the comparison: cut out or drawn once, and kept in the cache folder as plain pictures.

Every reader is given the same files. A set lies in a folder with a `labels.jsonl`; its digest is taken over pixels and
texts and is printed with the figures, so that two runs can be told to have measured the same.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

import _common
from peers.readers import Picture
from typecase.datasets.lines import FunsdLines, LineSource, Piece, SroieLines
from typecase.files import cache_folder, sha256_of


@dataclass(frozen=True)
class NewLine:
    """A line that is put into a set.

    Attributes:
        image: Its picture.
        text: What it says.
        page: The page or group it belongs to.
        language: Its language, of two letters.
        characters: Each character with its box, where they are known.
        meta: Where it comes from, or how it was drawn.
    """

    image: Image.Image
    text: str
    page: str
    language: str = "en"
    characters: tuple[Piece, ...] = ()
    meta: dict[str, Any] | None = None


@dataclass(frozen=True)
class SetLine:
    """A line of a set.

    Attributes:
        picture: What a reader is given.
        text: What it says.
        page: The page or group it belongs to.
        characters: Each character with its box, where they are known.
    """

    picture: Picture
    text: str
    page: str
    characters: tuple[Piece, ...]


@dataclass(frozen=True)
class LineSet:
    """Lines to read.

    Attributes:
        lines: The lines.
        folded: Whether case is left out of account.
        words: Whether every line is a single word, so that spaces in a reading are left out of account.
        digest: SHA-256 over pixels and texts, 16 digits.
    """

    lines: tuple[SetLine, ...]
    folded: bool
    words: bool
    digest: str

    @property
    def pages(self) -> list[list[SetLine]]:
        """The lines of each page, in order."""
        grouped: dict[str, list[SetLine]] = defaultdict(list)
        for line in self.lines:
            grouped[line.page].append(line)
        return list(grouped.values())


def cut_lines(source: LineSource, page_of: Callable[[str], str]) -> Iterator[NewLine]:
    """Opens every line of a source.

    Args:
        source: The annotated pages.
        page_of: Tells the page from a line's name.
    """
    for sample in source:
        yield NewLine(sample.load(), sample.text, page_of(sample.name), meta={"name": sample.name})


def _sroie(root: Path | None) -> tuple[str, Callable[[], Iterator[NewLine]]]:
    source = SroieLines(_common.data_file("sroie", root), part="development")
    return source.identity, lambda: cut_lines(source, lambda name: name.rpartition("-")[0])


def _funsd(root: Path | None) -> tuple[str, Callable[[], Iterator[NewLine]]]:
    source = FunsdLines(_common.data_file("funsd", root))
    return source.identity, lambda: cut_lines(source, lambda name: name.rsplit("-", 2)[0])


def _drawn(name: str, root: Path | None) -> tuple[str, Callable[[], Iterator[NewLine]]]:
    archive, texts = _common.data_file("fonts.tar.xz", root), _common.data_file("text", root)

    def draw() -> Iterator[NewLine]:
        # Imported here: lines that were drawn before need neither fonts nor what opens them.
        from peers import drawn_sets
        from typecase.synthesis.fonts import FontCollection

        function = {"clean": drawn_sets.clean_lines, "scene": drawn_sets.scene_words}[name]
        return function(FontCollection.open(archive), texts)

    # What was drawn once stays, whatever becomes of the code that drew it: `--anew` draws again.
    sizes = [path.stat().st_size for path in (archive, *sorted(texts.glob("*.txt")))]
    return f"{name} {sizes}", draw


@dataclass(frozen=True)
class SetKind:
    """How a set comes about.

    Attributes:
        title: What it is, in words.
        open: Given the folder of the data, tells a text that stands for what would be made, and how to make it.
        folded: Whether case is left out of account.
        words: Whether every line is a single word.
    """

    title: str
    open: Callable[[Path | None], tuple[str, Callable[[], Iterator[NewLine]]]]
    folded: bool = False
    words: bool = False


KINDS: dict[str, SetKind] = {
    "sroie": SetKind("SROIE receipts, development part, case-folded", _sroie, folded=True),
    "funsd": SetKind("FUNSD forms", _funsd),
    "clean": SetKind("drawn clean lines, en de fr es pt nl", functools.partial(_drawn, "clean")),
    "scene": SetKind("drawn scene words, case-folded", functools.partial(_drawn, "scene"), folded=True, words=True),
}


def open_set(name: str, root: Path | None = None, *, anew: bool = False) -> LineSet:
    """Opens a set, and makes it first where it is not in the cache folder.

    Args:
        name: A key of `KINDS`.
        root: The folder of the data.
        anew: Whether it is made again.

    Raises:
        DataError: The data is missing.
    """
    kind = KINDS[name]
    identity, make = kind.open(root)
    key = hashlib.sha256(json.dumps([1, identity]).encode()).hexdigest()[:12]
    folder = cache_folder() / "peers" / f"{name}-{key}"
    if anew or not (folder / "labels.jsonl").exists():
        print(f"making the set {name} in {folder} ...", file=sys.stderr, flush=True)
        write_set(folder, make())
    return read_set(folder, folded=kind.folded, words=kind.words)


def write_set(folder: Path, lines: Iterable[NewLine]) -> None:
    """Writes lines into a folder, all or none; what lay there before is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new = Path(name) / "set"
        (new / "pictures").mkdir(parents=True)
        with open(new / "labels.jsonl", "w", encoding="utf-8") as labels:
            for number, line in enumerate(lines):
                path = f"pictures/{number:05}.png"
                image = line.image if line.image.mode in ("L", "RGB") else line.image.convert("RGB")
                image.save(new / path)
                boxes = [{"text": one.text, "box": [round(side, 2) for side in one.box]} for one in line.characters]
                row = {
                    "image": path,
                    "text": line.text,
                    "characters": boxes,
                    "meta": {**(line.meta or {}), "page": line.page, "language": line.language},
                }
                labels.write(json.dumps(row, ensure_ascii=False) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


def read_set(folder: Path, *, folded: bool = False, words: bool = False) -> LineSet:
    """Reads a folder that `write_set` wrote.

    Args:
        folder: Where it lies.
        folded: Whether case is left out of account.
        words: Whether every line is a single word.
    """
    digest = hashlib.sha256()
    lines = []
    for row in (folder / "labels.jsonl").read_text(encoding="utf-8").split("\n"):
        if not row:
            continue
        values = json.loads(row)
        path = folder / values["image"]
        digest.update(f"{values['text']}\n{sha256_of(path)}\n".encode())
        picture = Picture(path, values["meta"]["language"], words)
        characters = tuple(Piece(one["text"], tuple(one["box"])) for one in values["characters"])
        lines.append(SetLine(picture, values["text"], values["meta"]["page"], characters))
    return LineSet(tuple(lines), folded, words, digest.hexdigest()[:16])
