"""hOCR 1.2: HTML whose classes and titles tell pages, areas, lines and words, with boxes and confidences."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

from typecase.document import Block, Box, Line, Page, Word
from typecase.writers import made_by, shape
from typecase.writers.base import Origin, Writer
from typecase.writers.text_way import runs_to_the_left
from typecase.writers.xml import XmlStream, number

_CLASSES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_dir"


class HocrWriter(Writer):
    """One HTML document, an `ocr_page` for each page."""

    def begin(self) -> None:
        """Writes the head of the HTML."""
        self._xml = XmlStream(self.put)
        self._page = 0
        self._xml.begin(
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
            '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
        )
        self._xml.start("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
        with self._xml.element("head"):
            self._xml.leaf("title", text=self.head.source)
            self._meta({"http-equiv": "Content-Type", "content": "text/html; charset=utf-8"})
            self._meta({"name": "ocr-system", "content": made_by.program(self.head)})
            capabilities = f"{_CLASSES} ocrx_cinfo" if self.options.characters else _CLASSES
            self._meta({"name": "ocr-capabilities", "content": capabilities})
            if self.head.page_count is not None:
                self._meta({"name": "ocr-number-of-pages", "content": str(self.head.page_count)})
            self._meta({"name": "ocr-langs", "content": "unknown"})
            self._meta({"name": "ocr-scripts", "content": "unknown"})
            self._meta({"name": "typecase-provenance", "content": made_by.settings(self.head)})
        self._xml.start("body")

    def page(self, page: Page, origin: Origin | None = None) -> None:
        """Writes a page."""
        self._page += 1
        title = [f"bbox 0 0 {page.width} {page.height}", f"ppageno {max(0, page.number - 1)}"]
        if self.head.source:
            title.insert(0, f"image {_quoted(self.head.source)}")
        if page.dpi is not None:
            title.append(f"scan_res {round(page.dpi)} {round(page.dpi)}")
        with self._element("div", "ocr_page", [self._page], title):
            for number_of_block, block in enumerate(page.blocks, 1):
                self._block(block, [self._page, number_of_block])

    def end(self) -> None:
        """Closes the HTML."""
        self._xml.end("body")
        self._xml.end("html")

    def _block(self, block: Block, place: Sequence[int]) -> None:
        title = [_bbox(block.box)]
        with self._element("div", "ocr_carea", place, title), self._element("p", "ocr_par", place, title):
            for number_of_line, line in enumerate(block.lines, 1):
                self._line(line, [*place, number_of_line])

    def _line(self, line: Line, place: Sequence[int]) -> None:
        title = [_bbox(line.box)]
        if shape.lying(line):
            title.append(_baseline(line))
        else:
            title.append(f"textangle {number(-shape.angle(line) % 360)}")
        title.append(f"x_wconf {number(100 * line.confidence)}")
        with self._element("span", "ocr_line", place, title):
            for number_of_word, word in enumerate(line.words, 1):
                self._word(word, [*place, number_of_word])

    def _word(self, word: Word, place: Sequence[int]) -> None:
        attributes = {
            "class": "ocrx_word",
            "id": _identity("ocrx_word", place),
            "title": f"{_bbox(word.box)}; x_wconf {number(100 * word.confidence)}",
            "dir": "rtl" if runs_to_the_left(word.text) else None,
        }
        if not self.options.characters or "".join(one.text for one in word.characters) != word.text:
            self._xml.leaf("span", attributes, word.text)
            return
        with self._xml.inline("span", attributes):
            for character in word.characters:
                title = f"x_bboxes {' '.join(map(str, shape.whole(character.box)))}"
                title += f"; x_conf {number(100 * character.confidence)}"
                self._xml.inline_leaf("span", {"class": "ocrx_cinfo", "title": title}, character.text)

    def _element(
        self, tag: str, kind: str, place: Sequence[int], title: Sequence[str]
    ) -> contextlib.AbstractContextManager[None]:
        attributes = {"class": kind, "id": _identity(kind, place), "title": "; ".join(title)}
        return self._xml.element(tag, attributes)

    def _meta(self, attributes: dict[str, str]) -> None:
        self._xml.leaf("meta", attributes)


def _identity(kind: str, place: Sequence[int]) -> str:
    return "_".join((kind.split("_")[1], *map(str, place)))


def _bbox(box: Box) -> str:
    return f"bbox {' '.join(map(str, shape.whole(box)))}"


def _baseline(line: Line) -> str:
    """Slope and height of a straight baseline, from the lower left corner of the box; the height in whole pixels."""
    first, *_, last = shape.baseline(line)
    slope = (last.y - first.y) / (last.x - first.x) if last.x > first.x else 0.0
    box = shape.whole(line.box)
    height = first.y + slope * (box.left - first.x) - box.bottom
    # Four decimals tell pixels along lines of any length.
    return f"baseline {number(slope, 4)} {math.floor(height + 0.5)}"


def _quoted(path: str) -> str:
    """A path as hOCR has it: with the slashes of Unix, in quotes that it does not hold itself."""
    return '"' + path.replace("\\", "/").replace('"', "%22") + '"'
