"""What `typecase render` draws: one line of a given text, lines by the thousand, and sheets to look at them.

`RenderSettings` are the words of the command as plain values; they open fonts, texts and a workshop, in each process
anew. `synthesis.render_set` writes what comes of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageDraw

from typecase.datasets.lines import clean_text
from typecase.errors import DataError, UsageError
from typecase.pictures import font_for
from typecase.synthesis.fonts import Font, FontCollection
from typecase.synthesis.ground_truth import DrawnLine
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_domains import DOMAINS, MIXTURE, Domain, LineWorkshop
from typecase.synthesis.line_looks import LOOKS, draw_look
from typecase.synthesis.line_style import PLAIN, LineStyle
from typecase.synthesis.render_sources import Missing, SourceSettings
from typecase.synthesis.strings import STRINGS
from typecase.synthesis.text import SENTENCES

logger = logging.getLogger(__name__)

# A whole line of a text may be as long as it likes; nothing longer fits a picture.
_ANY_LENGTH = 10_000
_EM_A_ROW = 1.6
_SMALLEST_EM = 32.0


@dataclass(frozen=True, kw_only=True)
class RenderSettings(SourceSettings):
    """What decides every line that is drawn.

    Attributes:
        kinds: How often each kind of text is drawn: `sentences` or one of `strings.STRINGS`; empty leaves it to the
            domains.
        whole_lines: Draw lines of the texts as they stand instead of pieces of them.
        domains: How often each of `line_domains.DOMAINS` is drawn; empty takes those that have the looks.
        looks: How often each of `line_looks.LOOKS` is drawn; empty leaves it to the domains.
    """

    what: ClassVar[str] = "lines"
    worth_a_process: ClassVar[int] = 600

    kinds: Mapping[str, float] = field(default_factory=dict)
    whole_lines: bool = False
    domains: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, float] = field(default_factory=dict)

    def open(self) -> LineWorkshop:
        """Opens fonts and texts.

        Raises:
            UsageError: A setting is unknown or at odds with another.
            DataError: Fonts or texts cannot be used, or are lacking characters that may not be left out.
        """
        fonts, texts, allowed = self.open_sources()
        domains = self._domains()
        return LineWorkshop(
            fonts,
            texts,
            charset=allowed,
            domains=self.domains or {name: MIXTURE.get(name, 1.0) for name in domains},
            known=domains,
            whole_lines=self.whole_lines,
            seed=self.seed,
            part=self.part,
            channels=3 if self.colour else 1,
        )

    @staticmethod
    def row(line: DrawnLine, image: str) -> dict[str, Any]:
        """As `label_row`."""
        return label_row(line, image)

    def check(self) -> None:
        """Looks whether all settings are known and go together.

        Raises:
            UsageError: One is not, or they do not.
        """
        super().check()
        if (self.whole_lines or self.kinds.get(SENTENCES)) and not self.texts:
            what = "Whole lines" if self.whole_lines else "Sentences"
            raise UsageError(f"{what} are asked for, but no text files are given; name some.")

    def known(self) -> Mapping[str, tuple[Iterable[object], Sequence[object]]]:
        """What is chosen by name, and the names that there are."""
        return {
            **super().known(),
            "style": (self.looks, list(LOOKS)),
            "domain": (self.domains, list(DOMAINS)),
            "kind of text": (self.kinds, [SENTENCES, *STRINGS]),
        }

    def _domains(self) -> dict[str, Domain]:
        """The domains that are drawn, with the kinds of texts and the looks that are asked for."""
        names = list(self.domains)
        if not names:
            names = [name for name, domain in DOMAINS.items() if any(look in domain.looks for look in self.looks)]
        drawn = {name: DOMAINS[name] for name in names or MIXTURE}
        changes: dict[str, Any] = {}
        if self.looks:
            changes["looks"] = dict(self.looks)
        if self.kinds:
            changes["texts"] = dict(self.kinds)
        if self.whole_lines:
            changes["max_characters"] = _ANY_LENGTH
        return {name: replace(domain, **changes) for name, domain in drawn.items()}


def draw_text(
    font: Font,
    text: str,
    *,
    look: str = "clean",
    style: LineStyle = PLAIN,
    height: int = 64,
    colour: bool = True,
    seed: int = 0,
    missing: Missing = "refuse",
) -> DrawnLine:
    """Draws one line of a text.

    Args:
        font: What to draw it with.
        text: What to draw.
        look: A name of `line_looks.LOOKS`.
        style: How it is set.
        height: Rows of the picture.
        colour: An RGB picture instead of a grey one.
        seed: Decides what chance decides.
        missing: Whether characters that the font lacks are left out, or an error.

    Raises:
        UsageError: There is no look of the name, or the style does not fit the text.
        DataError: The font lacks characters that may not be left out, or nothing is left.
    """
    text = clean_text(text)
    lacking = font.missing(text)
    if lacking and missing == "skip":
        logger.warning("%s has no %s; left out.", font.path.name, " ".join(sorted(lacking)))
        text = clean_text("".join(character for character in text if character not in lacking))
    # Set a little larger than it is shown, so that nothing is enlarged.
    ink = set_line(LineFace(font, max(_SMALLEST_EM, height * _EM_A_ROW)), text, style)
    return draw_look(ink, look, np.random.default_rng(seed), channels=3 if colour else 1, height=height)


def label_row(line: DrawnLine, image: str) -> dict[str, Any]:
    """Gives a line's row of a `labels.jsonl`.

    Args:
        line: The picture with its truth.
        image: Where the picture lies, relative to the file.

    Returns:
        JSON values; boxes are [x, y, width, height] in pixels, to a hundredth.
    """
    return {
        "image": image,
        "text": line.text,
        "words": [{"text": word, "box": _rounded(box)} for word, box in line.words],
        "characters": [
            {"text": character, "box": _rounded(box)}
            for character, box in zip(line.text, line.boxes.tolist(), strict=True)
            if character != " "
        ],
        "meta": dict(line.meta),
    }


def _rounded(box: Iterable[float]) -> list[float]:
    return [round(value, 2) for value in box]


_PAPER, _CAPTION, _WORD_BOX, _CHARACTER_BOX = "#ffffff", "#555555", "#c62828", "#1565c0"
_GAP = 8


def sheet_of_lines(
    lines: Sequence[DrawnLine], *, columns: int = 3, width: int = 1500, captions: bool = True, boxes: bool = False
) -> Image.Image:
    """Shows many lines at once, with what they say.

    Args:
        lines: At least one.
        columns: Side by side.
        width: Of the sheet in pixels; wider lines are made smaller.
        captions: Whether the text stands below each line.
        boxes: Whether words and characters are framed.

    Returns:
        An RGB picture.
    """
    room = column_width(width, columns)
    return in_columns([_cell(line, room, captions, boxes) for line in lines], columns, width)


def column_width(width: int, columns: int) -> int:
    """Pixels that a picture has on a sheet of so many columns."""
    return max(1, (width - _GAP) // columns - _GAP)


def in_columns(cells: Sequence[Image.Image], columns: int, width: int) -> Image.Image:
    """Sets pictures out on a sheet, row by row.

    Args:
        cells: At least one, each no wider than `column_width`.
        columns: Side by side.
        width: Of the sheet in pixels.

    Returns:
        An RGB picture.
    """
    step = (width - _GAP) // columns
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) for row in rows]
    sheet = Image.new("RGB", (width, sum(heights) + _GAP * (len(rows) + 1)), _PAPER)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_GAP + column * step, top))
        top += height + _GAP
    return sheet


def _cell(line: DrawnLine, room: int, captions: bool, boxes: bool) -> Image.Image:
    image = line.image.convert("RGB")
    # Frames are drawn on enlarged pixels, or they would hide the letters.
    factor = 2 if boxes else 1
    scale = min(float(factor), room / image.width)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    if boxes:
        draw = ImageDraw.Draw(image)
        framed = [(box, _CHARACTER_BOX) for box in line.boxes.tolist()] + [(box, _WORD_BOX) for _, box in line.words]
        for (x, y, wide, high), ink in framed:
            draw.rectangle([x * scale, y * scale, (x + wide) * scale, (y + high) * scale], outline=ink)
    if not captions:
        return image
    font, text = font_for(line.text, 11)
    cell = Image.new("RGB", (room, image.height + 15), _PAPER)
    cell.paste(image, (0, 0))
    ImageDraw.Draw(cell).text((0, image.height + 1), text, _CAPTION, font)
    return cell


def pick_font(name: str, sources: Sequence[str], *, weight: int = 400, slope: str = "normal", text: str = "") -> Font:
    """Finds a font by its name or file.

    Args:
        name: A font file, or the name of a family or font among the sources.
        sources: As `RenderSettings.fonts`.
        weight: Of a family, the font nearest to it is taken.
        slope: `normal` or `italic`.
        text: A font that has all its characters is preferred.

    Raises:
        DataError: There is none.
    """
    if os.path.isfile(name):
        collection = FontCollection.open(name)
    elif Path(name).suffix.lower() in (".ttf", ".otf") or os.sep in name:
        raise DataError(f"There is no font file {name}; check the path.")
    else:
        collection = FontCollection.gather(sources).find(name)
    able = collection.covering(text)
    return (able if len(able) else collection).nearest(weight=weight, style=slope)
