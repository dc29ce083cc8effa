"""Reads a word that no dictionary has as one that it does, where the net is unsure and finds that one nearly as likely.

What is no word is weighed as a run of characters by the language model, a word by how often it is used. The word is
taken where it is likelier by more than the net finds it less likely (the noisy channel of Kernighan, Church and Gale
1990, with the net in the place of the typist).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from typecase.decoding.bias import expected_path
from typecase.decoding.ctc import Frames, Indices, Parts, Runs
from typecase.decoding.dictionary import FEWEST_LETTERS, Spellings, folded
from typecase.decoding.language_model import WEIGHT, CharacterModel
from typecase.preprocess import FloatArray

MOST_LOST = 10.0
"""A word is not taken that the net finds less likely by more than this, as a logarithm, however likely it is."""

MOST_OF_FRAME = 6.0
"""A class that is less likely by more than this in a frame is not tried there."""

WAYS_KEPT = 20
"""How many beginnings of words are followed at once, the likeliest."""

MOST_LETTERS = 30
"""A longer run of characters is left as it is."""

# Signs that letters are mistaken for; all others part words, and so do spaces.
_LOOKALIKES = frozenset("!|[]{}‹›<>«»$€£¥§©®°¡¿²³¹")

_LEAST = 1e-12


@dataclass(frozen=True)
class Respelled:
    """A word that was found for something else.

    Attributes:
        start: First frame of its stretch, counted over the frames of all lines.
        end: The frame after the last.
        changed: The frames in it that stand for another class now.
        gain: How much likelier the word is than what was read, by all but the net, as a logarithm.
    """

    start: int
    end: int
    changed: Indices
    gain: float


@dataclass(frozen=True)
class _Unit:
    """Something between spaces and signs: its line, its runs and frames, each first and end, and its text."""

    line: int
    first: int
    last: int
    start: int
    end: int
    text: str


class Speller:
    """Finds words for what is none."""

    def __init__(self, model: CharacterModel, weight: float = WEIGHT) -> None:
        """Takes a language model with a dictionary.

        Args:
            model: How likely words and other texts are.
            weight: See `language_model.WEIGHT`.
        """
        self._model, self._weight = model, weight
        self._names = ("", *model.names)
        self._parting = np.array([not (one.isalnum() or one in _LOOKALIKES) for one in self._names])

    def __call__(self, frames: Frames, path: Indices, runs: Runs, unsure: Indices) -> list[Respelled]:
        """Puts words into a path.

        Args:
            frames: The frames of all lines.
            path: The net's class of each, [frames]; changed in its place.
            runs: What it says.
            unsure: The frames that the net is unsure about, rising.
        """
        if not self._model.dictionary:
            return []
        units = [unit for unit in self._units(frames, runs, unsure) if not self._known(unit.text)]
        if not units:
            return []
        spellings = Spellings(self._model.dictionary, self._weight)
        found = []
        for unit, said in zip(units, self._said(runs, units), strict=True):
            one = self._respelled(frames, path, unit, -self._weight * said, spellings)
            if one is not None:
                found.append(one)
        return found

    def _units(self, frames: Frames, runs: Runs, unsure: Indices) -> list[_Unit]:
        """What stands between spaces and signs and is long enough to be a word, and not sure."""
        parts = Parts.of(frames, runs, self._parting[runs.classes])
        sizes = parts.lasts - parts.firsts
        doubted = np.searchsorted(unsure, parts.ends) > np.searchsorted(unsure, parts.starts)
        chosen = doubted & (sizes >= FEWEST_LETTERS) & (sizes <= MOST_LETTERS)
        units = []
        places = np.stack([parts.lines, parts.firsts, parts.lasts, parts.starts, parts.ends], axis=1)[chosen]
        for line, first, last, start, end in places.tolist():
            text = "".join([self._names[label] for label in runs.classes[first:last].tolist()])
            units.append(_Unit(line, first, last, start, end, text))
        return units

    def _known(self, text: str) -> bool:
        """Whether something is a word, or too few letters to be one."""
        letters = "".join([character for character in text if character.isalpha()])
        if len(letters) < FEWEST_LETTERS:
            return True
        # In Turkish an I is a capital ı.
        return any(folded(form) in self._model.dictionary for form in (letters, letters.replace("I", "ı")))

    def _said(self, runs: Runs, units: Sequence[_Unit]) -> list[float]:
        """What the language model says to the characters of each unit after those before it in its line."""
        classes, line_starts = runs.classes.tolist(), runs.offsets.tolist()
        stream: list[int] = []
        before: list[int] = []
        bounds = []
        for unit in units:
            left = self._model.context(classes, line_starts[unit.line], unit.first)
            stream += (*left, *classes[unit.first : unit.last])
            size = len(left) + unit.last - unit.first
            before += range(size)
            bounds.append((len(stream) - (unit.last - unit.first), len(stream)))
        said = self._model.of_stream(np.array(stream, np.intp), np.array(before, np.intp))
        return [float(said[start:end].sum()) for start, end in bounds]

    def _respelled(
        self, frames: Frames, path: Indices, unit: _Unit, against: float, spellings: Spellings
    ) -> Respelled | None:
        """The word for a unit, if there is one.

        Args:
            frames: The frames of all lines.
            path: The net's class of each; the word is put into it.
            unit: What was read.
            against: What is against that, by all but the net, as a logarithm.
            spellings: The words.
        """
        logs = np.log(np.maximum(frames.probabilities[unit.start : unit.end], _LEAST))
        losses: FloatArray = logs.max(axis=1, keepdims=True) - logs
        was = path[unit.start : unit.end]
        # The language model may have chosen what the net finds a little less likely.
        lost = float(losses[np.arange(len(was)), was].sum())
        losses[losses > MOST_OF_FRAME] = np.inf
        total, now = expected_path(
            losses, spellings, self._names, min(MOST_LOST, against) + lost, against + lost, WAYS_KEPT
        )
        if now is None:
            return None
        changed = np.flatnonzero(now != was)
        gain = against - (total - float(losses[np.arange(len(now)), now].sum()))
        path[unit.start : unit.end] = now
        return Respelled(unit.start, unit.end, unit.start + changed, gain)


def weigh(frames: Frames, path: Indices, words: Sequence[Respelled]) -> None:
    """Gives the frames of what was respelled the odds that it has gained, in equal parts.

    Args:
        frames: The frames of all lines; changed in their place.
        path: The net's class of each.
        words: What was respelled.
    """
    for word in words:
        frames.favour(word.changed, path[word.changed], np.float32(word.gain / max(1, len(word.changed))))
