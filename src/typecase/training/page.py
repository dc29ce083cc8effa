"""What the pages about an evaluation have in common: where it comes from, and how values and pictures are set.

A page needs nothing but itself: pictures are embedded, and it forbids itself every request to the network.
"""

from __future__ import annotations

import base64
import io
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from PIL import Image

from typecase.files import atomic_write
from typecase.training import plots
from typecase.training.evaluation import percent
from typecase.training.plots import Theme

Drawing = tuple[bytes, bytes]
"""A figure as PNG, for a light and for a dark page."""

Subject = TypeVar("Subject")


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


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Writes files by name into a folder, each in one step, in their order.

    Raises:
        OutputError: A file cannot be written.
    """
    for name, content in files.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in files]


def both_themes(figure: Callable[[Subject, Theme], bytes], subject: Subject) -> Drawing:
    """Draws a figure for a light and for a dark page."""
    return figure(subject, plots.LIGHT), figure(subject, plots.DARK)


def environment() -> jinja2.Environment:
    """What turns the templates into pages, with the filters that they use."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("typecase.training", "templates"),
        # Class names and file names come from strangers' data.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "percent": page_percent,
        "between": lambda proportion: f"[{_range(proportion.interval)}]",
        "interval": _range,
        "thousands": lambda count: f"{count:,}",
        "fixed": lambda value, digits: f"{value:.{digits}f}",
        "blank": lambda value: "" if value is None or math.isnan(value) else value,
        "words": lambda key: str(key).replace("_", " ").replace("-", " "),
        "plain": _plain,
    }
    return found


class Figures(dict[str, dict[str, Any]]):
    """Figures by name; one that was not drawn is an empty one, so that a template can ask for it."""

    @classmethod
    def of(cls, drawings: Mapping[str, Drawing]) -> Figures:
        """Takes drawings by name."""
        return cls({name: _embedded(*drawing) for name, drawing in drawings.items()})

    def __missing__(self, name: str) -> dict[str, Any]:
        return {}


def _embedded(light: bytes, dark: bytes) -> dict[str, Any]:
    # Width and height are the first eight bytes of a PNG's header chunk.
    width, height = struct.unpack(">II", light[16:24])
    return {"light": data_uri(light), "dark": data_uri(dark), "width": width, "height": height}


def data_uri(png: bytes) -> str:
    """A PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def png_bytes(image: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def page_percent(share: float | None, digits: int = 2) -> str:
    """A share as a page shows it."""
    # No line shall end between the number and its sign.
    return percent(share, digits).replace(" ", "\N{NO-BREAK SPACE}")


def _range(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * low:.2f}–{page_percent(high)}"


def visible(name: str) -> str:
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
