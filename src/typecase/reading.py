"""What reading a document means besides reading a picture: options, regions, the text a page has, pages that fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias

import msgspec
from PIL import Image

from typecase.decoding.options import ReadOptions
from typecase.document import Block, Box, Character, Document, Line, Page, Point, Polygon, Word, union
from typecase.errors import InputError, MissingExtraError, NetworkError, UsageError
from typecase.sources.documents import DocumentOptions, DocumentSource, OpenDocument, SourcePage, open_document
from typecase.stages.recognize import AT_ONCE
from typecase.writers.base import Head, Origin

SourceError: TypeAlias = InputError | NetworkError | MissingExtraError
"""What can be wrong with one source, and leaves the others alone."""

SOURCE_ERRORS = (InputError, NetworkError, MissingExtraError)

Region: TypeAlias = Box | Sequence[float]
"""A part of a page: x, y, width and height in pixels of its picture."""

_PIXELS_AT_ONCE = 32_000_000
"""The most pixels of pictures of lines that are held to be read together."""


@dataclass(frozen=True)
class Request:
    """What is asked of a reader.

    Attributes:
        options: How text is read; its mode is what each page shows.
        document: How the document is opened.
        region: The only part of each page that is read; None reads all.
        min_confidence: Words with less confidence are left out, 0 to 1.
        join_hyphens: Whether words that were divided at the ends of lines are joined.
    """

    options: ReadOptions = field(default_factory=lambda: ReadOptions(mode="page"))
    document: DocumentOptions = field(default_factory=DocumentOptions)
    region: Box | None = None
    min_confidence: float = 0.0
    join_hyphens: bool = False

    @classmethod
    def of(
        cls, *, region: Region | None = None, min_confidence: float = 0.0, join_hyphens: bool = False, **options: Any
    ) -> Request:
        """Makes a request from options by name.

        Args:
            region: See `Request`.
            min_confidence: See `Request`.
            join_hyphens: See `Request`.
            **options: Those of `ReadOptions` and `DocumentOptions`.

        Raises:
            UsageError: An option is not known or its value is impossible.
        """
        of_document = {one.name for one in fields(DocumentOptions)}
        document = DocumentOptions(**{name: value for name, value in options.items() if name in of_document})
        of_text = {name: value for name, value in options.items() if name not in of_document}
        if isinstance(min_confidence, bool) or not 0 <= min_confidence <= 1:
            raise UsageError(f"The least confidence must be from 0 to 1, not {min_confidence}.")
        chosen = ReadOptions().changed(**{"mode": "page", **of_text})
        place = None if region is None else region_of(region)
        return cls(chosen, document, place, float(min_confidence), bool(join_hyphens))

    @property
    def finds_lines(self) -> bool:
        """Whether lines must be found first."""
        return self.options.mode in ("page", "block")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return {
            **self.options.to_dict(),
            **self.document.to_dict(),
            "region": None if self.region is None else list(self.region),
            "min_confidence": self.min_confidence,
            "join_hyphens": self.join_hyphens,
        }


def region_of(values: Region | str) -> Box:
    """Reads a region: x, y, width and height, as numbers or as `x,y,width,height`.

    Raises:
        UsageError: It is none.
    """
    parts: Sequence[Any] = values.split(",") if isinstance(values, str) else list(values)
    try:
        box = Box(*(float(part) for part in parts))
    except (TypeError, ValueError):
        box = Box(math.nan, 0, 0, 0)
    if not all(map(math.isfinite, box)) or box.width <= 0 or box.height <= 0:
        raise UsageError(
            f"The region {values!r} cannot be understood; give x,y,width,height in pixels, such as 100,50,800,200."
        )
    return box


class ReadPage(NamedTuple):
    """A page that was read, and what it was read from, as `Writer.page` takes them."""

    page: Page
    origin: Origin


@dataclass(frozen=True)
class ReadDocument:
    """A document that was read, and what its pages were read from.

    Attributes:
        head: What writers are told before the first page.
        pages: Its pages.
    """

    head: Head
    pages: tuple[ReadPage, ...]

    @property
    def document(self) -> Document:
        """The tree alone."""
        return Document(tuple(read.page for read in self.pages), self.head.source, dict(self.head.provenance))


PageReading: TypeAlias = Callable[[Sequence[SourcePage], Request], list[Page]]
"""Reads some pages, lines of several together."""


class Reading:
    """A document that is being read, page by page.

    Attributes:
        head: What writers are told before the first page.
        count: How many pages will come, where that is known.
    """

    def __init__(
        self,
        source: DocumentSource,
        request: Request,
        read: PageReading,
        provenance: dict[str, Any],
        name: str | None = None,
    ) -> None:
        """Opens the document; see `open_document`."""
        self._request, self._read = request, read
        self._document: OpenDocument = open_document(source, request.document, name=name)
        self.head: Head = self._document.head(provenance)
        self.count = self._document.count

    @property
    def numbers(self) -> Sequence[int]:
        """The pages that will come, by their numbers in the document."""
        return self._document.numbers

    @property
    def is_picture(self) -> bool:
        """Whether it is but one picture."""
        return self.count == 1 and self._document.pdf is None

    def __iter__(self) -> Iterator[ReadPage]:
        """The pages, each as soon as it is read; one among several that cannot be read says why.

        Raises:
            InputError: None of the pages can be read.
        """
        first: InputError | None = None
        failed = done = 0
        for read, source in self._pages():
            done += 1
            if read.page.error:
                failed += 1
                # The page tells the sentence alone; the source knows what kind of error it was.
                first = first or source.error or InputError(read.page.error)
                if self.count == 1:
                    break
            yield read
        if first is not None and failed == done:
            raise first

    def _pages(self) -> Iterator[tuple[ReadPage, SourcePage]]:
        # Lines in pictures go through the net together. A PDF's page is gone when the next one comes.
        alone = self._request.finds_lines or self._document.pdf is not None
        with closing(self.source_pages()) as pages:
            for batch in _batches(pages, 1 if alone else AT_ONCE):
                read = self._read(batch, self._request)
                yield from ((ReadPage(page, one.origin), one) for page, one in zip(read, batch, strict=True))

    def source_pages(self) -> Generator[SourcePage]:
        """The pages as they are before they are read."""
        yield from self._document

    def close(self) -> None:
        """Closes the document."""
        self._document.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _batches(pages: Iterable[SourcePage], most: int) -> Iterator[list[SourcePage]]:
    waiting: list[SourcePage] = []
    pixels = 0
    for page in pages:
        waiting.append(page)
        pixels += page.width * page.height
        if len(waiting) >= most or pixels > _PIXELS_AT_ONCE:
            yield waiting
            waiting, pixels = [], 0
    if waiting:
        yield waiting


def unread_page(source: SourcePage, request: Request) -> Page:
    """A page whose own text stands for it."""
    own = source.own or Page(source.width, source.height, number=source.number, dpi=source.dpi)
    return own if request.region is None else within(own, request.region)


def failed_page(source: SourcePage, error: InputError) -> Page:
    """A page that cannot be read, and says why."""
    return Page(source.width, source.height, number=source.number, dpi=source.dpi, error=str(error))


def part_of(picture: Image.Image, region: Box | None, number: int) -> Box | None:
    """The part of a picture that a region covers, in whole pixels; None where all of it is meant.

    Raises:
        InputError: The region lies beside the picture.
    """
    if region is None:
        return None
    left, top = max(0, math.floor(region.x)), max(0, math.floor(region.y))
    right, bottom = min(picture.width, math.ceil(region.right)), min(picture.height, math.ceil(region.bottom))
    if left >= right or top >= bottom:
        raise InputError(
            f"The region {','.join(f'{value:g}' for value in region)} lies outside of page {number}, which has "
            f"{picture.width} x {picture.height} pixels; choose one within it."
        )
    return Box(left, top, right - left, bottom - top)


def within(page: Page, region: Box) -> Page:
    """The page with only those words whose middle lies in a region."""

    def is_inside(word: Word) -> bool:
        x, y = word.box.x + word.box.width / 2, word.box.y + word.box.height / 2
        return region.x <= x < region.right and region.y <= y < region.bottom

    return with_words(page, is_inside, shrink=True)


def with_words(page: Page, kept: Callable[[Word], bool], *, shrink: bool = False) -> Page:
    """The page with only some of its words; lines and blocks that lose all of theirs go with them.

    Args:
        page: The page.
        kept: Whether a word stays.
        shrink: Whether the boxes of lines and blocks that lose words shrink to what is left.
    """
    blocks = []
    for block in page.blocks:
        lines = []
        for line in block.lines:
            words = tuple(filter(kept, line.words))
            if len(words) == len(line.words):
                lines += [line] if words else []
            elif words:
                lost = {"box": union(word.box for word in words), "polygon": ()} if shrink else {}
                lines.append(msgspec.structs.replace(line, words=words, **lost))
        if lines:
            box = union(line.box for line in lines) if shrink else block.box
            blocks.append(Block(box, tuple(lines)))
    return msgspec.structs.replace(page, blocks=tuple(blocks))


def with_own_text(page: Page, own: Page) -> Page:
    """What was read on a page together with the text that it carries itself, in the order of reading."""
    if not own.blocks:
        return page
    if not page.blocks:
        return msgspec.structs.replace(page, blocks=own.blocks, rotation=own.rotation)
    if page.rotation or own.rotation:
        return msgspec.structs.replace(page, blocks=own.blocks + page.blocks)
    from typecase.stages.arrange import arrange

    return msgspec.structs.replace(page, blocks=arrange([*own.lines, *page.lines], page.width, page.height))


def as_one_block(page: Page) -> Page:
    """The page with all of its lines in one block."""
    if len(page.blocks) < 2:
        return page
    lines = tuple(page.lines)
    return msgspec.structs.replace(page, blocks=(Block(union(block.box for block in page.blocks), lines),))


def moved(line: Line, x: float, y: float) -> Line:
    """A line somewhere else, by so many pixels."""
    if not x and not y:
        return line

    def box(one: Box) -> Box:
        return Box(round(one.x + x, 1), round(one.y + y, 1), one.width, one.height)

    def polygon(points: Polygon) -> Polygon:
        return tuple(Point(round(point.x + x, 1), round(point.y + y, 1)) for point in points)

    def character(one: Character) -> Character:
        return msgspec.structs.replace(one, box=box(one.box))

    words = tuple(
        msgspec.structs.replace(
            word, box=box(word.box), polygon=polygon(word.polygon), characters=tuple(map(character, word.characters))
        )
        for word in line.words
    )
    return msgspec.structs.replace(line, box=box(line.box), polygon=polygon(line.polygon), words=words)
