"""Sets one line of text in a font: ink on nothing, with a box for every character.

HarfBuzz places the glyphs, FreeType fills their outlines; what a style adds (spacing, small capitals, raised figures,
rules through or under the text) is done here. Boxes are computed from the outlines in the font's own units, so they
are the same on every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt

from typecase.errors import DataError, UsageError
from typecase.synthesis.fonts import SMALL_FIGURES, TICK_BOXES, Category, Font
from typecase.synthesis.ground_truth import InkLine, Pixels
from typecase.synthesis.line_style import PLAIN, LineStyle
from typecase.synthesis.outlines import LONGEST_SIDE, Outline, Wobble, bent, rasterise, written
from typecase.synthesis.shaping import Typeface, open_typeface
from typecase.synthesis.tick_box import TickBox

_RAISED = {"⁰": "0", "¹": "1", "²": "2", "³": "3"} | {chr(0x2070 + digit): str(digit) for digit in range(4, 10)}
_LOWERED = {chr(0x2080 + digit): str(digit) for digit in range(10)}
_AS_RAISED = {plain: raised for raised, plain in _RAISED.items()}
_AS_LOWERED = {plain: lowered for lowered, plain in _LOWERED.items()}
_SCRIPT_SIZE = 0.62
_LARGEST_EM = 2048
# Categories in which a letter's form may depend on its neighbours.
_JOINED = frozenset({Category.HANDWRITING, Category.DISPLAY})


class LineFace:
    """A font at one size, ready to set lines; cheap to make, as the opened font is shared between sizes.

    Not to be shared between threads.

    Attributes:
        font: What it draws with.
        em: Size in pixels.
        typeface: The opened font.
    """

    def __init__(self, font: Font, em: float) -> None:
        """Opens a font at a size.

        Raises:
            UsageError: The size is below 4 or above 2048 pixels.
            DataError: The file is damaged or gone since the collection was opened.
        """
        if not 4 <= em <= _LARGEST_EM:
            raise UsageError(f"A font can be set from 4 to {_LARGEST_EM} pixels high; {em} is not.")
        self.font = font
        self.em = float(em)
        self.typeface: Typeface = open_typeface(font.path)

    @property
    def x_height(self) -> float:
        """Height of the lower-case x in pixels."""
        return self.typeface.x_height * self.em / self.typeface.units


@dataclass(frozen=True)
class Inset:
    """Characters of a line that stand in another face: a word in italics, a command in a fixed pitch.

    Attributes:
        start: The first of them in the text.
        end: One past the last.
        face: What they are set in.
    """

    start: int
    end: int
    face: LineFace

    @property
    def facts(self) -> dict[str, Any]:
        """What it is, as JSON values."""
        return {"start": self.start, "end": self.end, "font": self.face.font.path.name, "em": self.face.em}


def missing(font: Font, text: str) -> set[str]:
    """Gives the characters of a text that a line in a font cannot show."""
    return font.missing(text)


def shown_text(font: Font, text: str, style: LineStyle = PLAIN) -> str:
    """Gives the text as a reader of the line sees it; of the same length.

    Where lower case is drawn as capitals, by the font or as small capitals, it reads as capitals; raised and lowered
    figures read as the characters of their own that Unicode has for them.

    Args:
        font: What it is drawn with.
        text: In normal form C.
        style: How it is set.
    """
    return _with_small_figures(_in_its_cases(font, text, style), style)


def _in_its_cases(font: Font, text: str, style: LineStyle) -> str:
    if style.small_caps or font.has_one_case:
        return "".join(_capital(character) for character in text)
    if font.one_case:
        return "".join(_capital(character) if character in font.one_case else character for character in text)
    return text


def _with_small_figures(text: str, style: LineStyle) -> str:
    if style.superscript or style.subscript:
        characters = list(text)
        for spans, names in ((style.superscript, _AS_RAISED), (style.subscript, _AS_LOWERED)):
            for start, end in spans:
                characters[start:end] = [names.get(character, character) for character in characters[start:end]]
        text = "".join(characters)
    return text


def set_line(
    face: LineFace, text: str, style: LineStyle = PLAIN, *, margin: float = 0.5, insets: Sequence[Inset] = ()
) -> InkLine:
    """Sets a line.

    Args:
        face: Font and size.
        text: What to set. It is brought to normal form C, and any white space to single spaces between words; spans of
            the style count in the result of that.
        style: How to set it.
        margin: Empty space around what a line of ordinary letters would take, in ems; at least 2 pixels are left
            around all ink.
        insets: What of it stands in other faces, from left to right; like spans of the style.

    Returns:
        The ink. Its `text` is what is seen: see `shown_text`. Boxes are exact but for emboldened letters, whose sharp
        corners may reach out by up to half the growth more, and for thinned ones, whose bent corners may keep their
        place.

    Raises:
        DataError: The text is empty, a font lacks some of its characters, or the line would be longer than 32,000
            pixels.
        UsageError: A span of the style or an inset lies outside the text, insets overlap, or a gap is no space.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if not text:
        raise DataError("There is no text to set: it is empty or only white space.")
    parts = list(_parts(face, insets, len(text)))
    for start, end, own in parts:
        lacking = sorted(own.font.missing(text[start:end]))
        if lacking:
            names = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in lacking)
            raise DataError(f"The font {own.font.path.name} lacks {names}; choose another font or leave them out.")
    for place, _ in style.gaps:
        if text[place : place + 1] != " ":
            raise UsageError(f"The gap at {place} is no space of the text, which is {text!r}.")
    setting = _Setting(face, style, len(text))
    for run in _runs(parts, text, style):
        setting.add(run)
    cased = "".join(_in_its_cases(own.font, text[start:end], style) for start, end, own in parts)
    return setting.inked(_with_small_figures(cased, style), margin, insets)


def _parts(face: LineFace, insets: Sequence[Inset], length: int) -> Iterator[tuple[int, int, LineFace]]:
    """Start, end and face of each part of a line, from left to right; together they are all of it."""
    reached = 0
    for inset in insets:
        if not reached <= inset.start < inset.end <= length:
            raise UsageError(
                f"The inset from {inset.start} to {inset.end} overlaps another one or lies outside the text, which "
                f"has {length} characters."
            )
        if inset.start > reached:
            yield reached, inset.start, face
        yield inset.start, inset.end, inset.face
        reached = inset.end
    if reached < length:
        yield reached, length, face


@dataclass(frozen=True)
class _Run:
    """A piece of the text that is shaped in one go."""

    face: LineFace
    start: int
    text: str
    size: float = 1.0
    rise: float = 0.0
    small_caps: bool = False
    is_box: bool = False


def _runs(parts: Sequence[tuple[int, int, LineFace]], text: str, style: LineStyle) -> Iterator[_Run]:
    """Cuts the text where face, size or height above the line changes; plain text is a single run.

    Sizes are shares of the em, and so are rises.
    """
    for spans in (style.superscript, style.subscript):
        for start, end in spans:
            if not 0 <= start < end <= len(text):
                raise UsageError(
                    f"The span from {start} to {end} lies outside the text, which has {len(text)} characters."
                )
    for start, end, face in parts:
        yield from _runs_of_part(face, start, text[start:end], style)


def _runs_of_part(face: LineFace, offset: int, text: str, style: LineStyle) -> Iterator[_Run]:
    font, typeface = face.font, face.typeface
    has_figures = not font.characters.issuperset(text)
    boxes = [character in TICK_BOXES and bool(style.tick_box or character not in font.characters) for character in text]
    synthetic = style.small_caps and not font.has_one_case and not typeface.has_small_caps
    shown = text.replace("1", "l") if style.one_as_ell else text
    if not has_figures and not any(boxes) and not synthetic and not style.superscript and not style.subscript:
        yield _Run(face, offset, shown, small_caps=style.small_caps)
        return
    drawn = list(shown)
    sizes, rises = [1.0] * len(text), [0.0] * len(text)
    # The small capital stands a little above the x, as those that are drawn by hand do.
    small = min(max(1.08 * typeface.x_height / typeface.cap_height, 0.65), 0.9)
    raise_by = (typeface.cap_height - _SCRIPT_SIZE * typeface.cap_height) / typeface.units + 0.06
    for place, character in enumerate(text):
        if synthetic and _capital(character) != character and _capital(character) in font.characters:
            drawn[place], sizes[place] = _capital(character), small
        elif character not in font.characters and not boxes[place]:
            drawn[place], sizes[place] = SMALL_FIGURES[character], _SCRIPT_SIZE
            rises[place] = raise_by if character in _RAISED else -0.14
    for spans, rise in ((style.superscript, raise_by), (style.subscript, -0.14)):
        for first, last in spans:
            for place in range(max(0, first - offset), min(len(text), last - offset)):
                # What is raised already, such as ², stays what it is.
                if text[place] not in SMALL_FIGURES:
                    sizes[place], rises[place] = _SCRIPT_SIZE, rise
    start = 0
    for place in range(1, len(text) + 1):
        if (
            place == len(text)
            or boxes[start]
            or boxes[place]
            or (sizes[place], rises[place]) != (sizes[start], rises[start])
        ):
            run = "".join(drawn[start:place])
            small_caps = style.small_caps and not synthetic
            yield _Run(face, offset + start, run, sizes[start], rises[start], small_caps, boxes[start])
            start = place


class _Setting:
    """Glyphs and characters of a line while it grows; pixels, from the pen's start on the baseline, y upwards."""

    def __init__(self, face: LineFace, style: LineStyle, length: int) -> None:
        self._face = face
        self._typeface = face.typeface
        self._scale = face.em / face.typeface.units
        self._style = style
        self._pen = 0.0
        self._outlines: list[Outline] = []
        self._scales: list[npt.NDArray[np.float64]] = []
        self._pens: list[npt.NDArray[np.float64]] = []
        self._inks = np.full((length, 4), np.nan)
        self._places = np.zeros((length, 2))
        # One field for the whole line, so that what is joined stays so.
        self._wobble = Wobble(style.wobble, self._chance(2)) if style.wobble else None

    def add(self, run: _Run) -> None:
        if run.is_box:
            self._add_box(run)
            return
        style, typeface, em = self._style, run.face.typeface, run.face.em
        shaped = typeface.shape(run.text, self._features(run))
        upwards = em / typeface.units * run.size
        across = upwards * style.stretch
        count = len(shaped.glyphs)
        clusters = np.array(shaped.clusters)
        advances = shaped.advances * across
        # The last glyph of each character, or group of them.
        lasts = np.flatnonzero(np.append(clusters[1:] != clusters[:-1], True))
        if style.letter_spacing:
            advances[lasts] += style.letter_spacing * em
        if style.word_spacing:
            spaces = [glyph for glyph in lasts if run.text[clusters[glyph]] == " "]
            advances[spaces] = np.maximum(advances[spaces] + style.word_spacing * em, 0.05 * em)
        for place, width in style.gaps:
            advances[lasts[clusters[lasts] == place - run.start]] += width * em
        ends = self._pen + np.cumsum(advances)
        pens = np.empty((count, 2))
        pens[:, 0] = ends - advances + shaped.offsets[:, 0] * across
        pens[:, 1] = shaped.offsets[:, 1] * upwards + run.rise * em
        if style.unevenness:
            # Sideways a typewriter's letters are off by less, for the carriage moves in even steps.
            shifts = self._noise((len(lasts), 2), run.start) * (0.5 * style.unevenness * em, style.unevenness * em)
            pens += np.repeat(shifts, np.diff(lasts, prepend=-1), axis=0)
        outlines = [typeface.outlines[glyph] for glyph in shaped.glyphs]
        if style.irregularity:
            # Another number than unevenness draws from: the one stays as it is when the other is changed.
            changes = self._noise((count, 3), run.start, 1) * style.irregularity * (1.0, 0.5, 1.0)
            outlines = [written(outline, *change) for outline, change in zip(outlines, changes, strict=True)]
        if self._wobble is not None:
            scale = np.array([across, upwards]) / em
            outlines = [bent(one, self._wobble, scale, pen) for one, pen in zip(outlines, pens / em, strict=True)]
        self._outlines += outlines
        self._scales.append(np.broadcast_to(np.array([across, upwards]), (count, 2)))
        self._pens.append(pens)
        self._place(run, clusters, lasts, ends, self._ink(outlines, across, upwards, pens))
        self._pen = float(ends[-1])

    def _noise(self, shape: tuple[int, int], *where: int) -> npt.NDArray[np.float64]:
        """What the style's seed gives at a place of the line: normal, and never far off."""
        return self._chance(*where).normal(size=shape).clip(-2.5, 2.5)

    def _chance(self, *where: int) -> np.random.Generator:
        return np.random.default_rng((self._style.unevenness_seed, *where))

    def _add_box(self, run: _Run) -> None:
        box = self._style.tick_box or TickBox()
        outline = box.outline(run.text, self._typeface)
        em = self._face.em
        across, upwards = self._scale * self._style.stretch, self._scale
        pens = np.array([[self._pen, 0.0]])
        end = self._pen + box.advance * self._style.stretch * em + self._style.letter_spacing * em
        self._outlines.append(outline)
        self._scales.append(np.array([[across, upwards]]))
        self._pens.append(pens)
        only = np.zeros(1, np.int64)
        self._place(run, only, only, np.array([end]), self._ink([outline], across, upwards, pens))
        self._pen = end

    def _features(self, run: _Run) -> dict[str, bool]:
        style = self._style
        features = dict.fromkeys(style.features, True)
        if not style.kerning:
            features["kern"] = False
        category = run.face.font.category
        if category not in _JOINED:
            # Outside of scripts these change signs and not letters: 3x4 into 3×4, -> into an arrow.
            features["calt"] = False
        if not style.ligatures or style.letter_spacing or category is Category.MONOSPACE:
            features["liga"] = features["clig"] = False
        if run.small_caps:
            features["smcp"] = True
        return features

    def _ink(
        self, outlines: list[Outline], across: float, upwards: float, pens: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Left, bottom, right and top of each glyph's ink; not a number where it has none."""
        slant, bold = self._style.slant, self._style.bold
        boxes = np.array([outline.box for outline in outlines])
        if slant:
            for place, outline in enumerate(outlines):
                if outline.tags:
                    leaning = outline.points[:, 0] + slant * outline.points[:, 1]
                    boxes[place, 0], boxes[place, 2] = leaning.min(), leaning.max()
        inks = boxes * (across, upwards, across, upwards) + pens[:, [0, 1, 0, 1]]
        if bold:
            half = bold * self._face.em / 2
            inks += (-half, -half, half, half)
        inks[[not outline.tags for outline in outlines]] = np.nan
        return inks

    def _place(
        self,
        run: _Run,
        clusters: npt.NDArray[np.int64],
        lasts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.float64],
        inks: npt.NDArray[np.float64],
    ) -> None:
        """Notes where each character lies; a ligature is shared out by the widths of its letters."""
        firsts = np.append(0, lasts[:-1] + 1)
        characters = clusters[firsts] + run.start
        rights = ends[lasts]
        lefts = np.append(self._pen, rights[:-1])
        if len(firsts) != len(clusters):
            inks = np.concatenate(
                [np.fmin.reduceat(inks[:, :2], firsts, axis=0), np.fmax.reduceat(inks[:, 2:], firsts, axis=0)], axis=1
            )
        self._inks[characters] = inks
        self._places[characters, 0], self._places[characters, 1] = lefts, rights
        if len(characters) != len(run.text):
            for group, start in enumerate(characters.tolist()):
                end = int(characters[group + 1]) if group + 1 < len(characters) else run.start + len(run.text)
                if end - start > 1:
                    self._share(run, start, end)

    def _share(self, run: _Run, start: int, end: int) -> None:
        letters = run.text[start - run.start : end - run.start]
        widths = np.array([max(run.face.typeface.width(letter), 1.0) for letter in letters])
        shares = np.append(0.0, np.cumsum(widths) / np.cumsum(widths)[-1])
        for values, low, high in ((self._places, 0, 1), (self._inks, 0, 2)):
            left, right = values[start, low], values[start, high]
            edges = left + (right - left) * shares
            values[start:end] = values[start]
            values[start:end, low], values[start:end, high] = edges[:-1], edges[1:]

    def inked(self, text: str, margin: float, insets: Sequence[Inset]) -> InkLine:
        """Draws what was added and gives it its frame."""
        style, face, em = self._style, self._face, self._face.em
        inks, places = self._inks, self._places
        above, below = (reach * self._scale for reach in self._typeface.extent)
        # Sharp corners of emboldened letters reach out beyond their boxes.
        least = 2.0 + max(style.bold, 0.0) * em
        edges = [np.nanmin(inks[:, :2], axis=0), np.nanmax(inks[:, 2:], axis=0)]
        rules = self._rules(float(edges[0][0]), float(edges[1][0]))
        left = min(0.0, float(edges[0][0]), float(places.min())) - max(margin * em, least)
        right = max(self._pen, float(edges[1][0])) + max(margin * em, least)
        bottom = min(-below - margin * em, float(edges[0][1]) - least, *(low - least for low, *_ in rules))
        top = max(above + margin * em, float(edges[1][1]) + least)
        x, y = ceil(-left), ceil(-bottom)
        width, height = x + ceil(right), y + ceil(top)
        if width > LONGEST_SIDE or height > LONGEST_SIDE:
            raise DataError(
                f"The line would be {width} pixels wide and {height} high, more than {LONGEST_SIDE}; "
                "set less text or a smaller size."
            )
        canvas = np.zeros((height, width), np.uint8)
        origin = np.array([x, y], np.float64)
        rasterise(
            canvas,
            self._outlines,
            np.concatenate(self._scales),
            np.concatenate(self._pens) + origin,
            slant=style.slant,
            bold=style.bold * em,
        )
        for low, high, start, end in rules:
            _fill(canvas, x + start, x + end, height - y - high, height - y - low)
        baseline = float(height - y)
        return InkLine(
            coverage=canvas,
            text=text,
            boxes=self._boxes(text, x, baseline, face.x_height),
            advances=(places + x).astype(np.float32),
            baseline=baseline,
            em=em,
            x_height=face.x_height,
            meta={
                "font": face.font.path.name,
                "family": face.font.family,
                "category": face.font.category.value,
                "em": em,
                "style": style.facts,
                **({"insets": [inset.facts for inset in insets]} if insets else {}),
            },
        )

    def _boxes(self, text: str, x: float, baseline: float, x_height: float) -> npt.NDArray[np.float32]:
        inks, places = self._inks, self._places
        spaces = np.isnan(inks[:, 0])
        inks[spaces] = np.stack(
            [places[spaces, 0], np.zeros(spaces.sum()), places[spaces, 1], np.full(spaces.sum(), x_height)], axis=1
        )
        boxes = np.stack(
            [inks[:, 0] + x, baseline - inks[:, 3], np.maximum(inks[:, 2] - inks[:, 0], 0.0), inks[:, 3] - inks[:, 1]],
            axis=1,
        )
        return boxes.astype(np.float32)

    def _rules(self, left: float, right: float) -> list[tuple[float, float, float, float]]:
        """Bottom, top, left and right of each rule: those of the text, which has these ends, and those in its gaps."""
        style, typeface = self._style, self._typeface
        middle, thickness = typeface.outlines.underline
        half = 0.5 * thickness * self._scale + 0.5 * max(style.bold, 0.0) * self._face.em
        under = middle * self._scale
        places = []
        if style.underline:
            places.append((under, left, right))
        if style.strike_through:
            places.append((0.55 * typeface.x_height * self._scale, left, right))
        if style.ruled_gaps:
            gaps = (self._places[space] for space, _ in style.gaps)
            places += [(under, float(start), float(end)) for start, end in gaps]
        return [(height - half, height + half, start, end) for height, start, end in places]


def _fill(canvas: Pixels, left: float, right: float, top: float, bottom: float) -> None:
    """Fills a rectangle, its edges by the share of the pixel that they cover."""
    columns, rows = (
        np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, 1)
        for low, high, pixels in (
            (left, right, np.arange(floor(left), ceil(right))),
            (top, bottom, np.arange(floor(top), ceil(bottom))),
        )
    )
    part = canvas[floor(top) : ceil(bottom), floor(left) : ceil(right)]
    np.maximum(part, np.rint(255 * np.outer(rows, columns)).astype(np.uint8), out=part)


def _capital(character: str) -> str:
    """The capital of a lower-case Latin letter where that is one character, else the character itself."""
    capital = character.upper()
    if len(capital) != 1 or capital == character or character == "µ":
        return character
    return capital
