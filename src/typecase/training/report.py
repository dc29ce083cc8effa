"""One page that holds all there is to know about an evaluation, and the files beside it.

The page needs nothing but itself: pictures are embedded, and it forbids itself every request to the network.
"""

from __future__ import annotations

import base64
import io
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from typecase.files import atomic_write
from typecase.pictures import contact_sheet
from typecase.preprocess import PixelArray
from typecase.training import plots
from typecase.training.evaluation import ClassifierEvaluation, percent
from typecase.training.metrics import ClassFigures, ConfusedPair

PAIRS_SHOWN = 25
"""Rows of a table of confused pairs; the JSON holds them all."""

Drawing = tuple[bytes, bytes]
"""A figure as PNG, for a light and for a dark page."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an evaluation comes from: enough to do it again.

    Attributes:
        command: The command line.
        version: Version of typecase.
        created: Date and time in UTC, ISO 8601.
        machine: Processor and Python.
        model: The model's file.
        model_sha256: Its hash in hexadecimal.
        runtime: What ran it, such as `OpenVINO` or `PyTorch`.
        card: The model's card, as its JSON says it.
        data: For each data set what it was: name, path, part, split, pictures, skipped ones.
        settings: Every setting of the evaluation.
        notes: What a reader must know before the figures, such as an overlap with the training part.
    """

    command: str
    version: str
    created: str
    machine: str
    model: str
    model_sha256: str
    runtime: str
    card: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def write(
    folder: Path, evaluation: ClassifierEvaluation, provenance: Provenance, *, title: str, log: Path | None = None
) -> list[Path]:
    """Writes everything about an evaluation into a folder.

    Args:
        folder: Created where it is missing; older files of the same names are replaced, each in one step.
        evaluation: The figures, with the mistakes' pictures where they shall be seen.
        provenance: Where they come from.
        title: Heading of the page.
        log: The training's `log.csv`, for the curves.

    Returns:
        The files: `evaluation.json`, `report.html`, `confusion.png`, `recalls.png`, `reliability.png`, and
        `mistakes.png` and `curves.png` where there is something to show.

    Raises:
        InputError: The log is not one.
        OutputError: A file cannot be written.
    """
    drawings = draw(evaluation, log)
    files: dict[str, bytes] = {f"{name}.png": light for name, (light, _) in drawings.items()}
    sheet = mistakes_sheet(evaluation)
    if sheet is not None:
        files["mistakes.png"] = _png(sheet)
    files["evaluation.json"] = to_json(evaluation, provenance).encode()
    # The page comes last: where it lies, all else is complete.
    files["report.html"] = render(evaluation, provenance, drawings, title=title).encode()
    for name, content in files.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in files]


def to_json(evaluation: ClassifierEvaluation, provenance: Provenance) -> str:
    """The evaluation with its provenance as JSON; `ClassifierEvaluation.from_json` reads it."""
    values = {**evaluation.to_dict(), "provenance": asdict(provenance)}
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def draw(evaluation: ClassifierEvaluation, log: Path | None = None) -> dict[str, Drawing]:
    """Every figure of the page by its name: confusion, recalls, reliability, and curves where there is a log."""
    themes = (plots.LIGHT, plots.DARK)

    def both(figure: Any, subject: Any) -> Drawing:
        light, dark = (figure(subject, theme) for theme in themes)
        return light, dark

    drawings = {
        "confusion": both(plots.confusion_matrix, evaluation),
        "recalls": both(plots.recalls, evaluation),
        "reliability": both(plots.reliability, evaluation),
    }
    if log is not None:
        drawings["curves"] = both(plots.curves_png, log)
    return drawings


def mistakes_sheet(evaluation: ClassifierEvaluation) -> Image.Image | None:
    """A contact sheet of the surest mistakes; None where there is none, or none with a picture."""
    names = evaluation.classes.names
    items = [
        (
            _image(mistake.picture),
            f"{names[mistake.truth]} → {names[mistake.predicted]}  {percent(mistake.confidence, 1)}",
        )
        for mistake in evaluation.mistakes
        if mistake.picture is not None
    ]
    return contact_sheet(items, columns=10) if items else None


@dataclass(frozen=True)
class _Row:
    """A line of the table of classes."""

    figures: ClassFigures
    alike: bool
    pairs: list[ConfusedPair]


def render(
    evaluation: ClassifierEvaluation, provenance: Provenance, drawings: Mapping[str, Drawing], *, title: str
) -> str:
    """The page as HTML.

    Args:
        evaluation: The figures.
        provenance: Where they come from.
        drawings: What `draw` gave.
        title: Heading of the page.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("typecase.training", "templates"),
        # Class names and file names come from strangers' data.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "between": lambda proportion: f"[{_range(proportion.interval)}]",
        "interval": _range,
        "thousands": lambda count: f"{count:,}",
        "fixed": lambda value, digits: f"{value:.{digits}f}",
        "blank": lambda value: "" if value is None or math.isnan(value) else value,
        "words": lambda key: str(key).replace("_", " ").replace("-", " "),
        "plain": _plain,
    }
    names = [_visible(name) for name in evaluation.classes.names]
    rows = _rows(evaluation)
    lowest = sorted((row.figures for row in rows if row.figures.support), key=lambda row: row.recall or 0.0)[:5]
    return environment.get_template("classifier.html").render(
        title=title,
        evaluation=evaluation,
        provenance=provenance,
        names=names,
        has_case=evaluation.has_case,
        look_alike_pairs=[pair for pair in evaluation.pairs if pair.look_alike],
        other_pairs=[pair for pair in evaluation.pairs if not pair.look_alike],
        PAIRS=PAIRS_SHOWN,
        classes=rows,
        mistakes=[
            {
                "truth": mistake.truth,
                "predicted": mistake.predicted,
                "confidence": mistake.confidence,
                "name": mistake.name,
                "short": mistake.name.rsplit("/", 1)[-1],
                "uri": "" if mistake.picture is None else _data_uri(_png(_image(mistake.picture))),
            }
            for mistake in evaluation.mistakes
        ],
        figures=_Figures({name: _embedded(*drawing) for name, drawing in drawings.items()}),
        confusion_alt=_confusion_alt(evaluation.pairs, names),
        worst_alt=", ".join(f"{names[row.index]} {_percent(row.recall, 1)}" for row in lowest),
    )


class _Figures(dict[str, dict[str, Any]]):
    """Figures by name; one that was not drawn is an empty one, so that the template can ask for it."""

    def __missing__(self, name: str) -> dict[str, Any]:
        return {}


def _rows(evaluation: ClassifierEvaluation) -> list[_Row]:
    """The classes that have a picture or were predicted, the lowest F1 first."""
    alike = {index for group in evaluation.classes.look_alikes() for index in group}
    rows = [
        _Row(figures, figures.index in alike, [pair for pair in evaluation.pairs if pair.truth == figures.index][:3])
        for figures in evaluation.per_class
        if figures.f1 is not None
    ]
    return sorted(rows, key=lambda row: row.figures.f1 or 0.0)


def _confusion_alt(pairs: Sequence[ConfusedPair], names: Sequence[str]) -> str:
    if not pairs:
        return "There is no error."
    said = ", ".join(f"{names[pair.truth]} as {names[pair.predicted]} {pair.count} times" for pair in pairs[:5])
    return f"The most frequent errors: {said}."


def _embedded(light: bytes, dark: bytes) -> dict[str, Any]:
    # Width and height are the first eight bytes of a PNG's header chunk.
    width, height = struct.unpack(">II", light[16:24])
    return {"light": _data_uri(light), "dark": _data_uri(dark), "width": width, "height": height}


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _image(pixels: PixelArray) -> Image.Image:
    """Bytes [C, H, W] as a Pillow picture."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _percent(share: float | None, digits: int = 2) -> str:
    # No line shall end between the number and its sign.
    return percent(share, digits).replace(" ", "\N{NO-BREAK SPACE}")


def _range(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * low:.2f}–{_percent(high)}"


def _visible(name: str) -> str:
    """A class name as a reader can see it: blanks and control characters by their code points."""
    return name if name.isprintable() and name.strip() else " ".join(f"U+{ord(character):04X}" for character in name)


def _plain(value: Any) -> str:
    """A value from JSON or YAML as people read it."""
    if value is None or value == "" or value == [] or value == {}:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{str(key).replace('_', ' ')}: {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"({_plain(inner)})" if isinstance(inner, Mapping) else _plain(inner) for inner in value)
    return str(value)
