"""What a language model is made of: sentences, words by their frequency, strings as documents have them, receipts.

Nothing that is measured or validated with is among it: every tenth sentence, the receipts whose number is divisible by
ten, and those that validate in training a recogniser.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from typecase import __version__
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.datasets.line_sample import kept_apart
from typecase.datasets.lines import SroieLines
from typecase.decoding.dictionary import Dictionary, folded
from typecase.decoding.language_model import LEAST_COUNT, LEAST_GAIN, ORDER, CharacterModel
from typecase.errors import DataError, MissingExtraError, UsageError
from typecase.synthesis.draws import Choice, chance, whole
from typecase.synthesis.line_domains import DOMAINS, MIXTURE
from typecase.synthesis.prose import dashed
from typecase.synthesis.text import SENTENCES, TextFile, TextMixture, open_texts, sentences_of, upper

MOST_WORDS = 12
"""Sentences are cut into lines of at most so many words, as a page cuts them: a line's end is no sentence's."""

WORDS: Mapping[str, int] = dict.fromkeys("en de fr es pt nl it".split(), 160_000) | dict.fromkeys(
    "ca cs da fi hu is lt lv nb pl ro sh sk sl sv tr".split(), 5_000
)
"""How many words are drawn of each language that they can be drawn of, by its code in wordfreq."""

STRINGS = 300_000
"""How many strings are drawn."""

VALIDATION = 0.1
"""The share of receipts that validate in training a recogniser."""

# How many of the sentences are given in capitals as well.
_CAPITALS = 0.5

# How many lines of sentences, and of words, have a dash between words as books do, which the files hardly have.
_DASHED, _DASHED_WORDS = 0.05, 0.03

# How many lines of words are given in capitals, and how many words of the others with a large first letter: such as
# begin sentences and titles, names, and the nouns of German.
_WORDS_CAPITALS = 0.12
_LARGE = 0.3
_LARGE_OF = {"de": 0.5}

# How many of the receipts' lines, which are in capitals, are given with large first letters as well, and in small ones.
_TITLE, _SMALL = 0.35, 0.15

_LETTERS = re.compile(r"[^\W\d_]+")

# Kinds of strings in which nothing follows from anything.
_SHAPELESS = ("random-characters", "single-character")


@dataclass(frozen=True)
class LanguageSources:
    """Where the texts of a language model come from.

    Attributes:
        texts: Files or folders of sentences.
        receipts: A folder with receipts of SROIE; None takes none.
        strings: How many strings are drawn.
        words: How many words are drawn of each language's frequencies, by its code in wordfreq; see `WORDS`.
        seed: Decides every chance.
    """

    texts: tuple[Path, ...] = ()
    receipts: Path | None = None
    strings: int = STRINGS
    words: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0

    def lines(self, characters: Collection[str] = LATIN_CHARACTERS) -> Iterator[str]:
        """Gives all lines.

        Args:
            characters: What may stand in them.

        Raises:
            DataError: A source cannot be used.
            MissingExtraError: Words are asked for, and wordfreq is not installed.
        """
        if self.texts:
            yield from sentence_lines(open_texts(self.texts), characters=characters, seed=self.seed)
        for language, count in self.words.items():
            yield from word_lines(language, count, characters=characters, seed=self.seed)
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
        MissingExtraError: Words are asked for, and wordfreq is not installed.
        UsageError: There are no sources, or a number is out of range.
    """
    if not (sources.texts or sources.strings or sources.words or sources.receipts is not None):
        raise UsageError(
            "There is nothing to make a language model of; name texts, languages of words, receipts, or a number of "
            "strings."
        )
    characters = frozenset(name for name in classes.names if len(name) == 1)
    about = {
        "texts": sorted(file.path.name for file in open_texts(sources.texts)) if sources.texts else [],
        "words": dict(sources.words),
        "receipts": sources.receipts is not None,
        "strings": sources.strings,
        "seed": sources.seed,
        "least-gain": least_gain,
        "typecase": __version__,
    }
    return CharacterModel.train(
        sources.lines(characters),
        classes,
        order,
        least_gain=least_gain,
        about=about,
        dictionary=dictionary_of(sources, characters),
    )


def dictionary_of(sources: LanguageSources, characters: Collection[str] = LATIN_CHARACTERS) -> Dictionary:
    """The words of some sources and how often they are used.

    Of sentences and receipts those count that come at least twice, of languages all; strings, in which codes look like
    words, do not count.

    Args:
        sources: Where the words come from. A language counts as much as the words that would be drawn of it.
        characters: What may stand in a word.

    Raises:
        DataError: A source cannot be used.
        MissingExtraError: Words are asked for, and wordfreq is not installed.
    """
    counts: Counter[str] = Counter()
    for file in open_texts(sources.texts) if sources.texts else ():
        for sentence in sentences_of(file, "train", frozenset(characters)):
            counts.update(_words_in(" ".join(sentence)))
    for text in _receipt_texts(sources.receipts) if sources.receipts is not None else ():
        counts.update(_words_in(text))
    total = float(counts.total())
    uses = defaultdict(float, {word: float(count) for word, count in counts.items() if count >= LEAST_COUNT})
    for language, drawn in sources.words.items():
        total += drawn
        for entry, share in _shares(language, characters).items():
            for word in _words_in(entry):
                uses[word] += drawn * share
    return Dictionary.of({word: count / total for word, count in uses.items()})


def _words_in(text: str) -> list[str]:
    """The runs of letters of a text, in small letters."""
    return _LETTERS.findall(folded(text))


def words_of(names: str) -> dict[str, int]:
    """How many words are drawn of some languages.

    Args:
        names: Codes joined by `+`, or `all`.

    Returns:
        The part of `WORDS` that they are.

    Raises:
        UsageError: Words cannot be drawn of one of them.
    """
    if names == "all":
        return dict(WORDS)
    asked = names.split("+")
    for name in asked:
        if name not in WORDS:
            raise UsageError(
                f"No words can be drawn of the language {name!r}; choose one or several of {', '.join(WORDS)}, joined "
                "by +, or all."
            )
    return {name: WORDS[name] for name in asked}


def sentence_lines(
    files: Sequence[TextFile], *, characters: Collection[str] = LATIN_CHARACTERS, seed: int = 0
) -> Iterator[str]:
    """Gives all sentences but the tenth ones, cut into lines, some with a dash between words, and half in capitals too.

    Languages count by the square root of their size: the sentences of smaller ones are given repeatedly, each time cut
    anew.

    Args:
        files: From `typecase.synthesis.text.open_texts`.
        characters: What may stand in a text; a language that would lose a fifth of its words is left out.
        seed: Decides where lines end, and which are given in capitals too.
    """
    generator = np.random.default_rng([seed, 0])
    sentences: dict[str, list[tuple[str, ...]]] = {}
    for file in files:
        sentences.setdefault(file.language, []).extend(sentences_of(file, "train", characters))
    largest = max(map(len, sentences.values()), default=0)
    for language, some in sentences.items():
        for words in some * round(math.sqrt(largest / max(len(some), 1))):
            for part in _cut(words, generator):
                line = " ".join(part)
                if chance(generator, _DASHED):
                    line = _dashed(generator, line, characters)
                yield line
                if chance(generator, _CAPITALS):
                    yield upper(line, language)


def word_lines(
    language: str, count: int, *, characters: Collection[str] = LATIN_CHARACTERS, seed: int = 0
) -> Iterator[str]:
    """Draws words of a language as often as they are used, in lines of one to `MOST_WORDS`.

    Frequencies are those of wordfreq (Speer 2022), of books, subtitles, news, encyclopedias and the web.

    Args:
        language: Its code in wordfreq.
        count: How many words.
        characters: What may stand in them; words with others, or with digits, are never drawn.
        seed: Decides the rest; each language is drawn for itself.

    Raises:
        DataError: wordfreq does not know the language, or none of its words can be written with the characters.
        MissingExtraError: wordfreq is not installed.
    """
    shares = _shares(language, characters)
    words = list(shares)
    generator = np.random.default_rng([seed, 3, *language.encode()])
    drawn = [words[number] for number in generator.choice(len(words), count, p=list(shares.values()))]
    large = _LARGE_OF.get(language, _LARGE)
    for line in _cut(drawn, generator):
        if chance(generator, _WORDS_CAPITALS):
            yield upper(" ".join(line), language)
        else:
            text = " ".join(upper(word[0], language) + word[1:] if chance(generator, large) else word for word in line)
            yield _dashed(generator, text, characters) if chance(generator, _DASHED_WORDS) else text


def _dashed(generator: np.random.Generator, text: str, characters: Collection[str]) -> str:
    """The text with a dash, if that may be written."""
    changed = dashed(generator, text)
    return changed if all(map(characters.__contains__, changed)) else text


def _shares(language: str, characters: Collection[str]) -> dict[str, float]:
    """Each word of a language with its share of all its words that can be written with some characters.

    Raises:
        DataError: wordfreq does not know the language, or none of its words can be written with the characters.
        MissingExtraError: wordfreq is not installed.
    """
    wordfreq = _wordfreq()
    if language not in wordfreq.available_languages():
        raise DataError(f"wordfreq has no words of the language {language!r}; choose another.")
    allowed = frozenset(character for character in characters if not character.isdigit())
    frequencies = {
        word: frequency
        for word, frequency in wordfreq.get_frequency_dict(language, wordlist="best").items()
        if allowed.issuperset(word)
    }
    if not frequencies:
        raise DataError(f"No word of {language!r} can be written with the characters allowed; allow more of them.")
    values = np.array(list(frequencies.values()))
    return dict(zip(frequencies, (values / values.sum()).tolist(), strict=True))


def _cut(words: Sequence[str], generator: np.random.Generator) -> Iterator[Sequence[str]]:
    """Cuts words into lines of one to `MOST_WORDS`."""
    start = 0
    while start < len(words):
        end = start + whole(generator, 1, MOST_WORDS)
        yield words[start:end]
        start = end


def _wordfreq() -> Any:
    """The module of wordfreq.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import wordfreq
    except ImportError:
        raise MissingExtraError("Drawing words by their frequency", "train") from None
    return wordfreq


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
    for text in _receipt_texts(folder):
        yield text
        draw = generator.random()
        if draw < _TITLE:
            yield text.title()
        elif draw < _TITLE + _SMALL:
            yield text.lower()


def _receipt_texts(folder: Path) -> Iterator[str]:
    """The lines of SROIE's receipts that a recogniser learns from, as they are written down."""
    return (line.text for line in SroieLines(folder, "train") if not kept_apart(line.name, VALIDATION))
