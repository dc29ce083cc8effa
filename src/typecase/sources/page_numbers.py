"""Which pages of a document are meant: `1,3-5,end`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from typecase.errors import InputError, UsageError

Pages: TypeAlias = str | int | Iterable[int] | None
"""How pages are named: `1,3-5,end`, a number from 1, several numbers, or None for all."""

_END = "end"
_PART = re.compile(rf"(\d{{1,9}}|{_END})(?:\s*(-)\s*(\d{{1,9}}|{_END})?)?", re.IGNORECASE)


@dataclass(frozen=True)
class PageSelection:
    """Some pages of a document, whichever document it is.

    Attributes:
        ranges: First and last page of each part, from 1; None stands for the last page of the document.
        text: As it was asked for.
    """

    ranges: tuple[tuple[int | None, int | None], ...]
    text: str

    @classmethod
    def of(cls, pages: Pages) -> PageSelection | None:
        """Reads what pages are asked for; None for all of them.

        Raises:
            UsageError: It cannot be read, names a page 0, or none at all.
        """
        if pages is None:
            return None
        if isinstance(pages, bool) or not isinstance(pages, (str, int, Iterable)):
            raise UsageError(f"Pages cannot be {pages!r}; write them as 1,3-5,end.")
        if isinstance(pages, int):
            pages = [pages]
        if not isinstance(pages, str):
            numbers = list(pages)
            if not all(isinstance(number, int) for number in numbers):
                raise UsageError(f"Pages cannot be {numbers!r}; give whole numbers from 1.")
            text = ",".join(map(str, numbers))
        else:
            text = pages.strip()
        ranges = []
        for part in text.split(","):
            found = _PART.fullmatch(part.strip())
            if found is None:
                raise UsageError(f"The pages {text!r} cannot be understood; write them as 1,3-5,end.")
            first = _number(found[1])
            last = first if found[2] is None else _number(found[3] or _END)
            if first == 0 or last == 0:
                raise UsageError(f"The pages {text!r} name a page 0; the first page is 1.")
            if first is not None and last is not None and last < first:
                raise UsageError(f"The pages {text!r} run backwards; write them as 1,3-5,end.")
            ranges.append((first, last))
        return cls(tuple(ranges), text)

    def numbers(self, count: int, name: str) -> list[int]:
        """The pages of a document that has so many, ascending and each once; those that it has not are left out.

        Raises:
            InputError: It has none of them.
        """
        chosen: set[int] = set()
        for first, last in self.ranges:
            chosen.update(range(count if first is None else first, min(count if last is None else last, count) + 1))
        if not chosen:
            has = "1 page" if count == 1 else f"{count} pages"
            raise InputError(f"{name} has {has}, and none of those asked for ({self.text}).")
        return sorted(chosen)


def _number(text: str) -> int | None:
    return None if text.lower() == _END else int(text)
