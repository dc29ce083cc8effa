"""Type on a page: a font in a size and style that can measure text, break it into lines and set it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from typecase.synthesis.draws import chance, whole
from typecase.synthesis.fonts import Font
from typecase.synthesis.ground_truth import InkLine
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_style import PLAIN, LineStyle
from typecase.synthesis.shaping import open_typeface

Colour = tuple[float, float, float]
"""Red, green and blue, 0..255."""

BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (255.0, 255.0, 255.0)
SMALLEST_EM = 4.0
"""Below so many pixels nothing is set."""


@dataclass(frozen=True)
class PageType:
    """A font in a size and style.

    Attributes:
        font: What it is set in.
        em: Size in pixels.
        allowed: Characters that may be set: those of the page that the font has.
        style: How lines are set.
        colour: Of the ink.
    """

    font: Font
    em: float
    allowed: Collection[str] = field(repr=False)
    style: LineStyle = PLAIN
    colour: Colour = BLACK

    def set(self, text: str, style: LineStyle | None = None) -> InkLine:
        """Sets a line with as little margin as its ink needs.

        Raises:
            DataError: The font draws nothing for one of the characters.
        """
        return set_line(LineFace(self.font, self.em), text, style or self.style, margin=0.0)

    def width(self, text: str) -> float:
        """About how many pixels a line is long: kerning is not looked at."""
        advances = _advances(self.font.path)
        units = sum(advances[character] for character in text)
        style = self.style
        extra = style.letter_spacing * len(text) + style.word_spacing * text.count(" ")
        return self.em * (units * style.stretch + extra)

    @cached_property
    def above(self) -> float:
        """How far letters reach above the baseline, in pixels."""
        typeface = open_typeface(self.font.path)
        return typeface.extent[0] * self.em / typeface.units

    @cached_property
    def below(self) -> float:
        """How far letters reach below the baseline, in pixels."""
        typeface = open_typeface(self.font.path)
        return typeface.extent[1] * self.em / typeface.units

    @cached_property
    def x_height(self) -> float:
        """Height of the lower-case x in pixels."""
        typeface = open_typeface(self.font.path)
        return typeface.x_height * self.em / typeface.units

    def sized(self, factor: float) -> PageType:
        """The same in another size."""
        return replace(self, em=max(SMALLEST_EM, self.em * factor))

    def styled(self, **changes: object) -> PageType:
        """The same in a changed style."""
        return replace(self, style=replace(self.style, **changes))  # type: ignore[arg-type]

    def coloured(self, colour: Colour) -> PageType:
        """The same in another ink."""
        return replace(self, colour=colour)

    def fitted(self, text: str, room: float) -> str:
        """As many of the first words as there is room for; a single word is cut; may be empty."""
        if self.width(text) <= room:
            return text
        words = text.split(" ")
        while words and self.width(" ".join(words)) > room:
            words.pop()
        if words:
            return " ".join(words)
        first = text.split(" ")[0]
        while first and self.width(first) > room:
            first = first[:-1]
        return first

    def broken(
        self,
        words: Sequence[str],
        width: float,
        *,
        indent: float = 0.0,
        hyphens: float = 0.0,
        generator: np.random.Generator | None = None,
    ) -> list[str]:
        """Breaks text into lines.

        Args:
            words: At least one.
            width: Of the column in pixels.
            indent: By how much the first line is shorter.
            hyphens: Share of the words at a line's end that are broken by a hyphen, where that fits.
            generator: Source of chance for the hyphens.
        """
        space = self.width(" ")
        lines: list[str] = []
        line: list[str] = []
        used, room = 0.0, width - indent
        waiting = list(reversed(words))
        while waiting:
            word = waiting.pop()
            needed = self.width(word)
            if used + needed + (space if line else 0.0) <= room:
                used += needed + (space if line else 0.0)
                line.append(word)
                continue
            if generator is not None and hyphens and len(word) >= 7 and word.isalpha() and chance(generator, hyphens):
                place = whole(generator, 3, len(word) - 3)
                head = word[:place] + "-"
                if "-" in self.allowed and used + space + self.width(head) <= room:
                    line.append(head)
                    word = word[place:]
            if not line:
                # Longer than a whole line: it is cut, as machines do.
                head = self.fitted(word, room) or word[:1]
                line, rest = [head], word[len(head) :]
                if rest:
                    waiting.append(rest)
            else:
                waiting.append(word)
            lines.append(" ".join(line))
            line, used, room = [], 0.0, width
        if line:
            lines.append(" ".join(line))
        return lines

    def without_missing(self, text: str) -> str:
        """A text without the characters that may not be set; may be empty."""
        return " ".join("".join(one for one in text if one in self.allowed).split())


class _Advances(dict[str, float]):
    """The widths of a font's characters in ems, looked up once."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __missing__(self, character: str) -> float:
        typeface = open_typeface(self._path)
        self[character] = typeface.width(character) / typeface.units
        return self[character]


@lru_cache(maxsize=1024)
def _advances(path: Path) -> _Advances:
    return _Advances(path)


def widest(kind: PageType, texts: Iterable[str]) -> float:
    """Length of the longest of some lines; 0 for none."""
    return max(map(kind.width, texts), default=0.0)
