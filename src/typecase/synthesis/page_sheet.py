"""The sheet on which a page is laid out: tones of ink and paper, and where each piece of text was put.

What stands on a sheet is ink on nothing yet: black is 0 and white is 255, and looks give both their tones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.ground_truth import Pixels
from typecase.synthesis.page_type import BLACK, Colour, PageType

# Pieces of a row with less than so many ems between them are one line to a reader.
_JOINED_BELOW = 0.95
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class PlacedText:
    """A line of text on the sheet.

    Attributes:
        text: What it says.
        words: Each word with its left and right end along the baseline, in pixels from the pen's start.
        above: Reach of its letters above the baseline in pixels.
        below: Reach below.
        x_height: Height of the lower-case x in pixels.
        em: Size of the font in pixels.
        matrix: 2 x 3, from (along the baseline, down from it) to the sheet.
        block: Number of its block.
        row: Number of its row.
        column: Place in the row.
        apart: Whether it stays by itself however near its neighbour is, since a rule stands between them.
    """

    text: str
    words: tuple[tuple[str, float, float], ...]
    above: float
    below: float
    x_height: float
    em: float
    matrix: npt.NDArray[np.float64]
    block: int
    row: int
    column: int
    apart: bool = False

    @property
    def left(self) -> float:
        """Where its ink begins along the baseline."""
        return self.words[0][1]

    @property
    def right(self) -> float:
        """Where its ink ends."""
        return max(right for _, _, right in self.words)


class Sheet:
    """Tones and texts of a page.

    Attributes:
        tones: uint8, [height, width] or [height, width, 3].
        texts: In the order in which they were put, which is reading order.
    """

    def __init__(self, width: int, height: int, channels: int = 1, ground: Colour = (255.0, 255.0, 255.0)) -> None:
        """Takes an empty sheet."""
        self.tones: Pixels = np.empty((height, width) if channels == 1 else (height, width, 3), np.uint8)
        self.texts: list[PlacedText] = []
        self._channels = channels
        self.tones[:] = self.ink(ground)

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.tones.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.tones.shape[0])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return self._channels

    def ink(self, colour: Colour) -> npt.NDArray[np.uint8]:
        """A colour as it stands on this sheet: three bytes, or one of its brightness."""
        values = np.clip(np.rint(colour), 0, 255)
        return values.astype(np.uint8) if self._channels == 3 else np.uint8(round(float(values @ _LUMA)))  # type: ignore[return-value]

    def scalar(self, colour: Colour) -> tuple[float, ...]:
        """A colour as OpenCV's drawing takes it."""
        return tuple(float(value) for value in np.atleast_1d(self.ink(colour)))

    def put(
        self,
        kind: PageType,
        text: str,
        x: float,
        baseline: float,
        *,
        align: str = "left",
        block: int = 0,
        row: int = 0,
        column: int = 0,
        angle: float = 0.0,
        apart: bool = False,
        word_spacing: float | None = None,
        underlined: bool = False,
        colour: Colour | None = None,
    ) -> tuple[float, float] | None:
        """Sets a line of text.

        Args:
            kind: Type to set it in.
            text: What it says, of the type's characters.
            x: Where its left end, right end or middle lies.
            baseline: Height of the baseline from the top.
            align: `left`, `right` or `centre`: what `x` is.
            block: Its block.
            row: Its row.
            column: Its column.
            angle: By how many degrees it is turned clockwise about that point.
            apart: As in `PlacedText`.
            word_spacing: Instead of the style's.
            underlined: Whether a rule runs under it.
            colour: Instead of the type's.

        Returns:
            Where its ink begins and ends from `x` on, in pixels; None, and nothing is put, where it would leave the
            sheet.
        """
        style = kind.style
        if word_spacing is not None:
            style = replace(style, word_spacing=float(np.clip(word_spacing, -0.2, 4.0)), kerning=False)
        if underlined:
            style = replace(style, underline=True)
        ink = kind.set(text, style)
        origin = float(ink.advances[0, 0])
        spans = ink.boxes[:, [0, 2]].astype(np.float64)
        spans[:, 1] += spans[:, 0]
        words, start = [], 0
        for word in ink.text.split(" "):
            some = spans[start : start + len(word)]
            words.append((word, float(some[:, 0].min()) - origin, float(some[:, 1].max()) - origin))
            start += len(word) + 1
        left, right = words[0][1], max(end for _, _, end in words)
        shift = {"left": 0.0, "right": -right, "centre": -(left + right) / 2}[align]
        if angle == 0.0:
            # The ink keeps to whole pixels, and what is told of its place with it.
            corner = (round(x + shift - origin), round(baseline - ink.baseline))
            matrix = np.array([[1.0, 0.0, corner[0] + origin], [0.0, 1.0, corner[1] + ink.baseline]])
        else:
            turn = np.deg2rad(angle)
            cosine, sine = float(np.cos(turn)), float(np.sin(turn))
            place = np.array([[cosine, -sine], [sine, cosine]])
            matrix = np.concatenate([place, np.array([[x], [baseline]]) + place @ [[shift], [0.0]]], axis=1)
            corner = (0, 0)
        found = PlacedText(
            ink.text,
            tuple(words),
            kind.above,
            kind.below,
            ink.x_height,
            kind.em,
            matrix,
            block,
            row,
            column,
            apart,
        )
        outline = np.array(
            [[left, -kind.above, 1], [right, -kind.above, 1], [right, kind.below, 1], [left, kind.below, 1]]
        )
        outline = outline @ matrix.T
        if outline.min() < 0 or outline[:, 0].max() > self.width or outline[:, 1].max() > self.height:
            return None
        shade = kind.colour if colour is None else colour
        if angle == 0.0:
            self.lay(ink.coverage, corner[0], corner[1], shade)
        else:
            self._lay_turned(ink.coverage, matrix, origin, ink.baseline, shade)
        self.texts.append(found)
        return shift + left, shift + right

    def _lay_turned(
        self,
        coverage: Pixels,
        matrix: npt.NDArray[np.float64],
        origin: float,
        baseline: float,
        colour: Colour,
    ) -> None:
        height, width = coverage.shape
        move = matrix.copy()
        move[:, 2] += matrix[:, :2] @ [-origin, -baseline]
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]]) @ move.T
        low = np.floor(corners.min(axis=0)).astype(int)
        high = np.ceil(corners.max(axis=0)).astype(int)
        # OpenCV counts from the middle of the first pixel, places here from its edge.
        move[:, 2] += move[:, :2] @ [0.5, 0.5] - 0.5 - low
        turned = cv2.warpAffine(coverage, move, (int(high[0] - low[0]), int(high[1] - low[1])), flags=cv2.INTER_LINEAR)
        self.lay(np.asarray(turned, np.uint8), int(low[0]), int(low[1]), colour)

    def lay(self, coverage: Pixels, x: int, y: int, colour: Colour = BLACK) -> None:
        """Lays ink over what is there.

        Args:
            coverage: How much of each pixel is covered, 0..255, [height, width].
            x: Where its left edge lies; what lies outside the sheet is left out.
            y: Where its upper edge lies.
            colour: Of the ink.
        """
        height, width = coverage.shape
        top, left = max(0, -y), max(0, -x)
        bottom, right = min(height, self.height - y), min(width, self.width - x)
        if top >= bottom or left >= right:
            return
        cover = coverage[top:bottom, left:right]
        part = self.tones[y + top : y + bottom, x + left : x + right]
        if colour == BLACK:
            kept = cv2.bitwise_not(cover)
            if self._channels == 3:
                kept = cv2.merge((kept, kept, kept))
            np.minimum(part, kept, out=part)
            return
        if self._channels == 3:
            cover = cover[..., np.newaxis]
        wide = part.astype(np.int32)
        wide += ((self.ink(colour).astype(np.int32) - wide) * cover + 127) // 255
        part[:] = wide

    def paste(self, picture: Pixels, x: int, y: int) -> None:
        """Sets a picture over what is there; it is made grey where the sheet is."""
        height, width = picture.shape[:2]
        top, left = max(0, -y), max(0, -x)
        bottom, right = min(height, self.height - y), min(width, self.width - x)
        if top >= bottom or left >= right:
            return
        if picture.ndim == 3 and self._channels == 1:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        if picture.ndim == 2 and self._channels == 3:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8)
        self.tones[y + top : y + bottom, x + left : x + right] = picture[top:bottom, left:right]

    def rule(
        self, start: tuple[float, float], end: tuple[float, float], thickness: float = 1.0, colour: Colour = BLACK
    ) -> None:
        """Draws a rule between two points."""
        if start[0] == end[0] or start[1] == end[1]:
            half = thickness / 2
            left, right = min(start[0], end[0]), max(start[0], end[0])
            top, bottom = min(start[1], end[1]), max(start[1], end[1])
            if start[1] == end[1]:
                self.fill(left, top - half, right - left, thickness, colour)
            else:
                self.fill(left - half, top, thickness, bottom - top, colour)
            return
        first, last = (tuple(round(value * 16) for value in point) for point in (start, end))
        cv2.line(self.tones, first, last, self.scalar(colour), max(1, round(thickness)), cv2.LINE_AA, 4)

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour = BLACK) -> None:
        """Fills a rectangle of at least a pixel."""
        left, top = round(x), round(y)
        right, bottom = max(left + 1, round(x + width)), max(top + 1, round(y + height))
        self.tones[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = self.ink(colour)

    def frame(
        self, x: float, y: float, width: float, height: float, thickness: float = 1.0, colour: Colour = BLACK
    ) -> None:
        """Draws the edges of a rectangle."""
        for start, end in (
            ((x, y), (x + width, y)),
            ((x, y + height), (x + width, y + height)),
            ((x, y), (x, y + height)),
            ((x + width, y), (x + width, y + height)),
        ):
            self.rule(start, end, thickness, colour)

    def cut(self, height: float) -> None:
        """Cuts off what lies below a height."""
        rows = int(np.clip(round(height), 1, self.height))
        self.tones = np.ascontiguousarray(self.tones[:rows])

    def joined(self) -> list[PlacedText]:
        """The texts, with pieces of a row that stand as close as words as one line."""
        lines: list[PlacedText] = []
        for text in self.texts:
            if lines and _continues(lines[-1], text):
                lines[-1] = _together(lines[-1], text)
            else:
                lines.append(text)
        return lines


def _continues(line: PlacedText, piece: PlacedText) -> bool:
    if line.row != piece.row or line.block != piece.block or line.apart or piece.apart:
        return False
    if line.matrix[0, 1] or piece.matrix[0, 1] or abs(line.matrix[1, 2] - piece.matrix[1, 2]) > 0.15 * line.em:
        return False
    gap = piece.matrix[0, 2] + piece.left - line.matrix[0, 2] - line.right
    small, large = sorted((line.em, piece.em))
    return bool(-0.2 * small < gap < _JOINED_BELOW * small and large < 1.4 * small)


def _together(line: PlacedText, piece: PlacedText) -> PlacedText:
    shift = float(piece.matrix[0, 2] - line.matrix[0, 2])
    return replace(
        line,
        text=f"{line.text} {piece.text}",
        words=line.words + tuple((word, left + shift, right + shift) for word, left, right in piece.words),
        above=max(line.above, piece.above),
        below=max(line.below, piece.below),
        x_height=max(line.x_height, piece.x_height),
    )
