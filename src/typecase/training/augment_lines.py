"""Variations of single lines, cheap enough to be made while the net computes.

They stand in for other cuts, other lenses and other typefaces' proportions; what paper and print do to a line is the
matter of `typecase.synthesis`.
"""

from __future__ import annotations

import cv2
import numpy as np

from typecase.preprocess import PixelArray
from typecase.training.settings import LineAugmentationSettings

_NOISE_SIDE = 1 << 16


def augment_line(canvas: PixelArray, settings: LineAugmentationSettings, generator: np.random.Generator) -> PixelArray:
    """Varies a line by its own random draw.

    Args:
        canvas: Bytes of shape [height, width], dark on light.
        settings: Largest changes and probabilities.
        generator: Source of chance.

    Returns:
        Bytes of the same height and another width.
    """
    height, width = canvas.shape
    stretch, scale, shift, shear = generator.uniform(-1, 1, 4) * (
        settings.stretch,
        settings.scale,
        settings.shift,
        settings.shear,
    )
    # Drawn in the logarithm, so that growing and shrinking are equally likely.
    across, down = np.exp(stretch), np.exp(scale)
    slant = shear * across
    matrix = np.array(
        [[across, slant, -slant * height / 2], [0.0, down, height * (shift + (1 - down) / 2)]], dtype=np.float64
    )
    size = (max(4, round(width * across)), height)
    # The picture goes on beyond its edge as it ends, for real paper seldom is white.
    moved = cv2.warpAffine(canvas, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    varied = np.asarray(moved, np.uint8)
    chances = generator.random(3)
    if chances[0] < settings.blur:
        varied = _softened(varied, generator)
    if chances[1] < settings.tone:
        gamma, low, high = generator.uniform((-0.5, 0.0, 0.7), (0.5, 0.25, 1.0))
        levels = 255 * (low + (high - low) * (np.arange(256) / 255) ** np.exp(gamma))
        varied = np.round(levels).astype(np.uint8)[varied]
    if chances[2] < settings.noise:
        varied = _noisy(varied, generator)
    return varied


def _softened(canvas: PixelArray, generator: np.random.Generator) -> PixelArray:
    if generator.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(canvas, (0, 0), generator.uniform(0.4, 1.1)), np.uint8)
    height, width = canvas.shape
    factor = generator.uniform(1.2, 2.2)
    small = cv2.resize(
        canvas, (max(2, round(width / factor)), max(2, round(height / factor))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noisy(canvas: PixelArray, generator: np.random.Generator) -> PixelArray:
    noise = generator.integers(-32, 33, _NOISE_SIDE if canvas.size > _NOISE_SIDE else canvas.size, dtype=np.int16)
    spread = np.resize(noise, canvas.shape) * np.float32(generator.uniform(0.1, 1.0))
    return np.asarray(np.clip(canvas + spread, 0, 255), np.uint8)
