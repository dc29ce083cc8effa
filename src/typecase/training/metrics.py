"""The figures by which a classifier is judged, on numpy arrays and nothing else.

Every function takes plain arrays: logits float [N, K], class indices int [N]. Nothing here knows of files, nets or
pictures. Where a quantity has more than one definition in use, the docstring says which one this is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from typecase.charset import pairs_of
from typecase.errors import DataError, ModelError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: half the width of a two-sided 95 % interval in deviations."""

CALIBRATION_BINS = 15
"""Bins of the expected calibration error, as in Guo et al. 2017."""

TEMPERATURE_LIMITS = (0.05, 20.0)
"""Between these a temperature is searched; a set without a single mistake would else drive it to nought."""


@dataclass(frozen=True)
class Proportion:
    """So many out of so many.

    Attributes:
        correct: Count of hits, 0 to `total`.
        total: Count of trials; 0 is allowed and makes `value` not a number.
    """

    correct: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.total:
            raise ValueError(f"{self.correct} out of {self.total} is no proportion")

    @property
    def value(self) -> float:
        """The share in 0..1."""
        return self.correct / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the share."""
        return wilson_interval(self.correct, self.total)

    def to_dict(self) -> dict[str, Any]:
        """Counts, share (None out of nothing) and interval, as JSON values."""
        low, high = self.interval
        return {
            "value": self.value if self.total else None,
            "low": low,
            "high": high,
            "correct": self.correct,
            "total": self.total,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Proportion:
        """Brings back what `to_dict` gave; share and interval are computed anew."""
        return cls(int(values["correct"]), int(values["total"]))


def wilson_interval(correct: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a binomial proportion (Wilson 1927).

    Unlike the normal approximation it never leaves 0..1 and keeps its width where no error, or nothing else, was
    seen. The trials are taken as independent: pictures of one typeface or writer are not quite that, so on such a
    set the true interval is wider.

    Args:
        correct: Count of hits.
        total: Count of trials; with none the interval is the whole of 0..1.
        z: Half-width in standard deviations.

    Returns:
        Lower and upper end in 0..1.
    """
    if total == 0:
        return 0.0, 1.0
    share = correct / total
    spread = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At the two ends the formula gives the end exactly; in floating point it can miss it by a rounding.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == total else min(1.0, centre + half)
    return low, high


def check_logits(logits: npt.NDArray[Any], targets: npt.NDArray[Any], classes: int) -> tuple[Floats, Integers]:
    """Brings both to the types that the rest expects, and refuses what no figure can be computed from.

    Args:
        logits: Numbers of shape [N, K].
        targets: Class indices of shape [N].
        classes: K.

    Returns:
        Logits as float64 and targets as int64.

    Raises:
        DataError: There is no picture, or a target is not a class.
        ModelError: The shape does not fit, or a logit is not a finite number.
    """
    if len(targets) == 0:
        raise DataError("There is no picture to evaluate on; choose another part of the data or another data set.")
    if logits.shape != (len(targets), classes):
        raise ModelError(
            f"The model gave an answer of shape {tuple(logits.shape)} where {(len(targets), classes)} was expected; "
            "its file and its card do not belong together, export it again."
        )
    if not np.isfinite(logits).all():
        raise ModelError(
            "The model's answers are not all finite numbers, so its training has diverged; train it again with a "
            "smaller learning rate."
        )
    indices = targets.astype(np.int64)
    if indices.min() < 0 or indices.max() >= classes:
        raise DataError(
            f"The data hold class index {int(indices.max() if indices.min() >= 0 else indices.min())}, but the model "
            f"knows {classes} classes; evaluate on data with the model's own classes."
        )
    return logits.astype(np.float64), indices


def log_softmax(logits: npt.NDArray[Any], temperature: float = 1.0) -> Floats:
    """Natural logarithms of the probabilities, softmax(logits / temperature).

    Args:
        logits: Numbers of shape [N, K].
        temperature: Divisor above 0; above 1 it makes answers less sure.

    Returns:
        Values at most 0, of shape [N, K].
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    shifted: Floats = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return shifted


def negative_log_likelihood(log_probabilities: Floats, targets: Integers) -> float:
    """Mean cross entropy with the true class in nats, without label smoothing or class weights.

    Args:
        log_probabilities: From `log_softmax`, [N, K].
        targets: True classes, [N].
    """
    return float(-log_probabilities[np.arange(len(targets)), targets].mean())


def top_k(logits: npt.NDArray[Any], targets: Integers, k: int) -> Proportion:
    """How often the true class is among the k highest logits.

    Among equal logits the lower index goes first, as it does for `argmax`, so that top-1 and the confusion matrix
    agree to the last picture.
    """
    own = logits[np.arange(len(targets)), targets][:, np.newaxis]
    earlier = np.arange(logits.shape[1]) < targets[:, np.newaxis]
    rank = ((logits > own) | ((logits == own) & earlier)).sum(axis=1)
    return Proportion(int((rank < k).sum()), len(targets))


def merged_accuracy(predicted: Integers, targets: Integers, merged: Sequence[int] | Integers) -> Proportion:
    """Accuracy when some classes count as one.

    The plain definition: the class with the highest logit and the true class are each mapped to their merged class,
    and those are compared. (Summing the probabilities of merged classes first may choose another answer; that
    would judge a decision which the program does not take.)

    Args:
        predicted: Predicted classes, [N].
        targets: True classes, [N].
        merged: For each class the index of its merged class, [K].
    """
    lookup = np.asarray(merged, dtype=np.int64)
    return Proportion(int((lookup[predicted] == lookup[targets]).sum()), len(targets))


def confusion_matrix(targets: Integers, predicted: Integers, classes: int) -> Integers:
    """Counts of shape [K, K]: row the true class, column the predicted one."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class ClassFigures:
    """What became of one class.

    Attributes:
        index: Class index.
        support: Pictures of this class.
        predicted: Pictures taken for this class.
        correct: Both at once.
    """

    index: int
    support: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float | None:
        """Correct / predicted, None where the class was never predicted."""
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Correct / support, None where there was no picture of it."""
        return self.correct / self.support if self.support else None

    @property
    def recall_interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the recall."""
        return wilson_interval(self.correct, self.support)

    @property
    def f1(self) -> float | None:
        """2 correct / (support + predicted), None where there was neither."""
        both = self.support + self.predicted
        return 2 * self.correct / both if both else None


def class_figures(confusion: Integers) -> list[ClassFigures]:
    """Precision, recall and F1 of each class, in the order of the classes.

    Args:
        confusion: From `confusion_matrix`, [K, K].
    """
    rows, columns, diagonal = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    return [
        ClassFigures(index, int(rows[index]), int(columns[index]), int(diagonal[index]))
        for index in range(len(confusion))
    ]


def macro_average(values: Sequence[float | None]) -> float:
    """The plain mean of those that are defined; not a number where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class ConfusedPair:
    """One way to be wrong.

    Attributes:
        truth: True class.
        predicted: What it was taken for.
        count: How often.
        share: Of the true class's pictures, 0..1.
        look_alike: Both are in one look-alike group.
    """

    truth: int
    predicted: int
    count: int
    share: float
    look_alike: bool


def confused_pairs(confusion: Integers, groups: Sequence[Sequence[int]] = ()) -> list[ConfusedPair]:
    """Every pair of classes that was confused, the most frequent first.

    A pair has a direction: o taken for O and O taken for o are two. Equal counts stand in the order of their share,
    then of the classes.

    Args:
        confusion: From `confusion_matrix`, [K, K].
        groups: Look-alike classes, as index groups.
    """
    alike = pairs_of(groups)
    support = confusion.sum(axis=1)
    pairs = [
        ConfusedPair(
            int(truth),
            int(predicted),
            int(confusion[truth, predicted]),
            float(confusion[truth, predicted] / support[truth]),
            (int(truth), int(predicted)) in alike,
        )
        for truth, predicted in np.argwhere(confusion)
        if truth != predicted
    ]
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share, pair.truth, pair.predicted))


@dataclass(frozen=True)
class LookAlikeGroup:
    """A group of classes that a single picture cannot always tell apart.

    Attributes:
        members: Class indices.
        exact: Pictures of the group given their own class.
        within: Pictures of the group given some class of the group: the most that could be hoped for.
    """

    members: tuple[int, ...]
    exact: Proportion
    within: Proportion


@dataclass(frozen=True)
class LookAlikeFigures:
    """How far the errors are those of look-alikes.

    Attributes:
        errors: Share of all errors that stay within a look-alike group (out of all errors).
        merged: Accuracy when each group counts as one class.
        others: Accuracy over the pictures whose class is in no group.
        groups: Each group by itself.
    """

    errors: Proportion
    merged: Proportion
    others: Proportion
    groups: tuple[LookAlikeGroup, ...]


def look_alike_figures(confusion: Integers, groups: Sequence[Sequence[int]]) -> LookAlikeFigures:
    """Tells the errors within look-alike groups from all the others.

    Args:
        confusion: From `confusion_matrix`, [K, K].
        groups: Look-alike classes, as disjoint index groups.
    """
    total, right = int(confusion.sum()), int(confusion.trace())
    figures = []
    for group in groups:
        members = list(group)
        support = int(confusion[members].sum())
        exact = int(confusion[members, members].sum())
        within = int(confusion[np.ix_(members, members)].sum())
        figures.append(LookAlikeGroup(tuple(members), Proportion(exact, support), Proportion(within, support)))
    swapped = sum(figure.within.correct - figure.exact.correct for figure in figures)
    alone = [index for index in range(len(confusion)) if not any(index in group for group in groups)]
    return LookAlikeFigures(
        errors=Proportion(swapped, total - right),
        merged=Proportion(right + swapped, total),
        others=Proportion(int(confusion[alone, alone].sum()), int(confusion[alone].sum())),
        groups=tuple(figures),
    )


@dataclass(frozen=True)
class CalibrationBin:
    """Answers of about the same confidence.

    Attributes:
        low: Confidences above this (the first bin holds 0 too).
        high: Up to and with this.
        count: How many answers.
        confidence: Their mean confidence, None where there are none.
        accuracy: The share that was right, None where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether a confidence is what it promises to be.

    Attributes:
        error: Expected calibration error, 0..1.
        largest: The largest gap between confidence and accuracy in a bin, 0..1.
        bins: Equal in width, from 0 to 1.
    """

    error: float
    largest: float
    bins: tuple[CalibrationBin, ...]


def calibration(confidences: Floats, right: npt.NDArray[np.bool_], bins: int = CALIBRATION_BINS) -> Calibration:
    """Expected calibration error of the top answer (Naeini et al. 2015; Guo et al. 2017, equation 3).

    The answers are sorted into bins of equal width (low, high] by their confidence; the error is the mean over all
    answers of the gap between the accuracy and the mean confidence of their bin.

    Args:
        confidences: Probability of the predicted class, [N], 0..1.
        right: Whether that class was the true one, [N].
        bins: How many bins.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], confidences, side="left")
    counts = np.bincount(place, minlength=bins)
    sure = np.bincount(place, weights=confidences, minlength=bins)
    hits = np.bincount(place, weights=right.astype(np.float64), minlength=bins)
    rows = []
    for index, count in enumerate(counts.tolist()):
        rows.append(
            CalibrationBin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                count=count,
                confidence=float(sure[index] / count) if count else None,
                accuracy=float(hits[index] / count) if count else None,
            )
        )
    gaps = np.abs(sure - hits)
    filled = counts > 0
    return Calibration(
        error=float(gaps.sum() / counts.sum()),
        largest=float((gaps[filled] / counts[filled]).max()),
        bins=tuple(rows),
    )


def fit_temperature(logits: npt.NDArray[Any], targets: Integers) -> float:
    """The temperature that makes a set's loss least (temperature scaling, Guo et al. 2017).

    To be fitted on the validation part, never on the part that is reported. It changes no answer, only how sure the
    answers are. As a function of 1 / temperature the loss is convex, so a golden-section search finds its one
    minimum; it goes over the logarithm, because halving and doubling are equal steps.

    Args:
        logits: Numbers of shape [N, K].
        targets: True classes, [N].

    Returns:
        A temperature within `TEMPERATURE_LIMITS`, to about one part in 10,000.
    """
    ratio = (math.sqrt(5) - 1) / 2

    def loss(position: float) -> float:
        return negative_log_likelihood(log_softmax(logits, math.exp(position)), targets)

    low, high = (math.log(limit) for limit in TEMPERATURE_LIMITS)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    while high - low > 1e-4:
        if loss_left < loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - ratio * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + ratio * (high - low)
            loss_right = loss(right)
    return math.exp((low + high) / 2)


def surest_mistakes(confidences: Floats, right: npt.NDArray[np.bool_], count: int) -> Integers:
    """Positions of the wrong answers that were given with the most confidence, the surest first.

    Args:
        confidences: Probability of the predicted class, [N].
        right: Whether that class was the true one, [N].
        count: At most so many.
    """
    wrong = np.flatnonzero(~right)
    order = np.argsort(-confidences[wrong], kind="stable")
    return wrong[order][:count].astype(np.int64)
