"""Finds the files that people mean: folders with everything in them, patterns, and lists of files."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from typecase.errors import InputError, UsageError

PICTURE_SUFFIXES = frozenset(
    (
        ".png .jpg .jpeg .jpe .jfif .gif .bmp .dib .tif .tiff .webp .pbm .pgm .ppm .pnm .jp2 .j2k .jpx .avif .heic "
        ".heif .ico"
    ).split()
)
"""File name endings, in lower case, that `find_pictures` takes from a folder."""

DOCUMENT_SUFFIXES = PICTURE_SUFFIXES | {".pdf"}
"""File name endings, in lower case, that `find_documents` takes from a folder."""


_DRAWN_BOXES = re.compile(r"\.boxes(-\d+)?\.png$")


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Lists the picture files that some paths stand for.

    A folder gives the pictures in it and in its subfolders, known by their `PICTURE_SUFFIXES`, in the order in which
    people count (2 before 10), without hidden ones and without following links to folders. Every other path is kept
    as it is, and so is a folder that gives nothing: `open_picture` then says what is wrong with it, and the others
    are not lost for it.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        found.extend((pictures_below(path) or [path]) if path.is_dir() else [path])
    return found


def find_documents(
    path: str | os.PathLike[str], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> list[Path]:
    """Lists the documents in a folder and its subfolders, pictures and PDFs; otherwise like `find_pictures`.

    Args:
        path: A folder.
        include: Patterns as a shell knows them (`*.pdf`, `2024/*`); only files of which one matches the name, or the
            path below the folder, are taken, whatever their ending. None takes what ends in `DOCUMENT_SUFFIXES`, but
            no pictures of boxes that `typecase read` drew.
        exclude: Patterns of files and of subfolders that are left out.
    """
    root = Path(path)

    def wanted(file: Path) -> bool:
        if _matches(file.relative_to(root), exclude):
            return False
        if include:
            return _matches(file.relative_to(root), include)
        return file.suffix.lower() in DOCUMENT_SUFFIXES and _DRAWN_BOXES.search(file.name) is None

    return _files_below(root, wanted, lambda folder: not _matches(folder.relative_to(root), exclude))


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder and its subfolders; see `find_pictures`."""
    return _files_below(folder, lambda file: file.suffix.lower() in PICTURE_SUFFIXES)


def listed_files(content: bytes, name: str) -> list[str]:
    """Reads a list of files: one path a line, or with zero bytes between them as `find -print0` writes it.

    Args:
        content: The list.
        name: What messages call it.

    Raises:
        UsageError: It lists nothing.
    """
    parts = content.split(b"\0") if b"\0" in content else content.removeprefix(b"\xef\xbb\xbf").splitlines()
    paths = [os.fsdecode(part) for part in parts if part.strip()]
    if not paths:
        raise UsageError(f"The list {name} names no file; write one path on each line.")
    return paths


def natural_key(path: Path) -> list[tuple[tuple[int, int, str], ...]]:
    """A key that sorts paths folder by folder and their numbers by value: img2 before img10."""
    return [
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)
        for name in path.parts
    ]


def cannot_open(path: str | os.PathLike[str], name: str, error: OSError | ValueError) -> InputError:
    """Says why a file cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{name} does not exist; check the path.")
    if Path(path).is_dir():
        if pictures_below(Path(path)):
            return InputError(
                f"{name} is a folder of pictures; give each of them, as typecase.sources.find_pictures lists them."
            )
        return InputError(
            f"{name} is a folder in which no picture can be found; give a picture, or a folder that holds some."
        )
    if isinstance(error, PermissionError):
        return InputError(f"{name} may not be read; check its permissions.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"{name} cannot be opened ({reason}); check the path.")


def _files_below(
    folder: Path, wanted: Callable[[Path], bool], entered: Callable[[Path], bool] | None = None
) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: found.append(Path(error.filename))):
        folders[:] = [
            name for name in folders if not name.startswith(".") and (entered is None or entered(Path(parent, name)))
        ]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        found.extend(path for path in paths if wanted(path))
    return sorted(found, key=natural_key)


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(text, pattern.rstrip("/")) for pattern in patterns for text in (path.name, path.as_posix())
    )
