"""From characters to placed glyphs: HarfBuzz's part, with the rules that keep a picture true to its text.

A font may replace what it is given: `fi` by one glyph, but also `->` by an arrow or `3x4` by `3×4`. The picture would
then no longer say what the ground truth says, so substitutions are taken only where letters stay letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import uharfbuzz  # type: ignore[import-untyped]

from typecase.errors import DataError
from typecase.synthesis.outlines import Outlines

# A typeface takes about 0.3 MB: the file, its glyphs as they come up, HarfBuzz's tables.
_OPEN_AT_ONCE = 1024
_LONGEST_LIGATURE = 3
_PLAIN = {"liga": False, "clig": False, "dlig": False, "calt": False}
_BASIC = "HAdfglpy05"


@dataclass(frozen=True, slots=True)
class Shaped:
    """The glyphs of a piece of text, from left to right, in font units.

    Attributes:
        glyphs: Numbers of the glyphs.
        clusters: For each glyph, the index of the first character that it stands for; never falling.
        advances: How far each glyph moves the pen.
        offsets: Where each glyph lies from the pen, [n, 2], y upwards.
    """

    glyphs: list[int]
    clusters: list[int]
    advances: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]


class Typeface:
    """A font file opened for shaping and drawing; holds no file open.

    Not to be shared between threads.

    Attributes:
        outlines: Its glyphs.
        units: Font units per em.
    """

    def __init__(self, path: Path) -> None:
        """Opens a font.

        Raises:
            DataError: The file is damaged or gone, or holds no outlines.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"The font {path} is damaged or gone ({error}); repair or remove it.") from error
        self._path = path
        self.outlines = Outlines(path, content)
        self.units = self.outlines.units
        self._font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(content)))
        # Whatever the file says, HarfBuzz and FreeType shall count alike.
        self._font.scale = (self.units, self.units)
        self._buffer = uharfbuzz.Buffer()
        self._buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS

    def shape(self, text: str, features: dict[str, bool] | None = None) -> Shaped:
        """Chooses and places glyphs for text that runs from left to right.

        Args:
            text: At least one character; all of them in the font.
            features: OpenType features to turn on or off. Where a substitution would leave a character without ink of
                its own, or melt together anything but two or three letters, the optional ones are all turned off.

        Raises:
            DataError: The font has no glyph for a character, whatever its table of characters says.
        """
        shaped = self._shape(text, features or {})
        if not self._is_true(text, shaped):
            shaped = self._shape(text, {**(features or {}), **_PLAIN})
            bare = self._without_ink(text, shaped)
            if bare:
                raise DataError(f"The font {self._path.name} draws nothing for {bare!r}; choose another font.")
        return shaped

    @cached_property
    def has_small_caps(self) -> bool:
        """Whether the font brings small capitals for the lower-case letters."""
        letters = "aeghnrt"
        plain, small = self._shape(letters, {}), self._shape(letters, {"smcp": True})
        return len(plain.glyphs) == len(small.glyphs) and all(map(int.__ne__, plain.glyphs, small.glyphs))

    @cached_property
    def x_height(self) -> float:
        """Height of the lower-case x above the baseline in font units."""
        return self._top("xzvn") or 0.5 * self.units

    @cached_property
    def cap_height(self) -> float:
        """Height of the capital H above the baseline in font units."""
        return self._top("HEIT") or 0.7 * self.units

    @cached_property
    def extent(self) -> tuple[float, float]:
        """How far basic letters and digits reach above and below the baseline, in font units, both positive."""
        boxes = [self.outlines[glyph].box for glyph in map(self.glyph, _BASIC) if glyph]
        return max((box[3] for box in boxes), default=0.75 * self.units), max(
            (-box[1] for box in boxes), default=0.25 * self.units
        )

    def width(self, character: str) -> float:
        """How far a character moves the pen by itself, in font units."""
        return float(self._font.get_glyph_h_advance(self.glyph(character)))

    def glyph(self, character: str) -> int:
        """The number of the glyph that a character has by itself; 0 where the font has none."""
        return int(self._font.get_nominal_glyph(ord(character)) or 0)

    def _top(self, characters: str) -> float:
        tops = (self.outlines[glyph].box[3] for glyph in map(self.glyph, characters) if glyph)
        return next((top for top in tops if top > 0), 0.0)

    def _shape(self, text: str, features: dict[str, bool]) -> Shaped:
        buffer = self._buffer
        buffer.clear_contents()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        # A line is drawn from left to right also where it begins with a sign of no script.
        buffer.direction = "ltr"
        uharfbuzz.shape(self._font, buffer, features)
        infos = buffer.glyph_infos
        places = np.array([position.position for position in buffer.glyph_positions], np.float64).reshape(-1, 4)
        return Shaped([info.codepoint for info in infos], [info.cluster for info in infos], places[:, 2], places[:, :2])

    def _is_true(self, text: str, shaped: Shaped) -> bool:
        starts = sorted(set(shaped.clusters))
        if len(starts) != len(text):
            for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
                if end - start > 1 and (end - start > _LONGEST_LIGATURE or not text[start:end].isalpha()):
                    return False
        return not self._without_ink(text, shaped)

    def _without_ink(self, text: str, shaped: Shaped) -> str:
        """Characters that are no space and yet got no ink, or the sign for a missing glyph."""
        outlines = self.outlines
        # Glyph 0 stands for what the font does not have.
        inked = {
            cluster
            for glyph, cluster in zip(shaped.glyphs, shaped.clusters, strict=True)
            if glyph and outlines[glyph].tags
        }
        return "".join(text[place] for place in set(shaped.clusters) - inked if text[place] != " ")


@lru_cache(maxsize=_OPEN_AT_ONCE)
def open_typeface(path: Path) -> Typeface:
    """Opens a font file, or gives the one already open; those longest unused are closed.

    Raises:
        DataError: The file is damaged or gone, or holds no outlines.
    """
    return Typeface(path)
