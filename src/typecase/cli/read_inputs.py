"""What the arguments of `typecase read` stand for: documents, each with the name that its results get."""

from __future__ import annotations

import os
import sys
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from typecase.cli.picture_arguments import in_one_line, printable
from typecase.errors import TooLargeError, UsageError

if TYPE_CHECKING:
    from typecase.sources.documents import DocumentSource

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Input:
    """A document that is to be read.

    Attributes:
        source: What `Reader.open` takes.
        name: What results call it.
        stem: The names of its results without their endings: `scan`, `2024/scan`.
        suffix: The ending of its own name, with the dot, which parts two of the same name.
        error: Why it cannot be read, where that is known already.
    """

    source: DocumentSource
    name: str
    stem: str
    suffix: str = ""
    error: str = ""

    @property
    def path(self) -> Path | None:
        """The file, where it is one."""
        return self.source if isinstance(self.source, Path) else None


def find_inputs(
    arguments: Sequence[str],
    from_file: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    results: Path | None = None,
) -> list[Input]:
    """Lists the documents that are meant, each once, in the order in which they are named.

    Args:
        arguments: Files, folders, addresses, and `-` for standard input.
        from_file: A file that lists more of them; `-` reads the list from standard input.
        include: Patterns of the files that are taken from folders; see `find_documents`.
        exclude: Patterns of those that are not.
        results: The folder of the results; what it holds is not read, where it lies within a folder that is.

    Raises:
        UsageError: There is none, or standard input is asked for twice or is a keyboard, or the list cannot be read.
    """
    if from_file == STANDARD_INPUT and STANDARD_INPUT in arguments:
        raise UsageError("Standard input is either a document (-) or a list of files (--from-file -), not both.")
    if not arguments and from_file is None:
        raise UsageError("Nothing is given to read; name files, folders or addresses, or - for standard input.")
    listed = [] if from_file is None else _listed(from_file)
    found: dict[str, Input] = {}
    for argument in [*arguments, *listed]:
        for one in _meant(argument, include, exclude, results):
            found.setdefault(os.path.abspath(one.source) if isinstance(one.source, Path) else one.name, one)
    return _told_apart(list(found.values()))


def _listed(from_file: str) -> list[str]:
    from typecase.sources.finding import listed_files

    if from_file == STANDARD_INPUT:
        return listed_files(_standard_input("a list of files"), "on standard input")
    try:
        content = Path(from_file).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The list {from_file} cannot be read ({reason}); check the path.") from None
    return listed_files(content, from_file)


def _standard_input(what: str) -> bytes:
    from typecase.sources.pictures import MAX_STREAM_BYTES

    if sys.stdin.isatty():
        raise UsageError(f"- reads {what} from standard input; send one: typecase read - < file")
    content = sys.stdin.buffer.read(MAX_STREAM_BYTES + 1)
    if len(content) > MAX_STREAM_BYTES:
        raise TooLargeError(
            f"Standard input is larger than {MAX_STREAM_BYTES >> 20} MiB; save it as a file and give its path."
        )
    return content


def _meant(argument: str, include: Sequence[str], exclude: Sequence[str], results: Path | None) -> Iterable[Input]:
    from typecase.sources.address import is_address, shown_address

    if argument == STANDARD_INPUT:
        return [Input(_standard_input("a document"), STANDARD_INPUT, "stdin")]
    if is_address(argument):
        shown = shown_address(argument)
        return [Input(argument, shown, *_address_name(shown))]
    path = Path(argument)
    if not path.is_dir():
        return [_input(path, "")]

    from typecase.sources.finding import find_documents

    below = find_documents(path, include, exclude)
    if results is not None and results.resolve() != path.resolve():
        below = [file for file in below if not file.resolve().is_relative_to(results.resolve())]
    if not below:
        which = "that the patterns allow" if include or exclude else "of a kind that is read"
        sentence = f"{path} is a folder in which there is no document {which}; give another, or a file."
        return [replace(_input(path, ""), error=sentence)]
    return [_input(file, file.parent.relative_to(path).as_posix()) for file in below]


def _input(path: Path, folder: str) -> Input:
    name = PurePath(folder, path.stem).as_posix() if folder not in ("", ".") else path.stem
    return Input(path, printable(os.fspath(path)), name or "unnamed", path.suffix)


def _address_name(address: str) -> tuple[str, str]:
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        return "address", ""
    last = urllib.parse.unquote(parts.path.rstrip("/").rpartition("/")[2])
    # The name comes from another machine: it must not lead out of the folder, nor be hidden or endless.
    safe = "".join(one for one in last if one.isprintable() and one not in '/\\:*?"<>|').strip(". ")[:100]
    stem, dot, suffix = safe.rpartition(".")
    if not stem:
        stem, dot, suffix = safe, "", ""
    return stem or parts.hostname or "address", f"{dot}{suffix}"


def _told_apart(inputs: list[Input]) -> list[Input]:
    """Gives those that would have the same results the whole of their name: `scan.png` and `scan.jpg`."""
    counts = Counter(one.stem for one in inputs)
    return [replace(one, stem=one.stem + one.suffix) if counts[one.stem] > 1 else one for one in inputs]


def check_names(inputs: Iterable[Input]) -> None:
    """Refuses documents whose results would have the same names.

    Raises:
        UsageError: There are such.
    """
    seen: set[str] = set()
    for one in inputs:
        if one.stem in seen:
            raise UsageError(
                f"Two documents are called {in_one_line(one.stem)}, and one result would overwrite the other's; "
                "rename one, or read them into different folders."
            )
        seen.add(one.stem)
