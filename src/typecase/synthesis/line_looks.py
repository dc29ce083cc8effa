"""Whole pictures of lines, as they come to a reader: printed, scanned, faxed, on a till's receipt, on a sign.

Here the pieces meet: the ink of a line, the view of it, tones of ink and paper, and the effects of `degrade` and
`paper`, with the shares that make the result resemble real cuts. Nothing here knows of fonts, texts or nets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from typecase.errors import UsageError
from typecase.synthesis.degrade import Pixels, Record, degrade
from typecase.synthesis.ground_truth import Boxes, DrawnLine, InkLine
from typecase.synthesis.line_view import (
    Framing,
    LineView,
    neighbouring_lines,
    neighbouring_remains,
    neighbouring_slivers,
    random_line_view,
)
from typecase.synthesis.painting import paint_sign
from typecase.synthesis.paper import LINE_EFFECTS

Recipe = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Look:
    """How lines of one origin look; every recipe names effects of `LINE_EFFECTS` with their probabilities.

    Attributes:
        framing: How the line lies in its cut.
        press: What befalls black ink on white, in order.
        paper: Darkest and lightest grey of the paper.
        contrast: Least and greatest difference in grey levels between paper and ink.
        ground: What befalls paper and ink once they have their tones.
        reduced: Least and greatest factor by which all that is drawn larger, and then made smaller by averaging.
        sensor: What befalls the picture of them.
        inverted: Probability of light ink on a dark ground.
        painted: Whether letters are painted as on signs, in any colours, instead of printed.
        tinted: Probability that paper or ink has a colour, in pictures of three channels.
        sharp: Probability that nothing of the recipes is done at all.
    """

    framing: Framing = field(default_factory=Framing)
    press: Recipe = ()
    paper: tuple[float, float] = (255, 255)
    contrast: tuple[float, float] = (255, 255)
    ground: Recipe = ()
    reduced: tuple[float, float] = (1.0, 1.0)
    sensor: Recipe = ()
    inverted: float = 0.0
    painted: bool = False
    tinted: float = 0.0
    sharp: float = 0.0


_LOOSE = (-0.03, 0.12, 0.45)
_TIGHT = (-0.04, 0.05, 0.25)
# Boxes that people drew around typed words: now and then they cut off the letters' feet.
_CUT = (-0.1, 0.05, 0.25)

LOOKS: Mapping[str, Look] = {
    "clean": Look(
        framing=Framing(height=(36, 0.25), least=18, stretch=0.04, skew=0.3, shear=0, margin=_LOOSE, neighbours=0.05),
        press=(("spread-ink", 0.08), ("starve-ink", 0.08)),
        paper=(235, 255),
        contrast=(190, 255),
        sensor=(("blur", 0.1), ("jpeg", 0.1)),
        tinted=0.1,
        sharp=0.5,
    ),
    "print": Look(
        framing=Framing(height=(34, 0.3), least=16, stretch=0.06, skew=1.0, margin=_LOOSE, steep=0.02),
        press=(
            ("spread-ink", 0.25),
            ("starve-ink", 0.2),
            ("wear", 0.04),
            ("bleed-through", 0.06),
            ("print-twice", 0.02),
        ),
        paper=(200, 255),
        contrast=(110, 250),
        ground=(("halftone", 0.04), ("texture", 0.15), ("gradient", 0.2), ("rules", 0.06), ("shadow", 0.02)),
        sensor=(("blur", 0.3), ("low-resolution", 0.15), ("noise", 0.2), ("sharpen", 0.15), ("jpeg", 0.3)),
        tinted=0.3,
        inverted=0.04,
        sharp=0.1,
    ),
    "scan": Look(
        framing=Framing(
            height=(30, 0.35), least=13, stretch=0.08, skew=1.5, margin=_LOOSE, curl=0.04, neighbours=0.2, steep=0.06
        ),
        press=(
            ("spread-ink", 0.3),
            ("starve-ink", 0.25),
            ("wear", 0.1),
            ("bleed-through", 0.12),
            ("print-twice", 0.03),
        ),
        paper=(170, 255),
        contrast=(80, 245),
        ground=(
            ("halftone", 0.06),
            ("rules", 0.1),
            ("pen", 0.03),
            ("texture", 0.3),
            ("gradient", 0.3),
            ("shadow", 0.05),
            ("stamp", 0.04),
            ("speckle", 0.12),
            ("edges", 0.05),
        ),
        sensor=(
            ("blur", 0.4),
            ("motion-blur", 0.04),
            ("low-resolution", 0.25),
            ("noise", 0.3),
            ("sharpen", 0.25),
            ("binarise", 0.12),
            ("jpeg", 0.45),
        ),
        tinted=0.3,
        inverted=0.04,
    ),
    "thermal": Look(
        framing=Framing(height=(32, 0.35), least=15, stretch=0.25, skew=1.2, margin=_TIGHT, curl=0.06, neighbours=0.15),
        press=(
            ("dot-matrix", 0.12),
            ("spread-ink", 0.35),
            ("starve-ink", 0.25),
            ("binarise", 0.2),
            ("wear", 0.2),
            ("streaks", 0.15),
            ("fade", 0.42),
            ("jitter", 0.06),
        ),
        paper=(225, 255),
        contrast=(90, 250),
        ground=(
            ("texture", 0.25),
            ("gradient", 0.12),
            ("shadow", 0.02),
            ("speckle", 0.05),
            ("rules", 0.02),
            ("edges", 0.03),
        ),
        reduced=(1.0, 1.6),
        sensor=(
            ("blur", 0.3),
            ("low-resolution", 0.3),
            ("noise", 0.3),
            ("sharpen", 0.35),
            ("binarise", 0.07),
            ("jpeg", 0.75),
        ),
        inverted=0.015,
    ),
    "dot-matrix": Look(
        framing=Framing(height=(33, 0.25), least=22, stretch=0.25, skew=1.0, margin=_TIGHT, neighbours=0.15),
        press=(
            ("spread-ink", 0.3),
            ("dot-matrix", 1.0),
            ("wear", 0.2),
            ("streaks", 0.15),
            ("fade", 0.35),
            ("jitter", 0.1),
        ),
        paper=(190, 255),
        contrast=(80, 235),
        ground=(("texture", 0.3), ("gradient", 0.2), ("speckle", 0.06), ("rules", 0.05)),
        sensor=(("blur", 0.4), ("noise", 0.3), ("sharpen", 0.2), ("binarise", 0.1), ("jpeg", 0.5)),
        tinted=0.2,
    ),
    "fax": Look(
        framing=Framing(height=(22, 0.3), least=13, stretch=0.12, skew=1.2, margin=_LOOSE, neighbours=0.2, steep=0.1),
        press=(
            ("spread-ink", 0.4),
            ("starve-ink", 0.2),
            ("wear", 0.15),
            ("rules", 0.12),
            ("fax", 1.0),
            ("jitter", 0.1),
        ),
        paper=(235, 255),
        contrast=(180, 255),
        ground=(("speckle", 0.25), ("edges", 0.06)),
        sensor=(("blur", 0.4), ("low-resolution", 0.2), ("noise", 0.1), ("jpeg", 0.25)),
    ),
    "typewriter": Look(
        framing=Framing(
            height=(24, 0.35), least=12, stretch=0.1, skew=1.0, margin=_CUT, neighbours=0.25, beside=0.1, steep=0.14
        ),
        press=(("spread-ink", 0.5), ("wear", 0.25), ("fade", 0.15), ("print-twice", 0.05), ("jitter", 0.05)),
        paper=(200, 255),
        contrast=(110, 250),
        ground=(("rules", 0.2), ("pen", 0.04), ("texture", 0.2), ("speckle", 0.12), ("edges", 0.06)),
        sensor=(("blur", 0.55), ("low-resolution", 0.3), ("noise", 0.2), ("binarise", 0.12), ("jpeg", 0.2)),
    ),
    # A page that was copied and scanned in black and white, then kept at a third of its resolution.
    "form": Look(
        framing=Framing(
            height=(15.5, 0.25),
            least=9,
            most=32,
            stretch=0.14,
            skew=0.8,
            margin=_CUT,
            neighbours=0.3,
            beside=0.1,
            steep=0.16,
        ),
        press=(
            ("spread-ink", 0.5),
            ("starve-ink", 0.3),
            ("wear", 0.1),
            ("fade", 0.05),
            ("print-twice", 0.02),
            ("rules", 0.25),
            ("pen", 0.06),
            ("speckle", 0.12),
            ("edges", 0.06),
            ("binarise", 0.7),
        ),
        paper=(235, 255),
        contrast=(160, 255),
        ground=(("halftone", 0.05), ("stamp", 0.01)),
        reduced=(1.3, 3.2),
        sensor=(("blur", 0.4), ("sharpen", 0.12), ("texture", 0.04), ("noise", 0.08), ("jpeg", 0.12)),
        inverted=0.01,
    ),
    "low-resolution": Look(
        framing=Framing(height=(13, 0.18), least=9, most=20, stretch=0.1, skew=0.8, margin=_LOOSE, neighbours=0.15),
        press=(("spread-ink", 0.3), ("starve-ink", 0.1)),
        paper=(190, 255),
        contrast=(100, 250),
        ground=(("gradient", 0.15), ("texture", 0.15)),
        sensor=(("blur", 0.4), ("noise", 0.2), ("sharpen", 0.25), ("jpeg", 0.4)),
        tinted=0.2,
        inverted=0.08,
    ),
    "screen": Look(
        framing=Framing(height=(24, 0.35), least=11, stretch=0.02, skew=0, shear=0, margin=_LOOSE, neighbours=0.05),
        paper=(120, 255),
        contrast=(60, 255),
        ground=(("gradient", 0.15), ("rules", 0.06), ("clutter", 0.1)),
        sensor=(("low-resolution", 0.12), ("sharpen", 0.1), ("jpeg", 0.35)),
        tinted=0.7,
        inverted=0.3,
        sharp=0.2,
    ),
    "photo": Look(
        framing=Framing(
            height=(32, 0.4),
            least=12,
            stretch=0.18,
            skew=15,
            shear=0.2,
            perspective=0.22,
            arc=0.08,
            curl=0.05,
            margin=(-0.05, 0.07, 0.4),
            neighbours=0.06,
        ),
        ground=(("clutter", 0.16), ("rules", 0.03), ("speckle", 0.05), ("gradient", 0.3), ("shadow", 0.12)),
        sensor=(
            ("blur", 0.45),
            ("motion-blur", 0.1),
            ("contrast", 0.3),
            ("gamma", 0.3),
            ("low-resolution", 0.15),
            ("noise", 0.25),
            ("sharpen", 0.25),
            ("jpeg", 0.5),
        ),
        painted=True,
    ),
}
"""Every look by name."""


def draw_look(
    ink: InkLine, look: str, generator: np.random.Generator, *, channels: int = 1, height: float | None = None
) -> DrawnLine:
    """Draws the picture of a line.

    Args:
        ink: The line.
        look: A name of `LOOKS`.
        generator: Source of chance.
        channels: 1 for grey, 3 for RGB.
        height: Rows of the picture; None draws what pictures of the look usually have.

    Raises:
        UsageError: There is no look of the name.
    """
    if look not in LOOKS:
        raise UsageError(f"There is no look {look!r}; choose from {', '.join(LOOKS)}.")
    settings = LOOKS[look]
    framing = settings.framing
    if height is not None:
        framing = replace(framing, height=(height, 0.0), least=height, most=height)
    enlarged = float(generator.uniform(*settings.reduced))
    view = random_line_view(ink, framing, generator, enlarged)
    coverage = view.ink(ink.coverage)
    record: Record = []
    others = None
    if view.is_steep:
        others = neighbouring_lines(ink, view, generator)
    elif view.is_flat and generator.random() < framing.neighbours:
        others = neighbouring_remains(ink, view, generator)
    if others is not None:
        coverage = np.maximum(coverage, others)
        record.append({"effect": "neighbours"})
    if framing.beside and view.is_flat:
        slivers = neighbouring_slivers(ink, view, framing.beside, generator)
        if slivers is not None:
            coverage = np.maximum(coverage, slivers)
            record.append({"effect": "beside"})
    # Effects are stated for text whose capitals fill about two thirds of 32 rows.
    scale = min(1.4, view.scale * ink.em / 30)
    worn = generator.random() >= settings.sharp
    if settings.painted:
        bold = _heavier(coverage, generator, scale)
        pixels, painting = paint_sign(bold, generator, channels, view.scale * ink.em)
        record += painting
    else:
        pixels = 255 - coverage
        if worn:
            pixels, pressed = degrade(pixels, generator, settings.press, LINE_EFFECTS, scale)
            record += pressed
        pixels, toned = _toned(pixels, generator, settings, channels)
        record += toned
    if worn:
        pixels, done = degrade(pixels, generator, settings.ground, LINE_EFFECTS, scale)
        record += done
    boxes = view.boxes(ink.boxes)
    if enlarged > 1:
        pixels, boxes = _reduced(pixels, boxes, enlarged)
        record.append({"effect": "reduce", "factor": round(enlarged, 3)})
    if worn:
        pixels, done = degrade(pixels, generator, settings.sensor, LINE_EFFECTS, scale / enlarged)
        record += done
    if generator.random() < settings.inverted:
        pixels = 255 - pixels
        record.append({"effect": "invert"})
    meta = {**ink.meta, "look": look, "view": _view_facts(view), "effects": record}
    return DrawnLine(pixels, ink.text, boxes, meta)


def _reduced(pixels: Pixels, boxes: Boxes, factor: float) -> tuple[Pixels, Boxes]:
    """Makes a picture smaller by averaging, as a scanner of that resolution would have."""
    height, width = pixels.shape[:2]
    size = (max(4, round(width / factor)), max(4, round(height / factor)))
    across, down = size[0] / width, size[1] / height
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, boxes * np.array([across, down, across, down], np.float32)


def _heavier(coverage: Pixels, generator: np.random.Generator, scale: float) -> Pixels:
    """Makes letters bolder at times, by a fraction of a pixel or more: paint and light are generous."""
    if generator.random() >= 0.3:
        return coverage
    effect = LINE_EFFECTS["spread-ink" if generator.random() < 0.75 else "starve-ink"]
    return 255 - effect.function(255 - coverage, generator, **effect.scaled(effect.draw(generator), scale))


def _toned(pixels: Pixels, generator: np.random.Generator, settings: Look, channels: int) -> tuple[Pixels, Record]:
    """Gives black and white their greys, or colours."""
    paper = float(generator.uniform(*settings.paper))
    least, most = settings.contrast
    ink = max(0.0, paper - float(generator.uniform(least, most)))
    levels = ink + (paper - ink) * np.arange(256) / 255
    if channels == 1:
        record: Record = [{"effect": "tones", "paper": round(paper), "ink": round(ink)}]
        return np.asarray(cv2.LUT(pixels, np.round(levels).astype(np.uint8)), np.uint8), record
    ends = np.array([[ink] * 3, [paper] * 3])
    if generator.random() < settings.tinted:
        # One of the two, or both, leans to a hue; its brightness stays about what it was.
        hues = generator.uniform(-1, 1, (2, 3)) * generator.choice((0.0, 15.0, 60.0), (2, 1))
        ends = np.clip(ends + hues - hues @ [[0.299], [0.587], [0.114]], 0, 255)
    table = ends[0] + (ends[1] - ends[0]) * (np.arange(256) / 255)[:, np.newaxis]
    colours = np.round(table).astype(np.uint8)
    record = [
        {"effect": "tones", "paper": [round(value) for value in ends[1]], "ink": [round(value) for value in ends[0]]}
    ]
    return np.ascontiguousarray(colours[pixels]), record


def _view_facts(view: LineView) -> dict[str, object]:
    facts: dict[str, object] = {"matrix": view.matrix.round(5).tolist()}
    if view.arc:
        facts["arc"] = round(view.arc, 6)
    if view.wave[0]:
        facts["wave"] = [round(value, 4) for value in view.wave]
    return facts
