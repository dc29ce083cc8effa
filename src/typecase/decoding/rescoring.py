"""Lets a language model decide where the net is unsure, and nowhere else.

A line is read greedily. Stretches of frames whose best class is not sure are read again in the ways that the net finds
likeliest. What the language model says to each of these readings, between the characters on both sides, is weighed in,
and the likeliest is taken. Frames that are sure are not changed by that. They are most of a page's, so this costs a
tenth of what its net does, or less. What is no word then may still be taken for one; see `spelling`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from typecase.decoding.bias import align
from typecase.decoding.ctc import BLANK, Frames, Indices, Runs, runs_of
from typecase.decoding.language_model import REWARD, SURPRISE, WEIGHT, CharacterModel
from typecase.decoding.spelling import Speller, weigh

SURE = 0.98
"""A frame whose best class has at least this probability is never changed."""

GAP = 2
"""Unsure frames with at most so many sure ones between them are one stretch, for they are likely of one character."""

LEAST = 0.003
"""A class with a smaller probability in a frame is not tried there."""

WIDTH = 24
"""Readings of a stretch that are kept after each frame."""

LONGEST = 40
"""A stretch of more frames is left to the net: it is noise, handwriting or another script, and would take long."""

RATIO = 0.003
"""A reading so many times less likely than the likeliest is not asked about: no language model saves it."""

PASSES = 2
"""How often a line is gone over: what is found in one stretch may tell something about the next."""

LARGEST_GAIN = 6.0
"""The most that a language model may add to how sure a stretch is, or take from it, as a logarithm of odds."""

_Reading: TypeAlias = "tuple[int, ...]"
_Classes: TypeAlias = "list[tuple[int, float]]"
# The net's classes that are tried in a frame, with their probabilities beside that of the likeliest.


@dataclass
class _Stretch:
    """Frames that are read again, with a sure one on either side where the line does not end.

    Attributes:
        line: The line's number.
        start: First frame, counted over the frames of all lines.
        end: The frame after the last.
        readings: What may stand there, likeliest first.
        shares: The logarithms of their probabilities, but for a summand that is the same for all.
        gain: By how much the language model makes the odds of what is read there better, as a logarithm.
    """

    line: int
    start: int
    end: int
    readings: list[_Reading]
    shares: list[float]
    gain: float = 0.0


@dataclass(frozen=True)
class Rescoring:
    """Greedy decoding with a language model for what is unsure.

    Attributes:
        model: What is likely to be written.
        weight: See `language_model.WEIGHT`; with 0 nothing is changed.
        reward: See `language_model.REWARD`.
    """

    model: CharacterModel
    weight: float = WEIGHT
    reward: float = REWARD

    def __call__(self, frames: Frames) -> Runs:
        """Reads lines.

        Args:
            frames: The frames of all lines; the probabilities of what is unsure are changed in their place, for what
                the language model says to it is evidence too.
        """
        path = frames.probabilities.argmax(axis=1)
        runs = runs_of(path, frames.offsets)
        if not self.weight:
            return runs
        unsure = np.flatnonzero(frames.probabilities[np.arange(len(path)), path] < SURE)
        stretches = _stretches(frames, path, unsure)
        waiting = stretches
        for _ in range(PASSES):
            changed = self._choose(frames, path, runs, waiting)
            if not changed:
                break
            runs = runs_of(path, frames.offsets)
            waiting = [stretch for stretch in waiting if stretch.line in changed]
        words = self._speller(frames, path, runs, unsure)
        if words:
            runs = runs_of(path, frames.offsets)
            # What the language model says to another reading is no evidence for the word.
            stretches = [
                one for one in stretches if not any(one.start < word.end and word.start < one.end for word in words)
            ]
        _weigh(frames, path, unsure, stretches)
        weigh(frames, path, words)
        return runs

    @cached_property
    def _speller(self) -> Speller:
        return Speller(self.model, self.weight)

    def _choose(self, frames: Frames, path: Indices, runs: Runs, stretches: Sequence[_Stretch]) -> set[int]:
        """Puts the likeliest reading of each stretch into the path.

        Returns:
            The lines in which that changed something.
        """
        if not stretches:
            return set()
        # The runs that a stretch touches: what its readings say stands in their place.
        firsts = np.searchsorted(runs.ends, [stretch.start for stretch in stretches], side="right").tolist()
        lasts = np.searchsorted(runs.starts, [stretch.end for stretch in stretches], side="left").tolist()
        scores = self._scores(runs, stretches, firsts, lasts)
        changed = set()
        at = 0
        for stretch, first, last in zip(stretches, firsts, lasts, strict=True):
            said = scores[at : at + len(stretch.readings)]
            at += len(stretch.readings)
            together = [one + other for one, other in zip(stretch.shares, said, strict=True)]
            best = together.index(max(together))
            stretch.gain = _log_odds(together, best) - _log_odds(stretch.shares, best)
            if stretch.readings[best] != tuple(runs.classes[first:last].tolist()):
                path[stretch.start : stretch.end] = _path(frames, stretch, stretch.readings[best])
                changed.add(stretch.line)
        return changed

    def _scores(
        self, runs: Runs, stretches: Sequence[_Stretch], firsts: Sequence[int], lasts: Sequence[int]
    ) -> list[float]:
        """What the language model says to each reading of each stretch and to what follows it, one after the other."""
        reach = self.model.order - 1
        classes, offsets = runs.classes.tolist(), runs.offsets.tolist()
        # All readings with their neighbours, laid end to end, so that the model is asked once.
        stream: list[int] = []
        before: list[int] = []
        begins, ends, lengths = [], [], []
        for stretch, first, last in zip(stretches, firsts, lasts, strict=True):
            line_start, line_end = offsets[stretch.line], offsets[stretch.line + 1]
            left = self.model.context(classes, line_start, first)
            # The characters that the reading is context of.
            right = classes[last : min(line_end, last + reach)]
            if last + reach > line_end:
                right = [*right, BLANK]
            for reading in stretch.readings:
                begins.append(len(stream) + len(left))
                stream += (*left, *reading, *right)
                before += range(len(left) + len(reading) + len(right))
                ends.append(len(stream))
                lengths.append(len(reading))
        asked = np.zeros(len(stream) + 1, np.intp)
        asked[begins] += 1
        asked[ends] -= 1
        said = self.model.of_stream(np.array(stream, np.intp), np.array(before, np.intp), np.cumsum(asked[:-1]) > 0)
        # Sums up to each place, whose differences are the sums of pieces.
        sums = np.append(0.0, np.cumsum(np.maximum(said, SURPRISE), dtype=np.float64))
        scores: list[float] = (self.weight * (sums[ends] - sums[begins]) + self.reward * np.array(lengths)).tolist()
        return scores


def _stretches(frames: Frames, path: Indices, unsure: Indices) -> list[_Stretch]:
    """The stretches around some frames that can be read in more than one way; others are left out."""
    if not len(unsure):
        return []
    lines = np.searchsorted(frames.offsets, unsure, side="right")
    begun = np.flatnonzero(np.append(True, (np.diff(unsure) > GAP + 1) | (np.diff(lines) > 0)))
    firsts, lasts = unsure[begun], unsure[np.append(begun[1:] - 1, len(unsure) - 1)]
    # What is unsure for so long is no print.
    short = lasts - firsts < LONGEST
    firsts, lasts = firsts[short], lasts[short]
    lines = np.searchsorted(frames.offsets, firsts, side="right") - 1
    starts = np.maximum(firsts - 1, frames.offsets[lines])
    ends = np.minimum(lasts + 2, frames.offsets[lines + 1])
    part = frames.probabilities[unsure]
    rows, labels = np.nonzero(part >= LEAST)
    # Beside the likeliest class of the frame, so that the product over many frames does not vanish.
    shares = part[rows, labels] / part.max(axis=1)[rows]
    tried = list(zip(labels.tolist(), shares.tolist(), strict=True))
    bounds = np.searchsorted(rows, np.arange(len(unsure) + 1)).tolist()
    choices = {frame: tried[bounds[row] : bounds[row + 1]] for row, frame in enumerate(unsure.tolist())}
    found = []
    for line, start, end in zip(lines.tolist(), starts.tolist(), ends.tolist(), strict=True):
        classes = [choices.get(frame) or [(label, 1.0)] for frame, label in enumerate(path[start:end].tolist(), start)]
        readings = _readings(classes)
        if len(readings) > 1:
            found.append(_Stretch(line, start, end, list(readings), [math.log(one) for one in readings.values()]))
    return found


def _readings(frames: Sequence[_Classes]) -> dict[_Reading, float]:
    """The likeliest readings of some frames with their probabilities, summed over all ways to align them.

    The frames are few and their classes fewer: numbers of Python's own are faster here than arrays.
    """
    # Of each reading: its probability with a blank at the end, and without.
    readings: dict[_Reading, tuple[float, float]] = {(): (1.0, 0.0)}
    for classes in frames:
        following: dict[_Reading, tuple[float, float]] = {}
        for reading, (blank, inked) in readings.items():
            last = reading[-1] if reading else BLANK
            for label, share in classes:
                if label == BLANK:
                    _add(following, reading, (blank + inked) * share, 0.0)
                elif label == last:
                    _add(following, reading, 0.0, inked * share)
                    # Once more only after a blank.
                    if blank:
                        _add(following, (*reading, label), 0.0, blank * share)
                else:
                    _add(following, (*reading, label), 0.0, (blank + inked) * share)
        if len(following) > WIDTH:
            following = dict(sorted(following.items(), key=lambda item: sum(item[1]), reverse=True)[:WIDTH])
        readings = following
    sums = {reading: blank + inked for reading, (blank, inked) in readings.items()}
    least = RATIO * max(sums.values())
    return {reading: share for reading, share in sums.items() if share > least}


def _add(readings: dict[_Reading, tuple[float, float]], reading: _Reading, blank: float, inked: float) -> None:
    there = readings.get(reading)
    readings[reading] = (blank, inked) if there is None else (there[0] + blank, there[1] + inked)


def _path(frames: Frames, stretch: _Stretch, reading: _Reading) -> Indices:
    """The best path of a reading through its stretch that leaves sure frames as they are."""
    part = frames.probabilities[stretch.start : stretch.end]
    logs = np.log(np.maximum(part, 1e-12))
    logs[(part < SURE) & (part.max(axis=1, keepdims=True) >= SURE)] = -np.inf
    return align(logs, np.array(reading, np.intp)) if reading else np.full(len(part), BLANK, np.intp)


def _log_odds(logarithms: list[float], one: int) -> float:
    """How much likelier one of some things is than all others together, as a logarithm."""
    least = logarithms[one] - 2 * LARGEST_GAIN
    others = logarithms[:one] + logarithms[one + 1 :]
    largest = max(others)
    together = largest + math.log(sum(math.exp(other - largest) for other in others))
    return logarithms[one] - max(together, least)


def _weigh(frames: Frames, path: Indices, unsure: Indices, stretches: Sequence[_Stretch]) -> None:
    """Gives the frames of each stretch the odds that its reading has gained, in equal parts."""
    if not stretches:
        return
    gains = np.zeros(len(unsure), np.float32)
    firsts = np.searchsorted(unsure, [stretch.start for stretch in stretches])
    lasts = np.searchsorted(unsure, [stretch.end for stretch in stretches])
    for stretch, first, last in zip(stretches, firsts.tolist(), lasts.tolist(), strict=True):
        gains[first:last] = np.clip(stretch.gain, -LARGEST_GAIN, LARGEST_GAIN) / (last - first)
    frames.favour(unsure, path[unsure], gains)
