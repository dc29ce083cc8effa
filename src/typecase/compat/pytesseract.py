"""A look-alike of pytesseract that reads with typecase: change one import, and the rest stays.

    from typecase.compat import pytesseract

    print(pytesseract.image_to_string("test.png", config="--psm 6"))

Functions, parameters, results and errors are those of pytesseract 0.3. Where it cannot be the same: `nice` is ignored,
for there is no process to be nice; a call that exceeds its `timeout` raises as there, while its work ends by itself in
the background; and languages are those that typecase reads.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from typecase import __version__
from typecase.compat.orientation import orientation_confidence
from typecase.compat.tesseract_config import TesseractConfig, parsed
from typecase.document import Page, Word
from typecase.errors import InputError, MissingExtraError, TypecaseError
from typecase.languages import CODES, languages_of
from typecase.writers import FORMATS, Head, Origin, WriteOptions
from typecase.writers.tsv import COLUMNS

if TYPE_CHECKING:
    from typecase.reader import Reader

tesseract_cmd = "tesseract"
"""Set by many programs, and without effect: nothing is called."""

_FOLLOWED = "5.3.0"
"""The version of Tesseract whose outputs are followed."""

_NOT_LANGUAGES = frozenset({"osd", "equ", "snum"})
_PAGE_END = "\f"

_Result = TypeVar("_Result")


class Output:
    """Kinds of output."""

    BYTES = "bytes"
    DATAFRAME = "data.frame"
    DICT = "dict"
    STRING = "string"


class TesseractError(RuntimeError):
    """A picture cannot be read, or an option is wrong.

    Attributes:
        status: The exit code that Tesseract would leave with.
        message: Why.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class TesseractNotFoundError(EnvironmentError):
    """Never raised, for nothing needs to be found; programs that catch it find it here."""


class TSVNotSupported(EnvironmentError):
    """Never raised."""


class ALTONotSupported(EnvironmentError):
    """Never raised."""


class PandasNotSupported(EnvironmentError):
    """A data frame is asked for, and pandas is not installed."""

    def __init__(self) -> None:
        super().__init__("Missing pandas package")


def image_to_string(
    image: Any,
    lang: str | None = None,
    config: str = "",
    nice: int = 0,
    output_type: str = Output.STRING,
    timeout: float = 0,
) -> Any:
    """What a picture says: its lines, a form feed after each page.

    Args:
        image: A Pillow picture, an array (RGB), or a path: of a picture, or of a text file that lists some.
        lang: Codes of languages joined by `+`; None takes any.
        config: Options as Tesseract takes them.
        nice: Ignored.
        output_type: `Output.STRING`, `Output.BYTES` or `Output.DICT`.
        timeout: After so many seconds RuntimeError is raised; 0 waits.

    Raises:
        TesseractError: The picture cannot be read, or an option is wrong.
        RuntimeError: It takes longer than `timeout`.
        TypeError: `image` is of another kind.
    """
    return _given(
        output_type,
        string=lambda: run_and_get_output(image, "txt", lang, config, nice, timeout),
        values=lambda text: {"text": text},
    )


def image_to_boxes(
    image: Any,
    lang: str | None = None,
    config: str = "",
    nice: int = 0,
    output_type: str = Output.STRING,
    timeout: float = 0,
) -> Any:
    """The characters of a picture, a line for each: `char left bottom right top page`, from the lower left corner.

    Args:
        image: See `image_to_string`.
        lang: See `image_to_string`.
        config: See `image_to_string`.
        nice: Ignored.
        output_type: `Output.STRING`, `Output.BYTES` or `Output.DICT`.
        timeout: See `image_to_string`.
    """

    def values(text: str) -> dict[str, list[Any]]:
        rows = [line.rsplit(" ", 5) for line in text.split("\n") if line]
        names = ("char", "left", "bottom", "right", "top", "page")
        return {
            name: [row[place] if place == 0 else int(row[place]) for row in rows] for place, name in enumerate(names)
        }

    return _given(
        output_type, string=lambda: run_and_get_output(image, "box", lang, config, nice, timeout), values=values
    )


def image_to_data(
    image: Any,
    lang: str | None = None,
    config: str = "",
    nice: int = 0,
    output_type: str = Output.STRING,
    timeout: float = 0,
    pandas_config: dict[str, Any] | None = None,
) -> Any:
    """Everything that was found, as Tesseract's table of twelve columns: boxes, confidences, text.

    Args:
        image: See `image_to_string`.
        lang: See `image_to_string`.
        config: See `image_to_string`.
        nice: Ignored.
        output_type: One of `Output`.
        timeout: See `image_to_string`.
        pandas_config: Arguments for `pandas.read_csv`, with `Output.DATAFRAME`.

    Raises:
        PandasNotSupported: A data frame is asked for, and pandas is not installed.
    """

    def text() -> str:
        return str(run_and_get_output(image, "tsv", lang, config, nice, timeout))

    if output_type == Output.DATAFRAME:
        from typecase.frames import pandas_module

        try:
            pandas = pandas_module()
        except MissingExtraError:
            raise PandasNotSupported from None
        settings = {"quoting": csv.QUOTE_NONE, "sep": "\t", **(pandas_config or {})}
        return pandas.read_csv(io.BytesIO(text().encode()), **settings)

    def values(table: str) -> dict[str, list[Any]]:
        rows = [line.split("\t") for line in table.split("\n")[1:] if line]
        return {
            name: [row[place] if name == "text" else int(float(row[place])) for row in rows]
            for place, name in enumerate(COLUMNS)
        }

    return _given(output_type, string=text, values=values)


def image_to_osd(
    image: Any,
    lang: str = "osd",
    config: str = "",
    nice: int = 0,
    output_type: str = Output.STRING,
    timeout: float = 0,
) -> Any:
    """Which way a page stands, and its script.

    Args:
        image: See `image_to_string`.
        lang: Ignored where it is `osd`.
        config: See `image_to_string`.
        nice: Ignored.
        output_type: `Output.STRING`, `Output.BYTES` or `Output.DICT`.
        timeout: See `image_to_string`.

    Raises:
        TesseractError: There is too little text to tell.
    """

    def values(text: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in text.splitlines():
            name, _, value = line.partition(": ")
            key, kind = _ORIENTATION_KEYS[name]
            found[key] = kind(value)
        return found

    return _given(
        output_type, string=lambda: run_and_get_output(image, "osd", lang, config, nice, timeout), values=values
    )


def image_to_pdf_or_hocr(
    image: Any,
    lang: str | None = None,
    config: str = "",
    nice: int = 0,
    extension: str = "pdf",
    timeout: float = 0,
) -> bytes:
    """A searchable PDF, or hOCR, as bytes.

    Args:
        image: See `image_to_string`.
        lang: See `image_to_string`.
        config: See `image_to_string`.
        nice: Ignored.
        extension: `pdf` or `hocr`.
        timeout: See `image_to_string`.

    Raises:
        ValueError: The extension is another one.
    """
    if extension not in ("pdf", "hocr"):
        raise ValueError(f"Unsupported extension: {extension}")
    content = run_and_get_output(image, extension, lang, config, nice, timeout, return_bytes=True)
    assert isinstance(content, bytes)
    return content


def image_to_alto_xml(
    image: Any, lang: str | None = None, config: str = "", nice: int = 0, timeout: float = 0
) -> bytes:
    """ALTO XML, as bytes; see `image_to_string` for the parameters."""
    content = run_and_get_output(image, "xml", lang, config, nice, timeout, return_bytes=True)
    assert isinstance(content, bytes)
    return content


def run_and_get_output(
    image: Any,
    extension: str = "",
    lang: str | None = None,
    config: str = "",
    nice: int = 0,
    timeout: float = 0,
    return_bytes: bool = False,
) -> str | bytes:
    """One output of a picture.

    Args:
        image: See `image_to_string`.
        extension: `txt`, `box`, `tsv`, `osd`, `hocr`, `xml` or `pdf`; nothing means text.
        lang: See `image_to_string`.
        config: See `image_to_string`.
        nice: Ignored.
        timeout: See `image_to_string`.
        return_bytes: Whether bytes are given instead of text.
    """
    [content] = _outputs(image, [extension], lang, config, timeout)
    return content if return_bytes else content.decode()


def run_and_get_multiple_output(
    image: Any,
    extensions: Sequence[str],
    lang: str | None = None,
    nice: int = 0,
    timeout: float = 0,
    return_bytes: bool = False,
) -> list[str | bytes]:
    """Several outputs of a picture that is read once; PDF and hOCR are bytes in any case.

    Args:
        image: See `image_to_string`.
        extensions: See `run_and_get_output`.
        lang: See `image_to_string`.
        nice: Ignored.
        timeout: See `image_to_string`.
        return_bytes: Whether the others are bytes too.
    """
    contents = _outputs(image, extensions, lang, "", timeout)
    return [
        content if return_bytes or extension in ("pdf", "hocr") else content.decode()
        for extension, content in zip(extensions, contents, strict=True)
    ]


def get_languages(config: str = "") -> list[str]:
    """Codes of the languages that can be read, and `osd`."""
    return sorted({*(code for code in CODES if len(code) == 3), "osd"})


def get_tesseract_version() -> Any:
    """The version of Tesseract whose outputs are followed, with that of typecase, as `packaging.version.Version`."""
    from packaging.version import Version

    return Version(f"{_FOLLOWED}+typecase.{__version__}")


def main() -> int:
    """Prints what a picture says: `python -m typecase.compat.pytesseract [-l LANG] FILE`."""
    arguments = sys.argv[1:]
    language = arguments.pop(1) if arguments[:1] == ["-l"] and len(arguments) > 2 else None
    if len(arguments) != (1 if language is None else 2):
        sys.stderr.write("Usage: python -m typecase.compat.pytesseract [-l lang] input_file\n")
        return 2
    try:
        sys.stdout.write(str(image_to_string(arguments[-1], lang=language)))
    except TesseractError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


_ORIENTATION_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Page number": ("page_num", int),
    "Orientation in degrees": ("orientation", int),
    "Rotate": ("rotate", int),
    "Orientation confidence": ("orientation_conf", float),
    "Script": ("script", str),
    "Script confidence": ("script_conf", float),
}

_FORMAT_OF = {"tsv": "tsv", "hocr": "hocr", "xml": "alto", "pdf": "pdf"}
_READ_TOGETHER = tuple[Head, list[tuple[Page, Origin]]]


def _given(output_type: str, string: Callable[[], str | bytes], values: Callable[[str], Any]) -> Any:
    if output_type == Output.STRING:
        return string()
    if output_type == Output.BYTES:
        return str(string()).encode()
    if output_type == Output.DICT:
        return values(str(string()))
    # The kinds are looked up by their names, as there.
    raise KeyError(output_type)


def _outputs(image: Any, extensions: Sequence[str], lang: str | None, config: str, timeout: float) -> list[bytes]:
    """Reads pictures and writes them, each in every format."""
    _check_kind(image)
    try:
        settings = parsed(config)
    except ValueError as error:
        raise TesseractError(1, f"{error}".capitalize()) from None

    def work() -> list[bytes]:
        head, pages = _read(image, lang or settings.language, settings)
        return [_written(extension, head, pages, settings) for extension in extensions]

    try:
        return _within(timeout, work)
    except TypecaseError as error:
        raise TesseractError(1, str(error)) from None


def _check_kind(image: Any) -> None:
    from PIL import Image

    if not isinstance(image, (str, os.PathLike, Image.Image)) and not hasattr(image, "__array_interface__"):
        raise TypeError("Unsupported image object")


def _within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Does some work, or gives up waiting for it."""
    if not seconds:
        return work()
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except FutureTimeoutError:
        raise RuntimeError("Tesseract process timeout") from None


@cache
def _reader(languages: tuple[str, ...]) -> Reader:
    from typecase.reader import Reader

    return Reader(languages or None)


def _read(image: Any, lang: str | None, settings: TesseractConfig) -> _READ_TOGETHER:
    names = [name for name in (lang or "").split("+") if name and name not in _NOT_LANGUAGES]
    reader = _reader(languages_of(names) if names else ())
    known = "".join(name for name in reader.recognizer.classes.names if len(name) == 1)
    options = settings.options(known)
    found: list[tuple[Page, Origin]] = []
    head = Head()
    for source in _sources(image):
        with reader.open(source, settings.mode, **options) as reading:
            head = head if found else reading.head
            for page, origin in reading:
                found.append((msgspec.structs.replace(page, number=len(found) + 1), origin))
    return replace(head, page_count=len(found)), found


def _sources(image: Any) -> Iterable[Any]:
    """The picture, or those that a text file lists."""
    if not isinstance(image, (str, os.PathLike)):
        return [image]
    try:
        with open(image, "rb") as file:
            content = file.read(1 << 16)
    except OSError:
        return [image]
    from typecase.sources import FORMATS as PICTURES
    from typecase.sources.finding import listed_files

    head = content[:16]
    if b"\0" in content or any(kind.fits(head) for kind in PICTURES) or b"%PDF-" in content[:1024]:
        return [image]
    try:
        content.decode()
    except UnicodeDecodeError:
        return [image]
    return listed_files(content, os.fspath(image))


def _written(extension: str, head: Head, pages: Sequence[tuple[Page, Origin]], settings: TesseractConfig) -> bytes:
    kind = extension.strip() or "txt"
    if kind == "txt":
        format = FORMATS["text"]
        options = WriteOptions(layout=settings.layout)
        parts = []
        for page, origin in pages:
            file = io.BytesIO()
            with format.open(file, head, options) as writer:
                writer.page(page, origin)
            parts.append(file.getvalue() + _PAGE_END.encode())
        return b"".join(parts)
    if kind == "box":
        return "".join(_boxes(page, place) for place, (page, _) in enumerate(pages)).encode()
    if kind == "osd":
        return _orientation(pages[0][0]).encode()
    if kind not in _FORMAT_OF:
        raise InputError(f"The output {extension!r} is not known; choose txt, box, tsv, osd, hocr, xml or pdf.")
    file = io.BytesIO()
    options = WriteOptions(characters=settings.is_on("hocr_char_boxes"))
    with FORMATS[_FORMAT_OF[kind]].open(file, head, options) as writer:
        for page, origin in pages:
            writer.page(page, origin)
    return file.getvalue()


def _boxes(page: Page, place: int) -> str:
    lines = []
    for word in page.words:
        for text, left, top, right, bottom in _character_boxes(word):
            edges = (left, page.height - bottom, right, page.height - top)
            lines.append(f"{text} {' '.join(str(round(edge)) for edge in edges)} {place}\n")
    return "".join(lines)


def _character_boxes(word: Word) -> Iterable[tuple[str, float, float, float, float]]:
    if word.characters:
        for one in word.characters:
            yield one.text, one.box.x, one.box.y, one.box.right, one.box.bottom
    else:
        # Text that a PDF carried itself comes without characters: each takes an equal part.
        step = word.box.width / max(1, len(word.text))
        for number, text in enumerate(word.text):
            left = word.box.x + number * step
            yield text, left, word.box.y, left + step, word.box.bottom


def _orientation(page: Page) -> str:
    if not any(True for _ in page.words):
        raise TesseractError(1, "Too few characters. Skipping this page")
    sure = orientation_confidence(page)
    values = (0, -page.rotation % 360, page.rotation, f"{sure:.2f}", "Latin", f"{sure:.2f}")
    return "".join(f"{name}: {value}\n" for name, value in zip(_ORIENTATION_KEYS, values, strict=True))


pytesseract: Any = sys.modules[__name__]
"""The module itself: programs set `pytesseract.pytesseract.tesseract_cmd`."""

if __name__ == "__main__":
    sys.exit(main())
