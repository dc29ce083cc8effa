"""What `typecase render` draws: one line of a given text, lines by the thousand, and sheets to look at them.

`RenderSettings` are the words of the command as plain values; they open fonts, texts and a workshop, in each process
anew. `synthesis.render_set` writes what comes of it.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image, ImageDraw

from typecase.charset import LATIN_CHARACTERS
from typecase.datasets.lines import clean_text
from typecase.errors import DataError, UsageError
from typecase.files import sha256_of
from typecase.pictures import font_for
from typecase.synthesis.fonts import Category, Font, FontCollection
from typecase.synthesis.ground_truth import DrawnLine
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_domains import DOMAINS, MIXTURE, Domain, LineWorkshop
from typecase.synthesis.line_looks import LOOKS, draw_look
from typecase.synthesis.line_style import PLAIN, LineStyle
from typecase.synthesis.strings import STRINGS
from typecase.synthesis.text import SENTENCES, Part, TextFile, open_texts, plain

logger = logging.getLogger(__name__)

Missing = Literal["skip", "refuse"]

ALL_CHARACTERS = "all"
"""Instead of a set of characters: whatever the fonts can draw."""

_NAMED = 20
# A whole line of a text may be as long as it likes; nothing longer fits a picture.
_ANY_LENGTH = 10_000
_EM_A_ROW = 1.6
_SMALLEST_EM = 32.0


@dataclass(frozen=True)
class RenderSettings:
    """What decides every line that is drawn; all are plain values, which another process can be given.

    Attributes:
        fonts: Folders, archives and font files, or `system`.
        families: Only these; empty takes all, as for the next two.
        categories: Only these kinds of typefaces.
        slopes: `normal`, `italic`.
        weights: Least and greatest weight.
        texts: Text files and folders of them.
        languages: Only texts of these names; empty takes all.
        kinds: How often each kind of text is drawn: `sentences` or one of `strings.STRINGS`; empty leaves it to the
            domains.
        whole_lines: Draw lines of the texts as they stand instead of pieces of them.
        domains: How often each of `line_domains.DOMAINS` is drawn; empty takes those that have the looks.
        looks: How often each of `line_looks.LOOKS` is drawn; empty leaves it to the domains.
        characters: What may be drawn; `all` is whatever the fonts have.
        missing: What to do about characters of the texts that no font has: `skip` leaves them out, `refuse` is an
            error.
        part: Fonts and sentences for training, held back from it, or all.
        colour: RGB pictures instead of grey ones.
        seed: Decides the rest.
    """

    fonts: tuple[str, ...]
    families: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    slopes: tuple[str, ...] = ()
    weights: tuple[int, int] = (1, 1000)
    texts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    kinds: Mapping[str, float] = field(default_factory=dict)
    whole_lines: bool = False
    domains: Mapping[str, float] = field(default_factory=dict)
    looks: Mapping[str, float] = field(default_factory=dict)
    characters: str = LATIN_CHARACTERS
    missing: Missing = "skip"
    part: Part = "all"
    colour: bool = False
    seed: int = 0

    def open(self) -> LineWorkshop:
        """Opens fonts and texts.

        Raises:
            UsageError: A setting is unknown or at odds with another.
            DataError: Fonts or texts cannot be used, or are lacking characters that may not be left out.
        """
        self._check()
        fonts = self.open_fonts()
        texts = open_texts(self.texts, languages=self.languages or None) if self.texts else ()
        known = set().union(*(font.characters for font in fonts))
        allowed = known if self.characters == ALL_CHARACTERS else known & set(self.characters)
        if not any(map(str.strip, allowed)):
            raise DataError(f"None of the {len(fonts)} fonts draws any of the characters asked for; give other fonts.")
        _tell_missing(texts, allowed, self.missing)
        domains = self._domains()
        return LineWorkshop(
            fonts,
            texts,
            # In a fixed order, for chance may go through it.
            charset="".join(sorted(allowed)),
            domains=self.domains or {name: MIXTURE.get(name, 1.0) for name in domains},
            known=domains,
            whole_lines=self.whole_lines,
            seed=self.seed,
            part=self.part,
            channels=3 if self.colour else 1,
        )

    def open_fonts(self) -> FontCollection:
        """Opens the fonts and takes those that are asked for.

        Raises:
            DataError: They cannot be used, or none is left.
        """
        collection = FontCollection.gather(self.fonts)
        fonts = collection
        if self.families:
            fonts = fonts.select(families={font.family for name in self.families for font in collection.find(name)})
        fonts = fonts.select(
            categories=[Category(name) for name in self.categories] or None,
            styles=self.slopes or None,
            weights=self.weights,
        )
        if self.part != "all":
            fonts = fonts.training_families() if self.part == "train" else fonts.held_back_families()
        if not len(fonts):
            raise DataError(
                f"None of the {len(collection)} fonts is of the families, categories, slopes, weights and part that "
                "are asked for; ask for more."
            )
        return fonts

    def facts(self) -> dict[str, Any]:
        """The settings as JSON values, with what the fonts and texts are, so that the same facts draw the same lines.

        Raises:
            DataError: Fonts or texts cannot be used.
        """
        texts = open_texts(self.texts, languages=self.languages or None) if self.texts else ()
        return {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()},
            "fonts": FontCollection.gather(self.fonts).identity,
            "texts": [[file.language, sha256_of(file.path)] for file in texts],
        }

    def _check(self) -> None:
        known = {
            "category": (self.categories, [category.value for category in Category]),
            "slope": (self.slopes, ["normal", "italic"]),
            "style": (self.looks, list(LOOKS)),
            "domain": (self.domains, list(DOMAINS)),
            "kind of text": (self.kinds, [SENTENCES, *STRINGS]),
            "part": ([self.part], list(get_args(Part))),
            "way with missing characters": ([self.missing], list(get_args(Missing))),
        }
        for what, (given, names) in known.items():
            for name in given:
                if name not in names:
                    raise UsageError(f"There is no {what} {name!r}; choose from {', '.join(names)}.")
        if (self.whole_lines or self.kinds.get(SENTENCES)) and not self.texts:
            what = "Whole lines" if self.whole_lines else "Sentences"
            raise UsageError(f"{what} are asked for, but no text files are given; name some.")

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


def _tell_missing(texts: Sequence[TextFile], allowed: set[str], missing: Missing) -> None:
    used = {character for file in texts for _, line in file.lines for character in plain(line)}
    lacking = sorted(used - allowed)
    if not lacking:
        return
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    names = f"{' '.join(lacking[:_NAMED])}{more}"
    if missing == "refuse":
        raise DataError(f"No font draws {names}, which the texts have; give other fonts, or leave them out.")
    logger.warning("Words with these characters are left out, for they cannot be drawn: %s.", names)


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
    step = (width - _GAP) // columns
    room = step - _GAP
    cells = [_cell(line, room, captions, boxes) for line in lines]
    rows = math.ceil(len(cells) / columns)
    heights = [max(cell.height for cell in cells[row * columns : (row + 1) * columns]) for row in range(rows)]
    sheet = Image.new("RGB", (width, sum(heights) + _GAP * (rows + 1)), _PAPER)
    top = _GAP
    for row, height in enumerate(heights):
        for column, cell in enumerate(cells[row * columns : (row + 1) * columns]):
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
