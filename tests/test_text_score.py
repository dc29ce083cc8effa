from __future__ import annotations

import importlib.util
import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import shared_data
from typecase.text_score import (
    LineScore,
    Rate,
    SetScore,
    confusions,
    edits,
    matches,
    normalize,
    score_line,
    word_counts,
    word_f1,
)

# Mostly what the definition speaks of, so that examples meet its rules.
texts = st.text(st.sampled_from("aAbBſ ß\t\u00a0\u00ad‘’`´“«—‐−ﬁ½²…&;ampli.,0Oİ") | st.characters(), max_size=20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a \n b\u00a0c ", "a b c"),
        ("‘a’ `b` ‚c‛", "'a' 'b' 'c'"),
        ("“a” «b» „c‟", '"a" "b" "c"'),
        ("a‐b‑c‒d–e—f―g−h", "a-b-c-d-e-f-g-h"),
        ("ﬁ…²", "fi...2"),
        ("co\u00adop ſo", "coop so"),
        ("A &amp; B &#39;c&#39;", "A & B 'c'"),
        ("e\u0301", "é"),
        ("", ""),
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normalize(text) == expected


def test_case_is_folded_when_asked() -> None:
    assert normalize("Straße", fold_case=True) == "STRASSE"
    assert normalize("Straße") == "Straße"


def test_known_distances() -> None:
    assert edits("kitten", "sitting") == (3, 6)
    assert edits("Total", "TOTAL") == (4, 5)
    assert edits("Total", "TOTAL", fold_case=True) == (0, 5)
    assert word_counts("a b b c", "b b b d") == (2, 4, 4)
    assert word_f1(2, 4, 4) == 0.5
    assert word_f1(0, 0, 0) == 0.0


def shared_definition() -> ModuleType:
    path = shared_data("../score.py")
    specification = importlib.util.spec_from_file_location("shared_score", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_definition_is_the_shared_one() -> None:
    shared = shared_definition()

    @given(texts, texts, st.booleans())
    def same(truth: str, read: str, fold: bool) -> None:
        assert normalize(truth, fold) == shared.normalize(truth, fold)
        assert edits(truth, read, fold) == shared.edits(truth, read, fold)
        assert word_counts(truth, read, fold) == shared.word_counts(truth, read, fold)
        assert word_f1(*word_counts(truth, read, fold)) == shared.word_f1(*shared.word_counts(truth, read, fold))

    same()


@given(texts, texts, st.booleans())
def test_a_line_is_scored_by_the_definition(truth: str, read: str, fold: bool) -> None:
    line = score_line(truth, read, fold)
    assert (line.edits, line.length) == edits(truth, read, fold)
    assert (line.matched, line.words, line.read) == word_counts(truth, read, fold)
    assert line.right == (normalize(truth, fold) == normalize(read, fold))
    assert line.edits_without_spaces <= line.edits
    assert len(confusions(truth, read, fold)) == line.edits


def test_what_is_lost_to_spaces() -> None:
    line = score_line("TOTAL RM 5", "TOTALRM 5")
    assert line == LineScore(edits=1, length=10, word_edits=2, words=3, edits_without_spaces=0, matched=1, read=2)
    assert line.only_spaces
    assert not score_line("a b", "ab c").only_spaces
    assert not score_line("a b", "a b").only_spaces
    whole = SetScore.of([line, score_line("a b", "a b"), score_line("ab", "xb")])
    assert (whole.only_spaces.correct, whole.only_spaces.total) == (1, 2)
    assert (whole.without_spaces.errors, whole.without_spaces.total) == (1, 8 + 2 + 2)


def test_a_set_sums_up_its_lines() -> None:
    score = SetScore.of([score_line("abcd ef", "abcd ef"), score_line("abc", "axcd")])
    assert (score.characters.errors, score.characters.total) == (2, 10)
    assert (score.words.errors, score.words.total) == (1, 3)
    assert (score.lines.correct, score.lines.total) == (1, 2)
    assert score.word_f1 == pytest.approx(2 * 2 / (3 + 3))
    values = score.to_dict()
    assert values["character_error_rate"]["value"] == pytest.approx(0.2)
    assert values["lines"] == 2


def test_nothing_to_read() -> None:
    empty = SetScore.of([])
    assert math.isnan(empty.characters.value)
    assert empty.to_dict()["character_error_rate"]["value"] is None
    invented = SetScore.of([score_line("", "abc")])
    assert (invented.characters.errors, invented.characters.total) == (3, 0)
    assert invented.lines.value == 0.0


def test_intervals_hold_what_they_promise() -> None:
    """Of many sets drawn with a known error rate, about 95 % of the intervals must hold it."""
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        lengths = random.integers(5, 40, 300)
        # Errors come together: a bad line has many.
        bad = random.random(300) < 0.2
        errors = random.binomial(lengths, np.where(bad, 0.2, 0.01))
        low, high = Rate.of(errors.tolist(), lengths.tolist()).interval
        held += low <= 0.2 * 0.2 + 0.8 * 0.01 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_intervals_at_the_ends() -> None:
    none = Rate.of([0, 0], [10, 20])
    assert none.low == 0.0
    assert 0.0 < none.high < 0.2
    more_than_all = Rate.of([30, 5, 8], [10, 10, 10])
    assert more_than_all.value > 1
    assert more_than_all.low <= more_than_all.value <= more_than_all.high


def test_confusions() -> None:
    assert confusions("S5 O", "550") == [("S", "5"), (" ", ""), ("O", "0")]
    assert confusions("a b", "axb") == [(" ", "x")]
    assert confusions("ab", "abc") == [("", "c")]
    assert confusions("o", "O", fold_case=True) == []


def test_matches_pair_equal_words() -> None:
    assert matches("the cat sat".split(), "the cat that sat".split()) == [(0, 0), (1, 1), (2, 3)]
    assert matches([], ["a"]) == []
