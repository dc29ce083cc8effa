"""`typecase export`: trained weights into a file that runs without PyTorch."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from typecase.cli import output
from typecase.errors import UsageError

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


class Precision(enum.StrEnum):
    """In how many bits weights are stored, and convolutions computed."""

    float16 = enum.auto()
    float32 = enum.auto()
    int8 = enum.auto()


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase export runs/runes/model.safetensors --out runes.onnx\n\n"
    "  typecase predict --model runes.onnx stone.jpg",
)
def export(
    model: Annotated[Path, typer.Argument(help="Trained weights, *.safetensors.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write; by default beside MODEL.")
    ] = None,
    precision: Annotated[
        Precision,
        typer.Option(
            "--precision",
            help="Bits of a stored weight; int8 also computes most layers in 8 bits, the rest is kept in 16.",
        ),
    ] = Precision.float16,
    calibrate: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibrate",
            metavar="PATH",
            help="For int8: pictures of what it is to read, or a folder of them; may be given several times.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Turn trained weights into ONNX, and check that both give the same answers."""
    target = out if out is not None else model.with_suffix(".onnx")
    output.check_free(target, overwrite)

    if (precision is Precision.int8) != bool(calibrate):
        raise UsageError(
            "8 bits need pictures to measure ranges on, and nothing else does: give --precision int8 together with "
            "--calibrate PATH."
        )

    from typecase.modelfile import load_model
    from typecase.training.export import export_onnx
    from typecase.training.quantization import calibration_canvases

    module, card = load_model(model)
    canvases = calibration_canvases(card, calibrate) if calibrate else []
    parity = export_onnx(module, card, target, half=precision is not Precision.float32, calibration=canvases)
    output.messages().print(
        f"Checked on {parity.pictures} pictures: same answer on {parity.answers:.2%}, probabilities differ by at most "
        f"{parity.probabilities:.5f}, logits by {parity.logits:.4f}.",
        highlight=False,
    )
    output.print_result(str(target))
