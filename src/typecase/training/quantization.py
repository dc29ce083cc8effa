"""Layers computed in 8 bits: a smaller file, read faster, with the same answers but for a few.

What a convolution or a linear layer is given is rounded to 255 steps over the range that some pictures show (static
post-training quantization, Jacob et al. 2018, https://arxiv.org/abs/1712.05877); its weights to 255 steps for each
output channel. Zero stays zero on both sides, which every processor computes fastest. All else, such as attention,
stays as it is: it is a small part of the work.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from typecase.errors import InputError
from typecase.modelcard import ModelCard
from typecase.preprocess import CharacterPreprocess, FloatArray, LinePreprocess, PagePreprocess, PixelArray
from typecase.sources import find_pictures, open_picture
from typecase.stages.detect import LOOK, MOST_PIXELS

MOST_PAGES = 60
"""The most pages, evenly taken, that ranges are measured on."""

MOST_LINES = 600
"""The most lines or characters."""

_QUANTIZED_INPUTS = {"QuantizeLinear", "DequantizeLinear"}


def calibration_canvases(card: ModelCard, sources: Sequence[Path]) -> list[PixelArray]:
    """Opens pictures of what a net is to see, and brings them to its size as when they are read.

    Args:
        card: What the net says about itself: whether it sees characters, lines or pages.
        sources: Pictures, and folders of them.

    Returns:
        For each the canvas, bytes as the preprocessing gives them; for a page those of two looks at it.

    Raises:
        InputError: There is no picture, or one cannot be opened.
    """
    paths = find_pictures(sources)
    most = MOST_PAGES if isinstance(card.preprocess, PagePreprocess) else MOST_LINES
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, min(most, len(paths))).round().astype(int)]
    if not chosen:
        raise InputError("There is no picture to measure ranges on; name a folder that has some with --calibrate.")
    return [canvas for path in chosen for canvas in _canvases(card, open_picture(path))]


def _canvases(card: ModelCard, image: Image.Image) -> Iterator[PixelArray]:
    match card.preprocess:
        case LinePreprocess() as preprocess:
            yield preprocess.canvas(image)[:, : preprocess.widest]
        case PagePreprocess() as preprocess:
            grey: PixelArray = np.asarray(image.convert("L"), np.uint8)
            first = min(1.0, LOOK / max(grey.shape))
            yield preprocess.scaled(grey, first)
            # The scale of the second look follows from what the first one finds; twice as near is usual.
            yield preprocess.scaled(grey, min(2 * first, (MOST_PIXELS / grey.size) ** 0.5))
        case CharacterPreprocess() as preprocess:
            yield preprocess.canvas(image)


def batch_of(card: ModelCard, canvas: PixelArray) -> FloatArray:
    """What a net is given for one canvas, [1, channels, height, width]."""
    match card.preprocess:
        case LinePreprocess() as preprocess:
            return preprocess.padded([canvas], preprocess.padded_width(canvas.shape[1]))
        case PagePreprocess() as preprocess:
            return preprocess.padded(canvas)
        case CharacterPreprocess() as preprocess:
            return preprocess.normalise(canvas)[np.newaxis]


def quantize_layers(model: onnx.ModelProto, batches: Iterable[FloatArray]) -> onnx.ModelProto:
    """Has a net compute its convolutions and its linear layers for sequences in 8 bits.

    The first convolution, which sees the picture itself, and those in groups, which gain nothing, stay as they are;
    and so do products without weights, which are attention's.

    Args:
        model: The net with its weights in 32 bits and one input.
        batches: What it is given in earnest.

    Returns:
        A net with `QuantizeLinear` and `DequantizeLinear` around these.
    """
    # A second to import, which other exports need not wait for.
    from onnxruntime import quantization  # type: ignore[import-untyped]

    name = model.graph.input[0].name
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    kept = [node.name for node in convolutions if node is convolutions[0] or _groups(node) > 1]
    weights = {one.name for one in model.graph.initializer}
    kept += [node.name for node in model.graph.node if node.op_type == "MatMul" and weights.isdisjoint(node.input)]

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> dict[str, FloatArray] | None:
            batch = next(self._left, None)
            return None if batch is None else {name: batch}

    with tempfile.TemporaryDirectory(prefix="typecase-") as folder, _silent():
        target = Path(folder) / "quantized.onnx"
        quantization.quantize_static(
            model,
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul"],
            nodes_to_exclude=kept,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
        )
        return onnx.load(target)


def scales_of(model: onnx.ModelProto) -> set[str]:
    """Names of the numbers that say how 8 bits are to be read; they must keep their 32."""
    return {name for node in model.graph.node if node.op_type in _QUANTIZED_INPUTS for name in node.input[1:]}


def _groups(node: onnx.NodeProto) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keeps the library from advising a preparation that the exporter has done already."""

    def keep(record: logging.LogRecord) -> bool:
        return "pre-processing" not in record.getMessage()

    root: Any = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)
