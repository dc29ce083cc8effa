"""Follows several readings of a line at once, and lets a language model weigh in (Graves and Jaitly 2014; Hannun 2014).

A reading's probability is summed over all its alignments, where greedy decoding looks at the best one only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from typecase.decoding.bias import align
from typecase.decoding.ctc import BLANK, Frames, Runs, runs_of
from typecase.decoding.language_model import REWARD, SURPRISE, WEIGHT, CharacterModel
from typecase.preprocess import FloatArray

WIDTH = 12
"""Readings that are kept after each frame."""

LEAST = 1e-4
"""A class with a smaller probability in a frame is not tried there."""

_NEVER = -math.inf


@dataclass(frozen=True)
class Beam:
    """Beam search.

    Attributes:
        model: What is likely to be written; None weighs nothing.
        weight: See `language_model.WEIGHT`.
        reward: See `language_model.REWARD`.
        width: Readings that are kept after each frame.
    """

    model: CharacterModel | None = None
    weight: float = WEIGHT
    reward: float = REWARD
    width: int = WIDTH

    def __call__(self, frames: Frames) -> Runs:
        """Reads lines; each character stands where the best alignment of the text that won puts it."""
        path = np.full(len(frames.probabilities), BLANK, np.intp)
        for start, end in zip(frames.offsets[:-1].tolist(), frames.offsets[1:].tolist(), strict=True):
            part = frames.probabilities[start:end]
            labels = self._best(part)
            if labels:
                logs = np.log(np.maximum(part, 1e-12))
                path[start:end] = align(logs, np.array(labels, np.intp))
        return runs_of(path, frames.offsets)

    def _best(self, probabilities: FloatArray) -> tuple[int, ...]:
        # Of each reading: the logarithm of its probability with a blank at the end, and without.
        readings: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _NEVER)}
        extras: dict[tuple[int, ...], float] = {(): 0.0}
        for row in probabilities:
            tried = np.flatnonzero(row >= LEAST)
            if len(tried) == 1 and tried[0] == BLANK:
                # As most frames are: nothing but the blank goes on.
                readings = {reading: (_added(*sums), _NEVER) for reading, sums in readings.items()}
                continue
            logs = list(zip(tried.tolist(), np.log(row[tried].astype(np.float64)).tolist(), strict=True))
            following: dict[tuple[int, ...], list[float]] = {}
            for reading, (blank, inked) in readings.items():
                both = _added(blank, inked)
                last = reading[-1] if reading else BLANK
                kept = following.setdefault(reading, [_NEVER, _NEVER])
                for label, log in logs:
                    if label == BLANK:
                        kept[0] = _added(kept[0], both + log)
                        continue
                    if label == last:
                        kept[1] = _added(kept[1], inked + log)
                        # Once more only after a blank.
                        reached = blank + log
                    else:
                        reached = both + log
                    if reached == _NEVER:
                        continue
                    longer = (*reading, label)
                    entry = following.setdefault(longer, [_NEVER, _NEVER])
                    entry[1] = _added(entry[1], reached)
            for reading in following:
                if reading not in extras:
                    extras[reading] = extras[reading[:-1]] + self._extra(reading)
            ranked = sorted(
                following.items(), key=lambda item: _added(item[1][0], item[1][1]) + extras[item[0]], reverse=True
            )
            readings = {reading: (blank, inked) for reading, (blank, inked) in ranked[: self.width]}
            extras = {reading: extras[reading] for reading in readings}
        return max(readings, key=lambda reading: _added(*readings[reading]) + extras[reading])

    def _extra(self, reading: tuple[int, ...]) -> float:
        if self.model is None:
            return 0.0
        said = float(self.model.log_probabilities(reading[:-1])[reading[-1]])
        return self.weight * max(said, SURPRISE) + self.reward


def _added(one: float, other: float) -> float:
    """The logarithm of the sum of two numbers that are given by their logarithms."""
    if one < other:
        one, other = other, one
    return one if other == _NEVER else one + math.log1p(math.exp(other - one))
