"""Lines that run up or down the page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from line_fixtures import line_boxes, line_picture, write_line_model
from typecase.stages.recognize import LineRecognizer


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> LineRecognizer:
    return LineRecognizer(write_line_model(tmp_path_factory.mktemp("model") / "bars.onnx"), threads=1)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270])
def test_a_line_that_runs_up_or_down_is_turned_and_its_boxes_turned_back(
    recognizer: LineRecognizer, turn: Image.Transpose
) -> None:
    upright = line_picture("ABEABE")
    tall = upright.transpose(turn)
    [line] = recognizer.read([tall])
    assert line.text == "ABEABE"
    assert (round(line.box.width), round(line.box.height)) == tall.size
    ink = np.asarray(tall) < 128
    found = [character.box for word in line.words for character in word.characters]
    assert len(found) == len(line_boxes("ABEABE"))
    for box in found:
        x, y, width, height = (round(value) for value in box)
        # Each box holds exactly the ink of its bar.
        assert ink[y : y + height, x : x + width].all()
    covered = np.zeros_like(ink)
    for box in found:
        x, y, width, height = (round(value) for value in box)
        covered[y : y + height, x : x + width] = True
    assert np.array_equal(covered, ink)


def test_an_upright_line_and_a_tall_letter_stay_as_they_are(recognizer: LineRecognizer) -> None:
    assert [line.text for line in recognizer.read([line_picture("ABE"), line_picture("A", margin=2)])] == ["ABE", "A"]


def test_mode_char_turns_nothing(recognizer: LineRecognizer) -> None:
    tall = line_picture("ABEABE").transpose(Image.Transpose.ROTATE_90)
    [line] = recognizer.read([tall], mode="char")
    assert len(line.text) <= 1


def test_a_line_read_alone_and_among_others_is_the_same(recognizer: LineRecognizer) -> None:
    tall = line_picture("BEABEA").transpose(Image.Transpose.ROTATE_270)
    alone = recognizer.read([tall])
    among = recognizer.read([line_picture("AB"), tall, line_picture("E")])
    assert among[1] == alone[0]
