"""`typecase export`: trained weights into a file that runs without PyTorch."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from typecase.cli import output
from typecase.errors import OutputError

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


class Precision(enum.StrEnum):
    """In how many bits weights are stored."""

    float16 = enum.auto()
    float32 = enum.auto()


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase export runs/runes/model.safetensors --out runes.onnx\n\n"
    "  typecase predict --model runes.onnx stone.jpg",
)
def export(
    model: Annotated[Path, typer.Argument(help="Trained weights, *.safetensors.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write; by default beside MODEL.")
    ] = None,
    precision: Annotated[Precision, typer.Option("--precision", help="Bits of a stored weight.")] = Precision.float16,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Turn trained weights into ONNX, and check that both give the same answers."""
    target = out if out is not None else model.with_suffix(".onnx")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} is there already; name another file with --out, or use --overwrite.")

    from typecase.modelfile import load_model
    from typecase.training.export import export_onnx

    module, card = load_model(model)
    parity = export_onnx(module, card, target, half=precision is Precision.float16)
    output.messages().print(
        f"Checked on {parity.pictures} pictures: same answer on {parity.answers:.0%}, probabilities differ by at most "
        f"{parity.probabilities:.5f}, logits by {parity.logits:.4f}.",
        highlight=False,
    )
    output.print_result(str(target))
