"""The desk at which a page is laid out: sheet, typefaces, texts and chance at hand, and the moves all layouts share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from typecase.errors import DataError
from typecase.synthesis.draws import Choice, chance, pick
from typecase.synthesis.fonts import Category, Font, FontCollection, plain_name
from typecase.synthesis.line_domains import EVERYDAY, has_sound_spaces
from typecase.synthesis.line_style import PLAIN, LineStyle
from typecase.synthesis.page_sheet import Sheet
from typecase.synthesis.page_text import PageTexts
from typecase.synthesis.page_type import BLACK, SMALLEST_EM, Colour, PageType

_FONTS_TRIED = 12


class FontShelf:
    """Fonts by category and family, as layouts ask for them."""

    def __init__(self, fonts: FontCollection) -> None:
        """Sorts the fonts.

        Raises:
            DataError: There is none.
        """
        if not len(fonts):
            raise DataError("There is no font to draw with; give a collection that is not empty.")
        families: dict[Category, dict[str, list[Font]]] = {}
        for font in fonts:
            families.setdefault(font.category, {}).setdefault(font.family, []).append(font)
        self._families = {category: list(members.values()) for category, members in families.items()}
        everyday: dict[Category, list[list[Font]]] = {}
        for category, members in families.items():
            common = [some for family, some in members.items() if plain_name(family) in EVERYDAY]
            if common:
                everyday[category] = common
        self._everyday = everyday
        self._all = list(fonts)

    def draw(
        self,
        generator: np.random.Generator,
        weights: Mapping[Category, float],
        sample: str,
        *,
        everyday: float = 0.3,
        heavy: bool = False,
        italic: bool = False,
    ) -> Font:
        """Draws a font for running text.

        Args:
            generator: Source of chance.
            weights: How often which category is taken; categories that are not there do not count.
            sample: Text that it should be able to show.
            everyday: Share of fonts that are of the families most offices print with.
            heavy: Whether it should be bold.
            italic: Whether it should be an italic.
        """
        there = {category: weight for category, weight in weights.items() if category in self._families}
        choice = Choice(there or dict.fromkeys(self._families, 1.0))
        best, fewest = self._all[0], len(sample) + 1
        for _ in range(_FONTS_TRIED):
            category = choice.draw(generator)
            common = self._everyday.get(category)
            family = pick(generator, common if common and chance(generator, everyday) else self._families[category])
            wanted = [font for font in family if (font.style == "italic") == italic] or family
            wanted = [font for font in wanted if (font.weight >= 600) == heavy] or wanted
            font = pick(generator, wanted)
            if not has_sound_spaces(font):
                continue
            lacking = len(font.missing(sample))
            if lacking < fewest:
                best, fewest = font, lacking
            if not lacking:
                break
        return best

    def relative(self, font: Font, *, heavy: bool, italic: bool = False) -> Font:
        """The bold or italic of a font's family that comes nearest; the font itself where there is none."""
        members = next((some for some in self._families[font.category] if some[0].family == font.family), [font])
        able = [other for other in members if other.characters >= font.characters] or [font]
        weight = 700 if heavy else 400
        return min(
            able, key=lambda other: ((other.style == "italic") != italic, abs(other.weight - weight), other.path.name)
        )


@dataclass
class Counter:
    """Numbers of blocks and rows while a page grows."""

    block: int = -1
    row: int = -1


class Desk:
    """Everything that a layout draws with.

    Attributes:
        generator: Source of chance.
        sheet: What is drawn on.
        pt: Pixels of a typographic point.
        language: Of the page's running text.
        ink: Colour of plain text.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        sheet: Sheet,
        pt: float,
        shelf: FontShelf,
        texts: PageTexts,
        *,
        ink: Colour = BLACK,
    ) -> None:
        """Lays everything ready."""
        self.generator = generator
        self.sheet = sheet
        self.pt = pt
        self.ink = ink
        self.language = texts.language(generator)
        self._shelf = shelf
        self._texts = texts
        self._counter = Counter()

    # Chance

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return chance(self.generator, share)

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * float(self.generator.random())

    def whole(self, low: int, high: int) -> int:
        """A whole number between two, both included."""
        return low + int(self.generator.random() * (high - low + 1))

    # Measures

    @property
    def width(self) -> float:
        """Of the sheet in pixels."""
        return float(self.sheet.width)

    @property
    def height(self) -> float:
        """Of the sheet in pixels."""
        return float(self.sheet.height)

    # Order

    def new_block(self) -> int:
        """Begins a block; what is put then belongs to it. A new row begins with it."""
        self._counter.block += 1
        self._counter.row += 1
        return self._counter.block

    def new_row(self) -> int:
        """Begins a row of the block."""
        self._counter.row += 1
        return self._counter.row

    def read_by_columns(self, first: int, edge: float) -> None:
        """Orders what was put side by side: all that begins left of an edge is read before the rest.

        Args:
            first: How many texts were put before.
            edge: Where the right column begins, in pixels.
        """
        columns = sorted(self.sheet.texts[first:], key=lambda text: bool(text.matrix[0, 2] >= edge))
        blocks, rows = (dict.fromkeys(one.block for one in columns), dict.fromkeys(one.row for one in columns))
        # Blocks and rows are numbered as they are read.
        to_block, to_row = (dict(zip(numbers, sorted(numbers), strict=True)) for numbers in (blocks, rows))
        self.sheet.texts[first:] = [replace(one, block=to_block[one.block], row=to_row[one.row]) for one in columns]

    # Type

    def type(
        self,
        weights: Mapping[Category, float],
        size: float,
        *,
        everyday: float = 0.3,
        heavy: bool = False,
        italic: bool = False,
        style: LineStyle = PLAIN,
        colour: Colour | None = None,
    ) -> PageType:
        """Takes a typeface of some category.

        Args:
            weights: How often which category is taken.
            size: In points.
            everyday: As for `FontShelf.draw`, like the next two.
            heavy: Whether it should be bold.
            italic: Whether it should be an italic.
            style: How lines are set.
            colour: Of the ink; None takes the page's.
        """
        sample = "".join(self._texts.sentence(self.generator, self.language, self._texts.characters) for _ in range(2))
        font = self._shelf.draw(
            self.generator, weights, sample + "0123456789", everyday=everyday, heavy=heavy, italic=italic
        )
        allowed = self._texts.characters & font.characters
        return PageType(font, max(SMALLEST_EM, size * self.pt), allowed, style, colour or self.ink)

    def bold(self, kind: PageType, factor: float = 1.0) -> PageType:
        """The bold of a type, or the type made bolder by machine where its family has none."""
        return self._relative(kind, factor, heavy=True)

    def italic(self, kind: PageType, factor: float = 1.0) -> PageType:
        """The italic of a type, or the type aslant."""
        return self._relative(kind, factor, heavy=False, italic=True)

    def _relative(self, kind: PageType, factor: float, heavy: bool, italic: bool = False) -> PageType:
        font = self._shelf.relative(kind.font, heavy=heavy, italic=italic)
        other = PageType(
            font, max(SMALLEST_EM, kind.em * factor), self._texts.characters & font.characters, kind.style, kind.colour
        )
        if heavy and font.weight < 600:
            return other.styled(bold=0.03)
        return other.styled(slant=0.2) if italic and font.style != "italic" else other

    # Words

    def string(self, kind: PageType, *names: str, most: int = 60) -> str:
        """A string of one of some kinds of `strings.STRINGS`, in the characters of a type."""
        return self._texts.any_string(self.generator, names, kind.allowed, most)

    def phrase(self, kind: PageType, most_words: int = 5, most: int = 60) -> str:
        """A few words in the page's language."""
        return self._texts.phrase(self.generator, self.language, kind.allowed, most_words, most)

    def words(self, kind: PageType, characters: int, language: str | None = None) -> list[str]:
        """Running text of at least so many characters, as words; in the page's language unless another is told."""
        told = self.language if language is None else language
        return self._texts.paragraph(self.generator, told, kind.allowed, characters).split(" ")

    def languages(self) -> Collection[str]:
        """Languages that there is running text of."""
        return self._texts.languages

    # Putting

    def put(
        self,
        kind: PageType,
        text: str,
        x: float,
        baseline: float,
        *,
        align: str = "left",
        column: int = 0,
        room: float | None = None,
        angle: float = 0.0,
        apart: bool = False,
        underlined: bool = False,
        word_spacing: float | None = None,
        colour: Colour | None = None,
    ) -> float:
        """Puts a line of text in the row begun last; what does not fit is shortened by words, or left out.

        Args:
            kind: Type to set it in.
            text: What to set; characters that the type lacks are left out.
            x: Where its left or right end or its middle lies.
            baseline: Height of the baseline.
            align: `left`, `right` or `centre`.
            column: Place in the row.
            room: Greatest width in pixels.
            angle: As in `Sheet.put`, like what follows.
            apart: Whether it stays a line by itself.
            underlined: Whether a rule runs under it.
            word_spacing: Instead of the style's.
            colour: Instead of the type's.

        Returns:
            Its width, 0 where nothing was put.
        """
        text = kind.without_missing(text)
        if room is not None:
            text = kind.fitted(text, room)
        if not text:
            return 0.0
        try:
            span = self.sheet.put(
                kind,
                text,
                x,
                baseline,
                align=align,
                block=max(0, self._counter.block),
                row=max(0, self._counter.row),
                column=column,
                angle=angle,
                apart=apart,
                underlined=underlined,
                word_spacing=word_spacing,
                colour=colour,
            )
        except DataError:
            # Few fonts promise characters for which they draw nothing; the page goes on without the line.
            return 0.0
        return span[1] - span[0] if span else 0.0

    def paragraph(
        self,
        kind: PageType,
        words: Sequence[str],
        x: float,
        top: float,
        width: float,
        *,
        leading: float = 1.2,
        align: str = "left",
        indent: float = 0.0,
        hyphens: float = 0.0,
        bottom: float | None = None,
        new_block: bool = True,
    ) -> float:
        """Sets running text.

        Args:
            kind: Type to set it in.
            words: What to set.
            x: Left edge of the column.
            top: Upper edge of the first line.
            width: Of the column.
            leading: Distance of baselines in ems.
            align: `left`, `right`, `centre` or `justify`.
            indent: Of the first line, in pixels.
            hyphens: Share of words at line ends that are broken.
            bottom: Height below which nothing is set; the rest is left out.
            new_block: Whether it is a block of its own.

        Returns:
            The upper edge of a line that would follow.
        """
        if not words:
            return top
        lines = kind.broken(words, width, indent=indent, hyphens=hyphens, generator=self.generator)
        step = leading * kind.em
        baseline = top + kind.above
        limit = self.height if bottom is None else bottom
        if new_block:
            self.new_block()
        for number, line in enumerate(lines):
            if baseline + kind.below > limit:
                break
            if number:
                self.new_row()
            start = x + (indent if number == 0 else 0.0)
            spacing = None
            spaces = line.count(" ")
            if align == "justify" and spaces and number < len(lines) - 1:
                free = width - (indent if number == 0 else 0.0) - kind.width(line)
                extra = free / spaces / kind.em
                # A line with too few words stays ragged rather than falling apart.
                spacing = kind.style.word_spacing + extra if extra < 0.6 else None
            place, how = start, "left"
            if align == "centre":
                place, how = x + width / 2, "centre"
            elif align == "right":
                place, how = x + width, "right"
            self.put(kind, line, place, baseline, align=how, word_spacing=spacing)
            baseline += step
        return baseline - kind.above
