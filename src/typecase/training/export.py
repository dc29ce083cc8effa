"""From trained weights to an ONNX file that runs without PyTorch, and the proof that both say the same."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from typecase import modelcard
from typecase.errors import ModelError
from typecase.files import atomic_write
from typecase.modelcard import ModelCard
from typecase.preprocess import WIDTH_STEP, FloatArray, LinePreprocess, PagePreprocess, PixelArray
from typecase.runtime.onnx_file import read_onnx, with_card
from typecase.runtime.openvino import OpenVinoNet
from typecase.runtime.openvino_lines import OpenVinoLineNet
from typecase.runtime.openvino_pages import OpenVinoPageNet
from typecase.stages.lines_of_maps import CORES
from typecase.training.quantization import batch_of, quantize_layers, scales_of

INPUT_NAME = "pictures"
OUTPUT_NAME = "logits"
OPSET = 18

LARGEST_DIFFERENCE = 0.02
"""By how much the exported net's probabilities may differ from PyTorch's; 16-bit weights stay well below it."""

LEAST_AGREEMENT = 0.98
"""For which share of the pictures (of lines: frames, of pages: cells) layers in 8 bits must keep the answer."""

_SMALL = 64
# Of what ranges were measured on, so many are compared.
_CHECKED = 40


@dataclass(frozen=True)
class Parity:
    """How far an exported net is from the one it was made of, over some pictures.

    Attributes:
        pictures: How many were compared.
        logits: Largest difference of a logit.
        probabilities: Largest difference of a probability, 0..1.
        answers: Share of pictures (for lines: of frames) with the same answer, 0..1.
    """

    pictures: int
    logits: float
    probabilities: float
    answers: float


def export_onnx(
    module: nn.Module,
    card: ModelCard,
    path: Path,
    *,
    half: bool = True,
    calibration: Sequence[PixelArray] = (),
) -> Parity:
    """Writes a network with its card as ONNX, after checking that the file gives the same answers.

    Args:
        module: A network that takes [N, channels, size, size] and gives logits [N, K], or for lines takes
            [N, channels, height, width] and gives logits [N, frames, 1 + K].
        card: Its facts; they travel in the file's metadata.
        path: The file to write.
        half: Store weights in 16 bits. Arithmetic stays the runtime's choice.
        calibration: Canvases of what the net is to see; given some, layers are computed in 8 bits, see
            `quantization.quantize_layers`.

    Returns:
        The result of the check; it is made on the calibration's pictures where there are such.

    Raises:
        ModelError: The exported net differs by more than `LARGEST_DIFFERENCE`, or agrees less than `LEAST_AGREEMENT`
            where it computes in 8 bits; nothing is written.
        OutputError: The file cannot be written.
    """
    module = module.to("cpu").float().eval()
    model = _exported(module, card)
    if calibration:
        model = quantize_layers(model, (batch_of(card, canvas) for canvas in calibration))
    if half:
        _halve_weights(model)
    onnx.checker.check_model(model, full_check=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(with_card(model.SerializeToString(), card))
        parity = _checked(module, temporary, card, calibration)
        # Asked in this way round, for a net that gives no numbers is not a good one.
        if calibration:
            if not parity.answers >= LEAST_AGREEMENT:
                raise ModelError(
                    f"With layers in 8 bits only {parity.answers:.1%} of the answers stay, fewer than "
                    f"{LEAST_AGREEMENT:.0%}; calibrate with pictures like those that it is to read, or export with "
                    "--precision float16."
                )
        elif not parity.probabilities <= LARGEST_DIFFERENCE:
            advice = "export with --precision float32" if half else "train it again"
            raise ModelError(
                f"The exported net's probabilities differ by {parity.probabilities:.3f} from PyTorch's, more than "
                f"{LARGEST_DIFFERENCE}; {advice}."
            )
    return parity


def _checked(module: nn.Module, path: Path, card: ModelCard, canvases: Sequence[PixelArray]) -> Parity:
    """Compares both on some pictures, or on shapes made for it where there are none."""
    canvases = canvases[:: max(1, len(canvases) // _CHECKED)]
    match card.task:
        case modelcard.RECOGNIZER:
            return compare_lines(module, path, canvases or _line_probes(card))
        case modelcard.DETECTOR:
            return _compare_pages(module, path, canvases or _page_probes())
        case _:
            pictures = [batch_of(card, canvas) for canvas in canvases]
            return compare(module, path, np.concatenate(pictures) if pictures else _probes(card))


def compare(module: nn.Module, path: Path, pictures: FloatArray) -> Parity:
    """Runs a network and its export over the same normalised pictures [N, C, S, S]."""
    with torch.inference_mode():
        expected = module(torch.from_numpy(pictures)).numpy()
    return _parity([expected], [OpenVinoNet(read_onnx(path))(pictures)], len(pictures))


def compare_lines(module: nn.Module, path: Path, canvases: Sequence[PixelArray], precision: str = "f32") -> Parity:
    """Runs a recogniser and its export over the same lines, bytes of shape [height, width] each.

    Args:
        module: The network.
        path: The file it was exported to.
        canvases: Lines as `LinePreprocess.canvas` gives them.
        precision: In which the export computes.
    """
    model = read_onnx(path)
    preprocess = model.card.line_preprocess
    expected = []
    with torch.inference_mode():
        for canvas in canvases:
            padded = preprocess.padded([canvas], preprocess.padded_width(canvas.shape[1]))
            expected.append(module(torch.from_numpy(padded))[0].numpy())
    return _parity(expected, OpenVinoLineNet(model, precision=precision)(canvases), len(canvases))


def _parity(expected: Sequence[FloatArray], read: Sequence[FloatArray], pictures: int) -> Parity:
    pairs = list(zip(expected, read, strict=True))
    same = np.concatenate([(one.argmax(axis=-1) == other.argmax(axis=-1)).ravel() for one, other in pairs])
    return Parity(
        pictures=pictures,
        logits=max(float(np.abs(one - other).max()) for one, other in pairs),
        probabilities=max(float(np.abs(_softmax(one) - _softmax(other)).max()) for one, other in pairs),
        answers=float(same.mean()),
    )


def _line_probes(card: ModelCard) -> list[PixelArray]:
    """Strips of soft and hard shapes, of several widths."""
    preprocess = card.line_preprocess
    generator = np.random.default_rng(0)
    canvases: list[PixelArray] = []
    for width in (24, 64, 200, 333, 640):
        cells = generator.integers(0, 256, size=(8, -(-width // 3)), dtype=np.uint8)
        shapes = cells.repeat(preprocess.height // 8, axis=0).repeat(3, axis=1)[:, :width]
        canvases += [np.where(shapes > 160, 20, 255).astype(np.uint8), shapes]
    return canvases


def _page_probes() -> list[PixelArray]:
    """Pages of soft and hard shapes, of several sizes."""
    generator = np.random.default_rng(0)
    pages: list[PixelArray] = []
    for height, width in ((64, 96), (160, 128), (250, 333)):
        cells = generator.integers(0, 256, size=(-(-height // 6), -(-width // 6)), dtype=np.uint8)
        shapes = cells.repeat(6, axis=0).repeat(6, axis=1)[:height, :width]
        pages += [np.where(shapes > 160, 20, 255).astype(np.uint8), shapes]
    return pages


def _compare_pages(module: nn.Module, path: Path, pages: Sequence[PixelArray]) -> Parity:
    """Compares the cores that are seen on pages."""
    model = read_onnx(path)
    preprocess = model.card.page_preprocess
    net = OpenVinoPageNet(model, precision="f32")
    differences, shares, same, count = [], [], 0, 0
    for page in pages:
        with torch.inference_mode():
            expected = module(torch.from_numpy(preprocess.padded(page)))[0].numpy()
        read = net(page)
        differences.append(float(np.abs(expected - read).max()))
        pair = [1 / (1 + np.exp(-maps[CORES])) for maps in (expected, read)]
        shares.append(float(np.abs(pair[0] - pair[1]).max()))
        same += int(((pair[0] > 0.5) == (pair[1] > 0.5)).sum())
        count += pair[0].size
    return Parity(len(differences), max(differences), max(shares), same / count)


def _exported(module: nn.Module, card: ModelCard) -> onnx.ModelProto:
    preprocess = card.preprocess
    batch = torch.export.Dim("batch")
    if isinstance(preprocess, LinePreprocess):
        example = torch.zeros(2, preprocess.channels, preprocess.height, 2 * WIDTH_STEP)
        # Every width that a line is padded to is a multiple of this.
        shape = {0: batch, 3: WIDTH_STEP * torch.export.Dim("width_steps", min=1)}
    elif isinstance(preprocess, PagePreprocess):
        sides = [preprocess.multiple * torch.export.Dim(f"{name}_steps", min=1) for name in ("height", "width")]
        example = torch.zeros(2, preprocess.channels, 2 * preprocess.multiple, 3 * preprocess.multiple)
        shape = {0: batch, 2: sides[0], 3: sides[1]}
    else:
        example = torch.zeros(2, preprocess.channels, preprocess.size, preprocess.size)
        shape = {0: batch}
    # The exporter talks on both streams and warns of things that concern its own future only.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(shape,),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise ModelError("PyTorch could not export this network; use one of `typecase models`.")
    model = program.model_proto
    _forget_origins(model)
    return model


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drops what the exporter notes for debugging: stack traces, and with them folders and versions of this machine."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def _halve_weights(model: onnx.ModelProto) -> None:
    """Stores large weights in 16 bits and casts them back where they are used."""
    graph = model.graph
    casts = []
    scales = scales_of(model)
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < _SMALL or weight.name in scales:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = weight.name
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
        casts.append(helper.make_node("Cast", [f"{name}.float16"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)


def _probes(card: ModelCard) -> FloatArray:
    """Pictures to compare on: soft shapes of every size and noise, as the preprocessing would give them."""
    preprocess = card.character_preprocess
    generator = np.random.default_rng(0)
    pictures = []
    for number in range(64):
        cells = int(generator.integers(2, 13))
        coarse = generator.integers(0, 256, size=(preprocess.channels, cells, cells), dtype=np.uint8)
        repeats = -(-preprocess.size // cells)
        fine = coarse.repeat(repeats, axis=1).repeat(repeats, axis=2)[:, : preprocess.size, : preprocess.size]
        pictures.append(np.where(fine > 127, 255, 20).astype(np.uint8) if number % 2 else fine)
    return preprocess.normalise(np.stack(pictures))


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    softmax: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return softmax
