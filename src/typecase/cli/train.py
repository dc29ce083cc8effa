"""`typecase train`: a network of one's own from pictures of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from typecase.cli import output
from typecase.cli.data_arguments import data_overrides
from typecase.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from typecase.training.settings import TrainClassifierSettings

app = typer.Typer(rich_markup_mode="rich", add_completion=False, no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train a network of your own."""


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  typecase train classifier --data EnglishFnt.tgz --out runs/print\n\n"
        "  typecase train classifier --data runes/ --start-from models/characters.safetensors --out runs/runes\n\n"
        "  typecase train classifier --recipe replica --data EnglishFnt.tgz --out runs/replica\n\n"
        "  typecase train classifier --out runs/print --resume"
    ),
)
def classifier(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="[NAME=][KIND:]PATH",
            help="Archive or folder of pictures; may be given several times.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the model, its log and its curves go.")
    ] = Path("runs/classifier"),
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Settings that come with typecase, such as replica.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Your settings as YAML.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, such as optimizer.learning-rate=0.001; --settings lists them.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in --out.")] = False,
    network: Annotated[
        str | None, typer.Option("--network", help="A network of `typecase models`.", show_default=False)
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="MODEL", help="Weights to fine-tune; the classes may differ."),
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option("--split-by", metavar="random|group|journey", help="How the data is divided.", show_default=False),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the data.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Pictures a step.", show_default=False)] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Largest step size.", show_default=False)
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", help="Stop after so many epochs that bring nothing.", show_default=False),
    ] = None,
    max_bad: Annotated[
        float | None,
        typer.Option("--max-bad", help="Share of pictures that may be unreadable.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, order and variations.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="auto|float32|bfloat16", help="Of the arithmetic.")
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option("--accelerator", metavar="auto|cpu|cuda|mps", help="What to compute on.")
    ] = None,
    devices: Annotated[
        int | None, typer.Option("--devices", help="Devices, or processes on a CPU.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads on a CPU; 0 is one a core.", show_default=False)
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            metavar="DIR",
            envvar="TYPECASE_DATA",
            help="Where relative paths of data are looked for if they are not here.",
            show_default=False,
        ),
    ] = None,
    list_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its default and leave.")
    ] = False,
) -> None:
    """Train a classifier of single characters.

    Settings are put together from the defaults, then --recipe or --config, then these options. What was in effect is
    saved as config.yaml beside the model. Ctrl-C leaves a checkpoint to --resume from.
    """
    from typecase import config
    from typecase.training.settings import TrainClassifierSettings

    if list_settings:
        _print_settings(TrainClassifierSettings)
        return
    if recipe is not None and config_file is not None:
        raise UsageError("Give either --recipe or --config; a recipe's file can be copied and changed.")
    if resume and recipe is None and config_file is None:
        config_file = _saved_settings(out)
    elif recipe is not None:
        from typecase.training.recipes import recipe_path

        config_file = recipe_path(recipe)
    overrides: dict[str, object] = {
        "network.name": network,
        "start-from": start_from,
        "split.by": split_by,
        "loop.epochs": epochs,
        "loop.batch-size": batch_size,
        "optimizer.learning-rate": learning_rate,
        "loop.patience": patience,
        "max-bad": max_bad,
        "loop.seed": seed,
        "loop.precision": precision,
        "loop.accelerator": accelerator,
        "loop.devices": devices,
        "loop.threads": threads,
    }
    overrides |= data_overrides(data or [])
    overrides |= config.parse_assignments(assignments or [])
    settings = _with_root(config.load(TrainClassifierSettings, config_file, overrides), data_root)

    # Imported after the settings are known to be right: PyTorch takes seconds.
    from typecase.training.classifier import train_classifier

    console = output.messages()
    trained = train_classifier(settings, out, resume=resume, console=console)
    if not trained.fitted.finished:
        if trained.main:
            console.print(f"Stopped. Go on with: typecase train classifier --out {out} --resume", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not trained.main:
        return
    if not trained.fitted.steps:
        console.print(f"The training in {out} had come to its end; there is nothing left to do.", soft_wrap=True)
    output.print_result(str(trained.model))


def _saved_settings(folder: Path) -> Path:
    from typecase.training.settings import CONFIG_NAME

    path = folder / CONFIG_NAME
    if not path.exists():
        raise UsageError(f"There is no training to resume in {folder}; start one without --resume.")
    return path


def _with_root(settings: TrainClassifierSettings, root: Path | None) -> TrainClassifierSettings:
    import msgspec

    if root is None:
        return settings
    data: dict[str, Any] = {}
    for name, source in settings.data.items():
        there = root / source.path
        found = not source.path.is_absolute() and not source.path.exists() and there.exists()
        data[name] = msgspec.structs.replace(source, path=there) if found else source
    return msgspec.structs.replace(settings, data=data)


def _print_settings(settings_type: type[TrainClassifierSettings]) -> None:
    from rich.table import Table

    from typecase import config

    table = Table("Setting", "Takes", "Default", "Meaning", box=None, pad_edge=False)
    for setting in config.describe(settings_type):
        default = "required" if setting.required else str(setting.default)
        table.add_row(setting.key, setting.allowed, default, setting.help)
    output.results().print(table)
