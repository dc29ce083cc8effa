"""Reading lines with a net: any number, any size, the same whoever else is read with them."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from line_fixtures import CHARACTERS, line_boxes, line_card, line_onnx, line_picture, write_line_model
from model_fixtures import write_model
from typecase.charset import ClassSet
from typecase.document import Line
from typecase.errors import ModelError, UsageError
from typecase.preprocess import LinePreprocess
from typecase.runtime.onnx_file import parse_onnx, with_card
from typecase.runtime.openvino_lines import SIZES, OpenVinoLineNet, batch_sizes
from typecase.stages.pieces import GRID, pieces_of
from typecase.stages.recognize import SHIPPED_MODEL, LineRecognizer, second_stretch

texts = st.lists(st.text("ABOIE", min_size=1, max_size=5), min_size=1, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> LineRecognizer:
    return LineRecognizer(write_line_model(tmp_path_factory.mktemp("model") / "lines.onnx"), threads=2, precision="f32")


def boxes_of(line: Line) -> list[tuple[float, ...]]:
    return [tuple(character.box) for word in line.words for character in word.characters]


@given(st.lists(texts, max_size=12))
def test_lines_are_read_with_their_boxes(recognizer: LineRecognizer, some: list[str]) -> None:
    # This net is never sure of an I, and a language model doubts a row of them; high bars before low ones look like a
    # line that falls.
    lines = recognizer.read([line_picture(text) for text in some], upright=True, language_model=None)
    assert [line.text for line in lines] == some
    for text, line in zip(some, lines, strict=True):
        assert boxes_of(line) == line_boxes(text)
        assert [word.text for word in line.words] == text.split()
        assert all(0 < word.confidence <= 1 for word in line.words)
        assert 0 < line.confidence <= min(word.confidence for word in line.words) + 0.02


@pytest.mark.parametrize("zoom", [1, 2, 5])
def test_boxes_are_in_pixels_of_the_picture(recognizer: LineRecognizer, zoom: int) -> None:
    picture = line_picture("AB OE", zoom=zoom)
    [line] = recognizer.read([picture])
    expected = [tuple(zoom * side for side in box) for box in line_boxes("AB OE")]
    assert np.allclose(boxes_of(line), expected, atol=0.11)
    assert tuple(line.box) == (0, 0, *picture.size)
    left, top, width, height = line.words[0].box
    assert (left, top) == pytest.approx((8 * zoom, 2 * zoom), abs=0.11)
    assert (left + width, top + height) == pytest.approx((28 * zoom, 12 * zoom), abs=0.11)


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: line_picture("AB OE", inverted=True),
        lambda image: image.convert("RGB"),
        lambda image: np.asarray(image),
        lambda image: np.asarray(image.convert("RGB")),
        lambda image: Image.eval(image, lambda level: 90 + level // 4),
    ],
    ids=["inverted", "RGB", "array", "RGB array", "pale"],
)
def test_pictures_in_other_forms(recognizer: LineRecognizer, changed: Callable[[Image.Image], Image.Image]) -> None:
    [line] = recognizer.read([changed(line_picture("AB OE"))])
    assert line.text == "AB OE"


def test_neighbours_change_nothing(recognizer: LineRecognizer) -> None:
    some = ["A", "AB OE", "OOO", "A", "B" * 15, "E I", "A B O I E"]
    together = recognizer.read([line_picture(text) for text in some])
    alone = [recognizer.read([line_picture(text)])[0] for text in some]
    assert [line.text for line in together] == [line.text for line in alone] == some
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=2e-4)


def test_threads_get_their_own_answers(recognizer: LineRecognizer) -> None:
    some = [[line_picture("ABOIE"[number % 5] * (number % 4 + 1))] * (number % 3 + 1) for number in range(24)]
    expected = [[line.text for line in recognizer.read(part)] for part in some]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: [line.text for line in recognizer.read(part)], some))
    assert found == expected


@pytest.mark.parametrize(
    ("limit", "most", "portions"),
    [("AT_ONCE", 3, [3, 3, 1]), ("WIDTH_AT_ONCE", 200, [3, 1, 2, 1]), ("WIDTH_AT_ONCE", 1, [1] * 7)],
)
def test_more_lines_than_are_read_at_once(
    recognizer: LineRecognizer, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, portions: list[int]
) -> None:
    monkeypatch.setattr(f"typecase.stages.recognize.{limit}", most)
    some = ["A", "B", "OO", "I" * 15, "E", "AB", "B" * 40]
    taken: list[int] = []
    ask = recognizer._ask

    def seen(pictures: list[Image.Image]) -> object:
        taken.append(len(pictures))
        return ask(pictures)

    monkeypatch.setattr(recognizer, "_ask", seen)
    assert [line.text for line in recognizer.read(line_picture(text) for text in some)] == some
    assert taken == portions


@pytest.mark.parametrize("threads", [1, 2])
def test_the_next_lines_are_asked_for_while_the_net_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int
) -> None:
    monkeypatch.setattr("typecase.stages.recognize.AT_ONCE", 2)
    texts = ["A", "B", "OO", "I", "AB", "E", "O", "BA", "EE", "AI", "IO", "BB", "EO"]
    asked: list[str] = []

    def pictures() -> Iterator[Image.Image]:
        for text in texts:
            asked.append(text)
            yield line_picture(text)

    recognizer = LineRecognizer(write_line_model(tmp_path / "lines.onnx"), threads=threads)
    # How many pictures were taken when each line was given: one more than its portion holds, which closes it, and with
    # a second thread those of the three portions after.
    told = [(line.text, len(asked)) for line in recognizer.lines(pictures())]
    assert [text for text, _ in told] == texts
    one_by_one = [3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 13]
    assert [count for _, count in told] == (one_by_one if threads == 1 else [9, 9, 11, 11, *[13] * 9])


def test_a_reading_that_is_left_takes_nothing_from_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("typecase.stages.recognize.AT_ONCE", 1)
    recognizer = LineRecognizer(write_line_model(tmp_path / "lines.onnx"), threads=2)
    texts = ["AB", "O", "IIE", "B"]
    for _ in range(3):
        assert next(recognizer.lines(line_picture(text) for text in texts)).text == "AB"
    assert [line.text for line in recognizer.lines(line_picture(text) for text in texts)] == texts


def test_it_can_be_copied_and_sent_to_other_processes(recognizer: LineRecognizer) -> None:
    for other in (pickle.loads(pickle.dumps(recognizer)), copy.deepcopy(recognizer)):
        assert other.read([line_picture("OI")])[0].text == "OI"


# ---- words and single characters


def test_a_word_has_no_spaces(recognizer: LineRecognizer) -> None:
    [line] = recognizer.read([line_picture("AB OE")], mode="word")
    assert [word.text for word in line.words] == ["ABOE"]


@pytest.mark.parametrize("character", "ABOIE")
def test_a_character_is_one_whatever_the_picture_shows(recognizer: LineRecognizer, character: str) -> None:
    one, two = recognizer.read([line_picture(character), line_picture(character + "A")], mode="char")
    assert (one.text, len(two.text)) == (character, 1)
    assert boxes_of(one) == line_boxes(character)


def test_alternatives(recognizer: LineRecognizer) -> None:
    [line] = recognizer.read([line_picture("O")])
    [character] = line.words[0].characters
    assert [other.text for other in character.alternatives] == ["0"]
    assert character.alternatives[0].confidence == pytest.approx(1 - character.confidence, abs=1e-3)
    [line] = recognizer.read([line_picture("O")], alternatives=0)
    assert line.words[0].characters[0].alternatives == ()


def test_digits_in_place_of_their_look_alikes(recognizer: LineRecognizer) -> None:
    picture = line_picture("OI A")
    assert recognizer.read([picture])[0].text == "OI A"
    assert recognizer.read([picture], allow="01A")[0].text == "01 A"
    assert recognizer.read([picture], words=["01"])[0].text == "01 A"
    assert recognizer.read([picture], pattern=r"\d+")[0].text == "01 A"


def test_an_unknown_option_is_named(recognizer: LineRecognizer) -> None:
    with pytest.raises(UsageError, match="'alow' is not known"):
        recognizer.read([line_picture("A")], alow="1")


# ---- pictures that are hardly lines


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (100, 32), (3, 200), (30_000, 32), (30_000, 1), (1_000_000, 4), (1, 1000)])
def test_empty_pictures_hold_nothing(recognizer: LineRecognizer, size: tuple[int, int], level: int) -> None:
    [line] = recognizer.read([Image.new("L", size, level)])
    assert (line.text, line.confidence, line.words) == ("", 0.0, ())
    assert tuple(line.box) == (0, 0, *size)


def test_a_row_of_noise_one_pixel_high_holds_nothing(recognizer: LineRecognizer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 500), dtype=np.uint8)
    assert recognizer.read([noise])[0].text == ""


def test_noise_is_not_trusted(recognizer: LineRecognizer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 300), dtype=np.uint8)
    [line] = recognizer.read([noise])
    assert line.confidence < 0.5


def test_a_line_that_is_too_wide_is_read_in_pieces(recognizer: LineRecognizer) -> None:
    text = " ".join(["AB", "OOEI", "I"] * 90)
    picture = line_picture(text)
    assert picture.width > 10_000
    [line] = recognizer.read([picture])
    assert line.text == text
    assert boxes_of(line) == line_boxes(text)


def test_thirty_thousand_pixels_without_a_space(recognizer: LineRecognizer) -> None:
    text = "ABOIE" * 500
    picture = line_picture(text)
    assert picture.width >= 30_000
    # A language model doubts letters that this net is never sure of.
    [line] = recognizer.read([picture], language_model=None)
    assert line.text == text


@settings(max_examples=20)
@given(st.data())
def test_pieces_cover_the_line_and_cut_gaps(data: st.DataObject) -> None:
    widest = data.draw(st.sampled_from([128, 160, 250]))
    canvas = np.full((32, data.draw(st.integers(1, 900))), 255, np.uint8)
    for _ in range(data.draw(st.integers(0, 6))):
        left = data.draw(st.integers(0, canvas.shape[1] - 1))
        canvas[10:22, left : left + data.draw(st.integers(1, 60))] = 0
    pieces = pieces_of(canvas, widest)
    assert pieces[0].start == 0
    assert pieces[-1].stop == canvas.shape[1]
    assert not pieces[-1].space_after
    for piece, following in itertools.pairwise(pieces):
        assert piece.stop == following.start
        assert piece.stop % GRID == 0
        if piece.space_after:
            assert canvas[:, piece.stop - 1 : piece.stop + 1].min() == 255
    assert all(0 < piece.stop - piece.start <= widest for piece in pieces)


# ---- models


def test_no_shipped_model_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("typecase.stages.recognize.SHIPPED_MODEL", tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="carries no model for lines"):
        LineRecognizer()
    assert SHIPPED_MODEL.parent.name == "weights"


def test_a_model_for_something_else(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'classifier', not a recogniser of lines"):
        LineRecognizer(write_model(tmp_path / "bars.onnx"))


def line_net(model: onnx.ModelProto, **changes: object) -> OpenVinoLineNet:
    return OpenVinoLineNet(parse_onnx(with_card(model.SerializeToString(), line_card(**changes)), "m"), threads=1)


def test_logits_are_those_of_each_line_by_itself() -> None:
    net = line_net(line_onnx())
    preprocess = LinePreprocess()
    canvases = [preprocess.canvas(line_picture("ABOIE"[:count])) for count in (1, 5, 2, 3, 3, 3, 5, 1, 1, 1, 1, 1)]
    together = net(canvases)
    for canvas, logits in zip(canvases, together, strict=True):
        assert logits.shape == (preprocess.padded_width(canvas.shape[1]) // 4, len(CHARACTERS) + 1)
        assert net.stride(canvas.shape[1], len(logits)) == 4
        assert np.allclose(logits, net([canvas])[0], atol=0.15)
    assert net([]) == []


@given(lines=st.integers(0, 200), width=st.sampled_from([32, 256, 288, 512, 640, 2048, 1 << 16]))
def test_lines_are_divided_into_batches_of_few_sizes(lines: int, width: int) -> None:
    sizes = batch_sizes(lines, width)
    allowed = next((sizes for most, sizes in SIZES if width <= most), (1,))
    assert set(sizes) <= set(allowed)
    # All but the last are full, and of that one at most a quarter is empty.
    assert sum(sizes[:-1]) < lines <= sum(sizes) if lines else not sizes
    assert 4 * (sum(sizes) - lines) <= (sizes[-1] if sizes else 0)


def test_wide_lines_go_through_the_net_in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    net = line_net(line_onnx())
    batch = net._batch
    shapes: list[tuple[int, ...]] = []

    def seen(*arguments: Any) -> np.ndarray:
        made = batch(*arguments)
        shapes.append(made.shape)
        return made

    monkeypatch.setattr(net, "_batch", seen)
    canvases = [np.full((32, width), 255, np.uint8) for width in [64] * 7 + [512] * 5 + [8192] * 2]
    assert len(net(canvases)) == len(canvases)
    # The widest first; seven narrow ones are fewer steps as eight.
    expected = [(1, 8192)] * 2 + [(2, 512)] * 2 + [(1, 512)] + [(4, 64)] * 2
    assert [(shape[0], shape[3]) for shape in shapes] == expected


def test_a_card_that_belongs_to_another_net() -> None:
    with pytest.raises(ModelError, match=r"its output is \[None, 9\] where the card says \[None, 4\]"):
        line_net(line_onnx(), classes=ClassSet.of("abc"))
    with pytest.raises(ModelError, match=r"its input is \[1, 32, None\] where the card says \[1, 48, None\]"):
        line_net(line_onnx(), preprocess=LinePreprocess(height=48))


def test_a_fixed_width_is_refused_with_a_sentence() -> None:
    model = line_onnx()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 7, 9), np.float32), "seven"))
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Add", ["before", "seven"], ["logits"]))
    with pytest.raises(ModelError, match="export it again"):
        line_net(model)([np.zeros((32, 100), np.uint8)])


def test_damaged_weights_are_noticed() -> None:
    model = line_onnx(scale=float("nan"))
    with pytest.raises(ModelError, match="are not numbers; its weights are damaged"):
        line_net(model)([np.zeros((32, 100), np.uint8)])


@pytest.mark.parametrize(
    ("width", "characters", "stretch"),
    [(600, 40, 1.0), (0, 0, 1.0), (300, 40, 1.6), (360, 40, 12 / 9), (40, 1, 1.0), (300, 10, 19 / 30), (900, 10, 0.6)],
)
def test_condensed_and_broad_letters_are_looked_at_again(width: int, characters: int, stretch: float) -> None:
    assert second_stretch(width, characters) == pytest.approx(stretch)


def test_boxes_of_a_line_that_was_stretched_are_in_pixels_of_the_picture(recognizer: LineRecognizer) -> None:
    # The bars of this net are 12 pixels apart; at two thirds of their width they are too narrow for it.
    plain = line_picture("ABEABEABEA")
    narrow = plain.resize((plain.width * 2 // 3, plain.height), Image.Resampling.BOX)
    [line] = recognizer.read([narrow], upright=True, language_model=None)
    assert line.text == "ABEABEABEA"
    expected = [(x * 2 / 3, y, width * 2 / 3, height) for x, y, width, height in line_boxes(line.text)]
    assert np.allclose(boxes_of(line), expected, atol=1.1)
