"""`typecase evaluate classifier` from end to end: a tiny model on small data, on both runtimes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from conftest import RunTypecase
from model_fixtures import CLASSES, SIZE, bar, card, write_model
from typecase import nets
from typecase.charset import ClassSet
from typecase.cli.evaluate import app
from typecase.datasets import open_dataset
from typecase.errors import ExitCode, TypecaseError, UsageError
from typecase.modelcard import ModelCard
from typecase.modelfile import save_model
from typecase.preprocess import CharacterPreprocess
from typecase.training.evaluate_classifier import (
    EvaluateClassifierSettings,
    Evaluated,
    EvaluationDataSettings,
    evaluate_classifier,
)
from typecase.training.evaluation import ClassifierEvaluation
from typecase.training.metrics import Proportion
from typecase.training.settings import SplitSettings

EACH = 20
FOLDERS = ("upright", "lying", "rising", "falling")
"""The classes by name, in the order of the tiny model's outputs; the data sets have them in the alphabet's."""


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class folder of the four bars, each picture with noise of its own."""
    folder = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for name, label in zip(FOLDERS, CLASSES, strict=True):
        (folder / name).mkdir()
        pixels = np.asarray(bar(label)).astype(int)
        for number in range(EACH):
            noisy = np.clip(pixels + random.integers(-40, 41, pixels.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / name / f"{number:02d}.png")
    return folder


def trained_on(path: Path, parts: Sequence[str] = ("train",), **division: Any) -> dict[str, Any]:
    """What the card of a model that was trained on these bars would say."""
    how = {"split_by": "random", "fractions": (0.5, 0.25, 0.25), "seed": 7} | division
    dataset = open_dataset("folder", path, split="train", preprocess=CharacterPreprocess(size=SIZE), **how)
    assert dataset.split_record is not None
    entry = {"name": "bars", "kind": "folder", "parts": list(parts), "split": dataset.split_record.to_dict()}
    return {
        "classes": ClassSet.of(FOLDERS),
        "data": (entry,),
        "training": {"data": {"bars": {"path": str(path)}}},
    }


@pytest.fixture
def model(bars: Path, tmp_path: Path) -> Path:
    return write_model(tmp_path / "bars.onnx", changes=trained_on(bars))


def measure(model: Path, path: Path, name: str = "bars", **settings: Any) -> Evaluated:
    return evaluate_classifier(
        EvaluateClassifierSettings(model=model, data={name: EvaluationDataSettings(path=path)}, **settings)
    )


def test_report_json_and_table(run_typecase: RunTypecase, model: Path, bars: Path, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "epoch,split,loss,accuracy,learning_rate,seconds\n1,train,1,0.5,0.1,2\n1,validation,1,0.5,0.1,2\n"
    )
    out = tmp_path / "out"
    done = run_typecase("evaluate", "classifier", model, "--data", f"bars={bars}", "--out", out)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "Top-1 accuracy" in done.stdout
    assert "100.00 %" in done.stdout
    assert "Note" not in done.stderr
    assert str(out / "report.html") in done.stderr
    found = {file.name for file in out.iterdir()}
    pictures = {"confusion.png", "curves.png", "recalls.png", "reliability.png"}
    assert found == {"config.yaml", "evaluation.json", "report.html"} | pictures
    text = (out / "evaluation.json").read_text(encoding="utf-8")
    evaluation = ClassifierEvaluation.from_json(text)
    assert evaluation.top1 == Proportion(20, 20)
    assert evaluation.temperature == 2.0
    origin = json.loads(text)["provenance"]
    assert origin["command"].startswith("typecase evaluate classifier")
    assert origin["data"][0]["split"]["seed"] == 7
    assert origin["data"][0]["split_taken_from"] == "the model's card"
    assert origin["runtime"].startswith("OpenVINO")
    assert yaml.safe_load((out / "config.yaml").read_text())["part"] == "test"


def test_saved_settings_measure_the_same_again(
    run_typecase: RunTypecase, model: Path, bars: Path, tmp_path: Path
) -> None:
    data = ("--data", f"bars={bars}")
    first = run_typecase(
        "evaluate", "classifier", model, *data, "--split-by", "random", "--seed", "3", "-o", tmp_path / "a"
    )
    again = run_typecase("evaluate", "classifier", model, "--config", tmp_path / "a" / "config.yaml", "--json", "-")
    assert first.returncode == again.returncode == ExitCode.OK, first.stderr + again.stderr
    values = json.loads(again.stdout)
    assert values["provenance"]["data"][0]["split"]["seed"] == 3
    old = json.loads((tmp_path / "a" / "evaluation.json").read_text())
    assert {**values, "provenance": None} == {**old, "provenance": None}


def test_json_goes_to_a_file_as_well(run_typecase: RunTypecase, model: Path, bars: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    done = run_typecase("evaluate", "classifier", model, "--data", f"bars={bars}", "--json", target)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "Top-1 accuracy" in done.stdout
    assert ClassifierEvaluation.from_json(target.read_text(encoding="utf-8")).count == 20


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.onnx", "--data", "BARS"], ExitCode.MODEL, "missing.onnx"),
        (["missing.safetensors", "--data", "BARS"], ExitCode.MODEL, "missing.safetensors"),
        (["MODEL"], ExitCode.USAGE, "nothing to measure on"),
        (["MODEL", "--data", "missing.tgz"], ExitCode.DATA, "missing.tgz"),
        (["MODEL", "--data", "BARS", "--seed", "1"], ExitCode.USAGE, "--split-by"),
        (["MODEL", "--kind", "folder"], ExitCode.USAGE, "give --data as well"),
        (["MODEL", "--data", "BARS", "--split", "tset"], ExitCode.USAGE, "one of all, test, train, validation"),
        (["MODEL", "--data", "BARS", "--set", "flop=never"], ExitCode.USAGE, "did you mean 'flip'"),
        (["MODEL", "--data", "BARS", "--kind", "flder"], ExitCode.USAGE, "'folder'"),
        (["MODEL", "--data", "BARS", "--split-by", "group"], ExitCode.USAGE, "split it at random"),
        (["MODEL", "--data", "BARS", "--set", "log=none.csv", "--out", "OUT"], ExitCode.INPUT, "none.csv"),
        (["MODEL", "--data", "BARS", "--out", "MODEL"], ExitCode.OUTPUT, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    model: Path, bars: Path, tmp_path: Path, arguments: list[str], code: ExitCode, words: str
) -> None:
    places = {"MODEL": str(model), "BARS": f"bars={bars}", "OUT": str(tmp_path / "out")}
    done = CliRunner().invoke(app, ["classifier", *(places.get(argument, argument) for argument in arguments)])
    assert isinstance(done.exception, TypecaseError)
    assert done.exception.exit_code == code
    assert words in str(done.exception)
    assert str(done.exception).endswith((".", "?"))
    assert done.stdout == ""


def test_an_error_reaches_the_user_as_one_line(run_typecase: RunTypecase, bars: Path) -> None:
    done = run_typecase("evaluate", "classifier", "missing.onnx", "--data", f"bars={bars}")
    assert done.returncode == ExitCode.MODEL
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_help_is_light(run_typecase: RunTypecase) -> None:
    done = run_typecase("evaluate", "classifier", "--help", blocked=["torch", "matplotlib", "jinja2", "numpy"])
    assert done.returncode == ExitCode.OK
    assert "--split-by" in done.stdout


def test_without_the_extra_it_says_what_to_install(run_typecase: RunTypecase, model: Path, bars: Path) -> None:
    done = run_typecase("evaluate", "classifier", model, "--data", f"bars={bars}", blocked=["jinja2"])
    assert done.returncode == ExitCode.MISSING_EXTRA
    assert "typecase[train]" in done.stderr


def test_the_recorded_split_is_kept_to(model: Path, bars: Path) -> None:
    found = measure(model, bars)
    assert found.provenance.notes == []
    assert found.evaluation.count == 20
    assert found.title == "bars on bars: test part"
    expected = open_dataset("folder", bars, split="test", fractions=(0.5, 0.25, 0.25), seed=7)
    assert expected.split_record is not None
    assert found.provenance.data[0]["sha256_of_names"] == expected.split_record.sha256["test"]


def test_measuring_what_was_trained_on_is_told(model: Path, bars: Path) -> None:
    (note,) = measure(model, bars, part="train").provenance.notes
    assert note.startswith("40 of the 40 pictures of bars were trained on")
    (note,) = measure(model, bars, part="all").provenance.notes
    assert note.startswith("40 of the 80 pictures")
    assert measure(model, bars, part="validation").provenance.notes == []


def test_another_split_mixes_and_says_how_much(model: Path, bars: Path) -> None:
    own = SplitSettings(fractions=(0.0, 0.0, 1.0), seed=1)
    (note,) = measure(model, bars, split=own).provenance.notes
    assert note.startswith("40 of the 80 pictures")


def test_a_model_trained_on_every_part_has_no_unseen_test(bars: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "all.onnx", changes=trained_on(bars, ("train", "validation", "test")))
    (note,) = measure(model, bars).provenance.notes
    assert note.startswith("20 of the 20 pictures")


def test_other_data_than_recorded_is_told(bars: Path, tmp_path: Path) -> None:
    changes = trained_on(bars)
    changes["data"][0]["split"]["sha256"]["train"] = "0" * 64
    model = write_model(tmp_path / "other.onnx", changes=changes)
    (note,) = measure(model, bars).provenance.notes
    assert "not those that the model's card records" in note


def test_a_card_without_a_split_is_told(bars: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "plain.onnx", changes={"classes": ClassSet.of(FOLDERS)})
    (note,) = measure(model, bars).provenance.notes
    assert "records no split of bars" in note
    assert "seed 42" in note
    assert measure(model, bars, part="all").provenance.notes == []


def test_of_several_recorded_splits_one_is_named(bars: Path, tmp_path: Path) -> None:
    changes = trained_on(bars)
    (entry,) = changes["data"]
    changes["data"] = (entry, {**entry, "name": "more"})
    model = write_model(tmp_path / "two.onnx", changes=changes)
    assert measure(model, bars, name="more").provenance.notes == []
    with pytest.raises(UsageError, match=r"several splits of such data \(bars, more\)"):
        measure(model, bars, name="third")


def test_groups_without_a_split_of_ones_own_are_refused(model: Path, bars: Path) -> None:
    data = {"bars": EvaluationDataSettings(path=bars, test_groups=("1",))}
    with pytest.raises(UsageError, match=r"split\.by=group"):
        evaluate_classifier(EvaluateClassifierSettings(model=model, data=data))


def test_several_sources_are_compared(model: Path, bars: Path) -> None:
    data = {name: EvaluationDataSettings(path=bars) for name in ("bars", "again")}
    found = evaluate_classifier(EvaluateClassifierSettings(model=model, data=data, part="all"))
    assert [source.name for source in found.evaluation.sources] == ["again", "bars"]
    assert found.evaluation.count == 160
    assert len(found.provenance.data) == 2


def test_mistakes_show_their_pictures(bars: Path, tmp_path: Path) -> None:
    # A model whose weights are nought takes everything for its first class.
    model = tmp_path / "blind.onnx"
    weights = np.zeros((SIZE * SIZE, len(CLASSES)), np.float32)
    write_model(model, weights=weights, changes=trained_on(bars))
    found = measure(model, bars)
    assert found.evaluation.top1 == Proportion(5, 20)
    assert len(found.evaluation.mistakes) == 15
    preprocess = CharacterPreprocess(size=SIZE)
    for mistake in found.evaluation.mistakes:
        assert mistake.picture is not None
        with Image.open(bars / mistake.name) as image:
            assert (mistake.picture == preprocess.canvas(image)).all()


def _linear(preprocess: CharacterPreprocess, changes: dict[str, Any], path: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(0)
    facts = {"network_name": "ocrnet", "preprocess": preprocess, "temperature": 1.5, **changes}
    description: ModelCard = card(**facts)
    module = nets.build(
        "ocrnet", classes=len(CLASSES), channels=preprocess.channels, size=preprocess.size, options={}
    ).eval()
    save_model(module.state_dict(), description, path)
    return path, module


def test_weights_of_pytorch_are_measured_as_they_answer(bars: Path, tmp_path: Path) -> None:
    preprocess = CharacterPreprocess(size=SIZE)
    path, module = _linear(preprocess, trained_on(bars), tmp_path / "model.safetensors")
    found = measure(path, bars, batch_size=7)
    assert found.provenance.runtime.startswith("PyTorch")
    data = open_dataset("folder", bars, split="test", fractions=(0.5, 0.25, 0.25), seed=7, preprocess=preprocess)
    with torch.inference_mode():
        logits = module(torch.from_numpy(preprocess.normalise(data.pictures))).numpy()
    classes = ClassSet.of(FOLDERS)
    targets = data.with_classes(classes).targets
    expected = ClassifierEvaluation.of(logits, targets, classes, data.names, temperature=1.5)
    assert found.evaluation.top1 == expected.top1
    assert found.evaluation.loss == pytest.approx(expected.loss, rel=1e-5)


def test_pictures_are_mirrored_where_the_training_did_so_in_testing(bars: Path, tmp_path: Path) -> None:
    changes = trained_on(bars)
    changes["training"]["augmentation"] = {"flip-in-testing": True, "flip-left-right": 1.0}
    model = write_model(tmp_path / "mirror.onnx", changes=changes)
    found = measure(model, bars)
    # Mirrored, a rising diagonal falls and a falling one rises; the other bars stay what they are.
    names = found.evaluation.classes.names
    confused = {(names[pair.truth], names[pair.predicted]) for pair in found.evaluation.pairs}
    assert confused == {("rising", "falling"), ("falling", "rising")}
    assert found.evaluation.top1 == Proportion(10, 20)
    assert "mirrored at random" in found.provenance.notes[0]
    plain = measure(model, bars, flip="never")
    assert plain.evaluation.top1 == Proportion(20, 20)
    assert plain.provenance.notes == []


def test_own_temperature_is_taken(model: Path, bars: Path) -> None:
    assert measure(model, bars, temperature=0.5).evaluation.temperature == 0.5


def test_pictures_that_cannot_be_read_are_named(model: Path, bars: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(bars, broken)
    (broken / "lying" / "00.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = measure(model, broken, part="all", max_bad=0.05)
    assert found.evaluation.count == 79
    (skipped,) = found.provenance.data[0]["skipped"]
    assert "lying/00.png" in skipped
    assert "not those that the model's card records" in found.provenance.notes[0]
