"""Small draws of chance from a generator that is handed in, much quicker than NumPy's own for single values."""

from __future__ import annotations

import string
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


def chance(generator: np.random.Generator, share: float) -> bool:
    """Whether something happens that happens in this share of cases, 0..1."""
    return generator.random() < share


def pick(generator: np.random.Generator, options: Sequence[T]) -> T:
    """One of some options, each as likely as the others."""
    return options[int(generator.random() * len(options))]


def whole(generator: np.random.Generator, lowest: int, highest: int) -> int:
    """A whole number between two, both included."""
    return lowest + int(generator.random() * (highest - lowest + 1))


def digits(generator: np.random.Generator, count: int) -> str:
    """A run of digits; 15 at most."""
    return f"{int(generator.random() * 10**count):0{count}d}"


def fill(generator: np.random.Generator, pattern: str) -> str:
    """Fills a pattern: `#` becomes a digit, `?` a capital, `~` a small letter, `*` a digit or capital."""
    return "".join(pick(generator, _ALPHABETS[one]) if one in _ALPHABETS else one for one in pattern)


def redigit(generator: np.random.Generator, text: str) -> str:
    """The same with other digits, so that a pool of a few numbers in a country's manner gives any number of them."""
    return "".join(pick(generator, string.digits) if one in _DIGITS else one for one in text)


class Choice(Generic[T]):
    """Draws from options that are not equally likely."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        """Takes the options with their weights, which are positive and need not sum to one."""
        self._options = tuple(weights)
        self._edges = tuple(accumulate(weights.values()))

    def draw(self, generator: np.random.Generator) -> T:
        """One of the options."""
        place = bisect_right(self._edges, generator.random() * self._edges[-1])
        return self._options[min(place, len(self._options) - 1)]


_DIGITS = frozenset(string.digits)
_ALPHABETS = {
    "#": string.digits,
    "?": string.ascii_uppercase,
    "~": string.ascii_lowercase,
    "*": string.digits + string.ascii_uppercase,
}
