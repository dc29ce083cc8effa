"""`typecase average`: the mean of several trained weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from typecase.cli import output

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase average models/lines.safetensors runs/more/model.safetensors "
    "--out mean.safetensors\n\n"
    "  typecase average a.safetensors b.safetensors --share 0.4 --share 0.6 --out mean.safetensors",
)
def average(
    models: Annotated[list[Path], typer.Argument(help="Trained weights, *.safetensors.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    share: Annotated[
        list[float] | None,
        typer.Option("--share", metavar="NUMBER", help="How much a file counts, in their order; all the same if none."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Make the mean of weights whose trainings went on from the same ones; it often reads better than any of them."""
    output.check_free(out, overwrite)

    from typecase.training.averaging import average_models

    average_models(models, out, share or ())
    output.print_result(str(out))
