"""Brings documents back from ALTO of any version, ours and that of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from typecase.document import Alternative, Block, Box, Character, Document, Line, Page, Polygon, Word, union
from typecase.parsers.common import (
    box_around,
    children,
    local,
    page_of,
    polygon_of,
    refuse,
    root_of,
    share,
    unless_plain,
)
from typecase.writers.made_by import parsed_settings

_FORMAT = "ALTO"
_PAGE_AREAS = ("PrintSpace", "TopMargin", "LeftMargin", "RightMargin", "BottomMargin")

_UNITS = {"pixel": 1.0}
"""Only pixels can be brought back without knowing the resolution."""


def parse(text: str | bytes) -> Document:
    """Brings a document back.

    Raises:
        InputError: It is no ALTO, is damaged, or measures in something else than pixels.
    """
    root = root_of(text, _FORMAT, "alto")
    unit = next((element.text for element in root.iter() if local(element) == "MeasurementUnit"), "pixel")
    if unit not in _UNITS:
        refuse(_FORMAT, f"it measures in {unit}, and only pixels are read")
    source = next((element.text for element in root.iter() if local(element) == "fileName"), None)
    settings = next((element.text for element in root.iter() if local(element) == "processingStepSettings"), None)
    pages = [element for element in root.iter() if local(element) == "Page"]
    return Document(
        tuple(_page(page, number) for number, page in enumerate(pages, 1)), source or "", parsed_settings(settings)
    )


def _page(page: Element, number: int) -> Page:
    blocks = [_block(block) for area in children(page, *_PAGE_AREAS) for block in _blocks(area)]
    told = _number(page, "PHYSICAL_IMG_NR")
    return page_of(
        blocks,
        (_number(page, "WIDTH"), _number(page, "HEIGHT")),
        int(told) if told >= 1 else number,
        rotation=_number(page, "ROTATION"),
    )


def _blocks(area: Element) -> Iterator[Element]:
    """The text blocks of an area, which may lie within others."""
    for element in area:
        if local(element) == "TextBlock":
            yield element
        elif local(element) == "ComposedBlock":
            yield from _blocks(element)


def _block(block: Element) -> Block:
    lines = tuple(_line(line) for line in children(block, "TextLine"))
    box = _box(block)
    return Block(box if box is not None else union(line.box for line in lines), lines)


def _line(line: Element) -> Line:
    words = tuple(_word(word) for word in children(line, "String") if word.get("CONTENT", "").strip())
    box = _box(line)
    # ALTO tells no confidence of lines: it is that of all words being right.
    confidence = 1.0
    for word in words:
        confidence *= word.confidence
    box = box if box is not None else union(word.box for word in words)
    return Line(box, confidence, words, unless_plain(_polygon(line), box))


def _word(word: Element) -> Word:
    polygon = _polygon(word)
    box = _box(word) or box_around(polygon)
    characters = tuple(_character(glyph) for glyph in children(word, "Glyph"))
    return Word(word.get("CONTENT", ""), box, share(word.get("WC")), characters, unless_plain(polygon, box))


def _character(glyph: Element) -> Character:
    return Character(
        glyph.get("CONTENT", ""),
        _box(glyph) or box_around(_polygon(glyph)),
        share(glyph.get("GC")),
        tuple(
            Alternative(variant.get("CONTENT", ""), share(variant.get("VC"))) for variant in children(glyph, "Variant")
        ),
    )


def _box(element: Element) -> Box | None:
    if element.get("HPOS") is None or element.get("VPOS") is None:
        return None
    x, y, width, height = (_number(element, name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    return Box(x, y, max(0.0, width), max(0.0, height))


def _polygon(element: Element) -> Polygon:
    points = next((found.get("POINTS", "") for shape in children(element, "Shape") for found in shape), "")
    return polygon_of(points, _FORMAT)


def _number(element: Element, name: str) -> float:
    try:
        return float(element.get(name, 0))
    except ValueError:
        refuse(_FORMAT, f"{name}={element.get(name)!r} is no number")
