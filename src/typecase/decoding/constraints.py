"""Narrowing down what may be read: an alphabet that is a must, and languages that lean towards their letters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.decoding.ctc import BLANK
from typecase.errors import UsageError
from typecase.languages import letters_of
from typecase.preprocess import FloatArray

LARGEST_BOOST = 1e5
"""By how much an allowed character may gain from those that are not: what the net finds a hundred thousand times less
likely than what it sees is not made of it."""

FOREIGN = 0.02
"""A letter of another language must be so many times likelier than all else to be read: fifty times."""


@dataclass(frozen=True)
class Leaning:
    """A leaning towards the letters of some languages.

    Attributes:
        weights: What the probability of each class of the net is multiplied by, [1 + classes].
    """

    weights: FloatArray

    @classmethod
    def of(cls, classes: ClassSet, languages: tuple[str, ...]) -> Leaning | None:
        """Makes a leaning; None where any language will do.

        Args:
            classes: The model's characters.
            languages: Two-letter codes.
        """
        if not languages:
            return None
        known = letters_of(languages)
        foreign = [not name.isascii() and name.isalpha() and name not in known | _OF_NONE for name in classes.names]
        return cls(np.array([1.0, *(FOREIGN if one else 1.0 for one in foreign)], np.float32))

    def apply(self, probabilities: FloatArray) -> None:
        """Weighs the frames, [frames, 1 + classes], in their place; each sums to one as before."""
        probabilities *= self.weights
        probabilities /= probabilities.sum(axis=1, keepdims=True)


# Signs that Unicode counts as letters.
_OF_NONE = frozenset("ªºµ")


@dataclass(frozen=True)
class Restriction:
    """An alphabet smaller than the net's.

    Attributes:
        allowed: For each class of the net, the blank among them, whether it may be read, [1 + classes].
        space: The net's class of the space where spaces may not be read either, else None.
    """

    allowed: npt.NDArray[np.bool_]
    space: int | None

    @classmethod
    def of(cls, classes: ClassSet, allow: str | None, *, spaces: bool) -> Restriction | None:
        """Makes a restriction.

        Args:
            classes: The model's characters.
            allow: The characters that may be read; None allows all.
            spaces: Whether words may be parted by spaces.

        Returns:
            None where everything may be read.

        Raises:
            UsageError: A character is none of the model's.
        """
        has_space = " " in classes
        if allow is None and (spaces or not has_space):
            return None
        wanted = set(classes.names if allow is None else allow) - {" "}
        unknown = "".join(sorted(character for character in wanted if character not in classes))
        if unknown:
            raise UsageError(f"The model does not know {unknown!r}, so it cannot be allowed; leave it out.")
        if spaces and has_space:
            wanted.add(" ")
        allowed = np.array([True, *(name in wanted for name in classes.names)])
        return cls(allowed, None if spaces or not has_space else classes.index(" ") + 1)

    def apply(self, probabilities: FloatArray) -> None:
        """Takes the probability of what is not allowed and gives it to what is; changes the array in its place.

        A character's share goes to the other characters and not to the blank: where an O stands and only digits are
        allowed, a 0 is read, however unlikely, and not nothing. A space's share goes to the blank, for there is no
        ink in either.

        Args:
            probabilities: Frames of shape [frames, 1 + classes].
        """
        if self.space is not None:
            probabilities[:, BLANK] += probabilities[:, self.space]
            probabilities[:, self.space] = 0.0
        probabilities[:, ~self.allowed] = 0.0
        blank = probabilities[:, BLANK].copy()
        probabilities[:, BLANK] = 0.0
        left = probabilities.sum(axis=1)
        boost = np.minimum((1.0 - blank) / np.maximum(left, 1e-30), LARGEST_BOOST)
        probabilities *= np.maximum(boost, 0.0)[:, np.newaxis]
        probabilities[:, BLANK] = 1.0 - np.minimum(left * boost, 1.0)
