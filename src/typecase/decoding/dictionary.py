"""The words of some languages with how often they are used, to be looked up and to be walked letter by letter."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left
from collections.abc import Mapping
from enum import Enum, auto
from functools import cached_property

from typecase.errors import ModelError

LEAST_SHARE = math.exp(-17.0)
"""A word that is a smaller share of all words, one in twenty-four million, is left out."""

FEWEST_LETTERS = 3
"""A shorter word tells too little to be recognised by its spelling."""

STEP = 0.25
"""Logarithms are kept in steps of this size, in a byte each."""

_LONGEST = 40


class Dictionary:
    """Words in small letters, and the logarithm of each one's share of all words.

    It is unpacked at the first question, for what is read surely asks none.
    """

    def __init__(self, packed: bytes = b"", costs: bytes = b"") -> None:
        """Takes words; see `of`.

        Args:
            packed: The words in UTF-8, rising, a line each, compressed by zlib; none for a dictionary without words.
            costs: For each word the logarithm of its share of all words, without its sign and in steps of `STEP`.
        """
        self.packed, self.costs = packed, costs

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> Dictionary:
        """Makes a dictionary.

        Args:
            shares: For each word, in small letters, its share of all words, 0 to 1.
        """
        words = sorted(
            word
            for word, share in shares.items()
            if share >= LEAST_SHARE and FEWEST_LETTERS <= len(word) <= _LONGEST and word.isalpha()
        )
        text = "".join(word + "\n" for word in words).encode()
        costs = bytes(min(255, round(-math.log(shares[word]) / STEP)) for word in words)
        return cls(zlib.compress(text, 9) if words else b"", costs)

    def __len__(self) -> int:
        return len(self.costs)

    def __contains__(self, word: str) -> bool:
        """Whether it is a word, in small letters."""
        return self.cost(word) < math.inf

    def cost(self, word: str) -> float:
        """The logarithm of a word's share of all words, without its sign; infinite of what is no word."""
        place = self._place(word)
        there = place < len(self._words) and self._words[place] == word.encode()
        return self.costs[place] * STEP if there else math.inf

    def begins(self, letters: str) -> bool:
        """Whether a word begins with some letters."""
        place = self._place(letters)
        return place < len(self._words) and self._words[place].startswith(letters.encode())

    def _place(self, letters: str) -> int:
        """The number of the first word that is not before some letters."""
        return bisect_left(self._words, letters.encode())

    @cached_property
    def _words(self) -> list[bytes]:
        """The words in UTF-8, rising.

        Raises:
            ModelError: They are damaged.
        """
        if not self.packed:
            return []
        unpacking = zlib.decompressobj()
        try:
            words = unpacking.decompress(self.packed, (4 * _LONGEST + 1) * len(self.costs)).split()
        except zlib.error:
            words = []
        if not unpacking.eof or len(words) != len(self.costs):
            raise ModelError("The dictionary of the language model is damaged; make the language model again.")
        return words


class _Case(Enum):
    """How what was read of a word so far is written."""

    NONE = auto()
    SMALL = auto()
    LARGE = auto()
    TITLE = auto()
    CAPITALS = auto()


# What follows a small letter, and what a capital.
_CASES: Mapping[_Case, tuple[_Case | None, _Case | None]] = {
    _Case.NONE: (_Case.SMALL, _Case.LARGE),
    _Case.SMALL: (_Case.SMALL, None),
    _Case.LARGE: (_Case.TITLE, _Case.CAPITALS),
    _Case.TITLE: (_Case.TITLE, None),
    _Case.CAPITALS: (None, _Case.CAPITALS),
}


class Spellings:
    """The words of a dictionary in small letters, in capitals, and with a large first letter, as an automaton.

    Made anew for every few lines, for it keeps all that was walked.
    """

    spaces = 0

    def __init__(self, dictionary: Dictionary, weight: float) -> None:
        """Takes a dictionary.

        Args:
            dictionary: The words.
            weight: What their costs are multiplied by to be prices.
        """
        self._dictionary, self._weight = dictionary, weight
        self._states: list[tuple[str, _Case]] = [("", _Case.NONE)]
        self._next: dict[tuple[int, str], int | None] = {}

    def step(self, state: int, character: str) -> int | None:
        """See `Automaton`."""
        key = (state, character)
        if key not in self._next:
            self._next[key] = self._stepped(*self._states[state], character)
        return self._next[key]

    def price(self, state: int) -> float:
        """See `Automaton`."""
        return self._weight * self._dictionary.cost(self._states[state][0])

    def _stepped(self, letters: str, case: _Case, character: str) -> int | None:
        following = _CASES[case][character.isupper()]
        if following is None or not character.isalpha():
            return None
        letters += folded(character)
        if not self._dictionary.begins(letters):
            return None
        self._states.append((letters, following))
        return len(self._states) - 1


def folded(text: str) -> str:
    """A text in small letters, one for each of its own: `lower` makes two of the capital İ."""
    return text.replace("İ", "i").lower()
