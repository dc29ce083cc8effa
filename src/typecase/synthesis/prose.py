"""Prose with the marks that books and newspapers print: dashes between words, speech within a line, notes, initials.

Collections of sentences hold few of them: they come from web pages and manuals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from typecase.synthesis.draws import Choice, chance, pick, whole

_DASHES = ("—", "—", "—", "—", "—", "—", "–", " — ", " – ", ".—", ",—", ";—", "--")
_QUOTES = (("“", "”"), ("“", "”"), ("“", "”"), ("‘", "’"), ('"', '"'), ("«", "»"), ("« ", " »"), ("„", "“"), ("»", "«"))
_SPEECH_ENDS = (",{}", ",{}", ".{}", "!{}", "?{}", "{},", "{}.", "{}")
_NOTES = (*"¹²³⁴⁵⁶⁷⁸⁹*†‡", "¹⁰", "¹²", "²⁷", "(1)", "(a)", "[3]", "**", ".¹", ",²", ".³", ",⁴", ".”⁵")
_INITIALS = "ABCDEFGHIJKLMNOPRSTVW"
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIV", "XVIII", "XIX")
_REFERENCES = (
    "p. {}", "pp. {}–{}", "vol. {}", "No. {}", "({})", "{},", "c. {}", "§ {}", "fig. {}", "ch. {}", "t. {}", "n° {}",
    "in-{}", "in-{}.", "{}.", "{};", "${}", "£{}", "{} %", "{}:{}", "{}-{}", "’{}", "lib. {}.", "cap. {}.", "[{}]",
)  # fmt: skip
_TITLES = ("Mr.", "Mrs.", "Dr.", "St.", "Sr.", "Sra.", "M.", "Mme", "Prof.", "Rev.", "Sig.", "D.", "Herr", "Mr", "Jr.,")
_TALL_MARKS = (" ;", " :", " !", " ?", " »", " ;")
_OMITTED = ("…", "...", " . . .", " ...", " … ", "....")


def as_prose(generator: np.random.Generator, text: str) -> str:
    """Gives a piece of a sentence marks as books have them.

    Args:
        generator: Source of chance.
        text: In single spaces.
    """
    return _CHOICE[_KINDS.draw(generator)](generator, text)


def dashed(generator: np.random.Generator, text: str) -> str:
    """Puts a dash between two words of a piece of a sentence, or two dashes; or one at an end.

    Args:
        generator: Source of chance.
        text: In single spaces.
    """
    dash = pick(generator, _DASHES)
    draw = generator.random()
    if draw < 0.1:
        return text + dash.rstrip()
    if draw < 0.17:
        return dash.strip() + text
    before, behind = _parted(generator, text)
    text = f"{before}{dash}{behind}" if before else text
    # What is put in between dashes has two.
    return dashed(generator, text) if before and chance(generator, 0.15) else text


def _spoken(generator: np.random.Generator, text: str) -> str:
    left, right = pick(generator, _QUOTES)
    end = pick(generator, _SPEECH_ENDS).format(right)
    before, behind = _parted(generator, text)
    draw = generator.random()
    if draw < 0.2:
        return left + text
    if draw < 0.4 or not before:
        return text + end
    if draw < 0.55:
        return f"{before}{end} {behind}"
    if draw < 0.7:
        return f"{before}, {left}{behind}"
    if draw < 0.9:
        return f"{left}{before}{end} {behind}"
    return f"{before} {left}{behind}{end}"


def _marked(generator: np.random.Generator, text: str, marks: Sequence[str]) -> str:
    """One of some marks behind a word: a note's, or one with a space before it, as French and older print have it."""
    before, behind = _parted(generator, text)
    mark = pick(generator, marks)
    return f"{before}{mark} {behind}" if before else text + mark


def _initialled(generator: np.random.Generator, text: str) -> str:
    before, behind = _parted(generator, text)
    if chance(generator, 0.35):
        name = pick(generator, _TITLES)
    else:
        initials = [f"{pick(generator, _INITIALS)}." for _ in range(whole(generator, 1, 3))]
        name = pick(generator, (" ", " ", "")).join(initials)
    return f"{before} {name} {behind}".strip()


def _referring(generator: np.random.Generator, text: str) -> str:
    def number() -> str:
        draw = generator.random()
        if draw < 0.2:
            return pick(generator, _NUMERALS)
        return str(whole(generator, 1600, 1999) if draw < 0.55 else whole(generator, 1, 999))

    before, behind = _parted(generator, text)
    reference = pick(generator, _REFERENCES)
    return f"{before} {reference.format(number(), number())} {behind}".strip()


def _omitting(generator: np.random.Generator, text: str) -> str:
    before, behind = _parted(generator, text)
    return f"{before}{pick(generator, _OMITTED)} {behind}" if before else text


def _divided(generator: np.random.Generator, text: str) -> str:
    """A word broken at the line's end, or the rest of one at its beginning."""
    before, _, last = text.rpartition(" ")
    if len(last) < 5 or not last.isalpha():
        return text + "-" if text[-1:].isalpha() else text
    kept = last[: whole(generator, 2, len(last) - 2)]
    return f"{before} {kept}-".strip()


def _joined(generator: np.random.Generator, text: str) -> str:
    before, behind = _parted(generator, text)
    return f"{before}-{behind}" if before and before[-1].isalpha() and behind[0].isalpha() else text


def _parted(generator: np.random.Generator, text: str) -> tuple[str, str]:
    """The text before and behind one of its spaces; nothing before where there is none."""
    words = text.split(" ")
    place = whole(generator, 1, len(words) - 1) if len(words) > 1 else 0
    return " ".join(words[:place]), " ".join(words[place:])


_CHOICE: dict[str, Callable[[np.random.Generator, str], str]] = {
    "dash": dashed,
    "speech": _spoken,
    "note": partial(_marked, marks=_NOTES),
    "initials": _initialled,
    "reference": _referring,
    "space": partial(_marked, marks=_TALL_MARKS),
    "omission": _omitting,
    "division": _divided,
    "compound": _joined,
}
_KINDS = Choice(
    {
        "dash": 0.27,
        "speech": 0.24,
        "note": 0.07,
        "initials": 0.1,
        "reference": 0.1,
        "space": 0.05,
        "omission": 0.04,
        "division": 0.09,
        "compound": 0.04,
    }
)
