"""A tiny exported detector for the tests of what finds lines: bars of one height, and a net made by hand; receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from PIL import Image

from typecase.charset import ClassSet
from typecase.modelcard import DETECTOR, ModelCard
from typecase.preprocess import PagePreprocess, PixelArray
from typecase.runtime.onnx_file import with_card
from typecase.stages.lines_of_maps import ACROSS, CELL, CHANNELS, DISTANCE_UNIT, DOWN, UP

Bar = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


def bars_page(bars: Sequence[Bar], width: int, height: int, *, paper: int = 235, ink: int = 40) -> PixelArray:
    """A page with bars for lines, [height, width]."""
    page = np.full((height, width), paper, np.uint8)
    for x, y, length, tall in bars:
        page[y : y + tall, x : x + length] = ink
    return page


def page_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "network_name": "bars",
        "classes": ClassSet.of(["text"]),
        "preprocess": PagePreprocess(),
        "task": DETECTOR,
        "licence": "Apache-2.0",
        "created": "2026-11-27",
        "version": "0.1.0",
    }
    return ModelCard(**{**values, **changes})


def page_onnx(
    *, tall: float = 17.0, channels: int = CHANNELS, scale: float = 8.0, stride: int = CELL
) -> onnx.ModelProto:
    """A single convolution: where it is dark there is a core, of a line that is always so high and never on its side.

    Args:
        tall: What it says of the height of each line, in pixels of its input.
        channels: Of its answer.
        scale: How sharply ink differs from paper.
        stride: Pixels of the input for each place of the answer.
    """
    kernels = np.zeros((channels, 1, CELL, CELL), np.float32)
    half = CELL // 2
    for quarter in range(4):
        row, column = divmod(quarter, 2)
        # The input is about -0.7 for ink and 0.8 for paper.
        kernels[quarter, 0, row * half : (row + 1) * half, column * half : (column + 1) * half] = -scale / half**2
    biases = np.zeros(channels, np.float32)
    biases[UP : DOWN + 1] = np.log2(tall / 2 / DISTANCE_UNIT)
    biases[ACROSS : ACROSS + 1] = -scale
    tensors: dict[str, npt.NDArray[Any]] = {"kernels": kernels, "biases": biases}
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["pictures", *tensors], ["logits"], strides=[stride, stride])],
        "bars",
        [value("pictures", onnx.TensorProto.FLOAT, ["n", 1, "height", "width"])],
        [value("logits", onnx.TensorProto.FLOAT, ["n", channels, "rows", "columns"])],
        [onnx.numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def write_page_model(path: Path, *, changes: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """Writes the tiny model as `typecase export` would."""
    path.write_bytes(with_card(page_onnx(**options).SerializeToString(), page_card(**(changes or {}))))
    return path


def write_receipts(root: Path, count: int = 12, seed: int = 0) -> Path:
    """A folder like SROIE's: pages with bars for lines, and where these are. Numbers divisible by 10 are left out."""
    generator = np.random.default_rng(seed)
    for folder in ("img", "box"):
        (root / folder).mkdir(parents=True)
    numbers = [number for number in range(1, 2 * count) if number % 10][:count]
    for number in numbers:
        bars = [
            (int(generator.integers(8, 30)), y, int(generator.integers(60, 110)), 16)
            for y in range(int(generator.integers(10, 20)), 200, 32)
        ]
        Image.fromarray(bars_page(bars, 160, 224)).save(root / "img" / f"{number:03d}.png")
        rows = [f"{x},{y},{x + w},{y},{x + w},{y + h},{x},{y + h},TOTAL\n" for x, y, w, h in bars]
        (root / "box" / f"{number:03d}.csv").write_text("".join(rows), encoding="utf-8")
    return root
