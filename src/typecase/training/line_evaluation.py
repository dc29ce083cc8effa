"""What a recogniser is worth on lines whose text is known.

`RecognizerEvaluation` holds every figure that follows from what was read and what should have been, and writes itself
as JSON. It needs neither torch nor matplotlib, and knows nothing of how the lines were read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from typecase.charset import ClassSet
from typecase.document import Line, Word
from typecase.text_score import LineScore, SetScore, confusions, matches, normalize, score_line
from typecase.training import metrics
from typecase.training.metrics import Calibration

SCHEMA = "typecase-recognizer-evaluation"
VERSION = 1
"""Raised when a reader of the older JSON would misread the newer."""

WORST_KEPT = 40
"""How many of the worst lines are kept by name."""

LENGTHS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 19), (20, 39), (40, None))
"""Least and most characters of the lines that are counted together; None is no limit."""

BoxTuple: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class ReadLine:
    """A line that was read, with its truth.

    Attributes:
        name: Its name in its source.
        source: The source.
        truth: What it says.
        line: What was read.
        folded: Whether case is left out of account.
        characters: The true characters with their boxes [x, y, width, height], where they are known.
        load: Opens its picture again.
    """

    name: str
    source: str
    truth: str
    line: Line
    folded: bool = False
    characters: Sequence[tuple[str, BoxTuple]] = ()
    load: Callable[[], Image.Image] | None = None


@dataclass(frozen=True)
class Confused:
    """One way to be wrong.

    Attributes:
        truth: The true character; empty where one was added.
        read: What was read for it; empty where it was lost.
        count: How often.
        of: How often the true character stands in the truths; 0 where one was added.
    """

    truth: str
    read: str
    count: int
    of: int


@dataclass(frozen=True)
class Spaces:
    """What became of the spaces between words.

    Attributes:
        true: How many there are.
        lost: How many were not read.
        added: How many were read where there is none.
        edits: Errors in characters that vanish when all spaces are left out of account.
    """

    true: int
    lost: int
    added: int
    edits: int


@dataclass(frozen=True)
class WorstLine:
    """A line that was read badly.

    Attributes:
        name: Its name in its source.
        source: The source.
        truth: What it says.
        read: What was read.
        confidence: How sure that was, 0..1.
        edits: Edit distance in characters, normalised.
        picture: The picture; not part of the JSON.
    """

    name: str
    source: str
    truth: str
    read: str
    confidence: float
    edits: int
    picture: Image.Image | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RecognizerEvaluation:
    """Every figure about a recogniser on one set of lines.

    Attributes:
        score: Error rates and line accuracy.
        sources: The same by source, in the order of their first lines, where there is more than one.
        lengths: The same by the length of the truth, for lengths that occur: least and most characters, figures.
        calibration: Whether the confidence of a word is the share of such words that is right; None where no word
            was read. A word is right when an alignment of the line's words pairs it with an equal one.
        line_calibration: The same for whole lines; those in which nothing was read do not count.
        confusions: What was read for what, the most frequent first.
        spaces: What became of the spaces.
        box_iou: Mean intersection over union of the boxes of characters that were read rightly with their true ones;
            None where no true boxes are known.
        boxes: How many boxes were compared.
        unknown: Characters of the truths that the model does not know, and how often each stands there.
        worst: The lines with the most errors, the worst first.
        seconds: Time that reading took, without the opening of pictures.
    """

    score: SetScore
    sources: tuple[tuple[str, SetScore], ...]
    lengths: tuple[tuple[int, int | None, SetScore], ...]
    calibration: Calibration | None
    line_calibration: Calibration | None
    confusions: tuple[Confused, ...]
    spaces: Spaces
    box_iou: float | None
    boxes: int
    unknown: tuple[tuple[str, int], ...]
    worst: tuple[WorstLine, ...]
    seconds: float

    @classmethod
    def of(
        cls, lines: Sequence[ReadLine], classes: ClassSet, *, seconds: float = 0.0, worst: int = WORST_KEPT
    ) -> RecognizerEvaluation:
        """Computes every figure.

        Args:
            lines: The lines, at least one.
            classes: The model's characters.
            seconds: Time that reading them took.
            worst: How many of the worst lines are kept; their pictures are opened.
        """
        scores = [score_line(line.truth, line.line.text, line.folded) for line in lines]
        by_source: dict[str, list[LineScore]] = {}
        for line, score in zip(lines, scores, strict=True):
            by_source.setdefault(line.source, []).append(score)
        pairs, truth_counts = _confusions(lines, scores)
        wrong = [i for i, score in enumerate(scores) if not score.right]
        wrong.sort(key=lambda i: (-scores[i].edits, scores[i].length, i))
        overlaps = [overlap for line in lines for overlap in _overlaps(line)]
        sure_words = [(word.confidence, right) for line in lines for word, right in word_answers(line)]
        sure_lines = [
            (line.line.confidence, score.right) for line, score in zip(lines, scores, strict=True) if line.line.words
        ]
        return cls(
            score=SetScore.of(scores),
            sources=tuple((name, SetScore.of(some)) for name, some in by_source.items()) if len(by_source) > 1 else (),
            lengths=tuple(_by_length(scores)),
            calibration=_calibration(sure_words),
            line_calibration=_calibration(sure_lines),
            confusions=tuple(
                Confused(truth, read, count, truth_counts[truth] if truth else 0)
                for (truth, read), count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
            ),
            spaces=Spaces(
                true=truth_counts[" "],
                lost=sum(count for (truth, _), count in pairs.items() if truth == " "),
                added=sum(count for (_, read), count in pairs.items() if read == " "),
                edits=sum(score.edits - score.edits_without_spaces for score in scores),
            ),
            box_iou=float(np.mean(overlaps)) if overlaps else None,
            boxes=len(overlaps),
            unknown=tuple(
                Counter(
                    character for line in lines for character in line.truth if character not in classes
                ).most_common()
            ),
            worst=tuple(_worst(lines[i], scores[i]) for i in wrong[:worst]),
            seconds=seconds,
        )

    @property
    def count(self) -> int:
        """How many lines were read."""
        return self.score.lines.total

    @property
    def speed(self) -> float | None:
        """Lines read in a second; None where the time is not known."""
        return self.count / self.seconds if self.seconds > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """All figures as JSON values."""
        return {
            "schema": SCHEMA,
            "version": VERSION,
            **self.score.to_dict(),
            "expected_calibration_error": None if self.calibration is None else self.calibration.error,
            "expected_calibration_error_of_lines": (
                None if self.line_calibration is None else self.line_calibration.error
            ),
            "calibration": [] if self.calibration is None else [vars(one) for one in self.calibration.bins],
            "spaces": vars(self.spaces),
            "character_box_iou": self.box_iou,
            "character_boxes": self.boxes,
            "seconds": self.seconds,
            "lines_per_second": self.speed,
            "unknown_characters": dict(self.unknown),
            "sources": {name: score.to_dict() for name, score in self.sources},
            "lengths": [{"least": least, "most": most, **score.to_dict()} for least, most, score in self.lengths],
            "confusions": [vars(one) for one in self.confusions],
            "worst": [{key: value for key, value in vars(one).items() if key != "picture"} for one in self.worst],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text. The same evaluation gives the same bytes."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def word_answers(line: ReadLine) -> list[tuple[Word, bool]]:
    """Tells of each word that was read whether it is right.

    Words of the line are aligned with those of the truth, both normalised; a word is right when it is paired with an
    equal one. One that normalising leaves nothing of does not count.
    """
    tokens: list[str] = []
    owners: list[int] = []
    for number, word in enumerate(line.line.words):
        parts = normalize(word.text, line.folded).split()
        tokens += parts
        owners += [number] * len(parts)
    wrong = set(range(len(tokens))) - {
        second for _, second in matches(normalize(line.truth, line.folded).split(), tokens)
    }
    bad = {owners[index] for index in wrong}
    return [(line.line.words[number], number not in bad) for number in dict.fromkeys(owners)]


def _calibration(answers: Sequence[tuple[float, bool]]) -> Calibration | None:
    if not answers:
        return None
    confidences, right = zip(*answers, strict=True)
    return metrics.calibration(np.array(confidences, dtype=np.float64), np.array(right, dtype=np.bool_))


def _confusions(
    lines: Sequence[ReadLine], scores: Sequence[LineScore]
) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    truths: Counter[str] = Counter()
    for line, score in zip(lines, scores, strict=True):
        truths.update(normalize(line.truth, line.folded))
        if not score.right:
            pairs.update(confusions(line.truth, line.line.text, line.folded))
    return pairs, truths


def _by_length(scores: Iterable[LineScore]) -> Iterable[tuple[int, int | None, SetScore]]:
    scores = list(scores)
    for least, most in LENGTHS:
        some = [score for score in scores if least <= score.length and (most is None or score.length <= most)]
        if some:
            yield least, most, SetScore.of(some)


def _worst(line: ReadLine, score: LineScore) -> WorstLine:
    return WorstLine(
        name=line.name,
        source=line.source,
        truth=line.truth,
        read=line.line.text,
        confidence=line.line.confidence,
        edits=score.edits,
        picture=None if line.load is None else line.load(),
    )


def _overlaps(line: ReadLine) -> list[float]:
    """Intersection over union for each character that was read rightly and whose true box is known."""
    true = [(text, box) for text, box in line.characters if not text.isspace() and box[2] > 0 and box[3] > 0]
    read = [character for word in line.line.words for character in word.characters]
    fold = str.upper if line.folded else str
    pairs = matches([fold(text) for text, _ in true], [fold(character.text) for character in read])
    return [_iou(true[first][1], read[second].box) for first, second in pairs]


def _iou(one: BoxTuple, other: BoxTuple) -> float:
    width, height = (
        max(0.0, min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis]))
        for axis in (0, 1)
    )
    common = width * height
    return common / (one[2] * one[3] + other[2] * other[3] - common)
