"""What a font file says about itself and what it draws; found out once and kept in the cache as an index."""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fontTools.pens.recordingPen import RecordingPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import Image, ImageFilter, ImageFont

from typecase.errors import DataError
from typecase.files import atomic_write, cache_folder

# Part of the index's name: a change in what is looked for must not meet an index made before it.
_INDEX_VERSION = 6
# Letters whose two cases are different shapes in every ordinary typeface; the others say nothing about small caps.
_TELLING_LETTERS = "abdeghnqrt"
_SAME_SHAPE = 0.8
# The kinds of typefaces by the classes of PANOSE's text faces and of the IBM font families, as the OS/2 table has them.
_PANOSE_TEXT, _PANOSE_SCRIPT = 2, 3
_PANOSE_EVEN = 9
_PANOSE_SERIFS, _PANOSE_SANS = range(2, 11), range(11, 16)
_IBM_SERIFS, _IBM_SANS, _IBM_SCRIPT = (1, 2, 3, 4, 5, 7), 8, 10


NO_LETTERS = "it draws no letter or digit"
"""Why a font of signs is left out; it is as sound as any."""


def index_of(root: Path, files: Sequence[Path]) -> tuple[str, list[dict[str, Any]]]:
    """Finds out what each font file draws, or reads that from the cache.

    Args:
        root: Folder below which the files lie.
        files: In a fixed order.

    Returns:
        A hash of the files' names and sizes, and for each file a dictionary of JSON values: `file` (its path from the
        root) with either `error` (why it cannot be used) or `ranges` (first and last code points of what it draws),
        `weight`, `one_case`, `name` (of its family) and `kind` (category, empty where nothing says).
    """
    identity = _identity(root, files)
    # The same size may hide another content, which its time of change tells on this machine.
    times = "\0".join(str(path.stat().st_mtime_ns) for path in files)
    key = hashlib.sha256(f"{identity}\0{times}".encode()).hexdigest()[:16]
    index = cache_folder() / "fonts" / f"index-{key}.json"
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
    return identity, entries


def open_face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Opens a font with Pillow at a size in pixels per em.

    Raises:
        DataError: The file is damaged or gone.
    """
    try:
        # The basic layout draws one glyph a character: no ligature may put two characters into one.
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    except (OSError, ValueError) as error:
        raise DataError(f"The font {path} is damaged or gone ({error}); repair or remove it.") from error


def glyph_mask(face: ImageFont.FreeTypeFont, character: str) -> tuple[npt.NDArray[np.uint8], int, int]:
    """Draws one glyph: its coverage 0..255, [height, width], and where its left upper corner lies from the pen."""
    core, (left, top) = face.getmask2(character, mode="L", anchor="ls")
    # The core itself gives its bytes only one by one.
    return np.asarray(Image.Image()._new(core), np.uint8), left, top


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


def _inspect(path: Path) -> dict[str, Any]:
    """Finds out what a font file can draw; JSON values only."""
    try:
        # Opened here: of a file that is no font, fontTools would leave closing to chance.
        with path.open("rb") as file, TTFont(file, lazy=True) as font:
            codes = _drawn_codes(font)
            weight = int(font["OS/2"].usWeightClass) if "OS/2" in font else 400
            name, kind = _family_name(font), _kind(font)
        face = open_face(path, 48)
        one_case = _one_case(face, codes)
    except DataError as error:
        return {"error": str(error)}
    except Exception as error:  # fontTools raises whatever a damaged table makes it meet
        return {"error": f"it is not a sound font file ({type(error).__name__}: {error})"}
    if not any(unicodedata.category(chr(code))[0] in "LN" for code in codes):
        return {"error": NO_LETTERS}
    return {
        "ranges": _ranges(codes),
        "weight": min(max(weight, 1), 1000),
        "one_case": one_case,
        "name": name,
        "kind": kind,
    }


def _family_name(font: TTFont) -> str:
    """The name of the family as applications show it: without weight and style where the font tells them apart."""
    if "name" not in font:
        return ""
    return " ".join(str(font["name"].getDebugName(16) or font["name"].getDebugName(1) or "").split())


def _kind(font: TTFont) -> str:
    """The category by what the file says about its shapes; empty where it says nothing."""
    panose = getattr(font["OS/2"], "panose", None) if "OS/2" in font else None
    is_even = panose is not None and panose.bFamilyType == _PANOSE_TEXT and panose.bProportion == _PANOSE_EVEN
    if is_even or ("post" in font and font["post"].isFixedPitch):
        return "monospace"
    if panose is not None and panose.bFamilyType == _PANOSE_SCRIPT:
        return "handwriting"
    if panose is not None and panose.bFamilyType == _PANOSE_TEXT:
        if panose.bSerifStyle in _PANOSE_SERIFS:
            return "serif"
        if panose.bSerifStyle in _PANOSE_SANS:
            return "sans-serif"
    ibm = font["OS/2"].sFamilyClass >> 8 if "OS/2" in font else 0
    if ibm in _IBM_SERIFS:
        return "serif"
    return {_IBM_SANS: "sans-serif", _IBM_SCRIPT: "handwriting"}.get(ibm, "")


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
    picture = Image.fromarray(glyph_mask(face, character)[0])
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
