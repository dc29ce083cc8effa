"""How likely a character is after those before it: counts of short runs of characters, smoothed and thinned out.

The probability after a context is that of Witten and Bell (1991): what was seen after it, and for the rest what is
likely after the context without its first character. Digits count as one character, so that no number is likelier than
another. Runs that say little more than what is known without them are left out (Seymore and Rosenfeld 1996).

The runs are kept as a tree that is walked from a run's last character backwards (Heafield 2011): one walk finds the
longest run that is known to end at a place. Each level is an array of rising keys, which are searched for many places
at once.
"""

from __future__ import annotations

import itertools
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.decoding.dictionary import Dictionary
from typecase.errors import DataError, ModelError, OutputError, UsageError
from typecase.files import atomic_write

ORDER = 6
"""Characters that are looked at together, the one asked about among them."""

LEAST_COUNT = 2
"""A longer run of characters (of four and more) that was seen less often is left out."""

LEAST_GAIN = 7.0
"""A run of three and more is kept where it changes the logarithm of the probability of the texts by this much. The file
becomes small by that, and reading hardly worse."""

WEIGHT = 0.45
"""How much a language model's logarithm counts beside the net's."""

REWARD = 0.77
"""What each character adds, for a language model makes every longer text less likely."""

SURPRISE = -9.0
"""In reading, no character counts as less likely than e to the power of this: what is rare in the texts that a language
model was made of, a letter of another language or a sign, may still stand in a picture."""

_FORMAT = 3
_SHORT = 3
_MOST_KEPT = 20_000
_BOUNDARY = 0
_DIGITS = frozenset("0123456789")
# Logarithms are kept in steps of a sixteenth, in a byte each.
_STEP = 1.0 / 16

_Labels = npt.NDArray[np.intp]
_Floats = npt.NDArray[np.float32]
_Steps = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Level:
    """The known runs of one length, as children of the runs without their first character.

    Attributes:
        keys: Number of the parent in its level times the stride, plus the symbol before; rising, [runs].
        likely: Logarithm of the probability of the run's last character after the others, in steps, [runs].
        left: That of what is left, after this run, for characters that were not seen after it, [runs].
    """

    keys: npt.NDArray[np.integer[Any]]
    likely: _Steps
    left: _Steps


class CharacterModel:
    """A language model over the characters of a recogniser.

    Attributes:
        names: The characters, in the order of the net's classes without the blank.
        order: Characters that are looked at together.
        about: What the model says about itself, such as the texts it was made of.
        dictionary: Words and how often they are used; it may have none.
    """

    def __init__(
        self,
        names: Sequence[str],
        symbols: _Labels,
        count: int,
        levels: Sequence[_Level],
        about: Mapping[str, Any] | None = None,
        dictionary: Dictionary | None = None,
    ) -> None:
        """Takes a tree; see `train` and `load`.

        Args:
            names: The characters.
            symbols: What stands for each class of the net in the tree; the blank's is that of a line's two ends,
                [1 + names].
            count: How many symbols there are.
            levels: The runs of one symbol, two, and so on.
            about: See the attribute.
            dictionary: Likewise; None has no words.
        """
        self.names = tuple(names)
        self.order = len(levels)
        self.about = dict(about or {})
        self.dictionary = dictionary or Dictionary()
        self._symbols, self._count, self._levels = symbols, count, tuple(levels)
        self._stride = _stride_of(count)
        # Who reads one of ten digits still has to say which.
        shares = np.bincount(symbols, minlength=count)
        self._shared = -np.log(np.maximum(shares, 1)).astype(np.float32)
        self._known: dict[tuple[int, ...], _Floats] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        classes: ClassSet,
        order: int = ORDER,
        *,
        least_gain: float = LEAST_GAIN,
        about: Mapping[str, Any] | None = None,
        dictionary: Dictionary | None = None,
    ) -> CharacterModel:
        """Counts what follows what in some texts; characters that are no classes end a run.

        Args:
            texts: Lines of text, of which both ends count.
            classes: The recogniser's characters.
            order: Characters that are looked at together, 1 to 12.
            least_gain: See `LEAST_GAIN`; 0 keeps all runs.
            about: What the model is to say about itself, as plain JSON values.
            dictionary: See the attribute; None has no words.

        Raises:
            DataError: There is no text.
            UsageError: The order is out of range.
        """
        if not 1 <= order <= 12:
            raise UsageError(f"The order of a language model must be from 1 to 12, not {order}.")
        symbols, count = _symbols_of(classes.names)
        numbers = {name: int(symbol) for name, symbol in zip(classes.names, symbols[1:], strict=True)}
        pieces = [_BOUNDARY]
        for text in texts:
            pieces += [numbers.get(character, _BOUNDARY) for character in text]
            pieces.append(_BOUNDARY)
        stream = np.array(pieces, np.int32)
        # Ends next to each other are one.
        stream = stream[np.append(True, (stream[1:] != _BOUNDARY) | (stream[:-1] != _BOUNDARY))]
        if len(stream) < 2:
            raise DataError("A language model needs text with characters that the recogniser knows; name other files.")
        return cls(classes.names, symbols, count, _grown(stream, count, order, least_gain), about, dictionary)

    def __len__(self) -> int:
        return sum(len(level.keys) for level in self._levels)

    def over(self, classes: ClassSet) -> CharacterModel:
        """The same model for a recogniser that knows fewer characters, or the same in another order.

        Raises:
            ModelError: The model lacks one of its characters.
        """
        if classes.names == self.names:
            return self
        known = dict(zip(self.names, self._symbols[1:].tolist(), strict=True))
        unknown = [name for name in classes.names if name not in known]
        if unknown:
            raise ModelError(f"The language model does not know {unknown[0]!r}, which the recogniser may read.")
        symbols = np.array([_BOUNDARY, *(known[name] for name in classes.names)], np.intp)
        model = CharacterModel(classes.names, symbols, self._count, self._levels, self.about, self.dictionary)
        # However few digits are told apart, one of them is a tenth of all.
        model._shared = self._shared
        return model

    def context(self, classes: Sequence[int], start: int, place: int) -> list[int]:
        """What is looked at before a character: as much as counts, and the blank where the line begins.

        Args:
            classes: The net's classes of characters.
            start: The number of the line's first.
            place: The character's number.
        """
        reach = self.order - 1
        beginning = [_BOUNDARY] if place - reach < start else []
        return [*beginning, *classes[max(start, place - reach) : place]]

    def log_probabilities(self, context: Sequence[int]) -> _Floats:
        """Natural logarithms of the probabilities of what comes next.

        Args:
            context: The net's classes of the characters before, from the line's beginning or at least the last
                `order - 1`; the line's beginning itself is known by what is missing.

        Returns:
            For each class of the net, [1 + classes]; the blank's is that of the line's end.
        """
        reach = self.order - 1
        key = tuple(context[-reach:]) if reach else ()
        if len(context) < reach:
            key = (_BOUNDARY, *key)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            size = len(self._symbols)
            rows = np.empty((size, len(key) + 1), np.intp)
            rows[:, :-1] = key
            rows[:, -1] = np.arange(size)
            # Before each row lies another one, whose characters must not be taken for its own.
            before = np.tile(np.arange(len(key) + 1), size)
            found = self.of_stream(rows.ravel(), before)[len(key) :: len(key) + 1]
            self._known[key] = found
        return found

    def of_stream(
        self, labels: _Labels, before: _Labels, asked: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.float32]:
        """Natural logarithms of the probability of each character of many pieces of text, laid end to end.

        Args:
            labels: The net's classes, the blank for the ends of a line, [characters].
            before: How many characters before each may be looked at, [characters].
            asked: Which of the characters are asked about; None is all, [characters].

        Returns:
            Of shape [characters]; 0 where it is not asked.
        """
        symbols = self._symbols[labels]
        size = len(symbols)
        likely = _unpacked(self._levels[0].likely[symbols])
        # How long a run was found at each place, and what its contexts leave to shorter ones, summed up to each length.
        found = np.ones(size, np.intp)
        left = np.zeros((self.order + 1, size), np.float32)
        left[1] = _unpacked(self._levels[0].left[symbols])
        needed = np.ones(size, bool)
        if asked is not None:
            needed[:] = asked
            needed[:-1] |= asked[1:]
        places = np.flatnonzero(needed)
        nodes = symbols[places]
        for length in range(2, self.order + 1):
            keys = self._levels[length - 1].keys
            left[length] = left[length - 1]
            longer = before[places] >= length - 1
            places, nodes = places[longer], nodes[longer]
            wanted = (nodes * self._stride + symbols[places - (length - 1)]).astype(keys.dtype)
            at = np.searchsorted(keys, wanted)
            at[at == len(keys)] = 0
            there = keys[at] == wanted if len(keys) else np.zeros(len(at), bool)
            places, nodes = places[there], at[there]
            likely[places] = _unpacked(self._levels[length - 1].likely[nodes])
            found[places] = length
            left[length, places] += _unpacked(self._levels[length - 1].left[nodes])
        result = likely + self._shared[symbols]
        # What was not seen with all of its context: each context longer than what was seen with it gives way.
        reach = np.minimum(before, self.order - 1)
        cut = np.flatnonzero(reach >= found)
        result[cut] += left[reach[cut], cut - 1] - left[found[cut] - 1, cut - 1]
        if asked is not None:
            result[~asked] = 0.0
        return result

    def log_probability(self, text: str) -> float:
        """Natural logarithm of the probability of a line of text.

        Raises:
            UsageError: A character is not known.
        """
        numbers = {name: index for index, name in enumerate(self.names, 1)}
        unknown = [character for character in text if character not in numbers]
        if unknown:
            raise UsageError(f"The language model does not know {unknown[0]!r}; leave it out.")
        labels = np.array([_BOUNDARY, *(numbers[character] for character in text)], np.intp)
        return float(self.of_stream(labels, np.arange(len(labels)))[1:].sum())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model as a compressed file of arrays.

        Raises:
            OutputError: It cannot be written.
        """
        shown = Path(path)
        if shown.suffix != ".npz":
            raise OutputError(f"{shown} must end in .npz to be a language model; choose another name.")
        # Parents rise slowly, and in steps of few kinds: both parts compress well and are put together fast.
        steps = np.concatenate([np.diff(level.keys >> 8, prepend=0) for level in self._levels])
        with atomic_write(shown) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(_FORMAT),
                about=np.frombuffer(json.dumps(self.about, ensure_ascii=False).encode(), np.uint8),
                names=np.frombuffer("\n".join(self.names).encode(), np.uint8),
                symbols=self._symbols.astype(np.uint16),
                sizes=np.array([len(level.keys) for level in self._levels], np.uint32),
                steps=steps.astype(np.min_scalar_type(steps.max())),
                before=np.concatenate([level.keys & 255 for level in self._levels]).astype(np.uint8),
                likely=np.concatenate([level.likely for level in self._levels]),
                left=np.concatenate([level.left for level in self._levels]),
                words=np.frombuffer(self.dictionary.packed, np.uint8),
                costs=np.frombuffer(self.dictionary.costs, np.uint8),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CharacterModel:
        """Reads a model that `save` wrote; nothing in it is ever executed.

        Raises:
            ModelError: The file is missing, damaged, of another version, or no language model.
        """
        shown = os.fspath(path)
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                version = int(file["format"])
                if version > _FORMAT:
                    raise ModelError(f"The language model {shown} was written by a newer typecase; update typecase.")
                values = {name: file[name] for name in file.files}
            about = json.loads(bytes(values["about"]))
            return _read(values, bytes(values["names"]).decode().split("\n"), about)
        except FileNotFoundError:
            raise ModelError(f"The language model {shown} does not exist; check the path.") from None
        except (OSError, ValueError, KeyError, EOFError, IndexError, TypeError, zipfile.BadZipFile, zlib.error):
            raise ModelError(f"{shown} is no language model of typecase, or it is damaged; make it again.") from None


def _symbols_of(names: Sequence[str]) -> tuple[_Labels, int]:
    """What stands for each class of the net, the blank first, and how many different ones there are."""
    found: dict[str, int] = {}
    symbols = [_BOUNDARY]
    for name in names:
        symbols.append(found.setdefault("0" if name in _DIGITS else name, len(found) + 1))
    return np.array(symbols, np.intp), len(found) + 1


def _stride_of(count: int) -> int:
    """By how much the keys of a parent's children lie apart from those of the next one, for so many symbols.

    A power of two and at least 256, so that the low byte of a key tells of the symbol alone.
    """
    return 1 << max(8, (count - 1).bit_length())


def _grown(stream: npt.NDArray[np.int32], count: int, order: int, least_gain: float) -> list[_Level]:
    """The levels of a tree over some lines, with a boundary before, between and after them."""
    ends = np.flatnonzero(stream == _BOUNDARY)
    # The first boundary begins the first line and ends none.
    places = np.arange(1, len(stream))
    reach = places - ends[np.searchsorted(ends, places) - 1]
    counts = np.bincount(stream[places], minlength=count)
    likely = np.log((counts + np.count_nonzero(counts) / count) / (len(places) + np.count_nonzero(counts)))
    grown = [_Grown(np.arange(count), counts, likely, np.zeros(count), np.full(count, -1), np.ones(count, bool))]
    nodes = np.full(len(stream), -1, np.int64)
    nodes[:] = stream
    for length in range(2, order + 1):
        last = grown[-1]
        places = places[(reach >= length - 1) & (nodes[places] >= 0)]
        reach = places - ends[np.searchsorted(ends, places) - 1]
        keys = nodes[places] * count + stream[places - (length - 1)]
        distinct, firsts, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        contexts = nodes[places[firsts] - 1]
        known = contexts >= 0
        after = np.bincount(contexts[known], counts[known], len(last.keys))[contexts]
        kinds = np.bincount(contexts[known], minlength=len(last.keys))[contexts]
        shorter = last.likely[distinct // count]
        # What has no known context is left out below, whatever comes out here.
        with np.errstate(divide="ignore", invalid="ignore"):
            likely = np.log((counts + kinds * np.exp(shorter)) / (after + kinds))
            gains = counts * (likely - shorter - np.log(kinds / (after + kinds)))
        often = known & ((counts >= LEAST_COUNT) | (length <= _SHORT))
        worth = (np.abs(gains) >= least_gain) | (length < _SHORT)
        numbers = np.where(often, np.cumsum(often) - 1, -1)
        following = np.full(len(stream), -1, np.int64)
        following[places] = numbers[inverse]
        nodes = following
        grown.append(_Grown(*(one[often] for one in (distinct, counts, likely, shorter, contexts, worth))))
    return _thinned(grown, count)


@dataclass
class _Grown:
    """A level while the tree grows.

    Attributes:
        keys: See `_Level`; the stride is the number of symbols.
        counts: How often each run was seen.
        likely: See `_Level`.
        shorter: The logarithm of that probability without the run's first character.
        contexts: The number, in the level above, of each run without its last character.
        worth: Whether it says enough to be kept for its own sake.
    """

    keys: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    likely: npt.NDArray[np.float64]
    shorter: npt.NDArray[np.float64]
    contexts: npt.NDArray[np.int64]
    worth: npt.NDArray[np.bool_]


def _thinned(grown: list[_Grown], count: int) -> list[_Level]:
    """The levels without the runs that say little and are not needed for longer ones."""
    for upper, lower in zip(grown[-2::-1], grown[:0:-1], strict=True):
        upper.worth[lower.keys[lower.worth] // count] = True
        upper.worth[lower.contexts[lower.worth]] = True
    levels = []
    numbers = np.arange(count)
    for place, level in enumerate(grown):
        kept = level.worth
        keys = level.keys[kept]
        if place:
            keys = numbers[keys // count] * _stride_of(count) + keys % count
        left = np.zeros(len(kept))
        if place + 1 < len(grown):
            lower = grown[place + 1]
            chosen, contexts = lower.worth, lower.contexts[lower.worth]
            seen, shorter = (
                np.bincount(contexts, np.exp(values[chosen]), len(kept)) for values in (lower.likely, lower.shorter)
            )
            left = np.log(np.maximum(1.0 - seen, 1e-6) / np.maximum(1.0 - shorter, 1e-6))
        levels.append(_Level(_small(keys), _packed(level.likely[kept]), _packed(left[kept])))
        numbers = np.cumsum(kept) - 1
    return levels


def _small(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.integer[Any]]:
    """Keys in half the memory where they allow it; they are also searched faster."""
    return keys.astype(np.int32) if not len(keys) or keys[-1] < 1 << 31 else keys


def _packed(logarithms: npt.NDArray[np.float64]) -> _Steps:
    """Logarithms of probabilities in steps."""
    return np.clip(np.round(-logarithms / _STEP), 0, 255).astype(np.uint8)


def _unpacked(steps: _Steps) -> _Floats:
    return steps * np.float32(-_STEP)


def _read(values: dict[str, npt.NDArray[Any]], names: Sequence[str], about: Mapping[str, Any]) -> CharacterModel:
    """A model out of the arrays of a file.

    Raises:
        ValueError: They do not fit together.
    """
    symbols, sizes = values["symbols"].astype(np.intp), values["sizes"].astype(np.int64).tolist()
    steps, before, likely, left = (values[name] for name in ("steps", "before", "likely", "left"))
    count = sizes[0]
    if not (
        1 <= len(sizes) <= 12
        and steps.dtype.kind == "u"
        and before.dtype == likely.dtype == left.dtype == np.uint8
        and len(steps) == len(before) == len(likely) == len(left) == sum(sizes)
        and len(symbols) == len(names) + 1
        and int(symbols.min()) >= 0
        and int(symbols.max()) < count
    ):
        raise ValueError("arrays of different lengths")
    stride = _stride_of(count)
    levels = []
    bounds = itertools.pairwise(itertools.accumulate(sizes, initial=0))
    for parents, (start, end) in zip([1, *sizes[:-1]], bounds, strict=True):
        if end > start and int(steps[start:end].sum()) >= parents * stride >> 8:
            raise ValueError("children of no parent")
        # Half the memory where the largest key allows it, which is also made and searched faster.
        keys: npt.NDArray[np.integer[Any]] = np.cumsum(
            steps[start:end], dtype=np.int32 if parents * stride <= 1 << 31 else np.int64
        )
        keys <<= 8
        keys |= before[start:end]
        if not (keys[1:] > keys[:-1]).all() or int((keys & (stride - 1)).max(initial=0)) >= count:
            raise ValueError("keys that do not rise, or of no symbol")
        levels.append(_Level(keys, likely[start:end], left[start:end]))
    dictionary = Dictionary(values["words"].tobytes(), values["costs"].tobytes()) if "words" in values else None
    return CharacterModel(names, symbols, count, levels, about, dictionary)
