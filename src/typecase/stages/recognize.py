"""Reads pictures of lines: prepares them, runs the net over all of them at once, and decodes what it says.

from typecase.stages.recognize import LineRecognizer

recognizer = LineRecognizer()
for line in recognizer.read(pictures):
    print(line.text, line.confidence)
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.charset import ClassSet
from typecase.decoding.alignment import character_boxes
from typecase.decoding.decoder import Decoded, Decoder
from typecase.decoding.options import ReadOptions
from typecase.document import Alternative, Box, Character, Line, Word, union
from typecase.modelcard import RECOGNIZER, ModelCard
from typecase.preprocess import FloatArray, PixelArray
from typecase.runtime.onnx_file import read_model
from typecase.runtime.openvino_lines import Answers, OpenVinoLineNet
from typecase.stages.crop import Strip, cut
from typecase.stages.pieces import Piece, pieces_of
from typecase.stages.slope import may_show_slope, sloping_outline
from typecase.stages.upright import TURNS, may_run_vertically, surest, turned

SHIPPED_MODEL = Path(__file__).parents[1] / "weights" / "lines.onnx"
"""The model that is used unless another is named."""

AT_ONCE = 128
"""The most lines whose frames are held at once."""

WIDTH_AT_ONCE = 1 << 12
"""And the most pixels of their prepared width, but for one line that is wider.

What the net says to a column of pixels takes a thousand times the memory of the column, and a page of small print has
a hundred thousand columns.
"""

AHEAD = 2
"""How often lines are taken together for the net before the first of them are decoded, where it has other threads."""

LEAST_HEIGHT = 4
"""A picture with fewer rows of pixels cannot hold a letter, and nothing is read in it."""

WIDEST_CANVAS = 1 << 18
"""A picture that would become wider than this, in pixels, is no line, and nothing is read in it."""

Picture = Image.Image | npt.NDArray[np.uint8]
"""A line as `LineRecognizer` takes it."""

_PAPER = 250
"""A prepared line without a darker pixel is empty paper."""

# Pixels of a prepared line that a character takes, spaces among them: what is narrower or wider than the net reads well
# is read once more, stretched to what it reads best; so many times at most. A word or two may be of wide letters.
_NARROW, _WIDENED, _WIDEST_STRETCH = 10.0, 12.0, 1.6
_WIDE, _NARROWED, _LEAST_STRETCH = 24.0, 19.0, 0.6
_FEWEST_WIDE = 4


@dataclass(frozen=True)
class Scan:
    """A line as the net saw it, and what it answered.

    Attributes:
        canvas: The prepared line, [height, width].
        logits: For each frame, [frames, 1 + classes].
        stride: Pixels of a frame: frame f begins at pixel f * stride of the canvas.
    """

    canvas: PixelArray
    logits: FloatArray
    stride: int


@dataclass(frozen=True)
class _Asked:
    """Lines, prepared, that the net is at work on, the pieces of each, and what it is about to say to those."""

    canvases: Sequence[PixelArray]
    pieces: Sequence[Sequence[Piece]]
    answers: Answers


@dataclass(frozen=True)
class _Portion:
    """Some of the lines that are to be read, which the net is at work on.

    Attributes:
        pictures: The lines as they were given.
        strips: By their numbers, what was cut along those that slope.
        straight: The lines as they are read, and `sizes`, their widths and heights.
        tall: Numbers of those that may run up or down.
        asked: What the net was asked.
    """

    pictures: Sequence[Picture]
    strips: dict[int, Strip]
    straight: Sequence[Picture]
    sizes: Sequence[tuple[int, int]]
    tall: Sequence[int]
    asked: _Asked


@dataclass(frozen=True)
class _FirstReading:
    """Lines as they were read at first, the numbers of those that are read once more, and what the net was asked."""

    lines: list[Line]
    sizes: Sequence[tuple[int, int]]
    again: Sequence[int]
    asked: _Asked | None


class LineRecognizer:
    """A trained net for lines that is opened once and asked many times.

    It may be shared between threads and pickled; an unpickled one opens the model's file again.

    Attributes:
        card: What the model says about itself.
        sha256: Of the model's file, as hexadecimal digits.
        classes: The characters that it knows.
        precision: In which it computes, `f32` or `bf16`.
    """

    def __init__(
        self, model: str | os.PathLike[str] | None = None, threads: int | None = None, precision: str = "auto"
    ) -> None:
        """Opens a model.

        Args:
            model: An ONNX file that `typecase export` wrote; None opens the shipped one.
            threads: How many threads compute; None takes the processors there are, at most four.
            precision: `f32`, `bf16`, or `auto`: bfloat16 where the processor has it.

        Raises:
            ModelError: The file is missing, damaged, unsafe, too new, or no recogniser.
            UsageError: The number of threads is impossible.
        """
        lacking = "This installation carries no model for lines; name one (--model FILE, model=FILE)."
        self.path, content = read_model(RECOGNIZER, model, SHIPPED_MODEL, lacking)
        self._settings = (threads, precision)
        self.card: ModelCard = content.card
        self.sha256 = content.sha256
        self.classes: ClassSet = content.card.classes
        self._preprocess = content.card.line_preprocess
        self._net = OpenVinoLineNet(content, threads, precision)
        self.precision = self._net.precision
        self._decoder = lru_cache(maxsize=8)(self._new_decoder)

    def __reduce__(self) -> tuple[Any, ...]:
        return LineRecognizer, (self.path, *self._settings)

    def read(
        self,
        pictures: Iterable[Picture],
        options: ReadOptions | None = None,
        *,
        upright: bool = False,
        **changes: Any,
    ) -> list[Line]:
        """Reads lines.

        Args:
            pictures: Upright pictures of one line each without transparency (`typecase.sources.open_picture` gives
                such): Pillow's, or bytes of shape [height, width] or [height, width, 3].
            options: How to read; None takes the defaults.
            upright: Whether all of them are known to run straight to the right, so that those that slope are not
                straightened, nor tall ones read turned as well.
            **changes: Options by name that differ from those; see `ReadOptions`.

        Returns:
            A line for each picture, in their order, with boxes in pixels of that picture; one without words for a
            picture in which nothing is read. A line that slopes is straightened before (`typecase.stages.slope`) and
            has polygons besides. A tall picture is also read turned either way, and the surest reading is taken
            (`typecase.stages.upright`).

        Raises:
            ModelError: The net gives no usable answer.
            UsageError: An option is not known or its value is impossible.
        """
        return list(self.lines(pictures, options, upright=upright, **changes))

    def lines(
        self,
        pictures: Iterable[Picture],
        options: ReadOptions | None = None,
        *,
        upright: bool = False,
        **changes: Any,
    ) -> Iterator[Line]:
        """Reads lines, and gives each as soon as it is read.

        While the net computes some lines on other threads, this one asks for the pictures of the next and decodes those
        before; what the caller does with a line takes no time then either.

        Args:
            pictures: See `read`.
            options: Likewise.
            upright: Likewise.
            **changes: Likewise.

        Yields:
            The lines of `read`.

        Raises:
            ModelError: The net gives no usable answer.
            UsageError: An option is not known or its value is impossible.
        """
        options = (options or ReadOptions()).changed(**changes)
        decoder = self._decoder(options)
        # A single character has no direction.
        as_it_is = upright or options.mode == "char"
        # Who allows one thread means one: nothing is done besides what the net does then.
        ahead = AHEAD if self._net.threads > 1 else 0
        begun = (self._begun(part, as_it_is) for part in self._portions(pictures))
        decoded = (
            (portion, self._decoded(portion.straight, portion.sizes, portion.asked, decoder))
            for portion in _later(begun, ahead)
        )
        for portion, first in _later(decoded, min(1, ahead)):
            yield from self._finished(portion, first, decoder)

    def _begun(self, pictures: Sequence[Picture], as_it_is: bool) -> _Portion:
        strips = {} if as_it_is else _straightened(pictures)
        straight = [strips[number].pixels if number in strips else one for number, one in enumerate(pictures)]
        sizes = [_size(one) for one in straight]
        tall = [] if as_it_is else [number for number, size in enumerate(sizes) if may_run_vertically(*size)]
        return _Portion(pictures, strips, straight, sizes, tall, self._ask(straight))

    def _finished(self, portion: _Portion, first: _FirstReading, decoder: Decoder) -> list[Line]:
        sizes = portion.sizes
        found = self._settled(first, decoder)
        for number, strip in portion.strips.items():
            width, height = _size(portion.pictures[number])
            found[number] = msgspec.structs.replace(
                found[number],
                box=Box(0.0, 0.0, float(width), float(height)),
                words=strip.words(found[number]),
                polygon=strip.polygon(found[number].box),
            )
        if portion.tall:
            flat = [(sizes[number][1], sizes[number][0]) for number in portion.tall]
            ways = []
            for turn in TURNS:
                pictures = [turned(portion.pictures[number], turn) for number in portion.tall]
                ways.append(self._settled(self._decoded(pictures, flat, self._ask(pictures), decoder), decoder))
            for number, left, right in zip(portion.tall, *ways, strict=True):
                found[number] = surest(found[number], left, right, *sizes[number])
        return found

    def _decoded(
        self, pictures: Sequence[Picture], sizes: Sequence[tuple[int, int]], asked: _Asked, decoder: Decoder
    ) -> _FirstReading:
        """Decodes lines, and has the net begin with those that it reads better stretched."""
        scans = self._scans(asked)
        lines = lines_of(sizes, scans, decoder, self.classes)
        stretches = {
            number: stretch
            for number, (scan, line) in enumerate(zip(scans, lines, strict=True))
            if (stretch := second_stretch(scan.canvas.shape[1], len(line.text))) != 1.0
        }
        again = [pictures[number] for number in stretches]
        # The second answer is waited for when the next lines are decoded.
        asked_again = self._ask(again, list(stretches.values())) if again else None
        return _FirstReading(lines, sizes, list(stretches), asked_again)

    def _settled(self, first: _FirstReading, decoder: Decoder) -> list[Line]:
        """The lines, some of them as they were read the second time."""
        lines = first.lines
        if first.asked is not None:
            sizes = [first.sizes[number] for number in first.again]
            again = lines_of(sizes, self._scans(first.asked), decoder, self.classes)
            for number, line in zip(first.again, again, strict=True):
                lines[number] = line
        return lines

    def prepare(self) -> None:
        """Makes ready what the first reading would wait for.

        Raises:
            ModelError: The net cannot be run.
        """
        self._net.prepare()

    def logits(self, pictures: Iterable[Picture]) -> Iterator[FloatArray]:
        """What the net says to each line before any decoding, as calibration and experiments need it.

        Args:
            pictures: See `read`.

        Yields:
            For each picture logits of shape [frames, 1 + classes]; none where the net was not asked.
        """
        for part in self._portions(pictures):
            yield from (scan.logits for scan in self._scans(self._ask(part)))

    def _portions(self, pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
        """Takes lines together as far as the memory for what is said of them allows."""
        part: list[Picture] = []
        held = 0
        for one in pictures:
            width, height = _size(one)
            expected = -(-width * self._preprocess.height // max(1, height))
            if part and (len(part) == AT_ONCE or held + expected > WIDTH_AT_ONCE):
                yield part
                part, held = [], 0
            part.append(one)
            held += expected
        if part:
            yield part

    def _new_decoder(self, options: ReadOptions) -> Decoder:
        return Decoder(self.classes, options, self.card.temperature, self.card.confidence_maps)

    def _canvas(self, picture: Picture, stretch: float = 1.0) -> PixelArray:
        """The picture prepared, wider by so much; one pixel of paper where it can hold no text."""
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        if image.height >= LEAST_HEIGHT and image.width * self._preprocess.height <= WIDEST_CANVAS * image.height:
            canvas = self._preprocess.canvas(image, stretch)
            if canvas.min() < _PAPER:
                return canvas
        return np.full((self._preprocess.height, 1), 255, np.uint8)

    def _ask(self, pictures: Sequence[Picture], stretches: Sequence[float] | None = None) -> _Asked:
        """Prepares lines, as much wider as is told, and has the net begin with them, long ones in pieces."""
        factors = stretches or [1.0] * len(pictures)
        canvases = [self._canvas(one, factor) for one, factor in zip(pictures, factors, strict=True)]
        pieces = [pieces_of(canvas, self._preprocess.widest) if canvas.min() < _PAPER else [] for canvas in canvases]
        parts = [
            canvas[:, piece.start : piece.stop] for canvas, some in zip(canvases, pieces, strict=True) for piece in some
        ]
        return _Asked(canvases, pieces, self._net.begin(parts))

    def _scans(self, asked: _Asked) -> list[Scan]:
        """Waits for what the net says."""
        answers = iter(asked.answers.wait())
        scans = []
        space = self.classes.index(" ") + 1 if " " in self.classes else None
        for canvas, some in zip(asked.canvases, asked.pieces, strict=True):
            logits: list[FloatArray] = []
            stride = 1
            for piece in some:
                answer = next(answers)
                width = piece.stop - piece.start
                stride = self._net.stride(width, len(answer))
                answer = answer[: -(-width // stride)]
                if piece.space_after and space is not None:
                    # What was cut through is a gap between words, of which neither piece shows enough.
                    answer[-1, space] = answer[-1].max() + 10.0
                logits.append(answer)
            joined = np.concatenate(logits) if logits else np.empty((0, self._net.outputs), np.float32)
            scans.append(Scan(canvas, joined, stride))
        return scans


def second_stretch(width: int, characters: int) -> float:
    """How a line that was read once is stretched to be read once more.

    Condensed letters fall between the steps in which the net answers, and broad ones come apart.

    Args:
        width: Of the prepared line, in pixels.
        characters: How many were read in it.

    Returns:
        A factor for the line's width; 1 where one reading is enough.
    """
    if not characters:
        return 1.0
    each = width / characters
    if each < _NARROW:
        return min(_WIDENED / each, _WIDEST_STRETCH)
    if each > _WIDE and characters >= _FEWEST_WIDE:
        return max(_NARROWED / each, _LEAST_STRETCH)
    return 1.0


def _straightened(pictures: Sequence[Picture]) -> dict[int, Strip]:
    """By their numbers, the strips along those lines that slope in their pictures."""
    strips = {}
    for number, picture in enumerate(pictures):
        width, height = _size(picture)
        if may_show_slope(width, height):
            image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
            grey = np.asarray(image.convert("L"), np.uint8)
            if (outline := sloping_outline(grey)) is not None:
                strips[number] = cut(grey, outline)
    return strips


_Item = TypeVar("_Item")


def _later(items: Iterable[_Item], places: int) -> Iterator[_Item]:
    """Gives items on so many places later than they come."""
    held: deque[_Item] = deque()
    for item in items:
        held.append(item)
        if len(held) > places:
            yield held.popleft()
    yield from held


def _size(picture: Picture) -> tuple[int, int]:
    """Width and height."""
    return (picture.shape[1], picture.shape[0]) if isinstance(picture, np.ndarray) else picture.size


def lines_of(
    sizes: Sequence[tuple[int, int]], scans: Sequence[Scan], decoder: Decoder, classes: ClassSet
) -> list[Line]:
    """Decodes lines and builds their trees.

    Args:
        sizes: Width and height of each line's picture, in whose pixels the boxes are.
        scans: What the net said to each.
        decoder: How to decode it.
        classes: The model's characters.
    """
    decoded = decoder([scan.logits for scan in scans])
    runs = decoded.runs
    counts = np.diff(runs.offsets)
    lines = np.repeat(np.arange(len(scans)), counts)
    strides = np.array([scan.stride for scan in scans])[lines]
    # The middle of a run's frames, each of which is a stride wide.
    centres = (decoded.first_frames + decoded.last_frames + 1) * strides // 2
    edges = character_boxes([scan.canvas for scan in scans], centres.astype(np.int64), runs.offsets)
    scales = np.array(
        [
            (width / scan.canvas.shape[1], height / scan.canvas.shape[0])
            for (width, height), scan in zip(sizes, scans, strict=True)
        ]
    )
    boxes = _boxes(edges, scales[lines])
    characters = _characters(decoded, boxes, classes)
    starts, ends = decoded.word_starts.tolist(), decoded.word_ends.tolist()
    confidences = _rounded(decoded.word_confidences)
    bounds = decoded.word_offsets.tolist()
    line_confidences = _rounded(decoded.line_confidences)
    found = []
    for number, (width, height) in enumerate(sizes):
        words = []
        for word in range(bounds[number], bounds[number + 1]):
            letters = tuple(characters[starts[word] : ends[word]])
            words.append(
                Word(
                    "".join([letter.text for letter in letters]),
                    union(letter.box for letter in letters),
                    confidences[word],
                    letters,
                )
            )
        found.append(Line(Box(0.0, 0.0, float(width), float(height)), line_confidences[number], tuple(words)))
    return found


def _boxes(edges: npt.NDArray[np.int64], scales: npt.NDArray[np.float64]) -> list[Box]:
    """Boxes in pixels of the picture, to a tenth of one."""
    corners = np.round(edges * np.tile(scales, 2), 1)
    sides = np.round(corners[:, 2:] - corners[:, :2], 1)
    return [Box(*row) for row in np.hstack([corners[:, :2], sides]).tolist()]


def _characters(decoded: Decoded, boxes: Sequence[Box], classes: ClassSet) -> list[Character]:
    """A character for each run; those of spaces are never used."""
    names = ("", *classes.names)
    certain = decoded.characters
    return [
        Character(
            names[index],
            box,
            confidence,
            tuple([Alternative(names[other], share) for other, share in zip(others, shares, strict=True) if share > 0]),
        )
        for index, box, confidence, others, shares in zip(
            decoded.runs.classes.tolist(),
            boxes,
            _rounded(certain.confidences),
            certain.others.tolist(),
            _rounded(certain.other_confidences),
            strict=True,
        )
    ]


def _rounded(shares: npt.NDArray[Any]) -> Any:
    """Probabilities as Python's numbers with four digits, of which no more than two mean anything."""
    return np.clip(np.round(shares.astype(np.float64), 4), 0.0, 1.0).tolist()
