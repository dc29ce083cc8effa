"""Reading pages: turned, slanting, in part, empty; what is found is read the right way round and stays in place."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.decoding.options import ReadOptions
from typecase.document import Box, Character, Line, Page, Word, union
from typecase.errors import ModelError
from typecase.preprocess import FloatArray, PixelArray
from typecase.stages.detect import LineDetector
from typecase.stages.lines_of_maps import Piece
from typecase.stages.page import PageReader
from typecase.stages.recognize import LineRecognizer

LINES = ("Meeting of the garden club", "every Thursday at seven", "we bring water and bread")
WIDTH, HEIGHT = 520, 300
SIZE = 26
TURNS = {0: None, 90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


@dataclass(frozen=True)
class Drawn:
    """A page with its truth: the outlines of lines, and each word with its corners, from its own upper left."""

    picture: Image.Image
    lines: tuple[FloatArray, ...]
    words: tuple[tuple[str, FloatArray], ...]


def corners_of(left: float, top: float, right: float, bottom: float) -> FloatArray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def drawn_page(lines: Sequence[str] = LINES, width: int = WIDTH, height: int = HEIGHT) -> Drawn:
    picture = Image.new("L", (width, height), 245)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    ascent, descent = font.getmetrics()
    outlines, words = [], []
    for row, text in enumerate(lines):
        x, y = 40.0, 40.0 + 60 * row
        draw.text((x, y), text, fill=25, font=font)
        # Around the ink, with the margin at either end that the detector leaves.
        start, stop = x - 0.2 * SIZE, x + font.getlength(text) + 0.2 * SIZE
        outlines.append(corners_of(start, y + 0.1 * ascent, stop, y + ascent + 0.9 * descent))
        done = ""
        for word in text.split():
            start = x + font.getlength(done)
            ink = font.getbbox(word)
            words.append((word, corners_of(start + ink[0], y + ink[1], start + ink[2], y + ink[3])))
            done += word + " "
    return Drawn(picture, tuple(outlines), tuple(words))


def turned(page: Drawn, rotation: int) -> Drawn:
    """The page as it lies when it must be turned by so many degrees, clockwise, to stand upright."""
    way = TURNS[rotation]
    if way is None:
        return page
    width, height = page.picture.size

    def moved(corners: FloatArray) -> FloatArray:
        x, y = corners.T
        places = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[rotation]
        return np.stack(places, axis=1).astype(np.float32)

    return Drawn(
        page.picture.transpose(way),
        tuple(map(moved, page.lines)),
        tuple((word, moved(corners)) for word, corners in page.words),
    )


def slanting(page: Drawn, degrees: float) -> Drawn:
    """The page turned by some degrees, clockwise, about its middle."""
    middle = np.array(page.picture.size) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])

    def moved(corners: FloatArray) -> FloatArray:
        return np.asarray((corners - middle) @ turn + middle, np.float32)

    return Drawn(
        page.picture.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=245),
        tuple(map(moved, page.lines)),
        tuple((word, moved(corners)) for word, corners in page.words),
    )


class KnownLines:
    """Finds the lines that it was told, as `LineDetector` would: upright or running up, whatever they truly do.

    Shown the page turned, it finds them where they then are.
    """

    def __init__(self, outlines: Sequence[FloatArray], picture: Image.Image | None = None) -> None:
        self.outlines = outlines
        self.picture = picture
        self.seen: list[tuple[int, ...]] = []

    def _outlines(self, grey: PixelArray) -> Sequence[FloatArray]:
        for rotation in TURNS if self.picture is not None else ():
            assert self.picture is not None
            page = turned(Drawn(self.picture, tuple(self.outlines), ()), rotation)
            if np.array_equal(np.asarray(page.picture), grey):
                return page.lines
        return self.outlines

    def find(self, grey: PixelArray) -> list[Piece]:
        self.seen.append(grey.shape)
        pieces = []
        for outline in self._outlines(grey):
            along = outline[1] - outline[0]
            across = bool(abs(along[1]) > abs(along[0]))
            backwards = along[1] > 0 if across else along[0] < 0
            corners = np.roll(outline, 2, axis=0) if backwards else outline
            height = float(np.hypot(*(outline[3] - outline[0])))
            pieces.append(Piece(corners, height, 1.0, across))
        # In no order.
        return pieces[::-1]


@pytest.fixture(scope="module")
def recognizer() -> LineRecognizer:
    return LineRecognizer(threads=1)


def reader_of(recognizer: LineRecognizer, page: Drawn) -> PageReader:
    detector: Any = KnownLines(page.lines, page.picture)
    return PageReader(recognizer, detector)


def overlap(box: Box, corners: FloatArray) -> float:
    """What two boxes have in common, as a share of what they cover together."""
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    wide = min(box.right, right) - max(box.x, left)
    high = min(box.bottom, bottom) - max(box.y, top)
    common = max(0.0, float(wide)) * max(0.0, float(high))
    return common / (box.width * box.height + float((right - left) * (bottom - top)) - common)


def says(page: Page, lines: Sequence[str], *, apart: str = "\n") -> bool:
    """Whether a page has these lines, but for a letter or two: how well a line is read is no matter of pages."""
    read = apart.join(line.text for line in page.lines)
    wanted = apart.join(lines)
    return read.count("\n") == wanted.count("\n") and SequenceMatcher(None, read, wanted).ratio() > 0.92


def check(page: Page, truth: Drawn, *, at: tuple[float, float] = (0, 0), least: float = 0.6) -> None:
    """Every word is there, in order, where it stands; lines, blocks and characters lie around them and in them."""
    assert says(page, [" ".join(word for word, _ in truth.words)], apart=" ")
    assert len(list(page.words)) == len(truth.words)
    for word, (_, corners) in zip(page.words, truth.words, strict=True):
        assert overlap(word.box, corners + np.array(at, np.float32)) > least, word.text
        assert "".join(character.text for character in word.characters) == word.text
        for character in word.characters:
            assert word.box.x - 2 <= character.box.x
            assert character.box.right <= word.box.right + 2
            assert word.box.y - 2 <= character.box.y
            assert character.box.bottom <= word.box.bottom + 2
    for block in page.blocks:
        for line in block.lines:
            middles = [(word.box.x + word.box.width / 2, word.box.y + word.box.height / 2) for word in line.words]
            for box in (line.box, block.box):
                assert all(box.x <= x <= box.right and box.y <= y <= box.bottom for x, y in middles)


def upper_left(polygon: Sequence[tuple[float, float]], rotation: int) -> bool:
    """Whether a polygon begins where a reader of the turned text sees its upper left."""
    places = np.array(polygon)
    away = {0: (1, 1), 90: (1, -1), 180: (-1, -1), 270: (-1, 1)}[rotation]
    return int((places @ np.array(away)).argmin()) == 0


@pytest.mark.parametrize("rotation", TURNS)
def test_a_turned_page_reads_the_same_and_its_boxes_are_those_of_the_picture(
    recognizer: LineRecognizer, rotation: int
) -> None:
    truth = turned(drawn_page(), rotation)
    page = reader_of(recognizer, truth).read(truth.picture)
    assert (page.width, page.height) == truth.picture.size
    assert (page.rotation, page.skew) == (rotation, 0.0)
    assert says(page, LINES)
    check(page, truth)
    for word in page.words:
        # Text that runs to the right needs no polygon; any other begins at its own upper left.
        assert bool(word.polygon) == bool(rotation)
        assert not rotation or upper_left(word.polygon, rotation)
    assert all(bool(line.polygon) == bool(rotation) for line in page.lines)


@pytest.mark.parametrize(("rotation", "degrees"), [(0, 4.0), (0, -3.0), (180, 3.0), (90, -4.0)])
def test_a_slanting_page_tells_its_slope(recognizer: LineRecognizer, rotation: int, degrees: float) -> None:
    truth = slanting(turned(drawn_page(), rotation), degrees)
    page = reader_of(recognizer, truth).read(truth.picture)
    assert page.rotation == rotation
    assert page.skew == pytest.approx(degrees, abs=0.3)
    assert says(page, LINES)
    check(page, truth, least=0.5)
    for word, (_, corners) in zip(page.words, truth.words, strict=True):
        assert np.abs(np.array(word.polygon) - corners).max() < 9


def test_a_line_up_the_margin_of_an_upright_page_comes_last(recognizer: LineRecognizer) -> None:
    level = drawn_page()
    upright = turned(drawn_page(["garden"], width=260, height=120), 90)
    picture = level.picture.copy()
    picture.paste(upright.picture, (400, 20))
    aside = upright.lines[0] + np.array([400, 20], np.float32)
    truth = Drawn(picture, (aside, *level.lines), level.words)
    page = reader_of(recognizer, truth).read(picture)
    assert page.rotation == 0
    assert says(page, [*LINES, "garden"])
    *_, last = page.words
    assert upper_left(last.polygon, 90)
    assert overlap(last.box, upright.words[0][1] + np.array([400, 20], np.float32)) > 0.5


class KnownReadings:
    """Reads in each piece what it was told, in the order of their left ends; characters fill a box side by side.

    Of each piece: its left, top, right and bottom on the page, what is read in it, and how surely.
    """

    classes = ClassSet.of(LATIN_CHARACTERS)

    def __init__(self, pieces: Sequence[tuple[Box, str, float]]) -> None:
        self.pieces = sorted(pieces, key=lambda one: (one[0].y, one[0].x))

    def prepare(self) -> None:
        """Is ready."""

    def find(self, grey: PixelArray) -> list[Piece]:
        """As `LineDetector`: all pieces, each with a wide margin."""
        outlines = [_grown(box) for box, _, _ in self.pieces]
        return [Piece(corners_of(*sides), sides[3] - sides[1], 1.0, False) for sides in outlines]

    def lines(self, pictures: Iterable[PixelArray], options: ReadOptions, *, upright: bool) -> Iterator[Line]:
        """As `LineRecognizer`: what the pieces say, in pixels of the pictures."""
        # The longest for their heights come first.
        pieces = sorted(self.pieces, key=lambda one: -_shape(one[0]))
        asked = list(pictures)
        # It is asked for what runs up as well, of which there is nothing.
        for picture, (box, text, confidence) in zip(asked, pieces if asked else (), strict=True):
            rows, columns = picture.shape
            left, _, right, _ = _grown(box)
            scale = columns / (right - left)
            x, y = (box.x - left) * scale, (rows - box.height * scale) / 2
            wide = box.width * scale / len(text)
            characters = [
                Character(one, Box(x + place * wide, y, wide, box.height * scale), confidence)
                for place, one in enumerate(text)
            ]
            words, place = [], 0
            for word in text.split():
                place = text.index(word, place)
                some = tuple(characters[place : place + len(word)])
                words.append(Word(word, union(one.box for one in some), confidence, some))
                place += len(word)
            yield Line(Box(0, 0, columns, rows), confidence, tuple(words))


def _shape(box: Box) -> float:
    left, top, right, bottom = _grown(box)
    return (right - left) / (bottom - top)


def _grown(box: Box) -> tuple[float, float, float, float]:
    margin = max(box.height, 12.0)
    return box.x - margin, box.y - margin, box.right + margin, box.bottom + margin


def read_as(pieces: Sequence[tuple[Box, str, float]]) -> list[str]:
    """The lines of a page in which these are read."""
    known: Any = KnownReadings(pieces)
    page = PageReader(known, known).read(Image.new("L", (800, 400), 255))
    return [line.text for line in page.lines]


ROW = [(Box(40, 100, 280, 20), "Enamelled coffee pot", 0.98), (Box(600, 100, 80, 20), "12.50", 0.99)]


@pytest.mark.parametrize(
    ("box", "text", "confidence"),
    [
        pytest.param(Box(720, 108, 4, 4), "*", 0.99, id="speck"),
        pytest.param(Box(720, 106, 9, 9), "*.", 0.99, id="two specks"),
        pytest.param(Box(720, 104, 11, 12), "0", 0.99, id="dust like a digit"),
        pytest.param(Box(720, 100, 30, 20), "=#", 0.8, id="a mark that is not sure"),
        pytest.param(Box(420, 100, 60, 20), "xnb", 0.4, id="guessed"),
    ],
)
def test_dust_beside_a_line_is_no_part_of_its_row(box: Box, text: str, confidence: float) -> None:
    assert read_as([*ROW, (box, text, confidence)]) == ["Enamelled coffee pot 12.50"]


@pytest.mark.parametrize(
    ("box", "text"),
    [
        pytest.param(Box(440, 110, 14, 3), "-", id="dash of an empty cell"),
        pytest.param(Box(440, 106, 4, 14), ":", id="colon"),
        pytest.param(Box(440, 100, 12, 20), "2", id="digit"),
        pytest.param(Box(440, 106, 14, 14), "x", id="small letter"),
    ],
)
def test_small_signs_in_a_row_are_read(box: Box, text: str) -> None:
    assert read_as([*ROW, (box, text, 0.99)]) == [f"Enamelled coffee pot {text} 12.50"]


def test_of_few_letters_none_is_dust() -> None:
    assert read_as([(Box(40, 100, 200, 60), "SALE", 0.99), (Box(300, 120, 9, 20), "%", 0.99)]) == ["SALE", "%"]


def test_a_region_is_read_alone_and_in_pixels_of_the_page(recognizer: LineRecognizer) -> None:
    whole = drawn_page()
    # The second line only; what is found lies in pixels of the region.
    region = Box(20, 90, 480, 55)
    second = whole.lines[1] - np.array([20, 90], np.float32)
    detector: Any = KnownLines([second])
    page = PageReader(recognizer, detector).read(whole.picture, region=region)
    assert detector.seen == [(55, 480)]
    assert (page.width, page.height) == (WIDTH, HEIGHT)
    assert says(page, [LINES[1]])
    words = whole.words[5:9]
    check(page, Drawn(whole.picture, (), words))


@pytest.mark.parametrize(
    "region", [Box(-30, -30, 20, 20), Box(WIDTH + 5, 0, 10, 10), Box(0, HEIGHT, 50, 50), Box(10, 10, 0, 0)]
)
def test_a_region_outside_of_the_page_holds_nothing(recognizer: LineRecognizer, region: Box) -> None:
    page = reader_of(recognizer, drawn_page()).read(drawn_page().picture, region=region)
    assert page == Page(WIDTH, HEIGHT)


def test_options_reach_the_lines(recognizer: LineRecognizer) -> None:
    truth = drawn_page(["room 12 34"])
    page = reader_of(recognizer, truth).read(truth.picture, ReadOptions(allow="0123456789 "))
    assert page.text.endswith("12 34")
    assert set(page.text) <= set("0123456789 \n")


def test_nothing_is_read_where_nothing_is(recognizer: LineRecognizer) -> None:
    empty = Drawn(Image.new("RGB", (300, 200), "white"), (corners_of(20, 20, 200, 50),), ())
    assert reader_of(recognizer, empty).read(empty.picture) == Page(300, 200)
    nothing = Drawn(empty.picture, (), ())
    assert reader_of(recognizer, nothing).read(nothing.picture) == Page(300, 200)


@pytest.fixture(scope="module")
def reader(recognizer: LineRecognizer) -> PageReader:
    return PageReader(recognizer, LineDetector(threads=1))


@pytest.mark.parametrize("rotation", TURNS)
def test_the_shipped_models_read_a_page_however_it_lies(reader: PageReader, rotation: int) -> None:
    truth = turned(drawn_page(), rotation)
    page = reader.read(truth.picture)
    assert page.rotation == rotation
    assert says(page, LINES)
    check(page, truth, least=0.5)


def test_the_shipped_models_read_a_slanting_page_and_a_region(reader: PageReader) -> None:
    truth = slanting(drawn_page(), 4.0)
    page = reader.read(truth.picture)
    assert page.skew == pytest.approx(4.0, abs=0.8)
    assert says(page, LINES)
    whole = drawn_page()
    part = reader.read(whole.picture, region=Box(20, 90, 480, 55))
    assert says(part, [LINES[1]])
    check(part, Drawn(whole.picture, (), whole.words[5:9]), least=0.5)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30), (900, 700)])
def test_the_shipped_models_find_nothing_on_empty_paper(reader: PageReader, size: tuple[int, int]) -> None:
    assert reader.read(Image.new("L", size, 240)) == Page(*size)


def test_a_reader_of_pages_may_be_pickled(reader: PageReader) -> None:
    other = pickle.loads(pickle.dumps(reader))
    page = drawn_page(LINES[:1], height=120)
    assert other.read(page.picture) == reader.read(page.picture)


def test_the_recogniser_is_made_ready_while_lines_are_found(recognizer: LineRecognizer) -> None:
    ready = threading.Event()
    calls = []

    class Slow(KnownLines):
        def find(self, grey: PixelArray) -> list[Piece]:
            # Found only when the recogniser was asked to make itself ready, by another thread than this one.
            assert ready.wait(30)
            return super().find(grey)

    def prepare() -> None:
        calls.append(threading.current_thread())
        ready.set()
        # As a net does that cannot be run: the reading of a line tells it, not this.
        raise ModelError("no")

    page = drawn_page(LINES[:1], height=120)
    detector: Any = Slow(page.lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognizer, "prepare", prepare)
        reader = PageReader(recognizer, detector)
        assert says(reader.read(page.picture), LINES[:1])
        assert says(reader.read(page.picture), LINES[:1])
    assert len(calls) == 1
    assert calls[0] is not threading.current_thread()


def test_a_prepared_recogniser_reads_as_any(recognizer: LineRecognizer) -> None:
    other = LineRecognizer(threads=1)
    other.prepare()
    other.prepare()
    picture = Image.new("L", (200, 40), 245)
    ImageDraw.Draw(picture).text((10, 5), "garden", fill=25, font=ImageFont.load_default(SIZE))
    assert other.read([picture]) == recognizer.read([picture])
