"""Finds the pieces of lines on a page: a cheap first look tells how large the text is, a second looks at that scale.

from typecase.stages.detect import LineDetector

for piece in LineDetector().find(grey):
    print(piece.corners, piece.score)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from typecase.modelcard import DETECTOR, ModelCard
from typecase.preprocess import PixelArray
from typecase.runtime.onnx_file import read_model
from typecase.runtime.openvino_pages import OpenVinoPageNet
from typecase.stages.lines_of_maps import Piece, pieces_of_maps

SHIPPED_MODEL = Path(__file__).parents[1] / "weights" / "pages.onnx"
"""The model that is used unless another is named."""

LOOK = 736
"""Longest side of the picture, in pixels, at the first look."""

MOST_PIXELS = 5_000_000
"""The most pixels of the second look: a page of the smallest print is looked at as well as these allow."""

_LARGEST_SCALE = 3.0
# A second look is worth its time only where it is so many times larger, or smaller, than the first: receipts of the
# training part and drawn pages are read no better with one that is less so.
_SAME_SCALE = (0.6, 1.5)
# Which line decides the scale: smaller text than this share of all must be content with being seen too small.
_QUANTILE = 0.25
# What is so many times as high as the net likes is better seen at the first look.
_LARGE = 2.5
# A level line that goes through so much of a large one that runs up is no part of its letters.
_CROSSED = 0.3


class LineDetector:
    """A trained net that finds lines, opened once and asked many times.

    It may be shared between threads and pickled; an unpickled one opens the model's file again.

    Attributes:
        card: What the model says about itself.
        sha256: Of the model's file, as hexadecimal digits.
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
            ModelError: The file is missing, damaged, unsafe, too new, or no detector.
            UsageError: The number of threads is impossible.
        """
        lacking = "This installation carries no model that finds lines; name one (--detector FILE)."
        self.path, content = read_model(DETECTOR, model, SHIPPED_MODEL, lacking)
        self._settings = (threads, precision)
        self.card: ModelCard = content.card
        self.sha256 = content.sha256
        self._preprocess = content.card.page_preprocess
        self._net = OpenVinoPageNet(content, threads, precision)
        self.precision = self._net.precision

    def __reduce__(self) -> tuple[Any, ...]:
        return LineDetector, (self.path, *self._settings)

    def find(self, grey: PixelArray) -> list[Piece]:
        """Finds the pieces of lines on a page.

        Args:
            grey: Grey levels, [height, width].

        Returns:
            Pieces in pixels of the page, in no order.

        Raises:
            ModelError: The net gives no usable answer.
        """
        longest = max(grey.shape)
        first = min(1.0, LOOK / longest)
        found = self._seen(grey, first)
        if not found and first > 0.5:
            return []
        # Where nothing is seen from afar, text may be too small to be seen.
        second = self._scale(found, first) if found else 2 * first
        second = min(second, (MOST_PIXELS / grey.size) ** 0.5, _LARGEST_SCALE)
        if _SAME_SCALE[0] <= second / first <= _SAME_SCALE[1]:
            return found
        return _joined(found, self._seen(grey, second), _LARGE * self._preprocess.text_height / second)

    def _seen(self, grey: PixelArray, scale: float) -> list[Piece]:
        small = self._preprocess.scaled(grey, scale)
        pieces = pieces_of_maps(self._net(small), small.shape[1], small.shape[0])
        return [piece.moved(1 / scale) for piece in pieces]

    def _scale(self, found: Sequence[Piece], scale: float) -> float:
        """The scale at which most text has the height that the net likes."""
        heights = np.array([piece.height for piece in found])
        # About how many characters each piece holds.
        weights = np.array([max(1.0, piece.length / piece.height) for piece in found])
        order = heights.argsort()
        share = weights[order].cumsum() / weights.sum()
        height = heights[order][int(np.searchsorted(share, _QUANTILE))]
        return self._preprocess.text_height / float(height)


def _joined(first: Sequence[Piece], second: Sequence[Piece], large: float) -> list[Piece]:
    """What the second look found, and what was too large for it from the first."""
    big = [piece for piece in first if piece.height > large]
    if not big:
        return list(second)
    kept = list(second)
    for piece in sorted(big, key=lambda one: -one.height):
        left, top = piece.corners.min(axis=0)
        right, bottom = piece.corners.max(axis=0)
        inside = [
            other
            for other in kept
            if left <= (middle := other.corners.mean(axis=0))[0] <= right and top <= middle[1] <= bottom
        ]
        # From afar the cells of a column, one below the other, look like a line that runs up.
        if piece.across and any(not other.across and other.length >= _CROSSED * piece.height for other in inside):
            continue
        seen = [other for other in inside if other.height > 0.6 * piece.height]
        if sum(other.length for other in seen) >= 0.5 * piece.length:
            continue
        # Parts of its letters that looked like lines of their own, or pieces of it.
        kept = [other for other in kept if all(other is not one for one in inside)]
        kept.append(piece)
    return kept
