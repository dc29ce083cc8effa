"""Pulls a reading towards expected texts, where the net finds one of them nearly as likely as what was read.

A line as a whole is compared, then runs of its words, then each word. Its stretch of frames is read once more along
the automaton of the expected texts (the best path, found exactly); that path wins when its probability is at most
e ** bias times smaller than the free one's. So an expected word beats a look-alike, and never what is plainly there.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from typecase.decoding.automata import Automaton, accepted
from typecase.decoding.ctc import BLANK, Frames, Indices, Parts, Runs, runs_of
from typecase.preprocess import FloatArray

MOST_WAYS = 2000
"""The most ways through an automaton that are followed at once, the likeliest; more would only be met in noise."""

_LEAST = 1e-12

_Way: TypeAlias = "tuple[int, _Way] | None"
# The net's class of a frame, and the way to it.


class Bias:
    """Expected texts and how strongly they pull."""

    def __init__(self, automata: Sequence[Automaton], names: Sequence[str], space: int, strength: float) -> None:
        """Prepares.

        Args:
            automata: What is expected.
            names: The text of each class of the net, the blank's empty.
            space: The net's class of the space; -1 where there is none.
            strength: How much less likely an expected text may be, as a natural logarithm.
        """
        self._automata = automata
        self._names = names
        self._space = space
        self._strength = strength

    def favoured(self) -> Indices:
        """The net's classes that are expected texts all by themselves."""
        labels = []
        for label, name in enumerate(self._names):
            if name and any(accepted(automaton, name) for automaton in self._automata):
                labels.append(label)
        return np.array(labels, np.intp)

    def apply(self, frames: Frames, runs: Runs) -> Runs:
        """Reads lines again where that brings an expected text.

        Args:
            frames: The frames of all lines; the probabilities of what is taken are raised in their place, for that it
                was expected is evidence too.
            runs: What was read in them.

        Returns:
            What is read now.
        """
        path = np.full(len(frames.probabilities), BLANK, np.intp)
        for label, start, end in zip(runs.classes.tolist(), runs.starts.tolist(), runs.ends.tolist(), strict=True):
            path[start:end] = label
        words = Parts.of(frames, runs, runs.classes == self._space)
        bounds = np.searchsorted(words.lines, np.arange(len(frames) + 1))
        for first, last in pairwise(bounds.tolist()):
            if first < last:
                self._line(frames, path, runs, words, slice(first, last))
        return runs_of(path, frames.offsets)

    def _line(self, frames: Frames, path: Indices, runs: Runs, words: Parts, line: slice) -> None:
        firsts, lasts = words.firsts[line], words.lasts[line]
        lefts, rights = words.starts[line].tolist(), words.ends[line].tolist()
        whole = runs.classes[firsts[0] : lasts[-1]]
        if self._stretch(frames, path, lefts[0], rights[-1], whole, self._automata):
            return
        done = [False] * len(firsts)
        most = max(automaton.spaces for automaton in self._automata) + 1
        for length in range(min(most, len(firsts) - 1), 0, -1):
            automata = [automaton for automaton in self._automata if length == 1 or automaton.spaces >= length - 1]
            for word in range(len(firsts) - length + 1):
                inside = range(word, word + length)
                labels = runs.classes[firsts[word] : lasts[word + length - 1]]
                if not any(done[one] for one in inside) and self._stretch(
                    frames, path, lefts[word], rights[word + length - 1], labels, automata
                ):
                    for one in inside:
                        done[one] = True

    def _stretch(
        self, frames: Frames, path: Indices, start: int, end: int, labels: Indices, automata: Sequence[Automaton]
    ) -> bool:
        """Whether a stretch says something expected, now or from the beginning."""
        text = "".join(self._names[label] for label in labels)
        if any(accepted(automaton, text) for automaton in automata):
            return True
        part = frames.probabilities[start:end]
        logs = np.log(np.maximum(part, _LEAST))
        losses = logs.max(axis=1, keepdims=True) - logs
        left, found = self._strength, None
        for automaton in automata:
            loss, way = expected_path(losses, automaton, self._names, left, left)
            if way is not None:
                left, found = loss, way
        if found is None:
            return False
        changed = np.flatnonzero(found != path[start:end])
        path[start:end] = found
        frames.favour(start + changed, found[changed], np.float32(self._strength))
        return True


def expected_path(
    losses: FloatArray,
    automaton: Automaton,
    names: Sequence[str],
    most: float,
    dearest: float,
    ways_kept: int = MOST_WAYS,
) -> tuple[float, Indices | None]:
    """The best path of an expected text (the algorithm of Viterbi).

    What a path loses against the best class of each frame only grows along the way. So a way that has lost too much is
    given up for good, and few remain: nothing is missed by that.

    Args:
        losses: By how much the logarithm of each probability is smaller than the greatest of its frame.
        automaton: What is expected.
        names: The text of each class of the net.
        most: The most that may be lost on the way.
        dearest: The most that this and the text's price may come to together.
        ways_kept: How many ways are followed at once, the likeliest.

    Returns:
        What the best path loses, its text's price included, and the net's class of each of its frames; None where every
        path loses too much.
    """
    # By the automaton's state and the class of the last frame: what was lost, and the way.
    ways: dict[tuple[int, int], tuple[float, _Way]] = {(0, BLANK): (0.0, None)}
    for frame in losses:
        seen = np.flatnonzero(frame <= most).tolist()
        costs = list(zip(seen, frame[seen].tolist(), strict=True))
        following: dict[tuple[int, int], tuple[float, _Way]] = {}
        for (state, last), (lost, way) in ways.items():
            for label, cost in costs:
                total = lost + cost
                if total > most:
                    continue
                if label in (BLANK, last):
                    key = (state, label)
                else:
                    after = automaton.step(state, names[label])
                    if after is None:
                        continue
                    key = (after, label)
                if key not in following or total < following[key][0]:
                    following[key] = (total, (label, way))
        if len(following) > ways_kept:
            following = dict(heapq.nsmallest(ways_kept, following.items(), key=lambda item: item[1][0]))
        ways = following
    ended = [(lost + automaton.price(state), way) for (state, _), (lost, way) in ways.items()]
    total, way = min(ended, key=lambda one: one[0], default=(math.inf, None))
    if total > dearest:
        return dearest, None
    labels = []
    while way is not None:
        label, way = way
        labels.append(label)
    return total, np.array(labels[::-1], np.intp)


def align(logs: FloatArray, labels: Indices) -> Indices:
    """The best path of a text through its frames.

    Args:
        logs: Logarithms of probabilities, [frames, 1 + classes].
        labels: The net's classes of the text, at least one.

    Returns:
        The net's class of each frame, [frames]; all blank where there are too few frames for the text.
    """
    # A state for the blank before each character, one for the character, and one for the last blank.
    states = np.full(2 * len(labels) + 1, BLANK, np.intp)
    states[1::2] = labels
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    scores = np.full(len(states) + 2, -np.inf)
    scores[1] = 0.0
    skips[1] = True
    origins = np.empty((len(logs), len(states)), np.intp)
    numbers = np.arange(len(states))
    for step, seen in enumerate(logs):
        ways = np.stack([scores[2:], scores[1:-1], np.where(skips, scores[:-2], -np.inf)])
        origins[step] = ways.argmax(axis=0)
        scores[2:] = ways[origins[step], numbers] + seen[states]
        scores[1] = -np.inf
    state = len(states) - 1 if scores[-1] >= scores[-2] else len(states) - 2
    path = np.full(len(logs), BLANK, np.intp)
    if not np.isfinite(scores[state + 2]):
        return path
    for step in range(len(logs) - 1, -1, -1):
        path[step] = states[state]
        state -= origins[step, state]
    return path
