"""XML as it is written: element by element, indented, and holding nothing that XML cannot hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

Attributes = Mapping[str, "str | float | None"]
"""Attributes by their names; those that are None are left out."""

# Control characters, halves of surrogate pairs and the two that are no characters are in no XML 1.0 document.
_UNSAFE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(text: str) -> str:
    """A text with a replacement mark (U+FFFD) in place of each character that XML cannot hold."""
    return _UNSAFE.sub("\ufffd", text)


def number(value: float, decimals: int = 2) -> str:
    """A number with so many decimals at most, and none that are not needed."""
    shown = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


class XmlStream:
    """Writes one XML document."""

    def __init__(self, put: Callable[[str], None]) -> None:
        """Takes what the text goes to."""
        self._put = put
        self._depth = 0

    def begin(self, *lines: str) -> None:
        """Writes the declaration, and lines as they are."""
        self._put("".join(f"{line}\n" for line in ('<?xml version="1.0" encoding="UTF-8"?>', *lines)))

    def start(self, name: str, attributes: Attributes | None = None) -> None:
        """Opens an element that holds others."""
        self._put(f"{self._indent}<{name}{_listed(attributes)}>\n")
        self._depth += 1

    def end(self, name: str) -> None:
        """Closes the innermost element, which has this name."""
        self._depth -= 1
        self._put(f"{self._indent}</{name}>\n")

    @contextlib.contextmanager
    def element(self, name: str, attributes: Attributes | None = None) -> Iterator[None]:
        """An element around what is written within."""
        self.start(name, attributes)
        yield
        self.end(name)

    def leaf(self, name: str, attributes: Attributes | None = None, text: str | None = None) -> None:
        """An element that holds text, or nothing."""
        if text is None:
            self._put(f"{self._indent}<{name}{_listed(attributes)}/>\n")
        else:
            self._put(f"{self._indent}<{name}{_listed(attributes)}>{escape(safe(text))}</{name}>\n")

    @contextlib.contextmanager
    def inline(self, name: str, attributes: Attributes | None = None) -> Iterator[None]:
        """An element on one line, around what `inline_leaf` writes: space between would be part of its text."""
        self._put(f"{self._indent}<{name}{_listed(attributes)}>")
        yield
        self._put(f"</{name}>\n")

    def inline_leaf(self, name: str, attributes: Attributes | None, text: str) -> None:
        """An element that holds text, without a line of its own."""
        self._put(f"<{name}{_listed(attributes)}>{escape(safe(text))}</{name}>")

    @property
    def _indent(self) -> str:
        return "  " * self._depth


def _listed(attributes: Attributes | None) -> str:
    return "".join(
        f" {name}={quoteattr(safe(value if isinstance(value, str) else number(value)))}"
        for name, value in (attributes or {}).items()
        if value is not None
    )
