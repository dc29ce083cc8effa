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
from typecase.errors import DataError, ModelError, OutputError, UsageError
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
        decoder: Decoder(CLASSES, ReadOptions().changed(decoder=decoder))([logits]).runs.classes.tolist()
        for decoder in ("greedy", "beam")
    }
    assert read == {"greedy": [], "beam": [1]}


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


texts = st.lists(st.text("abcdehlot xyz", max_size=12), min_size=1, max_size=6)


@given(texts, st.integers(1, 5), st.text("abcdehlot ", max_size=6))
def test_probabilities_add_up_to_one(some: list[str], order: int, context: str) -> None:
    if not any(character in LETTERS for text in some for character in text):
        return
    model = CharacterModel.train(some, LETTERS, order)
    found = np.exp(model.log_probabilities([LETTERS.index(one) + 1 for one in context]).astype(np.float64))
    assert found.shape == (len(LETTERS) + 1,)
    assert found.sum() == pytest.approx(1, abs=1e-4)
    assert (found > 0).all()


def test_probabilities_are_those_of_witten_and_bell() -> None:
    """By hand: after a there was b twice and t once, so two kinds; what is left of the mass goes to all characters."""
    model = CharacterModel.train(["ab", "ab", "at"], LETTERS, 2)
    kinds, size = 3, len(LETTERS) + 1
    single = {"a": 3, "b": 2, "t": 1}
    shares = {one: (single.get(one, 0) + kinds / size) / (6 + kinds) for one in "abtc"}
    found = np.exp(model.log_probabilities([LETTERS.index("a") + 1]))
    for one, seen in (("b", 2), ("t", 1), ("c", 0)):
        expected = (seen + 2 * shares[one]) / (3 + 2)
        assert found[LETTERS.index(one) + 1] == pytest.approx(expected, rel=1e-5)


def test_what_was_seen_is_likelier() -> None:
    model = CharacterModel.train(["the hat", "the bat", "the lot"] * 3, LETTERS)
    assert model.log_probability("the tot") > model.log_probability("eth oto")
    with pytest.raises(UsageError, match="'x'"):
        model.log_probability("x")


def test_saved_and_loaded(tmp_path: Path) -> None:
    model = CharacterModel.train(["the hat", "the ball"], LETTERS, 5)
    model.save(tmp_path / "lm.npz")
    again = CharacterModel.load(tmp_path / "lm.npz")
    assert (again.names, again.order, len(again)) == (model.names, 5, len(model))
    assert again.log_probability("the hall") == model.log_probability("the hall")
    with pytest.raises(OutputError, match=r"must end in \.npz"):
        model.save(tmp_path / "lm.bin")


def test_files_that_are_no_language_model(tmp_path: Path) -> None:
    model = CharacterModel.train(["the hat"], LETTERS, 3)
    model.save(tmp_path / "lm.npz")
    content = (tmp_path / "lm.npz").read_bytes()
    for name, damaged in (("cut", content[: len(content) // 2]), ("empty", b""), ("text", b"no model")):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="is no language model"):
            CharacterModel.load(path)
    np.savez(tmp_path / "other.npz", format=np.array(1))
    with pytest.raises(ModelError, match="is no language model"):
        CharacterModel.load(tmp_path / "other.npz")
    with pytest.raises(ModelError, match="does not exist"):
        CharacterModel.load(tmp_path / "missing.npz")


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="needs text"):
        CharacterModel.train(["жшщ"], LETTERS)
    with pytest.raises(UsageError, match="order"):
        CharacterModel.train(["a"], LETTERS, 0)


def test_a_language_model_as_an_option(tmp_path: Path) -> None:
    CharacterModel.train(["ab ab"] * 3, CLASSES, 3).save(tmp_path / "lm.npz")
    logits = logits_of("a.a")
    logits[2] = [0.0, 8.0, 7.9, 0.0]
    options = ReadOptions(decoder="beam", language_model=tmp_path / "lm.npz")
    assert Decoder(CLASSES, ReadOptions())([logits]).runs.classes.tolist() == [1, 1]
    assert Decoder(CLASSES, options)([logits]).runs.classes.tolist() == [1, 2]
    assert options.to_dict()["language_model"] == str(tmp_path / "lm.npz")
    with pytest.raises(ModelError, match="knows other characters"):
        Decoder(LETTERS, options)
    with pytest.raises(UsageError, match="beam decoder only"):
        ReadOptions(language_model="lm.npz")
