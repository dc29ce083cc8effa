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
    Pixels,
    Record,
    degrade,
    random_view,
    texture,
)
from typecase.synthesis.fonts import Face
from typecase.synthesis.glyph import FITTED_SHARE, Placement, draw_glyph, ink_box
from typecase.synthesis.painting import paint_sign
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
    pixels, record = paint_sign(ink, generator, channels, max(ink.shape))
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
