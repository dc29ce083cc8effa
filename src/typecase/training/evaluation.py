"""What a classifier is worth on pictures whose answer is known.

`evaluate` runs a model over labelled pictures; `ClassifierEvaluation` holds every figure that follows, writes itself
as JSON and comes back from it. It needs neither torch nor matplotlib: the model is any function from a batch to
logits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.errors import DataError, InputError, UsageError
from typecase.preprocess import CharacterPreprocess, FloatArray, PixelArray
from typecase.training import metrics
from typecase.training.metrics import (
    Calibration,
    ClassFigures,
    ConfusedPair,
    Integers,
    LookAlikeFigures,
    Proportion,
)

SCHEMA = "typecase-classifier-evaluation"
VERSION = 1
"""Raised when a reader of the older JSON would misread the newer."""

MISTAKES_KEPT = 60
"""How many of the surest mistakes are kept by name."""

Predict = Callable[[FloatArray], npt.NDArray[Any]]
"""A model: floats [N, C, H, W] as `CharacterPreprocess.normalise` gives them, to logits [N, K]."""

Transform = Callable[[FloatArray], FloatArray]
"""What happens to a batch between normalising and the model; the journey's replica flips pictures even here."""

Progress = Callable[[int, int], None]
"""Told how many pictures are done, and of how many."""


class LabelledPictures(Protocol):
    """What `evaluate` asks of a data set; every one in `typecase.datasets` is such."""

    @property
    def classes(self) -> ClassSet:
        """The data's classes."""

    @property
    def pictures(self) -> Any:
        """Bytes of shape [N, C, size, size], an array or a tensor."""

    @property
    def targets(self) -> Any:
        """Indices into `classes`, [N]."""

    @property
    def names(self) -> Sequence[str]:
        """A name for each picture."""


@dataclass(frozen=True)
class Mistake:
    """One picture that was taken for something else.

    Attributes:
        name: The picture's name in its data set.
        truth: Its class.
        predicted: What it was taken for.
        confidence: How sure that answer was, 0..1.
        truth_confidence: The probability that the true class was given, 0..1.
        picture: What the net saw, bytes [C, H, W]; not part of the JSON.
    """

    name: str
    truth: int
    predicted: int
    confidence: float
    truth_confidence: float
    picture: PixelArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class SourceFigures:
    """The headline figures of one source within a mixed set.

    Attributes:
        name: The source.
        top1: Its accuracy.
        top3: How often the truth was among the three surest answers.
        case_merged: Its accuracy with upper and lower case as one.
        loss: Its mean negative log likelihood in nats.
    """

    name: str
    top1: Proportion
    top3: Proportion
    case_merged: Proportion
    loss: float


@dataclass(frozen=True)
class ClassifierEvaluation:
    """Every figure about a classifier on one set of pictures.

    Attributes:
        classes: The model's classes.
        temperature: Divisor of the logits before the softmax.
        top1: Accuracy.
        top3: How often the truth was among the three surest answers.
        case_merged: Accuracy when the answer and the truth are both taken without their case.
        loss: Mean negative log likelihood in nats, at `temperature`.
        loss_uncalibrated: The same at temperature 1, comparable with the loss in training.
        calibration: Expected calibration error of the top answer, at `temperature`.
        cells: The confusion matrix's filled cells as (truth, predicted, count), in order.
        mistakes: The surest mistakes, at most `MISTAKES_KEPT`, the surest first.
        sources: Figures by source, where there was more than one, in the order of their names.
    """

    classes: ClassSet
    temperature: float
    top1: Proportion
    top3: Proportion
    case_merged: Proportion
    loss: float
    loss_uncalibrated: float
    calibration: Calibration
    cells: tuple[tuple[int, int, int], ...]
    mistakes: tuple[Mistake, ...]
    sources: tuple[SourceFigures, ...] = ()

    @classmethod
    def of(
        cls,
        logits: npt.NDArray[Any],
        targets: npt.NDArray[Any],
        classes: ClassSet,
        names: Sequence[str],
        pictures: Sequence[PixelArray] | PixelArray | None = None,
        temperature: float = 1.0,
        sources: Sequence[str] | None = None,
    ) -> ClassifierEvaluation:
        """Computes the figures.

        Args:
            logits: The model's answers, [N, K].
            targets: True classes, [N].
            classes: The K classes.
            names: A name for each picture, [N].
            pictures: What the net saw, bytes [N, C, H, W] or a sequence of [C, H, W]; None leaves mistakes
                without their picture.
            temperature: Divisor of the logits, above 0.
            sources: For each picture where it comes from, to compare sources; None for a single source.

        Raises:
            DataError: There is no picture, or a target is not a class.
            ModelError: The logits have the wrong shape or are not finite.
        """
        values, truths = metrics.check_logits(logits, targets, len(classes))
        log_probabilities = metrics.log_softmax(values, temperature)
        predicted = values.argmax(axis=1).astype(np.int64)
        everyone = np.arange(len(truths))
        confidences = np.exp(log_probabilities[everyone, predicted])
        right = predicted == truths
        matrix = metrics.confusion_matrix(truths, predicted, len(classes))
        merged = classes.case_merged[1]

        def figures_of(name: str, chosen: Integers) -> SourceFigures:
            return SourceFigures(
                name,
                metrics.top_k(values[chosen], truths[chosen], 1),
                metrics.top_k(values[chosen], truths[chosen], 3),
                metrics.merged_accuracy(predicted[chosen], truths[chosen], merged),
                metrics.negative_log_likelihood(log_probabilities[chosen], truths[chosen]),
            )

        whole = figures_of("", everyone)
        labels = np.asarray(sources if sources is not None else [], dtype=np.str_)
        different = sorted(set(labels.tolist()))
        return cls(
            classes=classes,
            temperature=float(temperature),
            top1=whole.top1,
            top3=whole.top3,
            case_merged=whole.case_merged,
            loss=whole.loss,
            loss_uncalibrated=metrics.negative_log_likelihood(metrics.log_softmax(values), truths),
            calibration=metrics.calibration(confidences, right),
            cells=tuple((int(row), int(column), int(matrix[row, column])) for row, column in np.argwhere(matrix)),
            mistakes=tuple(
                Mistake(
                    name=names[place],
                    truth=int(truths[place]),
                    predicted=int(predicted[place]),
                    confidence=float(confidences[place]),
                    truth_confidence=float(np.exp(log_probabilities[place, truths[place]])),
                    picture=None if pictures is None else np.asarray(pictures[place], dtype=np.uint8),
                )
                for place in metrics.surest_mistakes(confidences, right, MISTAKES_KEPT).tolist()
            ),
            sources=tuple(figures_of(name, np.flatnonzero(labels == name)) for name in different)
            if len(different) > 1
            else (),
        )

    @property
    def count(self) -> int:
        """How many pictures were evaluated."""
        return self.top1.total

    @cached_property
    def confusion(self) -> Integers:
        """Counts of shape [K, K]: row the true class, column the predicted one."""
        matrix = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        for row, column, count in self.cells:
            matrix[row, column] = count
        return matrix

    @cached_property
    def per_class(self) -> list[ClassFigures]:
        """Precision, recall and F1 of each class, in the order of the classes."""
        return metrics.class_figures(self.confusion)

    @cached_property
    def pairs(self) -> list[ConfusedPair]:
        """Every confused pair, the most frequent first."""
        return metrics.confused_pairs(self.confusion, self.classes.look_alikes())

    @cached_property
    def look_alikes(self) -> LookAlikeFigures:
        """The errors within look-alike groups, told from all the others."""
        return metrics.look_alike_figures(self.confusion, self.classes.look_alikes())

    @property
    def has_case(self) -> bool:
        """Whether some classes differ by case alone."""
        return len(self.classes.case_merged[0]) < len(self.classes)

    @property
    def headline(self) -> list[tuple[str, Proportion]]:
        """The shares to tell first, by name, as far as they say more than top-1 for these classes."""
        rows = [("Top-1 accuracy", self.top1), ("Top-3 accuracy", self.top3)]
        if self.has_case:
            rows.append(("Case-merged", self.case_merged))
        if self.look_alikes.groups:
            rows.append(("Look-alikes merged", self.look_alikes.merged))
        return rows

    @property
    def macro_recall(self) -> float:
        """Mean recall over the classes that have pictures: every class counts the same."""
        return metrics.macro_average([figures.recall for figures in self.per_class])

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes that have pictures or were predicted."""
        return metrics.macro_average([figures.f1 for figures in self.per_class])

    def to_dict(self) -> dict[str, Any]:
        """All figures as JSON values; classes appear by name."""
        name = self.classes.names
        alike = self.look_alikes
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "classes": list(name),
            "pictures": self.count,
            "temperature": self.temperature,
            "top1": self.top1.to_dict(),
            "top3": self.top3.to_dict(),
            "case_merged": self.case_merged.to_dict(),
            "look_alikes_merged": alike.merged.to_dict(),
            "loss": self.loss,
            "loss_uncalibrated": self.loss_uncalibrated,
            "macro_recall": self.macro_recall,
            "macro_f1": self.macro_f1,
            "expected_calibration_error": self.calibration.error,
            "calibration": {
                "largest_gap": self.calibration.largest,
                "bins": [
                    {
                        "low": row.low,
                        "high": row.high,
                        "count": row.count,
                        "confidence": row.confidence,
                        "accuracy": row.accuracy,
                    }
                    for row in self.calibration.bins
                ],
            },
            "look_alikes": {
                "share_of_errors": alike.errors.to_dict(),
                "accuracy_of_other_classes": alike.others.to_dict(),
                "groups": [
                    {
                        "classes": [name[index] for index in group.members],
                        "exact": group.exact.to_dict(),
                        "within": group.within.to_dict(),
                    }
                    for group in alike.groups
                ],
            },
            "confused_pairs": [
                {
                    "truth": name[pair.truth],
                    "predicted": name[pair.predicted],
                    "count": pair.count,
                    "share": pair.share,
                    "look_alike": pair.look_alike,
                }
                for pair in self.pairs
            ],
            "per_class": [
                {
                    "class": name[figures.index],
                    "pictures": figures.support,
                    "precision": figures.precision,
                    "recall": figures.recall,
                    "f1": figures.f1,
                }
                for figures in self.per_class
            ],
            "confusion": [list(cell) for cell in self.cells],
            "sources": [
                {
                    "name": source.name,
                    "top1": source.top1.to_dict(),
                    "top3": source.top3.to_dict(),
                    "case_merged": source.case_merged.to_dict(),
                    "loss": source.loss,
                }
                for source in self.sources
            ],
            "surest_mistakes": [
                {
                    "name": mistake.name,
                    "truth": name[mistake.truth],
                    "predicted": name[mistake.predicted],
                    "confidence": mistake.confidence,
                    "truth_confidence": mistake.truth_confidence,
                }
                for mistake in self.mistakes
            ],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text. The same evaluation gives the same bytes."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the evaluation") -> ClassifierEvaluation:
        """Brings an evaluation back from its JSON; mistakes come without their pictures.

        Args:
            text: What `to_json` gave; keys besides ours are let be.
            where: A name for it in messages, such as its file.

        Raises:
            InputError: It is not JSON, not an evaluation, of a newer version, or damaged.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(f"{where} is not JSON; give the evaluation.json that `typecase evaluate` wrote.") from None
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            raise InputError(f"{where} is not an evaluation; give the evaluation.json that `typecase evaluate` wrote.")
        version = values.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise InputError(f"{where} was written by a newer typecase (version {version}); update typecase.")
        try:
            return _from_dict(values)
        except (KeyError, TypeError, ValueError, UsageError):
            raise InputError(f"{where} is damaged; run `typecase evaluate` again.") from None


def _from_dict(values: dict[str, Any]) -> ClassifierEvaluation:
    classes = ClassSet.of(values["classes"])
    cells = tuple((int(row), int(column), int(count)) for row, column, count in values["confusion"])
    if any(not (0 <= row < len(classes) and 0 <= column < len(classes)) for row, column, _ in cells):
        raise ValueError("a cell lies outside the confusion matrix")
    return ClassifierEvaluation(
        classes=classes,
        temperature=float(values["temperature"]),
        top1=Proportion.from_dict(values["top1"]),
        top3=Proportion.from_dict(values["top3"]),
        case_merged=Proportion.from_dict(values["case_merged"]),
        loss=float(values["loss"]),
        loss_uncalibrated=float(values["loss_uncalibrated"]),
        calibration=Calibration(
            error=float(values["expected_calibration_error"]),
            largest=float(values["calibration"]["largest_gap"]),
            bins=tuple(metrics.CalibrationBin(**row) for row in values["calibration"]["bins"]),
        ),
        cells=cells,
        mistakes=tuple(
            Mistake(
                name=str(row["name"]),
                truth=classes.index(row["truth"]),
                predicted=classes.index(row["predicted"]),
                confidence=float(row["confidence"]),
                truth_confidence=float(row["truth_confidence"]),
            )
            for row in values["surest_mistakes"]
        ),
        sources=tuple(
            SourceFigures(
                name=str(row["name"]),
                top1=Proportion.from_dict(row["top1"]),
                top3=Proportion.from_dict(row["top3"]),
                case_merged=Proportion.from_dict(row["case_merged"]),
                loss=float(row["loss"]),
            )
            for row in values["sources"]
        ),
    )


def evaluate(
    predict: Predict,
    data: LabelledPictures | Mapping[str, LabelledPictures],
    classes: ClassSet,
    preprocess: CharacterPreprocess,
    *,
    temperature: float = 1.0,
    batch: int = 256,
    transform: Transform | None = None,
    progress: Progress | None = None,
) -> ClassifierEvaluation:
    """Runs a model over labelled pictures and computes every figure.

    Args:
        predict: The model.
        data: One data set, or several by the name of their source, which are then also compared.
        classes: The model's classes. The data's classes must be among them, in any order.
        preprocess: How the model wants its pictures; the data must have been prepared so.
        temperature: The model's temperature.
        batch: Pictures at a time. The last batch is smaller.
        transform: What else happens to each normalised batch.
        progress: Called after each batch.

    Raises:
        DataError: No picture, a class that the model lacks, or pictures of another shape.
        ModelError: The model's answers have the wrong shape or are not finite.
    """
    parts = data if isinstance(data, Mapping) else {"": data}
    total = sum(len(part.names) for part in parts.values())
    if total == 0:
        raise DataError("There is no picture to evaluate on; choose another part of the data or another data set.")
    logits: list[npt.NDArray[Any]] = []
    targets: list[Integers] = []
    names: list[str] = []
    sources: list[str] = []
    pictures = _Joined([np.asarray(part.pictures) for part in parts.values()])
    done = 0
    for (source, part), bytes_ in zip(parts.items(), pictures.parts, strict=True):
        expected = (preprocess.channels, preprocess.size, preprocess.size)
        if bytes_.shape[1:] != expected:
            raise DataError(
                f"The data were prepared as {_sides(bytes_.shape[1:])} but the model wants {_sides(expected)}; open "
                "the data with the model's own preprocessing."
            )
        targets.append(_in_classes(np.asarray(part.targets), part.classes, classes))
        names.extend(part.names)
        sources.extend([source] * len(part.names))
        for start in range(0, len(bytes_), batch):
            floats = preprocess.normalise(bytes_[start : start + batch])
            logits.append(np.asarray(predict(floats if transform is None else transform(floats))))
            done += len(floats)
            if progress is not None:
                progress(done, total)
    return ClassifierEvaluation.of(
        np.concatenate(logits), np.concatenate(targets), classes, names, pictures, temperature, sources
    )


class _Joined(Sequence[PixelArray]):
    """Several arrays of pictures as one sequence, without a copy: caches are mapped from disk."""

    def __init__(self, parts: list[PixelArray]) -> None:
        self.parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: Any) -> Any:
        part = int(np.searchsorted(self._ends, index, side="right"))
        return self.parts[part][index - int(self._ends[part])]


def _in_classes(targets: npt.NDArray[Any], own: ClassSet, model: ClassSet) -> Integers:
    """The data's class indices as the model's."""
    lookup = np.array([model.index(name) if name in model else -1 for name in own.names], dtype=np.int64)
    found: Integers = lookup[targets.astype(np.int64)]
    if len(found) and found.min() < 0:
        missing = [own.names[index] for index in np.unique(targets[found < 0]).tolist()]
        shown = ", ".join(missing[:10]) + (" ..." if len(missing) > 10 else "")
        raise DataError(
            f"The data have classes that the model does not know ({shown}); evaluate on data with the model's own "
            "classes."
        )
    return found


def _sides(shape: Sequence[int]) -> str:
    if len(shape) != 3:
        return f"an array of {len(shape)} axes"
    channels, height, width = shape
    return f"{width}x{height} {'grey' if channels == 1 else 'colour'}"


def percent(share: float | None, digits: int = 2) -> str:
    """A share as people read it: `97.31 %`, or a dash where it is not defined."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.{digits}f} %"
