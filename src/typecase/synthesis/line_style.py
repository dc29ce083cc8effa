"""How a line of text is set: its spacing, weight, rules and the like; and what of that print usually shows."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from typecase.errors import UsageError
from typecase.synthesis.tick_box import TickBox

Span = tuple[int, int]

_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|re|e)\b")
_FOOTNOTE = re.compile(r"(?<=[^\W\d_]{2})\d\b")
# Old-style and lining figures, figures of equal and of their own width, the slashed zero.
_FEATURES = (("onum",), ("lnum",), ("tnum",), ("pnum",), ("onum", "pnum"), ("zero",))


@dataclass(frozen=True)
class LineStyle:
    """How a line is set; lengths are in ems.

    Attributes:
        letter_spacing: Added after each character, -0.1 to 2; other than 0 it keeps letters from melting together.
        word_spacing: Added to each space, -0.2 to 4.
        stretch: Width of the glyphs against the font's own, 0.3 to 3.
        slant: How far glyphs lean to the right: shift for each unit of height, -0.6 to 0.6.
        bold: By how much strokes grow, or shrink below zero; -0.05 to 0.15.
        unevenness: Standard deviation of each glyph's height above the line, as of a worn typewriter; 0 to 0.1.
        irregularity: Standard deviation of each glyph's size, as a share of it, and of how far it leans by itself (see
            slant), as of a hand that writes no letter twice alike; 0 to 0.3.
        wobble: Standard deviation of how far strokes stray from the font's, the same for what touches; 0 to 0.06.
        unevenness_seed: Decides where unevenness, irregularity and wobble fall.
        kerning: Whether pairs are kerned as the font says.
        ligatures: Whether the font's usual ligatures are taken.
        small_caps: Lower-case letters as small capitals: the font's own, or capitals drawn smaller. The text of the
            line is then in capitals, as a reader sees it.
        underline: Whether a rule runs under the line.
        strike_through: Whether a rule runs through it.
        gaps: Spaces of the text that are wider, as (place, ems more), each 0 to 40: columns of a list, or blanks.
        ruled_gaps: Whether a rule at the line's foot fills each of the gaps, to be written on. It is no character and
            does not stand in the line's text.
        one_as_ell: Whether each 1 is drawn as an l, as by a typewriter that has no key for it; in the line's text it
            stays a 1.
        tick_box: How boxes to tick are drawn; None takes the font's own, and a plain square where it has none.
        superscript: Spans of the text, (start, end), drawn small and raised; figures become ⁰ to ⁹ in the line's text.
        subscript: The same, lowered.
        features: Further OpenType features by their tags, such as "onum" (old-style figures) or "zero" (slashed zero).
    """

    letter_spacing: float = 0.0
    word_spacing: float = 0.0
    stretch: float = 1.0
    slant: float = 0.0
    bold: float = 0.0
    unevenness: float = 0.0
    irregularity: float = 0.0
    wobble: float = 0.0
    unevenness_seed: int = 0
    kerning: bool = True
    ligatures: bool = True
    small_caps: bool = False
    underline: bool = False
    strike_through: bool = False
    gaps: tuple[tuple[int, float], ...] = ()
    ruled_gaps: bool = False
    one_as_ell: bool = False
    tick_box: TickBox | None = None
    superscript: tuple[Span, ...] = ()
    subscript: tuple[Span, ...] = ()
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"A line's {name} must lie between {least} and {most}; {getattr(self, name)} does not."
                )
        if not all(0 <= width <= _WIDEST_GAP for _, width in self.gaps):
            raise UsageError(f"A line's gaps must be 0 to {_WIDEST_GAP} ems wide; {self.gaps} are not.")

    @property
    def facts(self) -> dict[str, Any]:
        """What differs from plain, as JSON values."""
        values = asdict(self)
        return {name: values[name] for name, plain in _DEFAULTS.items() if values[name] != plain}


_WIDEST_GAP = 40
_RANGES = {
    "letter_spacing": (-0.1, 2.0),
    "word_spacing": (-0.2, 4.0),
    "stretch": (0.3, 3.0),
    "slant": (-0.6, 0.6),
    "bold": (-0.05, 0.15),
    "unevenness": (0.0, 0.1),
    "irregularity": (0.0, 0.3),
    "wobble": (0.0, 0.06),
}
_DEFAULTS = {field.name: field.default for field in fields(LineStyle)}
PLAIN = LineStyle()


def random_style(generator: np.random.Generator, text: str = "") -> LineStyle:
    """Draws a style as print has them: two lines in three are plain.

    Args:
        generator: Source of chance; the text does not change how much is drawn from it.
        text: The text to be set, already normal, for what depends on it: raised ordinals ("1st") and figures of
            footnotes ("word2", which then reads "word²"), and the spaces that may be gaps.
    """
    if generator.random() < 0.66:
        return PLAIN

    def maybe(probability: float, low: float, high: float, otherwise: float = 0.0) -> float:
        chosen, place = generator.random(2)
        return round(low + (high - low) * float(place), 3) if chosen < probability else otherwise

    def often(probability: float) -> bool:
        return bool(generator.random() < probability)

    # Mostly a little tighter or looser; now and then letters or words set wide apart.
    letter_spacing = maybe(0.07, 0.1, 0.45) or maybe(0.28, -0.03, 0.1)
    word_spacing = maybe(0.05, 0.25, 1.5) or maybe(0.2, -0.06, 0.25)
    figures = _FEATURES[int(generator.integers(len(_FEATURES)))]
    ordinals, footnotes = often(0.25), often(0.04)
    raised = {match.span() for match in _ORDINAL.finditer(text)} if ordinals else set()
    if footnotes:
        raised |= {match.span() for match in _FOOTNOTE.finditer(text)}
    gap, place = maybe(0.16, 1.5, 14.0), generator.random()
    spaces = [number for number, character in enumerate(text) if character == " "]
    gaps = ((spaces[int(place * len(spaces))], gap),) if gap and spaces else ()
    ruled = often(0.6)
    unevenness, seed = maybe(0.06, 0.005, 0.03), int(generator.integers(1 << 30))
    return LineStyle(
        letter_spacing=letter_spacing,
        word_spacing=word_spacing,
        stretch=maybe(0.22, 0.72, 1.3, otherwise=1.0),
        slant=maybe(0.1, -0.05, 0.28),
        bold=maybe(0.2, -0.012, 0.05),
        unevenness=unevenness,
        unevenness_seed=seed if unevenness else 0,
        kerning=not often(0.15),
        ligatures=not often(0.2),
        small_caps=often(0.02),
        underline=often(0.05),
        strike_through=often(0.015),
        gaps=gaps,
        ruled_gaps=ruled and bool(gaps),
        superscript=tuple(sorted(raised)),
        features=figures if often(0.25) else (),
    )
