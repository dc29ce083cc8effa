"""From frames to characters: held against trying every path, and against pictures whose truth is known."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from typecase.charset import ClassSet
from typecase.decoding.alignment import character_boxes
from typecase.decoding.confidence import certainties, posteriors, single_characters
from typecase.decoding.constraints import Restriction
from typecase.decoding.ctc import BLANK, Frames, greedy, runs_of
from typecase.decoding.decoder import Decoder
from typecase.decoding.options import ReadOptions, read_words
from typecase.errors import UsageError
from typecase.preprocess import FloatArray

CLASSES = ClassSet.of("ab ")

small_logits = hypothesis_numpy.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-4, 4, width=32)
)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK)


def every_text(probabilities: FloatArray) -> dict[tuple[int, ...], float]:
    """The probability of each text, by adding up all its paths."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        found[collapsed(path)] += float(np.prod([row[label] for row, label in zip(probabilities, path, strict=True)]))
    return found


def logits_of(path: str, sure: float = 8.0) -> FloatArray:
    """Logits whose best path is this one; `.` is the blank."""
    logits = np.zeros((len(path), len(CLASSES) + 1), np.float32)
    for row, one in zip(logits, path, strict=True):
        row[BLANK if one == "." else CLASSES.index(one) + 1] = sure
    return logits


def texts_of(options: ReadOptions, logits: list[FloatArray]) -> list[list[str]]:
    decoded = Decoder(CLASSES, options)(logits)
    names = ["".join(CLASSES.names[label - 1] for label in decoded.runs.classes[a:b]) for a, b in words_of(decoded)]
    return [names[a:b] for a, b in itertools.pairwise(decoded.word_offsets.tolist())]


def words_of(decoded: object) -> list[tuple[int, int]]:
    return list(zip(decoded.word_starts.tolist(), decoded.word_ends.tolist(), strict=True))  # type: ignore[attr-defined]


@given(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=4))
def test_runs_are_what_collapsing_gives(paths: list[list[int]]) -> None:
    offsets = np.cumsum([0, *map(len, paths)], dtype=np.intp)
    joined = np.array([label for path in paths for label in path], np.intp)
    runs = runs_of(joined, offsets)
    assert len(runs.offsets) == len(paths) + 1
    for number, path in enumerate(paths):
        inside = slice(runs.offsets[number], runs.offsets[number + 1])
        assert tuple(runs.classes[inside].tolist()) == collapsed(tuple(path))
    for label, start, end in zip(runs.classes, runs.starts, runs.ends, strict=True):
        assert end > start
        assert (joined[start:end] == label).all()


@given(small_logits, st.floats(0.3, 4))
def test_probabilities_are_those_of_the_softmax(logits: FloatArray, temperature: float) -> None:
    given_ = logits.copy()
    frames = Frames.of([logits, logits[:1]], temperature)
    expected = np.exp(logits.astype(np.float64) / temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(frames.probabilities[: len(logits)], expected, atol=1e-5)
    assert np.array_equal(frames.offsets, [0, len(logits), len(logits) + 1])
    assert np.array_equal(logits, given_)


@given(st.lists(st.sampled_from(["a", "b", " ", ".", "..."]), max_size=8))
def test_sure_blanks_next_to_each_other_count_once(parts: list[str]) -> None:
    """What is read, how sure it is, and where it stands are the same with and without them."""
    path = "".join(parts)
    sure, unsure = logits_of(path, 12.0), logits_of(path, 12.0)
    # Not quite sure enough to be left out, and still as good as sure.
    unsure[unsure[:, BLANK] > 0, BLANK] = 7.9
    short, long = Frames.of([sure, sure]), Frames.of([unsure, unsure])
    assert len(long.probabilities) == 2 * len(path)
    assert "".join(path[time] for time in short.times[: short.offsets[1]]) == re.sub(r"\.+", ".", path)
    one, other = (Decoder(CLASSES, ReadOptions())([logits, logits]) for logits in (sure, unsure))
    assert one.runs.classes.tolist() == other.runs.classes.tolist()
    assert one.first_frames.tolist() == other.first_frames.tolist()
    assert one.last_frames.tolist() == other.last_frames.tolist()
    assert np.allclose(one.word_confidences, other.word_confidences, atol=0.05)


@given(st.lists(small_logits, min_size=1, max_size=3))
def test_the_probability_of_a_text_is_that_of_all_its_paths(logits: list[FloatArray]) -> None:
    frames = Frames.of(logits)
    for number, part in enumerate(logits):
        truth = every_text(frames.probabilities[frames.offsets[number] : frames.offsets[number + 1]])
        texts = list(truth)
        starts = np.full(len(texts), frames.offsets[number])
        found = posteriors(frames, starts, starts + len(part), [np.array(text, np.intp) for text in texts])
        assert np.allclose(found, list(truth.values()), atol=1e-5)


def test_a_text_that_does_not_fit_has_no_probability() -> None:
    frames = Frames.of([logits_of("ab")])
    starts, ends = np.zeros(2, np.intp), np.full(2, 2, np.intp)
    assert posteriors(frames, starts, ends, [np.array([1, 1]), np.array([1, 2, 1])]).tolist() == [0.0, 0.0]


def test_hundreds_of_frames_do_not_run_out_of_precision() -> None:
    frames = Frames.of([logits_of("a.b." * 300, sure=12.0)])
    [found] = posteriors(frames, np.array([0]), np.array([1200]), [np.array([1, 2] * 300)])
    best = float(np.exp(np.log(frames.probabilities.max(axis=1).astype(np.float64)).sum()))
    assert 0 < best < found <= 1


@given(small_logits)
def test_a_single_character_is_the_likeliest_of_all_paths(logits: FloatArray) -> None:
    frames = Frames.of([logits, logits])
    truth = every_text(frames.probabilities[: len(logits)])
    singles = {label: truth[(label,)] for label in range(1, 4)}
    runs, found = single_characters(frames, 2, np.ones(4))
    assert len(runs) == 2
    total = sum(singles.values()) + truth[()]
    assert found.confidences[0] == pytest.approx(max(singles.values()) / total, rel=1e-3)
    assert singles[int(runs.classes[0])] == pytest.approx(max(singles.values()), rel=1e-4)
    others = [singles[label] / total for label in found.others[0].tolist()]
    assert np.allclose(found.other_confidences[0], others, rtol=1e-3)


@given(st.lists(small_logits, min_size=1, max_size=3), st.integers(0, 2))
def test_a_characters_shares_add_up_to_at_most_one(logits: list[FloatArray], alternatives: int) -> None:
    frames = Frames.of(logits)
    runs = greedy(frames)
    found = certainties(frames, runs, alternatives)
    assert found.others.shape == found.other_confidences.shape == (len(runs), alternatives)
    total = found.confidences + found.other_confidences.sum(axis=1)
    assert (total <= 1 + 1e-5).all()
    assert (found.confidences >= found.other_confidences.max(axis=1, initial=0) - 1e-5).all() or len(runs) == 0
    for label, others in zip(runs.classes, found.others, strict=True):
        assert {int(label), BLANK}.isdisjoint(others.tolist())


@given(st.lists(small_logits, min_size=1, max_size=3))
def test_a_characters_shares_come_from_all_frames_of_its_run(logits: list[FloatArray]) -> None:
    frames = Frames.of(logits)
    runs = greedy(frames)
    found = certainties(frames, runs, 2)
    for number, (label, start, end) in enumerate(zip(runs.classes, runs.starts, runs.ends, strict=True)):
        part = frames.probabilities[start:end]
        shares = part[:, BLANK + 1 :].sum(axis=0) * (1 - part[:, BLANK].prod()) / part[:, BLANK + 1 :].sum()
        assert found.confidences[number] == pytest.approx(shares[label - 1], abs=1e-5)
        assert np.allclose(found.other_confidences[number], shares[found.others[number] - 1], atol=1e-5)


def test_alternatives_that_are_equally_likely_come_in_the_order_of_the_classes() -> None:
    probabilities = np.full((1, 60), 0.01, np.float32)
    probabilities[0, 20], probabilities[0, 50] = 0.5, 0.1
    frames = Frames(probabilities, np.array([0]), np.array([0, 1]))
    found = certainties(frames, greedy(frames), 4)
    assert found.others.tolist() == [[50, 1, 2, 3]]


def test_words_are_what_lies_between_spaces() -> None:
    logits = [logits_of(path) for path in ("..a.b.", " a.a  .b. ", "...", " . ", "ab", "")]
    assert texts_of(ReadOptions(), logits) == [["ab"], ["aa", "b"], [], [], ["ab"], []]


def test_a_lines_confidence_is_that_of_its_words_and_spaces() -> None:
    sure = Decoder(CLASSES, ReadOptions())([logits_of("a. .b", 6.0)])
    assert sure.line_confidences[0] == pytest.approx(
        posteriors(Frames.of([logits_of("a. .b", 6.0)]), np.array([0]), np.array([5]), [np.array([1, 3, 2])])[0],
        abs=0.01,
    )
    doubtful = logits_of("a. .b", 6.0)
    doubtful[2] = [3.0, 0.0, 0.0, 3.5]
    unsure = Decoder(CLASSES, ReadOptions(language_model="none"))([doubtful])
    assert unsure.line_confidences[0] < 0.7 < sure.line_confidences[0]
    # A doubtful space makes both of its words doubtful.
    assert (unsure.word_confidences < 0.7).all()
    assert (sure.word_confidences > 0.9).all()


def test_nothing_read_is_not_trusted() -> None:
    assert Decoder(CLASSES, ReadOptions())([logits_of("...")]).line_confidences.tolist() == [0.0]


def test_temperature_softens() -> None:
    logits = [logits_of("ab", 3.0)]
    warm, cold = (Decoder(CLASSES, ReadOptions(), heat)(logits).characters.confidences for heat in (2.0, 1.0))
    assert (warm < cold).all()


# ---- the alphabet


def test_only_what_is_allowed_is_read() -> None:
    logits = logits_of("a.b a")
    logits[2, 1] = 2.0
    logits[4] = [1.0, 9.0, 3.0, 0.0]
    by_net = ReadOptions(language_model=None)
    assert texts_of(by_net, [logits]) == [["ab", "a"]]
    # An a where the net saw a b, and no space in a word.
    assert texts_of(by_net.changed(allow="a"), [logits]) == [["aa", "a"]]
    assert texts_of(by_net.changed(allow="b"), [logits]) == [["bb", "b"]]
    assert texts_of(by_net.changed(allow="b", mode="word"), [logits]) in ([["bbb"]], [["bb"]])
    assert texts_of(by_net.changed(mode="word"), [logits]) == [["aba"]]


@given(small_logits)
def test_a_restriction_leaves_probabilities(logits: FloatArray) -> None:
    for spaces in (True, False):
        probabilities = Frames.of([logits]).probabilities
        before = probabilities.copy()
        restriction = Restriction.of(CLASSES, "b", spaces=spaces)
        assert restriction is not None
        restriction.apply(probabilities)
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert (probabilities >= 0).all()
        assert (probabilities[:, 1] == 0).all()
        assert (probabilities[:, 2] >= before[:, 2] - 1e-6).all()
        assert spaces or (probabilities[:, 3] == 0).all()


def test_what_the_net_does_not_see_at_all_is_not_conjured_up() -> None:
    logits = np.full((1, 4), -40.0, np.float32)
    logits[0, 1] = 0.0
    assert texts_of(ReadOptions(allow="b"), [logits]) == [[]]


def test_everything_allowed_is_no_restriction() -> None:
    assert Restriction.of(CLASSES, None, spaces=True) is None
    assert Restriction.of(ClassSet.of("ab"), None, spaces=False) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allow": "xa"}, "does not know 'x'"),
        ({"allow": " "}, "allowed characters are none"),
        ({"words": ["ax"]}, "does not know 'x'"),
        ({"words": "ab"}, "list of words"),
        ({"decoder": "best"}, "'best'"),
        ({"mode": "lines"}, "'lines'"),
        ({"alternatives": -1}, "alternatives"),
        ({"bias": -1.0}, "bias"),
        ({"alow": "a"}, "'alow' is not known; there are mode"),
        ({"pattern": "["}, "no regular expression"),
    ],
)
def test_impossible_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Decoder(CLASSES, ReadOptions().changed(**options))


def test_words_from_a_file(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "words.txt"
    path.write_bytes("\ufeffone\r\n\n two  three \nCafe\u0301\none\n".encode())
    assert read_words(path) == ("one", "two three", "Café")
    path.write_text(" \n")
    with pytest.raises(UsageError, match="holds no word"):
        read_words(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UsageError, match="UTF-8"):
        read_words(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_words(path.with_name("missing.txt"))


# ---- boxes


def canvas_of(bars: list[tuple[int, int, int, int]], width: int) -> npt.NDArray[np.uint8]:
    canvas = np.full((32, width), 255, np.uint8)
    for left, top, right, bottom in bars:
        canvas[top:bottom, left:right] = 0
    return canvas


@given(st.data())
def test_boxes_are_drawn_around_the_ink(data: st.DataObject) -> None:
    """Wherever within a bar it was seen, its box is the bar."""
    canvases, truths, centres, counts = [], [], [], []
    for _ in range(data.draw(st.integers(1, 3))):
        at, bars = data.draw(st.integers(0, 9)), []
        for _ in range(data.draw(st.integers(0, 4))):
            width, top = data.draw(st.integers(3, 12)), data.draw(st.integers(0, 25))
            bars.append((at, top, at + width, data.draw(st.integers(top + 1, 32))))
            at += width + data.draw(st.integers(2, 9))
        # More paper than ink, as on any line.
        canvases.append(canvas_of(bars, 2 * at + 2))
        truths += bars
        # The middle half of a bar: nearer to its neighbour's middle than to its own it would not be seen.
        centres += [
            data.draw(st.integers(left + (right - left) // 4, right - 1 - (right - left) // 4))
            for left, _, right, _ in bars
        ]
        counts.append(len(bars))
    offsets = np.cumsum([0, *counts], dtype=np.intp)
    boxes = character_boxes(canvases, np.array(centres, np.int64), offsets)
    assert [tuple(box) for box in boxes.tolist()] == truths


def test_a_place_without_ink_reaches_from_cut_to_cut() -> None:
    canvas = canvas_of([(2, 4, 8, 28), (30, 4, 36, 28)], 40)
    boxes = character_boxes([canvas], np.array([5, 19, 33]), np.array([0, 3]))
    left, top, right, bottom = boxes[1].tolist()
    assert (top, bottom) == (0, 32)
    assert 8 <= left < right <= 30


def test_touching_characters_are_cut_where_the_ink_is_thinnest() -> None:
    canvas = canvas_of([(4, 4, 14, 28), (14, 15, 17, 17), (17, 4, 27, 28)], 32)
    boxes = character_boxes([canvas], np.array([9, 21]), np.array([0, 2])).tolist()
    assert 14 <= boxes[0][2] <= 17
    assert boxes[0][2] == boxes[1][0]
    assert [boxes[0][0], boxes[1][2]] == [4, 27]


def test_no_characters_have_no_boxes() -> None:
    assert character_boxes([canvas_of([], 5)], np.empty(0, np.int64), np.array([0, 0])).shape == (0, 4)
