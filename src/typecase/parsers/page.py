"""Brings documents back from PAGE XML of any version, ours and that of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from typecase.document import Alternative, Block, Character, Document, Line, Page, Polygon, Word
from typecase.parsers.common import (
    box_around,
    children,
    local,
    page_of,
    polygon_of,
    refuse,
    root_of,
    share,
    spread,
    unless_plain,
)
from typecase.writers.made_by import parsed_settings

_FORMAT = "PAGE XML"


def parse(text: str | bytes) -> Document:
    """Brings a document of one page back.

    Raises:
        InputError: It is no PAGE XML, or is damaged.
    """
    root = root_of(text, _FORMAT, "PcGts")
    page = next((element for element in root if local(element) == "Page"), None)
    if page is None:
        refuse(_FORMAT, "it has no page")
    labels = {element.get("type", ""): element.get("value", "") for element in root.iter() if local(element) == "Label"}
    number = labels.get("page", "1")
    return Document(
        (_page(page, int(number) if number.isdigit() and int(number) else 1),),
        page.get("imageFilename", ""),
        parsed_settings(labels.get("provenance")),
    )


def _page(page: Element, number: int) -> Page:
    regions = {region.get("id", ""): region for region in _regions(page)}
    order = [reference.get("regionRef", "") for reference in page.iter() if local(reference).startswith("RegionRef")]
    # What the reading order does not name comes last.
    chosen = [regions.pop(name) for name in dict.fromkeys(order) if name in regions] + list(regions.values())
    turn = _number(page, "orientation")
    rotation = round(turn / 90) * 90
    dpi = _number(page, "imageXResolution") if page.get("imageResolutionUnit") == "PPI" else 0.0
    return page_of(
        [_block(region) for region in chosen],
        (_number(page, "imageWidth"), _number(page, "imageHeight")),
        number,
        rotation=rotation,
        skew=rotation - turn,
        dpi=dpi if dpi > 0 else None,
    )


def _regions(element: Element) -> Iterator[Element]:
    """The regions of text, also those within others such as tables."""
    for inner in element:
        if local(inner) == "TextRegion":
            yield inner
        if local(inner).endswith("Region"):
            yield from _regions(inner)


def _block(region: Element) -> Block:
    return Block(box_around(_coords(region)), tuple(_line(line) for line in children(region, "TextLine")))


def _line(line: Element) -> Line:
    polygon = _coords(line)
    box = box_around(polygon)
    readings = _readings(line)
    text, confidence = readings[0] if readings else ("", 1.0)
    words = tuple(_word(word) for word in children(line, "Word"))
    words = tuple(word for word in words if word.text) or spread(text, box, confidence)
    return Line(box, confidence, words, unless_plain(polygon, box))


def _word(word: Element) -> Word:
    polygon = _coords(word)
    box = box_around(polygon)
    characters = tuple(_character(glyph) for glyph in children(word, "Glyph"))
    readings = _readings(word)
    text, confidence = readings[0] if readings else ("".join(one.text for one in characters), 1.0)
    return Word(text, box, confidence, characters, unless_plain(polygon, box))


def _character(glyph: Element) -> Character:
    readings = _readings(glyph)
    text, confidence = readings[0] if readings else ("", 1.0)
    return Character(
        text, box_around(_coords(glyph)), confidence, tuple(Alternative(*reading) for reading in readings[1:])
    )


def _readings(element: Element) -> list[tuple[str, float]]:
    """Text and confidence of each reading, the best first."""
    found = sorted(children(element, "TextEquiv"), key=lambda reading: _number(reading, "index"))
    return [
        (next((inner.text or "" for inner in children(reading, "Unicode")), ""), share(reading.get("conf")))
        for reading in found
    ]


def _coords(element: Element) -> Polygon:
    return next((polygon_of(found.get("points", ""), _FORMAT) for found in children(element, "Coords")), ())


def _number(element: Element, name: str) -> float:
    try:
        return float(element.get(name, 0))
    except ValueError:
        refuse(_FORMAT, f"{name}={element.get(name)!r} is no number")
