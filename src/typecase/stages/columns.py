"""Tells columns of running text from the cells of a table, and puts the parts of a page into the order of reading.

Whether a gutter lies between columns, to be read one after the other, or between cells or the two ends of a receipt's
row, to be read across, is told by what stands on both sides: whether the lines stand level, how much of each is
letters, how long and how tightly set they are. What is cut into columns is looked at in the same way again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import TypeAlias

import numpy as np

from typecase.stages.gutters import Gap, Group, groups_of, sections_of
from typecase.stages.rows import Floats, Pieces, Places, rows_of
from typecase.stages.separators import Separator, parts_between, separators_of, zones_of
from typecase.stages.usual import median

LEVEL = 0.3
"""Lines of two columns whose middles are apart by at most this share of a height stand level."""

OTHER_SIZE = 1.8
"""Text so many times as large as what stands beside it, such as a name in large letters, is no row of it."""

TIGHT = 1.55
"""Lines of a paragraph or an address follow each other in so many heights or fewer."""

FAR = 5.0
"""An address and a list beside it are so many widths of a character apart, or more."""

COLUMNAR = 0.25
"""Such a share of all pieces stands in columns of running text, or more, where no gutter goes through."""

Rows: TypeAlias = tuple[Places, Places]
"""The pieces of all rows one after the other, and where each row starts."""


def flows_of(pieces: Pieces, chosen: Places) -> list[list[Places]]:
    """Puts pieces into rows, and these into the order of reading.

    Args:
        pieces: All pieces.
        chosen: Those to order.

    Returns:
        Runs of rows from top to bottom, each run from one column, in the order of reading; each row from left to right.
    """
    if not len(chosen):
        return []
    groups = [(group, *_parts(pieces, group)) for group in groups_of(pieces, chosen)]
    # What would be read across, although columns of running text stand beside each other.
    if any(
        not columns and not sections and running_separators(pieces, group.pieces) for group, columns, sections in groups
    ):
        parts = parts_between(pieces, chosen, running_separators(pieces, chosen))
        if len(parts) > 1:
            return [flow for part in parts for flow in flows_of(pieces, part)]
    flows: list[list[Places]] = []
    going_on = False
    for group, columns, sections in groups:
        if columns:
            for part in columns:
                flows += flows_of(pieces, part)
        else:
            below = [flow for part in sections for flow in flows_of(pieces, part)] or [
                _ordered_rows(pieces, group.pieces)[0]
            ]
            if going_on:
                flows[-1] += below.pop(0)
            flows += below
        going_on = not columns
    return flows


def _parts(pieces: Pieces, group: Group) -> tuple[list[Places], list[Places]]:
    """The columns of a group, or else its sections, to be looked at further; none of both where it is read by rows."""
    members = group.pieces
    columns = _Columns.of(pieces, members, group.gutters)
    if columns is None:
        return [], []
    # Columns of running text go on past a band of empty paper: paragraphs may end side by side. Anything else is read
    # from band to band.
    chosen = columns.running()
    sections = [np.concatenate([strip.pieces for strip in section]) for section in sections_of(group.strips)]
    if len(sections) > 1:
        if not chosen:
            return [], sections
        # A table below columns may share their gutter.
        tabular = [_is_tabular(pieces, section, group.gutters) for section in sections]
        if any(tabular):
            runs = groupby(zip(tabular, sections, strict=True), key=lambda pair: pair[0])
            return [], [np.concatenate([section for _, section in run]) for _, run in runs]
    chosen = chosen or columns.apart()
    if not chosen:
        return [], []
    number = np.searchsorted(np.array([(low + high) / 2 for low, high in chosen]), pieces.centre[members])
    return [members[number == place] for place in range(len(chosen) + 1)], []


def running_separators(pieces: Pieces, members: Places) -> list[Separator]:
    """Finds what stands between columns of running text, however far it goes down.

    Args:
        pieces: All pieces.
        members: Those to look at.
    """
    found = separators_of(pieces, members)
    kept = []
    beside: set[int] = set()
    for separator in found:
        zones = zones_of(pieces, members, separator, found)
        if not all(len(zone) for zone in zones):
            continue
        left, right = (_column(pieces, zone) for zone in zones)
        level = _level(left, right)
        if level is not None and left.runs and right.runs and _run_beside(left, right, level):
            kept.append(separator)
            beside.update(np.concatenate(zones).tolist())
    # Two paragraphs side by side do not make columns of a page of tables.
    return kept if len(beside) >= COLUMNAR * len(members) else []


def _is_tabular(pieces: Pieces, section: Places, gutters: list[Gap]) -> bool:
    """Whether a section between columns of text is read by rows: numbers or short words stand level with something."""
    columns = _Columns.of(pieces, section, gutters)
    return columns is not None and any(
        level is not None and level >= 0.8 and not (left.reads and right.reads)
        for level, (left, right) in zip(columns.levels, pairwise(columns.columns), strict=True)
    )


@dataclass(frozen=True)
class _Column:
    """What stands in a column, as far as it tells running text from the cells of a table.

    Attributes:
        middles: Vertical middle of each row, ascending.
        heights: Height of each row.
        counts: Characters of each row.
        fills: Share of the column's width that each row takes.
        letters: Share of all characters that are letters.
        colons: Share of the rows that end with a colon.
        values: Share of the rows that start with one.
        labels: Share of the rows that hold one anywhere.
        cells: Share of the rows that hold a wide gap.
    """

    middles: Floats
    heights: Floats
    counts: Floats
    fills: Floats
    letters: float
    colons: float
    values: float
    labels: float
    cells: float

    @property
    def pitch(self) -> float:
        """Usual distance from row to row, in heights; infinite for a single one."""
        if len(self.middles) < 2:
            return float("inf")
        return median(np.diff(self.middles)) / median(self.heights)

    @property
    def reads(self) -> bool:
        """Whether it is text, and not numbers or single short words."""
        return median(self.counts) >= 8 and self.letters >= 0.55

    @property
    def runs(self) -> bool:
        """Whether most of its rows fill it, as lines of running text do."""
        return self.reads and median(self.counts) >= 18 and median(self.fills) >= 0.7


def _ordered_rows(pieces: Pieces, members: Places) -> tuple[list[Places], Floats, Rows]:
    """The rows from top to bottom, their vertical middles, and all of it in one with where each row starts."""
    rows = rows_of(pieces, members)
    members, starts = _flat(rows)
    middles = np.add.reduceat(pieces.middle[members], starts) / np.diff(starts, append=len(members))
    order = np.lexsort((pieces.left[members[starts]], middles))
    rows = [rows[place] for place in order.tolist()]
    return rows, middles[order], _flat(rows)


def _flat(rows: list[Places]) -> Rows:
    ends = np.cumsum([len(row) for row in rows])
    return np.concatenate(rows), np.append(0, ends[:-1])


def _column(pieces: Pieces, members: Places) -> _Column:
    _, middles, (flat, starts) = _ordered_rows(pieces, members)
    ends = np.append(starts[1:], len(flat)) - 1
    counts = np.add.reduceat(pieces.count[flat], starts)
    widths = pieces.right[flat[ends]] - pieces.left[flat[starts]]
    return _Column(
        middles=middles,
        heights=np.maximum.reduceat(pieces.height[flat], starts),
        counts=counts,
        # The second or third longest row tells the width better than the longest, which may stick out.
        fills=widths / max(float(np.sort(widths)[-1 - len(widths) // 10]), 1e-6),
        letters=float(pieces.letters[flat].sum() / max(1.0, counts.sum())),
        colons=float(pieces.closes[flat[ends]].mean()),
        values=float(pieces.opens[flat[starts]].mean()),
        labels=float(np.logical_or.reduceat(pieces.labels[flat], starts).mean()),
        cells=float(np.mean(ends > starts)),
    )


@dataclass(frozen=True)
class _Columns:
    """Columns beside each other.

    Attributes:
        pieces: All pieces.
        members: Those in the columns.
        number: The number of the column of each member.
        gutters: The bands between them.
        columns: Each column.
        levels: For each gutter the share of rows that stand level on both sides; None where the columns do not stand
            side by side.
    """

    pieces: Pieces
    members: Places
    number: Places
    gutters: list[Gap]
    columns: list[_Column]
    levels: list[float | None]

    @classmethod
    def of(cls, pieces: Pieces, members: Places, gutters: list[Gap]) -> _Columns | None:
        """Looks at what stands between some gutters; None where there is no gutter."""
        if not gutters:
            return None
        cuts = np.array([(low + high) / 2 for low, high in gutters])
        between = np.searchsorted(cuts, pieces.centre[members])
        present = np.flatnonzero(np.bincount(between))
        number = np.searchsorted(present, between)
        gutters = [gutters[place - 1] for place in present.tolist()[1:]]
        if not gutters:
            return None
        columns = [_column(pieces, members[number == place]) for place in range(len(gutters) + 1)]
        levels = [_level(left, right) for left, right in pairwise(columns)]
        return cls(pieces, members, number, gutters, columns, levels)

    @cached_property
    def character(self) -> float:
        """Usual width of a character."""
        return median(self.pieces.character[self.members])

    def wide(self, place: int) -> float:
        """Width of a gutter in characters."""
        low, high = self.gutters[place]
        return (high - low) / self.character

    def before(self, place: int) -> _Column:
        """All that is left of a gutter, read across."""
        return _column(self.pieces, self.members[self.number <= place]) if place else self.columns[0]

    def after(self, place: int) -> _Column:
        """All that is right of a gutter, read across."""
        last = place == len(self.gutters) - 1
        return self.columns[-1] if last else _column(self.pieces, self.members[self.number > place])

    def running(self) -> list[Gap]:
        """The gutters between columns of running text, which are surely read one after the other."""
        # Long text in the cells of a table stands beside numbers.
        for level, beside in zip(self.levels, pairwise(self.columns), strict=True):
            if level is not None and level >= 0.8 and not all(column.reads for column in beside):
                return []
        return [
            gutter
            for gutter, (left, right), level in zip(self.gutters, pairwise(self.columns), self.levels, strict=True)
            if level is not None and left.runs and right.runs and _run_beside(left, right, level)
        ]

    def apart(self) -> list[Gap]:
        """The gutters whose two sides are rather read one after the other."""
        return [gutter for place, gutter in enumerate(self.gutters) if self._is_apart(place)]

    def _is_apart(self, place: int) -> bool:
        left, right = self.columns[place], self.columns[place + 1]
        level = self.levels[place]
        if level is None:
            return False
        small, large = sorted((left, right), key=lambda column: median(column.heights))
        if (
            median(large.heights) >= OTHER_SIZE * median(small.heights)
            and len(small.middles) >= 2 * len(large.middles)
            and min(left.letters, right.letters) >= 0.5
        ):
            return True
        before, after = self.before(place), self.after(place)
        if level < 0.6:
            # Numbers that are set lower or higher than what they belong to still belong to it.
            return before.reads and after.reads
        if min(len(left.middles), len(right.middles)) < 3 or left.pitch > TIGHT or right.pitch > TIGHT:
            return False
        if before.colons >= 0.3 or after.values >= 0.3:
            return False
        # An address beside a list of labels and what they stand for.
        if min(before.labels, after.labels) <= 0.2 and max(before.labels, after.labels) >= 0.6:
            address = before if before.labels < after.labels else after
            return address.reads and self.wide(place) >= FAR
        # Two addresses; what is filled into a form stands at some distance from its label.
        plain = max(before.cells, after.cells) <= 0.2
        return plain and len(self.gutters) == 1 and self.wide(place) >= 2.5 and before.reads and after.reads


def _run_beside(left: _Column, right: _Column, level: float) -> bool:
    rows = min(len(left.middles), len(right.middles))
    # Level rows of some length are rather the blanks of a form, unless they are as many and as tight as print.
    return rows >= 3 if level < 0.8 else rows >= 4 and max(left.pitch, right.pitch) <= 1.8


def _level(one: _Column, other: _Column) -> float | None:
    """The share of the rows of the shorter column, as far as the columns stand side by side, that have one level.

    None where they do not stand side by side.
    """
    low = max(one.middles[0] - one.heights[0], other.middles[0] - other.heights[0])
    high = min(one.middles[-1] + one.heights[-1], other.middles[-1] + other.heights[-1])
    extent = min(
        column.middles[-1] - column.middles[0] + column.heights[0] + column.heights[-1] for column in (one, other)
    )
    if high - low < 0.5 * extent:
        return None
    beside = [
        (column.middles[inside], column.heights[inside])
        for column in (one, other)
        for inside in [(column.middles >= low) & (column.middles <= high)]
    ]
    (few, few_heights), (many, many_heights) = sorted(beside, key=lambda pair: len(pair[0]))
    if not len(few):
        return None
    apart = few[:, None] - many[None, :]
    nearest = np.abs(apart).argmin(axis=1)
    apart = apart[np.arange(len(few)), nearest]
    height = np.minimum(few_heights, many_heights[nearest])
    # What still slopes a little has all its rows lower on one side by the same.
    shift = median(apart) if len(few) > 2 else 0.0
    if abs(shift) > 0.5 * median(height):
        shift = 0.0
    return float(np.mean(np.abs(apart - shift) <= LEVEL * height))
