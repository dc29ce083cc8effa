"""What pages say: running text in one language a page, and the strings of which papers are made."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from typecase.errors import DataError
from typecase.synthesis.draws import Choice, chance, pick, whole
from typecase.synthesis.strings import STRINGS
from typecase.synthesis.text import Part, Sentences, TextFile, tidy

_TRIES = 40


class PageTexts:
    """Sentences by language and strings by kind, in characters that may be drawn.

    Attributes:
        languages: Those of the sentences; empty without text files.
    """

    def __init__(self, texts: Sequence[TextFile], characters: Collection[str], part: Part = "train") -> None:
        """Prepares the texts.

        Args:
            texts: From `text.open_texts`; without any, running text is made of single words.
            characters: What may stand on a page.
            part: Which lines of the texts are drawn.

        Raises:
            DataError: There are texts, but nothing of them can be drawn.
        """
        self.characters = frozenset(characters)
        self._sentences: dict[str, Sentences] = {}
        shares: dict[str, float] = {}
        failure: DataError | None = None
        for language in dict.fromkeys(file.language for file in texts):
            try:
                # In capitals or with other quotes a single line may be, but no paragraph.
                self._sentences[language] = Sentences(
                    texts, part, languages=[language], whole_lines=True, characters=characters
                )
            except DataError as error:
                failure = error
                continue
            shares[language] = math.sqrt(sum(len(file.lines) for file in texts if file.language == language))
        if failure is not None and not shares:
            raise failure
        self.languages = tuple(shares)
        self._choice = Choice(shares) if shares else None

    def language(self, generator: np.random.Generator) -> str:
        """Draws the language of a page; empty without text files."""
        return self._choice.draw(generator) if self._choice else ""

    def sentence(self, generator: np.random.Generator, language: str, allowed: Collection[str]) -> str:
        """A sentence of a language, of characters that a font has."""
        for _ in range(_TRIES):
            if language:
                text = self._sentences[language].sample(generator)
            else:
                words = [STRINGS["word"](generator) for _ in range(whole(generator, 4, 16))]
                text = " ".join(words).capitalize() + "."
            # Where there are capitals only, capitals are what a page says.
            text = tidy(text, allowed) or tidy(text.upper(), allowed)
            if text:
                return text
        raise DataError("The fonts lack the characters of nearly all texts; give fonts of the texts' languages.")

    def paragraph(
        self, generator: np.random.Generator, language: str, allowed: Collection[str], characters: int
    ) -> str:
        """Sentences one after the other, until there are at least so many characters."""
        sentences: list[str] = []
        length = 0
        while length < characters:
            sentences.append(self.sentence(generator, language, allowed))
            length += len(sentences[-1]) + 1
        return " ".join(sentences)

    def phrase(
        self, generator: np.random.Generator, language: str, allowed: Collection[str], most_words: int, most: int = 60
    ) -> str:
        """A few words, as a heading or a point of a list has them; at most so many characters."""
        words = self.sentence(generator, language, allowed).split(" ")
        count = min(len(words), whole(generator, 1, most_words))
        start = 0 if chance(generator, 0.5) else whole(generator, 0, len(words) - count)
        words = words[start : start + count]
        while len(words) > 1 and len(" ".join(words)) > most:
            words.pop()
        text = " ".join(words)[:most].strip(" ,;:")
        return text[:1].upper() + text[1:] if text else words[0][:most]

    def string(self, generator: np.random.Generator, kind: str, allowed: Collection[str], most: int = 60) -> str:
        """A string of a kind of `strings.STRINGS`, of characters that a font has, at most so many.

        Raises:
            DataError: The characters leave nothing of any of them.
        """
        maker = STRINGS[kind]
        for _ in range(_TRIES):
            drawn = maker(generator)
            text = tidy(drawn, allowed) or tidy(drawn.upper(), allowed)
            if len(text) > most:
                text = text[: most + 1].rpartition(" ")[0].strip() or text[:most].strip()
            if text:
                return text
        # Not one whole word of the kind can be written: what is left of one must do.
        text = " ".join("".join(one for one in drawn.upper() if one in allowed).split())[:most].strip()
        if text:
            return text
        # Nor that: any of the characters, as many as a word has.
        signs = sorted(one for one in allowed if not one.isspace())
        if signs:
            return "".join(pick(generator, signs) for _ in range(min(most, whole(generator, 2, 7))))
        raise DataError(f"Next to no {kind} can be written with the characters allowed; allow more of them.")

    def any_string(
        self, generator: np.random.Generator, kinds: Sequence[str], allowed: Collection[str], most: int = 60
    ) -> str:
        """A string of one of some kinds."""
        return self.string(generator, pick(generator, kinds), allowed, most)
