"""Plain text in the order of reading."""

from __future__ import annotations

from typecase.document import Page
from typecase.writers.base import Origin, Writer


class TextWriter(Writer):
    """Lines as they are read, an empty line between blocks, a form feed on a line of its own between pages."""

    _first = True

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the page's text."""
        if not self._first:
            self.put("\n\f\n")
        self._first = False
        self.put(page.text)

    def end(self) -> None:
        """Ends the last line."""
        self.put("\n")
