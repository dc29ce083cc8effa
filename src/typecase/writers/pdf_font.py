"""The font of invisible text in PDFs: a box for each character, and what each of them means.

A viewer selects, copies and finds text by three things: the character that a code stands for (the ToUnicode table of
the font), how wide it is, and how far its font reaches above and below the baseline. So one glyph that is a plain box
serves every character of every script. It is made here by hand, a few hundred bytes, wide and narrow (for spaces).

Words differ in how far they reach: `on` is lower than `Only`. A font of PDF has one height, so each height that is met,
in steps of a tenth of the size, becomes a font of its own that shares everything else with the others.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from typecase.writers.xml import safe

if TYPE_CHECKING:
    import pikepdf

STEPS = 10
"""Steps of height in the font's size."""

HIGHEST, LOWEST = 15, 5
"""The farthest that fonts reach above and below the baseline, in steps."""

_UNITS = 1000
"""Units of the font in its size."""

WIDE, NARROW = 500, 100
"""Widths of a character and of a space, in units."""

_NAME = "TypecaseInvisible"


class InvisibleFonts:
    """The fonts of one PDF; codes are given as characters come, so they are written at the end."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        """Takes the PDF that the fonts become part of."""
        self._pdf = pdf
        self._codes: dict[str, int] = {}
        self._fonts: dict[tuple[int, int], Any] = {}

    def encoded(self, clusters: list[str]) -> bytes:
        """The codes of some characters, two bytes for each."""
        return b"".join(struct.pack(">H", self._code(cluster)) for cluster in clusters)

    def font(self, above: float, below: float) -> tuple[str, Any]:
        """The font that reaches nearest to these heights.

        Args:
            above: How far it reaches above the baseline, in its size.
            below: How far it reaches below the baseline, in its size.

        Returns:
            What tells it from the others, as a name, and its object, which is still empty.
        """
        heights = (
            min(HIGHEST, max(1, round(above * STEPS))),
            min(LOWEST, max(0, round(below * STEPS))),
        )
        if heights not in self._fonts:
            self._fonts[heights] = self._pdf.make_indirect(_dictionary({}))
        return f"{heights[0]}x{heights[1]}", self._fonts[heights]

    def finish(self) -> None:
        """Writes the fonts that were used."""
        if not self._fonts:
            return
        from pikepdf import Name

        reaches = list(self._fonts)
        program = font_program(reaches)
        file = self._stream(program, Length1=len(program))
        meanings = self._stream(_meanings(self._codes))
        narrow = self._codes.get(" ")
        for place, (above, below) in enumerate(reaches):
            reach = _reach(above, below)
            descriptor = self._pdf.make_indirect(
                _dictionary(
                    {
                        "/Type": Name.FontDescriptor,
                        "/FontName": Name(f"/{_NAME}"),
                        "/Flags": 4,
                        "/FontBBox": [0, reach[0], WIDE, reach[1]],
                        "/ItalicAngle": 0,
                        "/Ascent": reach[1],
                        "/Descent": reach[0],
                        "/CapHeight": reach[1],
                        "/StemV": 80,
                        "/FontFile2": file,
                    }
                )
            )
            glyphs = [1 + 2 * place] * (len(self._codes) + 1)
            if narrow is not None:
                glyphs[narrow] += 1
            descendant = {
                "/Type": Name.Font,
                "/Subtype": Name.CIDFontType2,
                "/BaseFont": Name(f"/{_NAME}"),
                "/CIDSystemInfo": _dictionary({"/Registry": b"Adobe", "/Ordering": b"Identity", "/Supplement": 0}),
                "/FontDescriptor": descriptor,
                "/DW": WIDE,
                "/CIDToGIDMap": self._stream(struct.pack(f">{len(glyphs)}H", *glyphs)),
            }
            if narrow is not None:
                descendant["/W"] = [narrow, [NARROW]]
            font = self._fonts[above, below]
            font.Type = Name.Font
            font.Subtype = Name.Type0
            font.BaseFont = Name(f"/{_NAME}")
            font.Encoding = Name("/Identity-H")
            font.DescendantFonts = _array([self._pdf.make_indirect(_dictionary(descendant))])
            font.ToUnicode = meanings

    def _code(self, cluster: str) -> int:
        code = self._codes.setdefault(cluster, len(self._codes) + 1)
        # Two bytes hold no more; beyond 65,535 different characters of one document the last stands for all others.
        return min(code, 0xFFFF)

    def _stream(self, content: bytes, **entries: Any) -> Any:
        stream = self._pdf.make_stream(content)
        for name, value in entries.items():
            stream[f"/{name}"] = value
        return stream


def clusters_of(text: str) -> list[str]:
    """The characters of a text, each with the marks that combine with it."""
    found: list[str] = []
    for character in safe(text):
        if found and unicodedata.combining(character):
            found[-1] += character
        else:
            found.append(character)
    return found


def font_program(reaches: list[tuple[int, int]]) -> bytes:
    """A TrueType font with an empty glyph, then a wide and a narrow box for each pair of heights.

    Args:
        reaches: How far each pair reaches above and below the baseline, in steps.
    """
    boxes = [(0, 0, WIDE)]
    for above, below in reaches:
        boxes += [(*_reach(above, below), WIDE), (*_reach(above, below), NARROW)]
    outlines, places = b"", [0, 0]
    for low, high, width in boxes[1:]:
        outlines += _box_outline(width, low, high)
        places.append(len(outlines))
    lowest, highest = min(low for low, _, _ in boxes), max(high for _, high, _ in boxes)
    count = len(boxes)
    version = 0x00010000
    tables = {
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            *(version, version, 0, 0x5F0F3CF5, 0x000B, _UNITS, 0, 0, 0, lowest, WIDE, highest, 0, 8, 2, 1, 0),
        ),
        b"hhea": struct.pack(
            ">IhhhH11hH", version, highest, lowest, 0, WIDE, 0, 0, WIDE, 1, 0, 0, 0, 0, 0, 0, 0, count
        ),
        b"hmtx": b"".join(struct.pack(">Hh", width, 0) for _, _, width in boxes),
        b"loca": struct.pack(f">{len(places)}I", *places),
        b"glyf": outlines,
        b"maxp": struct.pack(">I14H", version, count, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    return _font_file(version, tables)


def _reach(above: int, below: int) -> tuple[int, int]:
    """The lowest and the highest unit; a little below the baseline at least, for 0 counts as not told."""
    return min(-1, -below * _UNITS // STEPS), above * _UNITS // STEPS


def _box_outline(width: int, low: int, high: int) -> bytes:
    """A glyph with four corners, each on the curve."""
    head = struct.pack(">hhhhh", 1, 0, low, width, high) + struct.pack(">HH", 3, 0) + bytes([1, 1, 1, 1])
    outline = head + struct.pack(">4h", 0, 0, width, 0) + struct.pack(">4h", low, high - low, 0, low - high)
    return _padded(outline)


def _font_file(version: int, tables: dict[bytes, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    search = 16 << power
    head = struct.pack(">IHHHH", version, len(tables), search, power, 16 * len(tables) - search)
    place = len(head) + 16 * len(tables)
    entries, body = b"", b""
    for name in sorted(tables):
        content = _padded(tables[name])
        total = sum(struct.unpack(f">{len(content) // 4}I", content)) & 0xFFFFFFFF
        entries += name + struct.pack(">III", total, place + len(body), len(tables[name]))
        body += content
    return head + entries + body


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _meanings(codes: dict[str, int]) -> bytes:
    """The ToUnicode table."""
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        f"/CMapName /{_NAME} def /CMapType 2 def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
    ]
    for part in _parts(sorted((code, cluster) for cluster, code in codes.items() if code <= 0xFFFF)):
        lines.append(f"{len(part)} beginbfchar")
        lines += [f"<{code:04x}> <{cluster.encode('utf-16-be').hex()}>" for code, cluster in part]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode("ascii")


def _parts(pairs: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    # The format takes a hundred entries at once.
    return (pairs[start : start + 100] for start in range(0, len(pairs), 100))


def _dictionary(values: dict[str, Any]) -> Any:
    from pikepdf import Dictionary

    return Dictionary(values)


def _array(values: list[Any]) -> Any:
    from pikepdf import Array

    return Array(values)
