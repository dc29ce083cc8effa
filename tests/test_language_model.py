"""What is likely to be written: probabilities, files, and what the shipped model says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typecase.charset import ClassSet
from typecase.decoding.decoder import SHIPPED_LANGUAGE_MODEL
from typecase.decoding.dictionary import Dictionary
from typecase.decoding.language_model import CharacterModel
from typecase.errors import DataError, ModelError, OutputError, UsageError
from typecase.runtime.onnx_file import read_onnx
from typecase.stages.recognize import SHIPPED_MODEL

LETTERS = ClassSet.of("abcdehlot ")

texts = st.lists(st.text("abcdehlot xyz", max_size=12), min_size=1, max_size=6)


@given(texts, st.integers(1, 5), st.text("abcdehlot ", max_size=6))
def test_probabilities_add_up_to_one(some: list[str], order: int, context: str) -> None:
    if not any(character in LETTERS for text in some for character in text):
        return
    model = CharacterModel.train(some, LETTERS, order)
    found = np.exp(model.log_probabilities([LETTERS.index(one) + 1 for one in context]).astype(np.float64))
    assert found.shape == (len(LETTERS) + 1,)
    # Logarithms are kept in steps of a sixteenth.
    assert found.sum() == pytest.approx(1, abs=0.1)
    assert (found > 0).all()


def test_probabilities_are_those_of_witten_and_bell() -> None:
    """By hand: after a there was b twice and t once, so two kinds; what is left of the mass goes to all characters."""
    model = CharacterModel.train(["ab", "ab", "at"], LETTERS, 2, least_gain=0)
    # Each of the three lines has an end as well.
    kinds, size, total = 4, len(LETTERS) + 1, 9
    single = {"a": 3, "b": 2, "t": 1}
    shares = {one: (single.get(one, 0) + kinds / size) / (total + kinds) for one in "abtc"}
    found = np.exp(model.log_probabilities([LETTERS.index("a") + 1]))
    for one, seen in (("b", 2), ("t", 1), ("c", 0)):
        expected = (seen + 2 * shares[one]) / (3 + 2)
        assert found[LETTERS.index(one) + 1] == pytest.approx(expected, rel=0.1)


@given(texts, st.integers(1, 5), st.floats(0, 3), st.lists(st.text("abcdehlot ", max_size=7), min_size=1, max_size=5))
def test_many_pieces_at_once_are_what_each_is_by_itself(
    some: list[str], order: int, least_gain: float, pieces: list[str]
) -> None:
    if not any(character in LETTERS for text in some for character in text):
        return
    model = CharacterModel.train(some, LETTERS, order, least_gain=least_gain)
    labels = [[0, *(LETTERS.index(one) + 1 for one in piece)] for piece in pieces]
    stream = np.array([label for piece in labels for label in piece], np.intp)
    before = np.concatenate([np.arange(len(piece)) for piece in labels])
    found = model.of_stream(stream, before)
    expected = [
        model.log_probabilities(piece[1:place])[label] for piece in labels for place, label in enumerate(piece) if place
    ]
    assert np.allclose(found[before > 0], expected, atol=1e-4)
    asked = before % 2 == 1
    assert np.allclose(model.of_stream(stream, before, asked), np.where(asked, found, 0), atol=1e-4)


def test_no_digit_is_likelier_than_another() -> None:
    classes = ClassSet.of("0123456789abc ")
    model = CharacterModel.train(["a 1", "b 1", "c 1111"] * 5, classes, 4, least_gain=0)
    for context in ([], [11], [11, 14], [2, 2, 2]):
        found = model.log_probabilities(context)
        assert np.allclose(found[1:11], found[2])
    assert model.log_probability("a 97") == pytest.approx(model.log_probability("a 11"), abs=1e-4)


def test_less_gain_asked_for_keeps_more() -> None:
    some = ["the hat", "the bat", "the lot", "the ball"] * 3
    sizes = [len(CharacterModel.train(some, LETTERS, 5, least_gain=gain)) for gain in (0, 2, 1000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2]


def test_for_a_recogniser_that_knows_fewer_characters() -> None:
    model = CharacterModel.train(["the hat", "the ball"], LETTERS, 4)
    fewer = model.over(ClassSet.of("eht "))
    assert fewer.log_probability("the") == pytest.approx(model.log_probability("the"), abs=1e-4)
    assert model.over(LETTERS) is model
    with pytest.raises(ModelError, match="does not know 'x'"):
        model.over(ClassSet.of("ex"))


def test_the_shipped_one_knows_what_is_written() -> None:
    model = CharacterModel.load(SHIPPED_LANGUAGE_MODEL)
    assert set(model.names) == set(read_onnx(SHIPPED_MODEL).card.classes.names)
    assert SHIPPED_LANGUAGE_MODEL.stat().st_size + SHIPPED_MODEL.stat().st_size <= 9_000_000
    assert model.about["texts"]
    for right, wrong in (
        ("TAKEOUT", "TAKEDUT"),
        ("PLEASE", "PIEASE"),
        ("THANK YOU", "THALK YOU"),
        ("GST SUMMARY", "GST SUMARY"),
        ("DELIVERY", "DEELIVERY"),
        ("Tel: 0123", "TeI: O123"),
        ("Wissenschaft", "Wissensohaft"),
        ("développement", "déve1oppement"),
        ("bambini", "barnbini"),
        ("także", "tahże"),
    ):
        assert model.log_probability(right) > model.log_probability(wrong) + 2


def test_what_was_seen_is_likelier() -> None:
    model = CharacterModel.train(["the hat", "the bat", "the lot"] * 3, LETTERS)
    assert model.log_probability("the tot") > model.log_probability("eth oto")
    with pytest.raises(UsageError, match="'x'"):
        model.log_probability("x")


def test_saved_and_loaded(tmp_path: Path) -> None:
    dictionary = Dictionary.of({"hat": 0.5, "ball": 0.25})
    model = CharacterModel.train(["the hat", "the ball"], LETTERS, 5, about={"texts": ["a"]}, dictionary=dictionary)
    model.save(tmp_path / "lm.npz")
    again = CharacterModel.load(tmp_path / "lm.npz")
    assert (again.names, again.order, len(again)) == (model.names, 5, len(model))
    assert again.log_probability("the hall") == model.log_probability("the hall")
    assert again.about == {"texts": ["a"]}
    assert (again.dictionary.packed, again.dictionary.costs) == (dictionary.packed, dictionary.costs)
    assert again.over(ClassSet.of("bath el"[::-1])).dictionary is again.dictionary
    CharacterModel.train(["the hat"], LETTERS, 2).save(tmp_path / "without.npz")
    assert not CharacterModel.load(tmp_path / "without.npz").dictionary
    with pytest.raises(OutputError, match=r"must end in \.npz"):
        model.save(tmp_path / "lm.bin")


def test_saved_with_many_characters(tmp_path: Path) -> None:
    """The step to the first parent that has children takes more than a byte."""
    names = "".join(map(chr, range(0x4E00, 0x4E00 + 600)))
    model = CharacterModel.train([names[-9:], names[-5:]], ClassSet.of(names), 3, least_gain=0)
    model.save(tmp_path / "lm.npz")
    with np.load(tmp_path / "lm.npz") as file:
        assert file["steps"].dtype == np.uint16
    again = CharacterModel.load(tmp_path / "lm.npz")
    for text in (names[-9:], names[:3], names[-4:-6:-1]):
        assert again.log_probability(text) == model.log_probability(text)


def test_files_that_are_no_language_model(tmp_path: Path) -> None:
    model = CharacterModel.train(["the hat"], LETTERS, 3, least_gain=0)
    model.save(tmp_path / "lm.npz")
    content = (tmp_path / "lm.npz").read_bytes()
    for name, damaged in (("cut", content[: len(content) // 2]), ("empty", b""), ("text", b"no model")):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="is no language model"):
            CharacterModel.load(path)
    np.savez(tmp_path / "other.npz", format=np.array(2))
    with pytest.raises(ModelError, match="is no language model"):
        CharacterModel.load(tmp_path / "other.npz")
    np.savez(tmp_path / "newer.npz", format=np.array(99))
    with pytest.raises(ModelError, match="newer typecase"):
        CharacterModel.load(tmp_path / "newer.npz")
    with np.load(tmp_path / "lm.npz") as file:
        values = dict(file)
    for name in ("before", "likely", "left", "steps", "symbols", "sizes"):
        changed = values | {name: values[name][:-1]}
        np.savez(tmp_path / "short.npz", **changed)
        with pytest.raises(ModelError, match="is no language model"):
            CharacterModel.load(tmp_path / "short.npz")
    wrong = {
        "before": (values["before"].astype(np.uint16), values["before"][::-1], values["before"] | np.uint8(128)),
        "steps": (values["steps"].astype(np.int8), values["steps"] * np.uint8(0), values["steps"] + np.uint8(99)),
        "symbols": (values["symbols"] + np.uint16(99), values["symbols"].astype(np.int64) - 9),
        "likely": (values["likely"].astype(np.int16),),
    }
    for name, replaced in ((name, one) for name, some in wrong.items() for one in some):
        np.savez(tmp_path / "wrong.npz", **(values | {name: replaced}))
        with pytest.raises(ModelError, match="is no language model"):
            CharacterModel.load(tmp_path / "wrong.npz")
    # Files from before there were dictionaries.
    np.savez(tmp_path / "old.npz", **{name: value for name, value in values.items() if name not in ("words", "costs")})
    assert not CharacterModel.load(tmp_path / "old.npz").dictionary
    with pytest.raises(ModelError, match="does not exist"):
        CharacterModel.load(tmp_path / "missing.npz")


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="needs text"):
        CharacterModel.train(["жшщ"], LETTERS)
    with pytest.raises(UsageError, match="order"):
        CharacterModel.train(["a"], LETTERS, 0)
