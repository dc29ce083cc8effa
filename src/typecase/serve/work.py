"""What workers do: each function takes a worker's models and things that can be pickled, and gives such things.

Files are given by their bytes or paths here, and called by the names that callers gave them.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from typecase.document import Document, Line, Word, corners
from typecase.errors import InputError, TooLargeError
from typecase.serve.corrections import LineIndex
from typecase.serve.query import ReadQuery
from typecase.serve.worker import Models
from typecase.sources.documents import SourcePage, open_document
from typecase.sources.page_numbers import PageSelection
from typecase.writers import FORMATS, WriteOptions

_QUALITY = 85
_MOST_PNG_PIXELS = 1_000_000

# What is cut out around a corrected line, in its heights.
_MARGIN = 0.15


def read_file(
    models: Models,
    file: bytes | Path,
    name: str,
    query: ReadQuery,
    format: str,
    characters: bool | None,
    most_pages: int,
) -> tuple[bytes, int]:
    """Reads a file and writes it in a format.

    Args:
        models: The worker's models.
        file: Its bytes, or where it lies.
        name: What the caller calls it.
        query: How to read.
        format: The answer's form.
        characters: Whether the characters of each word are listed; None lists them in JSON alone.
        most_pages: The most pages it may have.

    Returns:
        The answer, and how many pages were read.

    Raises:
        InputError: It cannot be read, or has too many pages.
        UsageError: An option is impossible.
    """
    content = io.BytesIO()
    count = 0
    with (
        models.reader.open(file, name=name, pages=query.pages, max_pixels=models.max_pixels, **query.of_reader) as read,
        FORMATS[format].open(content, read.head, _write_options(format, characters)) as writer,
    ):
        _check_pages(name, read.count or 1, most_pages, "; send it as a job (/v1/jobs)")
        for page, origin in read:
            writer.page(page, origin)
            count += 1
    return content.getvalue(), count


def page_numbers(models: Models, file: Path, name: str, query: ReadQuery, most_pages: int) -> list[int]:
    """Says which pages of a file are to be read, from 1.

    Raises:
        InputError: The file cannot be opened, has none of the pages, or more than may be read.
    """
    with open_document(file, name=name, max_pixels=models.max_pixels, password=query.password) as document:
        count = document.count or 1
    selection = PageSelection.of(query.pages)
    numbers = list(range(1, count + 1)) if selection is None else selection.numbers(count, name)
    _check_pages(name, len(numbers), most_pages)
    return numbers


def read_page(models: Models, file: Path, name: str, query: ReadQuery, number: int) -> tuple[bytes, dict[str, Any]]:
    """Reads one page of a file.

    Returns:
        A document with this page alone, as JSON; and what read it.

    Raises:
        InputError: The page cannot be read.
    """
    document = models.reader.read(file, name=name, pages=number, max_pixels=models.max_pixels, **query.of_reader)
    if not document.pages:
        raise InputError(f"{name}, page {number}, holds no picture of its own.")
    return document.to_json().encode(), dict(document.provenance)


def classify(models: Models, file: bytes | Path, name: str, top: int) -> bytes:
    """Says which character a picture shows, as JSON.

    Raises:
        InputError: The picture cannot be read.
    """
    answer = models.classifier.classify(file, top, max_pixels=models.max_pixels, name=name)
    return msgspec.json.encode(answer.to_dict())


def picture(
    models: Models, file: Path, name: str, query: ReadQuery, number: int, width: int | None
) -> tuple[bytes, str]:
    """The picture of a page as a browser shows it, and its media type.

    Args:
        models: The worker's models.
        file: Where the document lies.
        name: What the caller calls it.
        query: How it was read.
        number: The page's number, from 1.
        width: The most pixels across; None gives the picture in whose pixels the page's boxes are.

    Raises:
        InputError: The page cannot be opened.
    """
    with _page(models, file, name, query, number) as page:
        image = page.picture()
        if width is not None and image.width > width:
            image = image.resize(
                (width, max(1, round(image.height * width / image.width))), Image.Resampling.BOX, reducing_gap=2.0
            )
        content = io.BytesIO()
        if width is None and image.width * image.height <= _MOST_PNG_PIXELS:
            image.save(content, "PNG")
            return content.getvalue(), "image/png"
        image.save(content, "JPEG", quality=_QUALITY)
        return content.getvalue(), "image/jpeg"


def write(
    models: Models,
    file: Path,
    name: str,
    query: ReadQuery,
    pages: Sequence[bytes],
    provenance: dict[str, Any],
    format: str,
    characters: bool | None,
) -> bytes:
    """Writes pages that were read before.

    Args:
        models: The worker's models.
        file: Where the document lies.
        name: What the caller calls it.
        query: How it was read.
        pages: What was read, each as JSON of a document with this page alone.
        provenance: What read them.
        format: The form to write.
        characters: Whether the characters of each word are listed; None lists them in JSON alone.

    Raises:
        InputError: The document is needed, and cannot be opened any more.
    """
    document = Document(tuple(Document.from_json(one).pages[0] for one in pages), name, provenance)
    by_number = {page.number: page for page in document.pages}
    content = io.BytesIO()
    with open_document(
        file, name=name, pages=list(by_number), max_pixels=models.max_pixels, **query.of_document
    ) as opened:
        head = opened.head(provenance)
        with FORMATS[format].open(content, head, _write_options(format, characters)) as writer:
            for source in opened:
                if source.number in by_number:
                    writer.page(by_number[source.number], source.origin)
    return content.getvalue()


def training_data(
    models: Models,
    file: Path,
    name: str,
    query: ReadQuery,
    pages: Sequence[tuple[int, bytes, Sequence[LineIndex]]],
) -> bytes:
    """The pictures of lines and what they say, as `typecase train recognizer` takes them.

    Args:
        models: The worker's models.
        file: Where the document lies.
        name: What the caller calls it.
        query: How it was read.
        pages: Of each page its number, its document as JSON, and which lines to give.

    Returns:
        A ZIP archive with a `labels.jsonl` and the pictures beside it.

    Raises:
        InputError: A page cannot be opened.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        rows: list[str] = []
        for number, text, lines in pages:
            page = Document.from_json(text).pages[0]
            with _page(models, file, name, query, number) as source:
                grey = np.asarray(source.picture().convert("L"))
            for block, line in lines:
                one = page.blocks[block].lines[line]
                if not one.words:
                    continue
                path = f"lines/page-{number}-block-{block + 1}-line-{line + 1}.png"
                image, words = _cut_line(grey, one)
                archive.writestr(path, image)
                meta = {"source": name, "page": number, "corrected": True}
                row = {"image": path, "text": one.text, "words": words, "meta": meta}
                rows.append(json.dumps(row, ensure_ascii=False) + "\n")
        archive.writestr("labels.jsonl", "".join(rows))
    return content.getvalue()


def _cut_line(grey: np.ndarray[Any, np.dtype[np.uint8]], line: Line) -> tuple[bytes, list[dict[str, Any]]]:
    """A line straightened, as PNG, and its words with boxes in that picture."""
    from typecase.stages.crop import cut

    outline = np.array([tuple(point) for point in line.polygon or corners(line.box)], np.float32)
    half = len(outline) // 2
    upper, lower = outline[:half], outline[half:][::-1]
    down = lower - upper
    outline = np.concatenate([upper - _MARGIN * down, (lower + _MARGIN * down)[::-1]]).astype(np.float32)
    strip = cut(grey, outline)
    content = io.BytesIO()
    Image.fromarray(strip.pixels).save(content, "PNG")
    return content.getvalue(), [{"text": word.text, "box": _box_within(word, strip)} for word in line.words]


def _box_within(word: Word, strip: Any) -> list[float]:
    """Where a word of the page lies in the picture of its line, by the nearest places along the strip."""
    height, width = strip.pixels.shape
    columns = np.arange(width + 1)
    middle = strip.places(columns, np.full(width + 1, height / 2))
    points = np.array([tuple(point) for point in word.polygon or corners(word.box)])
    half = len(points) // 2
    ends = [(points[0] + points[-1]) / 2, (points[half - 1] + points[half]) / 2]
    left, right = sorted(int(np.hypot(*(middle - end).T).argmin()) for end in ends)
    return [float(left), 0.0, float(max(1, right - left)), float(height)]


def _check_pages(name: str, count: int, most: int, instead: str = "") -> None:
    if count > most:
        raise TooLargeError(
            f"{name} has {count} pages to read, and at most {most} are read here; choose (pages=1-{most}){instead}."
        )


def _write_options(format: str, characters: bool | None) -> WriteOptions:
    return WriteOptions(characters=format == "json" if characters is None else characters)


@contextmanager
def _page(models: Models, file: Path, name: str, query: ReadQuery, number: int) -> Iterator[SourcePage]:
    with open_document(file, name=name, pages=number, max_pixels=models.max_pixels, **query.of_document) as document:
        for page in document:
            if page.number == number:
                yield page
                return
    raise InputError(f"{name}, page {number}, holds no picture of its own.")
