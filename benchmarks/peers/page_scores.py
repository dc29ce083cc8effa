"""How pages were read: word F1, and the character error rate where the truth is in the order of reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peers.page_sets import TruePage
from typecase.text_score import Rate, edits, word_counts, word_f1


@dataclass(frozen=True)
class Result:
    """How a reader read a set.

    Attributes:
        error: 1 minus the word F1, with an interval that takes pages as independent.
        matched: Words of the truth that were read.
        true: Words of the truth.
        read: Words that were read.
        characters: Character error rate of whole pages; None where the truth has no order.
        pages: Word F1 of each page.
    """

    error: Rate
    matched: int
    true: int
    read: int
    characters: Rate | None
    pages: tuple[float, ...]

    @property
    def f1(self) -> float:
        """Word F1, micro-averaged, 0..1."""
        return word_f1(self.matched, self.true, self.read)

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of its 95 % interval."""
        return max(0.0, 1 - self.error.high), 1 - self.error.low

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "word_f1": self.f1,
            "interval": list(self.interval),
            "matched": self.matched,
            "true": self.true,
            "read": self.read,
            "character_error_rate": self.characters.to_dict() if self.characters else None,
        }


def scored(pages: Sequence[TruePage], texts: Sequence[str], folded: bool, ordered: bool) -> Result:
    """Scores what was read."""
    counts = [word_counts(page.text, text, folded) for page, text in zip(pages, texts, strict=True)]
    matched, true, read = (sum(values) for values in zip(*counts, strict=True))
    characters = None
    if ordered:
        errors = [edits(page.text, text, folded) for page, text in zip(pages, texts, strict=True)]
        characters = Rate.of([one for one, _ in errors], [length for _, length in errors])
    error = Rate.of([t + r - 2 * m for m, t, r in counts], [t + r for _, t, r in counts])
    return Result(error, matched, true, read, characters, tuple(word_f1(*one) for one in counts))
