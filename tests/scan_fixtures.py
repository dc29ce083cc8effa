"""A scan that the shipped models read: a few lines of print, drawn with the font that Pillow brings."""

from __future__ import annotations

from difflib import SequenceMatcher

from PIL import Image, ImageDraw, ImageFont

TEXTS = (
    "Invoice number 4711 of November",
    "The parcel was sent on Monday",
    "and will arrive within a week.",
    "Total: 1,234.50 EUR",
    "Many thanks for your order!",
)


def drawn_scan(texts: tuple[str, ...] = TEXTS, size: tuple[int, int] = (1240, 800)) -> Image.Image:
    """A page of A5 at 150 dots per inch with lines of text, black on white."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(34)
    for place, text in enumerate(texts):
        draw.text((120, 100 + 80 * place), text, 0, font)
    return image


def likeness(text: str, texts: tuple[str, ...] = TEXTS) -> float:
    """How like a text is what was drawn, 0 to 1; capitals and spaces do not count."""
    found, meant = ("".join(one.casefold().split()) for one in (text, "".join(texts)))
    return SequenceMatcher(None, found, meant, autojunk=False).ratio()
