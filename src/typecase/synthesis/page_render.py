"""What `typecase render pages` draws: pages with their ground truth as rows of labels, and sheets to look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageDraw

from typecase.synthesis.page import LAYOUT_MIXTURE, LAYOUTS, ROTATIONS, PageWorkshop
from typecase.synthesis.page_looks import PAGE_LOOKS
from typecase.synthesis.page_truth import DrawnPage, PageLine, Polygon
from typecase.synthesis.render import column_width, in_columns
from typecase.synthesis.render_sources import SourceSettings


@dataclass(frozen=True, kw_only=True)
class PageSettings(SourceSettings):
    """What decides every page that is drawn.

    Attributes:
        layouts: How often each of `page.LAYOUTS` is drawn; empty draws as for training.
        looks: How often each of `page_looks.PAGE_LOOKS` is drawn; empty takes each layout's own.
        rotations: How often a page is turned by 0, 90, 180 and 270 degrees.
    """

    what: ClassVar[str] = "pages"
    worth_a_process: ClassVar[int] = 24

    layouts: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, float] = field(default_factory=dict)
    rotations: Mapping[int, float] = field(default_factory=lambda: dict(ROTATIONS))

    def open(self) -> PageWorkshop:
        """Opens fonts and texts.

        Raises:
            UsageError: A setting is unknown.
            DataError: Fonts or texts cannot be used, or are lacking characters that may not be left out.
        """
        fonts, texts, allowed = self.open_sources()
        return PageWorkshop(
            fonts,
            texts,
            layouts=self.layouts or LAYOUT_MIXTURE,
            looks=self.looks or None,
            rotations=self.rotations,
            charset=allowed,
            seed=self.seed,
            part=self.part,
            channels=3 if self.colour else 1,
        )

    @staticmethod
    def row(page: DrawnPage, image: str) -> dict[str, Any]:
        """As `page_row`."""
        return page_row(page, image)

    def known(self) -> Mapping[str, tuple[Iterable[object], Sequence[object]]]:
        """What is chosen by name, and the names that there are."""
        return {
            **super().known(),
            "layout": (self.layouts, list(LAYOUTS)),
            "style": (self.looks, list(PAGE_LOOKS)),
            "rotation": (self.rotations, list(ROTATIONS)),
        }


def page_row(page: DrawnPage, image: str) -> dict[str, Any]:
    """Gives a page's row of a `labels.jsonl`.

    Args:
        page: The picture with its truth.
        image: Where the picture lies, relative to the file.

    Returns:
        JSON values. Boxes are [x, y, width, height] in pixels to a hundredth and stand upright around what may be
        turned; `meta` has the rotation and, for each line, its outline and those of its words. `text` and `words` are
        of what can be read; `meta.lines` has all.
    """
    return {
        "image": image,
        "text": page.text,
        "words": [
            {"text": word, "box": _box(corners)} for line in page.lines if line.legible for word, corners in line.words
        ],
        "meta": {**page.meta, "rotation": page.rotation, "lines": [_line_facts(line) for line in page.lines]},
    }


def _line_facts(line: PageLine) -> dict[str, Any]:
    return {
        "text": line.text,
        "box": _box(line.polygon),
        "polygon": _points(line.polygon),
        "words": [{"text": word, "polygon": _points(corners)} for word, corners in line.words],
        "block": line.block,
        "row": line.row,
        "column": line.column,
        "x_height": round(line.x_height, 2),
        "legible": line.legible,
    }


def _points(polygon: Polygon) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in polygon.tolist()]


def _box(polygon: Polygon) -> list[float]:
    (left, top), (right, bottom) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
    return [round(value, 2) for value in (left, top, right - left, bottom - top)]


_LINE, _WORD, _ILLEGIBLE = "#c62828", "#1565c0", "#9e9e9e"


def sheet_of_pages(
    pages: Sequence[DrawnPage], *, columns: int = 3, width: int = 1500, boxes: bool = False
) -> Image.Image:
    """Shows many pages at once.

    Args:
        pages: At least one.
        columns: Side by side.
        width: Of the sheet in pixels; each page takes a column of it, and no more height than one and a half of that.
        boxes: Whether lines and words are outlined, those that cannot be read in grey.

    Returns:
        An RGB picture.
    """
    room = column_width(width, columns)
    return in_columns([_cell(page, room, boxes) for page in pages], columns, width)


def _cell(page: DrawnPage, room: int, boxes: bool) -> Image.Image:
    image = page.image.convert("RGB")
    scale = min(room / image.width, 1.5 * room / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    if boxes:
        draw = ImageDraw.Draw(image)
        for line in page.lines:
            outlines = [(corners, _WORD) for _, corners in line.words]
            for polygon, ink in [*outlines, (line.polygon, _LINE if line.legible else _ILLEGIBLE)]:
                draw.polygon([tuple(point) for point in (np.asarray(polygon) * scale).tolist()], outline=ink)
    return image
