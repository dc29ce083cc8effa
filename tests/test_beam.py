"""Several readings at once, and what is likely to be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_decoding import CLASSES, every_text, logits_of, small_logits
from typecase.charset import ClassSet
from typecase.decoding.beam import LEAST, Beam
from typecase.decoding.ctc import Frames
from typecase.decoding.decoder import Decoder
from typecase.decoding.language_model import CharacterModel
from typecase.decoding.options import ReadOptions
from typecase.errors import ModelError
from typecase.preprocess import FloatArray

LETTERS = ClassSet.of("abcdehlot ")


def texts_of(frames: Frames, beam: Beam) -> list[tuple[int, ...]]:
    runs = beam(frames)
    return [tuple(runs.classes[a:b].tolist()) for a, b in zip(runs.offsets[:-1], runs.offsets[1:], strict=True)]


@given(st.lists(small_logits, min_size=1, max_size=3))
def test_a_wide_beam_finds_the_likeliest_text(logits: list[FloatArray]) -> None:
    frames = Frames.of(logits)
    for number, found in enumerate(texts_of(frames, Beam(width=1000))):
        truth = every_text(frames.probabilities[frames.offsets[number] : frames.offsets[number + 1]])
        assert truth[found] >= max(truth.values()) * (1 - 1e-4) - 4 * LEAST


def test_it_sums_over_alignments_where_greedy_takes_the_best_one() -> None:
    probabilities = np.array([[0.4, 0.35, 0.15, 0.1], [0.4, 0.35, 0.15, 0.1]], np.float32)
    logits = np.log(probabilities)
    read = {
        decoder: Decoder(CLASSES, ReadOptions(language_model=None).changed(decoder=decoder))([logits])
        for decoder in ("greedy", "beam")
    }
    assert {decoder: found.runs.classes.tolist() for decoder, found in read.items()} == {"greedy": [], "beam": [1]}


def test_a_language_model_decides_between_look_alikes() -> None:
    model = CharacterModel.train(["the hat", "the lot", "the ball"] * 5, LETTERS, 4)
    logits = np.zeros((12, len(LETTERS) + 1), np.float32)
    for row, (one, other) in zip(logits, [("t", "l"), ("h", "b"), ("c", "e")] * 4, strict=True):
        row[LETTERS.index(one) + 1], row[LETTERS.index(other) + 1] = 9.0, 8.8
    logits = logits[:3]
    frames = Frames.of([logits])
    names = ("", *LETTERS.names)
    plain, helped = (
        "".join(names[label] for label in texts_of(frames, beam)[0]) for beam in (Beam(), Beam(model, 0.5, 0.5))
    )
    assert (plain, helped) == ("thc", "the")


def test_lines_without_text() -> None:
    frames = Frames.of([logits_of("..."), logits_of("ab"), logits_of("")])
    assert texts_of(frames, Beam()) == [(), (1, 2), ()]


def test_a_language_model_as_an_option(tmp_path: Path) -> None:
    CharacterModel.train(["ab ab"] * 3, CLASSES, 3).save(tmp_path / "lm.npz")
    logits = logits_of("a.a")
    logits[2] = [0.0, 8.0, 7.9, 0.0]
    options = ReadOptions(decoder="beam", language_model=tmp_path / "lm.npz")
    assert Decoder(CLASSES, options.changed(language_model="none"))([logits]).runs.classes.tolist() == [1, 1]
    assert Decoder(CLASSES, options)([logits]).runs.classes.tolist() == [1, 2]
    assert Decoder(CLASSES, options.changed(decoder="greedy"))([logits]).runs.classes.tolist() == [1, 2]
    assert options.to_dict()["language_model"] == str(tmp_path / "lm.npz")
    with pytest.raises(ModelError, match="does not know 'c'"):
        Decoder(LETTERS, options)
    with pytest.raises(ModelError, match="does not exist"):
        Decoder(CLASSES, options.changed(language_model=tmp_path / "missing.npz"))
