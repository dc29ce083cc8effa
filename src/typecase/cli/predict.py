"""`typecase predict`: which character each picture shows.

Only what every call needs is imported at the top: one picture is to be answered in half a second, start included.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from typecase.cli import output
from typecase.cli.picture_arguments import StandardInput, counted, leave, picture_sources, pixel_limit, printable

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from typecase.classifier import Alternative, Classification
    from typecase.sources import PictureSource

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

MAX_PLOTTED = 400
"""A contact sheet of more pictures can no longer be looked at."""

_LOGGER = logging.getLogger("typecase.predict")

_EXAMPLES = """
[bold]Examples[/bold]

  typecase predict letter.png

  typecase predict photos/ more/*.jpg --top 3 --json

  cat letter.png | typecase predict - --plot answer.png

Into a pipe one line a picture is written, its fields apart by tabs: path, class, confidence, then class and
confidence of each alternative. The code on leaving is 0, or 5 if some pictures could not be read, or 3 if none could.
"""


@app.command(epilog=_EXAMPLES)
def predict(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURES-OR-FOLDERS", help="Pictures, folders of them, or - for standard input."),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show, the answer among them.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, one object a picture.")] = False,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the picture with its answer, or many on a contact sheet.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FILE", help="A model from `typecase export`, in place of the shipped one.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads that compute; by default the processors, at most 4.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="The most pixels a picture may have; by default 200 million.")
    ] = None,
) -> None:
    """Say which character each picture shows, how sure that is, and what else it may be."""
    from typecase.classifier import Classifier

    limit = pixel_limit(max_pixels)
    if plot is not None:
        from typecase.pictures import check_plot_path

        check_plot_path(plot)
    sources = list(picture_sources(pictures, "predict"))
    answers = Classifier(model, threads).classify_many(sources, top, max_pixels=limit)
    done = _show(answers, len(sources), as_json)
    if plot is not None:
        _plot(sources, done, plot, limit)
    leave([answer.error for answer in done if answer.error is not None], len(done))


def _show(answers: Iterator[Classification], count: int, as_json: bool) -> list[Classification]:
    """Prints the answers, names the pictures that failed, and gives all of them back."""
    done: list[Classification] = []
    for answer in counted(answers, count):
        done.append(answer)
        if answer.error is not None and count > 1:
            _LOGGER.error(printable(answer.error))
        if not as_json and answer.error is None and not sys.stdout.isatty():
            output.print_result(_line(answer))
    if as_json:
        output.print_json([answer.to_dict() | {"path": printable(answer.path)} for answer in done])
    elif sys.stdout.isatty():
        _print_table([answer for answer in done if answer.error is None])
    return done


def _line(answer: Classification) -> str:
    fields = [printable(answer.path), str(answer.label), f"{answer.confidence:.4f}"]
    for other in answer.alternatives:
        fields += [other.label, f"{other.confidence:.4f}"]
    # A tab or a line break in the name of a file or class must not make another field of it.
    return "\t".join(field.translate({9: "\\t", 10: "\\n", 13: "\\r"}) for field in fields)


def _print_table(answers: list[Classification]) -> None:
    if not answers:
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Picture", overflow="fold")
    table.add_column("Class", style="bold")
    table.add_column("Confidence", justify="right")
    table.add_column("Alternatives", style="dim")
    for answer in answers:
        # As `Text`, for a class may be called "[" and a file "[red].png".
        table.add_row(
            Text(printable(answer.path)),
            Text(str(answer.label)),
            Text(_percent(answer.confidence or 0.0)),
            Text(_others(answer.alternatives)),
        )
    output.results().print(table)


def _plot(sources: list[Path | StandardInput], answers: list[Classification], path: str, limit: int) -> None:
    from typecase.pictures import contact_sheet, save_picture, titled

    shown = list(zip(sources, answers, strict=True))[:MAX_PLOTTED]
    if len(shown) == 1:
        [(source, answer)] = shown
        if answer.error is not None:
            return
        page = titled(
            _picture(source, limit),
            f"{answer.label}  {_percent(answer.confidence or 0.0)}",
            _others(answer.alternatives),
        )
    else:
        page = contact_sheet([_cell(source, answer, limit) for source, answer in shown])
    save_picture(page, path)
    if len(answers) > len(shown):
        _LOGGER.warning("%s shows the first %d of %d pictures.", path, len(shown), len(answers))


def _cell(source: PictureSource, answer: Classification, limit: int) -> tuple[Image.Image | None, str]:
    if answer.error is not None:
        return None, "not read"
    image = _picture(source, limit)
    # Only a small copy is kept of each, for there may be hundreds of large ones.
    image.thumbnail((256, 256))
    return image, f"{answer.label}  {_percent(answer.confidence or 0.0)}"


def _picture(source: PictureSource, limit: int) -> Image.Image:
    from typecase.sources import open_picture

    if isinstance(source, StandardInput):
        source.seek(0)
    return open_picture(source, max_pixels=limit)


def _others(alternatives: Iterable[Alternative]) -> str:
    return "   ".join(f"{other.label} {_percent(other.confidence)}" for other in alternatives)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
