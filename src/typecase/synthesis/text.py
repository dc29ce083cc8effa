"""What is drawn: sentences from files, strings of what documents are made of, and mixtures of both.

Every text that comes from here is in Unicode's normal form C, without leading, trailing or doubled spaces, not empty,
and of nothing but the characters asked for.
"""

from __future__ import annotations

import html
import logging
import math
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from typecase.charset import LATIN_CHARACTERS
from typecase.errors import DataError, UsageError
from typecase.synthesis.draws import Choice, chance, pick, whole
from typecase.synthesis.prose import as_prose

logger = logging.getLogger(__name__)

Part = Literal["train", "held-back", "all"]

SENTENCES = "sentences"
"""The kind of a mixture that comes from text files; all others are those of `strings.STRINGS`."""

HELD_BACK_EVERY = 10
"""Every tenth line of a text file, from the first on, is never drawn for training."""

# A language whose words mostly cannot be written with the characters asked for would be left in shreds.
_LEAST_KEPT = 0.8
_TRIES = 200


class TextSource(Protocol):
    """Whatever gives texts to draw."""

    def sample(self, generator: np.random.Generator) -> str:
        """Draws one text, tidy and not empty."""
        ...


@dataclass(frozen=True)
class TextFile:
    """A file of sentences.

    Attributes:
        path: Where it was read from.
        language: The file's name without its ending, `de` for `de.txt`.
        lines: Its lines with their numbers from 0, as they count in the file; empty ones are left out.
    """

    path: Path
    language: str
    lines: tuple[tuple[int, str], ...] = field(repr=False)


def open_texts(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, languages: Collection[str] | None = None
) -> tuple[TextFile, ...]:
    """Reads text files, one sentence a line.

    Args:
        sources: Files, or folders whose `.txt` files are taken.
        languages: If given, only files of these names (`de` for `de.txt`).

    Returns:
        The files in the order given, those of a folder by name.

    Raises:
        DataError: There is no such file, no text file in a folder, a file is not UTF-8, or has no text in it, or none
            is of the languages asked for.
    """
    paths: list[Path] = []
    for source in [sources] if isinstance(sources, (str, os.PathLike)) else sources:
        path = Path(source)
        found = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        if not found:
            raise DataError(f"No text file (.txt) lies in {path}; give a file with one sentence a line.")
        paths += found
    chosen = [path for path in paths if languages is None or path.stem in languages]
    if not chosen:
        known = ", ".join(path.stem for path in paths)
        raise DataError(f"No text of {', '.join(sorted(languages or ()))} is there, only {known}; choose from these.")
    return tuple(_read(path) for path in chosen)


def tidy(text: str, characters: Collection[str]) -> str:
    """Brings a text into the one form that all texts have.

    Args:
        text: Any text.
        characters: What may stand in it.

    Returns:
        The text in normal form C, every run of blanks one space, words with other characters left out; maybe empty.
    """
    text = plain(text)
    # Most texts need no look at their single words.
    if all(map(characters.__contains__, text)):
        return text
    words = [word for word in text.split() if all(map(characters.__contains__, word))]
    return " ".join(words) if " " in characters else "".join(words[:1])


def plain(text: str) -> str:
    """Brings a text to normal form C with single spaces, without characters that only typesetting knows."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_PLAIN)).split())


class Sentences:
    """Whole sentences and pieces of them, in the cases and with the marks that print has.

    Languages are drawn equally often, however many sentences there are of each.

    Attributes:
        languages: Those that are drawn, in order.
    """

    def __init__(
        self,
        files: Sequence[TextFile],
        part: Part = "train",
        *,
        languages: Collection[str] | None = None,
        max_words: int = 12,
        max_characters: int = 60,
        variants: bool = True,
        prose: float = 0.0,
        whole_lines: bool = False,
        characters: Collection[str] = LATIN_CHARACTERS,
    ) -> None:
        """Prepares the sentences of some files.

        Args:
            files: From `open_texts`.
            part: `train` without every tenth line, `held-back` with these only, or `all`.
            languages: If given, only these of the files.
            max_words: The most words of a piece.
            max_characters: The most characters of a piece; a single longer word is cut.
            variants: Whether case, quotes and dashes are varied, bullets set before and hyphens behind; without, a
                piece is drawn as it stands in the file.
            prose: Share of pieces with the marks of books: see `prose.as_prose`.
            whole_lines: Whether lines are drawn as they stand, neither in pieces nor varied, whatever their length.
            characters: What may stand in a text; words with others are left out, and so are languages that would
                lose a fifth of their words.

        Raises:
            DataError: Nothing of the files is left.
        """
        self._characters = frozenset(characters)
        self._max_words = max_words
        self._max_characters = max_characters
        self._variants = variants
        self._prose = prose
        self._whole_lines = whole_lines
        kept: dict[str, list[tuple[str, ...]]] = {}
        for file in files:
            if languages is not None and file.language not in languages:
                continue
            sentences = sentences_of(file, part, self._characters)
            if sentences:
                kept.setdefault(file.language, []).extend(sentences)
        if not kept:
            names = ", ".join(str(file.path) for file in files) or "no file"
            raise DataError(f"Nothing can be drawn of {names} with these characters and languages; give other texts.")
        self._sentences = kept
        self._choice = Choice(dict.fromkeys(kept, 1.0))
        self.languages = tuple(kept)

    def sample(self, generator: np.random.Generator) -> str:
        """Draws a piece of a sentence, or a whole line."""
        for _ in range(_TRIES):
            language = self._choice.draw(generator)
            words = pick(generator, self._sentences[language])
            if self._whole_lines:
                return " ".join(words)
            text = self._piece(generator, words)
            if self._prose and chance(generator, self._prose):
                text = as_prose(generator, text)
            elif self._variants:
                text = _varied(generator, text, language)
            text = _cut(tidy(text, self._characters), self._max_characters)
            if text:
                return text
        raise DataError("The texts hold next to nothing that can be drawn; give other texts.")

    def _piece(self, generator: np.random.Generator, words: tuple[str, ...]) -> str:
        count = min(len(words), whole(generator, 1, self._max_words))
        # Sentences begin and end more often than a place by chance would show.
        draw = generator.random()
        start = 0 if draw < 0.3 else len(words) - count if draw < 0.5 else whole(generator, 0, len(words) - count)
        piece = list(words[start : start + count])
        while len(piece) > 1 and sum(map(len, piece)) + len(piece) - 1 > self._max_characters:
            piece.pop()
        return " ".join(piece)


class TextMixture:
    """Draws from sentences and from kinds of strings, each as often as its weight says.

    Attributes:
        kinds: The kinds that are drawn.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        sentences: TextSource | None = None,
        *,
        characters: Collection[str] = LATIN_CHARACTERS,
        max_characters: int = 60,
    ) -> None:
        """Prepares a mixture.

        Args:
            weights: For each kind, `sentences` or a name of `strings.STRINGS`, how often it is drawn; 0 is never.
            sentences: Where `sentences` come from.
            characters: What may stand in a text.
            max_characters: The most characters of a text; longer ones are cut between words where that is possible.

        Raises:
            UsageError: A kind is not known, a weight negative, or all are 0; or sentences are asked for without texts.
        """
        # Imported here: who draws only sentences needs no Faker.
        from typecase.synthesis.strings import STRINGS

        for kind, weight in weights.items():
            if kind != SENTENCES and kind not in STRINGS:
                raise UsageError(f"There is no kind of text {kind!r}; choose from {SENTENCES}, {', '.join(STRINGS)}.")
            if not (math.isfinite(weight) and weight >= 0):
                raise UsageError(f"The weight of {kind} is {weight}; give a number from 0 up.")
        drawn = {kind: weight for kind, weight in weights.items() if weight > 0}
        if not drawn:
            raise UsageError("No kind of text has a weight above 0; give at least one.")
        if SENTENCES in drawn and sentences is None:
            raise UsageError("Sentences are asked for, but no text files are given; name some.")
        self.kinds = tuple(drawn)
        self._choice = Choice(drawn)
        self._makers = {kind: STRINGS[kind] for kind in drawn if kind != SENTENCES}
        self._sentences = sentences
        self._characters = frozenset(characters)
        self._max_characters = max_characters

    def sample(self, generator: np.random.Generator) -> str:
        """Draws one text."""
        return self.sample_with_kind(generator)[1]

    def sample_with_kind(self, generator: np.random.Generator) -> tuple[str, str]:
        """Draws one text and says of which kind it is.

        Returns:
            The kind and the text.

        Raises:
            DataError: The characters leave nothing of hundreds of texts.
        """
        for _ in range(_TRIES):
            kind = self._choice.draw(generator)
            maker = self._makers.get(kind)
            if maker is None:
                assert self._sentences is not None
                drawn = self._sentences.sample(generator)
            else:
                drawn = maker(generator)
            text = _cut(tidy(drawn, self._characters), self._max_characters)
            if text:
                return kind, text
        raise DataError("Next to no text can be written with the characters allowed; allow more of them.")


_PLAIN = str.maketrans(
    {
        "\u00ad": None,
        "\u200b": None,
        "\ufeff": None,
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "–",
        "\u2015": "—",
        "\u2212": "−",
        "´": "'",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ĳ": "ij",
        "Ĳ": "IJ",
    }
)

_TAGGED = re.compile(r"(?:&[a-z]+;|&#\d+;)")


def _read(path: Path) -> TextFile:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"The text file {path} cannot be read ({reason}); check the path.") from error
    # By line feeds alone: other separators of Unicode would count lines differently from every other tool.
    lines = tuple((number, line) for number, line in enumerate(map(str.strip, text.split("\n"))) if line)
    if not lines:
        raise DataError(f"The text file {path} is empty; give one with a sentence a line.")
    # Some collections keep the marks of the web page that they were taken from.
    lines = tuple((number, html.unescape(line) if _TAGGED.search(line) else line) for number, line in lines)
    return TextFile(path, path.stem, lines)


# The domains of a workshop share their files.
@lru_cache(maxsize=64)
def _usable(file: TextFile, part: Part, characters: frozenset[str]) -> tuple[tuple[tuple[str, ...], ...], float]:
    """The words of each line that may be drawn, and which share of all words they are."""
    sentences, all_words, kept_words = [], 0, 0
    for number, line in file.lines:
        if part != "all" and _is_held_back(number) != (part == "held-back"):
            continue
        text = tidy(line, characters)
        all_words += len(line.split())
        if text:
            words = tuple(text.split(" "))
            kept_words += len(words)
            sentences.append(words)
    return tuple(sentences), kept_words / max(all_words, 1)


def sentences_of(file: TextFile, part: Part, characters: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The words of each sentence of a file as far as they can be written with some characters.

    Args:
        file: From `open_texts`.
        part: See `Sentences`.
        characters: What may stand in a text.

    Returns:
        None where a fifth of the words would be lost, for such a language would be left in shreds.
    """
    sentences, share = _usable(file, part, frozenset(characters))
    if share < _LEAST_KEPT:
        logger.info("%s is left out: %.0f %% of its words can be drawn.", file.path, 100 * share)
        return ()
    return sentences


def _is_held_back(number: int) -> bool:
    return number % HELD_BACK_EVERY == 0


def _cut(text: str, most: int) -> str:
    """At most so many characters, whole words where the first one fits."""
    if len(text) <= most:
        return text
    head = text[: most + 1]
    return (head.rpartition(" ")[0] or text[:most]).strip()


_BEFORE = (
    "• ",
    "- ",
    "– ",
    "* ",
    "1. ",
    "2) ",
    "(a) ",
    "· ",
    "■ ",
    "→ ",
    "> ",
    "● ",
    "▪ ",
    "(1) ",
    "§ ",
    "III. ",
    "[1] ",
    "† ",
)
_QUOTES = (
    ("“", "”"),
    ("„", "“"),
    ("«", "»"),
    ("‘", "’"),
    ("‚", "‘"),
    ("»", "«"),
    ("‹", "›"),
    ('"', '"'),
    ("'", "'"),
    ("(", ")"),
)
_AFTER = """.|,|:|;|!|?|¹|²|³|*|…|†|...|....|?!|!!|--|."|".|",|"|'|''|).|)|),|.)|..."|'s| …| [1]| (2)| ...""".split("|")
# Between a word and the next, the space included.
_BETWEEN = """... |...| ... |--| -- |, |; |: |. |! |'s |' |" | "| '|, "| (|) |/|-""".split("|")


def _varied(generator: np.random.Generator, text: str, language: str) -> str:
    draw = generator.random()
    if draw < 0.13:
        text = upper(text, language)
    elif draw < 0.19:
        text = " ".join(word[:1].upper() + word[1:] for word in text.split(" "))
    elif draw < 0.23:
        text = text.lower()
    if chance(generator, 0.3):
        text = text.replace("'", "’").replace(" - ", " – ").replace("--", "—").replace("...", "…")
    if chance(generator, 0.08) and " " in text:
        # Marks by chance: many are rare in sentences, and what follows from the words would be read without looking.
        words = text.split(" ")
        place = whole(generator, 1, len(words) - 1)
        text = " ".join(words[:place]) + pick(generator, _BETWEEN) + " ".join(words[place:])
    draw = generator.random()
    if draw < 0.04:
        text = pick(generator, _BEFORE) + text
    elif draw < 0.07:
        left, right = pick(generator, _QUOTES)
        text = f"{left}{text}{right}"
    elif draw < 0.1 and text[-1:].isalpha():
        # A word broken at the line's end.
        text += "-"
    elif draw < 0.17:
        text += pick(generator, _AFTER)
    return text


def upper(text: str, language: str) -> str:
    """Capitals in the manner of a language: Turkish keeps the dot of its i."""
    return (text.replace("i", "İ") if language in ("tr", "az") else text).upper()
