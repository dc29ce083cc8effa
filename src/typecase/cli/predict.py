"""`typecase predict`: which character each picture shows.

Only what every call needs is imported at the top: one picture is to be answered in half a second, start included.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from typecase.cli import output
from typecase.errors import InputError, SomeInputsError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from typecase.classifier import Alternative, Classification
    from typecase.sources import PictureSource

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

MAX_PLOTTED = 400
"""A contact sheet of more pictures can no longer be looked at."""

_PROGRESS_FROM = 200
"""Fewer pictures are done before a progress bar can be read."""

_LOGGER = logging.getLogger("typecase.predict")

_EXAMPLES = """
[bold]Examples[/bold]

  typecase predict letter.png

  typecase predict photos/ more/*.jpg --top 3 --json

  cat letter.png | typecase predict - --plot answer.png

Into a pipe one line a picture is written, its fields apart by tabs: path, class, confidence, then class and
confidence of each alternative. The code on leaving is 0, or 5 if some pictures could not be read, or 3 if none could.
"""


class _StandardInput(io.BytesIO):
    """What came through standard input, so that it can be read twice; answers call it by its name."""

    name = "-"


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
    from PIL import Image

    from typecase.classifier import Classifier
    from typecase.sources import MAX_PIXELS

    limit = MAX_PIXELS if max_pixels is None else max_pixels
    if plot is not None:
        from typecase.pictures import check_plot_path

        check_plot_path(plot)
    # A few of Pillow's decoders look at its own limit besides; this process is ours, so the two are made one.
    Image.MAX_IMAGE_PIXELS = limit
    # Pillow warns of oddities inside a file that was read all the same; nobody can do anything about them here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    sources = list(_sources(pictures))
    answers = Classifier(model, threads).classify_many(sources, top, max_pixels=limit)
    done = _show(answers, len(sources), as_json)
    if plot is not None:
        _plot(sources, done, plot, limit)
    _leave(done)


def _sources(arguments: Iterable[str]) -> Iterator[Path | _StandardInput]:
    from typecase.sources import MAX_STREAM_BYTES, find_pictures

    waiting = True
    for argument in arguments:
        if argument != "-":
            yield from find_pictures([argument])
        elif waiting:
            if sys.stdin.isatty():
                raise UsageError("- reads a picture from standard input; send one: typecase predict - < letter.png")
            waiting = False
            # One byte above the limit is enough for it to be refused later, by name, like any other.
            yield _StandardInput(sys.stdin.buffer.read(MAX_STREAM_BYTES + 1))


def _show(answers: Iterator[Classification], count: int, as_json: bool) -> list[Classification]:
    """Prints the answers, names the pictures that failed, and gives all of them back."""
    done: list[Classification] = []
    for answer in _counted(answers, count):
        done.append(answer)
        if answer.error is not None and count > 1:
            _LOGGER.error(_printable(answer.error))
        if not as_json and answer.error is None and not sys.stdout.isatty():
            output.print_result(_line(answer))
    if as_json:
        output.print_json([answer.to_dict() | {"path": _printable(answer.path)} for answer in done])
    elif sys.stdout.isatty():
        _print_table([answer for answer in done if answer.error is None])
    return done


def _counted(answers: Iterator[Classification], count: int) -> Iterator[Classification]:
    """The answers, with a progress bar where there are many and nothing else is written to the screen."""
    if count < _PROGRESS_FROM or not sys.stderr.isatty():
        yield from answers
        return
    with output.progress() as progress:
        task = progress.add_task("Pictures", total=count)
        for answer in answers:
            yield answer
            progress.advance(task)


def _line(answer: Classification) -> str:
    fields = [_printable(answer.path), str(answer.label), f"{answer.confidence:.4f}"]
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
            Text(_printable(answer.path)),
            Text(str(answer.label)),
            Text(_percent(answer.confidence or 0.0)),
            Text(_others(answer.alternatives)),
        )
    output.results().print(table)


def _plot(sources: list[Path | _StandardInput], answers: list[Classification], path: str, limit: int) -> None:
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

    if isinstance(source, _StandardInput):
        source.seek(0)
    return open_picture(source, max_pixels=limit)


def _leave(answers: list[Classification]) -> None:
    """Raises what the exit code stands for when pictures could not be read."""
    failed = [answer for answer in answers if answer.error is not None]
    if not failed:
        return
    if len(answers) == 1:
        raise InputError(_printable(str(failed[0].error)))
    if len(failed) == len(answers):
        raise InputError(f"None of the {len(answers)} pictures could be read; the reasons stand above.")
    raise SomeInputsError(f"{len(failed)} of {len(answers)} pictures could not be read; the others were done.")


def _others(alternatives: Iterable[Alternative]) -> str:
    return "   ".join(f"{other.label} {_percent(other.confidence)}" for other in alternatives)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _printable(text: str) -> str:
    """A path as text: its bytes may be none that any encoding knows, which Python keeps as lone surrogates."""
    return os.fsencode(text).decode("utf-8", "replace")
