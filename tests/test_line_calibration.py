"""Confidences that can be trusted: the map, its fit, and what it does to a reading."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from line_fixtures import line_card
from test_decoding import CLASSES, logits_of
from typecase.decoding.confidence import Certainties, ConfidenceMap
from typecase.decoding.decoder import Decoder
from typecase.decoding.options import ReadOptions
from typecase.document import Box, Character, Line, Word
from typecase.errors import ModelError
from typecase.modelcard import parse_card
from typecase.training.line_calibration import character_answers, fit_confidence_maps
from typecase.training.line_evaluation import ReadLine
from typecase.training.metrics import calibration

shares = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(lambda values: np.array(sorted(values)))


@given(shares, st.floats(0.1, 4), st.floats(-3, 3))
def test_a_map_keeps_the_order_and_the_ends(probabilities: np.ndarray, slope: float, intercept: float) -> None:
    found = ConfidenceMap(slope, intercept, 0.5)(np.concatenate([[0.0], probabilities, [1.0]]), 7.0)
    assert found[0] == 0
    assert found[-1] == 1
    assert (np.diff(found) >= 0).all()


def test_no_map_changes_nothing() -> None:
    values = np.array([0.0, 0.3, 1.0])
    assert np.array_equal(ConfidenceMap()(values), values)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 1.2), (0.6, -0.5), (1.5, 0.0)])
def test_a_fit_finds_what_was_hidden(slope: float, intercept: float) -> None:
    generator = np.random.default_rng(1)
    said = generator.beta(2, 1, 20_000)
    true = ConfidenceMap(slope, intercept)(said)
    right = generator.random(len(said)) < true
    fitted = ConfidenceMap.fit(said, right)
    assert (fitted.slope, fitted.intercept) == pytest.approx((slope, intercept), abs=0.08)
    assert calibration(fitted(said), right).error < 0.015 < calibration(said, right).error


def test_long_texts_are_likelier_right_than_their_doubts_add_up_to() -> None:
    """Doubts that come true together: of the texts that are read on a bad page, and of none on a good one."""
    generator = np.random.default_rng(2)
    sizes = generator.integers(1, 60, 20_000).astype(np.float64)
    said = 0.98**sizes
    right = generator.random(len(said)) < 0.85
    plain, fitted = ConfidenceMap.fit(said, right), ConfidenceMap.fit(said, right, sizes)
    assert fitted.growth > 0.2
    for least, most in ((1, 8), (8, 30), (30, 60)):
        some = (sizes >= least) & (sizes < most)
        assert fitted(said, sizes)[some].mean() == pytest.approx(0.85, abs=0.04)
    assert calibration(fitted(said, sizes), right).error < calibration(plain(said), right).error + 0.005
    assert fitted.numbers == (round(fitted.slope, 4), round(fitted.intercept, 4), round(fitted.growth, 4))
    assert len(plain.numbers) == 2


def test_few_answers_lead_to_no_certainty() -> None:
    fitted = ConfidenceMap.fit(np.full(3, 0.9), np.ones(3, bool))
    assert 0.9 <= fitted(np.array([0.9]))[0] < 0.99
    assert ConfidenceMap.fit(np.empty(0), np.empty(0, bool)) == ConfidenceMap()


@given(st.floats(0.01, 0.99), st.floats(0.1, 3), st.floats(-3, 3))
def test_alternatives_give_what_the_character_gains(share: float, slope: float, intercept: float) -> None:
    others = np.array([[0.7, 0.2]], np.float32) * (1 - share)
    others = np.minimum(others, share)
    before = Certainties(np.array([share], np.float32), np.array([[1, 2]]), others)
    after = before.mapped(ConfidenceMap(slope, intercept))
    assert after.confidences[0] + after.other_confidences.sum() <= 1 + 1e-5
    assert (after.other_confidences[0] <= after.confidences[0] + 1e-6).all()
    assert (np.diff(after.other_confidences[0]) <= 0).all()


def test_each_level_has_its_own_map() -> None:
    plain, mapped = (
        Decoder(CLASSES, ReadOptions(), 1.0, maps)([logits_of("a. .b", 4.0)])
        for maps in ({}, {"character": (1.0, 1.0), "word": (1.0, -1.0), "line": (2.0, 0.0, 0.3)})
    )
    assert np.allclose(
        mapped.characters.confidences,
        ConfidenceMap(1.0, 1.0)(plain.characters.confidences.astype(np.float64)),
        atol=1e-6,
    )
    assert np.allclose(mapped.word_confidences, ConfidenceMap(1.0, -1.0)(plain.word_confidences))
    assert np.allclose(mapped.line_confidences, ConfidenceMap(2.0, 0.0, 0.3)(plain.line_confidences, 2.0))


def line(truth: str, read: str, sure: float, folded: bool = False) -> ReadLine:
    box = Box(0, 0, 1, 1)
    words = tuple(
        Word(word, box, sure, tuple(Character(one, box, sure) for one in word)) for word in read.split(" ") if word
    )
    return ReadLine("n", "s", truth, Line(box, sure, words), folded)


def test_characters_are_right_where_they_stand_in_the_truth() -> None:
    assert [right for _, right in character_answers(line("ab cd", "ax cd", 0.5))] == [True, False, True, True]
    assert [right for _, right in character_answers(line("abcd", "ab cd", 0.5))] == [True] * 4
    assert [right for _, right in character_answers(line("TOTAL", "total", 0.5))] == [False] * 5
    assert [right for _, right in character_answers(line("TOTAL", "total", 0.5, folded=True))] == [True] * 5
    assert character_answers(line("ab", "", 0.0)) == []


def test_maps_of_a_model_that_is_too_modest() -> None:
    """Everything is said with 0.5, and nine of ten are right: that is what is said afterwards."""
    lines = [line("ab cd", "ab cd" if number % 10 else "ax cy", 0.5) for number in range(400)]
    maps = fit_confidence_maps(lines)
    assert set(maps) == {"character", "word", "line"}
    assert ConfidenceMap(*maps["word"])(np.array([0.5]), 2.0)[0] == pytest.approx(0.9, abs=0.02)
    assert ConfidenceMap(*maps["line"])(np.array([0.5]), 4.0)[0] == pytest.approx(0.9, abs=0.02)
    assert ConfidenceMap(*maps["character"])(np.array([0.5]))[0] == pytest.approx(0.95, abs=0.02)


def test_too_few_answers_fit_nothing() -> None:
    assert fit_confidence_maps([line("ab", "ab", 0.5)] * 500) == {}
    assert fit_confidence_maps([line("ab", "ax", 0.5)] * 20) == {}


def test_a_card_keeps_its_maps() -> None:
    maps = {"word": (0.9, 1.1), "line": (1.0, 0.5, 0.8)}
    text = line_card(confidence_maps=maps).to_json()
    assert parse_card(text, "m").confidence_maps == maps
    assert parse_card(line_card().to_json(), "m").confidence_maps == {}


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({"page": [1, 0]}, "confidence_maps.page is none of character, word, line"),
        ({"word": [1]}, "must be two or three numbers"),
        ({"word": [1, 0, 0, 0]}, "must be two or three numbers"),
        ({"word": [0, 1]}, "the first above 0"),
        ({"word": "wide"}, "must be two or three numbers"),
        ([1, 0], "confidence_maps is not an object"),
    ],
)
def test_a_damaged_card_is_refused(maps: object, message: str) -> None:
    values = json.loads(line_card().to_json()) | {"confidence_maps": maps}
    with pytest.raises(ModelError, match=message):
        parse_card(json.dumps(values), "m")
