"""Training a classifier from end to end: a tiny net on small pictures learns, stops, goes on, and refuses."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor
from typer.testing import CliRunner

from conftest import REPOSITORY, RunTypecase
from training_fixtures import NAMES, SIZE, TINY, tiny_settings, write_classes
from typecase import config
from typecase.cli.data_arguments import data_overrides
from typecase.cli.train import app
from typecase.errors import DataError, ExitCode, UsageError
from typecase.modelfile import load_model, read_tensors
from typecase.training import classifier, loop
from typecase.training.classifier import CharacterTask, TrainedClassifier, train_classifier
from typecase.training.evaluate_classifier import (
    EvaluateClassifierSettings,
    EvaluationDataSettings,
    evaluate_classifier,
)
from typecase.training.settings import (
    AugmentationSettings,
    DataSettings,
    LossSettings,
    OptimizerSettings,
    ScheduleSettings,
    SplitSettings,
    TrainClassifierSettings,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedClassifier:
    """One uninterrupted training that several tests look at."""
    return train_classifier(tiny_settings(data, loop={"epochs": 8}), tmp_path_factory.mktemp("runs") / "bars")


def log_of(folder: Path) -> list[dict[str, str]]:
    """The log without the one column that differs from run to run."""
    with (folder / "log.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def weights_of(folder: Path) -> dict[str, Tensor]:
    return read_tensors(folder / "model.safetensors")[0]


def same_outcome(first: Path, second: Path) -> bool:
    ours, theirs = weights_of(first), weights_of(second)
    assert ours.keys() == theirs.keys()
    return log_of(first) == log_of(second) and all(torch.equal(ours[name], theirs[name]) for name in ours)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
    """Lets Ctrl-C come while a batch is being made."""
    batch = CharacterTask.batch

    def interrupted(self: CharacterTask, *place: int) -> tuple[Tensor, Tensor]:
        if place[:2] == (epoch, step):
            # To this thread, and to no other library's.
            signal.raise_signal(signal.SIGINT)
        return batch(self, *place)

    monkeypatch.setattr(CharacterTask, "batch", interrupted)


def test_it_learns(trained: TrainedClassifier) -> None:
    assert trained.fitted.finished
    accuracies = [float(row["accuracy"]) for row in log_of(trained.folder) if row["split"] == "validation"]
    assert len(accuracies) == 8
    assert max(accuracies) > 0.6
    assert accuracies[trained.fitted.best_epoch - 1] == max(accuracies)


def test_the_folder_tells_everything(trained: TrainedClassifier, data: Path) -> None:
    names = {path.name for path in trained.folder.iterdir()}
    files = {"model.safetensors", "checkpoint.safetensors", "config.yaml", "splits.json", "log.csv", "curves.png"}
    assert names == files | {"tensorboard"}
    rows = log_of(trained.folder)
    assert list(rows[0]) == ["epoch", "split", "loss", "accuracy", "learning_rate"]
    assert [(row["epoch"], row["split"]) for row in rows[:3]] == [
        ("1", "train"),
        ("1", "validation"),
        ("2", "train"),
    ] or len(rows) == 16
    with Image.open(trained.folder / "curves.png") as curves:
        assert curves.format == "PNG"
        assert curves.width > 500
    assert config.load(TrainClassifierSettings, trained.folder / "config.yaml") == tiny_settings(
        data, loop={"epochs": 8}
    )
    record = json.loads((trained.folder / "splits.json").read_text())["bars"]
    assert (record["method"], record["seed"], record["counts"]) == (
        "random",
        42,
        {"train": 56, "validation": 12, "test": 12},
    )


def test_the_card_says_what_was_trained_on_what(trained: TrainedClassifier) -> None:
    _, card = load_model(trained.model)
    assert sorted(card.classes.names) == sorted(NAMES)
    assert card.network_options == TINY
    assert card.character_preprocess.size == SIZE
    assert card.data[0]["pictures"] == 56
    assert card.data[0]["split"]["counts"]["test"] == 12
    assert card.training["loop"]["epochs"] == 8
    assert card.figures["validation-pictures"] == 12
    assert card.figures["epoch"] == trained.fitted.best_epoch
    assert 0.05 < card.temperature < 20
    best = max(float(row["accuracy"]) for row in log_of(trained.folder) if row["split"] == "validation")
    assert card.figures["validation-accuracy"] == pytest.approx(best, abs=1e-4)


def test_tensorboard_shows_the_log(trained: TrainedClassifier) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(trained.folder / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        "loss/train",
        "loss/validation",
        "accuracy/train",
        "accuracy/validation",
        "learning-rate",
    }
    logged = [float(row["loss"]) for row in log_of(trained.folder) if row["split"] == "validation"]
    assert [event.value for event in events.Scalars("loss/validation")] == pytest.approx(logged)
    assert [event.step for event in events.Scalars("loss/validation")] == list(range(1, 9))


def test_a_run_stopped_in_an_epoch_goes_on_to_the_same_numbers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings(data)
    train_classifier(settings, tmp_path / "whole")
    for epoch, step in ((0, 2), (1, 3), (2, 6)):
        with monkeypatch.context() as patch:
            interrupt_at(patch, epoch, step)
            stopped = train_classifier(settings, tmp_path / "parts", resume=epoch > 0)
        assert not stopped.fitted.finished
        assert stopped.fitted.best_epoch <= epoch
        # What it leaves can be used at once, also before the first epoch ended.
        _, card = load_model(stopped.model)
        assert np.isfinite(card.temperature)
        assert card.figures["epoch"] == stopped.fitted.best_epoch
    finished = train_classifier(settings, tmp_path / "parts", resume=True)
    assert finished.fitted.finished
    assert same_outcome(tmp_path / "whole", tmp_path / "parts")


def test_resuming_a_finished_training_does_nothing(
    run_typecase: RunTypecase, trained: TrainedClassifier, data: Path
) -> None:
    before = weights_of(trained.folder), log_of(trained.folder)
    done = run_typecase("train", "classifier", "--out", trained.folder, "--resume")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "there is nothing left to do" in done.stderr
    assert done.stdout.strip() == str(trained.model)
    assert log_of(trained.folder) == before[1]
    assert all(torch.equal(tensor, weights_of(trained.folder)[name]) for name, tensor in before[0].items())


def test_other_settings_are_refused_and_change_nothing(trained: TrainedClassifier, data: Path) -> None:
    before = (trained.folder / "config.yaml").read_bytes()
    for other in (
        tiny_settings(data, loop={"epochs": 9}),
        tiny_settings(data, loop={"epochs": 8}, loss=LossSettings(label_smoothing=0.3)),
        tiny_settings(data, source={"repeat": 2.0}, loop={"epochs": 8}),
    ):
        with pytest.raises(UsageError, match="ran with other settings or data"):
            train_classifier(other, trained.folder, resume=True)
    assert (trained.folder / "config.yaml").read_bytes() == before


def test_other_data_are_refused(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "data")
    train_classifier(tiny_settings(folder, loop={"epochs": 1}), tmp_path / "out")
    Image.new("L", (SIZE, SIZE), 7).save(folder / NAMES[0] / "another.png")
    with pytest.raises(UsageError, match="ran with other settings or data"):
        train_classifier(tiny_settings(folder, loop={"epochs": 1}), tmp_path / "out", resume=True)


def test_nothing_is_overwritten_and_nothing_resumed_from_nothing(
    trained: TrainedClassifier, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="holds a training already"):
        train_classifier(tiny_settings(data), trained.folder)
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "checkpoint.safetensors").write_bytes((trained.folder / "checkpoint.safetensors").read_bytes())
    with pytest.raises(UsageError, match="holds a training already"):
        train_classifier(tiny_settings(data), killed)
    with pytest.raises(UsageError, match="no training to resume"):
        train_classifier(tiny_settings(data), tmp_path / "new", resume=True)


def test_it_stops_when_nothing_gets_better(data: Path, tmp_path: Path) -> None:
    # So small a step that after the first epoch nothing changes.
    still = OptimizerSettings(learning_rate=1e-12)
    for keep in ("best", "last"):
        settings = tiny_settings(data, optimizer=still, loop={"epochs": 30, "patience": 2, "keep": keep})
        fitted = train_classifier(settings, tmp_path / keep).fitted
        epochs = len(fitted.history) // 2
        assert fitted.finished
        assert 3 <= epochs < 30
        assert fitted.best_epoch == (epochs if keep == "last" else epochs - 2)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_every_optimiser_learns_with_every_schedule(data: Path, tmp_path: Path, optimizer: str, schedule: str) -> None:
    settings = tiny_settings(
        data,
        optimizer=config.load(OptimizerSettings, None, {"name": optimizer, "learning-rate": 0.02}),
        schedule=config.load(ScheduleSettings, None, {"name": schedule}),
        loop={"epochs": 4},
    )
    history = train_classifier(settings, tmp_path).fitted.history
    losses = [record.loss for record in history if record.split == "train"]
    assert losses[-1] < losses[0]
    rates = [record.learning_rate for record in history if record.split == "train"]
    assert (rates == [0.02] * 4) == (schedule == "constant")


def test_class_weights_hear_a_rare_class(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "data", each=30)
    for path in sorted((folder / NAMES[0]).iterdir())[4:]:
        path.unlink()
    settings = tiny_settings(folder, loss=LossSettings(class_weights="balanced"))
    task = task_of(settings)
    weights = task._class_weights
    assert weights is not None
    counts = torch.bincount(task.targets, minlength=4)
    assert torch.allclose(weights * counts, (weights * counts)[0].expand(4))
    assert train_classifier(settings, tmp_path / "out").fitted.finished


def task_of(settings: TrainClassifierSettings) -> CharacterTask:
    sources, classes = classifier._opened(settings, settings.preprocess.to_preprocess(), None)
    return CharacterTask(sources, classes, settings)


def test_an_epoch_shows_each_source_by_its_own_measure(data: Path, tmp_path: Path) -> None:
    other = write_classes(tmp_path / "other", each=40, seed=1)
    settings = tiny_settings(data)
    sources = {"a": DataSettings(path=data, repeat=0.25), "b": DataSettings(path=other, repeat=2.5)}
    task = task_of(TrainClassifierSettings(data=sources, preprocess=settings.preprocess, loop=settings.loop))
    order = task.order(3)
    shown = torch.bincount(order, minlength=168)
    assert task.epoch_size == len(order) == 14 + 280
    assert int(shown[:56].max()) == 1
    assert int(shown[:56].sum()) == 14
    assert sorted(set(shown[56:].tolist())) == [2, 3]
    assert int((shown[56:] == 3).sum()) == 56
    assert torch.equal(task.order(3), order)
    assert not torch.equal(task.order(4), order)
    assert torch.equal(task.order(3), order)


def test_a_batch_is_a_function_of_its_place(data: Path) -> None:
    first, second = task_of(tiny_settings(data)), task_of(tiny_settings(data))
    second.batch(1, 0, 0, 1)
    for ours, theirs in zip(first.batch(0, 1, 0, 1), second.batch(0, 1, 0, 1), strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(first.batch(0, 1, 0, 1)[0], first.batch(0, 2, 0, 1)[0])


def test_processes_get_equally_many_pictures_and_none_twice(data: Path) -> None:
    settings = tiny_settings(data, loop={"batch_size": 15, "devices": 3})
    task = task_of(settings)
    assert [task.steps, task.epoch_size] == [4, 56]
    none = AugmentationSettings(rotation=0, shear=0, scale=0, shift=0, warp=0, blur=0, noise=0, contrast=0, inversion=0)
    task = task_of(tiny_settings(data, augmentation=none, loop={"batch_size": 15, "devices": 3}))
    parts = [task.batch(0, 3, rank, 3)[0] for rank in range(3)]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert len(torch.unique(torch.cat(parts).flatten(1), dim=0)) == 9


@pytest.mark.parametrize(("augmentation", "changed"), [("settings", True), ("light", True), ("none", False)])
def test_a_source_is_varied_as_it_asks(data: Path, augmentation: str, changed: bool) -> None:
    task = task_of(tiny_settings(data, source={"augmentation": augmentation}))
    size = task.settings.loop.batch_size
    plain = task.preprocess.normalise(task.pictures[task.order(0)[:size]].numpy())
    assert torch.allclose(task.batch(0, 0, 0, 1)[0], torch.from_numpy(plain)) != changed


def test_validation_in_parts_is_validation(data: Path) -> None:
    task = task_of(tiny_settings(data))
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIZE * SIZE, 4)).eval()
    with torch.inference_mode():
        whole = task.validate(module, 0, 1)
        parts = [task.validate(module, rank, 13) for rank in range(13)]
    assert [part.count for part in parts] == [1] * 12 + [0]
    assert sum(part.correct for part in parts) == whole.correct
    assert sum(part.loss for part in parts) == pytest.approx(whole.loss, rel=1e-5)


def test_classes_of_a_single_picture_train_without_validation(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "data", each=1)
    trained = train_classifier(tiny_settings(folder, loop={"patience": 1}), tmp_path / "out")
    assert [record.split for record in trained.fitted.history] == ["train"] * 3
    assert trained.fitted.best_epoch == 3
    _, card = load_model(trained.model)
    assert card.temperature == 1
    assert "validation-accuracy" not in card.figures
    assert (tmp_path / "out" / "curves.png").exists()


def test_too_few_pictures_and_too_small_a_batch_are_refused(data: Path, tmp_path: Path) -> None:
    one = write_classes(tmp_path / "one", each=1, names=NAMES[:1])
    with pytest.raises(DataError, match=r"too little to train on: .* are 1,"):
        train_classifier(tiny_settings(one), tmp_path / "out")
    with pytest.raises(UsageError, match="give --batch-size 2 or more"):
        train_classifier(tiny_settings(data, loop={"batch_size": 1}), tmp_path / "out")
    with pytest.raises(UsageError, match="nothing to train on"):
        train_classifier(TrainClassifierSettings(), tmp_path / "out")
    all_held_back = tiny_settings(data, split=SplitSettings(fractions=(0.0, 0.5, 0.5)))
    with pytest.raises(DataError, match="training part is empty"):
        train_classifier(all_held_back, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loss_beyond_numbers_ends_the_training(data: Path, tmp_path: Path) -> None:
    wild = OptimizerSettings(name="sgd", learning_rate=1e30, gradient_clip=0.0)
    settings = tiny_settings(data, optimizer=wild, loop={"average_decay": 0.0}, schedule=ScheduleSettings(warm_up=0))
    with pytest.raises(UsageError, match=r"no longer a finite number \(epoch 1, step \d\); .*--learning-rate"):
        train_classifier(settings, tmp_path)
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert not (tmp_path / "model.safetensors").exists()


def test_an_unreadable_picture_is_named_and_counted(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "data")
    (folder / NAMES[1] / "broken.png").write_bytes(b"no picture")
    console = Console(record=True, file=open(os.devnull, "w"), width=200)  # noqa: SIM115
    with pytest.raises(DataError, match=r"broken\.png"):
        train_classifier(tiny_settings(folder, max_bad=0.01), tmp_path / "out")
    train_classifier(tiny_settings(folder, max_bad=0.02), tmp_path / "out", console=console)
    console.file.close()
    said = console.export_text()
    assert re.search(r"Skipped falling/broken.png: |Skipped lying/broken.png: ", said)
    assert "Pictures of bars that cannot be read and are left out: 1." in said
    assert "epoch 3/3" in said


def test_fine_tuning_starts_from_what_was_learnt(trained: TrainedClassifier, tmp_path: Path) -> None:
    runes = write_classes(tmp_path / "runes", names=("ᚠ", "ᚢ", "ᚦ"), seed=5)
    start = tiny_settings(runes, start_from=trained.model, optimizer=OptimizerSettings(learning_rate=1e-12))
    tuned = train_classifier(start, tmp_path / "out")
    _, card = load_model(tuned.model)
    assert card.classes.names == ("ᚠ", "ᚢ", "ᚦ")
    before, after = weights_of(trained.folder), weights_of(tuned.folder)
    assert after["classifier.weight"].shape[0] == 3
    assert torch.allclose(before["features.1.0.weight"], after["features.1.0.weight"])


def test_a_model_is_measured_on_the_test_part_of_its_own_settings(data: Path, tmp_path: Path) -> None:
    # What makes pictures duplicates is both an option of the data and a part of the recorded split.
    settings = tiny_settings(data, source={"options": {"duplicates": "files"}}, loop={"epochs": 1})
    model = train_classifier(settings, tmp_path).model
    found = evaluate_classifier(
        EvaluateClassifierSettings(model=model, data={"bars": EvaluationDataSettings(path=data)}, threads=1)
    )
    assert found.evaluation.count == 12
    assert found.provenance.notes == []
    assert found.provenance.data[0]["split"] == json.loads((tmp_path / "splits.json").read_text())["bars"]


def test_more_devices_than_there_are_is_refused(data: Path, tmp_path: Path) -> None:
    for accelerator in ("cuda", "mps"):
        settings = tiny_settings(data, loop={"accelerator": accelerator, "devices": 99})
        with pytest.raises(UsageError, match="PyTorch finds"):
            train_classifier(settings, tmp_path)


# The command, in processes of its own.

SETTINGS = [
    *("--precision", "float32", "--accelerator", "cpu", "--threads", "1", "--learning-rate", "0.02"),
    *("--set", f"preprocess.size={SIZE}", "--set", "network.options.widths=[4, 8, 8]"),
    *("--set", "network.options.depths=[0, 0, 1]", "--batch-size", "8", "--epochs", "3"),
]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """A script that is the command without the network: Lightning starts its other processes from the file."""
    script = tmp_path_factory.mktemp("bin") / "typecase"
    script.write_text(
        "import network_guard\nnetwork_guard.fail_at_exit()\nfrom typecase.cli.main import main\nmain()\n"
    )

    def build(*arguments: object) -> list[str]:
        return [sys.executable, str(script), "train", "classifier", *map(str, arguments)]

    return build


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    places = os.pathsep.join(str(REPOSITORY / name) for name in ("src", "tests"))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": places, "NO_COLOR": "1", "COLUMNS": "200"}


def test_ctrl_c_and_resume_on_the_command_line(
    command: Callable[..., list[str]], environment: dict[str, str], data: Path, tmp_path: Path
) -> None:
    longer = [*SETTINGS, "--data", f"bars=folder:{data}", "--set", "data.bars.repeat=15"]
    out = tmp_path / "parts"
    process = subprocess.Popen(
        command(*longer, "--out", out), env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("epoch 1/3"):
            process.send_signal(signal.SIGINT)
            break
    said += process.communicate()[1]
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert f"typecase train classifier --out {out} --resume" in said
    assert "Traceback" not in said
    assert len(log_of(out)) in (2, 4)

    done = subprocess.run(
        command("--out", out, "--resume"), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.strip() == str(out / "model.safetensors")
    whole = config.load(TrainClassifierSettings, out / "config.yaml")
    train_classifier(whole, tmp_path / "whole")
    assert same_outcome(out, tmp_path / "whole")


def test_two_processes_make_one_model(
    command: Callable[..., list[str]], environment: dict[str, str], data: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        command(*SETTINGS, "--data", f"bars={data}", "--devices", "2", "--out", tmp_path / "two"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stderr.startswith("Training on cpu x 2 in float32, threads each: 1.\n4 classes, 56 pictures an epoch")
    # Only the first process speaks.
    assert done.stdout.strip() == str(tmp_path / "two" / "model.safetensors")
    assert done.stderr.count("epoch 3/3") == 1
    rows = log_of(tmp_path / "two")
    assert [row["epoch"] for row in rows] == ["1", "1", "2", "2", "3", "3"]
    module, card = load_model(tmp_path / "two" / "model.safetensors")
    assert card.figures["validation-pictures"] == 12
    # What both processes validated by halves is what the saved weights give: they are the first's, and the only ones.
    task = task_of(config.load(TrainClassifierSettings, tmp_path / "two" / "config.yaml"))
    with torch.inference_mode():
        score = task.validate(module, 0, 1)
    best = [row for row in rows if row["split"] == "validation"][card.figures["epoch"] - 1]
    assert score.mean_loss == pytest.approx(float(best["loss"]), rel=1e-4)


def test_a_mistake_is_said_once_before_other_processes_start(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        command(*SETTINGS, "--data", tmp_path / "nowhere", "--devices", "2", "--out", tmp_path / "out"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.DATA
    assert done.stderr.count("Error: ") == 1
    assert "nowhere does not exist" in done.stderr


def run_here(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["classifier", *map(str, arguments)])


def test_settings_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    done = run_here("--settings")
    assert done.exit_code == 0
    assert re.search(r"data\.NAME\.path +a path +required", done.stdout)
    assert re.search(r"loop\.epochs +a whole number \(at least 1\) +20", done.stdout)


def test_mistakes_of_the_command_line(tmp_path: Path, data: Path) -> None:
    def refused(sentence: str, *arguments: object) -> None:
        done = run_here("--out", tmp_path / "out", *arguments)
        assert isinstance(done.exception, UsageError), done.output
        assert re.search(sentence, str(done.exception))

    refused("no training to resume", "--resume")
    refused("either --recipe or --config", "--recipe", "replica", "--config", "x.yaml")
    refused("no recipe 'cake'", "--recipe", "cake")
    refused("did you mean 'loop.epochs'", "--data", data, "--set", "loop.epoch=3")
    refused("'loop.epochs' .*at least 1", "--data", data, "--epochs", 0)
    refused(
        "did you mean 'folder'|no kind of data", "--data", data, "--set", "data.x.kind=foldr", "--set", "data.x.path=x"
    )
    refused("has no option 'colour'", "--data", f"folder:{data}", "--set", f"data.{data.name}.options.colour=1")
    refused("has no option 'width'", "--data", data, "--set", "network.options.width=[1]")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "kind", "found"),
    [
        (["EnglishFnt.tgz"], None, {"EnglishFnt": ("EnglishFnt.tgz", None)}),
        (["a/b/letters/"], None, {"letters": ("a/b/letters", None)}),
        (["fnt:some/where.tgz"], None, {"where": ("some/where.tgz", "fnt")}),
        (["print=fnt:x.tgz"], None, {"print": ("x.tgz", "fnt")}),
        (["my-own_1=x.tgz", "y.tgz"], None, {"my-own_1": ("x.tgz", None), "y": ("y.tgz", None)}),
        (["drawn:fonts"], None, {"fonts": ("fonts", "drawn")}),
        (["auto:x"], None, {"x": ("x", None)}),
        (["odd/a=b"], None, {"a=b": ("odd/a=b", None)}),
        (["img:odd/a=b"], None, {"a=b": ("odd/a=b", "img")}),
        (["C:/data"], None, {"data": ("C:/data", None)}),
        (["."], None, {"data": (".", None)}),
        (["x", "hnd:y"], "img", {"x": ("x", "img"), "y": ("y", "hnd")}),
    ],
)
def test_what_data_takes(arguments: list[str], kind: str | None, found: dict[str, tuple[str, str | None]]) -> None:
    expected: dict[str, object] = {}
    for name, (path, own) in found.items():
        expected |= {f"data.{name}.path": Path(path), f"data.{name}.kind": own}
    assert data_overrides(arguments, kind) == expected


def test_two_sources_of_a_name_are_refused() -> None:
    with pytest.raises(UsageError, match="Two sources of data are called 'x'"):
        data_overrides(["a/x.tgz", "fnt:b/x"])


def test_data_are_found_below_the_root(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[TrainClassifierSettings] = []

    def stop(settings: TrainClassifierSettings, *_: Any, **__: Any) -> None:
        seen.append(settings)
        raise UsageError("enough")

    monkeypatch.setattr(classifier, "train_classifier", stop)
    monkeypatch.chdir(tmp_path)
    run_here("--data", f"bars={data.name}", "--data-root", data.parent)
    assert seen[0].data["bars"].path == data


def test_random_numbers_of_neighbouring_steps_are_unrelated() -> None:
    seeds = {loop.mixed_seed(42, epoch, step, rank, 1) for epoch in range(9) for step in range(9) for rank in range(3)}
    assert len(seeds) == 9 * 9 * 3
    assert all(0 <= seed < 2**63 for seed in seeds)
