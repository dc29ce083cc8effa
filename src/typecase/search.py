"""Finds text in a document and says where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from typecase.document import Box, Document, Line, Page, Word, union
from typecase.errors import UsageError


@dataclass(frozen=True)
class Found:
    """A place where something was found.

    Attributes:
        text: What stands there.
        page: The number of its page, from 1.
        boxes: The box around it, one for each line that it goes through.
        words: The words that it goes through, whole or in part.
        groups: What the groups of the pattern matched.
    """

    text: str
    page: int
    boxes: tuple[Box, ...]
    words: tuple[Word, ...]
    groups: tuple[str | None, ...] = ()

    @property
    def box(self) -> Box:
        """The box around all of it."""
        return union(self.boxes)


def find(document: Document, pattern: str | re.Pattern[str], flags: int = 0) -> Iterator[Found]:
    """Finds a pattern in the text of each page; see `Document.find`."""
    try:
        compiled = re.compile(pattern, flags) if isinstance(pattern, str) else pattern
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression ({error}).") from None
    return (found for page in document.pages for found in _found(page, compiled))


def _found(page: Page, pattern: re.Pattern[str]) -> Iterator[Found]:
    places = list(_places(page))
    first = 0
    for match in pattern.finditer(page.text):
        start, end = match.span()
        if start == end:
            continue
        while first < len(places) and places[first][0] + len(places[first][1].text) <= start:
            first += 1
        words: list[Word] = []
        boxes: list[Box] = []
        line: Line | None = None
        for place, word, of_line in places[first:]:
            if place >= end:
                break
            box = _part(word, start - place, end - place)
            words.append(word)
            if of_line is line:
                boxes[-1] = union((boxes[-1], box))
            else:
                boxes.append(box)
            line = of_line
        yield Found(match.group(), page.number, tuple(boxes), tuple(words), match.groups())


def _places(page: Page) -> Iterator[tuple[int, Word, Line]]:
    """Each word with its place in `Page.text`, and its line."""
    place = 0
    for block in page.blocks:
        for line in block.lines:
            for word in line.words:
                yield place, word, line
                place += len(word.text) + 1
            # A space after each word, of which the last is the line's end instead; a line without words has its own.
            place += 0 if line.words else 1
        place += 1 if block.lines else 2


def _part(word: Word, start: int, end: int) -> Box:
    """The box of a part of a word: that of its characters, or its share of the word's own."""
    start, end = max(0, start), min(len(word.text), end)
    if (start, end) == (0, len(word.text)):
        return word.box
    if "".join(character.text for character in word.characters) == word.text:
        place, boxes = 0, []
        for character in word.characters:
            if place < end and place + len(character.text) > start:
                boxes.append(character.box)
            place += len(character.text)
        return union(boxes)
    step = word.box.width / len(word.text)
    return Box(word.box.x + start * step, word.box.y, (end - start) * step, word.box.height)
