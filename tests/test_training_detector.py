"""Training a detector: a tiny net learns where bars are, stops, goes on, and is exported."""

from __future__ import annotations

import csv
import signal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import RunTypecase
from detector_fixtures import bars_page, write_receipts
from font_fixtures import family
from typecase import nets
from typecase.charset import ClassSet
from typecase.errors import DataError, ExitCode, ModelError, TypecaseError, UsageError
from typecase.modelcard import DETECTOR, ModelCard
from typecase.modelfile import load_model, read_tensors, save_model
from typecase.preprocess import PagePreprocess
from typecase.runtime.onnx_file import read_onnx
from typecase.runtime.openvino_pages import OpenVinoPageNet
from typecase.stages.detect import LineDetector
from typecase.stages.lines_of_maps import ACROSS, CORES, DOWN, UP
from typecase.synthesis.fonts import is_held_back
from typecase.training import detector as module
from typecase.training.detector import VALIDATION_NAME, PageTask, page_loss, train_detector
from typecase.training.export import export_onnx
from typecase.training.page_blocks import PageBlocks, validation_pages
from typecase.training.page_windows import IGNORED, TARGETS, VALID
from typecase.training.settings import (
    LoopSettings,
    NetworkSettings,
    OptimizerSettings,
    PageAugmentationSettings,
    PageDataSettings,
    ScheduleSettings,
    TrainDetectorSettings,
)

TINY = {"widths": [8, 8, 8, 8], "depths": [0, 0, 0, 0], "joined": [8, 8, 8, 8]}
STILL = PageAugmentationSettings(
    heights=(14.0, 18.0), skew=0.0, quarter_turn=0.0, half_turn=0.0, tone=0.0, blur=0.0, noise=0.0, inversion=0.0
)


def tiny_settings(receipts: Path, **changes: Any) -> TrainDetectorSettings:
    """Settings of a training that takes seconds; `loop` and `source` add to those of the loop and of the data."""
    loop = {"epochs": 2, "batch_size": 8, "precision": "float32", "accelerator": "cpu", "threads": 1, "keep": "last"}
    values: dict[str, Any] = {
        "data": {"receipts": PageDataSettings(**{"path": receipts, **changes.pop("source", {})})},
        "window": 64,
        "epoch_windows": 48,
        "drawing": 1,
        "network": NetworkSettings(name="pagenet", options=TINY),
        "optimizer": OptimizerSettings(learning_rate=0.02),
        "schedule": ScheduleSettings(warm_up=0.1),
        "augmentation": STILL,
        "loop": LoopSettings(**{**loop, "average_decay": 0.8, **changes.pop("loop", {})}),
    }
    return TrainDetectorSettings(**{**values, **changes})


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_receipts(tmp_path_factory.mktemp("receipts") / "sroie")


@pytest.fixture
def cut_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts windows in this process: others cut the same (see test_page_blocks.py), but take seconds to start."""
    monkeypatch.setattr(module, "PageBlocks", lambda settings, processes: PageBlocks(settings, processes=0))


def interrupt_at(monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
    """Lets Ctrl-C come while a batch is being made."""
    batch = PageTask.batch

    def interrupted(self: PageTask, *place: int) -> tuple[Tensor, Tensor]:
        if place[:2] == (epoch, step):
            # To this thread, and to no other library's.
            signal.raise_signal(signal.SIGINT)
        return batch(self, *place)

    monkeypatch.setattr(PageTask, "batch", interrupted)


def validation_of(folder: Path) -> list[dict[str, str]]:
    with (folder / VALIDATION_NAME).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def log_of(folder: Path) -> list[dict[str, str]]:
    """The log without the one column that differs from run to run."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.usefixtures("cut_here")
def test_a_tiny_net_learns_where_lines_are_and_its_export_finds_the_same(receipts: Path, tmp_path: Path) -> None:
    trained = train_detector(tiny_settings(receipts, epoch_windows=96, loop={"epochs": 10}), tmp_path / "run")
    assert trained.fitted.finished
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        *("model.safetensors", "checkpoint.safetensors", "config.yaml", "log.csv", "curves.png", VALIDATION_NAME),
        "tensorboard",
    }
    net, card = load_model(trained.model)
    assert card.task == DETECTOR
    assert card.preprocess == PagePreprocess()
    assert card.figures["windows-seen"] == 10 * 96
    # Of twelve receipts the first and the eleventh are kept apart to validate with.
    assert [one["pages"] for one in card.data] == [10]
    assert str(tmp_path) not in card.to_json()
    assert str(receipts) not in card.to_json()
    rows = validation_of(tmp_path / "run")
    assert [(int(row["epoch"]), row["source"]) for row in rows] == [(epoch, "receipts") for epoch in range(1, 11)]
    found = card.figures["validation"]["receipts"]
    assert {key: float(rows[-1][key]) for key in found} == found
    assert found["lines"] == 12
    assert found["recall"] > 0.8
    assert found["precision"] > 0.8
    assert found["height-error"] < 0.3

    exported = tmp_path / "pages.onnx"
    parity = export_onnx(net, card, exported)
    assert parity.pictures == 6
    assert parity.probabilities < 0.02
    assert parity.answers > 0.99
    page = bars_page([(20, 20, 120, 17), (30, 60, 90, 17)], 200, 100)
    with torch.inference_mode():
        expected = net(torch.from_numpy(card.page_preprocess.padded(page)))[0].numpy()
    maps = OpenVinoPageNet(read_onnx(exported), threads=1, precision="f32")(page)
    assert np.abs(expected - maps).max() < 0.2
    pieces = LineDetector(exported, threads=1, precision="f32").find(page)
    assert sorted(round(float(piece.corners[:, 1].mean()) / 10) for piece in pieces) == [3, 7]


@pytest.mark.usefixtures("cut_here")
def test_a_training_that_was_stopped_goes_on_to_the_same_numbers(
    receipts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings(receipts)
    whole = train_detector(settings, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1, 2)
        stopped = train_detector(settings, tmp_path / "parts")
    assert not stopped.fitted.finished
    assert (tmp_path / "parts" / "checkpoint.safetensors").is_file()
    with pytest.raises(UsageError, match="holds a training already"):
        train_detector(settings, tmp_path / "parts")
    with pytest.raises(UsageError, match="other settings"):
        train_detector(msgspec.structs.replace(settings, window=96), tmp_path / "parts", resume=True)
    # How many processes draw is free.
    resumed = train_detector(msgspec.structs.replace(settings, drawing=2), tmp_path / "parts", resume=True)
    assert resumed.fitted.finished
    for name, tensor in whole.fitted.weights.items():
        assert torch.equal(tensor, resumed.fitted.weights[name]), name
    assert log_of(tmp_path / "whole") == log_of(tmp_path / "parts")
    assert validation_of(tmp_path / "whole") == validation_of(tmp_path / "parts")


@pytest.mark.usefixtures("cut_here")
def test_weights_are_a_start_and_drawn_pages_join_the_receipts(
    receipts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"family{number}" for number in range(40)]
    family(tmp_path / "fonts", next(name for name in names if not is_held_back(name)))
    family(tmp_path / "fonts", next(name for name in names if is_held_back(name)))
    texts = tmp_path / "texts" / "en.txt"
    texts.parent.mkdir()
    texts.write_text("\n".join(f"The line with number {number} is a sentence." for number in range(60)))
    monkeypatch.setattr("typecase.training.page_blocks.VALIDATION_DRAWN", 1)
    settings = tiny_settings(receipts, loop={"epochs": 1})
    drawn = PageDataSettings(path=tmp_path / "fonts", texts=texts.parent, layouts={"ticket": 1.0}, weight=0.2)
    first = train_detector(
        msgspec.structs.replace(settings, data={**settings.data, "drawn": drawn}), tmp_path / "first"
    )
    _, card = load_model(first.model)
    assert {one["name"]: one.get("pages") for one in card.data} == {"receipts": 10, "drawn": None}
    assert {row["source"] for row in validation_of(tmp_path / "first")} == {"receipts", "drawn"}
    assert str(tmp_path) not in card.to_json()
    more = msgspec.structs.replace(settings, start_from=first.model)
    begun: list[Tensor] = []

    def fit(net: torch.nn.Module, *_: Any, **__: Any) -> Any:
        begun.append(next(iter(net.state_dict().values())).clone())
        raise DataError("enough")

    monkeypatch.setattr(module, "fit", fit)
    with pytest.raises(DataError, match="enough"):
        train_detector(more, tmp_path / "second")
    start, _ = read_tensors(first.model)
    assert torch.equal(begun[0], next(start[name] for name in load_model(first.model)[0].state_dict()).float())


def test_the_pages_that_validate_are_those_kept_back(receipts: Path) -> None:
    pages = list(validation_pages(tiny_settings(receipts, source={"kind": "sroie"})))
    assert [(name, page.name) for name, page in pages] == [("receipts", "001"), ("receipts", "012")]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"data": {}}, UsageError, "nothing to train on"),
        ({"loop": {"batch_size": 9}}, UsageError, "batch size must divide 48"),
        ({"loop": {"devices": 2}}, UsageError, "trained by one process"),
        ({"network": NetworkSettings(name="linenet")}, UsageError, "'linenet' is no detector; choose pagenet"),
        ({"network": NetworkSettings(name="pagenet", options={"widths": [8]})}, UsageError, "must be four whole"),
        ({"source": {"path": Path("nowhere")}}, DataError, "does not exist"),
        ({"source": {"kind": "sroie", "path": Path("nowhere")}}, DataError, "nowhere"),
        ({"start_from": Path("nowhere.safetensors")}, ModelError, "nowhere.safetensors"),
    ],
)
@pytest.mark.usefixtures("cut_here")
def test_what_cannot_be_trained_is_said_in_a_sentence(
    receipts: Path, tmp_path: Path, change: dict[str, Any], error: type[TypecaseError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        train_detector(tiny_settings(receipts, **change), tmp_path / "run")
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_too_few_receipts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few receipts"):
        train_detector(tiny_settings(write_receipts(tmp_path / "one", count=1)), tmp_path / "run")


def test_there_is_nothing_to_resume(receipts: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="resume"):
        train_detector(tiny_settings(receipts), tmp_path / "run", resume=True)


def test_forms_that_only_measure_are_never_trained_on(tmp_path: Path) -> None:
    for name in ("annotations", "images"):
        (tmp_path / "forms" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match="not trained on"):
        train_detector(tiny_settings(tmp_path / "forms"), tmp_path / "run")


def answer(targets: Tensor, sure: float = 12.0) -> Tensor:
    """What a perfect net would say."""
    outputs = targets[:, :7].clone()
    for channels in (CORES, slice(ACROSS, ACROSS + 1)):
        outputs[:, channels] = (targets[:, channels] > 0).float() * 2 * sure - sure
    return outputs


def some_targets() -> Tensor:
    targets = torch.zeros(2, TARGETS, 8, 8)
    targets[:, CORES, 2:4, 1:7] = 1.0
    targets[:, UP : DOWN + 1, 1:5, 1:7] = torch.tensor([0.5, -0.5]).view(2, 1, 1)
    targets[:, VALID, 1:5, 1:7] = 1.0
    return targets


def test_the_loss_is_least_for_a_perfect_answer_and_grows_with_each_fault() -> None:
    targets = some_targets()
    perfect = answer(targets)
    least = float(page_loss(perfect, targets))
    assert 0 <= least < 0.01
    for channel, change in ((0, -24.0), (UP, 0.3), (DOWN, -0.3), (ACROSS, 24.0)):
        wrong = perfect.clone()
        wrong[:, channel, 3, 3] += change
        assert float(page_loss(wrong, targets)) > least + 1e-3


def test_what_nobody_can_read_and_distances_on_paper_are_left_out_of_the_loss() -> None:
    targets = some_targets()
    targets[:, CORES, 6:] = IGNORED
    outputs = answer(targets)
    least = float(page_loss(outputs, targets))
    outputs[:, CORES, 6:] = torch.randn(2, 4, 2, 8) * 9
    outputs[:, UP : DOWN + 1, 6:] = 7.0
    assert float(page_loss(outputs, targets)) == pytest.approx(least, abs=1e-6)
    outputs.requires_grad_()
    page_loss(outputs, targets).backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert float(outputs.grad[:, :, 6:].abs().max()) == 0.0


def test_a_window_is_right_where_cores_overlap(receipts: Path) -> None:
    settings = tiny_settings(receipts)
    with PageBlocks(settings, processes=0) as blocks:
        task = PageTask(settings, blocks)
        targets = some_targets()
        outputs = answer(targets)
        assert task.correct(outputs, targets) == 2
        outputs[1, CORES] = -5.0
        assert task.correct(outputs, targets) == 1


def test_another_models_weights_are_no_start(receipts: Path, tmp_path: Path) -> None:
    line_net = nets.build("linenet", classes=1, channels=1, size=32, options={"widths": [8, 8, 8], "features": 32})
    from typecase.preprocess import LinePreprocess

    card = ModelCard(network_name="linenet", classes=ClassSet.of("a"), preprocess=LinePreprocess(), task="recognizer")
    save_model(line_net.state_dict(), card, tmp_path / "lines.safetensors")
    with pytest.raises(ModelError, match="do not fit this network"):
        train_detector(tiny_settings(receipts, start_from=tmp_path / "lines.safetensors"), tmp_path / "run")


def test_the_command_lists_its_settings(run_typecase: RunTypecase) -> None:
    done = run_typecase("train", "detector", "--settings")
    assert done.returncode == ExitCode.OK, done.stderr
    for name in ("window", "epoch-windows", "augmentation.heights", "augmentation.quarter-turn", "loop.batch-size"):
        assert name in done.stdout


def test_the_command_trains_and_exports(run_typecase: RunTypecase, receipts: Path, tmp_path: Path) -> None:
    options = [f"network.options.{key}={value}" for key, value in TINY.items()]
    assignments = [part for one in ("window=64", "epoch-windows=16", *options) for part in ("--set", one)]
    common = ["--epochs", "1", "--threads", "1", "--drawing", "1", "--precision", "float32", "--accelerator", "cpu"]
    done = run_typecase(
        "train",
        "detector",
        "--data",
        f"sroie:{receipts}",
        "--out",
        tmp_path / "run",
        *common,
        *assignments,
        timeout=600,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.strip() == str(tmp_path / "run" / "model.safetensors")
    assert "10 pages" in done.stderr
    exported = run_typecase("export", tmp_path / "run" / "model.safetensors", "--out", tmp_path / "mine.onnx")
    assert exported.returncode == ExitCode.OK, exported.stderr
    assert "Checked on 6 pictures" in exported.stderr
    assert read_onnx(tmp_path / "mine.onnx").card.task == DETECTOR
