"""Layers in 8 bits: which of them, what stays as it was, and that the same is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

from conftest import RunTypecase
from line_fixtures import line_card
from training_fixtures import NAMES, as_trained, tiny_settings, write_classes
from typecase import nets
from typecase.charset import ClassSet
from typecase.errors import ExitCode, InputError, ModelError
from typecase.modelcard import DETECTOR, ModelCard
from typecase.preprocess import CharacterPreprocess, LinePreprocess, PagePreprocess, PixelArray
from typecase.runtime.onnx_file import read_onnx
from typecase.runtime.openvino_lines import OpenVinoLineNet
from typecase.stages.detect import LOOK
from typecase.training.classifier import train_classifier
from typecase.training.export import export_onnx
from typecase.training.quantization import MOST_PAGES, batch_of, calibration_canvases

TINY_LINES = {"widths": [8, 16, 32], "depths": [0, 1, 1], "features": 64, "layers": 1}
CARD = line_card(network_name="linenet", network_options=TINY_LINES, classes=ClassSet.of("abcd "))


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    built = nets.build("linenet", classes=5, channels=1, size=32, options=TINY_LINES)
    return as_trained(built)


def strips(count: int, seed: int = 0) -> list[PixelArray]:
    generator = np.random.default_rng(seed)
    found: list[PixelArray] = []
    for _ in range(count):
        cells = generator.integers(0, 256, size=(8, int(generator.integers(8, 60))), dtype=np.uint8)
        found.append(cells.repeat(4, axis=0).repeat(6, axis=1))
    return found


def test_all_but_the_first_and_grouped_convolutions_and_attention(module: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "lines.onnx"
    parity = export_onnx(module, CARD, path, calibration=strips(12))
    assert parity.pictures == 12
    assert parity.answers > 0.98
    graph = onnx.load(path).graph
    made = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    rounded = [made[node.input[0]].op_type == "DequantizeLinear" for node in convolutions]
    grouped = [next(one.i for one in node.attribute if one.name == "group") > 1 for node in convolutions]
    assert rounded == [bool(number) and not group for number, group in enumerate(grouped)]
    assert 0 < sum(rounded) < len(rounded) - 1
    kinds = {one.name: one.data_type for one in graph.initializer}
    linear = [made[node.input[1]] for node in graph.node if node.op_type == "MatMul" and node.input[1] in made]
    # In a block of attention three layers beside the last one's; the two products of attention have no weights.
    weights = [node for node in linear if node.op_type == "DequantizeLinear"]
    assert [kinds[node.input[0]] for node in weights] == [onnx.TensorProto.INT8] * 5
    assert sum(node.op_type == "MatMul" for node in graph.node) == 7
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            # In 16 bits a small step would be none at all.
            assert kinds[node.input[1]] == onnx.TensorProto.FLOAT
    for node, eight in zip(convolutions, rounded, strict=True):
        if eight:
            assert kinds[made[node.input[1]].input[0]] == onnx.TensorProto.INT8


def test_lines_that_were_not_measured_are_read_alike(module: nn.Module, tmp_path: Path) -> None:
    plain, eight = tmp_path / "plain.onnx", tmp_path / "eight.onnx"
    export_onnx(module, CARD, plain)
    export_onnx(module, CARD, eight, calibration=strips(12))
    assert eight.stat().st_size < plain.stat().st_size
    others = strips(9, seed=5)
    pairs = zip(
        OpenVinoLineNet(read_onnx(plain), threads=1, precision="f32")(others),
        OpenVinoLineNet(read_onnx(eight), threads=1, precision="f32")(others),
        strict=True,
    )
    for one, other in pairs:
        assert one.shape == other.shape
        assert 0 < np.abs(one - other).max() < 0.25 * np.abs(one).max()


def test_a_net_that_suffers_is_refused(module: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.training.export.LEAST_AGREEMENT", 1.01)
    with pytest.raises(ModelError, match=r"only 9\d\.\d% of the answers stay.*--precision float16|only 100"):
        export_onnx(module, CARD, tmp_path / "lines.onnx", calibration=strips(4))
    assert list(tmp_path.iterdir()) == []


def test_what_is_measured_is_prepared_as_for_reading(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("L", (300, 40), 200).save(folder / "a.png")
    Image.new("RGB", (900, 1472), "white").save(folder / "b.png")
    lines = calibration_canvases(line_card(), [folder])
    assert [one.shape[0] for one in lines] == [LinePreprocess().height] * 2
    assert batch_of(line_card(), lines[0]).shape == (1, 1, 32, 256)
    pages = ModelCard(network_name="x", classes=ClassSet.of(["text"]), preprocess=PagePreprocess(), task=DETECTOR)
    looks = calibration_canvases(pages, [folder / "b.png"])
    assert [one.shape for one in looks] == [(LOOK, 450), (2 * LOOK, 900)]
    assert batch_of(pages, looks[0]).shape == (1, 1, 768, 512)
    characters = ModelCard(network_name="x", classes=ClassSet.of("ab"), preprocess=CharacterPreprocess(size=32))
    assert [batch_of(characters, one).shape for one in calibration_canvases(characters, [folder])] == [
        (1, 1, 32, 32)
    ] * 2
    for number in range(MOST_PAGES + 5):
        Image.new("L", (8, 8), 255).save(folder / f"{number}.png")
    assert len(calibration_canvases(pages, [folder])) == 2 * MOST_PAGES
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        calibration_canvases(pages, [tmp_path / "empty"])


def test_from_the_command_line(run_typecase: RunTypecase, tmp_path: Path) -> None:
    data = write_classes(tmp_path / "data", each=30)
    trained = train_classifier(tiny_settings(data, loop={"epochs": 10}), tmp_path / "run")
    done = run_typecase("export", trained.model, "--precision", "int8", "--calibrate", data)
    assert done.returncode == ExitCode.OK, done.stderr
    predicted = run_typecase("predict", "--model", trained.folder / "model.onnx", data / NAMES[0] / "000.png")
    assert predicted.returncode == ExitCode.OK, predicted.stderr
    for arguments in (["--precision", "int8"], ["--calibrate", data]):
        refused = run_typecase("export", trained.model, "--overwrite", *arguments)
        assert refused.returncode == ExitCode.USAGE
        assert "--precision int8 together with --calibrate PATH" in " ".join(refused.stderr.split())
