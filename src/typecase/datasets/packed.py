"""Lines decoded once, at the net's height, and kept as one flat file that is mapped into memory.

Training goes through real lines many times over; opening a receipt for each of them would take longer than the net.
The pictures go through `LinePreprocess.canvas`, as they do when they are read, and are laid one after the other into
a file of bytes in the cache folder; beside it lies a JSON file with widths and texts. A damaged pair is made again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import PIL

from typecase import preprocess as preprocess_module
from typecase.datasets import line_pages, line_sample
from typecase.datasets import lines as lines_module
from typecase.datasets.decoded import MAX_BAD, Skipped, check_skipped
from typecase.datasets.line_sample import LineSample, LineSource
from typecase.errors import DataError, TypecaseError
from typecase.files import atomic_write, cache_folder, sha256_of
from typecase.preprocess import LinePreprocess, PixelArray
from typecase.sources import pictures as sources_module

_LOGGER = logging.getLogger(__name__)

_FORMAT = 1
_CHECKED_PIECES = 64
_CHECKED_BYTES = 4096


class _Index(msgspec.Struct, forbid_unknown_fields=True):
    """What lies beside the pictures."""

    checksum: int
    height: int
    names: list[str]
    widths: list[int]
    texts: list[str]
    folded: list[bool]
    skipped: list[tuple[str, str]]


class PackedLines:
    """The lines of a source, decoded.

    Attributes:
        height: Height of every picture in pixels.
        names: Names of the lines.
        texts: What each says.
        widths: Width of each picture in pixels, [N].
        folded: Whether the truth of each is upper case only, [N].
        skipped: The pictures that could not be read, and why.
    """

    def __init__(self, pixels: PixelArray, index: _Index) -> None:
        """Takes what a file and its index hold; use `build` or `of`."""
        self._pixels = pixels
        self.height = index.height
        self.names = index.names
        self.texts = index.texts
        self.widths: npt.NDArray[np.int64] = np.array(index.widths, dtype=np.int64)
        self.folded: npt.NDArray[np.bool_] = np.array(index.folded, dtype=np.bool_)
        self.skipped = tuple(Skipped(*item) for item in index.skipped)
        self._starts = np.concatenate([[0], np.cumsum(self.widths * self.height)])

    def __len__(self) -> int:
        return len(self.texts)

    def picture(self, index: int) -> PixelArray:
        """Gives a line as `LinePreprocess.canvas` made it: bytes of shape [height, width], not to be written to."""
        start, width = self._starts[index], self.widths[index]
        return self._pixels[start : start + self.height * width].reshape(self.height, width)

    @classmethod
    def of(
        cls,
        source: LineSource,
        preprocess: LinePreprocess,
        *,
        max_bad: float = MAX_BAD,
        progress: Callable[[int], None] | None = None,
    ) -> PackedLines:
        """Gives the lines of a source; see `build`."""
        return cls.build(source.identity, source, preprocess, max_bad=max_bad, progress=progress)

    @classmethod
    def cached(cls, key: str, preprocess: LinePreprocess) -> PackedLines | None:
        """Gives lines if the cache has them; the arguments are those of `build`."""
        _, pixels, index = _places(key, preprocess)
        return _read(pixels, index)

    @staticmethod
    def drop(key: str, preprocess: LinePreprocess) -> None:
        """Takes lines out of the cache, if they are there; the arguments are those of `build`."""
        _, pixels, index = _places(key, preprocess)
        for path in (index, pixels):
            # What cannot be removed does no harm but to the disk.
            with contextlib.suppress(OSError):
                path.unlink()

    @classmethod
    def build(
        cls,
        key: str,
        samples: Iterable[LineSample],
        preprocess: LinePreprocess,
        *,
        max_bad: float = MAX_BAD,
        progress: Callable[[int], None] | None = None,
    ) -> PackedLines:
        """Gives lines from the cache, or decodes them now and keeps them.

        Args:
            key: What names the lines, a colon and the state they are in, as `LineSource.identity` gives it: what was
                kept of an older state is dropped.
            samples: The lines; gone through only when they are not in the cache.
            preprocess: How a line is brought to the net's height.
            max_bad: Share of the pictures that may be unreadable; they are skipped, with a warning.
            progress: Told how many lines have been decoded so far.

        Raises:
            DataError: There are no lines, or more of them cannot be read than may be.
            OutputError: The cache cannot be written.
        """
        slot, pixels, index = _places(key, preprocess)
        folder = pixels.parent
        lines = key.rpartition(":")[0]
        found = _read(pixels, index)
        if found is None:
            _write(pixels, index, samples, preprocess, progress)
            for old in folder.glob(f"{slot}-*"):
                if old not in (pixels, index):
                    with contextlib.suppress(OSError):
                        old.unlink()
            found = _read(pixels, index)
        if found is None:
            raise DataError(f"The decoded lines in {folder} were changed while they were written; run again.")
        check_skipped(len(found), found.skipped, max_bad, lines or key)
        if not len(found):
            raise DataError(f"{key} gives no lines; check the path.")
        return found


def _places(key: str, preprocess: LinePreprocess) -> tuple[str, Path, Path]:
    """What the names of a source's files begin with, and where its pictures and their index lie."""
    facts = preprocess.to_dict()
    # What the net does after the canvas, and how a line is cut when it is read, changes no picture.
    prepared = {name: facts[name] for name in sorted(set(facts) - {"mean", "deviation", "widest"})}
    lines, _, state = key.rpartition(":")
    slot = _short_hash([lines or state, prepared])
    name = f"{slot}-{_short_hash([_FORMAT, slot, state, _code()])}"
    folder = cache_folder() / "lines"
    return slot, folder / f"{name}.bin", folder / f"{name}.json"


def _write(
    pixels: Path,
    index: Path,
    samples: Iterable[LineSample],
    preprocess: LinePreprocess,
    progress: Callable[[int], None] | None,
) -> None:
    values = _Index(0, preprocess.height, [], [], [], [], [])
    with atomic_write(pixels) as temporary:
        with open(temporary, "wb") as file:
            for number, sample in enumerate(samples, start=1):
                try:
                    canvas = preprocess.canvas(sample.load())
                except TypecaseError as error:
                    values.skipped.append((sample.name, str(error)))
                else:
                    file.write(canvas.tobytes())
                    values.names.append(sample.name)
                    values.widths.append(canvas.shape[1])
                    values.texts.append(sample.text)
                    values.folded.append(sample.folded)
                if progress is not None:
                    progress(number)
        values.checksum = _checksum(_mapped(temporary))
    # The index comes last: without it the pictures count for nothing.
    with atomic_write(index) as temporary:
        temporary.write_bytes(msgspec.json.encode(values))


def _read(pixels: Path, index: Path) -> PackedLines | None:
    try:
        values = msgspec.json.decode(index.read_bytes(), type=_Index)
        mapped = _mapped(pixels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        _LOGGER.warning("The cache %s is damaged (%s); it is made again.", pixels, error)
        return None
    count = len(values.names)
    if (
        any(len(column) != count for column in (values.widths, values.texts, values.folded))
        or any(width < 1 for width in values.widths)
        or sum(values.widths) * values.height != len(mapped)
        or _checksum(mapped) != values.checksum
    ):
        _LOGGER.warning("The cache %s is damaged; it is made again.", pixels)
        return None
    return PackedLines(mapped, values)


def _mapped(path: Path) -> PixelArray:
    # An empty file cannot be mapped.
    if not path.stat().st_size:
        return np.empty(0, dtype=np.uint8)
    # A plain array over the map: slicing np.memmap itself costs ten times as much.
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r")).view(np.ndarray)


def _checksum(pixels: PixelArray) -> int:
    """A sum over pieces from first to last: reading everything would take longer than what it guards."""
    starts = np.linspace(0, max(len(pixels) - _CHECKED_BYTES, 0), _CHECKED_PIECES).astype(np.int64)
    total = 0
    for start in np.unique(starts):
        total = zlib.crc32(pixels[start : start + _CHECKED_BYTES].tobytes(), total)
    return total


def _short_hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


@functools.cache
def _code() -> list[str]:
    """What the decoded bytes depend on besides the pictures: our code and Pillow's."""
    # Looked at once: a program that is updated while a training runs must not make its processes disagree.
    modules = (preprocess_module, sources_module, line_pages, line_sample, lines_module)
    return [PIL.__version__, *(sha256_of(module.__file__ or "") for module in modules)]
