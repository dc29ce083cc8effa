"""Markdown: headings by size, paragraphs, lists and tables, in the flavour that GitHub and most programs read."""

from __future__ import annotations

import re
from statistics import median

from typecase.document import Line, Page
from typecase.tables import Table, find_tables, table_words
from typecase.writers import made_by
from typecase.writers.base import Origin, Writer
from typecase.writers.shape import height

_LARGEST, _LARGER, _LARGE = 2.0, 1.6, 1.3
"""Lines that are so many times as high as the usual one are headings of the first, second and third level."""

_LONGEST_HEADING = 14
"""The most words of a heading."""

_BULLETS = re.compile(r"^[•‣▪◦●○■□*·–—-]\s+(?=\S)")
_NUMBERED = re.compile(r"^(\d{1,3}|[a-z])[.)]\s+(?=\S)")

# Letters that mean something in Markdown anywhere, and those that do at the beginning of a line alone.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
_AT_START = re.compile(r"^(#{1,6}(?=\s|$)|[+-](?=\s|$)|=+$|-+$|>)")
_NUMBER_AT_START = re.compile(r"^(\d+)([.)])(?=\s|$)")


class MarkdownWriter(Writer):
    """Pages apart by a rule; what made the text stands in a comment at the end."""

    _first = True

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the page."""
        if not self._first:
            self.put("\n---\n\n")
        self._first = False
        self.put("\n".join(f"{part}\n" for part in _parts(page)))

    def end(self) -> None:
        """Says what made the text."""
        # Two dashes end a comment.
        settings = made_by.settings(self.head).replace("--", "-\\u002d")
        self.put(f"\n<!-- {made_by.program(self.head)} {settings} -->\n")


def _parts(page: Page) -> list[str]:
    """The parts of a page, each of one line or several."""
    tables = find_tables(page)
    taken = table_words(tables)
    heights = [height(line) for line in page.lines for _ in line.words]
    usual = median(heights) if heights else 1.0
    parts: list[str] = []
    waiting = list(tables)
    for block in page.blocks:
        lines: list[Line] = []
        for line in block.lines:
            if any(id(word) in taken for word in line.words):
                parts += _paragraphs(lines, usual)
                lines = []
                # A table stands where its first word is read; its words may lie in many lines and blocks.
                for table in [table for table in waiting if table_words([table]).intersection(map(id, line.words))]:
                    waiting.remove(table)
                    parts.append(_table(table))
                rest = tuple(word for word in line.words if id(word) not in taken)
                if rest:
                    parts += _paragraphs([Line(line.box, line.confidence, rest)], usual)
            elif line.words:
                lines.append(line)
        parts += _paragraphs(lines, usual)
    return parts


def _paragraphs(lines: list[Line], usual: float) -> list[str]:
    """Lines that belong together as headings, paragraphs and lists."""
    parts: list[str] = []
    paragraph: list[str] = []
    items: list[str] = []

    def finish() -> None:
        if paragraph:
            parts.append(_start_escaped(_joined(paragraph)))
            paragraph.clear()
        if items:
            parts.append("\n".join(items))
            items.clear()

    heading: tuple[int, list[str]] | None = None
    for line in lines:
        text = line.text
        level = _level(line, usual)
        if heading is not None and level != heading[0]:
            parts.append(f"{'#' * heading[0]} {_joined(heading[1])}")
            heading = None
        if level:
            finish()
            heading = (level, [*(heading[1] if heading else []), _escaped(text)])
            continue
        item = _item(text)
        if item is not None:
            if paragraph:
                finish()
            items.append(item)
        elif items and line.box.x > lines[0].box.x + 0.5 * usual:
            # A line that is set in goes on with the item above it.
            items[-1] = _joined([items[-1], _escaped(text)])
        else:
            if items:
                finish()
            paragraph.append(_escaped(text))
    if heading is not None:
        parts.append(f"{'#' * heading[0]} {_joined(heading[1])}")
    finish()
    return parts


def _level(line: Line, usual: float) -> int:
    """The level of a heading, 0 for a line that is none."""
    if len(line.words) > _LONGEST_HEADING or not any(character.isalpha() for character in line.text):
        return 0
    ratio = height(line) / usual
    return 1 if ratio >= _LARGEST else 2 if ratio >= _LARGER else 3 if ratio >= _LARGE else 0


def _item(text: str) -> str | None:
    """A line as an item of a list, where it begins like one."""
    if found := _BULLETS.match(text):
        return f"- {_start_escaped(_escaped(text[found.end() :]))}"
    found = _NUMBERED.match(text)
    if found and found[1].isdigit():
        return f"{int(found[1])}. {_start_escaped(_escaped(text[found.end() :]))}"
    return f"- {_escaped(text)}" if found else None


def _joined(texts: list[str]) -> str:
    """Lines of a paragraph as one, words that a hyphen parts put together where the hyphen means just that."""
    whole = texts[0]
    for text in texts[1:]:
        parted = re.search(r"[^\W\d_]-$", whole) and text[:1].islower()
        whole = f"{whole[:-1]}{text}" if parted else f"{whole} {text}"
    return whole


def _table(table: Table) -> str:
    head, *rows = [[_escaped(cell) for cell in row] for row in table.rows]
    lines = [head, ["---"] * table.columns, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _start_escaped(text: str) -> str:
    return _NUMBER_AT_START.sub(r"\1\\\2", _AT_START.sub(r"\\\1", text))
