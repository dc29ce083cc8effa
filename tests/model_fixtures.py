"""A tiny exported model for the tests of what runs one: three bars, told apart by a net that is written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image, ImageDraw

from typecase.charset import ClassSet
from typecase.modelcard import ModelCard
from typecase.preprocess import CharacterPreprocess
from typecase.runtime.onnx_file import with_card

CLASSES = ("I", "-", "/", "\\")
SIZE = 24


def bar(label: str, *, size: int = 40) -> Image.Image:
    """A picture of a black bar on white paper: upright, lying, or along a diagonal."""
    image = Image.new("L", (size, size), 255)
    middle, near, far = size // 2, size // 6, size - size // 6
    ends = {
        "I": (middle, near, middle, far),
        "-": (near, middle, far, middle),
        "/": (near, far, far, near),
        "\\": (near, near, far, far),
    }[label]
    ImageDraw.Draw(image).line(ends, fill=0, width=max(2, size // 8))
    return image


def card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "network_name": "bars",
        "classes": ClassSet.of(CLASSES),
        "preprocess": CharacterPreprocess(size=SIZE),
        "temperature": 2.0,
        "data": ({"name": "bars", "licence": "CC0-1.0", "pictures": 4, "split": "all"},),
        "licence": "Apache-2.0",
        "created": "2026-11-22",
        "version": "0.1.0",
    }
    return ModelCard(**{**values, **changes})


def onnx_model(*, weights: np.ndarray[Any, Any] | None = None, batch: int | str = "n") -> onnx.ModelProto:
    """A linear net whose weights are the prepared bars themselves: it measures which bar a picture is most like."""
    preprocess = CharacterPreprocess(size=SIZE)
    if weights is None:
        patterns = np.stack([preprocess(bar(label)).ravel() for label in CLASSES])
        weights = ((patterns - patterns.mean(axis=1, keepdims=True)) / SIZE).T
    tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(weights, np.float32), "weights")
    nodes = [
        onnx.helper.make_node("Flatten", ["pixels"], ["flat"], axis=1),
        onnx.helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "bars",
        [value("pixels", onnx.TensorProto.FLOAT, [batch, 1, SIZE, SIZE])],
        [value("logits", onnx.TensorProto.FLOAT, [batch, weights.shape[1]])],
        [tensor],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def write_model(path: Path, *, changes: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """Writes the tiny model as `typecase export` would."""
    path.write_bytes(with_card(onnx_model(**options).SerializeToString(), card(**(changes or {}))))
    return path


def write_bars(folder: Path) -> list[Path]:
    """Writes one picture of each class; the names sort in the order of the classes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"bar{number}.png" for number in range(len(CLASSES))]
    for path, label in zip(paths, CLASSES, strict=True):
        bar(label).save(path)
    return paths
