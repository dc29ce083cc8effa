"""Opens PDFs, and draws their pages at the resolution that fits what they hold.

PDFium, which does it, may be used by one thread at a time; a lock sees to that. A page is drawn when it is asked for,
and nothing of it stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from PIL import Image

from typecase.document import Page
from typecase.errors import InputError, PasswordError, TooLargeError
from typecase.sources.pictures import MAX_PIXELS, check_size
from typecase.sources.text_layer import TextLayer, read_text_layer, to_pixels

DRAWN_DPI = 200
"""Dots per inch of a page that no picture fills: enough for print of six points."""

LEAST_DRAWN_DPI, MOST_DRAWN_DPI = 72, 400
"""The resolution of an embedded picture is followed within these; more does not help reading."""

MOST_DPI = 4800
"""The highest resolution that can be asked for."""

MAX_DRAWN_PIXELS = 64_000_000
"""A page of unusual size is drawn more coarsely, so that it has no more pixels than this: A0 at 200 dots per inch."""

FILLS = 0.25
"""A picture on a page decides the resolution from this share of its area on; a logo does not."""

REOPEN_AFTER = 50
"""After so many pages the file is opened anew, for PDFium keeps something of every page that it has seen."""

_POINTS = 72.0
_MOST_OBJECTS = 50_000
_DEEPEST_FORM = 8

_LOCK = threading.RLock()

_Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class _Placed:
    """A picture on a page: the handle, its pixels, and where its unit square comes to lie, in points."""

    handle: Any
    width: int
    height: int
    matrix: _Matrix

    @property
    def area(self) -> float:
        a, b, c, d, _, _ = self.matrix
        return abs(a * d - b * c)

    @property
    def dpi(self) -> float:
        a, b, c, d, _, _ = self.matrix
        across, down = math.hypot(a, b) / _POINTS, math.hypot(c, d) / _POINTS
        return math.sqrt(self.width * self.height / max(across * down, 1e-9))

    def corners(self) -> list[tuple[float, float]]:
        a, b, c, d, e, f = self.matrix
        return [(a * x + c * y + e, b * x + d * y + f) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]


class PdfFile:
    """An open PDF whose pages are drawn one at a time."""

    def __init__(self, source: Path | bytes, name: str, *, password: str | None = None) -> None:
        """Opens the file.

        Args:
            source: Its path, or its bytes.
            name: What messages call it.
            password: What opens it, where it is encrypted.

        Raises:
            InputError: It is missing, damaged, has no pages, or its password is missing or wrong (`PasswordError`).
        """
        self.source, self.name, self._password = source, name, password
        self._file: IO[bytes] | None = None
        self._document: Any = None
        self._seen = 0
        with _LOCK:
            self._open()
            try:
                self.count = self._length()
                if self.count < 1:
                    raise InputError(f"{name} is a PDF without pages; there is nothing to read.")
            except BaseException:
                self.close()
                raise

    def _length(self) -> int:
        return len(self._document)

    def _open(self) -> None:
        try:
            # An open file rather than a path: names that are no UTF-8 are beyond PDFium.
            self._file = io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
            self._document = pypdfium2.PdfDocument(self._file, password=self._password)
            with contextlib.suppress(pypdfium2.PdfiumError):
                # Filled-in fields are drawn only where this was called before the first page.
                self._document.init_forms()
        except pypdfium2.PdfiumError as error:
            self.close()
            raise self._refusal(error) from None
        except BaseException:
            self.close()
            raise

    def _refusal(self, error: pypdfium2.PdfiumError) -> InputError:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD and self._is_encrypted():
            if self._password:
                return PasswordError(f"The password does not open {self.name}; give the right one (--password).")
            return PasswordError(f"{self.name} is encrypted; give its password (--password).")
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            return PasswordError(f"{self.name} is encrypted in a way that is not known; save it without encryption.")
        if self._has_no_pages():
            return InputError(f"{self.name} is a PDF without pages; there is nothing to read.")
        return InputError(f"{self.name} is a PDF that is damaged or incomplete; get a fresh copy of it.")

    def _is_encrypted(self) -> bool:
        # PDFium's last error may be an earlier one, so the file is looked at by another library.
        import pikepdf

        try:
            pikepdf.open(self._stream(), password=self._password or "").close()
        except pikepdf.PasswordError:
            return True
        except Exception:
            return False
        return False

    def _has_no_pages(self) -> bool:
        import pikepdf

        with contextlib.suppress(Exception), pikepdf.open(self._stream(), password=self._password or "") as other:
            return len(other.pages) == 0
        return False

    def _stream(self) -> io.BytesIO | Path:
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source

    def page(self, number: int) -> PdfPage:
        """Opens a page; it stays usable until it is closed.

        Args:
            number: Which, from 1.

        Raises:
            InputError: The page is damaged.
        """
        with _LOCK:
            if self._seen >= REOPEN_AFTER:
                self.close()
                self._open()
                self._seen = 0
            self._seen += 1
            try:
                return PdfPage(self._document[number - 1], number, self.name)
            except pypdfium2.PdfiumError:
                raise InputError(f"{self.name}, page {number}, is damaged; get a fresh copy of the file.") from None

    def close(self) -> None:
        """Closes the file."""
        with _LOCK:
            if self._document is not None:
                self._document.close()
                self._document = None
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class PdfPage:
    """An open page.

    Attributes:
        number: Which it is, from 1.
        name: What messages call it.
    """

    def __init__(self, page: Any, number: int, name: str) -> None:
        self._page = page
        self.number = number
        self.name = f"{name}, page {number},"
        self._across, self._down = page.get_size()
        self._images: list[_Placed] | None = None
        self._dpi = 0.0
        self.width = self.height = 0

    @property
    def dpi(self) -> float:
        """Dots per inch at which it is drawn."""
        return self._dpi

    def set_resolution(self, dpi: float | None = None, max_pixels: int | None = MAX_PIXELS) -> str | None:
        """Decides how large the page is drawn.

        Args:
            dpi: Dots per inch; None takes those of the largest picture on the page, where it fills a good part of it,
                and 200 otherwise.
            max_pixels: The most pixels that are accepted, of the page and of each picture on it; None accepts any.

        Returns:
            A sentence that tells that the page is drawn more coarsely than usual because of its size, or None.

        Raises:
            TooLargeError: The page at this resolution, or a picture on it, has more pixels than are accepted.
            InputError: The page is too small to hold a character.
        """
        with _LOCK:
            for image in self._placed():
                pixels = image.width * image.height
                if max_pixels is not None and pixels > max_pixels:
                    raise TooLargeError(
                        f"{self.name} holds a picture of {image.width} x {image.height} = {pixels:,} pixels, and at "
                        f"most {max_pixels:,} are read; allow more (--max-pixels {pixels}, in Python "
                        f"max_pixels={pixels})."
                    )
            chosen = self._fitting_dpi() if dpi is None else dpi
            coarser = None
            if dpi is None:
                most = MAX_DRAWN_PIXELS if max_pixels is None else min(MAX_DRAWN_PIXELS, max_pixels)
                area = (self._across / _POINTS) * (self._down / _POINTS)
                fits = math.sqrt(most / max(area, 1e-9))
                if fits < chosen:
                    # A little less, for the sides are rounded up.
                    chosen = fits * 0.9999
                    coarser = (
                        f"{self.name} measures {self._across / _POINTS:.0f} x {self._down / _POINTS:.0f} inches and is "
                        f"drawn at {chosen:.0f} dots per inch; --dpi draws it finer."
                    )
            self._dpi = chosen
            self.width, self.height = (max(1, round(side * chosen / _POINTS)) for side in (self._across, self._down))
        check_size(self.width, self.height, self.name.rstrip(","), max_pixels)
        return coarser

    def draw(self, *, without_text: bool = False) -> Image.Image:
        """Draws the page as `set_resolution` decided.

        Args:
            without_text: Whether the text that the page carries itself is left out.

        Returns:
            A picture of mode "RGB".

        Raises:
            InputError: A picture on the page is damaged, or the page does not fit in memory.
        """
        with _LOCK:
            # Another copy of the page, for what is taken out of it does not come back.
            page = self._page.pdf[self.number - 1] if without_text else self._page
            try:
                if without_text:
                    _remove_text(page)
                image = _drawn(page, self.width, self.height)
            except (MemoryError, pypdfium2.PdfiumError, ValueError):
                raise TooLargeError(f"{self.name} cannot be drawn; choose a lower resolution (--dpi).") from None
            finally:
                if page is not self._page:
                    page.close()
            self._check_images(image)
        return image

    def text_layer(self) -> TextLayer:
        """The text that the page carries itself, with boxes in pixels of the drawn page."""
        with _LOCK:
            return read_text_layer(self._page, self.width, self.height)

    def as_read(self, layer: TextLayer, *, invisible: bool = True) -> Page:
        """The page's own text as if it had been read.

        Args:
            layer: What `text_layer` gave.
            invisible: Whether text counts that is not drawn, as readers put it under their pictures.
        """
        return layer.page(self.width, self.height, self.number, round(self._dpi, 2), invisible=invisible)

    def close(self) -> None:
        """Gives back what the page holds."""
        with _LOCK:
            self._images = None
            self._page.close()

    def _fitting_dpi(self) -> float:
        largest = max(self._placed(), key=lambda image: image.area, default=None)
        if largest is None or largest.area < FILLS * self._across * self._down:
            return DRAWN_DPI
        dpi = min(max(largest.dpi, LEAST_DRAWN_DPI), MOST_DRAWN_DPI)
        # Letters beside or on a coarse picture must not become as coarse.
        return max(dpi, DRAWN_DPI) if self._shows_text() else dpi

    def _shows_text(self) -> bool:
        return any(
            kind == pdfium.FPDF_PAGEOBJ_TEXT
            and pdfium.FPDFTextObj_GetTextRenderMode(handle) != pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
            for handle, kind, _, _ in _objects(self._page)
        )

    def _placed(self) -> list[_Placed]:
        """The pictures on the page, those within forms too."""
        if self._images is None:
            self._images = []
            across, down = ctypes.c_uint(), ctypes.c_uint()
            for handle, kind, matrix, _ in _objects(self._page):
                if kind == pdfium.FPDF_PAGEOBJ_IMAGE and pdfium.FPDFImageObj_GetImagePixelSize(handle, across, down):
                    self._images.append(_Placed(handle, across.value, down.value, _product(_matrix_of(handle), matrix)))
        return self._images

    def _check_images(self, drawn: Image.Image) -> None:
        """Refuses a page where a picture should be and nothing was drawn, because its data are damaged."""
        place = to_pixels(self._page, self.width, self.height)
        for image in self._placed():
            if image.area < FILLS * self._across * self._down:
                continue
            places = [place(x, y) for x, y in image.corners()]
            box = (
                max(0, math.floor(min(x for x, _ in places))),
                max(0, math.floor(min(y for _, y in places))),
                min(drawn.width, math.ceil(max(x for x, _ in places))),
                min(drawn.height, math.ceil(max(y for _, y in places))),
            )
            if box[0] >= box[2] or box[1] >= box[3]:
                continue
            # Only what came out empty is decoded once more, for itself.
            levels: Any = drawn.crop(box).getextrema()
            if all(low == high for low, high in levels):
                bitmap = pdfium.FPDFImageObj_GetBitmap(image.handle)
                if not bitmap:
                    raise InputError(
                        f"{self.name} holds a picture that is damaged, and nothing can be read there; get a fresh copy "
                        "of the file."
                    )
                pdfium.FPDFBitmap_Destroy(bitmap)


def _objects(page: Any) -> Iterator[tuple[Any, int, _Matrix, Any]]:
    """What the page is made of: a handle, its kind, the matrix of the form that it is in, and that form."""
    left = _MOST_OBJECTS
    forms: list[tuple[Any, _Matrix, int]] = [(None, (1.0, 0.0, 0.0, 1.0, 0.0, 0.0), 0)]
    while forms:
        form, matrix, depth = forms.pop()
        count = pdfium.FPDFPage_CountObjects(page) if form is None else pdfium.FPDFFormObj_CountObjects(form)
        for index in range(min(count, left)):
            handle = (
                pdfium.FPDFPage_GetObject(page, index) if form is None else pdfium.FPDFFormObj_GetObject(form, index)
            )
            if not handle:
                continue
            kind = pdfium.FPDFPageObj_GetType(handle)
            if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST_FORM:
                forms.append((handle, _product(_matrix_of(handle), matrix), depth + 1))
            yield handle, kind, matrix, form
        left -= max(count, 0)
        if left <= 0:
            return


def _remove_text(page: Any) -> None:
    texts = [(handle, form) for handle, kind, _, form in _objects(page) if kind == pdfium.FPDF_PAGEOBJ_TEXT]
    for handle, form in texts:
        removed = (
            pdfium.FPDFPage_RemoveObject(page, handle)
            if form is None
            else pdfium.FPDFFormObj_RemoveObject(form, handle)
        )
        if removed:
            pdfium.FPDFPageObj_Destroy(handle)


def _drawn(page: Any, width: int, height: int) -> Image.Image:
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGRx)
    try:
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        place = (0, 0, width, height, 0, pdfium.FPDF_ANNOT | pdfium.FPDF_RENDER_LIMITEDIMAGECACHE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, *place)
        if page.formenv:
            pdfium.FPDF_FFLDraw(page.formenv, bitmap, page, *place)
        # A copy, for the bitmap's memory is given back.
        return Image.frombuffer("RGB", (width, height), bitmap.buffer, "raw", "BGRX", bitmap.stride, 1)
    finally:
        bitmap.close()


def _matrix_of(handle: Any) -> _Matrix:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(handle, matrix):
        return (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    return (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)


def _product(inner: _Matrix, outer: _Matrix) -> _Matrix:
    """First the inner matrix, then the outer one."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)
