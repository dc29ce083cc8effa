"""Documents brought back from the formats that tell words and boxes: our own files, and those of other programs."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from typecase.document import Document
from typecase.errors import UsageError

PARSERS = ("alto", "hocr", "json", "page", "tsv")
"""The formats that can be brought back."""


def parse(text: str | bytes, format: str) -> Document:
    """Brings a document back.

    Args:
        text: What is in the file.
        format: One of `PARSERS`.

    Raises:
        InputError: The text is damaged, or of another format.
        UsageError: The format is not known, or cannot be brought back.
    """
    if format not in PARSERS:
        raise UsageError(f"Documents cannot be brought back from {format!r}; choose {', '.join(PARSERS)}.")
    if format == "json":
        return Document.from_json(text)
    brought_back: Callable[[str | bytes], Document] = importlib.import_module(f"typecase.parsers.{format}").parse
    return brought_back(text)
