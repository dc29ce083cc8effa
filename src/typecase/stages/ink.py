"""Where there is ink in a small part of a page."""

from __future__ import annotations

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.stages.crop import Corners

# What differs from the paper by more than so much of what the darkest does is ink.
_INK = 0.45

LEAST_CONTRAST = 30
"""Grey levels that paper itself varies by."""


def may_hold_ink(page: PixelArray, outline: Corners) -> bool:
    """Whether anything differs from paper in the upright box around an outline, [n, 2]; quick."""
    height, width = page.shape
    left, top = (max(0, int(edge)) for edge in outline.min(axis=0))
    right, bottom = (int(edge) + 1 for edge in outline.max(axis=0))
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return False
    darkest, lightest, *_ = cv2.minMaxLoc(page[top:bottom, left:right])
    return bool(lightest - darkest >= LEAST_CONTRAST)


def ink_of(pixels: PixelArray, text: PixelArray) -> PixelArray | None:
    """Tells ink from paper, which most of a part of a page is.

    Args:
        pixels: The part, grey levels, [rows, columns].
        text: A part with text, the same or one beside, which tells how far its ink differs from the paper.

    Returns:
        1 where there is ink, 0 elsewhere, [rows, columns]; None where nothing differs by more than paper does.
    """
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256]).ravel()
    paper = int(np.searchsorted(counts.cumsum(), pixels.size / 2))
    darkest, lightest, *_ = cv2.minMaxLoc(text)
    contrast = max(paper - darkest, lightest - paper)
    if contrast < LEAST_CONTRAST:
        return None
    return (cv2.absdiff(pixels, np.full_like(pixels, paper)) > _INK * contrast).astype(np.uint8)
