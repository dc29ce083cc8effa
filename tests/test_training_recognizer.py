"""Training a recogniser: a tiny net learns drawn bars, stops, goes on, and is exported."""

from __future__ import annotations

import csv
import json
import math
import string
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from font_fixtures import family
from line_fixtures import line_picture
from typecase.charset import LATIN_CHARACTERS, ClassSet
from typecase.datasets.drawn_lines import BLOCK, DrawnLines, LineOrder
from typecase.errors import DataError, UsageError
from typecase.modelcard import RECOGNIZER
from typecase.modelfile import load_model
from typecase.preprocess import LinePreprocess
from typecase.stages.recognize import LineRecognizer
from typecase.synthesis.fonts import is_held_back
from typecase.training.augment_lines import augment_line
from typecase.training.ctc import LineCodec
from typecase.training.export import compare_lines, export_onnx
from typecase.training.line_sheet import line_sheet
from typecase.training.recognizer import SAMPLES_NAME, VALIDATION_NAME, train_recognizer
from typecase.training.settings import (
    LineAugmentationSettings,
    LineDataSettings,
    LineLoopSettings,
    NetworkSettings,
    OptimizerSettings,
    ScheduleSettings,
    TrainRecognizerSettings,
)

CHARACTERS = "ABE "
TINY = {"widths": [8, 8, 16], "depths": [0, 0, 0], "features": 32, "layers": 1, "dropout": 0.0}
CODEC = LineCodec(ClassSet.of("abcABC1 "))


def write_lines(folder: Path, count: int = 96, seed: int = 0) -> Path:
    """A list of lines of bars."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        text = "".join(generator.choice(list("ABE"), int(generator.integers(2, 6))))
        line_picture(text, margin=int(generator.integers(2, 9))).save(folder / f"{number:03d}.png")
        rows.append(json.dumps({"image": f"{number:03d}.png", "text": text}))
    (folder / "labels.jsonl").write_text("\n".join(rows))
    return folder


def tiny_settings(lines: Path, **changes: Any) -> TrainRecognizerSettings:
    """Settings of a training that takes seconds; `loop` and `source` add to those of the loop and of the data."""
    loop = {"epochs": 3, "batch_size": 8, "precision": "float32", "accelerator": "cpu", "threads": 1, "keep": "last"}
    source = {"path": lines, "validation": 0.2, **changes.pop("source", {})}
    values: dict[str, Any] = {
        "data": {"bars": LineDataSettings(**source)},
        "characters": CHARACTERS,
        "epoch_lines": 80,
        "network": NetworkSettings(name="linenet", options=TINY),
        "optimizer": OptimizerSettings(learning_rate=0.01),
        "schedule": ScheduleSettings(warm_up=0.2),
        "augmentation": LineAugmentationSettings(stretch=0.05, scale=0.02, shift=0.02, shear=0.0, blur=0.0),
        "loop": LineLoopSettings(**{**loop, "average_decay": 0.8, **changes.pop("loop", {})}),
    }
    return TrainRecognizerSettings(**{**values, **changes})


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("lines") / "bars")


def test_a_tiny_net_learns_to_read_and_its_export_reads_the_same(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    trained = train_recognizer(tiny_settings(lines, loop={"epochs": 16}), tmp_path / "run")
    module, card = load_model(trained.model)
    assert trained.fitted.finished
    assert card.task == RECOGNIZER
    assert card.figures["validation"]["bars"]["character-error-rate"] < 0.1
    assert card.figures["lines-seen"] == 16 * 80
    assert str(tmp_path) not in card.to_json()
    with (tmp_path / "run" / VALIDATION_NAME).open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 17))
    # In the first epochs something is read wrongly, and shown.
    assert (tmp_path / "run" / SAMPLES_NAME).is_file()
    exported = tmp_path / "lines.onnx"
    parity = export_onnx(module, card, exported, half=True)
    assert parity.probabilities < 0.02
    pictures = [line_picture("ABE"), line_picture("EEB"), line_picture("A" * 30)]
    canvases = [card.line_preprocess.canvas(picture) for picture in pictures]
    assert compare_lines(module, exported, canvases).answers > 0.99
    assert [line.text for line in LineRecognizer(exported).read(pictures[:2])] == ["ABE", "EEB"]
    # Without an epoch the same weights are validated and calibrated.
    again = train_recognizer(tiny_settings(lines, start_from=trained.model, loop={"epochs": 0}), tmp_path / "again")
    same, its_card = load_model(again.model)
    for name, tensor in module.state_dict().items():
        assert torch.equal(same.state_dict()[name], tensor)
    assert its_card.figures["validation"] == card.figures["validation"]
    assert its_card.figures["lines-seen"] == 0


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    settings_whole = tiny_settings(lines)
    whole = train_recognizer(settings_whole, tmp_path / "whole")

    import typecase.training.loop as loop_module

    class Stop:
        def __init__(self) -> None:
            self.asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked == 14

    from contextlib import contextmanager

    @contextmanager
    def stopping() -> Any:
        yield Stop()

    monkeypatch.setattr(loop_module, "_stop_signals", stopping)
    stopped = train_recognizer(settings_whole, tmp_path / "halves")
    assert not stopped.fitted.finished
    monkeypatch.undo()
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    resumed = train_recognizer(settings_whole, tmp_path / "halves", resume=True)
    assert resumed.fitted.finished
    for name, tensor in whole.fitted.weights.items():
        assert torch.equal(tensor, resumed.fitted.weights[name]), name
    with pytest.raises(UsageError, match="other settings"):
        train_recognizer(msgspec.structs.replace(settings_whole, epoch_lines=88), tmp_path / "halves", resume=True)
    with pytest.raises(UsageError, match="holds a training already"):
        train_recognizer(settings_whole, tmp_path / "halves")


def test_weights_of_another_alphabet_are_a_start(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    first = train_recognizer(tiny_settings(lines, loop={"epochs": 1}), tmp_path / "first")
    more = tiny_settings(lines, loop={"epochs": 1}, characters="ABEX ", start_from=first.model)
    assert train_recognizer(more, tmp_path / "second").fitted.finished


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"data": {}}, UsageError, "nothing to train on"),
        ({"epoch_lines": 4}, UsageError, "no batch"),
        ({"loop": {"batch_size": 1}}, UsageError, "too small"),
        ({"source": {"validation": 1.0}}, DataError, "no lines to train on"),
        ({"characters": "XYZ"}, DataError, "no lines to train on"),
        ({"source": {"path": Path("nowhere")}}, DataError, "does not exist"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(
    lines: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    error: type[Exception],
    sentence: str,
) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(error, match=sentence):
        train_recognizer(tiny_settings(lines, **change), tmp_path / "run")


def test_forms_that_only_measure_are_never_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    for name in ("annotations", "images"):
        (tmp_path / "forms" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match="not trained on"):
        train_recognizer(tiny_settings(tmp_path / "forms"), tmp_path / "run")


def test_hopeless_lines_are_left_out_of_the_loss_and_pull_at_nothing() -> None:
    torch.manual_seed(0)
    sure = logits_for(["a", "b"], CODEC)
    logits = torch.cat([sure, logits_for(["c", "c"], CODEC)]).requires_grad_()
    targets = CODEC.targets(["ab", "ab"], [False, False], [logits.shape[1]] * 2)
    alone = CODEC.loss(sure, targets[:1])
    assert float(CODEC.loss(logits, targets).detach()) > 1.0
    kept = CODEC.loss(logits, targets, hopeless=1.0)
    assert float(kept.detach()) == pytest.approx(float(alone))
    kept.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0].abs().sum() > 0
    assert (logits.grad[1] == 0).all()
    # Where nothing is left, nothing is learnt, and no number is divided by nothing.
    assert float(CODEC.loss(logits[1:], targets[1:], hopeless=1.0).detach()) == 0.0


def logits_for(frames: list[str], codec: LineCodec, sure: float = 12.0) -> torch.Tensor:
    """Logits that say one label a frame; "" is the blank."""
    labels = [0 if not frame else codec.encode(frame)[0] for frame in frames]
    return nn.functional.one_hot(torch.tensor(labels), len(codec.classes) + 1).float().unsqueeze(0) * sure


def test_greedy_reading_drops_repeats_and_blanks() -> None:
    assert CODEC.greedy(logits_for(["a", "a", "", "a", "b", " ", "1", ""], CODEC), [8]) == ["aab 1"]
    # Frames beyond a line's own are not looked at.
    assert CODEC.greedy(logits_for(["a", "b", "c"], CODEC), [2]) == ["ab"]


def test_a_truth_in_upper_case_asks_nothing_of_the_case() -> None:
    lower, upper = (logits_for(list(text), CODEC) for text in ("abc", "ABC"))
    folded, strict = (CODEC.targets(["ABC"], [fold], [3]) for fold in (True, False))
    assert float(CODEC.loss(lower, folded)) == pytest.approx(float(CODEC.loss(upper, folded)), abs=1e-5)
    assert float(CODEC.loss(lower, folded)) < 0.01 < 5 < float(CODEC.loss(lower, strict))
    # Where the net is sure of lower case, the gradient leaves it so.
    lower.requires_grad_()
    CODEC.loss(lower, folded).backward()  # type: ignore[no-untyped-call]
    assert lower.grad is not None
    a, capital = CODEC.encode("aA")
    assert float(lower.grad[0, 0, a]) <= 0
    assert abs(float(lower.grad[0, 0, capital])) < 1e-3
    assert CODEC.read(lower.detach(), folded) == [("ABC", "ABC")]
    assert CODEC.read(lower.detach(), strict) == [("ABC", "abc")]


def test_a_line_with_more_letters_than_frames_does_not_end_the_training() -> None:
    logits = torch.zeros(1, 2, len(CODEC.classes) + 1, requires_grad=True)
    loss = CODEC.loss(logits, CODEC.targets(["abcabc"], [False], [2]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert math.isfinite(float(loss.detach()))
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())


@given(st.text(alphabet="abcABC1 ", max_size=20))
def test_labels_are_never_the_blank_and_go_back_to_the_text(text: str) -> None:
    labels = CODEC.encode(text)
    assert all(labels)
    assert "".join(CODEC.classes.names[label - 1] for label in labels) == text


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_varied_line_keeps_its_height_and_follows_the_seed(width: int, seed: int) -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (32, width), dtype=np.uint8)
    strong = LineAugmentationSettings(stretch=0.3, blur=1.0, tone=1.0, noise=1.0)
    first, again = (augment_line(canvas, strong, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape[0] == 32
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    still = LineAugmentationSettings(stretch=0, scale=0, shift=0, shear=0, tone=0, blur=0, noise=0)
    if width >= 4:
        assert np.array_equal(augment_line(canvas, still, np.random.default_rng(seed)), canvas)


def test_drawn_blocks_are_the_same_however_they_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = tmp_path / "fonts"
    names = [f"family{number}" for number in range(40)]
    trained = next(name for name in names if not is_held_back(name))
    kept_back = next(name for name in names if is_held_back(name))
    for name in (trained, kept_back):
        family(fonts, name)
    ascii_only = "".join(character for character in LATIN_CHARACTERS if character.isascii())
    order = LineOrder(fonts, None, ascii_only, {"clean": 1.0}, 3)
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "one"))
    with DrawnLines(order, LinePreprocess(), processes=0) as here:
        block = here.block(1)
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "two"))
    with DrawnLines(order, LinePreprocess(), processes=1) as elsewhere:
        elsewhere.prepare([1])
        other = elsewhere.block(1)
    assert len(block) == BLOCK
    assert block.texts == other.texts
    assert all(np.array_equal(block.picture(index), other.picture(index)) for index in range(BLOCK))
    elsewhere.drop([1, 2])
    assert not list((tmp_path / "two" / "lines").iterdir())
    with DrawnLines(order, LinePreprocess(), processes=0) as here:
        assert here.order.workshop().fonts.families == (trained,)
    held_back = LineOrder(fonts, None, ascii_only, {"clean": 1.0}, 3, held_back=True)
    assert held_back.workshop().fonts.families == (kept_back,)


def test_processes_share_the_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "cache"))
    trained = next(name for name in map("family{}".format, range(40)) if not is_held_back(name))
    family(tmp_path / "fonts", trained)
    order = LineOrder(tmp_path / "fonts", None, string.ascii_letters + string.digits + " .,-", {"clean": 1.0}, 3)
    with (
        DrawnLines(order, LinePreprocess(), processes=0) as first,
        DrawnLines(order, LinePreprocess(), processes=0) as second,
    ):
        first.share(0, 2)
        second.share(1, 2)
        drawn = second.block(1)
        # The first one does not draw it again, but takes it from the cache.
        monkeypatch.setattr("typecase.datasets.drawn_lines._samples", None)
        assert first.block(1).texts == drawn.texts
        monkeypatch.setattr("typecase.datasets.drawn_lines._PATIENCE", 0)
        with pytest.raises(DataError, match="has not drawn its lines"):
            first.block(3)


def test_a_sheet_shows_truth_and_reading(tmp_path: Path) -> None:
    picture = np.full((32, 3000), 200, np.uint8)
    sheet = line_sheet([(picture, "truth", "truth"), (Image.fromarray(picture[:, :40]), "a", "")])
    colours = {colour for _, colour in sheet.getcolors(1 << 20) or []}
    assert sheet.width == 900
    assert (0x1A, 0x7F, 0x37) in colours
    assert (0xB3, 0x26, 0x1E) in colours
