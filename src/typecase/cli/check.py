"""`typecase check`: what is installed, how it runs on this machine, and whether it reads."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
import time
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from typecase import __version__
from typecase.cli import output
from typecase.errors import ModelError

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

SAMPLE = "check.png"
"""The picture within the package that is read."""

SAMPLE_TEXT = ("typecase reads this page.", "12 pages, 345 words")
"""What it says."""

LIKE_ENOUGH = 0.9
"""The test is of this installation: a wrong letter is the model's affair, rubbish is the machine's."""

# What speeds reading up, as Linux names it.
_CPU_FEATURES = ("sse4_2", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16")

# For each extra, a library that only it brings.
_EXTRAS = {"train": "torch", "serve": "fastapi", "heic": "pillow_heif", "ocrmypdf": "ocrmypdf"}

_LIBRARIES = ("openvino", "numpy", "Pillow", "opencv-python-headless", "pypdfium2", "pikepdf")


@app.command(epilog="[bold]Examples[/bold]\n\n  typecase check\n\n  typecase check --json | jq .reading")
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what is installed and how it runs here, and read a picture that comes with the program.

    Leaves with 0 if the picture is read nearly as it should be, else with 4.
    """
    facts = _facts()
    try:
        facts["reading"] = _reading(facts["runtime"])
    except ModelError as error:
        facts["reading"] = {"passed": False, "error": str(error)}
    if as_json:
        output.print_json(facts)
    else:
        _print(facts)
    reading = facts["reading"]
    if not reading["passed"]:
        raise ModelError(
            reading.get("error")
            or f"The picture that comes with the program says {' / '.join(SAMPLE_TEXT)!r}, and "
            f"{' / '.join(reading['text'])!r} was read; install typecase again."
        )


def _facts() -> dict[str, Any]:
    from typecase.cores import usable_cores
    from typecase.decoding.decoder import SHIPPED_LANGUAGE_MODEL
    from typecase.files import sha256_of
    from typecase.runtime.onnx_file import read_onnx
    from typecase.runtime.openvino import default_threads

    models = []
    with resources.as_file(resources.files("typecase") / "weights") as folder:
        for path in sorted(folder.glob("*.onnx")):
            model = read_onnx(path)
            models.append(
                {
                    "name": path.stem,
                    "task": model.card.task,
                    "bytes": len(model.content),
                    "created": model.card.created,
                    "sha256": model.sha256,
                }
            )
    models.append(
        {
            "name": SHIPPED_LANGUAGE_MODEL.stem,
            "task": "language model",
            "bytes": SHIPPED_LANGUAGE_MODEL.stat().st_size,
            "created": None,
            "sha256": sha256_of(SHIPPED_LANGUAGE_MODEL),
        }
    )
    return {
        "typecase": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
        "runtime": {
            "name": f"OpenVINO {_version('openvino')}",
            "device": "CPU",
            "precision": None,
            "threads": default_threads(),
        },
        "models": models,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "extras": {extra: importlib.util.find_spec(module) is not None for extra, module in _EXTRAS.items()},
        "pictures": _picture_kinds(),
    }


def _processor() -> dict[str, Any]:
    name, flags = platform.processor(), set()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
        name = found[1]
    if found := re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE):
        flags = set(found[1].split())
    return {"name": name or platform.machine(), "features": [one for one in _CPU_FEATURES if one in flags]}


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _picture_kinds() -> dict[str, bool]:
    """Which kinds of pictures can be opened here; some depend on how Pillow was built."""
    from PIL import features

    from typecase.sources import FORMATS

    built = {"WebP": "webp", "AVIF": "avif", "JPEG 2000": "jpg_2000"}
    kinds = {}
    for kind in FORMATS:
        if kind.extra:
            kinds[kind.name] = importlib.util.find_spec(kind.module) is not None
        else:
            kinds[kind.name] = bool(features.check(built[kind.name])) if kind.name in built else True
    return kinds


def _reading(runtime: dict[str, Any]) -> dict[str, Any]:
    """Reads the sample; tells the precision that was chosen, too."""
    start = time.perf_counter()
    from typecase.reader import Reader

    reader = Reader()
    runtime["precision"] = reader.recognizer.precision
    content = (resources.files("typecase") / "samples" / SAMPLE).read_bytes()
    opened = time.perf_counter()
    document = reader.read(content, name=SAMPLE)
    read = time.perf_counter()
    reader.read(content, name=SAMPLE)
    text = [line.text for line in document.lines]
    return {
        "passed": _likeness(text) >= LIKE_ENOUGH,
        "text": text,
        "confidence": round(min((word.confidence for word in document.words), default=0.0), 4),
        "seconds": {
            "open": round(opened - start, 3),
            "first": round(read - opened, 3),
            "again": round(time.perf_counter() - read, 3),
        },
    }


def _likeness(text: list[str]) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, "\n".join(text), "\n".join(SAMPLE_TEXT), autojunk=False).ratio()


def _print(facts: dict[str, Any]) -> None:
    runtime, processor = facts["runtime"], facts["processor"]
    rows = [
        ("typecase", f"{facts['typecase']} in {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}"),
        ("Python", f"{facts['python']} ({sys.executable})"),
        ("System", facts["system"]),
        ("Processor", f"{processor['name']}, {facts['cores']} cores: {' '.join(processor['features']) or 'plain'}"),
        (
            "Runtime",
            f"{runtime['name']} on {runtime['device']}, {runtime['precision'] or 'no model'}, "
            f"{runtime['threads']} threads",
        ),
    ]
    for model in facts["models"]:
        rows.append((f"Model {model['name']}", f"{model['task']}, {model['bytes'] / 1e6:.1f} MB, {model['sha256']}"))
    rows.append(
        ("Libraries", ", ".join(f"{name} {version or 'missing'}" for name, version in facts["libraries"].items()))
    )
    for extra, present in facts["extras"].items():
        rows.append((f"Extra {extra}", "installed" if present else f"not installed; pip install 'typecase[{extra}]'"))
    rows.append(("Pictures", ", ".join(kind for kind, present in facts["pictures"].items() if present)))
    missing = [kind for kind, present in facts["pictures"].items() if not present]
    if missing:
        rows.append(("", f"not here: {', '.join(missing)}"))
    reading = facts["reading"]
    if reading["passed"]:
        seconds = reading["seconds"]
        rows.append(
            (
                "Reading",
                f"passed: {' / '.join(reading['text'])!r}, confidence {reading['confidence']:.2f}; opened in "
                f"{seconds['open']:.2f} s, read in {seconds['first']:.2f} s, again in {seconds['again']:.3f} s",
            )
        )
    else:
        rows.append(("Reading", "FAILED"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        output.print_result(f"{name:<{width}}  {value}")
