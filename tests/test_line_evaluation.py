"""The figures of a recogniser, each against a case that can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from test_report import Page, provenance
from typecase.charset import ClassSet
from typecase.document import Box, Character, Line, Word
from typecase.training import line_report
from typecase.training.line_evaluation import ReadLine, RecognizerEvaluation, word_answers

CLASSES = ClassSet.of("abcdefgABCTOL0123 ½")


def line(text: str, confidences: tuple[float, ...] = (), confidence: float = 0.9) -> Line:
    """A line whose characters stand in boxes of 10 x 20 pixels, one beside the other."""
    words, x = [], 0
    for number, word in enumerate(text.split(" ") if text else []):
        characters = tuple(Character(one, Box(10.0 * (x + i), 0.0, 10.0, 20.0), 0.9) for i, one in enumerate(word))
        x += len(word) + 1
        words.append(Word(word, characters[0].box, confidences[number] if confidences else 0.9, characters))
    return Line(Box(0.0, 0.0, 10.0 * x, 20.0), confidence, tuple(words))


def read(truth: str, text: str, source: str = "one", **more: Any) -> ReadLine:
    return ReadLine(f"{source}/{truth}", source, truth, line(text, more.pop("confidences", ())), **more)


def test_rates_sources_and_lengths() -> None:
    found = RecognizerEvaluation.of(
        [read("abc de", "abc de"), read("abcd", "abed"), read("a", "a", "two"), read("", "a", "two")], CLASSES
    )
    assert found.count == 4
    assert (found.score.characters.errors, found.score.characters.total) == (2, 11)
    assert (found.score.lines.correct, found.score.lines.total) == (2, 4)
    assert [(name, score.lines.correct) for name, score in found.sources] == [("one", 1), ("two", 1)]
    assert [(least, most, score.lines.total) for least, most, score in found.lengths] == [
        (0, 0, 1),
        (1, 1, 1),
        (2, 4, 1),
        (5, 9, 1),
    ]
    assert RecognizerEvaluation.of([read("a", "a")], CLASSES).sources == ()


def test_confusions_and_spaces() -> None:
    found = RecognizerEvaluation.of(
        [read("a0 b0", "aO b0"), read("a b c", "ab c"), read("ab", "a b"), read("0", "")], CLASSES
    )
    pairs = {(one.truth, one.read): (one.count, one.of) for one in found.confusions}
    assert pairs == {("0", "O"): (1, 3), (" ", ""): (1, 3), ("", " "): (1, 0), ("0", ""): (1, 3)}
    assert vars(found.spaces) == {"true": 3, "lost": 1, "added": 1, "edits": 2}
    assert (found.score.only_spaces.correct, found.score.only_spaces.total) == (2, 4)


def test_case_counts_only_where_the_truth_has_one() -> None:
    assert RecognizerEvaluation.of([read("TOTAL", "Total")], CLASSES).score.characters.errors == 4
    assert RecognizerEvaluation.of([read("TOTAL", "Total", folded=True)], CLASSES).score.characters.errors == 0


@pytest.mark.parametrize(
    ("truth", "text", "folded", "expected"),
    [
        ("ab cd ef", "ab ce ef", False, [True, False, True]),
        ("ab cd", "ab xx cd", False, [True, False, True]),
        ("ab cd", "cd", False, [True]),
        ("AB", "Ab", True, [True]),
        ("AB", "Ab", False, [False]),
        ("don’t", "don't", False, [True]),
        ("abc", "", False, []),
        # One word may become two when it is normalised, and both must be right.
        ("a b", "a\u2003b", False, [True]),
        ("a c", "a\u2003b", False, [False]),
        # Nothing is left of a soft hyphen.
        ("a", "\u00ad a", False, [True]),
    ],
)
def test_which_words_are_right(truth: str, text: str, folded: bool, expected: list[bool]) -> None:
    assert [right for _, right in word_answers(read(truth, text, folded=folded))] == expected


def test_confidence_of_words_and_lines() -> None:
    found = RecognizerEvaluation.of(
        [
            read("ab cd", "ab cd", confidences=(0.95, 0.95)),
            read("ab cd", "ab ce", confidences=(0.95, 0.35)),
            read("abc", ""),
        ],
        CLASSES,
    )
    assert found.calibration is not None
    # Three words with 0.95 are right, one with 0.35 is wrong.
    assert found.calibration.error == pytest.approx((3 * 0.05 + 0.35) / 4)
    # Lines in which nothing was read promise nothing.
    assert found.line_calibration is not None
    assert sum(one.count for one in found.line_calibration.bins) == 2
    nothing = RecognizerEvaluation.of([read("abc", "")], CLASSES)
    assert nothing.calibration is None
    assert nothing.line_calibration is None


def test_overlap_of_character_boxes() -> None:
    right = [("a", (0.0, 0.0, 10.0, 20.0)), (" ", (10.0, 0.0, 10.0, 20.0)), ("b", (25.0, 0.0, 10.0, 20.0))]
    found = RecognizerEvaluation.of([read("a b", "a b", characters=right)], CLASSES)
    # The first box is the same; the second is shifted by half of its width.
    assert found.box_iou == pytest.approx((1 + 5 / 15) / 2)
    assert found.boxes == 2
    # What was misread, or has no extent, is not compared.
    misread = [("c", (0.0, 0.0, 10.0, 20.0)), ("b", (10.0, 0.0, 0.0, 20.0))]
    assert RecognizerEvaluation.of([read("cb", "ab", characters=misread)], CLASSES).box_iou is None
    assert RecognizerEvaluation.of([read("A", "a", characters=[("A", right[0][1])], folded=True)], CLASSES).boxes == 1


def test_unknown_characters_are_counted() -> None:
    assert RecognizerEvaluation.of([read("aßßø", "a")], CLASSES).unknown == (("ß", 2), ("ø", 1))


def test_worst_lines_come_with_their_pictures() -> None:
    opened = []

    def picture(name: str) -> Image.Image:
        opened.append(name)
        return Image.new("L", (40, 20), 200)

    lines = [
        read("abc", "abc", load=lambda: picture("right")),
        read("abcd", "abc", load=lambda: picture("one")),
        read("abc", "", load=lambda: picture("three")),
        read("ab", "a", load=lambda: picture("short")),
    ]
    found = RecognizerEvaluation.of(lines, CLASSES, worst=2)
    assert [(one.truth, one.edits) for one in found.worst] == [("abc", 3), ("ab", 1)]
    assert opened == ["three", "short"]
    assert all(one.picture is not None for one in found.worst)
    assert RecognizerEvaluation.of(lines, CLASSES, worst=0).worst == ()


def some() -> RecognizerEvaluation:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 90), dtype=np.uint8)
    lines = [
        read("<b>0 a", "<b>O a", load=lambda: Image.fromarray(pixels)),
        read("ab cd", "abcd", "two", load=lambda: Image.fromarray(pixels)),
        read("½ c", "½ c", "two", characters=[("½", (0.0, 0.0, 10.0, 20.0))]),
    ]
    return RecognizerEvaluation.of(lines, CLASSES, seconds=0.5)


def test_json_holds_every_figure() -> None:
    values = json.loads(line_report.to_json(some(), provenance()))
    assert values["schema"] == "typecase-recognizer-evaluation"
    assert values["lines"] == 3
    assert values["character_error_rate"]["errors"] == 2
    assert values["line_accuracy"]["correct"] == 1
    assert values["lines_per_second"] == 6.0
    assert values["sources"]["two"]["lines"] == 2
    assert values["character_box_iou"] == 1.0
    assert {one["truth"] for one in values["worst"]} == {"<b>0 a", "ab cd"}
    assert values["provenance"]["model"] == "model.onnx"
    assert some().to_json() == some().to_json()


def test_page_and_pictures(tmp_path: Path) -> None:
    written = line_report.write(tmp_path / "out", some(), provenance(notes=["Beware & think."]), title="Lines <x>")
    assert sorted(path.name for path in written) == [
        "evaluation.json",
        "lengths.png",
        "reliability.png",
        "report.html",
        "worst.png",
    ]
    with Image.open(tmp_path / "out" / "worst.png") as sheet:
        assert np.asarray(sheet).std() > 1
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    # What strangers wrote is shown, not obeyed.
    assert "<b>O a" in page.text
    assert "Lines <x>" in page.text
    assert "Beware & think." in page.text
    assert "Of 3 spaces 1 were lost" in page.text
    for image in page.all("img"):
        assert (image["src"] or "").startswith("data:image/png;base64,")
        assert image["alt"]


def test_page_of_what_was_read_without_a_mistake(tmp_path: Path) -> None:
    found = RecognizerEvaluation.of([read("abc", "abc")], CLASSES)
    page = Page(line_report.render(found, provenance(), line_report.draw(found), title="x"))
    assert "There is no mistake on this set." in page.text
    assert line_report.worst_sheet(found) is None


def test_page_of_an_empty_truth_that_was_read_as_nothing() -> None:
    found = RecognizerEvaluation.of([read("", "")], CLASSES)
    assert line_report.draw(found) == {}
    page = Page(line_report.render(found, provenance(), {}, title="x"))
    assert "Character error rate" in page.text
    json.loads(line_report.to_json(found, provenance()))
