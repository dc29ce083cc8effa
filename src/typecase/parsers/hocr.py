"""Brings documents back from hOCR, ours and that of other programs; it may be XHTML or plain HTML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from typecase.document import Block, Box, Character, Document, Line, Page, Polygon, Word, union
from typecase.parsers.common import box_around, page_of, polygon_of, refuse, share, spread, unless_plain
from typecase.writers.made_by import parsed_settings
from typecase.writers.shape import turned_corners

_FORMAT = "hOCR"

_PAGE, _BLOCK, _PARAGRAPH, _LINE, _WORD, _CHARACTER = range(6)
_LEVELS = {
    "ocr_page": _PAGE,
    "ocr_carea": _BLOCK,
    "ocr_column": _BLOCK,
    "ocrx_block": _BLOCK,
    "ocr_par": _PARAGRAPH,
    "ocr_line": _LINE,
    "ocrx_line": _LINE,
    "ocr_header": _LINE,
    "ocr_footer": _LINE,
    "ocr_caption": _LINE,
    "ocr_textfloat": _LINE,
    "ocrx_word": _WORD,
    "ocrx_cinfo": _CHARACTER,
    "ocr_cinfo": _CHARACTER,
}
_WITHOUT_END = frozenset("area base br col embed hr img input link meta source track wbr".split())
_ENDS_PARAGRAPHS = frozenset(["p", "div", "table", "ul", "ol"])
"""What cannot stand within a paragraph of HTML, so that it ends one that was left open."""

# Properties stand apart by semicolons, which may also stand within quotes.
_PROPERTY = re.compile(r"""\s*([a-z_0-9]+)((?:"[^"]*"|'[^']*'|[^;"'])*)(?:;|$)""", re.IGNORECASE)


@dataclass
class _Element:
    level: int
    properties: dict[str, str]
    inner: list[_Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def box(self) -> Box:
        values = self.properties.get("bbox") or self.properties.get("x_bboxes") or ""
        corners = polygon_of(values, _FORMAT)[:2]
        if len(corners) < 2:
            return box_around(polygon_of(self.properties.get("poly", ""), _FORMAT)) if not values else _empty()
        (left, top), (right, bottom) = corners
        return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def confidence(self, name: str) -> float:
        told = self.properties.get(name)
        return share(told.split()[0] if told and told.split() else None, 100)

    def of(self, *levels: int) -> Iterator[_Element]:
        """The elements of these levels within, however deep; none within one another."""
        for element in self.inner:
            if element.level in levels:
                yield element
            else:
                yield from element.of(*levels)


def parse(text: str | bytes) -> Document:
    """Brings a document back; of polygons only those of quarter turns and those that are told.

    A paragraph is a block, and so is an area without paragraphs.

    Raises:
        InputError: It has no page, or a box is damaged.
    """
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    parser = _Parser()
    parser.feed(decoded)
    parser.close()
    pages = list(parser.root.of(_PAGE))
    if not pages and "ocr-system" not in parser.metas:
        refuse(_FORMAT, "it has no ocr_page")
    provenance = parsed_settings(parser.metas.get("typecase-provenance"))
    if not provenance and "ocr-system" in parser.metas:
        provenance = {"ocr-system": parser.metas["ocr-system"]}
    source = pages[0].properties.get("image", "").strip("\"'").replace("%22", '"') if pages else ""
    return Document(tuple(_page(page, number) for number, page in enumerate(pages, 1)), source, provenance)


class _Parser(HTMLParser):
    """Builds the tree of the elements that mean something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element(-1, {})
        self.metas: dict[str, str] = {}
        self._open: list[tuple[str, _Element | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "meta":
            self.metas[attributes.get("name", "")] = attributes.get("content", "")
        if tag in _WITHOUT_END:
            return
        if tag in _ENDS_PARAGRAPHS:
            self.handle_endtag("p")
        level = next((_LEVELS[name] for name in attributes.get("class", "").split() if name in _LEVELS), None)
        element = None
        if level is not None:
            element = _Element(level, _properties(attributes.get("title", "")))
            self._innermost.inner.append(element)
        self._open.append((tag, element))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _WITHOUT_END:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        # What was left open within ends with what is around it; an end without a beginning ends nothing.
        if any(opened == tag for opened, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        for _, element in self._open:
            if element is not None and element.level >= _LINE:
                element.texts.append(data)

    @property
    def _innermost(self) -> _Element:
        return next((element for _, element in reversed(self._open) if element is not None), self.root)


def _properties(title: str) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in _PROPERTY.findall(title)}


def _page(page: _Element, number: int) -> Page:
    blocks = []
    for element in page.of(_BLOCK, _PARAGRAPH, _LINE, _WORD):
        if element.level == _WORD:
            # Words right on the page: each is a line of its own, since nothing tells which belong together.
            blocks.append(_block(element.box, [_line(_Element(_LINE, element.properties, [element]))]))
        elif element.level == _LINE:
            blocks.append(_block(element.box, [_line(element)]))
        else:
            paragraphs = [element] if element.level == _PARAGRAPH else list(element.of(_PARAGRAPH)) or [element]
            # An area with a single paragraph is that paragraph, and its own box tells where it lies.
            boxes = [element.box] if len(paragraphs) == 1 else [paragraph.box for paragraph in paragraphs]
            for box, paragraph in zip(boxes, paragraphs, strict=True):
                blocks.append(_block(box, [_line(line) for line in paragraph.of(_LINE)]))
    turns = Counter(_turn(line) for line in page.of(_LINE))
    rotation = turns.most_common(1)[0][0] if turns else 0
    resolution = page.properties.get("scan_res", "").split()
    dpi = float(resolution[0]) if resolution and resolution[0].replace(".", "", 1).isdigit() else None
    box = page.box
    told = page.properties.get("ppageno", "")
    return page_of(
        blocks,
        (box.right, box.bottom),
        int(told) + 1 if told.isdigit() else number,
        rotation=rotation,
        dpi=dpi if dpi else None,
    )


def _block(box: Box, lines: list[Line]) -> Block:
    return Block(box if box != _empty() else union(line.box for line in lines), tuple(lines))


def _line(element: _Element) -> Line:
    turn = _turn(element)
    words = tuple(_word(word, turn) for word in element.of(_WORD) if word.text)
    box = element.box
    confidence = element.confidence("x_wconf")
    if not words:
        words = spread(element.text, box, confidence)
    if "x_wconf" not in element.properties:
        for word in words:
            confidence *= word.confidence
    return Line(box, confidence, words, _polygon(element, turn))


def _word(element: _Element, turn: int) -> Word:
    characters = tuple(
        Character(one.text, one.box, one.confidence("x_conf" if "x_conf" in one.properties else "x_confs"))
        for one in element.of(_CHARACTER)
        if one.text
    )
    return Word(element.text, element.box, element.confidence("x_wconf"), characters, _polygon(element, turn))


def _turn(element: _Element) -> int:
    """The quarter turn, clockwise in degrees, that brings a line upright."""
    told = element.properties.get("textangle", "0").split()
    try:
        return round(float(told[0]) / 90) % 4 * 90
    except (ValueError, OverflowError, IndexError):
        return 0


def _polygon(element: _Element, turn: int) -> Polygon:
    if "poly" in element.properties:
        return unless_plain(polygon_of(element.properties["poly"], _FORMAT), element.box)
    return turned_corners(element.box, turn)


def _empty() -> Box:
    return Box(0.0, 0.0, 0.0, 0.0)
