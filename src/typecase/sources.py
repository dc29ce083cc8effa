"""Opens what people have as one kind of picture: upright, without transparency, grey or RGB, eight bits a channel.

The limits live here. Only the formats of `FORMATS` are decoded, recognised by their first bytes and never by
the name of a file, and a picture's size is looked at before a single pixel is decoded.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.errors import InputError

PictureSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | npt.NDArray[Any]"
)
"""What `open_picture` takes: a path, the bytes of a file, an open binary file, a Pillow picture or an array."""

MAX_PIXELS = 200_000_000
"""A larger picture is refused unless the caller allows it: 200 megapixels are an A3 page at 1,000 dots per inch."""

MAX_STREAM_BYTES = 1 << 30
"""What comes through a pipe must fit in memory, so it is read no further than this: 1 GiB."""

MIN_SIDE = 3
"""A picture whose longer side has fewer pixels cannot hold a character."""

PICTURE_SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .gif .bmp .dib .tif .tiff .webp .pbm .pgm .ppm .pnm .jp2 .j2k .jpx .avif .ico".split()
)
"""File name endings, in lower case, that `find_pictures` takes from a folder."""


class PictureFormat(NamedTuple):
    """A kind of picture file: its name, how its first 16 bytes are known, Pillow's module and class that decode it."""

    name: str
    fits: Callable[[bytes], bool]
    module: str
    decoder: str


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
        _check_size(*source.size, name, max_pixels)
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
            raise InputError(_cannot_open(source, name, error)) from None
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


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Lists the picture files that some paths stand for.

    A folder gives the pictures in it and in its subfolders, known by their `PICTURE_SUFFIXES`, in the order in which
    people count (2 before 10), without hidden ones and without following links to folders. Every other path is kept
    as it is, and so is a folder that gives nothing: `open_picture` then says what is wrong with it, and the others
    are not lost for it.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        found.extend((_pictures_below(path) or [path]) if path.is_dir() else [path])
    return found


def _pictures_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: found.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(
            Path(parent, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
        )
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> list[tuple[tuple[int, int, str], ...]]:
    """A key that sorts paths folder by folder and their numbers by value: img2 before img10."""
    return [
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
        for name in path.parts
    ]


def _cannot_open(path: str | os.PathLike[str], name: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{name} does not exist; check the path."
    if Path(path).is_dir():
        if _pictures_below(Path(path)):
            return f"{name} is a folder of pictures; give each of them, as typecase.sources.find_pictures lists them."
        return f"{name} is a folder in which no picture can be found; give a picture, or a folder that holds some."
    if isinstance(error, PermissionError):
        return f"{name} may not be read; check its permissions."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{name} cannot be opened ({reason}); check the path."


def _from_stream(stream: IO[bytes], name: str, max_pixels: int | None) -> Image.Image:
    try:
        seekable = stream.seekable()
    except AttributeError:
        seekable = False
    if not seekable:
        # Decoders go back and forth in a file, which a pipe cannot.
        content = stream.read(MAX_STREAM_BYTES + 1)
        if isinstance(content, bytes) and len(content) > MAX_STREAM_BYTES:
            raise InputError(
                f"{name} is larger than {MAX_STREAM_BYTES >> 20} MiB; save it as a file and give its path."
            )
        stream = io.BytesIO(content) if isinstance(content, bytes) else stream
    start = stream.tell() if seekable else 0
    head = stream.read(16)
    if not isinstance(head, bytes):
        raise InputError(f"{name} was opened as text; open it in binary mode ('rb').")
    if not head:
        raise InputError(f"{name} is empty; it holds no picture.")
    if start:
        # Some decoders count from the beginning of the file, wherever it was handed over.
        stream = io.BytesIO(head + stream.read())
    kind = next((known for known in FORMATS if known.fits(head)), None)
    if kind is None:
        raise InputError(f"{name} is not a picture of a kind that is read ({', '.join(f.name for f in FORMATS)}).")

    def picture() -> Image.Image:
        stream.seek(0)
        opened = getattr(importlib.import_module(f"PIL.{kind.module}"), kind.decoder)(stream)
        assert isinstance(opened, Image.Image)
        return opened

    return _decoded(picture, name, max_pixels)


def _decoded(picture: Callable[[], Image.Image], name: str, max_pixels: int | None) -> Image.Image:
    try:
        image = picture()
        _check_size(*image.size, name, max_pixels)
        image.load()
        return _plain(_upright(image), name)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # A few decoders look at Pillow's limit by themselves.
        raise InputError(
            f"{name} exceeds Pillow's own limit of {Image.MAX_IMAGE_PIXELS or 0:,} pixels for pictures of its kind; "
            "make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS too."
        ) from None
    except MemoryError:
        raise InputError(f"{name} does not fit in memory; make it smaller.") from None
    except Exception as error:
        # Decoders answer damage with almost any exception (OSError, SyntaxError, struct.error, zlib.error,
        # IndexError, KeyError ...), and to a user all of them mean the same.
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(f"{name} is damaged or incomplete ({reason}); get a fresh copy of it.") from error


def _check_size(width: int, height: int, name: str, max_pixels: int | None) -> None:
    if max(width, height) < MIN_SIDE or min(width, height) < 1:
        raise InputError(
            f"{name} is only {width} x {height} pixels; a character needs at least {MIN_SIDE} pixels one way."
        )
    if max_pixels is not None and width * height > max_pixels:
        raise InputError(
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
    _check_size(array.shape[1], array.shape[0], name, max_pixels)
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
