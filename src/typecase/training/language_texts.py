"""What a language model is made of: sentences, strings as documents have them, and the texts of receipts.

Nothing that is measured or validated with is among it: every tenth sentence, the receipts whose number is divisible by
ten, and those that validate in training a recogniser.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from typecase import __version__
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.datasets.line_sample import kept_apart
from typecase.datasets.lines import SroieLines
from typecase.decoding.language_model import LEAST_GAIN, ORDER, CharacterModel
from typecase.errors import UsageError
from typecase.synthesis.draws import Choice, chance, whole
from typecase.synthesis.line_domains import DOMAINS, MIXTURE
from typecase.synthesis.text import SENTENCES, TextFile, TextMixture, open_texts, sentences_of, upper

MOST_WORDS = 12
"""Sentences are cut into lines of at most so many words, as a page cuts them: a line's end is no sentence's."""

STRINGS = 100_000
"""How many strings are drawn."""

VALIDATION = 0.1
"""The share of receipts that validate in training a recogniser."""

# How many of the sentences are given in capitals as well.
_CAPITALS = 0.5

# How many of the receipts' lines, which are in capitals, are given with large first letters as well, and in small ones.
_TITLE, _SMALL = 0.35, 0.15

# Kinds of strings in which nothing follows from anything.
_SHAPELESS = ("random-characters", "single-character")


@dataclass(frozen=True)
class LanguageSources:
    """Where the texts of a language model come from.

    Attributes:
        texts: Files or folders of sentences.
        receipts: A folder with receipts of SROIE; None takes none.
        strings: How many strings are drawn.
        seed: Decides every chance.
    """

    texts: tuple[Path, ...] = ()
    receipts: Path | None = None
    strings: int = STRINGS
    seed: int = 0

    def lines(self, characters: Collection[str] = LATIN_CHARACTERS) -> Iterator[str]:
        """Gives all lines.

        Args:
            characters: What may stand in them.

        Raises:
            DataError: A source cannot be used.
        """
        if self.texts:
            yield from sentence_lines(open_texts(self.texts), characters=characters, seed=self.seed)
        if self.strings:
            yield from string_lines(self.strings, characters=characters, seed=self.seed)
        if self.receipts is not None:
            yield from receipt_lines(self.receipts, seed=self.seed)


def train_language_model(
    sources: LanguageSources, classes: ClassSet, *, order: int = ORDER, least_gain: float = LEAST_GAIN
) -> CharacterModel:
    """Makes a language model for a recogniser.

    Args:
        sources: What it is made of.
        classes: The recogniser's characters.
        order: See `CharacterModel.train`.
        least_gain: See `CharacterModel.train`.

    Raises:
        DataError: A source cannot be used, or there is no text in them.
        UsageError: There are no sources, or a number is out of range.
    """
    if not sources.texts and not sources.strings and sources.receipts is None:
        raise UsageError("There is nothing to make a language model of; name texts, receipts, or a number of strings.")
    characters = frozenset(name for name in classes.names if len(name) == 1)
    about = {
        "texts": sorted(file.path.name for file in open_texts(sources.texts)) if sources.texts else [],
        "receipts": sources.receipts is not None,
        "strings": sources.strings,
        "seed": sources.seed,
        "least-gain": least_gain,
        "typecase": __version__,
    }
    return CharacterModel.train(sources.lines(characters), classes, order, least_gain=least_gain, about=about)


def sentence_lines(
    files: Sequence[TextFile], *, characters: Collection[str] = LATIN_CHARACTERS, seed: int = 0
) -> Iterator[str]:
    """Gives all sentences but the tenth ones, cut into lines: as they stand, and half of them in capitals as well.

    Args:
        files: From `typecase.synthesis.text.open_texts`.
        characters: What may stand in a text; a language that would lose a fifth of its words is left out.
        seed: Decides where lines end, and which are given in capitals too.
    """
    generator = np.random.default_rng([seed, 0])
    for file in files:
        for words in sentences_of(file, "train", characters):
            start = 0
            while start < len(words):
                end = start + whole(generator, 1, MOST_WORDS)
                line = " ".join(words[start:end])
                yield line
                if chance(generator, _CAPITALS):
                    yield upper(line, file.language)
                start = end


def string_lines(count: int, *, characters: Collection[str] = LATIN_CHARACTERS, seed: int = 0) -> Iterator[str]:
    """Draws strings that documents are made of, as often as lines are drawn of them for training.

    Args:
        count: How many.
        characters: What may stand in them.
        seed: Decides the rest.
    """
    generator = np.random.default_rng([seed, 1])
    mixtures = {}
    for name, share in MIXTURE.items():
        domain = DOMAINS[name]
        kinds = {kind: weight for kind, weight in domain.texts.items() if kind not in (SENTENCES, *_SHAPELESS)}
        mixture = TextMixture(kinds, characters=characters, max_characters=domain.max_characters)
        mixtures[mixture] = share * sum(kinds.values()) / sum(domain.texts.values())
    choice = Choice(mixtures)
    for _ in range(count):
        yield choice.draw(generator).sample(generator)


def receipt_lines(folder: Path, *, seed: int = 0) -> Iterator[str]:
    """Gives the lines of SROIE's receipts that a recogniser learns from: in capitals, and some in other cases as well.

    Args:
        folder: With `img` and `box`; the pictures are not opened.
        seed: Decides which are given in other cases too.

    Raises:
        DataError: There are no such receipts.
    """
    generator = np.random.default_rng([seed, 2])
    for line in SroieLines(folder, "train"):
        if kept_apart(line.name, VALIDATION):
            continue
        yield line.text
        draw = generator.random()
        if draw < _TITLE:
            yield line.text.title()
        elif draw < _TITLE + _SMALL:
            yield line.text.lower()
