"""Opens whatever holds pages, and gives them one by one: PDFs, pictures of one page or many, addresses, pipes.

    with open_document("scan.pdf", pages="1,3-5") as document:
        for page in document:
            page.picture()

A page is decoded or drawn when its picture is asked for and forgotten when the next one comes, so that a document of
ten thousand pages needs no more memory than one of ten.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.document import Page
from typecase.errors import InputError, UsageError
from typecase.sources.finding import cannot_open
from typecase.sources.page_numbers import Pages, PageSelection
from typecase.sources.pictures import (
    LEAST_DPI,
    MAX_PIXELS,
    MOST_DPI,
    PictureFile,
    PictureSource,
    dpi_of,
    open_picture,
    seekable,
    source_name,
)
from typecase.writers.base import Head, Origin

if TYPE_CHECKING:
    from typecase.sources.pdf import PdfFile, PdfPage

_LOGGER = logging.getLogger("typecase.sources")

DocumentSource: TypeAlias = PictureSource
"""What `open_document` takes: what `open_picture` takes, a PDF in each of these ways, and an address on the web."""

ExistingText: TypeAlias = Literal["skip", "redo", "force"]
"""What becomes of a PDF's page that carries text; see `DocumentOptions`."""

EXISTING_TEXT: tuple[ExistingText, ...] = ("skip", "redo", "force")

_PDF_MARK = b"%PDF-"
_PDF_HEAD = 1024


@dataclass(frozen=True)
class DocumentOptions:
    """How a document is to be opened.

    Attributes:
        pages: Which pages: `1,3-5,end`, a number or numbers from 1; None is all of them, of an animation the first
            frame only.
        dpi: Dots per inch at which a PDF is drawn, and which a picture has; None takes what the file tells.
        password: What opens an encrypted PDF.
        existing_text: What becomes of a PDF's page that carries text: `skip` does not read it and takes that text;
            `redo` reads what the page shows besides its visible text, and forgets its invisible text; `force` reads the
            page as a picture.
        max_pixels: The most pixels that are accepted of each page; None accepts any number.
    """

    pages: Pages = None
    dpi: float | None = None
    password: str | None = field(default=None, repr=False)
    existing_text: ExistingText = "skip"
    max_pixels: int | None = MAX_PIXELS

    def __post_init__(self) -> None:
        PageSelection.of(self.pages)
        if self.dpi is not None and not LEAST_DPI <= self.dpi <= MOST_DPI:
            raise UsageError(f"The resolution must be from {LEAST_DPI} to {MOST_DPI} dots per inch, not {self.dpi}.")
        if self.existing_text not in EXISTING_TEXT:
            raise UsageError(
                f"Existing text can be treated as {', '.join(EXISTING_TEXT)}; {self.existing_text!r} is not known."
            )
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UsageError(f"The most pixels of a page must be 1 or more, not {self.max_pixels}.")

    @property
    def selection(self) -> PageSelection | None:
        """The pages asked for."""
        return PageSelection.of(self.pages)

    def to_dict(self) -> dict[str, Any]:
        """The options that change what is read, as plain JSON values; the password is none of them."""
        selection = self.selection
        return {
            "pages": None if selection is None else selection.text,
            "dpi": self.dpi,
            "existing_text": self.existing_text,
        }


@dataclass(frozen=True)
class SourcePage:
    """A page of a document; it can be used until the next one is asked for.

    Attributes:
        number: Its number in the document, from 1.
        width: Width of its picture in pixels; 0 where that is not known.
        height: Height of its picture in pixels.
        dpi: Dots per inch of its picture, where they are known.
        own: The text that the page carries itself and that stays, as a page; None where there is none.
        to_read: Whether its picture is to be read.
        draw: Gives the picture that is to be read.
        origin: What it comes from, for the formats that carry pictures.
        error: Why it cannot be read; then there is nothing to draw.
    """

    number: int
    width: int = 0
    height: int = 0
    dpi: float | None = None
    own: Page | None = None
    to_read: bool = True
    draw: Callable[[], Image.Image] | None = None
    origin: Origin = field(default_factory=Origin)
    error: InputError | None = None

    def picture(self) -> Image.Image:
        """The picture that is to be read, upright, of mode "L" or "RGB".

        Raises:
            InputError: It is damaged.
        """
        if self.error is not None or self.draw is None:
            raise self.error or InputError(f"Page {self.number} has no picture.")
        return self.draw()


class OpenDocument:
    """A document whose pages come one by one.

    Attributes:
        name: What results and messages call it.
        count: How many pages will come, where that is known beforehand.
        numbers: Which, by their numbers in the document, from 1.
        pdf: The PDF, as a path or its bytes; None where the pages are pictures.
    """

    name: str
    count: int | None = None
    numbers: Sequence[int] = (1,)
    pdf: Path | bytes | None = None
    password: str | None = None

    def __iter__(self) -> Iterator[SourcePage]:
        """The pages; one that cannot be read says why, and the others follow."""
        raise NotImplementedError

    def head(self, provenance: dict[str, Any]) -> Head:
        """What writers are told before the first page."""
        return Head(self.name, provenance, self.pdf, self.password, self.count)

    def close(self) -> None:
        """Gives back what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_document(
    source: DocumentSource, options: DocumentOptions | None = None, *, name: str | None = None, **changes: Any
) -> OpenDocument:
    """Opens a document.

    Args:
        source: A path, an address that begins with http:// or https://, the bytes of a file, an open binary file, a
            Pillow picture or an array.
        options: How to open it; None takes the defaults.
        name: What results and messages call it; left out, its path, or what was given.
        **changes: Options by name, in place of `options`.

    Raises:
        InputError: It is missing, empty, damaged, encrypted, or no document; see `typecase.errors`.
        NetworkError: It cannot be fetched.
        UsageError: An option is impossible.
    """
    from typecase.sources.address import is_address, shown_address

    options = options or DocumentOptions(**changes)
    if is_address(source):
        from typecase.sources.download import fetch

        assert isinstance(source, str)
        return _from_bytes(fetch(source), name or shown_address(source), options)
    name = source_name(source) if name is None else name
    if isinstance(source, (Image.Image, np.ndarray)):
        return _Single(source, name, options)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), name, options)
    if isinstance(source, (str, os.PathLike)):
        return _from_path(Path(source), name, options)
    if hasattr(source, "read"):
        # A page may be asked for again by what writes it, so all of it is held.
        return _from_bytes(seekable(source, name).read(), name, options)
    raise InputError(
        f"A document cannot be of the type {type(source).__name__}; give a path, an address, the bytes of a file, an "
        "open binary file, a Pillow picture or a NumPy array."
    )


def _from_path(path: Path, name: str, options: DocumentOptions) -> OpenDocument:
    try:
        with path.open("rb") as stream:
            head = stream.read(_PDF_HEAD)
    except (OSError, ValueError) as error:
        raise cannot_open(path, name, error) from None
    return _opened(path, head, name, options)


def _from_bytes(content: bytes, name: str, options: DocumentOptions) -> OpenDocument:
    return _opened(content, content[:_PDF_HEAD], name, options)


def _opened(content: Path | bytes, head: bytes, name: str, options: DocumentOptions) -> OpenDocument:
    # Some programs write a few bytes of their own before the PDF begins.
    if _PDF_MARK in head:
        from typecase.sources.pdf import PdfFile

        return _Pdf(PdfFile(content, name, password=options.password), options)
    return _Pictures(content, name, options)


class _Single(OpenDocument):
    """A picture that is in memory already."""

    def __init__(self, source: Image.Image | npt.NDArray[Any], name: str, options: DocumentOptions) -> None:
        self.name = name
        self.count = 1
        self._options = options
        self._source = source
        if options.selection is not None:
            options.selection.numbers(1, name)

    def __iter__(self) -> Iterator[SourcePage]:
        image = open_picture(self._source, max_pixels=self._options.max_pixels, name=self.name)
        told = dpi_of(self._source) if isinstance(self._source, Image.Image) else None
        dpi = self._options.dpi or told
        yield SourcePage(1, *image.size, dpi, draw=_giving(image), origin=Origin(image))


class _Pictures(OpenDocument):
    """A file of one picture or several."""

    def __init__(self, content: Path | bytes, name: str, options: DocumentOptions) -> None:
        self.name = name
        self._content, self._options = content, options
        self._stream: IO[bytes] | BinaryIO = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        try:
            self._file = PictureFile(self._stream, name, options.max_pixels)
            self._indices = self._chosen()
        except BaseException:
            self._stream.close()
            raise
        self.count = len(self._indices)
        self.numbers = [self._number(index) for index in self._indices]

    def _number(self, index: int) -> int:
        return index + 1 if self._file.kind.pages or self._options.selection else 1

    def _chosen(self) -> list[int]:
        selection = self._options.selection
        if selection is None and not self._file.kind.pages:
            return [self._file.first]
        count = self._file.count()
        if selection is None:
            return list(range(count))
        return [number - 1 for number in selection.numbers(count, self.name)]

    def __iter__(self) -> Iterator[SourcePage]:
        for frame in self._file.frames(self._indices):
            number = self._number(frame.index)
            image = frame.image
            if isinstance(image, InputError):
                yield SourcePage(number, to_read=False, error=image)
                continue
            origin = Origin(image, self._content, frame.index)
            yield SourcePage(number, *image.size, self._options.dpi or frame.dpi, draw=_giving(image), origin=origin)

    def close(self) -> None:
        self._stream.close()


def _giving(image: Image.Image) -> Callable[[], Image.Image]:
    return lambda: image


class _Pdf(OpenDocument):
    """A PDF."""

    def __init__(self, file: PdfFile, options: DocumentOptions) -> None:
        self._file, self._options = file, options
        self.name, self.pdf, self.password = file.name, file.source, options.password
        try:
            selection = options.selection
            self.numbers = range(1, file.count + 1) if selection is None else selection.numbers(file.count, file.name)
        except BaseException:
            file.close()
            raise
        self.count = len(self.numbers)

    def __iter__(self) -> Iterator[SourcePage]:
        for number in self.numbers:
            page = None
            try:
                page = self._file.page(number)
                yield self._prepared(page)
            except InputError as error:
                # Only what this page itself raises comes here: the caller's errors do not enter a generator.
                yield SourcePage(number, to_read=False, error=error)
            finally:
                if page is not None:
                    page.close()

    def _prepared(self, page: PdfPage) -> SourcePage:
        options = self._options
        coarser = page.set_resolution(options.dpi, options.max_pixels)
        if coarser is not None:
            _LOGGER.warning(coarser)
        layer = page.text_layer()
        visible = layer.has_visible_text
        own: Page | None = None
        to_read, without_text = True, False
        existing: Literal["none", "skip", "redo", "force"] = "none"
        if layer.has_text:
            existing = options.existing_text
        if existing == "skip":
            own, to_read = page.as_read(layer), False
        elif existing == "redo" and visible:
            own, without_text = page.as_read(layer, invisible=False), True
        return SourcePage(
            page.number,
            page.width,
            page.height,
            round(page.dpi, 2),
            own,
            to_read,
            lambda: page.draw(without_text=without_text),
            Origin(page.draw, existing_text=existing, own=own if existing == "redo" else None),
        )

    def close(self) -> None:
        self._file.close()
