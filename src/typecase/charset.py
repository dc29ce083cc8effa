"""Class names and their indices, apart from any net.

Also what is known about the 62 characters before any picture is seen: which names differ only by case, and
which groups of them many typefaces draw alike.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from typecase.errors import UsageError

CHARACTERS_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""The 62 classes of Chars74K English in the order of its folders Sample001 to Sample062."""

LOOK_ALIKES: tuple[tuple[str, ...], ...] = (
    ("c", "C"),
    ("o", "O", "0"),
    ("s", "S"),
    ("v", "V"),
    ("w", "W"),
    ("x", "X"),
    ("z", "Z"),
    ("l", "I", "1"),
)
"""Groups that a picture of a single character cannot always tell apart; reports show them by themselves."""


@dataclass(frozen=True)
class ClassSet:
    """An ordered set of class names.

    Attributes:
        names: One name for each index, unique and not empty. A name need not be a single character.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise UsageError("A classifier needs at least one class; the list of class names is empty.")
        if any(not name for name in self.names):
            raise UsageError("A class name is empty; give every class a name.")
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise UsageError(f"Class names must be unique; these stand twice: {', '.join(twice)}.")

    @classmethod
    def of(cls, names: Iterable[str]) -> ClassSet:
        """Makes a set from any iterable; a string gives one class for each character."""
        return cls(tuple(names))

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """Gives the index of a name.

        Raises:
            UsageError: The name is not a class.
        """
        try:
            return self._indices[name]
        except KeyError:
            raise UsageError(f"{name!r} is not one of the {len(self)} classes of this model.") from None

    def __contains__(self, name: object) -> bool:
        return name in self._indices

    @cached_property
    def case_merged(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Classes with upper and lower case taken as one.

        Returns:
            The merged names (36 for the 62 characters) and, for each class index, the index of its merged name.
        """
        merged: dict[str, int] = {}
        indices = [merged.setdefault(_fold(name), len(merged)) for name in self.names]
        return tuple(merged), tuple(indices)

    def look_alikes(self) -> list[tuple[int, ...]]:
        """Index groups of `LOOK_ALIKES`, as far as this set has at least two of a group's names."""
        groups = (tuple(self._indices[name] for name in group if name in self) for group in LOOK_ALIKES)
        return [group for group in groups if len(group) > 1]


CHARACTERS = ClassSet.of(CHARACTERS_62)


def _fold(name: str) -> str:
    # Only single letters have a case here: the class names "Apple" and "apple" of a folder are two things.
    return name.upper() if len(name) == 1 and len(name.upper()) == 1 else name


def pairs_of(groups: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """All ordered pairs of different indices within the same group."""
    return {(a, b) for group in groups for a in group for b in group if a != b}


_LATIN_LETTERS = (
    # Latin-1 and Latin Extended-A: Western, Central and Northern Europe, the Baltic, Turkish, Maltese, Welsh.
    "".join(
        chr(code) for code in range(0xC0, 0x180) if code not in (0xD7, 0xF7, 0x132, 0x133, 0x13F, 0x140, 0x149, 0x17F)
    )
    # Romanian's comma below, Sámi, the capital sharp s, Welsh's accents on w and y, Azerbaijani's schwa.
    + "ȘșȚț"
    + "ǤǥǦǧǨǩƷʒǮǯ"
    + "ẞ"
    + "ẀẁẂẃẄẅỲỳ"
    + "Əə"
)
_SIGNS = "‘’‚“”„‹›«»–—−…•·●■▪□☐☑☒✓✗→←↑↓€£¥¢₹₽₺₩₴₪₫¤§¶°±×÷¬¦µ†‡‰№©®™ªº¹²³⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉¼½¾⅓⅔⅛¡¿≤≥≠≈√∞Ω"

LATIN_CHARACTERS = "".join(chr(code) for code in range(0x20, 0x7F)) + _LATIN_LETTERS + _SIGNS
"""What a recogniser of lines knows: ASCII with the space, the letters of Europe's languages in Latin script, signs.

Letters with marks are single code points (Unicode's normal form C)."""
