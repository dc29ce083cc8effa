"""What was read, as a tree: Document > Page > Block > Line > Word > Character.

Every box is `[x, y, width, height]` in pixels of the page's picture, origin top left; every confidence is the
calibrated probability, 0 to 1, that the text is right. The tree is frozen: a step of reading makes a new one. It knows
nothing of pictures, nets and formats.
"""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import msgspec

from typecase.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from typecase.search import Found
    from typecase.sources.documents import DocumentSource
    from typecase.tables import Table

SCHEMA_VERSION = 1
"""The version of the JSON that documents become: additions leave it as it is, changes of meaning raise it."""


class Box(NamedTuple):
    """A rectangle in pixels of the page's picture, origin top left.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Extent to the right, 0 or more.
        height: Extent downwards, 0 or more.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


class Point(NamedTuple):
    """A place on the page's picture in pixels, origin top left.

    Attributes:
        x: To the right.
        y: Downwards.
    """

    x: float
    y: float


Polygon = tuple[Point, ...]
"""Corners, clockwise as a reader of the text sees it, from the text's own top left: its order tells which way the text
runs. Half of the corners follow the top from left to right, the other half the bottom from right to left; four are a
straight line, more a curved one. Empty stands for the corners of the box, text running to the right."""


class Alternative(msgspec.Struct, frozen=True):
    """What else a character may be.

    Attributes:
        text: The other character.
        confidence: Probability of it, 0 to 1.
    """

    text: str
    confidence: float


class Character(msgspec.Struct, frozen=True):
    """A character; spaces are none, for they are what lies between words.

    Attributes:
        text: The character.
        box: Where its ink is.
        confidence: Probability that it is right, 0 to 1.
        alternatives: What else it may be, the likeliest first.
    """

    text: str
    box: Box
    confidence: float
    alternatives: tuple[Alternative, ...] = ()


class Word(msgspec.Struct, frozen=True):
    """What stands between two spaces.

    Attributes:
        text: What it says.
        box: The box around its characters.
        confidence: Probability that the whole word is right, 0 to 1.
        characters: Its characters from left to right, as far as they are known.
        polygon: Its corners, where the text does not simply run to the right; see `Polygon`.
    """

    text: str
    box: Box
    confidence: float
    characters: tuple[Character, ...] = ()
    polygon: Polygon = ()


class Line(msgspec.Struct, frozen=True):
    """A line of words from left to right.

    Attributes:
        box: Where it lies; that of its picture where it was read from one by itself.
        confidence: Probability that the whole line is right, 0 to 1.
        words: Its words; none where nothing was read.
        polygon: Its corners, where it does not simply run to the right; see `Polygon`.
    """

    box: Box
    confidence: float
    words: tuple[Word, ...] = ()
    polygon: Polygon = ()

    @property
    def text(self) -> str:
        """What it says, words apart by one space."""
        return " ".join(word.text for word in self.words)


class Block(msgspec.Struct, frozen=True):
    """Lines that belong together, such as a paragraph.

    Attributes:
        box: Where it lies.
        lines: Its lines in the order of reading.
    """

    box: Box
    lines: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """What it says, one line of text for each line."""
        return "\n".join(line.text for line in self.lines)


class Page(msgspec.Struct, frozen=True):
    """One picture that was read.

    Attributes:
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        blocks: Its blocks in the order of reading.
        number: Its number in the source, from 1.
        rotation: By how many degrees, clockwise, the picture must be turned for its text to stand upright: 0, 90, 180
            or 270. Boxes and polygons are in pixels of the picture as it is, not turned.
        skew: By how many degrees, clockwise, lines still slope after that turn, -45 to 45.
        dpi: Dots per inch of the picture, where they are known.
        error: Why the page could not be read, in one sentence; it has no blocks then. Empty where it was.
    """

    width: int
    height: int
    blocks: tuple[Block, ...] = ()
    number: int = 1
    rotation: Literal[0, 90, 180, 270] = 0
    skew: float = 0.0
    dpi: float | None = None
    error: str = ""

    @property
    def text(self) -> str:
        """What it says, an empty line between blocks."""
        return "\n\n".join(block.text for block in self.blocks)

    @property
    def lines(self) -> Iterator[Line]:
        """Every line in the order of reading."""
        return (line for block in self.blocks for line in block.lines)

    @property
    def words(self) -> Iterator[Word]:
        """Every word in the order of reading."""
        return (word for line in self.lines for word in line.words)


class Document(msgspec.Struct, frozen=True):
    """All that was read from one source.

    Attributes:
        pages: Its pages; a single picture is one.
        source: The path, or a name in angle brackets for what has none.
        provenance: What read it: the program's version, the models with their hashes, the settings.
    """

    pages: tuple[Page, ...] = ()
    source: str = ""
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def text(self) -> str:
        """What it says, pages apart by a form feed on a line of its own."""
        return "\n\f\n".join(page.text for page in self.pages)

    @property
    def lines(self) -> Iterator[Line]:
        """Every line in the order of reading."""
        return (line for page in self.pages for line in page.lines)

    @property
    def words(self) -> Iterator[Word]:
        """Every word in the order of reading."""
        return (word for page in self.pages for word in page.words)

    @property
    def tables(self) -> list[Table]:
        """The tables of all pages, found by the words that stand in line.

        `typecase.tables.find_tables` also takes a page's picture, and then sees ruling lines.
        """
        from typecase.tables import find_tables

        return [table for page in self.pages for table in find_tables(page)]

    def find(self, pattern: str | re.Pattern[str], flags: int = 0) -> Iterator[Found]:
        """Finds a regular expression in the text of each page, and where it stands.

        Args:
            pattern: A regular expression; words are apart by a space, lines by a line break, blocks by two.
            flags: Those of `re`, such as `re.IGNORECASE`.

        Yields:
            Each place: its text, its page, the box around it in each line, and its words.

        Raises:
            UsageError: The pattern is no regular expression.
        """
        from typecase.search import find

        return find(self, pattern, flags)

    def to_dict(self, *, characters: bool = True) -> dict[str, Any]:
        """The tree as plain JSON values, as docs/schema/ describes them.

        Blocks and lines carry their text besides what it is made of, lines and words always a polygon, that of their
        box where text simply runs to the right. `from_dict` gives the same tree back.

        Args:
            characters: Whether words list their characters.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "source": self.source,
            "provenance": _plain(self.provenance),
            "pages": [_page_values(page, characters) for page in self.pages],
        }

    def to_json(self, *, characters: bool = True) -> str:
        """The tree as JSON on one line; see `to_dict`."""
        return msgspec.json.encode(self.to_dict(characters=characters)).decode()

    def to_text(self, *, layout: bool = False) -> str:
        """The text in the order of reading, or with columns kept apart by spaces; it ends with a line break."""
        return self._written("text", layout=layout)

    def to_markdown(self) -> str:
        """The text as Markdown: headings by size, paragraphs, lists and tables."""
        return self._written("md")

    def to_hocr(self, *, characters: bool = False) -> str:
        """The document as hOCR 1.2, with a box for each character where asked for."""
        return self._written("hocr", characters=characters)

    def to_alto(self, *, characters: bool = False) -> str:
        """The document as ALTO 4.4, with a glyph for each character where asked for."""
        return self._written("alto", characters=characters)

    def to_page_xml(self, *, characters: bool = False) -> str:
        """The document as PAGE XML, which holds a single page.

        Raises:
            OutputError: The document has several pages; `save` writes a file for each.
        """
        return self._written("page", characters=characters)

    def to_tsv(self) -> str:
        """The document as the table of twelve columns that Tesseract writes."""
        return self._written("tsv")

    def to_csv(self) -> str:
        """The tables as CSV, one after the other, apart by an empty line."""
        return self._written("csv")

    def to_dataframe(self) -> Any:
        """The words as a data frame of pandas, a row for each, with page, block, line, confidence and box.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from typecase.frames import words_frame

        return words_frame(self)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        layout: bool = False,
        characters: bool = False,
        source: DocumentSource | None = None,
        password: str | None = None,
    ) -> list[Path]:
        """Writes the document in the format that the file's name tells, whole or not at all.

        `x.pdf` is the original with invisible text in it, so it needs what the document was read from.

        Args:
            path: Where to write: a name ending in .txt, .json, .md, .csv, .tsv, .hocr, .alto.xml, .page.xml or .pdf.
            format: The format, where the name does not tell it.
            layout: Text keeps columns by spaces.
            characters: Formats that can tell them list the characters of each word.
            source: What the document was read from, where that is no file that lies where it lay.
            password: What opens the original, if it is an encrypted PDF.

        Returns:
            The files: one, or one for each page of PAGE XML.

        Raises:
            UsageError: The format is not known.
            OutputError: A file cannot be written, or the original is needed and not at hand.
            InputError: The original cannot be read any more.
        """
        from typecase.writers import WriteOptions
        from typecase.writers.saving import save

        options = WriteOptions(layout=layout, characters=characters)
        return save(self, path, options, format=format, source=source, password=password)

    def _written(self, format: str, **options: bool) -> str:
        from typecase.writers import FORMATS, WriteOptions

        return FORMATS[format].render(self, WriteOptions(**options)).decode()

    def _repr_html_(self) -> str:
        from typecase.notebook import to_html

        return to_html(self)

    def _repr_png_(self) -> bytes | None:
        from typecase.notebook import to_png

        return to_png(self)

    @classmethod
    def from_hocr(cls, text: str | bytes) -> Document:
        """Brings a document back from hOCR, whichever program wrote it.

        Raises:
            InputError: It is none, or is damaged.
        """
        return _parsed(text, "hocr")

    @classmethod
    def from_alto(cls, text: str | bytes) -> Document:
        """Brings a document back from ALTO, whichever program wrote it; see `from_hocr`."""
        return _parsed(text, "alto")

    @classmethod
    def from_page_xml(cls, text: str | bytes) -> Document:
        """Brings a document of one page back from PAGE XML, whichever program wrote it; see `from_hocr`."""
        return _parsed(text, "page")

    @classmethod
    def from_tsv(cls, text: str | bytes) -> Document:
        """Brings a document back from Tesseract's table; see `from_hocr`."""
        return _parsed(text, "tsv")

    @classmethod
    def from_dict(cls, values: Any) -> Document:
        """Brings a tree back from plain JSON values; keys that are not known are passed over.

        Polygons that say no more than their box are left out.

        Raises:
            InputError: A value is missing, of the wrong kind, or impossible; or a newer typecase wrote it.
        """
        version = values.get("schema_version", SCHEMA_VERSION) if isinstance(values, dict) else SCHEMA_VERSION
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise InputError(
                f"This document was written by a newer typecase (schema {version}, this one reads {SCHEMA_VERSION}); "
                "update typecase."
            )
        try:
            document = msgspec.structs.replace(loaded := msgspec.convert(values, cls), pages=_plain_pages(loaded))
        except msgspec.ValidationError as error:
            raise InputError(
                f"This is no document of typecase ({str(error).rstrip('.')}); read the picture again."
            ) from None
        for page in document.pages:
            for box, polygon, confidence in _measures(page):
                if (
                    not all(map(math.isfinite, (*box, *itertools.chain(*polygon))))
                    or box.width < 0
                    or box.height < 0
                    or not 0 <= confidence <= 1
                ):
                    raise InputError(
                        f"This is no document of typecase (a box of {tuple(box)} with the confidence {confidence}); "
                        "read the picture again."
                    )
        return document

    @classmethod
    def from_json(cls, text: str | bytes) -> Document:
        """Brings a tree back from JSON; see `from_dict`.

        Raises:
            InputError: The text is no JSON, or no document.
        """
        try:
            values = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InputError(f"This is no document of typecase ({error}); read the picture again.") from None
        return cls.from_dict(values)


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around some boxes; boxes without extent do not count, and without any it is all zero."""
    kept = [box for box in boxes if box.width > 0 and box.height > 0]
    if not kept:
        return Box(0.0, 0.0, 0.0, 0.0)
    left, top = min(box.x for box in kept), min(box.y for box in kept)
    right, bottom = max(box.right for box in kept), max(box.bottom for box in kept)
    return Box(left, top, right - left, bottom - top)


def _parsed(text: str | bytes, format: str) -> Document:
    from typecase.parsers import parse

    return parse(text, format)


def corners(box: Box) -> Polygon:
    """The corners of a box, as the polygon of text that runs to the right."""
    return (
        Point(box.x, box.y),
        Point(box.right, box.y),
        Point(box.right, box.bottom),
        Point(box.x, box.bottom),
    )


def _page_values(page: Page, characters: bool) -> dict[str, Any]:
    values: dict[str, Any] = _plain(page)
    for block, block_values in zip(page.blocks, values["blocks"], strict=True):
        block_values["text"] = block.text
        for line, line_values in zip(block.lines, block_values["lines"], strict=True):
            line_values["text"] = line.text
            line_values["polygon"] = [list(point) for point in line.polygon or corners(line.box)]
            for word, word_values in zip(line.words, line_values["words"], strict=True):
                word_values["polygon"] = [list(point) for point in word.polygon or corners(word.box)]
                if not characters:
                    del word_values["characters"]
    return values


def _plain(value: Any) -> Any:
    """Any value as JSON would bring it back."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _plain_pages(document: Document) -> tuple[Page, ...]:
    """The pages, without the polygons that only repeat their box."""

    def line(one: Line) -> Line:
        words = tuple(_without_plain_polygon(word) for word in one.words)
        return _without_plain_polygon(msgspec.structs.replace(one, words=words))

    return tuple(
        msgspec.structs.replace(
            page,
            blocks=tuple(msgspec.structs.replace(block, lines=tuple(map(line, block.lines))) for block in page.blocks),
        )
        for page in document.pages
    )


_Outlined = TypeVar("_Outlined", Word, Line)


def _without_plain_polygon(one: _Outlined) -> _Outlined:
    return msgspec.structs.replace(one, polygon=()) if one.polygon == corners(one.box) else one


def _measures(page: Page) -> Iterator[tuple[Box, Polygon, float]]:
    yield from ((block.box, (), 1.0) for block in page.blocks)
    yield from ((line.box, line.polygon, line.confidence) for line in page.lines)
    for word in page.words:
        yield word.box, word.polygon, word.confidence
        for character in word.characters:
            yield character.box, (), character.confidence
            yield from ((character.box, (), other.confidence) for other in character.alternatives)
