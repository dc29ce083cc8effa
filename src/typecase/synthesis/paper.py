"""What printers, paper and copying machines do to a line of dark print on light paper.

The effects here go on where those of `degrade` end, in the same manner: a function of (pixels, generator, parameters)
that returns a picture of the same shape. `LINE_EFFECTS` names all that lines of text meet, those of `degrade` with the
ranges that a line of about 32 pixels in height bears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from typecase.synthesis.degrade import EFFECTS, Effect, Floats, Pixels, lower_resolution, texture

_LEAST_INK = 0.16


def fade(pixels: Pixels, generator: np.random.Generator, *, amount: float, unevenness: float, grain: float) -> Pixels:
    """Thermal print that has faded: ink goes back to the paper's white by a share, unevenly from place to place."""
    kept = 255 * (1 - amount + unevenness * texture(pixels.shape[:2], generator, grain))
    # What can no longer be seen at all is no line to read.
    kept = np.maximum(kept, 255 * _LEAST_INK)
    return _with_less_ink(pixels, kept)


def wear(pixels: Pixels, generator: np.random.Generator, *, share: float, grain: float, loss: float) -> Pixels:
    """Ink has come off, or never held: spots with soft edges in this share of the surface lose a share of their ink."""
    surface = texture(pixels.shape[:2], generator, grain)
    limit = float(np.quantile(surface[::2, ::2], 1 - share))
    return _with_less_ink(pixels, np.maximum(255 - 500 * (surface - limit), 255 * (1 - loss)))


def leave_streaks(
    pixels: Pixels, generator: np.random.Generator, *, count: float, width: float, strength: float
) -> Pixels:
    """Dead or dirty elements of a print head: pale streaks along or across the line, width in pixels."""
    height, across = pixels.shape[:2]
    upright = generator.random() < 0.6
    length = across if upright else height
    kept = np.full(length, 255, np.float32)
    # A receipt's head is as wide as the receipt: a longer line meets more of its dead elements.
    number = round(count * (max(1.0, length / 160) if upright else 1.0))
    for centre, weight in zip(generator.uniform(0, length, number), generator.uniform(0.4, 1, number), strict=True):
        profile = np.clip(1 - np.abs(np.arange(length) + 0.5 - centre) / width, 0, 1)
        kept -= (255 * strength * float(weight) * profile).astype(np.float32)
    kept = np.broadcast_to(kept if upright else kept[:, np.newaxis], (height, across))
    return _with_less_ink(pixels, kept)


def print_dots(pixels: Pixels, generator: np.random.Generator, *, rows: float, size: float) -> Pixels:
    """A dot-matrix printer: the ink on a grid of needles, rows over the height; size of a dot in distances of dots."""
    height, width = pixels.shape[:2]
    # Dots that a picture is too small to show are not drawn: letters would fall apart into bars.
    down = max(2, round(min(rows, height / 1.9)))
    across = max(2, round(width / height * down * float(generator.uniform(0.9, 1.35))))
    across = min(across, max(2, round(width / 1.7)))
    cells = cv2.resize(255 - pixels, (across, down), interpolation=cv2.INTER_AREA)
    # A needle strikes or does not.
    cells = cv2.LUT(cells, np.clip((np.arange(256) - 60) * 2.4, 0, 255).astype(np.uint8))
    struck = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    lines = _needle_profile(height, down, size)[:, np.newaxis]
    dots = np.clip(lines + _needle_profile(width, across, size) - 1, 0, 1) * 255
    return _less(pixels.ndim, np.asarray(struck, np.uint8), dots)


# Percentage that black and white must keep of what is darker than paper by a quarter of the whole range.
_KEPT_INK = 65


def binarise(pixels: Pixels, generator: np.random.Generator, *, level: float, roughness: float) -> Pixels:
    """Pure black and white by a threshold, with ragged edges.

    The level is 0..255 from the darkest to the lightest of the picture, roughness in the same measure.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    darkest, lightest = np.percentile(grey[::2, ::2], (1, 95))
    span = (lightest - darkest) / 255
    rough = grey + span * roughness * texture(grey.shape, generator, float(generator.uniform(0, 0.25)))
    level = darkest + span * level
    # A black rule is so much darker than faint type that a level by the darkest would leave the rule alone.
    inked = grey[grey < lightest - 0.25 * (lightest - darkest)]
    if inked.size:
        level = max(level, float(np.percentile(inked, _KEPT_INK)))
    black_and_white = np.where(rough > level, np.uint8(255), np.uint8(0))
    return black_and_white if pixels.ndim == 2 else np.repeat(black_and_white[..., np.newaxis], 3, axis=2)


def shrink_and_enlarge(pixels: Pixels, generator: np.random.Generator, *, rows: float) -> Pixels:
    """Low resolution, enlarged again: the line once had only so many rows of pixels."""
    factor = pixels.shape[0] / rows
    # A picture that has no more rows than that has its low resolution already.
    return lower_resolution(pixels, generator, factor=factor) if factor > 1.05 else pixels


def fax(pixels: Pixels, generator: np.random.Generator, *, rows: float, level: float) -> Pixels:
    """A fax: black and white, coarser down the page than along the line, which has so many rows."""
    height, width = pixels.shape[:2]
    factor = max(1.0, height / rows)
    size = (max(4, round(width / (1 + 0.35 * (factor - 1)))), max(4, round(height / factor)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = binarise(small, generator, level=level, roughness=float(generator.uniform(0, 22)))
    way = cv2.INTER_NEAREST if generator.random() < 0.3 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (width, height), interpolation=way), np.uint8)


def jitter_rows(pixels: Pixels, generator: np.random.Generator, *, amount: float) -> Pixels:
    """Rows are shifted sideways against each other, by a deviation in pixels: bad feeding, worn drums."""
    height, width = pixels.shape[:2]
    shift = amount * texture((height, 1), generator, 0.3)
    x = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width)) + shift
    y = np.broadcast_to(np.arange(height, dtype=np.float32)[:, np.newaxis], (height, width))
    moved = cv2.remap(pixels, x, np.ascontiguousarray(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def bleed_through(pixels: Pixels, generator: np.random.Generator, *, strength: float) -> Pixels:
    """Print of the other side shines through, mirrored and blurred; strength as a share of the ink."""
    height, width = pixels.shape[:2]
    mirrored = cv2.GaussianBlur(pixels[:, ::-1], (0, 0), float(generator.uniform(0.6, 1.6)))
    ghost = np.roll(
        np.asarray(mirrored, np.uint8), (int(generator.integers(height)), int(generator.integers(width))), axis=(0, 1)
    )
    return np.minimum(pixels, _veiled(ghost, strength))


def print_twice(pixels: Pixels, generator: np.random.Generator, *, distance: float, strength: float) -> Pixels:
    """A double strike or a ghost of the drum: the ink once more, weaker, some pixels aside."""
    angle = generator.uniform(0, 2 * np.pi)
    matrix = np.array([[1.0, 0.0, distance * np.cos(angle)], [0.0, 1.0, 0.6 * distance * np.sin(angle)]])
    again = cv2.warpAffine(pixels, matrix, pixels.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.minimum(pixels, _veiled(np.asarray(again, np.uint8), strength))


def draw_rules(pixels: Pixels, generator: np.random.Generator, *, width: float, darkness: float) -> Pixels:
    """Rules and boxes of forms and tables: under, above, beside or through the text, some dotted; width in pixels."""
    height, across = pixels.shape[:2]
    result = pixels.copy()
    tone = float(np.quantile(pixels[::2, ::2], 0.9)) * (1 - darkness)
    places = generator.random(6) < (0.6, 0.2, 0.15, 0.15, 0.08, 0.1)
    if not places.any():
        places[0] = True
    slope = float(generator.normal(0, 0.004)) * across
    thickness = max(1, round(width))

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        first, last = (tuple(round(value * 16) for value in point) for point in (start, end))
        cv2.line(result, first, last, (tone,) * 3, thickness, cv2.LINE_AA, 4)

    left = 0.0 if generator.random() < 0.7 else float(generator.uniform(0, 0.4)) * across
    right = across if generator.random() < 0.7 else float(generator.uniform(0.6, 1)) * across
    bottom, top = height * float(generator.uniform(0.86, 1.0)), height * float(generator.uniform(0, 0.1))
    through = height * float(generator.uniform(0.3, 0.75))
    for row, drawn in zip((bottom, top, through), places[[0, 1, 4]], strict=True):
        if not drawn:
            continue
        if generator.random() < 0.2:
            step = max(2.5, float(generator.uniform(0.08, 0.25)) * height)
            for x in np.arange(left, right, step):
                line((x, row), (x + 0.35 * step, row))
        else:
            line((left, row - slope), (right, row + slope))
    for column, drawn in zip((0.04, -0.04), places[2:4], strict=True):
        if drawn:
            x = column * height * float(generator.uniform(0, 1.5)) + (across if column < 0 else 0)
            line((x, 0.0), (x, float(height)))
    if places[5]:
        x = across * float(generator.random())
        line((x, 0.0), (x + 2 * slope * height / across, float(height)))
    # A rule that is lighter than the print it crosses leaves it as dark as it was.
    return np.minimum(result, pixels)


def mark_with_pen(pixels: Pixels, generator: np.random.Generator, *, width: float, darkness: float) -> Pixels:
    """What people do to print with a pen: ring a part of it, cross it out by one stroke, tick it; width in pixels."""
    height, across = pixels.shape[:2]
    tone = float(np.quantile(pixels[::2, ::2], 0.9)) * (1 - darkness)
    length = min(float(across), height * float(generator.uniform(0.6, 6)))
    left = float(generator.uniform(0, across - length)) if length < across else 0.0
    middle = height * float(generator.uniform(0.35, 0.65))
    kind = generator.choice(3, p=(0.4, 0.3, 0.3))
    share = np.linspace(0, 1, 40)
    if kind == 0:
        # A ring drawn by hand neither closes nor keeps clear of the print.
        angle = 2 * np.pi * float(generator.uniform(0.75, 1.1)) * share + float(generator.uniform(0, 2 * np.pi))
        x = left + length / 2 * (1 + np.cos(angle))
        y = middle + height * float(generator.uniform(0.4, 0.6)) * np.sin(angle) * (1 + 0.1 * share)
    elif kind == 1:
        x = left + length * share
        wave = np.sin(2 * np.pi * (float(generator.uniform(0.5, 2)) * share + float(generator.random())))
        y = middle + height * (float(generator.normal(0, 0.12)) * (share - 0.5) + 0.04 * wave)
    else:
        x = left + height * float(generator.uniform(0.1, 0.9)) * share
        depth = height * float(generator.uniform(0.3, 0.9))
        y = middle + depth * (0.5 - share) + depth * np.maximum(0, float(generator.uniform(0, 0.3)) - share)
    points = np.stack([x, y], axis=1)
    result = pixels.copy()
    cv2.polylines(
        result, [np.round(points * 16).astype(np.int32)], False, (tone,) * 3, max(1, round(width)), cv2.LINE_AA, 4
    )
    return np.minimum(result, pixels)


def stamp(pixels: Pixels, generator: np.random.Generator, *, strength: float, size: float) -> Pixels:
    """A rubber stamp over the print: rings, frames and letters of another ink; size in heights of the line."""
    height, width = pixels.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    centre = (round(generator.uniform(0, width)), round(generator.uniform(-0.3, 1.3) * height))
    radius = max(3, round(size * height))
    thickness = max(1, round(0.05 * height * float(generator.uniform(0.6, 1.8))))
    if generator.random() < 0.5:
        axes = (radius, round(radius * float(generator.uniform(0.4, 1))))
        cv2.ellipse(layer, centre, axes, float(generator.uniform(-20, 20)), 0, 360, 255, thickness, cv2.LINE_AA)
    else:
        frame = cv2.boxPoints((centre, (2.6 * radius, radius), float(generator.uniform(-12, 12))))
        cv2.polylines(layer, [frame.astype(np.int32)], True, 255, thickness, cv2.LINE_AA)
    word = "".join(chr(int(code)) for code in generator.integers(ord("A"), ord("Z") + 1, 4))
    start = (centre[0] - radius, centre[1] + round(0.3 * height))
    cv2.putText(layer, word, start, cv2.FONT_HERSHEY_SIMPLEX, 0.02 * height, 255, thickness, cv2.LINE_AA)
    # A stamp never prints evenly.
    ink = cv2.convertScaleAbs(layer, alpha=strength * float(generator.uniform(0.6, 1)))
    worn = 1 - 0.4 * np.abs(texture((height, width), generator, 0.3))
    kept = 255 - np.asarray(ink, np.float32) * np.clip(worn, 0, 1)
    return _darker(pixels, kept)


def halftone(pixels: Pixels, generator: np.random.Generator, *, pitch: float, strength: float) -> Pixels:
    """A screen of dots, as in tinted fields of forms and in newspapers; pitch in pixels, strength as a share."""
    height, width = pixels.shape[:2]
    angle = float(generator.choice((0.0, 45.0, 15.0, 75.0))) * np.pi / 180
    cosine, sine = np.cos(angle) * 2 * np.pi / pitch, np.sin(angle) * 2 * np.pi / pitch
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, np.newaxis]
    screen = np.cos(x * np.float32(cosine) + y * np.float32(sine)) + np.cos(
        y * np.float32(cosine) - x * np.float32(sine)
    )
    kept = 255 * (1 - strength * np.clip(screen - 0.4, 0, 1))
    return _darker(pixels, kept)


def clutter(pixels: Pixels, generator: np.random.Generator, *, count: float, strength: float) -> Pixels:
    """Pictures behind the print: fields with edges and soft spots, darker and lighter; strength in grey levels."""
    height, width = pixels.shape[:2]
    layer = np.full((height, width), 128, np.uint8)
    for _ in range(round(count)):
        tone = 128 + float(generator.uniform(-1, 1)) * strength
        centre = (float(generator.uniform(0, width)), float(generator.uniform(0, height)))
        sides = (height * float(generator.uniform(0.3, 4)), height * float(generator.uniform(0.2, 2)))
        shape = (centre, sides, float(generator.uniform(0, 180)))
        if generator.random() < 0.5:
            cv2.ellipse(layer, shape, tone, cv2.FILLED, cv2.LINE_AA)
        else:
            cv2.fillPoly(layer, [cv2.boxPoints(shape).astype(np.int32)], tone, cv2.LINE_AA)
    if generator.random() < 0.6:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), float(generator.uniform(0.8, 0.2 * height))), np.uint8)
    change = layer if pixels.ndim == 2 else np.repeat(layer[..., np.newaxis], 3, axis=2)
    return np.asarray(cv2.addWeighted(pixels, 1, change, 1, -128), np.uint8)


def touch_edges(pixels: Pixels, generator: np.random.Generator, *, depth: float, darkness: float) -> Pixels:
    """Dark remains along one edge of the cut: a table's frame, a fold, the paper's end; depth in pixels."""
    side = int(generator.choice(4, p=(0.3, 0.3, 0.2, 0.2)))
    turned = np.rot90(pixels, side).copy()
    rows = min(max(1, round(depth)), max(1, len(turned) // 8))
    turned[:rows] = (turned[:rows] * (1 - darkness)).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(turned, -side))


def _ranged(name: str, *lengths: str, **ranges: tuple[float, float]) -> Effect:
    return replace(EFFECTS[name], ranges=ranges, lengths=frozenset(lengths))


# Amounts in pixels are for a line of about 32 pixels in height, whose small letters measure about 13.
LINE_EFFECTS: Mapping[str, Effect] = {
    **EFFECTS,
    "contrast": _ranged("contrast", contrast=(0.5, 1.3), brightness=(-30, 30)),
    "gradient": _ranged("gradient", amount=(4, 28)),
    "texture": _ranged("texture", amount=(1.5, 14), grain=(0, 1)),
    "blur": _ranged("blur", "sigma", sigma=(0.3, 1.5)),
    "motion-blur": _ranged("motion-blur", "length", length=(1.5, 5)),
    "noise": _ranged("noise", sigma=(1.5, 18)),
    "jpeg": _ranged("jpeg", quality=(22, 90)),
    "low-resolution": Effect(shrink_and_enlarge, {"rows": (11, 26)}, logarithmic=True),
    "spread-ink": _ranged("spread-ink", "radius", radius=(0.15, 0.9)),
    "starve-ink": _ranged("starve-ink", "radius", radius=(0.1, 0.6)),
    "speckle": _ranged("speckle", "radius", density=(0.0005, 0.006), radius=(0.35, 1.0)),
    "sharpen": _ranged("sharpen", amount=(0.3, 2.0)),
    "fade": Effect(fade, {"amount": (0.1, 0.72), "unevenness": (0.02, 0.2), "grain": (0.1, 1)}),
    "wear": Effect(wear, {"share": (0.03, 0.22), "grain": (0, 0.3), "loss": (0.3, 0.9)}),
    "streaks": Effect(
        leave_streaks,
        {"count": (1, 3), "width": (0.6, 1.8), "strength": (0.3, 0.95)},
        lengths=frozenset({"width"}),
    ),
    "dot-matrix": Effect(print_dots, {"rows": (10, 18), "size": (0.85, 1.35)}),
    "binarise": Effect(binarise, {"level": (85, 190), "roughness": (0, 40)}),
    "fax": Effect(fax, {"rows": (13, 30), "level": (110, 180)}, logarithmic=True),
    "jitter": Effect(jitter_rows, {"amount": (0.2, 0.7)}, lengths=frozenset({"amount"})),
    "bleed-through": Effect(bleed_through, {"strength": (0.05, 0.3)}),
    "print-twice": Effect(
        print_twice, {"distance": (0.6, 3.0), "strength": (0.15, 0.6)}, lengths=frozenset({"distance"})
    ),
    "rules": Effect(draw_rules, {"width": (0.6, 2.4), "darkness": (0.3, 1.0)}, lengths=frozenset({"width"})),
    "pen": Effect(mark_with_pen, {"width": (0.8, 2.6), "darkness": (0.4, 1.0)}, lengths=frozenset({"width"})),
    "stamp": Effect(stamp, {"strength": (0.15, 0.6), "size": (0.5, 3.0)}),
    "halftone": Effect(halftone, {"pitch": (2.2, 6.0), "strength": (0.05, 0.35)}),
    "clutter": Effect(clutter, {"count": (1, 5), "strength": (8, 55)}),
    "edges": Effect(touch_edges, {"depth": (1, 3), "darkness": (0.2, 1.0)}, lengths=frozenset({"depth"})),
}
"""Every effect that a line may meet, by name, each with its stated ranges."""


def _needle_profile(length: int, count: int, size: float) -> Floats:
    """How much of a needle's dot covers each pixel along one direction, 0..1, summed so that dots come out round."""
    phase = (np.arange(length, dtype=np.float32) + np.float32(0.5)) * np.float32(count / length)
    off = np.abs(phase - np.floor(phase) - np.float32(0.5)) * np.float32(2 / size)
    return np.asarray(np.clip(1.35 - off**2, 0, 1), np.float32)


def _with_less_ink(pixels: Pixels, kept: Floats) -> Pixels:
    """Lets only a part of the darkness stay; kept is 0..255 for each pixel."""
    return _less(pixels.ndim, 255 - pixels, kept)


def _less(dimensions: int, darkness: Pixels, kept: Floats) -> Pixels:
    share = np.clip(kept, 0, 255).astype(np.uint8)
    if dimensions == 3:
        share = np.repeat(share[..., np.newaxis], 3, axis=2)
    return 255 - np.asarray(cv2.multiply(darkness, share, scale=1 / 255), np.uint8)


def _darker(pixels: Pixels, kept: Floats) -> Pixels:
    share = np.clip(kept, 0, 255).astype(np.uint8)
    if pixels.ndim == 3:
        share = np.repeat(share[..., np.newaxis], 3, axis=2)
    return np.asarray(cv2.multiply(pixels, share, scale=1 / 255), np.uint8)


def _veiled(pixels: Pixels, strength: float) -> Pixels:
    """The picture with its darkness reduced to a share."""
    levels = 255 - (255 - np.arange(256)) * strength
    return np.asarray(cv2.LUT(pixels, levels.astype(np.uint8)), np.uint8)
