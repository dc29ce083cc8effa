"""How likely a character is after those before it: counts of short runs of characters, smoothed.

The probability after a context is that of Witten and Bell (1991): what was seen after it, and for the rest what is
likely after the context without its first character. Counts are kept in flat arrays, found by a hash of the context.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.errors import DataError, ModelError, OutputError, UsageError
from typecase.files import atomic_write

ORDER = 6
"""Characters that are looked at together, the one asked about among them."""

LEAST_COUNT = 2
"""A longer run of characters (of four and more) that was seen less often is left out."""

_FORMAT = 1
_SHORT = 3
_MOST_KEPT = 50_000
_BOUNDARY = 0
_MULTIPLIER = 0x9E3779B97F4A7C15

_Labels = npt.NDArray[np.intp]
_Hashes = npt.NDArray[np.uint64]


class CharacterModel:
    """A language model over the characters of a recogniser.

    Attributes:
        names: The characters, in the order of the net's classes without the blank.
        order: Characters that are looked at together.
    """

    def __init__(
        self,
        names: Sequence[str],
        order: int,
        contexts: _Hashes,
        offsets: npt.NDArray[np.uint32],
        labels: npt.NDArray[np.uint16],
        counts: npt.NDArray[np.uint32],
    ) -> None:
        """Takes the counts; see `train` and `load`.

        Args:
            names: The characters.
            order: Characters that are looked at together.
            contexts: Hashes of the contexts, rising, [contexts].
            offsets: Where what was seen after each begins, and at last where it ends, [contexts + 1].
            labels: The characters seen after the contexts, as the net's classes, [offsets[-1]].
            counts: How often, [offsets[-1]].
        """
        self.names = tuple(names)
        self.order = order
        self._contexts, self._offsets, self._labels, self._counts = contexts, offsets, labels, counts
        self._known: dict[tuple[int, ...], npt.NDArray[np.float32]] = {}

    @classmethod
    def train(cls, texts: Iterable[str], classes: ClassSet, order: int = ORDER) -> CharacterModel:
        """Counts what follows what in some texts; characters that are no classes end a run.

        Args:
            texts: Lines of text.
            classes: The recogniser's characters.
            order: Characters that are looked at together, 1 to 12.

        Raises:
            DataError: There is no text.
            UsageError: The order is out of range.
        """
        if not 1 <= order <= 12:
            raise UsageError(f"The order of a language model must be from 1 to 12, not {order}.")
        numbers = {name: index for index, name in enumerate(classes.names, 1)}
        pieces: list[int] = []
        for text in texts:
            # Boundaries before a line fill its first contexts.
            pieces += [_BOUNDARY] * (order - 1)
            pieces += [numbers.get(character, _BOUNDARY) for character in text]
        stream = np.array(pieces, np.intp)
        if not (stream != _BOUNDARY).any():
            raise DataError("A language model needs text with characters that the recogniser knows; name other files.")
        found = [_counted(stream, length) for length in range(order)]
        contexts, labels, counts = (np.concatenate([part[which] for part in found]) for which in range(3))
        order_of_rows = np.lexsort((labels, contexts))
        contexts, labels, counts = contexts[order_of_rows], labels[order_of_rows], counts[order_of_rows]
        distinct, firsts = np.unique(contexts, return_index=True)
        offsets = np.append(firsts, len(contexts)).astype(np.uint32)
        return cls(classes.names, order, distinct, offsets, labels.astype(np.uint16), counts.astype(np.uint32))

    def __len__(self) -> int:
        return len(self._labels)

    def log_probabilities(self, context: Sequence[int]) -> npt.NDArray[np.float32]:
        """Natural logarithms of the probabilities of what comes next.

        Args:
            context: The net's classes of the characters before, from the line's beginning or at least the last
                `order - 1`; the line's beginning itself is known by what is missing.

        Returns:
            For each class of the net, [1 + classes]; the blank's is that of the text's end.
        """
        reach = self.order - 1
        key = tuple([_BOUNDARY] * (reach - len(context)) + list(context[-reach:])) if reach else ()
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = self._known[key] = np.log(self._probabilities(key)).astype(np.float32)
        return found

    def log_probability(self, text: str) -> float:
        """Natural logarithm of the probability of a line of text.

        Raises:
            UsageError: A character is not known.
        """
        numbers = {name: index for index, name in enumerate(self.names, 1)}
        unknown = [character for character in text if character not in numbers]
        if unknown:
            raise UsageError(f"The language model does not know {unknown[0]!r}; leave it out.")
        labels = [numbers[character] for character in text]
        return float(sum(self.log_probabilities(labels[:index])[label] for index, label in enumerate(labels)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model as a compressed file of arrays.

        Raises:
            OutputError: It cannot be written.
        """
        shown = Path(path)
        if shown.suffix != ".npz":
            raise OutputError(f"{shown} must end in .npz to be a language model; choose another name.")
        with atomic_write(shown) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(_FORMAT),
                order=np.array(self.order),
                names=np.frombuffer("\n".join(self.names).encode(), np.uint8),
                contexts=self._contexts,
                offsets=self._offsets,
                labels=self._labels,
                counts=self._counts,
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CharacterModel:
        """Reads a model that `save` wrote; nothing in it is ever executed.

        Raises:
            ModelError: The file is missing, damaged, too new, or no language model.
        """
        shown = os.fspath(path)
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            newer = int(values["format"]) > _FORMAT
            names = bytes(values["names"]).decode().split("\n")
            contexts, offsets, labels, counts = (values[name] for name in ("contexts", "offsets", "labels", "counts"))
            whole = (
                contexts.dtype == np.uint64
                and len(offsets) == len(contexts) + 1
                and bool((np.diff(offsets.astype(np.int64)) > 0).all())
                and int(offsets[-1]) == len(labels) == len(counts)
                and int(labels.max(initial=0)) <= len(names)
                and 1 <= int(values["order"]) <= 12
            )
        except FileNotFoundError:
            raise ModelError(f"The language model {shown} does not exist; check the path.") from None
        except (OSError, ValueError, KeyError, EOFError, IndexError, TypeError, zipfile.BadZipFile):
            raise ModelError(f"{shown} is no language model of typecase, or it is damaged; make it again.") from None
        if newer:
            raise ModelError(f"The language model {shown} was written by a newer typecase; update typecase.")
        if not whole:
            raise ModelError(f"{shown} is no language model of typecase, or it is damaged; make it again.")
        return cls(names, int(values["order"]), contexts, offsets, labels, counts)

    def _probabilities(self, context: tuple[int, ...]) -> npt.NDArray[np.float64]:
        size = len(self.names) + 1
        found = np.full(size, 1.0 / size)
        for length in range(len(context) + 1):
            wanted = _hashed(context[len(context) - length :])
            row = int(np.searchsorted(self._contexts, wanted))
            if row == len(self._contexts) or self._contexts[row] != wanted:
                # What was never seen is not seen with more before it either.
                break
            inside = slice(int(self._offsets[row]), int(self._offsets[row + 1]))
            seen = self._counts[inside].astype(np.float64)
            different = len(seen)
            found *= different
            found[self._labels[inside]] += seen
            found /= seen.sum() + different
        return found


def _hashed(context: Sequence[int]) -> np.uint64:
    """A context's hash; its length counts, so that no context is taken for a shorter one."""
    value = len(context) + 1
    for label in context:
        value = (value * _MULTIPLIER + label + 1) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


def _counted(stream: _Labels, length: int) -> tuple[_Hashes, _Labels, npt.NDArray[np.int64]]:
    """Hashes of all contexts of a length, with what follows them and how often."""
    value = np.full(len(stream) - length, length + 1, np.uint64)
    with np.errstate(over="ignore"):
        for place in range(length):
            value = value * np.uint64(_MULTIPLIER) + stream[place : len(stream) - length + place].astype(np.uint64)
            value += np.uint64(1)
    following = stream[length:]
    # What follows is told apart from boundaries, which nobody reads.
    read = following != _BOUNDARY
    value, following = value[read], following[read]
    # One number for both sorts many times faster than two.
    with np.errstate(over="ignore"):
        both = value * np.uint64(_MULTIPLIER) + following.astype(np.uint64)
    order = np.argsort(both)
    value, following = value[order], following[order]
    new = np.ones(len(value), bool)
    new[1:] = (value[1:] != value[:-1]) | (following[1:] != following[:-1])
    firsts = np.flatnonzero(new)
    counts = np.diff(np.append(firsts, len(value)))
    value, following = value[firsts], following[firsts]
    if length >= _SHORT:
        often = counts >= LEAST_COUNT
        value, following, counts = value[often], following[often], counts[often]
    return value, following, counts
