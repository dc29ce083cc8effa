"""Small font families for tests, made from the one font that Pillow brings (Aileron, CC0): ASCII and a little more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import ImageFont

from typecase.synthesis.fonts import Category

Change = Callable[[Any], None]


def font_bytes(change: Change | None = None) -> bytes:
    """A font file; `change` may alter it as fontTools shows it."""
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    assert isinstance(face.path, io.BytesIO)
    content = face.path.getvalue()
    if change is None:
        return content
    font = TTFont(io.BytesIO(content), recalcTimestamp=False)
    change(font)
    changed = io.BytesIO()
    font.save(changed)
    return changed.getvalue()


def family(
    root: Path,
    name: str,
    *,
    category: Category | None = Category.SANS_SERIF,
    change: Change | None = None,
    weight: int = 400,
    style: str = "normal",
) -> Path:
    """Writes a family of one font below `root`; without a category, no METADATA.json. Gives the font's path."""
    path = root / name / f"{name.title()}-Regular.ttf"
    path.parent.mkdir(parents=True)
    path.write_bytes(font_bytes(change))
    if category is not None:
        facts = {
            "name": name,
            "category": category.value.replace("-", " ").title(),
            "fonts": [{"filename": path.name, "style": style, "weight": weight}],
        }
        (path.parent / "METADATA.json").write_text(json.dumps(facts))
    return path


def without(characters: str) -> Change:
    """Takes characters out of the font."""

    def change(font: Any) -> None:
        for table in font["cmap"].tables:
            for character in characters:
                table.cmap.pop(ord(character), None)

    return change


def drawn_as(pairs: dict[str, str]) -> Change:
    """Draws each key with the glyph of its value; `.notdef` may be a value."""

    def change(font: Any) -> None:
        best = dict(font.getBestCmap())
        for table in font["cmap"].tables:
            for character, other in pairs.items():
                table.cmap[ord(character)] = other if len(other) > 1 else best[ord(other)]

    return change


def one_case(font: Any) -> None:
    """Draws every small letter with the glyph of its capital."""
    drawn_as({chr(code): chr(code).upper() for code in range(ord("a"), ord("z") + 1)})(font)


def emptied(character: str) -> Change:
    """Leaves a character mapped but takes its outline away."""

    def change(font: Any) -> None:
        font["glyf"][font.getBestCmap()[ord(character)]] = type(font["glyf"]["space"])()

    return change
