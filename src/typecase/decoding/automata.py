"""Which texts are expected, as automata that are walked character by character: a list of words, a regular expression.

A state is a number, 0 the first. Nothing is built before it is asked for, so that a pattern over four hundred
characters or a list of a hundred thousand words costs what is walked of it.
"""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from typecase.errors import UsageError

# The parser of Python's own expressions: what is written is what `re` understands, and its mistakes are told as there.
_parser: Any = importlib.import_module("re._parser")

MOST_STATES = 10_000
"""A pattern that needs more is refused; counted repeats (`.{5000}`) are written out."""

_NAMES_OF_REFUSED = {
    "ASSERT": "looking ahead or behind",
    "ASSERT_NOT": "looking ahead or behind",
    "GROUPREF": "a reference to an earlier group",
    "GROUPREF_EXISTS": "a condition on an earlier group",
}
_ENDS = ("AT_BEGINNING", "AT_BEGINNING_STRING", "AT_END", "AT_END_STRING")


class Automaton(Protocol):
    """Texts that are expected, over some alphabet."""

    spaces: int
    """The most spaces that such a text has."""

    def step(self, state: int, character: str) -> int | None:
        """The state after a character, or None where no expected text goes on with it."""

    def price(self, state: int) -> float:
        """What it counts against a text that ends here, 0 and more; infinite where no expected text does."""


def accepted(automaton: Automaton, text: str) -> bool:
    """Whether a text is one of those that are expected."""
    state = 0
    for character in text:
        following = automaton.step(state, character)
        if following is None:
            return False
        state = following
    return automaton.price(state) < math.inf


class WordList:
    """Words, each as it is written, as a tree of their beginnings."""

    def __init__(self, words: Iterable[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._ends: set[int] = set()
        self.spaces = 0
        for word in words:
            self.spaces = max(self.spaces, word.count(" "))
            state = 0
            for character in word:
                following = self._next[state].get(character)
                if following is None:
                    following = len(self._next)
                    self._next[state][character] = following
                    self._next.append({})
                state = following
            self._ends.add(state)

    def step(self, state: int, character: str) -> int | None:
        """See `Automaton`."""
        return self._next[state].get(character)

    def price(self, state: int) -> float:
        """See `Automaton`."""
        return 0.0 if state in self._ends else math.inf


class Pattern:
    """The texts that a regular expression matches as a whole.

    Everything of Python's expressions that is about characters is understood: classes, groups, alternatives, repeats
    and flags. What looks around or back is refused, for it is no property of the characters read so far.
    """

    # It is compared with a line as a whole and with each word; runs of words would be too many to compare.
    spaces = 0

    def __init__(self, expression: str, alphabet: Iterable[str]) -> None:
        """Reads an expression.

        Args:
            expression: As Python's `re` writes them; it must match the whole text, with or without ^ and $.
            alphabet: The characters that can be read.

        Raises:
            UsageError: It is no expression, it uses what is not understood, or it is too long.
        """
        self._expression = expression
        self._alphabet = [character for character in alphabet if len(character) == 1]
        try:
            with warnings.catch_warnings():
                # Of signs that may mean something else in a later version of Python.
                warnings.simplefilter("ignore", FutureWarning)
                tree = _parser.parse(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"The pattern {expression!r} is no regular expression ({error}); correct it.") from None
        # Steps of the expression: what each consumes and where that leads, and where it leads by itself.
        self._moves: list[dict[str, int]] = []
        self._jumps: list[list[int]] = []
        self._classes: dict[tuple[str, int], list[str]] = {}
        start = self._new()
        self._end = self._sequence(tree, start, tree.state.flags)
        # States of the automaton: sets of steps of the expression, found as they are met.
        self._sets: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._known: dict[tuple[int, str], int | None] = {}
        self._number(self._closure([start]))

    def step(self, state: int, character: str) -> int | None:
        """See `Automaton`."""
        key = (state, character)
        if key not in self._known:
            moves = (self._moves[place].get(character) for place in self._sets[state])
            following = self._closure([place for place in moves if place is not None])
            self._known[key] = self._number(following) if following else None
        return self._known[key]

    def price(self, state: int) -> float:
        """See `Automaton`."""
        return 0.0 if self._end in self._sets[state] else math.inf

    def _number(self, places: frozenset[int]) -> int:
        number = self._numbers.setdefault(places, len(self._sets))
        if number == len(self._sets):
            self._sets.append(places)
        return number

    def _closure(self, places: Sequence[int]) -> frozenset[int]:
        found = set(places)
        waiting = list(places)
        while waiting:
            for place in self._jumps[waiting.pop()]:
                if place not in found:
                    found.add(place)
                    waiting.append(place)
        return frozenset(found)

    def _new(self) -> int:
        if len(self._moves) >= MOST_STATES:
            raise UsageError(
                f"The pattern {self._expression!r} is too long once its repeats are written out; shorten it."
            )
        self._moves.append({})
        self._jumps.append([])
        return len(self._moves) - 1

    def _sequence(self, tree: Iterable[tuple[Any, Any]], place: int, flags: int) -> int:
        for operation, argument in tree:
            place = self._one(str(operation), argument, place, flags)
        return place

    def _one(self, operation: str, argument: Any, place: int, flags: int) -> int:
        """Adds one operation at a place; gives the place after it."""
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            end = self._new()
            items = argument if operation == "IN" else [(operation, argument)]
            self._moves[place] |= dict.fromkeys(self._characters(items, flags), end)
            return end
        if operation == "SUBPATTERN":
            _, added, removed, tree = argument
            return self._sequence(tree, place, (flags | added) & ~removed)
        if operation == "ATOMIC_GROUP":
            return self._sequence(argument, place, flags)
        if operation == "BRANCH":
            end = self._new()
            for tree in argument[1]:
                start = self._new()
                self._jumps[place].append(start)
                self._jumps[self._sequence(tree, start, flags)].append(end)
            return end
        if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(argument, place, flags)
        if operation == "AT" and str(argument) in _ENDS:
            return place
        what = _NAMES_OF_REFUSED.get(operation, "a boundary such as \\b" if operation == "AT" else operation.lower())
        raise UsageError(f"The pattern {self._expression!r} uses {what}, which is not understood here; leave it out.")

    def _repeat(self, argument: tuple[int, Any, Any], place: int, flags: int) -> int:
        least, most, tree = argument
        for _ in range(least):
            place = self._sequence(tree, place, flags)
        end = self._new()
        if str(most) == "MAXREPEAT":
            start = self._new()
            self._jumps[place] += [start, end]
            self._jumps[self._sequence(tree, start, flags)] += [start, end]
            return end
        self._jumps[place].append(end)
        for _ in range(int(most) - least):
            start = self._new()
            self._jumps[place].append(start)
            place = self._sequence(tree, start, flags)
            self._jumps[place].append(end)
        return end

    def _characters(self, items: Sequence[tuple[Any, Any]], flags: int) -> list[str]:
        """The characters of the alphabet that a class of the expression holds."""
        # A repeat asks for the same class again and again.
        key = (repr(items), flags)
        if key not in self._classes:
            self._classes[key] = self._found_characters(items, flags)
        return self._classes[key]

    def _found_characters(self, items: Sequence[tuple[Any, Any]], flags: int) -> list[str]:
        negated = bool(items) and str(items[0][0]) == "NEGATE"
        tests = [(str(operation), argument) for operation, argument in items[negated:]]
        return [
            character
            for character in self._alphabet
            if any(_fits(character, operation, argument, flags) for operation, argument in tests) != negated
        ]


_CATEGORIES: Mapping[str, str] = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def _fits(character: str, operation: str, argument: Any, flags: int) -> bool:
    if operation == "ANY":
        return True
    if operation == "CATEGORY":
        name = str(argument).removeprefix("CATEGORY_")
        found = re.match(_CATEGORIES[name.removeprefix("NOT_")], character, flags & re.ASCII) is not None
        return found != name.startswith("NOT_")
    forms = {character, character.lower(), character.upper()} if flags & re.IGNORECASE else {character}
    codes = [ord(form) for form in forms if len(form) == 1]
    if operation == "RANGE":
        return any(argument[0] <= code <= argument[1] for code in codes)
    return (argument in codes) != (operation == "NOT_LITERAL")
