"""Typefaces to draw with: which there are, what each can draw, and which are kept back from training.

A collection is a folder (or an archive) with one subfolder a family, each with its font files and, where there is
one, a `METADATA.json` in the manner of Google Fonts that names category, style and weight.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fontTools.pens.recordingPen import RecordingPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import Image, ImageFilter, ImageFont

from typecase.errors import DataError
from typecase.files import atomic_write, cache_folder

logger = logging.getLogger(__name__)

_SUFFIXES = (".ttf", ".otf")
# Part of the index's name: a change in what is looked for must not meet an index made before it.
_INDEX_VERSION = 4
# Letters whose two cases are different shapes in every ordinary typeface; the others say nothing about small caps.
_TELLING_LETTERS = "abdeghnqrt"
_SAME_SHAPE = 0.8
# Families of Google Fonts that draw something else where they say they draw letters: signs of mathematics, blots.
_NO_LETTERS = frozenset({"jsmathcmex10", "jsmathcmsy10", "redacted", "redactedscript"})


class Category(StrEnum):
    """The kinds of typefaces that Google Fonts tells apart."""

    SERIF = "serif"
    SANS_SERIF = "sans-serif"
    MONOSPACE = "monospace"
    DISPLAY = "display"
    HANDWRITING = "handwriting"


@dataclass(frozen=True)
class Font:
    """One font file and what is known about it.

    Attributes:
        path: The file.
        family: Name of its folder: what a split keeps together.
        category: Kind of typeface; DISPLAY where nothing says.
        style: `normal` or `italic`.
        weight: 100 (thin) to 900 (black).
        characters: Characters that it draws: mapped, not empty (unless a space), not the sign for a missing glyph.
        one_case: Lower-case letters that it draws as capitals (small caps, or one alphabet for both cases): with
            these letters a picture does not tell the case. The look-alikes c, o, s ... are not counted by themselves.
    """

    path: Path
    family: str
    category: Category
    style: str
    weight: int
    characters: frozenset[str] = field(repr=False)
    one_case: frozenset[str]

    @property
    def has_one_case(self) -> bool:
        """Whether lower case as a whole looks like capitals."""
        return len(self.one_case) >= 13


@dataclass(frozen=True)
class FontCollection:
    """Fonts by family, in a fixed order.

    Attributes:
        fonts: Sorted by family, then file name.
        skipped: Files that are no usable font, with the reason.
        identity: Hash of the files' names and sizes, for the keys of caches.
    """

    fonts: tuple[Font, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    identity: str = ""

    @classmethod
    def open(cls, source: str | os.PathLike[str], *, max_bad: float = 0.05) -> FontCollection:
        """Opens a folder of families, or an archive of one, which is unpacked once into the cache.

        What is found out about each font (a few seconds for a thousand) is kept in the cache as JSON.

        Args:
            source: Folder or archive (.tar.xz, .tgz, .zip ...).
            max_bad: Share of damaged font files above which the whole collection is refused.

        Raises:
            DataError: There is nothing of the name, no font in it, an unsafe archive, or too many damaged fonts.
        """
        root = _unpacked(Path(source))
        files = sorted(
            path
            for path in root.rglob("*")
            if path.suffix.lower() in _SUFFIXES and path.parent.name not in _NO_LETTERS and path.is_file()
        )
        if not files:
            raise DataError(f"No font file (.ttf, .otf) lies in {source}; give a folder or archive of font families.")
        identity = _identity(root, files)
        index = cache_folder() / "fonts" / f"index-{identity}.json"
        entries = _read_index(index)
        if entries is None:
            # Its complaints about sloppy tables are of no use to who only wants to draw.
            logging.getLogger("fontTools").setLevel(logging.CRITICAL)
            entries = [_inspect(path) for path in files]
            for path, entry in zip(files, entries, strict=True):
                entry["file"] = path.relative_to(root).as_posix()
            index.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(index) as temporary:
                temporary.write_text(json.dumps(entries, ensure_ascii=True), encoding="ascii")
        skipped = tuple((entry["file"], entry["error"]) for entry in entries if "error" in entry)
        if len(skipped) > max_bad * len(files):
            name, reason = skipped[0]
            raise DataError(
                f"{len(skipped)} of {len(files)} font files in {source} cannot be used, first {name} ({reason}); "
                "repair or remove them."
            )
        for name, reason in skipped:
            logger.info("The font %s is left out: %s.", name, reason)
        facts: dict[Path, dict[str, dict[str, Any]]] = {}
        fonts = []
        for entry in entries:
            if "error" in entry:
                continue
            path = root / entry["file"]
            if path.parent not in facts:
                facts[path.parent] = _metadata(path.parent)
            fonts.append(_font(path, entry, facts[path.parent].get(path.name, {})))
        return cls(tuple(fonts), skipped, identity)

    def __len__(self) -> int:
        return len(self.fonts)

    def __iter__(self) -> Iterator[Font]:
        return iter(self.fonts)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Names of the families, sorted."""
        return tuple(sorted({font.family for font in self.fonts}))

    def training_families(self) -> FontCollection:
        """The fonts that may be drawn for training."""
        return self.select(families=[family for family in self.families if not is_held_back(family)])

    def held_back_families(self) -> FontCollection:
        """The fonts that are never drawn for training, so that they can measure."""
        return self.select(families=[family for family in self.families if is_held_back(family)])

    def select(
        self,
        *,
        families: Iterable[str] | None = None,
        categories: Iterable[Category] | None = None,
    ) -> FontCollection:
        """Takes the fonts of some families or of some categories.

        Returns:
            A collection that may be empty.
        """
        wanted = None if families is None else frozenset(families)
        kinds = None if categories is None else frozenset(categories)
        fonts = tuple(
            font
            for font in self.fonts
            if (wanted is None or font.family in wanted) and (kinds is None or font.category in kinds)
        )
        return FontCollection(fonts, self.skipped, self.identity)


def is_held_back(family: str) -> bool:
    """Whether a family (by its folder's name) is never drawn for training: the MD5 of its name is divisible by 10."""
    return int(hashlib.md5(family.encode(), usedforsecurity=False).hexdigest(), 16) % 10 == 0


class Face:
    """A font opened at one size: gives the masks of single glyphs.

    Not to be shared between threads: FreeType's faces are not made for it.

    Attributes:
        font: What is opened.
        size: Pixels per em.
    """

    def __init__(self, font: Font, size: int) -> None:
        """Opens a font.

        Raises:
            DataError: The file is damaged or gone since the collection was opened.
        """
        self.font = font
        self.size = size
        self._face = _open_face(font.path, size)
        self._masks: dict[str, tuple[npt.NDArray[np.uint8], int, int]] = {}

    def mask(self, character: str) -> tuple[npt.NDArray[np.uint8], int, int]:
        """Draws one glyph, cropped to its ink.

        Returns:
            Coverage 0..255 of shape [height, width] (0 x 0 for a space), and where its left and upper edge lie from
            the pen's place on the baseline, in pixels, y downwards.

        Raises:
            DataError: The font has no glyph for the character.
        """
        if character not in self.font.characters:
            raise DataError(f"The font {self.font.path.name} has no glyph for {character!r}; choose another font.")
        if character not in self._masks:
            self._masks[character] = _mask(self._face, character)
        return self._masks[character]

    def advance(self, character: str) -> float:
        """How far the pen moves on after a character, in pixels."""
        return float(self._face.getlength(character))

    @cached_property
    def extent(self) -> tuple[float, float]:
        """How far the font's basic letters and digits reach above and below the baseline, in pixels, both positive."""
        masks = [self.mask(character) for character in "HAdfglpy05" if character in self.font.characters]
        if not masks:
            ascent, descent = self._face.getmetrics()
            return float(ascent), float(descent)
        return float(max(-top for _, _, top in masks)), float(max(top + len(ink) for ink, _, top in masks))


def _open_face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    try:
        # The basic layout draws one glyph a character: no ligature may put two characters into one.
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except (OSError, ValueError) as error:
        raise DataError(f"The font {path} is damaged or gone ({error}); repair or remove it.") from error


def _mask(face: ImageFont.FreeTypeFont, character: str) -> tuple[npt.NDArray[np.uint8], int, int]:
    core, (left, top) = face.getmask2(character, mode="L", anchor="ls")
    # The core itself gives its bytes only one by one.
    return np.asarray(Image.Image()._new(core), np.uint8), left, top


def _unpacked(source: Path) -> Path:
    if source.is_dir():
        return source
    if not source.exists():
        raise DataError(f"There are no fonts at {source}; give the path of a folder or an archive of font families.")
    # Imported here: a folder of fonts needs no code for archives.
    from typecase.datasets.archives import extract

    facts = source.stat()
    key = hashlib.sha256(f"{source.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = cache_folder() / "fonts" / f"unpacked-{key}"
    # The mark is set last: a folder without it was left half unpacked.
    complete = folder / ".complete"
    if not complete.exists():
        extract(source, folder)
        complete.touch()
    return folder


def _identity(root: Path, files: Sequence[Path]) -> str:
    digest = hashlib.sha256(str(_INDEX_VERSION).encode())
    for path in files:
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{path.stat().st_size}".encode())
    return digest.hexdigest()[:16]


def _read_index(index: Path) -> list[dict[str, Any]] | None:
    try:
        entries = json.loads(index.read_text(encoding="ascii"))
        usable = isinstance(entries, list) and all("file" in e and ("error" in e or "ranges" in e) for e in entries)
    except (OSError, ValueError, TypeError):
        return None
    # A damaged index is made again.
    return entries if usable else None


def _metadata(folder: Path) -> dict[str, dict[str, Any]]:
    """What a family's METADATA.json says about each of its files; nothing where it is missing or damaged."""
    try:
        family = json.loads((folder / "METADATA.json").read_text(encoding="utf-8"))
        return {font["filename"]: {**font, "category": family.get("category")} for font in family["fonts"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _font(path: Path, entry: dict[str, Any], facts: dict[str, Any]) -> Font:
    name = str(facts.get("category") or "display").lower().replace(" ", "-").replace("_", "-")
    style = facts.get("style") or ("italic" if "italic" in path.stem.lower() else "normal")
    return Font(
        path=path,
        family=path.parent.name,
        category=Category(name) if name in set(Category) else Category.DISPLAY,
        style=str(style),
        weight=int(facts.get("weight") or entry["weight"]),
        characters=frozenset(chr(code) for first, last in entry["ranges"] for code in range(first, last + 1)),
        one_case=frozenset(entry["one_case"]),
    )


def _inspect(path: Path) -> dict[str, Any]:
    """Finds out what a font file can draw; JSON values only."""
    try:
        # Opened here: of a file that is no font, fontTools would leave closing to chance.
        with path.open("rb") as file, TTFont(file, lazy=True) as font:
            codes = _drawn_codes(font)
            weight = int(font["OS/2"].usWeightClass) if "OS/2" in font else 400
        face = _open_face(path, 48)
        one_case = _one_case(face, codes)
    except DataError as error:
        return {"error": str(error)}
    except Exception as error:  # fontTools raises whatever a damaged table makes it meet
        return {"error": f"it is not a sound font file ({type(error).__name__}: {error})"}
    if not codes:
        return {"error": "it draws no character"}
    return {"ranges": _ranges(codes), "weight": min(max(weight, 1), 1000), "one_case": one_case}


def _drawn_codes(font: TTFont) -> list[int]:
    """Code points whose glyph exists, has an outline (or is a space), and is not that of the missing glyph."""
    order = set(font.getGlyphOrder())
    shapes: dict[str, Any] = {}
    glyphs = font["glyf"].glyphs if "glyf" in font else None
    drawn = font.getGlyphSet()

    def shape(name: str) -> Any:
        if name not in shapes:
            if glyphs is not None:
                # The packed bytes of the table: equal bytes, equal drawing, and nothing needs decoding.
                data = getattr(glyphs[name], "data", None)
                shapes[name] = data if data is not None else glyphs[name].compile(font["glyf"])
            else:
                pen = RecordingPen()
                drawn[name].draw(pen)
                shapes[name] = repr(pen.value).encode() if pen.value else b""
        return shapes[name]

    missing = shape(".notdef") if ".notdef" in order else None
    codes = []
    for code, name in sorted((font.getBestCmap() or {}).items()):
        if name not in order or name == ".notdef" or 0xD800 <= code <= 0xDFFF:
            continue
        outline = shape(name)
        if unicodedata.category(chr(code)) == "Zs":
            if not outline:
                codes.append(code)
        elif outline and outline != missing and unicodedata.category(chr(code))[0] != "C":
            codes.append(code)
    return codes


def _one_case(face: ImageFont.FreeTypeFont, codes: Sequence[int]) -> str:
    """Lower-case ASCII letters drawn in the shape of their capital, whatever their size.

    Decided for the typeface as a whole, by the letters whose two cases ought to differ; measured on 1,038 fonts, their
    median likeness is at least 0.81 in small caps and at most 0.76 in all others but three.
    """
    known = set(codes)
    likeness = {
        chr(code): float((_normalised(face, chr(code)) * _normalised(face, chr(code).upper())).sum())
        for code in range(ord("a"), ord("z") + 1)
        if code in known and ord(chr(code).upper()) in known
    }
    telling = [likeness[letter] for letter in _TELLING_LETTERS if letter in likeness]
    if not telling or float(np.median(telling)) < _SAME_SHAPE:
        return ""
    return "".join(letter for letter, value in likeness.items() if value >= _SAME_SHAPE)


def _normalised(face: ImageFont.FreeTypeFont, character: str) -> npt.NDArray[np.float64]:
    """A glyph scaled to fill 32 x 32, softened so that a heavier stroke matters less, zero mean and unit length."""
    picture = Image.fromarray(_mask(face, character)[0])
    raster = picture.resize((32, 32), Image.Resampling.BOX, picture.getbbox()).filter(ImageFilter.GaussianBlur(2))
    values = np.array(raster, np.float64)
    values -= values.mean()
    values /= max(float(np.linalg.norm(values)), 1e-9)
    return values


def _ranges(codes: Sequence[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges
