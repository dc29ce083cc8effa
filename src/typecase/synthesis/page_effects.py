"""What light, paper, machines and sensors do to a whole page; quick, for pages have a hundred times a line's pixels.

The effects go on where those of `degrade` and `paper` end and are called alike. What varies slowly over the page is
worked out small and enlarged; grain comes from a stock of noise. Lengths are for text with small letters of about ten
pixels; `degrade` scales them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from typecase.synthesis.degrade import EFFECTS, Effect, Floats, Pixels, texture
from typecase.synthesis.paper import LINE_EFFECTS, bleed_through, print_dots, print_twice

_STOCK = 1024
# Slow fields are worked out at about so many pixels a side.
_COARSE = 96


def light(pixels: Pixels, generator: np.random.Generator, *, amount: float) -> Pixels:
    """Uneven light: slow changes over the page, by up to a share of the brightness."""
    field = _slow(pixels.shape[:2], generator)
    return _multiplied(pixels, 1 - amount * (field - field.min()) / max(1e-6, float(np.ptp(field))))


def shadow(pixels: Pixels, generator: np.random.Generator, *, darkness: float, softness: float) -> Pixels:
    """The shadow of a hand, a head or a phone, darkness as a share of the light, softness as a share of the page."""
    rows, columns = _coarse_size(pixels.shape[:2])
    mask = np.zeros((rows, columns), np.float32)
    centre = (float(generator.uniform(-0.2, 1.2)) * columns, float(generator.uniform(-0.2, 1.2)) * rows)
    sides = (float(generator.uniform(0.4, 1.6)) * columns, float(generator.uniform(0.4, 1.6)) * rows)
    shape = (centre, sides, float(generator.uniform(0, 180)))
    if generator.random() < 0.5:
        cv2.ellipse(mask, shape, 1.0, cv2.FILLED)
    else:
        cv2.fillPoly(mask, [cv2.boxPoints(shape).astype(np.int32)], 1.0)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.6, softness * max(rows, columns))), np.float32)
    return _multiplied(pixels, 1 - darkness * soft)


def folds(pixels: Pixels, generator: np.random.Generator, *, count: float, depth: float) -> Pixels:
    """Paper that was folded: creases across or along it, light on one side and dark on the other."""
    height, width = pixels.shape[:2]
    layer = np.ones((height, width), np.float32)
    for _ in range(max(1, round(count))):
        upright = generator.random() < 0.4
        length = width if upright else height
        place = float(generator.uniform(0.1, 0.9)) * length
        reach = float(generator.uniform(0.01, 0.12)) * length
        away = np.arange(length, dtype=np.float32) - np.float32(place)
        profile = np.float32(depth) * np.sign(away) * np.exp(-np.abs(away) / np.float32(reach))
        profile -= np.float32(1.2 * depth) * np.exp(-np.square(away / np.float32(1.2)))
        layer += profile[np.newaxis] if upright else profile[:, np.newaxis]
    return _multiplied(pixels, layer)


def grain(pixels: Pixels, generator: np.random.Generator, *, sigma: float) -> Pixels:
    """Noise of a sensor, in grey levels."""
    height, width = pixels.shape[:2]
    stock = _noise()
    rows, columns = -(-height // _STOCK), -(-width // _STOCK)
    y, x = (int(generator.integers(_STOCK)) for _ in range(2))
    tile = np.tile(stock, (rows + 1, columns + 1))[y : y + height, x : x + width]
    if generator.random() < 0.5:
        # Sensors with one pixel for each colour, and whatever was compressed, have coarser grain.
        tile = np.asarray(cv2.blur(tile, (2, 2)), np.uint8)
        sigma *= 1.8
    return _with_layer(pixels, tile, sigma / 32)


def uneven_paper(pixels: Pixels, generator: np.random.Generator, *, amount: float, grain: float) -> Pixels:
    """The surface of paper; amount in grey levels (a deviation), grain 0 fine to 1 coarse."""
    height, width = pixels.shape[:2]
    surface = texture((-(-height // 2), -(-width // 2)), generator, grain)
    layer = np.clip(surface * 32 + 128, 0, 255).astype(np.uint8)
    layer = np.asarray(cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return _with_layer(pixels, layer, amount / 32)


def fade(pixels: Pixels, generator: np.random.Generator, *, amount: float, unevenness: float) -> Pixels:
    """Ink that has faded or was printed weakly: a share of it is gone, more in some places than in others."""
    field = _slow(pixels.shape[:2], generator)
    lost = np.clip(amount + unevenness * (field - 0.5), 0, 0.72)
    return 255 - _multiplied(255 - pixels, 1 - lost)


def worn(pixels: Pixels, generator: np.random.Generator, *, share: float, loss: float) -> Pixels:
    """Ink has come off in spots, a share of the page's surface."""
    height, width = pixels.shape[:2]
    surface = texture((-(-height // 2), -(-width // 2)), generator, float(generator.uniform(0, 0.3)))
    limit = float(np.quantile(surface[::4, ::4], 1 - share))
    kept = np.clip(1 - 2 * (surface - limit), 1 - loss, 1)
    return 255 - _multiplied(255 - pixels, kept)


def streaks(pixels: Pixels, generator: np.random.Generator, *, count: float, width: float, strength: float) -> Pixels:
    """Pale streaks down or across the page: dead elements of a print head."""
    height, across = pixels.shape[:2]
    upright = generator.random() < 0.7
    length = across if upright else height
    kept = np.ones(length, np.float32)
    for _ in range(max(1, round(count))):
        centre = float(generator.uniform(0, length))
        away = np.abs(np.arange(length, dtype=np.float32) + np.float32(0.5 - centre))
        kept -= np.float32(strength * float(generator.uniform(0.4, 1))) * np.clip(1 - away / np.float32(width), 0, 1)
    field = kept[np.newaxis] if upright else kept[:, np.newaxis]
    return 255 - _multiplied(255 - pixels, np.clip(np.broadcast_to(field, (height, across)), 0, 1))


def dirt(pixels: Pixels, generator: np.random.Generator, *, spots: float, radius: float) -> Pixels:
    """Specks of dust and toner, so many for a million pixels."""
    height, width = pixels.shape[:2]
    result = pixels.copy()
    count = min(1500, round(spots * height * width / 1e6))
    places = generator.uniform(0, 1, (count, 2)) * (width, height)
    if generator.random() < 0.5 and count:
        # Dirt gathers where the glass or the drum is dirty.
        share = generator.random(count) < 0.6
        middle = generator.uniform(0, 1, 2) * (width, height)
        places[share] = middle + generator.normal(0, 0.08, (int(share.sum()), 2)) * (width, height)
    sizes = radius * generator.gamma(1.2, 0.7, count)
    tones = np.where(generator.random(count) < 0.85, generator.uniform(0, 90, count), 245.0)
    for (x, y), size, tone in zip(places.tolist(), sizes.tolist(), tones.tolist(), strict=True):
        cv2.circle(result, (round(x * 16), round(y * 16)), round(size * 16), (tone,) * 3, cv2.FILLED, cv2.LINE_AA, 4)
    return result


def dark_edges(pixels: Pixels, generator: np.random.Generator, *, depth: float, darkness: float) -> Pixels:
    """A copier's black edges, where the lid stood open; depth as a share of the page."""
    height, width = pixels.shape[:2]
    result = pixels.copy()
    tone = float(255 * (1 - darkness))
    for side in range(4):
        if generator.random() > 0.45:
            continue
        length, reach = (width, height) if side % 2 == 0 else (height, width)
        count = 24
        along = np.linspace(0, length, count)
        base, slope = float(generator.uniform(0, depth)) * reach, float(generator.normal(0, 0.4 * depth)) * reach
        rough = float(generator.choice((0.0, 0.05, 0.4))) * depth * reach * generator.normal(0, 1, count)
        inner = base + slope * (along / length - 0.5) + rough
        inner = np.clip(inner, 0, 0.04 * reach)
        edge = np.concatenate([np.stack([along, inner], 1), np.array([[length, -2.0], [0.0, -2.0]])])
        if side == 1:
            edge = edge[:, ::-1]
        elif side == 2:
            edge[:, 1] = height - edge[:, 1]
        elif side == 3:
            edge = edge[:, ::-1]
            edge[:, 0] = width - edge[:, 0]
        cv2.fillPoly(result, [np.rint(edge).astype(np.int32)], (tone,) * 3, cv2.LINE_AA)
    return result


def smudge(pixels: Pixels, generator: np.random.Generator, *, reach: float, density: float) -> Pixels:
    """Coarse black grain that gathers at a corner or edge, as copies of copies have; reach as a share of the page."""
    height, width = pixels.shape[:2]
    corner = generator.integers(0, 2, 2) * np.array([width, height])
    if generator.random() < 0.4:
        corner = corner * generator.uniform(0, 1, 2)
    # Worked out at a third: the grain is coarse.
    rows, columns = -(-height // 2), -(-width // 2)
    y = (np.arange(rows, dtype=np.float32) * 2 - np.float32(corner[1]))[:, np.newaxis] / np.float32(reach * width)
    x = (np.arange(columns, dtype=np.float32) * 2 - np.float32(corner[0])) / np.float32(reach * width)
    share = density * np.exp(-(np.abs(x) * float(generator.uniform(0.4, 2.5)) + np.abs(y)))
    stock = np.tile(_noise(), (rows // _STOCK + 2, columns // _STOCK + 2))
    start = generator.integers(0, _STOCK, 2)
    grain_of_it = stock[start[0] : start[0] + rows, start[1] : start[1] + columns]
    # The stock is normal about 128 with a deviation of 32: black is what lies below the share's quantile, roughly.
    mask = np.where(grain_of_it < 40 + 100 * share, np.uint8(0), np.uint8(255))
    mask[share < 0.02] = 255
    layer = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if pixels.ndim == 3:
        layer = np.asarray(cv2.merge((layer, layer, layer)), np.uint8)
    return np.minimum(pixels, layer)


def spine(pixels: Pixels, generator: np.random.Generator, *, reach: float, darkness: float) -> Pixels:
    """The shadow of a book's fold along one side; reach as a share of the width."""
    width = pixels.shape[1]
    away = np.arange(width, dtype=np.float32) / np.float32(reach * width)
    shade = 1 - np.float32(darkness) * np.exp(-away)
    if generator.random() < 0.5:
        shade = shade[::-1]
    return _multiplied(pixels, np.broadcast_to(shade, (2, width)))


def punch(pixels: Pixels, generator: np.random.Generator, *, size: float, darkness: float) -> Pixels:
    """Holes of a punch along one side; size as a share of the page's width."""
    height, width = pixels.shape[:2]
    result = pixels.copy()
    radius = max(2, round(size * width / 2))
    x = round(float(generator.uniform(1.0, 2.2)) * radius)
    if generator.random() < 0.3:
        x = width - x
    count = int(generator.choice((2, 3, 4)))
    middle, step = height * float(generator.uniform(0.4, 0.6)), height * float(generator.uniform(0.12, 0.3))
    tone = 255 * (1 - darkness)
    for number in range(count):
        y = round(middle + (number - (count - 1) / 2) * step)
        cv2.circle(result, (x, y), radius, (tone,) * 3, cv2.FILLED, cv2.LINE_AA)
    return result


def two_tones(pixels: Pixels, generator: np.random.Generator, *, level: float, roughness: float) -> Pixels:
    """Pure black and white by a threshold (0..255 from the darkest to the lightest), with ragged edges."""
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    darkest, lightest = np.percentile(grey[::7, ::5], (0.5, 90))
    if roughness > 1:
        grey = grain(grey, generator, sigma=roughness * float(lightest - darkest) / 255)
    _, result = cv2.threshold(grey, float(darkest + (lightest - darkest) * level / 255), 255, cv2.THRESH_BINARY)
    if pixels.ndim == 3:
        result = cv2.merge((result, result, result))
    return np.asarray(result, np.uint8)


def fax_lines(pixels: Pixels, generator: np.random.Generator, *, squeeze: float, level: float) -> Pixels:
    """A fax: black and white, coarser down the page than across, with lines lost or smeared on the way."""
    height, width = pixels.shape[:2]
    small = (round(width / (1 + 0.4 * (squeeze - 1))), max(8, round(height / squeeze)))
    coarse = two_tones(
        np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8),
        generator,
        level=level,
        roughness=float(generator.uniform(0, 20)),
    )
    for row in generator.integers(0, small[1] - 1, int(generator.integers(0, 8))):
        coarse[row + 1] = coarse[row]
    way = cv2.INTER_NEAREST if generator.random() < 0.3 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=way), np.uint8)


def needles(pixels: Pixels, generator: np.random.Generator, *, pitch: float, size: float) -> Pixels:
    """A dot-matrix printer, with so many pixels from dot to dot; size of a dot in these distances."""
    return print_dots(pixels, generator, rows=pixels.shape[0] / max(1.9, pitch), size=size)


def through(pixels: Pixels, generator: np.random.Generator, *, strength: float) -> Pixels:
    """The other side shines through."""
    return bleed_through(pixels, generator, strength=strength)


def lower_resolution(pixels: Pixels, generator: np.random.Generator, *, factor: float) -> Pixels:
    """Shrinks by a factor above 1 and enlarges again."""
    height, width = pixels.shape[:2]
    small = (max(4, round(width / factor)), max(4, round(height / factor)))
    way = cv2.INTER_CUBIC if generator.random() < 0.4 else cv2.INTER_LINEAR
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=way), np.uint8)


def low_light(pixels: Pixels, generator: np.random.Generator, *, share: float, gamma: float) -> Pixels:
    """Too little light: all is darker by a share, and bent by a gamma."""
    levels = 255 * (np.arange(256) / 255) ** gamma * share
    return np.asarray(cv2.LUT(pixels, np.clip(np.rint(levels), 0, 255).astype(np.uint8)), np.uint8)


def _coarse_size(shape: tuple[int, ...]) -> tuple[int, int]:
    factor = max(1.0, max(shape[:2]) / _COARSE)
    return max(4, round(shape[0] / factor)), max(4, round(shape[1] / factor))


def _slow(shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
    """A field 0..1, small, that varies slowly: a slope and some soft hills."""
    rows, columns = _coarse_size(shape)
    angle = generator.uniform(0, 2 * np.pi)
    y = np.linspace(-0.5, 0.5, rows, dtype=np.float32)[:, np.newaxis]
    x = np.linspace(-0.5, 0.5, columns, dtype=np.float32)
    field = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    for _ in range(int(generator.integers(0, 4))):
        centre = generator.uniform(-0.6, 0.6, 2)
        size, weight = float(generator.uniform(0.15, 0.6)), float(generator.uniform(-1, 1))
        away = np.square((x - np.float32(centre[0])) / size) + np.square((y - np.float32(centre[1])) / size)
        field = field + np.float32(weight) * np.exp(-away)
    field = field - field.min()
    return np.asarray(field / max(1e-6, float(field.max())), np.float32)


def _multiplied(pixels: Pixels, factors: npt.NDArray[Any]) -> Pixels:
    """Multiplies by factors, which may be worked out smaller than the picture."""
    height, width = pixels.shape[:2]
    top = max(1.0, float(factors.max()))
    layer = np.clip(np.asarray(factors, np.float32) * np.float32(254 / top), 0, 254).astype(np.uint8)
    if layer.shape != (height, width):
        layer = np.asarray(cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if pixels.ndim == 3:
        layer = np.asarray(cv2.merge((layer, layer, layer)), np.uint8)
    return np.asarray(cv2.multiply(pixels, layer, scale=top / 254), np.uint8)


def _with_layer(pixels: Pixels, layer: Pixels, strength: float) -> Pixels:
    """Adds a layer about 128, weighed."""
    if pixels.ndim == 3:
        layer = np.asarray(cv2.merge((layer, layer, layer)), np.uint8)
    return np.asarray(cv2.addWeighted(pixels, 1, layer, strength, -128 * strength), np.uint8)


@cache
def _noise() -> Pixels:
    """A fixed stock of normal noise about 128, deviation 32."""
    generator = np.random.default_rng(1952)
    return np.clip(128 + 32 * generator.standard_normal((_STOCK, _STOCK)), 0, 255).astype(np.uint8)


PAGE_EFFECTS: Mapping[str, Effect] = {
    "light": Effect(light, {"amount": (0.04, 0.4)}),
    "shadow": Effect(shadow, {"darkness": (0.1, 0.55), "softness": (0.004, 0.2)}, logarithmic=True),
    "folds": Effect(folds, {"count": (1, 4), "depth": (0.02, 0.14)}),
    "grain": Effect(grain, {"sigma": (1, 12)}, logarithmic=True),
    "uneven-paper": Effect(uneven_paper, {"amount": (1, 7), "grain": (0, 1)}),
    "fade": Effect(fade, {"amount": (0.1, 0.5), "unevenness": (0.05, 0.45)}),
    "worn": Effect(worn, {"share": (0.02, 0.18), "loss": (0.25, 0.85)}),
    "streaks": Effect(
        streaks, {"count": (1, 8), "width": (0.6, 2.5), "strength": (0.3, 0.95)}, lengths=frozenset({"width"})
    ),
    "dirt": Effect(dirt, {"spots": (5, 250), "radius": (0.4, 1.2)}, logarithmic=True),
    "dark-edges": Effect(dark_edges, {"depth": (0.004, 0.03), "darkness": (0.6, 1.0)}),
    "smudge": Effect(smudge, {"reach": (0.04, 0.35), "density": (0.3, 1.1)}),
    "spine": Effect(spine, {"reach": (0.01, 0.08), "darkness": (0.2, 0.9)}),
    "punch": Effect(punch, {"size": (0.02, 0.035), "darkness": (0.2, 1.0)}),
    "two-tones": Effect(two_tones, {"level": (85, 185), "roughness": (0, 30)}),
    "fax": Effect(fax_lines, {"squeeze": (1.1, 1.9), "level": (110, 180)}),
    "needles": Effect(needles, {"pitch": (1.9, 3.0), "size": (0.9, 1.35)}, lengths=frozenset({"pitch"})),
    "bleed-through": Effect(through, {"strength": (0.04, 0.25)}),
    "print-twice": Effect(
        print_twice, {"distance": (0.5, 2.2), "strength": (0.1, 0.5)}, lengths=frozenset({"distance"})
    ),
    "low-resolution": Effect(lower_resolution, {"factor": (1.1, 2.0)}, lengths=frozenset()),
    "low-light": Effect(low_light, {"share": (0.5, 0.95), "gamma": (0.8, 1.5)}),
    "blur": Effect(EFFECTS["blur"].function, {"sigma": (0.3, 1.4)}, lengths=frozenset({"sigma"})),
    "motion-blur": Effect(EFFECTS["motion-blur"].function, {"length": (1.5, 4.5)}, lengths=frozenset({"length"})),
    "spread-ink": Effect(EFFECTS["spread-ink"].function, {"radius": (0.1, 0.75)}, lengths=frozenset({"radius"})),
    "starve-ink": Effect(EFFECTS["starve-ink"].function, {"radius": (0.1, 0.5)}, lengths=frozenset({"radius"})),
    "sharpen": LINE_EFFECTS["sharpen"],
    "gamma": Effect(EFFECTS["gamma"].function, {"gamma": (0.6, 1.6)}, logarithmic=True),
    "contrast": Effect(EFFECTS["contrast"].function, {"contrast": (0.6, 1.25), "brightness": (-30, 30)}),
    "jpeg": Effect(EFFECTS["jpeg"].function, {"quality": (25, 92)}),
}
"""Every effect that pages meet, by name."""
