"""How sure a reading is: for each character, for each word, with what else each character may be.

Probabilities come from the net's frames, which its temperature has calibrated (Guo et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from typecase.decoding.ctc import BLANK, Frames, Indices, Runs
from typecase.preprocess import FloatArray


@dataclass(frozen=True)
class ConfidenceMap:
    """From a probability to a confidence that can be trusted: a line on the scale of log-odds (Platt 1999).

    The small doubts of a text's characters add up as if each came on its own. In truth few of them come true, and those
    together: the longer a text is, the further its probability lies below the share of such texts that are right.

    Attributes:
        slope: Above 0, so that what is likelier stays so.
        intercept: Moves everything up or down.
        growth: Added for each e-fold of a text's characters.
    """

    slope: float = 1.0
    intercept: float = 0.0
    growth: float = 0.0

    def __call__(
        self, probabilities: npt.NDArray[np.float64], characters: npt.NDArray[np.float64] | float = 1.0
    ) -> npt.NDArray[np.float64]:
        """Gives confidences, 0..1, of the same shape; what is impossible or certain stays so.

        Args:
            probabilities: How likely each answer is said to be.
            characters: How many characters each is of, of the same shape or one number for all.
        """
        if self == ConfidenceMap():
            return probabilities
        with np.errstate(divide="ignore", over="ignore"):
            odds = np.log(probabilities) - np.log1p(-probabilities)
            moved = self.slope * odds + self.intercept + self.growth * np.log(np.maximum(characters, 1.0))
            confidences: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-moved))
        return confidences

    @property
    def numbers(self) -> tuple[float, ...]:
        """Slope, intercept and, where it is not 0, growth, to four places: as a model's card keeps them."""
        kept = (self.slope, self.intercept, self.growth) if self.growth else (self.slope, self.intercept)
        return tuple(round(number, 4) for number in kept)

    @classmethod
    def fit(
        cls,
        probabilities: npt.NDArray[np.float64],
        right: npt.NDArray[np.bool_],
        characters: npt.NDArray[np.float64] | None = None,
    ) -> ConfidenceMap:
        """Finds the map under which what came true was most likely, by Newton's method.

        A weak pull towards the map that changes nothing keeps a few answers, or only right ones, from leading to
        certainty.

        Args:
            probabilities: How likely each answer was said to be, [answers].
            right: Whether it was right, [answers].
            characters: Of how many characters it was, [answers]; None where that is to play no part.

        Returns:
            The map; the one that changes nothing where there is no answer.
        """
        clipped = np.clip(probabilities.astype(np.float64), 1e-9, 1 - 1e-9)
        odds = np.log(clipped) - np.log1p(-clipped)
        columns = [odds, np.ones_like(odds)]
        if characters is not None:
            columns.append(np.log(np.maximum(characters, 1.0)))
        inputs = np.stack(columns, axis=1)
        # The pull on each number of the map, in answers.
        pull = np.eye(len(columns))
        neutral = np.eye(1, len(columns))[0]
        line = neutral.copy()
        for _ in range(50):
            found = 1.0 / (1.0 + np.exp(-np.clip(inputs @ line, -50, 50)))
            gradient = inputs.T @ (found - right) + pull @ (line - neutral)
            step = np.linalg.solve((inputs * (found * (1 - found))[:, np.newaxis]).T @ inputs + pull, gradient)
            # Half a step at most where a whole one could jump over the hill.
            line -= step / max(1.0, float(np.abs(step).max()) / 0.5)
            if np.abs(step).max() < 1e-8:
                break
        return cls(max(0.01, float(line[0])), *map(float, line[1:]))


@dataclass(frozen=True)
class Certainties:
    """How sure each run of some lines is.

    Attributes:
        confidences: Probability that the run's character stands there, [runs].
        others: The next likely classes of the net for each run, best first, [runs, alternatives].
        other_confidences: Their probabilities, [runs, alternatives].
    """

    confidences: FloatArray
    others: Indices
    other_confidences: FloatArray

    def mapped(self, confidence_map: ConfidenceMap) -> Certainties:
        """With other confidences; what a character gains its alternatives lose in proportion."""
        before = self.confidences.astype(np.float64)
        after = confidence_map(before)
        with np.errstate(divide="ignore", invalid="ignore"):
            factors = np.where(before < 1, (1 - after) / (1 - before), 1.0)
        # An alternative may not become likelier than the character itself.
        others = np.minimum(self.other_confidences * factors[:, np.newaxis], after[:, np.newaxis])
        return Certainties(after.astype(np.float32), self.others, others.astype(np.float32))


def certainties(frames: Frames, runs: Runs, alternatives: int) -> Certainties:
    """Judges each run by its frames.

    A character is right when something stands there and when that is it. Something does unless every frame of the
    run is blank; what it is follows from the frames' probabilities without the blank's.

    Args:
        frames: The frames of all lines.
        runs: What was read in them.
        alternatives: How many other classes to give for each run.
    """
    count = len(runs)
    classes = frames.probabilities.shape[1]
    alternatives = min(alternatives, classes - 2)
    if not count:
        return Certainties(
            np.empty(0, np.float32), np.empty((0, alternatives), np.intp), np.empty((0, alternatives), np.float32)
        )
    lengths = runs.ends - runs.starts
    part = frames.probabilities[runs.starts]
    blank = part[:, BLANK].copy()
    # Most runs are of one frame: adding up what some have besides is many times faster than NumPy's `reduceat`.
    for step in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > step)
        more = frames.probabilities[runs.starts[longer] + step]
        part[longer] += more
        blank[longer] *= more[:, BLANK]
    there = 1.0 - blank
    part[:, BLANK] = 0.0
    part *= (there / np.maximum(part.sum(axis=1), 1e-30))[:, np.newaxis]
    numbers = np.arange(count)
    confidences = part[numbers, runs.classes].copy()
    part[numbers, runs.classes] = -1.0
    part[:, BLANK] = -1.0
    others, found = np.empty((count, alternatives), np.intp), np.empty((count, alternatives), np.float32)
    # One after the other: looking for the greatest is so fast that a partial sort takes as long as fifty of them.
    for place in range(alternatives):
        others[:, place] = part.argmax(axis=1)
        found[:, place] = part[numbers, others[:, place]]
        part[numbers, others[:, place]] = -1.0
    return Certainties(confidences, others, found)


def posteriors(frames: Frames, starts: Indices, ends: Indices, labels: list[Indices]) -> npt.NDArray[np.float64]:
    """Probability of each text in its stretch of frames, over all ways to align it (the forward algorithm of CTC).

    Args:
        frames: The frames of all lines.
        starts: First frame of each stretch, [texts].
        ends: The frame after its last, [texts].
        labels: The net's classes of each text, none of them the blank.

    Returns:
        Probabilities of shape [texts].
    """
    found = np.zeros(len(labels))
    # Texts of like length are computed side by side, for all are padded to the longest.
    order = sorted(range(len(labels)), key=lambda one: int(ends[one] - starts[one]))
    at = 0
    while at < len(order):
        longest = 2 * int(ends[order[at]] - starts[order[at]]) + 16
        group = [one for one in order[at : at + 256] if ends[one] - starts[one] <= longest]
        at += len(group)
        chosen = np.array(group, np.intp)
        found[chosen] = _forward(frames.probabilities, starts[chosen], ends[chosen], [labels[one] for one in group])
    return found


def _forward(
    probabilities: FloatArray, starts: Indices, ends: Indices, labels: list[Indices]
) -> npt.NDArray[np.float64]:
    lengths = ends - starts
    texts, longest = len(labels), int(lengths.max(initial=0))
    sizes = np.array([len(label) for label in labels], np.intp)
    states = 2 * int(sizes.max(initial=0)) + 1
    classes = np.full((texts, states), BLANK, np.intp)
    for row, label in zip(classes, labels, strict=True):
        row[1 : 2 * len(label) : 2] = label
    # A blank between two characters may be left out unless they are the same.
    skips = np.zeros((texts, states), np.float32)
    skips[:, 3::2] = classes[:, 3::2] != classes[:, 1:-2:2]
    # A text begins with the blank or with its first character.
    skips[:, 1:2] = 1.0
    # What lies beyond the end of a text is never reached.
    valid = (np.arange(states) < (2 * sizes + 1)[:, np.newaxis]).astype(np.float32)
    skips *= valid
    # Two columns of nothing on the left spare the edges a case of their own.
    forward = np.zeros((texts, states + 2), np.float32)
    forward[:, 1] = 1.0
    total = np.zeros(texts)
    result = np.where(sizes == 0, 1.0, 0.0)
    flat = probabilities.ravel()
    places = starts[:, np.newaxis] * probabilities.shape[1] + classes
    lasts = set(lengths.tolist())
    for step in range(longest):
        current = forward[:, 2:] + forward[:, 1:-1] + forward[:, :-2] * skips
        # Beyond the last frame are only texts that have ended, whose numbers are of no use any more.
        current *= flat.take(places, mode="clip")
        places += probabilities.shape[1]
        current *= valid
        forward[:, 2:] = current
        # Only the start itself could be entered from there.
        forward[:, 1] = 0.0
        scale = current.sum(axis=1)
        scale[scale <= 0] = 1e-30
        forward[:, 2:] /= scale[:, np.newaxis]
        total += np.log(scale)
        if step + 1 in lasts:
            ended = np.flatnonzero(lengths == step + 1)
            last = 2 * sizes[ended]
            mass = forward[ended, last + 2] + np.where(last > 0, forward[ended, last + 1], 0.0)
            result[ended] = np.exp(total[ended]) * mass
    return np.clip(result, 0.0, 1.0)


def single_characters(frames: Frames, alternatives: int, weights: npt.NDArray[np.float64]) -> tuple[Runs, Certainties]:
    """Reads each line as exactly one character: the likeliest over all ways to align it.

    Args:
        frames: The frames of all lines.
        alternatives: How many other classes to give for each.
        weights: What the probability of each class of the net is multiplied by before they are compared.

    Returns:
        One run over all frames of each line that has any, and how sure it is.
    """
    lines = np.flatnonzero(np.diff(frames.offsets))
    classes = frames.probabilities.shape[1]
    alternatives = min(alternatives, classes - 2)
    best = np.empty((len(lines), alternatives + 1), np.intp)
    shares = np.empty(best.shape, np.float32)
    for row, line in enumerate(lines):
        part = frames.probabilities[frames.offsets[line] : frames.offsets[line + 1]].astype(np.float64)
        # Three states for each class: not yet, now, no more.
        before, during, after = 1.0, np.zeros(classes), np.zeros(classes)
        for frame in part:
            after = (after + during) * frame[BLANK]
            during = (during + before) * frame
            before *= frame[BLANK]
        whole = (during + after) * weights
        whole[BLANK] = 0.0
        best[row] = np.argsort(-whole, kind="stable")[: alternatives + 1]
        # Whatever is longer than one character has been ruled out by the question.
        shares[row] = whole[best[row]] / max(whole.sum() + before, 1e-300)
    offsets = np.concatenate([[0], np.cumsum(np.diff(frames.offsets) > 0)]).astype(np.intp)
    runs = Runs(best[:, 0], frames.offsets[lines], frames.offsets[lines + 1], offsets)
    return runs, Certainties(shares[:, 0], best[:, 1:], shares[:, 1:])
