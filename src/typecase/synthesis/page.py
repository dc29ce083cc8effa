"""Whole pages with their ground truth: which layouts there are, how often, and the workshop that draws them.

A layout puts text and everything else on a flat sheet; a look takes its picture. Outlines of lines and words go through
the same map as the pixels, whatever was done to the paper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor
from typing import Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from typecase.charset import LATIN_CHARACTERS
from typecase.errors import UsageError
from typecase.synthesis.draws import Choice
from typecase.synthesis.fonts import FontCollection
from typecase.synthesis.page_desk import Desk, FontShelf
from typecase.synthesis.page_layouts import HELD_BACK_LAYOUTS, LAYOUT_MIXTURE, LAYOUTS
from typecase.synthesis.page_looks import PAGE_LOOKS, Shot, drawn_enlargement, shoot
from typecase.synthesis.page_papers import Layout
from typecase.synthesis.page_sheet import PlacedText, Sheet
from typecase.synthesis.page_text import PageTexts
from typecase.synthesis.page_truth import DrawnPage, PageLine
from typecase.synthesis.text import Part, TextFile

__all__ = ["HELD_BACK_LAYOUTS", "LAYOUTS", "LAYOUT_MIXTURE", "DrawnPage", "PageLine", "PageWorkshop"]

_Name = TypeVar("_Name", str, int)

ROTATIONS: Mapping[int, float] = {0: 0.88, 90: 0.04, 180: 0.04, 270: 0.04}
"""How often a page must be turned by so many degrees for its text to be upright."""

# Outlines of lines on bent paper have a point for each so many heights of the line, within these numbers.
_STEP, _LEAST_POINTS, _MOST_POINTS = 2.0, 5, 24
# Smaller letters, in pixels of their x, nobody reads; nor where blur goes over more than such a share of them.
_LEAST_X_HEIGHT, _MOST_BLUR = 3.6, 0.3
# Grey levels (a deviation) below which a line is no more than the paper's unevenness.
_LEAST_CONTRAST = 5.0
# Share of its ink's contrast that a line keeps in black and white: with less, its thin strokes were lost.
_LEAST_KEPT = 0.4
_BLACK_AND_WHITE = frozenset({"two-tones", "fax"})
# Shares of a line that must lie in the picture for it to count as read, and as there.
_WHOLE, _THERE = 0.97, 0.12


class PageWorkshop:
    """Draws pages by their number.

    Not to be shared between threads or processes: each opens its own.

    Attributes:
        seed: Decides, with a page's number, everything on it.
    """

    def __init__(
        self,
        fonts: FontCollection,
        texts: Sequence[TextFile],
        *,
        layouts: Mapping[str, float] = LAYOUT_MIXTURE,
        looks: Mapping[str, float] | None = None,
        rotations: Mapping[int, float] = ROTATIONS,
        charset: Collection[str] = LATIN_CHARACTERS,
        seed: int = 0,
        part: Part = "train",
        channels: Literal[1, 3] = 1,
    ) -> None:
        """Opens a workshop.

        Args:
            fonts: Those that may be drawn: for training, `FontCollection.training_families()`.
            texts: From `text.open_texts`; without any, running text is made of single words.
            layouts: How often each of `LAYOUTS` is drawn; 0 is never.
            looks: How often each of `page_looks.PAGE_LOOKS` is drawn; None takes each layout's own.
            rotations: How often a page is turned by 0, 90, 180 and 270 degrees.
            charset: Characters that may stand on a page.
            seed: Decides everything, with each page's number.
            part: Which lines of the texts are drawn: without every tenth, these only, or all.
            channels: 1 for grey pictures, 3 for RGB.

        Raises:
            UsageError: A layout, look or rotation is not known, or nothing has a weight above 0.
            DataError: There is no font, or no text that can be drawn.
        """
        self.seed = seed
        self._layouts = _choice("layout", layouts, LAYOUTS)
        self._looks = None if looks is None else _choice("look", looks, PAGE_LOOKS)
        self._rotations = _choice("rotation", rotations, (0, 90, 180, 270))
        self._channels = channels
        self._shelf = FontShelf(fonts)
        self._texts = PageTexts(texts, charset, part)

    def draw(self, index: int) -> DrawnPage:
        """Draws a page.

        Args:
            index: Its number, from 0.

        Raises:
            DataError: The fonts can draw next to nothing of the texts.
        """
        # What is written and what it looks like have chances of their own, so that either can change by itself.
        kinds, words, looks = (np.random.default_rng((self.seed, index, part)) for part in range(3))
        name = self._layouts.draw(kinds)
        layout = LAYOUTS[name]
        rotation = self._rotations.draw(kinds)
        look = (self._looks or Choice(layout.looks)).draw(kinds)
        enlarged = drawn_enlargement(look, kinds)
        sheet = self._laid_out(layout, words, enlarged)
        placed = sheet.joined()
        x_height = float(np.median([text.x_height for text in placed])) if placed else 10.0 * enlarged
        shot = shoot(sheet, look, looks, enlarged, x_height)
        lines = _lines(placed, sheet, shot)
        pixels, lines = _turned(shot.pixels, lines, rotation)
        meta = {"layout": name, "look": look, "rotation": rotation, "effects": shot.record}
        return DrawnPage(pixels, tuple(lines), rotation, meta)

    def _laid_out(self, layout: Layout, generator: np.random.Generator, enlarged: float) -> Sheet:
        paper = layout.format(generator)
        sheet = Sheet(round(paper.width * enlarged), round(paper.height * enlarged), self._channels)
        layout.draw(Desk(generator, sheet, paper.pt * enlarged, self._shelf, self._texts))
        return sheet


def _choice(what: str, weights: Mapping[_Name, float], known: Collection[_Name]) -> Choice[_Name]:
    for name, weight in weights.items():
        if name not in known:
            raise UsageError(f"There is no {what} {name!r}; choose from {', '.join(map(str, known))}.")
        if not 0 <= weight < float("inf"):
            raise UsageError(f"The weight of {what} {name} is {weight}; give a number from 0 up.")
    drawn = {name: weight for name, weight in weights.items() if weight > 0}
    if not drawn:
        raise UsageError(f"No {what} has a weight above 0; give at least one.")
    return Choice(drawn)


def _lines(placed: Sequence[PlacedText], sheet: Sheet, shot: Shot) -> list[PageLine]:
    """Sends the outlines of all lines into the picture, in one go."""
    pieces: list[npt.NDArray[np.float64]] = []
    for text in placed:
        left, right, above, below = text.left, text.right, -text.above, text.below
        ends = [left, right]
        if shot.view.bend is not None:
            length = (right - left) / max(1.0, below - above)
            ends = np.linspace(left, right, min(max(round(length / _STEP), _LEAST_POINTS), _MOST_POINTS)).tolist()
        places = [(x, above) for x in ends] + [(x, below) for x in reversed(ends)]
        for _, start, end in text.words:
            places += ((start, above), (end, above), (end, below), (start, below))
        # Where the small letters' bodies are: rules below them do not count as ink.
        low, high = -0.15 * text.x_height, -text.x_height
        places += ((left, high), (right, high), (right, low), (left, low))
        middle = (left + right) / 2
        places += ((middle, 0.0), (middle, high))
        pieces.append(np.array(places) @ text.matrix[:, :2].T + text.matrix[:, 2])
    if not pieces:
        return []
    points = shot.points(np.concatenate(pieces))
    height, width = shot.pixels.shape[:2]
    tones = next(done for done in shot.record if done["effect"] == "tones")
    is_hard = any(done["effect"] in _BLACK_AND_WHITE for done in shot.record)
    kept = _LEAST_KEPT * (tones["paper"][1] - tones["ink"][1]) / 255 if is_hard else 0.0
    lines, first = [], 0
    for text, piece in zip(placed, pieces, strict=True):
        own = points[first : first + len(piece)]
        first += len(piece)
        count = len(piece) - 6 - 4 * len(text.words)
        polygon, words = own[:count], own[count:-6].reshape(-1, 4, 2).astype(np.float32)
        x_height = float(np.linalg.norm(own[-1] - own[-2]))
        shown = _share_within(polygon, width, height)
        if shown < _THERE:
            continue
        legible = (
            shown >= _WHOLE
            and x_height >= max(_LEAST_X_HEIGHT, shot.softness / _MOST_BLUR)
            and _contrast(shot.pixels, own[-6:-2])
            >= max(_LEAST_CONTRAST, kept * _contrast(sheet.tones, piece[-6:-2]) if kept else 0.0)
        )
        lines.append(
            PageLine(
                text=text.text,
                polygon=polygon.astype(np.float32),
                words=tuple((word, corners) for (word, _, _), corners in zip(text.words, words, strict=True)),
                block=text.block,
                row=text.row,
                column=text.column,
                x_height=x_height,
                legible=bool(legible),
            )
        )
    return lines


def _contrast(pixels: npt.NDArray[np.uint8], polygon: npt.NDArray[np.float64]) -> float:
    """How much the grey levels about a line differ, as a deviation: next to nothing where its ink was lost."""
    height, width = pixels.shape[:2]
    columns, rows = polygon.T.tolist()
    top, bottom = max(0, floor(min(rows))), min(height, ceil(max(rows)))
    left, right = max(0, floor(min(columns))), min(width, ceil(max(columns)))
    part = pixels[top:bottom, left:right]
    if not part.size:
        return 0.0
    return float(cv2.meanStdDev(part)[1].max())


def _share_within(polygon: npt.NDArray[np.float64], width: int, height: int) -> float:
    """About which share of a line lies in the picture, by points spread over it."""
    if polygon.min() >= 0 and polygon[:, 0].max() <= width and polygon[:, 1].max() <= height:
        return 1.0
    half = len(polygon) // 2
    top, foot = polygon[:half], polygon[half:][::-1]
    share = np.linspace(0.02, 0.98, 12)
    places = np.linspace(0, half - 1, 24)
    upper, lower = (
        np.stack([np.interp(places, np.arange(half), side[:, axis]) for axis in (0, 1)], axis=1) for side in (top, foot)
    )
    points = upper[np.newaxis] + share[:, np.newaxis, np.newaxis] * (lower - upper)
    inside = (points >= 0).all(axis=2) & (points[..., 0] <= width) & (points[..., 1] <= height)
    return float(inside.mean())


def _turned(
    pixels: npt.NDArray[np.uint8], lines: list[PageLine], rotation: int
) -> tuple[npt.NDArray[np.uint8], list[PageLine]]:
    """Turns a page so that it must be turned clockwise by so many degrees to be upright again."""
    if not rotation:
        return pixels, lines
    height, width = pixels.shape[:2]

    def moved(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        x, y = points.T
        if rotation == 90:
            places = np.stack([y, width - x], axis=1)
        elif rotation == 180:
            places = np.stack([width - x, height - y], axis=1)
        else:
            places = np.stack([height - y, x], axis=1)
        return places.astype(np.float32)

    turns = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    return np.asarray(cv2.rotate(pixels, turns[rotation]), np.uint8), [
        replace(
            line,
            polygon=moved(line.polygon),
            words=tuple((word, moved(corners)) for word, corners in line.words),
        )
        for line in lines
    ]
