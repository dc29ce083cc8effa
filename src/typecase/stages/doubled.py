"""Marks that were read as two of another kind: a long dash as two hyphens, quotation marks as two single ones."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
import numpy as np

from typecase.document import Character, Line, Word, union
from typecase.preprocess import PixelArray
from typecase.stages.crop import Strip
from typecase.stages.ink import ink_of

_HYPHENS, _DASH = "--", "—"
# Nobody sets two single ones beside each other, but where there is no other mark, as on a typewriter.
_QUOTES = {"’’": "”", "‘‘": "“", "''": '"', "‚‚": "„"}
_TWO_QUOTES = re.compile("|".join(_QUOTES))


def with_whole_marks(line: Line, strip: Strip, characters: Collection[str]) -> Line:
    """Takes two marks for the one that they look like together.

    Args:
        line: What was read in the strip, in its pixels.
        strip: What was cut out.
        characters: Those that may be read.
    """
    words = tuple([_with_whole_dash(_with_whole_quotes(word, characters), strip, characters) for word in line.words])
    same = all(new is old for new, old in zip(words, line.words, strict=True))
    return line if same else msgspec.structs.replace(line, words=words)


def _with_whole_quotes(word: Word, characters: Collection[str]) -> Word:
    halves = [
        one for one in _TWO_QUOTES.finditer(word.text) if _QUOTES[one[0]] in characters and len(word.text) > len(one[0])
    ]
    if not halves:
        return word
    text, shown = word.text, list(word.characters)
    each = len(shown) == len(text)
    for half in reversed(halves):
        start, end = half.span()
        mark = _QUOTES[half[0]]
        text = text[:start] + mark + text[end:]
        if each:
            pair = shown[start:end]
            sure = min(one.confidence for one in pair)
            shown[start:end] = [Character(mark, union(one.box for one in pair), sure)]
    return msgspec.structs.replace(word, text=text, characters=tuple(shown))


def _with_whole_dash(word: Word, strip: Strip, characters: Collection[str]) -> Word:
    """Two hyphens are a dash where there is no gap between them."""
    if word.text != _HYPHENS or _DASH not in characters:
        return word
    ink = ink_of(strip.pixels, strip.pixels)
    if ink is None or not _goes_through(ink, word):
        return word
    # Either half was taken for a stroke, and it is one.
    confidence = max((one.confidence for one in word.characters), default=word.confidence)
    shown = (Character(_DASH, word.box, confidence),) if word.characters else ()
    return Word(_DASH, word.box, word.confidence, shown)


def _goes_through(ink: PixelArray, word: Word) -> bool:
    """Whether there is ink from a word's first column with ink to its last."""
    box = word.box
    columns = np.flatnonzero(ink[int(box.y) : round(box.bottom) + 1, int(box.x) : round(box.right) + 1].any(axis=0))
    return bool(len(columns)) and len(columns) > columns[-1] - columns[0]
