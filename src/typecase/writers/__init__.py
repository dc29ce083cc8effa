"""What a document can be written as; every format is made from the tree and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from typecase.document import Document
from typecase.errors import UsageError


@dataclass(frozen=True)
class Format:
    """A form of output.

    Attributes:
        suffix: The ending of its files, with the dot.
        write: Gives a document in this form, ending with a line break.
    """

    suffix: str
    write: Callable[[Document], str]


FORMATS: dict[str, Format] = {
    "text": Format(".txt", lambda document: document.text + "\n"),
    "json": Format(".json", lambda document: document.to_json() + "\n"),
}
"""The formats by their names."""


def formats_of(names: str) -> list[str]:
    """Splits a list of formats at its commas.

    Raises:
        UsageError: One of them is not known, or there is none.
    """
    chosen = list(dict.fromkeys(name.strip().lower() for name in names.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        raise UsageError(f"The format {unknown[0] if unknown else names!r} is not known; choose {', '.join(FORMATS)}.")
    return chosen
