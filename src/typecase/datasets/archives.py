"""Reads archives that strangers made, without trusting them.

A member may be named anything, claim any size, and be a link to anywhere. Members are therefore streamed, never
unpacked unseen: whatever would leave the folder (`../`, an absolute path, a drive), is a link or a device, or
goes beyond the limits is refused with a `DataError`, and nothing after it is read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

from typecase.errors import DataError, OutputError
from typecase.files import atomic_write

_MIB = 1 << 20


class Member(NamedTuple):
    """One file of an archive or a folder.

    Attributes:
        name: Its path inside, with forward slashes, and without a leading `./`.
        data: Its content.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Limits:
    """How much is taken from an archive.

    Attributes:
        count: Most files.
        each: Most bytes of one file.
        total: Most bytes of all files, unpacked.
        ratio: Most bytes unpacked for each byte packed, counted once more than `free` bytes are unpacked; honest
            pictures are already compressed and stay below 10.
        free: Bytes that may be unpacked at any ratio.
    """

    count: int = 2_000_000
    each: int = 256 * _MIB
    total: int = 16 * 1024 * _MIB
    ratio: float = 100.0
    free: int = 64 * _MIB


def members(
    source: str | os.PathLike[str], wanted: Callable[[str], bool] | None = None, limits: Limits | None = None
) -> Iterator[Member]:
    """Streams the files of an archive or a folder.

    Hidden files (a name or folder that begins with a dot, `__MACOSX`) are passed over. The kind of an archive is
    told by its content, not its name. A folder is the user's own: its links are followed, each folder once.

    Args:
        source: A .tar, .tgz, .tar.gz, .tar.xz, .tar.bz2 or .zip archive, or a folder.
        wanted: Tells by the name whether a file's content is needed; the others are not read. None wants all.
        limits: See `Limits`.

    Yields:
        Files in the archive's order; of a folder, sorted by name.

    Raises:
        DataError: The source is missing, no archive, truncated, damaged, unsafe, or larger than the limits.
    """
    with _sentences(Path(source)):
        for name, read in _entries(Path(source), limits or Limits()):
            if wanted is None or wanted(name):
                yield Member(name, read())


def names(source: str | os.PathLike[str], limits: Limits | None = None) -> Iterator[str]:
    """Streams the names that `members` would give, without the contents, and under the same conditions."""
    with _sentences(Path(source)):
        for name, _ in _entries(Path(source), limits or Limits()):
            yield name


def extract(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    wanted: Callable[[str], bool] | None = None,
    limits: Limits | None = None,
) -> list[Path]:
    """Unpacks an archive safely.

    Args:
        archive: As in `members`.
        folder: Where to; made when it is missing. Files that are there already are overwritten, and of a file that
            the archive holds twice the later stays, as with tar itself.
        wanted: As in `members`.
        limits: See `Limits`.

    Returns:
        The files written, in the archive's order.

    Raises:
        DataError: See `members`; files that came before the refused one stay.
        OutputError: A file cannot be written.
    """
    target = Path(folder)
    written: list[Path] = []
    for name, data in members(archive, wanted, limits):
        path = target / name
        # A link that lay in the folder before would lead the file out of it.
        if not path.parent.resolve().is_relative_to(target.resolve()):
            raise OutputError(f"{path.parent} leads out of {target} by a link; choose an empty folder.")
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
        written.append(path)
    return written


def identity(source: str | os.PathLike[str]) -> list[tuple[str, int, int]]:
    """What tells whether a source has changed: name, bytes and time of change in ns of each of its files.

    Raises:
        DataError: The source is missing.
    """
    path = Path(source)
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    if path.is_dir():
        return [(name, entry.st_size, entry.st_mtime_ns) for name, entry in _walk(path)]
    entry = path.stat()
    return [(path.name, entry.st_size, entry.st_mtime_ns)]


Entries: TypeAlias = Iterator[tuple[str, Callable[[], bytes]]]


def _entries(path: Path, limits: Limits) -> Entries:
    """The safe files of a source: name, and what reads the content, good until the next entry is asked for."""
    if path.is_dir():
        yield from _folder(path, limits)
        return
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    with open(path, "rb") as file:
        head = file.read(512)
        if not head:
            raise DataError(f"{path} is empty; get a fresh copy of it.")
        file.seek(0)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip(file, path, limits)
        else:
            yield from _tar(file, head, path, limits)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turns what the libraries raise for damage into a `DataError`."""
    try:
        yield
    except PermissionError:
        raise DataError(f"{path} may not be read; check its permissions.") from None
    except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        # OSError covers gzip.BadGzipFile and what bz2 raises for damage.
        reason = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"{path} is truncated or damaged ({reason}); get a fresh copy of it.") from error


class _Count:
    """Keeps count of what was taken and refuses what is too much."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._files = 0
        self.total = 0

    def add(self, name: str, size: int) -> None:
        limits = self._limits
        self._files += 1
        self.total += size
        if size > limits.each:
            raise DataError(
                f"{name} in {self._path} has {size:,} bytes, more than the {limits.each:,} that one file may have; "
                "remove it from the data."
            )
        if self._files > limits.count or self.total > limits.total:
            raise DataError(
                f"{self._path} holds more than {limits.count:,} files or {limits.total:,} bytes; divide it."
            )


class _Metered(io.RawIOBase):
    """Passes on an unpacked stream until it is out of proportion to what was packed."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, packed: int, path: Path, limits: Limits) -> None:
        self._stream, self._path = stream, path
        # A tar puts a header and padding to each file, and fills its end up to 10 KiB.
        most = limits.total + 2048 * limits.count + 10240
        self._most = min(most, max(limits.free, int(limits.ratio * packed)))
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._done += len(data)
        if self._done > self._most:
            raise _out_of_proportion(self._path, self._most)
        return data


_PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"BZh", bz2.BZ2File),
)


def _tar(file: IO[bytes], head: bytes, path: Path, limits: Limits) -> Entries:
    with ExitStack() as stack:
        unpack = next((unpack for mark, unpack in _PACKED if head.startswith(mark)), None)
        if unpack is None and head[257:262] != b"ustar" and not _is_old_tar(head):
            raise DataError(f"{path} is neither an archive (.tgz, .tar, .tar.xz, .zip) nor a folder; check the path.")
        stream = unpack(file) if unpack is not None else file
        metered = _Metered(stream, path.stat().st_size, path, limits)
        count = _Count(path, limits)
        # Streaming ("r|") never goes back, so that nothing is unpacked twice.
        archive = stack.enter_context(tarfile.open(fileobj=metered, mode="r|"))
        for entry in archive:
            # tarfile remembers every member for going back, which a stream cannot.
            archive.members = []  # type: ignore[attr-defined]
            name = _safe_name(entry.name, path)
            if entry.isdir():
                continue
            # A sparse file may stand for any number of zeros that are nowhere packed.
            if not entry.isreg() or entry.issparse():
                kind = "a link" if entry.islnk() or entry.issym() else "no ordinary file"
                raise DataError(f"{path} is not unpacked: {entry.name!r} in it is {kind}; pack it again without.")
            if _is_hidden(name):
                continue
            count.add(name, entry.size)
            yield name, partial(_read_tar, archive, entry)
        # The sum at the end of a compressed stream is checked only when the end is reached.
        while metered.read(_MIB):
            pass


def _read_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(entry)
    data = content.read() if content is not None else b""
    if len(data) != entry.size:
        raise EOFError(f"{entry.name} ends early")
    return data


def _is_old_tar(head: bytes) -> bool:
    """Whether a block is the header of a tar older than the `ustar` mark, by its checksum."""
    try:
        claimed = int(head[148:156].strip(b"\0 ") or b"x", 8)
    except ValueError:
        return False
    return len(head) == 512 and claimed == sum(head[:148]) + sum(head[156:]) + 8 * ord(" ")


def _zip(file: IO[bytes], path: Path, limits: Limits) -> Entries:
    count = _Count(path, limits)
    most = max(limits.free, int(limits.ratio * path.stat().st_size))
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = _safe_name(entry.filename, path)
            mode = entry.external_attr >> 16
            if entry.is_dir():
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                kind = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
                raise DataError(f"{path} is not unpacked: {entry.filename!r} in it is {kind}; pack it again without.")
            if entry.flag_bits & 0x1:
                raise DataError(f"{path} is locked with a password; unpack it yourself and give the folder.")
            if _is_hidden(name):
                continue
            count.add(name, entry.file_size)
            if count.total > most:
                raise _out_of_proportion(path, most)
            yield name, partial(_read_zip, archive, entry, path)


def _read_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    try:
        with archive.open(entry) as content:
            # The claimed size may be a lie: never read on past it.
            data = content.read(entry.file_size + 1)
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(f"{entry.filename} in {path} cannot be unpacked ({error}); pack it again.") from None
    if len(data) != entry.file_size:
        raise EOFError(f"{entry.filename} has another size than stated")
    return data


def _folder(path: Path, limits: Limits) -> Entries:
    count = _Count(path, limits)
    for name, entry in _walk(path):
        count.add(name, entry.st_size)
        yield name, (path / name).read_bytes


def _out_of_proportion(path: Path, most: int) -> DataError:
    return DataError(
        f"{path} unpacks to more than {most:,} bytes, out of all proportion to its size; "
        "it was made to do harm or holds no pictures."
    )


def _walk(path: Path) -> list[tuple[str, os.stat_result]]:
    """The ordinary files of a folder with forward slashes, sorted, hidden ones left out."""
    found: list[tuple[str, os.stat_result]] = []
    seen: set[tuple[int, int]] = set()

    def visit(folder: Path, prefix: str) -> None:
        entry = folder.stat()
        if (entry.st_dev, entry.st_ino) in seen:
            return
        seen.add((entry.st_dev, entry.st_ino))
        try:
            with os.scandir(folder) as entries:
                inside = [item for item in entries if not _is_hidden(item.name)]
        except OSError as error:
            raise DataError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from None
        for item in inside:
            if item.is_dir():
                visit(Path(item.path), f"{prefix}{item.name}/")
            elif item.is_file():
                found.append((prefix + item.name, item.stat()))

    visit(path, "")
    return sorted(found)


def _safe_name(name: str, path: Path) -> str:
    """A member's name without `./`.

    Raises:
        DataError: It would lie outside the folder that the archive is unpacked to.
    """
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    drive = len(plain) > 1 and plain[1] == ":"
    if plain.startswith("/") or drive or ".." in parts or "\0" in plain:
        raise DataError(
            f"{path} is not unpacked: {name!r} in it would be written outside of the folder; do not trust it."
        )
    return "/".join(parts)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
