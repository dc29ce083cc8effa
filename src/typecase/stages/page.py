"""Reads a page: finds its lines, cuts them out, reads them whichever way they run, and arranges what they say.

from typecase.stages.page import PageReader

page = PageReader(recognizer).read(picture, options)
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.decoding.options import ReadOptions
from typecase.document import Block, Box, Character, Line, Page, Point, Polygon, Word, union
from typecase.errors import ModelError
from typecase.preprocess import PixelArray
from typecase.stages.accents import adds_marks, with_marks
from typecase.stages.arrange import arrange
from typecase.stages.blanks import without_rules
from typecase.stages.crop import Strip, cut
from typecase.stages.dashes import with_dashes
from typecase.stages.detect import LineDetector
from typecase.stages.doubled import with_whole_marks
from typecase.stages.ends import with_whole_ends
from typecase.stages.letter_case import cased_by_size
from typecase.stages.lines_of_maps import Corners, Piece
from typecase.stages.recognize import LineRecognizer
from typecase.stages.usual import median

MARGIN = 0.06
"""What is cut out above and below a line, in its heights."""

# By so many of the longest pieces it is judged which way the text of a page stands.
_JUDGES = 6
# Pieces longer than so many heights judge no better than these, and cost more.
_LONG = 12.0
# Text that is read as surely as this stands upright; nobody asks further. Clean print upside down is read as some text
# at more than 0.75, for a net of lines has no word for what it has never seen.
_SURE = 0.9

# The least confidence of a line of up to so many characters that stands alone on its row; what was told of lines of
# training receipts that were and were not there.
_LEAST_CONFIDENCE = ((1, 0.97), (3, 0.8))
# Of the characters of a piece on average, whatever its length; by the calibration of the shipped recogniser better on
# pages drawn in layouts of the training than 0.8.
_LEAST_CHARACTER_CONFIDENCE = 0.84
# Of a piece of nothing but marks, such as the dash in an empty cell.
_LEAST_MARK_CONFIDENCE = 0.92
# A piece of one or two characters that is lower and narrower than so much of the page's usual letter is dust: a dash is
# wider, a colon higher; and so is a letter or digit by itself.
_SPECK_CHARACTERS = 2
_SPECK_MARK, _SPECK_LETTER = 0.55, 0.7
# Fewer letters do not tell what is usual.
_USUAL_OF = 20

Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True)
class _Read:
    """A piece that was read, its strip and line, and the line's words where they lie in the page."""

    piece: Piece
    strip: Strip
    line: Line
    words: tuple[Word, ...]

    @classmethod
    def of(cls, piece: Piece, strip: Strip, line: Line) -> _Read:
        """What was read in a strip."""
        return cls(piece, strip, line, strip.words(line) if line.words else ())

    def moved(self, matrix: npt.NDArray[np.float64]) -> _Read:
        """The same on a page whose places follow from this one's by a matrix, [2, 3]."""

        def to(corners: Corners) -> Corners:
            return (corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)

        return _Read.of(
            replace(self.piece, corners=to(self.piece.corners)),
            Strip(self.strip.pixels, to(self.strip.corners)),
            self.line,
        )


class PageReader:
    """Finds and reads the lines of pages. It may be shared between threads and pickled.

    Attributes:
        recognizer: What reads a line.
        detector: What finds them.
    """

    def __init__(
        self, recognizer: LineRecognizer, detector: LineDetector | None = None, *, threads: int | None = None
    ) -> None:
        """Puts a reader of pages together.

        Args:
            recognizer: What reads a line.
            detector: What finds them; None opens the shipped one.
            threads: How many threads the shipped one computes with.

        Raises:
            ModelError: The shipped detector cannot be used.
        """
        self.recognizer = recognizer
        self.detector = detector or LineDetector(threads=threads)
        self._prepared = False

    def read(self, image: Image.Image, options: ReadOptions | None = None, region: Box | None = None) -> Page:
        """Reads a page.

        Args:
            image: An upright picture without transparency, as `typecase.sources.open_picture` gives it.
            options: How to read; None takes the defaults.
            region: The part of it to be read, in pixels; None reads all of it.

        Returns:
            The page with blocks and lines in the order of reading, everything in pixels of `image`.

        Raises:
            ModelError: A net gives no usable answer.
            UsageError: An option's value is impossible.
        """
        options = (options or ReadOptions()).changed(mode="line")
        grey = np.asarray(image if image.mode == "L" else image.convert("L"), np.uint8)
        left = top = 0
        if region is not None:
            left, top = max(0, math.floor(region.x)), max(0, math.floor(region.y))
            grey = grey[top : max(top, math.ceil(region.bottom)), left : max(left, math.ceil(region.right))]
        if not grey.size:
            return Page(*image.size)
        grey = np.ascontiguousarray(grey)
        self.prepare()
        rotation, leading, others = self._read_upright(grey, options)
        frame = _Frame.of(rotation, [one.piece for one in leading], grey.shape[1], grey.shape[0])
        level, across = ([line for one in some if (line := frame.placed(one))] for some in (leading, others))
        usual = _letter_height(level)
        lines = [line for line in level + across if _is_text(line, usual)]
        arranged = (_plausible(block) for block in arrange(lines, frame.width, frame.height))
        shown = tuple(block for block in arranged if block.lines)
        if not options.words and options.pattern is None:
            shown = cased_by_size(shown, options.allow or self.recognizer.classes.names)
        blocks = tuple(_returned(block, frame, left, top) for block in shown)
        if not blocks:
            # What was not text has no direction.
            return Page(*image.size)
        return Page(*image.size, blocks, rotation=rotation, skew=round(frame.skew, 2))

    def prepare(self) -> None:
        """Has the recogniser made ready in another thread, while sources are opened and lines found."""
        if not self._prepared:
            self._prepared = True

            def prepare() -> None:
                # Whoever reads the first line is told the same.
                with contextlib.suppress(ModelError):
                    self.recognizer.prepare()

            threading.Thread(target=prepare, name="prepare-recognizer").start()

    def _read_upright(self, grey: PixelArray, options: ReadOptions) -> tuple[Rotation, list[_Read], list[_Read]]:
        """Reads a page whichever way it lies.

        Lines are found best on a page that lies as pages do: one that does not is turned, and looked at once more.

        Returns:
            By how many degrees, clockwise, the page has to be turned; what was read along its lines; and what was read
            across them. Everything lies where it does on the page as it is.
        """
        level, across = self._found(grey)
        if sum(piece.length for piece in across) > sum(piece.length for piece in level):
            rotation: Rotation = 270 if self._stands_turned(grey, across, options) else 90
        else:
            read = self._read_pieces(grey, level, options)
            if _surety(read) >= _SURE or not self._stands_turned(grey, level, options, read):
                return 0, read, self._read_across(grey, across, options)
            rotation = 180
        turned = np.ascontiguousarray(np.rot90(grey, -rotation // 90))
        level, across = self._found(turned)
        read = self._read_pieces(turned, level, options)
        back = _way_back(rotation, grey.shape[1], grey.shape[0])
        others = self._read_across(turned, across, options)
        return rotation, [one.moved(back) for one in read], [one.moved(back) for one in others]

    def _found(self, grey: PixelArray) -> tuple[list[Piece], list[Piece]]:
        """The pieces that run level, and those that run up or down."""
        pieces = with_dashes(grey, [_widened(piece) for piece in self.detector.find(grey)])
        return [one for one in pieces if not one.across], [one for one in pieces if one.across]

    def _read_across(self, grey: PixelArray, pieces: Sequence[Piece], options: ReadOptions) -> list[_Read]:
        """Reads pieces that run up the page, or all of them down if there more sense is read."""
        if pieces and self._stands_turned(grey, pieces, options):
            pieces = [_turned(piece) for piece in pieces]
        return self._read_pieces(grey, pieces, options)

    def _stands_turned(
        self, grey: PixelArray, pieces: Sequence[Piece], options: ReadOptions, read: Sequence[_Read] = ()
    ) -> bool:
        """Whether more sense is read in pieces when they are turned by half a turn.

        Args:
            grey: The page.
            pieces: Pieces that all run the same way, or half a turn off.
            options: How to read.
            read: What was read in them as they are, if it was.
        """
        order = sorted(range(len(pieces)), key=lambda number: -_worth(pieces[number]))[:_JUDGES]
        judges = [pieces[number] for number in order]
        forward = _surety([read[number] for number in order] if read else self._read_pieces(grey, judges, options))
        return _surety(self._read_pieces(grey, [_turned(piece) for piece in judges], options)) > forward

    def _read_pieces(self, grey: PixelArray, pieces: Sequence[Piece], options: ReadOptions) -> list[_Read]:
        # Lines of one width go through the net together.
        order = sorted(range(len(pieces)), key=lambda number: -pieces[number].length / pieces[number].height)
        strips: list[tuple[int, Strip]] = []

        def pictures() -> Iterator[PixelArray]:
            for number in order:
                corners = pieces[number].corners
                strip = cut(grey, corners)
                whole = with_whole_ends(grey, corners, strip)
                if whole is not None:
                    corners, strip = whole, cut(grey, whole)
                higher = with_marks(grey, corners, strip)
                for one in (strip,) if higher is None else (strip, higher):
                    strips.append((number, one))
                    yield one.pixels

        allowed = options.allow or self.recognizer.classes.names
        lines = self.recognizer.lines(pictures(), options, upright=True)
        read: dict[int, _Read] = {}
        # Placed in the page while the net is at work on those that follow.
        for place, line in enumerate(lines):
            number, strip = strips[place]
            if number not in read or adds_marks(read[number].line.text, line.text):
                line = with_whole_marks(without_rules(line, strip, grey), strip, allowed)
                read[number] = _Read.of(pieces[number], strip, line)
        return [read[number] for number in range(len(pieces))]


def _letter_height(lines: Sequence[Line]) -> float:
    """The usual height of letters and digits on a page; 0 where there are too few to tell."""
    heights = [
        character.box.height
        for line in lines
        for word in line.words
        for character in word.characters
        if character.text.isalnum()
    ]
    return median(heights) if len(heights) >= _USUAL_OF else 0.0


def _is_text(line: Line, usual: float) -> bool:
    """Whether a piece is text at all, and not dust, a part of a picture or a rule, whose characters are guessed.

    It is asked before pieces are joined to rows, so that dust beside a line is not taken for a part of it.

    Args:
        line: The piece.
        usual: The usual height of letters on the page.
    """
    characters = [character for word in line.words for character in word.characters]
    if sum(one.confidence for one in characters) < _LEAST_CHARACTER_CONFIDENCE * len(characters):
        return False
    letters = any(one.text.isalnum() for one in characters)
    if not letters and line.confidence < _LEAST_MARK_CONFIDENCE:
        return False
    if len(characters) > _SPECK_CHARACTERS:
        return True
    ink = union(one.box for one in characters)
    return max(ink.width, ink.height) >= (_SPECK_LETTER if letters else _SPECK_MARK) * usual


def _plausible(block: Block) -> Block:
    """A block without lines of a few characters that stand by themselves and are hardly text.

    A single character alone on its row is text in one of five cases, even where it is read surely; in company, or as
    part of a word, it is nearly always.
    """

    def is_plausible(line: Line) -> bool:
        count = len(line.text.replace(" ", ""))
        least = next((least for most, least in _LEAST_CONFIDENCE if count <= most), 0.0)
        return line.confidence >= least

    lines = tuple(line for line in block.lines if is_plausible(line))
    return block if len(lines) == len(block.lines) else msgspec.structs.replace(block, lines=lines)


def _worth(piece: Piece) -> float:
    """How much a piece tells about the direction of its page."""
    return min(piece.length / piece.height, _LONG)


def _surety(read: Sequence[_Read]) -> float:
    """How surely characters are read on average, 0 to 1; pieces in which nothing is read count as one character."""
    characters = [character.confidence for one in read for word in one.line.words for character in word.characters]
    empty = sum(not one.line.words for one in read)
    return sum(characters) / max(1, len(characters) + empty)


def _widened(piece: Piece) -> Piece:
    half = len(piece.corners) // 2
    upper, lower = piece.corners[:half], piece.corners[half:][::-1]
    grow = (lower - upper) * np.float32(MARGIN)
    corners = np.concatenate([upper - grow, (lower + grow)[::-1]])
    return Piece(corners, piece.height, piece.score, piece.across)


def _turned(piece: Piece) -> Piece:
    """The same piece for text that stands the other way round."""
    half = len(piece.corners) // 2
    return Piece(np.concatenate([piece.corners[half:], piece.corners[:half]]), piece.height, piece.score, piece.across)


def _way_back(rotation: Rotation, width: int, height: int) -> npt.NDArray[np.float64]:
    """From places of a page that was turned, clockwise, to those of the page before, whose size is given; [2, 3]."""
    ways = {
        0: [[1, 0, 0], [0, 1, 0]],
        90: [[0, 1, 0], [-1, 0, height]],
        180: [[-1, 0, width], [0, -1, height]],
        270: [[0, -1, width], [1, 0, 0]],
    }
    return np.array(ways[rotation], np.float64)


@dataclass(frozen=True)
class _Frame:
    """A page turned so that its lines run level to the right, in which it is arranged.

    Attributes:
        rotation: By how many degrees, clockwise, the page was turned.
        skew: How far lines sloped after that, in degrees, clockwise.
        width: Of the turned page, in pixels.
        height: Likewise.
        matrix: From places of the page, [2, 3].
    """

    rotation: Rotation
    skew: float
    width: float
    height: float
    matrix: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rotation: Rotation, pieces: Sequence[Piece], width: int, height: int) -> _Frame:
        """The frame for a page whose leading pieces are these."""
        turn = {
            0: [[1, 0, 0], [0, 1, 0]],
            90: [[0, -1, height], [1, 0, 0]],
            180: [[-1, 0, width], [0, -1, height]],
            270: [[0, 1, 0], [-1, 0, width]],
        }[rotation]
        matrix = np.array(turn, np.float64)
        if rotation in (90, 270):
            width, height = height, width
        skew = _slope(pieces, matrix)
        if skew:
            cos, sin = math.cos(math.radians(skew)), math.sin(math.radians(skew))
            back = np.array([[cos, sin], [-sin, cos]])
            middle = np.array([width / 2, height / 2])
            matrix = np.concatenate(
                [back @ matrix[:, :2], (back @ (matrix[:, 2] - middle) + middle)[:, np.newaxis]], axis=1
            )
        return cls(rotation, skew, float(width), float(height), matrix)

    @property
    def is_plain(self) -> bool:
        """Whether the frame is the page itself."""
        return not self.rotation and not self.skew

    def placed(self, read: _Read) -> Line | None:
        """A line with its boxes in the frame, its words' polygons in the page; None where nothing was read."""
        if not read.line.words:
            return None
        words = read.words
        if not self.is_plain:
            words = tuple([msgspec.structs.replace(word, box=_box(self.places(word.polygon))) for word in words])
        corners = read.strip.corners.tolist()
        outline = _box(corners if self.is_plain else self.places([Point(*corner) for corner in corners]))
        return msgspec.structs.replace(read.line, box=outline, words=words)

    def places(self, polygon: Sequence[Point]) -> Polygon:
        """Where places of the page lie in the frame."""
        moved = np.array(polygon, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return tuple(Point(*place) for place in moved.tolist())

    def back(self, box: Box) -> Polygon:
        """The corners, in the page, of a box of the frame."""
        corners = np.array(
            [[box.x, box.y], [box.right, box.y], [box.right, box.bottom], [box.x, box.bottom]], np.float64
        )
        inverse = np.linalg.inv(self.matrix[:, :2])
        return tuple(Point(*place) for place in np.round((corners - self.matrix[:, 2]) @ inverse.T, 1).tolist())


def _slope(pieces: Sequence[Piece], matrix: npt.NDArray[np.float64]) -> float:
    """How far pieces slope in a frame, in degrees: the median over their lengths; 0 where it is next to nothing."""
    angles, weights = [], []
    for piece in pieces:
        if piece.length < 3 * piece.height:
            continue
        half = len(piece.corners) // 2
        along = (piece.corners[half - 1] - piece.corners[0]) @ matrix[:, :2].T
        angle = math.degrees(math.atan2(float(along[1]), float(along[0])))
        if abs(angle) < 45:
            angles.append(angle)
            weights.append(piece.length)
    if not angles:
        return 0.0
    order = np.argsort(angles)
    share = np.array(weights)[order].cumsum() / sum(weights)
    angle = float(np.array(angles)[order][int(np.searchsorted(share, 0.5))])
    return angle if abs(angle) >= 0.15 else 0.0


def _returned(block: Block, frame: _Frame, x: float, y: float) -> Block:
    """A block of the frame in pixels of the picture."""
    lines = []
    for line in block.lines:
        words = tuple(_word(word, x, y) for word in line.words)
        outline = union(word.box for word in line.words)
        polygon = _moved(frame.back(_around(outline, line.box)), x, y)
        lines.append(msgspec.structs.replace(line, box=_box(polygon), polygon=_needed(polygon), words=words))
    return msgspec.structs.replace(block, box=union(line.box for line in lines), lines=tuple(lines))


def _around(ink: Box, line: Box) -> Box:
    """The words' extent along the line, the line's own across it, as far as that is around the words."""
    if not ink.height:
        return line
    top, bottom = min(ink.y, line.y), max(ink.bottom, line.bottom)
    return Box(ink.x, top, ink.width, bottom - top)


def _word(word: Word, x: float, y: float) -> Word:
    polygon = _moved(word.polygon, x, y)
    characters = word.characters
    if x or y:
        characters = tuple(_character(one, x, y) for one in characters)
    return msgspec.structs.replace(word, box=_box(polygon), polygon=_needed(polygon), characters=characters)


def _character(character: Character, x: float, y: float) -> Character:
    box = character.box
    return msgspec.structs.replace(character, box=Box(round(box.x + x, 1), round(box.y + y, 1), box.width, box.height))


def _moved(polygon: Polygon, x: float, y: float) -> Polygon:
    return tuple(Point(round(place.x + x, 1), round(place.y + y, 1)) for place in polygon) if x or y else polygon


def _needed(polygon: Polygon) -> Polygon:
    """A polygon that is but its box, for text that runs to the right, says nothing and is left out."""
    first, second, third, fourth = polygon
    plain = first.y == second.y and third.y == fourth.y and first.x == fourth.x and second.x == third.x
    return () if plain and first.x <= second.x and first.y <= third.y else polygon


def _box(polygon: Sequence[Any]) -> Box:
    xs, ys = [place[0] for place in polygon], [place[1] for place in polygon]
    left, top = min(xs), min(ys)
    return Box(round(left, 1), round(top, 1), round(max(xs) - left, 1), round(max(ys) - top, 1))
