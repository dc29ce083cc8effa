"""Words that the net nearly read are found; what it read surely, or what may well be no word, stays."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_rescoring import LETTERS, frames_of, text_of
from typecase.decoding.automata import accepted
from typecase.decoding.bias import expected_path
from typecase.decoding.ctc import Frames
from typecase.decoding.decoder import Decoder
from typecase.decoding.dictionary import LEAST_SHARE, STEP, Dictionary, Spellings, folded
from typecase.decoding.language_model import CharacterModel
from typecase.decoding.options import ReadOptions
from typecase.decoding.rescoring import Rescoring
from typecase.errors import ModelError

words = st.text("abcé", min_size=3, max_size=6)


def english(**more: float) -> CharacterModel:
    """A model that has seen little, and a dictionary."""
    shares = {"tobacco": 1e-5, "moisture": 1e-6, "the": 0.05, "then": 1e-3, "than": 1e-3, **more}
    return CharacterModel.train(["the"], LETTERS, 2, dictionary=Dictionary.of(shares))


def spelled(text: str, unsure: dict[int, dict[str, float]], model: CharacterModel | None = None) -> str:
    return text_of(Rescoring(model or english())(Frames.of([frames_of(text, unsure)])))


@given(st.dictionaries(words, st.floats(1e-7, 1.0), max_size=12), words)
def test_words_are_looked_up(shares: dict[str, float], asked: str) -> None:
    dictionary = Dictionary.of(shares)
    assert len(dictionary) == len(shares)
    assert (asked in dictionary) == (asked in shares)
    for word, share in shares.items():
        assert dictionary.cost(word) == pytest.approx(-math.log(share), abs=STEP / 2)
    for end in range(len(asked) + 1):
        assert dictionary.begins(asked[:end]) == any(word.startswith(asked[:end]) for word in shares)
    again = Dictionary(dictionary.packed, dictionary.costs)
    assert all(word in again for word in shares)


def test_what_is_no_word_is_left_out() -> None:
    shares = {"ok": 0.1, "rare": LEAST_SHARE / 2, "b2b": 0.1, "it's": 0.1, "x" * 41: 0.1, "kept": LEAST_SHARE}
    dictionary = Dictionary.of(shares)
    assert len(dictionary) == 1
    assert "kept" in dictionary
    assert not Dictionary()
    assert "any" not in Dictionary()
    assert not Dictionary().begins("a")


@given(st.sets(words, min_size=1, max_size=6), st.text("abcéABCÉ1-", max_size=6))
def test_words_are_spelled_in_three_ways(some: set[str], text: str) -> None:
    spellings = Spellings(Dictionary.of(dict.fromkeys(some, 0.1)), 1.0)
    ways = {way for word in some for way in (word, word.upper(), word.title())}
    assert accepted(spellings, text) == (text in ways)
    assert all(accepted(spellings, way) for way in ways)


def test_capitals_of_turkish_are_letters_for_letters() -> None:
    assert folded("İLK Iş") == "ilk iş"
    assert accepted(Spellings(Dictionary.of({"ilk": 0.1}), 1.0), "İLK")
    # Its I is a capital ı: what is spelled so is a word, and is not taken for another.
    model = english(ışık=1e-4, işik=1e-2)
    assert spelled("IŞIK", {0: {"I": 0.6, "İ": 0.4}}, model) == "IŞIK"


def test_a_dictionary_that_is_damaged_says_so() -> None:
    good = Dictionary.of({"tobacco": 0.1, "moisture": 0.2})
    bomb = zlib.compress(b"a" * 10_000_000)
    for packed, costs in (
        (good.packed[:-3], good.costs),
        (b"nothing", good.costs),
        (good.packed, good.costs + b"1"),
        (bomb, good.costs),
    ):
        with pytest.raises(ModelError, match="dictionary of the language model is damaged"):
            assert "tobacco" in Dictionary(packed, costs)


@pytest.mark.parametrize(
    ("text", "unsure", "expected"),
    [
        ("Tobecco", {3: {"e": 0.9, "a": 0.05}}, "Tobacco"),
        ("MOISTUAE", {6: {"A": 0.95, "R": 0.03}}, "MOISTURE"),
        # A sign that letters are mistaken for, a letter too many, one too few.
        ("mo!sture", {2: {"!": 0.8, "i": 0.1}}, "moisture"),
        ("moissture", {4: {"s": 0.9, "_": 0.08}}, "moisture"),
        ("a tobaco!, (moisture)", {7: {"o": 0.7, "c": 0.2}, 8: {"!": 0.6, "o": 0.3}}, "a tobacco, (moisture)"),
        # In a word with others around it.
        ("x-tobecco/moisture", {5: {"e": 0.9, "a": 0.05}}, "x-tobacco/moisture"),
    ],
)
def test_a_word_is_found(text: str, unsure: dict[int, dict[str, float]], expected: str) -> None:
    assert spelled(text, unsure, CharacterModel.train(["the"], LETTERS, 2)) == text
    assert spelled(text, unsure) == expected


@pytest.mark.parametrize(
    ("text", "unsure"),
    [
        # Surely no word; unlike every word; a word of its own, however rare; mixed letters; too short.
        ("Tobecco", {}),
        ("Tobecco", {3: {"e": 0.97, "o": 0.02}}),
        ("then", {3: {"n": 0.9, "m": 0.05}}),
        ("tOBecco", {3: {"e": 0.9, "a": 0.05}}),
        ("th", {1: {"h": 0.6, "n": 0.3}}),
        # The net all but excludes it.
        ("Tobecco", {3: {"e": 0.97, "a": 1e-7, "o": 0.02}}),
    ],
)
def test_all_else_stays(text: str, unsure: dict[int, dict[str, float]]) -> None:
    assert spelled(text, unsure) == text


def test_the_word_that_is_used_more_is_taken() -> None:
    unsure = {2: {"x": 0.9, "e": 0.03, "a": 0.04}}
    assert spelled("thxn", unsure, english(then=1e-2, than=1e-5)) == "then"
    assert spelled("thxn", unsure, english(then=1e-5, than=1e-2)) == "than"


def test_the_confidence_of_a_word_is_that_of_the_word() -> None:
    unsure = {3: {"e": 0.9, "a": 0.05}}
    frames = Frames.of([frames_of("Tobecco", unsure)])
    Rescoring(english())(frames)
    assert np.allclose(frames.probabilities.sum(axis=1), 1, atol=1e-4)
    found, other = (float(frames.probabilities[6, LETTERS.index(letter) + 1]) for letter in "ae")
    assert found > 0.5 > other


def test_lines_do_not_tell_about_each_other() -> None:
    lines = [
        frames_of(text, unsure)
        for text, unsure in (
            ("Tobecco", {3: {"e": 0.9, "a": 0.05}}),
            ("", {}),
            ("no word", {}),
            ("MOISTUAE", {6: {"A": 0.95, "R": 0.03}}),
        )
    ]
    assert text_of(Rescoring(english())(Frames.of(lines))) == "Tobacco" + "no word" + "MOISTURE"


def test_a_text_of_a_high_price_loses() -> None:
    losses = np.array([[9.0, 0.0, 0.4], [0.0, 9.0, 9.0]], np.float32)
    spellings = Spellings(Dictionary.of({"aaa": 1e-3, "bbb": 0.5}), 1.0)
    three = np.concatenate([losses] * 3)
    dear, way = expected_path(three, spellings, ("", "a", "b"), 20.0, 20.0)
    assert way is not None
    # Three b cost 1.2 in the frames and 0.75 as a word; three a nothing and 7.
    assert way.tolist() == [2, 0] * 3
    assert dear == pytest.approx(1.95, abs=0.01)
    assert expected_path(three, spellings, ("", "a", "b"), 20.0, 1.9)[1] is None
    assert expected_path(three, spellings, ("", "a", "b"), 1.0, 20.0)[1].tolist() == [1, 0] * 3  # type: ignore[union-attr]


def test_what_ships_knows_words() -> None:
    read = Decoder(LETTERS, ReadOptions())
    for text, place, letter, expected in (
        ("CONFIDEMTIAL", 7, "N", "CONFIDENTIAL"),
        ("Quamtity", 3, "n", "Quantity"),
        ("Abteilumg", 7, "n", "Abteilung"),
    ):
        unsure = {place: {text[place]: 0.9, letter: 0.04}}
        assert text_of(read([frames_of(text, unsure)]).runs) == expected
    assert text_of(read([frames_of("Reininghaus")]).runs) == "Reininghaus"
