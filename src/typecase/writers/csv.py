"""The tables of a document as CSV (RFC 4180), one after the other."""

from __future__ import annotations

from typecase.document import Page
from typecase.tables import find_tables
from typecase.writers.base import Origin, Writer


class CsvWriter(Writer):
    """The rows of every table, an empty line between two tables; nothing where there is none."""

    _first = True

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the tables of a page; where its picture is known, ruling lines divide them too."""
        for table in find_tables(page, origin.drawn() if origin is not None else None):
            if not self._first:
                self.put("\r\n")
            self._first = False
            self.put(table.to_csv())
