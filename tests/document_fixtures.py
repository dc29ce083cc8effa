"""Documents for the tests of what writes and brings back documents: drawn by chance, and one that shows everything."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hypothesis import strategies as st

from typecase.document import Alternative, Block, Box, Character, Document, Line, Page, Point, Polygon, Word, union

PROVENANCE = {
    "typecase": "0.1.0",
    "recognizer": {"name": "lines", "sha256": "ab" * 32},
    "options": {"mode": "page", "allow": "<&>\"'"},
}

sides = st.floats(0, 1e4, allow_nan=False).map(lambda side: round(side, 1))
boxes = st.builds(Box, sides, sides, sides, sides)
shares = st.floats(0, 1, allow_nan=False)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=4)
polygons = st.lists(st.builds(Point, sides, sides), min_size=2, max_size=3).map(lambda half: tuple(half + half[::-1]))
outlines = st.just(()) | polygons
characters = st.builds(
    Character, texts, boxes, shares, st.lists(st.builds(Alternative, texts, shares), max_size=2).map(tuple)
)
words = st.builds(Word, texts, boxes, shares, st.lists(characters, max_size=3).map(tuple), outlines)
lines = st.builds(Line, boxes, shares, st.lists(words, max_size=3).map(tuple), outlines)
blocks = st.builds(Block, boxes, st.lists(lines, max_size=2).map(tuple))
pages = st.builds(
    Page,
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.lists(blocks, max_size=2).map(tuple),
    st.integers(1, 300),
    st.sampled_from([0, 90, 180, 270]),
    st.floats(-45, 45).map(lambda angle: round(angle, 2)),
    st.none() | st.floats(1, 1200).map(lambda dpi: round(dpi, 1)),
)
documents = st.builds(Document, st.lists(pages, max_size=2).map(tuple), texts, st.just(PROVENANCE))


def whole_word(text: str, box: Box, confidence: float = 0.9, polygon: Polygon = ()) -> Word:
    """A word with a character for each of its letters, side by side."""
    step = box.width / len(text)
    found = tuple(
        Character(one, Box(box.x + place * step, box.y, step, box.height), confidence, (Alternative("x", 0.01),))
        for place, one in enumerate(text)
    )
    return Word(text, box, confidence, found, polygon)


def line_at(text: str, x: float, y: float, height: float = 20, step: float = 10, confidence: float = 0.9) -> Line:
    """A line of words of the same step, from a place on."""
    found = []
    for part in text.split():
        found.append(whole_word(part, Box(x, y, step * len(part), height), confidence))
        x += step * (len(part) + 1)
    return Line(union(word.box for word in found), confidence, tuple(found))


def block_of(lines: Iterable[Line]) -> Block:
    """Lines as a block."""
    found = tuple(lines)
    return Block(union(line.box for line in found), found)


def sloping_line(text: str, x: float, y: float, angle: float, height: float = 20, step: float = 10) -> Line:
    """A line that runs from a place in a direction, clockwise in degrees from running to the right."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def at(along: float, down: float) -> Point:
        return Point(x + along * cosine - down * sine, y + along * sine + down * cosine)

    def outline(start: float, end: float) -> Polygon:
        return at(start, 0), at(end, 0), at(end, height), at(start, height)

    def around(polygon: Polygon) -> Box:
        left, top = min(p.x for p in polygon), min(p.y for p in polygon)
        return Box(left, top, max(p.x for p in polygon) - left, max(p.y for p in polygon) - top)

    found, place = [], 0.0
    for part in text.split():
        polygon = outline(place, place + step * len(part))
        found.append(Word(part, around(polygon), 0.9, (), polygon))
        place += step * (len(part) + 1)
    polygon = outline(0, place - step)
    return Line(around(polygon), 0.8, tuple(found), polygon)


def telling_document() -> Document:
    """A document that holds what formats stumble over: marks of XML, right-to-left text, turned and sloping lines."""
    straight = Page(
        800,
        1000,
        (
            block_of([line_at('Invoice <No.> & "total" it\'s', 60, 40, 40, 18)]),
            block_of([line_at("naïve façade, Grüße", 60, 120), line_at("שלום עולם 123", 60, 150)]),
            block_of([line_at("\x00\x08 bell\ufffe", 60, 200), line_at("end", 60, 230)]),
        ),
        dpi=150.0,
    )
    turned = Page(
        600,
        800,
        (block_of([sloping_line("upwards it runs", 100, 700, -90)]), Block(Box(1, 2, 3, 4))),
        number=4,
        rotation=90,
    )
    sloping = Page(900, 700, (block_of([sloping_line("a skewed line", 50, 50, 7.5)]),), number=5, skew=7.5)
    return Document((straight, turned, sloping), 'scans/a "b" & c.png', PROVENANCE)
