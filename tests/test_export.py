"""Trained weights into ONNX: the same answers, checked, and without PyTorch afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

from conftest import RunTypecase
from training_fixtures import NAMES, SIZE, TINY, as_trained, tiny_settings, write_classes
from typecase import nets
from typecase.charset import ClassSet
from typecase.errors import ExitCode, ModelError
from typecase.modelcard import ModelCard
from typecase.modelfile import load_model, save_model
from typecase.preprocess import CharacterPreprocess
from typecase.runtime.onnx_file import SHA256_KEY, read_onnx
from typecase.runtime.openvino import OpenVinoNet
from typecase.training.classifier import train_classifier
from typecase.training.export import export_onnx

CARD = ModelCard(
    network_name="charnet",
    network_options={**TINY, "widths": [8, 16, 32]},
    classes=ClassSet.of("abcde"),
    preprocess=CharacterPreprocess(size=SIZE),
    temperature=1.25,
)


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    built = nets.build("charnet", classes=5, channels=1, size=SIZE, options=CARD.network_options)
    return as_trained(built)


@pytest.mark.parametrize("half", [True, False])
def test_the_export_says_the_same(module: nn.Module, tmp_path: Path, half: bool) -> None:
    path = tmp_path / "model.onnx"
    parity = export_onnx(module, CARD, path, half=half)
    assert parity.pictures == 64
    assert parity.probabilities < (0.01 if half else 1e-4)
    exported = read_onnx(path)
    assert exported.card == CARD
    pictures = np.random.default_rng(1).normal(size=(7, 1, SIZE, SIZE)).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(pictures)).numpy()
    assert np.abs(OpenVinoNet(exported)(pictures) - expected).max() < (0.05 if half else 1e-3)
    graph = onnx.load(path)
    kinds = {weight.data_type for weight in graph.graph.initializer if np.prod(weight.dims) >= 64}
    assert kinds == {onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT}
    assert {entry.key for entry in graph.metadata_props} == {"typecase", SHA256_KEY}


def test_the_export_tells_nothing_of_the_machine(module: nn.Module, tmp_path: Path) -> None:
    export_onnx(module, CARD, tmp_path / "model.onnx")
    content = (tmp_path / "model.onnx").read_bytes()
    assert str(Path(nets.__file__).parent).encode() not in content
    assert b"stack_trace" not in content


def test_a_net_without_numbers_is_refused(module: nn.Module, tmp_path: Path) -> None:
    with torch.no_grad():
        next(iter(module.parameters())).fill_(float("nan"))
    with pytest.raises(ModelError, match="differ by nan"):
        export_onnx(module, CARD, tmp_path / "model.onnx", half=False)
    assert list(tmp_path.iterdir()) == []


def test_train_export_predict_without_pytorch(run_typecase: RunTypecase, tmp_path: Path) -> None:
    data = write_classes(tmp_path / "data", each=30)
    trained = train_classifier(tiny_settings(data, loop={"epochs": 10}), tmp_path / "run")
    exported = trained.folder / "model.onnx"
    done = run_typecase("export", trained.model)
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.strip() == str(exported)
    assert "same answer on 100.00%" in done.stderr

    again = run_typecase("export", trained.model, "--precision", "float32")
    assert again.returncode == ExitCode.OUTPUT
    assert "model.onnx is there already" in again.stderr

    pictures = [data / name / "000.png" for name in NAMES]
    blocked = ("torch", "safetensors", "onnx", "matplotlib", "lightning_fabric", "cv2")
    predicted = run_typecase("predict", "--model", exported, *pictures, "--json", blocked=blocked)
    assert predicted.returncode == ExitCode.OK, predicted.stderr
    module, card = load_model(trained.model)
    for answer, path in zip(answers(predicted.stdout), pictures, strict=True):
        with torch.inference_mode(), Image.open(path) as image:
            logits = module(torch.from_numpy(card.character_preprocess(image)[None]))[0] / card.temperature
        assert answer[0] == card.classes.names[int(logits.argmax())]
        assert answer[1] == pytest.approx(float(logits.softmax(0).max()), abs=0.02)


def answers(text: str) -> list[tuple[str, float]]:
    found = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]
    return [(one["class"], one["confidence"]) for one in found]


def test_a_file_is_replaced_only_when_asked(run_typecase: RunTypecase, module: nn.Module, tmp_path: Path) -> None:
    save_model(module.state_dict(), CARD, tmp_path / "model.safetensors")
    target = tmp_path / "there.onnx"
    target.write_text("precious")
    refused = run_typecase("export", tmp_path / "model.safetensors", "--out", target)
    assert refused.returncode == ExitCode.OUTPUT
    assert target.read_text() == "precious"
    done = run_typecase("export", tmp_path / "model.safetensors", "--out", target, "--overwrite")
    assert done.returncode == ExitCode.OK, done.stderr
    assert read_onnx(target).card == CARD


def test_what_is_no_model_is_refused(run_typecase: RunTypecase, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"PK\x03\x04 what torch.save writes")
    done = run_typecase("export", tmp_path / "model.safetensors")
    assert done.returncode == ExitCode.MODEL
    assert "holds a Python pickle" in done.stderr
    assert not (tmp_path / "model.onnx").exists()
