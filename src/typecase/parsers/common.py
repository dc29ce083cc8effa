"""What the formats have in common when they are brought back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn
from xml.etree import ElementTree

from typecase.document import Block, Box, Page, Point, Polygon, Word, corners, union
from typecase.errors import InputError


def refuse(format: str, reason: str) -> NoReturn:
    """Says why a text cannot be brought back.

    Raises:
        InputError: Always.
    """
    raise InputError(f"This is no {format} that can be read ({reason.rstrip('.')}); check that the file is whole.")


def root_of(text: str | bytes, format: str, name: str) -> ElementTree.Element:
    """The outermost element of an XML document.

    Args:
        text: The document.
        format: What messages call the format.
        name: What the outermost element must be called, without its namespace.

    Raises:
        InputError: It is no XML, or of another format.
    """
    try:
        root = ElementTree.fromstring(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        refuse(format, str(error))
    if local(root) != name:
        refuse(format, f"its outermost element is {local(root)}")
    return root


def local(element: ElementTree.Element) -> str:
    """The name of an element without its namespace, which differs between versions."""
    return element.tag.rpartition("}")[2]


def children(element: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    """The elements of these names right within one."""
    return [child for child in element if local(child) in names]


def share(value: str | None, whole: float = 1.0) -> float:
    """A confidence from 0 to 1; 1 where none is told.

    Args:
        value: What is written.
        whole: What is written for certainty.
    """
    try:
        found = float(value) / whole if value is not None else 1.0
    except ValueError:
        return 1.0
    return min(1.0, max(0.0, found)) if math.isfinite(found) else 1.0


def polygon_of(points: str, format: str) -> Polygon:
    """The corners that are written as `x,y x,y ...` or `x y x y ...`.

    Raises:
        InputError: They are not numbers.
    """
    try:
        values = [float(value) for value in points.replace(",", " ").split()]
    except ValueError:
        refuse(format, f"the points {points[:40]!r} are not numbers")
    return tuple(Point(x, y) for x, y in zip(values[::2], values[1::2], strict=False))


def box_around(polygon: Polygon) -> Box:
    """The smallest box around some corners."""
    if not polygon:
        return Box(0.0, 0.0, 0.0, 0.0)
    left, top = min(x for x, _ in polygon), min(y for _, y in polygon)
    return Box(left, top, max(x for x, _ in polygon) - left, max(y for _, y in polygon) - top)


def unless_plain(polygon: Polygon, box: Box) -> Polygon:
    """A polygon, where it says more than its box and has the two edges that lines have; else none."""
    return () if len(polygon) < 4 or len(polygon) % 2 or polygon == corners(box) else polygon


def spread(text: str, box: Box, confidence: float) -> tuple[Word, ...]:
    """The words of a line that is told as a whole: each takes the part of its box that its characters take."""
    words = []
    place = 0
    for part in text.split():
        place = text.index(part, place)
        left, right = place / len(text), (place + len(part)) / len(text)
        words.append(
            Word(part, Box(box.x + left * box.width, box.y, (right - left) * box.width, box.height), confidence)
        )
        place += len(part)
    return tuple(words)


def page_of(
    blocks: Sequence[Block],
    size: tuple[float, float],
    number: int,
    *,
    rotation: float = 0.0,
    skew: float = 0.0,
    dpi: float | None = None,
) -> Page:
    """A page from what a format tells of it.

    Args:
        blocks: Its blocks.
        size: Width and height in pixels; where they are not told (0), it reaches as far as its blocks.
        number: Its number, from 1.
        rotation: By how many degrees, clockwise, it must be turned; the nearest quarter turn counts.
        skew: By how many degrees lines still slope after that.
        dpi: Its dots per inch, where they are told.
    """
    width, height = size
    if width <= 0 or height <= 0:
        reach = union(block.box for block in blocks)
        width, height = math.ceil(reach.right), math.ceil(reach.bottom)
    quarter: Any = round(rotation / 90) % 4 * 90
    return Page(round(width), round(height), tuple(blocks), number, quarter, skew, dpi)
