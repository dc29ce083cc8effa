"""The whole tree as JSON, on one line; docs/schema/ describes it."""

from __future__ import annotations

import msgspec

from typecase.document import Document, Page
from typecase.writers.base import Origin, Writer


class JsonWriter(Writer):
    """What `Document.to_json` gives, a page at a time."""

    _first = True

    def begin(self) -> None:
        """Writes what is known of the document."""
        # The pages are the last key, and still to come.
        values = Document((), self.head.source, dict(self.head.provenance)).to_dict()
        self._file.write(msgspec.json.encode(values).removesuffix(b"]}"))

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the page."""
        values = Document((page,)).to_dict(characters=self.options.characters)["pages"][0]
        self._file.write((b"" if self._first else b",") + msgspec.json.encode(values))
        self._first = False

    def end(self) -> None:
        """Closes what is open."""
        self.put("]}\n")
