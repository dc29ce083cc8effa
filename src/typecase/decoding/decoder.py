"""From the frames of some lines to characters, words and lines, each with its confidence: one way for every option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from typecase.charset import ClassSet
from typecase.decoding.automata import Automaton, Pattern, WordList
from typecase.decoding.beam import Beam
from typecase.decoding.bias import Bias
from typecase.decoding.confidence import Certainties, ConfidenceMap, certainties, posteriors, single_characters
from typecase.decoding.constraints import Leaning, Restriction
from typecase.decoding.ctc import Frames, Indices, Parts, Runs, greedy
from typecase.decoding.language_model import CharacterModel
from typecase.decoding.options import SHIPPED, ReadOptions
from typecase.decoding.rescoring import Rescoring
from typecase.errors import ModelError, UsageError
from typecase.preprocess import FloatArray

SPACE = " "
"""The class whose runs part words."""

SHIPPED_LANGUAGE_MODEL = Path(__file__).parents[1] / "weights" / "language.npz"
"""The language model that is used unless another is named, or none."""


@dataclass(frozen=True)
class Decoded:
    """What was read in some lines.

    Attributes:
        runs: The characters, spaces among them.
        characters: How sure each of them is, and what else it may be.
        first_frames: The number in its line of each character's first frame, [characters].
        last_frames: That of its last one, [characters].
        word_starts: First run of each word, over all lines, [words].
        word_ends: The run after its last, [words].
        word_confidences: Probability that the whole word is right, [words].
        word_offsets: Where each line's words begin, and at last where they end, [lines + 1].
        line_confidences: Probability that the whole line is right; 0 where nothing was read, [lines].
    """

    runs: Runs
    characters: Certainties
    first_frames: Indices
    last_frames: Indices
    word_starts: Indices
    word_ends: Indices
    word_confidences: npt.NDArray[np.float64]
    word_offsets: Indices
    line_confidences: npt.NDArray[np.float64]


class Decoder:
    """Turns the logits of lines into characters and words; made once for some options and used for many lines.

    Attributes:
        options: How it reads.
    """

    def __init__(
        self,
        classes: ClassSet,
        options: ReadOptions,
        temperature: float = 1.0,
        confidence_maps: Mapping[str, tuple[float, ...]] | None = None,
    ) -> None:
        """Prepares to read.

        Args:
            classes: The model's characters; the net's class of each is one more than its index.
            options: How to read.
            temperature: What the logits are divided by.
            confidence_maps: The numbers of the map for each level; see `typecase.modelcard.ModelCard`.

        Raises:
            ModelError: The language model cannot be used, or knows other characters.
            UsageError: An option asks for characters that the model does not know, or the pattern cannot be used.
        """
        self.options = options
        self._temperature = temperature
        self._maps = {level: ConfidenceMap(*line) for level, line in (confidence_maps or {}).items()}
        self._space = classes.index(SPACE) + 1 if SPACE in classes else -1
        self._restriction = Restriction.of(classes, options.allow, spaces=options.mode == "line")
        self._leaning = Leaning.of(classes, options.languages)
        self._find = _finder(options, _language_model(classes, options))
        self._bias = _bias(classes, options, self._space)

    def __call__(self, logits: Sequence[FloatArray]) -> Decoded:
        """Reads lines.

        Args:
            logits: For each line logits of shape [frames, 1 + classes].
        """
        frames = Frames.of(logits, self._temperature)
        if self._leaning is not None:
            self._leaning.apply(frames.probabilities)
        if self._restriction is not None:
            self._restriction.apply(frames.probabilities)
        if self.options.mode == "char":
            weights = np.ones(frames.probabilities.shape[1])
            if self._bias is not None:
                weights[self._bias.favoured()] = np.exp(self.options.bias)
            runs, characters = single_characters(frames, self.options.alternatives, weights)
            return self._with_words(frames, runs, characters, characters.confidences.astype(np.float64))
        runs = self._find(frames)
        if self._bias is not None:
            runs = self._bias.apply(frames, runs)
        return self._with_words(frames, runs, certainties(frames, runs, self.options.alternatives))

    def _with_words(
        self,
        frames: Frames,
        runs: Runs,
        characters: Certainties,
        word_confidences: npt.NDArray[np.float64] | None = None,
    ) -> Decoded:
        words = Parts.of(frames, runs, runs.classes == self._space)
        # With a space on either side that is as sure as the space itself.
        certain = np.append(np.where(runs.classes == self._space, characters.confidences, 1.0), 1.0)
        opened = np.where(words.begin_lines, 1.0, certain[words.firsts - 1])
        closed = np.where(words.end_lines, 1.0, certain[words.lasts])
        if word_confidences is None:
            labels = [runs.classes[first:last] for first, last in zip(words.firsts, words.lasts, strict=True)]
            word_confidences = posteriors(frames, words.starts, words.ends, labels)
        with np.errstate(divide="ignore"):
            logs = np.log(word_confidences) + np.log(closed)
        sizes = (words.lasts - words.firsts).astype(np.float64)
        line_sizes = np.asarray(np.bincount(words.lines, sizes, len(frames)), np.float64)
        line_confidences = self._map("line")(np.exp(np.bincount(words.lines, logs, len(frames))), line_sizes)
        line_confidences[line_sizes == 0] = 0.0
        return Decoded(
            runs=runs,
            characters=characters.mapped(self._map("character")),
            first_frames=frames.times[runs.starts],
            last_frames=frames.times[runs.ends - 1],
            word_starts=words.firsts,
            word_ends=words.lasts,
            word_confidences=self._map("word")(word_confidences * opened * closed, sizes),
            word_offsets=np.searchsorted(words.lines, np.arange(len(frames) + 1)).astype(np.intp),
            line_confidences=line_confidences,
        )

    def _map(self, level: str) -> ConfidenceMap:
        return self._maps.get(level, ConfidenceMap())


def language_model_for(classes: ClassSet, options: ReadOptions) -> Path | None:
    """Which language model is read with, if any.

    Args:
        classes: The recogniser's characters.
        options: How to read.

    Raises:
        ModelError: It does not exist, or the shipped one cannot be used.
    """
    if options.language_model is None or options.mode == "char":
        return None
    if options.language_model != SHIPPED:
        path = Path(options.language_model)
        if not path.is_file():
            raise ModelError(f"The language model {path} does not exist; check the path.")
        return path
    # Where it does not know some characters, it would take their look-alikes for likelier.
    return SHIPPED_LANGUAGE_MODEL if set(classes.names) <= set(_shipped().names) else None


@cache
def _shipped() -> CharacterModel:
    return CharacterModel.load(SHIPPED_LANGUAGE_MODEL)


def _language_model(classes: ClassSet, options: ReadOptions) -> CharacterModel | None:
    path = language_model_for(classes, options)
    if path is None:
        return None
    if path == SHIPPED_LANGUAGE_MODEL:
        return _shipped().over(classes)
    return CharacterModel.load(path).over(classes)


def _finder(options: ReadOptions, model: CharacterModel | None) -> Callable[[Frames], Runs]:
    if options.decoder == "beam":
        return Beam(model)
    return greedy if model is None else Rescoring(model)


def _bias(classes: ClassSet, options: ReadOptions, space: int) -> Bias | None:
    automata: list[Automaton] = []
    if options.words:
        unknown = next((word for word in options.words if any(one not in classes for one in word)), None)
        if unknown is not None:
            letters = "".join(dict.fromkeys(one for one in unknown if one not in classes))
            raise UsageError(f"The model does not know {letters!r}, so {unknown!r} cannot be read; leave it out.")
        automata.append(WordList(options.words))
    if options.pattern is not None:
        automata.append(Pattern(options.pattern, classes.names))
    return Bias(automata, ("", *classes.names), space, options.bias) if automata else None
