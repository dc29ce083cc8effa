"""Paints letters as signs are painted: any two colours, surfaces, shadows, depth, outlines."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.degrade import Floats, Pixels, Record, texture


def paint_sign(ink: Pixels, generator: np.random.Generator, channels: int, side: float) -> tuple[Pixels, Record]:
    """Paints a sign: ground, shadow or depth, outline, letters, each with its colour and surface.

    Args:
        ink: How much of each pixel is letter, 0..255, [height, width].
        generator: Source of chance.
        channels: 1 for grey, 3 for RGB.
        side: Size of the letters in pixels, by which rims and shadows are measured.

    Returns:
        Bytes [height, width] or [height, width, 3], and what was done beside the plain painting.
    """
    record: Record = []
    ground_colour, ink_colour = _two_colours(generator, channels)
    weight = ink.astype(np.float32) / 255
    picture = _surface(ink.shape, ground_colour, generator, 0.45)

    def lay(cover: npt.NDArray[Any], colour: Floats) -> None:
        nonlocal picture
        picture = picture + cover[..., np.newaxis] * (colour - picture)

    chance = generator.random(5)
    if chance[0] < 0.10:
        # A drop shadow: the letters stand off the wall.
        offset = generator.uniform(-0.12, 0.12, 2) * side
        cast = cv2.GaussianBlur(_moved(weight, offset), (0, 0), float(generator.uniform(0.5, 0.06 * side + 0.6)))
        lay(cast * float(generator.uniform(0.3, 0.85)), ground_colour * 0.15)
        record.append({"effect": "drop-shadow"})
    elif chance[0] < 0.22:
        # Letters with depth: their flank is seen on one side, lit otherwise than the front.
        depth = generator.uniform(0.03, 0.14) * side
        angle = generator.uniform(0, 2 * np.pi)
        step = np.array([np.cos(angle), np.sin(angle)])
        flank = weight
        for distance in np.arange(1.0, depth + 1.0, 1.5):
            flank = np.maximum(flank, _moved(weight, step * distance))
        lay(flank, ink_colour * float(generator.uniform(0.25, 1.5)))
        record.append({"effect": "depth"})
    if chance[1] < 0.10:
        width = max(1, round(generator.uniform(0.02, 0.09) * side))
        rim = cv2.dilate(weight, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1)))
        lay(rim, _some_colours(generator, channels, 1)[0])
        record.append({"effect": "outline"})
    lay(weight, _surface(ink.shape, ink_colour, generator, 0.3))
    if chance[2] < 0.06:
        # Embossed or engraved: light falls on one edge, shadow on the other.
        angle = generator.uniform(0, 2 * np.pi)
        step = np.array([np.cos(angle), np.sin(angle)]) * generator.uniform(0.6, 2.2)
        edge = _moved(weight, step) - _moved(weight, -step)
        picture = picture + (edge * float(generator.uniform(30, 130)))[..., np.newaxis]
        record.append({"effect": "emboss"})
    if chance[3] < 0.05:
        # Only the contour is painted, or shines.
        inner = cv2.erode(weight, np.ones((3, 3), np.uint8), iterations=max(1, round(side / 40)))
        lay(inner, ground_colour)
        record.append({"effect": "contour"})
    pixels = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return (pixels[..., 0] if channels == 1 else pixels), record


def _surface(shape: tuple[int, ...], colour: Floats, generator: np.random.Generator, share: float) -> Floats:
    """A painted surface [height, width, channels], with this probability of a visible texture."""
    height, width = shape[:2]
    surface = np.empty((height, width, len(colour)), np.float32)
    surface[:] = colour
    if generator.random() < share:
        amount = min(1.5 + float(generator.exponential(11)), 45.0)
        surface += amount * texture((height, width), generator, float(generator.random()))[..., np.newaxis]
    if generator.random() < 0.25:
        end = _some_colours(generator, len(colour), 1)[0] - colour
        axis = 0 if generator.random() < 0.6 else 1
        ramp = np.arange(shape[axis], dtype=np.float32) * np.float32(generator.uniform(0.05, 0.35) / shape[axis])
        surface += ramp.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1)) * end
    return surface


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Darkest and brightest of the dark, the bright, and all tones.
_TONES = np.array([[5, 150, 10], [85, 245, 240]], np.float32)


def _some_colours(generator: np.random.Generator, channels: int, count: int) -> Floats:
    """Colours of the street: white, black and grey are as common as all hues together; grey levels if one channel.

    Returns:
        Float32 0..255 of shape [count, channels].
    """
    chance = generator.random((count, 6), dtype=np.float32)
    low, high = _TONES[:, (3 * chance[:, 0]).astype(np.intp)]
    tone = low + (high - low) * chance[:, 1]
    # A hue: one primary weakened, one strengthened.
    spread = np.where(chance[:, 2] < 0.5, np.float32(240), np.float32(24))
    colours = tone[:, np.newaxis] + spread[:, np.newaxis] * (chance[:, 3:] - 0.5)
    colours = np.minimum(np.maximum(colours, 0), 255)
    if channels == 1:
        colours = (colours @ _LUMA)[:, np.newaxis]
    return np.asarray(colours, np.float32)


def _two_colours(generator: np.random.Generator, channels: int) -> tuple[Floats, Floats]:
    """Ground and ink, far enough apart in brightness to be read, mostly by much."""
    colours = _some_colours(generator, channels, 8)
    light = colours @ _LUMA if channels == 3 else colours[:, 0]
    distance = np.abs(light[0::2] - light[1::2])
    chosen = np.flatnonzero(distance >= generator.uniform(30, 100))
    pair = int(chosen[0]) if len(chosen) else int(distance.argmax())
    if distance[pair] < 25:
        white, black = np.full((2, channels), ((235,), (25,)), np.float32)
        return white, black
    return colours[2 * pair], colours[2 * pair + 1]


def _moved(weight: Floats, offset: npt.NDArray[np.float64]) -> Floats:
    matrix = np.array([[1.0, 0.0, offset[0]], [0.0, 1.0, offset[1]]])
    return np.asarray(cv2.warpAffine(weight, matrix, weight.shape[::-1]), np.float32)
