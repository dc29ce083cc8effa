"""typecase as the engine of OCRmyPDF: `ocrmypdf --plugin typecase.compat.ocrmypdf in.pdf out.pdf`.

With the plug-in named, all text comes from typecase. Where it is installed only (`typecase[ocrmypdf]`), OCRmyPDF knows
it as `--ocr-engine typecase`, and does what it always did otherwise.
"""

from __future__ import annotations

import contextlib
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrmypdf import hookimpl
from ocrmypdf.exceptions import InputFileError, MissingDependencyError
from ocrmypdf.hocrtransform import Baseline, BoundingBox, OcrClass, OcrElement
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence
from PIL import Image

from typecase import __version__
from typecase.compat.orientation import orientation_confidence
from typecase.document import Block, Box, Document, Line, Page, Word
from typecase.errors import ModelError, TypecaseError
from typecase.languages import CODES, languages_of
from typecase.writers import FORMATS, shape
from typecase.writers.text_way import runs_to_the_left

if TYPE_CHECKING:
    from typecase.reader import Reader

NAME = "typecase"

_OPENING = threading.Lock()


@hookimpl
def get_ocr_engine(options: Any) -> OcrEngine | None:
    """Gives the engine, unless another one was asked for."""
    return engine_ahead(options) if getattr(options, "ocr_engine", "auto") in ("auto", NAME) else None


def engine_ahead(options: Any) -> OcrEngine:
    """The engine, whose models are opened from now on: OCRmyPDF is busy with the PDF until it asks for a page."""
    # Of processes none has the time: the first one never reads, and the others are asked for a page at once.
    if _in_threads(options):
        _open_ahead(*_settings(options))
    return TypecaseEngine()


@hookimpl
def add_options(parser: Any) -> None:
    """Makes the engine known by its name."""
    add_engine_name(parser)


def add_engine_name(parser: Any) -> None:
    """Adds the engine to those that the command line knows."""
    for action in parser._actions:
        if "--ocr-engine" in action.option_strings and NAME not in (action.choices or (NAME,)):
            action.choices = [*action.choices, NAME]


class TypecaseEngine(OcrEngine):
    """Reads pages for OCRmyPDF, whose threads share one reader and all its cores."""

    @staticmethod
    def version() -> str:
        """The version of typecase."""
        return __version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        """What stands in the PDF as its maker."""
        return f"{NAME} {__version__}"

    def __str__(self) -> str:
        return f"{NAME} {__version__}"

    @staticmethod
    def languages(options: Any) -> set[str]:
        """Codes of the languages that can be read."""
        return set(CODES)

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        """How far the page was turned, clockwise, from standing upright, and how sure that is."""
        page = _read(input_file, options).pages[0]
        # What is asked for is the turn that the page has, and a page knows the turn that it needs.
        return OrientationConfidence(angle=-page.rotation % 360, confidence=orientation_confidence(page))

    @staticmethod
    def get_deskew(input_file: Path, options: Any) -> float:
        """By how many degrees, counter-clockwise, the picture must be turned for its lines to be level."""
        return _read(input_file, options).pages[0].skew

    @staticmethod
    def supports_generate_ocr() -> bool:
        """Whether the tree of a page is given as it is: yes."""
        return True

    @staticmethod
    def generate_ocr(input_file: Path, options: Any, page_number: int = 0) -> tuple[OcrElement, str]:
        """Reads a page.

        Args:
            input_file: Its picture.
            options: The options of OCRmyPDF.
            page_number: Its number, from 0.

        Returns:
            Its tree, and its text.
        """
        document = _read(input_file, options)
        [page] = document.pages
        return page_element(page, page_number), document.to_text()

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        """Reads a page and writes hOCR and text."""
        document = _read(input_file, options)
        output_hocr.write_bytes(FORMATS["hocr"].render(document))
        output_text.write_text(document.to_text(), encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        """Reads a page and writes a PDF that holds its invisible text alone, and text."""
        from typecase.writers.pdf import text_only_page

        document = _read(input_file, options)
        output_pdf.write_bytes(text_only_page(document.pages[0]))
        output_text.write_text(document.to_text(), encoding="utf-8")


def page_element(page: Page, page_number: int = 0) -> OcrElement:
    """A page as OCRmyPDF's tree: paragraphs, lines and words with boxes, baselines and confidences."""
    return OcrElement(
        ocr_class=OcrClass.PAGE,
        bbox=BoundingBox(0, 0, page.width, page.height),
        dpi=page.dpi,
        page_number=page_number,
        children=[_block(block) for block in page.blocks if any(line.words for line in block.lines)],
    )


def _block(block: Block) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.PARAGRAPH,
        bbox=_box(block.box),
        direction="rtl" if runs_to_the_left(block.text) else "ltr",
        children=[_line(line) for line in block.lines if line.words],
    )


def _line(line: Line) -> OcrElement:
    baseline, angle = None, None
    if shape.lying(line):
        first, *_, last = shape.baseline(line)
        slope = (last.y - first.y) / (last.x - first.x) if last.x > first.x else 0.0
        baseline = Baseline(slope, first.y + slope * (line.box.x - first.x) - line.box.bottom)
    else:
        angle = -shape.angle(line) % 360
    return OcrElement(
        ocr_class=OcrClass.LINE,
        bbox=_box(line.box),
        baseline=baseline,
        textangle=angle,
        confidence=line.confidence,
        children=[_word(word) for word in line.words],
    )


def _word(word: Word) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.WORD,
        bbox=_box(word.box),
        text=word.text,
        confidence=word.confidence,
        direction="rtl" if runs_to_the_left(word.text) else "ltr",
    )


def _box(box: Box) -> BoundingBox:
    # The renderer takes no box without extent.
    return BoundingBox(box.x, box.y, max(box.right, box.x + 1), max(box.bottom, box.y + 1))


def _read(path: Path, options: Any) -> Document:
    status = path.stat()
    return _read_once(str(path), status.st_mtime_ns, status.st_size, *_settings(options))


def _opened(languages: tuple[str, ...], threads: int | None) -> Reader:
    """The reader with some settings; OCRmyPDF asks from several threads at once, and it is opened but once."""
    with _OPENING:
        return _reader(languages, threads)


@cache
def _reader(languages: tuple[str, ...], threads: int | None) -> Reader:
    from typecase.reader import Reader

    return Reader(languages or None, threads=threads)


@cache
def _open_ahead(languages: tuple[str, ...], threads: int | None) -> None:
    """Has a reader made ready, once."""

    def open_it() -> None:
        # Whoever reads the first page is told what is wrong.
        with contextlib.suppress(TypecaseError):
            _opened(languages, threads).read(Image.new("L", (64, 64), 255))

    threading.Thread(target=open_it, name="open-typecase").start()


_last: tuple[tuple[Any, ...], Document] | None = None


def _read_once(*key: Any) -> Document:
    """Reads a picture, or gives what was read of it a moment ago: it may be asked for its slope and then its text."""
    global _last
    kept = _last
    if kept is not None and kept[0] == key:
        return kept[1]
    path, _, _, languages, threads = key
    try:
        document = _opened(languages, threads).read(path, max_pixels=None)
    except ModelError as error:
        raise MissingDependencyError(str(error)) from error
    except TypecaseError as error:
        raise InputFileError(str(error)) from error
    _last = (key, document)
    return document


def _settings(options: Any) -> tuple[tuple[str, ...], int | None]:
    """The languages to lean to, and how many threads compute.

    English alone is what OCRmyPDF says where nothing was said, so it means any. Where its workers are processes, each
    computes for itself.
    """
    names = [name for name in getattr(options, "languages", None) or () if name.lower() in CODES]
    found = languages_of(names) if names else ()
    languages = () if found == ("en",) else found
    return languages, None if _in_threads(options) else 1


def _in_threads(options: Any) -> bool:
    """Whether OCRmyPDF's workers are threads of one process."""
    return bool(getattr(options, "use_threads", True))
