"""Pages with the places of their lines: real receipts, and pages that are drawn."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from typecase.datasets.line_pages import Part, SroieLines
from typecase.preprocess import PixelArray
from typecase.sources import open_picture

if TYPE_CHECKING:
    from typecase.synthesis.page import DrawnPage

Outline = npt.NDArray[np.float32]
"""[2n, 2] in pixels: half of the corners along the upper edge of a line, the others back along the lower one."""

WIDE_GAP = 1.0
"""Words that are further apart than so many heights of their line belong to different pieces of it."""


@dataclass(frozen=True)
class PageSample:
    """A page with its truth.

    Attributes:
        name: What messages call it.
        load: Gives its grey levels, [height, width].
        outlines: The outline of each piece of a line.
        ignored: For each, whether it is no fault to find it or not: what nobody can read.
    """

    name: str
    load: Callable[[], PixelArray]
    outlines: tuple[Outline, ...]
    ignored: tuple[bool, ...]


class SroiePages:
    """The receipts of SROIE (Huang et al., ICDAR 2019) with the boxes of their lines; see `SroieLines`."""

    def __init__(self, root: str | os.PathLike[str], part: Part = "train") -> None:
        """Looks which receipts there are.

        Args:
            root: The folder with `img` and `box`.
            part: `train`, or `development` (the receipts whose number is divisible by 10), or `all`.

        Raises:
            DataError: The folder holds no such receipts.
            UsageError: The part is unknown.
        """
        self._lines = SroieLines(root, part)
        self.name = self._lines.name

    @property
    def identity(self) -> str:
        """What a cache knows this source by; it changes when the source does."""
        return self._lines.identity

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[PageSample]:
        for name, picture, corners in self._lines.pages():
            outlines = tuple(np.array(one, np.float32) for one in corners)
            yield PageSample(name, functools.partial(_grey, picture), outlines, (False,) * len(outlines))


def _grey(path: Path) -> PixelArray:
    return np.asarray(open_picture(path).convert("L"), np.uint8)


def drawn_sample(page: DrawnPage, name: str) -> PageSample:
    """A drawn page as a sample, its lines split at wide gaps."""
    outlines: list[Outline] = []
    ignored: list[bool] = []
    for line in page.lines:
        pieces = split_at_gaps(np.asarray(line.polygon, np.float32), [np.asarray(one[1]) for one in line.words])
        outlines += pieces
        ignored += [not line.legible] * len(pieces)
    grey = page.pixels if page.pixels.ndim == 2 else np.asarray(page.pixels.mean(axis=2), np.uint8)
    return PageSample(name, lambda: grey, tuple(outlines), tuple(ignored))


def split_at_gaps(outline: Outline, words: Sequence[npt.NDArray[np.float32]]) -> list[Outline]:
    """Splits a line where the gap between two words is wide.

    Args:
        outline: Of the line.
        words: The corners of each word, [4, 2], from left to right.

    Returns:
        Outlines of its pieces, from left to right; the line itself where no gap is wide.
    """
    if len(words) < 2:
        return [outline]
    half = len(outline) // 2
    upper, lower = outline[:half].astype(np.float64), outline[half:][::-1].astype(np.float64)
    middle = (upper + lower) / 2
    steps = np.hypot(*(middle[1:] - middle[:-1]).T)
    stops = np.concatenate([[0.0], np.maximum(steps, 1e-3).cumsum()])
    height = float(np.hypot(*(lower - upper).T).mean())
    spans = []
    for word in words:
        along = [_along(middle, stops, corner) for corner in np.asarray(word, np.float64)]
        spans.append((min(along), max(along)))
    pieces: list[tuple[float, float]] = [spans[0]]
    for start, end in spans[1:]:
        if start - pieces[-1][1] > WIDE_GAP * height:
            pieces.append((start, end))
        else:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]))
    if len(pieces) == 1:
        return [outline]
    found = []
    for start, end in pieces:
        if end - start < 1.0:
            continue
        inner = stops[(stops > start + 1) & (stops < end - 1)]
        places = np.concatenate([[start], inner, [end]])
        top, bottom = (
            np.stack([np.interp(places, stops, edge[:, axis]) for axis in (0, 1)], axis=1) for edge in (upper, lower)
        )
        found.append(np.concatenate([top, bottom[::-1]]).astype(np.float32))
    return found


def _along(middle: npt.NDArray[np.float64], stops: npt.NDArray[np.float64], place: npt.NDArray[np.float64]) -> float:
    """How far along a line of points the nearest place to another one is."""
    starts, steps = middle[:-1], middle[1:] - middle[:-1]
    lengths = np.maximum((steps**2).sum(axis=1), 1e-9)
    share = np.clip(((place - starts) * steps).sum(axis=1) / lengths, 0.0, 1.0)
    distances = ((starts + share[:, np.newaxis] * steps - place) ** 2).sum(axis=1)
    best = int(distances.argmin())
    return float(stops[best] + share[best] * (stops[best + 1] - stops[best]))
