"""Which way text is written: from left to right, or from right to left."""

from __future__ import annotations

import unicodedata


def runs_to_the_left(text: str) -> bool:
    """Whether the first letter of a text is of a script that is written from right to left."""
    ways = (unicodedata.bidirectional(character) for character in text)
    return next((way for way in ways if way in ("L", "R", "AL")), "L") != "L"
