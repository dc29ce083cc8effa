"""Lines in more than one face, as manuals, books and forms have them: words in italics or bold, names in a fixed pitch,
words in small capitals.

What is wide in one face is narrow in another: the gaps around the l of a typewriter's face are those between words in
print. Who has only seen lines of one face takes the one for the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from typecase.synthesis.draws import chance, pick, whole
from typecase.synthesis.fonts import Font
from typecase.synthesis.line import Inset, LineFace
from typecase.synthesis.text import TextMixture

NAMES = {"command": 1.6, "file-path": 0.6, "url": 0.4, "email": 0.3, "code": 0.3}
"""Kinds of strings that stand in lines in a face of their own, and how often."""

# The most words that stand in another face together.
_LONGEST = 5
# Shares: a line with a name in it; such a name in a fixed pitch; another inset in a face of the same family, and in a
# fixed pitch, the rest in any face.
_NAMED, _TYPED_NAME, _OWN_FAMILY, _TYPED = 0.45, 0.8, 0.5, 0.3
# A face ends with a word or, in so many cases, where its letters end: before a bracket or a comma.
_TRIMMED = 0.5
_TRIES = 6
# Share of lines with words in small capitals; of these those at the beginning, and those with large first letters. How
# high they are beside capitals: about as high as an x.
_SMALL_CAPITALS, _OPENING, _INITIALS = 0.1, 0.6, 0.6
_SMALL = (0.7, 0.86)


@dataclass(frozen=True)
class InsetFaces:
    """What insets are set in.

    Attributes:
        families: Each with its fonts.
        typed: Those of a fixed pitch.
        names: Draws what stands in lines in a face of its own.
    """

    families: Sequence[Sequence[Font]]
    typed: Sequence[Sequence[Font]]
    names: TextMixture

    def with_name(self, generator: np.random.Generator, text: str, most: int) -> tuple[str, tuple[int, int] | None]:
        """The text with a name in the place of one of its words or between two, at times; and where that stands.

        Args:
            generator: Source of chance.
            text: In single spaces.
            most: The most characters; where there would be more, the text stays.
        """
        if not chance(generator, _NAMED):
            return text, None
        words, name = text.split(" "), self.names.sample(generator)
        if chance(generator, 0.2):
            name = pick(generator, ('"{}"', "({})", "«{}»", "“{}”", "‘{}’", "<{}>", "[{}]")).format(name)
        place = whole(generator, 0, len(words))
        behind = words[place + whole(generator, 0, 1) :]
        before = " ".join([*words[:place], ""])
        longer = before + " ".join([name + pick(generator, ("", "", "", ",", ".", ":")), *behind])
        return (text, None) if len(longer) > most else (longer, (len(before), len(before) + len(name)))

    def with_small_capitals(self, generator: np.random.Generator, text: str) -> tuple[str, tuple[int, int] | None]:
        """The text with some words in capitals, at times; and where these stand, which `small_capitals` sets."""
        if not chance(generator, _SMALL_CAPITALS):
            return text, None
        start, end = _some_words(generator, text)
        if chance(generator, _OPENING):
            start, end = 0, end - start
        capitals = text[start:end].upper()
        # Some letters have no capital that is one letter.
        return (text, None) if len(capitals) != end - start else (text[:start] + capitals + text[end:], (start, end))

    def small_capitals(
        self, generator: np.random.Generator, face: LineFace, text: str, place: tuple[int, int]
    ) -> tuple[Inset, ...]:
        """Words in capitals as small ones, with large first letters or without.

        Args:
            generator: Source of chance.
            face: What the line is set in.
            text: The line.
            place: Where the words stand.
        """
        small = LineFace(face.font, face.em * float(generator.uniform(*_SMALL)))
        start, end = place
        if not chance(generator, _INITIALS):
            return (Inset(start, end, small),)
        words = re.finditer(r"\S{2,}", text[start:end])
        return tuple(Inset(start + word.start() + 1, start + word.end(), small) for word in words)

    def insets(
        self, generator: np.random.Generator, face: LineFace, text: str, name: tuple[int, int] | None
    ) -> tuple[Inset, ...]:
        """Some words of a line that stand in other faces, from left to right.

        Args:
            generator: Source of chance.
            face: What the line is set in.
            text: The line.
            name: Where a name stands in it.
        """
        spans = [] if name is None else [(*name, chance(generator, _TYPED_NAME))]
        if name is None or chance(generator, 0.3):
            start, end = _some_words(generator, text)
            if name is None or end <= name[0] or start >= name[1]:
                spans.append((start, end, False))
        insets = []
        for start, end, typed in sorted(spans):
            other = self._face(generator, face, text[start:end], typed)
            if other is not None:
                insets.append(Inset(start, end, other))
        return tuple(insets)

    def _face(self, generator: np.random.Generator, face: LineFace, text: str, typed: bool) -> LineFace | None:
        """A face for an inset that can draw it, in about the size of the line's."""
        for _ in range(_TRIES):
            draw = generator.random()
            if self.typed and (typed or draw < _TYPED):
                fonts = pick(generator, self.typed)
            elif draw < _TYPED + _OWN_FAMILY:
                fonts = next((one for one in self.families if one[0].family == face.font.family), ())
            else:
                fonts = pick(generator, self.families)
            if not fonts:
                continue
            font = pick(generator, fonts)
            if font is face.font or font.missing(text):
                continue
            other = LineFace(font, face.em)
            # Between the same size of type and the same height of the small letters.
            scale = (face.x_height / other.x_height) ** generator.uniform(0.0, 1.2)
            return LineFace(font, face.em * float(np.clip(scale, 0.6, 1.5)))
        return None


def _some_words(generator: np.random.Generator, text: str) -> tuple[int, int]:
    """Where some words of a text stand that follow each other."""
    words = text.split(" ")
    edges = np.cumsum([0, *(len(word) + 1 for word in words)]).tolist()
    first = whole(generator, 0, len(words) - 1)
    last = min(len(words), first + whole(generator, 1, _LONGEST))
    start, end = edges[first], edges[last] - 1
    if chance(generator, _TRIMMED):
        inner = text[start:end]
        letters = [place for place, character in enumerate(inner) if character.isalnum()]
        if letters:
            start, end = start + letters[0], start + letters[-1] + 1
    return start, end
