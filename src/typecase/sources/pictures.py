"""Opens pictures as one kind: upright, without transparency, grey or RGB, eight bits a channel.

The limits live here. Only the formats of `FORMATS` are decoded, recognised by their first bytes and never by
the name of a file, and a picture's size is looked at before a single pixel is decoded.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.errors import InputError, MissingExtraError, TooLargeError
from typecase.sources.finding import cannot_open

PictureSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | npt.NDArray[Any]"
)
"""What `open_picture` takes: a path, the bytes of a file, an open binary file, a Pillow picture or an array."""

MAX_PIXELS = 200_000_000
"""A larger picture is refused unless the caller allows it: 200 megapixels are an A3 page at 1,000 dots per inch."""

MAX_STREAM_BYTES = 1 << 30
"""What comes through a pipe must fit in memory, so it is read no further than this: 1 GiB."""

LEAST_DPI, MOST_DPI = 10, 9600
"""Dots per inch outside of these are no resolution of a picture of text."""

MIN_SIDE = 3
"""A picture whose longer side has fewer pixels cannot hold a character."""


class PictureFormat(NamedTuple):
    """A kind of picture file.

    Attributes:
        name: What people call it.
        fits: Whether a file's first 16 bytes are of this kind.
        module: Where the class that decodes it lies: below Pillow, or a plug-in's own.
        decoder: Its name there.
        pages: Whether the pictures of one file are pages; else they are the frames of an animation.
        extra: What must be installed for it, where Pillow alone does not do.
    """

    name: str
    fits: Callable[[bytes], bool]
    module: str
    decoder: str
    pages: bool = False
    extra: str | None = None

    def load(self) -> Callable[[IO[bytes]], Image.Image]:
        """Gives what opens a file of this kind.

        Raises:
            ModuleNotFoundError: A plug-in that it needs is not installed.
        """
        module = importlib.import_module(self.module if self.extra else f"PIL.{self.module}")
        decoder: Callable[[IO[bytes]], Image.Image] = getattr(module, self.decoder)
        return decoder


_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())


# Pillow's own `Image.open` is not used for two reasons. Its limit for the size is a global of the process, which a
# library must not change under other threads; and it tries dozens of decoders, one of which runs another program
# (EPS). A short list of formats, told by their first bytes, needs neither, and loads only the decoder it needs.
FORMATS = (
    PictureFormat("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), "PngImagePlugin", "PngImageFile"),
    PictureFormat("JPEG", lambda head: head.startswith(b"\xff\xd8\xff"), "JpegImagePlugin", "JpegImageFile"),
    PictureFormat("GIF", lambda head: head.startswith((b"GIF87a", b"GIF89a")), "GifImagePlugin", "GifImageFile"),
    PictureFormat(
        "TIFF",
        lambda head: head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
        "TiffImagePlugin",
        "TiffImageFile",
        pages=True,
    ),
    PictureFormat(
        "WebP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", "WebPImagePlugin", "WebPImageFile"
    ),
    PictureFormat("BMP", lambda head: head.startswith(b"BM"), "BmpImagePlugin", "BmpImageFile"),
    PictureFormat("PNM", lambda head: re.match(rb"P[1-6][\s#]", head) is not None, "PpmImagePlugin", "PpmImageFile"),
    PictureFormat(
        "JPEG 2000",
        lambda head: head.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")),
        "Jpeg2KImagePlugin",
        "Jpeg2KImageFile",
    ),
    PictureFormat("AVIF", lambda head: head[4:12] in (b"ftypavif", b"ftypavis"), "AvifImagePlugin", "AvifImageFile"),
    PictureFormat(
        "HEIC",
        lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS,
        "pillow_heif",
        "HeifImageFile",
        extra="heic",
    ),
    PictureFormat("ICO", lambda head: head.startswith(b"\0\0\1\0"), "IcoImagePlugin", "IcoImageFile"),
)
"""The formats that are read."""


def open_picture(source: PictureSource, *, max_pixels: int | None = MAX_PIXELS, name: str | None = None) -> Image.Image:
    """Opens a picture, whatever it is held in, and brings it to one form.

    The EXIF orientation is obeyed, transparency is laid on white paper, palettes, CMYK and other colour spaces
    become RGB, 16 and 32 bits a channel are scaled to 8, and of an animation the first frame is taken.

    Args:
        source: A path; the bytes of a picture file; an open binary file, read to its end; a Pillow picture, which
            is left as it is; or an array of shape [height, width] or [height, width, 1, 3 or 4] (grey, RGB, RGBA)
            of bool, uint8 (0..255), uint16 (0..65535) or floats (0..1).
        max_pixels: The most pixels that are accepted, width times height; None accepts any number.
        name: What error messages call the picture; left out, it is the path or says what was given.

    Returns:
        A decoded picture of mode "L" or "RGB" that shares no memory with the source.

    Raises:
        InputError: The source is missing, empty, damaged, too large, too small, or no picture.
    """
    name = source_name(source) if name is None else name
    if isinstance(source, Image.Image):
        check_size(*source.size, name, max_pixels)
        # A copy, for what follows turns the picture round in its place.
        return _decoded(source.copy, name, max_pixels)
    if isinstance(source, np.ndarray):
        return _from_array(source, name, max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_stream(io.BytesIO(source), name, max_pixels)
    if isinstance(source, (str, os.PathLike)):
        try:
            with open(source, "rb") as stream:
                return _from_stream(stream, name, max_pixels)
        except (OSError, ValueError) as error:
            raise cannot_open(source, name, error) from None
    if hasattr(source, "read"):
        return _from_stream(source, name, max_pixels)
    raise InputError(
        f"A picture cannot be a {type(source).__name__}; give a path, the bytes of a file, an open binary file, "
        "a Pillow picture or a NumPy array."
    )


def source_name(source: object) -> str:
    """What messages and results call a source: its path, or in angle brackets what kind of thing it is."""
    if isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    filename = getattr(source, "filename", None) or getattr(source, "name", None)
    if isinstance(filename, str) and filename:
        return filename
    if isinstance(source, Image.Image):
        return "<picture>"
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "<bytes>"
    return f"<{type(source).__name__}>"


def _from_stream(stream: IO[bytes], name: str, max_pixels: int | None) -> Image.Image:
    stream, kind = recognised(stream, name)
    decode = _decoder(kind, name)

    def picture() -> Image.Image:
        stream.seek(0)
        return decode(stream)

    return _decoded(picture, name, max_pixels)


def seekable(stream: IO[bytes], name: str) -> IO[bytes]:
    """Gives a stream that begins where this one stands, for decoders go back and forth, which a pipe cannot.

    Raises:
        InputError: It is empty, too large for memory, or was opened as text.
    """
    try:
        can_seek = stream.seekable()
    except AttributeError:
        can_seek = False
    if not can_seek:
        content = stream.read(MAX_STREAM_BYTES + 1)
        if isinstance(content, bytes) and len(content) > MAX_STREAM_BYTES:
            raise TooLargeError(
                f"{name} is larger than {MAX_STREAM_BYTES >> 20} MiB; save it as a file and give its path."
            )
        stream = io.BytesIO(content) if isinstance(content, bytes) else stream
    start = stream.tell() if can_seek else 0
    head = stream.read(16)
    if not isinstance(head, bytes):
        raise InputError(f"{name} was opened as text; open it in binary mode ('rb').")
    if not head:
        raise InputError(f"{name} is empty; it holds no picture.")
    if start:
        # Some decoders count from the beginning of the file, wherever it was handed over.
        return io.BytesIO(head + stream.read())
    stream.seek(0)
    return stream


def recognised(stream: IO[bytes], name: str) -> tuple[IO[bytes], PictureFormat]:
    """Tells what kind of picture a stream holds, and gives it back at its beginning; see `seekable`.

    Raises:
        InputError: It holds no picture of a kind that is read.
    """
    stream = seekable(stream, name)
    head = stream.read(16)
    kind = next((known for known in FORMATS if known.fits(head)), None)
    if kind is None:
        raise InputError(f"{name} is not a picture of a kind that is read ({', '.join(f.name for f in FORMATS)}).")
    stream.seek(0)
    return stream, kind


def _decoder(kind: PictureFormat, name: str) -> Callable[[IO[bytes]], Image.Image]:
    try:
        return kind.load()
    except ModuleNotFoundError:
        raise MissingExtraError(f"{name} is a {kind.name} picture, whose reading", kind.extra or "") from None


@dataclass(frozen=True)
class Frame:
    """One of the pictures in a file.

    Attributes:
        index: Which of them, from 0.
        image: The picture, of mode "L" or "RGB"; or why it cannot be decoded.
        dpi: Dots per inch, where the file tells them.
    """

    index: int
    image: Image.Image | InputError
    dpi: float | None = None


class PictureFile:
    """A file of one picture or several, which are decoded one at a time."""

    def __init__(self, stream: IO[bytes], name: str, max_pixels: int | None = MAX_PIXELS) -> None:
        """Recognises the file.

        Args:
            stream: The open file; it stays the caller's to close.
            name: What messages call it.
            max_pixels: The most pixels that are accepted of each picture; None accepts any number.

        Raises:
            InputError: It is empty, damaged, or no picture.
            MissingExtraError: A plug-in of Pillow's is needed and not installed.
        """
        self._stream, self.kind = recognised(stream, name)
        decode = _decoder(self.kind, name)
        self._name = name
        self._max_pixels = max_pixels
        self._file = _guarded(lambda: decode(self._stream), name)
        self.first = self._file.tell()

    def count(self) -> int:
        """How many pictures there are; thumbnails of others among them.

        Raises:
            InputError: The file is damaged.
        """
        return int(_guarded(lambda: getattr(self._file, "n_frames", 1), self._name))

    def frames(self, indices: Iterable[int]) -> Iterator[Frame]:
        """Decodes some of the pictures.

        A picture is one page, so what TIFF marks as a smaller copy of another one is passed over.

        Args:
            indices: Which, from 0.

        Yields:
            Each of them as soon as it is decoded; why not, where it is damaged.
        """
        for index in indices:
            try:
                if self._sought(index):
                    yield Frame(index, self._picture(index), dpi_of(self._file))
            except InputError as error:
                yield Frame(index, error)

    def _sought(self, index: int) -> bool:
        def seek() -> bool:
            if index != self._file.tell():
                self._file.seek(index)
            return not (self.kind.name == "TIFF" and _is_thumbnail(self._file))

        return _guarded(seek, self._called(index))

    def _picture(self, index: int) -> Image.Image:
        # Going on to the next frame changes this one in its place, so a copy is handed out where there may be one.
        name = self._called(index)
        several = self.kind.pages or _guarded(lambda: bool(getattr(self._file, "is_animated", False)), name)
        return _decoded(lambda: self._file, name, self._max_pixels, copy=several)

    def _called(self, index: int) -> str:
        return self._name if index == self.first else f"{self._name}, page {index + 1},"


def _is_thumbnail(image: Image.Image) -> bool:
    subfile: Any = getattr(image, "tag_v2", {}).get(254, 0)
    return isinstance(subfile, int) and bool(subfile & 1)


def dpi_of(image: Image.Image) -> float | None:
    """Dots per inch that a picture claims, where it claims a number that can be true."""
    value: Any = image.info.get("dpi")
    with contextlib.suppress(TypeError, ValueError, IndexError, ZeroDivisionError):
        dpi = float(value[0])
        # Cameras and editors write 1 or 72 where nobody measured anything.
        if LEAST_DPI <= dpi <= MOST_DPI and abs(dpi - 72) > 0.1:
            return round(dpi, 1)
    return None


_Value = TypeVar("_Value")


def _guarded(action: Callable[[], _Value], name: str) -> _Value:
    """What an action on a picture gives; whatever goes wrong in it becomes a sentence."""
    try:
        return action()
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # A few decoders look at Pillow's limit by themselves.
        raise TooLargeError(
            f"{name} exceeds Pillow's own limit of {Image.MAX_IMAGE_PIXELS or 0:,} pixels for pictures of its kind; "
            "make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS too."
        ) from None
    except MemoryError:
        raise TooLargeError(f"{name} does not fit in memory; make it smaller.") from None
    except Exception as error:
        # Decoders answer damage with almost any exception (OSError, SyntaxError, struct.error, zlib.error,
        # IndexError, KeyError ...), and to a user all of them mean the same.
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(f"{name} is damaged or incomplete ({reason}); get a fresh copy of it.") from error


def _decoded(
    picture: Callable[[], Image.Image], name: str, max_pixels: int | None, *, copy: bool = False
) -> Image.Image:
    def decoded() -> Image.Image:
        image = picture()
        check_size(*image.size, name, max_pixels)
        image.load()
        return _plain(_upright(image.copy() if copy else image), name)

    return _guarded(decoded, name)


def check_size(width: int, height: int, name: str, max_pixels: int | None) -> None:
    """Refuses a picture that is too small or too large.

    Raises:
        InputError: It is.
    """
    if max(width, height) < MIN_SIDE or min(width, height) < 1:
        raise InputError(
            f"{name} is only {width} x {height} pixels; a character needs at least {MIN_SIDE} pixels one way."
        )
    if max_pixels is not None and width * height > max_pixels:
        raise TooLargeError(
            f"{name} has {width} x {height} = {width * height:,} pixels, and at most {max_pixels:,} are read; "
            f"make it smaller, or allow more (--max-pixels {width * height}, in Python max_pixels={width * height})."
        )


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    # A damaged EXIF block says nothing about the pixels: then the picture is taken as it lies.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _plain(image: Image.Image, name: str) -> Image.Image:
    """Any mode of Pillow's to "L" or "RGB"."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_bytes_by_range(np.asarray(image), name))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_bytes_by_range(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """Scales grey levels of more than eight bits to bytes.

    The values of an int32 or float picture do not say what white is: it is taken to be the lowest of 1 (floats
    only), 255 and 65535 that holds them all, or else the greatest value there is. Values below 0 are black.
    """
    if values.dtype == np.uint16 or values.dtype.newbyteorder("=") == np.uint16:
        white = 65535.0
    else:
        if not np.isfinite(values).all():
            raise InputError(
                f"{name} holds grey levels that are not finite numbers; save it again with values from 0 to 1."
            )
        top = float(values.max())
        ranges = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
        white = next((limit for limit in ranges if top <= limit), top)
    scaled = np.clip(values.astype(np.float32) * np.float32(255.0 / white), 0.0, 255.0)
    levels: npt.NDArray[np.uint8] = (scaled + 0.5).astype(np.uint8)
    return levels


def _from_array(array: npt.NDArray[Any], name: str, max_pixels: int | None) -> Image.Image:
    shape = " x ".join(map(str, array.shape)) or "none"
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"{name} has the shape {shape}; a picture is [height, width], or [height, width, channels] with "
            "1 channel (grey), 3 (RGB) or 4 (RGBA)."
        )
    if array.size == 0:
        raise InputError(f"{name} is empty (shape {shape}); it holds no picture.")
    check_size(array.shape[1], array.shape[0], name, max_pixels)
    kind = array.dtype.kind
    if kind == "b":
        values = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.uint8:
        values = array
    elif kind == "u" and array.dtype.itemsize == 2:
        values = _to_bytes_by_range(array, name)
    elif kind == "f":
        # One look at both ends finds numbers out of range, and no comparison with "not a number" is true.
        if not (array.min() >= 0.0 and array.max() <= 1.0):
            raise InputError(
                f"{name} holds floats outside 0..1 or not a number; scale them to 0..1, or give uint8 from 0 to 255."
            )
        values = (array.astype(np.float32) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)
    else:
        raise InputError(
            f"{name} is of type {array.dtype}; give uint8 (0..255), uint16 (0..65535), bool, or floats (0..1)."
        )
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    return _plain(Image.fromarray(np.array(values, order="C")), name)
