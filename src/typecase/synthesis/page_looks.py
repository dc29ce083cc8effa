"""Looks of whole pages: as they come from a program, a scanner, a fax, a till, a copier, a phone.

A look takes a sheet, gives ink and paper their tones, lays the sheet into its picture and lets light, dust and sensor
do their part. Where text went is known to the view alone; nothing that happens to pixels afterwards moves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from typecase.errors import UsageError
from typecase.synthesis.degrade import Pixels, Record, degrade
from typecase.synthesis.page_effects import PAGE_EFFECTS
from typecase.synthesis.page_marks import table_top
from typecase.synthesis.page_sheet import Sheet
from typecase.synthesis.page_view import PageView, flat_view, projection, random_bend

Recipe = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class PageLook:
    """How pages of one origin look; every recipe names effects of `PAGE_EFFECTS` with their probabilities.

    Attributes:
        enlarged: Least and greatest factor by which all is drawn larger, and then made smaller by averaging.
        press: What befalls black ink on white.
        paper: Darkest and lightest grey of the paper.
        contrast: Least and greatest difference in grey levels between paper and ink.
        tinted: Probability that paper and ink have a hue, in pictures of three channels.
        ground: What befalls ink and paper once they have their tones, before the sheet is laid into its picture.
        flat: Probability that the sheet is its picture, neither turned nor moved.
        skew: Deviation in degrees of a turn.
        margin: Greatest share of the sheet's sides that the picture shows around it; below zero it may be cut.
        around: Tones that lie around the sheet, `paper`, `black`, `white` or `things`, with their probabilities.
        perspective: Greatest change of size over the sheet, as a share.
        bent: Probability that the paper is bent.
        bend: Greatest strength of it.
        scene: What befalls the picture, light above all.
        sensor: What befalls it last; lengths count in pixels of the result.
        sharp: Probability that nothing of the recipes is done at all.
    """

    enlarged: tuple[float, float] = (1.0, 1.0)
    press: Recipe = ()
    paper: tuple[float, float] = (255, 255)
    contrast: tuple[float, float] = (255, 255)
    tinted: float = 0.0
    ground: Recipe = ()
    flat: float = 1.0
    skew: float = 0.0
    margin: tuple[float, float] = (0.0, 0.0)
    around: Mapping[str, float] | None = None
    perspective: float = 0.0
    bent: float = 0.0
    bend: float = 0.0
    scene: Recipe = ()
    sensor: Recipe = ()
    sharp: float = 0.0


PAGE_LOOKS: Mapping[str, PageLook] = {
    "digital": PageLook(
        paper=(235, 255),
        contrast=(190, 255),
        tinted=0.15,
        sensor=(("blur", 0.1), ("low-resolution", 0.12), ("sharpen", 0.05), ("jpeg", 0.3)),
        sharp=0.45,
    ),
    "scan": PageLook(
        press=(("spread-ink", 0.3), ("starve-ink", 0.3), ("worn", 0.08), ("bleed-through", 0.1), ("fade", 0.06)),
        paper=(185, 255),
        contrast=(110, 250),
        tinted=0.4,
        ground=(("uneven-paper", 0.3),),
        flat=0.2,
        skew=0.8,
        margin=(-0.01, 0.03),
        around={"paper": 0.7, "black": 0.15, "white": 0.15},
        bent=0.04,
        bend=0.3,
        scene=(("light", 0.25), ("spine", 0.08), ("dirt", 0.2), ("dark-edges", 0.12), ("punch", 0.06), ("folds", 0.06)),
        sensor=(
            ("blur", 0.35),
            ("low-resolution", 0.15),
            ("grain", 0.3),
            ("sharpen", 0.25),
            ("two-tones", 0.08),
            ("jpeg", 0.5),
        ),
    ),
    # Copied, scanned in black and white, and kept at a third of its resolution.
    "form": PageLook(
        enlarged=(1.25, 1.9),
        press=(
            ("spread-ink", 0.45),
            ("starve-ink", 0.3),
            ("worn", 0.12),
            ("fade", 0.06),
            ("print-twice", 0.03),
            ("dirt", 0.7),
            ("dark-edges", 0.2),
            ("smudge", 0.15),
            ("punch", 0.08),
            ("two-tones", 0.8),
        ),
        paper=(235, 255),
        contrast=(170, 255),
        flat=0.15,
        skew=0.9,
        margin=(0.0, 0.03),
        around={"white": 0.85, "black": 0.15},
        sensor=(("blur", 0.25), ("sharpen", 0.12), ("grain", 0.08), ("jpeg", 0.15)),
    ),
    "fax": PageLook(
        press=(("spread-ink", 0.4), ("worn", 0.1), ("dirt", 0.5), ("smudge", 0.1), ("dark-edges", 0.2)),
        flat=0.3,
        skew=0.9,
        margin=(0.0, 0.02),
        around={"white": 0.8, "black": 0.2},
        scene=(("fax", 1.0),),
        paper=(240, 255),
        contrast=(190, 255),
        sensor=(("blur", 0.3), ("low-resolution", 0.2), ("jpeg", 0.2)),
    ),
    "copy": PageLook(
        press=(("spread-ink", 0.5), ("worn", 0.25), ("fade", 0.2), ("dirt", 0.85), ("print-twice", 0.05)),
        paper=(200, 255),
        contrast=(120, 255),
        ground=(("uneven-paper", 0.3),),
        flat=0.1,
        skew=1.2,
        margin=(-0.01, 0.05),
        around={"white": 0.5, "black": 0.4, "paper": 0.1},
        bent=0.12,
        bend=0.6,
        scene=(("light", 0.4), ("spine", 0.12), ("dark-edges", 0.5), ("punch", 0.2), ("smudge", 0.25), ("dirt", 0.5)),
        sensor=(("two-tones", 0.35), ("blur", 0.3), ("sharpen", 0.2), ("jpeg", 0.4)),
    ),
    "thermal": PageLook(
        press=(
            ("needles", 0.1),
            ("spread-ink", 0.35),
            ("starve-ink", 0.25),
            ("worn", 0.15),
            ("streaks", 0.15),
            ("fade", 0.4),
        ),
        paper=(218, 255),
        contrast=(110, 250),
        tinted=0.2,
        ground=(("uneven-paper", 0.25), ("folds", 0.15)),
        flat=0.25,
        skew=0.9,
        margin=(-0.01, 0.08),
        around={"white": 0.35, "black": 0.3, "paper": 0.35},
        perspective=0.02,
        bent=0.25,
        bend=0.5,
        scene=(("light", 0.12), ("dirt", 0.1), ("dark-edges", 0.06)),
        sensor=(
            ("blur", 0.25),
            ("low-resolution", 0.25),
            ("grain", 0.3),
            ("sharpen", 0.35),
            ("two-tones", 0.05),
            ("jpeg", 0.7),
        ),
    ),
    "phone": PageLook(
        press=(("spread-ink", 0.25), ("starve-ink", 0.2), ("fade", 0.15), ("worn", 0.05)),
        paper=(175, 255),
        contrast=(110, 245),
        tinted=0.6,
        ground=(("uneven-paper", 0.3), ("folds", 0.3), ("bleed-through", 0.05)),
        flat=0.0,
        skew=4.0,
        margin=(-0.015, 0.14),
        around={"things": 0.9, "paper": 0.1},
        perspective=0.22,
        bent=0.55,
        bend=1.0,
        scene=(("light", 0.75), ("shadow", 0.45), ("low-light", 0.35)),
        sensor=(
            ("blur", 0.5),
            ("motion-blur", 0.1),
            ("grain", 0.55),
            ("gamma", 0.25),
            ("sharpen", 0.3),
            ("jpeg", 0.75),
        ),
    ),
    # Signs, posters and screens before a camera; their own colours stay.
    "street": PageLook(
        contrast=(200, 255),
        flat=0.1,
        skew=5.0,
        margin=(-0.01, 0.2),
        around={"things": 1.0},
        perspective=0.3,
        bent=0.15,
        bend=0.8,
        scene=(("light", 0.6), ("shadow", 0.35), ("low-light", 0.35)),
        sensor=(
            ("blur", 0.45),
            ("motion-blur", 0.12),
            ("contrast", 0.3),
            ("grain", 0.5),
            ("sharpen", 0.3),
            ("jpeg", 0.7),
        ),
    ),
}
"""Every look by name."""


@dataclass(frozen=True)
class Shot:
    """A picture of a sheet.

    Attributes:
        pixels: uint8.
        view: From the sheet to the picture, as far as it goes before it is made smaller.
        reduced: Width and height of the picture over those that the view gives.
        softness: About how far edges are blurred, a deviation in pixels.
        record: Every effect with its parameters.
    """

    pixels: Pixels
    view: PageView
    reduced: tuple[float, float]
    softness: float
    record: Record

    def points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sends points of the sheet, [n, 2], into the picture."""
        return self.view.points(points) * self.reduced


def drawn_enlargement(look: str, generator: np.random.Generator) -> float:
    """Draws by how much a sheet is to be larger than its picture.

    Raises:
        UsageError: There is no look of the name.
    """
    if look not in PAGE_LOOKS:
        raise UsageError(f"There is no look {look!r}; choose from {', '.join(PAGE_LOOKS)}.")
    return float(generator.uniform(*PAGE_LOOKS[look].enlarged))


def shoot(sheet: Sheet, look: str, generator: np.random.Generator, enlarged: float, x_height: float) -> Shot:
    """Takes the picture of a sheet.

    Args:
        sheet: What was laid out, `enlarged` times larger than the picture shall be.
        look: A name of `PAGE_LOOKS`.
        generator: Source of chance.
        enlarged: From `drawn_enlargement`.
        x_height: Height of the small letters of most of the text in pixels of the sheet, by which lengths are scaled.
    """
    settings = PAGE_LOOKS[look]
    record: Record = []
    # Effects are stated for small letters of ten pixels; very small text is not spared altogether.
    scale = float(np.clip(x_height / 10, 0.35, 1.5))
    is_worn = generator.random() >= settings.sharp
    pixels = sheet.tones

    def suffer(recipe: Recipe, size: float) -> None:
        nonlocal pixels
        if is_worn:
            pixels, done = degrade(pixels, generator, recipe, PAGE_EFFECTS, size)
            record.extend(done)

    suffer(settings.press, scale)
    pixels, toned = _toned(pixels, generator, settings)
    record.extend(toned)
    suffer(settings.ground, scale)
    view, around = _drawn_view(settings, (sheet.width, sheet.height), generator)
    ground = _ground(around, view.size, pixels, generator)
    pixels = view.picture(pixels, ground)
    record.append(
        {"effect": "view", "around": around, "matrix": view.matrix.round(6).tolist(), "bent": bool(view.bend)}
    )
    suffer(settings.scene, scale)
    reduced = (1.0, 1.0)
    if enlarged > 1:
        size = (max(4, round(view.size[0] / enlarged)), max(4, round(view.size[1] / enlarged)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        reduced = (size[0] / view.size[0], size[1] / view.size[1])
        record.append({"effect": "reduce", "factor": round(enlarged, 3)})
    suffer(settings.sensor, scale / enlarged)
    return Shot(pixels, view, reduced, _softness(record), record)


def _softness(record: Record) -> float:
    """About the deviation in pixels of all blur together."""
    total = 0.0
    for done in record:
        if done["effect"] == "blur":
            total += done["sigma"] ** 2
        elif done["effect"] == "motion-blur":
            total += (done["length"] / 3.5) ** 2
        elif done["effect"] == "low-resolution":
            total += (0.4 * done["factor"]) ** 2
        elif done["effect"] == "fax":
            total += (0.4 * done["squeeze"]) ** 2
        elif done["effect"] == "needles":
            total += (0.4 * done["pitch"]) ** 2
    return float(total**0.5)


def _toned(pixels: Pixels, generator: np.random.Generator, settings: PageLook) -> tuple[Pixels, Record]:
    """Gives black and white their greys, or hues."""
    paper = float(generator.uniform(*settings.paper))
    ink = max(0.0, paper - float(generator.uniform(*settings.contrast)))
    ends = np.array([[ink] * 3, [paper] * 3])
    if pixels.ndim == 3 and generator.random() < settings.tinted:
        hues = generator.uniform(-1, 1, (2, 3)) * generator.choice((0.0, 12.0, 40.0), (2, 1))
        ends = np.clip(ends + hues - hues @ [[0.299], [0.587], [0.114]], 0, 255)
    table = np.rint(ends[0] + (ends[1] - ends[0]) * (np.arange(256) / 255)[:, np.newaxis]).astype(np.uint8)
    table = table[:, 0] if pixels.ndim == 2 else table[:, np.newaxis]
    record: Record = [
        {"effect": "tones", "paper": [round(value) for value in ends[1]], "ink": [round(value) for value in ends[0]]}
    ]
    return np.asarray(cv2.LUT(pixels, table), np.uint8), record


def _drawn_view(settings: PageLook, size: tuple[int, int], generator: np.random.Generator) -> tuple[PageView, str]:
    """Draws how the sheet lies in its picture, and what is around it."""
    if generator.random() < settings.flat:
        return flat_view(size), "nothing"
    width, height = size
    names = list(settings.around or {"paper": 1.0})
    shares = np.array(list((settings.around or {"paper": 1.0}).values()))
    around = names[int(generator.choice(len(names), p=shares / shares.sum()))]
    bend = None
    if generator.random() < settings.bent:
        bend = random_bend(generator, size, settings.bend * float(generator.triangular(0.05, 0.3, 1)))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    centre = np.array([width / 2, height / 2])
    angle = np.deg2rad(float(np.clip(generator.normal(0, settings.skew), -3 * settings.skew, 3 * settings.skew)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (corners - centre) @ turn.T
    if settings.perspective:
        tilt = generator.triangular(-1, 0, 1, 2) * settings.perspective / np.array([width, height])
        moved = moved / (1 + moved @ tilt)[:, np.newaxis]
    low, high = moved.min(axis=0), moved.max(axis=0)
    span = high - low
    if around == "paper":
        # As paper runs on around the sheet, the picture need not show the sheet's corners.
        low, high = -centre.copy(), centre.copy()
    margins = generator.uniform(*settings.margin, 4) * generator.uniform(0.2, 1) * np.concatenate([span, span])
    low, high = low - margins[:2], high + margins[2:]
    wide, tall = (high - low).tolist()
    # The picture keeps about the sheet's scale: letters keep their size.
    matrix = projection(corners, moved - low)
    return PageView(matrix, (max(8, round(wide)), max(8, round(tall))), bend), around


def _ground(around: str, size: tuple[int, int], pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """What lies around the sheet."""
    width, height = size
    channels = 1 if pixels.ndim == 2 else 3
    if around == "things":
        return table_top(generator, width, height, channels)
    shape = (height, width) if channels == 1 else (height, width, 3)
    ground: Pixels = np.empty(shape, np.uint8)
    if around == "black":
        ground[:] = int(generator.integers(0, 70))
    elif around == "white":
        ground[:] = int(generator.integers(240, 256))
    else:
        # The paper's own tone at its rim.
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        ground[:] = np.median(rim, axis=0).astype(np.uint8)
    return ground
