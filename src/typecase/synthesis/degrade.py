"""What paper, light, lens, sensor and file formats do to a clean picture.

Each effect is a function of (pixels, generator, parameters): pixels are uint8 of shape [height, width] or [height,
width, 3], and so is what comes back; chance comes from the generator alone. `EFFECTS` names them with the range of
each parameter; `degrade` draws from a recipe and writes down what it did. No effect here moves the ink to another
place by more than a few pixels: what does (rotation, perspective) is a matrix, `random_view`, so that boxes can go
through it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from typecase.errors import UsageError

Pixels = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating[Any]]

_TILE_SIDE = 256
_TILE_COUNT = 48


def adjust_contrast(pixels: Pixels, generator: np.random.Generator, *, contrast: float, brightness: float) -> Pixels:
    """Scales the distance from the picture's mean and shifts everything; brightness in grey levels."""
    mean = float(pixels.mean())
    levels = (np.arange(256) - mean) * contrast + mean + brightness
    return _look_up(pixels, levels)


def adjust_gamma(pixels: Pixels, generator: np.random.Generator, *, gamma: float) -> Pixels:
    """Bends the scale of grey levels: above 1 darkens the middle, below 1 lightens it."""
    return _look_up(pixels, 255 * (np.arange(256) / 255) ** gamma)


def invert(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Turns light to dark."""
    return 255 - pixels


def add_gradient(pixels: Pixels, generator: np.random.Generator, *, amount: float) -> Pixels:
    """Uneven light: a ramp in a random direction from -amount to +amount grey levels."""
    return _add(pixels, amount * _ramp(pixels.shape[:2], generator))


def cast_shadow(pixels: Pixels, generator: np.random.Generator, *, darkness: float, softness: float) -> Pixels:
    """Darkens one side of a random edge; darkness as a share of the light, softness as a share of the side."""
    ramp = _ramp(pixels.shape[:2], generator)
    place = generator.uniform(-0.6, 0.6)
    shade = 1 - darkness / (1 + np.exp(np.clip((ramp - place) / softness, -30, 30)))
    return _multiply(pixels, shade)


def add_texture(pixels: Pixels, generator: np.random.Generator, *, amount: float, grain: float) -> Pixels:
    """An uneven surface (paper, stone, wood, paint); amount in grey levels (a deviation), grain 0 fine to 1 coarse."""
    return _add(pixels, amount * texture(pixels.shape[:2], generator, grain))


def blur(pixels: Pixels, generator: np.random.Generator, *, sigma: float) -> Pixels:
    """Out of focus; sigma in pixels."""
    return _pixels(cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))


def motion_blur(pixels: Pixels, generator: np.random.Generator, *, length: float) -> Pixels:
    """A camera that moved along a straight line, length in pixels, direction by chance."""
    side = 2 * int(np.ceil(length / 2)) + 1
    middle = side // 2
    angle = generator.uniform(0, np.pi)
    reach = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-1, 1, 2 * side + 1):
        x, y = np.clip(np.round(middle + share * reach).astype(int), 0, side - 1)
        kernel[y, x] += 1
    return _pixels(cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def add_noise(pixels: Pixels, generator: np.random.Generator, *, sigma: float) -> Pixels:
    """Noise of a sensor, independent from pixel to pixel; sigma in grey levels."""
    noise = generator.standard_normal(pixels.shape, dtype=np.float32)
    return _add(pixels, sigma * noise)


def compress(pixels: Pixels, generator: np.random.Generator, *, quality: float) -> Pixels:
    """A round through JPEG; quality 1..100."""
    # OpenCV takes the first channel for blue, and red must keep its weight in the brightness.
    turned = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    _, packed = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    unpacked = _pixels(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE if pixels.ndim == 2 else cv2.IMREAD_COLOR))
    return unpacked if pixels.ndim == 2 else np.ascontiguousarray(unpacked[..., ::-1])


def lower_resolution(pixels: Pixels, generator: np.random.Generator, *, factor: float) -> Pixels:
    """Shrinks by a factor above 1 and enlarges again, by an interpolation drawn at random."""
    height, width = pixels.shape[:2]
    small = (max(2, round(width / factor)), max(2, round(height / factor)))
    way = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[generator.choice(3, p=(0.15, 0.5, 0.35))]
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(reduced, (width, height), interpolation=way))


def spread_ink(pixels: Pixels, generator: np.random.Generator, *, radius: float) -> Pixels:
    """Dark ink runs into the paper, by a radius in pixels; parts of a pixel are blended."""
    return _grown(pixels, radius, cv2.erode)


def starve_ink(pixels: Pixels, generator: np.random.Generator, *, radius: float) -> Pixels:
    """Dark strokes become thinner on each side, by a radius in pixels; hairlines fade rather than vanish."""
    return _grown(pixels, radius, cv2.dilate)


def add_speckle(pixels: Pixels, generator: np.random.Generator, *, density: float, radius: float) -> Pixels:
    """Spots of dirt, wear or loose toner, darker or lighter; density as the share of the picture, radius in pixels."""
    height, width = pixels.shape[:2]
    count = max(1, round(density * height * width / (np.pi * max(radius, 0.6) ** 2)))
    result = pixels.copy()
    for _ in range(min(count, 400)):
        centre = (int(generator.uniform(0, width) * 16), int(generator.uniform(0, height) * 16))
        size = round(radius * generator.uniform(0.4, 1.6) * 16)
        tone = float(generator.choice((0, 255)) * 0.8 + generator.uniform(0, 51))
        cv2.circle(result, centre, size, (tone,) * 3, cv2.FILLED, cv2.LINE_AA, 4)
    return result


def draw_lines(pixels: Pixels, generator: np.random.Generator, *, count: float, width: float) -> Pixels:
    """Scratches, wires, rules and folds across the picture; width in pixels, tone drawn from the whole range."""
    height, across = pixels.shape[:2]
    result = pixels.copy()
    for _ in range(max(1, round(count))):
        angle = generator.uniform(0, np.pi) if generator.random() < 0.5 else generator.integers(2) * np.pi / 2
        through = np.array([generator.uniform(0, across), generator.uniform(0, height)])
        reach = (height + across) * np.array([np.cos(angle), np.sin(angle)])
        start, end = (tuple(int(value * 16) for value in through + sign * reach) for sign in (-1, 1))
        tone = float(generator.uniform(0, 256))
        thickness = max(1, round(width * generator.uniform(0.5, 1.5)))
        cv2.line(result, start, end, (tone,) * 3, thickness, cv2.LINE_AA, 4)
    return result


def sharpen(pixels: Pixels, generator: np.random.Generator, *, amount: float) -> Pixels:
    """What cameras do to edges: the difference to a blurred copy is added, leaving bright and dark rims."""
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.2, borderType=cv2.BORDER_REPLICATE)
    return _pixels(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0))


@dataclass(frozen=True)
class Effect:
    """An effect and the stated range of each of its parameters; drawn evenly, or evenly in the logarithm.

    Attributes:
        function: Called with pixels, generator and the parameters by name.
        ranges: Least and greatest value of each parameter.
        logarithmic: Whether small values are as likely as great ones on a scale of ratios.
        lengths: Names of the parameters that are lengths in pixels, and so grow and shrink with the text.
    """

    function: Callable[..., Pixels]
    ranges: Mapping[str, tuple[float, float]]
    logarithmic: bool = False
    lengths: frozenset[str] = frozenset()

    def draw(self, generator: np.random.Generator) -> dict[str, float]:
        """Draws the parameters."""
        if self.logarithmic:
            return {name: float(low * (high / low) ** generator.random()) for name, (low, high) in self.ranges.items()}
        return {name: float(generator.uniform(low, high)) for name, (low, high) in self.ranges.items()}

    def scaled(self, parameters: Mapping[str, float], scale: float) -> dict[str, float]:
        """The parameters for text that is larger than that of the ranges by a factor, or smaller."""
        return {name: value * scale if name in self.lengths else value for name, value in parameters.items()}


# Amounts in pixels are for text of about 40 pixels in height, the size at which characters are drawn.
EFFECTS: Mapping[str, Effect] = {
    "contrast": Effect(adjust_contrast, {"contrast": (0.55, 1.3), "brightness": (-40, 40)}),
    "gamma": Effect(adjust_gamma, {"gamma": (0.5, 2.0)}, logarithmic=True),
    "invert": Effect(invert, {}),
    "gradient": Effect(add_gradient, {"amount": (6, 55)}),
    "shadow": Effect(cast_shadow, {"darkness": (0.15, 0.6), "softness": (0.02, 0.3)}),
    "texture": Effect(add_texture, {"amount": (2, 20), "grain": (0, 1)}),
    "blur": Effect(blur, {"sigma": (0.4, 2.8)}, logarithmic=True),
    "motion-blur": Effect(motion_blur, {"length": (2, 8)}),
    "noise": Effect(add_noise, {"sigma": (1.5, 16)}, logarithmic=True),
    "jpeg": Effect(compress, {"quality": (18, 90)}),
    "low-resolution": Effect(lower_resolution, {"factor": (1.3, 4.0)}, logarithmic=True),
    "spread-ink": Effect(spread_ink, {"radius": (0.2, 1.4)}),
    "starve-ink": Effect(starve_ink, {"radius": (0.2, 0.9)}),
    "speckle": Effect(add_speckle, {"density": (0.002, 0.03), "radius": (0.5, 2.0)}, logarithmic=True),
    "lines": Effect(draw_lines, {"count": (1, 3), "width": (0.6, 2.2)}),
    "sharpen": Effect(sharpen, {"amount": (0.4, 2.0)}),
}
"""Every effect by name, in the order in which a picture meets them where nothing else is said."""

Record = list[dict[str, Any]]


def degrade(
    pixels: Pixels,
    generator: np.random.Generator,
    recipe: Sequence[tuple[str, float]],
    effects: Mapping[str, Effect] = EFFECTS,
    scale: float = 1.0,
) -> tuple[Pixels, Record]:
    """Applies effects in order, each with its probability.

    Args:
        pixels: uint8 of shape [height, width] or [height, width, 3].
        generator: Source of chance.
        recipe: Names of effects with a probability 0..1.
        effects: What the names stand for.
        scale: Size of the text over the size for which the effects' ranges are stated.

    Returns:
        The picture and what was done to it: {"effect": name, parameter: value, ...} for each effect applied.

    Raises:
        UsageError: An effect's name is unknown.
    """
    record: Record = []
    chances = generator.random(len(recipe))
    for (name, probability), chance in zip(recipe, chances, strict=True):
        if name not in effects:
            raise UsageError(f"There is no effect {name!r}; choose from {', '.join(effects)}.")
        if chance >= probability:
            continue
        effect = effects[name]
        parameters = effect.scaled(effect.draw(generator), scale)
        pixels = effect.function(pixels, generator, **parameters)
        record.append({"effect": name, **{key: round(value, 3) for key, value in parameters.items()}})
    return pixels, record


def random_view(
    generator: np.random.Generator,
    *,
    rotation: float = 8.0,
    shear: float = 0.2,
    stretch: float = 0.25,
    perspective: float = 0.25,
) -> Matrix:
    """A camera's view of a flat sign, about the origin, for things of about unit size.

    Amounts are greatest values, small ones being more likely.

    Args:
        generator: Source of chance.
        rotation: Degrees to either side.
        shear: Slant to either side, as shift in x over height.
        stretch: Change of the ratio of width to height, as a share.
        perspective: How much nearer one edge is than the middle, as a share.

    Returns:
        A 3 x 3 matrix for column vectors (x, y, 1).
    """
    chance = generator.triangular(-1, 0, 1, 5)
    angle = np.deg2rad(rotation) * chance[0]
    cosine, sine = np.cos(angle), np.sin(angle)
    factor = (1 + stretch) ** (0.5 * chance[2])
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.array(
        [[factor, -shear * chance[1] / factor], [0.0, 1 / factor]]
    )
    view = np.eye(3)
    view[:2, :2] = linear
    view[2, :2] = perspective * chance[3:]
    return view


def transform_points(matrix: Matrix, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sends points of shape [n, 2] through a 3 x 3 matrix."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:], np.float64)


def texture(shape: tuple[int, int], generator: np.random.Generator, grain: float) -> npt.NDArray[np.float32]:
    """A piece of an uneven surface: zero mean, deviation about 1.

    Args:
        shape: Height and width.
        generator: Source of chance.
        grain: 0 for fine grain to 1 for coarse patches.

    Returns:
        Float32 of the shape.
    """
    height, width = shape
    tile = _tiles()[int(generator.integers(_TILE_COUNT))]
    # A small window of the tile, enlarged, is coarse; a large one is fine. Uneven factors give fibres and brushing.
    zoom = 2.0 ** (3.0 * grain)
    uneven = 2.0 ** float(generator.triangular(-1.6, 0, 1.6))
    rows = int(np.clip(round(height / zoom * uneven), 4, _TILE_SIDE))
    columns = int(np.clip(round(width / zoom / uneven), 4, _TILE_SIDE))
    y = int(generator.integers(0, _TILE_SIDE - rows + 1))
    x = int(generator.integers(0, _TILE_SIDE - columns + 1))
    window = tile[y : y + rows, x : x + columns]
    way = cv2.INTER_AREA if rows > height and columns > width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(window, (width, height), interpolation=way), np.float32)


@cache
def _tiles() -> npt.NDArray[np.float32]:
    """A fixed stock of noise tiles [count, side, side]: sums of octaves with differing weights, some of them harsh."""
    generator = np.random.default_rng(1998)
    tiles = np.zeros((_TILE_COUNT, _TILE_SIDE, _TILE_SIDE), np.float32)
    for tile in tiles:
        slope = generator.uniform(0.2, 1.6)
        for octave in range(8):
            side = 2 ** (octave + 1)
            noise = generator.standard_normal((side, side), dtype=np.float32)
            tile += 2.0 ** (-slope * octave) * cv2.resize(noise, tile.shape, interpolation=cv2.INTER_CUBIC)
        tile -= tile.mean()
        tile /= tile.std()
        # Stone and flaking paint have edges, paper and sky have none.
        harshness = generator.uniform(0.3, 3)
        np.tanh(harshness * tile, out=tile)
        tile /= tile.std()
    return tiles


def _ramp(shape: tuple[int, ...], generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """A plane from -1 to 1 over the picture, in a random direction."""
    angle = generator.uniform(0, 2 * np.pi)
    x, y = np.cos(angle), np.sin(angle)
    rows = np.linspace(-y, y, shape[0], dtype=np.float32)[:, np.newaxis]
    columns = np.linspace(-x, x, shape[1], dtype=np.float32)[np.newaxis]
    return np.asarray((rows + columns) / (abs(x) + abs(y)), np.float32)


def _grown(pixels: Pixels, radius: float, operation: Callable[..., Any]) -> Pixels:
    whole = int(radius)
    part = radius - whole
    for _ in range(whole):
        pixels = operation(pixels, _CROSS)
    return _pixels(cv2.addWeighted(operation(pixels, _CROSS), part, pixels, 1 - part, 0)) if part > 0 else pixels


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _look_up(pixels: Pixels, levels: Floats) -> Pixels:
    return _pixels(cv2.LUT(pixels, np.clip(np.round(levels), 0, 255).astype(np.uint8)))


def _add(pixels: Pixels, change: Floats) -> Pixels:
    if pixels.ndim == 3 and change.ndim == 2:
        change = change[..., np.newaxis]
    return _pixels(np.clip(pixels + change + 0.5, 0, 255))


def _multiply(pixels: Pixels, factor: Floats) -> Pixels:
    if pixels.ndim == 3:
        factor = factor[..., np.newaxis]
    return _pixels(np.clip(pixels * factor + 0.5, 0, 255))


def _pixels(array: Any) -> Pixels:
    return np.asarray(array, np.uint8)
