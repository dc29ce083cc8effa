"""Pictures of a data set, decoded once and kept ready: the part of the data sets that needs no PyTorch.

A layout (`typecase.datasets.layouts`) says which files of an archive or a folder are pictures and of what. They go
through `sources.open_picture` and `CharacterPreprocess.canvas` on all processors, and the result is kept in the cache
folder as one array of bytes that is mapped into memory, so that a data set is there within a fraction of a second
and a net never waits for a decoder.

The cache belongs to one state of one source and one way of preparing it: the source's path, sizes and times of
change, the preprocessing facts, and the code that decodes are its key. A damaged cache is made again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import logging
import multiprocessing
import signal
import sys
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image

from typecase import preprocess as preprocess_module
from typecase.charset import ClassSet
from typecase.cores import usable_cores
from typecase.datasets import archives
from typecase.errors import DataError, OutputError, TypecaseError
from typecase.files import atomic_write, cache_folder
from typecase.preprocess import CharacterPreprocess, PixelArray
from typecase.sources import pictures as sources_module

if TYPE_CHECKING:
    from typecase.datasets.layouts import Layout

_LOGGER = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[int], None]
"""Told how many pictures have been decoded so far."""

MAX_BAD = 0.01
"""Share of a data set's pictures that may be unreadable unless another is asked for."""

_CACHE_FORMAT = 1
_CHUNK = 256
# Below this many pictures, starting processes costs more than it saves.
_WORTH_PROCESSES = 2048
_CHECKED_ROWS = 64


class Picture(NamedTuple):
    """One picture of a data set, not yet decoded.

    Attributes:
        name: Its name, unique within the data set and the same wherever the data set lies.
        label: Class index.
        group: What must not be divided by a split: a typeface, a writer; the picture's own name where none is known.
        load: Decodes or draws it; it is sent to other processes, so it is a function of a module or a partial of one.
        content: The bytes it is made from.
        variant: 0, or the number of another drawing of the same original.
        drawn: Whether `load` draws it with a pen of its own, so that equality is told by `content`, not by pixels.
    """

    name: str
    label: int
    group: str
    load: Callable[[], Image.Image]
    content: bytes
    variant: int = 0
    drawn: bool = False


class Skipped(NamedTuple):
    """A picture that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class DecodedSet:
    """A whole data set, decoded.

    Attributes:
        classes: Its classes.
        pictures: Bytes of shape [N, C, size, size], in the order of the names.
        labels: Class indices, [N].
        names: One name for each picture, sorted by code point.
        groups: One group for each picture.
        variants: Variant numbers, [N].
        pixel_hashes: 64-bit hashes of the decoded pictures before they went to the canvas, [N].
        file_hashes: 64-bit hashes of the pictures' files, [N].
        skipped: The pictures that could not be read.
    """

    classes: ClassSet
    pictures: PixelArray
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    variants: npt.NDArray[np.int64]
    pixel_hashes: npt.NDArray[np.uint64]
    file_hashes: npt.NDArray[np.uint64]
    skipped: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.names)

    def contents(self, duplicates: str) -> npt.NDArray[np.uint64]:
        """Hashes by which pictures are duplicates: of their `pixels` or of their `files`."""
        return self.pixel_hashes if duplicates == "pixels" else self.file_hashes

    def check_bad(self, max_bad: float, where: str) -> None:
        """Refuses a set of which too much is damaged, and warns of what little is.

        Raises:
            DataError: More than this share of the pictures could not be read, or none could.
        """
        check_skipped(len(self), self.skipped, max_bad, where)


def check_skipped(count: int, skipped: Sequence[Skipped], max_bad: float, where: str, things: str = "pictures") -> None:
    """Refuses data of which too much is damaged, and warns of what little is.

    Args:
        count: How many were read.
        skipped: Those that could not be.
        max_bad: Share that may be damaged.
        where: What messages call the data.
        things: What they are, in the plural.

    Raises:
        DataError: More than this share could not be read, or none could.
    """
    if not skipped:
        return
    total = count + len(skipped)
    first = "; ".join(f"{name} ({reason.rstrip('.')})" for name, reason in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    if not count or len(skipped) > max_bad * total:
        raise DataError(
            f"{len(skipped):,} of {total:,} {things} in {where} cannot be read, more than the share of "
            f"{max_bad:g} that may be (--max-bad): {first}{more}."
        )
    _warn_once(f"Skipped {len(skipped):,} of {total:,} {things} in {where}: {first}{more}.")


@functools.cache
def _warn_once(message: str) -> None:
    # Each part of a data set is opened by itself, and all of them know of the same pictures.
    _LOGGER.warning("%s", message)


def load(
    layout: Layout,
    path: Path,
    preprocess: CharacterPreprocess,
    *,
    cache: bool = True,
    progress: Progress | None = None,
) -> DecodedSet:
    """Gives a data set, from the cache or decoded now.

    Args:
        layout: What lies there.
        path: The archive, folder or file.
        preprocess: How pictures are brought to the canvas.
        cache: Whether to look into the cache and to write it. A cache that cannot be written is done without,
            with a warning.
        progress: Told about decoding.

    Returns:
        The set, with `pictures` mapped into memory where it comes from the cache.

    Raises:
        DataError: The source is missing, empty, damaged or unsafe, or not what the layout says.
    """
    if not cache:
        return decode(layout, path, preprocess, progress=progress)
    identity = archives.identity(path)
    try:
        files = _CacheFiles.of(layout, path, preprocess, identity)
    except OutputError as error:
        _LOGGER.warning("The decoded pictures are not kept: %s", error)
        return decode(layout, path, preprocess, progress=progress)
    found = files.read(preprocess)
    if found is not None:
        _LOGGER.info("Took %d decoded pictures of %s from %s.", len(found), path, files.pictures)
        return found
    decoded = decode(layout, path, preprocess, progress=progress)
    if archives.identity(path) != identity:
        raise DataError(f"{path} changed while it was read; run again when it is complete.")
    try:
        files.write(decoded)
    except OutputError as error:
        _LOGGER.warning("The decoded pictures are not kept: %s", error)
        return decoded
    return files.read(preprocess) or decoded


def decode(
    layout: Layout, path: Path, preprocess: CharacterPreprocess, *, progress: Progress | None = None
) -> DecodedSet:
    """Decodes a whole data set, on all processors when it is large.

    Raises:
        DataError: See `load`.
    """
    classes, pictures = layout.read(path)
    done = 0
    chunks: list[_Chunk] = []
    for chunk in _decoded_chunks(pictures, preprocess):
        chunks.append(chunk)
        done += len(chunk.names) + len(chunk.skipped)
        if progress is not None:
            progress(done)
    names = [name for chunk in chunks for name in chunk.names]
    skipped = tuple(sorted(item for chunk in chunks for item in chunk.skipped))
    if not names and not skipped:
        raise DataError(layout.nothing_found(path))
    # Archives and file systems list files in any order; splits and records must not depend on it.
    order = sorted(range(len(names)), key=names.__getitem__)
    sorted_names = tuple(names[i] for i in order)
    for first, second in itertools.pairwise(sorted_names):
        if first == second:
            raise DataError(f"{path} holds two pictures named {first}; give the folder that holds one copy.")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    pixels = np.empty((len(names), preprocess.channels, preprocess.size, preprocess.size), dtype=np.uint8)
    start = 0
    for chunk in chunks:
        pixels[place[start : start + len(chunk.names)]] = chunk.pixels
        start += len(chunk.names)

    def column(values: Iterable[int], dtype: type) -> npt.NDArray[np.generic]:
        return np.array(list(values), dtype=dtype)[order]

    groups = [group for chunk in chunks for group in chunk.groups]
    return DecodedSet(
        classes=classes,
        pictures=pixels,
        labels=np.asarray(column((label for chunk in chunks for label in chunk.labels), np.int64), dtype=np.int64),
        names=sorted_names,
        groups=tuple(groups[i] for i in order),
        variants=np.asarray(column((one for chunk in chunks for one in chunk.variants), np.int64), dtype=np.int64),
        pixel_hashes=np.asarray(column((h for c in chunks for h in c.pixel_hashes), np.uint64), dtype=np.uint64),
        file_hashes=np.asarray(column((h for c in chunks for h in c.file_hashes), np.uint64), dtype=np.uint64),
        skipped=skipped,
    )


class _Chunk(NamedTuple):
    pixels: PixelArray
    names: list[str]
    labels: list[int]
    groups: list[str]
    variants: list[int]
    pixel_hashes: list[int]
    file_hashes: list[int]
    skipped: list[Skipped]


def _decode_chunk(pictures: Sequence[Picture], preprocess: CharacterPreprocess) -> _Chunk:
    size = (preprocess.channels, preprocess.size, preprocess.size)
    chunk = _Chunk(np.empty((len(pictures), *size), dtype=np.uint8), [], [], [], [], [], [], [])
    for picture in pictures:
        try:
            image = picture.load()
            canvas = preprocess.canvas(image)
        except TypecaseError as error:
            chunk.skipped.append(Skipped(picture.name, str(error)))
            continue
        chunk.pixels[len(chunk.names)] = canvas
        file_hash = _hash64(picture.content)
        chunk.names.append(picture.name)
        chunk.labels.append(picture.label)
        chunk.groups.append(picture.group)
        chunk.variants.append(picture.variant)
        chunk.file_hashes.append(file_hash)
        chunk.pixel_hashes.append(
            file_hash if picture.drawn else _hash64(f"{image.mode}{image.size}".encode(), image.tobytes())
        )
    return chunk._replace(pixels=chunk.pixels[: len(chunk.names)])


def _hash64(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return int.from_bytes(digest.digest(), "little")


def _decoded_chunks(pictures: Iterator[Picture], preprocess: CharacterPreprocess) -> Iterator[_Chunk]:
    head = list(itertools.islice(pictures, _WORTH_PROCESSES))
    pictures = itertools.chain(head, pictures)
    processes = usable_cores()
    if len(head) < _WORTH_PROCESSES or processes < 2 or not _may_fork():
        for some in _batched(pictures):
            yield _decode_chunk(some, preprocess)
        return
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads. The children call Pillow and NumPy only, which take no lock
        # that a thread of the parent could have held.
        warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
        with ProcessPoolExecutor(
            processes, mp_context=multiprocessing.get_context("fork"), initializer=_leave_interrupts_to_the_parent
        ) as pool:
            running: deque[Future[_Chunk]] = deque()
            try:
                for some in _batched(pictures):
                    running.append(pool.submit(_decode_chunk, some, preprocess))
                    # Enough to keep all busy, and few enough that an archive of any size fits in memory.
                    if len(running) >= 4 * processes:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            except BrokenProcessPool:
                raise DataError(
                    "Decoding was ended by the system, most likely for want of memory; close other programs and retry."
                ) from None
            finally:
                for future in running:
                    future.cancel()


def _batched(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    while some := list(itertools.islice(pictures, _CHUNK)):
        yield some


def _may_fork() -> bool:
    # Other ways to start a process run the user's script again, which must be written for that. Threads are no way:
    # measured on two cores, two of them decode at 0.65 of the speed of one, for the pictures are small.
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Index(msgspec.Struct, forbid_unknown_fields=True):
    """What lies beside the array of a cache."""

    checksum: int
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: list[int]
    group_names: list[str]
    groups: list[int]
    variants: list[int]
    pixel_hashes: list[int]
    file_hashes: list[int]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _CacheFiles:
    """The two files that hold a decoded set."""

    pictures: Path
    index: Path
    slot: str

    @classmethod
    def of(
        cls, layout: Layout, path: Path, preprocess: CharacterPreprocess, identity: list[tuple[str, int, int]]
    ) -> _CacheFiles:
        facts = preprocess.to_dict()
        # The net's own scaling comes after the canvas.
        prepared = {name: facts[name] for name in sorted(set(facts) - {"mean", "deviation"})}
        place = [layout.kind, layout.options(), str(path.resolve()), prepared]
        slot = _sha256(json.dumps(place).encode())[:16]
        key = _sha256(json.dumps([_CACHE_FORMAT, slot, identity, _code()]).encode())[:16]
        folder = cache_folder() / "pictures"
        return cls(folder / f"{layout.kind}-{slot}-{key}.npy", folder / f"{layout.kind}-{slot}-{key}.json", slot)

    def read(self, preprocess: CharacterPreprocess) -> DecodedSet | None:
        """The set, or None when there is none or it is damaged."""
        try:
            index = msgspec.json.decode(self.index.read_bytes(), type=_Index)
            # Copy on write: PyTorch takes writable arrays only, and nothing written may reach the file.
            pictures: PixelArray = np.load(self.pictures, mmap_mode="c", allow_pickle=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, msgspec.MsgspecError) as error:
            _LOGGER.warning("The cache %s is damaged (%s); it is made again.", self.pictures, error)
            return None
        count = len(index.names)
        columns = (index.labels, index.groups, index.variants, index.pixel_hashes, index.file_hashes)
        if (
            pictures.dtype != np.uint8
            or pictures.shape != (count, preprocess.channels, preprocess.size, preprocess.size)
            or any(len(column) != count for column in columns)
            or _checksum(pictures) != index.checksum
        ):
            _LOGGER.warning("The cache %s is damaged; it is made again.", self.pictures)
            return None
        return DecodedSet(
            classes=ClassSet(index.classes),
            pictures=pictures,
            labels=np.array(index.labels, dtype=np.int64),
            names=index.names,
            groups=tuple(map(index.group_names.__getitem__, index.groups)),
            variants=np.array(index.variants, dtype=np.int64),
            pixel_hashes=np.array(index.pixel_hashes, dtype=np.uint64),
            file_hashes=np.array(index.file_hashes, dtype=np.uint64),
            skipped=tuple(Skipped(*item) for item in index.skipped),
        )

    def write(self, decoded: DecodedSet) -> None:
        """Keeps a set, and drops what was kept of an older state of the same source.

        Raises:
            OutputError: It cannot be written.
        """
        group_names = sorted(set(decoded.groups))
        group_numbers = {name: number for number, name in enumerate(group_names)}
        index = _Index(
            checksum=_checksum(decoded.pictures),
            classes=decoded.classes.names,
            names=decoded.names,
            labels=decoded.labels.tolist(),
            group_names=group_names,
            groups=[group_numbers[group] for group in decoded.groups],
            variants=decoded.variants.tolist(),
            pixel_hashes=decoded.pixel_hashes.tolist(),
            file_hashes=decoded.file_hashes.tolist(),
            skipped=[(item.name, item.reason) for item in decoded.skipped],
        )
        with atomic_write(self.pictures) as temporary, open(temporary, "wb") as file:
            np.save(file, decoded.pictures, allow_pickle=False)
        # The index comes last: without it the array counts for nothing.
        with atomic_write(self.index) as temporary:
            temporary.write_bytes(msgspec.json.encode(index))
        for old in self.pictures.parent.glob(f"*-{self.slot}-*"):
            if old not in (self.pictures, self.index):
                with contextlib.suppress(OSError):
                    old.unlink()


def _checksum(pictures: PixelArray) -> int:
    """A sum over some rows from first to last: reading all of them would take longer than everything else."""
    rows = np.unique(np.linspace(0, max(len(pictures) - 1, 0), _CHECKED_ROWS).astype(np.int64))
    return zlib.crc32(pictures[rows[rows < len(pictures)]].tobytes())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _code() -> list[str]:
    """What the decoded bytes depend on besides the pictures: our code and Pillow's."""
    from typecase.datasets import layouts

    modules = (preprocess_module, sources_module, layouts, sys.modules[__name__])
    files = [Path(module.__file__ or "") for module in modules]
    # Not imported, for it needs OpenCV, which a set of pictures does not.
    files.append(Path(preprocess_module.__file__).parent / "synthesis" / "strokes.py")
    return [PIL.__version__, *(_sha256(file.read_bytes()) for file in files)]
