"""Pictures as pages of a PDF: untouched where PDF knows their compression; else without loss where they had none."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from typecase.document import Page
from typecase.errors import InputError
from typecase.writers.base import Origin

if TYPE_CHECKING:
    from PIL import Image

_A4_HEIGHT = 11.69
"""Of a picture that does not tell its resolution, the longer side in inches, if it has pixels enough for it."""

_SCREEN_DPI = 96.0
_LONGEST_SIDE = 199.0
"""The most inches that a page of PDF may have, 200, and a little less for what rounding adds."""

_LOSSY = re.compile(rb"RIFF....WEBP|....ftyp(avi[fs]|hei[cxsm]|hev[cx]|mi[fa]1|msf1)|\xff\xd8\xff", re.DOTALL)
"""How files begin that lose detail: what of them PDF cannot hold is stored as JPEG of high quality, the rest without
loss."""

_JPEG_QUALITY = 92
_JPEG_WITHIN_TIFF = 7

_RGB_MARK = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
"""Says within a JPEG that its colours are red, green and blue, which a TIFF says outside of it."""

_RAISING = threading.Lock()


def picture_page(page: Page, origin: Origin) -> bytes | None:
    """A PDF with one page that shows the page's picture and nothing else.

    Args:
        page: Its size and resolution are the picture's.
        origin: The picture's file, which is kept as it is where that is possible, or the picture.

    Returns:
        The PDF; None where no picture is known.

    Raises:
        InputError: The picture cannot be read any more.
    """
    dpi = dots_per_inch(page)
    with _allowing(page.width * page.height):
        # The picture of a PDF's page was drawn by us, so there is nothing original to lose.
        lossy = origin.existing_text == "force"
        if origin.file is not None:
            with _read(origin.file) as file:
                lossy = _LOSSY.match(file.read(16)) is not None
                for content in _forms(file, origin.frame, lossy):
                    with contextlib.suppress(Exception):
                        # What img2pdf does not store (transparency, rare colours) takes the next form, down to pixels.
                        return _converted(content, dpi)
        picture = origin.drawn()
        return None if picture is None else _converted(_stored(picture, lossy), dpi)


def dots_per_inch(page: Page) -> float:
    """The resolution that a page is shown at: its own, or one that makes it a sheet of A4 or a part of the screen."""
    longest = max(page.width, page.height, 1)
    told = page.dpi if page.dpi is not None and page.dpi >= 1 else max(_SCREEN_DPI, longest / _A4_HEIGHT)
    return max(told, longest / _LONGEST_SIDE)


def _read(file: Path | bytes) -> contextlib.AbstractContextManager[IO[bytes]]:
    if isinstance(file, bytes):
        return io.BytesIO(file)
    try:
        return open(file, "rb")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"{file} cannot be read any more ({reason}); leave it in place until all is written."
        ) from None


def _forms(file: IO[bytes], frame: int, lossy: bool) -> Iterator[bytes]:
    """What a PDF may store of a picture file, the nearest to the file first."""
    from PIL import Image

    file.seek(0)
    with contextlib.suppress(Exception), Image.open(file) as image:
        image.seek(frame)
        jpeg = _jpeg_within_tiff(image, file)
        lossy |= getattr(image, "tag_v2", {}).get(259) == _JPEG_WITHIN_TIFF
        if jpeg is not None:
            yield jpeg
        elif frame == 0 and (image.format in ("JPEG", "MPO") or (getattr(image, "n_frames", 1) == 1 and not lossy)):
            file.seek(0)
            yield file.read()
        yield _stored(image, lossy)


@contextlib.contextmanager
def _allowing(pixels: int) -> Iterator[None]:
    """Lets Pillow open a picture of a size that was read before, so that it is no news and no danger.

    Its limit is one for the whole process, so it is touched for pictures beyond it alone.
    """
    from PIL import Image

    with contextlib.ExitStack() as stack:
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and pixels > limit:
            stack.enter_context(_RAISING)
            Image.MAX_IMAGE_PIXELS = pixels
            stack.callback(setattr, Image, "MAX_IMAGE_PIXELS", limit)
        yield


def _stored(image: Image.Image, lossy: bool) -> bytes:
    """A picture as a file that img2pdf takes: upright, on white paper, bilevel where it is."""
    from PIL import Image, ImageOps

    with contextlib.suppress(Exception):
        image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode not in ("1", "L", "P", "RGB", "CMYK"):
        image = image.convert("L" if image.mode in ("I", "F", "I;16", "LA") else "RGB")
    stored = io.BytesIO()
    if image.mode == "CMYK":
        image.save(stored, "TIFF", compression="tiff_lzw")
    elif lossy and image.mode in ("L", "RGB"):
        image.save(stored, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        image.save(stored, "PNG")
    return stored.getvalue()


def _jpeg_within_tiff(image: Image.Image, file: IO[bytes]) -> bytes | None:
    """The JPEG that a page of a TIFF is made of, where it is a single one; PDF holds it as it is."""
    tags: Any = getattr(image, "tag_v2", None)
    if tags is None or tags.get(259) != _JPEG_WITHIN_TIFF or tags.get(262) not in (1, 2, 6):
        return None
    places, lengths = tags.get(273) or tags.get(324), tags.get(279) or tags.get(325)
    if not places or not lengths or len(places) != 1 or len(lengths) != 1:
        return None
    file.seek(places[0])
    content = file.read(lengths[0])
    tables = tags.get(347)
    # The tables stand in the file once for all pages, as a JPEG without a picture.
    jpeg = tables[:-2] + content[2:] if tables else content
    return jpeg[:2] + _RGB_MARK + jpeg[2:] if tags.get(262) == 2 else jpeg


def _converted(content: bytes, dpi: float) -> bytes:
    import img2pdf  # type: ignore[import-untyped]

    layout = img2pdf.get_fixed_dpi_layout_fun((dpi, dpi))
    logger = logging.getLogger("img2pdf")
    level = logger.level
    try:
        # It tells of every conversion, and none of that is news.
        logger.setLevel(logging.CRITICAL)
        done = img2pdf.convert(
            content, layout_fun=layout, rotation=img2pdf.Rotation.ifvalid, nodate=True, engine=img2pdf.Engine.pikepdf
        )
    finally:
        logger.setLevel(level)
    assert isinstance(done, bytes)
    return done
