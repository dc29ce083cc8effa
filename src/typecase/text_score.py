"""How reading is scored: one definition for training, evaluation and benchmarks.

Texts are compared after `normalize`: what differs only in how it is encoded or in the shape of its quotes and dashes is
the same text. Character and word error rates of a set are summed edit distances over summed lengths, not means of
means, so that a long line counts for what it holds.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from typecase.training.metrics import Z_95, Proportion, wilson_interval

_SINGLE_QUOTES = re.compile("[‘’‚‛`´]")
_DOUBLE_QUOTES = re.compile("[“”„‟«»]")
_DASHES = re.compile("[‐‑‒–—―−]")
_WHITE_SPACE = re.compile(r"\s+")


def normalize(text: str, fold_case: bool = False) -> str:
    """Brings a text to the form in which texts are compared.

    HTML's entities are resolved, then Unicode's form NFKC is taken; typographic quotes and dashes become those of
    ASCII, soft hyphens go, the long s becomes a short one, and any white space becomes one space, none at the ends.

    Args:
        text: Any text.
        fold_case: Whether case is left out of account.
    """
    text = unicodedata.normalize("NFKC", html.unescape(text))
    text = _SINGLE_QUOTES.sub("'", text)
    text = _DOUBLE_QUOTES.sub('"', text)
    text = _DASHES.sub("-", text)
    text = text.replace("\u00ad", "").replace("ſ", "s")
    text = _WHITE_SPACE.sub(" ", text).strip()
    return text.upper() if fold_case else text


def edits(truth: str, read: str, fold_case: bool = False) -> tuple[int, int]:
    """Gives the edit distance of a line or page, and the length of its truth; a set's error rate is sum over sum."""
    true, seen = normalize(truth, fold_case), normalize(read, fold_case)
    return Levenshtein.distance(true, seen), len(true)


def word_counts(truth: str, read: str, fold_case: bool = False) -> tuple[int, int, int]:
    """Counts the words of a line or page as bags: matched, true and read ones; add them up over a set."""
    true, seen = (Counter(normalize(text, fold_case).split()) for text in (truth, read))
    return sum((true & seen).values()), sum(true.values()), sum(seen.values())


def word_f1(matched: int, true: int, read: int) -> float:
    """The F1 of summed `word_counts`, 0..1."""
    return 2 * matched / max(1, true + read)


@dataclass(frozen=True)
class LineScore:
    """How one line was read.

    Attributes:
        edits: Edit distance in characters.
        length: Characters of the truth.
        word_edits: Edit distance in words.
        words: Words of the truth.
        edits_without_spaces: Edit distance in characters when all spaces are taken out of both.
        matched: Words of the truth that were read, wherever they stand.
        read: Words that were read.
    """

    edits: int
    length: int
    word_edits: int
    words: int
    edits_without_spaces: int
    matched: int
    read: int

    @property
    def right(self) -> bool:
        """Whether there is no error."""
        return self.edits == 0

    @property
    def only_spaces(self) -> bool:
        """Whether there are errors, and all of them are spaces."""
        return self.edits > 0 and self.edits_without_spaces == 0


def score_line(truth: str, read: str, fold_case: bool = False) -> LineScore:
    """Scores a line; both texts are normalised first."""
    true, seen = normalize(truth, fold_case), normalize(read, fold_case)
    true_words, seen_words = true.split(), seen.split()
    matched = sum((Counter(true_words) & Counter(seen_words)).values())
    if true == seen:
        return LineScore(0, len(true), 0, len(true_words), 0, matched, len(seen_words))
    return LineScore(
        edits=Levenshtein.distance(true, seen),
        length=len(true),
        word_edits=Levenshtein.distance(true_words, seen_words),
        words=len(true_words),
        edits_without_spaces=Levenshtein.distance(true.replace(" ", ""), seen.replace(" ", "")),
        matched=matched,
        read=len(seen_words),
    )


@dataclass(frozen=True)
class Rate:
    """Errors over what there was to read, such as a character error rate.

    Attributes:
        errors: Summed errors; may be more than `total`, for text can be invented.
        total: Summed lengths of the truths.
        low: Lower end of the 95 % interval.
        high: Upper end of it.
    """

    errors: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Errors over total; not a number where there was nothing to read."""
        return self.errors / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of the 95 % interval."""
        return self.low, self.high

    @classmethod
    def of(cls, errors: Sequence[int], totals: Sequence[int]) -> Rate:
        """Sums up lines.

        The interval is that of a ratio of sums over independently drawn lines (Cochran 1977, section 6.3), so that
        the errors of a line may come together. Where there is no error at all it is Wilson's for as many characters.

        Args:
            errors: Errors of each line.
            totals: Length of the truth of each line.
        """
        error_array, total_array = (np.asarray(values, dtype=np.float64) for values in (errors, totals))
        error_sum, total_sum = int(error_array.sum()), int(total_array.sum())
        count = len(error_array)
        if not total_sum:
            return cls(error_sum, 0, 0.0, 1.0)
        if not error_sum or count < 2:
            low, high = wilson_interval(min(error_sum, total_sum), total_sum)
            return cls(error_sum, total_sum, low, high)
        rate = error_sum / total_sum
        residuals = error_array - rate * total_array
        half = Z_95 * math.sqrt(count / (count - 1) * float(residuals @ residuals)) / total_sum
        return cls(error_sum, total_sum, max(0.0, rate - half), rate + half)

    def to_dict(self) -> dict[str, Any]:
        """The rate as JSON values; it is None where there was nothing to read."""
        value = self.value if self.total else None
        return {"value": value, "low": self.low, "high": self.high, "errors": self.errors, "total": self.total}


@dataclass(frozen=True)
class SetScore:
    """How a set of lines was read.

    Attributes:
        characters: Character error rate.
        words: Word error rate: edit distance in words over the words of the truth.
        lines: Share of the lines without an error.
        without_spaces: Character error rate when spaces are taken out of both texts.
        only_spaces: Share of the wrong lines in which nothing but spaces is wrong.
        word_f1: F1 of the words as bags, 0..1.
    """

    characters: Rate
    words: Rate
    lines: Proportion
    without_spaces: Rate
    only_spaces: Proportion
    word_f1: float

    @classmethod
    def of(cls, scores: Iterable[LineScore]) -> SetScore:
        """Sums up lines."""
        lines = list(scores)
        wrong = [line for line in lines if not line.right]
        return cls(
            characters=Rate.of([line.edits for line in lines], [line.length for line in lines]),
            words=Rate.of([line.word_edits for line in lines], [line.words for line in lines]),
            lines=Proportion(len(lines) - len(wrong), len(lines)),
            without_spaces=Rate.of(
                [line.edits_without_spaces for line in lines],
                [line.length - max(0, line.words - 1) for line in lines],
            ),
            only_spaces=Proportion(sum(line.only_spaces for line in wrong), len(wrong)),
            word_f1=word_f1(
                sum(line.matched for line in lines),
                sum(line.words for line in lines),
                sum(line.read for line in lines),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "lines": self.lines.total,
            "character_error_rate": self.characters.to_dict(),
            "word_error_rate": self.words.to_dict(),
            "line_accuracy": self.lines.to_dict(),
            "character_error_rate_without_spaces": self.without_spaces.to_dict(),
            "wrong_by_spaces_alone": self.only_spaces.to_dict(),
            "word_f1": self.word_f1,
        }


def confusions(truth: str, read: str, fold_case: bool = False) -> list[tuple[str, str]]:
    """Tells what was read for what, after `normalize`.

    Returns:
        A pair of the true and the read character for each edit, from left to right; an empty one where a character was
        lost or added. There are as many as the edit distance. Of the ways that have so many, one is taken that has the
        fewest spaces read for other characters or the other way round: a space is lost or added.
    """
    true, seen = normalize(truth, fold_case), normalize(read, fold_case)
    if true == seen:
        return []
    # Edits are so dear that a space read for another character matters only among equally short ways.
    edit = 1 + max(len(true), len(seen))
    costs = [[column * edit for column in range(len(seen) + 1)]]
    for row, character in enumerate(true, start=1):
        above, line = costs[-1], [row * edit]
        for column, other in enumerate(seen, start=1):
            change = 0 if character == other else edit + (" " in (character, other))
            line.append(min(above[column - 1] + change, above[column] + edit, line[-1] + edit))
        costs.append(line)
    found = []
    row, column = len(true), len(seen)
    while row or column:
        cost = costs[row][column]
        if row and column and true[row - 1] == seen[column - 1] and cost == costs[row - 1][column - 1]:
            row, column = row - 1, column - 1
        elif row and cost == costs[row - 1][column] + edit:
            row -= 1
            found.append((true[row], ""))
        elif column and cost == costs[row][column - 1] + edit:
            column -= 1
            found.append(("", seen[column]))
        else:
            row, column = row - 1, column - 1
            found.append((true[row], seen[column]))
    return found[::-1]


def matches(truth: Sequence[str], read: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs the equal elements of two sequences, such as words, by one of their shortest alignments.

    Returns:
        Pairs of an index into `truth` and one into `read`, ascending in both.
    """
    return [
        (first, second)
        for operation in Levenshtein.opcodes(truth, read)
        if operation.tag == "equal"
        for first, second in zip(
            range(operation.src_start, operation.src_end), range(operation.dest_start, operation.dest_end), strict=True
        )
    ]
