"""Reads pictures: from whatever holds one to a document.

from typecase import Reader

reader = Reader()
document = reader.read("line.png", mode="line")
print(document.text)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from PIL import Image

from typecase import __version__
from typecase.decoding.options import Mode, ReadOptions
from typecase.document import Block, Box, Document, Line, Page
from typecase.errors import InputError, UsageError
from typecase.files import sha256_of
from typecase.languages import languages_of
from typecase.sources import MAX_PIXELS, PictureSource, open_picture, source_name
from typecase.stages.recognize import AT_ONCE, LineRecognizer


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
    ) -> None:
        """Opens the model.

        Args:
            languages: Codes of the languages to be read, such as `["en", "de"]` or `eng+deu`. One model reads all of
                them, so this only makes sure that they are among them; None is content with any.
            device: Where to compute: `auto` or `cpu`, which are the same so far.
            threads: How many threads compute; None takes the processors there are, at most four.
            model: An ONNX file of a recogniser that `typecase export` wrote; None opens the shipped one.

        Raises:
            ModelError: The model is missing, damaged, unsafe, too new, or no recogniser.
            UsageError: A language or the device is not known, or the number of threads is impossible.
        """
        if languages is not None:
            languages = languages_of(languages)
        if device not in ("auto", "cpu"):
            raise UsageError(f"The device {device!r} is not known; choose auto or cpu.")
        self._settings: dict[str, Any] = {"languages": languages, "device": device, "threads": threads}
        self.recognizer = LineRecognizer(model, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, ({**self._settings, "model": self.recognizer.path},)

    def read(
        self,
        source: PictureSource,
        mode: Mode = "page",
        *,
        max_pixels: int | None = MAX_PIXELS,
        name: str | None = None,
        **options: Any,
    ) -> Document:
        """Reads one picture.

        Args:
            source: The picture: a path, the bytes of a file, an open binary file, a Pillow picture or an array.
            mode: What it shows: `line`, `word` or `char`; `page` and `block` are not read yet.
            max_pixels: The most pixels that are accepted, width times height; None accepts any number.
            name: What the document and messages call the picture; left out, its path.
            **options: How to read; see `typecase.decoding.options.ReadOptions`.

        Raises:
            InputError: The picture cannot be read.
            UsageError: The mode or an option is not known, or its value is impossible.
        """
        [document] = self._read([source], _checked(mode, options), max_pixels, name)
        if isinstance(document, InputError):
            raise document
        return document

    def read_many(
        self,
        sources: Iterable[PictureSource],
        mode: Mode = "page",
        *,
        max_pixels: int | None = MAX_PIXELS,
        **options: Any,
    ) -> Iterator[Document | InputError]:
        """Reads many pictures, some of them at a time, which is faster than one by one; they may be endless.

        Args:
            sources: The pictures; see `read`.
            mode: What each of them shows.
            max_pixels: The most pixels that are accepted of each; None accepts any number.
            **options: How to read; see `read`.

        Yields:
            A document for each source, in their order, or in its place why the picture cannot be read.

        Raises:
            UsageError: The mode or an option is not known, or its value is impossible.
        """
        chosen = _checked(mode, options)
        rest = iter(sources)
        return (
            document
            for part in iter(lambda: list(islice(rest, AT_ONCE)), [])
            for document in self._read(part, chosen, max_pixels)
        )

    def _read(
        self, sources: Sequence[PictureSource], options: ReadOptions, max_pixels: int | None, name: str | None = None
    ) -> Iterator[Document | InputError]:
        names = [source_name(source) if name is None else name for source in sources]
        pictures = [_opened(source, called, max_pixels) for source, called in zip(sources, names, strict=True)]
        lines = iter(self.recognizer.read([one for one in pictures if not isinstance(one, InputError)], options))
        for called, picture in zip(names, pictures, strict=True):
            yield (
                picture
                if isinstance(picture, InputError)
                else self._document(called, picture.size, next(lines), options)
            )

    def _document(self, name: str, size: tuple[int, int], line: Line, options: ReadOptions) -> Document:
        block = Block(Box(0.0, 0.0, float(size[0]), float(size[1])), (line,))
        return Document((Page(*size, (block,)),), name, {**self._made_by, "options": options.to_dict()})

    @cached_property
    def _made_by(self) -> dict[str, Any]:
        path = self.recognizer.path
        return {"typecase": __version__, "recognizer": {"name": path.stem, "sha256": sha256_of(path)}}


def read(source: PictureSource, mode: Mode = "page", **options: Any) -> Document:
    """Reads one picture with the shipped model, which is opened with the first call and kept for the next ones.

    Args:
        source: The picture: a path, the bytes of a file, an open binary file, a Pillow picture or an array.
        mode: What it shows; see `Reader.read`.
        **options: How to read; see `Reader.read`.

    Raises:
        InputError: The picture cannot be read.
        ModelError: The model cannot be used.
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


def _checked(mode: Mode, options: dict[str, Any]) -> ReadOptions:
    chosen = ReadOptions().changed(mode=mode, **options)
    if chosen.mode in ("page", "block"):
        raise UsageError(
            f"Pictures of a whole {chosen.mode} cannot be read yet; give pictures of single lines, words or characters "
            "and say so: --mode line, word or char, in Python mode='line'."
        )
    return chosen


def _opened(source: PictureSource, name: str, max_pixels: int | None) -> Image.Image | InputError:
    try:
        return open_picture(source, max_pixels=max_pixels, name=name)
    except InputError as error:
        return error
