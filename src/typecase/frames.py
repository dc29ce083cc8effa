"""Documents as data frames, where pandas is installed."""

from __future__ import annotations

from typing import Any

from typecase.document import Document
from typecase.errors import MissingExtraError


def pandas_module() -> Any:
    """The module of pandas.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pandas  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("A data frame", "pandas") from None
    return pandas


def words_frame(document: Document) -> Any:
    """The words of a document, a row for each; blocks and lines are counted from 1 on every page."""
    rows = [
        (page.number, block_number, line_number, word_number, word.text, word.confidence, *word.box)
        for page in document.pages
        for block_number, block in enumerate(page.blocks, 1)
        for line_number, line in enumerate(block.lines, 1)
        for word_number, word in enumerate(line.words, 1)
    ]
    columns = ["page", "block", "line", "word", "text", "confidence", "x", "y", "width", "height"]
    return pandas_module().DataFrame(rows, columns=columns)
