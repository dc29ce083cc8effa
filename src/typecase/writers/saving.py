"""Writes a document to a file whose name tells the format."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from typecase.document import Document, Page
from typecase.errors import UsageError
from typecase.files import atomic_write
from typecase.writers import FORMATS, Format, Head, Origin, WriteOptions, formats_of
from typecase.writers.originals import is_there, originals

if TYPE_CHECKING:
    from typecase.sources.documents import DocumentSource


def save(
    document: Document,
    path: str | os.PathLike[str],
    options: WriteOptions,
    *,
    format: str | None = None,
    source: DocumentSource | None = None,
    password: str | None = None,
) -> list[Path]:
    """Writes a document, whole or not at all; see `Document.save`."""
    kind = FORMATS[formats_of(format)[0]] if format is not None else format_of(path)
    target = Path(path)
    with _pages(document, kind, source, password) as (head, pages):
        if not kind.page_a_file:
            _write(target, kind, head, options, pages)
            return [target]
        written = []
        for place, pair in enumerate(pages, 1):
            written.append(_page_path(target, kind, place))
            _write(written[-1], kind, head, options, [pair])
        return written


def _write(
    path: Path, kind: Format, head: Head, options: WriteOptions, pages: Iterable[tuple[Page, Origin | None]]
) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file, kind.open(file, head, options) as writer:
        for page, origin in pages:
            writer.page(page, origin)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's name tells by its ending.

    Raises:
        UsageError: It ends in none that is known.
    """
    name = os.fspath(path).lower()
    found = [kind for kind in FORMATS.values() if name.endswith(kind.suffix)]
    if not found:
        endings = ", ".join(kind.suffix for kind in FORMATS.values())
        raise UsageError(
            f"{os.fspath(path)} does not tell a format; end its name in {endings}, or name one (format=...)."
        )
    return found[0]


@contextlib.contextmanager
def _pages(
    document: Document, kind: Format, source: DocumentSource | None, password: str | None
) -> Iterator[tuple[Head, Iterator[tuple[Page, Origin | None]]]]:
    """The pages, with what they were read from where the format needs or can use it."""
    if kind.needs_originals or source is not None or (kind.uses_pictures and is_there(document)):
        with originals(document, source, password) as (head, pages):
            yield head, pages
    else:
        head = Head(document.source, document.provenance, page_count=len(document.pages))
        yield head, ((page, None) for page in document.pages)


def _page_path(target: Path, kind: Format, place: int) -> Path:
    stem = target.name[: -len(kind.suffix)] if target.name.lower().endswith(kind.suffix) else target.stem
    return target if place == 1 else target.with_name(f"{stem}{kind.suffix_of(place)}")
