"""A tiny exported recogniser for the tests of what reads lines: bars at different heights, and a net made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from PIL import Image

from typecase.charset import ClassSet
from typecase.modelcard import RECOGNIZER, ModelCard
from typecase.preprocess import LinePreprocess
from typecase.runtime.onnx_file import with_card

# Upper and lower row of each character's bar on a canvas of 32 rows. An O and a 0 look alike, and so do I and 1: the
# net takes the first of each pair, by a little.
BARS = {"A": (2, 6), "B": (8, 12), "O": (14, 18), "0": (14, 18), "I": (20, 24), "1": (20, 24), "E": (26, 30)}
CHARACTERS = "".join(BARS) + " "
SECOND_CHOICE = ("0", "1")
STRIDE = 4
HEIGHT = 32

_CELL, _GAP, _SPACE = 8, 4, 20


def line_picture(text: str, *, zoom: int = 1, margin: int = 8, inverted: bool = False) -> Image.Image:
    """Draws a line of bars, black on white: `zoom` pixels for each pixel of the canvas."""
    columns: list[npt.NDArray[np.uint8]] = [np.full((HEIGHT, margin), 255, np.uint8)]
    for character in text:
        if character == " ":
            columns.append(np.full((HEIGHT, _SPACE - _GAP), 255, np.uint8))
            continue
        cell = np.full((HEIGHT, _CELL + _GAP), 255, np.uint8)
        top, bottom = BARS[character]
        cell[top:bottom, :_CELL] = 0
        columns.append(cell)
    columns.append(np.full((HEIGHT, margin), 255, np.uint8))
    pixels = np.concatenate(columns, axis=1).repeat(zoom, axis=0).repeat(zoom, axis=1)
    return Image.fromarray(255 - pixels if inverted else pixels)


def line_boxes(text: str, *, margin: int = 8) -> list[tuple[float, float, float, float]]:
    """The true boxes of the characters that are no spaces, for `zoom=1`."""
    boxes = []
    x = margin
    for character in text:
        if character == " ":
            x += _SPACE - _GAP
            continue
        top, bottom = BARS[character]
        boxes.append((float(x), float(top), float(_CELL), float(bottom - top)))
        x += _CELL + _GAP
    return boxes


def line_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "network_name": "bars",
        "classes": ClassSet.of(CHARACTERS),
        "preprocess": LinePreprocess(widest=256),
        "task": RECOGNIZER,
        "licence": "Apache-2.0",
        "created": "2026-11-22",
        "version": "0.1.0",
    }
    return ModelCard(**{**values, **changes})


def line_onnx(*, scale: float = 20.0) -> onnx.ModelProto:
    """A single convolution: a character where its bar fills a frame, a space where three frames are empty.

    Args:
        scale: How sharply a whole bar differs from half of one.
    """
    kernels = np.zeros((len(CHARACTERS) + 1, 1, HEIGHT, 3 * STRIDE), np.float32)
    biases = np.zeros(len(CHARACTERS) + 1, np.float32)
    frame = slice(STRIDE, 2 * STRIDE)
    for index, character in enumerate(CHARACTERS, 1):
        if character == " ":
            # The input is 0 for paper and -2 for ink.
            kernels[index] = scale / 100
            biases[index] = scale / 4
            continue
        strength = scale * (0.9 if character in SECOND_CHOICE else 1.0)
        for other in set(BARS.values()):
            top, bottom = other
            sign = -1.0 if other == BARS[character] else 1.0
            kernels[index, 0, top:bottom, frame] = sign * strength / (2 * (bottom - top) * STRIDE)
        biases[index] = -strength / 2
    make = onnx.helper.make_node
    tensors: dict[str, npt.NDArray[Any]] = {
        "kernels": kernels,
        "biases": biases,
        "paper": np.ones(1, np.float32),
        "height": np.array([2], np.int64),
    }
    nodes = [
        make("Sub", ["pictures", "paper"], ["ink"]),
        make("Conv", ["ink", "kernels", "biases"], ["found"], pads=[0, STRIDE, 0, STRIDE], strides=[1, STRIDE]),
        make("Squeeze", ["found", "height"], ["flat"]),
        make("Transpose", ["flat"], ["logits"], perm=[0, 2, 1]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "bars",
        [value("pictures", onnx.TensorProto.FLOAT, ["n", 1, HEIGHT, "width"])],
        [value("logits", onnx.TensorProto.FLOAT, ["n", "frames", len(CHARACTERS) + 1])],
        [onnx.numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def write_line_model(path: Path, *, changes: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """Writes the tiny model as `typecase export` would."""
    path.write_bytes(with_card(line_onnx(**options).SerializeToString(), line_card(**(changes or {}))))
    return path
