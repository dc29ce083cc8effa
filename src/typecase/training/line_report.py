"""One page that holds all there is to know about the evaluation of a recogniser, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from typecase.text_score import SetScore
from typecase.training import plots
from typecase.training.line_evaluation import RecognizerEvaluation
from typecase.training.line_sheet import line_sheet
from typecase.training.page import (
    Drawing,
    Figures,
    Provenance,
    both_themes,
    data_uri,
    environment,
    png_bytes,
    visible,
    write_files,
)

CONFUSIONS_SHOWN = 40
"""Rows of the table of confused characters; the JSON holds them all."""

_WIDEST = 1200
_HIGHEST = 96


def write(folder: Path, evaluation: RecognizerEvaluation, provenance: Provenance, *, title: str) -> list[Path]:
    """Writes everything about an evaluation into a folder.

    Args:
        folder: Created where it is missing; older files of the same names are replaced, each in one step.
        evaluation: The figures, with the worst lines' pictures where they shall be seen.
        provenance: Where they come from.
        title: Heading of the page.

    Returns:
        The files: `evaluation.json`, `report.html`, `lengths.png`, and `reliability.png` and `worst.png` where there
        is something to show.

    Raises:
        OutputError: A file cannot be written.
    """
    drawings = draw(evaluation)
    files: dict[str, bytes] = {f"{name}.png": light for name, (light, _) in drawings.items()}
    sheet = worst_sheet(evaluation)
    if sheet is not None:
        files["worst.png"] = png_bytes(sheet)
    files["evaluation.json"] = to_json(evaluation, provenance).encode()
    # The page comes last: where it lies, all else is complete.
    files["report.html"] = render(evaluation, provenance, drawings, title=title).encode()
    return write_files(folder, files)


def to_json(evaluation: RecognizerEvaluation, provenance: Provenance) -> str:
    """The evaluation with its provenance as JSON."""
    values = {**evaluation.to_dict(), "provenance": asdict(provenance)}
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def draw(evaluation: RecognizerEvaluation) -> dict[str, Drawing]:
    """Every figure of the page by its name: lengths, and reliability where a word was read."""
    rows = [(length_name(least, most), score.characters) for least, most, score in evaluation.lengths if least]
    drawings = {"lengths": both_themes(plots.error_rates, rows)} if rows else {}
    if evaluation.calibration is not None:
        drawings["reliability"] = both_themes(plots.reliability, evaluation.calibration)
    return drawings


def worst_sheet(evaluation: RecognizerEvaluation) -> Image.Image | None:
    """A contact sheet of the worst lines; None where there is none, or none with a picture."""
    items = [(line.picture, line.truth, line.read) for line in evaluation.worst if line.picture is not None]
    return line_sheet(items) if items else None


def length_name(least: int, most: int | None) -> str:
    """What a range of lengths is called."""
    if most is None:
        return f"{least} and more"
    return str(least) if least == most else f"{least} to {most}"


def render(
    evaluation: RecognizerEvaluation, provenance: Provenance, drawings: Mapping[str, Drawing], *, title: str
) -> str:
    """The page as HTML.

    Args:
        evaluation: The figures.
        provenance: Where they come from.
        drawings: What `draw` gave.
        title: Heading of the page.
    """
    lengths: list[tuple[str, SetScore]] = [
        (length_name(least, most), score) for least, most, score in evaluation.lengths
    ]
    return (
        environment()
        .get_template("recognizer.html")
        .render(
            title=title,
            evaluation=evaluation,
            provenance=provenance,
            lengths=lengths,
            confusions=[
                {"truth": named(one.truth), "read": named(one.read), "count": one.count, "of": one.of}
                for one in evaluation.confusions[:CONFUSIONS_SHOWN]
            ],
            worst=[
                {"line": line, "uri": "" if line.picture is None else data_uri(png_bytes(_small(line.picture)))}
                for line in evaluation.worst
            ],
            figures=Figures.of(drawings),
        )
    )


def named(character: str) -> str:
    """A character of a confusion as people can see it; an empty one was lost or added."""
    if not character:
        return "(nothing)"
    return "(space)" if character == " " else visible(character)


def _small(picture: Image.Image) -> Image.Image:
    shown = picture.copy()
    shown.thumbnail((_WIDEST, _HIGHEST))
    return shown
