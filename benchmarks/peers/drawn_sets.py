"""Draws the lines that no training ever saw: clean ones, and words on signs as if photographed.

Families and sentences are those that are always held back. The signs come from the code below and not from the
renderer's looks, which draw the words to train on: what a board is made of, how the camera stands to it and how light
falls are laid out in another way here, so that a reader is not measured by the very hand that taught it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from peers.line_sets import NewLine
from typecase.charset import LATIN_CHARACTERS
from typecase.datasets.lines import Piece, clean_text
from typecase.errors import DataError
from typecase.synthesis.fonts import Category, Font, FontCollection
from typecase.synthesis.line import LineFace, set_line
from typecase.synthesis.line_style import LineStyle

LANGUAGES = ("en", "de", "fr", "es", "pt", "nl")
CLEAN_LINES = 240
"""Lines of each language."""
SCENE_WORDS = 1500
SEED = 20261122

_HELD_BACK_SENTENCES = 10
_LONGEST = 64

MONOSPACE = ("hack/Hack-*.ttf", "jetbrains-mono/JetBrainsMono-*.ttf", "freefont/FreeMono*.ttf")
"""Typefaces of one width, below /usr/share/fonts/truetype: in the shared fonts no such family is held back, and these
are in no recipe."""

_SYSTEM_FONTS = Path("/usr/share/fonts/truetype")

Floats = npt.NDArray[np.float32]


def monospace_fonts(folder: Path = _SYSTEM_FONTS) -> list[Font]:
    """The system's typefaces of one width that measure.

    Raises:
        DataError: One of them is not installed.
    """
    found = []
    for pattern in MONOSPACE:
        files = sorted(folder.glob(pattern))
        if not files:
            raise DataError(
                f"There is no {folder / pattern}; on Debian run "
                "`apt-get install fonts-hack fonts-jetbrains-mono fonts-freefont-ttf`."
            )
        opened = {font.path: font for font in FontCollection.open(files[0].parent)}
        found += [replace(opened[file], category=Category.MONOSPACE) for file in files if file in opened]
    return found


def held_back_sentences(file: Path) -> list[str]:
    """The sentences of a file that training leaves out, as far as the Latin characters go."""
    sentences = file.read_text(encoding="utf-8").splitlines()[::_HELD_BACK_SENTENCES]
    known = set(LATIN_CHARACTERS)
    return [text for text in map(_with_quotes, map(clean_text, sentences)) if text and known.issuperset(text)]


def _with_quotes(text: str) -> str:
    """Puts one mark where a corpus writes two characters for it, which nobody could tell from the mark in print."""
    return re.sub(r"(?<!,),,(?=\w)", "„", text.replace("``", "“").replace("''", "”"))


def in_lines(sentence: str) -> list[str]:
    """Breaks a sentence into lines of at most 64 characters."""
    lines = [""]
    for word in sentence.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LONGEST:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def clean_lines(fonts: FontCollection, texts: Path) -> Iterator[NewLine]:
    """Black lines on white in serif, sans and mono typefaces, 22 to 48 pixels an em.

    Args:
        fonts: All fonts; the families that are held back are taken.
        texts: Folder with a file `LANGUAGE.txt` for each language.
    """
    choices = [
        _usable(fonts.held_back_families().select(categories=[Category.SERIF])),
        _usable(fonts.held_back_families().select(categories=[Category.SANS_SERIF])),
        _usable(monospace_fonts()),
    ]
    for place, language in enumerate(LANGUAGES):
        generator = np.random.default_rng([SEED, place])
        lines = [line for one in held_back_sentences(texts / f"{language}.txt") for line in in_lines(one)]
        for count, number in enumerate(generator.permutation(len(lines))[:CLEAN_LINES]):
            text = lines[number]
            covering = [font for font in choices[count % len(choices)] if not font.missing(text)]
            if not covering:
                continue
            font = covering[int(generator.integers(len(covering)))]
            em = float(generator.uniform(22, 48))
            ink = set_line(LineFace(font, em), text, margin=float(generator.uniform(0.05, 0.4)))
            characters = tuple(
                Piece(one, (float(x), float(y), float(w), float(h)))
                for one, (x, y, w, h) in zip(ink.text, ink.boxes, strict=True)
            )
            meta = {"font": font.path.name, "category": str(font.category), "em": round(em, 1)}
            page = f"{language} {count}"
            yield NewLine(Image.fromarray(255 - ink.coverage), ink.text, page, language, characters, meta)


def scene_words(fonts: FontCollection, texts: Path) -> Iterator[NewLine]:
    """Words of letters and digits on signs, boards and posters, as a camera sees them.

    Args:
        fonts: All fonts; the families that are held back are taken, of every category.
        texts: Folder with `en.txt`.
    """
    choices = _usable(fonts.held_back_families())
    sentences = held_back_sentences(texts / "en.txt")
    words = sorted({word for sentence in sentences for word in re.findall(r"\b[A-Za-z]{2,13}\b", sentence)})
    for number in range(SCENE_WORDS):
        generator = np.random.default_rng([SEED, 100, number])
        text = _sign_text(words, generator)
        font = choices[int(generator.integers(len(choices)))]
        board, boxes, shown, meta = _board(font, text, choices, generator)
        pixels = _photographed(board, boxes, generator)
        meta |= {"font": font.path.name, "category": str(font.category)}
        yield NewLine(Image.fromarray(pixels), shown, f"word {number}", meta=meta)


def _usable(fonts: Iterable[Font]) -> list[Font]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz 0123456789"
    return [font for font in fonts if not font.has_one_case and not font.missing(letters)]


def _sign_text(words: Sequence[str], generator: np.random.Generator) -> str:
    kind = generator.random()
    if kind < 0.12:
        return str(generator.integers(1, 10 ** int(generator.integers(1, 5))))
    word = words[int(generator.integers(len(words)))]
    if kind < 0.55:
        return word.upper()
    return word.capitalize() if kind < 0.85 else word.lower()


def _board(
    font: Font, text: str, fonts: Sequence[Font], generator: np.random.Generator
) -> tuple[Floats, Floats, str, dict[str, str]]:
    """A flat sign seen from the front: pixels 0..255 [height, width, 3], boxes of the word's characters, the word."""
    spacing = float(generator.choice([0.0, 0.0, 0.05, 0.15, 0.3]))
    ink = set_line(LineFace(font, 72), text, LineStyle(letter_spacing=spacing), margin=0.1)
    pad_x, above, below = (int(72 * generator.uniform(0.3, 1.3)) for _ in range(3))
    height, width = ink.coverage.shape[0] + above + below, ink.coverage.shape[1] + 2 * pad_x
    paint, letters = _colours(generator)
    board = np.empty((height, width, 3), np.float32)
    board[:] = paint
    ground = str(generator.choice(["plain", "shaded", "planks", "tiles", "collage"], p=[0.4, 0.2, 0.12, 0.08, 0.2]))
    _cover_ground(board, ground, generator)
    if generator.random() < 0.4:
        thickness = int(generator.integers(2, 9))
        inset = int(generator.integers(2, 14))
        frame = letters.tolist() if generator.random() < 0.5 else generator.integers(0, 256, 3).tolist()
        cv2.rectangle(board, (inset, inset), (width - inset, height - inset), frame, thickness)
    if generator.random() < 0.35:
        # Another line of the same sign, part of which stays in the cut.
        other = set_line(LineFace(fonts[int(generator.integers(len(fonts)))], 34), "Open daily 9 to 18 h", margin=0.0)
        top = above + ink.coverage.shape[0] if generator.random() < 0.5 else above - other.coverage.shape[0]
        _lay(board, other.coverage, letters, int(generator.integers(0, max(1, width // 2))), top)
    mask: Floats = np.asarray(ink.coverage / np.float32(255), np.float32)
    style = str(generator.choice(["flat", "outlined", "raised", "neon", "hollow"], p=[0.5, 0.15, 0.15, 0.12, 0.08]))
    window = board[above : above + mask.shape[0], pad_x : pad_x + mask.shape[1]]
    _paint_letters(window, mask, letters, style, generator)
    boxes = ink.boxes + np.array([pad_x, above, 0, 0], np.float32)
    return np.clip(board, 0, 255), boxes.astype(np.float32), ink.text, {"ground": ground, "letters": style}


def _colours(generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Colours of board and letters, told apart well enough."""
    while True:
        paint, letters = generator.uniform(0, 255, (2, 3)).astype(np.float32)
        if generator.random() < 0.3:
            paint = np.full(3, paint.mean(), np.float32)
        if generator.random() < 0.4:
            letters = np.full(3, 250 if paint.mean() < 128 else 12, np.float32)
        if abs(float((paint - letters) @ np.array([0.299, 0.587, 0.114], np.float32))) > 60:
            return paint, letters


def _cover_ground(board: Floats, ground: str, generator: np.random.Generator) -> None:
    height, width = board.shape[:2]
    if ground == "shaded":
        ramp = np.linspace(-45, 45, height, dtype=np.float32) * float(generator.choice([-1, 1]))
        board += ramp[:, None, None]
    elif ground == "planks":
        step = int(generator.integers(18, 50))
        board += generator.normal(0, 9, (height, 1, 1)).astype(np.float32)
        board[::step] -= 35
    elif ground == "tiles":
        step = int(generator.integers(20, 60))
        board[::step] += 28
        board[:, ::step] += 28
    elif ground == "collage":
        # Colours near the board's own, or letters of any colour could not be read on them.
        for _ in range(int(generator.integers(3, 12))):
            centre = generator.uniform(0, 1, 2) * (width, height)
            axes = generator.uniform(0.05, 0.5, 2) * (width, height)
            colour = np.clip(board[0, 0] + generator.normal(0, 22, 3), 0, 255).tolist()
            turned = float(generator.uniform(0, 180))
            cv2.ellipse(board, centre.astype(int).tolist(), axes.astype(int).tolist(), turned, 0, 360, colour, -1)


def _lay(board: Floats, coverage: npt.NDArray[np.uint8], colour: Floats, left: int, top: int) -> None:
    first, last = max(0, top), min(board.shape[0], top + coverage.shape[0])
    right = min(board.shape[1], left + coverage.shape[1])
    if last <= first or right <= left:
        return
    mask = coverage[first - top : last - top, : right - left, None].astype(np.float32) / 255
    board[first:last, left:right] += mask * (colour - board[first:last, left:right])


def _paint_letters(window: Floats, mask: Floats, colour: Floats, style: str, generator: np.random.Generator) -> None:
    if style == "outlined":
        wide = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        edge = np.full(3, 255.0 if colour.mean() < 128 else 0.0, np.float32)
        window += wide[..., None] * (edge - window)
    elif style == "raised":
        x, y = (int(value) for value in generator.integers(2, 7, 2) * generator.choice([-1, 1], 2))
        cast = cv2.GaussianBlur(np.roll(mask, (y, x), (0, 1)), (0, 0), float(generator.uniform(0.6, 3)))
        window *= 1 - 0.6 * cast[..., None]
    elif style == "neon":
        window *= 0.25
        glow = cv2.GaussianBlur(mask, (0, 0), 7)[..., None]
        colour = np.asarray(np.clip(colour + (255 - colour.max()), 0, 255), np.float32)
        window += glow * colour * 0.5
    elif style == "hollow":
        mask = np.clip(mask - cv2.erode(mask, np.ones((5, 5), np.uint8)), 0, 1)
        if mask.mean() < 0.02:
            return
    window += mask[..., None] * (colour - window)


def _photographed(board: Floats, boxes: Floats, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The cut of the word out of a photograph of the board."""
    height, width = board.shape[:2]
    if generator.random() < 0.15:
        board, boxes = _bent(board, boxes, float(generator.uniform(-0.25, 0.25)))
    target = float(generator.uniform(18, 80)) / float(np.median(boxes[:, 3]))
    matrix = _camera(width, height, target, generator)
    corners = np.concatenate([boxes[:, :2] + boxes[:, 2:] * np.array(c, np.float32) for c in np.ndindex(2, 2)])
    seen = cv2.perspectiveTransform(corners[None], matrix)[0]
    (left, top), (right, bottom) = seen.min(axis=0), seen.max(axis=0)
    margins = generator.uniform(0, 0.2, 4) * (bottom - top)
    left, top, right, bottom = left - margins[0], top - margins[1], right + margins[2], bottom + margins[3]
    size = max(4, round(float(right - left))), max(4, round(float(bottom - top)))
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    # First seen twice as large, then brought down: a warp alone would leave out thin strokes.
    large = cv2.warpPerspective(
        board,
        np.diag([2.0, 2.0, 1.0]) @ shift @ matrix,
        (2 * size[0], 2 * size[1]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    picture = cv2.resize(large, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return _lit_and_sensed(picture, generator)


def _camera(width: int, height: int, scale: float, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """The homography of a board seen by a camera that stands aslant to it."""
    yaw, pitch, roll = np.radians(generator.normal(0, (16, 9, 3))).clip(-0.8, 0.8)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turned = about_z @ about_x @ about_y
    distance = 1.6 * max(width, height)
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    plane = np.stack([turned[:, 0], turned[:, 1], np.array([0, 0, distance])], axis=1)
    lens = np.diag([distance * scale, distance * scale, 1.0])
    matrix: npt.NDArray[np.float64] = lens @ plane @ centred
    return matrix


def _bent(board: Floats, boxes: Floats, strength: float) -> tuple[Floats, Floats]:
    """The board with its lines bent to an arc; boxes move with the middle of each character."""
    height, width = board.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)
    lift = strength * height * across**2
    grid = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = cv2.remap(board, grid[0], grid[1] - lift[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    boxes = boxes.copy()
    boxes[:, 1] += lift[np.clip((boxes[:, 0] + boxes[:, 2] / 2).astype(int), 0, width - 1)]
    return np.asarray(bent, np.float32), boxes


def _lit_and_sensed(picture: Floats, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(max(height, width))
    if generator.random() < 0.4:
        angle = generator.uniform(0, 2 * np.pi)
        picture = picture * (1 + generator.uniform(0.1, 0.6) * (x * np.cos(angle) + y * np.sin(angle)))[..., None]
    if generator.random() < 0.15:
        # The shadow of a pole or a roof.
        edge = x * generator.uniform(-1, 1) + y - generator.uniform(0, 0.5)
        picture = picture * np.where(edge > 0, 1.0, generator.uniform(0.45, 0.8))[..., None]
    if generator.random() < 0.12:
        spot = np.exp(-((x - generator.random()) ** 2 + (y - 0.2 * generator.random()) ** 2) / 0.02)
        picture = picture + (110 * spot)[..., None]
    blur = float(generator.choice([0.0, 0.5, 0.9, 1.4], p=[0.35, 0.3, 0.25, 0.1])) * height / 40
    if blur > 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    grain = generator.normal(0, generator.uniform(0, 9), picture.shape)
    gain, offset = generator.uniform(0.7, 1.15), generator.uniform(-15, 25)
    pixels = np.clip((picture + grain) * gain + offset, 0, 255).astype(np.uint8)
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "JPEG", quality=int(generator.integers(45, 96)))
    packed.seek(0)
    return np.asarray(Image.open(packed))
