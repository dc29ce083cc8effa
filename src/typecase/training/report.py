"""One page that holds all there is to know about the evaluation of a classifier, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from typecase.pictures import contact_sheet
from typecase.preprocess import PixelArray
from typecase.training import plots
from typecase.training.evaluation import ClassifierEvaluation, percent
from typecase.training.metrics import ClassFigures, ConfusedPair
from typecase.training.page import (
    Drawing,
    Figures,
    Provenance,
    both_themes,
    data_uri,
    environment,
    page_percent,
    png_bytes,
    visible,
    write_files,
)

__all__ = ["Drawing", "Provenance", "draw", "mistakes_sheet", "render", "to_json", "write"]

PAIRS_SHOWN = 25
"""Rows of a table of confused pairs; the JSON holds them all."""


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
        files["mistakes.png"] = png_bytes(sheet)
    files["evaluation.json"] = to_json(evaluation, provenance).encode()
    # The page comes last: where it lies, all else is complete.
    files["report.html"] = render(evaluation, provenance, drawings, title=title).encode()
    return write_files(folder, files)


def to_json(evaluation: ClassifierEvaluation, provenance: Provenance) -> str:
    """The evaluation with its provenance as JSON; `ClassifierEvaluation.from_json` reads it."""
    values = {**evaluation.to_dict(), "provenance": asdict(provenance)}
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def draw(evaluation: ClassifierEvaluation, log: Path | None = None) -> dict[str, Drawing]:
    """Every figure of the page by its name: confusion, recalls, reliability, and curves where there is a log."""
    drawings = {
        "confusion": both_themes(plots.confusion_matrix, evaluation),
        "recalls": both_themes(plots.recalls, evaluation),
        "reliability": both_themes(plots.reliability, evaluation.calibration),
    }
    if log is not None:
        drawings["curves"] = both_themes(plots.curves_png, log)
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
    names = [visible(name) for name in evaluation.classes.names]
    rows = _rows(evaluation)
    lowest = sorted((row.figures for row in rows if row.figures.support), key=lambda row: row.recall or 0.0)[:5]
    return (
        environment()
        .get_template("classifier.html")
        .render(
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
                    "uri": "" if mistake.picture is None else data_uri(png_bytes(_image(mistake.picture))),
                }
                for mistake in evaluation.mistakes
            ],
            figures=Figures.of(drawings),
            confusion_alt=_confusion_alt(evaluation.pairs, names),
            worst_alt=", ".join(f"{names[row.index]} {page_percent(row.recall, 1)}" for row in lowest),
        )
    )


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


def _image(pixels: PixelArray) -> Image.Image:
    """Bytes [C, H, W] as a Pillow picture."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
