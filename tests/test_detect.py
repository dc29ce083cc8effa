"""Finding lines with an exported net: where they are, what is refused, threads and copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector_fixtures import bars_page, page_card, page_onnx, write_page_model
from line_fixtures import write_line_model
from typecase.errors import ModelError, UsageError
from typecase.preprocess import PagePreprocess, PixelArray
from typecase.runtime.onnx_file import parse_onnx, with_card
from typecase.runtime.openvino_pages import OpenVinoPageNet
from typecase.stages import detect as module
from typecase.stages.detect import LineDetector
from typecase.stages.lines_of_maps import CHANNELS, Piece

BARS = [(20, 24, 120, 17), (40, 64, 200, 17), (20, 112, 60, 17), (130, 112, 60, 17)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page_model(tmp_path_factory.mktemp("model") / "pages.onnx")


@pytest.fixture(scope="module")
def detector(model: Path) -> LineDetector:
    return LineDetector(model, threads=1, precision="f32")


def boxes_of(pieces: Sequence[Piece]) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each, from top to bottom."""
    edges = [(*piece.corners.min(axis=0).tolist(), *piece.corners.max(axis=0).tolist()) for piece in pieces]
    return sorted(edges, key=lambda box: (round(box[1] / 8), box[0]))


def expected(bars: Sequence[tuple[int, int, int, int]], zoom: int = 1) -> list[tuple[int, int, int, int]]:
    return [(zoom * x, zoom * y, zoom * (x + w), zoom * (y + h)) for x, y, w, h in bars]


def test_lines_are_found_where_they_are(detector: LineDetector) -> None:
    pieces = detector.find(bars_page(BARS, 300, 160))
    assert len(pieces) == len(BARS)
    assert np.abs(np.array(boxes_of(pieces)) - expected(BARS)).max() <= 5
    assert all(piece.score > 0.9 and not piece.across for piece in pieces)


@pytest.mark.parametrize("zoom", [4, 7])
def test_a_large_page_is_looked_at_from_afar(detector: LineDetector, zoom: int) -> None:
    bars = [(x, 3 * y, w, h) for x, y, w, h in BARS]
    page = bars_page(bars, 300, 420).repeat(zoom, axis=0).repeat(zoom, axis=1)
    pieces = detector.find(page)
    assert len(pieces) == len(BARS)
    # The tiny net takes every line to be of the height it likes, so the first look is the last one.
    boxes = np.array(boxes_of(pieces))
    assert np.abs(boxes[:, [0, 2]] - np.array(expected(bars, zoom))[:, [0, 2]]).max() <= 0.3 * 17 * zoom + 8


def seen_at(detector: LineDetector, monkeypatch: pytest.MonkeyPatch, page: PixelArray) -> list[float]:
    """The scales at which a page is looked at."""
    scales = []
    seen = detector._seen

    def watched(grey: PixelArray, scale: float) -> list[Piece]:
        scales.append(scale)
        return seen(grey, scale)

    monkeypatch.setattr(detector, "_seen", watched)
    detector.find(page)
    return scales


def piece_of(left: float, top: float, right: float, bottom: float, *, across: bool = False) -> Piece:
    """A piece that fills a box; across, it runs up."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    if across:
        corners = np.roll(corners, 1, axis=0)
    return Piece(corners, (right - left) if across else (bottom - top), 0.9, across)


def seen_twice(
    detector: LineDetector, monkeypatch: pytest.MonkeyPatch, first: Sequence[Piece], second: Sequence[Piece]
) -> list[Piece]:
    """What is found on a page where one look and the other see this."""
    looks = [list(first), list(second)]
    monkeypatch.setattr(LineDetector, "_seen", lambda _self, _grey, _scale: looks.pop(0))
    found = detector.find(np.full((1472, 1472), 255, np.uint8))
    assert not looks
    return found


def test_cells_one_below_the_other_are_no_large_line_that_runs_up(
    detector: LineDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = [piece_of(40, 40 + 30 * row, 400, 56 + 30 * row) for row in range(9)]
    cells = [piece_of(600, 40 + 30 * row, 640, 52 + 30 * row) for row in range(4)]
    column = piece_of(590, 30, 650, 150, across=True)
    found = seen_twice(detector, monkeypatch, [*text, column], [*text, *cells])
    assert boxes_of(found) == boxes_of([*text, *cells])


@pytest.mark.parametrize("across", [False, True])
def test_large_letters_are_taken_from_the_first_look(
    detector: LineDetector, monkeypatch: pytest.MonkeyPatch, across: bool
) -> None:
    text = [piece_of(40, 40 + 30 * row, 400, 56 + 30 * row) for row in range(9)]
    large = piece_of(600, 30, 700, 400, across=True) if across else piece_of(600, 30, 970, 130)
    # From near parts of its letters look like lines of their own.
    parts = [piece_of(630, 60, 645, 75), piece_of(660, 80, 672, 125, across=True)]
    found = seen_twice(detector, monkeypatch, [*text, large], [*text, *parts])
    assert boxes_of(found) == boxes_of([*text, large])


def test_small_text_is_looked_at_again_from_nearer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = LineDetector(write_page_model(tmp_path / "tiny.onnx", tall=8.5), threads=1, precision="f32")
    page = bars_page(BARS, 300, 160)
    assert seen_at(tiny, monkeypatch, page) == [1.0, 2.0]
    large = LineDetector(write_page_model(tmp_path / "large.onnx", tall=40.0), threads=1, precision="f32")
    first, second = seen_at(large, monkeypatch, page)
    assert first == 1.0
    assert second == pytest.approx(17 / 40)


def test_a_second_look_that_is_hardly_nearer_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = bars_page(BARS, 300, 160)
    for tall, looks in ((12.0, 1), (11.0, 2)):
        detector = LineDetector(write_page_model(tmp_path / f"{tall}.onnx", tall=tall), threads=1, precision="f32")
        assert len(seen_at(detector, monkeypatch, page)) == looks


def test_no_page_is_looked_at_larger_than_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 4 * 300 * 160)
    tiny = LineDetector(write_page_model(tmp_path / "tiny.onnx", tall=4.0), threads=1, precision="f32")
    _, second = seen_at(tiny, monkeypatch, bars_page(BARS, 300, 160))
    assert second == pytest.approx(2.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (900, 1), (31, 33), (200, 300)])
def test_nothing_is_found_on_empty_paper_of_any_size(detector: LineDetector, shape: tuple[int, int]) -> None:
    assert detector.find(np.full(shape, 240, np.uint8)) == []


def test_a_large_empty_page_is_looked_at_twice(detector: LineDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = seen_at(detector, monkeypatch, np.full((2000, 1500), 240, np.uint8))
    assert second == pytest.approx(min(2 * first, (module.MOST_PIXELS / 3_000_000) ** 0.5))


def test_it_may_be_shared_between_threads(detector: LineDetector) -> None:
    pages = [bars_page(BARS[: 1 + number % 4], 280 + 20 * (number % 3), 160) for number in range(24)]
    alone = [boxes_of(detector.find(page)) for page in pages]
    with ThreadPoolExecutor(4) as pool:
        assert [boxes_of(found) for found in pool.map(detector.find, pages)] == alone


def test_it_may_be_pickled_and_copied(model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(model.parent)
    detector = LineDetector(model.name, threads=1, precision="f32")
    monkeypatch.chdir(tmp_path)
    page = bars_page(BARS, 300, 160)
    for other in (pickle.loads(pickle.dumps(detector)), copy.deepcopy(detector)):
        assert other.path == detector.path
        assert other.precision == "f32"
        assert other.card == detector.card
        assert boxes_of(other.find(page)) == boxes_of(detector.find(page))


def test_no_shipped_model_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert module.SHIPPED_MODEL.parent.name == "weights"
    monkeypatch.setattr(module, "SHIPPED_MODEL", tmp_path / "pages.onnx")
    with pytest.raises(ModelError, match="no model that finds lines"):
        LineDetector()


def test_the_shipped_model_is_the_default(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHIPPED_MODEL", model)
    assert LineDetector().path == model


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        LineDetector(tmp_path / "nowhere.onnx")
    with pytest.raises(ModelError, match="'recognizer', not a detector of lines; name a detector"):
        LineDetector(write_line_model(tmp_path / "lines.onnx"))
    damaged = tmp_path / "damaged.onnx"
    whole = write_page_model(tmp_path / "whole.onnx").read_bytes()
    damaged.write_bytes(whole[:-40] + bytes(40))
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        LineDetector(damaged)
    with pytest.raises(UsageError, match="at least one thread"):
        LineDetector(tmp_path / "whole.onnx", threads=0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"channels": CHANNELS - 1}, "does not fit its own card"), ({"stride": 8}, "answers a page with an array")],
)
def test_a_net_that_answers_otherwise_is_refused(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    path = write_page_model(tmp_path / "pages.onnx", **options)
    with pytest.raises(ModelError, match=sentence):
        LineDetector(path, threads=1).find(bars_page(BARS, 300, 160))


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = page_onnx()
    [biases] = [one for one in model.graph.initializer if one.name == "biases"]
    biases.CopyFrom(onnx.numpy_helper.from_array(np.full(CHANNELS, np.nan, np.float32), "biases"))
    net = OpenVinoPageNet(parse_onnx(with_card(model.SerializeToString(), page_card()), "it"), threads=1)
    with pytest.raises(ModelError, match="not numbers"):
        net(bars_page(BARS, 300, 160))


def test_the_net_sees_pages_padded_by_their_edge() -> None:
    preprocess = PagePreprocess()
    page = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    padded = preprocess.padded(page)
    assert padded.shape == (1, 1, 32, 32)
    assert np.array_equal(padded[0, 0, :2, :3], preprocess.normalise(page))
    assert np.all(padded[0, 0, :, 3:] == padded[0, 0, :, 2:3])
    assert np.all(padded[0, 0, 2:] == padded[0, 0, 1])
    # Few different sizes, for the net prepares itself for each.
    sides = [preprocess.padded_side(side) for side in (1, 32, 33, 256, 257, 512, 513, 736, 1025, 3508)]
    assert sides == [32, 32, 64, 256, 320, 512, 640, 768, 1152, 3584]
    assert preprocess.scaled(page, 1.0) is page
    assert preprocess.scaled(page, 0.001).shape == (1, 1)
    assert preprocess.scaled(np.full((90, 60), 77, np.uint8), 1 / 3).tolist() == [[77] * 20] * 30


def test_settings_of_pages_travel_in_the_card() -> None:
    preprocess = PagePreprocess(text_height=20.0, least_height=4.0)
    assert PagePreprocess.from_dict(preprocess.to_dict()) == preprocess
    for changes, sentence in (
        ({"colour": 1}, "does not know"),
        ({"multiple": 0}, "impossible"),
        ({"text_height": "high"}, "impossible"),
        ({"least_height": 30.0}, "impossible"),
        ({"deviation": 0}, "impossible"),
    ):
        with pytest.raises(ModelError, match=sentence):
            PagePreprocess.from_dict({**preprocess.to_dict(), **changes})
    card = page_card()
    assert card.page_preprocess == PagePreprocess()
    assert card.input_size == 32
    with pytest.raises(ModelError, match="does not read lines; name a recognizer"):
        _ = card.line_preprocess
    with pytest.raises(ModelError, match="does not read single characters"):
        _ = card.character_preprocess


@given(st.floats(0.08, 0.95), st.integers(60, 400), st.integers(60, 400))
def test_what_is_scaled_stays_in_its_place(scale: float, height: int, width: int) -> None:
    ys, xs = np.mgrid[0:height, 0:width]
    page = (128 + 60 * np.sin(xs / 40) + 60 * np.cos(ys / 55)).astype(np.uint8)
    small = PagePreprocess().scaled(page, scale)
    # What makes up no whole pixel of the result may be left out at the right and below.
    assert all(
        side * scale - 2 < after <= side * scale + 0.5 for side, after in zip(page.shape, small.shape, strict=True)
    )
    rows, columns = np.mgrid[0 : small.shape[0], 0 : small.shape[1]]
    ys, xs = ((rows + 0.5) / scale - 0.5, (columns + 0.5) / scale - 0.5)
    expected = 128 + 60 * np.sin(xs / 40) + 60 * np.cos(ys / 55)
    inner = (slice(1, -1), slice(1, -1))
    # The page changes by at most 2.6 levels a pixel, and the result has a whole number of pixels, so that the last of
    # them may lie half a one off.
    assert np.abs(small[inner] - expected[inner]).max() <= 2 + 1.5 / scale
