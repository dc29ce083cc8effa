"""Where lines come from: which texts stand in which type and look on documents, receipts, forms, signs and screens.

A domain is nothing but weights. `LineWorkshop` draws from domains line after line: chance in a line depends on the
seed and the line's number alone, so that lines can be drawn in any order and by any number of processes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.synthesis.draws import Choice, pick
from typecase.synthesis.fonts import TICK_BOXES, Category, Font, FontCollection, plain_name
from typecase.synthesis.ground_truth import DrawnLine
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_insets import NAMES, InsetFaces
from typecase.synthesis.line_looks import draw_look
from typecase.synthesis.line_style import PLAIN, LineStyle, random_style
from typecase.synthesis.shaping import open_typeface
from typecase.synthesis.text import SENTENCES, Part, Sentences, TextFile, TextMixture
from typecase.synthesis.tick_box import random_tick_box

_TRIES = 50
_FONTS_TRIED = 8
# Narrowest and widest space of a font that is used, in ems.
_SPACE = (0.1, 1.05)
# By which share the spaces of a tight line are narrower, and the narrowest that are seen as such, in ems.
_TIGHT, _NARROWEST_SPACE = (0.1, 0.5), 0.12
# By how many ems those of a loose line are wider.
_LOOSE = (0.1, 0.9)
# Wider ones, of a fixed pitch, are narrowed by no more than these.
_USUAL_SPACE = 0.35
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Domain:
    """What is drawn of one origin; weights need not sum to one.

    Attributes:
        texts: How often each kind of text stands there: `sentences` or a name of `strings.STRINGS`.
        fonts: How often each category of typefaces is used.
        looks: How often it looks like what: names of `line_looks.LOOKS`.
        everyday: Share of lines set in one of the `EVERYDAY` families, where the fonts have any.
        italics: Probability that an italic is used when chance falls on one.
        pens: Share of handwritten lines in one of the `PENS` families, where the fonts have any.
        cursive: Share of lines set in the italic of a serif family, the type most unlike upright, which few fonts are.
        styled: Share of lines set in another style than plain, by the chance of `random_style`.
        mixed: Share of lines of which some words stand in another face.
        tight: Share of lines with spaces as narrow as a justified column may have.
        loose: Share of lines with spaces as wide as one may have.
        prose: Share of sentences with the marks of books.
        max_characters: Most characters in a line.
        max_words: Most words of a piece of a sentence.
    """

    texts: Mapping[str, float]
    fonts: Mapping[Category, float]
    looks: Mapping[str, float]
    everyday: float = 0.1
    italics: float = 1.0
    pens: float = 0.0
    cursive: float = 0.0
    styled: float = 1.0
    mixed: float = 0.0
    tight: float = 0.0
    loose: float = 0.0
    prose: float = 0.0
    max_characters: int = 60
    max_words: int = 12


EVERYDAY = frozenset(
    "arimo cousine tinos liberationsans liberationsansnarrow liberationserif liberationmono freesans freeserif "
    "freemono nimbussans nimbussansnarrow nimbusroman nimbusmonops texgyreheros texgyretermes texgyrecursor dejavusans "
    "dejavusansmono dejavuserif carlito caladea".split()
)
"""Free families in the shapes and measures of those that most offices print with; names in small letters."""

PENS = frozenset(
    "annieuseyourtelescope architectsdaughter badscript breip calligraffitti cedarvillecursive comingsoon "
    "craftygirls dawningofanewday delius dkghandwriting femkeklaver giveyouglory gloriahallelujah gochihand handlee "
    "homemadeapple indieflower justanotherhand justmeagaindownhere kristi labelleaurore leaguescript lovedbytheking "
    "marckscript meddon mrdehaviland mrssaintdelafield neucha nothingyoucoulddo overtherainbow patrickhand "
    "permanentmarker reeniebeanie rocksalt rufscript rugeboogie schoolbell shadowsintolight shadowsintolighttwo "
    "shortstack sueellenfrancisco sunshiney swankyandmoomoo thegirlnextdoor waitingforthesunrise walterturncoat "
    "zeyada".split()
)
"""Free families in the hands that people fill in forms with, and no calligraphy; names in small letters."""

_SERIF, _SANS, _MONO = Category.SERIF, Category.SANS_SERIF, Category.MONOSPACE
_DISPLAY, _HAND = Category.DISPLAY, Category.HANDWRITING

DOMAINS: Mapping[str, Domain] = {
    "document": Domain(
        texts={
            SENTENCES: 6.0,
            "word": 1.0,
            "heading": 0.6,
            "amount": 0.4,
            "number": 0.3,
            "measure": 0.2,
            "date": 0.4,
            "phone": 0.2,
            "tax-number": 0.15,
            "bank": 0.25,
            "code": 0.3,
            "number-row": 0.2,
            "name": 0.3,
            "company": 0.3,
            "address": 0.5,
            "email": 0.3,
            "url": 0.3,
            "file-path": 0.1,
            "caps-line": 0.3,
            "item-row": 0.2,
            "key-value": 0.5,
            "single-character": 0.15,
            "short-token": 0.3,
            "punctuation": 0.3,
            "random-characters": 0.5,
            "accented-words": 0.7,
        },
        fonts={_SERIF: 0.42, _SANS: 0.42, _MONO: 0.08, _DISPLAY: 0.06, _HAND: 0.02},
        looks={"print": 0.37, "scan": 0.37, "low-resolution": 0.16, "fax": 0.04, "typewriter": 0.06},
        everyday=0.18,
        cursive=0.06,
    ),
    "receipt": Domain(
        texts={
            "receipt-line": 4.0,
            "key-value": 1.6,
            "amount": 1.8,
            "item": 1.2,
            "item-row": 1.0,
            "address": 1.2,
            "company": 0.5,
            "date": 0.5,
            "time": 0.3,
            "phone": 0.5,
            "tax-number": 0.4,
            "card": 0.2,
            "code": 0.8,
            "number": 0.6,
            "number-row": 0.3,
            "measure": 0.2,
            "caps-line": 0.8,
            "name": 0.2,
            "email": 0.1,
            "url": 0.15,
            "short-token": 0.7,
            "single-character": 0.3,
            "word": 0.3,
            SENTENCES: 0.4,
            "random-characters": 0.1,
            "punctuation": 0.1,
        },
        fonts={_MONO: 0.5, _SANS: 0.38, _SERIF: 0.09, _DISPLAY: 0.03},
        looks={"thermal": 0.74, "dot-matrix": 0.1, "scan": 0.12, "low-resolution": 0.04},
        everyday=0.2,
        italics=0.15,
        styled=0.5,
        max_characters=48,
    ),
    "form": Domain(
        texts={
            "form-label": 3.5,
            "key-value": 2.0,
            SENTENCES: 2.5,
            "heading": 0.7,
            "caps-line": 0.8,
            "name": 0.7,
            "company": 0.5,
            "address": 0.6,
            "phone": 0.4,
            "date": 0.6,
            "amount": 0.6,
            "number": 0.5,
            "number-row": 0.2,
            "code": 0.6,
            "measure": 0.3,
            "word": 0.8,
            "file-path": 0.15,
            "short-token": 0.7,
            "single-character": 0.3,
            "punctuation": 0.2,
            "tick-box": 0.9,
        },
        fonts={_SERIF: 0.28, _SANS: 0.29, _MONO: 0.25, _DISPLAY: 0.03, _HAND: 0.15},
        looks={"form": 0.64, "fax": 0.11, "typewriter": 0.19, "scan": 0.06},
        everyday=0.42,
        italics=0.4,
        pens=0.7,
        styled=0.7,
    ),
    "handwriting": Domain(
        texts={
            SENTENCES: 2.5,
            "word": 1.2,
            "name": 1.5,
            "short-date": 2.2,
            "number": 1.0,
            "amount": 0.6,
            "code": 0.6,
            "phone": 0.4,
            "time": 0.2,
            "address": 0.4,
            "company": 0.3,
            "caps-line": 0.5,
            "short-token": 0.8,
            "single-character": 0.3,
        },
        fonts={_HAND: 1.0},
        looks={"form": 0.8, "fax": 0.05, "scan": 0.15},
        everyday=0.0,
        pens=0.8,
        styled=0.7,
        max_characters=40,
    ),
    "scene": Domain(
        texts={
            "scene-word": 5.0,
            SENTENCES: 3.0,
            "word": 0.8,
            "heading": 0.3,
            "caps-line": 0.2,
            "number": 0.3,
            "short-token": 0.4,
        },
        fonts={_DISPLAY: 0.4, _SANS: 0.33, _SERIF: 0.15, _HAND: 0.1, _MONO: 0.02},
        looks={"photo": 1.0},
        everyday=0.04,
        max_characters=24,
        max_words=2,
    ),
    "screen": Domain(
        texts={
            SENTENCES: 3.0,
            "word": 1.0,
            "heading": 0.5,
            "url": 0.4,
            "email": 0.4,
            "file-path": 0.3,
            "number": 0.4,
            "amount": 0.3,
            "date": 0.3,
            "time": 0.3,
            "code": 0.4,
            "key-value": 0.5,
            "short-token": 0.4,
            "punctuation": 0.4,
            "random-characters": 0.3,
        },
        fonts={_SANS: 0.62, _SERIF: 0.15, _MONO: 0.2, _DISPLAY: 0.03},
        looks={"screen": 1.0},
        everyday=0.2,
    ),
    "clean": Domain(
        texts={
            SENTENCES: 6.0,
            "word": 0.7,
            "amount": 0.3,
            "number": 0.2,
            "date": 0.3,
            "code": 0.3,
            "key-value": 0.4,
            "address": 0.3,
            "email": 0.2,
            "url": 0.2,
            "caps-line": 0.3,
            "punctuation": 0.4,
            "random-characters": 0.8,
            "accented-words": 1.0,
            "single-character": 0.2,
        },
        fonts={_SERIF: 0.44, _SANS: 0.44, _MONO: 0.12},
        looks={"clean": 0.85, "print": 0.15},
        cursive=0.15,
        styled=0.6,
        max_characters=72,
    ),
    # Manuals, textbooks, papers: faces change within the line, and columns are justified.
    "manual": Domain(
        texts={
            SENTENCES: 6.0,
            "key-value": 0.7,
            "form-label": 0.3,
            "heading": 0.4,
            "command": 0.5,
            "accented-words": 1.0,
            "punctuation": 0.4,
            "item-row": 0.3,
        },
        fonts={_SERIF: 0.5, _SANS: 0.42, _MONO: 0.08},
        looks={"clean": 0.4, "print": 0.3, "scan": 0.22, "low-resolution": 0.08},
        everyday=0.2,
        styled=0.5,
        mixed=0.8,
        tight=0.3,
        max_characters=96,
        max_words=18,
    ),
    # Columns of books, magazines and newspapers.
    "book": Domain(
        texts={
            SENTENCES: 8.0,
            "accented-words": 0.6,
            "name": 0.3,
            "number-row": 0.3,
            "caps-line": 0.2,
            "date": 0.1,
            "heading": 0.2,
            "single-character": 0.05,
        },
        fonts={_SERIF: 0.8, _SANS: 0.12, _MONO: 0.08},
        looks={"clean": 0.15, "print": 0.3, "scan": 0.33, "low-resolution": 0.1, "fax": 0.08, "typewriter": 0.04},
        everyday=0.15,
        cursive=0.08,
        styled=0.4,
        mixed=0.35,
        tight=0.15,
        loose=0.2,
        prose=0.55,
        max_characters=84,
        max_words=15,
    ),
}
"""Every domain by name."""

MIXTURE: Mapping[str, float] = {
    "document": 0.22,
    "receipt": 0.25,
    "form": 0.15,
    "handwriting": 0.02,
    "scene": 0.16,
    "screen": 0.05,
    "clean": 0.15,
}
"""How often each domain is drawn where nothing else is said: what the shipped recogniser learns from."""

# Size of the ink in pixels: about what is seen in the end, since larger ink costs time and smaller looks soft.
_EMS = {"form": 32.0, "low-resolution": 18.0, "fax": 24.0, "typewriter": 28.0, "screen": 28.0, "clean": 38.0}
_EM = 34.0
# Looks of what may have been written with a typewriter.
_TYPED = frozenset({"typewriter", "form", "fax"})
_BOXES = frozenset(TICK_BOXES)


class LineWorkshop:
    """Draws lines by their number.

    Not to be shared between threads or processes: each opens its own.

    Attributes:
        fonts: What is drawn with.
        seed: Decides, with a line's number, everything in it.
    """

    def __init__(
        self,
        fonts: FontCollection,
        texts: Sequence[TextFile],
        *,
        charset: Collection[str] = LATIN_CHARACTERS,
        domains: Mapping[str, float] = MIXTURE,
        known: Mapping[str, Domain] = DOMAINS,
        whole_lines: bool = False,
        seed: int = 0,
        part: Part = "train",
        languages: Collection[str] | None = None,
        channels: int = 1,
    ) -> None:
        """Opens a workshop.

        Args:
            fonts: Those that may be drawn: for training, `FontCollection.training_families()`.
            texts: From `text.open_texts`.
            charset: Characters that may stand in a line.
            domains: How often each of `known` is drawn; 0 is never.
            known: The domains that there are.
            whole_lines: Whether lines of the texts are drawn as they stand, instead of pieces of them.
            seed: Decides everything, with each line's number.
            part: Which lines of the texts are drawn: without every tenth, these only, or all.
            languages: If given, only texts of these.
            channels: 1 for grey pictures, 3 for RGB.

        Raises:
            UsageError: A domain is not known, or none has a weight above 0.
            DataError: There is no font, or no text that can be drawn.
        """
        for name, weight in domains.items():
            if name not in known:
                raise UsageError(f"There is no domain {name!r}; choose from {', '.join(known)}.")
            if not 0 <= weight < float("inf"):
                raise UsageError(f"The weight of {name} is {weight}; give a number from 0 up.")
        drawn = {name: weight for name, weight in domains.items() if weight > 0}
        if not drawn:
            raise UsageError("No domain has a weight above 0; give at least one.")
        if not len(fonts):
            raise DataError("There is no font to draw with; give a collection that is not empty.")
        self.fonts = fonts
        self.seed = seed
        self._channels = channels
        self._choice = Choice(drawn)
        self._corners = {
            name: _Corner(known[name], fonts, texts, charset, part, languages, whole_lines) for name in drawn
        }

    def draw(self, index: int) -> DrawnLine:
        """Draws a line.

        Args:
            index: Its number, from 0.

        Raises:
            DataError: The fonts can draw next to nothing of the texts.
        """
        generator = np.random.default_rng((self.seed, index))
        name = self._choice.draw(generator)
        line = self._corners[name].draw(generator, self._channels)
        return replace(line, meta={"domain": name, **line.meta})


class _Corner:
    """A domain with all that is needed to draw from it."""

    def __init__(
        self,
        domain: Domain,
        fonts: FontCollection,
        texts: Sequence[TextFile],
        charset: Collection[str],
        part: Part,
        languages: Collection[str] | None,
        whole_lines: bool,
    ) -> None:
        needed = domain.texts.get(SENTENCES, 0) > 0
        sentences = (
            Sentences(
                texts,
                part,
                languages=languages,
                max_words=domain.max_words,
                max_characters=domain.max_characters,
                prose=domain.prose,
                whole_lines=whole_lines,
                characters=charset,
            )
            if needed and texts
            else None
        )
        kinds = (
            domain.texts if sentences else {kind: share for kind, share in domain.texts.items() if kind != SENTENCES}
        )
        self._texts = TextMixture(kinds, sentences, characters=charset, max_characters=domain.max_characters)
        families: dict[Category, dict[str, list[Font]]] = {}
        for font in fonts:
            families.setdefault(font.category, {}).setdefault(font.family, []).append(font)
        shares = {category: domain.fonts[category] for category in families if domain.fonts.get(category, 0) > 0}
        # A folder of fonts without such categories is as good as any.
        self._categories = Choice(shares or dict.fromkeys(families, 1.0))
        self._families = {category: list(members.values()) for category, members in families.items()}
        self._all = [
            font for category in shares or families for members in self._families[category] for font in members
        ]
        everyday: dict[str, list[Font]] = {}
        for font in fonts:
            if plain_name(font.family) in EVERYDAY:
                everyday.setdefault(font.family, []).append(font)
        self._everyday = list(everyday.values())
        by_hand = self._families.get(_HAND, []) if domain.pens else []
        self._pens = [members for members in by_hand if plain_name(members[0].family) in PENS]
        serifs = self._families.get(_SERIF, []) if domain.cursive else []
        italics = [[font for font in members if font.style != "normal"] for members in serifs]
        self._cursive = [members for members in italics if members]
        self._mixed = None
        if domain.mixed:
            members = [one for category in shares or families for one in self._families[category]]
            names = TextMixture(NAMES, characters=charset, max_characters=_LONGEST_NAME)
            self._mixed = InsetFaces(members, self._families.get(_MONO, ()), names)
        self._domain = domain
        self._looks = Choice(domain.looks)

    def draw(self, generator: np.random.Generator, channels: int) -> DrawnLine:
        for _ in range(_TRIES):
            kind, text = self._texts.sample_with_kind(generator)
            mixed = self._mixed if self._mixed and generator.random() < self._domain.mixed else None
            wanted, name, capitals = text, None, None
            if mixed:
                wanted, capitals = mixed.with_small_capitals(generator, text)
                if capitals is None:
                    wanted, name = mixed.with_name(generator, text, self._domain.max_characters)
            font, text = self._font(generator, wanted)
            if font is None:
                continue
            if text != wanted:
                name = capitals = None
            look = self._looks.draw(generator)
            style = random_style(generator, text) if generator.random() < self._domain.styled else PLAIN
            if not _BOXES.isdisjoint(text) and generator.random() < 0.85:
                style = replace(style, tick_box=random_tick_box(generator))
            if self._domain.tight and generator.random() < self._domain.tight:
                style = replace(style, word_spacing=_tightened(font, float(generator.uniform(*_TIGHT))))
            elif self._domain.loose and generator.random() < self._domain.loose:
                style = replace(style, word_spacing=float(generator.uniform(*_LOOSE)))
            face = LineFace(font, _EMS.get(look, _EM))
            if mixed and capitals:
                insets = mixed.small_capitals(generator, face, text, capitals)
            else:
                insets = mixed.insets(generator, face, text, name) if mixed else ()
            try:
                ink = set_line(face, text, _suited(style, look, font, generator), insets=insets)
            except DataError:
                # Few fonts promise characters for which they draw nothing; another line is found for them.
                continue
            line = draw_look(ink, look, generator, channels=channels)
            return replace(line, meta={"kind": kind, **line.meta})
        raise DataError("The fonts lack the characters of nearly all texts; give fonts of the texts' languages.")

    def _font(self, generator: np.random.Generator, text: str) -> tuple[Font | None, str]:
        """A font that has all characters of a text; where none has, one of some that draws what it has of them."""
        font = None
        for _ in range(_FONTS_TRIED):
            if self._cursive and generator.random() < self._domain.cursive:
                families = self._cursive
            elif self._everyday and generator.random() < self._domain.everyday:
                families = self._everyday
            else:
                category = self._categories.draw(generator)
                families = self._families[category]
                if category is _HAND and self._pens and generator.random() < self._domain.pens:
                    families = self._pens
            font = pick(generator, pick(generator, families))
            if font.style != "normal" and generator.random() >= self._domain.italics:
                continue
            if not font.missing(text) and has_sound_spaces(font):
                return font, text
        able = [other for other in self._all if not other.missing(text) and has_sound_spaces(other)]
        if able:
            return pick(generator, able), text
        if font is None or not has_sound_spaces(font):
            return None, text
        lacking = font.missing(text)
        return font, " ".join("".join(one for one in text if one not in lacking).split())


@cache
def has_sound_spaces(font: Font) -> bool:
    """Whether a space can be seen as one; some fonts have none to speak of, some one as wide as a page."""
    return _SPACE[0] <= _space(font) <= _SPACE[1]


def _space(font: Font) -> float:
    typeface = open_typeface(font.path)
    return typeface.width(" ") / typeface.units


def _tightened(font: Font, share: float) -> float:
    """What to add to spaces that are to be narrower by a share, in ems; 0 where they are narrow already."""
    return min(0.0, max(-share * min(_space(font), _USUAL_SPACE), _NARROWEST_SPACE - _space(font)))


def _suited(style: LineStyle, look: str, font: Font, generator: np.random.Generator) -> LineStyle:
    """A style as the machine behind the look could set it."""
    if look in _TYPED and font.category is Category.MONOSPACE and generator.random() < 0.2:
        style = replace(style, one_as_ell=True)
    if look == "typewriter" and font.category is Category.MONOSPACE:
        return replace(
            style,
            unevenness=float(generator.triangular(0, 0.004, 0.03)),
            unevenness_seed=int(generator.integers(1 << 30)),
            kerning=False,
            ligatures=False,
        )
    if font.category is Category.HANDWRITING and generator.random() < 0.6:
        return replace(
            style,
            unevenness=float(generator.triangular(0, 0.015, 0.05)),
            irregularity=float(generator.triangular(0, 0.05, 0.16)),
            wobble=float(generator.triangular(0, 0.015, 0.045)),
            unevenness_seed=int(generator.integers(1 << 30)),
        )
    if look in ("thermal", "dot-matrix"):
        # Printers of receipts stretch and embolden their one type by machine.
        bold = float(generator.uniform(-0.01, 0.06)) if generator.random() < 0.3 else style.bold
        return replace(style, bold=bold, ligatures=False, kerning=False)
    return style
