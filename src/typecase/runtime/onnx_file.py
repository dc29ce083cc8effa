"""Reads an exported ONNX file: whether it is one of ours, whole and harmless, and the card that it carries.

An ONNX file is a Protocol Buffers message (https://protobuf.dev/programming-guides/encoding, fields after
onnx.proto of ONNX 1.17). The few fields that are needed are read here, so that neither the onnx package is needed
to run a model nor OpenVINO to look at its card. Nothing in a model file is ever executed or unpickled.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from typecase.errors import ModelError
from typecase.modelcard import CLASSIFIER, DETECTOR, MAX_CARD_BYTES, METADATA_KEY, RECOGNIZER, ModelCard, parse_card

SHA256_KEY = f"{METADATA_KEY}.sha256"
"""Metadata key of the SHA-256 of the graph with its weights, in hexadecimal digits."""

MAX_MODEL_BYTES = (1 << 31) - 1
"""Protocol Buffers allow no larger message: 2 GiB."""

_KINDS = {
    CLASSIFIER: ("classifier", "characters"),
    RECOGNIZER: ("recogniser", "lines"),
    DETECTOR: ("detector", "lines"),
}

# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 14, 20, 25
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14

# For each kind of message, which fields hold which kind of message further in; enough of onnx.proto to visit
# every tensor that a model holds.
_WITHIN: dict[str, dict[int, str]] = {
    "model": {_MODEL_GRAPH: "graph", _MODEL_TRAINING: "training", _MODEL_FUNCTIONS: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_MAX_DEPTH = 64

_NOT_ONNX: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive, as PyTorch's .pt and .pth files are"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a compressed archive"),
)


class _Damaged(Exception):
    """The bytes are no message, or it ends too early."""


@dataclass(frozen=True)
class OnnxFile:
    """An exported model that was read and checked.

    Attributes:
        where: What messages call the file.
        content: The whole file.
        card: What the model says about itself.
    """

    where: str
    content: bytes
    card: ModelCard

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the whole file as hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_onnx(path: str | os.PathLike[str]) -> OnnxFile:
    """Reads an exported model and checks it.

    Raises:
        ModelError: The file is missing, something else than ONNX, cut short, damaged, not written by typecase, too
            new, or refers to other files.
    """
    where = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_MODEL_BYTES + 1)
    except FileNotFoundError:
        raise ModelError(f"The model {where} does not exist; check the path.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"The model {where} cannot be read ({reason}); check the path.") from None
    return parse_onnx(content, where)


def read_model(task: str, model: str | os.PathLike[str] | None, shipped: Path, lacking: str) -> tuple[Path, OnnxFile]:
    """Reads the model that does a task.

    Args:
        task: A task of `typecase.modelcard`.
        model: The file; None takes the shipped one.
        shipped: Where that lies.
        lacking: What is said where it does not, and no other is named.

    Returns:
        The file's absolute path, under which a copy in another process with another working folder finds it again; and
        its content.

    Raises:
        ModelError: The file is missing, damaged, unsafe, too new, or of another task.
    """
    if model is None and not shipped.is_file():
        raise ModelError(lacking)
    path = Path(shipped if model is None else model).absolute()
    content = read_onnx(path if model is None else model)
    if content.card.task != task:
        kind, objects = _KINDS[task]
        raise ModelError(
            f"{content.where} is a model for the task {content.card.task!r}, not a {kind} of {objects}; name a {kind}."
        )
    return path, content


def parse_onnx(content: bytes, where: str) -> OnnxFile:
    """Checks the content of an exported model; see `read_onnx`."""
    _refuse_other_kinds(content, where)
    try:
        metadata, graph = _top_level(content)
        external = next(_external_tensors(content, "model", 0), None)
    except _Damaged:
        raise ModelError(f"{where} is not a whole ONNX file; it is damaged or was cut short: fetch it again.") from None
    if graph is None:
        raise ModelError(f"{where} holds no network; it is damaged or was cut short: fetch it again.")
    if external is not None:
        raise ModelError(
            f"{where} keeps its weights in another file, which is not followed for safety; export it as one file."
        )
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"{where} is an ONNX file, but not one that typecase exported (it carries no card); "
            "make one with: typecase export MODEL"
        )
    expected = metadata.get(SHA256_KEY)
    if expected is not None and expected != hashlib.sha256(graph).hexdigest():
        raise ModelError(f"{where} was changed after it was exported (its checksum differs); fetch it again.")
    return OnnxFile(where, content, parse_card(metadata[METADATA_KEY], where))


def with_card(content: bytes, card: ModelCard) -> bytes:
    """Writes a card, and the checksum of the graph, into an exported model that has none yet.

    Args:
        content: The whole ONNX file.
        card: What it shall say about itself.

    Returns:
        The file with both added.

    Raises:
        ModelError: The content is not a whole ONNX file, or it has a card.
    """
    try:
        metadata, graph = _top_level(content)
    except _Damaged:
        raise ModelError("The exported model is not a whole ONNX file; export it again.") from None
    if graph is None or METADATA_KEY in metadata:
        raise ModelError("The exported model has no network, or it has a card already; export it again.")
    # Two messages of Protocol Buffers written one after the other are one message with the fields of both.
    return b"".join(
        [
            content,
            _entry(METADATA_KEY, card.to_json()),
            _entry(SHA256_KEY, hashlib.sha256(graph).hexdigest()),
        ]
    )


def _refuse_other_kinds(content: bytes, where: str) -> None:
    if not content:
        raise ModelError(f"The model {where} is empty; fetch or export it again.")
    if len(content) > MAX_MODEL_BYTES:
        raise ModelError(f"The model {where} is larger than 2 GiB, which no ONNX file can be; check the path.")
    kind = next((kind for start, kind in _NOT_ONNX if content.startswith(start)), None)
    if kind is not None:
        raise ModelError(
            f"{where} is {kind}, not an ONNX file; typecase never unpickles a model, for that can run any program: "
            "make one with: typecase export MODEL"
        )
    if content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content) - 8:
        raise ModelError(
            f"{where} holds weights for training (safetensors); turn it into a file that runs here with: "
            f"typecase export {where}"
        )


def _top_level(content: bytes) -> tuple[dict[str, str], memoryview | None]:
    """The metadata of a model and the bytes of its graph."""
    metadata: dict[str, str] = {}
    graph: memoryview | None = None
    for number, value in _fields(content):
        if number == _MODEL_GRAPH and isinstance(value, memoryview):
            if graph is not None:
                # Legal, but no exporter writes a graph in pieces, and a checksum over one of them proves nothing.
                raise _Damaged
            graph = value
        elif number == _MODEL_METADATA and isinstance(value, memoryview):
            if len(value) > MAX_CARD_BYTES + 1024:
                raise _Damaged
            entry = {field: bytes(part) for field, part in _fields(value) if isinstance(part, memoryview)}
            try:
                key, text = entry.get(1, b"").decode(), entry.get(2, b"").decode()
            except UnicodeDecodeError:
                raise _Damaged from None
            if key.startswith(METADATA_KEY) and key in metadata:
                raise _Damaged
            metadata[key] = text
    return metadata, graph


def _external_tensors(content: bytes | memoryview, kind: str, depth: int) -> Iterator[bool]:
    """Gives True for each tensor, at any depth, whose values are not in the file itself."""
    if depth > _MAX_DEPTH:
        raise _Damaged
    within = _WITHIN.get(kind, {})
    for number, value in _fields(content):
        if kind == "tensor":
            if number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value != 0):
                yield True
        elif number in within and isinstance(value, memoryview):
            yield from _external_tensors(value, within[number], depth + 1)


def _fields(content: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message in order: their number, and an integer or the bytes of what they hold.

    Raises:
        _Damaged: A field is impossible or reaches beyond the message.
    """
    view = memoryview(content)
    position, end = 0, len(view)
    while position < end:
        tag, position = _varint(view, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise _Damaged
        if wire_type == 0:
            value, position = _varint(view, position)
            yield number, value
            continue
        if wire_type == 1:
            length = 8
        elif wire_type == 5:
            length = 4
        elif wire_type == 2:
            length, position = _varint(view, position)
        else:
            raise _Damaged
        if length > end - position:
            raise _Damaged
        yield number, view[position : position + length]
        position += length


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, lowest first, and the position after it."""
    value = 0
    for index in range(10):
        if position + index >= len(view):
            raise _Damaged
        byte = view[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise _Damaged


def _entry(key: str, text: str) -> bytes:
    """A metadata entry as a field of the model."""
    parts = b"".join(_delimited(field, part.encode()) for field, part in ((1, key), (2, text)))
    return _delimited(_MODEL_METADATA, parts)


def _delimited(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | 2) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
