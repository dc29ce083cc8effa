"""What a model file says about itself: its task, its classes, how pictures are prepared, where it comes from.

The card is JSON. It lies in the metadata of a model's safetensors file and of its exported ONNX file, so that a
model can never be run with the wrong classes or the wrong preparation. Reading one needs no heavy library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from typecase.charset import ClassSet
from typecase.errors import ModelError, TypecaseError
from typecase.preprocess import CharacterPreprocess, LinePreprocess, PagePreprocess

FORMAT = 1
"""Number of the card's layout; it grows when an older program could no longer understand a card."""

METADATA_KEY = "typecase"
"""The key under which the card lies in the metadata of a safetensors or ONNX file."""

CLASSIFIER = "classifier"
"""The task of a model that says which class a picture shows."""

RECOGNIZER = "recognizer"
"""The task of a model that reads the picture of a line; its net's outputs are the blank of CTC, then the classes."""

DETECTOR = "detector"
"""The task of a model that finds the lines of a page; its one class is what it finds."""

CONFIDENCE_LEVELS = ("character", "word", "line")
"""What a recogniser tells the confidence of."""

MAX_CARD_BYTES = 16 << 20
"""A longer card is refused unread; 62 classes take two thousand bytes, a hundred thousand less than two million."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The facts of a model.

    Attributes:
        network_name: Name in the registry of networks, such as `charnet`.
        classes: The classes, in the order of the net's outputs.
        preprocess: How a picture becomes the net's input.
        network_options: What the network was built with besides classes, channels and size.
        temperature: The logits are divided by it before the softmax, so that confidences can be trusted (Guo et
            al. 2017); 1 leaves them as they are.
        confidence_maps: For a recogniser, how its probability that a `character`, `word` or `line` is right becomes the
            confidence that is told: the slope, the intercept and, if there is a third number, the growth of a
            `typecase.decoding.confidence.ConfidenceMap`.
        task: What the model does: `classifier` for single characters, `recognizer` for lines, `detector` for pages.
        data: The data sets it was trained on: name, licence, number of pictures, split.
        training: The settings of the training run.
        figures: What was measured, with how and on what.
        licence: Under which terms the weights may be used.
        created: Date of the file, as YYYY-MM-DD.
        version: Version of typecase that wrote it.
    """

    network_name: str
    classes: ClassSet
    preprocess: CharacterPreprocess | LinePreprocess | PagePreprocess
    network_options: Mapping[str, Any] = field(default_factory=dict)
    temperature: float = 1.0
    confidence_maps: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    task: str = CLASSIFIER
    data: tuple[Mapping[str, Any], ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    created: str = ""
    version: str = ""

    @property
    def input_size(self) -> int:
        """What the net was built for, in pixels: the height of a line, the side of a character's canvas, or what the
        sides of a page are multiples of.
        """
        match self.preprocess:
            case LinePreprocess(height=height):
                return height
            case PagePreprocess(multiple=multiple):
                return multiple
            case CharacterPreprocess(size=size):
                return size

    @property
    def character_preprocess(self) -> CharacterPreprocess:
        """The preparation of a model that sees single characters.

        Raises:
            ModelError: It is a model for lines.
        """
        if not isinstance(self.preprocess, CharacterPreprocess):
            raise ModelError(f"A model for the task {self.task!r} does not read single characters; name a classifier.")
        return self.preprocess

    @property
    def line_preprocess(self) -> LinePreprocess:
        """The preparation of a model that sees lines.

        Raises:
            ModelError: It is a model for single characters.
        """
        if not isinstance(self.preprocess, LinePreprocess):
            raise ModelError(f"A model for the task {self.task!r} does not read lines; name a recognizer.")
        return self.preprocess

    @property
    def page_preprocess(self) -> PagePreprocess:
        """The preparation of a model that sees pages.

        Raises:
            ModelError: It is another kind of model.
        """
        if not isinstance(self.preprocess, PagePreprocess):
            raise ModelError(f"A model for the task {self.task!r} does not find lines on pages; name a detector.")
        return self.preprocess

    def to_json(self) -> str:
        """The card as one line of JSON; `parse_card` gives the same card back."""
        values = {
            "format": FORMAT,
            "task": self.task,
            "network": {"name": self.network_name, "options": dict(self.network_options)},
            "classes": list(self.classes.names),
            "preprocess": self.preprocess.to_dict(),
            "temperature": self.temperature,
            "typecase": self.version,
            "created": self.created,
            "data": [dict(one) for one in self.data],
            "training": dict(self.training),
            "figures": dict(self.figures),
            "licence": self.licence,
        }
        if self.confidence_maps:
            values["confidence_maps"] = {level: list(line) for level, line in self.confidence_maps.items()}
        return json.dumps(values, ensure_ascii=False, allow_nan=False)


def parse_card(text: str, where: str) -> ModelCard:
    """Reads a card.

    Keys that are not known are passed over: whatever changes the meaning of the known ones raises `FORMAT`.

    Args:
        text: The JSON.
        where: What messages call the file that it lay in.

    Raises:
        ModelError: It was written by a newer typecase, or something in it is missing or impossible; the message
            lists every reason that was found.
    """
    values = _json_object(text, where)
    number = values.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ModelError(
            f"{where} carries no card of typecase that can be read (its format is missing); export it again."
        )
    if number > FORMAT:
        raise ModelError(
            f"{where} was written by a newer typecase (format {number}, this one reads {FORMAT}); update typecase."
        )
    reasons: list[str] = []
    network = _mapping(values, "network", reasons, required=True)
    classes = _classes(values.get("classes"), reasons)
    preprocess = _preprocess(values.get("preprocess"), values.get("task"), reasons)
    temperature = _temperature(values.get("temperature", 1.0), reasons)
    confidence_maps = _confidence_maps(values, reasons)
    task, licence, created, version = (
        _text(values, key, reasons, required=key == "task") for key in ("task", "licence", "created", "typecase")
    )
    network_name = _text(network, "name", reasons, required=True, label="network.name")
    network_options = _mapping(network, "options", reasons, label="network.options")
    data = _mappings(values, "data", reasons)
    training, figures = (_mapping(values, key, reasons) for key in ("training", "figures"))
    if reasons or classes is None or preprocess is None:
        raise ModelError(f"{where} carries a damaged card: {'; '.join(reasons)}; fetch or export the model again.")
    return ModelCard(
        network_name=network_name,
        classes=classes,
        preprocess=preprocess,
        network_options=network_options,
        temperature=temperature,
        confidence_maps=confidence_maps,
        task=task,
        data=data,
        training=training,
        figures=figures,
        licence=licence,
        created=created,
        version=version,
    )


def _json_object(text: str, where: str) -> dict[str, Any]:
    if len(text) > MAX_CARD_BYTES:
        raise ModelError(f"{where} carries a card of more than {MAX_CARD_BYTES >> 20} MiB; it is not a typecase model.")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError(f"{where} carries a damaged card (it is not JSON); fetch or export the model again.") from None
    if not isinstance(values, dict):
        raise ModelError(f"{where} carries a damaged card (not a JSON object); fetch or export the model again.")
    return values


def _text(
    values: Mapping[str, Any], key: str, reasons: list[str], *, required: bool = False, label: str | None = None
) -> str:
    value: object = values.get(key, "")
    if not isinstance(value, str):
        reasons.append(f"{label or key} is not text")
        return ""
    if required and not value:
        reasons.append(f"{label or key} is missing")
    return value


def _mapping(
    values: Mapping[str, Any], key: str, reasons: list[str], *, required: bool = False, label: str | None = None
) -> Mapping[str, Any]:
    value = values.get(key)
    if isinstance(value, dict):
        return value
    if value is not None or required:
        reasons.append(f"{label or key} is {'missing' if value is None else 'not an object'}")
    return {}


def _mappings(values: Mapping[str, Any], key: str, reasons: list[str]) -> tuple[Mapping[str, Any], ...]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        reasons.append(f"{key} is not a list of objects")
        return ()
    return tuple(value)


def _classes(value: Any, reasons: list[str]) -> ClassSet | None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        reasons.append("classes is missing" if value is None else "classes is not a list of names")
        return None
    try:
        return ClassSet.of(value)
    except TypecaseError as error:
        reasons.append(_clause(str(error)))
        return None


def _preprocess(
    value: Any, task: Any, reasons: list[str]
) -> CharacterPreprocess | LinePreprocess | PagePreprocess | None:
    if not isinstance(value, dict):
        reasons.append("preprocess is missing" if value is None else "preprocess is not an object")
        return None
    wrong = [key for key in ("mean", "deviation") if key in value and not _is_number(value[key])]
    if wrong:
        reasons.append(f"preprocess.{' and preprocess.'.join(wrong)} must be a number")
        return None
    try:
        match task:
            case "recognizer":
                return LinePreprocess.from_dict(value)
            case "detector":
                return PagePreprocess.from_dict(value)
            case _:
                return CharacterPreprocess.from_dict(value)
    except ModelError as error:
        reasons.append(_clause(str(error)))
        return None


def _temperature(value: Any, reasons: list[str]) -> float:
    if not _is_number(value) or not value > 0:
        reasons.append("temperature must be a number above 0")
        return 1.0
    return float(value)


def _confidence_maps(values: Mapping[str, Any], reasons: list[str]) -> Mapping[str, tuple[float, ...]]:
    found = _mapping(values, "confidence_maps", reasons)
    for level, line in found.items():
        if level not in CONFIDENCE_LEVELS:
            reasons.append(f"confidence_maps.{level} is none of {', '.join(CONFIDENCE_LEVELS)}")
        elif not isinstance(line, list) or len(line) not in (2, 3) or not all(map(_is_number, line)) or not line[0] > 0:
            reasons.append(f"confidence_maps.{level} must be two or three numbers, the first above 0")
    return {} if reasons else {level: tuple(map(float, line)) for level, line in found.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _clause(sentence: str) -> str:
    """A sentence as one reason among others."""
    return sentence.rstrip(".").replace("; ", ", ")
