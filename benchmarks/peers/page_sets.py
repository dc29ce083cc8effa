"""The pages that are read in the comparison. Every reader is given the same files."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

import _common
from peers.page_readers import PagePicture
from typecase.datasets.line_sample import Piece
from typecase.errors import DataError
from typecase.files import atomic_write, cache_folder, sha256_of
from typecase.sources import natural_key

KEPT_BACK = 10
DRAWN = 60
"""Drawn pages; as many in each language."""
LANGUAGES = ("en", "de", "fr", "es", "pt", "nl")
SEED = 20261127
A4 = (2480, 3508)
"""Pixels of the dense page."""
DENSE_EM = 42
"""Size of its print in pixels: ten points."""


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


def drawn_pages(root: Path, count: int = DRAWN, *, anew: bool = False) -> PageSet:
    """Pages drawn in families, of sentences and in layouts that no training sees; kept in the cache folder.

    Args:
        root: The folder of the data, with `fonts.tar.xz` and `text`.
        count: How many there are.
        anew: Whether they are drawn again.
    """
    archive, texts = root / "fonts.tar.xz", root / "text"
    sizes = [path.stat().st_size for path in (archive, *sorted(texts.glob("*.txt")))]
    key = hashlib.sha256(json.dumps([SEED, sizes]).encode()).hexdigest()[:12]
    folder = cache_folder() / "peers" / f"drawn-pages-{key}"
    labels = folder / "labels.jsonl"
    if anew or not labels.exists() or len(labels.read_text(encoding="utf-8").splitlines()) < count:
        print(f"drawing {count} pages in {folder} ...", file=sys.stderr, flush=True)
        _draw(folder, archive, texts, count)
    pages = []
    for row in labels.read_text(encoding="utf-8").splitlines()[:count]:
        values = json.loads(row)
        pieces = tuple(Piece(one["text"], tuple(one["box"])) for one in values["words"])
        picture = PagePicture(folder / values["image"], values["meta"]["language"])
        pages.append(TruePage(picture, values["text"], pieces))
    return PageSet("drawn pages, held-back typefaces and sentences", tuple(pages), ordered=True)


def _draw(folder: Path, archive: Path, texts: Path, count: int) -> None:
    # Imported here: pages that were drawn before need neither fonts nor what opens them.
    from typecase.synthesis.fonts import FontCollection
    from typecase.synthesis.page import HELD_BACK_LAYOUTS, LAYOUT_MIXTURE, LAYOUTS, PageWorkshop
    from typecase.synthesis.text import open_texts

    names = sorted(HELD_BACK_LAYOUTS) or [name for name in LAYOUTS if LAYOUT_MIXTURE[name] > 0 and name != "empty"]
    fonts = FontCollection.open(archive).held_back_families()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new = Path(name) / "set"
        (new / "pictures").mkdir(parents=True)
        workshops = [
            PageWorkshop(
                fonts,
                open_texts([texts / f"{language}.txt"]),
                layouts=dict.fromkeys(names, 1.0),
                rotations={0: 1.0},
                seed=SEED,
                part="held-back",
            )
            for language in LANGUAGES
        ]
        with open(new / "labels.jsonl", "w", encoding="utf-8") as labels:
            for number in range(count):
                place = number % len(LANGUAGES)
                page = workshops[place].draw(number)
                path = f"pictures/{number:04}.png"
                page.image.save(new / path)
                words = [
                    {"text": text, "box": _around(outline)}
                    for line in page.lines
                    if line.legible
                    for text, outline in line.words
                ]
                meta = {"language": LANGUAGES[place], "layout": page.meta["layout"], "look": page.meta["look"]}
                row = {"image": path, "text": page.text, "words": words, "meta": meta}
                labels.write(json.dumps(row, ensure_ascii=False) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


def _around(outline: Iterable[Sequence[float]]) -> list[float]:
    across, down = zip(*((float(x), float(y)) for x, y in outline), strict=True)
    edges = (min(across), min(down), max(across) - min(across), max(down) - min(down))
    return [round(side, 1) for side in edges]


def dense_page(root: Path) -> TruePage:
    """An A4 page at 300 dots per inch, full of one column of small print; kept in the cache folder."""
    archive, texts = root / "fonts.tar.xz", root / "text" / "en.txt"
    key = hashlib.sha256(json.dumps([SEED, archive.stat().st_size, texts.stat().st_size]).encode()).hexdigest()[:12]
    path = cache_folder() / "peers" / f"dense-page-{key}.png"
    label = path.with_suffix(".txt")
    if not label.exists():
        from peers.drawn_sets import held_back_sentences
        from typecase.synthesis.fonts import Category, FontCollection
        from typecase.synthesis.line import LineFace, set_line

        fonts = FontCollection.open(archive).held_back_families().select(categories=[Category.SERIF])
        sentences = held_back_sentences(texts)
        words = [word for sentence in sentences for word in sentence.split()]
        known = set("".join(words))
        font = next(font for font in fonts if not font.has_one_case and not font.missing("".join(sorted(known))))
        em, leading, margin = DENSE_EM, round(1.2 * DENSE_EM), 200
        page = Image.new("L", A4, 255)
        rows = []
        start = 0
        for top in range(margin, A4[1] - margin - leading, leading):
            taken = 1
            ink = set_line(LineFace(font, em), words[start])
            # Words are added for as long as the line stays within the margins.
            while start + taken < len(words):
                longer = set_line(LineFace(font, em), " ".join(words[start : start + taken + 1]))
                if longer.coverage.shape[1] > A4[0] - 2 * margin:
                    break
                ink, taken = longer, taken + 1
            page.paste(0, (margin, top + round(em - ink.baseline)), Image.fromarray(ink.coverage))
            rows.append(ink.text)
            start += taken
        with atomic_write(path) as temporary:
            page.save(temporary, format="PNG", dpi=(300, 300))
        with atomic_write(label) as temporary:
            temporary.write_text("\n".join(rows), encoding="utf-8")
    return TruePage(PagePicture(path), label.read_text(encoding="utf-8"))


def turned(pages: Iterable[TruePage], degrees: int, folder: Path) -> list[TruePage]:
    """Turns pages clockwise by 90, 180 or 270 degrees, without a loss; the boxes of the truth are left out."""
    way = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}[degrees]
    found = []
    for page in pages:
        path = folder / f"{page.picture.path.stem}-{degrees}.png"
        with Image.open(page.picture.path) as image:
            image.transpose(way).save(path, compress_level=1)
        found.append(TruePage(replace(page.picture, path=path), page.text))
    return found


def open_set(name: str, root: Path | None = None, *, anew: bool = False) -> PageSet:
    """Opens a set by its name: `sroie`, `funsd` or `drawn`.

    Raises:
        DataError: The data is missing.
    """
    if name == "drawn":
        return drawn_pages(_common.data_file("fonts.tar.xz", root).parent, anew=anew)
    data = _common.data_file(name, root)
    return receipts(data) if name == "sroie" else forms(data)
