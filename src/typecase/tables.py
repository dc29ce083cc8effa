"""Tables: rows and columns from words that stand in line, and from ruling lines where the picture is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from typecase.document import Box, Page, Word, union
from typecase.upright_words import UprightWord, height_of, rows_of, upright_words

if TYPE_CHECKING:
    from PIL import Image

_GAP = 1.1
"""Words that are farther apart than this, in their height, stand in different cells."""

_ROW_GAP = 2.6
"""Rows that are farther apart than this, in their height, belong to different tables."""

_ALIGNED = 0.6
"""Edges that differ by less, in the height of words, are in line."""

_MOST_IN_LINE = 0.6
"""So many of a column's cells are in line with one another, at the left, in the middle or at the right."""

_LEAST_FILLED = 0.45
"""So many cells of a table hold something."""

_PROSE_WORDS = 4.0
"""Columns whose cells hold more words than this on average, and fill them, are columns of running text."""


_NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: What it says, words apart by one space.
        box: The box around its words on the page, all zero where it is empty.
        words: Its words.
    """

    text: str = ""
    box: Box = _NOWHERE
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table; every row has as many cells as there are columns.

    Attributes:
        cells: Its cells, row by row from the top, each from left to right.
        box: The box around it on the page.
        page: The number of its page, from 1.
        ruled: Whether lines divide it, rather than space.
    """

    cells: tuple[tuple[Cell, ...], ...]
    box: Box
    page: int = 1
    ruled: bool = False

    @property
    def rows(self) -> list[list[str]]:
        """What its cells say, row by row."""
        return [[cell.text for cell in row] for row in self.cells]

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return len(self.cells[0]) if self.cells else 0

    def to_csv(self) -> str:
        """The table as CSV (RFC 4180), a row a line."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(self.rows)
        return text.getvalue()

    def to_dataframe(self, *, header: bool = True) -> Any:
        """The table as a data frame of pandas.

        Args:
            header: Whether the first row names the columns.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from typecase.frames import pandas_module

        pandas = pandas_module()
        rows = self.rows
        return pandas.DataFrame(rows[1:], columns=rows[0]) if header and len(rows) > 1 else pandas.DataFrame(rows)


def find_tables(page: Page, picture: Image.Image | None = None) -> list[Table]:
    """Finds the tables of a page, from top to bottom.

    Args:
        page: What was read.
        picture: The picture in whose pixels its boxes are; with it ruling lines divide tables too.
    """
    words = [word for word in upright_words(page) if word.box.width > 0 and word.box.height > 0]
    found: list[tuple[float, Table]] = []
    if picture is not None and words:
        from typecase.rulings import ruled_grids

        for grid in ruled_grids(picture, page):
            inside = [word for word in words if grid.holds(word.middle)]
            cells = grid.sorted_into(inside, lambda word: word.middle)
            table = _table(cells, page.number, ruled=True)
            if table is not None:
                found.append((grid.rows[0], table))
                taken = set(map(id, inside))
                words = [word for word in words if id(word) not in taken]
    for run in _runs(words):
        for rows, columns in _divided(run):
            table = _table(_filled(rows, columns), page.number, ruled=False)
            if table is not None:
                found.append((rows[0][0].box.y, table))
    return [table for _, table in sorted(found, key=lambda pair: pair[0])]


def table_words(tables: Sequence[Table]) -> set[int]:
    """The words of some tables, by their identity."""
    return {id(word) for table in tables for row in table.cells for cell in row for word in cell.words}


_Row = list[UprightWord]
_Segment = tuple[float, float, int]
"""Left and right edge of words that stand close together, and how many they are."""


def _segments(row: _Row, height: float) -> list[_Segment]:
    found = [(row[0].box.x, row[0].box.right, 1)]
    for word in row[1:]:
        left, right, count = found[-1]
        if word.box.x - right > _GAP * height:
            found.append((word.box.x, word.box.right, 1))
        else:
            found[-1] = (left, max(right, word.box.right), count + 1)
    return found


def _runs(words: Sequence[UprightWord]) -> list[list[_Row]]:
    """Rows that follow one another and are divided: what may be tables."""
    runs: list[list[_Row]] = [[]]
    for row in rows_of(words):
        divided = len(_segments(row, height_of(row))) > 1
        if runs[-1]:
            last = runs[-1][-1]
            height = max(height_of(row), height_of(last))
            apart = min(word.box.y for word in row) - max(word.box.bottom for word in last)
            if not divided or apart > _ROW_GAP * height:
                runs.append([])
        if divided:
            runs[-1].append(row)
    return [run for run in runs if len(run) > 1]


def _divided(run: list[_Row]) -> list[tuple[list[_Row], list[float]]]:
    """The tables of some rows, each with the places that part its columns."""
    columns = _separators(run)
    if _is_table(run, columns):
        return [(run, columns)]
    # What stands above or below a table often runs through its columns: the longest part that is one is taken.
    for length in range(len(run) - 1, 1, -1):
        for start in range(len(run) - length + 1):
            part = run[start : start + length]
            columns = _separators(part)
            if _is_table(part, columns):
                return [*_divided(run[:start]), (part, columns), *_divided(run[start + length :])]
    return []


def _separators(rows: list[_Row]) -> list[float]:
    """The middles of the gaps that go down through all rows."""
    if not rows:
        return []
    height = median(height_of(row) for row in rows)
    spans = sorted((word.box.x, word.box.right) for row in rows for word in row)
    found, reach = [], spans[0][1]
    for left, right in spans[1:]:
        if left - reach > 0.8 * height:
            found.append((reach + left) / 2)
        reach = max(reach, right)
    return found


def _filled(rows: list[_Row], separators: list[float]) -> list[list[_Row]]:
    """The words of each cell."""
    return [
        [
            [word for word in row if left <= word.middle.x < right]
            for left, right in pairwise([float("-inf"), *separators, float("inf")])
        ]
        for row in rows
    ]


def _is_table(rows: list[_Row], separators: list[float]) -> bool:
    columns = len(separators) + 1
    # Two columns in two rows are as likely two words of one line above two others.
    if columns < 2 or len(rows) < (3 if columns == 2 else 2):
        return False
    cells = _filled(rows, separators)
    filled = sum(bool(cell) for row in cells for cell in row)
    if filled < _LEAST_FILLED * columns * len(rows):
        return False
    height = median(height_of(row) for row in rows)
    prose = 0
    for number in range(columns):
        column = [row[number] for row in cells if row[number]]
        if len(column) < 2:
            continue
        if not _in_line(column, height):
            return False
        edges = [(cell[0].box.x, cell[-1].box.right) for cell in column]
        width = max(right for _, right in edges) - min(left for left, _ in edges)
        full = median((right - left) / width if width else 1.0 for left, right in edges)
        prose += sum(len(cell) for cell in column) > _PROSE_WORDS * len(column) and full > 0.75
    return prose < 2


def _in_line(column: list[_Row], height: float) -> bool:
    """Whether most cells of a column begin, end or are centred at the same place."""
    lefts = [cell[0].box.x for cell in column]
    rights = [max(word.box.right for word in cell) for cell in column]
    middles = [(left + right) / 2 for left, right in zip(lefts, rights, strict=True)]
    return any(
        sum(abs(edge - median(edges)) < _ALIGNED * height for edge in edges) >= _MOST_IN_LINE * len(edges)
        for edges in (lefts, rights, middles)
    )


def _table(cells: Sequence[Sequence[_Row]], number: int, *, ruled: bool) -> Table | None:
    """A table of some words, without its empty rows and columns; None where less than two by two is left."""
    rows = [row for row in cells if any(row)]
    kept = [place for place in range(len(rows[0]) if rows else 0) if any(row[place] for row in rows)]
    if len(rows) < 2 or len(kept) < 2:
        return None
    made = tuple(tuple(_cell(row[place]) for place in kept) for row in rows)
    return Table(made, union(cell.box for row in made for cell in row), number, ruled)


def _cell(words: _Row) -> Cell:
    # A cell may hold several lines.
    ordered = [word.word for row in rows_of(words) for word in row]
    return Cell(" ".join(word.text for word in ordered), union(word.box for word in ordered), tuple(ordered))
