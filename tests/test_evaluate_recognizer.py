"""`typecase evaluate recognizer` from end to end: a tiny net that reads bars."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from conftest import RunTypecase
from line_fixtures import line_boxes, line_card, line_picture, write_line_model
from model_fixtures import write_model
from typecase import nets
from typecase.errors import DataError, ExitCode, ModelError, UsageError
from typecase.files import sha256_of
from typecase.modelcard import ModelCard
from typecase.modelfile import save_model
from typecase.training import export
from typecase.training.evaluate_recognizer import (
    EvaluatedRecognizer,
    EvaluateRecognizerSettings,
    LineEvaluationSettings,
    evaluate_recognizer,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_line_model(tmp_path_factory.mktemp("model") / "bars.onnx")


def write_lines(folder: Path, texts: dict[str, str]) -> Path:
    """A list of lines by what is drawn; each says something, which need not be the same."""
    folder.mkdir(parents=True)
    rows = []
    for number, (drawn, truth) in enumerate(texts.items()):
        line_picture(drawn).save(folder / f"{number}.png")
        boxes = zip(drawn.replace(" ", ""), line_boxes(drawn), strict=True)
        characters = [{"text": text, "box": list(box)} for text, box in boxes]
        rows.append({"image": f"{number}.png", "text": truth, "characters": characters})
    (folder / "labels.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder / "labels.jsonl"


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The net reads 0 as O; the third truth is wrong by itself.
    return write_lines(
        tmp_path_factory.mktemp("lines") / "bars", {"ABE BA": "ABE BA", "A0": "A0", "EB A": "EBA", "BEE": "BEE"}
    )


def measure(model: Path, path: Path, **settings: Any) -> EvaluatedRecognizer:
    data = LineEvaluationSettings(path=path, folded=settings.pop("folded", False))
    return evaluate_recognizer(EvaluateRecognizerSettings(model=model, data={"bars": data}, **settings))


def test_figures_of_what_is_read(model: Path, labels: Path) -> None:
    heard: list[int] = []
    data = {"bars": LineEvaluationSettings(path=labels)}
    settings = EvaluateRecognizerSettings(model=model, data=data, precision="f32")
    found = evaluate_recognizer(settings, progress=heard.append)
    evaluation = found.evaluation
    assert (evaluation.score.lines.correct, evaluation.score.lines.total) == (2, 4)
    assert {(one.truth, one.read) for one in evaluation.confusions} == {("0", "O"), ("", " ")}
    assert [one.truth for one in evaluation.worst] == ["A0", "EBA"]
    assert evaluation.box_iou is not None
    assert evaluation.box_iou > 0.6
    # All 13 characters that are drawn but the one that is misread.
    assert evaluation.boxes == 12
    assert evaluation.speed is not None
    assert heard == [4]
    assert found.title == "bars on bars"
    assert found.provenance.runtime.endswith("f32")
    assert found.provenance.data[0]["lines"] == 4
    assert found.provenance.notes == []


def test_report_table_and_settings(run_typecase: RunTypecase, model: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_typecase("evaluate", "recognizer", model, "--data", f"bars={labels}", "--out", out, "--worst", "1")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "bars on bars, 4 lines" in done.stdout
    assert "50.00 %" in done.stdout
    assert "0 → O 1" in done.stdout
    assert str(out / "report.html") in done.stderr
    assert {file.name for file in out.iterdir()} == {
        "config.yaml",
        "evaluation.json",
        "lengths.png",
        "reliability.png",
        "report.html",
        "worst.png",
    }
    values = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert len(values["worst"]) == 1
    assert values["provenance"]["command"].startswith("typecase evaluate recognizer")
    assert yaml.safe_load((out / "config.yaml").read_text())["worst"] == 1
    again = run_typecase("evaluate", "recognizer", model, "--config", out / "config.yaml", "--json", "-")
    assert again.returncode == ExitCode.OK, again.stderr
    changing = ("provenance", "seconds", "lines_per_second")
    assert {**json.loads(again.stdout), **dict.fromkeys(changing)} == {**values, **dict.fromkeys(changing)}


def test_case_can_be_left_out_of_account(model: Path, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "lines", {"ABE": "abe"})
    found = measure(model, path)
    assert found.evaluation.score.lines.correct == 0
    assert any("does not know some characters of the truths" in note for note in found.provenance.notes)
    assert measure(model, path, folded=True).evaluation.score.lines.correct == 1


def test_trained_weights_are_measured_as_their_export_is(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    options = {"widths": [4, 8, 16], "depths": [0, 0, 0], "features": 16, "layers": 1}
    card = line_card(network_name="linenet", network_options=options)
    module = nets.build("linenet", classes=len(card.classes), channels=1, size=32, options=options).eval()
    save_model(module.state_dict(), card, tmp_path / "model.safetensors")
    export_onnx = export.export_onnx

    def export_and_keep(module: nn.Module, card: ModelCard, path: Path, **how: Any) -> export.Parity:
        parity = export_onnx(module, card, path, **how)
        shutil.copy(path, tmp_path / "model.onnx")
        return parity

    monkeypatch.setattr(export, "export_onnx", export_and_keep)
    trained = measure(tmp_path / "model.safetensors", labels, precision="f32")
    exported = measure(tmp_path / "model.onnx", labels, precision="f32")
    figures = [found.evaluation.to_dict() | {"seconds": 0, "lines_per_second": 0} for found in (trained, exported)]
    assert figures[0] == figures[1]
    assert figures[0]["character_error_rate"]["errors"] > 0
    assert trained.provenance.model_sha256 == sha256_of(tmp_path / "model.safetensors")


def test_receipts_that_are_trained_on_are_told(model: Path, tmp_path: Path) -> None:
    for folder in ("img", "box"):
        (tmp_path / folder).mkdir()
    for number in ("007", "010"):
        picture = line_picture("ABE", zoom=2)
        picture.save(tmp_path / "img" / f"{number}.png")
        width, height = picture.size
        (tmp_path / "box" / f"{number}.csv").write_text(f"0,0,{width},0,{width},{height},0,{height},ABE\n")
    found = measure(model, tmp_path)
    assert found.evaluation.count == 1
    assert found.provenance.notes == []
    assert found.provenance.data[0]["part"] == "development"
    data = {"receipts": LineEvaluationSettings(path=tmp_path, part="all")}
    everything = evaluate_recognizer(EvaluateRecognizerSettings(model=model, data=data))
    assert everything.evaluation.count == 2
    assert "trained on" in everything.provenance.notes[0]


def test_unreadable_pictures(model: Path, labels: Path, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "lines", {"A": "A", "B": "B", "E": "E"})
    (path.parent / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 of 3 lines.*1\.png"):
        measure(model, path)
    found = measure(model, path, max_bad=0.5)
    assert found.evaluation.count == 2
    assert len(found.provenance.data[0]["skipped"]) == 1


def test_what_is_wrong_is_said(model: Path, labels: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to measure on"):
        evaluate_recognizer(EvaluateRecognizerSettings(model=model))
    with pytest.raises(DataError, match="does not exist"):
        measure(model, tmp_path / "none.jsonl")
    with pytest.raises(ModelError, match="not a recogni"):
        measure(write_model(tmp_path / "classifier.onnx"), labels)
    with pytest.raises(ModelError, match=r"none\.onnx"):
        measure(tmp_path / "none.onnx", labels)
