"""Makes a recogniser's confidences worth trusting: maps for characters, words and lines, fitted to its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from typecase.decoding.confidence import ConfidenceMap
from typecase.text_score import score_line
from typecase.training.line_evaluation import ReadLine, word_answers

LEAST_ANSWERS = 200
"""A level with fewer answers, or with fewer than ten wrong ones, keeps the probabilities as they are."""

_LEAST_WRONG = 10


def fit_confidence_maps(lines: Iterable[ReadLine]) -> dict[str, tuple[float, ...]]:
    """Fits the maps of a model's card to lines whose text is known.

    The lines must be none that the model was trained on, and none that its figures are told of.

    Args:
        lines: What was read by the same model without maps (`ModelCard.confidence_maps` empty), with the truth.

    Returns:
        The numbers of the map for each level that there were enough answers for.
    """
    # Of each answer: how sure it is, whether it is right, and of how many characters it is.
    answers: dict[str, list[tuple[float, bool, int]]] = {"character": [], "word": [], "line": []}
    for line in lines:
        answers["character"] += [(sure, right, 1) for sure, right in character_answers(line)]
        answers["word"] += [(word.confidence, right, len(word.characters)) for word, right in word_answers(line)]
        if line.line.words:
            whole = score_line(line.truth, line.line.text, line.folded).right
            size = sum(len(word.characters) for word in line.line.words)
            answers["line"].append((line.line.confidence, whole, size))
    maps: dict[str, tuple[float, ...]] = {}
    for level, found in answers.items():
        if len(found) >= LEAST_ANSWERS and sum(not right for _, right, _ in found) >= _LEAST_WRONG:
            confidences, rights, sizes = (np.array(values) for values in zip(*found, strict=True))
            characters = None if level == "character" else sizes.astype(np.float64)
            maps[level] = ConfidenceMap.fit(confidences, rights, characters).numbers
    return maps


def character_answers(line: ReadLine) -> Sequence[tuple[float, bool]]:
    """Tells of each character that was read, spaces apart, how sure it is, and whether it is right.

    It is right when an alignment of the line with the truth pairs it with an equal one; characters are compared as
    they are, for folding their forms could change their number, but for their case where it is left out of account.
    """
    truth, read = line.truth, line.line.text
    if line.folded:
        truth, read = _upper(truth), _upper(read)
    # The alignment tells which stretches of the reading are equal to the truth.
    equal: set[int] = set()
    for block in Levenshtein.opcodes(truth, read):
        if block.tag == "equal":
            equal.update(range(block.dest_start, block.dest_end))
    found = []
    place = 0
    for word in line.line.words:
        for character in word.characters:
            found.append((character.confidence, place in equal))
            place += len(character.text)
        place += 1
    return found


def _upper(text: str) -> str:
    # Only where it stays one character: ß would become two.
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in text)
