"""ALTO 4.4, the XML of libraries: text blocks, lines, strings and glyphs, measured in pixels."""

from __future__ import annotations

from collections.abc import Sequence

from typecase.document import Block, Box, Character, Line, Page, Point, Polygon, Word
from typecase.writers import made_by, shape
from typecase.writers.base import Origin, Writer
from typecase.writers.xml import Attributes, XmlStream, number

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"

_PROCESSING = "typecase"


class AltoWriter(Writer):
    """One ALTO document, a `Page` for each page."""

    def begin(self) -> None:
        """Writes the description."""
        self._xml = XmlStream(self.put)
        self._page = 0
        self._xml.begin()
        self._xml.start(
            "alto",
            {
                "xmlns": NAMESPACE,
                "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
                "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
                "SCHEMAVERSION": "4.4",
            },
        )
        with self._xml.element("Description"):
            self._xml.leaf("MeasurementUnit", text="pixel")
            with self._xml.element("sourceImageInformation"):
                self._xml.leaf("fileName", text=self.head.source)
            with self._xml.element("Processing", {"ID": _PROCESSING}):
                self._xml.leaf("processingCategory", text="contentGeneration")
                self._xml.leaf("processingDateTime", text=made_by.now())
                self._xml.leaf("processingStepSettings", text=made_by.settings(self.head))
                with self._xml.element("processingSoftware"):
                    self._xml.leaf("softwareName", text=made_by.PROGRAM)
                    self._xml.leaf("softwareVersion", text=made_by.version(self.head))
        self._xml.start("Layout")

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes a page."""
        self._page += 1
        turned = -page.rotation % 360
        attributes: Attributes = {
            "ID": f"page_{self._page}",
            "PHYSICAL_IMG_NR": page.number,
            "WIDTH": page.width,
            "HEIGHT": page.height,
            # Text that must be turned clockwise to stand upright lies turned counter-clockwise by as much.
            "ROTATION": page.rotation if turned else None,
            "PROCESSINGREFS": _PROCESSING,
        }
        with (
            self._xml.element("Page", attributes),
            self._xml.element("PrintSpace", _place(Box(0, 0, page.width, page.height))),
        ):
            for number_of_block, block in enumerate(page.blocks, 1):
                self._block(block, f"{self._page}_{number_of_block}")

    def end(self) -> None:
        """Closes the document."""
        self._xml.end("Layout")
        self._xml.end("alto")

    def _block(self, block: Block, place: str) -> None:
        with self._xml.element("TextBlock", {"ID": f"block_{place}", **_place(block.box)}):
            for number_of_line, line in enumerate(block.lines, 1):
                # A line without words cannot be told in ALTO.
                if line.words:
                    self._line(line, f"{place}_{number_of_line}")

    def _line(self, line: Line, place: str) -> None:
        attributes: Attributes = {
            "ID": f"line_{place}",
            **_place(line.box),
            "BASELINE": _points(shape.baseline(line)),
        }
        with self._xml.element("TextLine", attributes):
            self._shape(line.polygon)
            for number_of_word, word in enumerate(line.words, 1):
                if number_of_word > 1:
                    self._xml.leaf("SP", _gap(line.words[number_of_word - 2].box, word.box))
                self._word(word, f"{place}_{number_of_word}")

    def _word(self, word: Word, place: str) -> None:
        attributes: Attributes = {
            "ID": f"string_{place}",
            **_place(word.box),
            "CONTENT": word.text,
            "WC": number(word.confidence, 4),
        }
        characters = word.characters if self.options.characters else ()
        # The standard gives a glyph one character, so one that is written with several stays within its word.
        if any(len(character.text) != 1 for character in characters):
            characters = ()
        if not characters and not word.polygon:
            self._xml.leaf("String", attributes)
            return
        with self._xml.element("String", attributes):
            self._shape(word.polygon)
            for number_of_character, character in enumerate(characters, 1):
                self._glyph(character, f"glyph_{place}_{number_of_character}")

    def _glyph(self, character: Character, identity: str) -> None:
        attributes: Attributes = {
            "ID": identity,
            **_place(character.box),
            "CONTENT": character.text,
            "GC": number(character.confidence, 4),
        }
        if not character.alternatives:
            self._xml.leaf("Glyph", attributes)
            return
        with self._xml.element("Glyph", attributes):
            for other in character.alternatives:
                if len(other.text) <= 3:
                    self._xml.leaf("Variant", {"CONTENT": other.text, "VC": number(other.confidence, 4)})

    def _shape(self, polygon: Polygon) -> None:
        if polygon:
            with self._xml.element("Shape"):
                self._xml.leaf("Polygon", {"POINTS": _points(polygon)})


def _place(box: Box) -> Attributes:
    return {"HPOS": box.x, "VPOS": box.y, "WIDTH": box.width, "HEIGHT": box.height}


def _gap(left: Box, right: Box) -> Attributes:
    """The space between two words, where they stand side by side."""
    width = right.x - left.right
    return {"HPOS": left.right, "VPOS": right.y, "WIDTH": width} if width >= 0 else {}


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)
