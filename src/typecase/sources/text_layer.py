"""The text that a PDF's page carries itself, as lines and words with boxes: what somebody typed, or another reader put
under its picture.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from typecase.document import Block, Box, Character, Line, Page, Point, Polygon, Word, corners, union
from typecase.stages.arrange import arrange

_FINE = 64
"""PDFium gives places in whole pixels, so it is asked about a page so many times as large."""

_LINE_END_HYPHEN = 2
_STRAIGHT = math.radians(1.0)
_ASCENT, _DESCENT = 0.75, 0.25

_Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Glyph:
    """A character as it stands on the page.

    Attributes:
        text: The character; a space or a line break where words or lines end.
        box: Around its ink, in pixels; without extent for spaces.
        origin: Where it stands on its baseline, in pixels.
        size: Height of its font in pixels.
        visible: Whether it is drawn.
    """

    text: str
    box: Box
    origin: Point
    size: float
    visible: bool


@dataclass(frozen=True)
class TextLayer:
    """The characters of a page, in the order in which the file gives them."""

    glyphs: tuple[Glyph, ...]

    @property
    def has_text(self) -> bool:
        """Whether anything can be read in it, drawn or not."""
        return any(_says_something(glyph) for glyph in self.glyphs)

    @property
    def has_visible_text(self) -> bool:
        """Whether anything can be read in it that is drawn."""
        return any(glyph.visible and _says_something(glyph) for glyph in self.glyphs)

    def page(self, width: int, height: int, number: int, dpi: float, *, invisible: bool = True) -> Page:
        """The text as a page of lines and words, all of them certain.

        Args:
            width: Width of the drawn page in pixels.
            height: Its height.
            number: Its number in the file.
            dpi: Dots per inch at which it is drawn.
            invisible: Whether text counts that is not drawn.
        """
        # A space or a break belongs to what stands before it.
        kept = [glyph for glyph in self.glyphs if invisible or glyph.visible or not glyph.text.strip()]
        parts = _split(kept, "\n")
        rotation = _rotation(parts)
        frame = _Frame(rotation, width, height)
        lines = [line for part in parts if (line := _line([frame.entered(glyph) for glyph in part])) is not None]
        size = (height, width) if rotation in (90, 270) else (width, height)
        blocks = tuple(frame.left(block) for block in arrange(lines, *size))
        return Page(width, height, blocks, number, rotation, dpi=dpi)


@dataclass(frozen=True)
class _Frame:
    """The page turned by quarters so that its text stands upright, in which it is arranged."""

    rotation: Literal[0, 90, 180, 270]
    width: int
    height: int

    def entered(self, glyph: Glyph) -> Glyph:
        """A glyph of the page in the frame."""
        if self.rotation == 0 or not glyph.text.strip():
            return glyph
        origin = self._into(*glyph.origin)
        first, last = self._into(glyph.box.x, glyph.box.y), self._into(glyph.box.right, glyph.box.bottom)
        return replace(glyph, box=_box(first, last), origin=Point(*origin))

    def left(self, block: Block) -> Block:
        """A block of the frame in the page."""
        if self.rotation == 0:
            return block
        lines = tuple(
            msgspec.structs.replace(
                line,
                box=self._box(line.box),
                polygon=self._polygon(line.polygon or corners(line.box)),
                words=tuple(map(self._word, line.words)),
            )
            for line in block.lines
        )
        return Block(self._box(block.box), lines)

    def _word(self, word: Word) -> Word:
        return msgspec.structs.replace(
            word,
            box=self._box(word.box),
            polygon=self._polygon(word.polygon or corners(word.box)),
            characters=tuple(msgspec.structs.replace(one, box=self._box(one.box)) for one in word.characters),
        )

    def _into(self, x: float, y: float) -> tuple[float, float]:
        if self.rotation == 90:
            return self.height - y, x
        if self.rotation == 180:
            return self.width - x, self.height - y
        return (y, self.width - x) if self.rotation == 270 else (x, y)

    def _out(self, x: float, y: float) -> tuple[float, float]:
        if self.rotation == 90:
            return y, self.height - x
        if self.rotation == 180:
            return self.width - x, self.height - y
        return (self.width - y, x) if self.rotation == 270 else (x, y)

    def _box(self, box: Box) -> Box:
        return _box(self._out(box.x, box.y), self._out(box.right, box.bottom))

    def _polygon(self, polygon: Polygon) -> Polygon:
        return tuple(Point(*(round(value, 1) for value in self._out(*point))) for point in polygon)


def _says_something(glyph: Glyph) -> bool:
    return bool(glyph.text.strip()) and glyph.text != "\ufffd"


def read_text_layer(page: Any, width: int, height: int) -> TextLayer:
    """Reads the characters of a page of pypdfium2's.

    Args:
        page: The page.
        width: Width in pixels at which it is drawn.
        height: Its height.
    """
    place = to_pixels(page, width, height)
    scale = math.hypot(*(end - start for start, end in zip(place(0, 0), place(0, 1), strict=True)))
    handle = pdfium.FPDFText_LoadPage(page)
    if not handle:
        return TextLayer(())
    try:
        return TextLayer(tuple(_glyphs(handle, place, scale)))
    finally:
        pdfium.FPDFText_ClosePage(handle)


def to_pixels(page: Any, width: int, height: int) -> _Place:
    """Gives what turns a place on the page, in points, into one on its picture."""
    x, y = ctypes.c_int(), ctypes.c_int()

    def asked(across: float, up: float) -> tuple[float, float]:
        pdfium.FPDF_PageToDevice(page, 0, 0, width * _FINE, height * _FINE, 0, across, up, x, y)
        return x.value / _FINE, y.value / _FINE

    far = 1000.0
    (left, top), (right, rise), (shift, bottom) = asked(0, 0), asked(far, 0), asked(0, far)

    def place(across: float, up: float) -> tuple[float, float]:
        return (
            left + (right - left) / far * across + (shift - left) / far * up,
            top + (rise - top) / far * across + (bottom - top) / far * up,
        )

    return place


def _glyphs(handle: Any, place: _Place, scale: float) -> list[Glyph]:
    found: list[Glyph] = []
    edges = [ctypes.c_double() for _ in range(4)]
    x, y = ctypes.c_double(), ctypes.c_double()
    high = 0
    visible: dict[int, bool] = {}
    for index in range(max(0, pdfium.FPDFText_CountChars(handle))):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00 if high else 0xFFFD
        high = 0
        text = _text_of(code)
        if not text:
            continue
        if not text.strip():
            # A tab or any other white space parts words as a space does.
            found.append(Glyph("\n" if text in "\r\n" else " ", Box(0, 0, 0, 0), Point(0, 0), 0.0, True))
            continue
        pdfium.FPDFText_GetCharBox(handle, index, *edges)
        left, right, bottom, top = (edge.value for edge in edges)
        pdfium.FPDFText_GetCharOrigin(handle, index, x, y)
        found.append(
            Glyph(
                text,
                _box(place(left, bottom), place(right, top)),
                Point(*place(x.value, y.value)),
                max(abs(pdfium.FPDFText_GetFontSize(handle, index)) * scale, 1.0),
                _is_visible(handle, index, visible),
            )
        )
    return found


def _is_visible(handle: Any, index: int, known: dict[int, bool]) -> bool:
    item = pdfium.FPDFText_GetTextObject(handle, index)
    if not item:
        return True
    address = ctypes.addressof(item.contents)
    if address not in known:
        mode = pdfium.FPDFTextObj_GetTextRenderMode(item)
        known[address] = mode != pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
    return known[address]


def _text_of(code: int) -> str:
    if code == _LINE_END_HYPHEN:
        return "-"
    if code == 0 or code > 0x10FFFF or 0xE000 <= code < 0xF900:
        # A font that does not say which letter it draws.
        return "\ufffd"
    text = chr(code)
    return text if text.isprintable() or text.isspace() else ""


def _box(one: tuple[float, float], other: tuple[float, float]) -> Box:
    left, right = sorted((one[0], other[0]))
    top, bottom = sorted((one[1], other[1]))
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))


def _split(glyphs: Sequence[Glyph], mark: str) -> list[list[Glyph]]:
    parts: list[list[Glyph]] = [[]]
    for glyph in glyphs:
        if glyph.text == mark:
            parts.append([])
        else:
            parts[-1].append(glyph)
    return [part for part in parts if part]


def _line(glyphs: Sequence[Glyph]) -> Line | None:
    parts = _split(glyphs, " ")
    inked = [glyph for part in parts for glyph in part]
    if not inked:
        return None
    angle = _angle(inked)
    words = tuple(_word(part, angle) for part in parts)
    return Line(_around(word.box for word in words), 1.0, words, _polygon(inked, angle))


def _word(glyphs: Sequence[Glyph], angle: float) -> Word:
    characters = tuple(Character(glyph.text, glyph.box, 1.0) for glyph in glyphs)
    return Word(
        "".join(glyph.text for glyph in glyphs),
        _around(glyph.box for glyph in glyphs),
        1.0,
        characters,
        _polygon(glyphs, angle),
    )


def _around(boxes: Iterable[Box]) -> Box:
    around = union(boxes)
    return _box((around.x, around.y), (around.right, around.bottom))


def _angle(glyphs: Sequence[Glyph]) -> float:
    """Where the text runs, clockwise from the right, in radians."""
    first, last = glyphs[0].origin, glyphs[-1].origin
    across, down = last.x - first.x, last.y - first.y
    return math.atan2(down, across) if math.hypot(across, down) > 0.5 else 0.0


def _polygon(glyphs: Sequence[Glyph], angle: float) -> Polygon:
    if abs(angle) < _STRAIGHT:
        return ()
    along, down = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    quarter = abs(math.remainder(angle, math.pi / 2)) < _STRAIGHT
    if quarter:
        places = [
            (x, y) for box in (glyph.box for glyph in glyphs) for x in (box.x, box.right) for y in (box.y, box.bottom)
        ]
        spread = [(x * along[0] + y * along[1], x * down[0] + y * down[1]) for x, y in places]
        start, end = min(u for u, _ in spread), max(u for u, _ in spread)
        top, bottom = min(v for _, v in spread), max(v for _, v in spread)
    else:
        # The box of a letter that leans is too large; its font tells more.
        places = [glyph.origin for glyph in glyphs]
        spread = [(x * along[0] + y * along[1], x * down[0] + y * down[1]) for x, y in places]
        size = max(glyph.size for glyph in glyphs)
        start = min(u for u, _ in spread)
        end = max(u for u, _ in spread) + 0.5 * size
        top = min(v for _, v in spread) - _ASCENT * size
        bottom = max(v for _, v in spread) + _DESCENT * size
    return tuple(
        Point(round(u * along[0] + v * down[0], 1), round(u * along[1] + v * down[1], 1))
        for u, v in ((start, top), (end, top), (end, bottom), (start, bottom))
    )


def _rotation(lines: Sequence[Sequence[Glyph]]) -> Literal[0, 90, 180, 270]:
    """By how much the page must be turned clockwise for most of its letters to stand upright."""
    votes: dict[Literal[0, 90, 180, 270], int] = {0: 0, 90: 0, 180: 0, 270: 0}
    turns = tuple(votes)
    for line in lines:
        if inked := [glyph for glyph in line if glyph.text.strip()]:
            votes[turns[round(-math.degrees(_angle(inked)) / 90) % 4]] += len(inked)
    return max(votes, key=lambda turn: votes[turn])
