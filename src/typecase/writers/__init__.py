"""What a document can be written as; every format is made from the tree, and a few carry the page's picture too."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from typecase.document import Document
from typecase.errors import UsageError
from typecase.writers.base import DEFAULTS, ExistingText, Head, Origin, WriteOptions, Writer

__all__ = ["FORMATS", "ExistingText", "Format", "Head", "Origin", "WriteOptions", "Writer", "formats_of"]


@dataclass(frozen=True)
class Format:
    """A form of output.

    Attributes:
        suffix: The ending of its files, with the dot.
        media_type: What a server calls it.
        module: Where its writer lies; imported when it is first used.
        writer: Its class there.
        page_a_file: A file holds one page only, and a document of several becomes several files.
        needs_originals: It carries what the pages were read from, and cannot be written without it.
        uses_pictures: It is better where the pages' pictures are known.
    """

    suffix: str
    media_type: str
    module: str
    writer: str
    page_a_file: bool = False
    needs_originals: bool = False
    uses_pictures: bool = False

    def suffix_of(self, place: int) -> str:
        """The ending of the file for the page at a place, from 1, of a format with `page_a_file`.

        The first page has the usual one: `.page.xml`, `.page-2.xml`, `.page-3.xml`.
        """
        first, *rest = self.suffix.removeprefix(".").split(".")
        return self.suffix if place == 1 else ".".join(("", f"{first}-{place}", *rest))

    def open(self, file: BinaryIO, head: Head, options: WriteOptions = DEFAULTS) -> Writer:
        """Gives what writes a document in this form, a page at a time; see `Writer`."""
        kind: type[Writer] = getattr(importlib.import_module(f"typecase.writers.{self.module}"), self.writer)
        return kind(file, head, options)

    def render(
        self,
        document: Document,
        options: WriteOptions = DEFAULTS,
        *,
        head: Head | None = None,
        origins: Sequence[Origin | None] = (),
    ) -> bytes:
        """Gives a whole document in this form, ending with a line break where it is text.

        Args:
            document: What to write.
            options: How to write it.
            head: What is known of it; left out, what the document itself tells.
            origins: What its pages were read from, as many as there are pages, or none.
        """
        file = io.BytesIO()
        with self.open(
            file, head or Head(document.source, document.provenance, page_count=len(document.pages)), options
        ) as writer:
            for page, origin in zip(document.pages, origins or [None] * len(document.pages), strict=True):
                writer.page(page, origin)
        return file.getvalue()


FORMATS: dict[str, Format] = {
    "text": Format(".txt", "text/plain; charset=utf-8", "text", "TextWriter"),
    "json": Format(".json", "application/json", "json", "JsonWriter"),
    "md": Format(".md", "text/markdown; charset=utf-8", "markdown", "MarkdownWriter"),
    "csv": Format(".csv", "text/csv; charset=utf-8", "csv", "CsvWriter", uses_pictures=True),
    "tsv": Format(".tsv", "text/tab-separated-values; charset=utf-8", "tsv", "TsvWriter"),
    "hocr": Format(".hocr", "text/html; charset=utf-8", "hocr", "HocrWriter"),
    "alto": Format(".alto.xml", "application/xml", "alto", "AltoWriter"),
    "page": Format(".page.xml", "application/xml", "page", "PageXmlWriter", page_a_file=True),
    "pdf": Format(".pdf", "application/pdf", "pdf", "PdfWriter", needs_originals=True),
}
"""The formats by their names."""

_OTHER_NAMES = {"txt": "text", "markdown": "md"}


def formats_of(names: str) -> list[str]:
    """Splits a list of formats at its commas.

    Raises:
        UsageError: One of them is not known, or there is none.
    """
    parts = (name.strip().lower() for name in names.split(","))
    chosen = list(dict.fromkeys(_OTHER_NAMES.get(name, name) for name in parts if name))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        raise UsageError(f"The format {unknown[0] if unknown else names!r} is not known; choose {', '.join(FORMATS)}.")
    return chosen
