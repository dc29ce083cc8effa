"""PAGE XML 2019-07-15, the XML of layout research: regions, lines, words and glyphs as polygons in whole pixels."""

from __future__ import annotations

from collections.abc import Sequence

from typecase.document import Block, Character, Line, Page, Point, Word, corners
from typecase.errors import OutputError
from typecase.writers import made_by, shape
from typecase.writers.base import Origin, Writer
from typecase.writers.text_way import runs_to_the_left
from typecase.writers.xml import Attributes, XmlStream, number

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


class PageXmlWriter(Writer):
    """One PAGE document, which holds exactly one page: a document of several is several files."""

    def begin(self) -> None:
        """Nothing is known to be written before the page is there."""
        self._xml = XmlStream(self.put)
        self._written = False

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes the whole file.

        Raises:
            OutputError: It is the second page.
        """
        if self._written:
            raise OutputError(
                "PAGE XML holds one page in each file, and there are several; write each page to a file of its own."
            )
        self._written = True
        self._xml.begin()
        location = f"{NAMESPACE} {NAMESPACE}/pagecontent.xsd"
        root: Attributes = {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": location,
        }
        with self._xml.element("PcGts", root):
            self._metadata(page)
            self._page(page)

    def end(self) -> None:
        """Writes an empty page where there was none, for the format knows no file without one."""
        if not self._written:
            self.page(Page(0, 0))

    def _metadata(self, page: Page) -> None:
        with self._xml.element("Metadata"):
            time = made_by.now()
            self._xml.leaf("Creator", text=made_by.program(self.head))
            self._xml.leaf("Created", text=time)
            self._xml.leaf("LastChange", text=time)
            step: Attributes = {
                "type": "processingStep",
                "name": "recognition",
                "value": made_by.program(self.head),
                "date": time,
            }
            with self._xml.element("MetadataItem", step), self._xml.element("Labels"):
                self._xml.leaf("Label", {"type": "provenance", "value": made_by.settings(self.head)})
                self._xml.leaf("Label", {"type": "page", "value": str(page.number)})

    def _page(self, page: Page) -> None:
        turn = page.rotation - page.skew
        attributes: Attributes = {
            "imageFilename": self.head.source,
            "imageWidth": page.width,
            "imageHeight": page.height,
            "imageXResolution": page.dpi,
            "imageYResolution": page.dpi,
            "imageResolutionUnit": None if page.dpi is None else "PPI",
            # What the page must be turned by, clockwise, to stand straight: from above -180 up to 180.
            "orientation": None if turn == 0 else 180 - (180 - turn) % 360,
        }
        with self._xml.element("Page", attributes):
            if page.blocks:
                with (
                    self._xml.element("ReadingOrder"),
                    self._xml.element("OrderedGroup", {"id": "reading_order"}),
                ):
                    for index in range(len(page.blocks)):
                        self._xml.leaf("RegionRefIndexed", {"index": index, "regionRef": f"region_{index + 1}"})
            for number_of_block, block in enumerate(page.blocks, 1):
                self._block(block, number_of_block)

    def _block(self, block: Block, place: int) -> None:
        with self._xml.element("TextRegion", {"id": f"region_{place}"}):
            self._coords(corners(block.box))
            for number_of_line, line in enumerate(block.lines, 1):
                self._line(line, f"{place}_{number_of_line}")
            self._text(block.text)

    def _line(self, line: Line, place: str) -> None:
        with self._xml.element("TextLine", {"id": f"line_{place}", **_way(line.text)}):
            self._coords(shape.outline(line))
            self._xml.leaf("Baseline", {"points": _points(shape.baseline(line))})
            for number_of_word, word in enumerate(line.words, 1):
                self._word(word, f"{place}_{number_of_word}")
            self._text(line.text, line.confidence)

    def _word(self, word: Word, place: str) -> None:
        with self._xml.element("Word", {"id": f"word_{place}", **_way(word.text)}):
            self._coords(shape.outline(word))
            for number_of_character, character in enumerate(word.characters if self.options.characters else (), 1):
                self._glyph(character, f"{place}_{number_of_character}")
            self._text(word.text, word.confidence)

    def _glyph(self, character: Character, place: str) -> None:
        with self._xml.element("Glyph", {"id": f"glyph_{place}"}):
            self._coords(corners(character.box))
            self._text(character.text, character.confidence, index=0 if character.alternatives else None)
            for index, other in enumerate(character.alternatives, 1):
                self._text(other.text, other.confidence, index)

    def _coords(self, points: Sequence[Point]) -> None:
        self._xml.leaf("Coords", {"points": _points(points)})

    def _text(self, text: str, confidence: float | None = None, index: int | None = None) -> None:
        attributes: Attributes = {"index": index, "conf": None if confidence is None else number(confidence, 4)}
        with self._xml.element("TextEquiv", attributes):
            self._xml.leaf("Unicode", text=text)


def _way(text: str) -> Attributes:
    return {"readingDirection": "right-to-left"} if runs_to_the_left(text) else {}


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in shape.whole_points(points))
