"""A language model decides where the net is unsure, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_decoding import CLASSES, every_text, small_logits
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.decoding.beam import Beam
from typecase.decoding.ctc import BLANK, Frames, Runs, greedy
from typecase.decoding.decoder import Decoder, language_model_for
from typecase.decoding.language_model import CharacterModel
from typecase.decoding.options import ReadOptions
from typecase.decoding.rescoring import SURE, Rescoring, _readings
from typecase.preprocess import FloatArray

LETTERS = ClassSet.of(LATIN_CHARACTERS)
MODEL = CharacterModel.train(["ab ab", "b ab a", "aab"] * 3, CLASSES, 4, least_gain=0)


def frames_of(text: str, unsure: dict[int, dict[str, float]] | None = None, sure: float = 0.999) -> FloatArray:
    """Logits of a text, a frame for each character and a blank after it.

    Args:
        text: What is surely there.
        unsure: By the place of a character, the probabilities of what it may be; `_` is the blank.
        sure: The probability of a sure class.
    """
    shares = np.full((2 * len(text), len(LETTERS) + 1), (1 - sure) / len(LETTERS), np.float64)
    for place, character in enumerate(text):
        shares[2 * place + 1, BLANK] = sure
        for one, share in (unsure or {}).get(place, {character: sure}).items():
            shares[2 * place, BLANK if one == "_" else LETTERS.index(one) + 1] = share
    logits: FloatArray = np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return logits


def text_of(runs: Runs) -> str:
    return "".join(LETTERS.names[label - 1] for label in runs.classes)


def read(logits: FloatArray, **options: object) -> str:
    return text_of(Decoder(LETTERS, ReadOptions().changed(**options))([logits]).runs)


UNSURE = [
    ("TAKEOUT", {4: {"D": 0.55, "O": 0.4}}, "TAKEDUT"),
    ("PLEASE COME AGAIN", {1: {"I": 0.6, "L": 0.35}}, "PIEASE COME AGAIN"),
    ("THANK YOU", {3: {"L": 0.5, "N": 0.45}}, "THALK YOU"),
    ("GST SUMMARY", {6: {"_": 0.6, "M": 0.4}}, "GST SUMARY"),
    ("and the other one", {5: {"n": 0.5, "h": 0.45}}, "and tne other one"),
    ("TOTAL 12.50", {1: {"0": 0.6, "O": 0.4}, 3: {"4": 0.6, "A": 0.4}}, "T0T4L 12.50"),
]


@pytest.mark.parametrize(("text", "unsure", "by_net"), UNSURE)
def test_an_unsure_stretch_is_read_right(text: str, unsure: dict[int, dict[str, float]], by_net: str) -> None:
    logits = frames_of(text, unsure)
    assert read(logits, language_model="none") == by_net
    assert read(logits) == text
    # A longer reading has its characters in their order, each in frames of its own.
    decoded = Decoder(LETTERS, ReadOptions())([logits])
    assert (np.diff(decoded.first_frames) > 0).all()
    assert (decoded.first_frames <= decoded.last_frames).all()


@pytest.mark.parametrize("code", ["7Q4-0O1lI", "x9KZ", "0048.15", "Qwrtz"])
def test_codes_that_the_net_is_sure_of_stay(code: str) -> None:
    assert read(frames_of(code)) == code


def test_digits_are_left_to_the_net() -> None:
    for one, other in ("38", "17", "05"):
        assert read(frames_of("No. 4x62".replace("x", one), {5: {one: 0.5, other: 0.45}})) == f"No. 4{one}62"


@given(st.lists(small_logits, min_size=1, max_size=4))
def test_without_weight_it_is_greedy(logits: list[FloatArray]) -> None:
    frames = Frames.of(logits)
    before = frames.probabilities.copy()
    found, expected = Rescoring(MODEL, weight=0.0)(frames), greedy(frames)
    assert found.classes.tolist() == expected.classes.tolist()
    assert found.starts.tolist() == expected.starts.tolist()
    assert np.array_equal(before, frames.probabilities)


@given(st.lists(small_logits, min_size=1, max_size=4), st.floats(0.1, 3), st.floats(1, 5))
def test_sure_frames_never_change(logits: list[FloatArray], weight: float, scale: float) -> None:
    frames = Frames.of([line * np.float32(scale) for line in logits])
    best, top = frames.probabilities.argmax(axis=1), frames.probabilities.max(axis=1)
    before = frames.probabilities.copy()
    runs = Rescoring(MODEL, weight)(frames)
    path = np.full(len(best), BLANK)
    for label, start, end in zip(runs.classes, runs.starts, runs.ends, strict=True):
        path[start:end] = label
    assert np.array_equal(path[top >= SURE], best[top >= SURE])
    assert np.array_equal(frames.probabilities[top >= SURE], before[top >= SURE])
    assert np.allclose(frames.probabilities.sum(axis=1), 1, atol=1e-4)
    # No run goes from one line into the next.
    for start, end in zip(runs.starts, runs.ends, strict=True):
        assert not ((frames.offsets > start) & (frames.offsets < end)).any()


@given(st.lists(small_logits, min_size=2, max_size=5))
def test_lines_do_not_tell_about_each_other(logits: list[FloatArray]) -> None:
    together = Rescoring(MODEL)(Frames.of(logits))
    for number, line in enumerate(logits):
        alone = Rescoring(MODEL)(Frames.of([line]))
        inside = slice(together.offsets[number], together.offsets[number + 1])
        assert together.classes[inside].tolist() == alone.classes.tolist()


@given(small_logits)
def test_readings_are_summed_over_all_their_paths(logits: FloatArray) -> None:
    probabilities = Frames.of([logits]).probabilities
    truth = every_text(probabilities)
    found = _readings([list(enumerate(row)) for row in probabilities.tolist()])
    best = max(truth.values())
    assert max(found.values()) <= best * (1 + 1e-4)
    for reading, share in found.items():
        assert share <= truth[reading] * (1 + 1e-4)


def test_it_reads_as_the_beam_does_where_all_is_unsure() -> None:
    logits = np.log(np.array([[0.1, 0.8, 0.08, 0.02], [0.8, 0.1, 0.05, 0.05], [0.1, 0.46, 0.42, 0.02]], np.float32))
    one, other = (find(Frames.of([logits])).classes.tolist() for find in (Rescoring(MODEL), Beam(MODEL)))
    assert one == other == [1, 2]


def test_what_is_likely_is_surer_and_what_is_not_is_doubted() -> None:
    def confidence(text: str, unsure: dict[int, dict[str, float]], **options: object) -> float:
        decoded = Decoder(LETTERS, ReadOptions().changed(**options))([frames_of(text, unsure)])
        assert text_of(decoded.runs) == text
        return float(decoded.word_confidences.min())

    likely, unlikely = ("THANK", {3: {"N": 0.6, "L": 0.38}}), ("4b", {1: {"b": 0.9, "6": 0.05}})
    assert confidence(*likely) > confidence(*likely, language_model=None) + 0.2
    assert confidence(*unlikely) < confidence(*unlikely, language_model=None)


def test_other_options_go_with_it() -> None:
    logits = frames_of("TAKEOUT", {4: {"D": 0.55, "O": 0.4}})
    assert read(logits, allow="TAKEDU") == "TAKEDUT"
    assert read(logits, words=("TAKEDUT",)) == "TAKEDUT"
    assert read(logits, decoder="beam") == "TAKEOUT"
    assert read(logits, decoder="beam", language_model=None) == "TAKEDUT"
    [alternative, *_] = Decoder(LETTERS, ReadOptions())([logits]).characters.others[4].tolist()
    assert LETTERS.names[alternative - 1] == "D"
    assert len(Decoder(LETTERS, ReadOptions(mode="char"))([logits]).runs) == 1


def test_which_model_is_read_with() -> None:
    usual = ReadOptions()
    found = language_model_for(LETTERS, usual)
    assert found is not None
    assert found.name == "language.npz"
    assert language_model_for(LETTERS, usual.changed(language_model="none")) is None
    assert language_model_for(LETTERS, usual.changed(language_model=None)) is None
    assert language_model_for(LETTERS, usual.changed(mode="char")) is None
    # It does not judge an alphabet of which it knows a part.
    assert language_model_for(ClassSet.of("abж"), usual) is None
    assert read(frames_of(""), language_model="shipped") == ""


def test_lines_without_frames() -> None:
    logits = [np.empty((0, len(LETTERS) + 1), np.float32), frames_of("on", {1: {"n": 0.5, "m": 0.4}})]
    assert text_of(Decoder(LETTERS, ReadOptions())(logits).runs) == "on"
    assert len(Decoder(LETTERS, ReadOptions())(logits[:1]).runs) == 0


def test_noise_is_left_to_the_net() -> None:
    generator = np.random.default_rng(0)
    for scale in (0.0, 1.0, 3.0):
        frames = Frames.of([generator.normal(0, scale, (300, len(CLASSES) + 1)).astype(np.float32) for _ in range(3)])
        before = frames.probabilities.copy()
        found = Rescoring(MODEL)(frames)
        assert np.isfinite(frames.probabilities).all()
        if scale < 2:
            # All of it is one stretch, too long for print.
            assert found.classes.tolist() == greedy(frames).classes.tolist()
            assert np.allclose(frames.probabilities, before)
