"""The invisible text of a PDF's page: each word where it stands in the picture, along the way it runs."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from typecase.document import Block, Line, Page, Point, Polygon, Word
from typecase.writers import shape
from typecase.writers.pdf_font import WIDE, InvisibleFonts, clusters_of
from typecase.writers.text_way import runs_to_the_left
from typecase.writers.xml import number

if TYPE_CHECKING:
    import pikepdf

_HYPHENS = ("-", "\u00ad")

# Programs that copy text join what a hyphen ends with what the next line begins with. A hyphen that also stands for a
# space, and no ordinary one, keeps all of them from it, so that what is copied is what was read.
_AFTER_HYPHEN = "\u00a0"


_FAR = 0.55
"""So far from the next word, in the size of the line, a line may end for programs that copy text; spaces of ordinary
print are narrower."""

_LEAST_GAP = 0.1
"""Words are kept apart by so much, in the size of the line: programs that copy text take less for no space at all."""

_CAPITALS = 0.7
"""The height of capitals and figures in the size of print."""

_HANGING = 0.2
"""So far above the baseline letters may seem to stand, in the size of the line; it is wrong where it is farther."""

_STRAIGHT = 12.0
"""Up to so many degrees of slope a word is written straight, as its box: programs that copy text break a sloping word
in pieces, since they take what leaves the height that a word began at for another word. Steeper words slope, and say as
a whole what they are."""


class Matrix(NamedTuple):
    """An affine map as PDF writes it: x' = a x + c y + e, y' = b x + d y + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def __call__(self, point: Point) -> Point:
        """Where a point goes."""
        return Point(self.a * point.x + self.c * point.y + self.e, self.b * point.x + self.d * point.y + self.f)


def pixels_to_page(page: pikepdf.Page, width: int, height: int) -> Matrix:
    """The map from the pixels of a page's picture, drawn as viewers show it, to the page's own units.

    Args:
        page: The page.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
    """
    left, lower, right, upper = shown_box(page)
    across, up = (right - left) / max(1, width), (upper - lower) / max(1, height)
    turn = _turn(page)
    if turn in (90, 270):
        across, up = (upper - lower) / max(1, width), (right - left) / max(1, height)
    return {
        0: Matrix(across, 0, 0, -up, left, upper),
        90: Matrix(0, across, up, 0, left, lower),
        180: Matrix(-across, 0, 0, up, right, lower),
        270: Matrix(0, -across, -up, 0, right, upper),
    }.get(turn, Matrix(across, 0, 0, -up, left, upper))


def shown_box(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """The part of a page that viewers show: left, lower, right, upper edge."""
    media, crop = (_ordered([float(edge) for edge in box]) for box in (page.mediabox, page.cropbox))
    left, lower = max(media[0], crop[0]), max(media[1], crop[1])
    right, upper = min(media[2], crop[2]), min(media[3], crop[3])
    return (left, lower, right, upper) if right > left and upper > lower else media


def text_layer(page: Page, matrix: Matrix, fonts: InvisibleFonts, prefix: str = "TC") -> tuple[bytes, dict[str, Any]]:
    """The content that writes a page's words invisibly.

    Args:
        page: What was read.
        matrix: The map from its pixels to the units of the PDF's page.
        fonts: Where fonts and codes come from.
        prefix: What the names of the fonts begin with.

    Returns:
        The content, and the fonts that it uses by their names; both empty where nothing was read.
    """
    used: dict[str, Any] = {}
    written = [b"q\nBT\n3 Tr\n"]
    current = ""
    for line in _parted_lines([line for block in page.blocks for line in _set_lines(block)]):
        for (word, placed), after in zip(line, [*line[1:], None], strict=True):
            kind, font = fonts.font(placed.above, placed.below)
            name = f"{prefix}{kind}"
            used[f"/{name}"] = font
            if name != current:
                written.append(b"/%s 1 Tf\n" % name.encode())
                current = name
            clusters = clusters_of(word.text)
            if runs_to_the_left(word.text):
                clusters = _as_seen(clusters)
            # What is far from the next word may be the end of a line to others.
            if clusters[-1] in _HYPHENS and (after is None or _gap(placed, after[1]) > _FAR * placed.size):
                clusters[-1] += _AFTER_HYPHEN
            shown = _shown(placed, matrix, len(clusters), fonts.encoded([*clusters, " "]))
            written.append(_as_one(shown, "".join([*clusters, " "])) if placed.sloping else shown)
    written.append(b"ET\nQ\n")
    return (b"".join(written), used) if used else (b"", {})


def _set_lines(block: Block) -> Iterator[_SetLine]:
    """The words of a block, line by line, each with where it stands."""
    sizes = [_size(line) for line in block.lines]
    size_of_block = median(sizes) if sizes else 0.0
    for line, own in zip(block.lines, sizes, strict=True):
        # Lines of one size are told apart by noise alone, and programs that copy text take size for structure.
        size = size_of_block if 0.67 < own / size_of_block < 1.5 else own
        along = shape.baseline(line)
        words = [word for word in line.words if word.text]
        places = [_placed(word, along, size) for word in words]
        for place in range(len(places) - 1):
            places[place : place + 2] = _parted(*places[place : place + 2])
        if words:
            yield list(zip(words, places, strict=True))


def _size(line: Line) -> float:
    """The size of the print of a line, in pixels.

    Its words tell it, for a line that was found together with parts of its neighbours is much too high, and programs
    that copy text take whatever stands within half of this size for one line.
    """
    letters = [shape.height(word) for word in line.words if any(map(str.isalnum, word.text))]
    return median(letters) / _CAPITALS if letters else shape.height(line)


class _Placed(NamedTuple):
    """Where a word stands: its beginning and end on the baseline, and how far it reaches from it, in its size."""

    start: Point
    end: Point
    size: float
    above: float
    below: float
    sloping: bool

    @property
    def along(self) -> Point:
        """The way it runs, as a step of one pixel."""
        length = math.dist(self.start, self.end)
        return Point((self.end.x - self.start.x) / length, (self.end.y - self.start.y) / length)

    @property
    def upwards(self) -> Point:
        """The way across it, as its reader sees it."""
        along = self.along
        return Point(along.y, -along.x)

    def is_in_row(self, other: _Placed) -> bool:
        """Whether another word runs the same way, on about the same baseline."""
        aside = Point(other.start.x - self.end.x, other.start.y - self.end.y)
        return _along(self.along, other.along) > 0.9 and abs(_along(aside, self.upwards)) < 0.5 * self.size


_SetLine: TypeAlias = list[tuple[Word, _Placed]]
"""The words of a line, each with where it stands."""


def _placed(word: Word, baseline: Sequence[Point], size: float) -> _Placed:
    slope = shape.angle(word)
    turn = round(-slope / 90) % 4 * 90
    sloping = abs((slope + turn + 180) % 360 - 180) > _STRAIGHT
    outline = word.polygon if sloping else shape.turned_corners(word.box, turn)
    polygon = _with_extent(outline or shape.outline(msgspec.structs.replace(word, polygon=())))
    low, high = shape.bottom_edge(polygon), shape.top_edge(polygon)
    start, end = low[0], low[-1]
    length = math.dist(start, end)
    # The direction across the word, upwards as its reader sees it.
    upwards = Point((end.y - start.y) / length, -(end.x - start.x) / length)
    height = max(1.0, _along(Point(high[0].x - start.x, high[0].y - start.y), upwards))
    middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
    on_line = _nearest(middle, baseline)
    below = _along(Point(on_line.x - middle.x, on_line.y - middle.y), upwards)
    # A baseline far from the word says nothing about it, and letters do not hang above one.
    least = -_HANGING * size if any(map(str.isalnum, word.text)) else -height
    below = below if least < below < height else 0.0
    lift = Point(upwards.x * below, upwards.y * below)
    return _Placed(
        Point(start.x + lift.x, start.y + lift.y),
        Point(end.x + lift.x, end.y + lift.y),
        size,
        (height - below) / size,
        below / size,
        sloping,
    )


def _gap(one: _Placed, other: _Placed) -> float:
    """How far a word begins behind the end of the one before, along the way that runs."""
    return _along(Point(other.start.x - one.end.x, other.start.y - one.end.y), one.along)


def _parted(one: _Placed, other: _Placed) -> tuple[_Placed, _Placed]:
    """Two words with a gap between them; each gives half of what lacks, and a fifth of itself at most."""
    least = _LEAST_GAP * one.size
    lacks = least - _gap(one, other)
    widths = math.dist(one.start, one.end), math.dist(other.start, other.end)
    # What overlaps by more does not stand one after the other.
    if not 0 < lacks < 0.5 * min(widths) + least:
        return one, other
    shares = [min(0.2, lacks / 2 / width) for width in widths]
    return (
        one._replace(end=_between(one.end, one.start, shares[0])),
        other._replace(start=_between(other.start, other.end, shares[1])),
    )


def _parted_lines(lines: list[_SetLine]) -> list[_SetLine]:
    """Lines that leave a gap between them where one goes on in the row of another, as if they were one line."""
    beginnings = sorted(lines, key=lambda line: line[0][1].start.x)
    places = [line[0][1].start.x for line in beginnings]
    reach = 2 * max((line[0][1].size for line in lines), default=0.0)
    for one in lines:
        at = one[-1][1].end.x
        for other in beginnings[bisect_left(places, at - reach) : bisect_right(places, at + reach)]:
            (word, last), (following, first) = one[-1], other[0]
            near = math.dist(last.end, first.start) < last.size + first.size
            if one is not other and near and last.is_in_row(first):
                last, first = _parted(last, first)
                one[-1], other[0] = (word, last), (following, first)
    return lines


def _between(one: Point, other: Point, share: float) -> Point:
    return Point(one.x + share * (other.x - one.x), one.y + share * (other.y - one.y))


def _with_extent(polygon: Polygon) -> Polygon:
    """A polygon at least a pixel wide, so that it has a direction."""
    low = shape.bottom_edge(polygon)
    if math.dist(low[0], low[-1]) >= 1e-3:
        return polygon
    half = len(polygon) // 2
    return tuple(Point(x + (1.0 if half - 1 <= place <= half else 0.0), y) for place, (x, y) in enumerate(polygon))


def _along(vector: Point, direction: Point) -> float:
    return vector.x * direction.x + vector.y * direction.y


def _nearest(point: Point, path: Sequence[Point]) -> Point:
    """The place on a path, whose first and last piece go on for ever, that is nearest to a point."""
    best, distance = path[0], math.inf
    last = len(path) - 2
    for piece, (one, other) in enumerate(itertools.pairwise(path)):
        across = Point(other.x - one.x, other.y - one.y)
        length = across.x**2 + across.y**2
        share = _along(Point(point.x - one.x, point.y - one.y), across) / length if length else 0.0
        share = max(share, 0.0) if piece > 0 else share
        share = min(share, 1.0) if piece < last else share
        found = Point(one.x + share * across.x, one.y + share * across.y)
        if math.dist(found, point) < distance:
            best, distance = found, math.dist(found, point)
    return best


def _shown(placed: _Placed, matrix: Matrix, count: int, codes: bytes) -> bytes:
    """The operators that write a word: its characters side by side from its beginning to its end."""
    start, end = matrix(placed.start), matrix(placed.end)
    upwards = placed.upwards
    top = matrix(Point(placed.start.x + upwards.x * placed.size, placed.start.y + upwards.y * placed.size))
    wide = count * WIDE / 1000
    scale = ((end.x - start.x) / wide, (end.y - start.y) / wide, top.x - start.x, top.y - start.y)
    numbers = (*(number(value, 3) for value in scale), number(start.x), number(start.y))
    return b"%s Tm <%s> Tj\n" % (" ".join(numbers).encode(), codes.hex().encode())


def _as_one(shown: bytes, text: str) -> bytes:
    """Operators that show a word, and what they show as a whole."""
    return b"/Span << /ActualText <feff%s> >> BDC\n%sEMC\n" % (text.encode("utf-16-be").hex().encode(), shown)


def _as_seen(clusters: list[str]) -> list[str]:
    """The characters of a word of right-to-left script from left to right; numbers within keep their order."""
    turned: list[str] = []
    for cluster in clusters:
        if cluster.isdigit() and turned and turned[0].isdigit():
            run = next((place for place, one in enumerate(turned) if not one.isdigit()), len(turned))
            turned.insert(run, cluster)
        else:
            turned.insert(0, cluster)
    return turned


def _ordered(box: Sequence[float]) -> tuple[float, float, float, float]:
    return min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])


def _turn(page: pikepdf.Page) -> int:
    """The quarter turn that a page is shown with, clockwise; its own or that of the tree it hangs in."""
    node: Any = page.obj
    for _ in range(64):
        if "/Rotate" in node:
            return int(node["/Rotate"]) % 360
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    return 0
