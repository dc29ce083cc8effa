"""What a document was read from, opened once more for the formats that carry or show it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from typecase.document import Document, Page
from typecase.errors import InputError, OutputError
from typecase.writers.base import Head, Origin

if TYPE_CHECKING:
    from PIL import Image

    from typecase.sources.documents import DocumentSource


@contextlib.contextmanager
def originals(
    document: Document, source: DocumentSource | None = None, password: str | None = None
) -> Iterator[tuple[Head, Iterator[tuple[Page, Origin]]]]:
    """Opens what a document was read from.

    Args:
        document: The document.
        source: What it was read from; None opens the path that the document names.
        password: What opens an encrypted PDF.

    Yields:
        What writers are told, and each page with what it was read from, usable until the next one is asked for.

    Raises:
        OutputError: The document does not tell what it was read from.
        InputError: It cannot be opened, or lacks a page.
    """
    from typecase.sources.documents import open_document

    if source is None:
        if not is_there(document):
            raise OutputError(
                f"What {document.source or 'the document'} was read from is not at hand; name it (source=...)."
            )
        source = document.source
    numbers = [page.number for page in document.pages]
    # Pages are drawn and treated as they were when they were read.
    options = document.provenance.get("options", {})
    kept = {name: options[name] for name in ("dpi", "existing_text") if isinstance(options, dict) and options.get(name)}
    if not numbers:
        yield Head(document.source, document.provenance, page_count=0), iter(())
        return
    with open_document(
        source, name=document.source or None, pages=numbers, password=password, max_pixels=None, **kept
    ) as opened:
        pages = {page.number: page for page in document.pages}

        def together() -> Iterator[tuple[Page, Origin]]:
            for found in opened:
                page = pages.pop(found.number, None)
                if page is None:
                    continue
                if found.error is not None and not page.error:
                    raise found.error
                yield page, found.origin
            if pages:
                raise InputError(f"{document.source} has no page {min(pages)} any more; read it again.")

        yield opened.head(dict(document.provenance)), together()


def is_there(document: Document) -> bool:
    """Whether the path that a document names is there."""
    # A document that was brought back from a file may name anything.
    with contextlib.suppress(OSError, ValueError):
        return bool(document.source) and os.path.isfile(document.source)
    return False


def pictures(document: Document, count: int | None = None, source: Any = None) -> Iterator[tuple[Page, Image.Image]]:
    """Gives the first pages of a document with their pictures; nothing where those are not at hand.

    Args:
        document: The document.
        count: How many pages at most; None gives all.
        source: See `originals`.
    """
    import msgspec

    part = msgspec.structs.replace(document, pages=document.pages[:count])
    with contextlib.suppress(InputError, OutputError), originals(part, source) as (_, pages):
        for page, origin in pages:
            picture = origin.drawn()
            if picture is not None and not page.error:
                size = (page.width, page.height)
                yield page, picture if picture.size == size else picture.resize(size)
