"""How text is to be read, as one object that goes from the caller to the decoder."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from typecase.errors import UsageError
from typecase.languages import languages_of

MODES = ("page", "block", "line", "word", "char")
"""What a picture may be said to show."""

Mode = Literal["page", "block", "line", "word", "char"]

SHIPPED = "shipped"
"""As a language model: the one that comes with typecase, where it knows all characters of the recogniser."""

NO_MODEL = "none"
"""As a language model: none."""


@dataclass(frozen=True)
class ReadOptions:
    """How text is to be read.

    Attributes:
        mode: What the picture of a line shows: `line`, `word` (there are no spaces) or `char` (exactly one character).
        decoder: `greedy` takes the likeliest class of each frame; `beam` follows several readings at once.
        language_model: What is likely to be written: `shipped`, or a file that
            `typecase.decoding.language_model.CharacterModel` saved; None or `none` leaves all to the net. With
            `greedy` it decides where the net is unsure, with `beam` it weighs in everywhere.
        allow: The only characters that may be read; None allows all. Spaces between words stay.
        words: What is likely to stand there, such as names or part numbers.
        pattern: A regular expression for what is likely to stand there: a line as a whole, or each word.
        bias: How strongly `words` and `pattern` pull: they win where the net finds what they ask for at most
            e ** bias times less likely than what it would have read; 0 takes them only where they change nothing.
        alternatives: How many other characters to give for each.
        languages: Codes of the languages that the text is likely in, in a list or joined by `+`; none of them means
            any. A letter of none of these languages is read only where it is plainly there.
    """

    mode: Mode = "line"
    decoder: Literal["greedy", "beam"] = "greedy"
    language_model: str | os.PathLike[str] | None = SHIPPED
    allow: str | None = None
    words: tuple[str, ...] = ()
    pattern: str | None = None
    bias: float = 8.0
    alternatives: int = 3
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"The mode {self.mode!r} is not known; choose one of {', '.join(MODES)}.")
        if self.decoder not in ("greedy", "beam"):
            raise UsageError(f"The decoder {self.decoder!r} is not known; choose greedy or beam.")
        if self.language_model == NO_MODEL:
            object.__setattr__(self, "language_model", None)
        if self.allow is not None and not self.allow.strip():
            raise UsageError("The allowed characters are none; give at least one, or leave the option out.")
        given: object = self.words
        if isinstance(given, str):
            raise UsageError(f"words is a list of words, not the text {given!r}; put it in a list.")
        if not 0 <= self.alternatives <= 20:
            raise UsageError(f"alternatives must be from 0 to 20, not {self.alternatives}.")
        if not 0 <= self.bias <= 1000:
            raise UsageError(f"bias must be from 0 to 1000, not {self.bias}.")
        if self.languages:
            object.__setattr__(self, "languages", languages_of(self.languages))
        # So that the options can be a key, whatever the words came in.
        object.__setattr__(self, "words", tuple(self.words))

    def changed(self, **changes: Any) -> ReadOptions:
        """These options with some of them changed.

        Raises:
            UsageError: An option is not known or its value is impossible.
        """
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise UsageError(f"The option {unknown[0]!r} is not known; there are {', '.join(known)}.")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON values; of the words only how many there are, for they may be thousands."""
        model = None if self.language_model is None else os.fspath(self.language_model)
        changed = {"words": len(self.words), "language_model": model, "languages": list(self.languages)}
        return {**asdict(self), **changed}


def read_words(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Reads a list of words from a text file, one a line, in the form in which the model knows letters (NFC).

    Raises:
        UsageError: The file cannot be read, is no text in UTF-8, or holds no word.
    """
    shown = os.fspath(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The list of words {shown} is no text in UTF-8; save it so.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The list of words {shown} cannot be read ({reason}); check the path.") from None
    words = dict.fromkeys(" ".join(unicodedata.normalize("NFC", line).split()) for line in text.splitlines())
    words.pop("", None)
    if not words:
        raise UsageError(f"The list of words {shown} holds no word; write one on each line.")
    return tuple(words)
