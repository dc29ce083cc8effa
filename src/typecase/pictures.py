"""Draws pictures about pictures, with Pillow alone: one with its answer as a title, or many on a contact sheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from typecase.errors import UsageError
from typecase.files import atomic_write

PLOT_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""File name endings of the pictures that can be written."""

_PAPER, _INK, _FAINT, _FRAME = "#ffffff", "#1a1a1a", "#6b6b6b", "#c8c8c8"
_MARGIN = 12
_SMALLEST_FONT = 9

# Pillow's own font has little more than ASCII. For other scripts a font of the system is looked for under the names
# that Linux, macOS and Windows give to the ones with the widest reach.
_WIDER_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf", "segoeui.ttf")

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def titled(image: Image.Image, title: str, note: str = "", *, side: int = 320) -> Image.Image:
    """Shows a picture under its title.

    Args:
        image: Any picture of mode "L" or "RGB".
        title: One line above it.
        note: One smaller line below it.
        side: Pixels of the picture's longer side; smaller pictures are enlarged.

    Returns:
        An RGB picture, wide enough for the title.
    """
    shown = _fitted(image, side, side)
    title_font, title = font_for(title, side // 9)
    note_font, note = font_for(note, max(_SMALLEST_FONT, side // 20))
    width = max(side, round(title_font.getlength(title)), round(note_font.getlength(note))) + 2 * _MARGIN
    title_height, note_height = side // 6, side // 12 if note else 0
    height = title_height + shown.height + note_height + 2 * _MARGIN
    page = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((width // 2, _MARGIN + title_height // 2), title, _INK, title_font, anchor="mm")
    _place(page, shown, (width - shown.width) // 2, _MARGIN + title_height)
    if note:
        draw.text((width // 2, height - _MARGIN - note_height // 2), note, _FAINT, note_font, anchor="mm")
    return page


def contact_sheet(items: Sequence[tuple[Image.Image | None, str]], *, columns: int = 8, side: int = 112) -> Image.Image:
    """Shows many pictures in rows, each with a caption.

    Args:
        items: Each picture, of mode "L" or "RGB" (None leaves its place empty), and the line below it, which is set
            smaller or cut when it is too wide.
        columns: The most pictures in a row.
        side: Pixels of the square that each picture is fitted into.

    Returns:
        An RGB picture.

    Raises:
        ValueError: There is nothing to show, or no column to show it in.
    """
    if not items or columns < 1:
        raise ValueError(f"a contact sheet of {len(items)} pictures in {columns} columns")
    columns = min(columns, len(items))
    rows = -(-len(items) // columns)
    caption = max(16, side // 6)
    step_x, step_y = side + _MARGIN, side + caption + _MARGIN
    page = Image.new("RGB", (columns * step_x + _MARGIN, rows * step_y + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(page)
    for number, (image, text) in enumerate(items):
        row, column = divmod(number, columns)
        left, top = _MARGIN + column * step_x, _MARGIN + row * step_y
        if image is None:
            draw.rectangle((left - 1, top - 1, left + side, top + side), outline=_FRAME)
        else:
            shown = _fitted(image, side, side)
            _place(page, shown, left + (side - shown.width) // 2, top + (side - shown.height) // 2)
        font, text = _font_within(text, round(caption * 0.8), step_x - 4)
        draw.text((left + side // 2, top + side + caption // 2 + 2), text, _INK, font, anchor="mm")
    return page


def check_plot_path(path: str | os.PathLike[str]) -> None:
    """Says before the work whether `save_picture` will know what to write.

    Raises:
        UsageError: The file's name ends in nothing that can be written.
    """
    if Path(path).suffix.lower() not in PLOT_SUFFIXES:
        raise UsageError(
            f"{os.fspath(path)} does not say what kind of picture to write; end its name in {', '.join(PLOT_SUFFIXES)}."
        )


def save_picture(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a picture in the format that the file's name says, whole or not at all.

    Raises:
        UsageError: The file's name ends in nothing that can be written.
        OutputError: The file cannot be written.
    """
    check_plot_path(path)
    with atomic_write(path) as temporary:
        image.save(temporary)


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture as large as the box allows, its sides in proportion."""
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Enlarged pixels are shown as they are: this is what the net was given.
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    return image.convert("RGB").resize(size, way, reducing_gap=2.0)


def _place(page: Image.Image, image: Image.Image, left: int, top: int) -> None:
    page.paste(image, (left, top))
    ImageDraw.Draw(page).rectangle((left - 1, top - 1, left + image.width, top + image.height), outline=_FRAME)


def _font_within(text: str, size: int, width: int) -> tuple[_Font, str]:
    """A font, and the text in it, that fit a width: set smaller first, then cut."""
    font, shown = font_for(text, size)
    while font.getlength(shown) > width and size > _SMALLEST_FONT:
        size -= 1
        font, shown = font_for(text, size)
    if font.getlength(shown) <= width:
        return font, shown
    while shown and font.getlength(f"{shown}...") > width:
        shown = shown[:-1]
    return font, f"{shown}..."


def font_for(text: str, size: int) -> tuple[_Font, str]:
    """A font that has the characters of a text, and the text; what no font has is shown by its number."""
    if not text.isascii():
        for name in _WIDER_FONTS:
            try:
                return ImageFont.truetype(name, size), text
            except OSError:
                continue
        text = "".join(one if one.isascii() else _ASCII.get(one, f"U+{ord(one):04X}") for one in text)
    return ImageFont.load_default(size), text


_ASCII = {"→": "->", "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\u202f": " ", "×": "x", "’": "'"}
