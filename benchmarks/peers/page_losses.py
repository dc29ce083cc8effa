"""Where the words of a page are lost: not found, misread, run together, torn apart; and which were made up.

A word counts as lost when the score counts it so, by its text alone; the boxes only tell why. Of equal words those are
taken for lost beside which no equal one was read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from peers.page_readers import PageAnswer
from peers.page_sets import TruePage
from typecase.datasets.line_sample import Box, Piece
from typecase.pictures import font_for
from typecase.text_score import confusions, normalize

Kind: TypeAlias = Literal["undetected", "misread", "joined", "split"]
KINDS: tuple[Kind, ...] = ("undetected", "misread", "joined", "split")
MEANINGS: dict[str, str] = {
    "undetected": "nothing was read there",
    "misread": "other characters were read there",
    "joined": "it was read, run together with a neighbour",
    "split": "it was read, torn into parts",
    "superfluous": "words read where there are none",
}

_TOUCHES = 0.3
"""Boxes touch that share this part of the smaller one."""
_COLOURS = {
    "undetected": "#d00000",
    "misread": "#e07000",
    "joined": "#9000c0",
    "split": "#c000a0",
    "superfluous": "#0060d0",
}
_SHEET_SIDE = 1800

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """A word that was lost, or one that was read in excess.

    Attributes:
        kind: Why it was lost; `superfluous` for one in excess.
        truth: The true word; empty for one in excess.
        read: What was read there.
        box: Where.
    """

    kind: str
    truth: str
    read: str
    box: Box


def page_losses(page: TruePage, answer: PageAnswer, folded: bool) -> list[Loss]:
    """Tells for each lost word of a page why it was lost, and adds the words that were read where none are.

    Args:
        page: What the page says, with boxes.
        answer: What was read, with boxes.
        folded: Whether case is left out of account.
    """
    true, read = _words(page.pieces, folded), _words(answer.pieces, folded)
    shared = _shared(true, read)
    lost = _in_excess(true, read, shared)
    excess = _in_excess(read, true, shared.T)
    found = []
    for place in lost:
        word = true[place]
        beside = sorted(np.flatnonzero(shared[place] >= _TOUCHES).tolist(), key=lambda other: read[other].box[0])
        texts = [read[other].text for other in beside]
        found.append(Loss(_kind(word.text, texts), word.text, " ".join(texts), word.box))
    for place in excess:
        if not len(true) or shared[:, place].max() < _TOUCHES:
            found.append(Loss("superfluous", "", read[place].text, read[place].box))
    return found


def _kind(word: str, beside: Sequence[str]) -> Kind:
    if not beside:
        return "undetected"
    if any(word in other and word != other for other in beside):
        return "joined"
    if len(beside) > 1 and word in "".join(beside):
        return "split"
    return "misread"


def _words(pieces: Iterable[Piece], folded: bool) -> list[Piece]:
    """The words of pieces, each with its share of the piece's width by the number of its characters."""
    found = []
    for piece in pieces:
        text = normalize(piece.text, folded)
        left, top, width, height = piece.box
        start = 0
        for word in text.split():
            start = text.index(word, start)
            box = (left + width * start / len(text), top, width * len(word) / len(text), height)
            found.append(Piece(word, box))
            start += len(word)
    return found


def _shared(one: Sequence[Piece], other: Sequence[Piece]) -> Floats:
    """The common area of each pair of boxes as a part of the smaller box, [len(one), len(other)]."""
    first, second = (np.array([piece.box for piece in pieces]).reshape(-1, 1, 4) for pieces in (one, other))
    second = second.transpose(1, 0, 2)
    sides = [
        np.minimum(first[..., i] + first[..., i + 2], second[..., i] + second[..., i + 2])
        - np.maximum(first[..., i], second[..., i])
        for i in (0, 1)
    ]
    common = np.maximum(sides[0], 0) * np.maximum(sides[1], 0)
    smaller = np.minimum(first[..., 2] * first[..., 3], second[..., 2] * second[..., 3])
    shared: Floats = common / np.maximum(smaller, 1e-9)
    return shared


def _in_excess(words: Sequence[Piece], others: Sequence[Piece], shared: Floats) -> list[int]:
    """The words whose text is there more often than among the others: those farthest from an equal one."""
    missing = Counter(word.text for word in words) - Counter(word.text for word in others)
    places = defaultdict(list)
    for place, word in enumerate(words):
        if word.text in missing:
            equal = [number for number, other in enumerate(others) if other.text == word.text]
            places[word.text].append((float(shared[place, equal].max()) if equal else 0.0, place))
    return sorted(place for text, found in places.items() for _, place in sorted(found)[: missing[text]])


def frequent_confusions(losses: Iterable[Loss], folded: bool, count: int = 15) -> list[tuple[str, str, int]]:
    """The characters most often read for others in misread words: what was true, what was read, how often."""
    pairs = Counter(
        pair
        for loss in losses
        if loss.kind == "misread" and 2 * abs(len(loss.truth) - len(loss.read)) <= len(loss.truth)
        for pair in confusions(loss.truth, loss.read, folded)
    )
    return [(true, read, number) for (true, read), number in pairs.most_common(count)]


def losses_picture(page: TruePage, losses: Sequence[Loss], title: str) -> Image.Image:
    """Draws a page with a frame around each loss, coloured by its kind, and what was read in its place."""
    with Image.open(page.picture.path) as opened:
        image = opened.convert("RGB")
    scale = min(3.0, _SHEET_SIDE / max(image.size))
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    head = 56
    sheet = Image.new("RGB", (image.width, image.height + head), "white")
    sheet.paste(image, (0, head))
    draw = ImageDraw.Draw(sheet)
    font, title = font_for(title, 22)
    draw.text((8, 4), title, "black", font)
    at = 8.0
    for kind, colour in _COLOURS.items():
        number = sum(loss.kind == kind for loss in losses)
        small, text = font_for(f"{kind}: {number}", 16)
        draw.text((at, 32), text, colour, small)
        at += small.getlength(text) + 20
    for loss in losses:
        left, top, width, height = (side * scale for side in loss.box)
        top += head
        draw.rectangle((left - 1, top - 1, left + width + 1, top + height + 1), outline=_COLOURS[loss.kind], width=2)
        small, text = font_for(loss.read, max(10, min(18, round(height * 0.6))))
        draw.text((left, top + height), text, _COLOURS[loss.kind], small)
    return sheet
