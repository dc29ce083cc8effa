"""`typecase evaluate`: what a trained network is worth on pictures it has not seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from typecase.cli import output
from typecase.cli.data_arguments import data_overrides
from typecase.errors import UsageError

if TYPE_CHECKING:
    from typecase.text_score import SetScore
    from typecase.training.evaluate_classifier import Evaluated
    from typecase.training.evaluate_recognizer import EvaluatedRecognizer

app = typer.Typer(rich_markup_mode="rich", add_completion=False, no_args_is_help=True)

PAIRS_SHOWN = 5
"""Rows of the table of confused pairs on a terminal."""

CONFUSIONS_SHOWN = 10
"""Confused characters that are listed on a terminal."""


@app.callback()
def evaluate() -> None:
    """Measure a trained network on pictures it has not seen."""


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase evaluate classifier runs/print/model.safetensors --data EnglishFnt.tgz --out report\n\n"
        "  typecase evaluate classifier model.onnx --data photos=EnglishImg.tgz --data letters/ --split all\n\n"
        "  typecase evaluate classifier model.onnx --data EnglishFnt.tgz --split-by group --json -"
    ),
)
def classifier(
    model: Annotated[
        Path,
        typer.Argument(help="Trained weights, *.safetensors, or an exported *.onnx.", show_default=False),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="Archive or folder of pictures; may be given several times.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="What lies there (typecase data list), if it is not found out."),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--split", metavar="test|validation|train|all", help="The part to measure.")
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(
            "--split-by",
            metavar="random|group|journey",
            help="Divide the data this way, not as the model's card records it.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of a division with --split-by.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Where report.html, evaluation.json and pictures go."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON; - prints them.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "--batch", help="Pictures at a time.")] = None,
    max_bad: Annotated[
        float | None, typer.Option("--max-bad", help="Share of pictures that may be unreadable.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads that compute.")] = None,
    config_file: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any setting, such as flip=never; `config.yaml` in --out lists them."
        ),
    ] = None,
) -> None:
    """Measure a classifier of single characters.

    By default the data is divided as the model's card records it, so that the test part holds what the training never
    saw. A warning says where measured pictures were trained on all the same.
    """
    from typecase import config
    from typecase.training.evaluate_classifier import (
        EvaluateClassifierSettings,
        evaluate_classifier,
        write_evaluation,
    )
    from typecase.training.report import to_json

    if seed is not None and split_by is None:
        raise UsageError("--seed belongs to a division of your own; give --split-by as well.")
    if kind is not None and not data:
        raise UsageError("--kind says what --data holds; give --data as well.")
    overrides: dict[str, object] = {
        "model": model,
        "part": part,
        "split.by": split_by,
        "split.seed": seed,
        "batch-size": batch_size,
        "max-bad": max_bad,
        "threads": threads,
    }
    overrides |= data_overrides(data or [], kind)
    overrides |= config.parse_assignments(assignments or [])
    settings = config.load(EvaluateClassifierSettings, config_file, overrides)

    with output.progress() as bar:
        decode = bar.add_task("decoding", total=None, visible=False)
        read = bar.add_task("reading", total=None, visible=False)
        found = evaluate_classifier(
            settings,
            command=["typecase", *sys.argv[1:]],
            decoding=lambda done: bar.update(decode, completed=done, visible=True),
            progress=lambda done, total: bar.update(read, completed=done, total=total, visible=True),
        )
    _tell_notes(found.provenance.notes)
    if out is not None:
        write_evaluation(found, settings, out)
    if not _wrote_json(json_file, lambda: to_json(found.evaluation, found.provenance)):
        _print_tables(found)
    if out is not None:
        output.messages().print(f"The report is {out / 'report.html'}", soft_wrap=True)


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase evaluate recognizer runs/lines/model.safetensors --data my=lines/labels.jsonl --out report\n\n"
        "  typecase evaluate recognizer lines.onnx --data sroie:receipts/ --data funsd:forms/ --out report\n\n"
        "  typecase evaluate recognizer lines.onnx --data words/ --mode word --json -"
    ),
)
def recognizer(
    model: Annotated[
        Path,
        typer.Argument(help="An exported *.onnx, or trained weights, *.safetensors.", show_default=False),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="A labels.jsonl or its folder, receipts (sroie) or forms (funsd); may be given several times.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="line|word|char", help="What the pictures show.")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option("--decoder", metavar="greedy|beam", help="How text is found in the net's answers.")
    ] = None,
    language_model: Annotated[
        str | None,
        typer.Option("--language-model", metavar="FILE|none", help="What is likely to be written, where it is unsure."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Where report.html, evaluation.json and pictures go."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON; - prints them.")
    ] = None,
    worst: Annotated[int | None, typer.Option("--worst", help="How many of the worst lines are shown.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="auto|f32|bf16", help="Of the arithmetic.")
    ] = None,
    max_bad: Annotated[float | None, typer.Option("--max-bad", help="Share of lines that may be unreadable.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads that compute.")] = None,
    config_file: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, such as data.my.folded=true; `config.yaml` in --out lists them.",
        ),
    ] = None,
) -> None:
    """Measure a recogniser of whole lines.

    Lines are read as `typecase read` reads them. Of receipts (sroie) those are measured that are never trained on, and
    case does not count with them, for their truth has none.
    """
    from typecase import config
    from typecase.training.evaluate_recognizer import (
        EvaluateRecognizerSettings,
        evaluate_recognizer,
        write_evaluation,
    )
    from typecase.training.line_report import to_json

    overrides: dict[str, object] = {
        "model": model,
        "mode": mode,
        "decoder": decoder,
        "language-model": language_model,
        "worst": worst,
        "precision": precision,
        "max-bad": max_bad,
        "threads": threads,
    }
    overrides |= data_overrides(data or [])
    overrides |= config.parse_assignments(assignments or [])
    settings = config.load(EvaluateRecognizerSettings, config_file, overrides)
    with output.progress() as bar:
        read = bar.add_task("reading", total=None)
        found = evaluate_recognizer(
            settings,
            command=["typecase", *sys.argv[1:]],
            progress=lambda done: bar.update(read, completed=done),
        )
    _tell_notes(found.provenance.notes)
    if out is not None:
        write_evaluation(found, settings, out)
    if not _wrote_json(json_file, lambda: to_json(found.evaluation, found.provenance)):
        _print_line_tables(found)
    if out is not None:
        output.messages().print(f"The report is {out / 'report.html'}", soft_wrap=True)


def _tell_notes(notes: Iterable[str]) -> None:
    for note in notes:
        output.messages().print(f"Note: {note}", style="yellow", soft_wrap=True)


def _wrote_json(json_file: Path | None, text: Callable[[], str]) -> bool:
    """Writes the figures where a file is named; tells whether they went to standard output, which is then full."""
    from typecase.files import atomic_write

    if json_file is None:
        return False
    if json_file == Path("-"):
        output.print_result(text())
        return True
    with atomic_write(json_file) as temporary:
        temporary.write_text(text(), encoding="utf-8")
    return False


def _print_tables(found: Evaluated) -> None:
    from rich import box
    from rich.table import Table

    from typecase.training.evaluation import percent

    evaluation = found.evaluation
    names = evaluation.classes.names
    console = output.results()
    figures = Table(
        title=f"{found.title}, {evaluation.count:,} pictures", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for heading, side in (("", "left"), ("", "right"), ("95 % interval", "right"), ("of", "right")):
        figures.add_column(heading, justify=side)  # type: ignore[arg-type]
    for label, share in evaluation.headline:
        low, high = share.interval
        figures.add_row(label, percent(share.value), f"{percent(low)} to {percent(high)}", f"{share.total:,}")
    figures.add_row("Loss", f"{evaluation.loss:.4f}", "", "")
    figures.add_row("Expected calibration error", percent(evaluation.calibration.error), "", "")
    for source in evaluation.sources:
        low, high = source.top1.interval
        figures.add_row(
            f"Top-1 on {source.name}",
            percent(source.top1.value),
            f"{percent(low)} to {percent(high)}",
            f"{source.top1.total:,}",
        )
    console.print(figures)
    alike = evaluation.look_alikes
    if alike.groups and alike.errors.total:
        console.print(
            f"{percent(alike.errors.value, 1)} of the {alike.errors.total:,} errors are between look-alikes.",
            soft_wrap=True,
        )
    for title, look_alike in (("Look-alikes", True), ("Other pairs" if alike.groups else "Pairs", False)):
        pairs = [pair for pair in evaluation.pairs if pair.look_alike == look_alike][:PAIRS_SHOWN]
        if pairs:
            listed = ", ".join(f"{names[pair.truth]} → {names[pair.predicted]} {pair.count:,}" for pair in pairs)
            console.print(f"{title} most often confused: {listed}.", soft_wrap=True)


def _print_line_tables(found: EvaluatedRecognizer) -> None:
    from rich import box
    from rich.table import Table

    from typecase.training.evaluation import percent
    from typecase.training.line_report import named

    evaluation = found.evaluation
    table = Table(
        title=f"{found.title}, {evaluation.count:,} lines", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for heading, side in (
        ("", "left"),
        ("Lines", "right"),
        ("Character errors", "right"),
        ("95 % interval", "right"),
        ("Word errors", "right"),
        ("Lines right", "right"),
        ("95 % interval", "right"),
    ):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]

    def row(name: str, score: SetScore) -> None:
        characters, lines = score.characters, score.lines
        table.add_row(
            name,
            f"{lines.total:,}",
            percent(characters.value),
            f"{100 * characters.low:.2f} – {percent(characters.high)}",
            percent(score.words.value),
            percent(lines.value),
            f"{100 * lines.interval[0]:.2f} – {percent(lines.interval[1])}",
        )

    for name, score in evaluation.sources:
        row(name, score)
    row("all" if evaluation.sources else found.provenance.data[0]["name"], evaluation.score)
    console = output.results()
    console.print(table)
    spaces = evaluation.spaces
    sentences = [
        f"Of {spaces.true:,} spaces {spaces.lost:,} were lost and {spaces.added:,} added: "
        f"{spaces.edits:,} of {evaluation.score.characters.errors:,} character errors."
    ]
    if evaluation.calibration is not None:
        sentences.append(f"Expected calibration error of words: {percent(evaluation.calibration.error)}.")
    if evaluation.box_iou is not None:
        sentences.append(
            f"Mean overlap of {evaluation.boxes:,} character boxes with the true ones: {evaluation.box_iou:.3f}."
        )
    if evaluation.confusions:
        listed = ", ".join(
            f"{named(one.truth)} → {named(one.read)} {one.count:,}" for one in evaluation.confusions[:CONFUSIONS_SHOWN]
        )
        sentences.append(f"Most often confused: {listed}.")
    if evaluation.speed is not None:
        sentences.append(f"{evaluation.speed:,.0f} lines a second ({found.provenance.runtime}).")
    for sentence in sentences:
        console.print(sentence, soft_wrap=True)
