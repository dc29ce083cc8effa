"""Pictures as arguments of a verb: files, folders, standard input; and leaving when some of them cannot be read."""

from __future__ import annotations

import io
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from typecase.cli import output
from typecase.errors import InputError, SomeInputsError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

PROGRESS_FROM = 200
"""Fewer pictures are done before a progress bar can be read."""

_Answer = TypeVar("_Answer")


class StandardInput(io.BytesIO):
    """What came through standard input, so that it can be read twice; answers call it by its name."""

    name = "-"


def picture_sources(arguments: Iterable[str], verb: str) -> Iterator[Path | StandardInput]:
    """What the arguments stand for: each picture by its path, and `-` once as what came through standard input.

    Raises:
        UsageError: Standard input is asked for, and is a keyboard.
    """
    from typecase.sources import MAX_STREAM_BYTES, find_pictures

    waiting = True
    for argument in arguments:
        if argument != "-":
            yield from find_pictures([argument])
        elif waiting:
            if sys.stdin.isatty():
                raise UsageError(f"- reads a picture from standard input; send one: typecase {verb} - < picture.png")
            waiting = False
            # One byte above the limit is enough for it to be refused later, by name, like any other.
            yield StandardInput(sys.stdin.buffer.read(MAX_STREAM_BYTES + 1))


def pixel_limit(max_pixels: int | None) -> int:
    """The most pixels of a picture; also makes Pillow keep to it and to its place in this process."""
    from PIL import Image

    from typecase.sources import MAX_PIXELS

    limit = MAX_PIXELS if max_pixels is None else max_pixels
    # A few of Pillow's decoders look at its own limit besides; this process is ours, so the two are made one.
    Image.MAX_IMAGE_PIXELS = limit
    # Pillow warns of oddities inside a file that was read all the same; nobody can do anything about them here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return limit


def counted(answers: Iterable[_Answer], count: int) -> Iterator[_Answer]:
    """The answers, with a progress bar where there are many and nothing else is written to the screen."""
    if count < PROGRESS_FROM or not sys.stderr.isatty():
        yield from answers
        return
    with output.progress() as progress:
        task = progress.add_task("Pictures", total=count)
        for answer in answers:
            yield answer
            progress.advance(task)


def leave(failed: Sequence[str], count: int) -> None:
    """Raises what the exit code stands for when pictures could not be read.

    Args:
        failed: Why, for each that could not.
        count: How many there were.
    """
    if not failed:
        return
    if count == 1:
        raise InputError(printable(failed[0]))
    if len(failed) == count:
        raise InputError(f"None of the {count} pictures could be read; the reasons stand above.")
    raise SomeInputsError(f"{len(failed)} of {count} pictures could not be read; the others were done.")


def printable(text: str) -> str:
    """A path as text: its bytes may be none that any encoding knows, which Python keeps as lone surrogates."""
    return text.encode("utf-8", "surrogateescape" if _is_path(text) else "replace").decode("utf-8", "replace")


def _is_path(text: str) -> bool:
    """Whether the only halves of surrogate pairs in a text are those that stand for the bytes of a path."""
    return not any(0xD800 <= ord(one) < 0xDC80 or 0xDD00 <= ord(one) < 0xE000 for one in text)


def in_one_line(text: str) -> str:
    """A text as a message shows it: printable, with its line breaks and other control characters as escapes."""
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in printable(text)
    )
