"""Words and patterns: what they match, the best path along them, and wrong readings turned into right ones."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_decoding import collapsed, small_logits
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.decoding.automata import Automaton, Pattern, WordList, accepted
from typecase.decoding.bias import Bias, align
from typecase.decoding.ctc import Frames, greedy
from typecase.decoding.decoder import Decoder
from typecase.decoding.options import ReadOptions
from typecase.errors import UsageError
from typecase.preprocess import FloatArray

EXPRESSIONS = [
    r"\d{2}\.\d{2}\.\d{4}",
    r"^[A-Z]{2}-?\d+$",
    r"(?:ab|ba)*c?",
    r"a{2,3}b{0,2}c{1,}",
    r"[^\d\s]+",
    r"(?i)total",
    r"(?i:a)B",
    r"[a-f&]|\W",
    r"(a|b)(?:c|)d*?",
    r"",
    r".+ \w+",
    r"\D\S[^a-c]",
    r"[É-í]*",
    r"(?s:.)?",
    r"(?i)[^A-C]x",
    r"(?i)é+",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(text=st.one_of(st.text("abcdABtTOl .-1239éÉx&", max_size=8), st.sampled_from(["12.05.2026", "AB-77", "ToTaL"])))
def test_a_pattern_matches_what_re_matches(expression: str, text: str) -> None:
    assert accepted(Pattern(expression, LATIN_CHARACTERS), text) == (re.fullmatch(expression, text) is not None)


@given(st.lists(st.text("abc ", min_size=1, max_size=4), min_size=1), st.text("abc ", max_size=5))
def test_a_list_matches_its_words(words: list[str], text: str) -> None:
    automaton = WordList(words)
    assert accepted(automaton, text) == (text in words)
    assert all(accepted(automaton, word) for word in words)
    assert automaton.spaces == max(word.count(" ") for word in words)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(", "no regular expression"),
        ("a{2,1}", "no regular expression"),
        (r"(?=a)b", "looking ahead or behind"),
        (r"(?<!a)b", "looking ahead or behind"),
        (r"(a)\1", "earlier group"),
        (r"\ba", "boundary"),
        (r"(?:a{900}){900}", "too long"),
    ],
)
def test_what_is_not_understood_is_said(expression: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Pattern(expression, LATIN_CHARACTERS)


def best_by_trying(logs: FloatArray, automaton: Automaton, names: str) -> float:
    """The best path of any expected text, by trying all paths."""
    best = -np.inf
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        if accepted(automaton, "".join(names[label] for label in collapsed(path))):
            best = max(best, float(sum(row[label] for row, label in zip(logs, path, strict=True))))
    return best


@pytest.mark.parametrize("expression", ["a+", "aa", "(?:ab)+", "[ab]{2}", "aab?|b", "b(?:ab|aa)"])
@given(logits=small_logits)
def test_the_path_is_the_best_of_all_expected_ones(expression: str, logits: FloatArray) -> None:
    frames = Frames.of([logits])
    logs = np.log(frames.probabilities.astype(np.float64))
    automaton = Pattern(expression, "ab ")
    best = best_by_trying(logs.astype(np.float32), automaton, ".ab ")
    runs = greedy(frames)
    free = float(logs.max(axis=1).sum())
    before = "".join(".ab "[label] for label in runs.classes)
    bias = Bias([automaton], ("", "a", "b", " "), -1, 30.0)
    after = bias.apply(Frames(frames.probabilities.copy(), frames.times, frames.offsets), runs)
    text = "".join(".ab "[label] for label in after.classes)
    if not len(runs) or accepted(automaton, before):
        assert text == before
    elif np.isfinite(best):
        assert accepted(automaton, text)
        path = np.zeros(len(logs), np.intp)
        for label, start, end in zip(after.classes, after.starts, after.ends, strict=True):
            path[start:end] = label
        assert logs[np.arange(len(logs)), path].sum() == pytest.approx(best, abs=1e-3)
        if free - best > 0.02:
            weak = Bias([automaton], ("", "a", "b", " "), -1, free - best - 0.01)
            unchanged = weak.apply(Frames(frames.probabilities.copy(), frames.times, frames.offsets), runs)
            assert unchanged.classes.tolist() == runs.classes.tolist()
    else:
        assert text == before


@given(small_logits, st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_alignment_is_the_best_path_of_its_text(logits: FloatArray, labels: list[int]) -> None:
    logs = np.log(Frames.of([logits]).probabilities)
    path = align(logs, np.array(labels, np.intp))
    scores = {
        way: float(sum(row[label] for row, label in zip(logs, way, strict=True)))
        for way in itertools.product(range(4), repeat=len(logs))
        if collapsed(way) == tuple(labels)
    }
    if scores:
        assert collapsed(tuple(path.tolist())) == tuple(labels)
        assert scores[tuple(path.tolist())] == pytest.approx(max(scores.values()), abs=1e-4)
    else:
        assert not path.any()


# ---- wrong readings turned into right ones, over frames as a real net gives them

CLASSES = ClassSet.of("01OIlA2B5S- ")


def frames_of(text: str, wrong: dict[int, tuple[str, float]]) -> FloatArray:
    """Logits that spell a text with a blank before each character; at some places something else is likelier.

    Args:
        text: What is true.
        wrong: For the index of a character what the net takes it for, and by how much in the logit.
    """
    logits = np.zeros((2 * len(text) + 1, len(CLASSES) + 1), np.float32)
    logits[::2, 0] = 12.0
    for index, character in enumerate(text):
        row = logits[2 * index + 1]
        row[CLASSES.index(character) + 1] = 8.0
        if index in wrong:
            other, margin = wrong[index]
            row[CLASSES.index(other) + 1] = 8.0 + margin
    return logits


def read(logits: FloatArray, **options: object) -> str:
    decoded = Decoder(CLASSES, ReadOptions(language_model=None).changed(**options))([logits])
    return "".join(CLASSES.names[label - 1] for label in decoded.runs.classes)


DAMAGED = frames_of("AB-2051 O", {3: ("S", 0.1), 4: ("O", 3.0), 6: ("l", 2.0), 8: ("0", 1.0)})


def test_without_help_it_is_wrong() -> None:
    assert read(DAMAGED) == "AB-SO5l 0"


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"allow": "AB-0125"}, "AB-2051 0"),
        ({"pattern": r"[A-Z]{2}-\d{4}"}, "AB-2051 0"),
        ({"pattern": r"[A-Z]{2}-\d{4} [A-Z]"}, "AB-2051 O"),
        ({"words": ["AB-2051"]}, "AB-2051 0"),
        ({"words": ["AB-2051", "AB-2015", "O"]}, "AB-2051 O"),
        ({"words": ["AB-2051 O"]}, "AB-2051 O"),
        ({"words": ["O"], "pattern": r"[A-Z]{2}-\d{4}"}, "AB-2051 O"),
    ],
)
def test_help_turns_the_wrong_reading_into_the_right_one(options: dict[str, object], right: str) -> None:
    assert read(DAMAGED, **options) == right


@pytest.mark.parametrize(
    "options",
    [
        {"words": ["BA-2051"]},
        {"words": ["AB-2051"], "bias": 4.0},
        {"words": ["AB-20511"]},
        {"pattern": r"\d+"},
        {"pattern": r"[A-Z]{2}-\d{5}"},
    ],
)
def test_what_is_plainly_there_is_not_overruled(options: dict[str, object]) -> None:
    assert read(DAMAGED, **options) == "AB-SO5l 0"


def test_what_was_expected_is_trusted_more() -> None:
    # Without the language model, which doubts the space behind the word, whatever the word is.
    plain, helped = (
        Decoder(CLASSES, ReadOptions(words=words, language_model=None))([DAMAGED]).word_confidences[0]
        for words in ((), ("AB-2051",))
    )
    assert plain < 0.5 < helped


def test_only_the_word_itself_is_changed() -> None:
    logits = frames_of("O1 I0 O1", {0: ("0", 1.0), 3: ("1", 1.0), 6: ("0", 1.0)})
    assert read(logits) == "01 10 01"
    assert read(logits, words=["O1"]) == "O1 10 O1"
    assert read(logits, words=["I0 O1"]) == "01 I0 O1"


def test_an_equal_pair_keeps_its_blank() -> None:
    logits = frames_of("OO", {0: ("0", 1.0), 1: ("0", 1.0)})
    assert read(logits, words=["OO"]) == "OO"
    assert read(logits, words=["O"]) == "00"


def test_a_single_character_is_pulled_too() -> None:
    logits = frames_of("1", {0: ("l", 2.0)})
    assert read(logits, mode="char") == "l"
    assert read(logits, mode="char", pattern=r"\d") == "1"
    assert read(logits, mode="char", words=["1", "22"]) == "1"
    assert read(logits, mode="char", words=["1"], bias=1.0) == "l"


def test_a_long_list_costs_what_is_walked_of_it() -> None:
    words = ["".join(word) for word in itertools.product("AB-25O", repeat=6)]
    assert read(DAMAGED, words=[*words, "AB-2051"]) == "AB-2051 0"
