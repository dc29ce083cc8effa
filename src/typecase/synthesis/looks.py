"""Whole pictures of single characters, as they come to a reader: printed, photographed, written by hand.

Here the pieces meet: a glyph or a form of handwriting, colours, and the effects of `degrade`, with the shares that
make the result resemble real pictures. Nothing here knows of nets, files or data sets.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from typecase.synthesis.degrade import (
    EFFECTS,
    Floats,
    Pixels,
    Record,
    degrade,
    random_view,
    texture,
)
from typecase.synthesis.fonts import Face
from typecase.synthesis.glyph import FITTED_SHARE, Placement, draw_glyph, ink_box
from typecase.synthesis.strokes import Strokes, draw_strokes, vary_strokes

FACE_SIZE = 72
"""Pixels per em at which fonts are opened for these pictures: about the longest side that is drawn."""


class Look(StrEnum):
    """Where a picture of a character may come from."""

    PRINT = "print"
    PHOTO = "photo"
    HAND = "hand"


@dataclass(frozen=True)
class DrawnCharacter:
    """A picture of one character with its ground truth.

    Attributes:
        pixels: uint8, [height, width] or [height, width, 3].
        box: (x, y, width, height) of the character's ink in pixels; ink that a margin cut off is not in it.
        meta: Look, placement and every effect with its parameters, as JSON values.
    """

    pixels: Pixels
    box: tuple[int, int, int, int]
    meta: Mapping[str, Any] = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The picture as Pillow holds it, mode "L" or "RGB"."""
        return Image.fromarray(self.pixels)


def draw_print(face: Face, character: str, generator: np.random.Generator, *, channels: int = 1) -> DrawnCharacter:
    """A clean printed character, black on white, mostly placed as in EnglishFnt; a fourth of them slightly worn.

    Args:
        face: The font, opened at `FACE_SIZE`.
        character: What to draw; the font must draw it.
        generator: Source of chance.
        channels: 1 for grey, 3 for RGB.

    Raises:
        DataError: The font lacks the character.
    """
    fitted = generator.random() < 0.85
    placement = Placement.FITTED if fitted else Placement.BASELINE
    # Chars74K's own bold and italic styles are often made by machine: slanted by about 12 degrees, smeared sideways.
    slant = 0.22 if generator.random() < 0.12 else 0.0
    view = random_view(generator, rotation=2, shear=0.08, stretch=0.1, perspective=0) @ _slanted(slant)
    canvas = 72
    share = FITTED_SHARE * (generator.uniform(0.9, 1.1) if fitted else generator.uniform(0.95, 1.2))
    glyph = draw_glyph(face, character, canvas=canvas, placement=placement, share=share, view=view)
    pixels, record = glyph.pixels, list[dict[str, Any]]()
    if generator.random() < 0.15:
        pixels, record = degrade(pixels, generator, [("spread-ink", 0.6), ("starve-ink", 0.4)])
    box = ink_box(255 - pixels)
    if generator.random() < 0.25:
        pixels, worn = degrade(pixels, generator, _WORN_PRINT)
        record += worn
    if channels == 3:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    meta = {"look": Look.PRINT.value, "placement": placement.value, "effects": record}
    return DrawnCharacter(pixels, box, meta)


def draw_photo(face: Face, character: str, generator: np.random.Generator, *, channels: int = 1) -> DrawnCharacter:
    """A character cut from a photograph of a sign: any colours, surface, light, view and sharpness.

    The arguments are those of `draw_print`.

    Raises:
        DataError: The font lacks the character.
    """
    # The longer side of the ink in the end, 14 to 96 pixels in EnglishImg; more than 60 would only be shrunk again.
    native = float(np.clip(np.exp(generator.normal(3.75, 0.55)), 11, 60))
    work = max(native, 34.0)
    strong = generator.random() < 0.15
    view = random_view(
        generator,
        rotation=32 if strong else 10,
        shear=0.5 if strong else 0.22,
        stretch=0.7,
        perspective=0.35 if strong else 0.2,
    )
    neighbours = _neighbours(face, character, generator)
    # Left, top, right, bottom: the cut is a little wider than the letter, more so at the sides.
    margins = generator.uniform(0.0, 0.12) + generator.triangular(-0.05, 0.02, 0.13, 4)
    margins[0::2] += generator.triangular(0, 0, 0.08, 2)
    tracking = float(generator.triangular(-0.08, 0.0, 0.2))
    glyph = draw_glyph(
        face,
        character,
        canvas=round(work),
        placement=Placement.TIGHT,
        view=view,
        neighbours=neighbours,
        tracking=tracking,
        margins=[float(margin) for margin in margins],
    )
    own, others = glyph.coverage, glyph.neighbours
    if generator.random() < 0.5:
        own, others = _heavier((own, others), generator)
    ink = own if others is None else np.maximum(own, others)
    pixels, record = _painted(ink, generator, channels)
    # The sensor sees what the lens and the distance left over.
    pixels, lens = degrade(pixels, generator, _LENS)
    factor = native / work
    if factor < 0.95:
        small = tuple(max(4, round(side * factor)) for side in (pixels.shape[1], pixels.shape[0]))
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
        own = np.asarray(cv2.resize(own, small, interpolation=cv2.INTER_AREA), np.uint8)
    pixels, sensor = degrade(pixels, generator, _SENSOR)
    meta = {
        "look": Look.PHOTO.value,
        "placement": Placement.TIGHT.value,
        "neighbours": list(neighbours),
        "effects": record + lens + sensor,
    }
    return DrawnCharacter(pixels, ink_box(own), meta)


def draw_hand(
    source: Face | Strokes, character: str, generator: np.random.Generator, *, channels: int = 1
) -> DrawnCharacter:
    """A character written by hand: by a handwriting font, or by a pen along the strokes of a real writer.

    Args:
        source: The font, opened at `FACE_SIZE`, or the strokes of a form.
        character: What is drawn; with strokes it is only recorded.
        generator: Source of chance.
        channels: 1 for grey, 3 for RGB.

    Raises:
        DataError: The font lacks the character, or the form has no stroke.
    """
    canvas = 64
    # The share of the canvas that the ink fills: forms are cut tight, photographed letters keep their paper.
    share = float(generator.uniform(0.72, 0.92) if generator.random() < 0.5 else generator.uniform(0.5, 0.9))
    if isinstance(source, Face):
        view = random_view(generator, rotation=12, shear=0.3, stretch=0.35, perspective=0)
        placement = Placement.FITTED if generator.random() < 0.7 else Placement.BASELINE
        ink = draw_glyph(source, character, canvas=canvas, placement=placement, share=share, view=view).coverage
        if generator.random() < 0.5:
            ink, _ = _heavier((ink, None), generator)
    else:
        placement = Placement.FITTED
        pen = canvas * share * float(generator.uniform(0.025, 0.13))
        form = vary_strokes(source, generator)
        image = draw_strokes(form, pen_width=pen, canvas=canvas, margin=(1 - share) / 2)
        ink = 255 - np.asarray(image)
    ink = _shifted(ink, generator, 0.06)
    record: Record = []
    if generator.random() < 0.4:
        pixels = 255 - ink
    else:
        paper = generator.uniform(150, 255)
        tone = paper - generator.uniform(75, paper * 0.95)
        weight = ink.astype(np.float32) / 255
        if generator.random() < 0.5:
            # Pencil and ballpoint leave the paper's grain blank.
            weight *= np.clip(1 - generator.uniform(0.05, 0.35) * np.abs(texture(ink.shape, generator, 0.0)), 0, 1)
        pixels = np.clip(paper + (tone - paper) * weight, 0, 255).astype(np.uint8)
        pixels, record = degrade(pixels, generator, _PAPER)
    if channels == 3:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    meta = {"look": Look.HAND.value, "placement": placement.value, "effects": record}
    return DrawnCharacter(pixels, ink_box(ink), meta)


_WORN_PRINT = (
    ("texture", 0.2),
    ("contrast", 0.3),
    ("speckle", 0.1),
    ("blur", 0.4),
    ("low-resolution", 0.3),
    ("noise", 0.3),
    ("jpeg", 0.3),
)
_LENS = (
    ("lines", 0.05),
    ("speckle", 0.07),
    ("gradient", 0.35),
    ("shadow", 0.1),
    ("blur", 0.5),
    ("motion-blur", 0.08),
)
_SENSOR = (
    ("contrast", 0.3),
    ("gamma", 0.3),
    ("low-resolution", 0.07),
    ("noise", 0.35),
    ("sharpen", 0.25),
    ("jpeg", 0.45),
)
_PAPER = (
    ("texture", 0.35),
    ("lines", 0.05),
    ("gradient", 0.25),
    ("shadow", 0.04),
    ("blur", 0.4),
    ("low-resolution", 0.15),
    ("noise", 0.25),
    ("sharpen", 0.15),
    ("jpeg", 0.35),
)


def _painted(ink: Pixels, generator: np.random.Generator, channels: int) -> tuple[Pixels, Record]:
    """Paints a sign: ground, shadow or depth, outline, letters, each with its colour and surface."""
    record: Record = []
    ground_colour, ink_colour = _two_colours(generator, channels)
    weight = ink.astype(np.float32) / 255
    picture = _surface(ink.shape, ground_colour, generator, 0.45)

    def lay(cover: npt.NDArray[Any], colour: Floats) -> None:
        nonlocal picture
        picture = picture + cover[..., np.newaxis] * (colour - picture)

    chance = generator.random(5)
    side = max(ink.shape)
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


def _neighbours(face: Face, character: str, generator: np.random.Generator) -> tuple[str, str]:
    """What stands left and right: mostly of the character's own kind, as in words and numbers."""
    if character in string.digits:
        pool = string.digits
    elif character in string.ascii_uppercase:
        pool = string.ascii_uppercase if generator.random() < 0.75 else string.ascii_lowercase
    else:
        pool = string.ascii_lowercase
    left, right = (pool[int(generator.integers(len(pool)))] for _ in range(2))
    chance = generator.random(2)
    return (
        left if chance[0] < 0.7 and left in face.font.characters else "",
        right if chance[1] < 0.7 and right in face.font.characters else "",
    )


def _heavier(layers: tuple[Pixels, Pixels | None], generator: np.random.Generator) -> tuple[Pixels, Pixels | None]:
    """Makes the strokes of two layers of ink bolder or lighter, both alike, by a fraction of a pixel or more."""
    # In a layer the ink is bright: what starves dark ink spreads it.
    effect = EFFECTS["starve-ink" if generator.random() < 0.75 else "spread-ink"]
    parameters = effect.draw(generator)
    first, second = (None if layer is None else effect.function(layer, generator, **parameters) for layer in layers)
    assert first is not None
    return first, second


def _slanted(slant: float) -> npt.NDArray[np.float64]:
    return np.array([[1.0, -slant, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def _shifted(ink: Pixels, generator: np.random.Generator, amount: float) -> Pixels:
    """Moves the ink by up to a share of the canvas, never over its edge."""
    x, y, width, height = ink_box(ink)
    if width == 0:
        return ink
    rows, columns = ink.shape
    right, down = generator.uniform(-amount, amount, 2) * (columns, rows)
    right = round(float(np.clip(right, -x, columns - x - width)))
    down = round(float(np.clip(down, -y, rows - y - height)))
    return np.roll(ink, (down, right), axis=(0, 1))


def _moved(weight: Floats, offset: npt.NDArray[np.float64]) -> Floats:
    matrix = np.array([[1.0, 0.0, offset[0]], [0.0, 1.0, offset[1]]])
    return np.asarray(cv2.warpAffine(weight, matrix, weight.shape[::-1]), np.float32)
