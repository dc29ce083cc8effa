"""Reads documents: from whatever holds pages or a picture to a tree of text.

from typecase import Reader

reader = Reader()
document = reader.read("letter.pdf")
print(document.text)

with reader.open("long.pdf") as reading:
    for page, origin in reading:
        print(page.number, page.text)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from PIL import Image

from typecase import __version__
from typecase.decoding.decoder import SHIPPED_LANGUAGE_MODEL, language_model_for
from typecase.decoding.options import Mode
from typecase.document import Block, Box, Document, Page
from typecase.errors import InputError, UsageError
from typecase.files import sha256_of
from typecase.languages import languages_of
from typecase.reading import (
    SOURCE_ERRORS,
    PageReading,
    ReadDocument,
    Reading,
    ReadPage,
    Region,
    Request,
    SourceError,
    as_one_block,
    failed_page,
    moved,
    part_of,
    unread_page,
    with_own_text,
    with_words,
    within,
)
from typecase.sources.documents import DocumentSource, ExistingText, SourcePage
from typecase.sources.page_numbers import Pages
from typecase.sources.pictures import MAX_PIXELS
from typecase.stages.recognize import AT_ONCE, LineRecognizer
from typecase.writers.base import Head

if TYPE_CHECKING:
    from typecase.stages.page import PageReader


class Reader:
    """A trained reader that is opened once and asked many times.

    It may be shared between threads and pickled; an unpickled one opens its models again.
    """

    def __init__(
        self,
        languages: str | Iterable[str] | None = None,
        device: str = "auto",
        threads: int | None = None,
        *,
        model: str | os.PathLike[str] | None = None,
        detector: str | os.PathLike[str] | None = None,
    ) -> None:
        """Opens the model that reads lines; the one that finds them on a page is opened with the first page.

        Args:
            languages: Codes of the languages to be read, such as `["en", "de"]` or `eng+deu`. One model reads all of
                them; letters of no language named here are read only where they are plainly there. None leans towards
                no language.
            device: Where to compute: `auto` or `cpu`, which are the same so far.
            threads: How many threads compute; None takes the processors there are, at most four.
            model: An ONNX file of a recogniser that `typecase export` wrote; None opens the shipped one.
            detector: Likewise of what finds lines on a page.

        Raises:
            ModelError: The model is missing, damaged, unsafe, too new, or no recogniser.
            UsageError: A language or the device is not known, or the number of threads is impossible.
        """
        self.languages = () if languages is None else languages_of(languages)
        if device not in ("auto", "cpu"):
            raise UsageError(f"The device {device!r} is not known; choose auto or cpu.")
        self._settings: dict[str, Any] = {"languages": self.languages or None, "device": device, "threads": threads}
        self._detector = None if detector is None else os.path.abspath(os.fspath(detector))
        self._opening = threading.Lock()
        self._page_reader: PageReader | None = None
        self.recognizer = LineRecognizer(model, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, ({**self._settings, "model": self.recognizer.path, "detector": self._detector},)

    @property
    def page_reader(self) -> PageReader:
        """What reads whole pages; opened when it is first asked for.

        Raises:
            ModelError: The model that finds lines cannot be used.
        """
        with self._opening:
            if self._page_reader is None:
                from typecase.stages.detect import LineDetector
                from typecase.stages.page import PageReader

                detector = LineDetector(self._detector, self._settings["threads"])
                self._page_reader = PageReader(self.recognizer, detector)
            return self._page_reader

    def read(
        self,
        source: DocumentSource,
        mode: Mode = "page",
        *,
        pages: Pages = None,
        dpi: float | None = None,
        password: str | None = None,
        existing_text: ExistingText = "skip",
        region: Region | None = None,
        min_confidence: float = 0.0,
        join_hyphens: bool = False,
        max_pixels: int | None = MAX_PIXELS,
        name: str | None = None,
        **options: Any,
    ) -> Document:
        """Reads a document.

        Args:
            source: A path, an address that begins with http:// or https://, the bytes of a file, an open binary file,
                a Pillow picture or an array. It is a PDF or a picture; the pictures in a TIFF are pages.
            mode: What each page shows: a whole `page`, one `block` of text, a `line`, a `word` or a `char`.
            pages: Which pages: `1,3-5,end`, a number from 1, or several; None reads all. Of an animation the first
                frame is read, unless pages are named, which then are its frames.
            dpi: Dots per inch at which a PDF is drawn; None draws it as finely as the picture in it, else at 200. Of a
                picture, what its resolution is.
            password: What opens an encrypted PDF.
            existing_text: What becomes of a PDF's page that carries text already. `skip` takes that text and reads
                nothing; `redo` keeps what is visible, forgets the invisible text of an earlier reader, and reads the
                rest; `force` reads the page as a picture.
            region: The only part that is read, `(x, y, width, height)` in pixels of the page's picture; boxes stay in
                pixels of the whole picture.
            min_confidence: Words with less confidence than this, 0 to 1, are left out.
            join_hyphens: Whether words that were divided at the ends of lines are joined; such a word has the box of
                its first half.
            max_pixels: The most pixels that are accepted of a page; None accepts any number.
            name: What the document and messages call the source; left out, its path.
            **options: How to read; see `typecase.decoding.options.ReadOptions`.

        Returns:
            The document. A page among several that cannot be read is empty and says why (`Page.error`).

        Raises:
            InputError: The source, or every page of it, cannot be read.
            NetworkError: The address cannot be fetched.
            ModelError: The model that finds lines on a page cannot be used.
            UsageError: The mode or an option is not known, or its value is impossible.
        """
        reading = self.open(
            source,
            mode,
            name=name,
            pages=pages,
            dpi=dpi,
            password=password,
            existing_text=existing_text,
            region=region,
            min_confidence=min_confidence,
            join_hyphens=join_hyphens,
            max_pixels=max_pixels,
            **options,
        )
        with reading:
            return ReadDocument(reading.head, tuple(reading)).document

    def open(
        self,
        source: DocumentSource,
        mode: Mode = "page",
        *,
        name: str | None = None,
        read: PageReading | None = None,
        **options: Any,
    ) -> Reading:
        """Opens a document whose pages are read one by one, as they are asked for; memory does not grow with them.

        Args:
            source: See `read`.
            mode: See `read`.
            name: See `read`.
            read: What reads the pages instead of this reader, such as other processes with the same settings.
            **options: See `read`.

        Returns:
            What gives the pages, each with what it was read from; use it in a `with` statement.

        Raises:
            InputError: The source cannot be opened; see `read` for the others.
        """
        request = self._request(mode=mode, **options)
        return Reading(source, request, read or self._read_pages, self._provenance(request), name)

    def read_pages(self, source: DocumentSource, mode: Mode = "page", **options: Any) -> Iterator[Page]:
        """Reads a document page by page; memory does not grow with the number of pages.

        Args:
            source: See `read`.
            mode: See `read`.
            **options: See `read`.

        Yields:
            Each page as soon as it is read; one that cannot be read says why (`Page.error`).
        """
        reading = self.open(source, mode, **options)

        def pages() -> Iterator[Page]:
            with reading:
                yield from (read.page for read in reading)

        return pages()

    def read_many(
        self, sources: Iterable[DocumentSource], mode: Mode = "page", **options: Any
    ) -> Iterator[Document | SourceError]:
        """Reads many documents; they may be endless. Pictures of lines are read some at a time, which is faster.

        Args:
            sources: The documents; see `read`.
            mode: What each of their pages shows.
            **options: See `read`.

        Yields:
            A document for each source, in their order, or in its place why it cannot be read.

        Raises:
            ModelError: The model that finds lines on a page cannot be used.
            UsageError: The mode or an option is not known, or its value is impossible.
        """
        found = self.read_with_origins(sources, mode, **options)
        return (one.document if isinstance(one, ReadDocument) else one for one in found)

    def read_with_origins(
        self, sources: Iterable[DocumentSource], mode: Mode = "page", **options: Any
    ) -> Iterator[ReadDocument | SourceError]:
        """Reads many documents as `read_many` does, and gives them together with what writers need.

        Args:
            sources: See `read_many`.
            mode: See `read_many`.
            **options: See `read`.
        """
        return self._read_many(sources, self._request(mode=mode, **options))

    def _request(self, **options: Any) -> Request:
        if self.languages:
            options = {"languages": self.languages, **options}
        request = Request.of(**options)
        if request.finds_lines:
            # Now rather than with the first page, so that a missing model is not told of every source, and what takes
            # a while is done while the source is opened.
            self.page_reader.prepare()
        return request

    def _reading(self, source: DocumentSource, request: Request) -> Reading:
        return Reading(source, request, self._read_pages, self._provenance(request))

    def _read_many(self, sources: Iterable[DocumentSource], request: Request) -> Iterator[ReadDocument | SourceError]:
        rest = iter(sources)
        # What finds lines keeps its cores busy with one page at a time.
        at_once = 1 if request.finds_lines else AT_ONCE
        for part in iter(lambda: list(islice(rest, at_once)), []):
            yield from self._read_together(part, request)

    def _read_together(
        self, sources: Sequence[DocumentSource], request: Request
    ) -> Iterator[ReadDocument | SourceError]:
        """Reads documents; those that are but a picture of a line go through the net together."""
        done: list[ReadDocument | SourceError | Head] = []
        waiting: list[SourcePage] = []
        for source in sources:
            try:
                with self._reading(source, request) as reading:
                    if request.finds_lines or not reading.is_picture:
                        done.append(ReadDocument(reading.head, tuple(reading)))
                        continue
                    [page] = reading.source_pages()
                    if page.error is not None:
                        raise page.error
                    waiting.append(page)
                    done.append(reading.head)
            except SOURCE_ERRORS as error:
                done.append(error)
        origins = [page.origin for page in waiting]
        pages = iter(zip(self._read_pages(waiting, request), origins, strict=True))
        for one in done:
            if isinstance(one, Head):
                tree, origin = next(pages)
                yield InputError(tree.error) if tree.error else ReadDocument(one, (ReadPage(tree, origin),))
            else:
                yield one

    def _read_pages(self, pages: Sequence[SourcePage], request: Request) -> list[Page]:
        """Reads some pages of documents."""
        done: list[Page | SourcePage] = []
        pictures: list[Image.Image] = []
        places: list[Box] = []
        for source in pages:
            try:
                if source.error is not None:
                    raise source.error
                if not source.to_read:
                    done.append(_joined(unread_page(source, request), request))
                    continue
                picture = source.picture()
                part = part_of(picture, request.region, source.number)
            except InputError as error:
                done.append(failed_page(source, error))
                continue
            if request.finds_lines:
                done.append(self._whole_page(source, picture, part, request))
                continue
            place = part or Box(0, 0, *picture.size)
            pictures.append(picture if part is None else picture.crop((part.x, part.y, part.right, part.bottom)))
            places.append(place)
            done.append(source)
        lines = iter(self.recognizer.read(pictures, request.options))
        spots = iter(places)
        read = []
        for one in done:
            if isinstance(one, Page):
                read.append(one)
                continue
            place = next(spots)
            block = Block(place, (moved(next(lines), place.x, place.y),))
            read.append(self._finished(one, Page(one.width, one.height, (block,)), request))
        return read

    def _whole_page(self, source: SourcePage, picture: Image.Image, part: Box | None, request: Request) -> Page:
        page = self._finished(source, self.page_reader.read(picture, request.options, part), request)
        return as_one_block(page) if request.options.mode == "block" else page

    def _finished(self, source: SourcePage, page: Page, request: Request) -> Page:
        """What was read on a page, with what is known of the page."""
        page = msgspec.structs.replace(page, number=source.number, dpi=source.dpi)
        if request.min_confidence > 0:
            page = with_words(page, lambda word: word.confidence >= request.min_confidence)
        if source.own is not None:
            page = with_own_text(page, source.own if request.region is None else within(source.own, request.region))
        return _joined(page, request)

    def _provenance(self, request: Request) -> dict[str, Any]:
        recognizer = self.recognizer
        made_by: dict[str, Any] = {"typecase": __version__, "recognizer": _facts(recognizer.path, recognizer.sha256)}
        if request.finds_lines:
            detector = self.page_reader.detector
            made_by["detector"] = _facts(detector.path, detector.sha256)
        language_model = language_model_for(recognizer.classes, request.options)
        if language_model is not None:
            made_by["language_model"] = self._language_model_facts(language_model)
        return {**made_by, "options": request.to_dict()}

    def _language_model_facts(self, path: os.PathLike[str]) -> dict[str, str]:
        # The shipped one does not change; another may be replaced by its owner.
        return self._shipped_language_model_facts if path == SHIPPED_LANGUAGE_MODEL else _facts(path, sha256_of(path))

    @cached_property
    def _shipped_language_model_facts(self) -> dict[str, str]:
        return _facts(SHIPPED_LANGUAGE_MODEL, sha256_of(SHIPPED_LANGUAGE_MODEL))


def read(source: DocumentSource, mode: Mode = "page", **options: Any) -> Document:
    """Reads one document with the shipped models, which are opened the first time.

    Args:
        source: What holds it; see `Reader.read`.
        mode: What each page shows; see `Reader.read`.
        **options: How to read; see `Reader.read`.

    Raises:
        InputError: The document cannot be read.
        NetworkError: The address cannot be fetched.
        ModelError: A model cannot be used.
        UsageError: The mode or an option is not known, or its value is impossible.
    """
    global _kept
    with _keeping:
        if _kept is None:
            _kept = Reader()
    return _kept.read(source, mode, **options)


_kept: Reader | None = None
_keeping = threading.Lock()


def _reopened(settings: dict[str, Any]) -> Reader:
    return Reader(**settings)


def _joined(page: Page, request: Request) -> Page:
    """The page with divided words joined, where that is asked for."""
    from typecase.stages.arrange import dehyphenate

    return msgspec.structs.replace(page, blocks=dehyphenate(page.blocks)) if request.join_hyphens else page


def _facts(path: os.PathLike[str], sha256: str) -> dict[str, str]:
    return {"name": os.path.splitext(os.path.basename(path))[0], "sha256": sha256}
