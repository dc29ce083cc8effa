"""How a document is written: page by page, so that the longest one needs no more memory than its longest page.

A format is a `Writer`. It is given a file, what is known before the first page (`Head`), and how to write
(`WriteOptions`); then each page as soon as it is read, with what it was read from (`Origin`) for the formats that carry
the picture:

    with FORMATS["hocr"].open(file, Head(source, provenance)) as writer:
        for page, origin in pages:
            writer.page(page, origin)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from typecase.document import Page

if TYPE_CHECKING:
    from PIL import Image

ExistingText = Literal["none", "skip", "redo", "force"]
"""What a PDF's page carried of its own, and what became of it: `none`, it carried no text; `skip`, its own text is the
page's text and stays as it is; `redo`, its invisible text is replaced; `force`, the page is replaced by its picture."""


@dataclass(frozen=True)
class Head:
    """What is known of a document before its first page.

    Attributes:
        source: The path, or a name in angle brackets for what has none.
        provenance: What reads it: the program's version, the models with their hashes, the settings.
        pdf: The PDF that the pages are drawn from, as a path or its bytes; None where they are pictures. The searchable
            PDF is this file with text added; its pages are told by `Page.number`, and those that were not read stay.
        password: What opens that PDF.
        page_count: How many pages are to be written, where that is known.
    """

    source: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    pdf: Path | bytes | None = None
    password: str | None = None
    page_count: int | None = None


@dataclass(frozen=True)
class Origin:
    """What a page was read from.

    Attributes:
        picture: The picture in whose pixels the page's boxes are, or what gives it when it is asked for.
        file: The picture's own file, as a path or its bytes, so that it can lie untouched in a PDF; None where there is
            none, and then `picture` is stored.
        frame: Which of the file's pictures, from 0.
        existing_text: What a PDF's page carried of its own, and what became of it.
        own: With `redo`, the visible text that the PDF's page carries and keeps. Its words are among the words of the
            page that was read, and must not be put into the PDF a second time.
    """

    picture: Image.Image | Callable[[], Image.Image] | None = None
    file: Path | bytes | None = None
    frame: int = 0
    existing_text: ExistingText = "none"
    own: Page | None = None

    def drawn(self) -> Image.Image | None:
        """The picture, where there is one."""
        return self.picture() if callable(self.picture) else self.picture


@dataclass(frozen=True)
class WriteOptions:
    """How to write.

    Attributes:
        layout: Plain text keeps columns by spaces.
        characters: Formats that can give them list the characters of each word, with boxes and alternatives.
    """

    layout: bool = False
    characters: bool = False


DEFAULTS = WriteOptions()
"""How to write where nothing is said."""


class Writer(ABC):
    """Writes one document; entering begins it, leaving without an error ends it.

    Nothing is promised of a file whose writing failed: the caller writes to a temporary one and renames it
    (`files.atomic_write`). The file is flushed by the caller, and only ever written forwards.
    """

    def __init__(self, file: BinaryIO, head: Head, options: WriteOptions = DEFAULTS) -> None:
        """Takes the file to write to; nothing is written yet."""
        self._file = file
        self.head = head
        self.options = options

    def begin(self) -> None:  # noqa: B027 (many formats have nothing before the first page)
        """Writes what comes before the first page."""

    @abstractmethod
    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the next page; `origin` tells what it was read from, for formats that carry the picture.

        Raises:
            InputError: The page's picture or PDF is needed and cannot be read.
            OutputError: The format needs the picture, and it is not known.
        """

    def end(self) -> None:  # noqa: B027
        """Writes what follows the last page."""

    def close(self) -> None:  # noqa: B027
        """Gives back what was held, whether writing went well or not; never closes the file."""

    def put(self, text: str) -> None:
        """Writes text, as UTF-8; halves of surrogate pairs, which UTF-8 cannot hold, become question marks."""
        self._file.write(text.encode("utf-8", errors="replace"))

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.end()
        finally:
            self.close()
