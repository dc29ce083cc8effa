"""Words corrected by hand, in the tree of a page."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from typecase.document import Box, Character, Line, Page, Point, Polygon, Word
from typecase.serve.problems import Problem

LONGEST_TEXT = 500


class Correction(BaseModel):
    """What a word really says."""

    model_config = ConfigDict(extra="forbid")

    block: int = Field(ge=0, le=100_000, description="Which block of the page, from 0.")
    line: int = Field(ge=0, le=100_000, description="Which line of the block, from 0.")
    word: int = Field(ge=0, le=100_000, description="Which word of the line, from 0.")
    was: str = Field(max_length=LONGEST_TEXT, description="What the word says now, so that no other one is changed.")
    text: str = Field(
        max_length=LONGEST_TEXT,
        description="What it really says: the same text confirms it, spaces divide it, an empty text removes it.",
    )


class Corrections(BaseModel):
    """Corrections of a page, made one after another."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"corrections": [{"block": 0, "line": 2, "word": 1, "was": "1O.50", "text": "10.50"}]}]
        },
    )

    corrections: list[Correction] = Field(min_length=1, max_length=1000)


LineIndex = tuple[int, int]
"""A block's index and that of a line within it, both from 0."""


def corrected(page: Page, corrections: Iterable[Correction]) -> tuple[Page, list[LineIndex]]:
    """A page with some of its words corrected.

    What a person has said is certain, so a corrected word's confidence is 1. Lines stay even where no word is left, so
    that their indices keep their meaning.

    Args:
        page: The page.
        corrections: What is corrected, each seeing what those before it did.

    Returns:
        The new page and the lines that were touched.

    Raises:
        Problem: There is no such word, or it says something else (409).
    """
    blocks = [[list(line.words) for line in block.lines] for block in page.blocks]
    touched: dict[LineIndex, None] = {}
    for one in corrections:
        try:
            words = blocks[one.block][one.line]
            old = words[one.word]
        except IndexError:
            raise _conflict(f"block {one.block}, line {one.line}, word {one.word}") from None
        if old.text != one.was:
            raise _conflict(f"the word {one.was!r}")
        words[one.word : one.word + 1] = _reworded(old, unicodedata.normalize("NFC", one.text).split())
        touched[one.block, one.line] = None
    new_blocks = tuple(
        replace(
            block,
            lines=tuple(
                _reassembled(line, blocks[b][n]) if (b, n) in touched else line for n, line in enumerate(block.lines)
            ),
        )
        for b, block in enumerate(page.blocks)
    )
    return replace(page, blocks=new_blocks), list(touched)


def _conflict(what: str) -> Problem:
    return Problem(409, "no-such-word", f"The page has no longer {what}; get the page again and correct that.")


def _reassembled(line: Line, words: Sequence[Word]) -> Line:
    return replace(line, words=tuple(words), confidence=min((word.confidence for word in words), default=1.0))


def _reworded(old: Word, texts: Sequence[str]) -> list[Word]:
    if len(texts) == 1:
        return [replace(old, text=texts[0], confidence=1.0, characters=_characters(old, texts[0]))]
    # Words of a proportional face, as wide as they have characters, and one for each space.
    whole = sum(map(len, texts)) + len(texts) - 1
    begun = 0
    words = []
    for text in texts:
        share = (begun / whole, (begun + len(text)) / whole)
        part = replace(old, box=_slice(old.box, *share), polygon=_polygon_slice(old.polygon, *share))
        part = replace(part, text=text, confidence=1.0, characters=())
        words.append(replace(part, characters=_characters(part, text)))
        begun += len(text) + 1
    return words


def _characters(word: Word, text: str) -> tuple[Character, ...]:
    """The characters of a corrected word: where the old ones were if there are as many, else evenly over its box."""
    if len(word.characters) == len(text):
        return tuple(Character(new, old.box, 1.0) for new, old in zip(text, word.characters, strict=True))
    if word.polygon:
        # Evenly along a line that does not run to the right would be wrong for the boxes.
        return ()
    return tuple(
        Character(new, _slice(word.box, place / len(text), (place + 1) / len(text)), 1.0)
        for place, new in enumerate(text)
    )


def _slice(box: Box, start: float, end: float) -> Box:
    return Box(box.x + start * box.width, box.y, (end - start) * box.width, box.height)


def _polygon_slice(polygon: Polygon, start: float, end: float) -> Polygon:
    if len(polygon) != 4:
        return ()
    top_left, top_right, bottom_right, bottom_left = polygon

    def between(one: Point, other: Point, share: float) -> Point:
        return Point(one.x + share * (other.x - one.x), one.y + share * (other.y - one.y))

    return (
        between(top_left, top_right, start),
        between(top_left, top_right, end),
        between(bottom_left, bottom_right, end),
        between(bottom_left, bottom_right, start),
    )
