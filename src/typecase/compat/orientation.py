"""How sure it is which way a page stands, in the measure that Tesseract gives."""

from __future__ import annotations

from typecase.document import Page

SUREST = 25.0
"""What is given for a page that stands one way without doubt. OCRmyPDF turns pages from 14 on."""

_ENOUGH = 30
"""So many characters leave no doubt for lack of text."""

_GUESS = 0.5
"""Text that stands the wrong way round is read with about this confidence, or less."""


def orientation_confidence(page: Page) -> float:
    """How sure the rotation of a page is, 0 to 25: how surely its words are read, and how many characters they have."""
    letters = [(word.confidence, len(word.text)) for word in page.words]
    count = sum(length for _, length in letters)
    if not count:
        return 0.0
    sure = sum(confidence * length for confidence, length in letters) / count
    return SUREST * max(0.0, (sure - _GUESS) / (1 - _GUESS)) * min(1.0, count / _ENOUGH)
