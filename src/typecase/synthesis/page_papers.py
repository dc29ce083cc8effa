"""Formats of paper and screens, and what a layout is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from typecase.synthesis.page_desk import Desk


@dataclass(frozen=True)
class Paper:
    """A sheet to lay out.

    Attributes:
        width: In pixels.
        height: In pixels.
        pt: Pixels of a typographic point.
    """

    width: float
    height: float
    pt: float


@dataclass(frozen=True)
class Layout:
    """A kind of page.

    Attributes:
        draw: Lays it out.
        format: Draws size and resolution of its sheet.
        looks: How often it looks like what: names of `page_looks.PAGE_LOOKS`.
    """

    draw: Callable[[Desk], None]
    format: Callable[[np.random.Generator], Paper]
    looks: Mapping[str, float]


def sheet_of_paper(generator: np.random.Generator) -> Paper:
    """A4, Letter and the like, upright, at the resolutions of scanners."""
    dpi = float(np.exp(generator.triangular(np.log(72), np.log(105), np.log(210))))
    if generator.random() < 0.02:
        dpi = float(generator.uniform(210, 300))
    width, height = ((8.27, 11.69), (8.5, 11.0), (8.27, 11.69), (5.83, 8.27))[int(generator.choice(4))]
    if generator.random() < 0.04:
        width, height = height, width
    return Paper(width * dpi, height * dpi, dpi / 72)


def old_form(generator: np.random.Generator) -> Paper:
    """Letter paper at the low resolution at which archives keep forms."""
    dpi = float(generator.uniform(75, 115))
    height = float(generator.uniform(10.3, 12.2))
    return Paper(8.5 * dpi * float(generator.uniform(0.93, 1.05)), height * dpi, dpi / 72)


def till_roll(generator: np.random.Generator) -> Paper:
    """The roll of a till's printer, 58 to 80 mm wide and long enough; it is cut where the receipt ends."""
    width = float(np.exp(generator.triangular(np.log(360), np.log(560), np.log(1300))))
    millimetres = float(generator.choice((57.0, 72.0, 80.0)))
    pt = width / millimetres * 25.4 / 72
    return Paper(width, min(4200.0, 6.0 * width), pt)


def book_page(generator: np.random.Generator) -> Paper:
    """A page of a book or magazine."""
    width, height = float(generator.uniform(4.3, 7.5)), 0.0
    height = width * float(generator.uniform(1.35, 1.62))
    dpi = float(np.exp(generator.triangular(np.log(95), np.log(140), np.log(260))))
    return Paper(width * dpi, height * dpi, dpi / 72)


def screen(generator: np.random.Generator) -> Paper:
    """A slide or a screen; a point is a 540th of its height, as in programs for slides."""
    width = float(
        generator.choice((960, 1024, 1280, 1280, 1440, 1600, 1920), p=(0.3, 0.2, 0.24, 0.1, 0.08, 0.04, 0.04))
    )
    height = width * float(generator.choice((9 / 16, 3 / 4, 10 / 16)))
    return Paper(width, height, height / 540)


def sign(generator: np.random.Generator) -> Paper:
    """A poster, a sign or a label of any shape; a point is an 800th of its longer side."""
    ratio = float(np.exp(generator.uniform(np.log(0.5), np.log(2.2))))
    area = float(generator.uniform(0.25e6, 1.1e6))
    width, height = (area * ratio) ** 0.5, (area / ratio) ** 0.5
    return Paper(width, height, max(width, height) / 800)


def card(generator: np.random.Generator) -> Paper:
    """A ticket or card, about twice as wide as high; a point is a 400th of its height."""
    width = float(generator.uniform(700, 1300))
    height = width * float(generator.uniform(0.38, 0.6))
    return Paper(width, height, height / 400)
