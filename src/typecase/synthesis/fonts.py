"""Typefaces to draw with: which there are, what each can draw, and which are kept back from training.

A collection is a folder (or an archive) with one subfolder a family, each with its font files and, where there is
one, a `METADATA.json` in the manner of Google Fonts that names category, style and weight.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import os
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from typecase.errors import DataError
from typecase.files import cache_folder
from typecase.synthesis.font_files import NO_LETTERS, glyph_mask, index_of, open_face

logger = logging.getLogger(__name__)

SYSTEM = "system"
"""Names the installed fonts where a source of fonts is asked for."""

_SUFFIXES = (".ttf", ".otf")
# Families of Google Fonts that draw something else where they say they draw letters: signs of mathematics, blots.
_NO_LETTERS = frozenset({"jsmathcmex10", "jsmathcmsy10", "redacted", "redactedscript"})

SMALL_FIGURES = {character: unicodedata.normalize("NFKC", character) for character in "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"}
"""Raised and lowered figures, each with the figure that a line draws small where a font lacks them."""

TICK_BOXES = "☐☑☒"
"""Boxes to tick, empty, ticked and crossed: a line draws them itself where a font lacks them."""


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
        family: Name of its folder, which a split keeps together; of a loose or installed font, as the file has it.
        category: Kind of typeface, by METADATA.json or else the file; DISPLAY where neither says.
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

    def missing(self, text: str) -> set[str]:
        """Gives the characters that the font neither has nor is helped out with: `SMALL_FIGURES` and `TICK_BOXES`."""
        return {
            character
            for character in set(text) - self.characters
            if SMALL_FIGURES.get(character) not in self.characters and character not in TICK_BOXES
        }


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
        """Opens a folder of families, an archive of one (which is unpacked once into the cache), or a single font.

        What is found out about each font (a few seconds for a thousand) is kept in the cache as JSON.

        Args:
            source: Folder, archive (.tar.xz, .tgz, .zip ...) or font file (.ttf, .otf).
            max_bad: Share of damaged font files above which the whole collection is refused.

        Raises:
            DataError: There is nothing of the name, no font in it, an unsafe archive, or too many damaged fonts.
        """
        path = Path(source)
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            path = path.absolute()
            return cls._of(path.parent, [path], source, 1.0)
        root = _unpacked(path)
        files = sorted(
            path
            for path in root.rglob("*")
            if path.suffix.lower() in _SUFFIXES and path.parent.name not in _NO_LETTERS and path.is_file()
        )
        if not files:
            raise DataError(f"No font file (.ttf, .otf) lies in {source}; give a folder or archive of font families.")
        return cls._of(root, files, source, max_bad)

    @classmethod
    def system(cls) -> FontCollection:
        """Opens the TrueType and OpenType fonts that are installed, as fontconfig lists them.

        Fonts that draw no letters, of which systems have some, are left out.

        Raises:
            DataError: There is no fontconfig, or it knows no such font.
        """
        files = sorted(path for path in map(Path, _fontconfig_files()) if path.suffix.lower() in _SUFFIXES)
        files = [path for path in files if path.is_absolute() and path.is_file()]
        if not files:
            raise DataError("Fontconfig knows no font file (.ttf, .otf); install fonts or give a folder of them.")
        return cls._of(Path(files[0].anchor), files, "the system", 1.0)

    @classmethod
    def gather(cls, sources: Iterable[str | os.PathLike[str]], *, max_bad: float = 0.05) -> FontCollection:
        """Opens several sources as one collection; a font that comes twice is taken once.

        Args:
            sources: Each as for `open`, or the word `system` for the installed fonts (a folder of that name is
                `./system`).
            max_bad: As for `open`, for each source by itself.

        Raises:
            DataError: No source is given, or one cannot be used.
        """
        opened = [
            cls.system() if os.fspath(source) == SYSTEM else cls.open(source, max_bad=max_bad) for source in sources
        ]
        if not opened:
            raise DataError("No fonts are given; name a folder, an archive or a font file.")
        if len(opened) == 1:
            return opened[0]
        fonts = {font.path: font for collection in opened for font in collection}
        return cls(
            tuple(sorted(fonts.values(), key=lambda font: (font.family, font.path.name, font.path))),
            tuple(entry for collection in opened for entry in collection.skipped),
            hashlib.sha256("\0".join(collection.identity for collection in opened).encode()).hexdigest()[:16],
        )

    @classmethod
    def _of(cls, root: Path, files: Sequence[Path], source: str | os.PathLike[str], max_bad: float) -> FontCollection:
        identity, entries = index_of(root, files)
        skipped = tuple((entry["file"], entry["error"]) for entry in entries if "error" in entry)
        damaged = [entry for entry in skipped if entry[1] != NO_LETTERS]
        if len(damaged) > max_bad * len(files):
            name, reason = damaged[0]
            raise DataError(
                f"{len(damaged)} of {len(files)} font files in {source} cannot be used, first {name} ({reason}); "
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
            # By itself a file's folder need not be its family: people keep fonts of all kinds in one.
            is_loose = path.parent == root or root == Path(root.anchor)
            family = entry["name"] if is_loose and path.name not in facts[path.parent] else ""
            fonts.append(_font(path, entry, facts[path.parent].get(path.name, {}), family or path.parent.name))
        if not fonts:
            raise DataError(
                f"No font of {source} can be used, first {skipped[0][0]}: {skipped[0][1]}; give another one."
            )
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
        styles: Iterable[str] | None = None,
        weights: tuple[int, int] | None = None,
    ) -> FontCollection:
        """Takes the fonts that are of one of some families, categories and styles, and of some weights.

        Args:
            families: Names of families; None takes all, as for the others.
            categories: Kinds of typefaces.
            styles: `normal`, `italic`.
            weights: Least and greatest weight, both included.

        Returns:
            A collection that may be empty.
        """
        wanted = None if families is None else frozenset(families)
        kinds = None if categories is None else frozenset(categories)
        slopes = None if styles is None else frozenset(styles)
        lightest, heaviest = weights or (0, 1000)
        return self._some(
            font
            for font in self.fonts
            if (wanted is None or font.family in wanted)
            and (kinds is None or font.category in kinds)
            and (slopes is None or font.style in slopes)
            and lightest <= font.weight <= heaviest
        )

    def covering(self, text: str) -> FontCollection:
        """Takes the fonts in which a line of a text can be set; quick enough to ask for every line.

        Returns:
            A collection that may be empty.
        """
        able = np.ones(len(self.fonts), np.bool_)
        for character in set(text):
            if character not in self._coverage:
                self._coverage[character] = np.array([not font.missing(character) for font in self.fonts], np.bool_)
            able &= self._coverage[character]
        if able.all():
            return self
        return self._some(self.fonts[place] for place in np.flatnonzero(able))

    def find(self, name: str) -> FontCollection:
        """Takes the fonts of a family, or the one font, of a name; case, spaces and dashes do not count.

        Args:
            name: Such as `Open Sans`, `opensans` or `OpenSans-BoldItalic`.

        Raises:
            DataError: No family and no font is called that; the nearest names are told.
        """
        wanted = plain_name(name)
        found = [font for font in self.fonts if plain_name(font.family) == wanted]
        found = found or [font for font in self.fonts if plain_name(font.path.stem) == wanted]
        if found:
            return self._some(found)
        names = {plain_name(font.path.stem): font.path.stem for font in self.fonts}
        names |= {plain_name(family): family for family in self.families}
        near = [names[other] for other in difflib.get_close_matches(wanted, names, n=3)]
        hint = f"did you mean {' or '.join(near)}?" if near else "give the name of a family or of a font file."
        raise DataError(f"There is no font called {name!r} among the {len(self.families)} families; {hint}")

    def nearest(self, *, weight: int = 400, style: str = "normal") -> Font:
        """Gives the font nearest to a weight and a style (`normal`, `italic`); the style counts more.

        Raises:
            DataError: The collection is empty.
        """
        if not self.fonts:
            raise DataError("There is no font to choose from; select less narrowly or give more fonts.")
        return min(self.fonts, key=lambda font: (font.style != style, abs(font.weight - weight), font.path.name))

    @cached_property
    def _coverage(self) -> dict[str, npt.NDArray[np.bool_]]:
        """For each character asked for so far, which fonts can draw it."""
        return {}

    def _some(self, fonts: Iterable[Font]) -> FontCollection:
        return FontCollection(tuple(fonts), self.skipped, self.identity)


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
        self._face = open_face(font.path, size)
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
            self._masks[character] = glyph_mask(self._face, character)
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


def _metadata(folder: Path) -> dict[str, dict[str, Any]]:
    """What a family's METADATA.json says about each of its files; nothing where it is missing or damaged."""
    try:
        family = json.loads((folder / "METADATA.json").read_text(encoding="utf-8"))
        return {font["filename"]: {**font, "category": family.get("category")} for font in family["fonts"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _font(path: Path, entry: dict[str, Any], facts: dict[str, Any], family: str) -> Font:
    name = str(facts.get("category") or entry["kind"] or "display").lower().replace(" ", "-").replace("_", "-")
    leans = any(word in path.stem.lower() for word in ("italic", "oblique"))
    style = facts.get("style") or ("italic" if leans else "normal")
    return Font(
        path=path,
        family=family,
        category=Category(name) if name in set(Category) else Category.DISPLAY,
        style=str(style),
        weight=int(facts.get("weight") or entry["weight"]),
        characters=frozenset(chr(code) for first, last in entry["ranges"] for code in range(first, last + 1)),
        one_case=frozenset(entry["one_case"]),
    )


def _fontconfig_files() -> list[str]:
    try:
        done = subprocess.run(["fc-list", "--format=%{file}\n"], capture_output=True, check=False)
    except OSError as error:
        raise DataError(
            "The system's fonts are listed by fontconfig, whose command fc-list is not there; "
            "install fontconfig or give a folder of fonts."
        ) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(
            f"Fontconfig's fc-list failed ({reason[-1] if reason else done.returncode}); give a folder of fonts."
        )
    # One file may hold several faces, or named instances, and is then listed several times.
    return sorted(set(os.fsdecode(done.stdout).splitlines()))


def plain_name(name: str) -> str:
    """A family's name as names are compared: small letters and digits only."""
    return "".join(character for character in name.lower() if character.isalnum())
